#include "frontend/trace/FaultSearch.h"

#include "frontend/autograd/Autograd.h"
#include "frontend/dispatch/OperandCheck.h"
#include "frontend/dispatch/RunNode.h"
#include "frontend/executables/CompilerLibrary.h"
#include "frontend/executables/Executables.h"
#include "ir/GeneralGraph.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace weft {

namespace {

std::string bytesOf(const Tensor &t) {
  Tensor host = t.detach().to(Device()).contiguous();
  return {static_cast<const char *>(host.data()), size_t(host.numel() * itemSize(host.dtype()))};
}

// Which elements of the result differ, and how; empty: none.
std::string howTheyDiffer(const Tensor &program, const Tensor &eager) {
  std::string mine = bytesOf(program), theirs = bytesOf(eager);
  if (mine == theirs)
    return "";
  size_t size = size_t(itemSize(eager.dtype())), count = 0, first = mine.size();
  for (size_t i = 0; i < mine.size(); i += size)
    if (std::memcmp(&mine[i], &theirs[i], size) != 0) {
      first = std::min(first, i);
      ++count;
    }
  auto number = [&](const std::string &bytes) {
    double value = Tensor::fromHost(&bytes[first], {}, eager.dtype()).itemDouble();
    char text[32];
    std::snprintf(text, sizeof text, "%.9g", value);
    return std::string(text);
  };
  return std::to_string(count) + " of " + std::to_string(eager.numel()) + " elements, first number " +
         std::to_string(first / size) + ": " + number(mine) + ", eagerly " + number(theirs);
}

// Row-major bytes in memory with these strides.
Tensor laidOut(const std::string &bytes, const TensorType &type, const Dims &strides, Device device) {
  Tensor rowMajor = Tensor::fromHost(bytes.data(), type.shape, type.dtype);
  if (strides.empty() || rowMajor.numel() == 0)
    return rowMajor.to(device);
  int64_t last = 0;
  for (int i = 0; i < strides.size(); ++i)
    last += (type.shape[i] - 1) * strides[i];
  Tensor memory = Tensor::empty({last + 1}, type.dtype);
  const size_t size = size_t(itemSize(type.dtype));
  for (int64_t k = 0; k < rowMajor.numel(); ++k) {
    int64_t rest = k, place = 0;
    for (int i = strides.size(); i-- > 0; rest /= type.shape[i])
      place += rest % type.shape[i] * strides[i];
    std::memcpy(static_cast<char *>(memory.data()) + size_t(place) * size, &bytes[size_t(k) * size], size);
  }
  return aliasOf(memory.to(device), type.shape, strides, 0);
}

Device deviceOf(const Replay &program) { return program.options.cuda ? Device{DeviceKind::CUDA, 0} : Device(); }

std::vector<Tensor> inputsOf(const Replay &program) {
  Graph graph = instanceOf(program.graph, program.symbols);
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const TensorType &type = graph.inputs[i].type;
    std::string which = "argument " + std::to_string(i) + ", " + toString(type) + ", ";
    if (!program.values[i])
      fail(UserError::Kind::Value, "replay",
           which + "has no weft.value: give it one, its elements' bytes in hexadecimal digits");
    size_t bytes = size_t(type.shape.product() * itemSize(type.dtype));
    if (program.values[i]->size() != bytes)
      fail(UserError::Kind::Value, "replay",
           which + "takes a weft.value of " + std::to_string(bytes) + " bytes; got " +
               std::to_string(program.values[i]->size()));
    inputs.push_back(laidOut(*program.values[i], type, graph.inputs[i].strides, deviceOf(program)));
  }
  return inputs;
}

std::string at(const Graph &graph, const Node &node) {
  return std::string(info(node.op).name) + (node.location < 0 ? "" : " at " + graph.locations[size_t(node.location)]);
}

} // namespace

FaultSearch::FaultSearch(Replay given) : FaultSearch(given, inputsOf(given)) {}

FaultSearch::FaultSearch(Replay given, std::vector<Tensor> inputs)
    : program(std::move(given)), device(deviceOf(program)), values(std::move(inputs)) {
  GradMode mode(false);
  AlreadyChecked passed;
  Graph graph = instanceOf(program.graph, program.symbols);
  values.resize(size_t(graph.valueCount()));
  for (size_t n = 0; n < graph.nodes.size(); ++n)
    if (graph.nodes[n].result == 0) {
      std::vector<Tensor> results = runNode(graph, n, values, device);
      for (size_t i = 0; i < results.size(); ++i)
        values[graph.inputs.size() + n + i] = results[i].contiguous();
    }
  left = {graph.outputs, std::vector<char>(size_t(graph.valueCount()))};
  std::fill_n(left.isCut.begin(), graph.inputs.size(), char(1));
}

std::string FaultSearch::differenceOf(const std::vector<Tensor> &outputs) const {
  for (size_t i = 0; i < outputs.size(); ++i)
    if (std::string how = howTheyDiffer(outputs[i], values[size_t(left.outputs[i])]); !how.empty())
      return how;
  return "";
}

std::string FaultSearch::difference() const { return differenceOf(resultsOf(left, program.options.steps)); }

// The part as a graph, whose inputs are the values `given`.
Graph FaultSearch::graphOf(const Part &part, std::vector<ValueId> &given) const {
  const Graph &graph = program.graph;
  std::vector<char> needed = neededBy(part);
  std::vector<ValueId> id(size_t(graph.valueCount()), -1);
  Graph made;
  made.locations = graph.locations;
  made.symbolCount = graph.symbolCount;
  made.typicalSizes = graph.typicalSizes;
  for (size_t v = 0; v < needed.size(); ++v)
    if (needed[v] && part.isCut[v]) {
      id[v] = made.addInput(graph.type(ValueId(v)));
      if (v < graph.inputs.size())
        made.inputs.back() = graph.inputs[v];
      given.push_back(ValueId(v));
    }
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node &node = graph.nodes[n];
    size_t count = size_t(resultCount(node.op, node.attrs)), first = graph.inputs.size() + n;
    if (node.result > 0)
      continue;
    bool computed = false;
    for (size_t i = 0; i < count; ++i)
      computed |= needed[first + i] && !part.isCut[first + i];
    if (!computed)
      continue;
    std::vector<ValueId> operands;
    for (ValueId v : node.operands)
      operands.push_back(id[size_t(v)]);
    std::vector<TensorType> types;
    for (size_t i = 0; i < count; ++i)
      types.push_back(graph.nodes[n + i].type);
    ValueId result = made.addNodes(node.op, std::move(operands), node.attrs, types, node.location);
    for (size_t i = 0; i < count; ++i)
      if (!part.isCut[first + i])
        id[first + i] = result + ValueId(i);
  }
  for (ValueId v : part.outputs)
    made.outputs.push_back(id[size_t(v)]);
  return made;
}

std::vector<Tensor> FaultSearch::resultsOf(const Part &part, int steps) const {
  std::vector<ValueId> given;
  Graph made = graphOf(part, given);
  CompileOptions options = program.options;
  options.steps = steps;
  ExecutablePtr executable = executableFor(made, device, options);
  std::vector<void *> in, out;
  for (ValueId v : given)
    in.push_back(values[size_t(v)].data());
  std::vector<Tensor> results;
  for (ValueId v : part.outputs) {
    const Tensor &value = values[size_t(v)];
    results.push_back(Tensor::empty(value.shape(), value.dtype(), device));
    out.push_back(results.back().data());
  }
  executable->run(in.data(), out.data(), program.symbols.data());
  return results;
}

// Whether a program of the part, made by so many steps, gives other bits than the ops one by one.
bool FaultSearch::differs(const Part &part, int steps) const {
  if (std::any_of(part.outputs.begin(), part.outputs.end(), [&](ValueId v) { return part.isCut[size_t(v)]; }))
    return false; // it would compute nothing
  std::vector<Tensor> results = resultsOf(part, steps);
  for (size_t i = 0; i < results.size(); ++i)
    if (bytesOf(results[i]) != bytesOf(values[size_t(part.outputs[i])]))
      return true;
  return false;
}

bool FaultSearch::accept(Part candidate) {
  if (!differs(candidate, program.options.steps))
    return false;
  left = std::move(candidate);
  return true;
}

bool FaultSearch::narrow() {
  GradMode mode(false);
  if (!accept(left))
    return false;
  for (ValueId output : std::vector<ValueId>(left.outputs)) {
    Part candidate = left;
    candidate.outputs = {output};
    if (accept(std::move(candidate)))
      break;
  }
  cutAsLateAsPossible();
  for (bool smaller = true; smaller;) {
    smaller = false;
    for (ValueId v = ValueId(program.graph.valueCount()); v-- > ValueId(program.graph.inputs.size());)
      smaller |= narrowAt(v);
  }
  return true;
}

bool FaultSearch::narrowAt(ValueId v) {
  if (left.isCut[size_t(v)] || !neededBy(left)[size_t(v)])
    return false;
  Part candidate = left;
  if (std::count(left.outputs.begin(), left.outputs.end(), v) == 0) { // all that it needs is given instead
    candidate.isCut[size_t(v)] = true;
    return accept(std::move(candidate));
  }
  if (left.outputs.size() > 1)
    return false;
  for (ValueId operand : node(v).operands) { // or one of those is wrong already
    candidate.outputs = {operand};
    if (accept(candidate))
      return true;
  }
  return false;
}

// Gives all values before the latest node with which the rest still differs.
void FaultSearch::cutAsLateAsPossible() {
  size_t low = program.graph.inputs.size(), high = size_t(program.graph.valueCount());
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    Part candidate = left;
    std::fill_n(candidate.isCut.begin(), middle, char(1));
    (accept(std::move(candidate)) ? low : high) = middle;
  }
}

int FaultSearch::steps() const {
  int all = program.options.steps < 0 ? int(compilerLibrary().pipelineSteps().size()) : program.options.steps;
  int steps = 0;
  while (steps < all && !differs(left, steps))
    ++steps;
  return steps;
}

std::string FaultSearch::passAfter(int steps) {
  return steps == 0 ? "code generation" : "the pass " + compilerLibrary().pipelineSteps()[size_t(steps - 1)];
}

const Node &FaultSearch::node(ValueId v) const {
  const Node &found = program.graph.nodes[size_t(v) - program.graph.inputs.size()];
  return *(&found - found.result);
}

std::string FaultSearch::ops() const {
  std::vector<char> needed = neededBy(left);
  std::string text;
  const Node *last = nullptr;
  for (size_t v = program.graph.inputs.size(); v < needed.size(); ++v)
    if (needed[v] && !left.isCut[v] && last != &node(ValueId(v))) {
      last = &node(ValueId(v));
      text += (text.empty() ? "" : ", ") + at(program.graph, *last);
    }
  return text;
}

Replay FaultSearch::part(size_t mostBytes) const {
  std::vector<ValueId> given;
  Replay made{graphOf(left, given), program.options, program.symbols, {}};
  for (ValueId v : given) {
    std::string bytes = bytesOf(values[size_t(v)]);
    made.values.push_back(bytes.size() <= mostBytes ? std::optional<std::string>(std::move(bytes)) : std::nullopt);
  }
  return made;
}

std::vector<char> FaultSearch::neededBy(const Part &part) const {
  std::vector<char> needed(size_t(program.graph.valueCount()));
  for (ValueId v : part.outputs)
    needed[size_t(v)] = true;
  for (size_t v = needed.size(); v-- > program.graph.inputs.size();)
    if (needed[v] && !part.isCut[v])
      for (ValueId operand : node(ValueId(v)).operands)
        needed[size_t(operand)] = true;
  return needed;
}

} // namespace weft
