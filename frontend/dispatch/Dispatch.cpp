#include "frontend/dispatch/Dispatch.h"

#include "frontend/autograd/Autograd.h"
#include "frontend/dispatch/Complex.h"
#include "frontend/dispatch/KnownCalls.h"
#include "frontend/dispatch/Moves.h"
#include "frontend/dispatch/Numbers.h"
#include "frontend/dispatch/OperandCheck.h"
#include "frontend/dispatch/Ops.h"
#include "frontend/dispatch/StructuredKernel.h"
#include "frontend/executables/Executables.h"
#include "frontend/tensor/Snapshot.h"
#include "frontend/trace/Trace.h"
#include "runtime/BlockingRegion.h"

#include <algorithm>
#include <optional>

namespace weft {

using Kind = UserError::Kind;

// ---------------------------------------------------------------- Layouts

// The axes of an elementwise op: neighbours that every operand walks as one are one.
namespace {
struct Collapsed {
  Dims shape;
  Dims strides[kInlineOperands];
  bool contiguous[kInlineOperands];
};
} // namespace

static void collapse(const Tensor *operands, int count, const Dims &shape, Collapsed &result) {
  bool all = true;
  for (int k = 0; k < count; ++k)
    all &= isRowMajor(operands[k].shape(), operands[k].strides());
  if (all) {
    result.shape.push_back(shape.product());
    for (int k = 0; k < count; ++k)
      result.contiguous[k] = true;
    return;
  }
  int previous = -1;
  for (int i = 0; i < shape.size(); ++i) {
    if (shape[i] == 1)
      continue;
    bool merge = previous >= 0;
    for (int k = 0; merge && k < count; ++k)
      merge = operands[k].strides()[previous] == operands[k].strides()[i] * shape[i];
    if (merge)
      result.shape.back() *= shape[i];
    else
      result.shape.push_back(shape[i]);
    for (int k = 0; k < count; ++k) {
      if (merge)
        result.strides[k].back() = operands[k].strides()[i];
      else
        result.strides[k].push_back(operands[k].strides()[i]);
    }
    previous = i;
  }
  if (result.shape.empty()) {
    result.shape.push_back(1);
    for (int k = 0; k < count; ++k)
      result.strides[k].push_back(1);
  }
  for (int k = 0; k < count; ++k)
    result.contiguous[k] = isRowMajor(result.shape, result.strides[k]);
}

bool mayOverlap(const Tensor &a, const Tensor &b) {
  if (!a.sharesStorage(b) || a.numel() == 0 || b.numel() == 0)
    return false;
  auto end = [](const Tensor &t) {
    int64_t last = t.offset();
    for (int i = 0; i < t.dim(); ++i)
      last += (t.shape()[i] - 1) * t.strides()[i];
    return (last + 1) * itemSize(t.dtype());
  };
  return a.offset() * itemSize(a.dtype()) < end(b) && b.offset() * itemSize(b.dtype()) < end(a);
}

// ---------------------------------------------------------------- Running

// Each axis and stride has a symbol of its own, so that sizes which happen to be equal make no other kernel. Of more
// axes than a plan's extent has factors the kernel knows sizes and strides.
static Dims encode(SymbolTable &symbols, KernelKey &key, const Dims &values, bool known) {
  Dims codes;
  for (int64_t v : values) {
    codes.push_back(known ? v : symbols.fresh(v));
    known ? key.word(v) : key.code(codes.back());
  }
  return codes;
}

static void runElementwise(const EagerCall &call, const Dims &results) {
  Collapsed layout;
  collapse(call.operands, call.count, results, layout);
  SymbolTable symbols;
  KernelKey key = beginKey(call);
  const bool known = layout.shape.size() > WEFT_MAX_FACTORS;
  key.byte(layout.shape.size());
  Dims shape = encode(symbols, key, layout.shape, known);
  Dims strides[kInlineOperands];
  for (int k = 0; k < call.count; ++k) {
    key.byte(int(call.operands[k].dtype()) * 2 + layout.contiguous[k]);
    if (layout.contiguous[k])
      continue;
    strides[k] = encode(symbols, key, layout.strides[k], known);
  }
  if (const ExecutablePtr *executable = findKernel(key))
    return run(call, key, *executable, symbols);
  Graph graph;
  for (int k = 0; k < call.count; ++k)
    graph.addInput({call.operands[k].dtype(), shape}, strides[k]);
  graph.symbolCount = symbols.count();
  compileAndRun(call, key, std::move(graph), symbols);
}

// Ops whose shape is an attribute: one axis, and its size is a symbol.
static void runCreation(const EagerCall &given, const Dims &results) {
  SymbolTable symbols;
  Attrs flat = given.attrs;
  flat[0].ints = {symbols.fresh(results.product())};
  EagerCall call{given.op, given.operands, given.count, flat, given.device, given.out, -1, given.others};
  KernelKey key = beginKey(call);
  if (const ExecutablePtr *executable = findKernel(key))
    return run(call, key, *executable, symbols);
  Graph graph;
  for (int k = 0; k < call.count; ++k)
    graph.addInput(call.operands[k].type());
  graph.symbolCount = symbols.count();
  compileAndRun(call, key, std::move(graph), symbols);
}

void runKernel(OpKind op, const Tensor *operands, int count, const Attrs &attrs, const TensorType &type, Device device,
               void *out, int donated, void *const *others) {
  if (type.shape.product() == 0 && !others)
    return;
  GradMode off(false); // copies of operands are no part of the tape
  EagerCall call{op, operands, count, attrs, device, out, donated, others};
  if (info(op).family == OpFamily::Elementwise && count <= kInlineOperands)
    return runElementwise(call, type.shape);
  if (runMove(op, operands, count, attrs, type, device, out))
    return;
  if (op == OpKind::Full) { // named: one kernel for all numbers
    bool real = isFloat(type.dtype);
    Tensor number = real ? Tensor::wrapped(attrs[1].f) : Tensor::wrapped(attrs[2].i);
    Tensor value = expand(constantOf(number, type.dtype, device), type.shape);
    return runElementwise({OpKind::Cast, &value, 1, {Attr::dtype(type.dtype)}, device, out}, type.shape);
  }
  if (info(op).family == OpFamily::Creation)
    return runCreation(call, type.shape);
  runStructured(call, type.shape);
}

// ---------------------------------------------------------------- Checks

static Device commonDevice(OpKind op, const Tensor *operands, int count) {
  Device device = operands[0].device();
  for (int i = 1; i < count; ++i)
    if (operands[i].device() != device)
      fail(Kind::Runtime, info(op).name,
           "Expected all tensors to be on the same device, but found at least two devices, " + toString(device) +
               " and " + toString(operands[i].device()) + "; move them with .to()");
  return device;
}

// ---------------------------------------------------------------- apply

static void finish(OpKind op, const Tensor *operands, int count, const Attrs &attrs, Tensor *results) {
  bool real = false;
  for (int i = 0; i < resultCount(op, attrs); ++i)
    real |= isFloat(results[i].dtype());
  if (info(op).differentiable && real && anyRequiresGrad(operands, count))
    recordOnTape(op, operands, count, attrs, results);
}

// Nothing lets go of the host's lock before the kernel runs, but to compile what checks the operands. Values that are
// looked at and lie on another device are waited for.
static bool isSimple(OpKind op, const Tensor *operands, int count, const TensorType &result) {
  constexpr int64_t kSmall = 1 << 14;
  int64_t bytes = result.shape.product() * itemSize(result.dtype);
  for (int i = 0; i < count; ++i) {
    bytes += operands[i].impl->storage->bytes;
    if (!operands[i].isContiguous() || (traits(op).check && !operands[i].device().isCpu()))
      return false;
  }
  return bytes < kSmall && info(op).family != OpFamily::Shape;
}

// Gives as many results as the op has.
static void applyAnew(OpKind op, const Tensor *operands, int count, const Attrs &attrs, Tensor *results) {
  if (!Trace::active())
    settle(operands, count);
  TensorType local[kInlineOperands];
  std::vector<TensorType> many;
  TensorType *types = local;
  if (count > kInlineOperands) {
    many.resize(size_t(count));
    types = many.data();
  }
  bool hasComplex = op == OpKind::Cast && isComplex(attrs[0].asDType());
  for (int i = 0; i < count; ++i) {
    if (operands[i].impl->wrappedNumber)
      fail(Kind::Type, info(op).name, "expected a Tensor, got a number; make it one with weft.tensor()");
    types[i] = operands[i].type();
    hasComplex |= isComplex(types[i].dtype);
  }
  if (__builtin_expect(hasComplex, 0)) {
    results[0] = callComplex(op, operands, count, attrs);
    return;
  }
  TensorType type = inferType(op, types, count, attrs);
  const int resultCount = weft::resultCount(op, attrs);
  std::vector<TensorType> others;
  for (int i = 1; i < resultCount; ++i)
    others.push_back(inferType(op, types, count, attrs, i));
  Device device = commonDevice(op, operands, count);
  if (Trace *trace = Trace::active()) {
    checkOperands(op, operands, attrs);
    if (resultCount == 1) {
      results[0] = trace->record(op, operands, count, attrs, type, device);
    } else {
      others.insert(others.begin(), type);
      trace->recordAll(op, operands, count, attrs, others, device, results);
    }
    return finish(op, operands, count, attrs, results);
  }
  // Several things may run, and between them other threads may change the operands.
  std::optional<Snapshot> now;
  if (!isSimple(op, operands, count, type))
    now.emplace(operands, count);
  const Tensor *given = now ? now->data() : operands;
  uint64_t releases = BlockingRegion::releases();
  checkOperands(op, given, attrs);
  if (!now && BlockingRegion::releases() != releases)
    return applyAnew(op, operands, count, attrs, results);
  results[0] = Tensor::empty(type.shape, type.dtype, device);
  void *inlineMemory[kMostResults];
  std::vector<void *> manyResults;
  void **memory = inlineMemory;
  if (resultCount > kMostResults) {
    manyResults.resize(size_t(resultCount));
    memory = manyResults.data();
  }
  for (int i = 1; i < resultCount; ++i) {
    results[i] = Tensor::empty(others[size_t(i) - 1].shape, others[size_t(i) - 1].dtype, device);
    memory[i] = results[i].impl->storage->memory;
  }
  runKernel(op, given, count, attrs, type, device, results[0].impl->storage->memory, -1,
            resultCount > 1 ? memory + 1 : nullptr);
  if (BlockingRegion::releases() != releases)
    for (int i = 0; i < count; ++i)
      if (operands[i].type() != types[i])
        failChanged(info(op).name);
  finish(op, operands, count, attrs, results);
}

static Tensor applyAnew(OpKind op, const Tensor *operands, int count, const Attrs &attrs) {
  Tensor results[kMostResults];
  applyAnew(op, operands, count, attrs, results);
  return std::move(results[0]);
}

std::vector<Tensor> applyAll(OpKind op, const Tensor *operands, int count, const Attrs &attrs) {
  if (!hasBody(op) && info(op).resultCount == 1)
    return {apply(op, operands, count, attrs)};
  std::vector<Tensor> results(size_t(resultCount(op, attrs)));
  applyAnew(op, operands, count, attrs, results.data());
  return results;
}

Tensor applyKernel(OpKind op, const Tensor *operands, int count, const Attrs &attrs) {
  if (Trace::active())
    return applyAnew(op, operands, count, attrs);
  CallKey key(CallLevel::Apply, op, operands, count, attrs);
  if (!key.isUsable() || !fitAtOnce(op, operands, count, attrs))
    return applyAnew(op, operands, count, attrs);
  if (const KnownCall *known = findCall(key)) {
    Tensor result = known->run(operands);
    finish(op, operands, count, attrs, &result);
    return result;
  }
  CallRecorder recorder(key, op, operands, count, !attrs.empty());
  Tensor result = applyAnew(op, operands, count, attrs);
  recorder.finish(result);
  return result;
}

Tensor applyCreation(OpKind op, const Attrs &attrs, Device device) {
  TensorType type = inferType(op, nullptr, 0, attrs);
  checkSizes(info(op).name, type);
  if (Trace *trace = Trace::active())
    return trace->record(op, nullptr, 0, attrs, type, device);
  Tensor result = Tensor::empty(type.shape, type.dtype, device);
  runKernel(op, nullptr, 0, attrs, type, device, result.impl->storage->memory);
  return result;
}

static Tensor sliceAll(const Tensor &t, const Attrs &attrs) {
  Tensor result = t;
  for (int i = 0; i < t.dim(); ++i) {
    int64_t start = attrs[0].ints[i], size = attrs[1].ints[i], step = attrs[2].ints[i];
    if (size != t.shape()[i])
      result = slice(result, i, start, size ? start + (size - 1) * step + 1 : start, step);
  }
  return result;
}

Tensor apply(OpKind op, const Tensor *operands, int count, const Attrs &attrs) {
  if (count == 0)
    return applyCreation(op, attrs, {});
  if (__builtin_expect(traits(op).view, 0) && count == 1 && !attrs.empty()) {
    TensorType type = operands[0].type();
    inferType(op, &type, 1, attrs);
    // Named: each is a function of its own.
    if (op == OpKind::Permute)
      return permute(operands[0], attrs[0].ints);
    if (op == OpKind::Expand)
      return expand(operands[0], attrs[0].ints);
    if (op == OpKind::Slice)
      return sliceAll(operands[0], attrs);
    return reshape(operands[0], attrs[0].ints);
  }
  return applyKernel(op, operands, count, attrs);
}

} // namespace weft
