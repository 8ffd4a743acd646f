// The extension module weft._C: the front end for Python. The package around it is python/weft.
#include "frontend/CompilerLibrary.h"
#include "python/bindings/PyTensor.h"
#include "runtime/cuda/Driver.h"

namespace py = pybind11;

PYBIND11_MODULE(_C, module) {
  using namespace weft::python;
  module.doc() = "The C++ half of weft.";
  py::register_exception_translator([](std::exception_ptr pointer) {
    try {
      std::rethrow_exception(pointer);
    } catch (const weft::UserError &) {
      translateException();
    }
  });
  bindDTypes(module);
  defineTensorType(module);
  bindOps(module);
  bindTensorMethods(module);
  bindCreation(module);
  bindBuffers(module);
  bindDLPack(module);
  bindAutograd(module);
  bindCompile(module);
  bindExport(module);
  bindProfile(module);
  module.def("cuda_device_count", &weft::cuda::deviceCount);
  module.def("cuda_synchronize", [](int device) { weft::cuda::synchronize(device); }, py::arg("device") = 0);
  module.def("compiler_loaded", &weft::compilerLibraryLoaded);
}
