#include "frontend/autograd/Autograd.h"
#include "frontend/autograd/RepeatedTapes.h"
#include "frontend/executables/Background.h"
#include "frontend/trace/Trace.h"
#include "python/bindings/PyTensor.h"
#include "runtime/BlockingRegion.h"

#include <optional>

namespace py = pybind11;

namespace weft::python {

std::vector<Tensor> tensorsOf(const char *op, py::handle sequence, bool mayBeNone) {
  std::vector<Tensor> tensors;
  for (py::handle item : sequence) {
    if (!isTensor(item.ptr()) && !(mayBeNone && item.is_none()))
      fail(UserError::Kind::Type, op,
           std::string("expected tensors; got ") + Py_TYPE(item.ptr())->tp_name + " among them");
    tensors.push_back(item.is_none() ? Tensor() : unbox(item.ptr()));
  }
  return tensors;
}

py::tuple toTuple(const std::vector<Tensor> &tensors) {
  py::tuple tuple(tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i)
    tuple[i] = py::cast(tensors[i]);
  return tuple;
}

namespace {

// A scope of C++ as a context.
template <class Scope> struct Context {
  std::optional<Scope> scope;
};
template <class Scope> void bindContext(py::module_ &module, const char *type, const char *function) {
  py::class_<Context<Scope>>(module, type, notMadeByHand())
      .def("__enter__", [](Context<Scope> &c) { c.scope.emplace(); })
      .def("__exit__", [](Context<Scope> &c, const py::args &) { c.scope.reset(); });
  module.def(function, [] { return std::make_unique<Context<Scope>>(); });
}

// hook(*cotangents), None for one that there is none of, returns as many or None.
GroupHook groupHook(py::function function) {
  if (Trace *trace = Trace::active())
    trace->notReplayable("it registers a hook");
  return [held = sharedFunction(std::move(function))](const std::vector<Tensor> &cotangents) {
    py::gil_scoped_acquire gil;
    py::tuple arguments(cotangents.size());
    for (size_t i = 0; i < cotangents.size(); ++i)
      arguments[i] = cotangents[i].defined() ? py::reinterpret_steal<py::object>(box(cotangents[i])) : py::none();
    auto result = py::reinterpret_steal<py::object>(
        callingPython([&] { return PyObject_CallObject(held.get(), arguments.ptr()); }));
    if (!result)
      throw py::error_already_set();
    std::vector<Tensor> changed;
    for (py::handle item : result.is_none() ? py::tuple() : result.cast<py::tuple>()) {
      if (!item.is_none() && !isTensor(item.ptr()))
        fail(UserError::Kind::Type, "backward hook",
             std::string("a hook must return gradients or None; got ") + Py_TYPE(item.ptr())->tp_name);
      changed.push_back(item.is_none() ? Tensor() : unbox(item.ptr()));
    }
    return changed;
  };
}

} // namespace

void bindAutograd(py::module_ &module) {
  auto remove = [](const HookHandle &handle) {
    if (Trace *trace = Trace::active())
      trace->notReplayable("it removes a hook");
    handle.remove();
  };
  module.def("retains_grad", [](const Tensor &t) {
    if (Trace *trace = Trace::active())
      trace->notReplayable("it asks whether a tensor keeps its gradient");
    return retainsGrad(t);
  });
  module.def("no_hook", [] { return HookHandle(); });
  py::class_<HookHandle>(module, "HookHandle", notMadeByHand(),
                         "Removes a hook of a tensor: remove(), or the end of `with`.")
      .def("remove", remove)
      .def("__enter__", [](py::object handle) { return handle; })
      .def("__exit__", [remove](const HookHandle &handle, py::args) { remove(handle); })
      // A deep copy of what holds a handle holds other tensors, without hooks.
      .def("__copy__", [](const HookHandle &handle) { return handle; })
      .def("__deepcopy__", [](const HookHandle &, py::dict) { return HookHandle(); })
      .def("__reduce__",
           [](py::object) { return py::make_tuple(py::module_::import("weft._C").attr("no_hook"), py::tuple()); });
  module.def("backward",
             [](py::sequence outputs, py::sequence gradients, bool retain, bool create, py::sequence inputs) {
               backward(tensorsOf("backward", outputs), tensorsOf("backward", gradients, true), retain, create,
                        tensorsOf("backward", inputs));
             });
  module.def("grad", [](py::sequence outputs, py::sequence inputs, py::sequence gradients, bool retain, bool create,
                        bool unused) {
    return toTuple(grad(tensorsOf("grad", outputs), tensorsOf("grad", inputs), tensorsOf("grad", gradients, true),
                        retain, create, unused));
  });
  bindContext<Checkpoint>(module, "Checkpoint", "checkpoint");
  bindContext<ForwardScope>(module, "ForwardScope", "forward_scope");
  module.def("tape_order", &nextTapeOrder);
  module.def("release_leaves", [](py::sequence tensors, py::sequence inputs, uint64_t since) {
    releaseLeaves(tensorsOf("grad", tensors), tensorsOf("grad", inputs), since);
  });
  module.def("push_forward", [](py::sequence outputs, py::sequence inputs, py::sequence tangents, bool create) {
    return toTuple(
        pushForward(tensorsOf("jvp", outputs), tensorsOf("jvp", inputs), tensorsOf("jvp", tangents), create));
  });
  module.def("depends_on_others", [](py::sequence tensors, py::sequence inputs) {
    return dependsOnOthers(tensorsOf("grad", tensors), tensorsOf("grad", inputs));
  });
  module.def("register_group_hook", [](py::sequence tensors, py::function hook) {
    registerGroupHook(tensorsOf("register_multi_grad_hook", tensors), groupHook(std::move(hook)));
  });
  module.def("tape_program_runs", [] { return RepeatedTapes::global().programRuns(); });
  module.def("wait_for_background", [] {
    BlockingRegion region;
    waitForBackground();
  });
}

} // namespace weft::python
