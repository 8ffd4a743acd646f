#include "frontend/Autograd.h"
#include "frontend/Background.h"
#include "frontend/RepeatedTapes.h"
#include "frontend/Trace.h"
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

} // namespace

void bindAutograd(py::module_ &module) {
  auto remove = [](const HookHandle &handle) {
    if (Trace *trace = Trace::active())
      trace->notReplayable("it removes a hook");
    handle.remove();
  };
  py::class_<HookHandle>(module, "HookHandle", "Removes a hook of a tensor: remove(), or the end of `with`.")
      .def(py::init<>())
      .def("remove", remove)
      .def("__enter__", [](py::object handle) { return handle; })
      .def("__exit__", [remove](const HookHandle &handle, py::args) { remove(handle); })
      // A deep copy of what holds a handle holds other tensors, without hooks.
      .def("__copy__", [](const HookHandle &handle) { return handle; })
      .def("__deepcopy__", [](const HookHandle &, py::dict) { return HookHandle(); })
      .def("__reduce__", [](py::object handle) { return py::make_tuple(handle.get_type(), py::tuple()); });
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
