// Runs that a host interrupts, as Ctrl-C does.
#include "runtime/BlockingRegion.h"
#include "runtime/Executable.h"
#include "test/runtime/ProgramBuilder.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

using namespace weft;

namespace {

struct Interrupted {};

// A host whose n-th look ends what the thread does: the first is that of the region's beginning.
class Host : public testing::Test {
protected:
  Host() {
    looks = 0, endingLook = 0, held = true;
    static const HostLock lock{[]() -> void * { return held = false, &held; }, [](void *) { held = true; },
                               [] {
                                 if (++looks == endingLook)
                                   throw Interrupted();
                               },
                               [] { return true; }};
    setHostLock(&lock);
  }
  ~Host() override { setHostLock(nullptr); }

  static bool isInterrupted(const Executable &executable, const std::vector<int> *overwritten = nullptr) {
    int64_t a = 1, b = 2;
    void *inputs[] = {&a}, *outputs[] = {&b};
    steps = 0;
    try {
      BlockingRegion region;
      executable.run(inputs, outputs, nullptr, nullptr, overwritten);
    } catch (const Interrupted &) {
      EXPECT_TRUE(held);
      EXPECT_FALSE(BlockingRegion::isInside());
      return true;
    }
    return false;
  }

  // Three steps, the last of which writes the output; each lasts until the host would be asked again.
  static const WeftProgram *threeSteps(Builder &b) {
    WeftKernel slow = [](void *const *, const int64_t *, int64_t, int64_t, void *) {
      std::this_thread::sleep_for(BlockingRegion::kPeriod);
      ++steps;
    };
    b.input(fixed(8)).output(fixed(8)).temporary(fixed(8), 0);
    for (int batch = 0; batch < 3; ++batch)
      b.step(slow, {0, batch < 2 ? 2 : 1}, {}, fixed(1), batch);
    return b.finish(0, 64);
  }

  static inline int looks, endingLook;
  static inline bool held;
  static inline std::atomic<int> steps;
};

TEST_F(Host, EndsARunBetweenSteps) {
  Builder b;
  ExecutablePtr executable = Executable::fromProgram(threeSteps(b));
  endingLook = 3;
  EXPECT_TRUE(isInterrupted(*executable));
  EXPECT_EQ(steps, 2);
  EXPECT_FALSE(isInterrupted(*executable));
  EXPECT_EQ(steps, 3);
}

TEST_F(Host, LetsARunFinishWhatItOverwrites) {
  Builder b;
  ExecutablePtr executable = Executable::fromProgram(threeSteps(b));
  const std::vector<int> overwritten{0};
  endingLook = 2;
  EXPECT_TRUE(isInterrupted(*executable, &overwritten)); // the output is as it was
  EXPECT_EQ(steps, 1);
  looks = 0, endingLook = 3; // before the step that writes: nobody asks
  EXPECT_FALSE(isInterrupted(*executable, &overwritten));
  EXPECT_EQ(steps, 3);
  looks = 0, endingLook = 1;
  Uninterrupted whole;
  EXPECT_FALSE(isInterrupted(*executable));
  EXPECT_EQ(looks, 0);
}

class Grids : public Host, public testing::WithParamInterface<int> {};

TEST_P(Grids, EndWithinAStep) {
  constexpr int kTasks = 10000; // milliseconds
  ThreadPool pool(GetParam());
  std::atomic<int> done{0}, atWork{0};
  auto slow = [&](int64_t begin, int64_t end, void *) {
    ++atWork;
    std::this_thread::sleep_for(std::chrono::milliseconds(end - begin));
    done += int(end - begin);
    --atWork;
  };
  endingLook = 2;
  bool interrupted = false;
  try {
    BlockingRegion region;
    pool.parallelFor(kTasks, 1, slow, 0, /*mayStop=*/true);
  } catch (const Interrupted &) {
    interrupted = true;
  }
  EXPECT_TRUE(interrupted);
  EXPECT_EQ(atWork, 0);
  EXPECT_LT(done, kTasks);
  std::atomic<int64_t> sum{0};
  BlockingRegion region;
  pool.parallelFor(
      1000, 1,
      [&](int64_t begin, int64_t end, void *) {
        for (int64_t i = begin; i < end; ++i)
          sum += i;
      },
      0, /*mayStop=*/true);
  EXPECT_EQ(sum, 999 * 1000 / 2);
}

TEST_P(Grids, AreNotResizedWithinARun) {
  ThreadPool pool(GetParam());
  std::atomic<int> refused{0};
  pool.parallelFor(4, 1, [&](int64_t, int64_t, void *) {
    try {
      pool.resize(2);
    } catch (const std::runtime_error &) {
      ++refused;
    }
  });
  EXPECT_GT(refused, 0);
}

INSTANTIATE_TEST_SUITE_P(Threads, Grids, testing::Values(1, 2, 4));

} // namespace
