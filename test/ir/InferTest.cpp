// What the shape and dtype rules give, and the messages they give to users.
#include "ir/OpTable.h"

#include <gtest/gtest.h>

using namespace weft;

namespace {

const DType F = DType::Float32, I = DType::Int64;
const int64_t S = symbol(0), T = symbol(1);

struct Case {
  OpKind op;
  std::vector<TensorType> operands;
  Attrs attrs;
  std::string expected; // the type, or the error's message
};

std::string outcome(const Case &c) {
  try {
    return toString(inferType(c.op, c.operands.data(), int(c.operands.size()), c.attrs));
  } catch (const UserError &error) {
    return error.what();
  }
}

Attrs reduce(Dims dims, bool keepdim = false) { return {Attr::list(dims), Attr::boolean(keepdim)}; }

TEST(Infer, Table) {
  const Case cases[] = {
      {OpKind::Add, {{F, {2, 3}}, {F, {2, 3}}}, {}, "float32[2, 3]"},
      {OpKind::Add, {{F, {S, 3}}, {F, {S, 3}}}, {}, "float32[s0, 3]"},
      {OpKind::Add,
       {{F, {2, 3}}, {F, {3}}},
       {},
       "[add] the operands must have one shape; got float32[2, 3] and float32[3]; bring them to one with expand or "
       "reshape"},
      {OpKind::Add,
       {{F, {2}}, {I, {2}}},
       {},
       "[add] the operands must have one dtype; got float32[2] and int64[2]; convert one with .to(dtype)"},
      {OpKind::Add, {{F, {2}}}, {}, "[add] takes 2 tensors, but got 1"},
      {OpKind::Exp, {{I, {2}}}, {}, "[exp] needs float operands; got int64[2]; convert them with .to(dtype)"},
      {OpKind::Lt, {{F, {2}}, {F, {2}}}, {}, "bool[2]"},
      {OpKind::Sum, {{F, {2, S, 4}}}, reduce({0, 2}), "float32[s0]"},
      {OpKind::Sum, {{F, {2, 3}}}, reduce({1}, true), "float32[2, 1]"},
      {OpKind::Sum, {{F, {2}}}, reduce({1}), "[sum] the axis 1 is out of range; got float32[2]; axes go from 0 to 0"},
      {OpKind::Amax,
       {{F, {2, 0}}},
       reduce({1}),
       "[amax] no element to choose from along axis 1; got float32[2, 0]; reduce along axes that are not empty"},
      {OpKind::Argmax, {{F, {2, 3}}}, reduce({1}), "int64[2]"},
      {OpKind::Reshape, {{F, {2, S}}}, {Attr::list({S, 2})}, "float32[s0, 2]"},
      {OpKind::Reshape, {{F, {S, T, 6}}}, {Attr::list({*sizeProduct(2, {1, 0}), 3})}, "float32[2*s0*s1, 3]"},
      {OpKind::Reshape,
       {{F, {*sizeProduct(6, {0, 1})}}},
       {Attr::list({3, T, *sizeProduct(2, {0})})},
       "float32[3, s1, 2*s0]"},
      {OpKind::Reshape,
       {{F, {S, T, 6}}},
       {Attr::list({*sizeProduct(1, {0, 0}), 6})},
       "[reshape] shape [s0*s0, 6] is invalid for input float32[s0, s1, 6]; the number of elements must stay the same"},
      {OpKind::Concatenate, {{F, {S, 3}}, {F, {*sizeProduct(2, {0}), 3}}}, {Attr::integer(0)}, "float32[3*s0, 3]"},
      {OpKind::Concatenate,
       {{F, {S}}, {F, {T}}},
       {Attr::integer(0)},
       "[concatenate] the sum of the sizes along axis 0 is no product of symbols; got float32[s0] and float32[s1]; "
       "compile it for this shape"},
      {OpKind::Slice, {{F, {64, S}}}, {Attr::list({0, 2}), Attr::list({T, 3}), Attr::list({1, 1})}, "float32[s1, 3]"},
      {OpKind::Reshape,
       {{F, {2, 3}}},
       {Attr::list({4})},
       "[reshape] shape [4] is invalid for input float32[2, 3]; the number of elements must stay the same"},
      {OpKind::Permute, {{F, {2, 3}}}, {Attr::list({1, 0})}, "float32[3, 2]"},
      {OpKind::Expand, {{F, {1, 3}}}, {Attr::list({4, 2, 3})}, "float32[4, 2, 3]"},
      {OpKind::DotGeneral,
       {{F, {5, 2, 3}}, {F, {5, 3, S}}},
       {Attr::list({0}), Attr::list({0}), Attr::list({2}), Attr::list({1})},
       "float32[5, 2, s0]"},
      {OpKind::Matmul, {{F, {7, 1, 2, 3}}, {F, {4, 3, 5}}}, {}, "float32[7, 4, 2, 5]"},
      {OpKind::Matmul, {{F, {3}}, {F, {3}}}, {}, "float32[]"},
      {OpKind::Matmul,
       {{F, {2, 3}}, {F, {4, 5}}},
       {},
       "[matmul] the inner sizes [3] and [4] must match; got float32[2, 3] and float32[4, 5]; transpose or reshape one "
       "of them"},
      {OpKind::Linear, {{F, {S, 3}}, {F, {4, 3}}, {F, {4}}}, {}, "float32[s0, 4]"},
      {OpKind::IndexSelect, {{F, {4, 3}}, {I, {7}}}, {Attr::integer(0)}, "float32[7, 3]"},
      {OpKind::CrossEntropy,
       {{F, {4, 5}}, {I, {3}}},
       {Attr::integer(1), Attr::integer(-100), Attr::real(0)},
       "[cross_entropy] the target must be [4]; got float32[4, 5] and int64[3]; the target holds one class for each "
       "row of the "
       "input, whose classes are axis 1"},
  };
  for (const Case &c : cases)
    EXPECT_EQ(outcome(c), c.expected);
}

TEST(Infer, RecordsAreWhole) {
  for (int i = 0; i < kOpCount; ++i) {
    const OpInfo &record = info(OpKind(i));
    EXPECT_EQ(opByName(record.name), OpKind(i));
    EXPECT_TRUE(record.infer) << record.name;
    EXPECT_EQ(record.reduction != nullptr, record.family == OpFamily::Reduction) << record.name;
  }
  EXPECT_EQ(info(OpKind::Mul).savesOperands, 3u);
  EXPECT_EQ(info(OpKind::Tanh).savesOperands, 1u << 31);
  EXPECT_EQ(info(OpKind::Sum).savesOperands, 0u);
}

} // namespace
