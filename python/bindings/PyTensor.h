// weft.Tensor as a Python type of its own (not a pybind11 class): boxing is one allocation, unboxing one pointer, and
// the operators are CPython's number slots. pybind11 functions take and give weft::Tensor by the caster at the end.
#pragma once
#include "frontend/dispatch/Ops.h"
#include "frontend/tensor/Tensor.h"

#include <cxxabi.h>
#include <pybind11/pybind11.h>
#include <unistd.h>
#include <vector>

namespace weft::python {

// The garbage collector looks at sub-classes' objects, and at tensors with hooks or attributes: nothing else leads back
// to Python.
struct PyTensor {
  PyObject_HEAD Ref<TensorImpl> impl;
  PyObject *weakReferences;
  PyObject *attributes; // a dict of what the user set, or null
};

extern PyTypeObject *sizeType;   // weft.Size
extern PyTypeObject *tensorType; // weft.Tensor; sub-classes (nn.Parameter) are made in Python
extern PyTypeObject *sparseType; // that of sparse tensors (weft/sparse); null until it is loaded

inline bool isTensor(PyObject *object) {
  return Py_TYPE(object) == tensorType || PyType_IsSubtype(Py_TYPE(object), tensorType);
}
// The object must be a tensor.
inline Tensor unbox(PyObject *object) { return Tensor(reinterpret_cast<PyTensor *>(object)->impl); }
// A new reference. A tensor has at most one Python object at a time, so `a.grad is a.grad`.
PyObject *box(Tensor tensor);
PyObject *boxAs(PyTypeObject *type, Tensor tensor);
// What the user set of a tensor's object: a dict that is not empty (borrowed), or null.
PyObject *attributesOf(PyObject *tensor);

// What may stand beside a tensor in an operation: a tensor, a Python number (promotes by its category), a NumPy scalar
// or array. Undefined for anything else, without a Python error.
Tensor operand(PyObject *object);

// The operands of a call. Tensors are borrowed from their objects, which the caller holds: counting their references
// up and down would cost as much as a small kernel.
template <int capacity> class Operands {
public:
  Operands() = default;
  Operands(const Operands &) = delete;
  ~Operands() {
    for (int i = 0; owned >> i; ++i)
      if (owned >> i & 1)
        slot(i)->~Tensor();
  }
  // Operand i, once each. False where the object is no operand.
  bool set(int i, PyObject *object) {
    if (isTensor(object)) {
      new (slot(i)) Tensor(Ref<TensorImpl>::attach(reinterpret_cast<PyTensor *>(object)->impl.get()));
      return true;
    }
    new (slot(i)) Tensor(operand(object));
    owned |= 1u << i;
    return slot(i)->defined();
  }
  const Tensor *data() const { return reinterpret_cast<const Tensor *>(memory); }

private:
  Tensor *slot(int i) { return reinterpret_cast<Tensor *>(memory) + i; }
  alignas(Tensor) unsigned char memory[capacity * sizeof(Tensor)];
  uint32_t owned = 0; // by bit
};

// Throws the Python error `type` with "[op] message", for classes that no UserError has.
[[noreturn]] void failAs(PyObject *type, const char *op, const std::string &message);
// An int of Python's as text, however long it is.
std::string textOfInt(PyObject *integer);

// Turns the C++ exception that is being handled into a Python error. For slots; pybind11 functions have a translator.
void translateException();
// An attribute of errors whose message keeps the name of its op, whatever function they leave (Function.h).
inline constexpr const char *kIsNamed = "_is_named";

// One reference to a Python object that C++ functions share: to copy or drop them needs no lock.
std::shared_ptr<PyObject> sharedFunction(pybind11::object function);
// A hook of a tensor.
struct PythonHook {
  const char *op; // for errors
  std::shared_ptr<PyObject> function;
  bool mayReplace; // its argument
  Tensor operator()(const Tensor &argument) const;
};
// Tells the garbage collector of a tensor that it got a hook.
void trackHooks(const Tensor &tensor);

// Of a daemon thread whose interpreter has ended.
[[noreturn]] void sleepForEver();

// Runs `body`, which gives a new reference or throws.
template <class Body> PyObject *guarded(Body body) {
  try {
    return body();
  } catch (const abi::__forced_unwind &) { // Python ran after all, as the garbage collector may have it
    sleepForEver();
  } catch (...) {
    translateException();
    return nullptr;
  }
}

// Runs a body that calls Python or asks for its lock. Where the interpreter has ended, Python up to 3.13 unwinds a
// daemon thread's stack there, which no destructor of ours lets pass: the thread stays here, as it does from 3.14 on.
template <class Body> auto callingPython(Body body) {
  try {
    return body();
  } catch (const abi::__forced_unwind &) {
    sleepForEver();
  }
}

// Runs a body with the lock, which the thread may hold already or not; not where the interpreter is gone, with all that
// it held.
template <class Body> void withPythonsLock(Body body) {
  if (Py_IsInitialized())
    callingPython([&] {
      pybind11::gil_scoped_acquire gil;
      callingPython(body);
    });
}

// For a pybind11 class whose objects C++ makes: __new__ would give one without a value.
pybind11::custom_type_setup notMadeByHand();

void defineTensorType(pybind11::module_ &module);
void fillNumberSlots(std::vector<PyType_Slot> &slots);
void fillIndexSlots(std::vector<PyType_Slot> &slots);
void fillBufferSlots(std::vector<PyType_Slot> &slots);

// Each adds its functions to the extension module.
void bindSize(pybind11::module_ &module);
void bindDTypes(pybind11::module_ &module);
void bindOverride(pybind11::module_ &module);
void bindSparse(pybind11::module_ &module);
void bindOps(pybind11::module_ &module);
void bindTensorMethods(pybind11::module_ &module);
void bindIndexing(pybind11::module_ &module);
void bindCreation(pybind11::module_ &module);
void bindBuffers(pybind11::module_ &module);
void bindDLPack(pybind11::module_ &module);
void bindArrow(pybind11::module_ &module);
void bindExchange(pybind11::module_ &module);
void bindGradMode(pybind11::module_ &module);
// None, where it is allowed, is an undefined tensor.
std::vector<Tensor> tensorsOf(const char *op, pybind11::handle sequence, bool mayBeNone = false);
pybind11::tuple toTuple(const std::vector<Tensor> &tensors); // None for an undefined one

void bindAutograd(pybind11::module_ &module);
void bindBatching(pybind11::module_ &module);
void bindControl(pybind11::module_ &module);
void bindCustomFunction(pybind11::module_ &module);
void bindGradFunction(pybind11::module_ &module);
void bindModuleBase(pybind11::module_ &module);
void bindCompile(pybind11::module_ &module);
void bindUserPlaces();
void bindExport(pybind11::module_ &module);
void bindKernels(pybind11::module_ &module);
void bindProfile(pybind11::module_ &module);
void bindCuda(pybind11::module_ &module);
void bindInterpreterLock();

Tensor fromBuffer(PyObject *object);
pybind11::object gradFunctionOf(const Tensor &tensor); // x.grad_fn
pybind11::object contextOf(const TapeNode &node);      // of weft.autograd.Function; None of others

// ---- dtypes and devices
PyObject *boxDType(DType dtype); // borrowed
// A dtype of weft's; or Python's float, int and bool: float64, int64 and bool, as in PyTorch.
bool isDType(PyObject *object);
DType unboxDType(PyObject *object); // the object must be a dtype
PyObject *boxDevice(Device device); // a new reference
bool isDevice(PyObject *object);
Device unboxDevice(PyObject *object); // "cpu", weft.device, None: the default device

// Of a str, also one that is no valid Unicode.
std::string printable(PyObject *text);

// Sizes or axes from an int, or a sequence of ints.
Dims unboxDims(PyObject *object, const char *op, const char *what);

} // namespace weft::python

namespace pybind11::detail {

template <> struct type_caster<weft::Tensor> {
  PYBIND11_TYPE_CASTER(weft::Tensor, const_name("Tensor"));
  bool load(handle source, bool) {
    if (!weft::python::isTensor(source.ptr()))
      return false;
    value = weft::python::unbox(source.ptr());
    return true;
  }
  static handle cast(const weft::Tensor &tensor, return_value_policy, handle) {
    return tensor.defined() ? weft::python::box(tensor) : none().release();
  }
};

template <> struct type_caster<weft::DType> {
  PYBIND11_TYPE_CASTER(weft::DType, const_name("dtype"));
  bool load(handle source, bool) {
    if (!weft::python::isDType(source.ptr()))
      return false;
    value = weft::python::unboxDType(source.ptr());
    return true;
  }
  static handle cast(weft::DType dtype, return_value_policy, handle) {
    return handle(weft::python::boxDType(dtype)).inc_ref();
  }
};

template <> struct type_caster<weft::Device> {
  PYBIND11_TYPE_CASTER(weft::Device, const_name("device"));
  bool load(handle source, bool) {
    if (!weft::python::isDevice(source.ptr()))
      return false;
    value = weft::python::unboxDevice(source.ptr());
    return true;
  }
  static handle cast(weft::Device device, return_value_policy, handle) { return weft::python::boxDevice(device); }
};

template <> struct type_caster<weft::Dims> {
  PYBIND11_TYPE_CASTER(weft::Dims, const_name("Sequence[int]"));
  bool load(handle source, bool) {
    if (!PyLong_Check(source.ptr()) && !PySequence_Check(source.ptr()))
      return false;
    value = weft::python::unboxDims(source.ptr(), "shape", "sizes");
    return true;
  }
  static handle cast(const weft::Dims &dims, return_value_policy, handle) {
    PyObject *tuple = PyTuple_New(dims.size());
    for (int i = 0; i < dims.size(); ++i)
      PyTuple_SET_ITEM(tuple, i, PyLong_FromLongLong(dims[i]));
    return tuple;
  }
};

} // namespace pybind11::detail
