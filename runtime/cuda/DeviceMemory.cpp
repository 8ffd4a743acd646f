#include "runtime/cuda/DeviceMemory.h"
#include "runtime/Buffer.h"
#include "runtime/cuda/Capture.h"
#include "runtime/cuda/Streams.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace weft::cuda {
namespace {

// Small blocks share segments of kSmallSegment, larger ones those of kLargeSegment; from kOwnSegment on a block has
// one.
constexpr size_t kUnit = 512, kSmallBytes = size_t(1) << 20, kSmallSegment = size_t(2) << 20;
constexpr size_t kLargeSegment = size_t(20) << 20, kOwnSegment = size_t(10) << 20;
constexpr size_t kMostBytes = size_t(1) << 50; // beyond any device

constexpr size_t roundUp(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

struct Block {
  DevicePointer start = 0;
  size_t bytes = 0, asked = 0;
  void *stream = nullptr; // to which it belongs
  MemoryPool *pool = nullptr;
  Block *before = nullptr, *after = nullptr; // its neighbours in the segment
  bool isSmall = false;                      // of a segment for small ones
  std::vector<void *> users;                 // other streams that work on it
  std::vector<MemoryPool *> graphs;          // of another pool, that do
};

struct BySize {
  using Key = std::tuple<bool, void *, size_t, DevicePointer>;
  using is_transparent = void;
  static Key key(const Block *b) { return {b->isSmall, b->stream, b->bytes, b->start}; }
  bool operator()(const Block *a, const Block *b) const { return key(a) < key(b); }
  bool operator()(const Block *a, const Key &b) const { return key(a) < b; }
};

} // namespace

struct MemoryPool {
  int device;
  std::set<Block *, BySize> free;
  std::vector<Block *> held; // released blocks of the device's own pool that the graph works on
  std::vector<std::shared_ptr<void>> kept;
};

namespace {

struct Waiting {
  Block *block;
  std::vector<EventRef> events;
};

class DeviceBlocks {
public:
  explicit DeviceBlocks(int device) : device(device) { own.device = device; }

  std::set<MemoryPool *> pools; // of graphs

  void *allocate(size_t bytes);
  void release(DevicePointer start);
  void releaseFree();
  void use(void *stream, const void *data);
  void endCapture();
  void endPool(MemoryPool &pool);

  std::mutex mutex;
  MemoryStatistics statistics;

private:
  Block *takeFree(MemoryPool &pool, void *stream, size_t bytes);
  Block *makeSegment(MemoryPool &pool, void *stream, size_t bytes);
  void splitOff(Block *block, size_t bytes);
  void makeFree(Block *block);
  void mergeNext(Block *block);
  void takeFinished();
  void releaseFreeOf(MemoryPool &pool);
  void freeSegment(Block *block);
  [[noreturn]] void fail(size_t bytes);

  const int device;
  MemoryPool own{};
  std::map<DevicePointer, Block *> used; // by address
  std::vector<Waiting> waiting;
  std::vector<Block *> releasedInCapture;
};

std::vector<DeviceBlocks *> *existing = nullptr;

// Never destroyed: buffers may outlive every static object. Asked for only where there is a device.
DeviceBlocks &blocksOf(int device) {
  static auto *made = [] {
    auto *all = new std::vector<DeviceBlocks *>;
    for (int i = 0; i < deviceCount(); ++i)
      all->push_back(new DeviceBlocks(i));
    return existing = all;
  }();
  return *made->at(size_t(device));
}

bool keepsBlocks() {
  static const bool keeps = [] {
    const char *asked = std::getenv("WEFT_CUDA_CACHE");
    return !asked || std::string(asked) != "0";
  }();
  return keeps;
}

bool isSmall(size_t bytes) { return bytes <= kSmallBytes; }

void *DeviceBlocks::allocate(size_t asked) {
  void *stream = useDevice(device);
  if (asked > kMostBytes)
    fail(asked);
  const size_t bytes = roundUp(std::max<size_t>(asked, 1), keepsBlocks() ? kUnit : 1);
  MemoryPool *captured = captureMemory(device, stream);
  MemoryPool &pool = captured ? *captured : own;
  takeFinished();
  Block *block = takeFree(pool, stream, bytes);
  if (!block)
    block = makeSegment(pool, stream, bytes);
  splitOff(block, bytes);
  block->asked = asked;
  used[block->start] = block;
  statistics.allocatedBytes.add(int64_t(block->bytes));
  statistics.requestedBytes.add(int64_t(asked));
  statistics.blocks.add(1);
  return reinterpret_cast<void *>(block->start);
}

// The smallest that holds so many.
Block *DeviceBlocks::takeFree(MemoryPool &pool, void *stream, size_t bytes) {
  auto found = pool.free.lower_bound(BySize::Key{isSmall(bytes), stream, bytes, 0});
  if (found == pool.free.end() || (*found)->isSmall != isSmall(bytes) || (*found)->stream != stream)
    return nullptr;
  Block *block = *found;
  pool.free.erase(found);
  return block;
}

Block *DeviceBlocks::makeSegment(MemoryPool &pool, void *stream, size_t bytes) {
  const size_t size = !keepsBlocks()        ? bytes
                      : isSmall(bytes)      ? kSmallSegment
                      : bytes < kOwnSegment ? kLargeSegment
                                            : roundUp(bytes, kSmallSegment);
  BesideCapture beside(device);
  DevicePointer start = 0;
  auto ask = [&] { return driver().cuMemAlloc_v2(&start, size); };
  Result result = ask();
  if (result == kErrorOutOfMemory) {
    ++statistics.retries;
    releaseFreeOf(own);
    result = ask();
  }
  if (result == kErrorOutOfMemory && !waiting.empty() && !isCapturing(device)) {
    synchronize(device);
    takeFinished();
    releaseFreeOf(own);
    result = ask();
  }
  if (result == kErrorOutOfMemory)
    fail(bytes);
  check(result, "allocating " + std::to_string(bytes) + " bytes");
  auto *block = new Block;
  block->start = start;
  block->bytes = size;
  block->stream = stream;
  block->pool = &pool;
  block->isSmall = isSmall(bytes);
  statistics.reservedBytes.add(int64_t(size));
  statistics.segments.add(1);
  return block;
}

void DeviceBlocks::splitOff(Block *block, size_t bytes) {
  const size_t rest = block->bytes - bytes;
  if (block->isSmall ? rest < kUnit : rest <= kSmallBytes)
    return;
  auto *other = new Block;
  other->start = block->start + bytes;
  other->bytes = rest;
  other->stream = block->stream;
  other->pool = block->pool;
  other->isSmall = block->isSmall;
  other->before = block;
  other->after = block->after;
  if (other->after)
    other->after->before = other;
  block->after = other;
  block->bytes = bytes;
  block->pool->free.insert(other);
}

void DeviceBlocks::release(DevicePointer start) {
  auto found = used.find(start);
  Block *block = found->second;
  used.erase(found);
  statistics.allocatedBytes.add(-int64_t(block->bytes));
  statistics.requestedBytes.add(-int64_t(block->asked));
  statistics.blocks.add(-1);
  if (!block->graphs.empty())
    return block->graphs.back()->held.push_back(block);
  if (block->users.empty())
    return makeFree(block);
  if (isCapturing(device)) // in which an event of a stream says nothing
    return releasedInCapture.push_back(block);
  Waiting now{block, {}};
  for (void *stream : block->users)
    now.events.push_back(recordEvent(device, stream));
  waiting.push_back(std::move(now));
}

void DeviceBlocks::makeFree(Block *block) {
  block->users.clear();
  // Neighbours are of one stream and pool; those in use, and those that wait, are in no set.
  if (Block *next = block->after; next && next->pool->free.erase(next))
    mergeNext(block);
  if (Block *previous = block->before; previous && previous->pool->free.erase(previous)) {
    block = previous;
    mergeNext(block);
  }
  if (keepsBlocks() || block->pool != &own) {
    block->pool->free.insert(block);
    return;
  }
  freeSegment(block);
}

void DeviceBlocks::mergeNext(Block *block) {
  Block *next = block->after;
  block->bytes += next->bytes;
  block->after = next->after;
  if (block->after)
    block->after->before = block;
  delete next;
}

void DeviceBlocks::takeFinished() {
  if (waiting.empty())
    return;
  BesideCapture beside(device);
  std::vector<Waiting> rest;
  for (Waiting &one : waiting) {
    auto isOver = [](const EventRef &event) { return isDone(event); };
    if (std::all_of(one.events.begin(), one.events.end(), isOver))
      makeFree(one.block);
    else
      rest.push_back(std::move(one));
  }
  waiting = std::move(rest);
}

void DeviceBlocks::freeSegment(Block *block) {
  BesideCapture beside(device);
  enterContext(device);
  driver().cuMemFree_v2(block->start); // waits for work that uses it
  statistics.reservedBytes.add(-int64_t(block->bytes));
  statistics.segments.add(-1);
  delete block;
}

void DeviceBlocks::releaseFreeOf(MemoryPool &pool) {
  for (auto at = pool.free.begin(); at != pool.free.end();) {
    Block *block = *at;
    if (block->before || block->after) {
      ++at;
      continue;
    }
    at = pool.free.erase(at);
    freeSegment(block);
  }
}

void DeviceBlocks::releaseFree() {
  BesideCapture beside(device);
  takeFinished();
  releaseFreeOf(own);
}

void DeviceBlocks::fail(size_t bytes) {
  ++statistics.outOfMemory;
  size_t free = 0, total = 0;
  memoryInfo(device, free, total);
  const int64_t used = statistics.allocatedBytes.current, kept = statistics.reservedBytes.current - used;
  throw OutOfMemory(bytes, {DeviceKind::CUDA, int8_t(device)},
                    "the device has " + humanBytes(total) + ", of which " + humanBytes(free) +
                        " are free; this process's tensors hold " + humanBytes(size_t(used)) + ", and " +
                        humanBytes(size_t(kept)) + " are kept in pieces between them");
}

void DeviceBlocks::use(void *stream, const void *data) {
  auto address = reinterpret_cast<DevicePointer>(data);
  auto after = used.upper_bound(address);
  if (after == used.begin())
    return;
  Block *block = std::prev(after)->second;
  if (address - block->start >= block->bytes)
    return;
  auto add = [](auto &list, auto what) {
    if (std::find(list.begin(), list.end(), what) == list.end())
      list.push_back(what);
  };
  MemoryPool *graph = captureMemory(device, stream);
  if (graph && block->pool != graph)
    add(block->graphs, graph);
  else if (block->stream != stream)
    add(block->users, stream);
}

void DeviceBlocks::endCapture() {
  for (Block *block : std::exchange(releasedInCapture, {})) {
    used[block->start] = block;
    statistics.allocatedBytes.add(int64_t(block->bytes));
    statistics.requestedBytes.add(int64_t(block->asked));
    statistics.blocks.add(1);
    release(block->start);
  }
}

// Nothing runs any more that uses it. What tensors still hold of it is the device's own from now on.
void DeviceBlocks::endPool(MemoryPool &pool) {
  auto join = [&](Block *block) {
    if (block->pool == &pool)
      block->pool = &own;
  };
  for (auto &[start, block] : used) {
    join(block);
    auto &graphs = block->graphs;
    graphs.erase(std::remove(graphs.begin(), graphs.end(), &pool), graphs.end());
  }
  for (Waiting &one : waiting)
    join(one.block);
  pools.erase(&pool);
  for (MemoryPool *other : pools)
    std::for_each(other->held.begin(), other->held.end(), join);
  for (Block *block : pool.free) {
    join(block);
    own.free.insert(block);
  }
  for (Block *block : pool.held) {
    auto &graphs = block->graphs;
    graphs.erase(std::remove(graphs.begin(), graphs.end(), &pool), graphs.end());
    if (graphs.empty())
      makeFree(block);
    else
      graphs.back()->held.push_back(block);
  }
  if (!keepsBlocks())
    releaseFreeOf(own);
}

} // namespace

void *allocate(size_t bytes, int device) {
  requireDevice(device);
  DeviceBlocks &blocks = blocksOf(device);
  std::lock_guard<std::mutex> lock(blocks.mutex);
  return blocks.allocate(bytes);
}

void release(void *data, int device) noexcept {
  DeviceBlocks &blocks = blocksOf(device);
  std::lock_guard<std::mutex> lock(blocks.mutex);
  try {
    blocks.release(reinterpret_cast<DevicePointer>(data));
  } catch (const std::runtime_error &) { // of a context that is not usable any more: whoever waits is told
  }
}

void releaseCachedMemory() {
  if (!existing) // and the driver stays unopened
    return;
  for (DeviceBlocks *blocks : *existing) {
    std::lock_guard<std::mutex> lock(blocks->mutex);
    blocks->releaseFree();
  }
}

void usedIn(void *stream, int device, const void *data) {
  if (!hasSeveralStreams(device))
    return;
  DeviceBlocks &blocks = blocksOf(device);
  std::lock_guard<std::mutex> lock(blocks.mutex);
  blocks.use(stream, data);
}

MemoryStatistics memoryStatistics(int device) {
  requireDevice(device);
  DeviceBlocks &blocks = blocksOf(device);
  std::lock_guard<std::mutex> lock(blocks.mutex);
  return blocks.statistics;
}

void resetPeakMemory(int device) {
  requireDevice(device);
  DeviceBlocks &blocks = blocksOf(device);
  std::lock_guard<std::mutex> lock(blocks.mutex);
  MemoryStatistics &s = blocks.statistics;
  for (Count *count : {&s.allocatedBytes, &s.reservedBytes, &s.requestedBytes, &s.blocks, &s.segments})
    count->peak = count->current;
}

void memoryInfo(int device, size_t &free, size_t &total) {
  enterContext(device);
  check(driver().cuMemGetInfo_v2(&free, &total), "asking for the device's memory");
}

MemoryPoolRef makePool(int device) {
  auto *pool = new MemoryPool{};
  pool->device = device;
  {
    DeviceBlocks &blocks = blocksOf(device);
    std::lock_guard<std::mutex> lock(blocks.mutex);
    blocks.pools.insert(pool);
  }
  return MemoryPoolRef(pool, [](MemoryPool *dead) {
    DeviceBlocks &blocks = blocksOf(dead->device);
    {
      std::lock_guard<std::mutex> lock(blocks.mutex);
      try {
        blocks.endPool(*dead);
      } catch (const std::runtime_error &) {
      }
    }
    delete dead; // and what it keeps, which may be memory
  });
}

void keepInPool(MemoryPool &pool, std::shared_ptr<void> thing) {
  std::lock_guard<std::mutex> lock(blocksOf(pool.device).mutex);
  pool.kept.push_back(std::move(thing));
}

void captureEnded(int device) {
  DeviceBlocks &blocks = blocksOf(device);
  std::lock_guard<std::mutex> lock(blocks.mutex);
  blocks.endCapture();
}

} // namespace weft::cuda
