// Calls of compiled functions by another framework's tensors: its objects in and out, on the same memory, without
// Python in between (DLPackExchangeAPI). What a graph of PyTorch's costs a call is in weft/torch/program.py and here.
#include "python/bindings/DLPack.h"

namespace py = pybind11;

namespace weft::python {
namespace {

// Takes over a Python error that the framework has set.
void check(int failed) {
  if (!failed)
    return;
  if (PyErr_Occurred())
    throw py::error_already_set();
  fail(UserError::Kind::Runtime, "exchange", "the framework could not share a tensor by DLPack");
}

// function(*args), which gives a tuple of tensors, as a list of the framework's tensors. Numbers among args are given
// as they are; everything else is a tensor of the framework's.
py::list callAcross(const py::object &function, const py::capsule &capsule, const py::list &args) {
  auto *api = static_cast<DLPackExchangeAPI *>(PyCapsule_GetPointer(capsule.ptr(), "dlpack_exchange_api"));
  if (!api)
    throw py::error_already_set();
  std::vector<py::object> given;
  std::vector<PyObject *> pointers;
  given.reserve(args.size());
  pointers.reserve(args.size());
  for (py::handle arg : args) {
    if (PyLong_Check(arg.ptr()) || PyFloat_Check(arg.ptr())) {
      given.push_back(py::reinterpret_borrow<py::object>(arg));
    } else {
      DLManagedTensorVersioned *managed = nullptr;
      check(api->managedFromObject(arg.ptr(), &managed));
      given.push_back(py::reinterpret_steal<py::object>(box(fromManaged(managed))));
    }
    pointers.push_back(given.back().ptr());
  }
  auto results = py::reinterpret_steal<py::tuple>(
      callingPython([&] { return PyObject_Vectorcall(function.ptr(), pointers.data(), pointers.size(), nullptr); }));
  if (!results)
    throw py::error_already_set();
  py::list made(results.size());
  for (size_t i = 0; i < results.size(); ++i) {
    void *object = nullptr;
    check(api->managedToObject(toManaged(unbox(results[i].ptr())), &object));
    PyList_SET_ITEM(made.ptr(), Py_ssize_t(i), static_cast<PyObject *>(object));
  }
  return made;
}

} // namespace

void bindExchange(py::module_ &module) { module.def("call_across", &callAcross); }

} // namespace weft::python
