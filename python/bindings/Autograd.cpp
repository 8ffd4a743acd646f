#include "frontend/Autograd.h"
#include "frontend/Background.h"
#include "frontend/RepeatedTapes.h"
#include "python/bindings/PyTensor.h"

namespace py = pybind11;

namespace weft::python {
namespace {

std::vector<Tensor> tensorsOf(py::handle sequence) {
  std::vector<Tensor> tensors;
  for (py::handle item : sequence)
    tensors.push_back(item.cast<Tensor>());
  return tensors;
}

// `with no_grad_guard():`, without Python code of its own on the way.
struct GradModeScope {
  bool enabled;
  std::vector<bool> before;
};

} // namespace

void bindAutograd(py::module_ &module) {
  module.def("grad_enabled", &gradEnabled);
  module.def("set_grad_enabled", &setGradEnabled);
  py::class_<GradModeScope>(module, "GradModeScope")
      .def("__enter__",
           [](GradModeScope &scope) {
             scope.before.push_back(gradEnabled());
             setGradEnabled(scope.enabled);
           })
      .def("__exit__", [](GradModeScope &scope, const py::args &) {
        setGradEnabled(scope.before.back());
        scope.before.pop_back();
      });
  module.def("no_grad_guard", [] { return GradModeScope{false, {}}; });
  module.def("grad_mode_guard", [](bool enabled) { return GradModeScope{enabled, {}}; });
  module.def("backward",
             [](py::sequence outputs, py::sequence gradients, bool retain, bool create, py::sequence inputs) {
               backward(tensorsOf(outputs), tensorsOf(gradients), retain, create, tensorsOf(inputs));
             });
  module.def("grad", [](py::sequence outputs, py::sequence inputs, py::sequence gradients, bool retain, bool create,
                        bool unused) {
    std::vector<Tensor> results =
        grad(tensorsOf(outputs), tensorsOf(inputs), tensorsOf(gradients), retain, create, unused);
    py::tuple tuple(results.size());
    for (size_t i = 0; i < results.size(); ++i)
      tuple[i] = py::cast(results[i]);
    return tuple;
  });
  module.def("tape_program_runs", [] { return RepeatedTapes::global().programRuns(); });
  module.def("wait_for_background", [] { waitForBackground(); });
}

} // namespace weft::python
