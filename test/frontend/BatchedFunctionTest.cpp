#include "frontend/trace/BatchedFunction.h"
#include "Common.h"

using namespace weft;

static Tensor batched(const Tensor &x, const std::function<Tensor(const Tensor &)> &f) {
  BatchedFunction function({x}, x.size(0), Trace::Randomness::Error);
  return function.finish({f(function.examples()[0])})[0].batch;
}

TEST(BatchedFunction, ClosesOverTensorsAndNests) {
  Tensor x = counting({2, 3}), w = floats({1, 10, 100}, {3});
  EXPECT_EQ(values(batched(x, [&](const Tensor &a) { return sum(mul(a, w)); })), (Numbers{210, 543}));
  Tensor rows = batched(x, [](const Tensor &a) { return batched(a, [&](const Tensor &b) { return mul(b, sum(a)); }); });
  EXPECT_EQ(values(rows), (Numbers{0, 3, 6, 36, 48, 60}));
}

TEST(BatchedFunction, GradientsInsideAndThrough) {
  Tensor x = counting({2, 2});
  Tensor inside = batched(x, [](const Tensor &a) {
    Tensor leaf = a.detach().requiresGrad(true);
    return grad({sum(mul(leaf, leaf))}, {leaf})[0];
  });
  EXPECT_EQ(values(inside), (Numbers{0, 2, 4, 6}));
  x.requiresGrad(true);
  backward({sum(batched(x, [](const Tensor &a) { return mul(a, a.detach()); }))});
  EXPECT_EQ(values(x.grad()), (Numbers{0, 1, 2, 3}));
}

TEST(BatchedFunction, SaysWhichResultsDiffer) {
  Tensor x = counting({2, 3});
  BatchedFunction function({x}, 2, Trace::Randomness::Error);
  auto results = function.finish({sum(function.examples()[0]), sum(x)});
  EXPECT_TRUE(results[0].differs);
  EXPECT_FALSE(results[1].differs);
  EXPECT_EQ(values(results[1].batch), (Numbers{15, 15}));
}

TEST(BatchedFunction, ValuesOfExamplesAreNotThere) {
  Tensor x = counting({2, 3}), y = floats({1, 2, 3}, {3});
  EXPECT_THROW(batched(x, [](const Tensor &a) { return mul(a, number(sum(a).itemDouble())); }), UserError);
  EXPECT_THROW(batched(x, [&](const Tensor &a) { return callInPlace(OpKind::Add, {y, a}); }), UserError);
  EXPECT_EQ(values(batched(x, [&](const Tensor &a) { return mul(a, number(sum(y).itemDouble())); })),
            (Numbers{0, 6, 12, 18, 24, 30}));
}
