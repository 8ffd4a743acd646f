// weft.dtype (ten constants, compared by identity) and weft.device.
#include "python/bindings/PyTensor.h"

#include <pybind11/operators.h>

namespace py = pybind11;

namespace weft::python {
namespace {

struct DTypeConstant {
  DType type;
};
PyObject *constants[kDTypeCount];
PyTypeObject *dtypeType = nullptr;

} // namespace

PyObject *boxDType(DType dtype) { return constants[int(dtype)]; }
bool isDType(PyObject *object) { return Py_TYPE(object) == dtypeType; }
DType unboxDType(PyObject *object) {
  for (int i = 0; i < kDTypeCount; ++i)
    if (constants[i] == object)
      return DType(i);
  return py::cast<DTypeConstant &>(py::handle(object)).type;
}

Device unboxDevice(PyObject *object) {
  if (object == Py_None)
    return {};
  if (PyUnicode_Check(object))
    return parseDevice(PyUnicode_AsUTF8(object));
  if (py::isinstance<Device>(object))
    return py::cast<Device>(py::handle(object));
  fail(UserError::Kind::Type, "device",
       std::string("a device is a string as \"cpu\" or \"cuda:0\", or a weft.device; got ") + Py_TYPE(object)->tp_name);
}

void bindDTypes(py::module_ &module) {
  auto dtype = py::class_<DTypeConstant>(module, "dtype", "The type of a tensor's elements.");
  dtype.def("__repr__", [](const DTypeConstant &d) { return std::string("weft.") + name(d.type); })
      .def("__reduce__",
           [](const DTypeConstant &d) {
             return py::make_tuple(py::module_::import("weft._C").attr("dtype_by_name"), py::make_tuple(name(d.type)));
           })
      .def_property_readonly("name", [](const DTypeConstant &d) { return std::string(name(d.type)); })
      .def_property_readonly("is_floating_point", [](const DTypeConstant &d) { return isFloat(d.type); })
      .def_property_readonly("is_signed", [](const DTypeConstant &d) { return isFloat(d.type) || isSignedInt(d.type); })
      .def_property_readonly("itemsize", [](const DTypeConstant &d) { return itemSize(d.type); });
  dtypeType = reinterpret_cast<PyTypeObject *>(dtype.ptr());
  for (int i = 0; i < kDTypeCount; ++i) {
    constants[i] = py::cast(DTypeConstant{DType(i)}).release().ptr();
    module.attr(name(DType(i))) = py::handle(constants[i]);
  }
  module.def("dtype_by_name", [](const std::string &text) {
    for (int i = 0; i < kDTypeCount; ++i)
      if (text == name(DType(i)))
        return DType(i);
    fail(UserError::Kind::Value, "dtype", "there is no dtype " + text);
  });
  module.def("promote_types", &promote);

  py::class_<Device>(module, "device", "Where a tensor's memory is: device(\"cpu\"), device(\"cuda:0\").")
      .def(py::init([](const std::string &text) { return parseDevice(text); }))
      .def(py::init([](const Device &device) { return device; }))
      .def_property_readonly("type", [](const Device &d) { return d.isCpu() ? "cpu" : "cuda"; })
      .def_property_readonly(
          "index", [](const Device &d) { return d.isCpu() ? py::object(py::none()) : py::int_(int(d.index)); })
      .def("__str__", [](const Device &d) { return toString(d); })
      .def("__repr__",
           [](const Device &d) {
             std::string text = std::string("device(type='") + (d.isCpu() ? "cpu" : "cuda") + "'";
             return text + (d.isCpu() ? ")" : ", index=" + std::to_string(d.index) + ")");
           })
      .def("__hash__", [](const Device &d) { return int(d.kind) * 64 + d.index; })
      .def("__eq__", [](const Device &d, py::object other) {
        return py::isinstance<Device>(other) && d == other.cast<Device>();
      });
}

} // namespace weft::python
