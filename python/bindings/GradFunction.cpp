// x.grad_fn: a look at the tape. Objects are equal where they are one entry of it; each keeps what it shows alive.
#include "frontend/autograd/Autograd.h"
#include "ir/OpTable.h"
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

// "MulBackward0" of the op "mul", as PyTorch names them.
std::string GradFunction::name() const {
  if (!node)
    return "AccumulateGrad";
  std::string text;
  bool upper = true;
  for (const char *c = info(node->op).name; *c; ++c) {
    if (*c != '_')
      text += upper ? char(toupper(*c)) : *c;
    upper = *c == '_';
  }
  return text + "Backward0";
}

// Where the cotangents of the operands go.
py::tuple GradFunction::next() const {
  py::tuple operands(node ? node->operands.size() : 0);
  for (size_t i = 0; i < operands.size(); ++i) {
    const TapeOperand &operand = node->operands[i];
    py::object function = py::none();
    if (operand.node || operand.leaf)
      function = py::cast(GradFunction{operand.node, operand.leaf});
    operands[i] = py::make_tuple(function, 0);
  }
  return operands;
}

} // namespace

py::object gradFunctionOf(const Tensor &t) {
  if (TapeNode *node = tapeNode(*t.impl))
    return py::cast(GradFunction{Ref<TapeNode>(node), {}});
  return py::none();
}

void bindGradFunction(py::module_ &module) {
  py::class_<GradFunction>(module, "GradFunction", notMadeByHand(),
                           "An entry of the tape: what backward() goes through.")
      .def("name", &GradFunction::name)
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
