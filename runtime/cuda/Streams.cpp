#include "runtime/cuda/Streams.h"
#include "runtime/cuda/Capture.h"

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <vector>

namespace weft::cuda {
namespace {

constexpr size_t kStreamsOfAPriority = 32;
constexpr unsigned kNonBlocking = 1;   // beside the driver's own stream
constexpr unsigned kDisableTiming = 2; // of an event
constexpr int kMostDevices = 64;

struct DeviceStreams {
  std::once_flag once;
  void *standard = nullptr;
  std::atomic<bool> several{false};
  std::mutex mutex; // of what follows
  struct Given {
    std::vector<void *> streams;
    size_t next = 0;
  } given[2]; // of the default priority, and those before it
};

// Never destroyed: buffers may be freed after every static object.
DeviceStreams &streamsOf(int device) {
  static auto *streams = new std::vector<DeviceStreams>(kMostDevices);
  requireDevice(device);
  return streams->at(size_t(device));
}

thread_local int current = 0;
thread_local void *currentStreams[kMostDevices]; // null: the default one

void *makeStream(int priority) {
  void *made = nullptr;
  check(driver().cuStreamCreateWithPriority(&made, kNonBlocking, priority), "creating a stream");
  return made;
}

} // namespace

int currentDevice() { return current; }
void setCurrentDevice(int device) {
  requireDevice(device);
  current = device;
}

void *defaultStream(int device) {
  DeviceStreams &streams = streamsOf(device);
  enterContext(device);
  std::call_once(streams.once, [&] { streams.standard = makeStream(0); });
  return streams.standard;
}

void *useDevice(int device) {
  void *standard = defaultStream(device);
  void *chosen = currentStreams[device];
  return chosen ? chosen : standard;
}

void *currentStream(int device) { return useDevice(device); }

void setCurrentStream(int device, void *stream) {
  const bool isDefault = stream == defaultStream(device);
  if (!isDefault)
    streamsOf(device).several = true;
  currentStreams[device] = isDefault ? nullptr : stream;
}

bool hasSeveralStreams(int device) { return streamsOf(device).several.load(std::memory_order_acquire); }

void *newStream(int device, int priority) {
  DeviceStreams &streams = streamsOf(device);
  enterContext(device);
  int least = 0, greatest = 0;
  check(driver().cuCtxGetStreamPriorityRange(&least, &greatest), "asking for streams' priorities");
  std::lock_guard<std::mutex> lock(streams.mutex);
  streams.several = true;
  DeviceStreams::Given &given = streams.given[priority < 0];
  if (given.streams.size() < kStreamsOfAPriority)
    return given.streams.emplace_back(makeStream(priority < 0 ? greatest : least));
  return given.streams[given.next++ % kStreamsOfAPriority];
}

void synchronizeStream(int device, void *stream) {
  enterContext(device);
  refuseInCapture(device, stream);
  check(driver().cuStreamSynchronize(stream), "waiting for the device");
}

void synchronize(int device) {
  enterContext(device);
  if (isCapturing(device))
    refuseInCapture(device, useDevice(device));
  check(driver().cuCtxSynchronize(), "waiting for the device");
}

bool isDone(int device, void *stream) {
  enterContext(device);
  refuseInCapture(device, stream);
  const Result result = driver().cuStreamQuery(stream);
  if (result != kErrorNotReady)
    check(result, "asking whether a stream is done");
  return result == 0;
}

EventRef recordEvent(int device, void *stream) {
  enterContext(device);
  void *made = nullptr;
  check(driver().cuEventCreate(&made, kDisableTiming), "creating an event");
  EventRef event(made, [](void *event) { driver().cuEventDestroy_v2(event); });
  check(driver().cuEventRecord(made, stream), "recording an event");
  return event;
}

bool isDone(const EventRef &event) {
  const Result result = driver().cuEventQuery(event.get());
  if (result != kErrorNotReady)
    check(result, "asking for an event");
  return result == 0;
}

void waitForStream(int device, void *stream, int otherDevice, void *other) {
  if (stream == other)
    return;
  EventRef event = recordEvent(otherDevice, other);
  enterContext(device);
  check(driver().cuStreamWaitEvent(stream, event.get(), 0), "ordering streams");
}

} // namespace weft::cuda
