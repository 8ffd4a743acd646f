#include "Common.h"

using namespace weft;

TEST(Views, SliceSelectTransposeExpandShareMemory) {
  Tensor t = counting({3, 4});
  EXPECT_EQ(values(slice(t, 1, 1, 4, 2)), (Numbers{1, 3, 5, 7, 9, 11}));
  EXPECT_EQ(values(slice(t, 0, -2, 100)), (Numbers{4, 5, 6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(slice(t, 0, 2, 1).shape(), (Dims{0, 4}));
  EXPECT_EQ(values(select(t, 0, -1)), (Numbers{8, 9, 10, 11}));
  EXPECT_EQ(values(select(transpose(t, 0, 1), 0, 1)), (Numbers{1, 5, 9}));
  EXPECT_EQ(values(expand(unsqueeze(select(t, 0, 0), 0), {2, -1})), (Numbers{0, 1, 2, 3, 0, 1, 2, 3}));
  EXPECT_EQ(permute(unsqueeze(t, -1), {2, 1, 0}).shape(), (Dims{1, 4, 3}));
  EXPECT_TRUE(select(t, 0, 1).sharesStorage(t));
}

TEST(Views, ReshapeIsAViewWhereStridesAllowIt) {
  Tensor t = counting({2, 3, 4});
  EXPECT_TRUE(reshape(t, {6, -1}).sharesStorage(t));
  EXPECT_EQ(view(t, {-1}).shape(), (Dims{24}));
  // The first two axes of a transposed tail are still one run.
  Tensor tail = transpose(t, 1, 2);
  EXPECT_MESSAGE(view(tail, {24}), "view size is not compatible with input tensor's size and stride");
  EXPECT_EQ(view(tail, {2, 2, 2, 3}).strides(), (Dims{12, 2, 1, 4}));
  EXPECT_EQ(values(view(slice(t, 0, 1, 2), {3, 4})), (Numbers{12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}));
  EXPECT_EQ(view(counting({0, 3}), {3, 0}).shape(), (Dims{3, 0}));
  EXPECT_EQ(view(counting({}), {1, 1}).shape(), (Dims{1, 1}));
  EXPECT_EQ(view(counting({1, 1}), {}).shape(), Dims{});
  EXPECT_EQ(flatten(t, 1).shape(), (Dims{2, 12}));
}

TEST(Views, SplitChunkSqueeze) {
  Tensor t = counting({5, 2});
  std::vector<Tensor> parts = split(t, 2);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(values(parts[2]), (Numbers{8, 9}));
  EXPECT_EQ(chunk(t, 2, 0)[0].shape(), (Dims{3, 2}));
  EXPECT_EQ(squeeze(counting({1, 3, 1})).shape(), (Dims{3}));
  EXPECT_EQ(squeeze(counting({1, 3, 1}), 0).shape(), (Dims{3, 1}));
}

TEST(Views, ErrorsNameShapesAndRemedy) {
  Tensor t = counting({2, 3});
  EXPECT_MESSAGE(reshape(t, {4, 2}), "shape '[4, 2]' is invalid for input of size 6");
  EXPECT_MESSAGE(slice(t, 0, 0, 2, -1), "step must be greater than zero");
  EXPECT_MESSAGE(select(t, 0, 2), "index 2 is out of bounds for dimension 0 with size 2");
  EXPECT_MESSAGE(transpose(t, 0, 2), "Dimension out of range (expected to be in range of [-2, 1], but got 2)");
  EXPECT_MESSAGE(expand(t, {2, 4}), "must match the existing size (3) at non-singleton dimension 1");
  EXPECT_MESSAGE(add(t, counting({4})), "The size of tensor a (3) must match the size of tensor b (4)");
}

TEST(Views, ByAnyStrides) {
  Tensor x = counting({6});
  EXPECT_EQ(values(asStrided(x, {2, 2}, {1, 1}, 1)), (Numbers{1, 2, 2, 3}));
  EXPECT_EQ(values(asStrided(slice(x, 0, 2, 4), {2}, {3}, 0)), (Numbers{0, 3}));
  EXPECT_THROW(asStrided(x, {2}, {6}, 0), UserError);
  EXPECT_THROW(asStrided(x, {2}, {1}, -1), UserError);
  Tensor leaf = counting({4}).requiresGrad(true);
  backward({sum(asStrided(leaf, {2, 2}, {1, 1}, 0))});
  EXPECT_EQ(values(leaf.grad()), (Numbers{1, 2, 1, 0}));
}

TEST(Views, InAFormat) {
  Tensor x = counting({1, 2, 2, 2}), last = inFormat("test", x, MemoryFormat::ChannelsLast);
  EXPECT_EQ(last.strides(), (Dims{8, 1, 4, 2}));
  EXPECT_EQ(values(last), values(x));
  EXPECT_TRUE(isInFormat(last, MemoryFormat::ChannelsLast) && !isInFormat(x, MemoryFormat::ChannelsLast));
  EXPECT_THROW(inFormat("test", counting({2}), MemoryFormat::ChannelsLast), UserError);
}
