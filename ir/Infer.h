// The shape and dtype rules that the records name. Each takes the op's name, its operands' types and its attributes,
// and gives the type of the result, or throws a UserError with the op, the shapes and dtypes, and the remedy.
#pragma once
#include "ir/OpTable.h"

#include <type_traits>

namespace weft::infer {

// Sets of dtypes.
enum Accepts : int { Bool = 1, Int = 2, Float = 4 };
enum Gives { Same, ToBool, ToInt64 };

void checkDType(const char *name, const TensorType *operands, int count, int accepts);
// Throws "... got float32[2] and int64[3]; `remedy`".
[[noreturn]] void mismatch(const char *name, const std::string &wrong, const TensorType *operands, int count,
                           const std::string &remedy, UserError::Kind kind = UserError::Kind::Runtime);
int64_t checkAxis(const char *name, int64_t dim, const TensorType &operand);

TensorType elementwiseOf(const char *name, const TensorType *operands, int count, int accepts, Gives gives);
TensorType reductionOf(const char *name, const TensorType *operands, const Attrs &attrs, int accepts, Gives gives);

// Of one dtype; beside 16-bit floats some may be float32, as numbers are, which no rounding to 16 bits comes before.
// The result is of 16 bits then.
TensorType arithmeticOf(const char *name, const TensorType *operands, int count, int accepts);

template <int accepts> TensorType arithmetic(const char *name, const TensorType *operands, int count, const Attrs &) {
  return arithmeticOf(name, operands, count, accepts);
}
template <int accepts, Gives gives>
TensorType elementwise(const char *name, const TensorType *operands, int count, const Attrs &) {
  return elementwiseOf(name, operands, count, accepts, gives);
}
// The attributes are dims first and keepdim last.
template <int accepts, Gives gives>
TensorType reduction(const char *name, const TensorType *operands, int, const Attrs &attrs) {
  return reductionOf(name, operands, attrs, accepts, gives);
}

// Pairs along the last axis, of one shape. The result has them, too, or one number a pair: of the parts' dtype, or
// bool.
enum GivesOfPairs { Pairs, Parts, Truth };
TensorType pairsOf(const char *name, const TensorType *operands, int count, GivesOfPairs gives);
template <GivesOfPairs gives> TensorType pairs(const char *name, const TensorType *operands, int count, const Attrs &) {
  return pairsOf(name, operands, count, gives);
}

// Along the attribute dim, the first, of an axis that is not empty and stays as size 1 with keepdim, the last.
TensorType alongAxisOf(const char *name, const TensorType *operands, const Attrs &attrs, Gives gives);
template <Gives gives> TensorType alongAxis(const char *name, const TensorType *operands, int, const Attrs &attrs) {
  return alongAxisOf(name, operands, attrs, gives);
}

// Operands of one shape and dtype, and of the result's shape, with an axis dim, the first attribute.
TensorType scanOf(const char *name, const TensorType *operands, int count, const Attrs &attrs, int accepts,
                  Gives gives);
template <int accepts, Gives gives>
TensorType scan(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  return scanOf(name, operands, count, attrs, accepts, gives);
}

// x's shape, with `count` elements along an axis, all where that is negative.
TensorType sortedAlong(const char *name, const TensorType *operands, int64_t dim, int64_t count, Gives gives);
template <Gives gives> TensorType sortLast(const char *name, const TensorType *operands, int, const Attrs &) {
  return sortedAlong(name, operands, operands[0].shape.size() - 1, -1, gives);
}
template <Gives gives> TensorType sort(const char *name, const TensorType *operands, int, const Attrs &attrs) {
  return sortedAlong(name, operands, attrs[0].i, -1, gives);
}
template <Gives gives> TensorType topkLast(const char *name, const TensorType *operands, int, const Attrs &attrs) {
  return sortedAlong(name, operands, operands[0].shape.size() - 1, attrs[0].i, gives);
}
template <Gives gives> TensorType topk(const char *name, const TensorType *operands, int, const Attrs &attrs) {
  return sortedAlong(name, operands, attrs[1].i, attrs[0].i, gives);
}

using Rule = std::remove_pointer_t<InferRule>;

Rule where, cast, argReduction;
Rule reshape, permute, expand, slice, pad, concatenate, flip;
Rule dotGeneral, wideDotGeneral, matmul, linear, addmm;
Rule convGeneral, conv, convGeneralWeight, convTranspose;
Rule pool, poolIndex, channelReduction, normalizeChannels;
Rule gather, indexSelect, scatterAdd, scatter, embedding, searchsorted, embeddingBag;
Rule squareMatrix, anyMatrix, infoOfMatrix, rankOfMatrix, pivotsOfMatrix, determinant, eigenvalues;
// Matrices of pairs along one more axis, where the rule of a result, which has them, too, or numbers, sees none.
TensorType onPairsOf(const char *name, const TensorType *operands, int count, const Attrs &attrs, Rule rule,
                     bool gives);
template <Rule rule, bool gives = true>
TensorType onPairs(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  return onPairsOf(name, operands, count, attrs, rule, gives);
}
// A result of pairs of an operand without.
template <Rule rule> TensorType asPairs(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  TensorType result = rule(name, operands, count, attrs);
  result.shape.push_back(2);
  return result;
}
Rule svdLeft, singularValues, svdRight, qrTriangle, pseudoInverse, solveSquare, luSolve, leastSquares, swapRows;
Rule fourier, fourierOfReal, fourierToReal, fourierRows, fourierColumns, fourierRealRows, fourierToRealRows,
    fourierFirst, fourierSecond;
Rule iota, full, count, random, randomInteger;
Rule scan, whileLoop, cond;
TensorType resultOfBody(OpKind op, const Attrs &attrs, int result); // whose operands have been checked
Rule alongDim, layerNorm, crossEntropy, mseLoss, dropout, attention;

} // namespace weft::infer
