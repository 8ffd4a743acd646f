// The threads that run kernels. One fork and join runs the grids of several launches at once.
//
// The grids, laid end to end and weighted by 1 / grain, are cut into pieces; each thread has a contiguous share of the
// pieces (so that the same thread meets the same data step after step) and takes from others' shares when its own is
// done. The caller takes part and never waits for a thread that has not begun. Idle threads spin for a moment, then
// sleep. Results do not depend on how a grid is cut: that is the kernels' contract (runtime/Abi.h).
#pragma once
#include "runtime/Abi.h"

#include <atomic>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

namespace weft {

// One kernel over its grid [0, tasks). Pieces of fewer than `grain` tasks are not worth a thread.
struct Launch {
  WeftKernel kernel;
  void *const *buffers;
  const int64_t *scalars;
  int64_t tasks;
  int64_t grain;
  int64_t scratchBytes; // 64-byte aligned memory private to each call of the kernel
};

class ThreadPool {
public:
  // The process's pool: WEFT_NUM_THREADS threads, or as many as defaultThreadCount(). A forked child gets a new one.
  static ThreadPool &global();
  // The processors that this process may use: its affinity mask, limited by its control group's quota.
  static int defaultThreadCount();

  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  // Threads that take part, the caller included.
  int threadCount() const { return threads.load(std::memory_order_relaxed); }
  // Waits for work in progress. Throws std::runtime_error inside a run of this thread's (a signal handler's call).
  void resize(int newThreads);

  // Runs the launches, which are independent of each other, to the end. Inside a kernel, or while another thread uses
  // the pool, they run on the calling thread. Throws OutOfMemory (before anything ran) when there is no memory for
  // scratch. With mayStop, the caller does BlockingRegion::checkInterrupt() now and then; what that throws, run()
  // throws once no thread is at work any more, and part of the grids has not run.
  void run(const Launch *launches, int count, bool mayStop = false) {
    if (count == 1 && launches->tasks <= launches->grain && launches->scratchBytes == 0) {
      if (launches->tasks > 0)
        launches->kernel(launches->buffers, launches->scalars, 0, launches->tasks, nullptr);
      return;
    }
    runMany(launches, count, mayStop);
  }

  // fn(begin, end, scratch) over [0, tasks), in parallel, as run() does. fn must not throw.
  template <class F>
  void parallelFor(int64_t tasks, int64_t grain, F &&fn, int64_t scratchBytes = 0, bool mayStop = false) {
    void *self = const_cast<void *>(static_cast<const void *>(&fn));
    WeftKernel kernel = [](void *const *buffers, const int64_t *, int64_t begin, int64_t end, void *scratch) {
      (*static_cast<std::remove_reference_t<F> *>(buffers[0]))(begin, end, scratch);
    };
    Launch launch{kernel, &self, nullptr, tasks, grain, scratchBytes};
    run(&launch, 1, mayStop);
  }

private:
  struct Slot;
  struct Job {
    const Launch *launches;
    int count;
    int participants;
    int pieces;
    double weight;
    bool mayStop;
  };

  void runMany(const Launch *launches, int count, bool mayStop);
  void start(int newThreads);
  void stop();
  void work(int index); // a thread's life
  void takePieces(int node, void *scratch);
  void giveUpPieces();
  template <class RunTasks> void runPiece(int piece, RunTasks &&runTasks) const;
  void wakeChildren(int node);

  std::atomic<int> threads{1};
  std::atomic<bool> busy{false};
  Job job{};
  std::atomic<bool> stopping{false}; // what is left of the job's pieces is not run
  std::unique_ptr<Slot[]> slots;     // [0] is the caller's
  std::vector<std::thread> workers;  // workers[i] has slots[i + 1]
};

} // namespace weft
