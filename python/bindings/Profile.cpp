// The time of every kernel that runs between two moments.
#include "frontend/trace/Trace.h"
#include "python/bindings/PyTensor.h"
#include "runtime/Executable.h"

#include <chrono>
#include <mutex>
#include <pybind11/stl.h>
#include <unistd.h>

namespace py = pybind11;

namespace weft::python {
namespace {

// Identity, name, location, seconds, bytes, flops, its start in nanoseconds of Python's time.perf_counter_ns(), and its
// thread.
using Steps = std::vector<std::tuple<uintptr_t, std::string, std::string, double, int64_t, int64_t, int64_t, int64_t>>;

// Of all that is profiled at once. Never destroyed: other threads' kernels may still tell it of steps.
class Recording {
public:
  static Recording &global() {
    static auto *recording = new Recording;
    return *recording;
  }
  // Gives what end() wants.
  size_t begin() {
    std::lock_guard<std::mutex> lock(mutex);
    if (recordings++ == 0)
      setStepProfiler(&profiler);
    return steps.size();
  }
  // The steps since begin().
  Steps end(size_t begun) {
    std::lock_guard<std::mutex> lock(mutex);
    if (!recordings || begun > steps.size())
      throw std::runtime_error("end_profile without begin_profile");
    Steps result(steps.begin() + begun, steps.end());
    if (--recordings == 0) {
      setStepProfiler(nullptr);
      steps.clear();
    }
    return result;
  }

private:
  std::mutex mutex; // steps come from every thread that runs programs
  Steps steps;
  int recordings = 0;
  const StepProfiler profiler{
      [](void *self, const ProfiledStep &step) {
        auto &recording = *static_cast<Recording *>(self);
        int64_t now = std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
        std::lock_guard<std::mutex> lock(recording.mutex);
        if (recording.recordings)
          recording.steps.emplace_back(uintptr_t(step.step), step.name, step.location, step.nanoseconds * 1e-9,
                                       step.bytes, step.flops, now - step.nanoseconds, gettid());
      },
      this};
};

} // namespace

void bindProfile(py::module_ &module) {
  // What a trace has recorded until then runs before; a record that ends holds it.
  auto runWhatWaits = [] {
    if (Trace *trace = Trace::active())
      trace->flush("it is profiled");
  };
  module.def("begin_profile", [=] {
    runWhatWaits();
    return Recording::global().begin();
  });
  module.def("end_profile", [=](size_t begun) {
    runWhatWaits();
    return Recording::global().end(begun);
  });
}

} // namespace weft::python
