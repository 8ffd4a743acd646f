// A CUDA graph: what went into a stream while it was captured, to run again as one launch with the same memory. What it
// works on lives as long as it does. Checks of programs (Abi.h) that run in it are looked at by the host when it is
// launched again, or waited for.
#pragma once
#include "runtime/cuda/DeviceMemory.h"

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace weft::cuda {

class Graph {
public:
  enum class Mode : int { Global, ThreadLocal, Relaxed }; // which calls of others a capture forbids

  Graph() = default;
  ~Graph();
  Graph(const Graph &) = delete;

  // In the calling thread's current stream of its current device. pool: the memory of another graph, which must not run
  // at the same time; or null.
  void beginCapture(MemoryPoolRef pool, Mode mode);
  void endCapture();
  void abandonCapture() noexcept; // after an exception in it
  // In the current stream of its device.
  void replay();
  // Waits for it, and lets go of everything.
  void reset();
  const MemoryPoolRef &pool() const { return memory; }
  bool isCaptured() const { return instance; }
  int deviceIndex() const { return device; }

  // While one is captured in the stream: a byte there says whether a check failed, with the message.
  static void checkLater(int device, void *stream, const void *byte, const char *message);
  // Throws std::runtime_error with the message of a check that failed since.
  void lookAtChecks();

private:
  struct Check {
    Graph *graph;
    unsigned char *byte; // pinned
    std::string message;
    std::atomic<bool> failed{false};
  };
  void close(bool instantiate);

  int device = 0;
  void *stream = nullptr; // of the capture
  void *captured = nullptr, *instance = nullptr;
  bool capturing = false;
  MemoryPoolRef memory;
  std::vector<std::unique_ptr<Check>> checks;
};

} // namespace weft::cuda
