// What a thread knows of graphs that are being captured (Graph.h): one at a time of a device.
#pragma once
#include <memory>

namespace weft::cuda {

struct MemoryPool; // DeviceMemory.h

// Whether a graph of the device is being captured.
bool isCapturing(int device);
// Whether what goes into the stream becomes part of the graph.
bool isCaptured(int device, void *stream);
// Throws std::runtime_error where it does: nothing can wait for what does not run yet.
void refuseInCapture(int device, void *stream);
// The memory of the graph that is being captured in the stream, or null.
MemoryPool *captureMemory(int device, void *stream);
// With a graph being captured in the stream, `thing` lives as long as the graph; gives whether there is one.
bool keepForGraph(int device, void *stream, std::shared_ptr<void> thing);
// By Graph: the one that begins; null: it ended.
void setCapture(int device, MemoryPool *memory);

// For a scope on this thread, calls that a capture would forbid, as they have nothing to do with its stream: memory,
// modules, and the state of events.
class BesideCapture {
public:
  explicit BesideCapture(int device);
  ~BesideCapture();
  BesideCapture(const BesideCapture &) = delete;

private:
  bool active;
  int mode = 2; // relaxed
};

} // namespace weft::cuda
