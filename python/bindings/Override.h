// `__weft_function__(cls, func, types, args, kwargs)`: classes of which an object is among the arguments take a call
// over, as in PyTorch's protocol. Tensor's own runs the function and makes its results objects of the sub-class.
#pragma once
#include "python/bindings/PyTensor.h"

namespace weft::python {

bool takesCallsOver(PyObject *object); // looks its type up; false within another's call
// Whether the object is of a class that takes calls over: of most objects their type says no at once.
inline bool overrides(PyObject *object) {
  PyTypeObject *type = Py_TYPE(object);
  return type != tensorType && PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) && takesCallsOver(object);
}
// Whether one of the arguments, or of the items of a tuple or list among them, is.
bool anyOverrides(PyObject *const *arguments, Py_ssize_t count);
// What they make of the call; null: an error of Python's.
PyObject *overridden(PyObject *function, PyObject *const *arguments, Py_ssize_t given, PyObject *keywords);
// The same of Tensor's method `name`; NotImplemented where no class knows the call.
PyObject *overriddenOperator(const std::string &name, PyObject *const *arguments, Py_ssize_t given);
// The tensor as an object of the class: itself where nobody else has it, else a view of it.
PyObject *asObjectOf(PyTypeObject *type, pybind11::object tensor);

} // namespace weft::python
