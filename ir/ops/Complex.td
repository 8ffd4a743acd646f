// Ops on complex numbers as pairs: the last axis of an operand has size 2, the real and the imaginary part. They are what the ops that
// name them in their field `complex` do with complex tensors, which are the front end's (frontend/dispatch/Complex.h). A gradient is a pair,
// too, so the derivative of a holomorphic f takes the cotangent times the conjugate of f', as PyTorch has it.
#ifndef WEFT_OPS_COMPLEX
#define WEFT_OPS_COMPLEX

include "ir/ops/Base.td"

// `of` is the reference, of the NumPy arrays z and w of complex numbers.
class OnPairs<string mnemonic, list<string> operands, string of, string gives = "Pairs">
    : Weft_Op<"complex_" # mnemonic, "Composite", operands> {
  let infer = "pairs<" # gives # ">";
  let batching = "leading";
  let symbolic = 1;
  let pairs = 1;
  let complex = "complex_" # mnemonic;
  let upcast = 1;
  let independent = "every_axis(but=[x.ndim - 1])";
  let numpy = "\n    z, w = x[..., 0] + 1j * x[..., 1], " # !if(!eq(!size(operands), 2), "y[..., 0] + 1j * y[..., 1]", "None") # "\n"
              # "    r = " # of # "\n    return " # !if(!eq(gives, "Pairs"), "numpy.stack([r.real, r.imag], -1)", "r") # "\n  ";
  let domain = "(0.2, 2)";
}
class UnaryOnPairs<string mnemonic, string of, string gives = "Pairs"> : OnPairs<mnemonic, ["x"], of, gives> {
  let description = "x: float, pairs along the last axis.";
  let examples = ["dict(x=P(2, 3))", "dict(x=P())", "dict(x=P(0))", "dict(x=P(129))"];
  let python = "(input)";
}
class BinaryOnPairs<string mnemonic, string of, string gives = "Pairs"> : OnPairs<mnemonic, ["x", "y"], of, gives> {
  let description = "x, y: one shape and float dtype, pairs along the last axis.";
  let examples = ["dict(x=P(2, 3), y=P(2, 3))", "dict(x=P(65), y=P(65))"];
  let python = "(input, other)";
}

def ComplexMulOp : BinaryOnPairs<"mul", "z * w"> {
  let summary = "Product of complex numbers.";
  let expansion = "complexProduct(x, y)";
  let vjp = ["conjugateProduct(ct, y)", "conjugateProduct(ct, x)"];
}
def ComplexDivOp : BinaryOnPairs<"div", "z / w"> {
  let summary = "Quotient of complex numbers.";
  let expansion = "complexQuotient(x, y)";
  let vjp = ["complex_div(ct, complex_conj(y))", "-complex_div(conjugateProduct(ct, complex_div(x, y)), complex_conj(y))"];
}
def ComplexAddScaledOp : OnPairs<"add_scaled", ["x", "y", "alpha"], "0"> {
  let summary = "x + y * alpha of complex numbers.";
  let description = "x, y, alpha: one shape and float dtype, pairs along the last axis.";
  let expansion = "x + complex_mul(y, alpha)";
  let numpy = [{
    product = (y[..., 0] + 1j * y[..., 1]) * (alpha[..., 0] + 1j * alpha[..., 1])
    return x + numpy.stack([product.real, product.imag], -1)
  }];
  let examples = ["dict(x=P(2, 3), y=P(2, 3), alpha=P(2, 3))"];
  let python = "(input, other, *, alpha)";
}
def ComplexConjOp : UnaryOnPairs<"conj", "numpy.conj(z)"> {
  let summary = "Conjugate of complex numbers.";
  let expansion = "pairsOf(realOf(x), -imaginaryOf(x))";
  let vjp = ["complex_conj(ct)"];
}
def ComplexReciprocalOp : UnaryOnPairs<"reciprocal", "1 / z"> {
  let summary = "1 / x of complex numbers.";
  let expansion = "complexReciprocal(x)";
  let vjp = ["-conjugateProduct(ct, complex_square(result))"];
}
def ComplexSquareOp : UnaryOnPairs<"square", "z * z"> {
  let summary = "x * x of complex numbers.";
  let expansion = "complexProduct(x, x)";
  let vjp = ["conjugateProduct(ct, x + x)"];
}
def ComplexAbsOp : UnaryOnPairs<"abs", "numpy.abs(z)", "Parts"> {
  let summary = "Distance of complex numbers from 0, without overflow in between.";
  let expansion = "distance(realOf(x), imaginaryOf(x))";
  let vjp = ["expandTo(unsqueezed(ct, ct.rank()), x.shape()) * complex_sgn(x)"];
}
def ComplexAngleOp : UnaryOnPairs<"angle", "numpy.angle(z)", "Parts"> {
  let summary = "Angle of complex numbers, in [-pi, pi].";
  let expansion = "atan2(imaginaryOf(x), realOf(x))";
}
def ComplexSgnOp : UnaryOnPairs<"sgn", "z / numpy.abs(z)"> {
  let summary = "x / |x| of complex numbers; 0 at 0, where the gradient is 0, too.";
  let expansion = "complexSign(x)";
  let vjp = ["complexSignGradient(ct, x, result)"];
}
def ComplexEqOp : BinaryOnPairs<"eq", "z == w", "Truth"> {
  let summary = "Whether complex numbers are equal, as bool.";
  let expansion = "logical_and(realOf(x) == realOf(y), imaginaryOf(x) == imaginaryOf(y))";
}
def ComplexNeOp : BinaryOnPairs<"ne", "z != w", "Truth"> {
  let summary = "Whether complex numbers differ, as bool.";
  let expansion = "logical_or(realOf(x) != realOf(y), imaginaryOf(x) != imaginaryOf(y))";
}
def ComplexPowOp : BinaryOnPairs<"pow", "z ** w"> {
  let summary = "x to the power y of complex numbers: exp(y log(x)); 1 where y is 0.";
  let expansion = "complexPower(x, y)";
  let vjp = ["complexWhere(isZero(y), 0.0, conjugateProduct(ct, complex_mul(y, complex_pow(x, plusReal(y, -1.0)))))",
             "complexWhere(isZero(x), 0.0, conjugateProduct(ct, complex_mul(result, complex_log(x))))"];
}

def ComplexExpOp : UnaryOnPairs<"exp", "numpy.exp(z)"> {
  let summary = "e to the power x of complex numbers.";
  let expansion = "complexExponential(x)";
  let vjp = ["conjugateProduct(ct, result)"];
}
def ComplexExp2Op : UnaryOnPairs<"exp2", "numpy.exp2(z)"> {
  let summary = "2 to the power x of complex numbers.";
  let expansion = "complex_exp(x * M_LN2)";
}
def ComplexExpm1Op : UnaryOnPairs<"expm1", "numpy.expm1(z)"> {
  let summary = "e to the power x of complex numbers, minus 1, exact near 0.";
  let expansion = "complexExponentialLess1(x)";
  let vjp = ["conjugateProduct(ct, plusReal(result, 1.0))"];
}
def ComplexLogOp : UnaryOnPairs<"log", "numpy.log(z)"> {
  let summary = "Natural logarithm of complex numbers; the cut is the negative real axis.";
  let expansion = "complexLogarithm(x)";
  let vjp = ["complex_div(ct, complex_conj(x))"];
}
def ComplexLog2Op : UnaryOnPairs<"log2", "numpy.log2(z)"> {
  let summary = "Logarithm to base 2 of complex numbers.";
  let expansion = "complex_log(x) * (1.0 / M_LN2)";
}
def ComplexLog10Op : UnaryOnPairs<"log10", "numpy.log10(z)"> {
  let summary = "Logarithm to base 10 of complex numbers.";
  let expansion = "complex_log(x) * (1.0 / M_LN10)";
}
def ComplexLog1pOp : UnaryOnPairs<"log1p", "numpy.log1p(z)"> {
  let summary = "Natural logarithm of 1 + x of complex numbers, exact near 0.";
  let expansion = "complexLogarithmOf1Plus(x)";
  let vjp = ["complex_div(ct, complex_conj(plusReal(x, 1.0)))"];
}
def ComplexSqrtOp : UnaryOnPairs<"sqrt", "numpy.sqrt(z)"> {
  let summary = "Square root of complex numbers, in the right half plane.";
  let expansion = "complexSquareRoot(x)";
  let vjp = ["complex_div(ct, complex_conj(result + result))"];
}
def ComplexRsqrtOp : UnaryOnPairs<"rsqrt", "1 / numpy.sqrt(z)"> {
  let summary = "1 over the square root of complex numbers.";
  let expansion = "complex_reciprocal(complex_sqrt(x))";
}
def ComplexSigmoidOp : UnaryOnPairs<"sigmoid", "1 / (1 + numpy.exp(-z))"> {
  let summary = "1 / (1 + exp(-x)) of complex numbers.";
  let expansion = "complex_reciprocal(plusReal(complex_exp(-x), 1.0))";
  let vjp = ["conjugateProduct(ct, complex_mul(result, plusReal(-result, 1.0)))"];
}
def ComplexSinOp : UnaryOnPairs<"sin", "numpy.sin(z)"> {
  let summary = "Sine of complex numbers.";
  let expansion = "complexSine(x)";
  let vjp = ["conjugateProduct(ct, complex_cos(x))"];
}
def ComplexCosOp : UnaryOnPairs<"cos", "numpy.cos(z)"> {
  let summary = "Cosine of complex numbers.";
  let expansion = "complexCosine(x)";
  let vjp = ["-conjugateProduct(ct, complex_sin(x))"];
}
def ComplexTanOp : UnaryOnPairs<"tan", "numpy.tan(z)"> {
  let summary = "Tangent of complex numbers.";
  let expansion = "timesMinusI(complexHyperbolicTangent(timesI(x)))";
  let vjp = ["conjugateProduct(ct, plusReal(complex_square(result), 1.0))"];
}
def ComplexSinhOp : UnaryOnPairs<"sinh", "numpy.sinh(z)"> {
  let summary = "Hyperbolic sine of complex numbers.";
  let expansion = "complexHyperbolicSine(x)";
  let vjp = ["conjugateProduct(ct, complex_cosh(x))"];
}
def ComplexCoshOp : UnaryOnPairs<"cosh", "numpy.cosh(z)"> {
  let summary = "Hyperbolic cosine of complex numbers.";
  let expansion = "complexHyperbolicCosine(x)";
  let vjp = ["conjugateProduct(ct, complex_sinh(x))"];
}
def ComplexTanhOp : UnaryOnPairs<"tanh", "numpy.tanh(z)"> {
  let summary = "Hyperbolic tangent of complex numbers.";
  let expansion = "complexHyperbolicTangent(x)";
  let vjp = ["conjugateProduct(ct, plusReal(-complex_square(result), 1.0))"];
}
def ComplexAsinOp : UnaryOnPairs<"asin", "numpy.arcsin(z)"> {
  let summary = "Inverse sine of complex numbers.";
  let expansion = "timesMinusI(complexInverseHyperbolicSine(timesI(x)))";
  let vjp = ["complex_div(ct, complex_conj(complex_sqrt(plusReal(-complex_square(x), 1.0))))"];
}
def ComplexAcosOp : UnaryOnPairs<"acos", "numpy.arccos(z)"> {
  let summary = "Inverse cosine of complex numbers.";
  let expansion = "complexInverseCosine(x)";
  let vjp = ["-complex_div(ct, complex_conj(complex_sqrt(plusReal(-complex_square(x), 1.0))))"];
}
def ComplexAtanOp : UnaryOnPairs<"atan", "numpy.arctan(z)"> {
  let summary = "Inverse tangent of complex numbers.";
  let expansion = "timesMinusI(complexInverseHyperbolicTangent(timesI(x)))";
  let vjp = ["complex_div(ct, complex_conj(plusReal(complex_square(x), 1.0)))"];
}
def ComplexAsinhOp : UnaryOnPairs<"asinh", "numpy.arcsinh(z)"> {
  let summary = "Inverse hyperbolic sine of complex numbers.";
  let expansion = "complexInverseHyperbolicSine(x)";
  let vjp = ["complex_div(ct, complex_conj(complex_sqrt(plusReal(complex_square(x), 1.0))))"];
}
def ComplexAcoshOp : UnaryOnPairs<"acosh", "numpy.arccosh(z)"> {
  let summary = "Inverse hyperbolic cosine of complex numbers.";
  let expansion = "complexInverseHyperbolicCosine(x)";
  let vjp = ["complex_div(ct, complex_conj(complex_mul(complex_sqrt(plusReal(x, -1.0)), complex_sqrt(plusReal(x, 1.0)))))"];
}
def ComplexAtanhOp : UnaryOnPairs<"atanh", "numpy.arctanh(z)"> {
  let summary = "Inverse hyperbolic tangent of complex numbers.";
  let expansion = "complexInverseHyperbolicTangent(x)";
  let vjp = ["complex_div(ct, complex_conj(plusReal(-complex_square(x), 1.0)))"];
}
#endif
