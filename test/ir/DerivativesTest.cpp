// Every rule on IR: what it builds verifies and has the types it should. Its values are tested where programs run.
#include "ir/Derivatives.h"
#include "ir/OpAccess.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace weft;

namespace {

using weft::TensorType; // not MLIR's

struct Derivatives : testing::TestWithParam<DType> {
  MLIRContext context{MLIRContext::Threading::DISABLED};
  OwningOpRef<ModuleOp> module;
  OpBuilder builder{&context};
  Location location = builder.getUnknownLoc();
  func::FuncOp func;

  Derivatives() {
    context.loadDialect<func::FuncDialect, WeftDialect>();
    module = ModuleOp::create(location);
    builder.setInsertionPointToEnd(module->getBody());
    func = func::FuncOp::create(builder, location, "main", builder.getFunctionType({}, {}));
    builder.setInsertionPointToEnd(func.addEntryBlock());
  }
  Val tensor(const TensorType &type) {
    return Val(builder, location, func.front().addArgument(toMlir(&context, type), location));
  }
  // Builds all rules of an op on operands of these types.
  void check(OpKind op, const std::vector<TensorType> &types, const Attrs &attrs) {
    SCOPED_TRACE(info(op).name);
    SmallVector<Val> operands, tangents;
    for (const TensorType &type : types) {
      operands.push_back(tensor(type));
      tangents.push_back(isFloat(type.dtype) ? tensor(type) : Val());
    }
    Results results = operands.empty() ? build::create(build::Builder{&builder, location}, op, operands, attrs)
                                       : build::createAll(op, operands, attrs);
    ASSERT_EQ(int(results.size()), info(op).resultCount);
    SmallVector<Val> cotangents;
    for (const Val &result : results)
      cotangents.push_back(isFloat(result.dtype()) ? tensor(result.type()) : Val());
    if (hasVjp(op))
      for (size_t i = 0; i < types.size(); ++i)
        if (Val gradient = vjp(op, operands, results, cotangents, attrs, int(i)))
          EXPECT_EQ(toString(gradient.type()), toString(types[i]));
    auto expectTypes = [&](const Results &made) {
      ASSERT_EQ(made.size(), results.size());
      for (size_t i = 0; i < made.size(); ++i)
        if (made[i])
          EXPECT_EQ(toString(made[i].type()), toString(results[i].type()));
    };
    if (hasJvp(op))
      expectTypes(jvp(op, operands, results, tangents, attrs));
    if (info(op).family == OpFamily::Composite)
      expectTypes(expansion(op, operands, attrs));
  }
  ~Derivatives() override {
    func::ReturnOp::create(builder, location);
    func.setType(builder.getFunctionType(func.front().getArgumentTypes(), {}));
    EXPECT_TRUE(succeeded(verify(*module)));
  }
};

TEST_P(Derivatives, Build) {
  const DType F = GetParam(), I = DType::Int64, B = DType::Bool;
  for (int i = 0; i < kOpCount; ++i) {
    OpKind op = OpKind(i);
    const OpInfo &record = info(op);
    Attrs dims{Attr::list({0, 2}), Attr::boolean(false)};
    if (record.family == OpFamily::Elementwise && op != OpKind::Where && op != OpKind::Cast && record.differentiable) {
      Attrs attrs;
      for (int k = 0; k < record.attrCount; ++k)
        attrs.push_back(record.attrs[k].kind == Attr::Kind::Int ? Attr::integer(1) : Attr::boolean(true));
      check(op, std::vector<TensorType>(record.operandCount, {F, {2, 3}}), attrs);
    }
    if (record.family == OpFamily::Reduction && record.differentiable)
      check(op, {{F, {2, 3, 4}}}, dims);
  }
  check(OpKind::Where, {{B, {2}}, {F, {2}}, {F, {2}}}, {});
  check(OpKind::Cast, {{F, {2}}}, {Attr::dtype(DType::Float64)});
  check(OpKind::Cast, {{F, {2}}}, {Attr::dtype(I)});
  check(OpKind::Reshape, {{F, {2, 3}}}, {Attr::list({6})});
  check(OpKind::Permute, {{F, {2, 3, 4}}}, {Attr::list({2, 0, 1})});
  check(OpKind::Expand, {{F, {2, 1}}}, {Attr::list({3, 2, 5})});
  check(OpKind::Slice, {{F, {7, 3}}}, {Attr::list({1, 0}), Attr::list({2, 3}), Attr::list({3, 1})});
  check(OpKind::Pad, {{F, {4, 3}}}, {Attr::list({1, 0}), Attr::list({2, 0}), Attr::list({0, 2}), Attr::real(1)});
  check(OpKind::Concatenate, {{F, {2, 3}}, {F, {2, 1}}, {F, {2, 2}}}, {Attr::integer(1)});
  check(OpKind::Flip, {{F, {2, 3}}}, {Attr::list({1})});
  check(OpKind::DotGeneral, {{F, {7, 2, 5, 3}}, {F, {4, 3, 7, 5}}},
        {Attr::list({0}), Attr::list({2}), Attr::list({3, 2}), Attr::list({1, 3})});
  check(OpKind::Gather, {{F, {4, 3}}, {I, {2, 3}}}, {Attr::integer(0)});
  check(OpKind::IndexSelect, {{F, {4, 3}}, {I, {2}}}, {Attr::integer(1)});
  check(OpKind::Scatter, {{F, {4, symbol(0)}}, {I, {2, symbol(0)}}, {F, {2, symbol(0)}}}, {Attr::integer(0)});
  check(OpKind::ScatterAdd, {{F, {4, 3}}, {I, {2, 3}}, {F, {2, 3}}}, {Attr::integer(0)});
  for (OpKind op : {OpKind::ScatterProd, OpKind::ScatterAmax, OpKind::ScatterAmin})
    check(op, {{F, {4, symbol(0)}}, {I, {2, symbol(0)}}, {F, {2, symbol(0)}}}, {Attr::integer(0)});
  for (OpKind op : {OpKind::Cumsum, OpKind::Cumprod, OpKind::Cummax, OpKind::Cummin, OpKind::Logcumsumexp})
    check(op, {{F, {2, symbol(0), 4}}}, {Attr::integer(1)});
  check(OpKind::EmbeddingBag, {{F, {5, symbol(0)}}, {I, {7}}, {I, {3}}, {F, {7}}}, {});
  check(OpKind::LinearScan, {{F, {2, symbol(0)}}, {F, {2, symbol(0)}}}, {Attr::integer(1)});
  check(OpKind::Iota, {}, {Attr::list({2, 3}), Attr::integer(1), Attr::dtype(I)});
  check(OpKind::Mean, {{F, {2, 3, 4}}}, {Attr::list({0, 2}), Attr::boolean(true)});
  check(OpKind::Var, {{F, {2, 3, 4}}}, {Attr::list({0, 2}), Attr::integer(1), Attr::boolean(false)});
  check(OpKind::Softmax, {{F, {2, symbol(0), 4}}}, {Attr::integer(1)});
  check(OpKind::LogSoftmax, {{F, {2, 3, 4}}}, {Attr::integer(1)});
  check(OpKind::LayerNorm, {{F, {2, 3, 4}}, {F, {3, 4}}, {F, {3, 4}}}, {Attr::integer(2), Attr::real(1e-5)});
  check(OpKind::LayerNorm, {{F, {2, 3, 4}}}, {Attr::integer(1), Attr::real(1e-5)});
  for (int reduction = 0; reduction < 3; ++reduction) {
    check(OpKind::CrossEntropy, {{F, {2, 3, 4}}, {I, {2, 4}}},
          {Attr::integer(reduction), Attr::integer(-100), Attr::real(0)});
    check(OpKind::CrossEntropy, {{F, {2, 3}}, {I, {2}}, {F, {3}}},
          {Attr::integer(reduction), Attr::integer(1), Attr::real(0.1)});
    check(OpKind::CrossEntropy, {{F, {3}}, {I, {}}}, {Attr::integer(reduction), Attr::integer(-100), Attr::real(0)});
    check(OpKind::MseLoss, {{F, {2, 3}}, {F, {2, 3}}}, {Attr::integer(reduction)});
  }
  check(OpKind::Linear, {{F, {symbol(0), 2, 3}}, {F, {4, 3}}, {F, {4}}}, {});
  check(OpKind::Linear, {{F, {3}}, {F, {4, 3}}}, {});
  const std::pair<Dims, Dims> products[] = {
      {{2, 3}, {3, 4}}, {{3}, {3}},       {{2, 3}, {3}},       {{3}, {3, 4}},          {{5, 2, 3}, {3, 4}},
      {{5, 2, 3}, {3}}, {{3}, {5, 3, 4}}, {{2, 3}, {5, 3, 4}}, {{1, 2, 3}, {5, 3, 4}}, {{6, 1, 2, 3}, {5, 3, 4}}};
  for (const auto &[x, y] : products)
    check(OpKind::Matmul, {{F, x}, {F, y}}, {});
  check(OpKind::Dropout, {{F, {2, 3}}, {I, {2}}}, {Attr::real(0.3), Attr::integer(0)});
  check(OpKind::Embedding, {{I, {2, 3}}, {F, {4, 5}}}, {Attr::integer(1)});
  check(OpKind::ScaledDotProductAttention, {{F, {2, 3, 4}}, {F, {2, 5, 4}}, {F, {2, 5, 6}}, {B, {3, 5}}},
        {Attr::boolean(true), Attr::real(0.5)});
}

INSTANTIATE_TEST_SUITE_P(DTypes, Derivatives, testing::Values(DType::Float32, DType::BFloat16),
                         [](const auto &info) { return std::string(name(info.param)); });

} // namespace
