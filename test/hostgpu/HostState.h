// What the parts of the host's driver share: devices, streams and the work in them.
#pragma once
#include "DeviceMemory.h"

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace hostgpu {

enum Result {
  Success = 0,
  InvalidValue = 1,
  OutOfMemory = 2,
  NotInitialized = 3,
  InvalidDevice = 101,
  InvalidImage = 200,
  InvalidContext = 201,
  NoBinaryForGpu = 209,
  InvalidHandle = 400,
  NotFound = 500,
  NotReady = 600,
  IllegalAddress = 700,
  LaunchOutOfResources = 701,
  PeerAlreadyEnabled = 704,
  LaunchFailed = 719,
  CaptureUnsupported = 900,
  CaptureInvalidated = 901,
  CaptureUnjoined = 904,
  CaptureIsolation = 905,
  CapturedEvent = 907,
};

struct Item {
  std::function<Result()> run;
  const void *module = nullptr; // whose kernel it launches
};

struct Device;
struct Stream;

// A graph that is being captured.
struct Capture {
  Stream *origin;
  int mode;
  const void *thread;
  bool invalid = false;
  std::set<Stream *> members;
  std::vector<Item> items;
};

struct Stream {
  Device *device;
  std::deque<Item> work;
  Capture *capture = nullptr;
  uint64_t pushed = 0, joined = 0; // into the capture; of that, what another of its streams waits for
};

struct Device {
  DeviceMemory memory;
  Stream legacy{this, {}, nullptr, 0, 0}; // the handles 0, 1 and 2
  std::set<std::unique_ptr<Stream>> streams;
  std::set<Device *> peers;
  Result broken = Success; // what all calls give from then on
};

extern std::mutex mutex; // of all below
extern bool initialized;
extern thread_local Device *current;
std::vector<Device> &devices();
std::string refusal();
Result refuse(Result result, const std::string &why);

// The stream's next item, or its work up to now, in order. A capture has none.
void step(Stream &stream);
Result finish(Stream &stream);
Result finish(Device &device);
// Into the stream, or the graph that is being captured in it.
Result enqueue(Stream &stream, Item item);
// For calls that are forbidden while a graph is captured: what they give.
Result refuseUnsafe(const char *what);
// Whether a graph, captured or made, launches a kernel of the module.
bool isInGraph(const void *module);

// Runs `call` on the current device, if there is one that still works.
template <class Call> int onDevice(Call call) {
  std::lock_guard<std::mutex> lock(mutex);
  if (!initialized)
    return refuse(NotInitialized, "cuInit was not called");
  if (!current)
    return refuse(InvalidContext, "the thread has no context");
  if (current->broken)
    return current->broken;
  return call(*current);
}
// With a stream of it.
template <class Call> int inStream(void *handle, Call call) {
  return onDevice([&](Device &device) -> Result {
    if (reinterpret_cast<uintptr_t>(handle) <= 2)
      return call(device, device.legacy);
    for (const std::unique_ptr<Stream> &stream : device.streams)
      if (stream.get() == handle)
        return call(device, *stream);
    return refuse(InvalidHandle, "the stream is not one of the context");
  });
}

} // namespace hostgpu
