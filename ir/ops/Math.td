// Elementary functions. Their bodies are our own polynomials (codegen/elementary/Elementary.h), the same on every target.
#ifndef WEFT_OPS_MATH
#define WEFT_OPS_MATH

include "ir/ops/Elementwise.td"

class Math<string mnemonic, string what, string range = "(-2, 2)"> : Unary<mnemonic> {
  let summary = what # ", elementwise.";
  let description = "x: any shape, float.";
  let scalar = mnemonic # "(x)";
  let numpy = "numpy." # mnemonic # "(x)";
  let domain = range;
}

def ExpOp : Math<"exp", "e to the power x"> { let complex = "complex_exp"; let vjp = ["ct * result"]; }
def Exp2Op : Math<"exp2", "2 to the power x"> { let complex = "complex_exp2"; let vjp = ["ct * result * M_LN2"]; }
def Expm1Op : Math<"expm1", "e to the power x, minus 1, exact near 0"> { let complex = "complex_expm1"; let vjp = ["ct * (result + 1.0)"]; }
def LogOp : Math<"log", "Natural logarithm", "(0.5, 2)"> { let complex = "complex_log"; let vjp = ["ct / x"]; }
def Log2Op : Math<"log2", "Logarithm to base 2", "(0.5, 2)"> { let complex = "complex_log2"; let vjp = ["ct / (x * M_LN2)"]; }
def Log10Op : Math<"log10", "Logarithm to base 10", "(0.5, 2)"> { let complex = "complex_log10"; let vjp = ["ct / (x * M_LN10)"]; }
def Log1pOp : Math<"log1p", "Natural logarithm of 1 + x, exact near 0", "(-0.5, 2)"> { let complex = "complex_log1p"; let vjp = ["ct / (x + 1.0)"]; }
def SqrtOp : Math<"sqrt", "Square root, correctly rounded", "(0.5, 2)"> { let complex = "complex_sqrt"; let vjp = ["ct / (result + result)"]; }
def RsqrtOp : Math<"rsqrt", "1 over the square root", "(0.5, 2)"> {
  let complex = "complex_rsqrt";
  let vjp = ["ct * -0.5 * result * result * result"];
  let numpy = "1 / numpy.sqrt(x)";
}
def SinOp : Math<"sin", "Sine of x in radians"> { let complex = "complex_sin"; let vjp = ["ct * cos(x)"]; }
def CosOp : Math<"cos", "Cosine of x in radians"> { let complex = "complex_cos"; let vjp = ["-ct * sin(x)"]; }
def TanOp : Math<"tan", "Tangent of x in radians", "(-1, 1)"> { let complex = "complex_tan"; let vjp = ["ct * (result * result + 1.0)"]; }
def AsinOp : Math<"asin", "Inverse sine, in [-pi/2, pi/2]", "(-0.9, 0.9)"> {
  let complex = "complex_asin";
  let vjp = ["ct * rsqrt(1.0 - x * x)"];
  let numpy = "numpy.arcsin(x)";
}
def AcosOp : Math<"acos", "Inverse cosine, in [0, pi]", "(-0.9, 0.9)"> {
  let complex = "complex_acos";
  let vjp = ["-ct * rsqrt(1.0 - x * x)"];
  let numpy = "numpy.arccos(x)";
}
def AtanOp : Math<"atan", "Inverse tangent, in [-pi/2, pi/2]"> {
  let complex = "complex_atan";
  let vjp = ["ct / (x * x + 1.0)"];
  let numpy = "numpy.arctan(x)";
}
def SinhOp : Math<"sinh", "Hyperbolic sine"> { let complex = "complex_sinh"; let vjp = ["ct * cosh(x)"]; }
def CoshOp : Math<"cosh", "Hyperbolic cosine"> { let complex = "complex_cosh"; let vjp = ["ct * sinh(x)"]; }
def TanhOp : Math<"tanh", "Hyperbolic tangent"> { let complex = "complex_tanh"; let vjp = ["ct * (1.0 - result * result)"]; }
def AsinhOp : Math<"asinh", "Inverse hyperbolic sine"> {
  let complex = "complex_asinh";
  let vjp = ["ct * rsqrt(x * x + 1.0)"];
  let numpy = "numpy.arcsinh(x)";
}
def AcoshOp : Math<"acosh", "Inverse hyperbolic cosine", "(1.5, 3)"> {
  let complex = "complex_acosh";
  let vjp = ["ct * rsqrt(x * x - 1.0)"];
  let numpy = "numpy.arccosh(x)";
}
def AtanhOp : Math<"atanh", "Inverse hyperbolic tangent", "(-0.9, 0.9)"> {
  let complex = "complex_atanh";
  let vjp = ["ct / (1.0 - x * x)"];
  let numpy = "numpy.arctanh(x)";
}
def ErfOp : Math<"erf", "Error function"> {
  let vjp = ["ct * (exp(-(x * x)) * M_2_SQRTPI)"];
  let numpy = "scipy.special.erf(x)";
}
def ErfcOp : Math<"erfc", "1 minus the error function, exact in the tail"> {
  let vjp = ["ct * (exp(-(x * x)) * -M_2_SQRTPI)"];
  let numpy = "scipy.special.erfc(x)";
}
def SigmoidOp : Math<"sigmoid", "1 / (1 + exp(-x))"> {
  let complex = "complex_sigmoid";
  let vjp = ["ct * (result * (1.0 - result))"];
  let numpy = "scipy.special.expit(x)";
}

class Special<string mnemonic, string what, string range = "(-2, 2)"> : Math<mnemonic, what, range> {
  let numpy = "scipy.special." # mnemonic # "(x)";
}
def ErfinvOp : Special<"erfinv", "Inverse of the error function", "(-0.9, 0.9)"> { let vjp = ["ct * (exp(result * result) * (1.0 / M_2_SQRTPI))"]; }
def NdtriOp : Special<"ndtri", "Inverse of the standard normal distribution function", "(0.1, 0.9)"> {
  let python = "(input)";
  let vjp = ["ct * (exp(result * result * 0.5) * (2.0 / M_2_SQRTPI * M_SQRT2))"];
}
def LogitOp : Special<"logit", "log(x / (1 - x))", "(0.1, 0.9)"> {
  let vjp = ["ct / (x * (1.0 - x))"];
  let python = "(input, eps=None)";
}
def LgammaOp : Special<"lgamma", "Logarithm of the absolute value of the gamma function", "(0.5, 4)"> {
  let vjp = ["ct * polygamma(x, 0)"];
  let numpy = "numpy.where(numpy.isneginf(x), numpy.inf, scipy.special.gammaln(x))";
}
def PolygammaOp : Elementwise<"polygamma", ["x"], "Float", "Same", [A<"n", "Int">]> {
  let summary = "The n-th derivative of digamma, the derivative of lgamma, elementwise.";
  let description = "x: any shape, float; n: 0 (digamma) or more. At a pole an infinity, NaN of digamma but at 0.";
  let scalar = "polygamma(n, x)";
  let vjp = ["ct * polygamma(x, n + 1)"];
  // SciPy takes a step a term up to 0: the terms beyond 1000 are of zeta at positive numbers.
  let numpy = [{
    if n == 0:
        return scipy.special.digamma(x)
    beyond = numpy.where(numpy.isfinite(x), numpy.maximum(numpy.floor(-x) - 1000, 0), 0)
    first = numpy.where(beyond > 0, -x - beyond, 0) + 1
    terms = scipy.special.zeta(n + 1, first) - scipy.special.zeta(n + 1, first + beyond)
    return scipy.special.polygamma(n, x + beyond) + scipy.special.factorial(n) * terms
  }];
  let domain = "(0.5, 4)";
  let examples = ["dict(x=F(2, 3), n=0)", "dict(x=F(5), n=1)", "dict(x=F(5), n=2)"];
  let python = "(n, input)";
}
def SincOp : Math<"sinc", "sin(pi x) / (pi x), 1 at 0"> {
  let vjp = ["where(x == 0.0, 0.0, ct * ((cos(x * M_PI) - result) / where(x == 0.0, 1.0, x)))"];
  let numpy = "numpy.where(numpy.isinf(x), 0, numpy.sinc(x))";
}
def I0Op : Special<"i0", "Modified Bessel function of order 0"> {
  let vjp = ["ct * i1(x)"];
  let numpy = "numpy.where(numpy.isinf(x), numpy.inf, scipy.special.i0(x))";
}
def I0eOp : Special<"i0e", "exp(-|x|) times the modified Bessel function of order 0"> {
  let vjp = ["ct * (i1e(x) - sign(x) * result)"];
  let python = "(input)";
}
def I1Op : Special<"i1", "Modified Bessel function of order 1"> {
  let vjp = ["ct * (i0(x) - where(x == 0.0, 0.5, result / where(x == 0.0, 1.0, x)))"];
  let numpy = "numpy.where(numpy.isinf(x), x, scipy.special.i1(x))";
  let python = "(input)";
}
def I1eOp : Special<"i1e", "exp(-|x|) times the modified Bessel function of order 1"> {
  let vjp = ["ct * (i0e(x) - sign(x) * result - where(x == 0.0, 0.5, result / where(x == 0.0, 1.0, x)))"];
  let python = "(input)";
}
def ZetaOp : Binary<"zeta", "Float"> {
  let summary = "The Hurwitz zeta function, the sum of (y + k)^-x over k >= 0, elementwise.";
  let description = "x > 1, y > 0: one shape, one float dtype. No gradient for x.";
  let scalar = "zeta(x, y)";
  let vjp = ["", "-(ct * x * zeta(x + 1.0, y))"];
  let numpy = [{
    isinteger = y == numpy.floor(y)
    limit = numpy.where(y > 1, 0, numpy.where(y == 1, 1, numpy.inf))
    start = numpy.where(y < 0, numpy.where(isinteger, 0.0, 1.0), y)  # SciPy takes a step a term up to 0
    result = numpy.where(numpy.isposinf(x) & ((y > 0) | isinteger), limit, scipy.special.zeta(x, start))
    result = numpy.where(x == 1, numpy.inf, numpy.where((y < 0) & ~isinteger, numpy.nan, result))
    return numpy.where(numpy.isnan(x) | numpy.isnan(y), numpy.nan, result)
  }];
  let domain = "(1.5, 3)";
  let dtypes = "float";
  let python = "(input, other)";
}
def CopysignOp : Binary<"copysign", "Float"> {
  let summary = "The magnitude of x with the sign of y, elementwise.";
  let description = "x, y: one shape, one float dtype. The gradient at 0 is 0.";
  let scalar = "copySign(x, y)";
  let vjp = ["where(x == 0.0, 0.0, ct * (result / where(x == 0.0, 1.0, x)))", "zerosLike(y)"];
  let numpy = "numpy.copysign(x, y)";
  let dtypes = "float";
}
def NextafterOp : Binary<"nextafter", "Float"> {
  let summary = "The number next to x towards y, elementwise.";
  let description = "x, y: one shape, float32 or float64.";
  let scalar = "nextAfter(x, y)";
  let numpy = "numpy.nextafter(x, y)";
  let dtypes = "float";
  let python = "(input, other)";
}
def SignbitOp : Unary<"signbit", "Bool | Int | Float", "ToBool"> {
  let summary = "Whether x is negative, -0.0 included, elementwise, as bool.";
  let description = "x: any shape and dtype.";
  let scalar = "x.isFloat() ? copySign(x.constant(1), x) < 0 : isBool(x) || x.isUnsigned ? falsehood(x) : x < 0";
  let numpy = "numpy.signbit(x) if x.dtype.kind == 'f' else x < 0";
  let dtypes = "bool int float";
}
def BinaryExponentOp : Unary<"binary_exponent", "Float", "ToInt64"> {
  let summary = "e with |x| = m 2^e and 1/2 <= m < 1, elementwise, as int64; 0 of zeros, infinities and NaN.";
  let description = "x: any shape, float.";
  let scalar = "convert(binaryExponent(x), elementType, false)";
  let numpy = "numpy.frexp(x)[1].astype(numpy.int64)";
  let python = "(input)";
}

class Rounding<string mnemonic, string what> : Unary<mnemonic, "Int | Float"> {
  let summary = what # ", elementwise.";
  let description = "x: any shape and dtype but bool; integers stay as they are.";
  let vjp = ["zerosLike(x)"];
  let numpy = "numpy." # mnemonic # "(x)";
  let dtypes = "int float";
}
def FloorOp : Rounding<"floor", "The greatest integer at most x"> { let scalar = "x.isFloat() ? floor(x) : x"; }
def CeilOp : Rounding<"ceil", "The least integer at least x"> { let scalar = "x.isFloat() ? ceil(x) : x"; }
def TruncOp : Rounding<"trunc", "x without its fraction"> { let scalar = "x.isFloat() ? trunc(x) : x"; }
def RoundOp : Rounding<"round", "The nearest integer, halves to the even one"> {
  let scalar = "x.isFloat() ? roundEven(x) : x";
  let python = "(input, *, decimals=0)";
}

class Classify<string mnemonic, string what> : Unary<mnemonic, "Bool | Int | Float", "ToBool"> {
  let summary = "Whether x is " # what # ", elementwise, as bool.";
  let description = "x: any shape and dtype.";
  let numpy = "numpy." # mnemonic # "(x)";
  let dtypes = "bool int float";
}
def IsnanOp : Classify<"isnan", "NaN"> { let complex = "Any"; let scalar = "x.isFloat() ? isNan(x) : falsehood(x)"; }
def IsinfOp : Classify<"isinf", "infinite"> { let complex = "Any"; let scalar = "x.isFloat() ? absolute(x) == INFINITY : falsehood(x)"; }
def IsfiniteOp : Classify<"isfinite", "finite"> { let complex = "All"; let scalar = "x.isFloat() ? absolute(x) < INFINITY : ~falsehood(x)"; }

def PowOp : Arithmetic<"pow"> {
  let complex = "complex_pow";
  let summary = "x to the power y, elementwise.";
  let description = "x, y: one shape and dtype, not bool. Integers wrap; a negative integer exponent gives 0 unless x is 1 or -1.";
  let scalar = "x.isFloat() ? pow(x, y) : integerPower(x, y)";
  let vjp = ["where(y == 0.0, 0.0, ct * (y * pow(x, y - 1.0)))",
             "where(logical_and(x == 0.0, y >= 0.0), 0.0, ct * (result * log(x)))"];
  let numpy = "numpy.power(x, y)";
  let domain = "(0.5, 2)";
}
def Atan2Op : Arithmetic<"atan2", "Float"> {
  let summary = "The angle of the point (y, x) in (-pi, pi], elementwise; the first operand is the ordinate.";
  let description = "x (ordinate), y (abscissa): one shape, one float dtype. The gradient at the origin is 0.";
  let scalar = "atan2(x, y)";
  let vjp = ["ct * angleGradient(y, x, y)", "-ct * angleGradient(x, x, y)"];
  let numpy = "numpy.arctan2(x, y)";
  let domain = "(0.5, 2)";
  let dtypes = "float";
}

// Activations: one scalar body each, so that eager, fused and 16-bit results are one rounding away from exact inputs.
def ReluOp : Unary<"relu", "Int | Float"> {
  let summary = "max(x, 0), elementwise; a NaN stays.";
  let description = "x: any shape and dtype but bool. The gradient at 0 is 0.";
  let scalar = "select(x <= x.constant(0), x.constant(0), x)";
  let vjp = ["relu_gradient(ct, result)"];
  let numpy = "numpy.maximum(x, 0)";
  let dtypes = "int float";
}
def ReluGradientOp : Binary<"relu_gradient", "Float"> {
  let summary = "x where y is positive, else 0, elementwise: the gradient of relu for the cotangent x and the result y.";
  let description = "x, y: one shape, one float dtype.";
  let scalar = "select(y > x.constant(0), x, x.constant(0))";
  let vjp = ["relu_gradient(ct, y)", "zerosLike(y)"];
  let numpy = "numpy.where(y > 0, x, 0)";
  let dtypes = "float";
}
def GeluOp : Elementwise<"gelu", ["x"], "Float", "Same", [A<"tanh_form", "Bool", "False">]> {
  let summary = "Gaussian error linear unit, elementwise.";
  let converts = "FloatsAlone";
  let description = "x: any shape, float. x * Phi(x); with tanh_form, 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).";
  let scalar = [{
    x = atLeast(x, kMostNegative); // no infinity times zero
    if (tanh_form)
      return x * halfOfOneAnd(tanh(kSqrt2OverPi * (x + 0.044715 * (x * x * x))));
    return x * halfOfOneAnd(erf(x * M_SQRT1_2));
  }];
  let vjp = ["ct * gelu_derivative(x, tanh_form)"];
  let numpy = [{
    if tanh_form:
        return 0.5 * x * (1 + numpy.tanh(numpy.sqrt(2 / numpy.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + scipy.special.erf(x / numpy.sqrt(2)))
  }];
  let examples = ["dict(x=F(2, 3), tanh_form=False)", "dict(x=F(2, 3), tanh_form=True)"];
  let python = "(input, approximate='none')";
}
def GeluDerivativeOp : Elementwise<"gelu_derivative", ["x"], "Float", "Same", [A<"tanh_form", "Bool", "False">]> {
  let summary = "The derivative of gelu, elementwise.";
  let description = "x: any shape, float.";
  let scalar = [{
    x = atMost(atLeast(x, kMostNegative), -kMostNegative);
    if (tanh_form) {
      Scalar t = tanh(kSqrt2OverPi * (x + 0.044715 * (x * x * x)));
      return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * (kSqrt2OverPi * (1.0 + 0.134145 * (x * x)));
    }
    return 0.5 * (1.0 + erf(x * M_SQRT1_2)) + x * (exp(-0.5 * (x * x)) * kInverseSqrt2Pi);
  }];
  let vjp = [[{
    x = bounded(x);
    if (tanh_form) {
      Val t = tanh((x + x * x * x * 0.044715) * kSqrt2OverPi), slope = (x * x * 0.134145 + 1.0) * kSqrt2OverPi;
      return ct * ((1.0 - t * t) * (slope + x * (0.134145 * kSqrt2OverPi) * x - x * t * slope * slope));
    }
    return ct * (exp(x * x * -0.5) * (2.0 - x * x) * kInverseSqrt2Pi);
  }]];
  let numpy = [{
    if tanh_form:
        t = numpy.tanh(numpy.sqrt(2 / numpy.pi) * (x + 0.044715 * x**3))
        return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * numpy.sqrt(2 / numpy.pi) * (1 + 0.134145 * x**2)
    return 0.5 * (1 + scipy.special.erf(x / numpy.sqrt(2))) + x * numpy.exp(-x * x / 2) / numpy.sqrt(2 * numpy.pi)
  }];
  let examples = ["dict(x=F(2, 3), tanh_form=False)", "dict(x=F(2, 3), tanh_form=True)"];
}
def SiluOp : Unary<"silu"> {
  let summary = "x * sigmoid(x), elementwise; also called swish.";
  let converts = "FloatsAlone";
  let description = "x: any shape, float.";
  let scalar = "atLeast(x, kMostNegative) * sigmoid(x)";
  let vjp = ["Val s = sigmoid(x); return ct * (s * (bounded(x) * (1.0 - s) + 1.0));"];
  let numpy = "x * scipy.special.expit(x)";
}
#endif
