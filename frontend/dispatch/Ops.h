// Operations on tensors. Three levels:
//   call()   what a user calls: negative dims, Python numbers, promotion and broadcasting as PyTorch's, then apply();
//   apply()  one op of the table on operands that fit its record exactly: shapes, dtypes; this is what backward() and
//   the rest of
//            the front end use, what the tape and a trace record, and what runs the kernel;
//   views    no kernel: a new Tensor on the same storage; tape and trace record them as reshape, permute, expand,
//   slice.
#pragma once
#include "frontend/tensor/Tensor.h"

#include <vector>

namespace weft {

// An op by its record. Attributes are in the record's order. `dim`, `dims` and such may be negative; operands may be
// wrapped numbers. Throws UserError before anything is written.
Tensor call(OpKind op, const Tensor *operands, int count, const Attrs &attrs = {});
Tensor apply(OpKind op, const Tensor *operands, int count, const Attrs &attrs = {});
inline Tensor call(OpKind op, std::initializer_list<Tensor> operands, const Attrs &attrs = {}) {
  return call(op, operands.begin(), int(operands.size()), attrs);
}
inline Tensor apply(OpKind op, std::initializer_list<Tensor> operands, const Attrs &attrs = {}) {
  return apply(op, operands.begin(), int(operands.size()), attrs);
}
// operands[0] = op(operands...), in operands[0]'s memory: add_(x, y) is callInPlace(Add, {x, y}). The result must have
// the shape of operands[0] and a dtype that converts to its dtype as PyTorch allows.
// The same for all results of an op that may have several.
std::vector<Tensor> callAll(OpKind op, const Tensor *operands, int count, const Attrs &attrs = {});
std::vector<Tensor> applyAll(OpKind op, const Tensor *operands, int count, const Attrs &attrs = {});
Tensor callInPlace(OpKind op, const Tensor *operands, int count, const Attrs &attrs = {});
inline Tensor callInPlace(OpKind op, std::initializer_list<Tensor> operands, const Attrs &attrs = {}) {
  return callInPlace(op, operands.begin(), int(operands.size()), attrs);
}

// ---- Views. Sizes may hold one -1; dims may be negative; errors are PyTorch's.
Tensor view(const Tensor &t, const Dims &shape); // error where the strides do not allow it
// The same bytes as elements of another dtype; those of the last dimension make larger or smaller ones. No gradient
// flows through it, but for the same dtype.
Tensor viewAsDType(const Tensor &t, DType dtype);
Tensor reshape(const Tensor &t, const Dims &shape); // a view where possible, else a copy
Tensor permute(const Tensor &t, const Dims &order);
Tensor transpose(const Tensor &t, int dim0, int dim1);
Tensor expand(const Tensor &t, const Dims &shape);                                     // -1 keeps a size
Tensor slice(const Tensor &t, int dim, int64_t start, int64_t stop, int64_t step = 1); // clamps as Python; step >= 1
Tensor narrow(const Tensor &t, int dim, int64_t start, int64_t length);
Tensor select(const Tensor &t, int dim, int64_t index);
Tensor unsqueeze(const Tensor &t, int dim);
Tensor squeeze(const Tensor &t);
Tensor squeeze(const Tensor &t, int dim);
Tensor squeeze(const Tensor &t, const Dims &dims); // those of them that have size 1
Tensor flatten(const Tensor &t, int startDim = 0, int endDim = -1);
std::vector<Tensor> split(const Tensor &t, int64_t size, int dim = 0);
std::vector<Tensor> split(const Tensor &t, const std::vector<int64_t> &sizes, int dim = 0);
std::vector<Tensor> chunk(const Tensor &t, int64_t chunks, int dim = 0);
// Any strides on the tensor's memory, in which all elements must lie. Strides are not negative; offset: from the
// memory's begin. Gradients flow to the part of the memory that is the base's.
Tensor asStrided(const Tensor &t, const Dims &shape, const Dims &strides, int64_t offset);
// How the dimensions lie in memory: in their own order; or the second of four or five last.
enum class MemoryFormat : uint8_t { Preserve, Contiguous, ChannelsLast, ChannelsLast3d };
bool isInFormat(const Tensor &t, MemoryFormat format);
// Itself where it lies so, else a copy.
Tensor inFormat(const char *op, const Tensor &t, MemoryFormat format);
// A complex tensor as the real one of its pairs, with a last axis of 2, and back; parts of it. Views.
Tensor viewAsReal(const Tensor &t);
Tensor viewAsComplex(const Tensor &t);
Tensor real(const Tensor &t);
Tensor imaginary(const Tensor &t);
Tensor complexFromParts(const Tensor &real, const Tensor &imaginary); // of one shape and dtype
std::vector<Tensor> broadcastTensors(const std::vector<Tensor> &tensors);
// The shape of a result on these shapes; throws as PyTorch does.
Dims broadcastShapes(const char *op, const Dims &a, const Dims &b);
// The axis from 0 that `dim`, which may count from the end, is of the shape; throws as PyTorch does. Of a 0-d tensor
// normaliseDim gives 0 and axisOf throws.
int normaliseDim(const char *op, int64_t dim, const Dims &shape);
int axisOf(const char *op, int64_t dim, const Dims &shape);

// Gives `out`, which takes the result's sizes, its elements.
void writeOut(const char *op, const Tensor &out, const Tensor &result);
// The tensor becomes `view`, which is one of it.
void becomeView(const char *op, const Tensor &t, const Tensor &view);

// ---- In place; all return t.
// Broadcasts and converts. mayReturnEarly: as in copyMemory().
Tensor copy_(const Tensor &t, const Tensor &source, bool mayReturnEarly = false);
Tensor fill_(const Tensor &t, const Tensor &value); // a number or a 0-d tensor
Tensor zero_(const Tensor &t);
// `value`, a number or a 0-d tensor, in x's dtype where `mask` holds, else x.
Tensor maskedFill(const Tensor &x, const Tensor &mask, const Tensor &value);
// base[...] = value, where `view` is the part of base that the index names; base gets the history.
void assign(const Tensor &base, const Tensor &view, const Tensor &value);

// ---- Making tensors from ops; `full` is a constant in a trace.
Tensor full(const Dims &shape, const Tensor &value, DType dtype, Device device = {});
Tensor arange(double start, double stop, double step, DType dtype, Device device = {});
// Integers that no double need hold.
Tensor arangeOfIntegers(int64_t start, int64_t stop, int64_t step, DType dtype, Device device = {});
Tensor randint(int64_t low, int64_t high, const Dims &shape, DType dtype, Device device = {}); // in [low, high)
Tensor rand(const Dims &shape, DType dtype, Device device = {});
Tensor randn(const Dims &shape, DType dtype, Device device = {});
Tensor dropout(const Tensor &x, double p); // as in training

// torch.result_type for two operands that may be wrapped numbers or 0-d tensors.
DType resultType(const Tensor &a, const Tensor &b);

// Python's default floating-point dtype for promotions from integers and for numbers: float32 unless set.
DType defaultDType();
void setDefaultDType(DType dtype);
// Where Python makes tensors for which no device is named; a thread's own. The CPU unless set.
Device defaultDevice();
void setDefaultDevice(Device device);

} // namespace weft
