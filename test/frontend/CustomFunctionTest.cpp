#include "Common.h"

#include "frontend/autograd/CustomFunction.h"

using namespace weft;

namespace {

// (x², 3x), whose derivative says ten times what it should, so that one sees who computed it.
class Pair : public CustomFunction {
public:
  std::string name() const override { return "PairBackward"; }
  std::vector<Tensor> backward(const std::vector<Tensor> &cotangents) override {
    ++calls;
    given = cotangents;
    Tensor x = saved()[0], sum;
    if (cotangents[0].defined())
      sum = mul(mul(cotangents[0], x), number(20));
    if (cotangents[1].defined())
      sum = sum.defined() ? add(sum, mul(cotangents[1], number(30))) : mul(cotangents[1], number(30));
    return {sum};
  }
  std::vector<Tensor> pushForward(const std::vector<Tensor> &tangents) override {
    return {mul(mul(tangents[0], saved()[0]), number(20)), mul(tangents[0], number(30))};
  }
  int calls = 0;
  std::vector<Tensor> given;
};

std::pair<Tensor, Tensor> pairOf(const std::shared_ptr<Pair> &pair, const Tensor &x) {
  Tensor square, triple;
  {
    GradMode off(false);
    square = mul(x, x);
    triple = mul(x, number(3));
  }
  pair->save({x});
  recordFunction(pair, {x}, {square, triple}, {true, true});
  return {square, triple};
}

} // namespace

TEST(CustomFunction, GivesTheCotangents) {
  auto pair = std::make_shared<Pair>();
  Tensor x = floats({1, 2}, {2}).requiresGrad(true);
  auto [square, triple] = pairOf(pair, mul(x, number(2)));
  backward({sum(mul(square, triple))});
  EXPECT_EQ(pair->calls, 1);
  // a = 2x: 2 (20a · 3a + 30 · a²)
  EXPECT_EQ(values(x.grad()), (Numbers{2 * 90 * 4, 2 * 90 * 16}));
}

TEST(CustomFunction, SeesWhichResultsAreUsed) {
  auto pair = std::make_shared<Pair>();
  Tensor x = floats({1, 2}, {2}).requiresGrad(true);
  backward({sum(pairOf(pair, x).second)});
  EXPECT_FALSE(pair->given[0].defined());
  EXPECT_EQ(values(x.grad()), (Numbers{30, 30}));
}

TEST(CustomFunction, IsNotCalledForWhatDoesNotDependOnIt) {
  auto pair = std::make_shared<Pair>();
  Tensor x = floats({1}, {1}).requiresGrad(true), w = floats({5}, {1}).requiresGrad(true);
  Tensor y = mul(pairOf(pair, x).first, w);
  EXPECT_EQ(values(grad({y}, {w}, {}, true)[0]), (Numbers{1}));
  EXPECT_EQ(pair->calls, 0);
  EXPECT_EQ(values(grad({y}, {x})[0]), (Numbers{100}));
}

TEST(CustomFunction, GivesUpWhatItKept) {
  auto pair = std::make_shared<Pair>();
  Tensor x = floats({1}, {1}).requiresGrad(true);
  Tensor y = pairOf(pair, x).first;
  backward({y});
  EXPECT_THROW(backward({y}), UserError);
  EXPECT_THROW(pair->saved(), UserError);
  EXPECT_EQ(nameOf(*tapeNode(*y.impl)), "PairBackward");
  y = {};
  EXPECT_EQ(pair->node, nullptr);
}

TEST(CustomFunction, PushesForward) {
  auto pair = std::make_shared<Pair>();
  Tensor x = floats({1, 2}, {2}).requiresGrad(true), t = floats({1, 10}, {2}), y;
  {
    ForwardScope scope;
    auto [square, triple] = pairOf(pair, mul(x, number(2)));
    y = mul(add(square, triple), number(0.5));
  }
  // 0.5 (20a + 30) · 2t at a = 2x
  EXPECT_EQ(values(pushForward({y}, {x}, {t})[0]), (Numbers{70, 1100}));
}

TEST(CustomFunction, PackedValuesAreUnpackedForBackward) {
  Tensor x = floats({3}, {1}).requiresGrad(true), y;
  int packed = 0;
  {
    SavedTensorHooks hooks([&](const Tensor &value) {
      ++packed;
      return [value] { return mul(value.detach(), number(2)); };
    });
    y = mul(x, x);
  }
  EXPECT_EQ(packed, 2);
  backward({y});
  EXPECT_EQ(values(x.grad()), (Numbers{12}));
}
