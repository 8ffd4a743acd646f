// Operations that write to their first operand. Contiguous memory is written by the kernel; other layouts take the result by a
// strided copy. Operands that overlap the memory otherwise than being it are copied first.
#include "frontend/Autograd.h"
#include "frontend/Dispatch.h"
#include "frontend/Ops.h"
#include "frontend/Promotion.h"
#include "frontend/Trace.h"

namespace weft {

using Kind = UserError::Kind;

// A result type category may not be lowered by writing it: float into int, anything into bool.
static void checkCast(const char *op, DType result, DType target) {
  bool lowered = (isFloat(result) && !isFloat(target)) || (result != DType::Bool && target == DType::Bool);
  if (lowered)
    fail(Kind::Runtime, op,
         std::string("result type ") + name(result) + " can't be cast to the desired output type " + name(target));
}

static void strided(const Tensor &source, const Tensor &target) {
  if (target.device().isCpu())
    return copyStrided(source, target);
  // The part of memory that the view spans goes to the host and back.
  const Ref<Storage> &storage = target.impl->storage;
  Ref<Storage> host = Storage::allocate({}, storage->bytes);
  copyMemory(host->memory, {}, storage->data(), storage->device, size_t(storage->bytes));
  Tensor window = aliasOf(target, target.shape(), target.strides(), target.offset());
  window.impl->storage = host;
  copyStrided(source.to(Device()), window);
  copyMemory(storage->data(), storage->device, host->memory, {}, size_t(storage->bytes));
}

void storeInto(const Tensor &target, const Tensor &value) {
  GradMode off(false);
  Tensor source = mayOverlap(target, value) ? applyKernel(OpKind::Cast, &value, 1, {Attr::dtype(value.dtype())}) : value;
  if (target.isContiguous() && source.isContiguous() && source.device() == target.device())
    copyMemory(target.data(), target.device(), source.data(), source.device(),
               size_t(target.numel() * itemSize(target.dtype())));
  else if (target.isContiguous() && source.device() == target.device())
    runKernel(OpKind::Cast, &source, 1, {Attr::dtype(target.dtype())}, target.type(), target.device(), target.data());
  else
    strided(source.to(Device()), target);
}

// The value into the target: in a trace the storage's new value, else memory.
static void write(const Tensor &target, const Tensor &value) {
  if (Trace *trace = Trace::active()) {
    if (trace->rebind(target, value))
      return;
    trace->flush("in-place write to a part of a tensor");
    Trace::Pause pause;
    storeInto(target, value);
  } else {
    storeInto(target, value);
  }
  ++target.impl->storage->version;
}

// An elementwise op whose kernel can write where operand 0 lies.
static bool runInTarget(OpKind op, const Tensor *operands, int count, const Attrs &attrs) {
  const Tensor &target = operands[0];
  if (Trace::active() || info(op).family != OpFamily::Elementwise || count > 4 || !target.isContiguous() ||
      elementwiseRule(op).promoted != (1u << count) - 1)
    return false;
  Tensor ready[4];
  TensorType types[4];
  for (int i = 0; i < count; ++i) {
    ready[i] = operands[i];
    if (ready[i].impl->wrappedNumber) {
      if (isFloat(ready[i].dtype()) && !isFloat(target.dtype()))
        return false;
      ready[i] = constantOf(ready[i], target.dtype(), target.device());
    }
    if (ready[i].dtype() != target.dtype() || ready[i].device() != target.device() ||
        ready[i].dim() > target.dim())
      return false;
    if (ready[i].shape() != target.shape())
      ready[i] = expand(ready[i], target.shape());
    if (i > 0 && mayOverlap(ready[i], target))
      ready[i] = applyKernel(OpKind::Cast, &ready[i], 1, {Attr::dtype(target.dtype())});
    types[i] = ready[i].type();
  }
  if (inferType(op, types, count, attrs) != target.type())
    return false;
  runKernel(op, ready, count, attrs, target.type(), target.device(), target.data(), 0);
  ++target.impl->storage->version;
  return true;
}

// After `target` was written: it is now what `result` is on the tape.
static void takeHistory(const Tensor &target, const Tensor &result) {
  if (!result.requiresGrad())
    return;
  TapeNode *node = tapeNode(*result.impl);
  target.impl->requiresGrad = true;
  Ref<TapeNode> kept(node);
  if (result.impl->autograd && result.impl->autograd->node)
    result.impl->autograd->setNode({});
  // No cycle: the node must not hold the tensor that holds it.
  for (TapeOperand &operand : kept->operands)
    if (operand.saved.impl == target.impl)
      operand.saved.impl = aliasOf(target, target.shape(), target.strides(), target.offset()).impl;
  autogradMeta(*target.impl).setNode(std::move(kept));
}

static bool needsTape(const Tensor *operands, int count) {
  if (!gradEnabled())
    return false;
  for (int i = 0; i < count; ++i)
    if (operands[i].defined() && operands[i].requiresGrad())
      return true;
  return false;
}

static void checkViewOnTape(const char *op, const Tensor &target) {
  if (target.impl->autograd && target.impl->autograd->base)
    fail(Kind::NotImplemented, op,
         "an in-place operation on a view of a tensor that requires grad; got " + toString(target.type()) +
             "; assign to the base by index (base[...] = value), or use the out-of-place operation");
}

Tensor callInPlace(OpKind op, const Tensor *operands, int count, const Attrs &attrs) {
  const Tensor &target = operands[0];
  const char *name = info(op).name;
  checkInPlace(name, target);
  bool taped = needsTape(operands, count);
  if (!taped) {
    if (runInTarget(op, operands, count, attrs))
      return target;
  } else {
    checkViewOnTape(name, target);
  }
  Tensor result = call(op, operands, count, attrs);
  if (result.shape() != target.shape())
    fail(Kind::Runtime, name,
         "output with shape " + toString(target.shape()) + " doesn't match the broadcast shape " +
             toString(result.shape()) + "; the in-place form cannot change a tensor's shape");
  checkCast(name, result.dtype(), target.dtype());
  Tensor value = result.to(target.dtype());
  write(target, value);
  if (taped)
    takeHistory(target, value);
  return target;
}

Tensor copy_(const Tensor &target, const Tensor &source) {
  checkInPlace("copy_", target);
  bool taped = needsTape(&source, 1) || (gradEnabled() && target.requiresGrad());
  if (taped)
    checkViewOnTape("copy_", target);
  Tensor value = source;
  if (value.impl->wrappedNumber)
    value = constantOf(value, target.dtype(), target.device());
  if (value.dim() > target.dim())
    fail(Kind::Runtime, "copy_",
         "The expanded size must match: cannot copy shape " + toString(value.shape()) + " into shape " +
             toString(target.shape()));
  if (value.shape() != target.shape())
    value = expand(value, target.shape());
  value = value.to(target.dtype()).to(target.device());
  if (taped && value.impl == source.impl)
    value = source.clone(); // a node of the copy's own
  write(target, value);
  if (taped && value.requiresGrad())
    takeHistory(target, value);
  else if (taped && tapeNode(*target.impl)) { // overwritten by a constant
    target.impl->requiresGrad = false;
    target.impl->autograd->setNode({});
  }
  return target;
}

Tensor fill_(const Tensor &t, const Tensor &value) {
  if (!value.impl->wrappedNumber && value.dim() != 0)
    fail(Kind::Runtime, "fill_", "fill_ only supports 0-dimension value tensor but got tensor with " +
                                     std::to_string(value.dim()) + " dimensions.");
  return copy_(t, value);
}

Tensor zero_(const Tensor &t) { return copy_(t, Tensor::wrapped(int64_t(0))); }

// base with the view's elements replaced, as ops of the table: for the tape.
static Tensor replaced(const Tensor &base, const Tensor &view, const Tensor &value) {
  if (!base.isContiguous())
    fail(Kind::NotImplemented, "setitem", "writing under grad mode to a part of a tensor that is not contiguous; got strides " +
                                              toString(base.strides()) + "; call contiguous() first");
  int64_t numel = base.numel(), part = view.numel();
  // Where the view's elements lie in base, and which of base's elements stay.
  Tensor lines = Tensor::empty({numel}, DType::Int64), mask = Tensor::empty({numel}, DType::Bool);
  Tensor positions = Tensor::empty({part}, DType::Int64);
  int64_t *line = static_cast<int64_t *>(lines.impl->storage->memory);
  int64_t *at = static_cast<int64_t *>(positions.impl->storage->memory);
  bool *covered = static_cast<bool *>(mask.impl->storage->memory);
  for (int64_t i = 0; i < numel; ++i) {
    line[i] = i;
    covered[i] = false;
  }
  copyStrided(aliasOf(lines, view.shape(), view.strides(), view.offset() - base.offset()),
              aliasOf(positions, view.shape(), contiguousStrides(view.shape()), 0));
  for (int64_t i = 0; i < part; ++i)
    covered[at[i]] = true;
  Tensor kept = call(OpKind::Where, {mask.to(base.device()), Tensor::wrapped(0.0), reshape(base, {numel})});
  Tensor filled = apply(OpKind::ScatterAdd, {kept, positions.to(base.device()), reshape(value, {part})}, {Attr::integer(0)});
  return reshape(filled, base.shape());
}

void assign(const Tensor &base, const Tensor &view, const Tensor &value) {
  checkInPlace("setitem", base);
  Tensor both[2] = {base, value};
  if (!needsTape(both, 2)) {
    copy_(view, value);
    return;
  }
  checkViewOnTape("setitem", base);
  Tensor source = value.impl->wrappedNumber ? constantOf(value, base.dtype(), base.device()) : value.to(base.dtype());
  if (source.dim() > view.dim())
    source = reshape(source, Dims(source.shape().begin() + (source.dim() - view.dim()), source.shape().end()));
  source = expand(source, view.shape());
  if (view.numel() == 0)
    return;
  Tensor whole = replaced(base, view, source);
  write(base, whole);
  takeHistory(base, whole);
}

} // namespace weft
