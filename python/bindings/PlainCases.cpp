// What the Python bodies of functions that run once a layer come to where nothing unusual is asked of them.
#include "python/bindings/PlainCases.h"

#include "python/bindings/PyTensor.h"

#include <cstring>

namespace weft::python {
namespace {

struct Ops {
  OpKind crossEntropy = opByName("cross_entropy"), layerNorm = opByName("layer_norm"),
         embedding = opByName("embedding"), concatenate = opByName("concatenate"),
         indexSelect = opByName("index_select"), add = opByName("add"), sub = opByName("sub"), sum = opByName("sum"),
         mean = opByName("mean"), linear = opByName("linear"), relu = opByName("relu"), silu = opByName("silu"),
         softmax = opByName("softmax"), logSoftmax = opByName("log_softmax");
};
const Ops &ops() {
  static const Ops table;
  return table;
}

// Operands of which the last may be absent. False where one is no tensor.
template <int count> bool setOperands(Operands<count> &operands, PyObject *const (&objects)[count], int &present) {
  present = count;
  while (present > 0 && objects[present - 1] == Py_None)
    --present;
  for (int i = 0; i < present; ++i)
    if (!isTensor(objects[i]) || !operands.set(i, objects[i]))
      return false;
  return true;
}

const TensorImpl &implOf(PyObject *tensor) { return *reinterpret_cast<PyTensor *>(tensor)->impl; }

int reductionOf(PyObject *name) {
  static constexpr const char *kNames[] = {"none", "mean", "sum"};
  for (int i = 0; i < 3; ++i)
    if (!PyUnicode_CompareWithASCIIString(name, kNames[i]))
      return i;
  return -1;
}

// (input, target, weight, size_average, ignore_index, reduce, reduction, label_smoothing)
PyObject *crossEntropy(PyObject *const *v) {
  const TensorImpl &input = implOf(v[0]), &target = implOf(v[1]);
  int reduction = reductionOf(v[6]), rank = input.shape.size(), axis = rank > 1;
  if (v[3] != Py_None || v[5] != Py_None || reduction < 0 || target.dtype != DType::Int64 || rank == 0 ||
      target.shape.size() != rank - 1 || !PyLong_CheckExact(v[4]) || !PyFloat_CheckExact(v[7]))
    return nullptr;
  for (int i = 0; i < rank - 1; ++i)
    if (target.shape[i] != input.shape[i < axis ? i : i + 1])
      return nullptr;
  if (v[2] != Py_None && implOf(v[2]).shape != Dims{input.shape[axis]})
    return nullptr;
  double smoothing = PyFloat_AS_DOUBLE(v[7]);
  int overflow;
  int64_t ignored = PyLong_AsLongLongAndOverflow(v[4], &overflow);
  Operands<3> operands;
  int present;
  if (overflow || !(smoothing >= 0 && smoothing <= 1) || !setOperands(operands, {v[0], v[1], v[2]}, present))
    return nullptr;
  return box(call(ops().crossEntropy, operands.data(), present,
                  {Attr::integer(reduction), Attr::integer(ignored), Attr::real(smoothing)}));
}

// (input, normalized_shape, weight, bias, eps)
PyObject *layerNorm(PyObject *const *v) {
  const Dims &shape = implOf(v[0]).shape;
  if (!PyTuple_Check(v[1]) || !PyFloat_CheckExact(v[4]) || (v[2] == Py_None && v[3] != Py_None))
    return nullptr;
  int axes = int(PyTuple_GET_SIZE(v[1]));
  if (axes == 0 || axes > shape.size())
    return nullptr;
  for (int i = 0; i < axes; ++i)
    if (PyObject *size = PyTuple_GET_ITEM(v[1], i);
        !PyLong_CheckExact(size) || PyLong_AsLongLong(size) != shape[shape.size() - axes + i]) {
      PyErr_Clear();
      return nullptr;
    }
  Operands<3> operands;
  int present;
  if (!setOperands(operands, {v[0], v[2], v[3]}, present))
    return nullptr;
  return box(
      call(ops().layerNorm, operands.data(), present, {Attr::integer(axes), Attr::real(PyFloat_AS_DOUBLE(v[4]))}));
}

// (input, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
PyObject *embedding(PyObject *const *v) {
  if (implOf(v[1]).shape.size() != 2 || v[2] != Py_None || v[3] != Py_None || v[5] != Py_False || v[6] != Py_False)
    return nullptr;
  Operands<2> operands;
  operands.set(0, v[0]);
  operands.set(1, v[1]);
  return box(call(ops().embedding, operands.data(), 2, {Attr::integer(-1)}));
}

// (tensors, dim)
PyObject *cat(PyObject *const *v) {
  if ((!PyTuple_CheckExact(v[0]) && !PyList_CheckExact(v[0])) || !PyLong_CheckExact(v[1]))
    return nullptr;
  PyObject **items = PySequence_Fast_ITEMS(v[0]);
  Py_ssize_t count = PySequence_Fast_GET_SIZE(v[0]);
  constexpr int kFew = 8;
  int overflow;
  long long dim = PyLong_AsLongLongAndOverflow(v[1], &overflow);
  if (count == 0 || count > kFew || overflow)
    return nullptr;
  Operands<kFew> operands;
  for (Py_ssize_t i = 0; i < count; ++i) {
    const Dims &shape = implOf(items[i]).shape;
    if (shape.empty() || (shape.size() == 1 && shape[0] == 0))
      return nullptr;
    operands.set(int(i), items[i]);
  }
  return box(call(ops().concatenate, operands.data(), int(count), {Attr::integer(dim)}));
}

// False where it is no int, or one of more than 64 bits.
bool setDim(long long &dim, PyObject *object) {
  int overflow = 1;
  if (PyLong_CheckExact(object))
    dim = PyLong_AsLongLongAndOverflow(object, &overflow);
  return !overflow;
}

// (input, dim, index)
PyObject *indexSelect(PyObject *const *v) {
  long long dim = 0;
  if (implOf(v[0]).shape.empty() || implOf(v[2]).shape.empty() || !setDim(dim, v[1]))
    return nullptr;
  Operands<2> operands;
  operands.set(0, v[0]);
  operands.set(1, v[2]);
  return box(call(ops().indexSelect, operands.data(), 2, {Attr::integer(dim)}));
}

// (input, other, *legacy, alpha)
template <OpKind Ops::*op, bool inPlace> PyObject *sum(PyObject *const *v) {
  int overflow;
  if (PyTuple_GET_SIZE(v[2]) > 0 || !PyLong_CheckExact(v[3]) || PyLong_AsLongLongAndOverflow(v[3], &overflow) != 1)
    return nullptr;
  Operands<2> operands;
  if (!operands.set(0, v[0]) || !operands.set(1, v[1]))
    return nullptr;
  if (!inPlace)
    return box(call(ops().*op, operands.data(), 2));
  callInPlace(ops().*op, operands.data(), 2);
  return Py_NewRef(v[0]);
}

// (input, dim, keepdim, dtype)
template <OpKind Ops::*op> PyObject *reduction(PyObject *const *v) {
  if (v[1] != Py_None || v[2] != Py_False || v[3] != Py_None || !isFloat(implOf(v[0]).dtype))
    return nullptr;
  Operands<1> operands;
  operands.set(0, v[0]);
  return box(call(ops().*op, operands.data(), 1, {Attr::list({}), Attr::boolean(false)}));
}

// (input, weight, bias)
PyObject *linear(PyObject *const *v) {
  Operands<3> operands;
  int present;
  return setOperands(operands, {v[0], v[1], v[2]}, present) ? box(call(ops().linear, operands.data(), present))
                                                            : nullptr;
}

// (input, inplace)
template <OpKind Ops::*op> PyObject *activation(PyObject *const *v) {
  if (v[1] != Py_False)
    return nullptr;
  Operands<1> operands;
  operands.set(0, v[0]);
  return box(call(ops().*op, operands.data(), 1));
}

// (input, dim, _stacklevel, dtype)
template <OpKind Ops::*op> PyObject *alongDim(PyObject *const *v) {
  long long dim = 0;
  if (v[3] != Py_None || implOf(v[0]).shape.empty() || !setDim(dim, v[1]))
    return nullptr;
  Operands<1> operands;
  operands.set(0, v[0]);
  return box(call(ops().*op, operands.data(), 1, {Attr::integer(dim)}));
}

} // namespace

PlainCase plainCase(const std::string &name) {
  static constexpr std::pair<const char *, PlainCase> kCases[] = {
      {"cross_entropy", crossEntropy},
      {"layer_norm", layerNorm},
      {"embedding", embedding},
      {"cat", cat},
      {"index_select", indexSelect},
      {"add", sum<&Ops::add, false>},
      {"sub", sum<&Ops::sub, false>},
      {"add_", sum<&Ops::add, true>},
      {"sub_", sum<&Ops::sub, true>},
      {"sum", reduction<&Ops::sum>},
      {"mean", reduction<&Ops::mean>},
      {"linear", linear},
      {"relu", activation<&Ops::relu>},
      {"silu", activation<&Ops::silu>},
      {"softmax", alongDim<&Ops::softmax>},
      {"log_softmax", alongDim<&Ops::logSoftmax>},
  };
  for (auto [known, plain] : kCases)
    if (name == known)
      return plain;
  throw std::out_of_range("there is no plain case of " + name);
}

} // namespace weft::python
