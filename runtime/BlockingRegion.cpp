#include "runtime/BlockingRegion.h"

#include <atomic>
#include <utility>

namespace weft {

static std::atomic<const HostLock *> hostLock{nullptr};
static thread_local bool keepsLock = false;
static thread_local bool isUninterrupted = false;
static std::atomic<int> open{0};
thread_local BlockingRegion *BlockingRegion::current = nullptr;
thread_local uint64_t BlockingRegion::releaseCount = 0;

void setHostLock(const HostLock *lock) { hostLock.store(lock, std::memory_order_release); }

// Counted before others run.
static void *releaseCounted(const HostLock &lock) {
  ++open;
  void *released = lock.release();
  if (!released)
    --open;
  return released;
}

BlockingRegion::BlockingRegion(bool takesLong) {
  const HostLock *lock = takesLong && !keepsLock && !current ? hostLock.load(std::memory_order_acquire) : nullptr;
  if (!lock)
    return;
  if (!isUninterrupted)
    lock->checkInterrupt();
  released = releaseCounted(*lock);
  if (!released)
    return;
  current = this;
  ++releaseCount;
  lastLook = std::chrono::steady_clock::now();
}

BlockingRegion::~BlockingRegion() {
  if (!released)
    return;
  current = nullptr;
  --open;
  hostLock.load(std::memory_order_acquire)->acquire(released);
}

bool BlockingRegion::anyOpen() { return open > 0; }

void BlockingRegion::look() {
  auto now = std::chrono::steady_clock::now();
  const HostLock *lock = hostLock.load(std::memory_order_acquire);
  if (now - lastLook < kPeriod)
    return;
  lastLook = now;
  if (isUninterrupted || !lock->mayInterrupt())
    return;
  // Out of the region and into it again: if that throws, the thread has left it.
  current = nullptr;
  --open;
  lock->acquire(std::exchange(released, nullptr));
  lock->checkInterrupt();
  released = releaseCounted(*lock);
  current = this;
  lastLook = std::chrono::steady_clock::now();
}

Uninterrupted::Uninterrupted() : before(isUninterrupted) { isUninterrupted = true; }
Uninterrupted::~Uninterrupted() { isUninterrupted = before; }

KeepHostLock::KeepHostLock() : before(keepsLock) { keepsLock = true; }
KeepHostLock::~KeepHostLock() { keepsLock = before; }

} // namespace weft
