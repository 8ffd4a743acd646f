// Values of a kernel body with overloaded operators: `x * y + one` builds arith operations. The `scalar` fields of the
// op records and the elementary functions (codegen/elementary/Elementary.h) are written in it.
#pragma once
#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"

namespace weft {

struct Scalar {
  mlir::OpBuilder *builder = nullptr;
  mlir::Location location;
  mlir::Value value;
  bool isUnsigned = false; // integers (bool is i1)
  bool isMoved = false;    // as it was in memory, with every bit of a NaN: no operation but a choice gives such values
  bool named =
      false; // elementary functions of it that the dialect math has stay ops of math: for targets that have them

  mlir::Type type() const { return value.getType(); }
  bool isFloat() const;
  // A constant of this scalar's type.
  Scalar constant(double v) const;
  Scalar constantInt(int64_t v) const;
  Scalar with(mlir::Value v) const { return {builder, location, v, isUnsigned, false, named}; }
};

// Arithmetic in the operands' type: no contraction, integers wrap; division of integers truncates.
Scalar operator+(Scalar a, Scalar b);
Scalar operator-(Scalar a, Scalar b);
Scalar operator*(Scalar a, Scalar b);
Scalar operator/(Scalar a, Scalar b);
Scalar operator-(Scalar a);
Scalar operator+(Scalar a, double b);
Scalar operator-(Scalar a, double b);
Scalar operator*(Scalar a, double b);
Scalar operator/(Scalar a, double b);
Scalar operator+(double a, Scalar b);
Scalar operator-(double a, Scalar b);
Scalar operator*(double a, Scalar b);
Scalar operator/(double a, Scalar b);
// Comparisons give i1; with a NaN all are false but operator!=.
Scalar operator<(Scalar a, Scalar b);
Scalar operator<=(Scalar a, Scalar b);
Scalar operator>(Scalar a, Scalar b);
Scalar operator>=(Scalar a, Scalar b);
Scalar operator==(Scalar a, Scalar b);
Scalar operator!=(Scalar a, Scalar b);
// Bitwise on integers and i1.
Scalar operator&(Scalar a, Scalar b);
Scalar operator|(Scalar a, Scalar b);
Scalar operator^(Scalar a, Scalar b);
Scalar operator~(Scalar a);
Scalar shiftLeft(Scalar a, Scalar b);
Scalar shiftRightLogical(Scalar a, Scalar b);
Scalar shiftRightArithmetic(Scalar a, Scalar b);

Scalar truncatedRemainder(Scalar a, Scalar b); // of floats: C's fmod, exact
Scalar select(Scalar condition, Scalar a, Scalar b);
Scalar fma(Scalar a, Scalar b, Scalar c); // one rounding
Scalar maximum(Scalar a, Scalar b);       // NaN wins
Scalar minimum(Scalar a, Scalar b);
Scalar absolute(Scalar a);
Scalar copySign(Scalar magnitude, Scalar sign);
Scalar floor(Scalar a);
Scalar ceil(Scalar a);
Scalar trunc(Scalar a);
Scalar roundEven(Scalar a);
Scalar sqrt(Scalar a); // correctly rounded
Scalar isNan(Scalar a);
Scalar bitcast(Scalar a, mlir::Type type);
// Conversion as PyTorch's `to`: floats to integers truncate, to bool is != 0.
Scalar convert(Scalar a, mlir::Type type, bool toUnsigned = false);
// The f32 that rounds to a float of 16 bits as `a` does; converted to f32 the usual way, `a` would be rounded twice.
Scalar beforeNarrowing(Scalar a);

} // namespace weft
