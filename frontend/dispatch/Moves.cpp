// A result is written part by part: each operand of a concatenation, or what a pad has within its border, is a strided
// copy into the row-major result.
#include "frontend/dispatch/Moves.h"

#include "frontend/dispatch/Dispatch.h"
#include "frontend/dispatch/KnownCalls.h"
#include "frontend/dispatch/Ops.h"
#include "frontend/tensor/StridedCopy.h"

namespace weft {

// Elements of an operand whose rows do not lie in runs are brought into order by a kernel, which copies by tiles.
static Tensor inRuns(const Tensor &t) {
  bool runs = t.dim() == 0 || t.shape().back() == 1 || t.strides().back() == 1;
  return runs ? t : applyKernel(OpKind::Cast, &t, 1, {Attr::dtype(t.dtype())});
}

static void copyInto(void *out, int64_t offset, const Dims &strides, const Tensor &part) {
  Tensor source = inRuns(part);
  int64_t bytes = itemSize(source.dtype());
  copyStrided(source.shape(), source.data(), source.strides(), static_cast<char *>(out) + offset * bytes, strides,
              bytes);
}

static void concatenate(const Tensor *operands, int count, int dim, const Dims &shape, void *out) {
  Dims strides = contiguousStrides(shape);
  int64_t offset = 0;
  for (int k = 0; k < count; ++k) {
    copyInto(out, offset, strides, operands[k]);
    offset += operands[k].shape()[dim] * strides[dim];
  }
}

static void pad(const Tensor &x, const Attrs &attrs, const TensorType &type, Device device, void *out) {
  const Dims &low = attrs[0].ints, &interior = attrs[2].ints;
  double value = attrs[3].f;
  int64_t integer = type.dtype == DType::Bool ? value != 0 : isFloat(type.dtype) ? 0 : int64_t(value);
  Attrs filled{Attr::list(type.shape), Attr::real(value), Attr::integer(integer), Attr::dtype(type.dtype)};
  runKernel(OpKind::Full, nullptr, 0, filled, type, device, out);
  Dims strides = contiguousStrides(type.shape);
  int64_t offset = 0;
  for (int i = 0; i < strides.size(); ++i) {
    offset += low[i] * strides[i];
    strides[i] *= interior[i] + 1;
  }
  copyInto(out, offset, strides, x);
}

bool runMove(OpKind op, const Tensor *operands, int count, const Attrs &attrs, const TensorType &type, Device device,
             void *out) {
  // Named: each is moved in a way of its own.
  if (op == OpKind::Reshape) { // the elements in their order
    TensorType same{type.dtype, operands[0].shape()};
    runKernel(OpKind::Cast, operands, 1, {Attr::dtype(type.dtype)}, same, device, out);
    return true;
  }
  if (op == OpKind::Iota && type.shape.size() > 1) { // a line, repeated
    Dims line(type.shape.size(), 1);
    line[int(attrs[1].i)] = type.shape[int(attrs[1].i)];
    Tensor positions = applyCreation(op, {Attr::list({line[int(attrs[1].i)]}), Attr::integer(0), attrs[2]}, device);
    Tensor repeated = expand(reshape(positions, line), type.shape);
    runKernel(OpKind::Cast, &repeated, 1, {attrs[2]}, type, device, out);
    return true;
  }
  if (!device.isCpu() || (op != OpKind::Concatenate && op != OpKind::Pad))
    return false;
  CallRecorder::noteOther();
  if (op == OpKind::Concatenate)
    concatenate(operands, count, int(attrs[0].i), type.shape, out);
  else
    pad(operands[0], attrs, type, device, out);
  return true;
}

} // namespace weft
