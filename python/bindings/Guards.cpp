#include "python/bindings/Guards.h"

#include <algorithm>
#include <cstring>

namespace py = pybind11;

namespace weft::python {

static uint64_t bitsOf(double number) {
  uint64_t bits;
  std::memcpy(&bits, &number, sizeof(bits));
  return bits;
}

bool sameValue(PyObject *expected, PyObject *actual) {
  if (expected == actual)
    return true;
  if (!expected || !actual || Py_TYPE(expected) != Py_TYPE(actual))
    return false;
  if (PyFloat_CheckExact(expected))
    return bitsOf(PyFloat_AS_DOUBLE(expected)) == bitsOf(PyFloat_AS_DOUBLE(actual));
  if (PyTuple_CheckExact(expected) || Py_TYPE(expected) == sizeType) {
    Py_ssize_t count = PyTuple_GET_SIZE(expected);
    if (count != PyTuple_GET_SIZE(actual))
      return false;
    for (Py_ssize_t i = 0; i < count; ++i)
      if (!sameValue(PyTuple_GET_ITEM(expected, i), PyTuple_GET_ITEM(actual, i)))
        return false;
    return true;
  }
  if (PyComplex_CheckExact(expected)) {
    Py_complex a = PyComplex_AsCComplex(expected), b = PyComplex_AsCComplex(actual);
    return bitsOf(a.real) == bitsOf(b.real) && bitsOf(a.imag) == bitsOf(b.imag);
  }
  if (PySlice_Check(expected)) {
    auto *a = reinterpret_cast<PySliceObject *>(expected), *b = reinterpret_cast<PySliceObject *>(actual);
    return sameValue(a->start, b->start) && sameValue(a->stop, b->stop) && sameValue(a->step, b->step);
  }
  if (PyLong_CheckExact(expected) || PyUnicode_CheckExact(expected) || PyBytes_CheckExact(expected) ||
      PyRange_Check(expected))
    return PyObject_RichCompareBool(expected, actual, Py_EQ) == 1;
  return false;
}

// Whether iterating gives these values, in this order.
static bool hasItems(PyObject *holder, PyObject *items) {
  Py_ssize_t count = 0, expected = PyTuple_GET_SIZE(items);
  if (PyAnySet_CheckExact(holder) && (expected == 0 || PySet_GET_SIZE(holder) != expected))
    return PySet_GET_SIZE(holder) == expected; // most are empty
  auto iterator = py::reinterpret_steal<py::object>(PyObject_GetIter(holder));
  while (iterator) {
    auto item = py::reinterpret_steal<py::object>(PyIter_Next(iterator.ptr()));
    if (!item)
      break;
    if (count == expected || !sameValue(PyTuple_GET_ITEM(items, count), item.ptr()))
      return false;
    ++count;
  }
  PyErr_Clear();
  return count == expected;
}

// Borrowed; null where the key is absent or cannot be looked up.
static PyObject *itemOf(const py::object &dict, const py::object &key) {
  PyObject *item = PyDict_GetItemWithError(dict.ptr(), key.ptr());
  if (!item && PyErr_Occurred())
    PyErr_Clear();
  return item;
}

// A number that no other state of the type and its bases has (PEP 659); 0: there is none.
static Py_ssize_t versionOfType(PyObject *object) {
  auto *type = reinterpret_cast<PyTypeObject *>(object);
  static PyObject *const any = PyUnicode_InternFromString("__init__");
#if PY_VERSION_HEX >= 0x030D0000 // where nothing sets the flag
  auto version = [&] { return Py_ssize_t(type->tp_version_tag); };
#else
  auto version = [&] {
    return PyType_HasFeature(type, Py_TPFLAGS_VALID_VERSION_TAG) ? Py_ssize_t(type->tp_version_tag) : 0;
  };
#endif
  if (!version())
    _PyType_Lookup(type, any); // gives it one
  return version();
}

static bool isFunction(PyObject *object, PyObject *parts) {
  auto same = [&](int i, PyObject *now) { return PyTuple_GET_ITEM(parts, i) == (now ? now : Py_None); };
  return same(0, PyFunction_GetCode(object)) && same(1, PyFunction_GetDefaults(object)) &&
         same(2, PyFunction_GetKwDefaults(object));
}

// Floats where the expected value has some: itself, or the items of a tuple.
static bool areFloats(PyObject *expected, PyObject *actual, bool butZero) {
  if (!actual || Py_TYPE(expected) != Py_TYPE(actual))
    return false;
  if (PyFloat_CheckExact(actual))
    return !butZero || PyFloat_AS_DOUBLE(actual) != 0;
  if (!PyTuple_CheckExact(actual) || PyTuple_GET_SIZE(actual) != PyTuple_GET_SIZE(expected))
    return false;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(actual); ++i)
    if (!areFloats(PyTuple_GET_ITEM(expected, i), PyTuple_GET_ITEM(actual, i), butZero))
      return false;
  return true;
}

bool Guard::holds() const {
  switch (kind) {
  case GuardKind::DictItem:
    return sameValue(value.ptr(), itemOf(holder, key));
  case GuardKind::DictAbsent:
    return !itemOf(holder, key);
  case GuardKind::Length: {
    Py_ssize_t length = PyObject_Size(holder.ptr());
    if (length < 0)
      PyErr_Clear();
    return length == number;
  }
  case GuardKind::ListItem:
    return number < PyList_GET_SIZE(holder.ptr()) && sameValue(value.ptr(), PyList_GET_ITEM(holder.ptr(), number));
  case GuardKind::Cell:
    if (!PyCell_GET(holder.ptr()))
      return value.ptr() == Py_NotImplemented;
    return sameValue(value.ptr(), PyCell_GET(holder.ptr()));
  case GuardKind::Function:
    return isFunction(holder.ptr(), value.ptr());
  case GuardKind::Type:
    return reinterpret_cast<PyObject *>(Py_TYPE(holder.ptr())) == value.ptr();
  case GuardKind::Bases:
    return reinterpret_cast<PyTypeObject *>(holder.ptr())->tp_mro == value.ptr();
  case GuardKind::Unchanged:
    return number && versionOfType(holder.ptr()) == number;
  case GuardKind::Bare:
    return !attributesOf(holder.ptr());
  case GuardKind::Slot: {
    py::object actual = py::reinterpret_steal<py::object>(
        Py_TYPE(key.ptr())->tp_descr_get(key.ptr(), holder.ptr(), reinterpret_cast<PyObject *>(Py_TYPE(holder.ptr()))));
    if (!actual)
      PyErr_Clear();
    return actual ? sameValue(value.ptr(), actual.ptr()) : value.ptr() == Py_NotImplemented;
  }
  case GuardKind::TypeMember:
    return _PyType_Lookup(reinterpret_cast<PyTypeObject *>(holder.ptr()), key.ptr()) == value.ptr();
  case GuardKind::FloatItem:
    return areFloats(value.ptr(), itemOf(holder, key), number != 0);
  case GuardKind::Items:
    return hasItems(holder.ptr(), value.ptr());
  case GuardKind::DictKeys:
  case GuardKind::DictValues: {
    if (PyDict_Size(holder.ptr()) != PyTuple_GET_SIZE(value.ptr()))
      return false;
    PyObject *held, *item;
    Py_ssize_t position = 0;
    for (Py_ssize_t i = 0; PyDict_Next(holder.ptr(), &position, &held, &item); ++i)
      if (PyObject *expected = PyTuple_GET_ITEM(value.ptr(), i);
          kind == GuardKind::DictKeys ? expected != held : !sameValue(expected, item))
        return false;
    return true;
  }
  }
  return false;
}

// It depends on nothing but what the dict holds.
static bool isOnDict(const Guard &guard) {
  bool isRaw = guard.kind == GuardKind::DictItem || guard.kind == GuardKind::DictAbsent ||
               guard.kind == GuardKind::FloatItem || guard.kind == GuardKind::DictKeys ||
               guard.kind == GuardKind::DictValues;
  if (guard.kind == GuardKind::Length) // a sub-class may define it
    return PyDict_CheckExact(guard.holder.ptr());
  return isRaw && PyDict_Check(guard.holder.ptr());
}

GuardSet::GuardSet(py::list list) {
  guards.reserve(list.size());
  for (py::handle item : list) {
    auto tuple = item.cast<py::tuple>();
    Guard guard{GuardKind(tuple[0].cast<int>()), tuple[1], tuple[2], tuple[3]};
    if (guard.kind == GuardKind::Length || guard.kind == GuardKind::ListItem)
      guard.number = guard.key.cast<Py_ssize_t>();
    if (guard.kind == GuardKind::Unchanged)
      guard.number = versionOfType(guard.holder.ptr());
    guards.push_back(std::move(guard));
  }
  std::unordered_map<PyObject *, size_t> known;
  for (size_t i = 0; i < guards.size(); ++i) {
    PyObject *holder = guards[i].holder.ptr();
    if (!isOnDict(guards[i])) {
      others.push_back(int(i));
      continue;
    }
    auto [entry, isNew] = known.emplace(holder, dicts.size());
    if (isNew)
      dicts.push_back({holder, 0, {}});
    dicts[entry->second].members.push_back(int(i));
  }
}

// CPython gives a dict a number that no dict had before with each change (PEP 509). 0: there is no such number.
static uint64_t versionOf(PyObject *dict) {
#if PY_VERSION_HEX < 0x030C0000
  return reinterpret_cast<PyDictObject *>(dict)->ma_version_tag;
#else
  return 0;
#endif
}

bool GuardSet::hold() {
  for (OfDict &group : dicts) {
    uint64_t version = versionOf(group.dict); // before the look: comparing may run Python
    if (version && version == group.version)
      continue;
    group.version = 0;
    for (int i : group.members)
      if (!guards[size_t(i)].holds())
        return false;
    group.version = version;
  }
  for (int i : others)
    if (!guards[size_t(i)].holds())
      return false;
  return true;
}

int GuardSet::firstBroken() const {
  for (size_t i = 0; i < guards.size(); ++i)
    if (!guards[i].holds())
      return int(i);
  return -1;
}

std::vector<int> GuardSet::broken() const {
  std::vector<int> found;
  for (size_t i = 0; i < guards.size(); ++i)
    if (!guards[i].holds())
      found.push_back(int(i));
  return found;
}

int GuardSet::traverse(visitproc visit, void *arg) const {
  for (const Guard &guard : guards) {
    Py_VISIT(guard.holder.ptr());
    Py_VISIT(guard.key.ptr());
    Py_VISIT(guard.value.ptr());
  }
  return 0;
}

void GuardSet::clear() {
  std::vector<Guard> dead = std::move(guards);
  guards.clear();
  dicts.clear();
  others.clear();
}

namespace {
// A tuple, or one of collections.namedtuple: its type and its items are all that it is.
bool isTuple(PyObject *object) {
  PyTypeObject *type = Py_TYPE(object);
  return PyTuple_CheckExact(object) ||
         (type->tp_base == &PyTuple_Type && type->tp_basicsize == PyTuple_Type.tp_basicsize &&
          type->tp_dictoffset == 0 && PyDict_GetItemString(type->tp_dict, "_fields"));
}

// Pattern::of.
struct PatternReader {
  // What is nested deeper, or larger when each place is counted, is not described.
  static constexpr size_t kMostDepth = 64, kMostPlaces = 100000;

  std::vector<Tensor> &tensors;
  std::string &why;
  bool mustBeNew;
  std::unordered_map<const TensorImpl *, int> numbers = {};
  size_t depth = 0, places = 0;

  Pattern read(PyObject *object);
  bool describes(PyObject *container);
};

bool PatternReader::describes(PyObject *container) {
  if (depth >= kMostDepth || places >= kMostPlaces)
    why = "containers that are nested this deeply";
  else if (mustBeNew && !isTuple(container) && Py_REFCNT(container) > 1)
    why = std::string("a ") + Py_TYPE(container)->tp_name + " that something else holds, too";
  return why.empty();
}

Pattern PatternReader::read(PyObject *object) {
  Pattern pattern;
  ++places;
  bool isContainer = isTuple(object) || PyList_CheckExact(object) || PyDict_CheckExact(object);
  if (isTensor(object)) {
    pattern.kind = Pattern::Kind::Tensor;
    pattern.value = py::type::of(object);
    if (!mustBeNew && attributesOf(object)) // its object is never the same at two calls
      why = "a tensor with attributes of its own";
    Tensor tensor = unbox(object);
    pattern.isComplex = weft::isComplex(tensor.dtype());
    tensor = tensor.pairs();
    auto [number, isNew] = numbers.emplace(tensor.impl.get(), int(tensors.size()));
    pattern.index = number->second;
    if (isNew)
      tensors.push_back(tensor);
    return pattern;
  }
  if (!isContainer || !describes(object)) {
    pattern.value = py::reinterpret_borrow<py::object>(object);
    return pattern;
  }
  ++depth;
  if (isTuple(object)) {
    pattern.kind = Pattern::Kind::Tuple;
    if (!PyTuple_CheckExact(object))
      pattern.value = py::type::of(object);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object); ++i)
      pattern.children.push_back(read(PyTuple_GET_ITEM(object, i)));
    auto isOpen = [](const Pattern &child) { return child.kind != Pattern::Kind::Value; };
    if (mustBeNew && Py_REFCNT(object) > 1 && std::any_of(pattern.children.begin(), pattern.children.end(), isOpen))
      why = "a tuple that something else holds, too";
  } else if (PyList_CheckExact(object)) {
    pattern.kind = Pattern::Kind::List;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(object); ++i)
      pattern.children.push_back(read(PyList_GET_ITEM(object, i)));
  } else {
    pattern.kind = Pattern::Kind::Dict;
    py::list keys;
    PyObject *key, *value;
    for (Py_ssize_t position = 0; PyDict_Next(object, &position, &key, &value);) {
      keys.append(py::handle(key));
      pattern.children.push_back(read(value));
    }
    pattern.value = py::tuple(keys);
  }
  --depth;
  return pattern;
}
} // namespace

Pattern Pattern::of(PyObject *object, std::vector<Tensor> &tensors, std::string &why, bool mustBeNew) {
  return PatternReader{tensors, why, mustBeNew}.read(object);
}

int Pattern::traverse(visitproc visit, void *arg) const {
  Py_VISIT(value.ptr());
  for (const Pattern &child : children)
    if (int stopped = child.traverse(visit, arg))
      return stopped;
  return 0;
}

bool Pattern::childrenMatch(PyObject *const *items, Py_ssize_t count, Tensor *tensors) const {
  if (count != Py_ssize_t(children.size()))
    return false;
  for (size_t i = 0; i < children.size(); ++i)
    if (!children[i].matches(items[i], tensors))
      return false;
  return true;
}

bool Pattern::matches(PyObject *object, Tensor *tensors) const {
  switch (kind) {
  case Kind::Tensor: {
    if (reinterpret_cast<PyObject *>(Py_TYPE(object)) != value.ptr() || attributesOf(object))
      return false;
    const Ref<TensorImpl> &face = reinterpret_cast<PyTensor *>(object)->impl;
    if (weft::isComplex(face->dtype) != isComplex)
      return false;
    const Ref<TensorImpl> &impl = isComplex ? face->base : face;
    Tensor &slot = tensors[index];
    if (slot.defined())
      return slot.impl == impl;
    slot.impl = impl;
    return true;
  }
  case Kind::Value:
    return sameValue(value.ptr(), object);
  case Kind::Tuple:
    return Py_TYPE(object) == (value ? reinterpret_cast<PyTypeObject *>(value.ptr()) : &PyTuple_Type) &&
           childrenMatch(PySequence_Fast_ITEMS(object), PyTuple_GET_SIZE(object), tensors);
  case Kind::List:
    return PyList_CheckExact(object) && childrenMatch(PySequence_Fast_ITEMS(object), PyList_GET_SIZE(object), tensors);
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
    return py::reinterpret_steal<py::object>(box(isComplex ? fromPairs(tensors[index]) : tensors[index]));
  case Kind::Value:
    return value;
  case Kind::Tuple: {
    py::tuple tuple(children.size());
    for (size_t i = 0; i < children.size(); ++i)
      tuple[i] = children[i].build(tensors);
    if (!value)
      return std::move(tuple);
    auto named = py::reinterpret_steal<py::object>(
        PyTuple_Type.tp_new(reinterpret_cast<PyTypeObject *>(value.ptr()), py::make_tuple(tuple).ptr(), nullptr));
    if (!named)
      throw py::error_already_set();
    return named;
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
                 PyUnicode_CheckExact(leaf) || PyBytes_CheckExact(leaf) || isDType(leaf) || isDevice(leaf) ||
                 Py_TYPE(leaf) == sizeType || leaf == Py_Ellipsis || PyType_Check(leaf);
    return plain ? "" : Py_TYPE(leaf)->tp_name;
  }
  for (const Pattern &child : children)
    if (std::string name = child.opaqueLeaf(); !name.empty())
      return name;
  return "";
}

} // namespace weft::python
