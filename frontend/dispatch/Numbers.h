// Python numbers as operands: how a dtype holds them, and what an op makes of one that an integer dtype does not hold.
#pragma once
#include "frontend/dispatch/Ops.h"

namespace weft {

// One element of a dtype, rounded once. Throws where the dtype cannot hold the number.
void storeNumber(const Tensor &number, DType dtype, void *memory);
// A number as a 0-d tensor of a dtype; a constant in traces. Throws where the dtype cannot hold it.
Tensor constantOf(const Tensor &number, DType dtype, Device device);

// Operands that are numbers, beside tensors of an integer dtype that does not hold them (300 or 2.5 beside int8, -1
// beside uint8). Comparisons become others with the mathematical result, sums, products and bitwise ops take the number
// modulo 2^bits, in which they are computed, and bounds of a clamp become the dtype's; a bool to the power of one is a
// bool. True: `op` and `fitted` are to be used instead. A number that fits nowhere is left for storeNumber() to refuse.
bool fitNumbers(OpKind &op, const Tensor *operands, int count, Tensor (&fitted)[3]);

// A 0-d tensor of a wider integer dtype within the bounds of `dtype`: the same operand for maximum, minimum and clamp.
Tensor limited(const Tensor &t, DType dtype);

} // namespace weft
