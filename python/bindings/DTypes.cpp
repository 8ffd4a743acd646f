// weft.dtype (twelve constants, compared by identity) and weft.device: types of their own, none of whose objects can be
// made without a value.
#include "frontend/dispatch/Ops.h"
#include "python/bindings/Function.h"

namespace py = pybind11;

namespace weft::python {
namespace {

PyObject *string(const std::string &text) { return PyUnicode_FromStringAndSize(text.data(), Py_ssize_t(text.size())); }

PyTypeObject *makeType(PyType_Spec &spec) {
  PyObject *type = PyType_FromSpec(&spec);
  if (!type)
    throw py::error_already_set();
  return reinterpret_cast<PyTypeObject *>(type);
}

// ---------------------------------------------------------------- dtype

struct PyDType {
  PyObject_HEAD DType type;
};
PyObject *constants[kDTypeCount];
PyTypeObject *dtypeType = nullptr;

DType dtypeOf(PyObject *self) { return reinterpret_cast<PyDType *>(self)->type; }

PyObject *dtypeName(PyObject *self, void *) { return string(name(dtypeOf(self))); }
PyObject *dtypeRepr(PyObject *self) { return string(std::string("weft.") + name(dtypeOf(self))); }
PyObject *isFloatingPoint(PyObject *self, void *) { return PyBool_FromLong(isFloat(dtypeOf(self))); }
PyObject *isSigned(PyObject *self, void *) {
  return PyBool_FromLong(isFloat(dtypeOf(self)) || isComplex(dtypeOf(self)) || isSignedInt(dtypeOf(self)));
}
PyObject *isComplexDType(PyObject *self, void *) { return PyBool_FromLong(isComplex(dtypeOf(self))); }
PyObject *dtypeItemSize(PyObject *self, void *) { return PyLong_FromLongLong(itemSize(dtypeOf(self))); }
// A string: pickle and copy then look the constant up in the package.
PyObject *dtypeReduce(PyObject *self, PyObject *) { return string(name(dtypeOf(self))); }

PyGetSetDef dtypeProperties[] = {
    {"name", dtypeName, nullptr, nullptr, nullptr},
    {"is_floating_point", isFloatingPoint, nullptr, nullptr, nullptr},
    {"is_complex", isComplexDType, nullptr, nullptr, nullptr},
    {"is_signed", isSigned, nullptr, nullptr, nullptr},
    {"itemsize", dtypeItemSize, nullptr, "Bytes of an element.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyObject *toRealDType(PyObject *self, PyObject *) { return Py_NewRef(constants[int(partOf(dtypeOf(self)))]); }
PyObject *toComplexDType(PyObject *self, PyObject *) {
  return guarded([&]() -> PyObject * {
    DType dtype = dtypeOf(self);
    if (dtype == DType::Float16 || dtype == DType::BFloat16)
      fail(UserError::Kind::NotImplemented, "to_complex",
           std::string("there are no complex numbers of 16-bit floats; got ") + name(dtype) + "; use complex64");
    return Py_NewRef(constants[int(isIntegral(dtype) ? complexOf(defaultDType()) : complexOf(dtype))]);
  });
}

PyMethodDef dtypeMethods[] = {
    {"to_real", toRealDType, METH_NOARGS, "The dtype of a complex one's parts; itself of others."},
    {"to_complex", toComplexDType, METH_NOARGS, "The complex dtype whose parts are of this one."},
    {"__reduce__", dtypeReduce, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot dtypeSlots[] = {
    {Py_tp_repr, reinterpret_cast<void *>(dtypeRepr)},
    {Py_tp_getset, dtypeProperties},
    {Py_tp_methods, dtypeMethods},
    {Py_tp_doc, const_cast<char *>("The type of a tensor's elements.")},
    {0, nullptr},
};
PyType_Spec dtypeSpec = {"weft.dtype", int(sizeof(PyDType)), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                         dtypeSlots};

// ---------------------------------------------------------------- device

struct PyDevice {
  PyObject_HEAD Device device;
};
PyTypeObject *deviceType = nullptr;

Device deviceOf(PyObject *self) { return reinterpret_cast<PyDevice *>(self)->device; }

PyObject *newDevice(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  static const char *const names[] = {"type", "index", nullptr};
  PyObject *what, *index = Py_None;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:device", const_cast<char **>(names), &what, &index))
    return nullptr;
  return guarded([&] {
    Device device = unboxDevice(what);
    if (index != Py_None) {
      py::object number = py::reinterpret_steal<py::object>(PyNumber_Index(index));
      if (!number || !PyUnicode_Check(what))
        fail(UserError::Kind::Type, "device", "takes a string as \"cuda:1\", or a kind and an index: \"cuda\", 1");
      device = parseDevice(py::str("{}:{}").format(py::handle(what), number).cast<std::string>());
    }
    return boxDevice(device);
  });
}

PyObject *deviceKind(PyObject *self, void *) { return string(deviceOf(self).isCpu() ? "cpu" : "cuda"); }
PyObject *deviceIndex(PyObject *self, void *) {
  Device device = deviceOf(self);
  return device.isCpu() ? Py_NewRef(Py_None) : PyLong_FromLong(device.index);
}
PyObject *deviceString(PyObject *self) { return string(toString(deviceOf(self))); }
PyObject *deviceRepr(PyObject *self) {
  Device device = deviceOf(self);
  return device.isCpu() ? string("device(type='cpu')")
                        : string("device(type='cuda', index=" + std::to_string(device.index) + ")");
}
Py_hash_t deviceHash(PyObject *self) { return int(deviceOf(self).kind) * 64 + deviceOf(self).index; }
PyObject *deviceCompare(PyObject *self, PyObject *other, int operation) {
  if (!isDevice(other) || (operation != Py_EQ && operation != Py_NE))
    return Py_NewRef(Py_NotImplemented);
  return PyBool_FromLong((deviceOf(self) == deviceOf(other)) == (operation == Py_EQ));
}
PyObject *deviceReduce(PyObject *self, PyObject *) {
  return Py_BuildValue("O(N)", reinterpret_cast<PyObject *>(deviceType), deviceString(self));
}

PyGetSetDef deviceProperties[] = {
    {"type", deviceKind, nullptr, "\"cpu\" or \"cuda\".", nullptr},
    {"index", deviceIndex, nullptr, "Which of its kind; None of the CPU.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
// `with device:` makes it the default. What was is kept by the thread, since devices are values.
thread_local std::vector<Device> outerDefaults;
PyObject *enterDevice(PyObject *self, PyObject *) {
  outerDefaults.push_back(defaultDevice());
  setDefaultDevice(deviceOf(self));
  return Py_NewRef(self);
}
PyObject *exitDevice(PyObject *, PyObject *) {
  if (outerDefaults.empty()) {
    PyErr_SetString(PyExc_RuntimeError, "[device] __exit__() without __enter__()");
    return nullptr;
  }
  setDefaultDevice(outerDefaults.back());
  outerDefaults.pop_back();
  Py_RETURN_NONE;
}

PyMethodDef deviceMethods[] = {
    {"__enter__", enterDevice, METH_NOARGS, "Makes it the default device until __exit__()."},
    {"__exit__", exitDevice, METH_VARARGS, nullptr},
    {"__reduce__", deviceReduce, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot deviceSlots[] = {
    {Py_tp_new, reinterpret_cast<void *>(newDevice)},
    {Py_tp_str, reinterpret_cast<void *>(deviceString)},
    {Py_tp_repr, reinterpret_cast<void *>(deviceRepr)},
    {Py_tp_hash, reinterpret_cast<void *>(deviceHash)},
    {Py_tp_richcompare, reinterpret_cast<void *>(deviceCompare)},
    {Py_tp_getset, deviceProperties},
    {Py_tp_methods, deviceMethods},
    {Py_tp_doc, const_cast<char *>("Where a tensor's memory is: device(\"cpu\"), device(\"cuda:0\").")},
    {0, nullptr},
};
PyType_Spec deviceSpec = {"weft.device", int(sizeof(PyDevice)), 0, Py_TPFLAGS_DEFAULT, deviceSlots};

} // namespace

PyObject *boxDType(DType dtype) { return constants[int(dtype)]; }

static PyObject *const kPythonTypes[] = {reinterpret_cast<PyObject *>(&PyFloat_Type),
                                         reinterpret_cast<PyObject *>(&PyLong_Type),
                                         reinterpret_cast<PyObject *>(&PyBool_Type)};
bool isDType(PyObject *object) {
  return Py_TYPE(object) == dtypeType || object == kPythonTypes[0] || object == kPythonTypes[1] ||
         object == kPythonTypes[2];
}
DType unboxDType(PyObject *object) {
  return Py_TYPE(object) == dtypeType ? dtypeOf(object)
         : object == kPythonTypes[0]  ? DType::Float64
         : object == kPythonTypes[1]  ? DType::Int64
                                      : DType::Bool;
}

bool isDevice(PyObject *object) { return Py_TYPE(object) == deviceType; }
PyObject *boxDevice(Device device) {
  PyObject *object = deviceType->tp_alloc(deviceType, 0);
  if (!object)
    throw py::error_already_set();
  reinterpret_cast<PyDevice *>(object)->device = device;
  return object;
}

Device unboxDevice(PyObject *object) {
  if (object == Py_None)
    return defaultDevice();
  if (isDevice(object))
    return deviceOf(object);
  if (!PyUnicode_Check(object))
    fail(UserError::Kind::Type, "device",
         std::string("a device is a string as \"cpu\" or \"cuda:0\", or a weft.device; got ") +
             Py_TYPE(object)->tp_name);
  return parseDevice(printable(object));
}

void bindDTypes(py::module_ &module) {
  dtypeType = makeType(dtypeSpec);
  module.attr("dtype") = py::handle(reinterpret_cast<PyObject *>(dtypeType));
  for (int i = 0; i < kDTypeCount; ++i) {
    constants[i] = dtypeType->tp_alloc(dtypeType, 0);
    if (!constants[i])
      throw py::error_already_set();
    reinterpret_cast<PyDType *>(constants[i])->type = DType(i);
    module.attr(name(DType(i))) = py::handle(constants[i]);
  }
  module.def("dtype_by_name", [](const std::string &text) {
    for (int i = 0; i < kDTypeCount; ++i)
      if (text == name(DType(i)))
        return DType(i);
    fail(UserError::Kind::Value, "dtype", "there is no dtype " + text);
  });
  Definitions(module).def("promote_types", &promote, py::arg("type1"), py::arg("type2"),
                          "The least dtype to which both convert, as in operations.");

  deviceType = makeType(deviceSpec);
  module.attr("device") = py::handle(reinterpret_cast<PyObject *>(deviceType));
}

} // namespace weft::python
