// What weft.cuda is made of: devices, streams, events, memory and graphs.
#include "frontend/trace/Trace.h"
#include "python/bindings/Function.h"
#include "python/bindings/PyTensor.h"
#include "runtime/BlockingRegion.h"
#include "runtime/cuda/Capture.h"
#include "runtime/cuda/Copy.h"
#include "runtime/cuda/DeviceMemory.h"
#include "runtime/cuda/Graph.h"
#include "runtime/cuda/HostMemory.h"
#include "runtime/cuda/Streams.h"

namespace py = pybind11;

namespace weft::python {
namespace {

using namespace weft::cuda;
using Handle = uintptr_t;

void *pointer(Handle handle) { return reinterpret_cast<void *>(handle); }
Handle number(void *handle) { return reinterpret_cast<Handle>(handle); }

// What is recorded runs before, in the stream and on the device that are current now; the call is Python's from then
// on.
void flushTrace(const char *why) {
  if (Trace *trace = Trace::active())
    trace->flush(why);
}

// An event as users have them, made where it is first recorded.
class Event {
public:
  Event(bool timed, bool blocking) : flags(unsigned(blocking) | (timed ? 0 : 2)) {}
  ~Event() {
    if (event)
      driver().cuEventDestroy_v2(event);
  }
  Event(const Event &) = delete;

  void record(int where, Handle stream) {
    flushTrace("it records an event");
    enterContext(where);
    if (event && where != device)
      throw std::runtime_error("[cuda.Event] it was recorded on cuda:" + std::to_string(device) +
                               " before, and stays there; make another one for cuda:" + std::to_string(where));
    if (!event)
      check(driver().cuEventCreate(&event, flags), "creating an event");
    device = where;
    check(driver().cuEventRecord(event, pointer(stream)), "recording an event");
  }
  void wait(int where, Handle stream) {
    flushTrace("it waits for an event");
    if (!event) // as before its first record: there is nothing to wait for
      return;
    enterContext(where);
    check(driver().cuStreamWaitEvent(pointer(stream), event, 0), "waiting for an event");
  }
  bool query() {
    flushTrace("it asks for an event");
    if (!event)
      return true;
    enterContext(device);
    const Result result = driver().cuEventQuery(event);
    if (result != kErrorNotReady)
      check(result, "asking for an event");
    return result == 0;
  }
  void synchronize() {
    flushTrace("it waits for an event");
    if (!event)
      return;
    BlockingRegion region;
    enterContext(device);
    check(driver().cuEventSynchronize(event), "waiting for an event");
  }
  float elapsed(const Event &end) const {
    if ((flags & 2) || (end.flags & 2))
      throw py::value_error("[cuda.Event] both events must be made with enable_timing=True");
    if (!event || !end.event)
      throw py::value_error("[cuda.Event] both events must be recorded before the time between them is known");
    float milliseconds = 0;
    enterContext(device);
    const Result result = driver().cuEventElapsedTime(&milliseconds, event, end.event);
    if (result == kErrorNotReady)
      throw std::runtime_error("[cuda.Event] the device has not reached both events yet; synchronize() them first");
    check(result, "asking for the time between events");
    return milliseconds;
  }
  Handle handle() const { return number(event); }
  int deviceIndex() const { return event ? device : -1; }

private:
  const unsigned flags;
  int device = 0;
  void *event = nullptr;
};

py::dict statistics(int device) {
  const MemoryStatistics s = memoryStatistics(device);
  py::dict result;
  auto add = [&](const char *name, const Count &count) {
    result[name] = py::make_tuple(count.current, count.peak, count.allocated, count.freed);
  };
  add("allocated_bytes", s.allocatedBytes);
  add("reserved_bytes", s.reservedBytes);
  add("requested_bytes", s.requestedBytes);
  add("allocation", s.blocks);
  add("segment", s.segments);
  result["num_alloc_retries"] = s.retries;
  result["num_ooms"] = s.outOfMemory;
  return result;
}

void bindStreams(py::module_ &module) {
  module.def("cuda_current_device", &currentDevice);
  module.def("cuda_set_device", [](int device) {
    flushTrace("it changes the current device");
    setCurrentDevice(device);
  });
  module.def("cuda_default_stream", [](int device) { return number(defaultStream(device)); });
  module.def("cuda_current_stream", [](int device) { return number(currentStream(device)); });
  module.def("cuda_set_stream", [](int device, Handle stream) {
    flushTrace("it changes the current stream");
    setCurrentStream(device, pointer(stream));
  });
  module.def("cuda_new_stream", [](int device, int priority) { return number(newStream(device, priority)); });
  module.def("cuda_stream_query", [](int device, Handle stream) {
    flushTrace("it asks for a stream");
    return isDone(device, pointer(stream));
  });
  module.def("cuda_stream_synchronize", [](int device, Handle stream) {
    flushTrace("it waits for a stream");
    BlockingRegion region;
    synchronizeStream(device, pointer(stream));
  });
  module.def("cuda_stream_wait", [](int device, Handle stream, int otherDevice, Handle other) {
    flushTrace("it orders streams");
    waitForStream(device, pointer(stream), otherDevice, pointer(other));
  });
  py::class_<Event>(module, "CudaEvent")
      .def(py::init<bool, bool>())
      .def("record", &Event::record)
      .def("wait", &Event::wait)
      .def("query", &Event::query)
      .def("synchronize", &Event::synchronize)
      .def("elapsed", &Event::elapsed)
      .def("handle", &Event::handle)
      .def("device_index", &Event::deviceIndex);
}

void bindMemory(py::module_ &module) {
  module.def("cuda_memory_statistics", &statistics);
  module.def("cuda_reset_peak_memory", &resetPeakMemory);
  module.def("cuda_memory_info", [](int device) {
    size_t free = 0, total = 0;
    memoryInfo(device, free, total);
    return py::make_tuple(free, total);
  });
  module.def("cuda_empty_cache", [] {
    cuda::releaseCachedMemory();
    releaseCachedPinned();
  });
  module.def("cuda_record_stream",
             [](const Tensor &t, int device, Handle stream) { usedIn(pointer(stream), device, t.data()); });
  module.def("pin_memory", &Tensor::pinned);
  module.def("is_pinned", &Tensor::isPinned);
}

struct PoolHandle {
  MemoryPoolRef pool;
};

void bindGraphs(py::module_ &module) {
  py::class_<PoolHandle>(module, "CudaMemoryPool");
  module.def("cuda_memory_pool", [](int device) { return PoolHandle{makePool(device)}; });
  module.def("cuda_is_captured", [] { return isCaptured(currentDevice(), currentStream(currentDevice())); });
  py::class_<cuda::Graph>(module, "CudaGraph")
      .def(py::init<>())
      .def("begin",
           [](cuda::Graph &graph, const PoolHandle *pool, int mode) {
             flushTrace("it captures a graph");
             graph.beginCapture(pool ? pool->pool : nullptr, cuda::Graph::Mode(mode));
           })
      .def("end",
           [](cuda::Graph &graph) {
             flushTrace("it captures a graph");
             graph.endCapture();
           })
      .def("abandon", [](cuda::Graph &graph) { graph.abandonCapture(); })
      .def("replay",
           [](cuda::Graph &graph) {
             flushTrace("it replays a graph");
             graph.replay();
           })
      .def("reset", &cuda::Graph::reset)
      .def("look_at_checks", &cuda::Graph::lookAtChecks)
      .def("pool", [](cuda::Graph &graph) { return PoolHandle{graph.pool()}; })
      .def_property_readonly("is_captured", &cuda::Graph::isCaptured);
}

} // namespace

void bindCuda(py::module_ &module) {
  module.def("cuda_device_count", &deviceCount);
  module.def("cuda_device_info", [](int device) {
    const DeviceInfo info = deviceInfo(device);
    return py::make_tuple(info.name, info.major, info.minor, info.multiprocessors, info.totalBytes);
  });
  module.def("cuda_reaches_peer", &reachesPeer);
  module.def(
      "cuda_synchronize",
      [](int device) {
        flushTrace("it waits for the device");
        BlockingRegion region;
        synchronize(device);
      },
      py::arg("device") = 0);
  bindStreams(module);
  bindMemory(module);
  bindGraphs(module);
}

} // namespace weft::python
