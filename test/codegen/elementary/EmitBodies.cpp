// Prints every elementary function as a C++ function over arrays, so that AccuracyTest.cpp can run them natively.
#include "codegen/cuda/ScalarPrinter.h"
#include "codegen/elementary/Elementary.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/MLIRContext.h"

#include <functional>
#include <iostream>

using namespace mlir;
using namespace weft;

namespace {

void emit(MLIRContext &context, const std::string &name, llvm::ArrayRef<Type> arguments, Type resultType,
          const std::function<Scalar(llvm::ArrayRef<Scalar>)> &body) {
  OpBuilder builder(&context);
  Location location = builder.getUnknownLoc();
  Block block;
  builder.setInsertionPointToEnd(&block);
  cuda::IndexRanges ranges;
  cuda::ScalarPrinter printer(ranges);
  std::string signature, loads;
  llvm::SmallVector<Scalar> scalars;
  for (auto [i, type] : llvm::enumerate(arguments)) {
    Value argument = block.addArgument(type, location);
    std::string array = "x" + std::to_string(i), element = "e" + std::to_string(i);
    printer.setName(argument, element);
    signature += "const " + cuda::cType(type) + " *" + array + ", ";
    loads += "    const " + cuda::cType(type) + " " + element + " = " + array + "[i];\n";
    scalars.push_back({&builder, location, argument});
  }
  Scalar result = body(scalars);
  std::cout << "void " << name << "(" << signature << cuda::cType(resultType) << " *y, long n) {\n"
            << "  for (long i = 0; i < n; ++i) {\n"
            << loads;
  int operations = 0;
  for (Operation &op : block) {
    std::string statement = printer.statement(op);
    if (statement.empty())
      continue;
    ++operations;
    std::cout << "    " << statement << "\n";
  }
  std::cout << "    y[i] = " << printer.name(result.value) << ";\n  }\n}\n// " << name << ": " << operations
            << " operations\n\n";
}

} // namespace

int main() {
  MLIRContext context;
  context.loadDialect<arith::ArithDialect, math::MathDialect>();
  OpBuilder builder(&context);
  struct Named {
    const char *name;
    Scalar (*function)(Scalar);
  };
  const Named unary[] = {
      {"exp", weft::exp},     {"exp2", weft::exp2},   {"expm1", weft::expm1}, {"log", weft::log},
      {"log2", weft::log2},   {"log10", weft::log10}, {"log1p", weft::log1p}, {"sin", weft::sin},
      {"cos", weft::cos},     {"tan", weft::tan},     {"asin", weft::asin},   {"acos", weft::acos},
      {"atan", weft::atan},   {"sinh", weft::sinh},   {"cosh", weft::cosh},   {"tanh", weft::tanh},
      {"asinh", weft::asinh}, {"acosh", weft::acosh}, {"atanh", weft::atanh}, {"erf", weft::erf},
      {"erfc", weft::erfc},   {"cbrt", weft::cbrt},   {"rsqrt", weft::rsqrt}, {"sigmoid", weft::sigmoid}};
  const std::pair<const char *, Scalar (*)(Scalar, Scalar)> binary[] = {{"pow", weft::pow}, {"atan2", weft::atan2}};
  std::cout << "#include \"test/codegen/elementary/HostPrelude.h\"\n\n";
  for (Type type : {Type(builder.getF32Type()), Type(builder.getF64Type())}) {
    std::string suffix = type.isF32() ? "32" : "64";
    for (const Named &f : unary)
      emit(context, f.name + suffix, {type}, type, [&](llvm::ArrayRef<Scalar> x) { return f.function(x[0]); });
    for (auto [name, function] : binary)
      emit(context, name + suffix, {type, type}, type,
           [&, function = function](llvm::ArrayRef<Scalar> x) { return function(x[0], x[1]); });
    Type i64 = builder.getI64Type();
    emit(context, "uniform01_" + suffix, {i64, i64}, type,
         [&](llvm::ArrayRef<Scalar> x) { return uniform01(x[0], x[1], type, type.isF32() ? 24 : 53); });
    emit(context, "normal01_" + suffix, {i64, i64}, type,
         [&](llvm::ArrayRef<Scalar> x) { return normal01(x[0], x[1], type); });
  }
}
