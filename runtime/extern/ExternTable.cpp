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
  static const Entry table[] = {WEFT_ENTRY(sort_last),
                                WEFT_ENTRY(topk_last),
                                WEFT_ENTRY(cholesky_ex),
                                WEFT_ENTRY(solve_triangular),
                                WEFT_ENTRY(lu_factor_ex),
                                WEFT_ENTRY(swap_rows),
                                WEFT_ENTRY(ldl_factor_ex),
                                WEFT_ENTRY(ldl_solve),
                                WEFT_ENTRY(svd_ex),
                                WEFT_ENTRY(eigh_ex),
                                WEFT_ENTRY(qr),
                                WEFT_ENTRY(geqrf),
                                WEFT_ENTRY(least_squares),
                                WEFT_ENTRY(eig_ex),
                                WEFT_ENTRY(complex_cholesky_ex),
                                WEFT_ENTRY(complex_lu_factor_ex),
                                WEFT_ENTRY(complex_svd_ex),
                                WEFT_ENTRY(complex_eigh_ex),
                                WEFT_ENTRY(complex_eig_ex),
                                WEFT_ENTRY(complex_qr),
                                WEFT_ENTRY(matrix_exp),
                                WEFT_ENTRY(fft_rows),
                                WEFT_ENTRY(fft_columns),
                                WEFT_ENTRY(fft_real_rows),
                                WEFT_ENTRY(fft_to_real_rows),
                                WEFT_ENTRY(fft_first),
                                WEFT_ENTRY(fft_second)};
#undef WEFT_ENTRY
  for (const Entry &entry : table)
    if (!std::strcmp(entry.name, name))
      return entry.function;
  return {nullptr, nullptr};
}

} // namespace weft
