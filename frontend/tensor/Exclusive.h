// What one thread is at, at a time, with the host's lock (runtime/BlockingRegion.h) or without. Others wait without it.
// A forked child finds free what threads that it does not have were at.
#pragma once
#include <atomic>
#include <cstdint>

namespace weft {

class Exclusive {
public:
  Exclusive() = default;
  Exclusive(const Exclusive &) = delete;
  bool isMine() const;
  bool isOthers() const;
  void wait() const; // until it is nobody else's; it must live as long
  void take();       // waits for it
  bool tryTake();
  void give() { owner.store(0, std::memory_order_release); }

  class Scope {
  public:
    explicit Scope(Exclusive &of) : of(of) { of.take(); }
    ~Scope() { of.give(); }
    Scope(const Scope &) = delete;

  private:
    Exclusive &of;
  };

private:
  std::atomic<int32_t> owner{0}; // a thread's number; 0: nobody
};

} // namespace weft
