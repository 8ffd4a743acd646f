// x[...] and x[...] = v. Ints, slices, None and Ellipsis are views. Index tensors (int, bool; lists, arrays) become
// index_select over the indexed dimensions taken as one.
#include "frontend/dispatch/OperandCheck.h"
#include "python/bindings/PyTensor.h"

namespace py = pybind11;

namespace weft::python {
namespace {

constexpr const char *kWhat = "index";

struct Selector {
  int dim;      // of the view that the basic indices made
  Tensor index; // int64, or bool
};

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
  if (isFloat(index.dtype()) && index.numel() > 0)
    fail(UserError::Kind::Index, kWhat,
         "tensors used as indices must be integers or bool; got " + toString(index.type()) + "; convert with .long()");
  return index.dtype() == DType::Bool ? index : index.to(DType::Int64);
}

// An entry of an index: an int, a slice, None, an ellipsis or a bool; or an index tensor.
struct Entry {
  PyObject *object;
  Tensor index;

  // How many of x's dimensions it takes.
  int dimensions() const {
    if (index.defined())
      return index.dtype() == DType::Bool ? index.dim() : 1;
    return object == Py_None || object == Py_Ellipsis || PyBool_Check(object) ? 0 : 1;
  }
};

Entry readEntry(PyObject *item) {
  bool isArray = isTensor(item) || isSequence(item); // NumPy's numbers are no sequences
  Tensor index = isArray ? readIndexTensor(item) : Tensor();
  if (isArray && index.dim() == 0 && index.dtype() != DType::Bool)
    return {item, {}}; // as an int
  return {item, index};
}

std::vector<Entry> readEntries(PyObject *key) {
  std::vector<Entry> entries;
  if (!PyTuple_Check(key))
    return {readEntry(key)};
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(key); ++i)
    entries.push_back(readEntry(PyTuple_GET_ITEM(key, i)));
  return entries;
}

int64_t readInt(PyObject *item) {
  Py_ssize_t value = PyNumber_AsSsize_t(item, PyExc_IndexError);
  if (value == -1 && PyErr_Occurred())
    throw py::error_already_set();
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

// Applies what is a view; leaves the index tensors in `selectors`.
Tensor basicIndex(const Tensor &x, PyObject *key, std::vector<Selector> &selectors) {
  std::vector<Entry> entries = readEntries(key);
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
      selectors.push_back({dim++, Tensor::fromHost(std::vector<int64_t>(1).data(), {item == Py_True}, DType::Int64)});
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
      selectors.push_back({dim, index});
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

// Positions of the true elements, in row-major order, as one flat index. Needs the mask's values.
Tensor positionsOf(const Tensor &mask) {
  Tensor host = mask.detach().to(Device()).contiguous();
  const auto *data = static_cast<const uint8_t *>(host.data());
  std::vector<int64_t> positions;
  for (int64_t i = 0, n = host.numel(); i < n; ++i)
    if (data[i])
      positions.push_back(i);
  return Tensor::fromHost(positions.data(), {int64_t(positions.size())}, DType::Int64, mask.device());
}

struct Ops {
  OpKind where = opByName("where"), lt = opByName("lt"), add = opByName("add"), mul = opByName("mul"),
         indexSelect = opByName("index_select");
};
const Ops &ops() {
  static const Ops table;
  return table;
}

Tensor wrapNegative(const Tensor &index, int64_t size) {
  Tensor below = call(ops().lt, {index, Tensor::wrapped(int64_t(0))});
  return call(ops().where, {below, call(ops().add, {index, Tensor::wrapped(size)}), index});
}

// The indexed dimensions [first, first + count) of `x` as one, and the index into it, of shape `shape`.
struct Combined {
  Tensor x, index;
  int first;
  Dims shape;
};

Combined combine(Tensor x, std::vector<Selector> selectors) {
  // A mask stands for one flat index over its dimensions.
  for (size_t s = 0; s < selectors.size(); ++s) {
    Selector &selector = selectors[s];
    if (selector.index.dtype() != DType::Bool)
      continue;
    int dims = selector.index.dim();
    if (dims > 1) {
      x = flatten(x, selector.dim, selector.dim + dims - 1);
      for (size_t later = s + 1; later < selectors.size(); ++later)
        selectors[later].dim -= dims - 1;
    }
    selector.index = positionsOf(selector.index);
  }
  bool adjacent = true;
  for (size_t s = 1; s < selectors.size(); ++s)
    adjacent &= selectors[s].dim == selectors[s - 1].dim + 1;
  if (!adjacent) {
    Dims order;
    for (const Selector &selector : selectors)
      order.push_back(selector.dim);
    for (int d = 0; d < x.dim(); ++d)
      if (!order.contains(d))
        order.push_back(d);
    x = permute(x, order);
    for (size_t s = 0; s < selectors.size(); ++s)
      selectors[s].dim = int(s);
  }
  Combined result;
  result.first = selectors[0].dim;
  result.shape = selectors[0].index.shape();
  for (const Selector &selector : selectors)
    result.shape = broadcastShapes(kWhat, result.shape, selector.index.shape());
  for (const Selector &selector : selectors) {
    int64_t size = x.shape()[selector.dim];
    check(selector.index, OperandCheck::index(kWhat, x.type(), size, /*fromEnd=*/true));
    Tensor wrapped = wrapNegative(selector.index, size);
    result.index = result.index.defined()
                       ? call(ops().add, {call(ops().mul, {result.index, Tensor::wrapped(size)}), wrapped})
                       : wrapped;
  }
  result.index = reshape(expand(result.index, result.shape), {-1});
  result.x = flatten(x, result.first, selectors.back().dim);
  return result;
}

PyObject *getItem(PyObject *self, PyObject *key) {
  return guarded([&] {
    std::vector<Selector> selectors;
    Tensor view = basicIndex(unbox(self), key, selectors);
    if (selectors.empty())
      return box(view.is(unbox(self)) ? expand(view, view.shape()) : view); // x[:] is a new view
    Combined c = combine(view, selectors);
    AlreadyChecked combined; // out of indices that were
    Tensor rows = call(ops().indexSelect, {c.x, c.index}, {Attr::integer(c.first)});
    Dims shape;
    for (int d = 0; d < c.first; ++d)
      shape.push_back(c.x.shape()[d]);
    for (int64_t size : c.shape)
      shape.push_back(size);
    for (int d = c.first + 1; d < c.x.dim(); ++d)
      shape.push_back(c.x.shape()[d]);
    return box(reshape(rows, shape));
  });
}

// x[index] = value for one index tensor: positions in order, so that the last of equal positions wins.
void assignAt(const Tensor &base, const Tensor &view, const Selector &selector, const Tensor &value) {
  if (selector.index.dtype() == DType::Bool && (value.impl->wrappedNumber || value.dim() == 0)) {
    Dims shape = selector.index.shape();
    if (selector.dim != 0)
      fail(UserError::Kind::NotImplemented, kWhat, "a mask in an assignment must come first; permute the tensor");
    while (shape.size() < view.dim())
      shape.push_back(1);
    assign(base, view, maskedFill(view, reshape(selector.index, shape), value));
    return;
  }
  Combined c = combine(view, {selector});
  if (!c.x.sharesStorage(view))
    fail(UserError::Kind::NotImplemented, kWhat,
         "this assignment would need a copy of the tensor; assign to a contiguous one");
  Dims rest;
  for (int64_t size : c.shape)
    rest.push_back(size);
  for (int d = c.first + 1; d < c.x.dim(); ++d)
    rest.push_back(c.x.shape()[d]);
  if (c.first != 0)
    fail(UserError::Kind::NotImplemented, kWhat,
         "an index tensor in an assignment must come first; permute the tensor");
  Tensor host = c.index.detach().to(Device()).contiguous();
  const auto *positions = static_cast<const int64_t *>(host.data());
  if (value.impl->wrappedNumber || value.dim() == 0) {
    for (int64_t i = 0; i < host.numel(); ++i)
      assign(base, select(c.x, 0, positions[i]), value);
    return;
  }
  Tensor rows = expand(value, rest);
  Dims flat{host.numel()};
  for (int d = 1; d < c.x.dim(); ++d)
    flat.push_back(c.x.shape()[d]);
  rows = reshape(rows, flat);
  for (int64_t i = 0; i < host.numel(); ++i)
    assign(base, select(c.x, 0, positions[i]), select(rows, 0, i));
}

int setItem(PyObject *self, PyObject *key, PyObject *value) {
  try {
    if (!value)
      fail(UserError::Kind::Type, kWhat, "elements of a tensor cannot be deleted");
    Tensor source = operand(value);
    if (!source.defined())
      source = py::cast<Tensor>(py::module_::import("weft._C").attr("from_nested")(py::handle(value), py::none()));
    std::vector<Selector> selectors;
    Tensor view = basicIndex(unbox(self), key, selectors);
    if (selectors.size() > 1)
      fail(UserError::Kind::NotImplemented, kWhat,
           "an assignment takes one index tensor; got " + std::to_string(selectors.size()) + "; combine them into one");
    if (selectors.size() == 1)
      assignAt(unbox(self), view, selectors[0], source);
    else {
      while (source.dim() > view.dim() && source.shape()[0] == 1)
        source = select(source, 0, 0);
      assign(unbox(self), view, source);
    }
    return 0;
  } catch (...) {
    translateException();
    return -1;
  }
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

void fillIndexSlots(std::vector<PyType_Slot> &slots) {
  slots.push_back({Py_mp_subscript, reinterpret_cast<void *>(getItem)});
  slots.push_back({Py_mp_ass_subscript, reinterpret_cast<void *>(setItem)});
  slots.push_back({Py_mp_length, reinterpret_cast<void *>(length)});
  slots.push_back({Py_tp_iter, reinterpret_cast<void *>(iterate)});
}

} // namespace weft::python
