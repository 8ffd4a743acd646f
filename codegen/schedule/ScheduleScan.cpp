// Scans along an axis, in the order that ir/ops/Scan.td states: what the elements of a block came to so far, and what
// the blocks before it came to, are kept for each lane in scratch memory. Where there is something behind the axis the
// lanes are a strip of its columns. Else the rows are transposed in pieces of a block: 64 rows are the lanes, or, of
// few that are long, 64 blocks of one, which are gone through twice, as each must know those before.
#include "codegen/schedule/Schedule.h"

#include "ir/kernel/CanonicalOrder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using namespace mlir;

namespace weft {

static constexpr int64_t kBlock = order::kScanBlock, kLanes = kernel::TransposeOp::kLanes;

namespace {

// What elements came to.
using State = SmallVector<Scalar, 2>;

class ScanSchedule {
public:
  ScanSchedule(Lowering &lowering, const Group &group);
  void run();

private:
  // The arithmetic of the op.
  Scalar constant(Type type, double number);
  State identity();
  State element(ArrayRef<Scalar> operands, Value position);
  State combine(const State &before, const State &behind);
  Scalar result(const State &state, size_t i);

  // States of lanes.
  using Memory = SmallVector<Value, 2>;
  Memory states(int64_t lanes);
  State load(const Memory &memory, Value lane);
  void store(const State &state, const Memory &memory, Value lane);
  void reset(const Memory &memory, Value lanes);

  bool canTranspose();
  void byColumns();
  void byRows();
  void columnStrip(Value before, Value first, Value width);
  void transposeIn(Value base, Value stride, Value count, Value length);
  void transposeOut(Value base, Value stride, Value count, Value length);
  Value wholeVectors(Value count);
  State transposedElement(Value i, Value lane, Value position);
  void keepResults(const State &state, Value i, Value lane);
  void strip(Value base, Value stride, Value count, Value length, Value position);
  void blocksOf(Value row, Value blocks);

  Lowering &lowering;
  const Group &group;
  Operation *op;
  OpKind kind;
  std::vector<Storage> operands;
  SmallVector<Type, 2> types; // of a state's parts
  Sizes shape;
  int rank, dim;
  Size outer, length, inner;
  std::optional<Kernel> kernel; // after those that copy operands
  KernelBuilder *k = nullptr;
  Memory block, carried;                   // of the elements of a block so far, and of the blocks before
  SmallVector<Value, 2> lanesIn, lanesOut; // rows, transposed
};

} // namespace

ScanSchedule::ScanSchedule(Lowering &lowering, const Group &group)
    : lowering(lowering), group(group), op(group.ops.back()), kind(kindOf(op)) {
  shape = sizesOf(op->getResult(0));
  rank = int(shape.size()), dim = int(intAttr(op, "dim"));
  outer = product(shape, 0, dim), length = shape[size_t(dim)], inner = product(shape, dim + 1, rank);
  Type element = elementType(op->getResult(0)), wide = computeType(element);
  OpBuilder builder(op->getContext());
  if (kind == OpKind::Cummax || kind == OpKind::Cummin)
    types = {wide.isInteger(1) ? Type(builder.getI32Type()) : wide, builder.getI64Type()};
  else
    types.assign(kind == OpKind::LinearScan ? 2 : 1, element.isF32() ? Type(builder.getF64Type()) : wide);
}

// ---------------------------------------------------------------- Arithmetic

Scalar ScanSchedule::constant(Type type, double number) {
  OpBuilder::InsertionGuard guard(k->builder);
  k->hoist({});
  TypedAttr value = isa<FloatType>(type) ? TypedAttr(k->builder.getFloatAttr(type, number))
                                         : TypedAttr(k->builder.getIntegerAttr(type, int64_t(number)));
  return {&k->builder, k->location, arith::ConstantOp::create(k->builder, k->location, value)};
}

// Named, here and below: the ops differ in this alone. No element is at position -1; a recurrence is a factor of what
// is before it, and a summand.
State ScanSchedule::identity() {
  switch (kind) {
  case OpKind::Cumprod:
    return {constant(types[0], 1)};
  case OpKind::LinearScan:
    return {constant(types[0], 1), constant(types[1], 0)};
  case OpKind::Cummax:
  case OpKind::Cummin:
    return {constant(types[0], 0), constant(types[1], -1)};
  default:
    return {constant(types[0], 0)};
  }
}

State ScanSchedule::element(ArrayRef<Scalar> operands, Value position) {
  State state;
  for (Scalar operand : operands)
    state.push_back(operand.type() == types[0] ? operand : convert(operand, types[0]));
  if (kind == OpKind::Cummax || kind == OpKind::Cummin) {
    Value at = arith::IndexCastOp::create(k->builder, k->location, types[1], position);
    state.push_back({&k->builder, k->location, at});
  }
  return state;
}

State ScanSchedule::combine(const State &before, const State &behind) {
  switch (kind) {
  case OpKind::Cumprod:
    return {before[0] * behind[0]};
  case OpKind::LinearScan:
    return {before[0] * behind[0], behind[0] * before[1] + behind[1]};
  case OpKind::Cummax:
  case OpKind::Cummin: {
    Scalar earlier = before[0], later = behind[0];
    earlier.isUnsigned = later.isUnsigned = isUnsignedType(elementType(op->getResult(0)));
    Scalar wins = kind == OpKind::Cummax ? later >= earlier : later <= earlier;
    if (behind[0].isFloat())
      wins = wins | isNan(behind[0]);
    wins = wins | (before[1] < before[1].constantInt(0));
    return {select(wins, behind[0], before[0]), select(wins, behind[1], before[1])};
  }
  default:
    return {before[0] + behind[0]};
  }
}

Scalar ScanSchedule::result(const State &state, size_t i) {
  Type element = elementType(op->getResult(unsigned(i)));
  Scalar value = kind == OpKind::LinearScan ? state[1] : state[i];
  if (value.type() != computeType(element))
    value = convert(value, computeType(element));
  return kernel->e.rounded(value, element);
}

// ---------------------------------------------------------------- States in memory

ScanSchedule::Memory ScanSchedule::states(int64_t lanes) {
  Memory memory;
  for (Type type : types)
    memory.push_back(k->scratch(lanes, type));
  return memory;
}

State ScanSchedule::load(const Memory &memory, Value lane) {
  State state;
  Type element = elementType(op->getResult(0));
  for (auto [i, part] : llvm::enumerate(memory)) {
    Value value = kernel::LoadOp::create(k->builder, k->location, part, lane);
    state.push_back({&k->builder, k->location, value, i == 0 && isUnsignedType(element)});
  }
  return state;
}

void ScanSchedule::store(const State &state, const Memory &memory, Value lane) {
  for (auto [value, part] : llvm::zip(state, memory))
    k->store(value.value, part, lane);
}

void ScanSchedule::reset(const Memory &memory, Value lanes) {
  State none = identity();
  k->loop(k->index(0), lanes, true, [&](Value lane) { store(none, memory, lane); });
}

// ---------------------------------------------------------------- Columns

void ScanSchedule::columnStrip(Value before, Value first, Value width) {
  Value all = k->size(length);
  reset(carried, width);
  k->loop(k->index(0), k->div(k->add(all, k->index(kBlock - 1)), k->index(kBlock)), false, [&](Value number) {
    Value begin = k->mul(number, k->index(kBlock)), end = k->min(k->add(begin, k->index(kBlock)), all);
    reset(block, width);
    k->loop(begin, end, false, [&](Value i) {
      k->loop(k->index(0), width, true, [&](Value lane) {
        Point at;
        if (dim)
          at.push_back({0, dim, before});
        at.push_back({dim, 1, i});
        if (dim + 1 < rank)
          at.push_back({dim + 1, rank - dim - 1, k->add(first, lane)});
        SmallVector<Scalar, 2> values;
        for (const Storage &operand : operands)
          values.push_back(kernel->e.load(operand, at));
        State state = combine(load(block, lane), element(values, i));
        store(state, block, lane);
        state = combine(load(carried, lane), state);
        for (size_t j = 0; j < group.results.size(); ++j)
          kernel->store(result(state, j), lowering.result(group, j), at);
      });
    });
    k->loop(k->index(0), width, true,
            [&](Value lane) { store(combine(load(carried, lane), load(block, lane)), carried, lane); });
  });
}

void ScanSchedule::byColumns() {
  const int64_t width = lowering.model.scanColumns;
  block = states(width), carried = states(width);
  auto tiles = ceilDivide(inner, width);
  k->loop(k->begin, k->end, false, [&](Value task) {
    Value before = outer.is(1) ? k->index(0) : task, tile = k->index(0), all = k->size(inner);
    Value last = k->div(k->add(all, k->index(width - 1)), k->index(width));
    if (tiles) {
      tile = task;
      if (!outer.is(1))
        std::tie(before, tile) = k->split(task, *tiles);
      last = k->add(tile, k->index(1));
    }
    k->loop(tile, last, false, [&](Value tile) {
      Value first = k->mul(tile, k->index(width));
      columnStrip(before, first, k->min(k->index(width), k->sub(all, first)));
    });
  });
  int64_t elements = lowering.estimate(length) * (tiles ? width : lowering.estimate(inner));
  lowering.finish(*kernel, group, tiles ? outer * *tiles : outer, lowering.model.grain(elements, 4));
}

// ---------------------------------------------------------------- Rows

static Type laneType(Type element) { return kernel::TransposeOp::laneType(storageType(element)); }

bool ScanSchedule::canTranspose() {
  return !lowering.target.gpu && inner.is(1) && laneType(elementType(op->getOperand(0)));
}

void ScanSchedule::transposeIn(Value base, Value stride, Value count, Value length) {
  for (auto [storage, lanes] : llvm::zip(operands, lanesIn))
    kernel::TransposeOp::create(k->builder, k->location, k->buffer(storage.planBuffer, storageType(storage.type)), base,
                                stride, count, length, lanes, /*back=*/false);
}

void ScanSchedule::transposeOut(Value base, Value stride, Value count, Value length) {
  for (auto [i, lanes] : llvm::enumerate(lanesOut)) {
    const Storage &to = lowering.result(group, i);
    kernel::TransposeOp::create(k->builder, k->location, k->buffer(to.planBuffer, storageType(to.type)), base, stride,
                                count, length, lanes, /*back=*/true);
  }
}

// So many lanes and more, as there is room for: what the others come to is not copied back.
Value ScanSchedule::wholeVectors(Value count) {
  constexpr int64_t kWidest = 16;
  return k->mul(k->div(k->add(count, k->index(kWidest - 1)), k->index(kWidest)), k->index(kWidest));
}

// Element i of a lane, with those of the lane's block before it.
State ScanSchedule::transposedElement(Value i, Value lane, Value position) {
  SmallVector<Scalar, 2> values;
  Value at = k->add(k->mul(i, k->index(kLanes)), lane);
  for (Value lanes : lanesIn)
    values.push_back({&k->builder, k->location, kernel::LoadOp::create(k->builder, k->location, lanes, at)});
  State state = combine(load(block, lane), element(values, position));
  store(state, block, lane);
  return state;
}

void ScanSchedule::keepResults(const State &state, Value i, Value lane) {
  for (auto [j, lanes] : llvm::enumerate(lanesOut)) {
    Type element = elementType(op->getResult(unsigned(j)));
    Value value = kernel->e.toMemory(result(state, j), element);
    if (Type type = laneType(element); type != value.getType())
      value = arith::ExtFOp::create(k->builder, k->location, type, value);
    k->store(value, lanes, k->add(k->mul(i, k->index(kLanes)), lane));
  }
}

// The next block, or what is left, of `count` rows.
void ScanSchedule::strip(Value base, Value stride, Value count, Value length, Value position) {
  Value lanes = wholeVectors(count);
  transposeIn(base, stride, count, length);
  reset(block, lanes);
  k->loop(k->index(0), length, false, [&](Value i) {
    k->loop(k->index(0), lanes, true, [&](Value lane) {
      State state = transposedElement(i, lane, k->add(position, i));
      keepResults(combine(load(carried, lane), state), i, lane);
    });
  });
  k->loop(k->index(0), lanes, true,
          [&](Value lane) { store(combine(load(carried, lane), load(block, lane)), carried, lane); });
  transposeOut(base, stride, count, length);
}

// All whole blocks of a row. What came before is in lane 0 of `carried`, and so is what they come to in the end.
void ScanSchedule::blocksOf(Value row, Value blocks) {
  Value most = k->index(kLanes);
  k->loop(k->index(0), k->div(k->add(blocks, k->index(kLanes - 1)), most), false, [&](Value part) {
    Value first = k->mul(part, most), count = k->min(most, k->sub(blocks, first)), lanes = wholeVectors(count);
    Value position = k->mul(first, k->index(kBlock)), base = k->add(k->mul(row, length), position);
    transposeIn(base, k->index(kBlock), count, k->index(kBlock));
    auto over = [&](llvm::function_ref<void(const State &, Value, Value)> use) {
      reset(block, lanes);
      k->loop(k->index(0), k->index(kBlock), false, [&](Value i) {
        k->loop(k->index(0), lanes, true, [&](Value lane) {
          Value at = k->add(k->add(position, k->mul(lane, k->index(kBlock))), i);
          use(transposedElement(i, lane, at), i, lane);
        });
      });
    };
    over([](const State &, Value, Value) {});
    k->loop(k->index(0), count, false, [&](Value lane) {
      store(combine(load(carried, lane), load(block, lane)), carried, k->add(lane, k->index(1)));
    });
    over([&](const State &state, Value i, Value lane) { keepResults(combine(load(carried, lane), state), i, lane); });
    transposeOut(base, k->index(kBlock), count, k->index(kBlock));
    store(load(carried, count), carried, k->index(0));
  });
}

void ScanSchedule::byRows() {
  block = states(kLanes), carried = states(kLanes + 1);
  for (const Storage &operand : operands)
    lanesIn.push_back(k->scratch(kBlock * kLanes, laneType(operand.type)));
  for (Value result : group.results)
    lanesOut.push_back(k->scratch(kBlock * kLanes, laneType(elementType(result))));
  Value all = k->size(length), rows = k->sub(k->end, k->begin), lanes = k->index(kLanes);
  const int64_t longRow = lowering.model.scanLongRow;
  bool mayBeLong = !length.isStatic() || length.constant >= longRow;
  bool mayBeShort = !length.isStatic() || length.constant < longRow;
  Value together = rows;
  if (mayBeLong)
    together = mayBeShort ? k->pick(k->less(k->index(longRow - 1), all), k->index(0), rows) : k->index(0);
  auto rowsAsLanes = [&](Value part) {
    Value first = k->mul(part, lanes), count = k->min(lanes, k->sub(together, first));
    reset(carried, lanes);
    k->loop(k->index(0), k->div(k->add(all, k->index(kBlock - 1)), k->index(kBlock)), false, [&](Value number) {
      Value position = k->mul(number, k->index(kBlock));
      Value base = k->add(k->mul(k->add(k->begin, first), length), position);
      strip(base, all, count, k->min(k->index(kBlock), k->sub(all, position)), position);
    });
  };
  auto blocksAsLanes = [&](Value row) {
    Value blocks = k->div(all, k->index(kBlock)), position = k->mul(blocks, k->index(kBlock));
    reset(carried, k->index(1));
    blocksOf(row, blocks);
    strip(k->add(k->mul(row, length), position), k->index(kBlock), k->index(1), k->sub(all, position), position);
  };
  if (mayBeShort)
    k->loop(k->index(0), k->div(k->add(together, k->index(kLanes - 1)), lanes), false, rowsAsLanes);
  if (mayBeLong)
    k->loop(k->add(k->begin, together), k->end, false, blocksAsLanes);
  lowering.finish(*kernel, group, outer, lowering.model.grain(lowering.estimate(length), 4));
}

void ScanSchedule::run() {
  if (product(shape).is(0))
    return;
  llvm::DenseMap<Value, Storage> inputs = lowering.inputs(group);
  for (Value operand : op->getOperands())
    operands.push_back(inOrder(lowering, group, operand, inputs.find(operand)->second));
  kernel.emplace(lowering, group);
  k = &kernel->k;
  kernel->mayRunInPlace = false;
  for (const Storage &operand : operands)
    kernel->e.reads.push_back({operand.planBuffer, Value()});
  for (size_t i = 0; i < group.results.size(); ++i)
    kernel->writes.push_back({lowering.result(group, i).planBuffer, Value()});
  if (canTranspose())
    byRows();
  else
    byColumns();
}

void scheduleScan(Lowering &lowering, const Group &group) { ScanSchedule(lowering, group).run(); }

} // namespace weft
