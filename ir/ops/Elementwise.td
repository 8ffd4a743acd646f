// Arithmetic, comparison, logic, selection and conversion: one scalar body an op. All operands have one shape. In a kernel an integer
// divided by 0 gives 0: that it does not come to pass is a check of the front end's (frontend/dispatch/OperandCheck.h).
#ifndef WEFT_OPS_ELEMENTWISE
#define WEFT_OPS_ELEMENTWISE

include "ir/ops/Base.td"

// `accepts` is a sum of Bool, Int, Float of ir/Infer.h; `gives` is Same or ToBool.
class Elementwise<string mnemonic, list<string> operands, string accepts, string gives = "Same", list<A> attrs = []>
    : Weft_Op<mnemonic, "Elementwise", operands, attrs> {
  let infer = "elementwise<" # accepts # ", " # gives # ">";
  let batching = "leading";
  let symbolic = 1;
  let upcast = 1;
  let domain = "(-2, 2)";
}

class Unary<string mnemonic, string accepts = "Float", string gives = "Same">
    : Elementwise<mnemonic, ["x"], accepts, gives> {
  let examples = ["dict(x=F(2, 3))", "dict(x=F())", "dict(x=F(0, 2))", "dict(x=F(129))"];
}
class Binary<string mnemonic, string accepts = "Int | Float", string gives = "Same">
    : Elementwise<mnemonic, ["x", "y"], accepts, gives> {
  let dtypes = "int float";
  let examples = ["dict(x=F(2, 3), y=F(2, 3))", "dict(x=F(), y=F())", "dict(x=F(65), y=F(65))"];
}

// What a number takes part in as a float32, whatever the floats beside it are.
class Arithmetic<string mnemonic, string accepts = "Int | Float"> : Binary<mnemonic, accepts> {
  let infer = "arithmetic<" # accepts # ">";
}

def AddOp : Arithmetic<"add", "Bool | Int | Float"> {
  let complex = "Parts";
  let summary = "Sum of two tensors, elementwise.";
  let description = "x, y: one shape and dtype. Integers wrap; for bool it is the logical or.";
  let scalar = "isBool(x) ? x | y : x + y";
  let leftIdentity = "-0.0"; // + 0 would make 0 of -0
  let rightIdentity = "-0.0";
  let modular = 1;
  let vjp = ["ct", "ct"];
  let numpy = "numpy.add(x, y)";
  let python = "(input, other, *, alpha=1)";
  let dtypes = "bool int float";
}
def SubOp : Arithmetic<"sub"> {
  let complex = "Parts";
  let summary = "Difference of two tensors, elementwise.";
  let description = "x, y: one shape and dtype, not bool. Integers wrap.";
  let scalar = "x - y";
  let rightIdentity = "0.0";
  let modular = 1;
  let vjp = ["ct", "-ct"];
  let numpy = "numpy.subtract(x, y)";
  let python = "(input, other, *, alpha=1)";
}
def MulOp : Arithmetic<"mul", "Bool | Int | Float"> {
  let complex = "complex_mul";
  let summary = "Product of two tensors, elementwise.";
  let description = "x, y: one shape and dtype. Integers wrap; for bool it is the logical and.";
  let scalar = "isBool(x) ? x & y : x * y";
  let leftIdentity = "1.0";
  let rightIdentity = "1.0";
  let modular = 1;
  let vjp = ["ct * y", "ct * x"];
  let numpy = "numpy.multiply(x, y)";
  let dtypes = "bool int float";
}
def AddScaledOp : Elementwise<"add_scaled", ["x", "y", "alpha"], "Bool | Int | Float"> {
  let complex = "complex_add_scaled";
  let summary = "x + y * alpha, elementwise.";
  let description = "x, y, alpha: one shape and dtype. For bool the logical operations.";
  let infer = "arithmetic<Bool | Int | Float>";
  let modular = 1;
  let scalar = "isBool(x) ? x | (y & alpha) : x + y * alpha";
  let vjp = ["ct", "ct * alpha", "ct * y"];
  let numpy = "numpy.add(x, numpy.multiply(y, alpha))";
  let dtypes = "bool int float";
  let examples = ["dict(x=F(2, 3), y=F(2, 3), alpha=F(2, 3))", "dict(x=F(65), y=F(65), alpha=F(65))"];
}
def DivOp : Arithmetic<"div", "Float"> {
  let complex = "complex_div";
  let summary = "Quotient of two tensors, elementwise.";
  let description = "x, y: one shape and one float dtype. Division by zero gives an infinity or NaN, as IEEE 754 says.";
  let scalar = "x / y";
  let rightIdentity = "1.0";
  let vjp = ["ct / y", "-ct * (x / y) / y"]; // not by the result: it may be written to, as in PyTorch
  let numpy = "numpy.divide(x, y)";
  let python = "(input, other, *, rounding_mode=None)";
  let domain = "(0.5, 2)";
  let dtypes = "float";
}
def RemainderOp : Arithmetic<"remainder"> {
  let summary = "Remainder with the sign of the divisor, elementwise: Python's x % y.";
  let description = "x, y: one shape and dtype, not bool. The exact remainder, rounded. An integer modulo zero is an error.";
  let scalar = [{
    if (x.isFloat()) {
      Scalar r = truncatedRemainder(x, y);
      return select((r != 0) & ((r < 0) != (y < 0)), r + y, r);
    }
    Scalar r = x - x / y * y, zero = x.constantInt(0);
    r = select(y == zero, zero, r);
    return x.isUnsigned ? r : select((r != zero) & ((r < zero) != (y < zero)), r + y, r);
  }];
  let checks = [ValueCheck<"Divisor", "y", "x">];
  let vjp = ["ct", "-ct * floor_divide(x, y)"];
  let numpy = "numpy.remainder(x, y)";
  let domain = "(0.5, 2)";
}
def FmodOp : Arithmetic<"fmod"> {
  let summary = "Remainder with the sign of the dividend, elementwise: C's fmod.";
  let description = "x, y: one shape and dtype, not bool. Exact. An integer modulo zero is an error.";
  let scalar = [{
    if (x.isFloat())
      return truncatedRemainder(x, y);
    Scalar zero = x.constantInt(0);
    return select(y == zero, zero, x - x / y * y);
  }];
  let checks = [ValueCheck<"Divisor", "y", "x">];
  let vjp = ["ct", "-ct * trunc(x / y)"];
  let numpy = "numpy.fmod(x, y)";
  let domain = "(0.5, 2)";
}
def FloorDivideOp : Arithmetic<"floor_divide"> {
  let summary = "Quotient rounded towards minus infinity, elementwise: Python's x // y.";
  let description = "x, y: one shape and dtype, not bool. An integer divided by zero is an error.";
  let scalar = [{
    if (x.isFloat()) {
      Scalar r = truncatedRemainder(x, y), quotient = (x - r) / y;
      quotient = select((r != 0) & ((r < 0) != (y < 0)), quotient - 1, quotient);
      Scalar rounded = floor(quotient);
      rounded = select(quotient - rounded > x.constant(0.5), rounded + 1, rounded);
      rounded = select(quotient == 0, copySign(x.constant(0), x / y), rounded);
      return select(y == 0, x / y, rounded);
    }
    Scalar q = x / y, zero = x.constantInt(0), one = x.constantInt(1);
    if (x.isUnsigned)
      return q;
    Scalar r = x - q * y;
    return select((y != zero) & (r != zero) & ((r < zero) != (y < zero)), q - one, q);
  }];
  let checks = [ValueCheck<"Divisor", "y", "x">];
  let numpy = "numpy.floor_divide(x, y)";
  let domain = "(0.5, 2)";
}
def MaximumOp : Binary<"maximum", "Bool | Int | Float"> {
  let summary = "The greater of two tensors, elementwise; a NaN wins.";
  let description = "x, y: one shape and dtype. Where both are equal each gets half of the gradient.";
  let scalar = "isBool(x) ? x | y : maximum(x, y)";
  let lowerBounds = ["x", "y"];
  let idempotent = 1;
  let vjp = ["where(x > y, ct, where(x == y, ct * 0.5, 0.0))", "where(y > x, ct, where(x == y, ct * 0.5, 0.0))"];
  let numpy = "numpy.maximum(x, y)";
  let dtypes = "bool int float";
}
def MinimumOp : Binary<"minimum", "Bool | Int | Float"> {
  let summary = "The smaller of two tensors, elementwise; a NaN wins.";
  let description = "x, y: one shape and dtype. Where both are equal each gets half of the gradient.";
  let scalar = "isBool(x) ? x & y : minimum(x, y)";
  let upperBounds = ["x", "y"];
  let idempotent = 1;
  let vjp = ["where(x < y, ct, where(x == y, ct * 0.5, 0.0))", "where(y < x, ct, where(x == y, ct * 0.5, 0.0))"];
  let numpy = "numpy.minimum(x, y)";
  let dtypes = "bool int float";
}

def ClampMinOp : Binary<"clamp_min"> {
  let summary = "x limited to at least y, elementwise.";
  let description = "x, y: one shape and dtype, not bool. A NaN wins. Where both are equal x gets the gradient.";
  let scalar = "maximum(x, y)";
  let lowerBounds = ["x", "y"];
  let vjp = ["where(x >= y, ct, 0.0)", "where(x < y, ct, 0.0)"];
  let numpy = "numpy.maximum(x, y)";
}
def ClampMaxOp : Binary<"clamp_max"> {
  let summary = "x limited to at most y, elementwise.";
  let description = "x, y: one shape and dtype, not bool. A NaN wins. Where both are equal x gets the gradient.";
  let scalar = "minimum(x, y)";
  let upperBounds = ["x", "y"];
  let vjp = ["where(x <= y, ct, 0.0)", "where(x > y, ct, 0.0)"];
  let numpy = "numpy.minimum(x, y)";
}

def NegOp : Unary<"neg", "Int | Float"> {
  let complex = "Parts";
  let summary = "Negative, elementwise.";
  let description = "x: any shape and dtype but bool.";
  let scalar = "-x";
  let involution = 1;
  let vjp = ["-ct"];
  let numpy = "numpy.negative(x)";
  let dtypes = "int float";
}
def AbsOp : Unary<"abs", "Int | Float"> {
  let complex = "complex_abs";
  let summary = "Absolute value, elementwise.";
  let description = "x: any shape and dtype but bool. The gradient at 0 is 0.";
  let scalar = "x.isUnsigned ? x : absolute(x)";
  let vjp = ["ct * sign(x)"];
  let numpy = "numpy.abs(x)";
  let dtypes = "int float";
}
def SignOp : Unary<"sign", "Bool | Int | Float"> {
  let summary = "-1, 0 or 1 by the sign, elementwise; 0 for NaN.";
  let description = "x: any shape and dtype.";
  let scalar = [{
    Scalar zero = x.constantInt(0), one = x.constantInt(1);
    Scalar positive = select(x > zero, one, zero);
    return x.isUnsigned ? positive : select(x < zero, x.constantInt(-1), positive);
  }];
  let vjp = ["zerosLike(x)"];
  let numpy = "(1 * (x > 0) - 1 * (x < 0)).astype(x.dtype)";
  let dtypes = "bool int float";
}
def ReciprocalOp : Unary<"reciprocal"> {
  let complex = "complex_reciprocal";
  let summary = "1 / x, elementwise.";
  let description = "x: any shape, float.";
  let scalar = "1.0 / x";
  let vjp = ["-ct * result * result"];
  let numpy = "numpy.reciprocal(x)";
  let domain = "(0.5, 2)";
}
def SquareOp : Unary<"square", "Int | Float"> {
  let complex = "complex_square";
  let summary = "x * x, elementwise.";
  let description = "x: any shape and dtype but bool.";
  let scalar = "x * x";
  let converts = "BoolsToInt64"; // a power, as PyTorch has it
  let vjp = ["ct * (x + x)"];
  let numpy = "numpy.square(x)";
  let dtypes = "int float";
}

class Comparison<string mnemonic, string symbol, string words> : Binary<mnemonic, "Bool | Int | Float", "ToBool"> {
  let summary = "Whether x " # words # " y, elementwise, as bool.";
  let description = "x, y: one shape and dtype. With a NaN only `ne` is true.";
  let numpy = "x " # symbol # " y";
  let relation = symbol;
  let dtypes = "bool int float";
}
def EqOp : Comparison<"eq", "==", "equals"> { let complex = "complex_eq"; let scalar = "x == y"; }
def NeOp : Comparison<"ne", "!=", "differs from"> { let complex = "complex_ne"; let scalar = "x != y"; }
def LtOp : Comparison<"lt", "<", "is less than"> { let scalar = "isBool(x) ? ~x & y : x < y"; }
def LeOp : Comparison<"le", "<=", "is at most"> { let scalar = "isBool(x) ? ~x | y : x <= y"; }
def GtOp : Comparison<"gt", ">", "is greater than"> { let scalar = "isBool(x) ? x & ~y : x > y"; }
def GeOp : Comparison<"ge", ">=", "is at least"> { let scalar = "isBool(x) ? x | ~y : x >= y"; }

class Logical<string mnemonic, string operator> : Binary<mnemonic, "Bool | Int | Float", "ToBool"> {
  let summary = "Logical " # operator # ", elementwise, as bool.";
  let description = "x, y: one shape and dtype; nonzero is true.";
  let numpy = "numpy.logical_" # operator # "(x, y)";
  let dtypes = "bool int float";
}
def LogicalAndOp : Logical<"logical_and", "and"> { let complex = "Bools"; let scalar = "truth(x) & truth(y)"; }
def LogicalOrOp : Logical<"logical_or", "or"> { let complex = "Bools"; let scalar = "truth(x) | truth(y)"; }
def LogicalXorOp : Logical<"logical_xor", "xor"> { let complex = "Bools"; let scalar = "truth(x) ^ truth(y)"; }
def LogicalNotOp : Unary<"logical_not", "Bool | Int | Float", "ToBool"> {
  let complex = "Bools";
  let summary = "Logical not, elementwise, as bool.";
  let description = "x: any shape and dtype; nonzero is true.";
  let scalar = "~truth(x)";
  let numpy = "numpy.logical_not(x)";
  let dtypes = "bool int float";
}

class Bitwise<string mnemonic, string operator> : Binary<mnemonic, "Bool | Int"> {
  let modular = 1;
  let summary = "Bitwise " # operator # ", elementwise.";
  let description = "x, y: one shape, one integer dtype or bool.";
  let numpy = "numpy.bitwise_" # operator # "(x, y)";
  let dtypes = "bool int";
}
def BitwiseAndOp : Bitwise<"bitwise_and", "and"> { let scalar = "x & y"; }
def BitwiseOrOp : Bitwise<"bitwise_or", "or"> { let scalar = "x | y"; }
def BitwiseXorOp : Bitwise<"bitwise_xor", "xor"> { let scalar = "x ^ y"; }
def BitwiseNotOp : Unary<"bitwise_not", "Bool | Int"> {
  let summary = "Bitwise not, elementwise; the logical not of a bool.";
  let description = "x: any shape, integer or bool.";
  let scalar = "~x";
  let involution = 1;
  let numpy = "numpy.invert(x)";
  let dtypes = "bool int";
}
def BitwiseLeftShiftOp : Binary<"bitwise_left_shift", "Int"> {
  let summary = "x shifted left by y bits, elementwise.";
  let description = "x, y: one shape and integer dtype. A count outside [0, bits) gives 0.";
  let scalar = "select(shiftCountFits(y), shiftLeft(x, y), x.constantInt(0))";
  let numpy = "numpy.left_shift(x, y)";
  let domain = "(0, 4)";
  let dtypes = "int";
}
def BitwiseRightShiftOp : Binary<"bitwise_right_shift", "Int"> {
  let summary = "x shifted right by y bits, elementwise; signed integers keep their sign.";
  let description = "x, y: one shape and integer dtype. A count outside [0, bits) shifts by bits - 1, or gives 0 if unsigned.";
  let scalar = [{
    if (x.isUnsigned)
      return select(shiftCountFits(y), shiftRightLogical(x, y), x.constantInt(0));
    Scalar last = y.constantInt(y.type().getIntOrFloatBitWidth() - 1);
    return shiftRightArithmetic(x, select(shiftCountFits(y), y, last));
  }];
  let numpy = "numpy.right_shift(x, y)";
  let domain = "(0, 4)";
  let dtypes = "int";
}

def WhereOp : Weft_Op<"where", "Elementwise", ["condition", "x", "y"]> {
  let complex = "Parts";
  let summary = "x where the condition holds, else y, elementwise.";
  let description = "condition: bool; x, y: one dtype; all of one shape.";
  let infer = "where";
  let batching = "leading";
  let symbolic = 1;
  let scalar = "select(condition, x, y)";
  let selects = ["x", "y"];
  let vjp = ["", "where(condition, ct, 0.0)", "where(condition, 0.0, ct)"];
  let numpy = "numpy.where(condition, x, y)";
  let python = "(condition, input, other)";
  let domain = "(-2, 2)";
  let examples = ["dict(condition=B(2, 3), x=F(2, 3), y=F(2, 3))"];
  let dtypes = "bool int float";
}
def ClampOp : Elementwise<"clamp", ["x", "low", "high"], "Int | Float"> {
  let summary = "x limited to [low, high], elementwise.";
  let description = "x, low, high: one shape and dtype. Where low > high the result is high; a NaN stays.";
  let scalar = "minimum(maximum(x, low), high)";
  let lowerBounds = ["low"];
  let upperBounds = ["high"];
  let vjp = ["where(logical_and(x >= low, x <= high), ct, 0.0)",
             "where(logical_and(x < low, low < high), ct, 0.0)",
             "where(logical_or(x > high, low > high), ct, 0.0)"];
  let numpy = "numpy.minimum(numpy.maximum(x, low), high)";
  let examples = ["dict(x=F(2, 3), low=F(2, 3), high=F(2, 3))"];
  let dtypes = "int float";
}
def CastOp : Weft_Op<"cast", "Elementwise", ["x"], [A<"dtype", "DType">]> {
  let summary = "x converted to another dtype.";
  let description = "x: any. Floats become integers by truncation; anything becomes bool by `!= 0`.";
  let infer = "cast";
  let batching = "leading";
  let symbolic = 1;
  let scalar = "convertTo(dtype, x, elementType)";
  let vjp = ["isFloat(dtype) ? cast(ct, x.dtype()) : Val()"];
  let jvp = "t_x && isFloat(dtype) ? cast(t_x, dtype) : Val()";
  let numpy = "x.astype(dtype)";
  let domain = "(-2, 2)";
  let examples = ["dict(x=F(2, 3), dtype='float32')", "dict(x=F(2, 3), dtype='int32')", "dict(x=F(5), dtype='float64')"];
  let dtypes = "bool int float";
  let python = "(input, dtype)";
}
#endif
