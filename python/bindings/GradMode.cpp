// `with no_grad():` — a type of its own, since loops enter it once a call: GradMode(mode) sets the mode on entry and
// puts it back on exit; it nests. A sub-class that says `enabled = ...` takes no argument but a function to decorate.
#include "frontend/autograd/Autograd.h"
#include "frontend/dispatch/Autocast.h"
#include "python/bindings/PyTensor.h"

#include <pybind11/stl.h>
#include <structmember.h>

namespace py = pybind11;

namespace weft::python {
namespace {

struct GradModeObject {
  PyObject_HEAD bool enabled;
  std::vector<bool> before; // of the entries that have not been left
};

PyObject *make(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  static PyObject *name = PyUnicode_InternFromString("enabled");
  PyObject *fixed = _PyType_Lookup(type, name), *argument = nullptr;
  if ((kwargs && PyDict_Size(kwargs)) || !PyArg_UnpackTuple(args, type->tp_name, fixed ? 0 : 1, 1, &argument)) {
    if (!PyErr_Occurred())
      PyErr_Format(PyExc_TypeError, "[%s] takes no keyword arguments", type->tp_name);
    return nullptr;
  }
  int enabled = PyObject_IsTrue(fixed ? fixed : argument);
  PyObject *self = enabled < 0 ? nullptr : type->tp_alloc(type, 0);
  if (!self)
    return nullptr;
  auto *mode = reinterpret_cast<GradModeObject *>(self);
  mode->enabled = enabled;
  new (&mode->before) std::vector<bool>;
  if (!fixed || !argument)
    return self;
  PyObject *decorated = PyObject_CallOneArg(self, argument);
  Py_DECREF(self);
  return decorated;
}

int initialise(PyObject *, PyObject *, PyObject *) { return 0; }

void deallocate(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  reinterpret_cast<GradModeObject *>(self)->before.~vector();
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject *enter(PyObject *self, PyObject *) {
  auto *mode = reinterpret_cast<GradModeObject *>(self);
  mode->before.push_back(gradEnabled());
  setGradEnabled(mode->enabled);
  Py_RETURN_NONE;
}

PyObject *exit(PyObject *self, PyObject *const *, Py_ssize_t) {
  auto *mode = reinterpret_cast<GradModeObject *>(self);
  if (mode->before.empty()) {
    PyErr_SetString(PyExc_RuntimeError, "[grad mode] __exit__() without __enter__()");
    return nullptr;
  }
  setGradEnabled(mode->before.back());
  mode->before.pop_back();
  Py_RETURN_NONE;
}

PyMemberDef members[] = {
    {"mode", T_BOOL, offsetof(GradModeObject, enabled), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};
PyMethodDef methods[] = {
    {"__enter__", enter, METH_NOARGS, nullptr},
    {"__exit__", reinterpret_cast<PyCFunction>(reinterpret_cast<void *>(exit)), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void *>(make)},
    {Py_tp_init, reinterpret_cast<void *>(initialise)},
    {Py_tp_dealloc, reinterpret_cast<void *>(deallocate)},
    {Py_tp_members, members},
    {Py_tp_methods, methods},
    {0, nullptr},
};
PyType_Spec spec = {"weft._C.GradMode", int(sizeof(GradModeObject)), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                    slots};

} // namespace

void bindGradMode(py::module_ &module) {
  PyObject *type = PyType_FromSpec(&spec);
  if (!type)
    throw py::error_already_set();
  module.attr("GradMode") = py::reinterpret_steal<py::object>(type);
  module.def("grad_enabled", &gradEnabled);
  module.def("set_grad_enabled", &setGradEnabled);
  module.def("autocast_dtype", &autocastDType);
  module.def("set_autocast_dtype", &setAutocastDType);
}

} // namespace weft::python
