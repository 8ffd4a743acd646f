// Operations that write to their first operand. Contiguous memory is written by the kernel; other layouts take the
// result by a strided copy. Operands that overlap the memory otherwise than being it are copied first.
#include "frontend/autograd/Autograd.h"
#include "frontend/dispatch/Complex.h"
#include "frontend/dispatch/Dispatch.h"
#include "frontend/dispatch/Numbers.h"
#include "frontend/dispatch/OperandCheck.h"
#include "frontend/dispatch/Ops.h"
#include "frontend/dispatch/Parts.h"
#include "frontend/dispatch/Promotion.h"
#include "frontend/tensor/Snapshot.h"
#include "frontend/tensor/StridedCopy.h"
#include "frontend/trace/Trace.h"
#include "runtime/BlockingRegion.h"
#include "runtime/cuda/Copy.h"

namespace weft {

using Kind = UserError::Kind;

// Whether a dtype is of a category above the target's: complex above float, float above int, int above bool.
static bool isAbove(DType dtype, DType target) {
  return (isComplex(dtype) && !isComplex(target)) || (isFloat(dtype) && !isFloat(target) && !isComplex(target)) ||
         (dtype != DType::Bool && target == DType::Bool);
}

// A result type category may not be lowered by writing it.
static void checkCast(const char *op, DType result, DType target) {
  if (isAbove(result, target))
    fail(Kind::Runtime, op,
         std::string("result type ") + name(result) + " can't be cast to the desired output type " + name(target));
}

// On a GPU, where that is more than some copies of rows, all of the memory is made anew, as in a trace, and takes the
// place of the old.
static void strided(const Tensor &source, const Tensor &target) {
  if (target.device().isCpu())
    return copyStrided(source, target);
  if (target.numel() == 0)
    return;
  std::vector<cuda::CopiedAxis> axes;
  const int64_t item = itemSize(target.dtype());
  for (int i = 0; i < target.dim(); ++i)
    axes.push_back({target.shape()[i], target.strides()[i] * item, source.strides()[i] * item});
  if (cuda::copyStrided(target.data(), source.data(), target.device().index, std::move(axes), item))
    return;
  Trace::Pause pause;
  Tensor flat = aliasOf(target, {target.impl->storage->bytes / itemSize(target.dtype())}, {1}, 0);
  Tensor changed = withPart(flat, target, source).contiguous();
  copyMemory(flat.data(), flat.device(), changed.data(), flat.device(), size_t(flat.numel() * itemSize(flat.dtype())));
}

void storeInto(const Tensor &givenTarget, const Tensor &givenValue) {
  GradMode off(false);
  Snapshot now[2] = {{&givenTarget, 1}, {&givenValue, 1}};
  const Tensor &target = *now[0].data(), &value = *now[1].data();
  Tensor source =
      mayOverlap(target, value) ? applyKernel(OpKind::Cast, &value, 1, {Attr::dtype(value.dtype())}) : value;
  bool dense = target.isContiguous() && source.isContiguous() && source.device() == target.device();
  if (source.dtype() != target.dtype() || (dense ? source.numel() != target.numel() : source.shape() != target.shape()))
    failChanged("in-place");
  Uninterrupted whole;
  if (dense)
    copyMemory(target.data(), target.device(), source.data(), source.device(),
               size_t(target.numel() * itemSize(target.dtype())));
  else if (target.isContiguous() && source.device() == target.device())
    runKernel(OpKind::Cast, &source, 1, {Attr::dtype(target.dtype())}, target.type(), target.device(), target.data());
  else
    strided(source.to(target.device()), target);
}

// The value into the target: in a trace the storage's new value, else memory.
static void write(const Tensor &target, const Tensor &value) {
  Trace *trace = Trace::active();
  if (!trace) {
    Snapshot place(&target, 1);
    storeInto(*place.data(), value);
    ++place.data()->impl->storage->version;
    return;
  }
  if (trace->rebind(target, value))
    return;
  // A part of its storage: the storage as a whole gets a value in which that part is replaced.
  int64_t total = target.impl->storage->bytes / itemSize(target.dtype());
  Tensor whole = aliasOf(target, {total}, {1}, 0);
  GradMode mode(trace->isFunction() && gradEnabled()); // of a function it says which ops the gradient goes through
  if (total * itemSize(target.dtype()) != target.impl->storage->bytes ||
      !trace->rebind(whole, withPart(whole, target, value))) {
    trace->flush("an in-place write to a part of a tensor on another device");
    Trace::Pause pause;
    storeInto(target, value);
    ++target.impl->storage->version;
  }
}

// An elementwise op whose kernel can write where operand 0 lies.
static bool runInTarget(OpKind op, const Tensor *operands, int count, const Attrs &attrs) {
  const Tensor &target = operands[0];
  if (Trace::active() || info(op).family != OpFamily::Elementwise || count > 4 || !target.isContiguous() ||
      elementwiseRule(op).promoted != (1u << count) - 1)
    return false;
  settle(operands, count);
  Tensor ready[4];
  TensorType types[4];
  bool overlap = false;
  for (int i = 0; i < count; ++i) {
    ready[i] = operands[i];
    if (ready[i].impl->wrappedNumber) {
      if (isAbove(ready[i].dtype(), target.dtype()))
        return false; // promotion makes the result another's category
      bool wide = takesWideNumber(op, operands[i], target.dtype());
      ready[i] = constantOf(ready[i], wide ? DType::Float32 : target.dtype(), target.device());
    }
    bool fits = ready[i].dtype() == target.dtype() ||
                (ready[i].dtype() == DType::Float32 && takesWideNumber(op, ready[i], target.dtype()));
    if (!fits || ready[i].device() != target.device() || ready[i].dim() > target.dim())
      return false;
    if (ready[i].shape() != target.shape())
      ready[i] = expand(ready[i], target.shape());
    overlap |= i > 0 && mayOverlap(ready[i], target);
    types[i] = ready[i].type();
  }
  if (inferType(op, types, count, attrs) != target.type())
    return false;
  if (overlap || traits(op).check) { // more than one thing runs, and between them the operands stay what they are
    Snapshot now(ready, count);
    std::copy_n(now.data(), count, ready);
    for (int i = 1; i < count; ++i)
      if (mayOverlap(ready[i], ready[0]))
        ready[i] = applyKernel(OpKind::Cast, &ready[i], 1, {Attr::dtype(types[0].dtype)});
    checkOperands(op, ready, attrs);
  }
  Ref<Storage> storage = ready[0].impl->storage;
  Uninterrupted whole;
  runKernel(op, ready, count, attrs, types[0], storage->device, ready[0].data(), 0);
  ++storage->version;
  return true;
}

// After `target` was written: it is now what `result` is on the tape.
static void takeHistory(const Tensor &target, const Tensor &result) {
  if (!result.requiresGrad())
    return;
  if (Trace *trace = Trace::active())
    trace->noteHistory(target);
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

// Before `target` is written: where the derivative of what made `result` reads it, it gets a copy.
static void keepFormerValue(const Tensor &target, const Tensor &result) {
  TapeNode *node = tapeNode(*result.impl);
  if (!node)
    return;
  GradMode off(false);
  for (TapeOperand &operand : node->operands)
    if (operand.saved.impl == target.impl) {
      Tensor former = target.clone();
      operand.saved = {former.impl, former.version()};
    }
}

bool needsTape(const char *op, const Tensor &target, const Tensor *operands, int count) {
  if (!gradEnabled())
    return false;
  const TensorImpl *base = target.impl->currentBase();
  bool needed = target.requiresGrad() || (base && base->requiresGrad);
  for (int i = 0; i < count && !needed; ++i)
    needed = operands[i].defined() && operands[i].requiresGrad();
  if (target.impl->noGradView && (needed || target.impl->viewsRequiring))
    fail(Kind::Runtime, op,
         "A view was created in no_grad mode and is being modified inplace with grad mode enabled; got " +
             toString(target.type()) +
             ". Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by "
             "moving both the view and the inplace either both inside the no_grad block (if you don't want the inplace "
             "to be tracked) or both outside (if you want the inplace to be tracked).");
  return needed;
}

static uint64_t orderOf(const TensorImpl &impl) { return tapeNode(impl) ? tapeNode(impl)->order : 0; }

static Tensor flattened(const Tensor &base) {
  if (!base.isContiguous())
    fail(Kind::NotImplemented, "in-place",
         "writing under grad mode to a view of a tensor that is not contiguous; got base strides " +
             toString(base.strides()) + "; call contiguous() on the base first");
  return reshape(base, {base.numel()});
}

// `value`, with its history, becomes the target's; of a view, also its base's.
static void writeOnTape(const Tensor &target, const Tensor &value) {
  Tensor base{Ref<TensorImpl>(target.impl->currentBase())};
  if (!base.defined()) {
    write(target, value);
    return takeHistory(target, value);
  }
  Tensor whole = reshape(withPart(flattened(base), target, value), base.shape());
  write(target, value);
  takeHistory(base, whole);
  refreshHistory(target);
}

void refreshHistory(const Tensor &view) {
  Tensor base{Ref<TensorImpl>(view.impl->currentBase())};
  if (!base.defined())
    return;
  uint64_t order = orderOf(*base.impl);
  if (order == view.impl->baseOrder || !gradEnabled())
    return;
  view.impl->baseOrder = order; // first: what follows looks at views again
  Tensor fresh = partOf(flattened(base), view);
  if (fresh.requiresGrad())
    takeHistory(view, fresh);
}

void writeOut(const char *op, const Tensor &out, const Tensor &result) {
  if (gradEnabled() && (out.requiresGrad() || result.requiresGrad()))
    fail(Kind::Runtime, op,
         "functions with out=... arguments don't support automatic differentiation, but one of the arguments requires "
         "grad; leave out away, or call it under no_grad()");
  checkCast(op, result.dtype(), out.dtype());
  if (out.shape() != result.shape())
    resize_(out, result.shape());
  copy_(out, result);
}

void becomeView(const char *op, const Tensor &t, const Tensor &view) {
  if (isComplex(t.dtype())) {
    becomeView(op, t.pairs(), view.pairs());
    t.impl->shape = view.shape();
    t.impl->strides = view.strides();
    t.impl->offset = view.offset();
    return;
  }
  if (gradEnabled() && t.requiresGrad() && t.isLeaf())
    checkInPlace(op, t);
  if (Trace *trace = Trace::active())
    trace->flush("it changes a tensor's shape in place");
  t.impl->shape = view.shape();
  t.impl->strides = view.strides();
  t.impl->offset = view.offset();
  ++t.impl->storage->version; // what the tape keeps of it had another shape
  takeHistory(t, view);
}

static void checkShape(const char *op, const Tensor &target, const Tensor &result) {
  if (result.shape() != target.shape())
    fail(Kind::Runtime, op,
         "output with shape " + toString(target.shape()) + " doesn't match the broadcast shape " +
             toString(result.shape()) + "; the in-place form cannot change a tensor's shape");
}

// The result of an op on `operands`, of which some are complex, into the target.
static void putComplex(const char *op, const Tensor &target, const Tensor &result, const Tensor *operands, int count) {
  Tensor place = target.pairs(), value = result.to(target.dtype()).pairs();
  if (!needsTape(op, place, operands, count))
    return write(place, value);
  keepFormerValue(place, result.pairs());
  writeOnTape(place, value);
}

Tensor callInPlace(OpKind op, const Tensor *operands, int count, const Attrs &attrs) {
  const Tensor &target = operands[0];
  const char *name = info(op).name;
  checkInPlace(name, target);
  refuseBoolDifference(op, operands, count);
  op = simplerPower(op, operands, count);
  if (anyComplex(operands, count)) {
    Tensor result = call(op, operands, count, attrs);
    checkCast(name, result.dtype(), target.dtype());
    checkShape(name, target, result);
    putComplex(name, target, result, operands, count);
    return target;
  }
  Tensor fitted[3];
  if (fitNumbers(op, operands, count, fitted))
    operands = fitted;
  bool taped = needsTape(name, target, operands, count);
  if (!taped && runInTarget(op, operands, count, attrs))
    return target;
  Tensor result = call(op, operands, count, attrs);
  checkShape(name, target, result);
  checkCast(name, result.dtype(), target.dtype());
  if (taped)
    keepFormerValue(target, result);
  Tensor value = result.to(target.dtype());
  taped ? writeOnTape(target, value) : write(target, value);
  return target;
}

// All of the target from another device, in one copy; gives whether that was it.
static bool copyFromDevice(const Tensor &givenTarget, const Tensor &givenValue, bool mayReturnEarly) {
  if (Trace::active() || givenTarget.device() == givenValue.device() || !givenTarget.isContiguous())
    return false;
  Tensor dense = givenValue.contiguous();
  Snapshot now[2] = {{&givenTarget, 1}, {&dense, 1}};
  const Tensor &target = *now[0].data(), &value = *now[1].data();
  if (!target.isContiguous() || target.shape() != value.shape() || target.dtype() != value.dtype())
    failChanged("copy_");
  Uninterrupted whole;
  copyMemory(target.data(), target.device(), value.data(), value.device(),
             size_t(target.numel() * itemSize(target.dtype())), mayReturnEarly);
  ++target.impl->storage->version;
  return true;
}

Tensor copy_(const Tensor &target, const Tensor &source, bool mayReturnEarly) {
  if (isComplex(target.dtype())) {
    Tensor value = convert(source, target.dtype(), target.device());
    copy_(target.pairs(), (value.dim() < target.dim() ? expand(value, target.shape()) : value).pairs(), mayReturnEarly);
    return target;
  }
  checkInPlace("copy_", target);
  bool taped = needsTape("copy_", target, &source, 1);
  Tensor value = source;
  if (value.impl->wrappedNumber)
    value = constantOf(value, target.dtype(), target.device());
  if (value.shape() != target.shape()) {
    if (broadcastShapes("copy_", target.shape(), value.shape()) != target.shape())
      fail(Kind::Runtime, "copy_",
           "cannot write shape " + toString(value.shape()) + " to a tensor of shape " + toString(target.shape()) +
               "; the source must broadcast to the target's shape");
    value = expand(value, target.shape());
  }
  value = value.to(target.dtype());
  if (!taped && copyFromDevice(target, value, mayReturnEarly))
    return target;
  value = value.to(target.device());
  if (!taped) {
    write(target, value);
    return target;
  }
  if (!value.requiresGrad() && !target.impl->currentBase()) {
    // Overwritten by a constant, it keeps a history, as in PyTorch: what it was made of gets gradients of zero.
    Tensor never = expand(constantOf(Tensor::wrapped(false), DType::Bool, target.device()), target.shape());
    value = apply(OpKind::Where, {never, target, value});
  } else if (value.impl == source.impl) {
    value = source.clone(); // a node of the copy's own
  }
  writeOnTape(target, value);
  return target;
}

Tensor fill_(const Tensor &t, const Tensor &value) {
  if (!value.impl->wrappedNumber && value.dim() != 0)
    fail(Kind::Runtime, "fill_",
         "fill_ only supports 0-dimension value tensor but got tensor with " + std::to_string(value.dim()) +
             " dimensions.");
  return copy_(t, value);
}

Tensor maskedFill(const Tensor &x, const Tensor &mask, const Tensor &value) {
  if (!value.impl->wrappedNumber && value.dim() != 0)
    fail(Kind::Runtime, "masked_fill",
         "the value must be a number or a 0-d tensor; got " + toString(value.type()) + "; use where() for others");
  Tensor fill = value.impl->wrappedNumber ? constantOf(value, x.dtype(), x.device()) : value.to(x.dtype());
  return call(OpKind::Where, {mask, fill, x});
}

Tensor zero_(const Tensor &t) { return copy_(t, Tensor::wrapped(int64_t(0))); }

void assign(const Tensor &base, const Tensor &view, const Tensor &value) {
  checkInPlace("setitem", base);
  if (view.numel() == 0)
    return;
  Tensor source = value;
  if (source.dim() > view.dim()) // PyTorch drops leading axes of size one
    source = reshape(source, Dims(source.shape().begin() + (source.dim() - view.dim()), source.shape().end()));
  copy_(view, source);
}

} // namespace weft
