// A function as the text that weft-opt and weft-aot read.
#include "frontend/executables/CompilerLibrary.h"
#include "frontend/trace/Trace.h"
#include "python/bindings/Guards.h"

#include <map>
#include <pybind11/stl.h>
#include <set>

namespace py = pybind11;

namespace weft::python {
namespace {

// The tensors of a result in its order, as often as they occur.
void addLeaves(const Pattern &pattern, const std::vector<Tensor> &tensors, std::vector<Tensor> &leaves) {
  if (pattern.kind == Pattern::Kind::Tensor)
    leaves.push_back(tensors[pattern.index]);
  for (const Pattern &child : pattern.children)
    addLeaves(child, tensors, leaves);
}

// The tensors of the arguments, each place one of its own, also where one was given twice.
struct Arguments {
  std::vector<Tensor> given; // distinct
  std::vector<Tensor> placeholders;
  std::vector<std::string> names; // "x"; "x_0", "x_key" in a container

  void add(Pattern &pattern, const std::string &name, Trace &trace) {
    if (pattern.kind == Pattern::Kind::Tensor) {
      placeholders.push_back(trace.placeholder(given[size_t(pattern.index)]));
      pattern.index = int(placeholders.size()) - 1;
      names.push_back(name);
    }
    for (size_t i = 0; i < pattern.children.size(); ++i) {
      std::string key = pattern.kind == Pattern::Kind::Dict
                            ? py::str(py::handle(PyTuple_GET_ITEM(pattern.value.ptr(), i))).cast<std::string>()
                            : std::to_string(i);
      add(pattern.children[i], name + "_" + key, trace);
    }
  }
};

struct Named {
  std::string name;
  Tensor tensor;
};

// A weight or a state is called as in `named`, else after its number.
std::vector<InputName> namesOf(const ExportedProgram &program, const std::vector<std::string> &arguments,
                               const std::vector<Named> &named) {
  std::vector<InputName> names;
  std::set<std::string> taken;
  for (const Named &item : named)
    taken.insert(item.name);
  for (size_t i = 0; i < program.inputs.size(); ++i) {
    const auto &[role, tensor] = program.inputs[i];
    if (role == InputRole::Argument || role == InputRole::Generator) {
      names.push_back({role == InputRole::Argument ? arguments[i] : "", role});
      continue;
    }
    std::string name = (role == InputRole::State ? "state" : "constant") + std::to_string(i);
    while (!taken.insert(name).second)
      name += "_";
    for (const Named &item : named)
      if (item.tensor.sharesStorage(tensor) && item.tensor.shape() == tensor.shape() &&
          item.tensor.offset() == tensor.offset())
        name = item.name;
    names.push_back({name, role});
  }
  return names;
}

void checkNoneIsShared(const std::vector<Replacement> &replacements, const std::vector<Tensor> &reachable) {
  for (const Replacement &replacement : replacements)
    for (const Tensor &t : reachable)
      if (!t.is(replacement.before) && t.sharesStorage(replacement.before))
        fail(UserError::Kind::NotImplemented, "export",
             (replacement.line.empty() ? "" : replacement.line + ": ") + "the function replaces " + replacement.path +
                 ", whose memory another tensor shares: that one stays; clone() one of the two before");
}

void checkNothingIsKept(Trace &trace) {
  std::string kept = trace.survivor();
  if (kept.empty())
    return;
  py::module_::import("gc").attr("collect")(); // unless it is garbage
  if (kept = trace.survivor(); !kept.empty())
    fail(UserError::Kind::NotImplemented, "export",
         "the function keeps " + kept +
             " after the call (a hook, a list or a cache does), which an exported program cannot do; keep tensors "
             "in buffers, remove the hook, or call the function once before if it is a cache");
}

// The function's result and arguments go with the frame.
ExportedProgram traced(Trace &trace, const py::object &function, const py::tuple &args,
                       const std::vector<std::string> &names, Arguments &arguments, const py::object &changes) {
  std::string unclear;
  auto checkClear = [&] {
    if (!unclear.empty())
      fail(UserError::Kind::Type, "export", "arguments and results may not be " + unclear);
  };
  Pattern pattern = Pattern::of(args.ptr(), arguments.given, unclear);
  checkClear();
  for (size_t i = 0; i < pattern.children.size(); ++i) {
    if (std::string type = pattern.children[i].opaqueLeaf(); !type.empty())
      fail(UserError::Kind::Type, "export",
           "the argument " + names[i] + " is or holds an object of type " + type +
               "; pass tensors, numbers and strings, or tuples, lists and dicts of them");
    arguments.add(pattern.children[i], names[i], trace);
  }
  py::object given = pattern.build(arguments.placeholders);
  auto result = py::reinterpret_steal<py::object>(
      callingPython([&] { return PyObject_CallObject(function.ptr(), given.ptr()); }));
  if (!result)
    throw py::error_already_set();
  std::vector<Replacement> replacements;
  auto [replaced, reachable] = changes().cast<std::pair<py::list, std::vector<Tensor>>>();
  for (py::handle item : replaced) {
    auto [path, before, after, line] = item.cast<std::tuple<std::string, Tensor, Tensor, std::string>>();
    replacements.push_back({path, before.pairs(), after.pairs(), line});
  }
  checkNoneIsShared(replacements, pairsOf(reachable));
  if (std::vector<Tensor> found(arguments.placeholders.size()); !pattern.matches(given.ptr(), found.data()))
    fail(UserError::Kind::NotImplemented, "export",
         "the function changes a container among its arguments; return what it puts there");
  std::vector<Tensor> distinct, outputs;
  Pattern results = Pattern::of(result.ptr(), distinct, unclear);
  checkClear();
  addLeaves(results, distinct, outputs);
  ExportedProgram program = trace.exported(outputs, replacements);
  if (std::string type = results.opaqueLeaf(); !type.empty() || program.graph.outputs.empty())
    fail(UserError::Kind::Type, "export",
         "the function must return tensors, or tuples, lists and dicts of them; it returned " +
             (type.empty() ? Py_TYPE(result.ptr())->tp_name : type));
  return program;
}

struct Exported {
  ExportedProgram program;
  std::vector<InputName> names;
  py::list weights; // (name, tensor) of the weights and states
};

Exported exported(const py::object &function, const py::tuple &args, const std::vector<std::string> &argumentNames,
                  const py::list &namedTensors, const py::object &changes) {
  std::vector<Named> named;
  std::vector<Tensor> known;
  for (py::handle item : namedTensors) {
    auto [name, tensor] = item.cast<std::pair<std::string, Tensor>>();
    named.push_back({name, tensor.pairs()});
    known.push_back(tensor.pairs());
  }
  Exported result;
  std::vector<std::string> names;
  {
    Trace trace({}, Trace::Purpose::Export);
    trace.prefer(known);
    {
      Arguments arguments;
      result.program = traced(trace, function, args, argumentNames, arguments, changes);
      names = std::move(arguments.names);
      for (size_t i = 0; i < names.size(); ++i)
        result.program.inputs[i].tensor = {};
    }
    checkNothingIsKept(trace);
  }
  result.names = namesOf(result.program, names, named);
  for (size_t i = 0; i < result.program.inputs.size(); ++i)
    if (InputRole role = result.names[i].role; role == InputRole::Weight || role == InputRole::State)
      result.weights.append(
          py::make_tuple(result.names[i].name, result.program.inputs[i].tensor.detach().contiguous()));
  return result;
}

// Gives (text, names and tensors of the weights and states) of function(*args). `argumentNames`: one an argument;
// `named`: (name, tensor) of what the function may read; `changes`: called after the function, gives ((path, before,
// after, line) of the tensors that it replaced outside, the tensors that it can reach).
py::tuple exportGraph(py::object function, py::tuple args, const std::vector<std::string> &argumentNames,
                      const py::list &namedTensors, py::object changes, const std::string &weightsFile) {
  Exported result = exported(function, args, argumentNames, namedTensors, changes);
  return py::make_tuple(
      compilerLibrary().print(result.program.graph, result.names, result.weights.empty() ? "" : weightsFile),
      result.weights);
}

// The same as StableHLO text, in which the weights are constants if `embed` says so.
py::tuple exportStableHlo(py::object function, py::tuple args, const std::vector<std::string> &argumentNames,
                          const py::list &namedTensors, py::object changes, bool embed) {
  Exported result = exported(function, args, argumentNames, namedTensors, changes);
  std::vector<const void *> data(result.names.size());
  size_t next = 0;
  for (size_t i = 0; i < data.size(); ++i) {
    InputRole role = result.names[i].role;
    if (role != InputRole::Weight && role != InputRole::State)
      continue;
    auto weight = result.weights[next++].cast<std::pair<std::string, Tensor>>().second;
    if (!embed || role != InputRole::Weight)
      continue;
    if (!weight.device().isCpu())
      fail(UserError::Kind::NotImplemented, "export",
           "weights become constants of StableHLO text on the CPU alone; call .to('cpu') before");
    data[i] = weight.numel() ? weight.data() : "";
  }
  return py::make_tuple(compilerLibrary().printStableHlo(result.program.graph, result.names, data), result.weights);
}

py::tuple listOf(const Dims &dims) {
  py::tuple items(dims.size());
  for (int i = 0; i < int(dims.size()); ++i)
    items[i] = py::int_(dims[i]);
  return items;
}

py::tuple recordsOf(const Graph &graph);

py::object valueOf(const Attr &attr) {
  switch (attr.kind) {
  case Attr::Kind::Int:
    return py::int_(attr.i);
  case Attr::Kind::Float:
    return py::float_(attr.f);
  case Attr::Kind::Bool:
    return py::bool_(attr.asBool());
  case Attr::Kind::DType:
    return py::str(name(attr.asDType()));
  case Attr::Kind::Ints:
    return listOf(attr.ints);
  case Attr::Kind::Graph:
    return recordsOf(*attr.body);
  }
  return py::none();
}

// (types of the inputs, nodes, outputs): (dtype, shape); (op, operands, attributes, type, which result, line).
py::tuple recordsOf(const Graph &graph) {
  auto typeOf = [](const TensorType &type) { return py::make_tuple(name(type.dtype), listOf(type.shape)); };
  py::list inputs, nodes;
  for (const Input &input : graph.inputs)
    inputs.append(typeOf(input.type));
  for (const Node &node : graph.nodes) {
    const OpInfo &op = info(node.op);
    py::dict attrs;
    for (int i = 0; i < op.attrCount && i < int(node.attrs.size()); ++i)
      attrs[op.attrs[i].name] = valueOf(node.attrs[i]);
    nodes.append(py::make_tuple(op.name, py::cast(node.operands), attrs, typeOf(node.type), node.result,
                                node.location < 0 ? "" : graph.locations[node.location]));
  }
  return py::make_tuple(inputs, nodes, py::cast(graph.outputs));
}

// The program as Python sees it, for writers of other formats: ((name, role) of each input, weights and states,
// records). Composites are what they are made of, but for the ops in `kept`.
py::tuple exportRecords(py::object function, py::tuple args, const std::vector<std::string> &argumentNames,
                        const py::list &namedTensors, py::object changes, const std::vector<std::string> &kept) {
  Exported result = exported(function, args, argumentNames, namedTensors, changes);
  static const std::map<InputRole, const char *> roles = {{InputRole::Argument, "argument"},
                                                          {InputRole::Generator, "generator"},
                                                          {InputRole::State, "state"},
                                                          {InputRole::Weight, "weight"}};
  py::list inputs;
  for (const InputName &input : result.names)
    inputs.append(py::make_tuple(input.name, roles.at(input.role)));
  return py::make_tuple(inputs, result.weights, recordsOf(compilerLibrary().decompose(result.program.graph, kept)));
}

} // namespace

void bindExport(py::module_ &module) {
  module.def("export_graph", &exportGraph);
  module.def("export_stablehlo", &exportStableHlo);
  module.def("export_records", &exportRecords);
}

} // namespace weft::python
