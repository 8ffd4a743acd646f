// The functions of runtime/extern by their names, for programs that were compiled without them.
#pragma once
#include "runtime/Executable.h"

namespace weft {

// Null functions where there is none of the name.
ExternFunction findExtern(const char *name);

} // namespace weft
