// Memory shared with Python: the buffer protocol both ways (NumPy uses it), nested lists, tolist().
#include "frontend/autograd/Autograd.h"
#include "python/bindings/PyTensor.h"
#include "runtime/cpu/FloatMode.h"

#include <cmath>
#include <limits>
#include <optional>

namespace py = pybind11;

namespace weft::python {
namespace {

// struct's format characters for our dtypes; null: NumPy has no such type.
const char *formatOf(DType dtype) {
  switch (dtype) {
  case DType::Bool:
    return "?";
  case DType::UInt8:
    return "B";
  case DType::UInt16:
    return "H";
  case DType::UInt32:
    return "I";
  case DType::UInt64:
    return "Q";
  case DType::Int8:
    return "b";
  case DType::Int16:
    return "h";
  case DType::Int32:
    return "i";
  case DType::Int64:
    return "l";
  case DType::Float16:
    return "e";
  case DType::Float32:
    return "f";
  case DType::Float64:
    return "d";
  case DType::Complex64:
    return "Zf";
  case DType::Complex128:
    return "Zd";
  case DType::BFloat16:
    return nullptr;
  }
  return nullptr;
}

DType dtypeOf(const Py_buffer &view) {
  const char *format = view.format ? view.format : "B";
  if (*format == '@' || *format == '=' || *format == '<')
    ++format;
  if (format[0] == 'Z' && (format[1] == 'f' || format[1] == 'd') && !format[2])
    return format[1] == 'f' ? DType::Complex64 : DType::Complex128;
  if (format[0] && !format[1])
    switch (format[0]) {
    case '?':
      return DType::Bool;
    case 'B':
      return DType::UInt8;
    case 'H':
      return DType::UInt16;
    case 'I':
      return DType::UInt32;
    case 'L':
    case 'Q':
      return view.itemsize == 8 ? DType::UInt64 : DType::UInt32;
    case 'b':
      return DType::Int8;
    case 'h':
      return DType::Int16;
    case 'i':
      return DType::Int32;
    case 'l':
    case 'q':
      return view.itemsize == 8 ? DType::Int64 : DType::Int32;
    case 'e':
      return DType::Float16;
    case 'f':
      return DType::Float32;
    case 'd':
      return DType::Float64;
    }
  fail(UserError::Kind::Type, "from_numpy",
       std::string("cannot convert an array of format '") + (view.format ? view.format : "") +
           "'; supported are complex128, complex64, float64, float32, float16, int64, int32, int16, int8, uint64, "
           "uint32, uint16, uint8 and "
           "bool in native byte order; "
           "convert with .astype()");
}

void releaseView(void *context) {
  withPythonsLock([&] {
    auto *view = static_cast<Py_buffer *>(context);
    PyBuffer_Release(view);
    delete view;
  });
}

// What lies behind a Py_buffer. It holds the memory, which the tensor may part with (x.data = ...).
struct ExportedBuffer {
  Ref<Storage> storage;
  Py_ssize_t shape[kMaxRank], strides[kMaxRank];
};

bool isColumnMajor(const Tensor &t) {
  Dims shape, strides;
  for (int i = t.dim() - 1; i >= 0; --i) {
    shape.push_back(t.shape()[i]);
    strides.push_back(t.strides()[i]);
  }
  return isRowMajor(shape, strides);
}

int getBuffer(PyObject *self, Py_buffer *view, int flags) {
  view->obj = nullptr;
  try {
    Tensor t = unbox(self);
    const char *format = formatOf(t.dtype());
    if (!format || !t.device().isCpu() || (t.requiresGrad() && gradEnabled()))
      throw std::runtime_error("[buffer] a bfloat16 tensor, one on a GPU or one that requires grad has no buffer; "
                               "use .detach().cpu().float()");
    bool strided = (flags & PyBUF_STRIDES) == PyBUF_STRIDES;
    auto asks = [&](int order) { return (flags & order) == order; };
    bool inOrder = strided && !asks(PyBUF_C_CONTIGUOUS) &&
                   (!(asks(PyBUF_F_CONTIGUOUS) || asks(PyBUF_ANY_CONTIGUOUS)) || isColumnMajor(t));
    if (!inOrder && !t.isContiguous())
      throw std::runtime_error("[buffer] the tensor is not contiguous; use .contiguous()");
    if ((flags & PyBUF_WRITABLE) && t.impl->storage->readOnly)
      throw std::runtime_error("[buffer] the tensor's memory is read-only; use .clone()");
    auto layout = std::make_unique<ExportedBuffer>();
    Py_ssize_t size = itemSize(t.dtype());
    for (int i = 0; i < t.dim(); ++i) {
      layout->shape[i] = t.shape()[i];
      layout->strides[i] = t.strides()[i] * size;
    }
    view->buf = t.data();
    layout->storage = t.impl->storage;
    layout->storage->exported = true;
    view->len = t.numel() * size;
    view->readonly = t.impl->storage->readOnly;
    view->itemsize = size;
    view->format = flags & PyBUF_FORMAT ? const_cast<char *>(format) : nullptr;
    view->ndim = t.dim();
    view->shape = asks(PyBUF_ND) ? layout->shape : nullptr;
    view->strides = strided ? layout->strides : nullptr;
    view->suboffsets = nullptr;
    view->internal = layout.release();
    Py_INCREF(self);
    view->obj = self;
    return 0;
  } catch (const std::exception &error) {
    PyErr_SetString(PyExc_BufferError, error.what());
    return -1;
  }
}

void releaseBuffer(PyObject *, Py_buffer *view) { delete static_cast<ExportedBuffer *>(view->internal); }

py::object numpyArray(const Tensor &t) {
  if (t.requiresGrad() && gradEnabled())
    fail(UserError::Kind::Runtime, "numpy",
         "cannot be called on a tensor that requires grad; use tensor.detach().numpy()");
  if (!t.device().isCpu())
    fail(UserError::Kind::Type, "numpy",
         "cannot convert a tensor on " + toString(t.device()) + "; use tensor.cpu() first");
  if (!formatOf(t.dtype()))
    fail(UserError::Kind::Type, "numpy", "NumPy has no bfloat16; convert with tensor.float() first");
  t.data(); // an error here is its own; the buffer protocol's are of one class
  py::object object = py::reinterpret_steal<py::object>(box(t));
  auto view = py::reinterpret_steal<py::object>(PyMemoryView_FromObject(object.ptr()));
  PyObject *array = callingPython([&]() -> PyObject * {
    PyObject *numpy = PyImport_ImportModule("numpy");
    PyObject *made = numpy && view ? PyObject_CallMethod(numpy, "asarray", "O", view.ptr()) : nullptr;
    Py_XDECREF(numpy);
    return made;
  });
  if (!array)
    throw py::error_already_set();
  return py::reinterpret_steal<py::object>(array);
}

// ---- nested lists

struct Elements {
  Dims shape;
  std::vector<double> numbers, imaginary; // the latter from the first complex number on
  std::vector<int64_t> integers;
  std::optional<DType> dtype; // to which the elements promote; of Python's numbers as PyTorch infers it
  bool beyondInt64 = false, beyondUInt64 = false, negative = false; // integers

  void add(DType type, double number, int64_t integer) {
    dtype = dtype ? promote(*dtype, type) : type;
    numbers.push_back(number);
    integers.push_back(integer);
    if (!imaginary.empty())
      imaginary.push_back(0);
  }
  void addComplex(DType type, std::complex<double> number) {
    add(type, number.real(), 0);
    imaginary.resize(numbers.size());
    imaginary.back() = number.imag();
  }
};

bool isNested(PyObject *object) {
  return PyList_Check(object) || PyTuple_Check(object) ||
         (PySequence_Check(object) && !isTensor(object) && !PyUnicode_Check(object) && !PyObject_CheckBuffer(object));
}

[[noreturn]] void failDepth(int depth) {
  fail(UserError::Kind::Value, "tensor",
       "numbers and sequences are mixed at dimension " + std::to_string(depth) + "; make all rows equally deep");
}

// A sequence of `count` items begins at dimension `depth`.
void addDimension(Elements &elements, int depth, int64_t count) {
  if (depth == kMaxRank)
    fail(UserError::Kind::Value, "tensor", "the data is nested deeper than " + std::to_string(kMaxRank) + " levels");
  if (depth == elements.shape.size()) {
    if (!elements.numbers.empty())
      failDepth(depth);
    elements.shape.push_back(count);
  } else if (elements.shape[depth] != count) {
    fail(UserError::Kind::Value, "tensor",
         "expected a sequence of length " + std::to_string(elements.shape[depth]) + " at dimension " +
             std::to_string(depth) + "; got " + std::to_string(count) + "; make all rows equally long");
  }
}

void readArray(const Tensor &array, int depth, Elements &elements) {
  if (array.dim() > 0) {
    addDimension(elements, depth, array.shape()[0]);
    for (int64_t i = 0; i < array.shape()[0]; ++i)
      readArray(select(array, 0, i), depth + 1, elements);
    return;
  }
  if (depth != elements.shape.size())
    failDepth(depth);
  if (isComplex(array.dtype()))
    return elements.addComplex(array.dtype(), array.itemComplex());
  elements.add(array.dtype(), array.itemDouble(), isFloat(array.dtype()) ? 0 : array.itemInt());
}

void readNested(PyObject *object, int depth, Elements &elements) {
  if (isNested(object)) {
    // A tuple of its own: reading an element may run Python, which may change a list.
    py::object items = py::reinterpret_steal<py::object>(PySequence_Tuple(object));
    if (!items)
      throw py::error_already_set();
    addDimension(elements, depth, PyTuple_GET_SIZE(items.ptr()));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items.ptr()); ++i)
      readNested(PyTuple_GET_ITEM(items.ptr(), i), depth + 1, elements);
    return;
  }
  if (isTensor(object))
    return readArray(unbox(object).detach(), depth, elements);
  if (!PyFloat_CheckExact(object) && !PyLong_CheckExact(object) && !PyBytes_Check(object) &&
      PyObject_CheckBuffer(object)) // NumPy's numbers keep their dtype
    return readArray(fromBuffer(object), depth, elements);
  if (depth != elements.shape.size())
    failDepth(depth);
  if (PyFloat_Check(object)) {
    elements.add(defaultDType(), PyFloat_AS_DOUBLE(object), 0);
  } else if (PyComplex_Check(object)) {
    elements.addComplex(complexOf(defaultDType()), {PyComplex_RealAsDouble(object), PyComplex_ImagAsDouble(object)});
  } else if (PyLong_Check(object)) {
    int overflow;
    long long integer = PyLong_AsLongLongAndOverflow(object, &overflow);
    double number = PyLong_AsDouble(object);
    if (number == -1 && PyErr_Occurred()) {
      PyErr_Clear();
      number = std::numeric_limits<double>::infinity();
    }
    elements.negative |= overflow < 0 || (overflow == 0 && integer < 0);
    if (overflow > 0) { // its bits, as uint64
      integer = static_cast<long long>(PyLong_AsUnsignedLongLong(object));
      elements.beyondUInt64 |= PyErr_Occurred() != nullptr;
      PyErr_Clear();
    }
    elements.beyondInt64 |= overflow != 0;
    elements.add(PyBool_Check(object) ? DType::Bool : DType::Int64, number, integer);
  } else {
    fail(UserError::Kind::Type, "tensor",
         std::string("elements are numbers; got ") + Py_TYPE(object)->tp_name +
             "; convert it to int, float, complex or bool");
  }
}

// Throws where a number does not fit the integer dtype; negative ones wrap in unsigned dtypes, as in PyTorch.
template <class T> void checkRange(const std::vector<T> &numbers, DType dtype) {
  int bits = int(itemSize(dtype)) * 8 - (isSignedInt(dtype) ? 1 : 0);
  double limit = std::ldexp(1.0, bits), least = isSignedInt(dtype) ? -limit : 1 - limit;
  for (T number : numbers)
    if (!(double(number) >= least && double(number) < limit) && !(std::is_integral_v<T> && bits == 63))
      fail(UserError::Kind::Runtime, "tensor",
           std::string("value cannot be converted to type ") + name(dtype) + " without overflow; got " +
               py::cast<std::string>(py::repr(py::cast(number))) + "; choose a wider dtype");
}

Tensor fromNested(py::object data, py::object dtype) {
  StandardFloatMode mode;
  if (isTensor(data.ptr()) || PyObject_CheckBuffer(data.ptr())) {
    Tensor source = isTensor(data.ptr()) ? unbox(data.ptr()).detach() : fromBuffer(data.ptr());
    return dtype.is_none() || unboxDType(dtype.ptr()) == source.dtype() ? source.clone()
                                                                        : source.to(unboxDType(dtype.ptr()));
  }
  Elements elements;
  readNested(data.ptr(), 0, elements);
  DType common = elements.dtype.value_or(defaultDType()), wanted = dtype.is_none() ? common : unboxDType(dtype.ptr());
  if (isComplex(common) && !isComplex(wanted))
    fail(UserError::Kind::Type, "tensor",
         std::string("complex numbers do not become ") + name(wanted) + "; take their real parts");
  if (isComplex(wanted)) {
    std::vector<double> pairs;
    elements.imaginary.resize(elements.numbers.size());
    for (size_t i = 0; i < elements.numbers.size(); ++i) {
      pairs.push_back(elements.numbers[i]);
      pairs.push_back(elements.imaginary[i]);
    }
    return Tensor::fromHost(pairs.data(), elements.shape, DType::Complex128).to(wanted);
  }
  if (wanted == DType::UInt64 && !isFloat(common) && !elements.beyondUInt64 &&
      !(elements.beyondInt64 && elements.negative))
    return Tensor::fromHost(elements.integers.data(), elements.shape, DType::UInt64);
  if (elements.beyondInt64 && !isFloat(wanted))
    fail(UserError::Kind::Value, "tensor", "an int does not fit into 64 bits; pass dtype=weft.float64");
  if (isFloat(common) || elements.beyondInt64) {
    if (!isFloat(wanted) && wanted != DType::Bool)
      checkRange(elements.numbers, wanted);
    if (wanted == DType::Float32) { // rounded once, here: no kernel is needed
      std::vector<float> rounded(elements.numbers.begin(), elements.numbers.end());
      return Tensor::fromHost(rounded.data(), elements.shape, DType::Float32);
    }
    return Tensor::fromHost(elements.numbers.data(), elements.shape, DType::Float64).to(wanted);
  }
  if (wanted == DType::Bool) {
    std::vector<uint8_t> truth(elements.integers.begin(), elements.integers.end());
    for (size_t i = 0; i < truth.size(); ++i)
      truth[i] = elements.integers[i] != 0;
    return Tensor::fromHost(truth.data(), elements.shape, DType::Bool);
  }
  if (!isFloat(wanted))
    checkRange(elements.integers, wanted);
  return Tensor::fromHost(elements.integers.data(), elements.shape, DType::Int64).to(wanted);
}

float halfToFloat(uint16_t bits) {
  uint32_t sign = uint32_t(bits & 0x8000) << 16, exponent = (bits >> 10) & 31, mantissa = bits & 1023;
  float value;
  if (exponent == 0)
    value = float(mantissa) * 0x1p-24f;
  else {
    uint32_t wide = exponent == 31 ? 0x7f800000 | mantissa << 13 : (exponent + 112) << 23 | mantissa << 13;
    std::memcpy(&value, &wide, 4);
  }
  uint32_t word;
  std::memcpy(&word, &value, 4);
  word |= sign;
  std::memcpy(&value, &word, 4);
  return value;
}

PyObject *elementAt(const char *data, DType dtype) {
  auto read = [&](auto value) {
    std::memcpy(&value, data, sizeof(value));
    return value;
  };
  switch (dtype) {
  case DType::Bool:
    return PyBool_FromLong(*data != 0);
  case DType::UInt8:
    return PyLong_FromLong(read(uint8_t()));
  case DType::UInt16:
    return PyLong_FromLong(read(uint16_t()));
  case DType::UInt32:
    return PyLong_FromUnsignedLong(read(uint32_t()));
  case DType::UInt64:
    return PyLong_FromUnsignedLongLong(read(uint64_t()));
  case DType::Int8:
    return PyLong_FromLong(read(int8_t()));
  case DType::Int16:
    return PyLong_FromLong(read(int16_t()));
  case DType::Int32:
    return PyLong_FromLong(read(int32_t()));
  case DType::Int64:
    return PyLong_FromLongLong(read(int64_t()));
  case DType::Float16:
    return PyFloat_FromDouble(halfToFloat(read(uint16_t())));
  case DType::BFloat16: {
    uint32_t wide = uint32_t(read(uint16_t())) << 16;
    float value;
    std::memcpy(&value, &wide, 4);
    return PyFloat_FromDouble(value);
  }
  case DType::Float32:
    return PyFloat_FromDouble(read(float()));
  case DType::Float64:
    return PyFloat_FromDouble(read(double()));
  case DType::Complex64: {
    std::complex<float> number = read(std::complex<float>());
    return PyComplex_FromDoubles(number.real(), number.imag());
  }
  case DType::Complex128: {
    std::complex<double> number = read(std::complex<double>());
    return PyComplex_FromDoubles(number.real(), number.imag());
  }
  }
  return nullptr;
}

// Null where memory ended, with Python's error.
PyObject *listOf(const Tensor &t, const char *data, int dim) {
  int64_t size = itemSize(t.dtype());
  if (dim == t.dim())
    return elementAt(data, t.dtype());
  PyObject *list = PyList_New(t.shape()[dim]);
  for (int64_t i = 0; list && i < t.shape()[dim]; ++i) {
    PyObject *item = listOf(t, data + i * t.strides()[dim] * size, dim + 1);
    if (!item) {
      Py_DECREF(list);
      return nullptr;
    }
    PyList_SET_ITEM(list, i, item);
  }
  return list;
}

py::object toList(const Tensor &t) {
  Tensor host = t.detach().to(Device());
  StandardFloatMode mode;
  PyObject *list = listOf(host, static_cast<const char *>(host.data()), 0);
  if (!list)
    throw py::error_already_set();
  return py::reinterpret_steal<py::object>(list);
}

} // namespace

// Shares the memory of an object with the buffer protocol.
Tensor fromBuffer(PyObject *object) {
  auto *view = new Py_buffer;
  if (PyObject_GetBuffer(object, view, PyBUF_RECORDS) != 0) {
    PyErr_Clear();
    if (PyObject_GetBuffer(object, view, PyBUF_RECORDS_RO) != 0) {
      delete view;
      throw py::error_already_set();
    }
  }
  try {
    DType dtype = dtypeOf(*view);
    if (view->ndim > kMaxRank)
      fail(UserError::Kind::Value, "from_numpy",
           "the array has " + std::to_string(view->ndim) + " dimensions; tensors have at most " +
               std::to_string(kMaxRank) + "; reshape it");
    Dims shape;
    for (int i = 0; i < view->ndim; ++i)
      shape.push_back(view->shape[i]);
    Dims strides = contiguousStrides(shape);
    for (int i = 0; i < view->ndim; ++i) {
      if (!view->strides || shape[i] == 1 || shape.product() == 0) // ctypes leaves out those of row-major order
        continue;
      Py_ssize_t stride = view->strides[i];
      if (stride < 0)
        fail(UserError::Kind::Value, "from_numpy",
             "the array has a negative stride in dimension " + std::to_string(i) + "; make a copy with array.copy()");
      if (stride % view->itemsize)
        fail(UserError::Kind::Value, "from_numpy",
             "the array's strides are no multiples of its element size; make a copy with array.copy()");
      strides[i] = stride / view->itemsize;
    }
    return Tensor::fromMemory(view->buf, shape, strides, dtype, Device(), view->readonly, releaseView, view);
  } catch (...) {
    PyBuffer_Release(view);
    delete view;
    throw;
  }
}

void fillBufferSlots(std::vector<PyType_Slot> &slots) {
  slots.push_back({Py_bf_getbuffer, reinterpret_cast<void *>(getBuffer)});
  slots.push_back({Py_bf_releasebuffer, reinterpret_cast<void *>(releaseBuffer)});
}

void bindBuffers(py::module_ &module) {
  module.def("from_numpy", [](py::object array) {
    if (!PyObject_CheckBuffer(array.ptr()) || isTensor(array.ptr()))
      fail(UserError::Kind::Type, "from_numpy",
           std::string("expected a NumPy array; got ") + Py_TYPE(array.ptr())->tp_name +
               "; use weft.tensor for lists and numbers");
    return fromBuffer(array.ptr());
  });
  // A copy of an object's memory.
  module.def("from_bytes", [](const py::buffer &data, const Dims &shape, DType dtype) {
    Py_buffer view;
    if (PyObject_GetBuffer(data.ptr(), &view, PyBUF_SIMPLE) != 0)
      throw py::error_already_set();
    std::unique_ptr<Py_buffer, void (*)(Py_buffer *)> held(&view, PyBuffer_Release);
    checkSizes("from_bytes", {dtype, shape});
    if (view.len != shape.product() * itemSize(dtype))
      fail(UserError::Kind::Value, "from_bytes", "the number of bytes does not fit shape " + toString(shape));
    return Tensor::fromHost(view.buf, shape, dtype);
  });
  module.def("raw_bytes", [](const Tensor &t) {
    Tensor host = t.detach().to(Device()).contiguous();
    return py::bytes(static_cast<const char *>(host.data()), host.numel() * itemSize(host.dtype()));
  });
  module.def("numpy", &numpyArray);
  module.def("from_nested", &fromNested);
  module.def("tolist", &toList);
}

} // namespace weft::python
