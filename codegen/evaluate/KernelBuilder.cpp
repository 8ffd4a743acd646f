#include "codegen/evaluate/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace weft {

KernelBuilder::KernelBuilder(ModuleOp kernels, Location location) : builder(kernels.getContext()), location(location) {
  builder.setInsertionPointToEnd(kernels.getBody());
  OperationState state(location, kernel::FuncOp::getOperationName());
  state.addAttribute("sym_name", builder.getStringAttr("kernel"));
  state.addAttribute("function_type", TypeAttr::get(builder.getFunctionType({}, {})));
  state.addRegion();
  func = cast<kernel::FuncOp>(builder.create(state));
  entry = new Block;
  func.getBody().push_back(entry);
  begin = entry->addArgument(builder.getIndexType(), location);
  end = entry->addArgument(builder.getIndexType(), location);
  builder.setInsertionPointToEnd(entry);
}

KernelBuilder::~KernelBuilder() {
  if (!finished)
    func.erase();
}

Value KernelBuilder::buffer(int planBuffer, Type element) {
  for (size_t i = 0; i < bufferIds.size(); ++i)
    if (bufferIds[i] == planBuffer)
      return entry->getArgument(i);
  bufferIds.push_back(planBuffer);
  return entry->insertArgument(unsigned(bufferIds.size() - 1), kernel::BufferType::get(builder.getContext(), element),
                               location);
}

Value KernelBuilder::size(const Size &size) { return size.isStatic() ? index(size.constant) : parameter(size); }

Value KernelBuilder::offset(const Size &offset) { return offset.is(0) ? index(0) : parameter(offset); }

Value KernelBuilder::parameter(const Size &size) {
  for (size_t i = 0; i < scalarSizes.size(); ++i)
    if (scalarSizes[i] == size)
      return entry->getArgument(bufferIds.size() + i);
  scalarSizes.push_back(size);
  return entry->insertArgument(unsigned(bufferIds.size() + scalarSizes.size() - 1), builder.getIndexType(), location);
}

std::optional<int64_t> KernelBuilder::constantOf(Value value) {
  if (auto op = value.getDefiningOp<arith::ConstantIndexOp>())
    return op.value();
  return std::nullopt;
}

Value KernelBuilder::index(int64_t value) {
  Value &known = constants[value];
  if (!known) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(entry);
    known = arith::ConstantIndexOp::create(builder, location, value);
  }
  return known;
}

int KernelBuilder::depth(Value value) {
  int depth = 0;
  for (Region *region = value.getParentRegion(); region; region = region->getParentRegion())
    ++depth;
  return depth;
}

bool KernelBuilder::reaches(Value value) {
  for (Block *block = builder.getInsertionBlock(); block;
       block = block->getParentOp() ? block->getParentOp()->getBlock() : nullptr)
    if (value.getParentBlock() == block)
      return true;
  return false;
}

void KernelBuilder::hoist(ArrayRef<Value> operands) {
  Block *target = entry;
  int deepest = -1;
  for (Value value : operands) {
    if (!value || depth(value) <= deepest)
      continue;
    deepest = depth(value);
    target = value.getParentBlock();
  }
  Block *block = builder.getInsertionBlock();
  Operation *at = nullptr;
  while (block != target) {
    at = block->getParentOp();
    block = at->getBlock();
  }
  if (at)
    builder.setInsertionPoint(at);
}

enum Opcode { Add, Sub, Mul, Div, Rem, Min, Max, Less, And };

Value KernelBuilder::binary(int opcode, Value a, Value b) {
  auto &known = shared[{opcode, a.getAsOpaquePointer(), b.getAsOpaquePointer()}];
  for (Value value : known)
    if (reaches(value))
      return value;
  OpBuilder::InsertionGuard guard(builder);
  hoist({a, b});
  Value result;
  switch (Opcode(opcode)) {
  case Add:
    result = arith::AddIOp::create(builder, location, a, b);
    break;
  case Sub:
    result = arith::SubIOp::create(builder, location, a, b);
    break;
  case Mul:
    result = arith::MulIOp::create(builder, location, a, b);
    break;
  case Div:
    result = arith::DivUIOp::create(builder, location, a, b);
    break;
  case Rem:
    result = arith::RemUIOp::create(builder, location, a, b);
    break;
  case Min:
    result = arith::MinSIOp::create(builder, location, a, b);
    break;
  case Max:
    result = arith::MaxSIOp::create(builder, location, a, b);
    break;
  case Less:
    result = arith::CmpIOp::create(builder, location, arith::CmpIPredicate::ult, a, b);
    break;
  case And:
    result = arith::AndIOp::create(builder, location, a, b);
    break;
  }
  known.push_back(result);
  return result;
}

Value KernelBuilder::add(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x && y)
    return index(*x + *y);
  if (x == 0)
    return b;
  if (y == 0)
    return a;
  return binary(Add, a, b);
}

Value KernelBuilder::sub(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x && y)
    return index(*x - *y);
  return y == 0 ? a : binary(Sub, a, b);
}

Value KernelBuilder::mul(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x && y)
    return index(*x * *y);
  if (x == 0 || y == 0)
    return index(0);
  if (x == 1)
    return b;
  return y == 1 ? a : binary(Mul, a, b);
}

Value KernelBuilder::mul(Value a, const Size &b) {
  if (constantOf(a) == 0)
    return a;
  return mul(a, size(b));
}

Value KernelBuilder::div(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x && y && *y != 0)
    return index(*x / *y);
  return y == 1 || x == 0 ? a : binary(Div, a, b);
}

Value KernelBuilder::rem(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x && y && *y != 0)
    return index(*x % *y);
  return y == 1 || x == 0 ? index(0) : binary(Rem, a, b);
}

Value KernelBuilder::min(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x && y)
    return index(std::min(*x, *y));
  return a == b ? a : binary(Min, a, b);
}

Value KernelBuilder::max(Value a, Value b) {
  auto x = constantOf(a), y = constantOf(b);
  if (x && y)
    return index(std::max(*x, *y));
  return a == b ? a : binary(Max, a, b);
}

Value KernelBuilder::less(Value a, Value b) { return binary(Less, a, b); }

Value KernelBuilder::both(Value a, Value b) {
  if (!a || !b)
    return a ? a : b;
  return a == b ? a : binary(And, a, b);
}

Value KernelBuilder::pick(Value condition, Value a, Value b) {
  if (a == b)
    return a;
  OpBuilder::InsertionGuard guard(builder);
  hoist({condition, a, b});
  return arith::SelectOp::create(builder, location, condition, a, b);
}

std::pair<Value, Value> KernelBuilder::split(Value value, const Size &inner) {
  if (inner.is(1))
    return {value, index(0)};
  for (size_t i = 0; i < joins.size(); ++i) {
    const Join join = joins[i];
    if (join.whole != value || !reaches(join.hi) || !reaches(join.lo))
      continue;
    if (join.hi == value || join.lo == value) // nothing is joined, and there is no less to split
      continue;
    if (join.inner == inner)
      return {join.hi, join.lo};
    if (auto ratio = divideExactly(inner, join.inner)) {
      auto [hi, middle] = split(join.hi, *ratio);
      return {hi, this->join(middle, join.lo, join.inner)};
    }
    if (auto ratio = divideExactly(join.inner, inner)) {
      auto [middle, lo] = split(join.lo, inner);
      return {this->join(join.hi, middle, *ratio), lo};
    }
  }
  Value size = this->size(inner);
  Value hi = div(value, size), lo = rem(value, size);
  joins.push_back({value, hi, lo, inner});
  return {hi, lo};
}

Value KernelBuilder::join(Value hi, Value lo, const Size &inner) {
  if (inner.is(1))
    return hi;
  if (constantOf(hi) == 0)
    return lo;
  for (const Join &join : joins)
    if (join.hi == hi && join.lo == lo && join.inner == inner && reaches(join.whole))
      return join.whole;
  Value whole = add(mul(hi, inner), lo);
  joins.push_back({whole, hi, lo, inner});
  return whole;
}

void KernelBuilder::loop(Value lower, Value upper, bool lane, Body body) {
  OperationState state(location, kernel::ForOp::getOperationName());
  state.addOperands({lower, upper});
  if (lane)
    state.addAttribute("lane", builder.getUnitAttr());
  Region *region = state.addRegion();
  Block *block = new Block;
  region->push_back(block);
  block->addArgument(builder.getIndexType(), location);
  builder.create(state);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(block);
  body(block->getArgument(0));
  builder.setInsertionPointToEnd(block);
  kernel::YieldOp::create(builder, location, ValueRange());
}

Value KernelBuilder::reduce(StringRef kind, Value upper, Type type, llvm::function_ref<Value(Value)> body) {
  OperationState state(location, kernel::ReduceOp::getOperationName());
  state.addOperands(upper);
  state.addTypes(type);
  state.addAttribute("kind", builder.getStringAttr(kind));
  Block *block = new Block;
  state.addRegion()->push_back(block);
  block->addArgument(builder.getIndexType(), location);
  Operation *reduce = builder.create(state);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(block);
  Value value = body(block->getArgument(0));
  builder.setInsertionPointToEnd(block);
  kernel::YieldOp::create(builder, location, value);
  return reduce->getResult(0);
}

kernel::ContractOp KernelBuilder::contract(ArrayRef<Value> operands, bool packedB, bool unbroken,
                                           llvm::function_ref<void(Value, Value, Value)> body) {
  OperationState state(location, kernel::ContractOp::getOperationName());
  state.addOperands(operands);
  if (packedB)
    state.addAttribute("packedB", builder.getUnitAttr());
  if (unbroken)
    state.addAttribute("unbroken", builder.getUnitAttr());
  auto element = [](Value buffer) { return cast<kernel::BufferType>(buffer.getType()).getElementType(); };
  Block *block = new Block;
  state.addRegion()->push_back(block);
  block->addArguments({builder.getIndexType(), builder.getIndexType(),
                       kernel::ContractOp::sumType(element(operands[0]), element(operands[4]))},
                      {location, location, location});
  auto contract = cast<kernel::ContractOp>(builder.create(state));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(block);
  body(block->getArgument(0), block->getArgument(1), block->getArgument(2));
  builder.setInsertionPointToEnd(block);
  kernel::YieldOp::create(builder, location, ValueRange());
  return contract;
}

Value KernelBuilder::scratch(const Size &elements, Type element) {
  Value times;
  if (!elements.isStatic()) {
    Size symbolic = elements;
    symbolic.constant = 1;
    times = size(symbolic);
    scratchSizes.push_back(elements * Size(int64_t(llvm::divideCeil(element.getIntOrFloatBitWidth(), 8))));
  }
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(entry);
  return kernel::ScratchOp::create(builder, location, kernel::BufferType::get(builder.getContext(), element),
                                   builder.getI64IntegerAttr(elements.constant), times);
}

void KernelBuilder::store(Value value, Value buffer, Value index) {
  kernel::StoreOp::create(builder, location, value, buffer, index, Value());
}

kernel::FuncOp KernelBuilder::finish(StringRef name) {
  builder.setInsertionPointToEnd(entry);
  kernel::ReturnOp::create(builder, location);
  func->setAttr("sym_name", builder.getStringAttr(name));
  func->setAttr("function_type", TypeAttr::get(builder.getFunctionType(entry->getArgumentTypes(), {})));
  finished = true;
  return func;
}

} // namespace weft
