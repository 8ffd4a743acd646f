// Where the user's Python code is while operations are recorded: found often, told seldom.
#include "frontend/trace/Trace.h"
#include "python/bindings/PyTensor.h"

#include <cstring>

namespace py = pybind11;

namespace weft::python {
namespace {

// The folder of this package, with its slash.
const std::string &package() {
  // No static object: an import may let other threads run, which would wait for its initialisation with the lock held.
  static std::string *known = nullptr;
  if (!known) {
    std::string file = py::module_::import("weft").attr("__file__").cast<std::string>();
    known = new std::string(file.substr(0, file.rfind('/') + 1));
  }
  return *known;
}

int instructionOf(PyFrameObject *frame) {
#if PY_VERSION_HEX >= 0x030b0000
  return PyFrame_GetLasti(frame);
#else
  return frame->f_lasti * int(sizeof(_Py_CODEUNIT));
#endif
}

// In the innermost Python frame outside this package.
Trace::Place currentPlace() {
  const std::string &ours = package();
  PyFrameObject *frame = PyEval_GetFrame();
  Py_XINCREF(frame);
  Trace::Place place;
  while (frame && !place.code) {
    PyCodeObject *code = PyFrame_GetCode(frame);
    const char *file = PyUnicode_AsUTF8(code->co_filename);
    if (file && std::strncmp(file, ours.c_str(), ours.size()) != 0)
      place = {code, instructionOf(frame)};
    else
      Py_DECREF(code);
    PyFrameObject *back = place.code ? nullptr : PyFrame_GetBack(frame);
    Py_DECREF(frame);
    frame = back;
  }
  return place;
}

void release(Trace::Place place) { Py_XDECREF(static_cast<PyObject *>(const_cast<void *>(place.code))); }

std::string describe(Trace::Place place) {
  if (!place.code)
    return "";
  auto *code = static_cast<PyCodeObject *>(const_cast<void *>(place.code));
  const char *file = PyUnicode_AsUTF8(code->co_filename), *slash = std::strrchr(file, '/');
  return std::string(slash ? slash + 1 : file) + ":" + std::to_string(PyCode_Addr2Line(code, place.instruction));
}

} // namespace

void bindUserPlaces() {
  static const Trace::Places places{currentPlace, release, describe};
  Trace::setPlaces(&places);
}

} // namespace weft::python
