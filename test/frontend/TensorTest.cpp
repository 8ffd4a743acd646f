#include "Common.h"

#include "frontend/dispatch/Numbers.h"
#include "frontend/dispatch/Promotion.h"
#include "frontend/tensor/StridedCopy.h"

#include <cmath>

using namespace weft;

TEST(Tensor, ItemConvertsEveryDType) {
  for (int d = 0; d < kDTypeCount; ++d)
    EXPECT_EQ(constantOf(Tensor::wrapped(int64_t(1)), DType(d), {}).itemDouble(), 1.0) << name(DType(d));
  EXPECT_EQ(constantOf(number(0.1), DType::Float32, {}).itemDouble(), double(0.1f));
  EXPECT_EQ(constantOf(number(0.1), DType::Float16, {}).itemDouble(), 0.0999755859375);
  EXPECT_EQ(constantOf(number(0.1), DType::BFloat16, {}).itemDouble(), 0.10009765625);
  EXPECT_EQ(constantOf(number(0x1p-24), DType::Float16, {}).itemDouble(), 0x1p-24);
  EXPECT_TRUE(std::isinf(constantOf(number(70000), DType::Float16, {}).itemDouble()));
  EXPECT_EQ(Tensor::wrapped(int64_t(3) << 60).itemInt(), int64_t(3) << 60);
  EXPECT_MESSAGE(counting({2}).itemDouble(), "a Tensor with 2 elements cannot be converted to Scalar");
  EXPECT_MESSAGE(constantOf(Tensor::wrapped(int64_t(300)), DType::UInt8, {}), "without overflow");
}

TEST(Tensor, PromotionIsByCategory) {
  auto of = [](DType dtype, const Dims &shape) { return Tensor::empty(shape, dtype); };
  EXPECT_EQ(resultType(of(DType::Float16, {2}), of(DType::Float32, {})), DType::Float16);
  EXPECT_EQ(resultType(of(DType::Int32, {2}), of(DType::Float64, {})), DType::Float64);
  EXPECT_EQ(resultType(of(DType::Int32, {2}), number(1.5)), DType::Float32);
  EXPECT_EQ(resultType(of(DType::Bool, {2}), Tensor::wrapped(int64_t(1))), DType::Int64);
  EXPECT_EQ(resultType(of(DType::UInt8, {2}), Tensor::wrapped(int64_t(1))), DType::UInt8);
  EXPECT_EQ(resultType(of(DType::UInt8, {2}), of(DType::Int8, {2})), DType::Int16);
  EXPECT_EQ(resultType(of(DType::Float16, {2}), of(DType::BFloat16, {2})), DType::Float32);
}

TEST(Tensor, RulesOfElementwiseOpsAreFoundFromTheirRecords) {
  EXPECT_TRUE(elementwiseRule(OpKind::Exp).floatOnly);
  EXPECT_TRUE(elementwiseRule(OpKind::Div).floatOnly);
  EXPECT_FALSE(elementwiseRule(OpKind::Add).floatOnly);
  EXPECT_EQ(elementwiseRule(OpKind::Where).promoted, 6u);
}

TEST(Tensor, ExternalMemoryIsGivenBack) {
  float memory[4] = {1, 2, 3, 4};
  bool freed = false;
  {
    Tensor t = Tensor::fromMemory(
        memory, {2, 2}, {1, 2}, DType::Float32, {}, true, [](void *flag) { *static_cast<bool *>(flag) = true; },
        &freed);
    EXPECT_EQ(values(t), (Numbers{1, 3, 2, 4}));
    EXPECT_MESSAGE(zero_(t), "read-only");
    Tensor kept = select(t, 0, 0);
    t = {};
    EXPECT_FALSE(freed);
  }
  EXPECT_TRUE(freed);
  EXPECT_EQ(memory[0], 1);
}

TEST(Tensor, StridedCopies) {
  Tensor source = counting({2, 3, 4}), target = Tensor::empty({4, 3, 2}, DType::Float32);
  copyStrided(permute(source, {2, 1, 0}), target);
  EXPECT_EQ(values(target), values(permute(source, {2, 1, 0})));
  EXPECT_TRUE(overlapsItself({2, 3}, {0, 1}));
  EXPECT_TRUE(overlapsItself({3, 3}, {1, 1}));
  EXPECT_FALSE(overlapsItself({3, 2}, {1, 3}));
}

TEST(Tensor, DevicesAreChecked) {
  EXPECT_MESSAGE(parseDevice("tpu"), "there is no device 'tpu'");
  EXPECT_TRUE(parseDevice("cuda:1").isCuda());
}
