// The step of scan(), as a context: `with` traces it.
#include "frontend/trace/ScanFunction.h"
#include "python/bindings/PyTensor.h"

#include <optional>

namespace py = pybind11;

namespace weft::python {
namespace {

struct Scanning {
  std::string name;
  std::vector<Tensor> carries, sequences;
  int64_t length;
  bool reverse;
  std::optional<ScanFunction> function;
};

} // namespace

void bindScanning(py::module_ &module) {
  py::class_<Scanning>(module, "Scanning", notMadeByHand())
      .def("__enter__",
           [](Scanning &s) {
             s.function.emplace(s.name.c_str(), s.carries, s.sequences, s.length, s.reverse);
             return toTuple(s.function->examples());
           })
      .def("__exit__", [](Scanning &s, const py::args &) { s.function.reset(); })
      .def("finish", [](Scanning &s, py::sequence carries, py::sequence outputs) {
        const char *name = s.name.c_str();
        return toTuple(s.function->finish(tensorsOf(name, carries), tensorsOf(name, outputs)));
      });
  module.def("scanning", [](const std::string &name, py::sequence carries, py::sequence sequences, int64_t length,
                            bool reverse) {
    auto made = std::make_unique<Scanning>();
    made->name = name;
    made->carries = tensorsOf(name.c_str(), carries);
    made->sequences = tensorsOf(name.c_str(), sequences);
    made->length = length;
    made->reverse = reverse;
    return made;
  });
}

} // namespace weft::python
