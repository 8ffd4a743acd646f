// Kernels of ops that are not elementwise. Sizes and strides are symbols where the op's record allows it, so that one
// kernel serves all; what often comes with the same ones gets a kernel that knows them, made in the background.
#pragma once
#include "frontend/dispatch/EagerKernel.h"

namespace weft {

// `results` is the shape of the result.
void runStructured(const EagerCall &call, const Dims &results);

} // namespace weft
