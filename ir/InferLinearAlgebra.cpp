// The rules of ops on batches of matrices (ir/ops/LinearAlgebra.td).
#include "ir/Infer.h"

namespace weft::infer {

static int64_t rowsOf(const TensorType &x) { return x.shape[x.shape.size() - 2]; }
static int64_t columnsOf(const TensorType &x) { return x.shape.back(); }

static void checkFloat(const char *name, const TensorType *operands, int count) {
  if (operands[0].dtype != DType::Float32 && operands[0].dtype != DType::Float64)
    mismatch(name, "takes float32 or float64", operands, count, "convert with .float() or .double()");
}

static void checkSquare(const char *name, const TensorType *operands, int count) {
  checkFloat(name, operands, count);
  if (operands[0].shape.size() < 2 || rowsOf(operands[0]) != columnsOf(operands[0]))
    mismatch(name, "must be batches of square matrices", operands, count, "its last two sizes must be equal");
}

static void checkMatrices(const char *name, const TensorType *operands, int count) {
  checkFloat(name, operands, count);
  if (operands[0].shape.size() < 2)
    mismatch(name, "must be batches of matrices", operands, count, "give it two dimensions or more");
  for (int64_t size : {rowsOf(operands[0]), columnsOf(operands[0])})
    if (isSymbol(size))
      mismatch(name, "the sizes of the matrices must be known", operands, count, "compile it for this shape");
}

// x's batches with other last sizes.
static TensorType batchesOf(const TensorType &x, std::initializer_list<int64_t> sizes) {
  TensorType result{x.dtype, Dims(x.shape.begin(), x.shape.end() - 2)};
  for (int64_t size : sizes)
    result.shape.push_back(size);
  return result;
}

static int64_t smallerSize(const TensorType &x) { return std::min(rowsOf(x), columnsOf(x)); }

// Whether y has x's leading sizes and then these.
static bool goesWith(const TensorType &x, const TensorType &y, std::initializer_list<int64_t> sizes) {
  return y.shape == batchesOf(x, sizes).shape;
}

// Whether b is a matrix of as many rows beside a, or beside each of its batches, and of its dtype.
static void checkRightSide(const char *name, const TensorType &a, const TensorType &b, const TensorType *operands,
                           int count) {
  if (b.dtype != a.dtype || b.shape.size() != a.shape.size() || !goesWith(a, b, {rowsOf(a), columnsOf(b)}))
    mismatch(name, "the right side must have the matrix's dtype, leading sizes and rows", operands, count,
             "expand or convert one of them");
}

static void checkPivots(const char *name, const TensorType &x, const TensorType &pivots, int64_t size,
                        const TensorType *operands, int count) {
  if (pivots.dtype != DType::Int32 || !goesWith(x, pivots, {size}))
    mismatch(name, "the pivots must be int32, with the matrix's leading sizes", operands, count,
             "pass them as the factorisation gave them");
}

// ---------------------------------------------------------------- Matrices, and numbers of them

TensorType squareMatrix(const char *name, const TensorType *operands, int count, const Attrs &) {
  checkSquare(name, operands, count);
  return operands[0];
}

TensorType anyMatrix(const char *name, const TensorType *operands, int count, const Attrs &) {
  checkMatrices(name, operands, count);
  return operands[0];
}

TensorType infoOfMatrix(const char *, const TensorType *operands, int, const Attrs &) {
  return {DType::Int32, batchesOf(operands[0], {}).shape};
}

TensorType rankOfMatrix(const char *, const TensorType *operands, int, const Attrs &) {
  return {DType::Int64, batchesOf(operands[0], {}).shape};
}

TensorType pivotsOfMatrix(const char *, const TensorType *operands, int, const Attrs &) {
  return {DType::Int32, batchesOf(operands[0], {smallerSize(operands[0])}).shape};
}

TensorType determinant(const char *name, const TensorType *operands, int count, const Attrs &) {
  checkSquare(name, operands, count);
  return batchesOf(operands[0], {});
}

TensorType eigenvalues(const char *name, const TensorType *operands, int count, const Attrs &) {
  checkSquare(name, operands, count);
  return batchesOf(operands[0], {columnsOf(operands[0])});
}

TensorType onPairsOf(const char *name, const TensorType *operands, int count, const Attrs &attrs, Rule rule,
                     bool gives) {
  TensorType numbers = operands[0];
  if (numbers.shape.empty() || numbers.shape.back() != 2)
    mismatch(name, "takes pairs along the last axis", operands, count, "pass view_as_real of a complex tensor");
  numbers.shape.pop_back();
  TensorType result = rule(name, &numbers, 1, attrs);
  if (gives)
    result.shape.push_back(2);
  return result;
}

// ---------------------------------------------------------------- SVD and QR

// The attribute says whether all rows and columns count, or as many as the smaller number.
TensorType svdLeft(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  checkMatrices(name, operands, count);
  int64_t rows = rowsOf(operands[0]);
  return batchesOf(operands[0], {rows, attrs[0].i ? rows : smallerSize(operands[0])});
}

TensorType singularValues(const char *, const TensorType *operands, int, const Attrs &) {
  return batchesOf(operands[0], {smallerSize(operands[0])});
}

TensorType svdRight(const char *, const TensorType *operands, int, const Attrs &attrs) {
  int64_t columns = columnsOf(operands[0]);
  return batchesOf(operands[0], {attrs[0].i ? columns : smallerSize(operands[0]), columns});
}

TensorType qrTriangle(const char *, const TensorType *operands, int, const Attrs &attrs) {
  return batchesOf(operands[0], {attrs[0].i ? rowsOf(operands[0]) : smallerSize(operands[0]), columnsOf(operands[0])});
}

TensorType pseudoInverse(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  checkMatrices(name, operands, count);
  if (attrs[0].i)
    checkSquare(name, operands, count);
  for (int i : {1, 2})
    if (operands[i].dtype != operands[0].dtype || !goesWith(operands[0], operands[i], {}))
      mismatch(name, "tolerances must have the matrix's dtype and leading sizes", operands, count,
               "expand or convert them");
  return batchesOf(operands[0], {columnsOf(operands[0]), rowsOf(operands[0])});
}

// ---------------------------------------------------------------- Solutions

TensorType solveSquare(const char *name, const TensorType *operands, int count, const Attrs &) {
  checkSquare(name, operands, count);
  checkRightSide(name, operands[0], operands[1], operands, count);
  return operands[1];
}

TensorType luSolve(const char *name, const TensorType *operands, int count, const Attrs &) {
  checkSquare(name, operands, count);
  checkPivots(name, operands[0], operands[1], columnsOf(operands[0]), operands, count);
  checkRightSide(name, operands[0], operands[2], operands, count);
  return operands[2];
}

TensorType leastSquares(const char *name, const TensorType *operands, int count, const Attrs &) {
  checkMatrices(name, operands, count);
  checkRightSide(name, operands[0], operands[1], operands, count);
  return batchesOf(operands[0], {columnsOf(operands[0]), columnsOf(operands[1])});
}

TensorType swapRows(const char *name, const TensorType *operands, int count, const Attrs &) {
  checkFloat(name, operands, count);
  if (operands[0].shape.size() < 2 || operands[1].shape.size() == 0)
    mismatch(name, "takes batches of matrices and of pivots", operands, count, "give them their dimensions");
  checkPivots(name, operands[0], operands[1], columnsOf(operands[1]), operands, count);
  return operands[0];
}

} // namespace weft::infer
