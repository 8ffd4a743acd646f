// Rules of products, indexing and the composites.
#include "ir/Infer.h"

namespace weft::infer {

using Kind = UserError::Kind;

TensorType dotGeneral(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  checkDType(name, operands, count, Int | Float);
  const Dims &lhs = operands[0].shape, &rhs = operands[1].shape;
  const Dims &lhsBatch = attrs[0].ints, &rhsBatch = attrs[1].ints;
  const Dims &lhsContract = attrs[2].ints, &rhsContract = attrs[3].ints;
  if (lhsBatch.size() != rhsBatch.size() || lhsContract.size() != rhsContract.size())
    mismatch(name, "as many axes must be paired on the left as on the right", operands, count,
             "list the axes in pairs");
  auto checkPairs = [&](const Dims &l, const Dims &r) {
    for (int i = 0; i < l.size(); ++i)
      if (lhs[int(checkAxis(name, l[i], operands[0]))] != rhs[int(checkAxis(name, r[i], operands[1]))])
        mismatch(name,
                 "axis " + std::to_string(l[i]) + " of the left and axis " + std::to_string(r[i]) +
                     " of the right must have one size",
                 operands, count, "check the order of the operands and transpose one if need be");
  };
  checkPairs(lhsBatch, rhsBatch);
  checkPairs(lhsContract, rhsContract);
  if (lhs.size() + rhs.size() - lhsBatch.size() - 2 * lhsContract.size() > kMaxRank)
    mismatch(name, "the result would have more than " + std::to_string(kMaxRank) + " axes", operands, count,
             "reshape first");
  Dims shape;
  for (int64_t axis : lhsBatch)
    shape.push_back(lhs[int(axis)]);
  auto addFree = [&](const Dims &from, const Dims &batch, const Dims &contract) {
    for (int i = 0; i < from.size(); ++i)
      if (!batch.contains(i) && !contract.contains(i))
        shape.push_back(from[i]);
  };
  addFree(lhs, lhsBatch, lhsContract);
  addFree(rhs, rhsBatch, rhsContract);
  return {operands[0].dtype, shape};
}

TensorType wideDotGeneral(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  std::vector<TensorType> wide(operands, operands + count);
  for (TensorType &operand : wide)
    if (operand.dtype == DType::Float16 || operand.dtype == DType::BFloat16)
      operand.dtype = DType::Float32;
  return dotGeneral(name, wide.data(), count, attrs);
}

TensorType matmul(const char *name, const TensorType *operands, int count, const Attrs &) {
  checkDType(name, operands, count, Int | Float);
  Dims x = operands[0].shape, y = operands[1].shape;
  if (x.empty() || y.empty())
    mismatch(name, "both tensors need at least one axis", operands, count, "multiply by a scalar with *");
  bool row = x.size() == 1, column = y.size() == 1;
  if (row)
    x.insert(0, 1);
  if (column)
    y.push_back(1);
  if (x.back() != y[y.size() - 2])
    mismatch(name,
             "the inner sizes " + toString(Dims{x.back()}) + " and " + toString(Dims{y[y.size() - 2]}) + " must match",
             operands, count, "transpose or reshape one of them");
  Dims shape;
  int rank = std::max(x.size(), y.size());
  for (int i = 0; i < rank - 2; ++i) {
    int ix = i - (rank - x.size()), iy = i - (rank - y.size());
    int64_t nx = ix < 0 ? 1 : x[ix], ny = iy < 0 ? 1 : y[iy];
    if (nx != ny && nx != 1 && ny != 1)
      mismatch(name, "the batch axes must match or be 1", operands, count, "reshape or expand one of them");
    shape.push_back(nx == 1 ? ny : nx);
  }
  if (!row)
    shape.push_back(x[x.size() - 2]);
  if (!column)
    shape.push_back(y.back());
  return {operands[0].dtype, shape};
}

TensorType addmm(const char *name, const TensorType *operands, int count, const Attrs &) {
  checkDType(name, operands, count, Int | Float);
  const Dims &input = operands[0].shape, &x = operands[1].shape, &y = operands[2].shape;
  if (x.size() != 2 || y.size() != 2 || x[1] != y[0])
    mismatch(name, "needs matrices [m, k] and [k, n]", operands, count, "use matmul for batches and vectors");
  Dims shape{x[0], y[1]};
  int extra = 2 - input.size();
  for (int i = 0; i < input.size(); ++i)
    if (extra < 0 || (input[i] != 1 && input[i] != shape[extra + i]))
      mismatch(name, "the input must broadcast to " + toString(shape), operands, count, "expand or reshape it");
  return {operands[0].dtype, shape};
}

TensorType linear(const char *name, const TensorType *operands, int count, const Attrs &) {
  checkDType(name, operands, count, Int | Float);
  const TensorType &x = operands[0], &weight = operands[1];
  if (weight.shape.size() != 2 || x.shape.empty() || x.shape.back() != weight.shape[1])
    mismatch(name, "the input's last size must be the weight's second: [..., in] and [out, in]", operands, count,
             "check in_features and out_features");
  if (count > 2 && operands[2].shape != Dims{weight.shape[0]})
    mismatch(name, "the bias must be [out]", operands, count, "check out_features");
  TensorType result = x;
  result.shape.back() = weight.shape[0];
  return result;
}

static void checkIndex(const char *name, const TensorType *operands, int count, int at) {
  if (operands[at].dtype != DType::Int64)
    mismatch(name, "the index must be int64", operands, count, "convert it with .to(weft.int64)", Kind::Runtime);
}

TensorType gather(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  const TensorType &x = operands[0], &index = operands[1];
  checkIndex(name, operands, count, 1);
  if (x.shape.size() != index.shape.size())
    mismatch(name, "the index must have as many axes as the input", operands, count, "unsqueeze or expand the index");
  int64_t dim = checkAxis(name, attrs[0].i, x);
  for (int i = 0; i < x.shape.size(); ++i) {
    bool fits = i == dim || index.shape[i] == x.shape[i] ||
                (!isSymbol(index.shape[i]) && (isSymbol(x.shape[i]) || index.shape[i] <= x.shape[i]));
    if (!fits)
      mismatch(name, "the index must be at most as large as the input but along axis " + std::to_string(dim), operands,
               count, "cut the index to size");
  }
  return {x.dtype, index.shape};
}

TensorType indexSelect(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  checkIndex(name, operands, count, 1);
  if (operands[1].shape.size() != 1)
    mismatch(name, "the index must have one axis", operands, count, "flatten it");
  TensorType result = operands[0];
  result.shape[int(checkAxis(name, attrs[0].i, operands[0]))] = operands[1].shape[0];
  return result;
}

static TensorType scatterOf(const char *name, const TensorType *operands, int count, const Attrs &attrs, int accepts) {
  const TensorType &x = operands[0], &index = operands[1], &source = operands[2];
  checkIndex(name, operands, count, 1);
  TensorType values[] = {x, source};
  checkDType(name, values, 2, accepts);
  int64_t dim = checkAxis(name, attrs[0].i, x);
  bool fits = index.shape == source.shape && x.shape.size() == index.shape.size();
  for (int i = 0; fits && i < x.shape.size(); ++i)
    fits = i == dim || isSymbol(index.shape[i]) || isSymbol(x.shape[i]) || index.shape[i] <= x.shape[i];
  if (!fits)
    mismatch(name,
             "index and source need one shape, at most as large as the input but along axis " + std::to_string(dim),
             operands, count, "expand the index to the source's shape");
  return x;
}

TensorType scatterAdd(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  return scatterOf(name, operands, count, attrs, Int | Float);
}

TensorType scatter(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  return scatterOf(name, operands, count, attrs, Bool | Int | Float);
}

TensorType embedding(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  checkIndex(name, operands, count, 0);
  const TensorType &weight = operands[1];
  if (weight.shape.size() != 2)
    mismatch(name, "the weight must be [rows, width]", operands, count, "pass the embedding's matrix");
  if (attrs[0].i < -1 || (!isSymbol(weight.shape[0]) && attrs[0].i >= weight.shape[0]))
    mismatch(name, "padding_idx " + std::to_string(attrs[0].i) + " is not a row of the weight", operands, count,
             "name a row, or none", Kind::Index);
  Dims shape = operands[0].shape;
  if (shape.size() == kMaxRank)
    mismatch(name, "the result would have too many axes", operands, count, "flatten the index");
  shape.push_back(weight.shape[1]);
  return {weight.dtype, shape};
}

TensorType embeddingBag(const char *name, const TensorType *operands, int count, const Attrs &) {
  checkIndex(name, operands, count, 1);
  checkIndex(name, operands, count, 2);
  const TensorType &weight = operands[0], &index = operands[1], &offsets = operands[2];
  checkDType(name, operands, 1, Float);
  if (weight.shape.size() != 2 || index.shape.size() != 1 || offsets.shape.size() != 1)
    mismatch(name, "the weight must be [rows, width], index and offsets vectors", operands, count, "reshape them");
  if (count > 3 && (operands[3].shape != index.shape || operands[3].dtype != weight.dtype))
    mismatch(name, "there must be a factor of the weight's dtype for each index", operands, count, "convert them");
  return {weight.dtype, {offsets.shape[0], weight.shape[1]}};
}

TensorType searchsorted(const char *name, const TensorType *operands, int count, const Attrs &) {
  checkDType(name, operands, count, Int | Float);
  Dims of = operands[0].shape, result = operands[1].shape;
  bool fits = !of.empty() && of.size() == result.size();
  for (int i = 0; fits && i + 1 < of.size(); ++i)
    fits = of[i] == result[i];
  if (!fits)
    mismatch(name, "the sequence and the values must have the same axes but for the last", operands, count,
             "expand one of them, or flatten the values for a sequence of one axis");
  return {DType::Int64, result};
}

TensorType sortedAlong(const char *name, const TensorType *operands, int64_t dim, int64_t count, Gives gives) {
  TensorType type = operands[0];
  checkDType(name, operands, 1, Bool | Int | Float);
  int axis = int(checkAxis(name, dim, type));
  if (count >= 0 && !isSymbol(type.shape[axis]) && count > type.shape[axis])
    mismatch(name,
             "k = " + std::to_string(count) + " is more than the " + std::to_string(type.shape[axis]) + " elements",
             operands, 1, "choose a smaller k");
  if (count >= 0)
    type.shape[axis] = count;
  return {gives == ToInt64 ? DType::Int64 : type.dtype, type.shape};
}

TensorType alongDim(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  checkDType(name, operands, count, Float);
  checkAxis(name, attrs[0].i, operands[0]);
  return operands[0];
}

TensorType layerNorm(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  checkDType(name, operands, count, Float);
  const Dims &shape = operands[0].shape;
  int64_t axes = attrs[0].i;
  if (axes < 1 || axes > shape.size())
    mismatch(name, "cannot normalise the last " + std::to_string(axes) + " axes", operands, count,
             "normalized_shape must be the input's last sizes");
  Dims last(shape.end() - axes, shape.end());
  for (int i = 1; i < count; ++i)
    if (operands[i].shape != last)
      mismatch(name, "weight and bias must have the shape " + toString(last), operands, count,
               "normalized_shape must be the input's last sizes");
  return operands[0];
}

static void checkLossReduction(const char *name, int64_t reduction) {
  if (reduction < 0 || reduction > 2)
    fail(Kind::Value, name, "reduction " + std::to_string(reduction) + " is unknown; use 'none', 'mean' or 'sum'");
}

TensorType crossEntropy(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  const TensorType &input = operands[0], &target = operands[1];
  checkDType(name, operands, 1, Float);
  checkIndex(name, operands, count, 1);
  checkLossReduction(name, attrs[0].i);
  int rank = input.shape.size(), axis = rank > 1 ? 1 : 0;
  if (rank == 0)
    mismatch(name, "the input needs an axis of classes", operands, count, "pass [N, C] or [C]");
  Dims expected = input.shape;
  expected.erase(axis);
  if (target.shape != expected)
    mismatch(name, "the target must be " + toString(expected), operands, count,
             "the target holds one class for each row of the input, whose classes are axis " + std::to_string(axis));
  if (count > 2 && operands[2] != TensorType{input.dtype, {input.shape[axis]}})
    mismatch(name, "the weight must be " + toString(TensorType{input.dtype, {input.shape[axis]}}), operands, count,
             "pass one weight a class");
  return {input.dtype, attrs[0].i == 0 ? expected : Dims()};
}

TensorType mseLoss(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  TensorType result = elementwiseOf(name, operands, count, Float, Same);
  checkLossReduction(name, attrs[0].i);
  if (attrs[0].i != 0)
    result.shape = Dims();
  return result;
}

TensorType dropout(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  checkDType(name, operands, 1, Float);
  if (operands[1] != TensorType{DType::Int64, {2}})
    mismatch(name, "the state of the generator must be int64[2]", operands, count, "pass a generator's state");
  if (!(attrs[0].f >= 0 && attrs[0].f <= 1))
    fail(Kind::Value, name, "dropout probability has to be between 0 and 1, but got " + std::to_string(attrs[0].f));
  return operands[0];
}

TensorType attention(const char *name, const TensorType *operands, int count, const Attrs &) {
  checkDType(name, operands, 3, Float);
  const Dims &query = operands[0].shape, &key = operands[1].shape, &value = operands[2].shape;
  int rank = query.size();
  bool fits = rank >= 2 && key.size() == rank && value.size() == rank && query.back() == key.back() &&
              key[rank - 2] == value[rank - 2];
  for (int i = 0; fits && i < rank - 2; ++i)
    fits = query[i] == key[i] && query[i] == value[i];
  if (!fits)
    mismatch(name, "query, key and value must be [..., L, E], [..., S, E] and [..., S, V]", operands, count,
             "reshape, expand or transpose them");
  Dims scores = query;
  scores.back() = key[rank - 2];
  if (count > 3) {
    const TensorType &mask = operands[3];
    if (mask.dtype != DType::Bool && mask.dtype != operands[0].dtype)
      mismatch(name, "the mask must be bool or of the query's dtype", operands, count, "convert it with .to(dtype)");
    int extra = rank - mask.shape.size();
    for (int i = 0; i < mask.shape.size(); ++i)
      if (extra < 0 || (mask.shape[i] != 1 && mask.shape[i] != scores[extra + i]))
        mismatch(name, "the mask must broadcast to " + toString(scores), operands, count, "reshape the mask");
  }
  Dims shape = query;
  shape.back() = value.back();
  return {operands[0].dtype, shape};
}

} // namespace weft::infer
