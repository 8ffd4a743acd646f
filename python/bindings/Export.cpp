// A traced call as the text that weft-opt and weft-aot read.
#include "frontend/CompilerLibrary.h"
#include "frontend/Trace.h"
#include "python/bindings/Guards.h"

#include <pybind11/stl.h>

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

// Traces function(*args). Gives (text, names and tensors of the weights). An input is an argument, named after its
// number; or a weight, by its name in `named` (pairs of name and tensor), or "constantN".
py::tuple exportGraph(py::object function, py::tuple args, py::list named, const std::string &weightsFile) {
  std::vector<Tensor> arguments, inputs;
  std::string unclear;
  Pattern::of(args.ptr(), arguments, unclear);
  Graph graph;
  {
    Trace trace(arguments, Trace::Purpose::Export);
    py::object result = py::reinterpret_steal<py::object>(PyObject_CallObject(function.ptr(), args.ptr()));
    if (!result)
      throw py::error_already_set();
    std::vector<Tensor> distinct, outputs; // die before the trace, which runs for what lives
    addLeaves(Pattern::of(result.ptr(), distinct, unclear), distinct, outputs);
    if (!unclear.empty())
      fail(UserError::Kind::Type, "export", "arguments and results may not be " + unclear);
    if (outputs.empty())
      fail(UserError::Kind::Type, "export",
           std::string("the function must return tensors; it returned ") + Py_TYPE(result.ptr())->tp_name);
    graph = trace.graphOf(outputs, inputs);
  }
  std::vector<InputName> names;
  py::list weights;
  for (size_t i = 0; i < inputs.size(); ++i) {
    // Both what a C caller passes and a file of weights are in row-major order, however the example arguments lie.
    graph.inputs[i].strides = {};
    int argument = -1;
    for (size_t k = 0; k < arguments.size(); ++k)
      if (arguments[k].is(inputs[i]))
        argument = int(k);
    if (argument >= 0) {
      names.push_back({"input" + std::to_string(argument), false});
      continue;
    }
    std::string name = "constant" + std::to_string(i);
    for (py::handle item : named) {
      auto pair = item.cast<std::pair<std::string, py::object>>();
      Tensor tensor = unbox(pair.second.ptr());
      if (tensor.sharesStorage(inputs[i]) && tensor.shape() == inputs[i].shape() &&
          tensor.offset() == inputs[i].offset())
        name = pair.first;
    }
    names.push_back({name, true});
    weights.append(py::make_tuple(name, inputs[i].detach().contiguous()));
  }
  return py::make_tuple(compilerLibrary().print(graph, names, weights.empty() ? "" : weightsFile), weights);
}

} // namespace

void bindExport(py::module_ &module) { module.def("export_graph", &exportGraph); }

} // namespace weft::python
