#include "Common.h"

using namespace weft;

TEST(InPlace, WritesWhereTheTensorLies) {
  Tensor t = counting({2, 3}), row = select(t, 0, 1), column = select(t, 1, 0);
  uint32_t version = t.version();
  callInPlace(OpKind::Add, {row, number(10)});
  EXPECT_EQ(values(t), (Numbers{0, 1, 2, 13, 14, 15}));
  callInPlace(OpKind::Mul, {column, floats({2, 3}, {2})});
  EXPECT_EQ(values(t), (Numbers{0, 1, 2, 39, 14, 15}));
  copy_(transpose(t, 0, 1), number(1));
  EXPECT_EQ(values(t), Numbers(6, 1.0));
  EXPECT_EQ(t.version(), version + 3);
  fill_(row, floats({4}, {}));
  zero_(column);
  EXPECT_EQ(values(t), (Numbers{0, 1, 1, 0, 4, 4}));
}

TEST(InPlace, OverlappingOperandsAreReadFirst) {
  Tensor t = counting({4});
  copy_(slice(t, 0, 1, 4), slice(t, 0, 0, 3));
  EXPECT_EQ(values(t), (Numbers{0, 0, 1, 2}));
  Tensor square = counting({2, 2});
  callInPlace(OpKind::Add, {square, transpose(square, 0, 1)});
  EXPECT_EQ(values(square), (Numbers{0, 3, 3, 6}));
  callInPlace(OpKind::Mul, {square, square});
  EXPECT_EQ(values(square), (Numbers{0, 9, 9, 36}));
}

TEST(InPlace, ErrorsComeBeforeAnythingIsWritten) {
  Tensor t = integers({1, 2}, {2});
  EXPECT_MESSAGE(callInPlace(OpKind::Add, {t, number(0.5)}),
                 "result type float32 can't be cast to the desired output type int64");
  EXPECT_MESSAGE(callInPlace(OpKind::Add, {t, integers({1, 2, 3, 4}, {2, 2})}),
                 "doesn't match the broadcast shape [2, 2]");
  EXPECT_MESSAGE(zero_(expand(counting({1}), {3})),
                 "more than one element of the written-to tensor refers to a single memory location");
  EXPECT_EQ(values(t), (Numbers{1, 2}));
  Tensor leaf = counting({2}).requiresGrad(true);
  EXPECT_MESSAGE(zero_(leaf), "a leaf Variable that requires grad is being used in an in-place operation");
  EXPECT_MESSAGE(zero_(select(leaf, 0, 0)), "a view of a leaf Variable that requires grad");
}

TEST(InPlace, HistoryIsRebased) {
  Tensor x = floats({1, 2}, {2}).requiresGrad(true);
  Tensor h = mul(x, number(3));
  callInPlace(OpKind::Mul, {h, number(2)});
  callInPlace(OpKind::Add, {h, x});
  backward({sum(h)});
  EXPECT_EQ(values(h), (Numbers{7, 14}));
  EXPECT_EQ(values(x.grad()), (Numbers{7, 7}));
}

TEST(InPlace, AssignmentToAPartHasAHistory) {
  Tensor x = floats({1, 2}, {2}).requiresGrad(true), base = counting({2, 2});
  assign(base, select(base, 1, 1), mul(x, x));
  EXPECT_EQ(values(base), (Numbers{0, 1, 2, 4}));
  backward({sum(mul(base, number(5)))});
  EXPECT_EQ(values(x.grad()), (Numbers{10, 20}));
  assign(base.detach(), slice(base.detach(), 0, 0, 1), number(7));
  EXPECT_EQ(values(base), (Numbers{7, 7, 2, 4}));
}

TEST(InPlace, ViewsAndTheirBaseShareAHistory) {
  Tensor x = floats({1, 2}, {2}).requiresGrad(true), out = counting({3, 2});
  Tensor row = select(out, 0, 1), early = select(out, 0, 1);
  callInPlace(OpKind::Add, {row, x}); // out has no history before
  EXPECT_TRUE(out.requiresGrad());
  callInPlace(OpKind::Mul, {out, number(10)});
  Tensor loss = add(sum(mul(row, row)), sum(early));
  EXPECT_EQ(loss.itemDouble(), 30 * 30 + 50 * 50 + 80);
  backward({loss});
  EXPECT_EQ(values(x.grad()), (Numbers{2 * 30 * 10 + 10, 2 * 50 * 10 + 10}));
}
