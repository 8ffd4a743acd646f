// Whether what lies in a folder can only have been put there by this user: its machine code will be run.
#pragma once
#include <string>

namespace weft {

// Why another user might have: "'/tmp/x' belongs to user 1001". Empty: none could. Looks at the folder and, as whoever
// may rename a folder on the way can put another in its place, at all above it. `folder` is a real path.
std::string whyNotOwn(const std::string &folder);

} // namespace weft
