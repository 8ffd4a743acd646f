#include "frontend/autograd/RepeatedTapes.h"
#include "Common.h"
#include "frontend/autograd/PointerNumbers.h"
#include "frontend/executables/Background.h"
#include "frontend/executables/BoundedCache.h"

using namespace weft;

static Tensor loss(const Tensor &x) { return sum(exp(mul(x, x))); }

// Programs that ran in place of ops during `work`.
static int64_t programsIn(const std::function<void()> &work) {
  int64_t before = RepeatedTapes::global().programRuns();
  work();
  waitForBackground();
  return RepeatedTapes::global().programRuns() - before;
}

TEST(RepeatedTapes, AProgramTakesOver) {
  Tensor x = noise({3, 5}, 1).requiresGrad(true);
  Numbers first = values(grad({loss(x)}, {x})[0]);
  EXPECT_EQ(programsIn([&] { grad({loss(x)}, {x}); }), 0);
  for (int i = 0; i < 8; ++i)
    grad({loss(x)}, {x});
  waitForBackground();
  EXPECT_EQ(programsIn([&] { EXPECT_EQ(values(grad({loss(x)}, {x})[0]), first); }), 1);
  // Another shape is another tape, and so is one that is recorded again.
  Tensor y = noise({5, 3}, 1).requiresGrad(true);
  EXPECT_EQ(programsIn([&] { grad({loss(y)}, {y}); }), 0);
  EXPECT_EQ(programsIn([&] { grad({loss(x)}, {x}, {}, true, true); }), 0);
}

TEST(RepeatedTapes, ACacheForgetsWhatWasNotUsedForLongest) {
  BoundedCache<int> cache(2);
  Hash128 a{1, 0}, b{2, 0}, c{3, 0};
  cache.put(a, 10);
  cache.put(b, 20);
  EXPECT_EQ(*cache.find(a), 10);
  cache.put(c, 30);
  EXPECT_EQ(cache.find(b), nullptr);
  EXPECT_EQ(*cache.find(a), 10);
  EXPECT_EQ(cache.put(c, 31), 30); // what is there stays
  EXPECT_EQ(cache.size(), 2u);
}

TEST(RepeatedTapes, PointersAreNumberedAsTheyCome) {
  PointerNumbers numbers;
  std::vector<int> objects(1000);
  EXPECT_EQ(numbers.find(&objects[0]), -1);
  for (int round = 0; round < 2; ++round)
    for (int i = 0; i < 1000; ++i)
      EXPECT_EQ(numbers.add(&objects[size_t(i)]), i);
  EXPECT_EQ(numbers.size(), 1000);
  numbers.clear();
  EXPECT_EQ(numbers.find(&objects[5]), -1);
  EXPECT_EQ(numbers.add(&objects[5]), 0);
}

TEST(RepeatedTapes, BackgroundWorkIsDoneInOrder) {
  std::vector<int> done;
  for (int i = 0; i < 20; ++i)
    runInBackground([&, i] { done.push_back(i); });
  waitForBackground();
  ASSERT_EQ(done.size(), 20u);
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
}
