// Rules of the elementwise, reduction, shape and creation families.
#include "ir/Infer.h"

#include <algorithm>

namespace weft::infer {

using Kind = UserError::Kind;

void mismatch(const char *name, const std::string &wrong, const TensorType *operands, int count,
              const std::string &remedy, Kind kind) {
  std::string got;
  for (int i = 0; i < count; ++i)
    got += (i == 0 ? "" : i + 1 == count ? " and " : ", ") + toString(operands[i]);
  fail(kind, name, wrong + "; got " + got + "; " + remedy);
}

static int categoryOf(DType dtype) {
  return dtype == DType::Bool ? Bool : isFloat(dtype) ? Float : isComplex(dtype) ? 0 : Int;
}

void checkDType(const char *name, const TensorType *operands, int count, int accepts) {
  for (int i = 0; i < count; ++i) {
    if (operands[i].dtype != operands[0].dtype)
      mismatch(name, "the operands must have one dtype", operands, count, "convert one with .to(dtype)");
    if (categoryOf(operands[i].dtype) & accepts)
      continue;
    std::string wanted;
    for (auto [set, word] :
         {std::pair(int(Bool), "bool"), std::pair(int(Int), "integer"), std::pair(int(Float), "float")})
      if (accepts & set)
        wanted += (wanted.empty() ? "" : " or ") + std::string(word);
    mismatch(name, "needs " + wanted + " operands", operands, count, "convert them with .to(dtype)",
             Kind::NotImplemented); // in Python a RuntimeError, too
  }
}

int64_t checkAxis(const char *name, int64_t dim, const TensorType &operand) {
  int rank = operand.shape.size();
  if (dim < 0 || dim >= rank)
    mismatch(name, "the axis " + std::to_string(dim) + " is out of range", &operand, 1,
             rank ? "axes go from 0 to " + std::to_string(rank - 1) : "a scalar has no axes", Kind::Index);
  return dim;
}

static void checkSameShape(const char *name, const TensorType *operands, int count) {
  for (int i = 1; i < count; ++i)
    if (operands[i].shape != operands[0].shape)
      mismatch(name, "the operands must have one shape", operands, count, "bring them to one with expand or reshape");
}

TensorType elementwiseOf(const char *name, const TensorType *operands, int count, int accepts, Gives gives) {
  checkDType(name, operands, count, accepts);
  checkSameShape(name, operands, count);
  return {gives == ToBool ? DType::Bool : gives == ToInt64 ? DType::Int64 : operands[0].dtype, operands[0].shape};
}

TensorType arithmeticOf(const char *name, const TensorType *operands, int count, int accepts) {
  for (int i = 0; i < count; ++i) {
    const DType narrow = operands[i].dtype;
    if (!isFloat(narrow) || itemSize(narrow) > 2)
      continue;
    for (int k = 0; k < count; ++k)
      if (operands[k].dtype != narrow && operands[k].dtype != DType::Float32)
        checkDType(name, operands, count, accepts); // which says what is wrong
    checkSameShape(name, operands, count);
    return {narrow, operands[0].shape};
  }
  return elementwiseOf(name, operands, count, accepts, Same);
}

TensorType pairsOf(const char *name, const TensorType *operands, int count, GivesOfPairs gives) {
  checkDType(name, operands, count, Float);
  checkSameShape(name, operands, count);
  TensorType result = operands[0];
  if (result.shape.empty() || result.shape.back() != 2)
    mismatch(name, "the last axis must be of size 2, the real and the imaginary part", operands, count,
             "stack them along it");
  if (gives != Pairs)
    result.shape.erase(result.shape.size() - 1);
  return {gives == Truth ? DType::Bool : result.dtype, result.shape};
}

TensorType where(const char *name, const TensorType *operands, int count, const Attrs &) {
  if (operands[0].dtype != DType::Bool)
    mismatch(name, "the condition must be bool", operands, count, "compare first, as in where(x > 0, x, y)");
  checkDType(name, operands + 1, 2, Bool | Int | Float);
  checkSameShape(name, operands, count);
  return operands[1];
}

TensorType cast(const char *, const TensorType *operands, int, const Attrs &attrs) {
  return {attrs[0].asDType(), operands[0].shape};
}

static Dims checkedDims(const char *name, const Dims &dims, const TensorType &operand) {
  for (int i = 0; i < dims.size(); ++i) {
    checkAxis(name, dims[i], operand);
    if (i && dims[i] <= dims[i - 1])
      mismatch(name, "the axes " + toString(dims) + " must be sorted, each once", &operand, 1, "list each axis once",
               Kind::Runtime);
  }
  return dims;
}

TensorType reductionOf(const char *name, const TensorType *operands, const Attrs &attrs, int accepts, Gives gives) {
  const TensorType &x = operands[0];
  checkDType(name, operands, 1, accepts);
  Dims dims = checkedDims(name, attrs[0].ints, x), shape;
  bool keepdim = attrs.back().asBool();
  for (int i = 0; i < x.shape.size(); ++i)
    if (!dims.contains(i))
      shape.push_back(x.shape[i]);
    else if (keepdim)
      shape.push_back(1);
  const char *kind = info(opByName(name)).reduction;
  bool needsElements = kind && (std::string(kind).find("max") != std::string::npos ||
                                std::string(kind).find("min") != std::string::npos);
  for (int64_t dim : dims)
    if (needsElements && x.shape[dim] == 0)
      mismatch(name, "no element to choose from along axis " + std::to_string(dim), operands, 1,
               "reduce along axes that are not empty", Kind::Index);
  return {gives == ToBool ? DType::Bool : gives == ToInt64 ? DType::Int64 : x.dtype, shape};
}

TensorType argReduction(const char *name, const TensorType *operands, int, const Attrs &attrs) {
  if (attrs[0].ints.size() != 1)
    mismatch(name, "needs exactly one axis, but got " + toString(attrs[0].ints), operands, 1,
             "flatten the tensor first");
  return reductionOf(name, operands, attrs, Bool | Int | Float, ToInt64);
}

TensorType alongAxisOf(const char *name, const TensorType *operands, const Attrs &attrs, Gives gives) {
  const TensorType &x = operands[0];
  checkDType(name, operands, 1, Bool | Int | Float);
  int axis = int(checkAxis(name, attrs[0].i, x));
  if (x.shape[axis] == 0)
    mismatch(name, "no element to choose from along axis " + std::to_string(axis), operands, 1,
             "choose an axis that is not empty", Kind::Index);
  Dims shape;
  for (int i = 0; i < x.shape.size(); ++i)
    if (i != axis)
      shape.push_back(x.shape[i]);
    else if (attrs.back().asBool())
      shape.push_back(1);
  return {gives == ToInt64 ? DType::Int64 : x.dtype, shape};
}

TensorType scanOf(const char *name, const TensorType *operands, int count, const Attrs &attrs, int accepts,
                  Gives gives) {
  TensorType result = elementwiseOf(name, operands, count, accepts, gives);
  checkAxis(name, attrs[0].i, result);
  return result;
}

// Whether the products of two shapes are equal: numbers among themselves, and symbols as a multiset.
static bool sameCount(const Dims &a, const Dims &b) {
  int64_t counts[2] = {1, 1};
  Dims symbols[2];
  for (int side : {0, 1})
    for (int64_t size : side ? b : a) {
      if (!isSymbol(size)) {
        counts[side] *= size;
        continue;
      }
      SizeFactors factors = factorsOf(size);
      counts[side] *= factors.constant;
      for (int64_t symbol : factors.symbols)
        symbols[side].push_back(symbol);
    }
  for (Dims &list : symbols)
    std::sort(list.begin(), list.end());
  return counts[0] == counts[1] && (symbols[0] == symbols[1] || counts[0] == 0);
}

TensorType reshape(const char *name, const TensorType *operands, int, const Attrs &attrs) {
  const Dims &shape = attrs[0].ints;
  if (!sameCount(operands[0].shape, shape))
    fail(Kind::Runtime, name,
         "shape " + toString(shape) + " is invalid for input " + toString(operands[0]) +
             "; the number of elements must stay the same");
  return {operands[0].dtype, shape};
}

TensorType permute(const char *name, const TensorType *operands, int, const Attrs &attrs) {
  const Dims &dims = attrs[0].ints;
  Dims shape;
  bool fits = dims.size() == operands[0].shape.size();
  for (int i = 0; fits && i < dims.size(); ++i) {
    shape.push_back(operands[0].shape[int(checkAxis(name, dims[i], operands[0]))]);
    fits = dims.contains(i);
  }
  if (!fits)
    mismatch(name, "the axes " + toString(dims) + " are not an order of the tensor's axes", operands, 1,
             "name each axis once");
  return {operands[0].dtype, shape};
}

TensorType expand(const char *name, const TensorType *operands, int, const Attrs &attrs) {
  const Dims &from = operands[0].shape, &to = attrs[0].ints;
  int extra = to.size() - from.size();
  for (int i = 0; i < from.size(); ++i)
    if (extra < 0 || (from[i] != 1 && from[i] != to[extra + i]))
      mismatch(name, "cannot expand to " + toString(to), operands, 1,
               "sizes must match from the last axis on, or be 1 in the tensor");
  return {operands[0].dtype, to};
}

static void checkAxisCount(const char *name, const Attrs &attrs, int lists, const TensorType &operand) {
  for (int i = 0; i < lists; ++i)
    if (attrs[i].ints.size() != operand.shape.size())
      mismatch(name, "needs one number an axis, but got " + toString(attrs[i].ints), &operand, 1,
               "give as many as the tensor has axes");
}

TensorType slice(const char *name, const TensorType *operands, int, const Attrs &attrs) {
  const TensorType &x = operands[0];
  checkAxisCount(name, attrs, 3, x);
  const Dims &starts = attrs[0].ints, &sizes = attrs[1].ints, &steps = attrs[2].ints;
  for (int i = 0; i < sizes.size(); ++i) {
    bool whole = sizes[i] == x.shape[i] && starts[i] == 0 && steps[i] == 1;
    bool inside = starts[i] >= 0 && steps[i] >= 1 &&
                  (sizes[i] == 0 || isSymbol(sizes[i]) || isSymbol(x.shape[i]) ||
                   (starts[i] < x.shape[i] && sizes[i] - 1 <= (x.shape[i] - 1 - starts[i]) / steps[i]));
    if (!whole && !inside)
      mismatch(name,
               "start " + std::to_string(starts[i]) + ", size " + std::to_string(sizes[i]) + ", step " +
                   std::to_string(steps[i]) + " do not fit axis " + std::to_string(i),
               operands, 1, "start must be >= 0, step >= 1, and the last element inside the tensor", Kind::Index);
  }
  return {x.dtype, sizes};
}

TensorType pad(const char *name, const TensorType *operands, int, const Attrs &attrs) {
  const TensorType &x = operands[0];
  checkAxisCount(name, attrs, 3, x);
  Dims shape = x.shape;
  for (int i = 0; i < shape.size(); ++i) {
    int64_t low = attrs[0].ints[i], high = attrs[1].ints[i], interior = attrs[2].ints[i];
    if (low < 0 || high < 0 || interior < 0)
      mismatch(name, "axis " + std::to_string(i) + " is padded by a negative count", operands, 1,
               "take a slice to remove elements");
    if (low == 0 && high == 0 && interior == 0)
      continue;
    if (isSymbol(shape[i]))
      mismatch(name, "axis " + std::to_string(i) + " has a symbolic size", operands, 1, "pad axes of known size");
    int64_t gaps = shape[i] > 0 ? shape[i] - 1 : 0;
    if (__builtin_mul_overflow(gaps, interior, &gaps) || __builtin_add_overflow(shape[i], gaps, &shape[i]) ||
        __builtin_add_overflow(shape[i], low, &shape[i]) || __builtin_add_overflow(shape[i], high, &shape[i]))
      mismatch(name, "the size of axis " + std::to_string(i) + " would pass 2^63", operands, 1, "pad by less");
  }
  return {x.dtype, shape};
}

// The sum of two sizes, where it is a product of the same symbols.
static std::optional<int64_t> sum(int64_t a, int64_t b) {
  SizeFactors left = factorsOf(a), right = factorsOf(b);
  if (left.symbols != right.symbols || __builtin_add_overflow(left.constant, right.constant, &left.constant))
    return std::nullopt;
  return sizeProduct(left.constant, left.symbols);
}

TensorType concatenate(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  TensorType result = operands[0];
  int dim = int(checkAxis(name, attrs[0].i, result));
  checkDType(name, operands, count, Bool | Int | Float);
  for (int i = 1; i < count; ++i) {
    Dims shape = operands[i].shape;
    bool fits = shape.size() == result.shape.size();
    for (int a = 0; fits && a < shape.size(); ++a)
      fits = a == dim || shape[a] == result.shape[a];
    if (!fits)
      mismatch(name, "sizes must match but along axis " + std::to_string(dim), operands, count,
               "bring the tensors to sizes that fit");
    bool isKnown = !isSymbol(shape[dim]) && !isSymbol(result.shape[dim]);
    std::optional<int64_t> size = sum(result.shape[dim], shape[dim]);
    if (!size)
      mismatch(name,
               isKnown ? "the size of axis " + std::to_string(dim) + " would pass 2^63"
                       : "the sum of the sizes along axis " + std::to_string(dim) + " is no product of symbols",
               operands, count, isKnown ? "concatenate fewer" : "compile it for this shape");
    result.shape[dim] = *size;
  }
  return result;
}

TensorType flip(const char *name, const TensorType *operands, int, const Attrs &attrs) {
  checkedDims(name, attrs[0].ints, operands[0]);
  return operands[0];
}

TensorType iota(const char *name, const TensorType *, int, const Attrs &attrs) {
  TensorType result{attrs[2].asDType(), attrs[0].ints};
  checkAxis(name, attrs[1].i, result);
  if (result.dtype == DType::Bool)
    fail(Kind::Runtime, name, "counts in integers or floats; got bool; ask for dtype int64");
  return result;
}

TensorType full(const char *name, const TensorType *, int, const Attrs &attrs) {
  return {attrs[3].asDType(), attrs[0].ints};
}

TensorType count(const char *name, const TensorType *, int, const Attrs &attrs) {
  if (attrs[3].asDType() == DType::Bool)
    fail(Kind::Runtime, name, "counts in integers or floats; got bool; ask for dtype int64");
  return {attrs[3].asDType(), attrs[0].ints};
}

TensorType random(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  if (operands[0] != TensorType{DType::Int64, {2}})
    mismatch(name, "the state of the generator must be int64[2]", operands, count, "pass a generator's state");
  if (!isFloat(attrs[1].asDType()))
    fail(Kind::Runtime, name,
         std::string("draws floats; got dtype ") + weft::name(attrs[1].asDType()) +
             "; ask for a float dtype and convert");
  return {attrs[1].asDType(), attrs[0].ints};
}

TensorType randomInteger(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  if (count != 2 || operands[0] != TensorType{DType::Int64, {2}} || operands[1] != operands[0])
    mismatch(name, "the state of the generator and the bounds must be int64[2]", operands, count,
             "pass a generator's state, and [low, high]");
  return {DType::Int64, attrs[0].ints};
}

static TensorType inFront(int64_t size, TensorType type) {
  type.shape.insert(0, size);
  return type;
}

TensorType scan(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  const Graph &body = bodyOf(attrs);
  const int carries = int(attrs[1].i), sequences = int(attrs[2].i), results = int(body.outputs.size());
  if (attrs[1].i < 0 || attrs[2].i < 0 || attrs[1].i + attrs[2].i > count || count > int(body.inputs.size()) ||
      carries > results || results == 0 || attrs[3].ints.size() != 1)
    fail(Kind::Runtime, name,
         "a body of " + std::to_string(body.inputs.size()) + " inputs and " + std::to_string(results) +
             " results does not fit " + std::to_string(attrs[1].i) + " carries, " + std::to_string(attrs[2].i) +
             " sequences and " + std::to_string(count) + " operands");
  for (int i = 0; i < count; ++i) {
    bool isSequence = i >= carries && i < carries + sequences;
    const TensorType &read = body.inputs[size_t(i)].type;
    TensorType expected = isSequence ? inFront(attrs[3].ints[0], read) : read;
    if (operands[i] != expected)
      fail(Kind::Runtime, name,
           std::string(isSequence    ? "a sequence"
                       : i < carries ? "a carry"
                                     : "a constant") +
               " must be " + toString(expected) + " for its body, but is " + toString(operands[i]));
  }
  for (int i = 0; i < carries; ++i)
    if (const TensorType &next = body.type(body.outputs[size_t(i)]); next != operands[i])
      fail(Kind::Runtime, name,
           "carry " + std::to_string(i) + " begins as " + toString(operands[i]) + " and is " + toString(next) +
               " after a step; let the step keep its shape and dtype, or begin with the latter");
  return resultOfBody(OpKind::Scan, attrs, 0);
}

static void checkCondition(const char *name, const TensorType *operands, int count) {
  if (count == 0 || operands[0] != TensorType{DType::Bool, {}})
    fail(Kind::Runtime, name,
         "the condition must be a 0-d bool tensor; got " + (count ? toString(operands[0]) : "nothing") +
             "; reduce it with .any() or .all()");
}

// Behind the condition.
static void checkInputs(const char *name, const Graph &body, const TensorType *operands, int count) {
  for (int i = 1; i < count; ++i)
    if (i > int(body.inputs.size()) || body.inputs[size_t(i) - 1].type != operands[i])
      fail(Kind::Runtime, name,
           "operand " + std::to_string(i) + " is " + toString(operands[i]) + ", which its body does not take");
}

TensorType whileLoop(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  checkCondition(name, operands, count);
  const Graph &body = bodyOf(attrs);
  checkInputs(name, body, operands, count);
  const int64_t carries = attrs[1].i;
  if (carries < 1 || carries >= count || carries + 1 != int64_t(body.outputs.size()))
    fail(Kind::Runtime, name,
         "a body of " + std::to_string(body.outputs.size()) + " results does not fit " + std::to_string(carries) +
             " carries");
  for (int64_t i = 0; i <= carries; ++i) {
    const TensorType &next = body.type(body.outputs[size_t(i)]), &first = operands[i < carries ? i + 1 : 0];
    if (next != first)
      fail(Kind::Runtime, name,
           (i < carries ? "carry " + std::to_string(i) : std::string("the condition")) + " begins as " +
               toString(first) + " and is " + toString(next) +
               " after a step; let the step keep its shape and dtype, or begin with the latter");
  }
  return resultOfBody(OpKind::WhileLoop, attrs, 0);
}

TensorType cond(const char *name, const TensorType *operands, int count, const Attrs &attrs) {
  checkCondition(name, operands, count);
  const Graph &body = bodyOf(attrs), &otherwise = *attrs[1].body;
  checkInputs(name, body, operands, count);
  checkInputs(name, otherwise, operands, count);
  if (body.outputs.empty() || body.outputs.size() != otherwise.outputs.size())
    fail(Kind::Runtime, name,
         "the branches give " + std::to_string(body.outputs.size()) + " and " +
             std::to_string(otherwise.outputs.size()) + " results; let them give the same number");
  for (size_t i = 0; i < body.outputs.size(); ++i)
    if (const TensorType &a = body.type(body.outputs[i]), &b = otherwise.type(otherwise.outputs[i]); a != b)
      fail(Kind::Runtime, name,
           "result " + std::to_string(i) + " is " + toString(a) + " in the first branch and " + toString(b) +
               " in the second; let them be of one shape and dtype");
  return resultOfBody(OpKind::Cond, attrs, 0);
}

TensorType resultOfBody(OpKind op, const Attrs &attrs, int result) {
  const Graph &body = bodyOf(attrs);
  const TensorType &type = body.type(body.outputs[size_t(result)]);
  // Named: its results but the carries are of all steps.
  return op == OpKind::Scan && result >= attrs[1].i ? inFront(attrs[3].ints[0], type) : type;
}

} // namespace weft::infer
