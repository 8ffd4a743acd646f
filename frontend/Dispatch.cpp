#include "frontend/Dispatch.h"

#include "frontend/Autograd.h"
#include "frontend/Executables.h"
#include "frontend/KernelKey.h"
#include "frontend/KnownCalls.h"
#include "frontend/Moves.h"
#include "frontend/Numbers.h"
#include "frontend/OperandCheck.h"
#include "frontend/Ops.h"
#include "frontend/Trace.h"
#include "ir/kernel/CanonicalOrder.h"

#include <algorithm>
#include <cstring>

namespace weft {

using Kind = UserError::Kind;
static constexpr int kInline = 8; // operands handled without allocation

// ---------------------------------------------------------------- Layouts

// The axes of an elementwise op: neighbours that every operand walks as one are one.
namespace {
struct Collapsed {
  Dims shape;
  Dims strides[kInline];
  bool contiguous[kInline];
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

static Dims encode(SymbolTable &symbols, const Dims &values) {
  Dims codes;
  for (int64_t v : values)
    codes.push_back(symbols.code(v));
  return codes;
}

static void run(const KernelKey &key, const Executable &executable, const Tensor *operands, int count, void *out,
                const SymbolTable &symbols) {
  if (key.overflowed()) // the executable may go
    CallRecorder::noteOther();
  else
    CallRecorder::noteRun(executable, symbols.values(), operands, count, out);
  void *local[kInline];
  std::vector<void *> many;
  void **inputs = local;
  if (count > kInline) {
    many.resize(size_t(count));
    inputs = many.data();
  }
  for (int i = 0; i < count; ++i)
    inputs[i] = operands[i].data();
  executable.run(inputs, &out, symbols.values());
}

static void beginKey(KernelKey &key, OpKind op, int count, Device device, int donated, const Attrs &attrs) {
  key.byte(int(op) & 255);
  key.byte(int(op) >> 8);
  key.byte(int(device.kind) * 64 + device.index);
  key.byte(count & 255);
  key.byte(donated + 1);
  for (const Attr &a : attrs)
    key.attr(a);
}

static std::vector<ValueId> inputIds(int count) {
  std::vector<ValueId> ids;
  for (int i = 0; i < count; ++i)
    ids.push_back(i);
  return ids;
}

static const Executable *compileKernel(const KernelKey &key, OpKind op, const Attrs &attrs, Graph graph, int donated,
                                       Device device) {
  std::vector<TensorType> types;
  for (const Input &input : graph.inputs)
    types.push_back(input.type);
  int count = int(types.size());
  graph.outputs = {graph.addNode(op, inputIds(count), attrs, inferType(op, types.data(), count, attrs))};
  if (donated >= 0)
    graph.donations = {donated};
  return addKernel(key, executableFor(graph, device));
}

static void runElementwise(OpKind op, const Tensor *operands, int count, const Attrs &attrs, const TensorType &type,
                           Device device, void *out, int donated) {
  Collapsed layout;
  collapse(operands, count, type.shape, layout);
  SymbolTable symbols;
  KernelKey key;
  beginKey(key, op, count, device, donated, attrs);
  Dims shape = encode(symbols, layout.shape);
  key.byte(shape.size());
  for (int64_t s : shape)
    key.code(s);
  Dims strides[kInline];
  for (int k = 0; k < count; ++k) {
    key.byte(int(operands[k].dtype()) * 2 + layout.contiguous[k]);
    if (layout.contiguous[k])
      continue;
    strides[k] = encode(symbols, layout.strides[k]);
    for (int64_t s : strides[k])
      key.code(s);
  }
  const Executable *executable;
  if (!findKernel(key, executable)) {
    Graph graph;
    for (int k = 0; k < count; ++k)
      graph.addInput({operands[k].dtype(), shape}, strides[k]);
    graph.symbolCount = symbols.count();
    executable = compileKernel(key, op, attrs, std::move(graph), donated, device);
  }
  run(key, *executable, operands, count, out, symbols);
}

static bool isProduct(OpKind op) {
  return info(op).family == OpFamily::Contraction || op == OpKind::Linear || op == OpKind::Matmul;
}

// An op that reads its operands where they lie, whatever their strides.
static bool readsStrided(OpKind op) {
  OpFamily family = info(op).family;
  return family == OpFamily::Reduction || family == OpFamily::Shape || isProduct(op);
}

// Ops whose shape is an attribute: one axis, and its size is a symbol.
static void runCreation(OpKind op, const Tensor *operands, int count, const Attrs &attrs, const TensorType &type,
                        Device device, void *out) {
  SymbolTable symbols;
  Attrs flat = attrs;
  flat[0].ints = {symbols.code(type.shape.product())};
  KernelKey key;
  beginKey(key, op, count, device, -1, flat);
  const Executable *executable;
  if (!findKernel(key, executable)) {
    Graph graph;
    for (int k = 0; k < count; ++k)
      graph.addInput(operands[k].type());
    graph.symbolCount = symbols.count();
    executable = compileKernel(key, op, flat, std::move(graph), -1, device);
  }
  run(key, *executable, operands, count, out, symbols);
}

static bool hasProducts(OpKind op) { return isProduct(op) || op == OpKind::ScaledDotProductAttention; }

// Whether a product is made for each index of the axis: its size does not matter to the order of sums.
static bool isBatchAxis(OpKind op, const Tensor *operands, int k, int axis, const Attrs &attrs) {
  if (info(op).family == OpFamily::Contraction)
    return attrs[k].ints.contains(axis);
  if (op == OpKind::Matmul && (operands[0].dim() < 2 || operands[1].dim() < 3))
    return false;
  return op != OpKind::Linear && axis < operands[k].dim() - 2;
}

// Up to which size of an axis the kernel must know it.
static int64_t mostKnownSize(OpKind op, const Tensor *operands, int count, const Attrs &attrs) {
  int64_t least = INT64_MAX;
  for (int k = 0; k < count; ++k)
    for (int axis = 0; axis < operands[k].dim(); ++axis)
      if (int64_t size = operands[k].shape()[axis]; size > 1 && !isBatchAxis(op, operands, k, axis, attrs))
        least = std::min(least, size);
  return order::mostKnownSize(least);
}

// What schedules are to take symbols for. A product of so few results would be one task, or two, of the size that is
// best for large ones (CostModel::productRows and productColumns).
static int64_t typicalSize(OpKind op, const Dims &results) {
  constexpr int64_t kFewResults = 1 << 18, kSmall = 256;
  return hasProducts(op) && results.product() < kFewResults ? kSmall : kTypicalSize;
}

// With `symbolic`, false where the op's shape rule cannot do without the sizes' values.
static bool runWithSizes(bool symbolic, OpKind op, const Tensor *operands, int count, const Attrs &attrs,
                         const Dims &results, Device device, void *out, int donated) {
  bool products = symbolic && hasProducts(op);
  SymbolTable symbols(products ? mostKnownSize(op, operands, count, attrs) : 1);
  auto encodedShape = [&](int k) {
    Dims codes;
    for (int axis = 0; axis < operands[k].dim(); ++axis) {
      int64_t size = operands[k].shape()[axis];
      bool batch = products && isBatchAxis(op, operands, k, axis, attrs);
      codes.push_back(batch ? symbols.code(size, 1) : symbols.code(size));
    }
    return codes;
  };
  KernelKey key;
  beginKey(key, op, count, device, donated, attrs);
  key.byte(symbolic);
  int64_t typical = symbolic ? typicalSize(op, results) : kTypicalSize;
  key.byte(typical == kTypicalSize);
  auto isState = [&](int k) { // always int64[2]
    return symbolic && info(op).operandCount > 0 && !std::strcmp(info(op).operandNames[k], "state");
  };
  for (int k = 0; k < count; ++k) {
    bool contiguous = operands[k].isContiguous();
    key.byte(int(operands[k].dtype()) * 2 + contiguous);
    key.byte(operands[k].dim());
    if (isState(k))
      continue;
    for (int64_t s : symbolic ? encodedShape(k) : operands[k].shape())
      symbolic ? key.code(s) : key.word(s);
    if (!contiguous)
      for (int64_t s : operands[k].strides())
        symbolic ? key.code(symbols.code(s)) : key.word(s);
  }
  const Executable *executable;
  if (!findKernel(key, executable)) {
    Graph graph;
    for (int k = 0; k < count; ++k) {
      const Tensor &t = operands[k];
      Dims strides = t.isContiguous() ? Dims() : t.strides();
      graph.addInput({t.dtype(), symbolic && !isState(k) ? encodedShape(k) : t.shape()},
                     symbolic ? encode(symbols, strides) : strides);
    }
    graph.symbolCount = symbols.count();
    graph.typicalSize = typical;
    try {
      executable = compileKernel(key, op, attrs, std::move(graph), donated, device);
    } catch (const UserError &) {
      if (!symbolic)
        throw;
      executable = addKernel(key, nullptr);
    }
  }
  if (!executable)
    return false;
  run(key, *executable, operands, count, out, symbols);
  return true;
}

// Whether a copy would be much larger than what it is made of, as that of an expanded tensor.
static bool repeats(const Tensor &t) {
  constexpr int64_t kFew = 1 << 14;
  return t.numel() >= kFew && t.numel() * itemSize(t.dtype()) > t.impl->storage->bytes;
}

static void runStructured(OpKind op, const Tensor *operands, int count, const Attrs &attrs, const Dims &results,
                          Device device, void *out, int donated) {
  std::vector<Tensor> copies;
  if (!readsStrided(op))
    for (int k = 0; k < count; ++k)
      if (!operands[k].isContiguous() && !repeats(operands[k])) {
        if (copies.empty())
          copies.assign(operands, operands + count);
        copies[size_t(k)] = applyKernel(OpKind::Cast, &operands[k], 1, {Attr::dtype(operands[k].dtype())});
        operands = copies.data();
      }
  // Past a number of operands the shapes are static: the symbol table is small.
  bool symbolic = info(op).symbolic && count <= kInline / 2;
  if (symbolic && runWithSizes(true, op, operands, count, attrs, results, device, out, donated))
    return;
  runWithSizes(false, op, operands, count, attrs, results, device, out, donated);
}

// The operand of a reduction with its axes in the order in which they lie in memory, if that leaves the reduced ones
// and the others in order among themselves; `axes` become theirs.
static Tensor inMemoryOrder(const Tensor &operand, Dims &axes) {
  const Dims &strides = operand.strides();
  Dims order;
  for (int i = 0; i < operand.dim(); ++i)
    order.push_back(i);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return strides[int(a)] != strides[int(b)] ? strides[int(a)] > strides[int(b)] : a < b;
  });
  auto isReduced = [&](int64_t axis) { return std::find(axes.begin(), axes.end(), axis) != axes.end(); };
  int64_t last[2] = {-1, -1};
  Dims places;
  for (int i = 0; i < order.size(); ++i) {
    int64_t &before = last[isReduced(order[i])];
    if (order[i] < before)
      return operand;
    before = order[i];
    if (isReduced(order[i]))
      places.push_back(i);
  }
  axes = places;
  return permute(operand, order);
}

// The same reduction with three axes at most, where those that are reduced are neighbours: what is before them, they,
// and what is behind. Its sizes are symbols, by which kernels are cut for several threads.
static bool runMerged(OpKind op, const Tensor &given, const Attrs &attrs, const Dims &results, Device device,
                      void *out) {
  constexpr int64_t kWorthACopy = 1 << 14; // elements of several axes that do not lie in a row
  Dims axes = attrs[0].ints;
  Tensor operand = given.isContiguous() ? given : inMemoryOrder(given, axes);
  if (!operand.isContiguous() && axes.size() > 1 && operand.numel() >= kWorthACopy) {
    if (!repeats(operand))
      operand = operand.contiguous();
  }
  const Dims &shape = operand.shape();
  if (axes.empty() || axes.back() - axes[0] + 1 != axes.size() || !operand.isContiguous())
    return false;
  Dims merged;
  for (int i = 0; i < shape.size(); ++i) {
    if (i == 0 || i == axes[0] || i == axes.back() + 1)
      merged.push_back(1);
    merged.back() *= shape[i];
  }
  Tensor view = reshape(operand, merged);
  Attrs attrsOfView = attrs;
  attrsOfView[0] = Attr::list({axes[0] > 0});
  attrsOfView.back() = Attr::boolean(false);
  runStructured(op, &view, 1, attrsOfView, results, device, out, -1);
  return true;
}

static bool reducesDims(OpKind op) {
  const OpInfo &record = info(op);
  return record.attrCount > 1 && !std::strcmp(record.attrs[record.attrCount - 1].name, "keepdim");
}

// Works row by row: operands with as few axes as that takes, so that one kernel serves all ranks. The result's elements
// lie alike.
static void mergeRows(OpKind op, std::vector<Tensor> &operands, Attrs &attrs) {
  auto viewed = [&](size_t k, const Dims &shape) { operands[k] = reshape(operands[k].contiguous(), shape); };
  const Dims shape = operands[0].shape();
  auto count = [&](int64_t first, int64_t end) { return Dims(shape.begin() + first, shape.begin() + end).product(); };
  int64_t rank = shape.size();
  if (op == OpKind::Embedding) {
    viewed(0, {operands[0].numel()});
  } else if (op == OpKind::Softmax || op == OpKind::LogSoftmax) {
    int64_t dim = attrs[0].i;
    Dims merged{count(0, dim), shape[int(dim)]};
    if (dim + 1 < rank)
      merged.push_back(count(dim + 1, rank));
    viewed(0, merged);
    attrs[0] = Attr::integer(1);
  } else if (op == OpKind::LayerNorm) {
    int64_t length = count(rank - attrs[0].i, rank);
    viewed(0, {count(0, rank - attrs[0].i), length});
    for (size_t k = 1; k < operands.size(); ++k)
      viewed(k, {length});
    attrs[0] = Attr::integer(1);
  }
}

void runKernel(OpKind op, const Tensor *operands, int count, const Attrs &attrs, const TensorType &type, Device device,
               void *out, int donated) {
  if (type.shape.product() == 0)
    return;
  if (info(op).family == OpFamily::Elementwise && count <= kInline) {
    GradMode off(false);
    return runElementwise(op, operands, count, attrs, type, device, out, donated);
  }
  GradMode off(false); // copies of operands are no part of the tape
  if (runMove(op, operands, count, attrs, type, device, out))
    return;
  if (op == OpKind::Full) { // one kernel for all numbers
    bool real = isFloat(type.dtype);
    Tensor number = real ? Tensor::wrapped(attrs[1].f) : Tensor::wrapped(attrs[2].i);
    Tensor value = expand(constantOf(number, type.dtype, device), type.shape);
    return runElementwise(OpKind::Cast, &value, 1, {Attr::dtype(type.dtype)}, type, device, out, -1);
  }
  if (info(op).family == OpFamily::Creation)
    return runCreation(op, operands, count, attrs, type, device, out);
  if (reducesDims(op) && runMerged(op, operands[0], attrs, type.shape, device, out))
    return;
  std::vector<Tensor> merged(operands, operands + count);
  Attrs attrsOfMerged = attrs;
  mergeRows(op, merged, attrsOfMerged);
  runStructured(op, merged.data(), count, attrsOfMerged, type.shape, device, out, donated);
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

static Tensor finish(OpKind op, const Tensor *operands, int count, const Attrs &attrs, Tensor result) {
  if (info(op).differentiable && isFloat(result.dtype()) && anyRequiresGrad(operands, count))
    recordOnTape(op, operands, count, attrs, result);
  return result;
}

static Tensor applyAnew(OpKind op, const Tensor *operands, int count, const Attrs &attrs) {
  TensorType local[kInline];
  std::vector<TensorType> many;
  TensorType *types = local;
  if (count > kInline) {
    many.resize(size_t(count));
    types = many.data();
  }
  for (int i = 0; i < count; ++i) {
    if (operands[i].impl->wrappedNumber)
      fail(Kind::Type, info(op).name, "expected a Tensor, got a number; make it one with weft.tensor()");
    types[i] = operands[i].type();
  }
  TensorType type = inferType(op, types, count, attrs);
  Device device = commonDevice(op, operands, count);
  checkOperands(op, operands, attrs);
  if (Trace *trace = Trace::active())
    return finish(op, operands, count, attrs, trace->record(op, operands, count, attrs, type, device));
  Tensor result = Tensor::empty(type.shape, type.dtype, device);
  runKernel(op, operands, count, attrs, type, device, result.impl->storage->memory);
  return finish(op, operands, count, attrs, std::move(result));
}

Tensor applyKernel(OpKind op, const Tensor *operands, int count, const Attrs &attrs) {
  if (Trace::active())
    return applyAnew(op, operands, count, attrs);
  CallKey key(CallLevel::Apply, op, operands, count, attrs);
  if (!key.isUsable())
    return applyAnew(op, operands, count, attrs);
  if (const KnownCall *known = findCall(key))
    return finish(op, operands, count, attrs, known->run(operands));
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

// Ops that only look at memory another way.
static bool isViewOp(OpKind op) {
  return op == OpKind::Reshape || op == OpKind::Permute || op == OpKind::Expand || op == OpKind::Slice;
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
  if (__builtin_expect(isViewOp(op), 0) && count == 1 && !attrs.empty()) {
    TensorType type = operands[0].type();
    inferType(op, &type, 1, attrs);
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
