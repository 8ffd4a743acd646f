// The dialect's text, its verifiers, and graphs to IR and back.
#include "ir/GraphIR.h"
#include "ir/OpAccess.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace weft;

namespace {

struct Dialect : testing::Test {
  MLIRContext context{MLIRContext::Threading::DISABLED};
  Dialect() { context.loadDialect<func::FuncDialect, WeftDialect>(); }

  // The first error of parsing and verifying the body of a function of %x, a 2 x 3 tensor; empty: none.
  std::string error(const std::string &body) {
    std::string message;
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &d) {
      if (message.empty())
        message = d.str();
    });
    std::string text = "func.func @main(%x: tensor<2x3xf32>) {\n" + body + "\nreturn\n}";
    parseSourceString<ModuleOp>(text, &context);
    return message;
  }
};

TEST_F(Dialect, OpsFollowTheirRecords) {
  EXPECT_EQ(error("%y = weft.softmax %x {dim = 1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>"), "");
  EXPECT_EQ(error("%y = weft.softmax %x : (tensor<2x3xf32>) -> tensor<2x3xf32>"),
            "'weft.softmax' op needs the attribute 'dim'");
  EXPECT_EQ(error("%y = weft.softmax %x {dim = 1.0} : (tensor<2x3xf32>) -> tensor<2x3xf32>"),
            "'weft.softmax' op has an attribute 'dim' of the wrong kind: 1.000000e+00 : f64");
  EXPECT_EQ(error("%y = weft.exp %x : (tensor<2x3xf32>) -> tensor<3x2xf32>"),
            "'weft.exp' op gives 'tensor<2x3xf32>', not 'tensor<3x2xf32>'");
  EXPECT_EQ(error("%y = weft.softmax %x {dim = 2 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>"),
            "'weft.softmax' op [softmax] the axis 2 is out of range; got float32[2, 3]; axes go from 0 to 1");
}

TEST_F(Dialect, Groups) {
  EXPECT_EQ(error("%y = weft.group (%a = %x : tensor<2x3xf32>) -> (tensor<2x3xf32>) attributes {kind = \"loop\"} {\n"
                  "  %b = weft.exp %a : (tensor<2x3xf32>) -> tensor<2x3xf32>\n"
                  "  weft.yield %b : tensor<2x3xf32>\n}"),
            "");
  EXPECT_EQ(error("%y = weft.group (%a = %x : tensor<2x3xf32>) -> (tensor<2xf32>) {\n"
                  "  weft.yield %a : tensor<2x3xf32>\n}"),
            "'weft.group' op must yield values of its results' types");
}

TEST_F(Dialect, SymbolsAreWritten) {
  EXPECT_EQ(error("%y = weft.full {shape = array<i64: -1>, value = 0.0, integer = 0 : i64, dtype = f32} : () -> "
                  "tensor<?x?xf32, #weft.symbols<[0, 3 * s0 * s1]>>"),
            "'weft.full' op gives 'tensor<?xf32, #weft.symbols<[0]>>', not 'tensor<?x?xf32, #weft.symbols<[0, 3 * s0 * "
            "s1]>>'");
  EXPECT_EQ(error("%y = weft.exp %x : (tensor<2x3xf32>) -> tensor<?xf32, #weft.symbols<[s0 * 3]>>"),
            "expected valid keyword");
  EXPECT_EQ(error("%y = weft.exp %x : (tensor<2x3xf32>) -> tensor<?xf32, #weft.symbols<[0 * s0]>>"),
            "expected symbols from 0 on, and in a product numbers that are not too large");
}

TEST_F(Dialect, GraphsRoundTrip) {
  Graph graph;
  graph.symbolCount = 2;
  graph.typicalSizes = {256, {7, 300}};
  ValueId x = graph.addInput({DType::UInt8, {symbol(1), 3}}, {symbol(0), 1});
  ValueId y = graph.addInput({DType::UInt8, {symbol(1), 3}});
  graph.addInput({DType::Bool, {*sizeProduct(12, {0, 1}), symbol(0)}});
  graph.locations = {"a:b.py:7", "somewhere"};
  ValueId sum = graph.addNode(OpKind::Add, {x, y}, {}, graph.type(x), 0);
  graph.outputs = {
      graph.addNode(OpKind::Cast, {sum}, {Attr::dtype(DType::BFloat16)}, {DType::BFloat16, {symbol(1), 3}}, 1), y};
  graph.donations = {-1, 1};
  OwningOpRef<ModuleOp> module = importGraph(graph, context);
  ASSERT_TRUE(succeeded(verify(*module)));
  Graph back = exportGraph(*module);
  EXPECT_EQ(serialize(back), serialize(graph));
  EXPECT_EQ(back.locations, graph.locations);
  EXPECT_EQ(back.nodes[1].location, 1);

  std::string text;
  llvm::raw_string_ostream stream(text);
  module->print(stream);
  OwningOpRef<ModuleOp> parsed = parseSourceString<ModuleOp>(text, &context);
  ASSERT_TRUE(parsed) << text;
  EXPECT_EQ(serialize(exportGraph(*parsed)), serialize(graph));
}

} // namespace
