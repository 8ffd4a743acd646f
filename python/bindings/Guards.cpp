#include "python/bindings/Guards.h"

namespace py = pybind11;

namespace weft::python {

bool sameValue(PyObject *expected, PyObject *actual) {
  if (expected == actual)
    return true;
  if (!expected || !actual || Py_TYPE(expected) != Py_TYPE(actual))
    return false;
  if (PyFloat_CheckExact(expected)) {
    uint64_t a = 0, b = 0;
    double x = PyFloat_AS_DOUBLE(expected), y = PyFloat_AS_DOUBLE(actual);
    std::memcpy(&a, &x, sizeof(a));
    std::memcpy(&b, &y, sizeof(b));
    return a == b;
  }
  if (PyTuple_CheckExact(expected)) {
    Py_ssize_t count = PyTuple_GET_SIZE(expected);
    if (count != PyTuple_GET_SIZE(actual))
      return false;
    for (Py_ssize_t i = 0; i < count; ++i)
      if (!sameValue(PyTuple_GET_ITEM(expected, i), PyTuple_GET_ITEM(actual, i)))
        return false;
    return true;
  }
  if (PyLong_CheckExact(expected) || PyUnicode_CheckExact(expected) || PyBytes_CheckExact(expected) ||
      PyComplex_CheckExact(expected) || PySlice_Check(expected))
    return PyObject_RichCompareBool(expected, actual, Py_EQ) == 1;
  return false;
}

bool Guard::holds() const {
  switch (kind) {
  case GuardKind::DictItem:
    return sameValue(value.ptr(), PyDict_GetItem(holder.ptr(), key.ptr()));
  case GuardKind::DictAbsent:
    return !PyDict_GetItem(holder.ptr(), key.ptr());
  case GuardKind::Length:
    return PyObject_Size(holder.ptr()) == number;
  case GuardKind::ListItem:
    return number < PyList_GET_SIZE(holder.ptr()) && sameValue(value.ptr(), PyList_GET_ITEM(holder.ptr(), number));
  case GuardKind::Cell:
    return sameValue(value.ptr(), PyCell_GET(holder.ptr()));
  case GuardKind::Attribute: {
    py::object actual = py::reinterpret_steal<py::object>(PyObject_GetAttr(holder.ptr(), key.ptr()));
    if (!actual)
      PyErr_Clear();
    return sameValue(value.ptr(), actual.ptr());
  }
  case GuardKind::TypeMember:
    return _PyType_Lookup(reinterpret_cast<PyTypeObject *>(holder.ptr()), key.ptr()) == value.ptr();
  case GuardKind::FloatItem: {
    PyObject *item = PyDict_GetItem(holder.ptr(), key.ptr());
    return item && PyFloat_CheckExact(item);
  }
  case GuardKind::SetEquals:
    return PyObject_RichCompareBool(holder.ptr(), value.ptr(), Py_EQ) == 1;
  }
  return false;
}

GuardSet::GuardSet(py::sequence list) {
  guards.reserve(list.size());
  for (py::handle item : list) {
    auto tuple = item.cast<py::tuple>();
    Guard guard{GuardKind(tuple[0].cast<int>()), tuple[1], tuple[2], tuple[3]};
    if (guard.kind == GuardKind::Length || guard.kind == GuardKind::ListItem)
      guard.number = guard.key.cast<Py_ssize_t>();
    guards.push_back(std::move(guard));
  }
}

int GuardSet::firstBroken() const {
  for (size_t i = 0; i < guards.size(); ++i)
    if (!guards[i].holds())
      return int(i);
  return -1;
}

Pattern Pattern::of(PyObject *object, std::vector<Tensor> &tensors) {
  Pattern pattern;
  auto addChild = [&](PyObject *child) { pattern.children.push_back(of(child, tensors)); };
  if (isTensor(object)) {
    pattern.kind = Kind::Tensor;
    Tensor tensor = unbox(object);
    while (pattern.index < int(tensors.size()) && !tensors[pattern.index].is(tensor))
      ++pattern.index;
    if (pattern.index == int(tensors.size()))
      tensors.push_back(tensor);
  } else if (PyTuple_CheckExact(object)) {
    pattern.kind = Kind::Tuple;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object); ++i)
      addChild(PyTuple_GET_ITEM(object, i));
  } else if (PyList_CheckExact(object)) {
    pattern.kind = Kind::List;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(object); ++i)
      addChild(PyList_GET_ITEM(object, i));
  } else if (PyDict_CheckExact(object)) {
    pattern.kind = Kind::Dict;
    py::list keys;
    PyObject *key, *value;
    for (Py_ssize_t position = 0; PyDict_Next(object, &position, &key, &value);) {
      keys.append(py::handle(key));
      addChild(value);
    }
    pattern.value = py::tuple(keys);
  } else {
    pattern.value = py::reinterpret_borrow<py::object>(object);
  }
  return pattern;
}

bool Pattern::matches(PyObject *object, Tensor *tensors) const {
  switch (kind) {
  case Kind::Tensor: {
    if (!isTensor(object))
      return false;
    Ref<TensorImpl> &impl = reinterpret_cast<PyTensor *>(object)->impl;
    Tensor &slot = tensors[index];
    if (slot.defined())
      return slot.impl == impl;
    for (int i = 0; i < index; ++i)
      if (tensors[i].impl == impl)
        return false;
    slot.impl = impl;
    return true;
  }
  case Kind::Value:
    return sameValue(value.ptr(), object);
  case Kind::Tuple:
    if (!PyTuple_CheckExact(object) || PyTuple_GET_SIZE(object) != Py_ssize_t(children.size()))
      return false;
    for (size_t i = 0; i < children.size(); ++i)
      if (!children[i].matches(PyTuple_GET_ITEM(object, i), tensors))
        return false;
    return true;
  case Kind::List:
    if (!PyList_CheckExact(object) || PyList_GET_SIZE(object) != Py_ssize_t(children.size()))
      return false;
    for (size_t i = 0; i < children.size(); ++i)
      if (!children[i].matches(PyList_GET_ITEM(object, i), tensors))
        return false;
    return true;
  case Kind::Dict: {
    if (!PyDict_CheckExact(object) || PyDict_Size(object) != Py_ssize_t(children.size()))
      return false;
    // The order of the keys, too: a function may go by it.
    PyObject *key, *item;
    Py_ssize_t position = 0;
    for (size_t i = 0; PyDict_Next(object, &position, &key, &item); ++i)
      if (!sameValue(PyTuple_GET_ITEM(value.ptr(), i), key) || !children[i].matches(item, tensors))
        return false;
    return true;
  }
  }
  return false;
}

py::object Pattern::build(const std::vector<Tensor> &tensors) const {
  switch (kind) {
  case Kind::Tensor:
    return py::reinterpret_steal<py::object>(box(tensors[index]));
  case Kind::Value:
    return value;
  case Kind::Tuple: {
    py::tuple tuple(children.size());
    for (size_t i = 0; i < children.size(); ++i)
      tuple[i] = children[i].build(tensors);
    return std::move(tuple);
  }
  case Kind::List: {
    py::list list(children.size());
    for (size_t i = 0; i < children.size(); ++i)
      list[i] = children[i].build(tensors);
    return std::move(list);
  }
  case Kind::Dict: {
    py::dict dict;
    for (size_t i = 0; i < children.size(); ++i)
      dict[py::handle(PyTuple_GET_ITEM(value.ptr(), i))] = children[i].build(tensors);
    return std::move(dict);
  }
  }
  return {};
}

std::string Pattern::opaqueLeaf() const {
  if (kind == Kind::Value) {
    PyObject *leaf = value.ptr();
    bool plain = leaf == Py_None || PyLong_CheckExact(leaf) || PyBool_Check(leaf) || PyFloat_CheckExact(leaf) ||
                 PyUnicode_CheckExact(leaf) || PyBytes_CheckExact(leaf) || isDType(leaf) ||
                 py::isinstance<Device>(value) || leaf == Py_Ellipsis || PyType_Check(leaf);
    return plain ? "" : Py_TYPE(leaf)->tp_name;
  }
  for (const Pattern &child : children)
    if (std::string name = child.opaqueLeaf(); !name.empty())
      return name;
  return "";
}

} // namespace weft::python
