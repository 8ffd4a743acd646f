#include "Common.h"

#include "frontend/Compile.h"
#include "frontend/dispatch/Generator.h"

using namespace weft;
using List = std::vector<Tensor>;

// The function gives the same bits eagerly, when traced and when replayed; returns the compiled function.
static CompiledFunction agrees(CompiledFunction::Function function, const std::function<List()> &arguments) {
  CompiledFunction compiled(function);
  for (int round = 0; round < 3; ++round) {
    List eager = function(arguments()), traced = compiled(arguments());
    EXPECT_EQ(eager.size(), traced.size());
    for (size_t i = 0; i < eager.size(); ++i) {
      EXPECT_EQ(eager[i].type(), traced[i].type());
      EXPECT_EQ(values(eager[i]), values(traced[i])) << "result " << i << " in round " << round;
    }
  }
  return compiled;
}

TEST(Trace, ReplaysPureFunctions) {
  int runs = 0;
  auto compiled = agrees(
      [&](const List &x) {
        ++runs;
        return List{mul(add(x[0], x[1]), number(0.5)), exp(x[0])};
      },
      [] { return List{noise({3, 4}, 1), noise({4}, 2)}; });
  EXPECT_EQ(compiled.calls().size(), 1u);
  EXPECT_EQ(runs, 4); // three times eagerly, once traced
}

TEST(Trace, GuardsRetraceOnOtherLayouts) {
  CompiledFunction compiled([](const List &x) { return List{add(x[0], x[1])}; });
  compiled({counting({2, 2}), counting({2, 2})});
  compiled({counting({3}), counting({3})});
  compiled({transpose(counting({2, 2}), 0, 1), counting({2, 2})});
  compiled({counting({3}).to(DType::Float64), counting({3})});
  Tensor same = counting({3});
  EXPECT_EQ(values(compiled({same, same})[0]), (Numbers{0, 2, 4}));
  EXPECT_EQ(compiled.calls().size(), 5u);
  EXPECT_EQ(values(compiled({counting({3}), floats({5, 5, 5}, {3})})[0]), (Numbers{5, 6, 7}));
  EXPECT_EQ(compiled.calls().size(), 5u);
  EXPECT_EQ(compiled.calls()[0]->explainMismatch(List{counting({4}), counting({3})}.data(), 2),
            "argument 0: shape was [3], is [4]");
}

TEST(Trace, ViewsAndResultsThatShareMemory) {
  agrees(
      [](const List &x) {
        Tensor y = mul(x[0], number(2));
        return List{y,    transpose(y, 0, 1),   select(y, 0, 1),
                    x[0], slice(x[0], 1, 0, 2), slice(x[0], 1, 1, 3).contiguous()};
      },
      [] { return List{noise({3, 4}, 5)}; });
  CompiledFunction compiled([](const List &x) { return List{x[0], transpose(x[0], 0, 1)}; });
  for (int round = 0; round < 2; ++round) {
    Tensor x = counting({2, 3});
    List y = compiled({x});
    EXPECT_TRUE(y[0].is(x));
    EXPECT_TRUE(y[1].sharesStorage(x));
  }
}

TEST(Trace, WritesToArgumentsAndCapturedTensors) {
  Tensor state = counting({3}), view = unsqueeze(state, 0);
  CompiledFunction compiled([&](const List &x) {
    callInPlace(OpKind::Add, {state, x[0]});
    Tensor read = sum(view); // a view from before sees the new value
    callInPlace(OpKind::Mul, {x[0], number(2)});
    return List{read, state};
  });
  Tensor expected = counting({3});
  for (int round = 0; round < 3; ++round) {
    Tensor x = floats({1, 1, 1}, {3});
    List y = compiled({x});
    EXPECT_EQ(y[0].itemDouble(), 3 + 3 * (round + 1));
    EXPECT_TRUE(y[1].is(state));
    EXPECT_EQ(values(x), (Numbers{2, 2, 2}));
    EXPECT_EQ(values(state), (Numbers{1.0 + round, 2.0 + round, 3.0 + round}));
    EXPECT_EQ(state.version(), uint32_t(round + 1));
  }
  EXPECT_EQ(compiled.calls().size(), 1u);
}

TEST(Trace, CopiesBetweenOutsideTensors) {
  Tensor p = counting({3}), q = floats({7, 8, 9}, {3});
  CompiledFunction swap([&](const List &) {
    Tensor before = p.clone();
    copy_(p, q);
    copy_(q, before);
    return List{};
  });
  swap({});
  EXPECT_EQ(values(p), (Numbers{7, 8, 9}));
  EXPECT_EQ(values(q), (Numbers{0, 1, 2}));
  swap({});
  EXPECT_EQ(values(p), (Numbers{0, 1, 2}));
  EXPECT_EQ(swap.calls().size(), 1u);
}

TEST(Trace, ValuesFlushAndTheCallIsRunEachTime) {
  auto compiled = agrees(
      [](const List &x) {
        Tensor y = mul(x[0], number(2));
        return sum(y).itemDouble() > 0 ? List{exp(y)} : List{mul(y, y)};
      },
      [] { return List{noise({4}, 3)}; });
  EXPECT_TRUE(compiled.calls().empty());
  EXPECT_EQ(compiled.lastReason(), "the value of a tensor was read");
}

TEST(Trace, WhatCannotBeReplayedIsNotKept) {
  Tensor kept;
  CompiledFunction stores([&](const List &x) {
    kept = exp(x[0]);
    return List{mul(kept, number(2))};
  });
  stores({counting({2})});
  EXPECT_EQ(stores.lastReason(), "a tensor made in the call stays alive after it");
  EXPECT_EQ(values(kept)[0], 1);
  CompiledFunction accumulates([](const List &x) {
    Tensor total = floats({0, 0}, {2});
    callInPlace(OpKind::Add, {total, x[0]});
    return List{sum(total)};
  });
  for (int round = 0; round < 2; ++round)
    EXPECT_EQ(accumulates({counting({2})})[0].itemDouble(), 1);
  EXPECT_TRUE(accumulates.calls().empty());
}

TEST(Trace, WritesToParts) {
  Tensor cache = counting({4, 2});
  auto compiled = agrees(
      [&](const List &x) {
        Tensor y = mul(x[0], number(2)), column = select(y, 1, 1);
        zero_(select(y, 0, 1));
        callInPlace(OpKind::Add, {column, number(5)});
        copy_(slice(cache, 0, 1, 3), select(y, 0, 2));
        return List{add(y, number(1)), mul(column, number(3)), cache.clone(), transpose(cache, 0, 1).contiguous()};
      },
      [] { return List{noise({3, 2}, 9)}; });
  EXPECT_EQ(compiled.calls().size(), 1u) << compiled.lastReason();
}

TEST(Trace, AnExceptionLeavesValuesBehind) {
  Tensor escaped;
  CompiledFunction compiled([&](const List &x) {
    escaped = add(x[0], number(1));
    add(x[0], counting({5}));
    return List{};
  });
  EXPECT_MESSAGE(compiled({counting({2})}), "must match the size of tensor b");
  EXPECT_EQ(Trace::active(), nullptr);
  EXPECT_EQ(values(escaped), (Numbers{1, 2}));
}

TEST(Trace, RandomNumbersAreEagersAndNewEachTime) {
  auto function = [](const List &x) { return List{add(rand({4}, DType::Float32), x[0]), dropout(x[0], 0.5)}; };
  CompiledFunction compiled(function);
  std::vector<Numbers> eager, traced;
  List x{floats({1, 1, 1, 1}, {4})};
  Generator::defaultGenerator().manualSeed(3);
  for (int i = 0; i < 3; ++i)
    for (const Tensor &t : function(x))
      eager.push_back(values(t));
  Generator::defaultGenerator().manualSeed(3);
  for (int i = 0; i < 3; ++i)
    for (const Tensor &t : compiled(x))
      traced.push_back(values(t));
  EXPECT_EQ(eager, traced);
  EXPECT_NE(traced[0], traced[2]);
  EXPECT_EQ(compiled.calls().size(), 1u);
}

TEST(Trace, GradientsAreSetOnReplay) {
  Tensor w = counting({3}).requiresGrad(true);
  CompiledFunction step([&](const List &x) {
    w.setGrad({});
    Tensor loss = sum(mul(mul(w, w), x[0]));
    backward({loss});
    return List{loss.detach()};
  });
  for (int round = 1; round <= 3; ++round) {
    List y = step({floats({1, 1, float(round)}, {3})});
    EXPECT_EQ(y[0].itemDouble(), 1 + 4 * round);
    EXPECT_EQ(values(w.grad()), (Numbers{0, 2, 4.0 * round}));
  }
  EXPECT_EQ(step.calls().size(), 1u);
}
