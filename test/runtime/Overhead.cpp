// What the run time costs beside the kernels, in nanoseconds: allocation, a program of one step, a fork and join.
#include "runtime/Buffer.h"
#include "runtime/Executable.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

using namespace weft;

namespace {

template <class F> double bestNanoseconds(int repeats, F &&fn) {
  double best = 1e30;
  for (int round = 0; round < 20; ++round) {
    auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < repeats; ++i)
      fn();
    std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
    best = std::min(best, time.count() / repeats);
  }
  return best;
}

void nothing(void *const *, const int64_t *, int64_t, int64_t, void *) {}

} // namespace

int main() {
  for (size_t bytes : {size_t(64), size_t(4096), size_t(65536), size_t(1) << 20, size_t(16) << 20}) {
    double ns = bestNanoseconds(20000, [&] { Buffer::allocate(bytes); });
    std::printf("allocate and free %8zu bytes        %8.1f ns\n", bytes, ns);
  }

  WeftExtent size{1, 1, 0, {{0, 0, 1}}};
  WeftBuffer buffers[] = {{WEFT_INPUT, -1, size, 0, nullptr},
                          {WEFT_INPUT, -1, size, 0, nullptr},
                          {WEFT_OUTPUT, -1, size, 0, nullptr},
                          {WEFT_TEMPORARY, -1, size, 0, nullptr}};
  int32_t order[] = {0, 1, 2};
  WeftStep steps[20];
  for (int i = 0; i < 20; ++i)
    steps[i] = {nothing, "nothing", "", 3,       1,       order, &size, size,    1 << 20,
                0,       i,         0,  nullptr, nullptr, 0,     0,     nullptr, nullptr};
  WeftProgram one{WEFT_ABI_VERSION, 1, 2, 1, 3, 1, buffers, steps, 0, nullptr, 0, "", 0, 0, 0, 0, nullptr, 0, 0};
  WeftProgram many{WEFT_ABI_VERSION, 1, 2, 1, 4, 20, buffers, steps, 4096, nullptr, 0, "", 0, 0, 0, 0, nullptr, 0, 0};
  Executable single(&one), several(&many);
  void *pointers[2] = {buffers, buffers};
  int64_t symbol = 100;
  std::printf("run a program of one small step         %8.1f ns\n",
              bestNanoseconds(20000, [&] { single.run(pointers, pointers, &symbol); }));
  std::printf("run a program of 20 small steps         %8.1f ns\n",
              bestNanoseconds(2000, [&] { several.run(pointers, pointers, &symbol); }));

  for (int threads : {2, 4, 8, 16, 32}) {
    if (threads > ThreadPool::defaultThreadCount())
      break;
    ThreadPool pool(threads);
    Launch launch{nothing, pointers, &symbol, threads, 1, 0};
    double warm = bestNanoseconds(2000, [&] { pool.run(&launch, 1); });
    // As a loop over kernels of about 5 us meets it: each thread spins for that long.
    auto busy = [](int64_t, int64_t, void *) {
      auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(5);
      while (std::chrono::steady_clock::now() < end) {
      }
    };
    double full = bestNanoseconds(500, [&] { pool.parallelFor(threads, 1, busy); });
    double asleep = 1e30;
    for (int i = 0; i < 50; ++i) {
      std::this_thread::sleep_for(std::chrono::microseconds(300));
      auto start = std::chrono::steady_clock::now();
      pool.run(&launch, 1);
      std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
      asleep = std::min(asleep, time.count());
    }
    std::printf("fork and join, %2d threads: empty %.0f ns, beside 5 us of work %.0f ns, when all slept %.0f ns\n",
                threads, warm, full - 5000, asleep);
  }
  return 0;
}
