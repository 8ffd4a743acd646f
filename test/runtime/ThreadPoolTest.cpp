#include "runtime/cpu/ThreadPool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <mutex>
#include <sys/wait.h>
#include <unistd.h>

using namespace weft;

namespace {

// Counts how often each task ran.
struct Counts {
  explicit Counts(int64_t tasks) : times(tasks) {}
  std::vector<std::atomic<int>> times;
  void add(int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      ++times[i];
  }
  bool allOnce() const {
    for (auto &t : times)
      if (t != 1)
        return false;
    return true;
  }
};

void countTasks(void *const *buffers, const int64_t *, int64_t begin, int64_t end, void *) {
  static_cast<Counts *>(buffers[0])->add(begin, end);
}

class Threads : public testing::TestWithParam<int> {};

} // namespace

TEST_P(Threads, EveryTaskRunsOnce) {
  ThreadPool pool(GetParam());
  EXPECT_EQ(pool.threadCount(), GetParam());
  for (int64_t tasks : {0, 1, 2, 3, 7, 8, 31, 100, 1001})
    for (int64_t grain : {0, 1, 2, 3, 10, 1000, 5000}) {
      Counts counts(tasks);
      pool.parallelFor(tasks, grain, [&](int64_t begin, int64_t end, void *) { counts.add(begin, end); });
      EXPECT_TRUE(counts.allOnce()) << tasks << " tasks, grain " << grain;
    }
}

TEST_P(Threads, EveryTaskOfABatchRunsOnce) {
  ThreadPool pool(GetParam());
  for (int round = 0; round < 50; ++round) {
    std::vector<std::unique_ptr<Counts>> counts;
    std::vector<void *> pointers(20);
    std::vector<Launch> launches;
    for (int i = 0; i < 20; ++i) {
      int64_t tasks = (round * 37 + i * i * 11) % (i % 5 == 0 ? 3 : 400);
      counts.push_back(std::make_unique<Counts>(tasks));
      pointers[i] = counts[i].get();
      launches.push_back({countTasks, &pointers[i], nullptr, tasks, 1 + (i * 13) % 50, 0});
    }
    pool.run(launches.data(), int(launches.size()));
    for (int i = 0; i < 20; ++i)
      ASSERT_TRUE(counts[i]->allOnce()) << "launch " << i << " of round " << round;
  }
}

TEST_P(Threads, ResultsAreSeenAndRoundsDoNotMix) {
  // Each round reads what the round before wrote, by other cuts; now and then the threads have time to fall asleep.
  ThreadPool pool(GetParam());
  std::vector<int> values(5000, 0);
  for (int round = 0; round < 2000; ++round) {
    pool.parallelFor(5000, 100 + round % 700, [&](int64_t begin, int64_t end, void *) {
      for (int64_t i = begin; i < end; ++i)
        ++values[i];
    });
    if (round % 400 == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  for (int v : values)
    ASSERT_EQ(v, 2000);
}

TEST_P(Threads, NestedCallsRunAndKeepTheirScratchApart) {
  ThreadPool pool(GetParam());
  Counts counts(64 * 32);
  std::atomic<int> overwritten{0};
  pool.parallelFor(
      64, 1,
      [&](int64_t begin, int64_t end, void *scratch) {
        for (int64_t i = begin; i < end; ++i) {
          std::memset(scratch, int(i), 1000);
          pool.parallelFor(
              32, 1,
              [&](int64_t b, int64_t e, void *inner) {
                std::memset(inner, 255, 2000);
                counts.add(i * 32 + b, i * 32 + e);
              },
              2000);
          for (int k = 0; k < 1000; ++k)
            overwritten += static_cast<unsigned char *>(scratch)[k] != i;
        }
      },
      1000);
  EXPECT_TRUE(counts.allOnce());
  EXPECT_EQ(overwritten, 0);
}

TEST_P(Threads, ScratchIsAlignedAndPrivate) {
  ThreadPool pool(GetParam());
  std::atomic<int> wrong{0};
  for (int64_t bytes : {64, 5000, 100000})
    pool.parallelFor(
        200, 1,
        [&](int64_t begin, int64_t end, void *scratch) {
          wrong += reinterpret_cast<uintptr_t>(scratch) % 64 != 0;
          auto *data = static_cast<int64_t *>(scratch);
          data[0] = data[bytes / 8 - 1] = begin;
          std::this_thread::yield();
          wrong += data[0] != begin || data[bytes / 8 - 1] != begin;
        },
        bytes);
  EXPECT_EQ(wrong, 0);
}

INSTANTIATE_TEST_SUITE_P(Count, Threads, testing::Values(1, 2, 3, 4, 5, 6, 7, 8));

TEST(ThreadPool, WorkIsSharedBetweenThreads) {
  ThreadPool pool(4);
  std::mutex mutex;
  std::vector<std::thread::id> seen;
  pool.parallelFor(16, 1, [&](int64_t, int64_t, void *) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::lock_guard<std::mutex> lock(mutex);
    if (std::find(seen.begin(), seen.end(), std::this_thread::get_id()) == seen.end())
      seen.push_back(std::this_thread::get_id());
  });
  EXPECT_GT(seen.size(), 1u);
}

TEST(ThreadPool, SeveralCallersAtOnce) {
  ThreadPool pool(4);
  std::atomic<int64_t> total{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t)
    callers.emplace_back([&] {
      for (int i = 0; i < 500; ++i)
        pool.parallelFor(100, 10, [&](int64_t begin, int64_t end, void *) { total += end - begin; });
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(total, 4 * 500 * 100);
}

TEST(ThreadPool, Resizes) {
  ThreadPool pool(2);
  for (int threads : {5, 1, 3}) {
    pool.resize(threads);
    EXPECT_EQ(pool.threadCount(), threads);
    Counts counts(1000);
    pool.parallelFor(1000, 1, [&](int64_t begin, int64_t end, void *) { counts.add(begin, end); });
    EXPECT_TRUE(counts.allOnce());
  }
}

TEST(ThreadPool, AForkedChildHasAPoolOfItsOwn) {
  auto computes = [] {
    Counts counts(1000);
    ThreadPool::global().parallelFor(1000, 10, [&](int64_t begin, int64_t end, void *) { counts.add(begin, end); });
    return counts.allOnce();
  };
  ASSERT_TRUE(computes());
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(20); // a hang must not outlast the test
    _exit(computes() && computes() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_TRUE(computes());
}
