// Work that takes long, around which a program with a lock of its own, Python's interpreter, lets its other threads
// run. Where nobody has set a lock nothing happens.
//
// What runs in a region has been pinned before: it works on memory and on objects of its own, and touches nothing that
// the lock protects. No mutex may be held on entry: on exit the thread waits for the lock, and whoever has that may
// wait for the mutex.
#pragma once
#include <chrono>
#include <cstdint>

namespace weft {

struct HostLock {
  // Lets go of the lock; null where this thread does not hold it.
  void *(*release)();
  // Takes it back; what release() gave.
  void (*acquire)(void *released);
  // Throws, with the lock held, where the host wants the thread to end what it does (Ctrl-C). May run code of the
  // program's.
  void (*checkInterrupt)();
  // Whether that may throw on this thread. May be called without the lock.
  bool (*mayInterrupt)();
};
// Once, before other threads run.
void setHostLock(const HostLock *lock);

class BlockingRegion {
public:
  BlockingRegion() : BlockingRegion(true) {}
  explicit BlockingRegion(bool takesLong);
  ~BlockingRegion();
  BlockingRegion(const BlockingRegion &) = delete;

  // Of the region that this thread is in, if any: throws what the host interrupts the thread with, and then the thread
  // has left the region. Looks every kPeriod at most. To be called where everything can be dropped.
  static void checkInterrupt() {
    if (current)
      current->look();
  }
  // How often this thread has let go of the lock.
  static uint64_t releases() { return releaseCount; }
  // Whether this thread has let go of the lock.
  static bool isInside() { return current; }
  // Whether any has. With the lock held: if not, nobody works on memory that was pinned.
  static bool anyOpen();
  static constexpr auto kPeriod = std::chrono::milliseconds(100);

private:
  void look();

  static thread_local BlockingRegion *current;
  static thread_local uint64_t releaseCount;
  void *released = nullptr;
  std::chrono::steady_clock::time_point lastLook;
};

// Nothing on this thread is interrupted while one lives: what has begun to write to memory that holds values is done to
// the end.
class Uninterrupted {
public:
  Uninterrupted();
  ~Uninterrupted();
  Uninterrupted(const Uninterrupted &) = delete;

private:
  bool before;
};

// The host's lock is kept on this thread while one lives, whatever takes long.
class KeepHostLock {
public:
  KeepHostLock();
  ~KeepHostLock();
  KeepHostLock(const KeepHostLock &) = delete;

private:
  bool before;
};

} // namespace weft
