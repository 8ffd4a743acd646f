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

// Objects of ours within capsules, which cannot be made without one.
constexpr char kEvent[] = "weft.cuda.event", kPool[] = "weft.cuda.pool", kGraph[] = "weft.cuda.graph";
template <class T, const char *name> py::capsule boxed(T *made) {
  return py::capsule(made, name, [](PyObject *dead) { delete static_cast<T *>(PyCapsule_GetPointer(dead, name)); });
}
template <class T, const char *name> T &unboxed(const py::capsule &capsule) {
  void *found = PyCapsule_GetPointer(capsule.ptr(), name);
  if (!found)
    throw py::error_already_set();
  return *static_cast<T *>(found);
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
  module.def("cuda_event", [](bool timed, bool blocking) { return boxed<Event, kEvent>(new Event(timed, blocking)); });
  constexpr auto event = unboxed<Event, kEvent>;
  module.def("cuda_event_record",
             [=](const py::capsule &e, int device, Handle stream) { event(e).record(device, stream); });
  module.def("cuda_event_wait",
             [=](const py::capsule &e, int device, Handle stream) { event(e).wait(device, stream); });
  module.def("cuda_event_query", [=](const py::capsule &e) { return event(e).query(); });
  module.def("cuda_event_synchronize", [=](const py::capsule &e) { event(e).synchronize(); });
  module.def("cuda_event_elapsed",
             [=](const py::capsule &start, const py::capsule &end) { return event(start).elapsed(event(end)); });
  module.def("cuda_event_handle", [=](const py::capsule &e) { return event(e).handle(); });
  module.def("cuda_event_device", [=](const py::capsule &e) { return event(e).deviceIndex(); });
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

py::capsule boxedPool(MemoryPoolRef pool) { return boxed<MemoryPoolRef, kPool>(new MemoryPoolRef(std::move(pool))); }

void bindGraphs(py::module_ &module) {
  constexpr auto graph = unboxed<cuda::Graph, kGraph>;
  module.def("cuda_memory_pool", [](int device) { return boxedPool(makePool(device)); });
  module.def("cuda_is_captured", [] { return isCaptured(currentDevice(), currentStream(currentDevice())); });
  module.def("cuda_graph", [] { return boxed<cuda::Graph, kGraph>(new cuda::Graph); });
  module.def("cuda_graph_begin", [=](const py::capsule &g, const py::object &pool, int mode) {
    flushTrace("it captures a graph");
    graph(g).beginCapture(pool.is_none() ? nullptr
                                         : unboxed<MemoryPoolRef, kPool>(py::reinterpret_borrow<py::capsule>(pool)),
                          cuda::Graph::Mode(mode));
  });
  module.def("cuda_graph_end", [=](const py::capsule &g) {
    flushTrace("it captures a graph");
    graph(g).endCapture();
  });
  module.def("cuda_graph_abandon", [=](const py::capsule &g) { graph(g).abandonCapture(); });
  module.def("cuda_graph_replay", [=](const py::capsule &g) {
    flushTrace("it replays a graph");
    graph(g).replay();
  });
  module.def("cuda_graph_reset", [=](const py::capsule &g) { graph(g).reset(); });
  module.def("cuda_graph_look_at_checks", [=](const py::capsule &g) { graph(g).lookAtChecks(); });
  module.def("cuda_graph_pool", [=](const py::capsule &g) { return boxedPool(graph(g).pool()); });
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
