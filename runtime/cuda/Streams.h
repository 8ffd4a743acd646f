// Streams of CUDA devices. Each device has a default stream and some others, which are made when they are asked for and
// never destroyed; each thread has a current device, and a current stream on each device, in which its work goes.
#pragma once
#include "runtime/cuda/Driver.h"

#include <memory>

namespace weft::cuda {

// The device that "cuda" names on this thread; at first 0.
int currentDevice();
void setCurrentDevice(int device);

// Makes the device's primary context the calling thread's and gives the thread's current stream there.
void *useDevice(int device);
void *defaultStream(int device);
void *currentStream(int device);
// One of the device's, or one of somebody else's, who keeps it alive.
void setCurrentStream(int device, void *stream);
// Another stream than the default one; from the 33rd of a priority on one that was given before. A priority below 0
// goes first.
void *newStream(int device, int priority);
// Whether work of the device may be in another stream than the default one.
bool hasSeveralStreams(int device);

// For a scope on this thread.
class StreamScope {
public:
  StreamScope(int device, void *stream) : device(device), before(currentStream(device)) {
    setCurrentStream(device, stream);
  }
  ~StreamScope() { setCurrentStream(device, before); }
  StreamScope(const StreamScope &) = delete;

private:
  int device;
  void *before;
};

// Waiting, during which errors of earlier launches are thrown. Refused while a graph is captured in the stream.
void synchronizeStream(int device, void *stream);
// All work of the device, that of others, too.
void synchronize(int device);
bool isDone(int device, void *stream);
// Work that comes after this in `stream` begins when what is in `other`, of any device, is done.
void waitForStream(int device, void *stream, int otherDevice, void *other);

// A point in a stream, of which nobody needs the time.
using EventRef = std::shared_ptr<void>;
EventRef recordEvent(int device, void *stream);
bool isDone(const EventRef &event);

} // namespace weft::cuda
