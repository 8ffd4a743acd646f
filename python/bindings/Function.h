// A callable of the package: a signature (Signature.h) and a body, which may be in C++ or in Python. It is called
// through the vectorcall protocol and binds as a method.
#pragma once
#include "python/bindings/Signature.h"

#include <functional>
#include <optional>
#include <string>

namespace weft::python {

// The body gets the arguments in the order of the parameters and gives a new reference, or throws.
using Body = std::function<PyObject *(const Signature &signature, PyObject *const *values)>;
pybind11::object makeFunction(Signature signature, Body body, const std::string &doc);
constexpr int kMaxParameters = 16;
// The Python error that is set: one that says "[reshape] ..." leaves flatten(), which the user called, as "[flatten]
// ...".
void nameError(const std::string &op);

// ---- How an argument that is of the kind becomes a C++ value, by type.

// For errors: whose argument it is.
struct ArgumentOf {
  const Signature &signature;
  const Parameter &parameter;
  const char *op() const { return signature.op().c_str(); }
  const char *name() const { return PyUnicode_AsUTF8(parameter.name.ptr()); }
};

// Sizes or axes as PyTorch takes them: one sequence, or several ints.
struct IntList {
  Dims values;
};
// Tensors as PyTorch takes them: one sequence, or several.
struct TensorList {
  std::vector<Tensor> values;
};
// Parameters of these types take all further positional arguments.
template <class T>
constexpr bool takesRest =
    std::is_base_of_v<IntList, T> || std::is_same_v<T, TensorList> || std::is_same_v<T, pybind11::args>;
// A tensor, or what becomes one: a number, an array.
struct Operand {
  Tensor tensor;
};

template <class T, class = void> struct Argument;
template <> struct Argument<Tensor> {
  static constexpr uint32_t kinds = kTensor;
  static Tensor read(PyObject *value, const ArgumentOf &) { return unbox(value); }
};
template <> struct Argument<Operand> {
  static constexpr uint32_t kinds = kOperand;
  static Operand read(PyObject *value, const ArgumentOf &) { return {operand(value)}; }
};
template <> struct Argument<bool> {
  static constexpr uint32_t kinds = kBool;
  static bool read(PyObject *value, const ArgumentOf &) { return value == Py_True; }
};
template <> struct Argument<int64_t> {
  static constexpr uint32_t kinds = kInt;
  static int64_t read(PyObject *value, const ArgumentOf &of);
};
template <> struct Argument<int> { // an axis: what is beyond the range of int is out of range in any case
  static constexpr uint32_t kinds = kInt;
  static int read(PyObject *value, const ArgumentOf &of);
};
template <> struct Argument<double> {
  static constexpr uint32_t kinds = kFloat;
  static double read(PyObject *value, const ArgumentOf &of);
};
template <> struct Argument<DType> {
  static constexpr uint32_t kinds = kDType;
  static DType read(PyObject *value, const ArgumentOf &) { return unboxDType(value); }
};
template <> struct Argument<Dims> {
  static constexpr uint32_t kinds = kInt | kInts;
  static Dims read(PyObject *value, const ArgumentOf &of) { return unboxDims(value, of.op(), of.name()); }
};
template <> struct Argument<IntList> {
  static constexpr uint32_t kinds = kInt | kInts;
  static IntList read(PyObject *value, const ArgumentOf &of);
};
template <> struct Argument<std::vector<Tensor>> {
  static constexpr uint32_t kinds = kTensor | kTensors;
  static std::vector<Tensor> read(PyObject *value, const ArgumentOf &of);
};
template <> struct Argument<TensorList> {
  static constexpr uint32_t kinds = kTensors;
  static TensorList read(PyObject *value, const ArgumentOf &of);
};
template <> struct Argument<std::vector<int64_t>> {
  static constexpr uint32_t kinds = kInts;
  static std::vector<int64_t> read(PyObject *value, const ArgumentOf &of);
};
template <class T> struct Argument<T, std::enable_if_t<std::is_base_of_v<pybind11::handle, T>>> {
  static constexpr uint32_t kinds = std::is_same_v<T, pybind11::function> ? kCallable : kAnything;
  static T read(PyObject *value, const ArgumentOf &) {
    return pybind11::reinterpret_borrow<T>(pybind11::handle(value));
  }
};
template <class T> struct Argument<std::optional<T>> {
  static constexpr uint32_t kinds = Argument<T>::kinds | kNone;
  static std::optional<T> read(PyObject *value, const ArgumentOf &of) {
    return value == Py_None ? std::nullopt : std::optional<T>(Argument<T>::read(value, of));
  }
};

// ---- How a result becomes a Python object.
inline PyObject *give(Tensor tensor) { return tensor.defined() ? box(std::move(tensor)) : Py_NewRef(Py_None); }
PyObject *give(const Dims &sizes);
template <class T> PyObject *give(T value) {
  if constexpr (std::is_base_of_v<pybind11::object, T>)
    return value.release().ptr();
  else
    return pybind11::cast(std::move(value)).release().ptr();
}

// For Definitions::def: the function runs code of others (hooks), whose errors keep the names of the ops they are of.
struct RunsOtherCode {};

// ---- C++ functions as bodies.
namespace detail {

template <class F> struct Callable : Callable<decltype(&F::operator())> {};
template <class R, class... A> struct Callable<R (*)(A...)> {
  using Type = R(A...);
};
template <class R, class C, class... A> struct Callable<R (C::*)(A...) const> {
  using Type = R(A...);
};
template <class R, class C, class... A> struct Callable<R (C::*)(A...)> {
  using Type = R(A...);
};

template <class R, class... A, class F, size_t... i> Body bodyOf(R (*)(A...), F function, std::index_sequence<i...>) {
  return [function = std::move(function)](const Signature &signature, PyObject *const *values) -> PyObject * {
    [[maybe_unused]] const std::vector<Parameter> &all = signature.all();
    if constexpr (std::is_void_v<R>) {
      function(Argument<std::decay_t<A>>::read(values[i], {signature, all[i]})...);
      return Py_NewRef(Py_None);
    } else {
      return give(function(Argument<std::decay_t<A>>::read(values[i], {signature, all[i]})...));
    }
  };
}
template <class R, class... A> std::vector<Parameter> parametersOf(R (*)(A...)) {
  std::vector<Parameter> parameters(sizeof...(A));
  size_t i = 0;
  ((parameters[i].takesRest = takesRest<std::decay_t<A>>, parameters[i++].kinds = Argument<std::decay_t<A>>::kinds),
   ...);
  return parameters;
}

} // namespace detail

// Gives an object, a type or a module, functions that are C++'s:
//   def("size", [](const Tensor &t, std::optional<int> dim) {...}, py::arg("input"), py::arg("dim") = py::none(), "Its
//   doc.")
// Each parameter has a name.
class Definitions {
public:
  explicit Definitions(pybind11::object owner) : owner(std::move(owner)) {}

  template <class F, class... Extra> Definitions &def(const char *name, F function, const Extra &...extra) {
    auto *type = static_cast<typename detail::Callable<F>::Type *>(nullptr);
    return define(name, function, type, extra...);
  }
  // A method of Tensor's own.
  template <class R, class... A, class... Extra>
  Definitions &def(const char *name, R (Tensor::*function)(A...) const, const Extra &...extra) {
    return def(name, [function](const Tensor &t, A... a) { return (t.*function)(a...); }, extra...);
  }

private:
  template <class F, class R, class... A, class... Extra>
  Definitions &define(const char *name, F function, R (*type)(A...), const Extra &...extra) {
    static_assert(sizeof...(A) < kMaxParameters, "");
    std::vector<Parameter> parameters = detail::parametersOf(type);
    size_t next = 0;
    std::string doc;
    (describe(extra, parameters, next, doc), ...);
    if (next != parameters.size())
      throw std::logic_error(std::string(name) + ": a parameter has no name");
    Signature signature(name, std::move(parameters));
    signature.runsOtherCode = (std::is_same_v<Extra, RunsOtherCode> || ...);
    add(name, std::move(signature), detail::bodyOf(type, std::move(function), std::index_sequence_for<A...>()), doc);
    return *this;
  }
  static void describe(RunsOtherCode, std::vector<Parameter> &, size_t &, std::string &) {}
  static void describe(pybind11::kw_only, std::vector<Parameter> &parameters, size_t &next, std::string &) {
    for (size_t i = next; i < parameters.size(); ++i)
      parameters[i].keywordOnly = true;
  }
  static void describe(const pybind11::arg &argument, std::vector<Parameter> &parameters, size_t &next, std::string &);
  static void describe(const pybind11::arg_v &argument, std::vector<Parameter> &parameters, size_t &next,
                       std::string &);
  static void describe(const char *text, std::vector<Parameter> &, size_t &, std::string &doc) { doc = text; }
  void add(const char *name, Signature signature, Body body, const std::string &doc);

  pybind11::object owner;
};

void bindFunctions(pybind11::module_ &module);

} // namespace weft::python
