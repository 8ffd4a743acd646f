// What each op becomes: a line or a few. Elementwise ops, whatever they are, are the bodies of their records; other ops
// have a function here, a source a family.
#pragma once
#include "codegen/stablehlo/HloWriter.h"
#include "ir/OpAccess.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace weft::stablehlo {

using Hlos = std::vector<Hlo>;

Sizes sizes(const Dims &dims);
Sizes filled(size_t count, int64_t value);
Sizes ascending(size_t count); // 0, 1, ...
int64_t product(const Sizes &values);
bool isNarrow(mlir::Type element);                        // a float of 16 bits
std::string pairsOf(const Sizes &low, const Sizes &high); // "[[0, 1], [0, 1]]"

class Printer : HloWriter {
public:
  explicit Printer(mlir::MLIRContext *context) : HloWriter(context) {}
  std::string print(mlir::func::FuncOp main, const std::vector<const void *> &data);

private:
  llvm::DenseMap<mlir::Value, Hlo> values;
  using Body = std::function<Hlos(const Hlos &)>;

  // ---- Printer.cpp
  Hlos run(mlir::func::FuncOp graph, const Hlos &operands);
  Hlos results(mlir::Operation &op, const Hlos &x);
  [[noreturn]] void refuse(mlir::Operation &op, const std::string &why);
  static mlir::Type elementOf(mlir::Value value);
  static Hlo named(const std::string &name, mlir::Value value);

  // ---- Reductions.cpp
  Hlo reduction(mlir::Operation &op, const Hlo &x);
  Hlo reduce(const Hlo &x, const Hlo &init, const char *op, const Sizes &dims);
  Hlos argReduce(const Hlos &x, const Hlos &inits, int64_t dim, const Body &body);

  // ---- Scans.cpp
  Hlos scan(mlir::Operation &op, const Hlos &x);
  Hlo delayed(const Hlo &x, int64_t dim, int64_t steps, const Hlo &before);

  // ---- Products.cpp
  Hlo contraction(mlir::Operation &op, const Hlos &x);
  Hlo convolution(mlir::Operation &op, const Hlos &x);

  // ---- Moves.cpp
  Hlo shape(mlir::Operation &op, const Hlos &x);
  Hlo creation(mlir::Operation &op, const Hlos &x);
  Hlo at(const Hlo &x, int64_t i); // element of a vector, rank 0

  // ---- Indices.cpp
  Hlo scatter(mlir::Operation &op, const Hlos &x);
  Hlo embeddingBag(mlir::Operation &op, const Hlos &x);
  Hlo gather(const Hlo &x, const Hlo &positions, const std::string &dimensions, const Sizes &slices,
             const Sizes &shape);
  Hlo scatterAt(const Hlo &x, const Hlo &positions, const Hlo &source, const std::string &dimensions,
                const char *combine);
  Hlo positionsAlong(const Hlo &index, int64_t dim);

  // ---- Libraries.cpp
  Hlos sorted(mlir::Operation &op, const Hlo &x);
  Hlo fourier(mlir::Operation &op, const Hlo &x);

  // ---- Control.cpp
  Hlos control(mlir::Operation &op, const Hlos &x);
  Hlos loopOverSequences(mlir::Operation &op, const Hlos &x);
  Hlos loop(const Hlos &carried, const std::function<Hlo(const Hlos &)> &condition, const Body &body);
};

} // namespace weft::stablehlo
