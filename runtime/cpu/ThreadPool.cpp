#include "runtime/cpu/ThreadPool.h"
#include "runtime/BlockingRegion.h"
#include "runtime/Buffer.h"
#include "runtime/cpu/FloatMode.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <linux/futex.h>
#include <mutex>
#include <pthread.h>
#include <sched.h>
#include <stdexcept>
#include <string>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

namespace weft {
namespace {

// Waking a thread takes some 50 us on a virtual machine; the Python between two kernels often less.
constexpr auto kSpinTime = std::chrono::microseconds(100);
// Launches run together may have tasks of very different length, and others may take half of a core away: the smaller
// the pieces, the more evenly the threads end.
constexpr int kPiecesPerThread = 32;
// How long a kernel's call takes in a run that may stop, but for tasks that take longer.
constexpr double kCallSeconds = 0.01;
constexpr int kMaxThreads = 1024;

// Idle -> Offered by the caller; Offered -> Running by the thread; Offered -> Idle or Sleeping by the caller, who takes
// the offer back; Running -> Idle by the thread. Idle -> Sleeping by the thread, which then waits in the kernel.
enum State : uint32_t { Idle, Offered, Running, Sleeping, Stopped };

thread_local bool insideTask = false; // and the thread's scratch may be in use
struct InsideTask {
  const bool before = insideTask;
  InsideTask() { insideTask = true; }
  ~InsideTask() { insideTask = before; }
  InsideTask(const InsideTask &) = delete;
};

// How often this process is the child of a fork since the pool began: a handler of the program's, called within a run,
// may fork.
std::atomic<int> forks{0};

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

void sleepWhile(std::atomic<uint32_t> &word, uint32_t value) {
  syscall(SYS_futex, reinterpret_cast<uint32_t *>(&word), FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}
void wake(std::atomic<uint32_t> &word) {
  syscall(SYS_futex, reinterpret_cast<uint32_t *>(&word), FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

// Memory that a thread reuses from call to call; it only grows.
struct Scratch {
  void *data = nullptr;
  size_t bytes = 0;
  ~Scratch() {
    if (data)
      releaseBytes(data, bytes);
  }
  void reserve(size_t wanted) {
    if (wanted <= bytes)
      return;
    void *grown = allocateBytes(wanted);
    if (data)
      releaseBytes(data, bytes);
    data = grown;
    bytes = wanted;
  }
};

int64_t grainOf(const Launch &launch) { return std::max<int64_t>(launch.grain, 1); }

// Calls a kernel for so many tasks at a time that between calls, every kCallSeconds or so, the thread can look around.
class Portions {
public:
  // Ends early where goesOn() is false.
  template <class GoesOn> void run(const Launch &launch, int64_t begin, int64_t end, void *scratch, GoesOn goesOn) {
    using Clock = std::chrono::steady_clock;
    if (last != &launch) {
      last = &launch;
      most = grainOf(launch);
    }
    while (begin < end && goesOn()) {
      const int64_t count = std::min(most, end - begin);
      const auto start = Clock::now();
      launch.kernel(launch.buffers, launch.scalars, begin, begin + count, scratch);
      const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
      most = int64_t(std::clamp(double(count) * kCallSeconds / std::max(seconds, 1e-9), 1.0, double(count) * 64));
      begin += count;
    }
  }

private:
  const Launch *last = nullptr;
  int64_t most = 1;
};

// How many threads the launch is worth.
double weightOf(const Launch &launch) { return double(std::max<int64_t>(launch.tasks, 0)) / double(grainOf(launch)); }

void runSerially(const Launch *launches, int count, bool mayStop) {
  int64_t bytes = 0;
  for (int i = 0; i < count; ++i)
    bytes = std::max(bytes, launches[i].scratchBytes);
  Scratch own; // a call from inside a task must leave that task's scratch alone
  Scratch *scratch = &own;
  if (bytes > 0 && !insideTask) {
    static thread_local Scratch ofThread;
    scratch = &ofThread;
  }
  scratch->reserve(size_t(bytes));
  InsideTask inside;
  mayStop &= BlockingRegion::isInside();
  Portions portions;
  for (int i = 0; i < count; ++i) {
    const Launch &launch = launches[i];
    if (mayStop)
      portions.run(launch, 0, launch.tasks, scratch->data, [] {
        BlockingRegion::checkInterrupt();
        return true;
      });
    else if (launch.tasks > 0)
      launch.kernel(launch.buffers, launch.scalars, 0, launch.tasks, scratch->data);
  }
}

int quotaThreads() {
  // "max 100000" or "<microseconds of processor time> <per so many>".
  int threads = kMaxThreads;
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  long long quota = 0, period = 0;
  if (file >> quota >> period && quota > 0 && period > 0)
    threads = int(std::min<long long>((quota + period - 1) / period, kMaxThreads));
  return threads;
}

std::atomic<ThreadPool *> globalPool{nullptr};
std::mutex globalMutex;

} // namespace

struct alignas(128) ThreadPool::Slot {
  std::atomic<uint32_t> state{Idle};
  std::atomic<bool> needsWake{false}; // it slept when the offer came; whoever clears this deals with it
  // Its share of the pieces: [next, end).
  alignas(64) std::atomic<int> next{0};
  int end = 0;
  Scratch scratch; // grown by the caller while the thread is idle
};

int ThreadPool::defaultThreadCount() {
  cpu_set_t set;
  int threads = int(std::thread::hardware_concurrency());
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    threads = CPU_COUNT(&set);
  return std::clamp(std::min(threads, quotaThreads()), 1, kMaxThreads);
}

ThreadPool &ThreadPool::global() {
  if (ThreadPool *pool = globalPool.load(std::memory_order_acquire))
    return *pool;
  std::lock_guard<std::mutex> lock(globalMutex);
  if (ThreadPool *pool = globalPool.load(std::memory_order_acquire))
    return *pool;
  int threads = defaultThreadCount();
  if (const char *text = std::getenv("WEFT_NUM_THREADS"); text && *text) {
    char *end = nullptr;
    long wanted = std::strtol(text, &end, 10);
    if (*end == 0 && wanted >= 1)
      threads = int(std::min<long>(wanted, kMaxThreads));
    else
      std::fprintf(stderr, "weft: WEFT_NUM_THREADS='%s' is not a number of threads; using %d\n", text, threads);
  }
  static std::once_flag once;
  std::call_once(once, [] {
    // The child has none of the threads; what the old pool holds is left alone.
    pthread_atfork([] { globalMutex.lock(); }, [] { globalMutex.unlock(); },
                   [] {
                     globalPool.store(nullptr, std::memory_order_relaxed);
                     ++forks;
                     globalMutex.unlock();
                   });
  });
  // Never destroyed: threads of the user's may still compute while the process exits.
  auto *pool = new ThreadPool(threads);
  globalPool.store(pool, std::memory_order_release);
  return *pool;
}

ThreadPool::ThreadPool(int threads) { start(std::clamp(threads, 1, kMaxThreads)); }
ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::start(int newThreads) {
  slots = std::make_unique<Slot[]>(newThreads);
  // Signals are for the program's own threads.
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  int started = 1;
  try {
    for (; started < newThreads; ++started) {
      workers.emplace_back([this, started] { work(started); });
      pthread_setname_np(workers.back().native_handle(), ("weft-" + std::to_string(started)).c_str());
    }
  } catch (const std::system_error &) {
    newThreads = started; // The system allows no more: those there are do the work.
  }
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  threads.store(newThreads, std::memory_order_relaxed);
}

void ThreadPool::stop() {
  for (size_t i = 1; i <= workers.size(); ++i) {
    slots[i].state.exchange(Stopped);
    wake(slots[i].state);
  }
  for (std::thread &worker : workers)
    worker.join();
  workers.clear();
  slots.reset();
}

void ThreadPool::resize(int newThreads) {
  if (insideTask)
    throw std::runtime_error("[set_num_threads] this thread is within a computation, and a signal's handler cannot "
                             "change the threads that it runs on; call it afterwards");
  while (busy.exchange(true, std::memory_order_acquire))
    sched_yield();
  stop();
  start(std::clamp(newThreads, 1, kMaxThreads));
  busy.store(false, std::memory_order_release);
}

void ThreadPool::runMany(const Launch *launches, int count, bool mayStop) {
  double weight = 0;
  for (int i = 0; i < count; ++i)
    weight += weightOf(launches[i]);
  if (weight < 2 || insideTask || threadCount() == 1 || busy.exchange(true, std::memory_order_acquire))
    return runSerially(launches, count, mayStop);

  struct Release {
    std::atomic<bool> &busy;
    ~Release() { busy.store(false, std::memory_order_release); }
  } release{busy};
  int participants = int(std::min<double>(threadCount(), weight));
  int pieces = int(std::min<double>(double(participants) * kPiecesPerThread, weight));
  stopping.store(false, std::memory_order_relaxed);
  job = {launches, count, participants, pieces, weight, mayStop && BlockingRegion::isInside()};
  int64_t scratchBytes = 0;
  for (int i = 0; i < count; ++i)
    scratchBytes = std::max(scratchBytes, launches[i].scratchBytes);
  for (int i = 0; i < participants; ++i) {
    Slot &slot = slots[i];
    slot.scratch.reserve(size_t(scratchBytes));
    slot.end = int(int64_t(pieces) * (i + 1) / participants);
    slot.next.store(int(int64_t(pieces) * i / participants), std::memory_order_relaxed);
  }
  // From the last to the first: threads are woken along a binary tree, so those below a thread must have their offers
  // before it has.
  for (int i = participants - 1; i > 0; --i)
    if (slots[i].state.exchange(Offered, std::memory_order_acq_rel) == Sleeping)
      slots[i].needsWake.store(true, std::memory_order_release);
  wakeChildren(0);

  std::exception_ptr stopped;
  const int forksBefore = forks;
  try {
    InsideTask inside;
    takePieces(0, slots[0].scratch.data);
  } catch (...) {
    stopped = std::current_exception();
    giveUpPieces();
  }
  if (forks != forksBefore) { // the other threads are the parent's
    if (stopped)
      std::rethrow_exception(stopped);
    throw std::runtime_error("[fork] the handler of a signal forked the process within a computation; the child has "
                             "not the threads that were at it");
  }

  // All pieces are taken. Take back the offers that nobody took up and wait for those at work.
  for (int i = 1; i < participants; ++i) {
    Slot &slot = slots[i];
    bool asleep =
        slot.needsWake.load(std::memory_order_relaxed) && slot.needsWake.exchange(false, std::memory_order_acq_rel);
    uint32_t expected = Offered;
    if (slot.state.compare_exchange_strong(expected, asleep ? Sleeping : Idle, std::memory_order_acq_rel))
      continue;
    for (int turn = 0; slot.state.load(std::memory_order_acquire) == Running; ++turn)
      turn < 1000 ? relax() : void(sched_yield());
  }
  if (stopped)
    std::rethrow_exception(stopped);
}

void ThreadPool::wakeChildren(int node) {
  for (int child = 2 * node + 1; child <= 2 * node + 2 && child < job.participants; ++child) {
    Slot &slot = slots[child];
    if (slot.needsWake.load(std::memory_order_acquire) && slot.needsWake.exchange(false, std::memory_order_acq_rel))
      wake(slot.state);
  }
}

void ThreadPool::takePieces(int node, void *scratch) {
  Portions portions;
  auto runTasks = [&](const Launch &launch, int64_t begin, int64_t end) {
    if (!job.mayStop)
      return launch.kernel(launch.buffers, launch.scalars, begin, end, scratch);
    portions.run(launch, begin, end, scratch, [&] {
      if (node == 0)
        BlockingRegion::checkInterrupt();
      return !stopping.load(std::memory_order_relaxed);
    });
  };
  for (int i = 0; i < job.participants; ++i) {
    Slot &share = slots[node + i < job.participants ? node + i : node + i - job.participants];
    while (share.next.load(std::memory_order_relaxed) < share.end) {
      int piece = share.next.fetch_add(1, std::memory_order_relaxed);
      if (piece >= share.end)
        break;
      runPiece(piece, runTasks);
    }
  }
}

void ThreadPool::giveUpPieces() {
  stopping.store(true, std::memory_order_relaxed);
  for (int i = 0; i < job.participants; ++i)
    slots[i].next.store(slots[i].end, std::memory_order_relaxed);
}

// The launches' grids lie end to end on an axis on which a launch is as long as its weight; piece p of P is the part
// from p / P to (p + 1) / P of it. Both ends of a cut are worked out in the same way, so every task is in exactly one
// piece.
template <class RunTasks> void ThreadPool::runPiece(int piece, RunTasks &&runTasks) const {
  double from = job.weight * piece / job.pieces, to = job.weight * (piece + 1) / job.pieces;
  bool last = piece + 1 == job.pieces;
  double start = 0;
  for (int i = 0; i < job.count && (last || start < to); ++i) {
    const Launch &launch = job.launches[i];
    double weight = weightOf(launch);
    auto taskAt = [&](double position) {
      return std::clamp<int64_t>(std::llround((position - start) * double(grainOf(launch))), 0,
                                 std::max<int64_t>(launch.tasks, 0));
    };
    int64_t begin = piece == 0 ? 0 : taskAt(from), end = last ? launch.tasks : taskAt(to);
    if (begin < end)
      runTasks(launch, begin, end);
    start += weight;
  }
}

void ThreadPool::work(int index) {
  Slot &slot = slots[index];
  StandardFloatMode mode; // not that of the thread that started this one
  insideTask = true;
  for (;;) {
    auto deadline = std::chrono::steady_clock::now() + kSpinTime;
    uint32_t state;
    for (int turn = 1; (state = slot.state.load(std::memory_order_acquire)) == Idle; ++turn) {
      relax();
      if (turn % 32 == 0 && std::chrono::steady_clock::now() > deadline) {
        uint32_t expected = Idle;
        slot.state.compare_exchange_strong(expected, Sleeping, std::memory_order_acq_rel);
      }
    }
    if (state == Stopped)
      return;
    if (state == Sleeping) {
      sleepWhile(slot.state, Sleeping);
      continue;
    }
    uint32_t expected = Offered;
    if (!slot.state.compare_exchange_strong(expected, Running, std::memory_order_acq_rel))
      continue;
    wakeChildren(index);
    takePieces(index, slot.scratch.data);
    slot.state.store(Idle, std::memory_order_release);
  }
}

} // namespace weft
