// How the calls of a compiled function are made, by what their ways take.
#include "frontend/calls/CallPolicy.h"

#include <gtest/gtest.h>
#include <map>
#include <random>

using namespace weft;
using Way = CallPolicy::Way;

namespace {

struct Costs {
  double trace, lazy, eager; // seconds
  double compiling = 0;      // more, of a lazy call
};

// Makes so many calls that no trace serves; gives the time that they take, and how often each way is taken.
double run(CallPolicy &policy, int calls, Costs costs, std::map<Way, int> *ways = nullptr) {
  double total = 0;
  for (int i = 0; i < calls; ++i) {
    Way way = policy.bypasses() ? Way::Eager : policy.next();
    double compiling = way == Way::Lazy ? costs.compiling : 0;
    double taken = way == Way::Trace ? costs.trace : way == Way::Lazy ? costs.lazy + compiling : costs.eager;
    policy.made(way, taken, compiling);
    total += taken;
    if (ways)
      ++(*ways)[way];
  }
  return total;
}

} // namespace

TEST(CallPolicy, TracesAsLongAsTracesAreReplayed) {
  CallPolicy policy;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(policy.next(), Way::Trace);
    policy.made(Way::Trace, 0.01, 0);
    policy.replayed(true);
  }
  EXPECT_TRUE(policy.traces());
}

TEST(CallPolicy, TakesTheFasterWay) {
  for (bool lazyIsFaster : {true, false}) {
    CallPolicy policy;
    std::map<Way, int> ways;
    Costs costs{0.01, lazyIsFaster ? 1e-4 : 3e-4, 2e-4};
    run(policy, 10000, costs, &ways);
    EXPECT_GT(ways[lazyIsFaster ? Way::Lazy : Way::Eager], 9900);
    EXPECT_LT(ways[Way::Trace], 12);
    EXPECT_FALSE(policy.traces());
    EXPECT_EQ(policy.usual(), lazyIsFaster ? Way::Lazy : Way::Eager);
    EXPECT_NE(policy.explain().find(lazyIsFaster ? "100 us lazily" : "300 us lazily"), std::string::npos);
  }
}

TEST(CallPolicy, NoSequenceTakesMuchLongerThanEagerCode) {
  for (Costs costs :
       {Costs{0.02, 1e-5, 3e-6}, Costs{0.02, 1e-4, 2e-4}, Costs{0.02, 2e-4, 2e-4, 0.01}, Costs{0.03, 5e-3, 4e-3, 0.05}})
    for (int calls : {1, 10, 100, 1000, 20000}) {
      CallPolicy policy;
      EXPECT_LE(run(policy, calls, costs), 1.1 * calls * costs.eager + 0.2)
          << calls << " calls, eagerly " << costs.eager;
    }
}

// Calls of other sizes take other times each: a few of either way tell nothing.
TEST(CallPolicy, MeasuresLongerWhereCallsDiffer) {
  int right = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    CallPolicy policy;
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> size(0.1, 1.9);
    for (int i = 0; i < 40; ++i) {
      Way way = policy.next();
      policy.made(way, (way == Way::Eager ? 0.03 : 0.02) * size(random), 0);
    }
    right += policy.usual() == Way::Lazy;
  }
  EXPECT_GT(right, 180);
}

TEST(CallPolicy, APauseOfTheMachineIsNoCost) {
  for (int pause = 4; pause < 12; ++pause) {
    CallPolicy policy;
    for (int i = 0; i < 40; ++i) {
      Way way = policy.next();
      policy.made(way, (way == Way::Eager ? 2e-4 : 1.4e-4) + (i == pause && way == Way::Lazy ? 1e-2 : 0), 0);
    }
    EXPECT_EQ(policy.usual(), Way::Lazy) << pause;
  }
}

// Programs that turn out to be needed at each call are given up.
TEST(CallPolicy, CompilesWithinABudget) {
  CallPolicy policy;
  std::map<Way, int> ways;
  run(policy, 1000, {0.02, 1e-4, 2e-4, 0.05}, &ways);
  EXPECT_LE(ways[Way::Lazy], 6);
}

// A function that has settled is replayed after all.
TEST(CallPolicy, TriesToTraceAgain) {
  CallPolicy policy;
  std::map<Way, int> ways;
  run(policy, 5000, {0.01, 1e-4, 2e-4}, &ways);
  EXPECT_GT(ways[Way::Trace], 4);
}

TEST(CallPolicy, CallsThatRaiseDoNotEndTraces) {
  CallPolicy policy;
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(policy.next(), Way::Trace);
    policy.raised(Way::Trace);
  }
  EXPECT_TRUE(policy.traces());
  for (int i = 0; i < 100; ++i) // but those that always do
    policy.raised(policy.next());
  EXPECT_FALSE(policy.traces());
}

// Shapes that come again and again are all traced, however the first calls were measured.
TEST(CallPolicy, ShapesThatComeAgainAreTraced) {
  for (Costs costs : {Costs{0.02, 1e-4, 3e-6}, Costs{0.02, 1e-4, 2e-4}, Costs{0.02, 1e-4, 2e-4, 0.1}})
    for (int shapes : {5, 20, 50}) {
      CallPolicy policy;
      std::map<int, int> hits; // of each shape's trace
      for (int i = 0; i < 40 * shapes; ++i) {
        if (policy.bypasses())
          continue;
        if (auto traced = hits.find(i % shapes); traced != hits.end()) {
          policy.replayed(traced->second++ == 0);
          continue;
        }
        Way way = policy.next();
        double compiling = way == Way::Lazy ? costs.compiling : 0;
        policy.made(way,
                    way == Way::Trace  ? costs.trace
                    : way == Way::Lazy ? costs.lazy + compiling
                                       : costs.eager,
                    compiling);
        if (way == Way::Trace)
          hits[i % shapes] = 0;
      }
      EXPECT_EQ(hits.size(), size_t(shapes)) << "eagerly " << costs.eager;
    }
}
