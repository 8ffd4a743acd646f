// The time of every kernel that runs during a call.
#include "python/bindings/PyTensor.h"
#include "runtime/Executable.h"

#include <mutex>
#include <pybind11/stl.h>

namespace py = pybind11;

namespace weft::python {
namespace {

// Identity, name, location, seconds, bytes.
using Steps = std::vector<std::tuple<uintptr_t, std::string, std::string, double, int64_t>>;

// Of all calls that are profiled at once. Never destroyed: other threads' kernels may still tell it of steps.
class Recording {
public:
  static Recording &global() {
    static auto *recording = new Recording;
    return *recording;
  }
  // Gives what end() wants.
  size_t begin() {
    std::lock_guard<std::mutex> lock(mutex);
    if (calls++ == 0)
      setStepProfiler(&profiler);
    return steps.size();
  }
  // The steps since begin().
  Steps end(size_t begun) {
    std::lock_guard<std::mutex> lock(mutex);
    Steps result(steps.begin() + begun, steps.end());
    if (--calls == 0) {
      setStepProfiler(nullptr);
      steps.clear();
    }
    return result;
  }

private:
  std::mutex mutex; // steps come from every thread that runs programs
  Steps steps;
  int calls = 0;
  const StepProfiler profiler{[](void *self, const ProfiledStep &step) {
                                auto &recording = *static_cast<Recording *>(self);
                                std::lock_guard<std::mutex> lock(recording.mutex);
                                if (recording.calls)
                                  recording.steps.emplace_back(uintptr_t(step.step), step.name, step.location,
                                                               step.nanoseconds * 1e-9, step.bytes);
                              },
                              this};
};

} // namespace

void bindProfile(py::module_ &module) {
  module.def("profile_steps", [](py::object function) {
    size_t begun = Recording::global().begin();
    py::object result;
    try {
      result = callingPython([&] { return function(); });
    } catch (...) {
      Recording::global().end(begun);
      throw;
    }
    return py::make_tuple(result, Recording::global().end(begun));
  });
}

} // namespace weft::python
