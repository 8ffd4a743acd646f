#include "frontend/Background.h"

#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <pthread.h>
#include <thread>

namespace weft {
namespace {

struct Queue {
  std::mutex mutex;
  std::condition_variable idle;
  std::deque<std::function<void()>> work;
  std::thread thread;
  bool running = false; // the thread is at it

  void drain() {
    std::unique_lock<std::mutex> lock(mutex);
    while (!work.empty()) {
      std::function<void()> next = std::move(work.front());
      work.pop_front();
      lock.unlock();
      next();
      next = nullptr;
      lock.lock();
    }
    running = false;
    idle.notify_all();
  }
};

Queue &queue() {
  static Queue *queue = [] { // outlives the thread
    // A child has no thread to go on, and the compiler's locks must not be held when it begins.
    pthread_atfork(waitForBackground, nullptr, nullptr);
    std::atexit(endBackground);
    return new Queue;
  }();
  return *queue;
}

} // namespace

void runInBackground(std::function<void()> work) {
  Queue &q = queue();
  std::lock_guard<std::mutex> lock(q.mutex);
  q.work.push_back(std::move(work));
  if (q.running)
    return;
  q.running = true;
  if (q.thread.joinable())
    q.thread.join();
  q.thread = std::thread([&q] { q.drain(); });
}

void endBackground() {
  Queue &q = queue();
  {
    std::lock_guard<std::mutex> lock(q.mutex);
    q.work.clear();
  }
  waitForBackground();
}

void waitForBackground() {
  Queue &q = queue();
  std::thread done;
  {
    std::unique_lock<std::mutex> lock(q.mutex);
    q.idle.wait(lock, [&] { return !q.running; });
    done = std::move(q.thread);
  }
  if (done.joinable()) // what the thread has of its own goes with it, and may need what goes with the process
    done.join();
}

} // namespace weft
