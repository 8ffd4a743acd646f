// StableHLO as text, an operation a call. StableHLO is no dialect of Debian's MLIR, so what is written is written as
// text.
#pragma once
#include "ir/Dims.h"
#include "ir/OpTable.h"

#include "mlir/IR/BuiltinTypes.h"

#include <functional>
#include <string>
#include <vector>

namespace weft::stablehlo {

using Sizes = std::vector<int64_t>;

// A value of the text. Integers without a sign are MLIR's signless ones.
struct Hlo {
  std::string name;
  mlir::Type element;
  Sizes shape;
};

std::string listOf(llvm::ArrayRef<int64_t> values); // "[0, 1]"

class HloWriter {
public:
  explicit HloWriter(mlir::MLIRContext *context) : context(context) {}

  // ---- text
  std::string text;
  void line(const std::string &words);
  void open(const std::string &words);        // a line, and what follows is further in
  void close(const std::string &words = "}"); // the other way
  void between(const std::string &words);     // as close and open
  std::string fresh() { return "%" + std::to_string(next++); }
  static std::string typeOf(mlir::Type element, llvm::ArrayRef<int64_t> shape);
  static std::string typeOf(const Hlo &value) { return typeOf(value.element, value.shape); }
  // "%1 = words", whose result has this type, which the words end in.
  Hlo define(const std::string &words, mlir::Type element, const Sizes &shape);
  // The same for "op" "operands" "attributes" ":" types of the operands "->" the result's.
  Hlo typed(const std::string &op, const std::vector<Hlo> &operands, const std::string &attributes, mlir::Type element,
            const Sizes &shape);

  // ---- types
  mlir::MLIRContext *const context;
  mlir::Type boolType() const { return integer(1); }
  mlir::Type integer(unsigned width) const { return mlir::IntegerType::get(context, width); }
  mlir::Type float32() const { return mlir::Float32Type::get(context); }

  // ---- constants
  Hlo number(double value, mlir::Type element, const Sizes &shape = {});
  Hlo whole(int64_t value, mlir::Type element, const Sizes &shape = {});
  Hlo smallest(mlir::Type element, const Sizes &shape = {}); // that nothing is less than: -infinity of floats
  Hlo greatest(mlir::Type element, const Sizes &shape = {});
  Hlo data(const void *bytes, mlir::Type element, const Sizes &shape); // row-major, a byte a bool

  // ---- elementwise, of one shape
  Hlo unary(const char *op, const Hlo &x);
  Hlo binary(const char *op, const Hlo &a, const Hlo &b); // in a's type
  Hlo compare(const char *direction, const Hlo &a, const Hlo &b);
  Hlo select(const Hlo &condition, const Hlo &a, const Hlo &b);
  Hlo convert(const Hlo &x, mlir::Type element); // as numbers
  Hlo bits(const Hlo &x, mlir::Type element);    // as they are in memory
  Hlo isNan(const Hlo &x) { return compare("NE", x, x); }
  // The body of an op's record, on whole tensors: the ops of arith and math that it builds, each as one of StableHLO.
  Hlo scalarBody(OpKind op, const std::vector<Hlo> &operands, const Attrs &attrs, mlir::Type element,
                 const Sizes &shape);

  // ---- moves
  Hlo iota(int64_t dim, mlir::Type element, const Sizes &shape);
  Hlo broadcast(const Hlo &x, llvm::ArrayRef<int64_t> axes, const Sizes &shape); // axis i of x is axes[i] of the result
  Hlo reshape(const Hlo &x, const Sizes &shape);
  Hlo slice(const Hlo &x, llvm::ArrayRef<int64_t> starts, llvm::ArrayRef<int64_t> sizes, llvm::ArrayRef<int64_t> steps);
  Hlo pad(const Hlo &x, const Hlo &value, llvm::ArrayRef<int64_t> low, llvm::ArrayRef<int64_t> high,
          llvm::ArrayRef<int64_t> interior);
  Hlo concatenate(const std::vector<Hlo> &parts, int64_t dim);

  // ---- regions
  // Writes "^bb0(...):" with arguments of these types, the body and its return.
  void block(const std::vector<Hlo> &arguments, const std::function<std::vector<Hlo>(const std::vector<Hlo> &)> &body);
  void yield(const std::vector<Hlo> &values);

private:
  int next = 0;
  int depth = 0;
  Hlo asInteger(const Hlo &x, bool isUnsigned);
  Hlo like(const Hlo &x, mlir::Type element); // integers of one width only differ by their sign
  Hlo ofOp(mlir::Operation &op, const std::vector<Hlo> &operands, const Sizes &shape);
};

} // namespace weft::stablehlo
