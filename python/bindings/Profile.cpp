// The time of every kernel that runs during a call.
#include "python/bindings/PyTensor.h"
#include "runtime/Executable.h"

#include <mutex>
#include <pybind11/stl.h>

namespace py = pybind11;

namespace weft::python {
namespace {

using Steps = std::vector<std::tuple<std::string, std::string, double, int64_t>>; // name, location, seconds, bytes

struct Recording {
  std::mutex mutex; // steps come from every thread that runs programs
  Steps steps;
  StepProfiler profiler{[](void *self, const ProfiledStep &step) {
                          auto &recording = *static_cast<Recording *>(self);
                          std::lock_guard<std::mutex> lock(recording.mutex);
                          recording.steps.emplace_back(step.name, step.location, step.nanoseconds * 1e-9, step.bytes);
                        },
                        this};
  Recording() { setStepProfiler(&profiler); }
  ~Recording() { setStepProfiler(nullptr); }
};

} // namespace

void bindProfile(py::module_ &module) {
  module.def("profile_steps", [](py::object function) {
    Recording recording;
    py::object result = function();
    return py::make_tuple(result, recording.steps);
  });
}

} // namespace weft::python
