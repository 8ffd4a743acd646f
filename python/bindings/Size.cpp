// weft.Size, the type of a tensor's shape: a tuple of ints whose slices, sums and multiples are Sizes, too.
#include "python/bindings/PyTensor.h"

namespace py = pybind11;

namespace weft::python {

PyTypeObject *sizeType = nullptr;

namespace {

bool isSize(PyObject *object) { return PyObject_TypeCheck(object, sizeType); }

// A Size of the elements of a tuple; takes over the reference, which may be null after an error.
PyObject *sizeOf(PyObject *tuple) {
  if (!tuple)
    return nullptr;
  Py_ssize_t count = PyTuple_GET_SIZE(tuple);
  PyObject *size = sizeType->tp_alloc(sizeType, count);
  for (Py_ssize_t i = 0; size && i < count; ++i)
    PyTuple_SET_ITEM(size, i, Py_NewRef(PyTuple_GET_ITEM(tuple, i)));
  Py_DECREF(tuple);
  return size;
}

// The elements as a tuple proper, whose own operations then apply.
PyObject *elements(PyObject *self) { return PyTuple_GetSlice(self, 0, PyTuple_GET_SIZE(self)); }

PyObject *make(PyTypeObject *type, PyObject *args, PyObject *keywords) {
  PyObject *sizes = nullptr;
  if ((keywords && PyDict_Size(keywords)) || !PyArg_UnpackTuple(args, "Size", 0, 1, &sizes)) {
    PyErr_SetString(PyExc_TypeError, "[Size] takes one iterable of ints, by position");
    return nullptr;
  }
  PyObject *list = sizes ? PySequence_List(sizes) : PyList_New(0);
  for (Py_ssize_t i = 0; list && i < PyList_GET_SIZE(list); ++i) {
    PyObject *number = PyNumber_Index(PyList_GET_ITEM(list, i));
    if (!number || PyList_SetItem(list, i, number) < 0)
      Py_CLEAR(list);
  }
  if (!list) {
    if (PyErr_ExceptionMatches(PyExc_TypeError)) {
      PyErr_Clear(); // the representation of `sizes` runs Python
      PyErr_Format(PyExc_TypeError, "[Size] takes an iterable of ints; got %R; pass a list or tuple of ints", sizes);
    }
    return nullptr;
  }
  PyObject *size = type->tp_alloc(type, PyList_GET_SIZE(list));
  for (Py_ssize_t i = 0; size && i < PyList_GET_SIZE(list); ++i)
    PyTuple_SET_ITEM(size, i, Py_NewRef(PyList_GET_ITEM(list, i)));
  Py_DECREF(list);
  return size;
}

PyObject *subscript(PyObject *self, PyObject *key) {
  PyObject *found = PyTuple_Type.tp_as_mapping->mp_subscript(self, key);
  if (!found || !PySlice_Check(key) || isSize(found))
    return found;
  return sizeOf(found);
}

PyObject *add(PyObject *left, PyObject *right) {
  if (!PyTuple_Check(left) || !PyTuple_Check(right))
    Py_RETURN_NOTIMPLEMENTED;
  PyObject *first = elements(left), *sum = first ? PyTuple_Type.tp_as_sequence->sq_concat(first, right) : nullptr;
  Py_XDECREF(first);
  return sizeOf(sum);
}

PyObject *multiply(PyObject *left, PyObject *right) {
  PyObject *self = isSize(left) ? left : right, *times = isSize(left) ? right : left;
  if (!PyIndex_Check(times))
    Py_RETURN_NOTIMPLEMENTED;
  Py_ssize_t count = PyNumber_AsSsize_t(times, PyExc_OverflowError);
  if (count == -1 && PyErr_Occurred())
    return nullptr;
  PyObject *once = elements(self), *result = once ? PySequence_Repeat(once, count) : nullptr;
  Py_XDECREF(once);
  return sizeOf(result);
}

PyObject *represent(PyObject *self) {
  PyObject *list = PySequence_List(self), *text = list ? PyUnicode_FromFormat("weft.Size(%R)", list) : nullptr;
  Py_XDECREF(list);
  return text;
}

PyObject *numel(PyObject *self, PyObject *) {
  PyObject *count = PyLong_FromLong(1);
  for (Py_ssize_t i = 0; count && i < PyTuple_GET_SIZE(self); ++i) {
    PyObject *product = PyNumber_Multiply(count, PyTuple_GET_ITEM(self, i));
    Py_DECREF(count);
    count = product;
  }
  return count;
}

PyMethodDef methods[] = {
    {"numel", numel, METH_NOARGS, "The number of elements of a tensor of these sizes."},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void *>(make)},
    {Py_tp_repr, reinterpret_cast<void *>(represent)},
    {Py_tp_methods, methods},
    {Py_mp_subscript, reinterpret_cast<void *>(subscript)},
    {Py_nb_add, reinterpret_cast<void *>(add)},
    {Py_nb_multiply, reinterpret_cast<void *>(multiply)},
    {Py_tp_doc, const_cast<char *>("The sizes of a tensor: a tuple of ints whose slices and sums are Sizes, too.")},
    {0, nullptr},
};
PyType_Spec spec = {"weft.Size", 0, 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

} // namespace

void bindSize(py::module_ &module) {
  PyObject *type = PyType_FromSpecWithBases(&spec, reinterpret_cast<PyObject *>(&PyTuple_Type));
  if (!type)
    throw py::error_already_set();
  sizeType = reinterpret_cast<PyTypeObject *>(type);
  module.add_object("Size", type);
}

} // namespace weft::python
