#include "codegen/attention/AttentionKernel.h"
#include "ir/OpTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace weft {

static constexpr int64_t kVector = 64;

// Plans which loops a row takes, and where they put what they compute.
AttentionRows::AttentionRows(AttentionKernel &a) : a(a), k(a.k) {
  for (const ResultProduct &product : a.parts.outOf)
    if (!llvm::is_contained(taken, product.scores))
      taken.push_back(product.scores);
  for (const ScoreProduct &product : a.parts.into) {
    Value scores = product.dot->getResult(0);
    hold(scores, {k.scratch(a.blockElements(), computeType(elementType(scores))), true});
  }
  SmallVector<Value> kept = sharedRowValues(a.lowering, a.group, a.parts.space, taken), loopValues;
  for (Operation *op : a.group.ops)
    if (familyOf(op) == OpFamily::Reduction || llvm::is_contained(kept, op->getResult(0)))
      loopValues.push_back(op->getResult(0));
  for (Value value : kept)
    held[value] = {};
  for (Value value : loopValues)
    loops.push_back({value, heldBehind(SmallVector<Value>(value.getDefiningOp()->getOperands()))});
  loops.push_back({Value(), heldBehind(taken)});
  for (auto [i, value] : llvm::enumerate(loopValues))
    if (llvm::is_contained(kept, value))
      hold(value, memoryFor(value, i, llvm::is_contained(taken, value)));
  for (Value value : taken)
    if (!held.count(value)) {
      Memory memory = held[value] = memoryFor(value, loops.size() - 1, true);
      owners[memory.buffer] = value;
    }
}

// The held values that a loop which computes `values` reads.
SmallVector<Value> AttentionRows::heldBehind(ArrayRef<Value> values) {
  SmallVector<Value> found, open(values.begin(), values.end());
  llvm::DenseSet<Value> seen;
  while (!open.empty()) {
    Value value = open.pop_back_val();
    Operation *op = value.getDefiningOp();
    if (!op || !seen.insert(value).second || familyOf(op) == OpFamily::Reduction)
      continue;
    if (held.count(value))
      found.push_back(value);
    else
      open.append(op->operand_begin(), op->operand_end());
  }
  return found;
}

// Where the value of a loop goes: into the place of one that is not read afterwards, else into new memory.
AttentionRows::Memory AttentionRows::memoryFor(Value value, size_t loop, bool isBlock) {
  Type type = computeType(elementType(value));
  for (Value read : loops[loop].reads) {
    Memory memory = held.lookup(read);
    bool readLater = llvm::is_contained(taken, read);
    for (size_t later = loop + 1; later < loops.size(); ++later)
      readLater |= llvm::is_contained(loops[later].reads, read);
    bool fits = cast<kernel::BufferType>(memory.buffer.getType()).getElementType() == type && memory.isBlock >= isBlock;
    if (fits && !readLater && owners.lookup(memory.buffer) == read)
      return memory;
  }
  return {k.scratch(isBlock ? a.blockElements() : a.rowElements(), type), isBlock};
}

// From here on the value is read from memory.
void AttentionRows::hold(Value value, Memory memory) {
  held[value] = memory;
  owners[memory.buffer] = value;
  a.kernel.e.override(value, [this, memory](const Point &point) -> Value {
    const Sizes &space = a.parts.space;
    Value j = cut(k, point, space, boundary(a.parts.batches + 1) & allBoundaries(int(space.size()))).back().index;
    Value index = memory.isBlock ? k.add(rowBase, j) : j;
    OpBuilder::InsertionGuard guard(k.builder);
    k.hoist({index, row});
    return kernel::LoadOp::create(k.builder, k.location, memory.buffer, index);
  });
}

Value AttentionRows::start(Value row) { return k.mul(k.sub(row, a.heldFirst), a.rowStride()); }

void AttentionRows::work(Value inHead) {
  row = k.join(a.head, inHead, a.parts.rows);
  rowBase = start(inHead);
  columns = a.blockColumns;
  if (a.causal)
    columns = k.min(k.mul(k.add(k.div(inHead, k.index(kVector)), k.index(1)), k.index(kVector)), columns);
  for (const Loop &loop : loops) {
    if (!loop.value)
      finish();
    else if (familyOf(loop.value.getDefiningOp()) == OpFamily::Reduction)
      reduce(loop.value.getDefiningOp());
    else
      keep(loop.value);
  }
  storeResults();
}

void AttentionRows::keep(Value value) {
  Memory memory = held.lookup(value);
  Value start = memory.isBlock ? rowBase : k.index(0);
  a.kernel.e.override(value, [](const Point &) { return Value(); }); // computed, not read from where it will be
  k.loop(k.index(0), columns, true,
         [&](Value j) { k.store(a.kernel.e.evaluate(value, at(j)).value, memory.buffer, k.add(start, j)); });
  hold(value, memory);
}

void AttentionRows::reduce(Operation *op) {
  Value operand = op->getOperand(0);
  std::string kind = reductionKind(op, elementType(operand));
  bool isArg = kind == "argmax" || kind == "argmin";
  Type type = reducedType(op);
  Value total = k.reduce(kind, columns, isArg ? Type(k.builder.getI64Type()) : type, [&](Value j) {
    Scalar value = a.kernel.e.evaluate(operand, at(j));
    return value.type() == type ? value.value : convert(value, type).value;
  });
  if (a.causal && kind == "sum") // hidden elements are +0
    total = arith::AddFOp::create(k.builder, k.location, total, a.kernel.e.constantZero(type));
  Value result = a.kernel.e.reduced(op, total).value;
  a.kernel.e.override(op->getResult(0), [result](const Point &) { return result; });
}

// The loop that computes what products take. Hidden columns of it are zero.
void AttentionRows::finish() {
  SmallVector<Value> computed;
  for (Value value : taken)
    if (!llvm::is_contained(loops.back().reads, value))
      computed.push_back(value);
  k.loop(k.index(0), columns, true, [&](Value j) {
    SmallVector<Value> values;
    for (Value value : computed)
      values.push_back(a.kernel.e.evaluate(value, at(j)).value);
    for (auto [value, element] : llvm::zip(computed, values))
      k.store(element, bufferOf(value), k.add(rowBase, j));
  });
  if (!a.causal)
    return;
  for (Value value : taken) {
    Value zero = a.kernel.e.constantZero(computeType(elementType(value)));
    k.loop(columns, a.blockColumns, true, [&](Value j) { k.store(zero, bufferOf(value), k.add(rowBase, j)); });
  }
}

// What else leaves the group: values of the row.
void AttentionRows::storeResults() {
  Sizes outer(a.parts.space.begin(), a.parts.space.begin() + a.parts.batches + 1);
  for (auto [i, result] : llvm::enumerate(a.group.results)) {
    if (familyOf(result.getDefiningOp()) == OpFamily::Contraction)
      continue;
    Point at = reshaped(k, {{0, a.parts.batches + 1, row}}, outer, sizesOf(result));
    a.kernel.store(a.kernel.e.evaluate(result, at), a.lowering.result(a.group, i), at);
  }
}

} // namespace weft
