#include "runtime/extern/ExternTable.h"

#include "runtime/extern/Extern.h"

#include <cstring>

namespace weft {

ExternFunction findExtern(const char *name) {
  struct Entry {
    const char *name;
    ExternFunction function;
  };
#define WEFT_ENTRY(name)                                                                                               \
  {                                                                                                                    \
    "weft_extern_" #name, { weft_extern_##name, weft_extern_##name##_workspace }                                       \
  }
  static const Entry table[] = {WEFT_ENTRY(sort_last), WEFT_ENTRY(cholesky_ex), WEFT_ENTRY(solve_triangular),
                                WEFT_ENTRY(svd),       WEFT_ENTRY(eigh),        WEFT_ENTRY(qr)};
#undef WEFT_ENTRY
  for (const Entry &entry : table)
    if (!std::strcmp(entry.name, name))
      return entry.function;
  return {nullptr, nullptr};
}

} // namespace weft
