// x[...] and x[...] = v. Ints, slices, None and Ellipsis are views; for index tensors (int, bool; lists, arrays) see
// frontend/dispatch/IndexTensors.h.
#include "frontend/dispatch/IndexTensors.h"
#include "frontend/trace/Trace.h"
#include "python/bindings/Function.h"
#include "python/bindings/Override.h"

namespace py = pybind11;

namespace weft::python {
namespace {

constexpr const char *kWhat = "index";

bool isSequence(PyObject *item) {
  return PySequence_Check(item) && !isTensor(item) && !PyUnicode_Check(item) && !PyBytes_Check(item) &&
         !PyDict_Check(item);
}

// As in PyTorch, uint8 is a mask as bool is.
Tensor readIndexTensor(PyObject *item) {
  Tensor index;
  if (isTensor(item))
    index = unbox(item);
  else if (PyObject_CheckBuffer(item))
    index = fromBuffer(item);
  else
    index = py::cast<Tensor>(py::module_::import("weft._C").attr("from_nested")(py::handle(item), py::none()));
  if (index.dtype() == DType::UInt8)
    return index.to(DType::Bool);
  if ((isFloat(index.dtype()) || isComplex(index.dtype())) && index.numel() > 0)
    fail(UserError::Kind::Index, kWhat,
         "tensors used as indices must be integers or bool; got " + toString(index.type()) + "; convert with .long()");
  return index.dtype() == DType::Bool ? index : index.to(DType::Int64);
}

// An entry of an index: an int, a slice, None, an ellipsis or a bool; or an index tensor.
struct Entry {
  PyObject *object;
  Tensor index;
  bool isInt = false; // an index tensor that stands for one

  // How many of x's dimensions it takes.
  int dimensions() const {
    if (index.defined())
      return index.dtype() == DType::Bool ? index.dim() : 1;
    return object == Py_None || object == Py_Ellipsis || PyBool_Check(object) ? 0 : 1;
  }
};

// An int that is a tensor is a select(), which needs its value; of a write in a trace nobody has the view.
Entry readEntry(PyObject *item, bool writes, bool tensors) {
  bool isArray = isTensor(item) || isSequence(item); // NumPy's numbers are no sequences
  Tensor index = isArray ? readIndexTensor(item) : Tensor();
  bool isInt = isArray && index.dim() == 0 && index.dtype() != DType::Bool;
  bool isOfExample =
      isInt && isTensor(item) && index.impl->storage->isLazy() && Trace::active() && Trace::active()->isFunction();
  if (isInt && !tensors && !isOfExample && !(writes && isTensor(item) && Trace::active()))
    return {item, {}};
  return {item, index, isInt};
}

std::vector<Entry> readEntries(PyObject *key, bool writes, bool tensors) {
  std::vector<Entry> entries;
  if (!PyTuple_Check(key))
    return {readEntry(key, writes, tensors)};
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(key); ++i)
    entries.push_back(readEntry(PyTuple_GET_ITEM(key, i), writes, tensors));
  return entries;
}

int64_t readInt(PyObject *item) {
  auto number = py::reinterpret_steal<py::object>(PyNumber_Index(item));
  if (!number)
    throw py::error_already_set();
  int overflow;
  long long value = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  if (overflow)
    fail(UserError::Kind::Value, kWhat, "an index must fit into 64 bits; got " + textOfInt(number.ptr()));
  return value;
}

Tensor sliced(const Tensor &x, int dim, PyObject *item) {
  Py_ssize_t start, stop, step;
  if (PySlice_Unpack(item, &start, &stop, &step) < 0) {
    bool isZero = PyErr_ExceptionMatches(PyExc_ValueError);
    PyErr_Clear();
    if (!isZero)
      fail(UserError::Kind::Type, kWhat, "a slice's bounds and step are ints or None; got others");
    step = 0;
  }
  if (step <= 0)
    fail(UserError::Kind::Value, kWhat,
         "a slice's step must be positive; got " + std::to_string(step) + "; use weft.flip to reverse");
  Py_ssize_t length = PySlice_AdjustIndices(x.shape()[dim], &start, &stop, step);
  if (start == 0 && length == x.shape()[dim] && step == 1)
    return x;
  return slice(x, dim, start, length ? stop : start, step);
}

// Applies what is a view; leaves the index tensors in `indices`. `tensors`: all entries stay tensors.
Tensor basicIndex(const Tensor &x, PyObject *key, std::vector<IndexTensor> &indices, bool writes,
                  bool tensors = false) {
  std::vector<Entry> entries = readEntries(key, writes, tensors);
  int taken = 0;
  bool ellipsis = false;
  for (const Entry &entry : entries) {
    taken += entry.dimensions();
    if (entry.object == Py_Ellipsis && std::exchange(ellipsis, true))
      fail(UserError::Kind::Index, kWhat, "there can only be one ellipsis ('...') in an index");
  }
  if (taken > x.dim())
    fail(UserError::Kind::Index, kWhat,
         "too many indices: " + std::to_string(taken) + " for a tensor of dimension " + std::to_string(x.dim()) +
             " with shape " + toString(x.shape()));
  Tensor view = x;
  int dim = 0;
  for (const Entry &entry : entries) {
    PyObject *item = entry.object;
    if (item == Py_Ellipsis) {
      dim += x.dim() - taken;
    } else if (item == Py_None) {
      view = unsqueeze(view, dim++);
    } else if (PyBool_Check(item)) {
      view = unsqueeze(view, dim);
      indices.push_back({dim++, Tensor::fromHost(std::vector<int64_t>(1).data(), {item == Py_True}, DType::Int64)});
    } else if (PySlice_Check(item)) {
      view = sliced(view, dim++, item);
    } else if (entry.index.defined()) {
      Tensor index = entry.index;
      int dims = index.dtype() == DType::Bool ? index.dim() : 1;
      if (index.dtype() == DType::Bool) {
        if (dims == 0) {
          view = unsqueeze(view, dim);
          dims = 1;
          index = reshape(index, {1});
        }
        for (int k = 0; k < dims; ++k)
          if (index.shape()[k] != view.shape()[dim + k])
            fail(UserError::Kind::Index, kWhat,
                 "the shape of the mask " + toString(index.shape()) +
                     " does not match the shape of the "
                     "indexed tensor " +
                     toString(x.shape()) + " at dimension " + std::to_string(dim + k));
      }
      indices.push_back({dim, index, entry.isInt});
      dim += dims;
    } else if (PyIndex_Check(item)) {
      int64_t index = readInt(item), size = view.shape()[dim];
      if (index < -size || index >= size)
        fail(UserError::Kind::Index, kWhat,
             "index " + std::to_string(index) + " is out of bounds for dimension " + std::to_string(dim) +
                 " with size " + std::to_string(size));
      view = select(view, dim, index);
    } else {
      fail(UserError::Kind::Index, kWhat,
           std::string("indices are ints, slices, None, ..., or tensors of ints or bools; got ") +
               Py_TYPE(item)->tp_name);
    }
  }
  return view;
}

PyObject *getItem(PyObject *self, PyObject *key) {
  return guarded([&]() -> PyObject * {
    if (PyObject *both[] = {self, key}; __builtin_expect(overrides(self) || overrides(key), 0))
      return overriddenOperator("__getitem__", both, 2);
    std::vector<IndexTensor> indices;
    Tensor view = basicIndex(unbox(self), key, indices, /*writes=*/false);
    if (!indices.empty())
      return box(readAt(view, indices));
    return box(view.is(unbox(self)) ? expand(view, view.shape()) : view); // x[:] is a new view
  });
}

int setItem(PyObject *self, PyObject *key, PyObject *value) {
  try {
    if (!value)
      fail(UserError::Kind::Type, kWhat, "elements of a tensor cannot be deleted");
    if (__builtin_expect(overrides(self) || overrides(value), 0)) {
      PyObject *all[] = {self, key, value};
      Py_XDECREF(overriddenOperator("__setitem__", all, 3));
      return 0;
    }
    Tensor source = operand(value);
    if (!source.defined())
      source = py::cast<Tensor>(py::module_::import("weft._C").attr("from_nested")(py::handle(value), py::none()));
    std::vector<IndexTensor> indices;
    const Tensor &x = unbox(self);
    Tensor view = basicIndex(x, key, indices, /*writes=*/true);
    if (!indices.empty()) {
      // Arrays and lists have no dtype and no device that anybody chose.
      if (!isTensor(value) && !source.impl->wrappedNumber)
        source = source.to(view.dtype()).to(view.device());
      writeAt(x, view, indices, source);
    } else {
      while (source.dim() > view.dim() && source.shape()[0] == 1)
        source = select(source, 0, 0);
      assign(x, view, source);
    }
    return 0;
  } catch (...) {
    translateException();
    return -1;
  }
}

// x[indices] = values, of tensors alone.
Tensor indexPut(const Tensor &x, const std::vector<Tensor> &given, const Tensor &values, bool accumulate) {
  if (given.empty())
    fail(UserError::Kind::Index, "index_put_", "needs an index tensor; got none; pass a tuple of tensors");
  py::tuple key(given.size());
  for (size_t i = 0; i < given.size(); ++i)
    key[i] = py::cast(given[i]);
  std::vector<IndexTensor> indices;
  Tensor view = basicIndex(x, key.ptr(), indices, /*writes=*/true, /*tensors=*/true);
  writeAt(x, view, indices, values, accumulate);
  return x;
}

Py_ssize_t length(PyObject *self) {
  const Dims &shape = unbox(self).shape();
  if (shape.empty()) {
    PyErr_SetString(PyExc_TypeError, "[len] a 0-d tensor has no length; use .numel()");
    return -1;
  }
  return shape[0];
}

// Iteration over the first dimension: a view at a time, as there may be more than memory holds.
struct Rows {
  PyObject_HEAD Tensor tensor;
  int64_t next;
};

PyObject *nextRow(PyObject *self) {
  auto *rows = reinterpret_cast<Rows *>(self);
  if (rows->next >= rows->tensor.shape()[0])
    return nullptr;
  return guarded([&] { return box(select(rows->tensor, 0, rows->next++)); });
}
PyObject *rowsLeft(PyObject *self, PyObject *) {
  auto *rows = reinterpret_cast<Rows *>(self);
  return PyLong_FromLongLong(std::max<int64_t>(0, rows->tensor.shape()[0] - rows->next));
}
void deleteRows(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  reinterpret_cast<Rows *>(self)->tensor.~Tensor();
  type->tp_free(self);
  Py_DECREF(type);
}
PyMethodDef rowsMethods[] = {
    {"__length_hint__", rowsLeft, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot rowsSlots[] = {
    {Py_tp_dealloc, reinterpret_cast<void *>(deleteRows)},
    {Py_tp_iter, reinterpret_cast<void *>(PyObject_SelfIter)},
    {Py_tp_iternext, reinterpret_cast<void *>(nextRow)},
    {Py_tp_methods, rowsMethods},
    {0, nullptr},
};
PyType_Spec rowsSpec = {"weft.tensor_iterator", int(sizeof(Rows)), 0,
                        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, rowsSlots};

PyObject *iterate(PyObject *self) {
  static PyTypeObject *const type = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&rowsSpec));
  return guarded([&]() -> PyObject * {
    Tensor t = unbox(self);
    if (t.dim() && overrides(self))
      return PyObject_GetIter(py::handle(self).attr("unbind")().ptr());
    if (t.dim() == 0)
      fail(UserError::Kind::Type, "iter", "cannot iterate over a 0-d tensor");
    auto *rows = type ? reinterpret_cast<Rows *>(type->tp_alloc(type, 0)) : nullptr;
    if (!rows)
      throw py::error_already_set();
    new (&rows->tensor) Tensor(std::move(t));
    rows->next = 0;
    return reinterpret_cast<PyObject *>(rows);
  });
}

} // namespace

void bindIndexing(py::module_ &module) {
  Definitions(module).def("index_put_", &indexPut, py::arg("input"), py::arg("indices"), py::arg("values"),
                          py::arg("accumulate") = false,
                          "input[indices] = values, written into this tensor; with accumulate they are added.");
}

void fillIndexSlots(std::vector<PyType_Slot> &slots) {
  slots.push_back({Py_mp_subscript, reinterpret_cast<void *>(getItem)});
  slots.push_back({Py_mp_ass_subscript, reinterpret_cast<void *>(setItem)});
  slots.push_back({Py_mp_length, reinterpret_cast<void *>(length)});
  slots.push_back({Py_tp_iter, reinterpret_cast<void *>(iterate)});
}

} // namespace weft::python
