// What CUDA programs begin with: the functions that printed kernels call.
#pragma once

namespace weft::cuda {

extern const char *const kPrelude;    // always
extern const char *const kReductions; // of programs with a kernel.reduce
extern const char *const kProducts;   // of programs with a kernel.contract

} // namespace weft::cuda
