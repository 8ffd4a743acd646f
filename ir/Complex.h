// What the records of ir/ops/Complex.td are made of: complex numbers as pairs along the last axis. float32 is computed
// in float64 but for sums and products. Branch cuts, signs of zero, and what is of infinities and NaN are those of
// C99's Annex G.
#pragma once
#include "ir/GraphBuilder.h"

namespace weft::build {

Val realOf(Val pairs);
Val imaginaryOf(Val pairs);
Val pairsOf(Val real, Val imaginary);

Val complexProduct(Val x, Val y);
// A cotangent times the conjugate of a derivative.
Val conjugateProduct(Val ct, Val derivative);
Val complexQuotient(Val x, Val y); // Smith, "Algorithm 116: Complex division", 1962
Val complexReciprocal(Val x);
Val plusReal(Val x, double number);
Val timesI(Val x);
Val timesMinusI(Val x);
// One bool a number.
Val isZero(Val x);
Val complexWhere(Val isTrue, double number, Val otherwise);

// The hypotenuse, without overflow or underflow in between.
Val distance(Val a, Val b);
Val complexSign(Val x);
Val complexSignGradient(Val ct, Val x, Val sign);
Val complexPower(Val x, Val y);
Val complexExponential(Val x);
Val complexExponentialLess1(Val x);
Val complexLogarithm(Val x);
Val complexLogarithmOf1Plus(Val x);
Val complexSquareRoot(Val x);
Val complexSine(Val x);
Val complexCosine(Val x);
Val complexHyperbolicSine(Val x);
Val complexHyperbolicCosine(Val x);
// Kahan, "Branch cuts for complex elementary functions", 1987.
Val complexHyperbolicTangent(Val x);
Val complexInverseHyperbolicSine(Val x);
Val complexInverseCosine(Val x);
Val complexInverseHyperbolicCosine(Val x);
Val complexInverseHyperbolicTangent(Val x);

// Derivatives of ir/ops/ComplexLinearAlgebra.td's ops; cotangents may be null, but not all.
Val complexCholeskyGradient(Val ct, Val factor);
Val complexCholeskyTangent(Val tangent, Val factor);
Val complexLuGradient(Val ct, Val factors, Val pivots);
Val complexLuTangent(Val tangent, Val factors, Val pivots);
Val complexSvdGradient(Val ctU, Val ctS, Val ctVh, Val left, Val values, Val rightRows);
Results complexSvdTangent(Val tangent, Val left, Val values, Val rightRows);
Val complexEighGradient(Val ctValues, Val ctVectors, Val values, Val vectors);
Results complexEighTangent(Val tangent, Val values, Val vectors);
Val eigGradient(Val ctValues, Val ctVectors, Val values, Val vectors);
Results eigTangent(Val tangent, Val values, Val vectors);
Val complexQrGradient(Val ctQ, Val ctR, Val x, Val q, Val r);
Results complexQrTangent(Val tangent, Val x, Val q, Val r);

} // namespace weft::build
