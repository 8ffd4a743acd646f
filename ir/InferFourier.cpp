// The rules of discrete Fourier transforms (ir/ops/Fourier.td). Complex numbers are pairs, in a last axis of 2.
#include "ir/Infer.h"

namespace weft::infer {

static void checkNumbers(const char *name, const TensorType *operands, int count) {
  DType dtype = operands[0].dtype;
  if (dtype != DType::Float32 && dtype != DType::Float64)
    mismatch(name, "the transform is of float32 or float64", operands, count, "convert it with .to()");
}

static void checkPairsOf(const char *name, const TensorType *operands, int count, int axes) {
  const Dims &shape = operands[0].shape;
  if (int(shape.size()) < axes || shape.back() != 2)
    mismatch(name, "the last axis must be 2, real and imaginary parts, of " + std::to_string(axes) + " axes or more",
             operands, count, "weft.view_as_real() gives it");
}

static void checkPairs(const char *name, const TensorType *operands, int count, int axes) {
  checkNumbers(name, operands, count);
  checkPairsOf(name, operands, count, axes);
}

static int64_t checkLength(const char *name, int64_t dim, const TensorType *operands, int64_t axes) {
  if (dim < 0 || dim >= axes)
    fail(UserError::Kind::Index, name,
         "dim " + std::to_string(dim) + " is none of the " + std::to_string(axes) + " axes of the signal");
  int64_t n = operands[0].shape[dim];
  if (n == 0)
    mismatch(name, "there is no transform of an axis of 0 elements", operands, 1, "give a length with n=");
  return n;
}

TensorType fourier(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  checkDType(name, operands, count, Float);
  checkPairsOf(name, operands, count, 2);
  checkLength(name, attrs[0].i, operands, operands[0].shape.size() - 1);
  return operands[0];
}

TensorType fourierOfReal(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  checkDType(name, operands, count, Float);
  int64_t n = checkLength(name, attrs[0].i, operands, operands[0].shape.size());
  TensorType result = operands[0];
  result.shape[attrs[0].i] = n / 2 + 1;
  result.shape.push_back(2);
  return result;
}

TensorType fourierToReal(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  checkDType(name, operands, count, Float);
  checkPairsOf(name, operands, count, 2);
  int64_t half = checkLength(name, attrs[0].i, operands, operands[0].shape.size() - 1), size = attrs[1].i;
  if (size < 1 || size / 2 + 1 != half)
    mismatch(name,
             "a signal of " + std::to_string(size) + " has " + std::to_string(size / 2 + 1) +
                 " elements of its spectrum along the axis",
             operands, count, "pad or cut it");
  TensorType result = operands[0];
  result.shape[attrs[0].i] = size;
  result.shape.pop_back();
  return result;
}

TensorType fourierRows(const char *name, const TensorType *operands, int count, const Attrs &) {
  checkPairs(name, operands, count, 2);
  return operands[0];
}

TensorType fourierColumns(const char *name, const TensorType *operands, int count, const Attrs &) {
  checkPairs(name, operands, count, 3);
  return operands[0];
}

TensorType fourierRealRows(const char *name, const TensorType *operands, int count, const Attrs &) {
  checkNumbers(name, operands, count);
  TensorType result = operands[0];
  if (result.shape.empty() || result.shape.back() % 2 != 0 || result.shape.back() == 0)
    mismatch(name, "rows must be of an even length", operands, count, "fft_real takes any");
  result.shape.back() = result.shape.back() / 2 + 1;
  result.shape.push_back(2);
  return result;
}

TensorType fourierToRealRows(const char *name, const TensorType *operands, int count, const Attrs &) {
  checkPairs(name, operands, count, 2);
  TensorType result = operands[0];
  result.shape.pop_back();
  if (result.shape.back() < 2)
    mismatch(name, "a row must have two pairs or more", operands, count, "fft_to_real takes any");
  result.shape.back() = 2 * (result.shape.back() - 1);
  return result;
}

static int64_t tileSize(const TensorType &type) { return type.dtype == DType::Float64 ? 8 : 16; }

TensorType fourierFirst(const char *name, const TensorType *operands, int count, const Attrs &) {
  checkPairs(name, operands, count, 3);
  const int64_t tile = tileSize(operands[0]);
  Dims shape = operands[0].shape;
  for (int axis = int(shape.size()) - 3; axis < int(shape.size()) - 1; ++axis)
    shape[axis] = (shape[axis] + tile - 1) / tile;
  shape.back() = tile;
  shape.push_back(tile);
  shape.push_back(2);
  return {operands[0].dtype, shape};
}

TensorType fourierSecond(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  checkPairs(name, operands, count, 5);
  const int64_t tile = tileSize(operands[0]), rows = attrs[0].i, columns = attrs[1].i;
  const Dims &given = operands[0].shape;
  const int last = int(given.size());
  if (given[last - 5] != (rows + tile - 1) / tile || given[last - 4] != (columns + tile - 1) / tile ||
      given[last - 3] != tile || given[last - 2] != tile)
    mismatch(name, "these are no tiles of " + std::to_string(rows) + " x " + std::to_string(columns), operands, count,
             "fft_first makes them");
  Dims shape(given.begin(), given.end() - 5);
  for (int64_t size : {columns, rows, int64_t(2)})
    shape.push_back(size);
  return {operands[0].dtype, shape};
}

} // namespace weft::infer
