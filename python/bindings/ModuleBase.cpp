// What nn.Module does in every call of every layer: `module(x)` is forward(x), with its hooks where there are any, and
// an attribute that the object itself does not have is looked up among its parameters, sub-modules and buffers.
#include "python/bindings/PyTensor.h"

namespace py = pybind11;

namespace weft::python {
namespace {

PyObject *interned(const char *text) {
  PyObject *string = PyUnicode_InternFromString(text);
  if (!string)
    throw py::error_already_set();
  return string;
}

// Python asks here where the ordinary look-up found nothing.
PyObject *getAttribute(PyObject *self, PyObject *name) {
  static PyObject *const tables[] = {interned("_parameters"), interned("_modules"), interned("_buffers")};
  PyObject **state = _PyObject_GetDictPtr(self);
  for (PyObject *table : tables) {
    PyObject *entries = state && *state ? PyDict_GetItemWithError(*state, table) : nullptr;
    PyObject *value = entries && PyDict_Check(entries) ? PyDict_GetItemWithError(entries, name) : nullptr;
    if (value)
      return Py_NewRef(value);
    if (PyErr_Occurred())
      return nullptr;
  }
  PyErr_Format(PyExc_AttributeError, "'%s' object has no attribute '%U'", Py_TYPE(self)->tp_name, name);
  return nullptr;
}

// Kind of hook → the hooks of all modules. Those of one module are in its attribute `_hooks`, which it has once it had
// any.
PyObject *globalHooks = nullptr;

bool hasHooks(PyObject *self) {
  static PyObject *const hooks = interned("_hooks");
  if (PyDict_GET_SIZE(globalHooks))
    return true;
  PyObject **state = _PyObject_GetDictPtr(self);
  return state && *state && PyDict_GetItemWithError(*state, hooks);
}

PyObject *callWithHooks(PyObject *self, PyObject *args, PyObject *kwargs) {
  return guarded([&] {
    py::object call = py::module_::import("weft.nn.modules.hooks").attr("call");
    py::object named = kwargs ? py::reinterpret_borrow<py::object>(kwargs) : py::dict();
    return call(py::handle(self), py::handle(args), named).release().ptr();
  });
}

PyObject *callForward(PyObject *self, PyObject *args, PyObject *kwargs) {
  static PyObject *const forward = interned("forward");
  if (hasHooks(self))
    return callWithHooks(self, args, kwargs);
  PyObject *method = PyObject_GetAttr(self, forward);
  if (!method)
    return nullptr;
  PyObject *result = PyObject_Call(method, args, kwargs);
  Py_DECREF(method);
  return result;
}

PyMethodDef methods[] = {
    {"__getattr__", getAttribute, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot slots[] = {
    {Py_tp_call, reinterpret_cast<void *>(callForward)},
    {Py_tp_methods, methods},
    {0, nullptr},
};
PyType_Spec spec = {"weft._C.ModuleBase", int(sizeof(PyObject)), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

} // namespace

void bindModuleBase(py::module_ &module) {
  PyObject *type = PyType_FromSpec(&spec);
  if (!type)
    throw py::error_already_set();
  globalHooks = PyDict_New();
  if (!globalHooks)
    throw py::error_already_set();
  module.attr("global_module_hooks") = py::handle(globalHooks);
  module.attr("ModuleBase") = py::reinterpret_steal<py::object>(type);
}

} // namespace weft::python
