// weft.autograd.Function's context: a CustomFunction whose derivative is Python's (weft/_function.py).
#include "frontend/autograd/CustomFunction.h"
#include "frontend/trace/Trace.h"
#include "python/bindings/PyTensor.h"

#include <pybind11/stl.h>

namespace py = pybind11;

namespace weft::python {
namespace {

struct FunctionContext : CustomFunction {
  std::string name() const override { return call("name").cast<std::string>(); }
  std::vector<Tensor> backward(const std::vector<Tensor> &cotangents) override { return pass("_pull", cotangents); }
  std::vector<Tensor> pushForward(const std::vector<Tensor> &tangents) override { return pass("_push", tangents); }

private:
  template <class... Arguments> py::object call(const char *method, const Arguments &...arguments) const {
    py::object self = py::cast(this);
    return callingPython([&] { return self.attr(method)(arguments...); });
  }
  std::vector<Tensor> pass(const char *method, const std::vector<Tensor> &given) const {
    py::gil_scoped_acquire gil;
    std::vector<Tensor> found;
    for (py::handle item : call(method, toTuple(given)))
      found.push_back(item.is_none() ? Tensor() : unbox(item.ptr()));
    return found;
  }
};

// A tensor with a hook for each: what `pack` made of it gives it back through `unpack`.
PackHook packHook(py::function pack, py::function unpack) {
  return [pack = sharedFunction(std::move(pack)), unpack = sharedFunction(std::move(unpack))](const Tensor &value) {
    py::gil_scoped_acquire gil;
    py::object given = py::cast(value);
    auto packed =
        py::reinterpret_steal<py::object>(callingPython([&] { return PyObject_CallOneArg(pack.get(), given.ptr()); }));
    if (!packed)
      throw py::error_already_set();
    return [packed = sharedFunction(std::move(packed)), unpack] {
      py::gil_scoped_acquire gil;
      auto value = py::reinterpret_steal<py::object>(
          callingPython([&] { return PyObject_CallOneArg(unpack.get(), packed.get()); }));
      if (!value)
        throw py::error_already_set();
      if (!isTensor(value.ptr()))
        fail(UserError::Kind::Type, "saved_tensors_hooks",
             std::string("the unpack hook must return a tensor; got ") + Py_TYPE(value.ptr())->tp_name);
      return unbox(value.ptr());
    };
  };
}

// Instances have their value from __new__ on, also those of sub-classes in Python.
newfunc makeInstance = nullptr;
PyObject *contextType = nullptr;
PyObject *newContext(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  return guarded([&] {
    auto self = py::reinterpret_steal<py::object>(makeInstance(type, args, kwargs));
    py::handle(contextType).attr("__init__")(self);
    return self.release().ptr();
  });
}

struct PackingScope {
  py::function pack, unpack;
  std::vector<std::unique_ptr<SavedTensorHooks>> entered;
};

} // namespace

py::object contextOf(const TapeNode &node) {
  auto *context = dynamic_cast<FunctionContext *>(customFunction(node));
  return context ? py::cast(context) : py::none();
}

void bindCustomFunction(py::module_ &module) {
  py::class_<FunctionContext, std::shared_ptr<FunctionContext>> context(module, "FunctionContext", py::dynamic_attr());
  contextType = context.ptr();
  auto *type = reinterpret_cast<PyTypeObject *>(contextType);
  makeInstance = std::exchange(type->tp_new, newContext);
  context.def(py::init<>())
      .def_readwrite("_gives_sparse", &FunctionContext::givesSparse)
      .def("_keep", [](FunctionContext &context,
                       py::sequence tensors) { context.save(tensorsOf("save_for_backward", tensors, true)); })
      .def("_place",
           [](const FunctionContext &context) {
             return context.node && context.node->place ? *context.node->place : "";
           })
      .def("_kept", [](const FunctionContext &context) { return toTuple(context.saved()); });
  // Results that are not differentiable get no history.
  module.def("record_function", [](py::object context, py::sequence operands, py::sequence results,
                                   std::vector<bool> differentiable) {
    auto *function = context.cast<FunctionContext *>();
    std::shared_ptr<CustomFunction> held(sharedFunction(context), function);
    recordFunction(std::move(held), tensorsOf("Function", operands), tensorsOf("Function", results), differentiable);
  });
  module.def("check_in_place", [](const std::string &op, const Tensor &t) { checkInPlace(op.c_str(), t); });
  // The tensor, with its history, as another one: a view, to which nothing is written under grad mode.
  module.def("function_view", [](const Tensor &t) {
    Tensor view = t.alias();
    view.impl->noGradView = view.impl->viewsRequiring = true;
    return view;
  });
  module.def("differentiates_examples", [](py::sequence tensors) {
    Trace *trace = Trace::active();
    return trace && trace->isFunction() && trace->reachesOutside(tensorsOf("Function", tensors));
  });
  module.def("anomaly_mode", [] { return py::make_tuple(anomalyMode().enabled, anomalyMode().checkNan); });
  module.def("set_anomaly_mode", [](bool enabled, bool checkNan) { anomalyMode() = {enabled, checkNan}; });
  module.def("saved_tensors_hooks", [](py::function pack, py::function unpack) {
    return std::make_unique<PackingScope>(PackingScope{std::move(pack), std::move(unpack), {}});
  });
  py::class_<PackingScope>(module, "SavedTensorsHooks", notMadeByHand())
      .def("__enter__",
           [](PackingScope &scope) {
             scope.entered.push_back(std::make_unique<SavedTensorHooks>(packHook(scope.pack, scope.unpack)));
           })
      .def("__exit__", [](PackingScope &scope, const py::args &) { scope.entered.pop_back(); });
}

} // namespace weft::python
