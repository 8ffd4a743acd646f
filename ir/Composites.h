// The parts of derivatives and expansions that take more than a few lines in a record.
#pragma once
#include "ir/GraphBuilder.h"

namespace weft::build {

// The derivative of slice: the cotangent with zeros where the slice took nothing.
Val padLikeSlice(Val ct, const Dims &shape, const Dims &starts, const Dims &steps);
// The derivative of concatenate: the part of the cotangent that input i was.
Val sliceOfConcatenated(Val ct, llvm::ArrayRef<Val> inputs, int i, int64_t dim);
// The same for the input that begins at `start`.
Val partOfConcatenated(Val whole, Val part, int64_t start, int64_t dim);
int64_t sizeAlong(mlir::Value value, int64_t dim);

// The derivative of dot_general for the operand `self`, which stands on the left or on the right of `other`.
Val dotGeneralGradient(Val ct, Val self, Val other, const Dims &selfBatch, const Dims &otherBatch,
                       const Dims &selfContract, const Dims &otherContract, bool selfIsLeft);
// dot_general, of 16-bit floats in float32.
Val wideProduct(Val lhs, Val rhs, const Dims &lhsBatch, const Dims &rhsBatch, const Dims &lhsContract,
                const Dims &rhsContract);
// A product of 16-bit floats in float32, if it is wide.
Val matrixProduct(Val x, Val y, bool isWide = false);
Val matmulGradient(Val ct, Val x, Val y, bool ofLeft, bool isWide = false);
Val widened(Val x); // 16-bit floats in float32; others as they are

// The derivative of conv_general for its input of that shape, and what it takes.
Val convInputGradient(Val ct, const Dims &shape, Val weight, const Dims &stride, const Dims &low, const Dims &dilation,
                      int64_t groups);
Dims kernelOf(const Dims &weightShape);
// conv_general_weight of a channel a group, on either side: for each position of the kernel a sum of products. Null
// where that is not what the shapes are, or the kernel has many positions.
Val depthwiseWeight(Val x, Val y, const Dims &kernel, const Dims &stride, const Dims &low, const Dims &high,
                    const Dims &dilation, int64_t groups);
// A number a channel, for operands [N, C, ...] of so many axes.
Val perChannel(Val list, int rank);
Dims axesButChannel(int rank);

// Windows over the last axes: kernel, stride and the others have an entry for each.
Val windowMaximum(Val x, const Dims &kernel, const Dims &stride, const Dims &low, const Dims &high,
                  const Dims &dilation);
Val windowMaximumIndex(Val x, const Dims &kernel, const Dims &stride, const Dims &low, const Dims &high,
                       const Dims &dilation);
Val windowMaximumGradient(Val ct, Val x, const Dims &kernel, const Dims &stride, const Dims &low, const Dims &high,
                          const Dims &dilation);
Val windowSum(Val x, const Dims &kernel, const Dims &stride, const Dims &low, const Dims &high);
Val windowSumGradient(Val ct, const Dims &shape, const Dims &kernel, const Dims &stride, const Dims &low,
                      const Dims &high);
// What windowSum is divided by for the average; `divisor`, where it is not 0.
Val windowCounts(Val x, const Dims &kernel, const Dims &stride, const Dims &low, const Dims &high, bool includePad,
                 int64_t divisor);

Val crossEntropy(Val input, Val target, Val weight, int64_t reduction, int64_t ignoreIndex, double smoothing);
Val crossEntropyGradient(Val ct, Val input, Val target, Val weight, int64_t reduction, int64_t ignoreIndex,
                         double smoothing);

// `scaled` / (1 - p) where a random number for the element is at least p, else zero. The numbers depend on x's shape
// alone.
Val dropoutScaled(Val scaled, Val x, Val state, double p, int64_t offset);

Dims without(const Dims &shape, const Dims &dims);
// x less its mean over dims, and the sum of the squares of that, of size 1 along dims. Both are 0 where all elements
// are one number: the mean is corrected by that of the distances from it (Chan, Golub and LeVeque, "Algorithms for
// computing the sample variance", 1983).
struct Moments {
  Val distance, squares;
};
Moments moments(Val x, const Dims &dims);
inline Val fromMean(Val x, const Dims &dims) { return moments(x, dims).distance; }
// For each element the product of the others along dims. Its derivative is right, too, where some are zero: with one
// zero that is a factor of what it is 0 for, with two each is of the other's.
Val productOfOthers(Val x, const Dims &dims);
// The p-norm over dims, which stay as size 1, and its gradient: 0 where the norm is.
Val normOf(Val x, const Dims &dims, double p);
Val normGradient(Val x, Val norm, const Dims &dims, double p);
// component / (x^2 + y^2) without overflow or underflow in between; 0 at the origin and where one is infinite.
Val angleGradient(Val component, Val x, Val y);

double lowest(DType dtype); // the most negative finite number
Val atLeast(Val x, double bound);
// x within +-1e4, for factors that do not change beyond: no infinity meets a zero.
Val bounded(Val x);

// The axis dim as the last one, and back.
Val movedToLast(Val x, int64_t dim);
Val movedFromLast(Val x, int64_t dim);
Val transposed(Val x); // the last two axes
// Matrices. The elements on one side of the diagonal, zeros elsewhere; those on the diagonal times a number.
Val triangle(Val x, bool upper, double diagonal);
Val diagonalOf(Val x);    // of square ones: [..., n]
Val onDiagonal(Val list); // [..., n] as [..., n, n]
Val identityLike(Val x);
Val timesIdentity(Val number, Val x); // number [...], in x's shape
// Derivatives of ir/ops/LinearAlgebra.td's ops; Murray, "Differentiation of the Cholesky decomposition", 2016.
Val choleskyGradient(Val ct, Val factor);
Val choleskyTangent(Val tangent, Val factor);
Val solveGradient(Val ct, Val a, Val result, bool upper, bool isTransposed, bool unit);
Val solveTangent(Val ofA, Val ofB, Val a, Val result, bool upper, bool isTransposed, bool unit);
// Of svd_ex (left: U, rightRows: Vh), eigh_ex and qr; cotangents may be null, but not all. Where two values are equal
// the derivatives of their vectors are infinite.
Val svdGradient(Val ctU, Val ctS, Val ctVh, Val left, Val values, Val rightRows);
Results svdTangent(Val tangent, Val left, Val values, Val rightRows);
Val eighGradient(Val ctValues, Val ctVectors, Val values, Val vectors);
Results eighTangent(Val tangent, Val values, Val vectors);
Val qrGradient(Val ctQ, Val ctR, Val x, Val q, Val r);
Results qrTangent(Val tangent, Val x, Val q, Val r);
// Of lu_factor_ex, of [m, n].
Val luGradient(Val ct, Val factors, Val pivots);
Val luTangent(Val tangent, Val factors, Val pivots);
Val solvedAdjoint(Val a, Val b);        // x with a^T x = b
Val signOfPivots(Val pivots, Val like); // 1 or -1 in the dtype of `like`
Val determinantOf(Val factors, Val pivots);
Val determinantGradient(Val ct, Val x);
Val pseudoInverse(Val x, Val atol, Val rtol, bool hermitian);
Val pseudoInverseGradient(Val ct, Val x, Val inverse);
Val pseudoInverseTangent(Val tangent, Val x, Val inverse);
Val transposedLeastSquares(Val b, Val a, double rcond);
Val leastSquaresGradient(Val ct, Val a, Val b, Val x, double rcond);
Val leastSquaresTangent(Val ofA, Val ofB, Val a, Val b, Val x, double rcond);
Val exponentialTangent(Val tangent, Val x);

// Discrete Fourier transforms along an axis (ir/ops/Fourier.td). The halves of a real signal's spectrum: elements that
// stand for their conjugates, too, times `by`; `size`: the signal's.
Val fourier(Val x, int64_t dim, bool inverse, double scale);
Val fourierOfReal(Val x, int64_t dim, double scale);
Val fourierToReal(Val x, int64_t dim, int64_t size, double scale);
Val doubledInside(Val spectrum, int64_t dim, int64_t size, double by);

// Which elements of a scatter's source stay: no later one has the same position in the result, which has `shape`.
Val staysAt(Val index, const Dims &shape, int64_t dim);
// Along the axis dim: each element in the place of the next, `fill` in the first.
Val delayed(Val x, int64_t dim, double fill);
// The derivative of the recurrence y[i] = factors[i] * y[i - 1] + x[i] for x: g[i] = ct[i] + factors[i + 1] * g[i + 1].
Val reversedRecurrence(Val factors, Val ct, int64_t dim);
Val logCumulativeSum(Val x, int64_t dim);
Val logCumulativeSumGradient(Val ct, Val x, Val result, int64_t dim);
Val logCumulativeSumTangent(Val tangent, Val x, Val result, int64_t dim);
// How a scatter that combines by its own op depends on its operands: the derivatives of an element of the result by
// that of x in its place and by each of the source's that is combined with it.
struct ScatterSlopes {
  Val ofInput, ofSource;
};
ScatterSlopes productSlopes(Val x, Val index, Val source, Val result, int64_t dim);
ScatterSlopes extremumSlopes(Val x, Val index, Val source, Val result, int64_t dim);
Val scatterTangent(const ScatterSlopes &slopes, Val ofInput, Val ofSource, Val index, int64_t dim);
// Of each index the number of its bag; offsets: where bags begin.
Val bagsOf(Val offsets, Val index);
// Where in `sequence`, sorted along the last axis, each of `values` belongs, in `steps` steps of bisection.
Val searchSorted(Val sequence, Val values, int64_t steps, bool right);
Val rowsAt(Val weight, Val index);
Val embeddingGradient(Val ct, Val index, Val weight, int64_t paddingIndex);

// The sum over the axis dim, which stays as size 1, of numbers from 0 to 1, each rounded to a multiple of 2^-34
// (float64: 2^-63): exact for up to 2^19 of them, so that it is the same in any order, whatever zeros are among them.
Val sumOfFractions(Val x, int64_t dim);

Val attention(Val query, Val key, Val value, Val mask, bool isCausal, double scale);

} // namespace weft::build
