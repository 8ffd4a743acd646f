#include "frontend/executables/Background.h"
#include "frontend/executables/CompilerLibrary.h"

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <new>
#include <pthread.h>
#include <thread>

namespace weft {
namespace {

constexpr auto kPatience = std::chrono::seconds(60); // a thread may have been stopped

// Open: who wants to may compile. Closed: one thread forks, or ends the process.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  int users = 0;
  int64_t uses = 0, nextHandler = 1;
  std::thread::id closedBy;

  void enter() {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return isFree(); });
    ++users;
  }
  void enterToo() { // beside one who has
    std::lock_guard<std::mutex> lock(mutex);
    ++users;
  }
  void leave() {
    {
      std::lock_guard<std::mutex> lock(mutex);
      --users;
      // What the compiler made static objects of since goes before handlers that were there already.
      if (++uses == nextHandler && closedBy == std::thread::id()) {
        std::atexit(endBackground);
        nextHandler *= 2;
      }
    }
    changed.notify_all();
  }
  void close(std::chrono::seconds patience) {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return isFree(); });
    closedBy = std::this_thread::get_id();
    changed.wait_for(lock, patience, [&] { return users == 0; });
  }
  void open() {
    {
      std::lock_guard<std::mutex> lock(mutex);
      closedBy = {};
    }
    changed.notify_all();
  }

private:
  bool isFree() const { return closedBy == std::thread::id() || closedBy == std::this_thread::get_id(); }
};

struct Queue {
  std::mutex mutex;
  std::condition_variable idle;
  std::deque<std::function<void()>> work;
  bool running = false; // a thread is at it

  void drain() {
    std::unique_lock<std::mutex> lock(mutex);
    while (!work.empty()) {
      std::function<void()> next = std::move(work.front());
      work.pop_front();
      lock.unlock();
      {
        CompilerUse use;
        next();
        next = nullptr;
      }
      lock.lock();
    }
    running = false;
    idle.notify_all();
  }
};

struct Background {
  Gate gate;
  Queue queue;
};

Background &background() {
  static Background *background = [] { // outlives the threads
    static Background *made = new Background;
    // The child has one thread, and no work.
    pthread_atfork([] { made->gate.close(kPatience); }, [] { made->gate.open(); }, [] { new (made) Background; });
    std::atexit(endBackground);
    return made;
  }();
  return *background;
}

} // namespace

CompilerUse::CompilerUse() { background().gate.enter(); }
CompilerUse::CompilerUse(const CompilerUse &) { background().gate.enterToo(); }
CompilerUse::~CompilerUse() { background().gate.leave(); }

void runInBackground(std::function<void()> work) {
  Queue &q = background().queue;
  std::lock_guard<std::mutex> lock(q.mutex);
  q.work.push_back(std::move(work));
  if (q.running)
    return;
  q.running = true;
  std::thread([&q] { q.drain(); }).detach();
}

void endBackground() {
  Background &b = background();
  {
    std::lock_guard<std::mutex> lock(b.queue.mutex);
    b.queue.work.clear();
  }
  const bool compiles = compilerLibraryLoaded();
  if (compiles)
    compilerLibrary().cancel(true);
  b.gate.close(kPatience);
  if (compiles)
    compilerLibrary().cancel(false); // this thread may go on
}

void waitForBackground() {
  Queue &q = background().queue;
  std::unique_lock<std::mutex> lock(q.mutex);
  q.idle.wait(lock, [&] { return !q.running; });
}

} // namespace weft
