// Work that nobody waits for: one piece after the other, on a thread that lives while there is some.
#pragma once
#include <functional>

namespace weft {

// `work` must not throw. It is finished before the process ends or forks.
void runInBackground(std::function<void()> work);
// Until there is none left.
void waitForBackground();

} // namespace weft
