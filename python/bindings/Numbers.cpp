// The operators of weft.Tensor as CPython's number slots.
#include "python/bindings/Function.h"
#include "python/bindings/Override.h"

#include <cmath>

namespace py = pybind11;

namespace weft::python {
namespace {

// Ops by name, looked up once.
struct Operators {
  OpKind add = opByName("add"), sub = opByName("sub"), mul = opByName("mul"), div = opByName("div");
  OpKind floorDivide = opByName("floor_divide"), remainder = opByName("remainder"), pow = opByName("pow");
  OpKind neg = opByName("neg"), abs = opByName("abs");
  OpKind bitwiseAnd = opByName("bitwise_and"), bitwiseOr = opByName("bitwise_or"), bitwiseXor = opByName("bitwise_xor");
  OpKind shiftLeft = opByName("bitwise_left_shift"), shiftRight = opByName("bitwise_right_shift");
  OpKind bitwiseNot = opByName("bitwise_not");
  OpKind eq = opByName("eq"), ne = opByName("ne"), lt = opByName("lt"), le = opByName("le"), gt = opByName("gt"),
         ge = opByName("ge");
  OpKind matmul = opByName("matmul");
};
const Operators &operators() {
  static const Operators table;
  return table;
}

// Runs the body of a slot; its errors bear the op's name.
template <class Body> PyObject *named(OpKind op, Body body) {
  PyObject *result = guarded(body);
  if (__builtin_expect(!result, 0))
    nameError(info(op).name);
  return result;
}

const Attrs kNone; // made once: an operator's call takes 60 ns

template <OpKind Operators::*op> PyObject *binary(PyObject *left, PyObject *right) {
  return named(operators().*op, [&]() -> PyObject * {
    if (PyObject *both[] = {left, right}; __builtin_expect(overrides(left) || overrides(right), 0))
      return overriddenOperator(info(operators().*op).name, both, 2);
    Operands<2> operands;
    if (!operands.set(0, left) || !operands.set(1, right)) {
      Py_INCREF(Py_NotImplemented);
      return Py_NotImplemented;
    }
    return box(call(operators().*op, operands.data(), 2, kNone));
  });
}

template <OpKind Operators::*op> PyObject *inPlace(PyObject *left, PyObject *right) {
  return named(operators().*op, [&]() -> PyObject * {
    if (PyObject *both[] = {left, right}; __builtin_expect(overrides(left) || overrides(right), 0))
      return overriddenOperator(std::string(info(operators().*op).name) + "_", both, 2);
    Operands<2> operands;
    operands.set(0, left);
    if (!operands.set(1, right)) {
      Py_INCREF(Py_NotImplemented);
      return Py_NotImplemented;
    }
    callInPlace(operators().*op, operands.data(), 2);
    Py_INCREF(left);
    return left;
  });
}

template <OpKind Operators::*op> PyObject *unary(PyObject *self) {
  return guarded([&]() -> PyObject * {
    if (__builtin_expect(overrides(self), 0))
      return overriddenOperator(info(operators().*op).name, &self, 1);
    Operands<1> x;
    x.set(0, self);
    return box(call(operators().*op, x.data(), 1));
  });
}

PyObject *power(PyObject *left, PyObject *right, PyObject *) { return binary<&Operators::pow>(left, right); }
PyObject *inPlacePower(PyObject *left, PyObject *right, PyObject *) { return inPlace<&Operators::pow>(left, right); }
PyObject *positive(PyObject *self) {
  Py_INCREF(self);
  return self;
}

int truth(PyObject *self) {
  try {
    Tensor t = unbox(self);
    if (t.numel() != 1)
      fail(UserError::Kind::Runtime, "bool",
           "the truth value of a tensor with other than one element is ambiguous; got " + toString(t.type()) +
               "; use .any() or .all()");
    return t.itemBool();
  } catch (...) {
    translateException();
    return -1;
  }
}

// The tensor, if it has one element.
Tensor scalarOf(const char *op, PyObject *self) {
  Tensor t = unbox(self);
  if (t.numel() != 1)
    fail(UserError::Kind::Value, op,
         "only tensors of one element become a number; got " + toString(t.type()) + "; index it, or use .tolist()");
  return t;
}

PyObject *toFloat(PyObject *self) {
  return guarded([&] { return PyFloat_FromDouble(scalarOf("float", self).itemDouble()); });
}
PyObject *integerOf(const Tensor &t) {
  return t.dtype() == DType::UInt64 ? PyLong_FromUnsignedLongLong(uint64_t(t.itemInt()))
                                    : PyLong_FromLongLong(t.itemInt());
}
PyObject *toInt(PyObject *self) {
  return guarded([&]() -> PyObject * {
    Tensor t = scalarOf("int", self);
    return isFloat(t.dtype()) || isComplex(t.dtype()) ? PyLong_FromDouble(t.itemDouble()) : integerOf(t);
  });
}
PyObject *toIndex(PyObject *self) {
  return guarded([&]() -> PyObject * {
    Tensor t = unbox(self);
    if (!isIntegral(t.dtype()) || t.numel() != 1)
      fail(UserError::Kind::Type, "index",
           "only integer tensors of one element can be an index; got " + toString(t.type()) + "; convert with .int()");
    return integerOf(t);
  });
}

// An integer beyond 64 bits is compared as a float beyond them.
PyObject *comparable(PyObject *object) {
  int overflow = 0;
  if (PyLong_Check(object) && !PyBool_Check(object))
    PyLong_AsLongLongAndOverflow(object, &overflow);
  if (!overflow) {
    Py_INCREF(object);
    return object;
  }
  double number = PyLong_AsDouble(object);
  if (PyErr_Occurred()) { // beyond the doubles
    PyErr_Clear();
    number = overflow * HUGE_VAL;
  }
  return PyFloat_FromDouble(number == -0x1p63 ? std::nextafter(number, -HUGE_VAL) : number);
}

PyObject *compare(PyObject *left, PyObject *other, int operation) {
  py::object comparand = py::reinterpret_steal<py::object>(comparable(other));
  PyObject *right = comparand.ptr();
  switch (operation) {
  case Py_EQ:
    return binary<&Operators::eq>(left, right);
  case Py_NE:
    return binary<&Operators::ne>(left, right);
  case Py_LT:
    return binary<&Operators::lt>(left, right);
  case Py_LE:
    return binary<&Operators::le>(left, right);
  case Py_GT:
    return binary<&Operators::gt>(left, right);
  default:
    return binary<&Operators::ge>(left, right);
  }
}

} // namespace

void fillNumberSlots(std::vector<PyType_Slot> &slots) {
  auto add = [&](int slot, auto *function) { slots.push_back({slot, reinterpret_cast<void *>(function)}); };
  add(Py_nb_add, binary<&Operators::add>);
  add(Py_nb_subtract, binary<&Operators::sub>);
  add(Py_nb_multiply, binary<&Operators::mul>);
  add(Py_nb_true_divide, binary<&Operators::div>);
  add(Py_nb_floor_divide, binary<&Operators::floorDivide>);
  add(Py_nb_remainder, binary<&Operators::remainder>);
  add(Py_nb_power, power);
  add(Py_nb_matrix_multiply, binary<&Operators::matmul>);
  add(Py_nb_and, binary<&Operators::bitwiseAnd>);
  add(Py_nb_or, binary<&Operators::bitwiseOr>);
  add(Py_nb_xor, binary<&Operators::bitwiseXor>);
  add(Py_nb_lshift, binary<&Operators::shiftLeft>);
  add(Py_nb_rshift, binary<&Operators::shiftRight>);
  add(Py_nb_invert, unary<&Operators::bitwiseNot>);
  add(Py_nb_negative, unary<&Operators::neg>);
  add(Py_nb_absolute, unary<&Operators::abs>);
  add(Py_nb_positive, positive);
  add(Py_nb_inplace_add, inPlace<&Operators::add>);
  add(Py_nb_inplace_subtract, inPlace<&Operators::sub>);
  add(Py_nb_inplace_multiply, inPlace<&Operators::mul>);
  add(Py_nb_inplace_true_divide, inPlace<&Operators::div>);
  add(Py_nb_inplace_floor_divide, inPlace<&Operators::floorDivide>);
  add(Py_nb_inplace_remainder, inPlace<&Operators::remainder>);
  add(Py_nb_inplace_power, inPlacePower);
  add(Py_nb_inplace_lshift, inPlace<&Operators::shiftLeft>);
  add(Py_nb_inplace_rshift, inPlace<&Operators::shiftRight>);
  add(Py_nb_inplace_and, inPlace<&Operators::bitwiseAnd>);
  add(Py_nb_inplace_or, inPlace<&Operators::bitwiseOr>);
  add(Py_nb_inplace_xor, inPlace<&Operators::bitwiseXor>);
  add(Py_nb_bool, truth);
  add(Py_nb_float, toFloat);
  add(Py_nb_int, toInt);
  add(Py_nb_index, toIndex);
  add(Py_tp_richcompare, compare);
}

} // namespace weft::python
