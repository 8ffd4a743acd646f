#include "frontend/dispatch/StructuredKernel.h"

#include "frontend/dispatch/Dispatch.h"
#include "frontend/dispatch/KnownCalls.h"
#include "frontend/dispatch/Ops.h"
#include "frontend/executables/Background.h"
#include "frontend/executables/Executables.h"
#include "frontend/tensor/Snapshot.h"
#include "ir/kernel/CanonicalOrder.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace weft {

// ---------------------------------------------------------------- What sizes are to a kernel

// Reductions, and composites that are.
static bool reduces(OpKind op) {
  const OpInfo &record = info(op);
  return record.attrCount > 1 && !std::strcmp(record.attrs[record.attrCount - 1].name, "keepdim");
}

// Attributes dims first and keepdim last.
static bool reducesDims(OpKind op) { return reduces(op) && !std::strcmp(info(op).attrs[0].name, "dims"); }

static bool isProduct(OpKind op) { return info(op).family == OpFamily::Contraction || traits(op).product; }

// An op that reads its operands where they lie, whatever their strides.
static bool readsStrided(OpKind op) {
  OpFamily family = info(op).family;
  return family == OpFamily::Reduction || family == OpFamily::Shape || family == OpFamily::Convolution ||
         isProduct(op) || reduces(op);
}

// Attention is named here and below: its kernel is the one that is best for products within rows.
static bool hasProducts(OpKind op) { return isProduct(op) || op == OpKind::ScaledDotProductAttention; }

// Whether a product is made for each index of the axis: its size does not matter to the order of sums.
static bool isBatchAxis(const EagerCall &call, int k, int axis) {
  if (info(call.op).family == OpFamily::Contraction)
    return call.attrs[size_t(k)].ints.contains(axis);
  if (call.op == OpKind::Matmul && (call.operands[0].dim() < 2 || call.operands[1].dim() < 3))
    return false;
  return call.op != OpKind::Linear && axis < call.operands[k].dim() - 2;
}

// What schedules are to take symbols for. A product of so few results would be one task, or two, of the size that is
// best for large ones (CostModel::productRows and productColumns).
static int64_t typicalSize(OpKind op, const Dims &results) {
  constexpr int64_t kFewResults = 1 << 18, kSmall = 256;
  return hasProducts(op) && results.product() < kFewResults ? kSmall : kTypicalSize;
}

// The axis of an earlier operand that, by the op's shape rule, an axis has the size of.
struct Axis {
  int operand, number;
};
using SameAxis = std::optional<Axis>;

static SameAxis pairedAxis(const EagerCall &call, int axis) {
  for (size_t list : {0, 2}) { // batch axes, contracted axes: of the left, then of the right
    const Dims &left = call.attrs[list].ints, &right = call.attrs[list + 1].ints;
    for (int i = 0; i < right.size(); ++i)
      if (right[i] == axis)
        return Axis{0, int(left[i])};
  }
  return {};
}

static SameAxis sameAxis(const EagerCall &call, int k, int axis) {
  auto rank = [&](int operand) { return call.operands[operand].dim(); };
  int fromEnd = rank(k) - axis;
  auto at = [&](int operand, int end) {
    return end <= rank(operand) ? SameAxis(Axis{operand, rank(operand) - end}) : SameAxis();
  };
  switch (call.op) { // named: which sizes are one, each op's rule says
  case OpKind::DotGeneral:
  case OpKind::DotChain:
  case OpKind::WideDotGeneral:
    return pairedAxis(call, axis);
  case OpKind::Linear:
    return k == 2 ? Axis{1, 0} : axis == 1 ? at(0, 1) : SameAxis();
  case OpKind::Matmul:
    if (axis == std::max(rank(1) - 2, 0))
      return at(0, 1);
    return fromEnd > 2 ? at(0, fromEnd) : SameAxis();
  case OpKind::ScaledDotProductAttention:
    if (fromEnd > 2 || (k == 3 && fromEnd == 2))
      return at(0, fromEnd);
    if (k == 1)
      return fromEnd == 1 ? at(0, 1) : SameAxis();
    return k == 3 || fromEnd == 2 ? at(1, 2) : SameAxis();
  case OpKind::Gather:
    return axis == call.attrs[0].i ? SameAxis() : Axis{0, axis};
  case OpKind::ScatterAdd:
  case OpKind::Scatter:
  case OpKind::ScatterProd:
  case OpKind::ScatterAmax:
  case OpKind::ScatterAmin:
    return k == 2 ? Axis{1, axis} : axis == call.attrs[0].i ? SameAxis() : Axis{0, axis};
  case OpKind::IndexSelect:
  case OpKind::Embedding:
  case OpKind::EmbeddingBag:
    return {};
  case OpKind::CrossEntropy:
    if (int classes = rank(0) > 1; k == 2 || axis >= classes)
      return Axis{0, k == 2 ? classes : axis + 1};
    return Axis{0, axis};
  default: // axes are the same from the last on, as in layer_norm
    return at(0, fromEnd);
  }
}

// Composites but products and those of single numbers: their kernels work on rows in the cache, which those of unknown
// length cannot. And what is done to many rows that are short, which are lanes
// (codegen/schedule/ScheduleShortRows.cpp).
static bool gainsFromSizes(const EagerCall &call) {
  constexpr int64_t kShortRow = 24, kMany = 1 << 12;
  const Tensor &x = call.operands[0];
  if (info(call.op).family == OpFamily::Reduction)
    return x.dim() > 1 && call.attrs[0].ints.contains(x.dim() - 1) && x.shape().back() <= kShortRow &&
           x.numel() >= kMany;
  return info(call.op).family == OpFamily::Composite && !isProduct(call.op) && !traits(call.op).pairs;
}

// Only the kernel of known sizes does without the matrix of scores in memory.
static bool needsSizes(const EagerCall &call) {
  constexpr int64_t kMostScores = 1 << 21;
  if (call.op != OpKind::ScaledDotProductAttention)
    return false;
  int64_t scores = call.operands[1].shape()[call.operands[1].dim() - 2];
  for (int axis = 0; axis < call.operands[0].dim() - 1; ++axis)
    scores *= call.operands[0].shape()[axis];
  return scores > kMostScores;
}

// ---------------------------------------------------------------- Running

namespace {
// A call by the sizes and strides of its operands: themselves, or symbols.
class SizedCall {
public:
  SizedCall(const EagerCall &call, const Dims &results, bool symbolic)
      : call(call), results(results), symbolic(symbolic), products(symbolic && hasProducts(call.op)),
        typical(symbolic ? typicalSize(call.op, results) : kTypicalSize), symbols(products ? order::kFewRows : 1),
        key(beginKey(call)) {
    if (symbolic)
      encode();
    writeKey();
  }

  // With symbols, false where the op's shape rule cannot do without the sizes' values.
  bool run();
  // False where there is no kernel yet.
  bool runKnown() {
    const ExecutablePtr *found = findKernel(key);
    if (found)
      weft::run(call, key, *found, symbols);
    return found;
  }
  // Whether the call has come so often that a kernel of its own pays; true once.
  bool isDue() const;
  void compileInBackground();

private:
  bool isState(int k) const { // always int64[2]
    return symbolic && info(call.op).operandCount > 0 && !std::strcmp(info(call.op).operandNames[k], "state");
  }
  int64_t codeOfSize(int k, int axis);
  void encode();
  void writeKey();
  Graph graph() const;

  const EagerCall &call;
  const Dims &results;
  const bool symbolic, products;
  const int64_t typical;
  SymbolTable symbols;
  Dims shapes[kInlineOperands / 2], strides[kInlineOperands / 2]; // as codes, with symbols
  KernelKey key;
};

// Sizes have one symbol where the shape rule asks for one size, not where they happen to be equal.
int64_t SizedCall::codeOfSize(int k, int axis) {
  int64_t size = call.operands[k].shape()[axis];
  if (isState(k) || (traits(call.op).pairs && axis == call.operands[k].dim() - 1))
    return size;
  if (SameAxis same = k > 0 ? sameAxis(call, k, axis) : SameAxis())
    if (call.operands[same->operand].shape()[same->number] == size)
      return shapes[same->operand][same->number];
  return products && isBatchAxis(call, k, axis) ? symbols.fresh(size, 1) : symbols.fresh(size);
}

void SizedCall::encode() {
  for (int k = 0; k < call.count; ++k) {
    const Tensor &t = call.operands[k];
    for (int axis = 0; axis < t.dim(); ++axis)
      shapes[k].push_back(codeOfSize(k, axis));
    if (!t.isContiguous())
      for (int64_t stride : t.strides())
        strides[k].push_back(symbols.fresh(stride));
  }
}

void SizedCall::writeKey() {
  key.byte(symbolic);
  key.byte(typical == kTypicalSize);
  for (int k = 0; k < call.count; ++k) {
    const Tensor &t = call.operands[k];
    bool contiguous = t.isContiguous();
    key.byte(int(t.dtype()) * 2 + contiguous);
    key.byte(t.dim());
    for (int64_t size : symbolic ? shapes[k] : t.shape())
      symbolic ? key.code(size) : key.word(size);
    if (!contiguous)
      for (int64_t stride : symbolic ? strides[k] : t.strides())
        symbolic ? key.code(stride) : key.word(stride);
  }
}

Graph SizedCall::graph() const {
  Graph graph;
  for (int k = 0; k < call.count; ++k) {
    const Tensor &t = call.operands[k];
    if (symbolic)
      graph.addInput({t.dtype(), shapes[k]}, strides[k]);
    else
      graph.addInput(t.type(), t.isContiguous() ? Dims() : t.strides());
  }
  graph.symbolCount = symbols.count();
  graph.typicalSizes.any = typical;
  return completed(call, std::move(graph));
}

bool SizedCall::run() {
  if (const ExecutablePtr *found = findKernel(key)) {
    if (*found)
      weft::run(call, key, *found, symbols);
    return bool(*found);
  }
  Snapshot now(call.operands, call.count);
  EagerCall same{call.op, now.data(), call.count, call.attrs, call.device, call.out, call.donated, call.others};
  try {
    compileAndRun(same, key, graph(), symbols);
  } catch (const UserError &) {
    if (!symbolic)
      throw;
    addKernel(key, nullptr);
    SizedCall(same, results, false).run();
  }
  return true;
}

bool SizedCall::isDue() const {
  constexpr int kTimesUntilDue = 64; // more than calls of one shape in one step of training
  constexpr size_t kWatched = 256;
  struct Watched {
    uint64_t hash;
    int times;
  };
  static thread_local Watched watched[kWatched];
  uint64_t hash = key.hash();
  Watched &slot = watched[hash % kWatched];
  if (slot.hash != hash)
    slot = {hash, 0};
  return !key.overflowed() && ++slot.times == kTimesUntilDue;
}

void SizedCall::compileInBackground() {
  runInBackground([graph = graph(), key = key, device = call.device] {
    try {
      addKernel(key, executableFor(graph, device));
    } catch (const std::exception &) { // NOLINT(bugprone-empty-catch): the kernel that serves all sizes goes on
    }
  });
}
} // namespace

// Whether a copy would be much larger than what it is made of, as that of an expanded tensor.
static bool repeats(const Tensor &t) {
  constexpr int64_t kFew = 1 << 14;
  return t.numel() >= kFew && t.numel() * itemSize(t.dtype()) > t.impl->storage->bytes;
}

static void runWithAxes(const EagerCall &given, const Dims &results) {
  std::vector<Tensor> copies;
  EagerCall call = given;
  if (!readsStrided(call.op))
    for (int k = 0; k < call.count; ++k)
      if (const Tensor &t = given.operands[k]; !t.isContiguous() && !repeats(t)) {
        if (copies.empty()) {
          Snapshot now(given.operands, call.count);
          copies.assign(now.data(), now.data() + call.count);
        }
        copies[size_t(k)] = applyKernel(OpKind::Cast, &t, 1, {Attr::dtype(t.dtype())});
        call.operands = copies.data();
      }
  // Past a number of operands the shapes are static, as the symbol table is small, and past one of axes, as the plan's
  // extents are.
  bool symbolic = info(call.op).symbolic && call.count <= kInlineOperands / 2 && !needsSizes(call);
  for (int k = 0; k < call.count; ++k)
    symbolic &= call.operands[k].dim() <= WEFT_MAX_FACTORS;
  if (symbolic && gainsFromSizes(call)) {
    SizedCall exact(call, results, false);
    if (exact.runKnown())
      return;
    if (exact.isDue())
      exact.compileInBackground();
    CallRecorder::noteOther(); // a call that is remembered would not see the better kernel
  }
  if (!symbolic || !SizedCall(call, results, true).run())
    SizedCall(call, results, false).run();
}

// ---------------------------------------------------------------- Fewer axes

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
static bool runMergedReduction(const EagerCall &call, const Dims &results) {
  constexpr int64_t kWorthACopy = 1 << 14; // elements of several axes that do not lie in a row
  Dims axes = call.attrs[0].ints;
  Tensor operand = call.operands[0].isContiguous() ? call.operands[0] : inMemoryOrder(call.operands[0], axes);
  if (!operand.isContiguous() && axes.size() > 1 && operand.numel() >= kWorthACopy && !repeats(operand))
    operand = operand.contiguous();
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
  Attrs attrs = call.attrs;
  attrs[0] = Attr::list({axes[0] > 0});
  attrs.back() = Attr::boolean(false);
  runWithAxes({call.op, &view, 1, attrs, call.device, call.out, -1, call.others}, results);
  return true;
}

// An op that works row by row, on operands with as few axes as that takes: one kernel serves all ranks. The elements of
// the result lie alike.
static void runMergedRows(const EagerCall &call, const Dims &results) {
  std::vector<Tensor> operands(call.operands, call.operands + call.count);
  Attrs attrs = call.attrs;
  const Dims shape = operands[0].shape();
  auto view = [&](size_t k, const Dims &shape) { operands[k] = reshape(operands[k].contiguous(), shape); };
  auto count = [&](int64_t first, int64_t end) { return Dims(shape.begin() + first, shape.begin() + end).product(); };
  int64_t rank = shape.size();
  if (traits(call.op).pairs) {
    for (size_t k = 0; k < operands.size(); ++k)
      view(k, {count(0, rank - 1), 2});
  } else if (call.op == OpKind::Linear || call.op == OpKind::Matmul) {
    view(0, {count(0, rank - 1), shape.back()});
  } else if (info(call.op).family == OpFamily::Contraction) {
    int64_t merged = attrs[2].ints.size() > 1 ? attrs[2].ints.size() : 0; // of what is contracted, or of lhs's others
    if (merged) {
      const Dims right = operands[1].shape();
      Dims left{count(0, merged)}, rest{left[0]};
      left.insert(1, count(merged, rank));
      rest.insert(1, Dims(right.begin() + merged, right.end()).product());
      view(0, left);
      view(1, rest);
      attrs[2] = attrs[3] = Attr::list({0});
    } else {
      view(0, {count(0, rank - 1), shape.back()});
      attrs[2] = Attr::list({1});
    }
  } else if (call.op == OpKind::Embedding) {
    view(0, {operands[0].numel()});
  } else if (call.op == OpKind::LayerNorm) {
    int64_t outer = rank - attrs[0].i, length = count(outer, rank);
    view(0, {count(0, outer), length});
    for (size_t k = 1; k < operands.size(); ++k)
      view(k, {length});
    attrs[0] = Attr::integer(1);
  } else { // scans, softmax and log_softmax
    int64_t dim = attrs[0].i;
    Dims merged{count(0, dim), shape[int(dim)]};
    if (dim + 1 < rank)
      merged.push_back(count(dim + 1, rank));
    for (size_t k = 0; k < operands.size(); ++k)
      view(k, merged);
    attrs[0] = Attr::integer(1);
  }
  runWithAxes({call.op, operands.data(), call.count, attrs, call.device, call.out, -1, call.others}, results);
}

// A product without batches of matrices that lie in a row but for their leading axes: those of lhs stay, or those of
// both are contracted.
static bool isMatrixProduct(const EagerCall &call) {
  const Dims &left = call.attrs[2].ints, &right = call.attrs[3].ints;
  const Tensor &lhs = call.operands[0], &rhs = call.operands[1];
  if (!call.attrs[0].ints.empty() || !lhs.isContiguous() || !rhs.isContiguous() || lhs.dim() < 3)
    return false;
  bool leading = left.size() > 1 && left == right && left.back() == left.size() - 1 && right.size() < rhs.dim();
  for (int i = 0; leading && i < left.size(); ++i)
    leading = left[i] == i;
  return leading || (left.size() == 1 && left[0] == lhs.dim() - 1 && rhs.dim() <= 2);
}

// Named, as runMergedRows() does with each what its attributes ask for.
static bool worksOnRows(const EagerCall &call) {
  if (info(call.op).family == OpFamily::Contraction)
    return isMatrixProduct(call);
  if (call.op == OpKind::Linear || call.op == OpKind::Matmul)
    return call.operands[0].dim() > 2 && call.operands[1].dim() <= 2 && call.operands[0].isContiguous();
  return traits(call.op).pairs || info(call.op).family == OpFamily::Scan || call.op == OpKind::Embedding ||
         call.op == OpKind::LayerNorm || call.op == OpKind::Softmax || call.op == OpKind::LogSoftmax ||
         call.op == OpKind::Logcumsumexp;
}

// The types of the operands follow from the bodies, but for the length of a scan (named), which is a symbol: loops of
// all lengths are one kernel.
static void runControl(const EagerCall &given) {
  std::vector<Tensor> operands;
  for (int k = 0; k < given.count; ++k)
    operands.push_back(given.operands[k].contiguous());
  Attrs attrs = given.attrs;
  SymbolTable symbols;
  if (given.op == OpKind::Scan)
    attrs[3] = Attr::list({symbols.fresh(attrs[3].ints[0])});
  EagerCall call{given.op, operands.data(), given.count, attrs, given.device, given.out, given.donated, given.others};
  KernelKey key = beginKey(call);
  if (const ExecutablePtr *found = findKernel(key))
    return run(call, key, *found, symbols);
  Graph graph;
  for (int k = 0; k < call.count; ++k) {
    TensorType type = operands[size_t(k)].type();
    if (call.op == OpKind::Scan && k >= attrs[1].i && k < attrs[1].i + attrs[2].i)
      type.shape[0] = attrs[3].ints[0];
    graph.addInput(type);
  }
  graph.symbolCount = symbols.count();
  compileAndRun(call, key, std::move(graph), symbols);
}

void runStructured(const EagerCall &call, const Dims &results) {
  if (hasBody(call.op))
    runControl(call);
  else if (worksOnRows(call))
    runMergedRows(call, results);
  else if (!reducesDims(call.op) || !runMergedReduction(call, results))
    runWithAxes(call, results);
}

} // namespace weft
