// 1. Give every argument and result of the main function a buffer. 2. Schedule the groups one by one. 3. Order the
// steps and place the temporaries.
#include "codegen/lower/GraphToKernel.h"
#include "codegen/attention/Attention.h"
#include "codegen/lower/GroupReuse.h"
#include "codegen/lower/Layout.h"
#include "codegen/plan/MemoryPlan.h"
#include "ir/Cancel.h"
#include "ir/GraphIR.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/Format.h"

using namespace mlir;

namespace weft {

static Group groupOf(Operation *op) {
  Group group{op, {}, {}, {}, {}};
  group.outside.assign(op->getResults().begin(), op->getResults().end());
  if (!isa<GroupOp>(op)) {
    for (Value operand : op->getOperands())
      group.inputs.push_back({operand, operand});
    group.results = group.outside;
    group.ops.push_back(op);
    return group;
  }
  Block *block = cast<GroupOp>(op).block();
  for (auto [argument, operand] : llvm::zip(block->getArguments(), op->getOperands()))
    group.inputs.push_back({argument, operand});
  for (Value value : cast<GroupOp>(op).yield()->getOperands())
    group.results.push_back(value);
  for (Operation &inner : block->without_terminator())
    group.ops.push_back(&inner);
  return group;
}

static void scheduleControl(Lowering &lowering, const Group &group);

static void schedule(Lowering &lowering, const Group &group) {
  std::string kind = groupKind(group);
  if (kind == "row")
    scheduleRow(lowering, group);
  else if (kind == "column")
    scheduleColumn(lowering, group);
  else if (kind == "reduction")
    scheduleReduction(lowering, group);
  else if (kind == "contraction")
    scheduleContraction(lowering, group);
  else if (kind == "scatter")
    scheduleScatter(lowering, group);
  else if (kind == "scan")
    scheduleScan(lowering, group);
  else if (kind == "segments")
    scheduleSegments(lowering, group);
  else if (kind == "extern")
    scheduleExtern(lowering, group);
  else if (kind == "control")
    scheduleControl(lowering, group);
  else if (kind == "attention")
    scheduleAttention(lowering, group);
  else
    scheduleLoop(lowering, group);
}

static Storage contiguous(Lowering &lowering, Value value, int32_t kind) {
  Sizes shape = sizesOf(value);
  return {lowering.addBuffer(kind, shape, elementType(value)), elementType(value), shape, rowMajorStrides(shape)};
}

// carries: so many of the first results may take the memory of the arguments of their number.
static Plan lowerFunction(func::FuncOp func, Kernels &kernels, const Target &target, const CostModel &model,
                          int carries = 0) {
  Lowering lowering(kernels, target, model);
  Plan &plan = lowering.plan;
  Operation *end = func.getBody().front().getTerminator();
  plan.inputCount = int32_t(func.getNumArguments());
  std::vector<std::string> checks = checkMessages(func); // of the last results
  plan.outputCount = int32_t(end->getNumOperands() - checks.size());
  if (auto symbols = func->getAttrOfType<IntegerAttr>("weft.symbol_count"))
    plan.symbolCount = int32_t(symbols.getInt());
  lowering.typicalSizes = typicalSizes(func);

  for (BlockArgument argument : func.getArguments()) {
    Storage storage = contiguous(lowering, argument, WEFT_INPUT);
    if (auto strides = func.getArgAttrOfType<DenseI64ArrayAttr>(argument.getArgNumber(), "weft.strides"))
      for (auto [stride, given] : llvm::zip(storage.strides, strides.asArrayRef()))
        stride = Size::ofDim(given);
    lowering.values[argument] = storage;
    if (func.getArgAttr(argument.getArgNumber(), "weft.weight"))
      lowering.weights.insert(storage.planBuffer);
  }
  // An output that is an argument, or another output, is copied from it in the end.
  for (Value output : end->getOperands().take_front(plan.outputCount)) {
    Storage storage = contiguous(lowering, output, WEFT_OUTPUT);
    if (lowering.values.try_emplace(output, storage).second)
      continue;
    OpBuilder builder(end);
    Attrs shape{Attr::list(shapeOf(output))};
    lowering.values[createOp(builder, output.getLoc(), OpKind::Reshape, output, shape)] = storage;
  }

  Layout layout(func, target);
  GroupReuse reuse(lowering);
  for (Operation &op : func.getBody().front().without_terminator()) {
    checkCancelled();
    Group group = groupOf(&op);
    for (auto [value, strides] : llvm::zip(group.outside, layout.strides(lowering, group)))
      if (!lowering.values.count(value)) {
        Storage storage = contiguous(lowering, value, WEFT_TEMPORARY);
        storage.strides = strides;
        lowering.values[value] = storage;
      }
    reuse.add(group, schedule);
  }
  for (auto [message, broken] : llvm::zip(checks, end->getOperands().drop_front(plan.outputCount)))
    plan.checks.push_back({lowering.values.find(broken)->second.planBuffer, message});

  std::vector<Donation> donations;
  if (auto given = func->getAttrOfType<DenseI64ArrayAttr>("weft.donations"))
    for (auto [output, input] : llvm::enumerate(given.asArrayRef()))
      if (input >= 0)
        donations.push_back({plan.inputCount + int(output), int(input)});
  for (int i = 0; i < carries; ++i)
    donations.push_back({plan.inputCount + i, i});
  for (const Donation &donation : donations)
    lowering.weights.erase(donation.input);
  keepOfWeights(lowering);
  orderSteps(lowering, donations);
  placeTemporaries(lowering);
  for (PlannedStep &step : lowering.steps)
    plan.steps.push_back(std::move(step));
  return std::move(plan);
}

// One step, which runs the plans of the bodies.
static void scheduleControl(Lowering &lowering, const Group &group) {
  Operation *op = group.ops.back();
  PlannedStep step;
  step.kernel = infoOf(op).name;
  step.location = stepLocation(group);
  step.control = std::make_shared<PlanControl>();
  PlanControl &control = *step.control;
  // Named: each kind is a way of its own to run a body.
  control.kind = kindOf(op) == OpKind::Scan ? WEFT_SCAN : kindOf(op) == OpKind::Cond ? WEFT_BRANCH : WEFT_WHILE;
  if (control.kind != WEFT_BRANCH)
    control.carries = int32_t(intOf(op, "carries"));
  if (control.kind == WEFT_SCAN) {
    control.trips = Size::ofDim(intsOf(op, "sizes")[0]).extent();
    control.sequences = int32_t(intOf(op, "sequences"));
    control.reverse = boolOf(op, "reverse");
  }
  for (StringRef name : {"body", "otherwise"})
    if (Attribute body = op->getAttr(name))
      control.bodies.push_back(
          lowerFunction(bodyFunction(op, body), lowering.shared, lowering.target, lowering.model, control.carries));
  llvm::DenseMap<Value, Storage> inputs = lowering.inputs(group);
  for (Value operand : op->getOperands()) {
    step.buffers.push_back(inOrder(lowering, group, operand, inputs.find(operand)->second).planBuffer);
    step.reads.insert(step.buffers.back());
  }
  auto write = [&](int buffer) {
    step.buffers.push_back(buffer);
    step.writes.insert(buffer);
  };
  for (size_t i = 0; i < group.results.size(); ++i)
    write(lowering.result(group, i).planBuffer);
  for (int i = 0; i < control.carries; ++i) { // where every other run's lie
    const Storage &carry = lowering.result(group, size_t(i));
    write(lowering.temporary(carry.shape, carry.type).planBuffer);
  }
  lowering.steps.push_back(std::move(step));
}

Lowered lowerToKernels(ModuleOp main, const Target &target, const CostModel &model) {
  main.getContext()->loadDialect<kernel::KernelDialect, arith::ArithDialect, math::MathDialect>();
  Lowered lowered;
  lowered.kernels = ModuleOp::create(main.getLoc());
  Kernels kernels{*lowered.kernels, {}};
  lowered.plan = lowerFunction(*main.getOps<func::FuncOp>().begin(), kernels, target, model);
  return lowered;
}

static std::string toString(const Extent &extent) {
  std::string text = std::to_string(extent.constant), part;
  for (const WeftFactor &factor : extent.factors) {
    part += (part.empty() ? "" : " * ") +
            (factor.symbol < 0 ? std::to_string(-factor.symbol) : "s" + std::to_string(factor.symbol));
    if (factor.divide == 0)
      continue;
    text += " * " + (factor.divide == 1 ? part : "ceil(" + part + " / " + std::to_string(factor.divide) + ")");
    part.clear();
  }
  return text;
}

std::string memoryReport(const Plan &plan) {
  std::string text = std::to_string(plan.arenaBytes) + " bytes";
  if (plan.liveBytes > 0) {
    llvm::raw_string_ostream out(text);
    out << ", " << plan.liveBytes << " alive at once";
    out << llvm::format(" (%.3f)", double(plan.arenaBytes) / double(plan.liveBytes));
  }
  return text;
}

std::string toString(const Plan &plan) {
  static const char *const kinds[] = {"input", "output", "temporary", "constant", "kept"};
  std::string text;
  for (size_t i = 0; i < plan.buffers.size(); ++i) {
    const PlanBuffer &buffer = plan.buffers[i];
    text += "// buffer " + std::to_string(i) + ": " + kinds[buffer.kind] + ", " + toString(buffer.bytes) + " bytes";
    if (buffer.alias == int(i))
      text += ", of others";
    else if (buffer.alias >= 0)
      text += (buffer.kind == WEFT_TEMPORARY ? ", in " : ", in the place of ") + std::to_string(buffer.alias);
    if (buffer.arenaOffset >= 0)
      text += ", at " + std::to_string(buffer.arenaOffset);
    text += "\n";
  }
  for (const PlanStep &step : plan.steps) {
    text += "// batch " + std::to_string(step.batch) + ": " + step.kernel + "(";
    for (size_t i = 0; i < step.buffers.size(); ++i)
      text += (i ? ", " : "") + std::to_string(step.buffers[i]);
    for (const Extent &scalar : step.scalars)
      text += "; " + toString(scalar);
    for (const Extent &bytes : step.scratch)
      text += "; scratch " + toString(bytes);
    if (step.control) {
      text += step.control->kind == WEFT_SCAN ? ") x " + toString(step.control->trips) : ")";
      text += step.control->reverse ? ", the last first, of\n" : " of\n";
      for (const Plan &body : step.control->bodies)
        for (StringRef line : llvm::split(toString(body), '\n'))
          text += line.empty() ? "" : ("//  " + line.drop_front(2) + "\n").str();
      continue;
    }
    text += ") x " + toString(step.grid) + ", grain " + std::to_string(step.grain);
    if (step.blockThreads)
      text += ", threads " + std::to_string(step.blockThreads) + ", shared " + std::to_string(step.scratchBytes);
    text += "\n";
  }
  if (plan.keptSteps)
    text += "// kept: " + std::to_string(plan.keptBytes) + " bytes of the first " + std::to_string(plan.keptSteps) +
            " steps\n";
  for (const PlanCheck &check : plan.checks)
    text += "// check after " + std::to_string(plan.checkedSteps) + " steps: buffer " + std::to_string(check.buffer) +
            ": " + check.message + "\n";
  return text + "// arena: " + memoryReport(plan) + "\n";
}

} // namespace weft
