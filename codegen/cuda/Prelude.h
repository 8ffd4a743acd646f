// What every CUDA program begins with: the functions that printed kernels call.
#pragma once

namespace weft::cuda {

extern const char *const kPrelude;

} // namespace weft::cuda
