#include "runtime/cuda/Graph.h"
#include "runtime/cuda/Capture.h"
#include "runtime/cuda/HostMemory.h"
#include "runtime/cuda/Streams.h"

#include <map>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace weft::cuda {
namespace {

// By device.
std::mutex mutex;
std::map<int, Graph *> &inCapture() {
  static auto *graphs = new std::map<int, Graph *>;
  return *graphs;
}

[[noreturn]] void refuse(const std::string &what) { throw std::runtime_error("[CUDAGraph] " + what); }

} // namespace

Graph::~Graph() {
  if (capturing)
    abandonCapture();
  try {
    reset();
  } catch (const std::runtime_error &) { // whoever waits is told
  }
}

void Graph::beginCapture(MemoryPoolRef pool, Mode mode) {
  if (instance || capturing)
    refuse("it holds a graph already; call reset() first");
  device = currentDevice();
  stream = useDevice(device);
  if (stream == defaultStream(device))
    refuse(
        "the default stream cannot be captured; capture in another one: with weft.cuda.stream(weft.cuda.Stream()), or "
        "weft.cuda.graph(g), which takes one");
  memory = pool ? std::move(pool) : makePool(device);
  setCapture(device, memory.get());
  {
    std::lock_guard<std::mutex> lock(mutex);
    inCapture()[device] = this;
  }
  capturing = true;
  try {
    check(driver().cuStreamBeginCapture_v2(stream, int(mode)), "beginning to capture a graph");
  } catch (...) {
    close(false);
    throw;
  }
}

void Graph::close(bool instantiate) {
  {
    std::lock_guard<std::mutex> lock(mutex);
    inCapture().erase(device);
  }
  capturing = false;
  setCapture(device, nullptr);
  captureEnded(device);
  if (!instantiate) {
    checks.clear();
    memory.reset();
  }
}

void Graph::endCapture() {
  if (!capturing)
    refuse("capture_end() without capture_begin()");
  enterContext(device);
  const Result result = driver().cuStreamEndCapture(stream, &captured);
  close(!result);
  check(result, "capturing a graph");
  check(driver().cuGraphInstantiateWithFlags(&instance, captured, 0), "making a graph");
}

void Graph::abandonCapture() noexcept {
  try {
    enterContext(device);
    if (void *graph = nullptr; driver().cuStreamEndCapture(stream, &graph) == 0)
      driver().cuGraphDestroy(graph);
    close(false);
  } catch (const std::runtime_error &) {
  }
}

void Graph::replay() {
  if (!instance)
    refuse("there is no graph to replay; capture one first");
  lookAtChecks();
  check(driver().cuGraphLaunch(instance, useDevice(device)), "launching a graph");
}

void Graph::reset() {
  if (capturing)
    refuse("it is being captured; end that first");
  if (instance) {
    BesideCapture beside(device);
    enterContext(device);
    const Result result = driver().cuCtxSynchronize();
    driver().cuGraphExecDestroy(std::exchange(instance, nullptr));
    driver().cuGraphDestroy(std::exchange(captured, nullptr));
    checks.clear();
    memory.reset();
    check(result, "waiting for a graph");
  }
}

void Graph::checkLater(int device, void *stream, const void *byte, const char *message) {
  Graph *graph;
  {
    std::lock_guard<std::mutex> lock(mutex);
    graph = inCapture().at(device);
  }
  PinnedMemory flag(1, device);
  auto made = std::make_unique<Check>();
  made->graph = graph;
  made->byte = static_cast<unsigned char *>(flag.data());
  made->message = message;
  *made->byte = 0;
  check(driver().cuMemcpyDtoHAsync_v2(made->byte, reinterpret_cast<DevicePointer>(byte), 1, stream),
        "copying from the device");
  pinnedUsedIn(stream, device, made->byte); // the graph keeps it
  check(driver().cuLaunchHostFunc(
            stream,
            [](void *data) {
              auto *check = static_cast<Check *>(data);
              if (*check->byte)
                check->failed = true;
            },
            made.get()),
        "looking at a check");
  graph->checks.push_back(std::move(made));
}

void Graph::lookAtChecks() {
  for (const auto &one : checks)
    if (one->failed.exchange(false))
      throw std::runtime_error("[CUDAGraph] in a replay of the graph a check failed: " + one->message);
}

} // namespace weft::cuda
