#include "python/bindings/Function.h"
#include "python/bindings/Override.h"
#include "python/bindings/PlainCases.h"

#include <algorithm>
#include <climits>
#include <structmember.h>

namespace py = pybind11;

namespace weft::python {
namespace {

struct FunctionObject {
  PyObject_HEAD vectorcallfunc vectorcall;
  Signature *signature;
  Body *body;
  PyObject *attributes; // dict: __name__, __doc__ and their like
};

} // namespace

void nameError(const std::string &op) {
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  auto arguments = py::reinterpret_steal<py::object>(PyObject_GetAttrString(value, "args"));
  if (!PyObject_HasAttrString(value, kIsNamed) && arguments && PyTuple_Check(arguments.ptr()) &&
      PyTuple_GET_SIZE(arguments.ptr()) == 1 && PyUnicode_Check(PyTuple_GET_ITEM(arguments.ptr(), 0))) {
    auto text = py::cast<std::string>(py::handle(PyTuple_GET_ITEM(arguments.ptr(), 0)));
    size_t end = 1;
    while (end < text.size() && (isalnum(text[end]) || text[end] == '_'))
      ++end;
    if (text[0] == '[' && end > 1 && text.compare(end, 2, "] ") == 0 && text.compare(1, end - 1, op) != 0)
      PyObject_SetAttrString(value, "args", py::make_tuple("[" + op + text.substr(end)).ptr());
  }
  PyErr_Clear();
  PyErr_Restore(type, value, traceback);
}

namespace {

void writeResult(const Signature &signature, PyObject *out, PyObject *result) {
  if (isTensor(out) && isTensor(result)) {
    writeOut(signature.op().c_str(), unbox(out), unbox(result));
    return;
  }
  bool several = PySequence_Check(out) && !isTensor(out) && PyTuple_Check(result) &&
                 PySequence_Size(out) == PyTuple_GET_SIZE(result);
  if (!several)
    signature.fail(std::string("out must be what the results are, a tensor or a tuple; got ") + Py_TYPE(out)->tp_name +
                   " for " + Py_TYPE(result)->tp_name);
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(result); ++i) {
    auto item = py::reinterpret_steal<py::object>(PySequence_GetItem(out, i));
    writeResult(signature, item.ptr(), PyTuple_GET_ITEM(result, i));
  }
}

PyObject *call(PyObject *self, PyObject *const *arguments, size_t flags, PyObject *keywords);

// A call with out=, of a function that has no such parameter: what it gives is written there. None: the call.
py::object callInto(PyObject *self, PyObject *const *arguments, size_t flags, PyObject *keywords) {
  const Signature &signature = *reinterpret_cast<FunctionObject *>(self)->signature;
  Py_ssize_t given = PyVectorcall_NARGS(flags), at = 0, count = PyTuple_GET_SIZE(keywords);
  while (at < count && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(keywords, at), "out"))
    ++at;
  if (at == count || signature.has("out"))
    return {};
  std::vector<PyObject *> others(arguments, arguments + given + count);
  py::object out = py::reinterpret_borrow<py::object>(others[size_t(given + at)]);
  others.erase(others.begin() + given + at);
  py::list names = py::reinterpret_steal<py::list>(PySequence_List(keywords));
  PyList_SetSlice(names.ptr(), at, at + 1, nullptr);
  py::tuple rest(names);
  auto result = py::reinterpret_steal<py::object>(call(self, others.data(), size_t(given), rest.ptr()));
  if (!result)
    throw py::error_already_set();
  if (out.is_none())
    return result;
  writeResult(signature, out.ptr(), result.ptr());
  return out;
}

PyObject *call(PyObject *self, PyObject *const *arguments, size_t flags, PyObject *keywords) {
  auto *function = reinterpret_cast<FunctionObject *>(self);
  const Signature &signature = *function->signature;
  PyObject *result = guarded([&] {
    Py_ssize_t given = PyVectorcall_NARGS(flags);
    if (__builtin_expect(anyOverrides(arguments, given + (keywords ? PyTuple_GET_SIZE(keywords) : 0)), 0))
      return overridden(self, arguments, given, keywords);
    if (py::object written = keywords ? callInto(self, arguments, flags, keywords) : py::object())
      return written.release().ptr();
    PyObject *values[kMaxParameters];
    py::object rest = signature.bind(arguments, PyVectorcall_NARGS(flags), keywords, values);
    return (*function->body)(signature, values);
  });
  if (!result && !signature.runsOtherCode)
    nameError(signature.op());
  return result;
}

PyObject *bindAsMethod(PyObject *self, PyObject *object, PyObject *) {
  if (!object || object == Py_None)
    return Py_NewRef(self);
  return PyMethod_New(self, object);
}

void deallocate(PyObject *self) {
  auto *function = reinterpret_cast<FunctionObject *>(self);
  delete function->signature;
  delete function->body;
  Py_XDECREF(function->attributes);
  PyTypeObject *type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject *represent(PyObject *self) {
  return PyUnicode_FromFormat("<function weft.%s>", reinterpret_cast<FunctionObject *>(self)->signature->op().c_str());
}

// A string: pickle and copy then look the function up in its module.
PyObject *reduce(PyObject *self, PyObject *) {
  return PyUnicode_FromString(reinterpret_cast<FunctionObject *>(self)->signature->op().c_str());
}

PyMethodDef methods[] = {
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(FunctionObject, vectorcall), READONLY, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(FunctionObject, attributes), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};
PyType_Slot slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void *>(deallocate)},
    {Py_tp_repr, reinterpret_cast<void *>(represent)},
    {Py_tp_call, reinterpret_cast<void *>(PyVectorcall_Call)},
    {Py_tp_descr_get, reinterpret_cast<void *>(bindAsMethod)},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {0, nullptr},
};
PyType_Spec spec = {"weft.Function", int(sizeof(FunctionObject)), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR |
                        Py_TPFLAGS_DISALLOW_INSTANTIATION,
                    slots};
PyTypeObject *functionType = nullptr;

// "(input, dim=None, *, dtype=None)", as inspect reads it.
std::string textOf(const Signature &signature) {
  std::string text;
  bool named = false;
  for (const Parameter &parameter : signature.all()) {
    text += text.empty() ? "" : ", ";
    if (parameter.takesRest)
      text += "*";
    else if (parameter.keywordOnly && !named)
      text += "*, ";
    named |= parameter.takesRest || parameter.keywordOnly;
    text += py::cast<std::string>(parameter.name);
    if (parameter.fallback && !parameter.takesRest)
      text += "=" + py::cast<std::string>(py::repr(parameter.fallback));
  }
  return "(" + text + ")";
}

// A Python function that gets its arguments checked: those by position, then the keyword-only ones by name.
Body pythonBody(py::object function, const Signature &signature, PlainCase plain) {
  int byPosition = 0;
  py::list names;
  for (const Parameter &parameter : signature.all())
    parameter.keywordOnly ? names.append(parameter.name) : void(++byPosition);
  py::object keywords = py::len(names) ? py::object(py::tuple(names)) : py::object();
  return [function = std::move(function), keywords, byPosition, plain](const Signature &signature,
                                                                       PyObject *const *values) -> PyObject * {
    if (plain)
      if (PyObject *result = plain(values))
        return result;
    const std::vector<Parameter> &all = signature.all();
    if (byPosition == 0 || !all[size_t(byPosition) - 1].takesRest)
      return callingPython(
          [&] { return PyObject_Vectorcall(function.ptr(), values, size_t(byPosition), keywords.ptr()); });
    std::vector<PyObject *> spread(values, values + byPosition - 1);
    PyObject *rest = values[byPosition - 1];
    spread.insert(spread.end(), PySequence_Fast_ITEMS(rest), PySequence_Fast_ITEMS(rest) + PyTuple_GET_SIZE(rest));
    size_t given = spread.size();
    spread.insert(spread.end(), values + byPosition, values + signature.size());
    return callingPython([&] { return PyObject_Vectorcall(function.ptr(), spread.data(), given, keywords.ptr()); });
  };
}

} // namespace

py::object makeFunction(Signature signature, Body body, const std::string &doc) {
  if (signature.size() > kMaxParameters)
    throw std::logic_error(signature.op() + " has too many parameters");
  auto *function = reinterpret_cast<FunctionObject *>(functionType->tp_alloc(functionType, 0));
  if (!function)
    throw py::error_already_set();
  py::dict attributes;
  for (const char *name : {"__name__", "__qualname__"})
    attributes[name] = signature.op();
  attributes["__module__"] = "weft";
  attributes["__doc__"] = doc;
  attributes["__text_signature__"] = textOf(signature);
  function->vectorcall = call;
  function->signature = new Signature(std::move(signature));
  function->body = new Body(std::move(body));
  function->attributes = attributes.release().ptr();
  return py::reinterpret_steal<py::object>(reinterpret_cast<PyObject *>(function));
}

// ---------------------------------------------------------------- Arguments and results

int64_t Argument<int64_t>::read(PyObject *value, const ArgumentOf &of) {
  auto number = py::reinterpret_steal<py::object>(PyNumber_Index(value));
  if (!number)
    throw py::error_already_set();
  int overflow;
  long long result = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  if (overflow)
    fail(UserError::Kind::Value, of.op(),
         std::string(of.name()) + " must fit into 64 bits; got " + textOfInt(number.ptr()));
  return result;
}

int Argument<int>::read(PyObject *value, const ArgumentOf &of) {
  return int(std::clamp<int64_t>(Argument<int64_t>::read(value, of), INT_MIN, INT_MAX));
}

double Argument<double>::read(PyObject *value, const ArgumentOf &of) {
  double number = PyFloat_AsDouble(value);
  if (number == -1 && PyErr_Occurred()) {
    if (!PyErr_ExceptionMatches(PyExc_OverflowError))
      throw py::error_already_set();
    PyErr_Clear();
    fail(UserError::Kind::Value, of.op(), std::string(of.name()) + " is larger than any float");
  }
  return number;
}

// Of the rest of the positional arguments the one that is a sequence of its own, or all.
static PyObject *listOf(PyObject *rest, uint32_t kinds, const ArgumentOf &of) {
  bool one = PyTuple_CheckExact(rest) && PyTuple_GET_SIZE(rest) == 1;
  PyObject *list = one ? PyTuple_GET_ITEM(rest, 0) : rest;
  if (isOfKinds(list, kinds))
    return list;
  if (!isOfKinds(rest, kinds))
    of.signature.failKind(of.parameter, list);
  return rest;
}

IntList Argument<IntList>::read(PyObject *value, const ArgumentOf &of) {
  return {Argument<Dims>::read(listOf(value, kinds, of), of)};
}
TensorList Argument<TensorList>::read(PyObject *value, const ArgumentOf &of) {
  return {Argument<std::vector<Tensor>>::read(listOf(value, kinds, of), of)};
}

std::vector<Tensor> Argument<std::vector<Tensor>>::read(PyObject *value, const ArgumentOf &of) {
  if (isTensor(value))
    return {unbox(value)};
  auto items = py::reinterpret_steal<py::object>(PySequence_Fast(value, ""));
  if (!items) {
    PyErr_Clear();
    of.signature.failKind(of.parameter, value);
  }
  std::vector<Tensor> tensors;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.ptr()); ++i) {
    PyObject *item = PySequence_Fast_GET_ITEM(items.ptr(), i);
    if (!isTensor(item))
      of.signature.failKind(of.parameter, value);
    tensors.push_back(unbox(item));
  }
  return tensors;
}

std::vector<int64_t> Argument<std::vector<int64_t>>::read(PyObject *value, const ArgumentOf &of) {
  auto items = py::reinterpret_steal<py::object>(PySequence_Fast(value, ""));
  if (!items) {
    PyErr_Clear();
    of.signature.failKind(of.parameter, value);
  }
  std::vector<int64_t> values;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.ptr()); ++i) {
    PyObject *item = PySequence_Fast_GET_ITEM(items.ptr(), i);
    if (!isOfKinds(item, kInt))
      of.signature.failKind(of.parameter, value);
    values.push_back(Argument<int64_t>::read(item, of));
  }
  return values;
}

PyObject *give(const Dims &sizes) {
  PyObject *tuple = sizeType->tp_alloc(sizeType, sizes.size());
  if (!tuple)
    throw py::error_already_set();
  for (int i = 0; i < sizes.size(); ++i)
    PyTuple_SET_ITEM(tuple, i, PyLong_FromLongLong(sizes[i]));
  return tuple;
}

// ---------------------------------------------------------------- Definitions

void Definitions::describe(const py::arg &argument, std::vector<Parameter> &parameters, size_t &next, std::string &) {
  parameters.at(next++).name = py::str(argument.name);
}
void Definitions::describe(const py::arg_v &argument, std::vector<Parameter> &parameters, size_t &next, std::string &) {
  parameters.at(next).name = py::str(argument.name);
  parameters.at(next++).fallback = argument.value;
}
void Definitions::add(const char *name, Signature signature, Body body, const std::string &doc) {
  owner.attr(name) = makeFunction(std::move(signature), std::move(body), doc);
}

void bindFunctions(py::module_ &module) {
  functionType = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
  if (!functionType)
    throw py::error_already_set();
  module.attr("Function") = py::handle(reinterpret_cast<PyObject *>(functionType));
  py::dict kinds;
  for (auto [name, kind] : {std::pair<const char *, uint32_t>{"Any", kAnything},
                            {"Tensor", kTensor},
                            {"Operand", kOperand},
                            {"Number", kNumber},
                            {"int", kInt},
                            {"float", kFloat},
                            {"bool", kBool},
                            {"Sequence[int]", kInts},
                            {"Sequence[Tensor]", kTensors},
                            {"str", kString},
                            {"dtype", kDType},
                            {"device", kDevice},
                            {"Callable", kCallable},
                            {"None", kNone}})
    kinds[name] = kind;
  module.attr("KINDS") = kinds;
  // parameters: (name, fallback or ..., kinds, keyword-only, takes the rest) each.
  module.def("make_function", [](py::object function, const std::string &name, py::list parameters,
                                 const std::string &doc, bool runsOtherCode, py::object plain) {
    std::vector<Parameter> all;
    for (py::handle item : parameters) {
      auto [parameter, fallback, kinds, keywordOnly, rest] =
          py::cast<std::tuple<py::str, py::object, uint32_t, bool, bool>>(item);
      all.push_back({parameter, fallback.is(py::ellipsis()) ? py::object() : fallback, kinds, keywordOnly, rest});
    }
    Signature signature(name, std::move(all));
    Body body =
        pythonBody(std::move(function), signature, plain.is_none() ? nullptr : plainCase(py::cast<std::string>(plain)));
    return makeFunction(std::move(signature), std::move(body), doc);
  });
}

} // namespace weft::python
