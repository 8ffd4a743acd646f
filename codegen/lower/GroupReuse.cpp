#include "codegen/lower/GroupReuse.h"
#include "codegen/schedule/Flops.h"

using namespace mlir;

namespace weft {

namespace {

// Writes all that a schedule may depend on; types and attributes are unique, so that their addresses stand for them.
class GroupKey {
public:
  GroupKey(Lowering &lowering, const Group &group) : lowering(lowering) {
    append(group.op->getName().getAsOpaquePointer());
    append(group.op->getAttrDictionary().getAsOpaquePointer());
    append(group.inputs.size());
    for (auto [inside, outside] : group.inputs) {
      number(inside);
      append(lowering.values.find(outside)->second);
    }
    for (Operation *op : group.ops) {
      append(op->getName().getAsOpaquePointer());
      append(op->getAttrDictionary().getAsOpaquePointer());
      append(op->getNumOperands());
      for (Value operand : op->getOperands())
        append(number(operand));
      for (Value result : op->getResults()) {
        number(result);
        append(result.getType().getAsOpaquePointer());
      }
    }
    for (size_t i = 0; i < group.results.size(); ++i) {
      append(number(group.results[i]));
      append(lowering.result(group, i));
    }
  }

  std::string text;
  std::vector<int> buffers; // of inputs and results, each once

private:
  void append(uint64_t word) { text.append(reinterpret_cast<const char *>(&word), sizeof word); }
  void append(const void *pointer) { append(reinterpret_cast<uint64_t>(pointer)); }
  void append(const Size &size) {
    append(uint64_t(size.constant));
    append(size.factors.size());
    for (const Size::Factor &factor : size.factors) {
      append(uint64_t(factor.size));
      append(uint64_t(factor.divide));
    }
  }
  void append(const Storage &storage) {
    auto at = llvm::find(buffers, storage.planBuffer);
    append(uint64_t(at - buffers.begin()));
    if (at == buffers.end())
      buffers.push_back(storage.planBuffer);
    append(uint64_t(lowering.weights.count(storage.planBuffer)));
    append(storage.type.getAsOpaquePointer());
    append(storage.shape.size());
    for (const Size &size : storage.shape)
      append(size);
    for (const Size &stride : storage.strides)
      append(stride);
    append(storage.offset);
  }
  uint64_t number(Value value) { return numbers.try_emplace(value, numbers.size()).first->second; }

  Lowering &lowering;
  llvm::DenseMap<Value, uint64_t> numbers;
};

} // namespace

void GroupReuse::add(const Group &group, llvm::function_ref<void(Lowering &, const Group &)> schedule) {
  GroupKey key(lowering, group);
  if (auto equal = known.find(key.text); equal != known.end())
    return repeat(equal->second, std::move(key.buffers), group);
  size_t firstStep = lowering.steps.size(), firstBuffer = lowering.plan.buffers.size();
  schedule(lowering, group);
  countFlops(lowering, group, firstStep);
  for (size_t buffer = firstBuffer; buffer < lowering.plan.buffers.size(); ++buffer)
    key.buffers.push_back(int(buffer));
  known[std::move(key.text)] = {firstStep, lowering.steps.size() - firstStep, std::move(key.buffers)};
}

void GroupReuse::repeat(const Scheduled &equal, std::vector<int> buffers, const Group &group) {
  while (buffers.size() < equal.buffers.size()) {
    PlanBuffer temporary = lowering.plan.buffers[equal.buffers[buffers.size()]];
    buffers.push_back(int(lowering.plan.buffers.size()));
    lowering.plan.buffers.push_back(std::move(temporary));
  }
  auto renamed = [&](int buffer) { return buffers[llvm::find(equal.buffers, buffer) - equal.buffers.begin()]; };
  auto renamedSet = [&](const std::set<int> &from) {
    std::set<int> to;
    for (int buffer : from)
      to.insert(renamed(buffer));
    return to;
  };
  for (size_t i = 0; i < equal.stepCount; ++i) {
    PlannedStep step = lowering.steps[equal.firstStep + i];
    step.location = stepLocation(group);
    for (int32_t &buffer : step.buffers)
      buffer = renamed(buffer);
    step.reads = renamedSet(step.reads);
    step.writes = renamedSet(step.writes);
    for (auto &[read, written] : step.inPlace)
      read = renamed(read), written = renamed(written);
    lowering.steps.push_back(std::move(step));
  }
}

} // namespace weft
