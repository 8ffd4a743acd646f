#include "runtime/cuda/Capture.h"
#include "runtime/cuda/DeviceMemory.h"
#include "runtime/cuda/Driver.h"

#include <atomic>
#include <stdexcept>
#include <vector>

namespace weft::cuda {

static std::atomic<MemoryPool *> &captured(int device) {
  requireDevice(device);
  static auto *graphs = new std::vector<std::atomic<MemoryPool *>>(size_t(deviceCount()));
  return graphs->at(size_t(device));
}

bool isCapturing(int device) { return captured(device).load(std::memory_order_acquire); }

void setCapture(int device, MemoryPool *memory) {
  MemoryPool *none = nullptr;
  if (!memory)
    captured(device) = nullptr;
  else if (!captured(device).compare_exchange_strong(none, memory))
    throw std::runtime_error("[cuda] a graph of cuda:" + std::to_string(device) +
                             " is being captured already; end that capture first");
}

bool isCaptured(int device, void *stream) {
  if (!isCapturing(device))
    return false;
  int status = 0;
  check(driver().cuStreamIsCapturing(stream, &status), "asking for the stream's capture");
  return status != 0;
}

void refuseInCapture(int device, void *stream) {
  if (isCaptured(device, stream))
    throw std::runtime_error("[cuda] a graph is being captured, and nothing can wait for work that does not run yet: "
                             "no values are read in it (item(), cpu(), printing, checks of an eager operation's "
                             "values); compile the function, or do that outside of the capture");
}

MemoryPool *captureMemory(int device, void *stream) {
  return isCaptured(device, stream) ? captured(device).load() : nullptr;
}

bool keepForGraph(int device, void *stream, std::shared_ptr<void> thing) {
  MemoryPool *memory = captureMemory(device, stream);
  if (memory)
    keepInPool(*memory, std::move(thing));
  return memory;
}

BesideCapture::BesideCapture(int device) : active(isCapturing(device)) {
  if (active)
    driver().cuThreadExchangeStreamCaptureMode(&mode);
}
BesideCapture::~BesideCapture() {
  if (active)
    driver().cuThreadExchangeStreamCaptureMode(&mode);
}

} // namespace weft::cuda
