// What PyTorch does to operands before an op sees them: dtype promotion, with Python numbers by their category;
// broadcasting.
#pragma once
#include "frontend/dispatch/Ops.h"

namespace weft {

// How an elementwise op treats dtypes, found by asking its shape rule.
struct ElementwiseRule {
  uint32_t promoted = 0;    // bit i: operand i takes part in promotion; the others are converted to bool
  bool floatOnly = false;   // integers and bools become the default float dtype
  bool boolOnly = false;    // every operand becomes bool
  bool wideNumbers = false; // beside 16-bit floats numbers and 0-d tensors of other dtypes become float32
};
const ElementwiseRule &elementwiseRule(OpKind op);
// Whether an operand, a number or a 0-d tensor beside tensors of dtype `common`, takes part as float32.
bool takesWideNumber(OpKind op, const Tensor &operand, DType common);

// What operands, which may be numbers, promote to.
DType commonDType(const Tensor *operands, int count);
// Where they are to be: 0-d tensors on the CPU and numbers join the others.
Device deviceOf(const Tensor *operands, int count);
// The tensor, or constant of a number, in that dtype there.
Tensor convert(const Tensor &t, DType dtype, Device device);
// Negative dims counted from the end; reductions' dims sorted, and all of them where none is given. False where nothing
// changes, and `result` is not set.
bool normaliseAttrs(OpKind op, const Tensor *operands, int count, const Attrs &attrs, Attrs &result);

// Raising to a power that is a number is, where one op does it in one rounding, that op, as in PyTorch: x * x, the
// square root, 1 / x. It has the first operand alone then, and `count` becomes 1.
// Throws where an integer is raised to a negative number, which has no integer result.
OpKind simplerPower(OpKind op, const Tensor *operands, int &count);
// Throws for a subtraction with a bool: promotion would make numbers of it.
void refuseBoolDifference(OpKind op, const Tensor *operands, int count);

} // namespace weft
