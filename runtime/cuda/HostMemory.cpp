#include "runtime/cuda/HostMemory.h"
#include "runtime/Buffer.h"
#include "runtime/SizeClass.h"
#include "runtime/cuda/Capture.h"
#include "runtime/cuda/Streams.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace weft::cuda {
namespace {

constexpr unsigned kPortable = 1; // for all devices

struct Used {
  SizeClass size;
  int device;                                  // in whose context it was made
  std::vector<std::pair<int, void *>> streams; // of copies
  int graphs = 0;                              // that copy it
  bool released = false;                       // while a graph does
};
struct Waiting {
  char *start;
  Used used;
  std::vector<EventRef> events;
};

struct Blocks {
  std::mutex mutex;
  std::map<const char *, Used> used;
  std::vector<char *> free[kSizeClassCount];
  std::vector<Waiting> waiting;

  std::map<const char *, Used>::iterator find(const void *data) {
    auto *address = static_cast<const char *>(data);
    auto after = used.upper_bound(address);
    if (after == used.begin() || size_t(address - std::prev(after)->first) >= std::prev(after)->second.size.bytes)
      return used.end();
    return std::prev(after);
  }
  void takeFinished(int device) {
    if (waiting.empty())
      return;
    BesideCapture beside(device);
    std::vector<Waiting> rest;
    for (Waiting &one : waiting)
      if (std::all_of(one.events.begin(), one.events.end(), [](const EventRef &event) { return isDone(event); }))
        free[one.used.size.index].push_back(one.start);
      else
        rest.push_back(std::move(one));
    waiting = std::move(rest);
  }
  void release(std::map<const char *, Used>::iterator block) {
    Waiting now{const_cast<char *>(block->first), std::move(block->second), {}};
    used.erase(block);
    for (auto [device, stream] : now.used.streams)
      now.events.push_back(recordEvent(device, stream));
    if (now.events.empty())
      free[now.used.size.index].push_back(now.start);
    else
      waiting.push_back(std::move(now));
  }
};
std::atomic<Blocks *> existing{nullptr};

// Never destroyed, as buffers may outlive every static object.
Blocks &blocks() {
  static Blocks *made = [] {
    existing = new Blocks;
    return existing.load();
  }();
  return *made;
}

} // namespace

void *allocatePinned(size_t bytes, int device) {
  Blocks &all = blocks();
  enterContext(device);
  if (bytes > kMaxClassBytes)
    throw OutOfMemory(bytes, {});
  const SizeClass size = sizeClassOf(bytes);
  std::lock_guard<std::mutex> lock(all.mutex);
  all.takeFinished(device);
  void *made = nullptr;
  if (auto &list = all.free[size.index]; !list.empty()) {
    made = list.back();
    list.pop_back();
  } else {
    BesideCapture beside(device);
    const Result result = driver().cuMemHostAlloc(&made, size.bytes, kPortable);
    if (result == kErrorOutOfMemory)
      throw OutOfMemory(bytes, {}, "it was to be pinned");
    check(result, "allocating " + std::to_string(bytes) + " bytes of pinned memory");
  }
  all.used[static_cast<char *>(made)] = {size, device, {}, 0, false};
  return made;
}

void releasePinned(void *data) noexcept {
  Blocks &all = blocks();
  std::lock_guard<std::mutex> lock(all.mutex);
  auto found = all.used.find(static_cast<char *>(data));
  if (found->second.graphs) {
    found->second.released = true;
    return;
  }
  try {
    all.release(found);
  } catch (const std::runtime_error &) { // of a context that is not usable any more: whoever waits is told
  }
}

bool isPinned(const void *data) {
  Blocks *all = existing;
  if (!all)
    return false;
  std::lock_guard<std::mutex> lock(all->mutex);
  return all->find(data) != all->used.end();
}

void pinnedUsedIn(void *stream, int device, const void *data) {
  Blocks *all = existing;
  if (!all)
    return;
  std::lock_guard<std::mutex> lock(all->mutex);
  auto found = all->find(data);
  if (found == all->used.end())
    return;
  auto letGo = [](void *start) {
    Blocks &all = blocks();
    std::lock_guard<std::mutex> lock(all.mutex);
    auto found = all.used.find(static_cast<char *>(start));
    if (--found->second.graphs == 0 && found->second.released)
      all.release(found);
  };
  if (isCaptured(device, stream)) {
    ++found->second.graphs;
    keepForGraph(device, stream, std::shared_ptr<void>(const_cast<char *>(found->first), letGo));
    return;
  }
  auto &streams = found->second.streams;
  if (std::find(streams.begin(), streams.end(), std::pair(device, stream)) == streams.end())
    streams.emplace_back(device, stream);
}

void releaseCachedPinned() {
  Blocks *all = existing;
  if (!all)
    return;
  enterContext(currentDevice());
  std::lock_guard<std::mutex> lock(all->mutex);
  for (auto &list : all->free)
    for (char *block : std::exchange(list, {}))
      driver().cuMemFreeHost(block);
}

} // namespace weft::cuda
