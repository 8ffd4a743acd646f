// A call that came before gives what it gave, also where something differs that its operands' layouts do not show.
#include "Common.h"

#include "frontend/autograd/Autograd.h"
#include "frontend/dispatch/KnownCalls.h"

using namespace weft;

static bool isKnown(CallLevel level, OpKind op, const std::vector<Tensor> &operands, const Attrs &attrs = {}) {
  CallKey key(level, op, operands.data(), int(operands.size()), attrs);
  return key.isUsable() && findCall(key);
}

TEST(KnownCalls, AreRememberedByLayout) {
  Tensor a = counting({2, 3}), t = transpose(counting({3, 2}), 0, 1);
  EXPECT_EQ(values(add(a, a)), (Numbers{0, 2, 4, 6, 8, 10}));
  EXPECT_TRUE(isKnown(CallLevel::Call, OpKind::Add, {a, a}));
  EXPECT_FALSE(isKnown(CallLevel::Call, OpKind::Sub, {a, a}));
  EXPECT_EQ(values(add(a, t)), (Numbers{0, 3, 6, 4, 7, 10}));
  EXPECT_EQ(values(add(a, t)), (Numbers{0, 3, 6, 4, 7, 10}));
  Tensor part = slice(counting({4, 3}), 0, 2, 4);
  EXPECT_EQ(values(add(a, part)), (Numbers{6, 8, 10, 12, 14, 16}));
  EXPECT_EQ(values(add(a, part)), (Numbers{6, 8, 10, 12, 14, 16}));
}

TEST(KnownCalls, TakeNumbersByTheirDType) {
  Tensor a = counting({2}), i = integers({1, 2}, {2}).to(DType::Int8);
  for (double n : {2.0, 3.0, -1.5}) {
    EXPECT_EQ(values(mul(number(n), a)), (Numbers{0, n}));
    EXPECT_EQ(values(mul(a, number(n))), (Numbers{0, n}));
  }
  EXPECT_EQ(add(i, Tensor::wrapped(int64_t(5))).dtype(), DType::Int8);
  EXPECT_EQ(values(add(i, Tensor::wrapped(int64_t(7)))), (Numbers{8, 9}));
  EXPECT_EQ(values(add(i, Tensor::wrapped(int64_t(1000)))), (Numbers{-23, -22})); // modulo 256
  EXPECT_EQ(add(i, number(0.5)).dtype(), DType::Float32);
}

TEST(KnownCalls, FollowTheDefaultDType) {
  Tensor i = integers({4}, {1});
  EXPECT_EQ(exp(i).dtype(), DType::Float32);
  setDefaultDType(DType::Float64);
  EXPECT_EQ(exp(i).dtype(), DType::Float64);
  setDefaultDType(DType::Float32);
  EXPECT_EQ(exp(i).dtype(), DType::Float32);
}

TEST(KnownCalls, GoToTheTape) {
  Tensor x = counting({2, 3}), b = counting({3});
  for (int round = 0; round < 3; ++round) { // the second finds what the first left
    Tensor leaf = x.clone(), bias = b.clone();
    EXPECT_FALSE(add(leaf, bias).requiresGrad());
    leaf.requiresGrad(true), bias.requiresGrad(true);
    Tensor y = mul(add(mul(leaf, leaf), bias), number(2));
    backward({sum(y)});
    EXPECT_EQ(values(leaf.grad()), (Numbers{0, 4, 8, 12, 16, 20}));
    EXPECT_EQ(values(bias.grad()), (Numbers{4, 4, 4}));
    GradMode off(false);
    EXPECT_FALSE(mul(leaf, leaf).requiresGrad());
  }
}

TEST(KnownCalls, CheckElementsEachTime) {
  Tensor a = counting({4}), row = counting({4, 2});
  Tensor good = integers({3}, {1}), bad = integers({4}, {1});
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(values(call(OpKind::IndexSelect, {a, good}, {Attr::integer(0)})), (Numbers{3}));
    EXPECT_MESSAGE(call(OpKind::IndexSelect, {a, bad}, {Attr::integer(0)}), "out of bounds");
    EXPECT_EQ(values(call(OpKind::FloorDivide, {good, good})), (Numbers{1}));
    EXPECT_MESSAGE(call(OpKind::FloorDivide, {good, integers({0}, {1})}), "ZeroDivision");
  }
}

TEST(KnownCalls, BothLevelsHaveTheirOwn) {
  Tensor i = integers({1, 2}, {2}).to(DType::Int32);
  Attrs all{Attr::list({0}), Attr::boolean(false)};
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(apply(OpKind::Sum, {i}, all).dtype(), DType::Int32);
    EXPECT_EQ(call(OpKind::Sum, {i}, all).dtype(), DType::Int64); // PyTorch's rule
  }
}
