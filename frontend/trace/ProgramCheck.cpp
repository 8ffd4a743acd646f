#include "frontend/trace/ProgramCheck.h"

#include "frontend/autograd/Autograd.h"
#include "frontend/dispatch/OperandCheck.h"
#include "frontend/dispatch/RunNode.h"
#include "frontend/executables/CompilerLibrary.h"
#include "frontend/executables/Executables.h"
#include "runtime/Hash.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

namespace weft {

namespace {

std::string bytesOf(const Tensor &t) {
  Tensor host = t.detach().to(Device()).contiguous();
  return {static_cast<const char *>(host.data()), size_t(host.numel() * itemSize(host.dtype()))};
}

// A part of a graph: what computes some values from others.
struct Part {
  std::vector<ValueId> outputs;
  std::vector<char> isCut; // by value: it is an input
};

class Search {
public:
  Search(const Graph &graph, const std::vector<Tensor> &inputs)
      : graph(graph), device(inputs.empty() ? Device() : inputs[0].device()), values(inputs) {
    values.resize(size_t(graph.valueCount()));
    for (size_t n = 0; n < graph.nodes.size(); ++n)
      if (graph.nodes[n].result == 0) {
        std::vector<Tensor> results = runNode(graph, n, values, device);
        std::move(results.begin(), results.end(), values.begin() + std::ptrdiff_t(graph.inputs.size() + n));
      }
  }

  Part whole() const {
    Part part{graph.outputs, std::vector<char>(size_t(graph.valueCount()))};
    std::fill_n(part.isCut.begin(), graph.inputs.size(), char(1));
    return part;
  }

  // The part as a graph, whose inputs are the values `given`.
  Graph graphOf(const Part &part, std::vector<ValueId> &given) const {
    std::vector<char> needed = neededBy(part);
    std::vector<ValueId> id(size_t(graph.valueCount()), -1);
    Graph made;
    made.locations = graph.locations;
    for (size_t v = 0; v < needed.size(); ++v)
      if (needed[v] && part.isCut[v]) {
        const Tensor &t = values[v];
        id[v] = made.addInput(t.type(), t.isContiguous() ? Dims() : t.strides());
        given.push_back(ValueId(v));
      }
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      const Node &node = graph.nodes[n];
      size_t count = size_t(resultCount(node.op, node.attrs)), first = graph.inputs.size() + n;
      if (node.result > 0 || std::none_of(needed.begin() + std::ptrdiff_t(first),
                                          needed.begin() + std::ptrdiff_t(first + count), [](char is) { return is; }))
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

  // Whether a program of the part, made by so many steps, gives other bits than the ops one by one.
  bool differs(const Part &part, int steps = -1) const {
    std::vector<ValueId> given;
    Graph made = graphOf(part, given);
    if (std::any_of(made.outputs.begin(), made.outputs.end(), [&](ValueId v) { return v < ValueId(given.size()); }))
      return false; // it would compute nothing
    ExecutablePtr program = executableFor(made, device, steps);
    std::vector<void *> in, out;
    for (ValueId v : given)
      in.push_back(values[size_t(v)].data());
    std::vector<Tensor> results;
    for (ValueId v : part.outputs) {
      results.push_back(Tensor::empty(graph.type(v).shape, graph.type(v).dtype, device));
      out.push_back(results.back().data());
    }
    program->run(in.data(), out.data(), nullptr);
    for (size_t i = 0; i < results.size(); ++i)
      if (bytesOf(results[i]) != bytesOf(values[size_t(part.outputs[i])]))
        return true;
    return false;
  }

  // A part of it that differs and of which no less does, as far as trying can tell.
  Part smallest(Part part) const {
    auto accept = [&](const Part &candidate) { return differs(candidate) && (part = candidate, true); };
    for (ValueId output : std::vector<ValueId>(part.outputs)) {
      Part candidate = part;
      candidate.outputs = {output};
      if (accept(candidate))
        break;
    }
    cutAsLateAsPossible(accept, part);
    for (bool smaller = true; smaller;) {
      smaller = false;
      for (ValueId v = ValueId(graph.valueCount()); v-- > ValueId(graph.inputs.size());) {
        if (part.isCut[size_t(v)] || !neededBy(part)[size_t(v)])
          continue;
        Part candidate = part;
        bool isOutput = std::count(part.outputs.begin(), part.outputs.end(), v) > 0;
        if (!isOutput) { // all that it needs is given instead
          candidate.isCut[size_t(v)] = true;
          smaller |= accept(candidate);
        } else if (part.outputs.size() == 1) { // or one of those is wrong already
          for (ValueId operand : node(v).operands) {
            candidate.outputs = {operand};
            if (!part.isCut[size_t(operand)] && accept(candidate)) {
              smaller = true;
              break;
            }
          }
        }
      }
    }
    return part;
  }

  const Node &node(ValueId v) const {
    const Node &found = graph.nodes[size_t(v) - graph.inputs.size()];
    return *(&found - found.result);
  }

  // The ops of the part, in order.
  std::vector<const Node *> computedBy(const Part &part) const {
    std::vector<char> needed = neededBy(part);
    std::vector<const Node *> computed;
    for (size_t v = graph.inputs.size(); v < needed.size(); ++v)
      if (needed[v] && !part.isCut[v] && (computed.empty() || computed.back() != &node(ValueId(v))))
        computed.push_back(&node(ValueId(v)));
    return computed;
  }

  const Graph &graph;
  const Device device;
  std::vector<Tensor> values; // of the ops one by one

private:
  std::vector<char> neededBy(const Part &part) const {
    std::vector<char> needed(size_t(graph.valueCount()));
    for (ValueId v : part.outputs)
      needed[size_t(v)] = true;
    for (size_t v = needed.size(); v-- > graph.inputs.size();)
      if (needed[v] && !part.isCut[v])
        for (ValueId operand : node(ValueId(v)).operands)
          needed[size_t(operand)] = true;
    return needed;
  }

  // Gives all values before the latest node with which the rest still differs.
  void cutAsLateAsPossible(const std::function<bool(const Part &)> &accept, const Part &part) const {
    size_t low = graph.inputs.size(), high = size_t(graph.valueCount());
    while (high - low > 1) {
      size_t middle = low + (high - low) / 2;
      Part candidate = part;
      std::fill_n(candidate.isCut.begin(), middle, char(1));
      (accept(candidate) ? low : high) = middle;
    }
  }
};

std::string hexadecimal(const std::string &bytes) {
  static const char digits[] = "0123456789abcdef";
  std::string text;
  for (unsigned char byte : bytes)
    (text += digits[byte >> 4]) += digits[byte & 15];
  return text;
}

constexpr size_t kMostValueBytes = size_t(1) << 20; // of an input whose values the file has

// The file's name; empty where none could be written.
std::string writeFile(const Search &search, const Part &part, int steps, const std::string &what) {
  std::vector<ValueId> given;
  Graph graph = search.graphOf(part, given);
  std::vector<InputName> names;
  for (ValueId v : given) {
    std::string bytes = bytesOf(search.values[size_t(v)]);
    names.push_back(bytes.size() <= kMostValueBytes ? InputName{hexadecimal(bytes), InputRole::Value}
                                                    : InputName{"input" + std::to_string(v)});
  }
  std::string body = compilerLibrary().print(graph, names, "");
  std::string name = "weft-check-" + toHex(hash128(body)).substr(0, 8) + ".mlir";
  std::string text = "// " + what + "; " + compilerLibrary().version + "\n// The steps: WEFT_DEBUG=ir weft-aot " +
                     name + " -o model.so\n";
  if (steps > 0)
    text += "// Before and after the pass: weft-opt --weft-pipeline=steps=" + std::to_string(steps - 1) + " " + name +
            ", weft-opt --weft-pipeline=steps=" + std::to_string(steps) + " " + name + "\n";
  text += "// weft.value: an input's bytes, row-major, in hexadecimal\n" + body;
  for (const std::filesystem::path &folder : {std::filesystem::path("."), std::filesystem::temp_directory_path()}) {
    std::filesystem::path path = folder / name;
    std::ofstream file(path, std::ios::binary);
    file << text;
    if (file.close(), file)
      return folder == "." ? name : path.string();
  }
  return "";
}

std::string at(const Graph &graph, const Node &node) {
  return std::string(info(node.op).name) + (node.location < 0 ? "" : " at " + graph.locations[size_t(node.location)]);
}

// Which elements of the result differ, and how.
std::string howTheyDiffer(const Tensor &program, const Tensor &eager) {
  std::string mine = bytesOf(program), theirs = bytesOf(eager);
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

} // namespace

ProgramCheck::ProgramCheck(const std::vector<Tensor> &given, const std::vector<Tensor> &written) {
  for (const Tensor &target : written) {
    const Storage &storage = *target.impl->storage;
    if (std::any_of(copies.begin(), copies.end(), [&](const auto &copy) { return copy.first.sharesStorage(target); }))
      continue;
    Tensor whole = aliasOf(target, {storage.bytes / itemSize(target.dtype())}, {1}, 0);
    copies.emplace_back(whole, whole.detach().clone());
  }
  for (const Tensor &input : given) {
    auto copy = std::find_if(copies.begin(), copies.end(), [&](const auto &c) { return c.first.sharesStorage(input); });
    inputs.push_back(copy == copies.end() ? input
                                          : aliasOf(copy->second, input.shape(), input.strides(), input.offset()));
  }
}

void ProgramCheck::compare(const Graph &graph, const std::vector<Tensor> &outputs) const {
  GradMode mode(false);
  AlreadyChecked passed;
  Search search(graph, inputs);
  size_t wrong = 0;
  while (wrong < outputs.size() && bytesOf(outputs[wrong]) == bytesOf(search.values[size_t(graph.outputs[wrong])]))
    ++wrong;
  if (wrong == outputs.size())
    return;
  const Tensor &right = search.values[size_t(graph.outputs[wrong])];
  std::string how = howTheyDiffer(outputs[wrong], right);
  for (const auto &[whole, before] : copies)
    copyMemory(whole.data(), whole.device(), before.data(), before.device(),
               size_t(before.numel() * itemSize(before.dtype())));

  Part part = search.whole();
  std::string culprit = at(graph, search.node(graph.outputs[wrong])), pass;
  int steps = 0;
  if (!search.differs(part)) {
    pass = "the program that calls of other sizes and numbers share";
  } else {
    part = search.smallest(part);
    std::vector<std::string> names = compilerLibrary().pipelineSteps();
    while (steps < int(names.size()) && !search.differs(part, steps))
      ++steps;
    pass = steps == 0 ? "code generation" : "the pass " + names[size_t(steps - 1)];
    culprit.clear();
    for (const Node *node : search.computedBy(part))
      culprit += (culprit.empty() ? "" : ", ") + at(graph, *node);
  }
  std::string file = writeFile(search, part, steps, "a fault of " + pass + " in " + culprit);
  fail(UserError::Kind::Runtime, "compile",
       "check=True: a result differs from eager's in " + how + "; by " + pass + ", of " + culprit +
           "; this is a fault of weft's; please report it" +
           (file.empty() ? "" : " with the file " + file + ", which reproduces it"));
}

} // namespace weft
