// The ops of the table as Python callables: one an op serves as function (`weft.tanh(x)`) and as method (`x.tanh()`),
// another as its in-place form (`x.tanh_()`). Names and defaults of parameters come from tools/generate_python_ops.py.
#include "frontend/dispatch/OperandCheck.h"
#include "python/bindings/Function.h"

#include <map>
#include <set>

namespace py = pybind11;

namespace weft::python {
namespace {

uint32_t kindsOf(Attr::Kind kind) {
  switch (kind) {
  case Attr::Kind::Int:
    return kInt;
  case Attr::Kind::Float:
    return kFloat;
  case Attr::Kind::Bool:
    return kBool;
  case Attr::Kind::DType:
    return kDType;
  case Attr::Kind::Ints:
    return kInt | kInts;
  case Attr::Kind::Graph: // of ops that bindings/Control.cpp makes
    break;
  }
  __builtin_unreachable();
}

Attr readAttr(Attr::Kind kind, PyObject *value, const ArgumentOf &of) {
  switch (kind) {
  case Attr::Kind::Int:
    return Attr::integer(Argument<int64_t>::read(value, of));
  case Attr::Kind::Float:
    return Attr::real(Argument<double>::read(value, of));
  case Attr::Kind::Bool:
    return Attr::boolean(value == Py_True);
  case Attr::Kind::DType:
    return Attr::dtype(unboxDType(value));
  case Attr::Kind::Ints:
    return Attr::list(Argument<Dims>::read(value, of));
  case Attr::Kind::Graph:
    break;
  }
  __builtin_unreachable();
}

// Parameters are the operands, then the attributes.
int operandParameters(const OpInfo &info) { return info.operandCount < 0 ? 1 : info.operandCount; }

// Several results as the named tuple of the op.
PyObject *giveAll(const py::object &returned, const std::vector<Tensor> &results) {
  py::tuple values(results.size());
  for (size_t i = 0; i < results.size(); ++i)
    values[i] = py::reinterpret_steal<py::object>(box(results[i]));
  PyObject *made = PyObject_CallObject(returned.ptr(), values.ptr());
  if (!made)
    throw py::error_already_set();
  return made;
}

Body bodyOf(OpKind op, bool inPlace, const py::object &returned) {
  return [op, inPlace, returned](const Signature &signature, PyObject *const *values) -> PyObject * {
    const OpInfo &record = info(op);
    const int operands = operandParameters(record);
    Attrs attrs;
    attrs.reserve(record.attrCount);
    for (int i = 0; i < record.attrCount; ++i)
      attrs.push_back(
          readAttr(record.attrs[i].kind, values[operands + i], {signature, signature.all()[size_t(operands + i)]}));
    if (record.operandCount < 0) {
      auto tensors = Argument<std::vector<Tensor>>::read(values[0], {signature, signature.all()[0]});
      return box(call(op, tensors.data(), int(tensors.size()), attrs));
    }
    // Optional operands are the last ones; those absent are left out.
    int present = operands;
    while (present > record.requiredOperands && values[present - 1] == Py_None)
      --present;
    Operands<kMaxParameters> tensors;
    for (int i = 0; i < present; ++i)
      if (!tensors.set(i, values[i]))
        signature.failKind(signature.all()[size_t(i)], values[i]);
    if (!inPlace && record.resultCount > 1)
      return giveAll(returned, callAll(op, tensors.data(), present, attrs));
    if (!inPlace)
      return box(call(op, tensors.data(), present, attrs));
    callInPlace(op, tensors.data(), present, attrs);
    return Py_NewRef(values[0]);
  };
}

// parameters: (name, default, or Ellipsis where it must be given, whether an operand may be a number) each. returned:
// what makes one object of several results.
py::object makeOp(const std::string &name, const py::list &parameters, const std::string &doc, bool inPlace,
                  const py::object &returned) {
  OpKind op = opByName(name);
  const OpInfo &record = info(op);
  const int operands = operandParameters(record);
  std::vector<Parameter> all;
  for (py::handle item : parameters) {
    auto [parameter, fallback, number] = py::cast<std::tuple<py::str, py::object, bool>>(item);
    const int i = int(all.size());
    uint32_t kinds = i >= operands                    ? kindsOf(record.attrs[i - operands].kind)
                     : record.operandCount < 0        ? uint32_t(kTensors)
                     : !number || (i == 0 && inPlace) ? uint32_t(kTensor)
                                                      : uint32_t(kOperand);
    if (i < operands && record.operandCount >= 0 && i >= record.requiredOperands)
      kinds |= kNone;
    all.push_back({parameter, fallback.is(py::ellipsis()) ? py::object() : fallback, kinds});
  }
  py::object function =
      makeFunction(Signature(name + (inPlace ? "_" : ""), std::move(all)), bodyOf(op, inPlace, returned), doc);
  function.attr("__module__") = "weft._ops";
  return function;
}

} // namespace

void bindOps(py::module_ &module) {
  module.def("make_op", &makeOp);
  Definitions(module).def(
      "check_classes",
      [](const Tensor &classes, int64_t count) { check(classes, OperandCheck::classes("one_hot", count)); },
      py::arg("tensor"), py::arg("num_classes"));
  Definitions(module).def(
      "check_info",
      [](const Tensor &info, const py::str &op, const py::str &failure) {
        using Failure = OperandCheck::Failure;
        static const std::map<std::string, Failure> failures = {{"positive", Failure::NotPositive},
                                                                {"singular", Failure::Singular},
                                                                {"finite", Failure::NotFinite},
                                                                {"rank", Failure::LowRank}};
        static std::set<std::string> names; // a trace keeps them
        check(info, OperandCheck::factorised(names.insert(op).first->c_str(), failures.at(failure)));
      },
      py::arg("info"), py::arg("op"), py::arg("failure"));
}

} // namespace weft::python
