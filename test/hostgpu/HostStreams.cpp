// Streams, events and graphs of the host's driver. Work waits in its stream; an event is reached when its stream's work
// is done up to there, which is when somebody waits for it, or asks often enough. A graph is the work that was
// captured, in one of the orders that its streams allow.
#include "HostState.h"

#include <algorithm>
#include <cstdlib>

namespace hostgpu {

std::mutex mutex;
bool initialized = false;
thread_local Device *current = nullptr;

static std::string lastRefusal = "no call was refused";
std::string refusal() { return lastRefusal; }
Result refuse(Result result, const std::string &why) {
  lastRefusal = why;
  return result;
}

std::vector<Device> &devices() {
  static auto *devices = [] {
    const char *count = std::getenv("HOSTGPU_DEVICES");
    return new std::vector<Device>(count ? size_t(std::atoi(count)) : 2);
  }();
  return *devices;
}

void step(Stream &stream) {
  Item item = std::move(stream.work.front());
  stream.work.pop_front();
  if (Result result = item.run())
    stream.device->broken = result;
}

Result finish(Stream &stream) {
  while (!stream.work.empty() && !stream.device->broken)
    step(stream);
  return stream.device->broken;
}

Result finish(Device &device) {
  finish(device.legacy);
  for (const std::unique_ptr<Stream> &stream : device.streams)
    finish(*stream);
  return device.broken;
}

Result enqueue(Stream &stream, Item item) {
  if (!stream.capture)
    return stream.work.push_back(std::move(item)), Success;
  ++stream.pushed;
  return stream.capture->items.push_back(std::move(item)), Success;
}

namespace {

// A place in a stream.
struct Point {
  Stream *stream;
  Capture *capture; // in which it is one
  uint64_t pushed;
  bool reached = false;
  std::chrono::steady_clock::time_point time{};
};

struct Event {
  bool timed;
  std::shared_ptr<Point> point; // null before it is recorded
};

struct Graph {
  std::vector<Item> items;
};

std::set<Capture *> captures;
std::set<Graph *> graphs;        // and their instances
thread_local char ofThread;      // whose address is the thread's name
thread_local int threadMode = 0; // global, thread-local, relaxed

void reach(Point &point) {
  while (!point.reached && !point.stream->work.empty() && !point.stream->device->broken)
    step(*point.stream);
}

Result invalidate(Capture &capture, const std::string &what) {
  capture.invalid = true;
  return refuse(CaptureUnsupported, what + " while a graph is captured");
}

template <class Call> int withEvent(void *handle, Call call) {
  return onDevice([&](Device &) { return call(*static_cast<Event *>(handle)); });
}

} // namespace

Result refuseUnsafe(const char *what) {
  for (Capture *capture : captures) {
    const bool own = capture->thread == &ofThread;
    if (threadMode < 2 && capture->mode < 2 && (own || (threadMode == 0 && capture->mode == 0)))
      return invalidate(*capture, what);
  }
  return Success;
}

bool isInGraph(const void *module) {
  auto launches = [&](const std::vector<Item> &items) {
    return std::any_of(items.begin(), items.end(), [&](const Item &item) { return item.module == module; });
  };
  return std::any_of(captures.begin(), captures.end(), [&](Capture *c) { return launches(c->items); }) ||
         std::any_of(graphs.begin(), graphs.end(), [&](Graph *g) { return launches(g->items); });
}

} // namespace hostgpu

using namespace hostgpu;

// How often somebody waited for a stream or a device.
static int waits = 0;
EXPORT int hostgpu_waits() { return waits; }

EXPORT int cuCtxSynchronize() {
  return onDevice([](Device &device) -> Result {
    for (Capture *capture : captures)
      if (capture->origin->device == &device)
        return invalidate(*capture, "the context is waited for");
    ++waits;
    return finish(device);
  });
}
EXPORT int cuCtxGetStreamPriorityRange(int *least, int *greatest) {
  return onDevice([&](Device &) -> Result { return *least = 0, *greatest = -5, Success; });
}

EXPORT int cuStreamCreateWithPriority(void **made, unsigned, int) {
  return onDevice([&](Device &device) -> Result {
    auto stream = std::make_unique<Stream>(Stream{&device, {}, nullptr, 0, 0});
    return *made = device.streams.insert(std::move(stream)).first->get(), Success;
  });
}
EXPORT int cuStreamCreate(void **made, unsigned flags) { return cuStreamCreateWithPriority(made, flags, 0); }
EXPORT int cuStreamSynchronize(void *handle) {
  return inStream(handle, [](Device &, Stream &stream) {
    ++waits;
    return stream.capture ? invalidate(*stream.capture, "a stream is waited for") : finish(stream);
  });
}
EXPORT int cuStreamQuery(void *handle) {
  return inStream(handle, [](Device &device, Stream &stream) -> Result {
    if (stream.capture)
      return invalidate(*stream.capture, "a stream is asked for");
    if (stream.work.empty())
      return Success;
    step(stream);
    return device.broken ? device.broken : NotReady;
  });
}

EXPORT int cuEventCreate(void **made, unsigned flags) {
  return onDevice([&](Device &) -> Result { return *made = new Event{!(flags & 2), nullptr}, Success; });
}
EXPORT int cuEventDestroy_v2(void *handle) { return delete static_cast<Event *>(handle), Success; }
EXPORT int cuEventRecord(void *handle, void *streamHandle) {
  return inStream(streamHandle, [&](Device &, Stream &stream) -> Result {
    auto point = std::make_shared<Point>(Point{&stream, stream.capture, stream.pushed});
    static_cast<Event *>(handle)->point = point;
    if (stream.capture)
      return Success;
    return enqueue(stream, {[point] {
                     point->reached = true;
                     point->time = std::chrono::steady_clock::now();
                     return Success;
                   }});
  });
}
EXPORT int cuStreamWaitEvent(void *streamHandle, void *handle, unsigned) {
  return inStream(streamHandle, [&](Device &, Stream &stream) -> Result {
    std::shared_ptr<Point> point = static_cast<Event *>(handle)->point;
    if (!point)
      return Success;
    if (!point->capture) {
      if (stream.capture)
        return stream.capture->invalid = true,
               refuse(CaptureIsolation, "a captured stream waits for an event of another one");
      return enqueue(stream, {[point] { return reach(*point), Success; }});
    }
    if (stream.capture && stream.capture != point->capture)
      return refuse(CaptureIsolation, "a captured stream waits for another graph");
    stream.capture = point->capture;
    stream.capture->members.insert(&stream);
    point->stream->joined = std::max(point->stream->joined, point->pushed);
    return Success;
  });
}
EXPORT int cuEventQuery(void *handle) {
  return withEvent(handle, [](Event &event) -> Result {
    if (Result result = refuseUnsafe("an event is asked for"))
      return result;
    if (event.point && event.point->capture)
      return refuse(CapturedEvent, "the event is one of a graph");
    if (!event.point || event.point->reached)
      return Success;
    if (event.point->stream->device->broken)
      return event.point->stream->device->broken;
    step(*event.point->stream); // what others wait for goes on meanwhile
    return NotReady;
  });
}
EXPORT int cuEventSynchronize(void *handle) {
  return withEvent(handle, [](Event &event) -> Result {
    if (event.point && event.point->capture)
      return refuse(CapturedEvent, "the event is one of a graph");
    if (event.point)
      reach(*event.point);
    return event.point ? event.point->stream->device->broken : Success;
  });
}
EXPORT int cuEventElapsedTime(float *milliseconds, void *start, void *end) {
  return withEvent(start, [&](Event &first) -> Result {
    const Event &last = *static_cast<Event *>(end);
    if (!first.timed || !last.timed || !first.point || !last.point)
      return refuse(InvalidHandle, "an event without time");
    if (!first.point->reached || !last.point->reached)
      return NotReady;
    *milliseconds = std::chrono::duration<float, std::milli>(last.point->time - first.point->time).count();
    return Success;
  });
}

EXPORT int cuStreamBeginCapture_v2(void *handle, int mode) {
  return inStream(handle, [&](Device &device, Stream &stream) -> Result {
    if (&stream == &device.legacy || stream.capture)
      return refuse(CaptureUnsupported, "the stream cannot be captured");
    stream.capture = new Capture{&stream, mode, &ofThread, false, {&stream}, {}};
    captures.insert(stream.capture);
    return Success;
  });
}
EXPORT int cuStreamEndCapture(void *handle, void **made) {
  return inStream(handle, [&](Device &, Stream &stream) -> Result {
    std::unique_ptr<Capture> capture(stream.capture);
    if (!capture || capture->origin != &stream)
      return capture.release(), refuse(InvalidValue, "no graph is captured in the stream");
    captures.erase(capture.get());
    bool joined = true;
    for (Stream *member : capture->members) {
      joined &= member == &stream || member->joined == member->pushed;
      member->capture = nullptr;
      member->pushed = member->joined = 0;
    }
    *made = nullptr;
    if (capture->invalid)
      return refuse(CaptureInvalidated, refusal());
    if (!joined)
      return refuse(CaptureUnjoined, "another stream's part of the graph is not waited for");
    auto *graph = new Graph{std::move(capture->items)};
    graphs.insert(graph);
    return *made = graph, Success;
  });
}
EXPORT int cuStreamIsCapturing(void *handle, int *status) {
  return inStream(handle, [&](Device &, Stream &stream) -> Result {
    return *status = !stream.capture ? 0 : stream.capture->invalid ? 2 : 1, Success;
  });
}
EXPORT int cuThreadExchangeStreamCaptureMode(int *mode) { return std::swap(*mode, threadMode), Success; }
EXPORT int cuLaunchHostFunc(void *handle, void (*function)(void *), void *data) {
  return inStream(handle, [&](Device &, Stream &stream) -> Result {
    return enqueue(stream, {[=] { return function(data), Success; }});
  });
}
EXPORT int cuGraphInstantiateWithFlags(void **made, void *handle, unsigned long long) {
  return onDevice([&](Device &) -> Result {
    auto *instance = new Graph(*static_cast<Graph *>(handle));
    graphs.insert(instance);
    return *made = instance, Success;
  });
}
EXPORT int cuGraphLaunch(void *instance, void *handle) {
  return inStream(handle, [&](Device &, Stream &stream) -> Result {
    for (const Item &item : static_cast<Graph *>(instance)->items)
      enqueue(stream, item);
    return Success;
  });
}
EXPORT int cuGraphDestroy(void *handle) {
  std::lock_guard<std::mutex> lock(mutex);
  auto *graph = static_cast<Graph *>(handle);
  graphs.erase(graph);
  return delete graph, Success;
}
EXPORT int cuGraphExecDestroy(void *handle) { return cuGraphDestroy(handle); }
