#include "python/bindings/Signature.h"

#include <cstring>

namespace py = pybind11;

namespace weft::python {

// ---------------------------------------------------------------- Kinds

static bool isInteger(DType dtype) { return isIntegral(dtype) && dtype != DType::Bool; }

static bool isInt(PyObject *value) {
  if (PyLong_CheckExact(value))
    return true;
  if (isTensor(value))
    return unbox(value).dim() == 0 && isInteger(unbox(value).dtype());
  return PyIndex_Check(value) && !PyBool_Check(value) && !PySequence_Check(value); // an array has __index__
}

static bool isReal(PyObject *value) {
  if (PyFloat_Check(value) || PyLong_Check(value))
    return true;
  if (isTensor(value))
    return unbox(value).dim() == 0;
  if (PyObject_CheckBuffer(value)) { // NumPy's numbers, but for its bools
    PyNumberMethods *methods = Py_TYPE(value)->tp_as_number;
    return methods && methods->nb_float && !PySequence_Check(value) && fromBuffer(value).dtype() != DType::Bool;
  }
  return PyIndex_Check(value) && !PySequence_Check(value);
}

// Of memory alone, as a memoryview, nothing can be computed.
static bool isNumber(PyObject *value) {
  if (PyFloat_Check(value) || PyLong_Check(value) || PyComplex_Check(value))
    return true;
  PyNumberMethods *methods = Py_TYPE(value)->tp_as_number;
  if (!PyObject_CheckBuffer(value) || !methods || !methods->nb_float)
    return false;
  bool isSized = PyObject_Size(value) >= 0; // an array of one element or more has no value
  PyErr_Clear();
  return !isSized;
}

template <class Test> static bool isSequenceOf(PyObject *value, Test test) {
  if (!PySequence_Check(value) || PyUnicode_Check(value) || PyBytes_Check(value) || isTensor(value))
    return false;
  if (!PyTuple_Check(value) && !PyList_Check(value)) {
    bool isSized = PyObject_Size(value) >= 0; // a 0-d array is not
    PyErr_Clear();
    return isSized; // its items are looked at when they are read
  }
  PyObject **items = PySequence_Fast_ITEMS(value);
  for (Py_ssize_t i = 0, n = PySequence_Fast_GET_SIZE(value); i < n; ++i)
    if (!test(items[i]))
      return false;
  return true;
}

bool isOfKinds(PyObject *value, uint32_t kinds) {
  if (kinds == kAnything)
    return true;
  return ((kinds & kTensor) && isTensor(value)) || ((kinds & kNone) && value == Py_None) ||
         ((kinds & kInt) && isInt(value)) || ((kinds & kBool) && PyBool_Check(value)) ||
         ((kinds & kFloat) && isReal(value)) || ((kinds & kNumber) && isNumber(value)) ||
         ((kinds & kArray) && PyObject_CheckBuffer(value) && !PyBytes_Check(value)) ||
         ((kinds & kInts) && isSequenceOf(value, isInt)) || ((kinds & kTensors) && isSequenceOf(value, isTensor)) ||
         ((kinds & kString) && PyUnicode_Check(value)) || ((kinds & kDType) && isDType(value)) ||
         ((kinds & kDevice) && (isDevice(value) || PyUnicode_Check(value))) ||
         ((kinds & kCallable) && PyCallable_Check(value));
}

// "an int, a sequence of ints or None"
static std::string describe(uint32_t kinds) {
  static constexpr std::pair<uint32_t, const char *> kNames[] = {
      {kTensor, "a tensor"},
      {kNumber, "a number"},
      {kInt, "an int"},
      {kFloat, "a number"},
      {kBool, "a bool"},
      {kInts, "a sequence of ints"},
      {kTensors, "a sequence of tensors"},
      {kString, "a string"},
      {kDType, "a weft dtype"},
      {kDevice, "a device"},
      {kCallable, "a function"},
      {kNone, "None"},
  };
  std::vector<const char *> names;
  for (auto [kind, name] : kNames)
    if (kinds & kind)
      names.push_back(name);
  std::string text;
  for (size_t i = 0; i < names.size(); ++i)
    text += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + std::string(names[i]);
  return text;
}

// What was given, so that the mistake can be seen: the type; of a wrong item in a sequence that item's; of a dtype in
// another library's terms what to write here.
static std::string describeValue(PyObject *value, uint32_t kinds) {
  std::string text = Py_TYPE(value)->tp_name;
  if (kinds & kDType) {
    py::object name = PyUnicode_Check(value) ? py::reinterpret_borrow<py::object>(value)
                                             : py::getattr(value, "__name__", py::getattr(value, "name", py::none()));
    if (PyUnicode_Check(name.ptr())) {
      std::string known = printable(name.ptr());
      for (int i = 0; i < kDTypeCount; ++i)
        if (known == weft::name(DType(i)))
          return (PyUnicode_Check(value) ? "the string '" + known + "'" : py::cast<std::string>(py::repr(value))) +
                 "; use weft." + known;
    }
  }
  if ((kinds & (kInts | kTensors)) && (PyTuple_Check(value) || PyList_Check(value)))
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(value); ++i) {
      PyObject *item = PySequence_Fast_ITEMS(value)[i];
      if (!((kinds & kInts) && isInt(item)) && !((kinds & kTensors) && isTensor(item)))
        return text + " with an item of type " + Py_TYPE(item)->tp_name;
    }
  return text;
}

// ---------------------------------------------------------------- Signature

Signature::Signature(std::string name, std::vector<Parameter> all) : name(std::move(name)), parameters(std::move(all)) {
  for (Parameter &parameter : parameters) {
    hasRest |= parameter.takesRest;
    if (!parameter.takesRest && !parameter.keywordOnly && !hasRest)
      ++positional;
    PyObject *text = parameter.name.release().ptr();
    PyUnicode_InternInPlace(&text);
    parameter.name = py::reinterpret_steal<py::str>(text);
  }
}

void Signature::fail(const std::string &what) const {
  std::string names;
  for (const Parameter &parameter : parameters)
    names += (names.empty() ? "" : ", ") + std::string(parameter.takesRest ? "*" : "") +
             py::cast<std::string>(parameter.name);
  weft::fail(UserError::Kind::Type, name.c_str(),
             what + (names.empty() ? "; it has no parameters" : "; its parameters are (" + names + ")"));
}

void Signature::failKind(const Parameter &parameter, PyObject *value) const {
  fail(py::cast<std::string>(parameter.name) + " must be " + describe(parameter.kinds) + "; got " +
       describeValue(value, parameter.kinds));
}

// NumPy's names, which PyTorch takes, too.
static const char *nameOfAlias(const char *alias) {
  static constexpr std::pair<const char *, const char *> kAliases[] = {
      {"axis", "dim"}, {"keepdims", "keepdim"}, {"x", "input"}, {"a", "input"}, {"x1", "input"}, {"x2", "other"},
  };
  for (auto [known, name] : kAliases)
    if (!std::strcmp(known, alias))
      return name;
  return nullptr;
}

bool Signature::has(const char *parameter) const {
  for (const Parameter &known : parameters)
    if (!PyUnicode_CompareWithASCIIString(known.name.ptr(), parameter))
      return true;
  return false;
}

int Signature::find(PyObject *keyword) const {
  for (int i = 0; i < size(); ++i)
    if (parameters[i].name.ptr() == keyword)
      return i;
  const std::string text = printable(keyword);
  for (const char *wanted : {text.c_str(), nameOfAlias(text.c_str())})
    for (int i = 0; wanted && i < size(); ++i)
      if (!PyUnicode_CompareWithASCIIString(parameters[i].name.ptr(), wanted))
        return i;
  return -1;
}

py::object Signature::bind(PyObject *const *arguments, Py_ssize_t given, PyObject *keywords, PyObject **values) const {
  py::object rest;
  for (int i = 0; i < size(); ++i)
    values[i] = i < positional && i < given ? arguments[i] : nullptr;
  if (given > positional) {
    if (!hasRest)
      fail("takes " + std::to_string(positional) + (positional == 1 ? " argument" : " arguments") + "; got " +
           std::to_string(given));
    rest = py::reinterpret_steal<py::object>(PyTuple_New(given - positional));
    for (Py_ssize_t i = positional; i < given; ++i)
      PyTuple_SET_ITEM(rest.ptr(), i - positional, Py_NewRef(arguments[i]));
    values[positional] = rest.ptr();
  }
  for (Py_ssize_t k = 0; keywords && k < PyTuple_GET_SIZE(keywords); ++k) {
    PyObject *keyword = PyTuple_GET_ITEM(keywords, k);
    int i = find(keyword);
    if (i < 0 || values[i])
      fail((i < 0 ? "has no parameter " : "was given twice ") + printable(keyword));
    values[i] = arguments[given + k];
    if (parameters[i].takesRest) {
      rest = py::make_tuple(py::handle(values[i]));
      values[i] = rest.ptr();
    }
  }
  for (int i = 0; i < size(); ++i) {
    const Parameter &parameter = parameters[i];
    if (!values[i]) {
      values[i] = parameter.fallback.ptr();
      if (!values[i])
        fail("needs " + py::cast<std::string>(parameter.name));
    } else if (values[i] != parameter.fallback.ptr() && !parameter.takesRest &&
               !isOfKinds(values[i], parameter.kinds)) {
      failKind(parameter, values[i]);
    } else if ((parameter.kinds & kInt) && PyLong_CheckExact(values[i])) {
      int overflow;
      PyLong_AsLongLongAndOverflow(values[i], &overflow);
      if (overflow && !(parameter.kinds & (kFloat | kNumber)))
        weft::fail(UserError::Kind::Value, name.c_str(),
                   py::cast<std::string>(parameter.name) + " must fit into 64 bits; got " + textOfInt(values[i]));
    }
  }
  return rest;
}

} // namespace weft::python
