#include "codegen/schedule/Schedule.h"
#include "codegen/evaluate/ScalarBodies.h"
#include "ir/GraphIR.h"

#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace weft {

int Lowering::addBuffer(int32_t kind, const Sizes &shape, Type element) {
  PlanBuffer buffer;
  buffer.kind = kind;
  Type memory = storageType(element);
  int64_t bytes = memory.isInteger(1) ? 1 : memory.getIntOrFloatBitWidth() / 8;
  buffer.bytes = (product(shape) * Size(bytes)).extent();
  plan.buffers.push_back(buffer);
  return int(plan.buffers.size()) - 1;
}

Storage Lowering::temporary(const Sizes &shape, Type element) {
  return {addBuffer(WEFT_TEMPORARY, shape, element), element, shape, rowMajorStrides(shape)};
}

llvm::DenseMap<Value, Storage> Lowering::inputs(const Group &group) {
  llvm::DenseMap<Value, Storage> result;
  for (auto [inside, outside] : group.inputs)
    result[inside] = values.find(outside)->second;
  return result;
}

int Lowering::scalarCost(Operation *op) {
  if (familyOf(op) != OpFamily::Elementwise)
    return 1;
  int &cost = costs[int(kindOf(op))];
  if (cost)
    return cost;
  Block block;
  OpBuilder builder(op->getContext());
  builder.setInsertionPointToEnd(&block);
  SmallVector<Scalar> operands;
  for (Value operand : op->getOperands()) {
    Type type = elementType(operand);
    operands.push_back(
        {&builder, op->getLoc(), block.addArgument(computeType(type), op->getLoc()), isUnsignedType(type)});
  }
  buildScalar(kindOf(op), operands, attrsOf(op), computeType(elementType(op->getResult(0))));
  cost = std::max<int>(1, int(llvm::range_size(block)));
  block.dropAllReferences();
  return cost;
}

Kernel::Kernel(Lowering &lowering, const Group &group) : k(lowering.kernels, group.op->getLoc()), e(k) {
  for (auto &[value, storage] : lowering.inputs(group))
    e.bind(value, storage);
}

void Kernel::store(Scalar value, const Storage &to, const Point &point) {
  Value index = to.isRowMajor() ? linear(k, point, to.shape) : e.place(to, point);
  writes.push_back({to.planBuffer, index});
  Value memory = e.toMemory(value, to.type);
  k.store(memory, k.buffer(to.planBuffer, storageType(to.type)), index);
}

std::string groupKind(const Group &group) {
  if (auto kind = group.op->getAttrOfType<StringAttr>("kind"))
    return kind.getValue().str();
  switch (familyOf(group.op)) {
  case OpFamily::Reduction:
    return "reduction";
  case OpFamily::Contraction:
  case OpFamily::Convolution:
    return "contraction";
  case OpFamily::Extern:
    return "extern";
  case OpFamily::Control:
    return "control";
  case OpFamily::Scan:
    return "scan";
  case OpFamily::Segments:
    return "segments";
  case OpFamily::Indexing:
    return infoOf(group.op).traits.scatters ? "scatter" : "loop";
  default:
    return "loop";
  }
}

static std::string joinedNames(const Group &group, StringRef separator) {
  std::vector<std::string> names;
  for (Operation *op : group.ops) {
    std::string name = op->getName().stripDialect().str();
    if (!llvm::is_contained(names, name) && (familyOf(op) != OpFamily::Shape || group.ops.size() == 1))
      names.push_back(name);
  }
  if (names.empty() && !group.ops.empty()) // views alone
    names.push_back(group.ops.back()->getName().stripDialect().str());
  if (names.size() > 4)
    names.resize(4);
  return llvm::join(names, separator);
}

std::string stepLocation(const Group &group) {
  std::string location = locationText(group.op->getLoc());
  return location + (location.empty() ? "" : " ") + joinedNames(group, ", ");
}

namespace {
// The kernel's loads and stores numbered in the order in which they run for one element: by buffer of the plan, the
// number of its last load and of its first store.
struct Accesses {
  Accesses(kernel::FuncOp func, ArrayRef<int32_t> buffers) {
    llvm::DenseMap<Value, int> bufferOf;
    for (auto [buffer, argument] : llvm::zip(buffers, func.getArguments()))
      bufferOf[argument] = buffer;
    int number = 0;
    func.walk([&](Operation *op) {
      ++number;
      if (isa<kernel::ContractOp>(op))
        arithmetic = PlannedStep::Multiplies;
      else if (arithmetic == PlannedStep::Copies &&
               isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp, math::FmaOp, kernel::ReduceOp>(op))
        arithmetic = PlannedStep::Computes;
      if (auto load = dyn_cast<kernel::LoadOp>(op)) {
        if (auto found = bufferOf.find(load.getBuffer()); found != bufferOf.end())
          lastLoad[found->second] = number;
      } else if (auto store = dyn_cast<kernel::StoreOp>(op)) {
        if (auto found = bufferOf.find(store.getBuffer()); found != bufferOf.end())
          firstStore.try_emplace(found->second, number);
      }
    });
  }
  llvm::DenseMap<int, int> lastLoad, firstStore;
  decltype(PlannedStep::arithmetic) arithmetic = PlannedStep::Copies;
};
} // namespace

void Lowering::finish(Kernel &kernel, const Group &group, const Size &grid, int64_t grain) {
  PlannedStep step;
  kernel::FuncOp func = kernel.k.finish("kernel");
  std::string text;
  llvm::raw_string_ostream stream(text);
  func->print(stream, OpPrintingFlags().useLocalScope().assumeVerified());
  auto [at, isNew] = shared.known.try_emplace(text);
  if (isNew) {
    at->second = joinedNames(group, "_") + kernel.suffix + "_" + std::to_string(shared.known.size() - 1);
    func->setAttr("sym_name", StringAttr::get(func->getContext(), at->second));
  }
  step.kernel = at->second;
  step.location = stepLocation(group);
  step.buffers.assign(kernel.k.bufferIds.begin(), kernel.k.bufferIds.end());
  for (const Size &size : kernel.k.scalarSizes)
    step.scalars.push_back(size.extent());
  for (const Size &bytes : kernel.k.scratchSizes)
    step.scratch.push_back(bytes.extent());
  step.grid = grid.extent();
  step.grain = grain;
  for (auto &[buffer, index] : kernel.e.reads)
    step.reads.insert(buffer);
  for (auto &[buffer, index] : kernel.writes)
    step.writes.insert(buffer);
  Accesses accesses(func, step.buffers);
  step.arithmetic = accesses.arithmetic;
  auto elementBits = [&](int buffer) {
    Value parameter = kernel.k.buffer(buffer, {});
    return cast<kernel::BufferType>(parameter.getType()).getElementType().getIntOrFloatBitWidth();
  };
  for (int written : step.writes) {
    for (int read : step.reads) {
      bool safe = kernel.mayRunInPlace && !step.writes.count(read) && elementBits(read) == elementBits(written) &&
                  accesses.lastLoad.lookup(read) < accesses.firstStore.lookup(written);
      for (auto &[buffer, index] : kernel.writes)
        for (auto &[readBuffer, readIndex] : kernel.e.reads)
          safe &= buffer != written || readBuffer != read || index == readIndex;
      if (safe)
        step.inPlace.push_back({read, written});
    }
  }
  if (!isNew)
    func->erase();
  steps.push_back(std::move(step));
}

int64_t groupCost(Lowering &lowering, const Group &group) {
  int64_t cost = 0;
  for (Operation *op : group.ops)
    cost += lowering.scalarCost(op);
  return cost;
}

} // namespace weft
