// A table of what takes long to make. Asked for by several threads at once, it is made by one of them, and the others
// wait; without the host's lock, so that what makes it touches nothing that the lock protects.
#pragma once
#include "frontend/executables/Background.h"
#include "frontend/executables/BoundedCache.h"
#include "runtime/BlockingRegion.h"

#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

namespace weft {

template <class Result> class MadeOnce {
public:
  explicit MadeOnce(size_t capacity) : known(capacity) {}

  // `make` must own what it reads: for a thread of the host's it runs on another, which has the stack that it takes,
  // and goes on where the host interrupts the wait. To `seconds` is added how long that took.
  Result get(Hash128 key, std::function<Result()> make, double *seconds = nullptr) {
    if (std::optional<Result> found = find(key))
      return *found;
    Stopwatch watch{seconds};
    BlockingRegion region;
    CompilerUse use;
    auto [work, isNew] = workOn(key);
    if (isNew)
      start([this, key, work = work, make = std::move(make), use] { finish(key, *work, make); });
    std::unique_lock<std::mutex> lock(mutex);
    while (!work->done) {
      work->changed.wait_for(lock, BlockingRegion::kPeriod);
      lock.unlock();
      BlockingRegion::checkInterrupt();
      lock.lock();
    }
    if (work->error)
      std::rethrow_exception(work->error);
    return *work->result;
  }

  void setCapacity(size_t capacity) {
    std::lock_guard<std::mutex> lock(mutex);
    known.setCapacity(capacity);
  }

private:
  struct Stopwatch {
    double *seconds;
    std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
    ~Stopwatch() {
      if (seconds)
        *seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
  };

  struct Work {
    bool done = false;
    std::optional<Result> result;
    std::exception_ptr error;
    std::condition_variable changed;
  };

  std::optional<Result> find(Hash128 key) {
    std::lock_guard<std::mutex> lock(mutex);
    Result *found = known.find(key);
    return found ? std::optional<Result>(*found) : std::nullopt;
  }

  // What is being made under the key, and whether it is this thread that has it made.
  std::pair<std::shared_ptr<Work>, bool> workOn(Hash128 key) {
    std::lock_guard<std::mutex> lock(mutex);
    auto [at, isNew] = begun.try_emplace({key.low, key.high});
    if (isNew)
      at->second = std::make_shared<Work>();
    return {at->second, isNew};
  }

  static void start(std::function<void()> work) {
    if (BlockingRegion::isInside()) {
      try {
        return std::thread(work).detach();
      } catch (const std::system_error &) { // NOLINT(bugprone-empty-catch): there are too many threads
      }
    }
    work();
  }

  void finish(Hash128 key, Work &work, const std::function<Result()> &make) {
    std::optional<Result> result;
    std::exception_ptr error;
    try {
      result = make();
    } catch (...) {
      error = std::current_exception();
    }
    {
      std::lock_guard<std::mutex> lock(mutex);
      if (result)
        work.result = known.put(key, *result);
      work.error = error;
      work.done = true;
      begun.erase({key.low, key.high});
    }
    work.changed.notify_all();
  }

  std::mutex mutex;
  BoundedCache<Result> known;
  std::map<std::pair<uint64_t, uint64_t>, std::shared_ptr<Work>> begun;
};

} // namespace weft
