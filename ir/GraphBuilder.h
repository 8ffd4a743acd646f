// Overloaded operators and functions that build ops of the dialect: the language of the records' derivatives and
// expansions.
//
//   Val y = exp(x - amax(x, {dim}, true));
//
// There is one function an op, its operands first and its attributes after, and the helpers below. Operators broadcast
// their operands as NumPy does, by expand ops; the functions do not. All is found by its argument `Val`, so that no
// name here hides another.
#pragma once
#include "ir/OpTable.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"

namespace weft::build {

// Where ops go.
struct Builder {
  mlir::OpBuilder *builder;
  mlir::Location location;
};

// A value of the graph and where to build on it. A null Val is an operand or derivative that is absent.
struct Val {
  mlir::OpBuilder *builder = nullptr;
  mlir::LocationAttr location;
  mlir::Value value;

  Val() = default;
  Val(mlir::OpBuilder &builder, mlir::Location location, mlir::Value value)
      : builder(&builder), location(location), value(value) {}
  explicit operator bool() const { return bool(value); }
  operator Builder() const { return {builder, mlir::Location(location)}; }

  TensorType type() const;
  Dims shape() const { return type().shape; }
  DType dtype() const { return type().dtype; }
  int rank() const { return shape().size(); }
};

// The results of an op.
struct Results : llvm::SmallVector<Val, 2> {
  Results(Val v) { push_back(v); }
  Results(std::initializer_list<Val> values) : SmallVector(values) {}
  Results() = default;
};

// Makes an op, or gives an operand where the op would not change it: casts to and from a wider dtype, shape ops to the
// same shape, reductions over no axes. Null operands at the end are left out.
Val create(Builder at, OpKind op, llvm::ArrayRef<Val> operands, const Attrs &attrs);
inline Val create(OpKind op, llvm::ArrayRef<Val> operands, const Attrs &attrs) {
  return create(operands.front(), op, operands, attrs);
}

// The same for an op of several results.
Results createAll(OpKind op, llvm::ArrayRef<Val> operands, const Attrs &attrs);

#include "ir/GraphBuilderOps.h.inc"

// Constants, converted to the dtype.
Val filled(Builder at, const Dims &shape, DType dtype, double number);
Val zerosLike(Val x);

Val operator+(Val a, Val b);
Val operator-(Val a, Val b);
Val operator*(Val a, Val b);
Val operator/(Val a, Val b);
Val operator-(Val a);
Val operator==(Val a, Val b);
Val operator!=(Val a, Val b);
Val operator<(Val a, Val b);
Val operator<=(Val a, Val b);
Val operator>(Val a, Val b);
Val operator>=(Val a, Val b);
// With a number: a constant of the other operand's shape and dtype.
#define WEFT_WITH_NUMBER(op)                                                                                           \
  inline Val operator op(Val a, double b) { return a op filled(a, a.shape(), a.dtype(), b); }                          \
  inline Val operator op(double a, Val b) { return filled(b, b.shape(), b.dtype(), a) op b; }
WEFT_WITH_NUMBER(+)
WEFT_WITH_NUMBER(-)
WEFT_WITH_NUMBER(*)
WEFT_WITH_NUMBER(/)
WEFT_WITH_NUMBER(==)
WEFT_WITH_NUMBER(!=)
WEFT_WITH_NUMBER(<)
WEFT_WITH_NUMBER(<=)
WEFT_WITH_NUMBER(>)
WEFT_WITH_NUMBER(>=)
#undef WEFT_WITH_NUMBER
inline Val where(Val condition, Val x, double y) { return where(condition, x, filled(x, x.shape(), x.dtype(), y)); }
inline Val where(Val condition, double x, Val y) { return where(condition, filled(y, y.shape(), y.dtype(), x), y); }

// Shapes. sumTo adds up what an expand to x's shape repeated; expandTo repeats.
Val expandTo(Val x, const Dims &shape);
Val sumTo(Val x, const Dims &shape);
// The result of a reduction of a tensor like x, repeated to x's shape.
Val expandReduced(Val reduced, Val x, const Dims &dims, bool keepdim);
// A list [n] as the axis dim of a shape whose size there is n.
Val alongAxis(Val list, const Dims &shape, int64_t dim);
// Without the axis dim, of size 1, and with it.
Val squeezed(Val x, int64_t dim);
Val unsqueezed(Val x, int64_t dim);
Dims firstAxes(int count);
Dims lastAxes(Val x, int64_t count);
Dims inversePermutation(const Dims &dims);
Dims plusOne(const Dims &dims);
// The number of elements that a reduction over dims takes, less `less` but at least 0, as a number of x's dtype.
Val countOf(Val x, const Dims &dims, int64_t less = 0);

} // namespace weft::build

namespace weft {
using build::Results;
using build::Val;
} // namespace weft
