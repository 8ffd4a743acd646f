// The ops of the table as Python callables: one OpFunction an op serves as function (`weft.tanh(x)`) and as method
// (`x.tanh()`). Names and defaults come from tools/generate_python_ops.py; arguments are read here.
#include "frontend/OperandCheck.h"
#include "python/bindings/PyTensor.h"

#include <structmember.h>

namespace py = pybind11;

namespace weft::python {
namespace {

struct OpFunction {
  PyObject_HEAD vectorcallfunc vectorcall;
  OpKind op;
  const OpInfo *info;
  PyObject *name;     // str
  PyObject *doc;      // str
  PyObject *defaults; // tuple, one a parameter; Ellipsis: it must be given
};

// Parameters are the operands, then the attributes.
int parameterCount(const OpInfo &info) { return (info.operandCount < 0 ? 1 : info.operandCount) + info.attrCount; }

bool parameterIs(const OpInfo &info, int i, const char *name, size_t length) {
  int operands = info.operandCount < 0 ? 1 : info.operandCount;
  const char *parameter = i < operands ? info.operandNames[i] : info.attrs[i - operands].name;
  return !std::strncmp(parameter, name, length) && !parameter[length];
}

[[noreturn]] void failArguments(const OpInfo &info, const std::string &what) {
  std::string names;
  for (int i = 0, operands = info.operandCount < 0 ? 1 : info.operandCount; i < parameterCount(info); ++i)
    names += (i ? ", " : "") + std::string(i < operands ? info.operandNames[i] : info.attrs[i - operands].name);
  fail(UserError::Kind::Type, info.name, what + "; its parameters are (" + names + ")");
}

Attr readAttr(const OpInfo &info, const AttrInfo &attr, PyObject *value) {
  switch (attr.kind) {
  case Attr::Kind::Int: {
    if (!PyIndex_Check(value))
      failArguments(info, std::string(attr.name) + " must be an int; got " + Py_TYPE(value)->tp_name);
    long long number = PyNumber_AsSsize_t(value, PyExc_OverflowError);
    if (number == -1 && PyErr_Occurred())
      throw py::error_already_set();
    return Attr::integer(number);
  }
  case Attr::Kind::Float: {
    double number = PyFloat_AsDouble(value);
    if (number == -1 && PyErr_Occurred()) {
      PyErr_Clear();
      failArguments(info, std::string(attr.name) + " must be a float; got " + Py_TYPE(value)->tp_name);
    }
    return Attr::real(number);
  }
  case Attr::Kind::Bool: {
    int truth = PyObject_IsTrue(value);
    if (truth < 0)
      throw py::error_already_set();
    return Attr::boolean(truth);
  }
  case Attr::Kind::DType:
    if (!isDType(value))
      failArguments(info, std::string(attr.name) + " must be a weft dtype; got " + Py_TYPE(value)->tp_name);
    return Attr::dtype(unboxDType(value));
  case Attr::Kind::Ints:
    return Attr::list(unboxDims(value, info.name, attr.name));
  }
  __builtin_unreachable();
}

[[noreturn]] void failOperand(const OpInfo &info, const char *name, PyObject *value) {
  failArguments(info, std::string(name) + " must be a tensor or a number; got " + Py_TYPE(value)->tp_name);
}

constexpr int kMaxParameters = 12;

PyObject *callOp(PyObject *self, PyObject *const *arguments, size_t flags, PyObject *keywords) {
  return guarded([&]() -> PyObject * {
    auto *function = reinterpret_cast<OpFunction *>(self);
    const OpInfo &info = *function->info;
    const int parameters = parameterCount(info), given = int(PyVectorcall_NARGS(flags));
    PyObject *values[kMaxParameters] = {};
    if (given > parameters)
      failArguments(info, "takes " + std::to_string(parameters) + " arguments; got " + std::to_string(given));
    for (int i = 0; i < given; ++i)
      values[i] = arguments[i];
    for (Py_ssize_t k = 0; keywords && k < PyTuple_GET_SIZE(keywords); ++k) {
      Py_ssize_t length;
      const char *name = PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(keywords, k), &length);
      if (!name)
        throw py::error_already_set();
      int i = 0;
      while (i < parameters && !parameterIs(info, i, name, length))
        ++i;
      // PyTorch's names for the first two operands.
      if (i == parameters && !std::strcmp(name, "input"))
        i = 0;
      if (i == parameters && !std::strcmp(name, "other"))
        i = 1;
      if (i >= parameters || values[i])
        failArguments(info, (i >= parameters ? "has no parameter " : "was given twice ") + std::string(name));
      values[i] = arguments[given + k];
    }
    const int operands = info.operandCount < 0 ? 1 : info.operandCount;
    for (int i = 0; i < parameters; ++i)
      if (!values[i]) {
        values[i] = PyTuple_GET_ITEM(function->defaults, i);
        if (values[i] == Py_Ellipsis)
          failArguments(info,
                        std::string("needs ") + (i < operands ? info.operandNames[i] : info.attrs[i - operands].name));
      }
    Attrs attrs;
    attrs.reserve(info.attrCount);
    for (int i = 0; i < info.attrCount; ++i)
      attrs.push_back(readAttr(info, info.attrs[i], values[operands + i]));
    if (info.operandCount < 0) {
      py::object list = py::reinterpret_steal<py::object>(PySequence_Tuple(values[0]));
      if (!list) {
        PyErr_Clear();
        failArguments(info, "needs a sequence of tensors");
      }
      std::vector<Tensor> tensors;
      for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(list.ptr()); ++i) {
        tensors.push_back(operand(PyTuple_GET_ITEM(list.ptr(), i)));
        if (!tensors.back().defined())
          failOperand(info, "each of the inputs", PyTuple_GET_ITEM(list.ptr(), i));
      }
      return box(call(function->op, tensors.data(), int(tensors.size()), attrs));
    }
    // Optional operands are the last ones; those absent are left out.
    int present = operands;
    while (present > info.requiredOperands && values[present - 1] == Py_None)
      --present;
    Operands<kMaxParameters> tensors;
    for (int i = 0; i < present; ++i)
      if (!tensors.set(i, values[i]))
        failOperand(info, info.operandNames[i], values[i]);
    return box(call(function->op, tensors.data(), present, attrs));
  });
}

PyObject *bindAsMethod(PyObject *self, PyObject *object, PyObject *) {
  if (!object || object == Py_None) {
    Py_INCREF(self);
    return self;
  }
  return PyMethod_New(self, object);
}

void deallocate(PyObject *self) {
  auto *function = reinterpret_cast<OpFunction *>(self);
  Py_XDECREF(function->name);
  Py_XDECREF(function->doc);
  Py_XDECREF(function->defaults);
  PyTypeObject *type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject *represent(PyObject *self) {
  return PyUnicode_FromFormat("<op weft.%U>", reinterpret_cast<OpFunction *>(self)->name);
}

// What is copied or unpickled is the op of this process.
PyObject *reduce(PyObject *self, PyObject *) {
  return guarded([&] {
    auto *function = reinterpret_cast<OpFunction *>(self);
    py::object find = py::module_::import("weft._C").attr("op_function");
    return py::make_tuple(find, py::make_tuple(py::handle(function->name))).release().ptr();
  });
}

PyMethodDef methods[] = {
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(OpFunction, vectorcall), READONLY, nullptr},
    {"__name__", T_OBJECT, offsetof(OpFunction, name), READONLY, nullptr},
    {"__qualname__", T_OBJECT, offsetof(OpFunction, name), READONLY, nullptr},
    {"__doc__", T_OBJECT, offsetof(OpFunction, doc), READONLY, nullptr},
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
PyType_Spec spec = {"weft.OpFunction", int(sizeof(OpFunction)), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR |
                        Py_TPFLAGS_DISALLOW_INSTANTIATION,
                    slots};
PyTypeObject *opFunctionType = nullptr;

py::object makeOp(const std::string &name, py::tuple defaults, const std::string &doc) {
  OpKind op = opByName(name);
  if (parameterCount(info(op)) > kMaxParameters)
    throw std::runtime_error("op " + name + " has too many parameters");
  auto *function = reinterpret_cast<OpFunction *>(opFunctionType->tp_alloc(opFunctionType, 0));
  function->vectorcall = callOp;
  function->op = op;
  function->info = &info(op);
  function->name = py::str(name).release().ptr();
  function->doc = py::str(doc).release().ptr();
  function->defaults = defaults.release().ptr();
  return py::reinterpret_steal<py::object>(reinterpret_cast<PyObject *>(function));
}

// An in-place variant by the op's name: x.add_(y).
Tensor inPlace(const std::string &name, py::args operands) {
  std::vector<Tensor> tensors;
  for (py::handle item : operands) {
    tensors.push_back(operand(item.ptr()));
    if (!tensors.back().defined())
      fail(UserError::Kind::Type, name.c_str(),
           std::string("operands are tensors or numbers; got ") + Py_TYPE(item.ptr())->tp_name);
  }
  return callInPlace(opByName(name), tensors.data(), int(tensors.size()));
}

} // namespace

void bindOps(py::module_ &module) {
  opFunctionType = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
  if (!opFunctionType)
    throw py::error_already_set();
  module.attr("OpFunction") = py::handle(reinterpret_cast<PyObject *>(opFunctionType));
  module.def("make_op", &makeOp);
  module.def("op_function",
             [](const std::string &name) { return py::module_::import("weft._ops").attr(name.c_str()); });
  module.def("in_place", &inPlace);
  module.def("check_classes",
             [](const Tensor &classes, int64_t count) { check(classes, OperandCheck::classes("one_hot", count)); });
}

} // namespace weft::python
