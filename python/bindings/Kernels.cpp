// The making of the kernels that are shipped with the package.
#include "frontend/executables/CompilerLibrary.h"
#include "frontend/executables/ShippedKernels.h"
#include "python/bindings/PyTensor.h"

namespace py = pybind11;

namespace weft::python {

void bindKernels(py::module_ &module) {
  module.def("collect_kernels", &beginCollecting);
  module.def("compiler_build", &compilerBuild);
  module.def("write_kernels", &writeCollected, py::arg("directory"), py::arg("cpu"));
}

} // namespace weft::python
