// x.grad_fn: a look at the tape. Objects are equal where they are one entry of it; each keeps what it shows alive.
#include "frontend/autograd/Autograd.h"
#include "frontend/trace/Trace.h"
#include "python/bindings/PyTensor.h"

namespace py = pybind11;

namespace weft::python {
namespace {

struct GradFunction {
  Ref<TapeNode> node;   // or
  Ref<TensorImpl> leaf; // where gradients are accumulated

  const void *entry() const { return node ? static_cast<const void *>(node.get()) : leaf.get(); }
  std::string name() const;
  py::tuple next() const;
};

std::string GradFunction::name() const { return node ? nameOf(*node) : "AccumulateGrad"; }

// hook(gradients of the operands, gradients of the result) -> None or other gradients of the operands.
NodeHook nodeHook(py::function function) {
  return [held = sharedFunction(std::move(function))](const std::vector<Tensor> &found, const Tensor &cotangent) {
    py::gil_scoped_acquire gil;
    py::object result =
        callingPython([&] { return py::handle(held.get())(toTuple(found), py::make_tuple(py::cast(cotangent))); });
    if (result.is_none())
      return std::vector<Tensor>();
    if (isTensor(result.ptr()))
      result = py::make_tuple(result);
    std::vector<Tensor> changed = tensorsOf("register_hook", result, true);
    if (changed.size() != found.size())
      fail(UserError::Kind::Runtime, "register_hook",
           "hook has returned an incorrect number of values; got " + std::to_string(changed.size()) + ", need " +
               std::to_string(found.size()));
    return changed;
  };
}

// hook((gradient,)) -> None or another gradient, alone or in a tuple.
GradHook preHook(py::function function) {
  return [held = sharedFunction(std::move(function))](const Tensor &cotangent) {
    py::gil_scoped_acquire gil;
    py::object result = callingPython([&] { return py::handle(held.get())(py::make_tuple(py::cast(cotangent))); });
    if (result.is_none())
      return Tensor();
    std::vector<Tensor> changed =
        isTensor(result.ptr()) ? std::vector<Tensor>{unbox(result.ptr())} : tensorsOf("register_prehook", result, true);
    return changed.empty() ? Tensor() : changed[0];
  };
}

void refuseInTrace() {
  if (Trace *trace = Trace::active())
    trace->notReplayable("it registers a hook");
}

HookHandle registerOnNode(const GradFunction &f, py::function function) {
  refuseInTrace();
  if (f.node)
    return HookHandle(f.node->hooks, nodeHook(std::move(function)));
  NodeHook hook = nodeHook(std::move(function)); // what it returns is ignored: there are no operands
  return registerAccumulateHook(Tensor(f.leaf), [hook](const Tensor &leaf) {
    hook({}, leaf.grad());
    return Tensor();
  });
}

HookHandle registerBeforeNode(const GradFunction &f, py::function function) {
  refuseInTrace();
  std::shared_ptr<Hooks> &hooks = f.node ? f.node->hooks : autogradMeta(*f.leaf).hooks;
  return HookHandle(hooks, preHook(std::move(function)));
}

// Where the cotangents of the operands go.
py::tuple GradFunction::next() const {
  const TapeNode *made = node && node->number ? node->operands[0].node.get() : node.get();
  py::tuple operands(made ? made->operands.size() : 0);
  for (size_t i = 0; i < operands.size(); ++i) {
    const TapeOperand &operand = made->operands[i];
    py::object function = py::none();
    if (operand.node || operand.leaf)
      function = py::cast(GradFunction{operand.node, operand.leaf});
    operands[i] = py::make_tuple(function, operand.node ? operand.node->number : 0);
  }
  return operands;
}

} // namespace

py::object gradFunctionOf(const Tensor &t) {
  if (TapeNode *node = tapeNode(*t.pairs().impl))
    return py::cast(GradFunction{Ref<TapeNode>(node), {}});
  return py::none();
}

void bindGradFunction(py::module_ &module) {
  py::class_<GradFunction>(module, "GradFunction", notMadeByHand(),
                           "An entry of the tape: what backward() goes through.")
      .def("name", &GradFunction::name)
      .def("register_hook", &registerOnNode,
           "Calls hook(grad_inputs, grad_outputs) when they are known; a tuple that it returns replaces grad_inputs.")
      .def("register_prehook", &registerBeforeNode,
           "Calls hook(grad_outputs) before the derivative; a tuple that it returns replaces them.")
      .def("__getattr__", // what a custom function's context holds
           [](const GradFunction &f, const std::string &name) {
             py::object context = f.node ? contextOf(*f.node) : py::none();
             if (context.is_none())
               throw py::attribute_error("'" + f.name() + "' object has no attribute '" + name + "'");
             return context.attr(name.c_str());
           })
      .def_property_readonly(
          "output_nr", [](const GradFunction &f) { return f.node ? f.node->number : 0; }, "Which of its results.")
      .def_property_readonly("next_functions", &GradFunction::next, "(function or None, 0) of each operand.")
      .def_property_readonly(
          "variable", [](const GradFunction &f) { return f.node ? Tensor() : Tensor(f.leaf); },
          "The leaf whose .grad it adds to; None of others.")
      .def("__repr__", [](const GradFunction &f) { return "<" + f.name() + ">"; })
      .def("__hash__", [](const GradFunction &f) { return reinterpret_cast<uintptr_t>(f.entry()) >> 4; })
      .def("__eq__", [](const GradFunction &f, py::object other) {
        return py::isinstance<GradFunction>(other) && other.cast<const GradFunction &>().entry() == f.entry();
      });
}

} // namespace weft::python
