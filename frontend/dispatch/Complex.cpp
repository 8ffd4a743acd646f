#include "frontend/dispatch/Complex.h"

#include "frontend/dispatch/KnownCalls.h"
#include "frontend/dispatch/Numbers.h"
#include "frontend/dispatch/Promotion.h"

#include <cstring>

namespace weft {

using Kind = UserError::Kind;
using Rule = ComplexRule::Kind;

// ---------------------------------------------------------------- Views and parts

static void checkComplex(const char *op, const Tensor &t, const char *remedy) {
  if (t.impl->wrappedNumber || !isComplex(t.dtype()))
    fail(Kind::Runtime, op, std::string("needs a complex tensor; got ") + toString(t.type()) + "; " + remedy);
}

Tensor viewAsReal(const Tensor &t) {
  checkComplex("view_as_real", t, "it is real already");
  Tensor pairs = t.pairs();
  return view(pairs, pairs.shape());
}

Tensor viewAsComplex(const Tensor &t) {
  if (t.dtype() != DType::Float32 && t.dtype() != DType::Float64)
    fail(Kind::Runtime, "view_as_complex",
         "is only supported for float32 and float64 tensors; got " + toString(t.type()) + "; convert it with .float()");
  if (t.dim() == 0 || t.shape().back() != 2)
    fail(Kind::Runtime, "view_as_complex",
         "Tensor must have a last dimension of size 2; got " + toString(t.type()) + "; stack the parts along it");
  bool fits = t.strides().back() == 1 && t.offset() % 2 == 0;
  for (int i = 0; i + 1 < t.dim(); ++i)
    fits &= t.strides()[i] % 2 == 0 || t.shape()[i] < 2;
  if (!fits && t.numel())
    fail(Kind::Runtime, "view_as_complex",
         "Tensor must have a last dimension of stride 1, other strides and an offset divisible by 2; got strides " +
             toString(t.strides()) + " and offset " + std::to_string(t.offset()) + "; call contiguous() first");
  return fromPairs(view(t, t.shape()));
}

Tensor real(const Tensor &t) { return isComplex(t.dtype()) ? select(t.pairs(), -1, 0) : t; }
Tensor imaginary(const Tensor &t) {
  checkComplex("imag", t, "a real tensor has no imaginary part: zeros_like() is it");
  return select(t.pairs(), -1, 1);
}

Tensor complexFromParts(const Tensor &real, const Tensor &imaginary) {
  const int axis = real.dim();
  return fromPairs(
      apply(OpKind::Concatenate, {unsqueeze(real, axis), unsqueeze(imaginary, axis)}, {Attr::integer(axis)}));
}

// ---------------------------------------------------------------- Conversion

static Attrs lastAxis(const Tensor &pairs) { return {Attr::list({pairs.dim() - 1}), Attr::boolean(false)}; }

static Tensor withoutImaginary(const Tensor &x) { // [x, 0]
  Dims low(x.dim() + 1, 0), high = low;
  high.back() = 1;
  return fromPairs(
      apply(OpKind::Pad, {unsqueeze(x, x.dim())}, {Attr::list(low), Attr::list(high), Attr::list(low), Attr::real(0)}));
}

static Tensor castComplex(const Tensor &x, DType dtype) {
  if (!isComplex(x.dtype()))
    return withoutImaginary(x.to(partOf(dtype)));
  if (isComplex(dtype))
    return fromPairs(apply(OpKind::Cast, {x.pairs()}, {Attr::dtype(partOf(dtype))}));
  if (dtype == DType::Bool)
    return call(OpKind::Any, {x.pairs()}, lastAxis(x.pairs()));
  return apply(OpKind::Cast, {real(x)}, {Attr::dtype(dtype)});
}

// ---------------------------------------------------------------- The rules

static std::string typesOf(const Tensor *operands, int count) {
  std::string types;
  for (int i = 0; i < count; ++i)
    types += (i ? ", " : "") + toString(operands[i].type());
  return types;
}

[[noreturn]] static void failUnsupported(OpKind op, const Tensor *operands, int count) {
  fail(Kind::NotImplemented, info(op).name,
       "takes no complex tensors; got " + typesOf(operands, count) + "; use abs(), .real and .imag, or view_as_real()");
}

Attrs attrsOnPairs(OpKind op, const Attrs &attrs) {
  Attrs result = attrs;
  for (size_t i = 0; i < attrs.size(); ++i) {
    const char *name = info(op).attrs[i].name;
    auto is = [&](const char *other) { return !std::strcmp(name, other); };
    if (is("shape") || is("sizes"))
      result[i].ints.push_back(2);
    else if (is("steps"))
      result[i].ints.push_back(1);
    else if (is("starts") || is("low") || is("high") || is("interior"))
      result[i].ints.push_back(0);
    else if (is("dims") && op == OpKind::Permute) // named: all others choose axes
      result[i].ints.push_back(attrs[i].ints.size());
  }
  return result;
}

static Tensor onParts(const Tensor &x, OpKind op, const Attrs &ofReal, const Attrs &ofImaginary) {
  return complexFromParts(call(op, {real(x)}, ofReal), call(op, {imaginary(x)}, ofImaginary));
}

// One for each of an elementwise op, of one shape; of those that promote, the pairs.
static std::vector<Tensor> elementwisePairs(OpKind op, const Tensor *operands, int count, Dims &shape) {
  const ElementwiseRule &rule = elementwiseRule(op);
  Device device = deviceOf(operands, count);
  std::vector<Tensor> promoted;
  shape = operands[0].shape();
  for (int i = 0; i < count; ++i) {
    if (rule.promoted >> i & 1)
      promoted.push_back(operands[i]);
    shape = broadcastShapes(info(op).name, shape, operands[i].shape());
  }
  DType common = commonDType(promoted.data(), int(promoted.size()));
  if (!isComplex(common)) // of a condition alone
    failUnsupported(op, operands, count);
  Dims sizes = shape;
  sizes.push_back(2);
  std::vector<Tensor> ready;
  for (int i = 0; i < count; ++i) {
    if (rule.promoted >> i & 1)
      ready.push_back(expand(convert(operands[i], common, device), shape).pairs());
    else
      ready.push_back(expand(unsqueeze(expand(convert(operands[i], DType::Bool, device), shape), shape.size()), sizes));
  }
  return ready;
}

static Tensor callElementwise(OpKind op, const ComplexRule &rule, const Tensor *operands, int count,
                              const Attrs &attrs) {
  Dims shape;
  std::vector<Tensor> ready = elementwisePairs(op, operands, count, shape);
  Tensor result = apply(rule.kind == Rule::Op ? rule.op : op, ready.data(), count, attrs);
  if (rule.kind == Rule::Any || rule.kind == Rule::All)
    return call(rule.kind == Rule::Any ? OpKind::Any : OpKind::All, {result}, lastAxis(result));
  return result.dim() > shape.size() ? fromPairs(result) : result;
}

static Tensor callAlongAxes(OpKind op, const Tensor *operands, int count, const Attrs &given) {
  bool indexed = info(op).family == OpFamily::Indexing && count > 1;
  if (indexed && (isFloat(operands[1].dtype()) || isComplex(operands[1].dtype())))
    fail(Kind::Runtime, info(op).name,
         "the index must be int64; got " + typesOf(operands, count) + "; convert it with .to(weft.int64)");
  Attrs attrs;
  if (!normaliseAttrs(op, operands, count, given, attrs))
    attrs = given;
  if (op == OpKind::Pad && attrs[3].f != 0) { // named: the number that it puts in has no imaginary part
    Attrs zero = attrs;
    zero[3].f = 0;
    return onParts(operands[0], op, attrs, zero);
  }
  std::vector<Tensor> values, ready;
  for (int i = 0; i < count; ++i)
    if (!isIntegral(operands[i].dtype()) || info(op).operandCount < 0)
      values.push_back(operands[i]);
  DType common = commonDType(values.data(), int(values.size()));
  for (int i = 0; i < count; ++i) {
    const Tensor &t = operands[i];
    if (!indexed || i != 1) {
      ready.push_back(convert(t, common, t.device()).pairs());
      continue;
    }
    // The index, of one position a pair; named: but where it is a list.
    Dims sizes = t.shape();
    sizes.push_back(2);
    ready.push_back(op == OpKind::IndexSelect ? t : expand(unsqueeze(t, t.dim()), sizes));
  }
  return fromPairs(call(op, ready.data(), count, attrsOnPairs(op, attrs)));
}

// Along the axis, halves times halves.
static Tensor productAlong(Tensor x, int axis) {
  if (x.shape()[axis] == 0) {
    Dims shape = x.shape();
    shape[axis] = 1;
    return full(shape, Tensor::wrapped(1.0), x.dtype(), x.device());
  }
  while (x.shape()[axis] > 1) {
    int64_t size = x.shape()[axis], half = size / 2;
    Tensor product = call(OpKind::Mul, {slice(x, axis, 0, half), slice(x, axis, half, 2 * half)});
    x = size % 2 ? call(OpKind::Concatenate, {product, slice(x, axis, size - 1, size)}, {Attr::integer(axis)})
                 : product;
  }
  return x;
}

static Tensor callProduct(OpKind op, const Tensor *operands, const Attrs &given) {
  Attrs attrs;
  if (!normaliseAttrs(op, operands, 1, given, attrs))
    attrs = given;
  Tensor x = operands[0];
  for (int64_t axis : attrs[0].ints)
    x = productAlong(x, int(axis));
  return attrs[1].asBool() ? x : squeeze(x, attrs[0].ints);
}

// A third operand is added to the result.
static Tensor callBilinear(OpKind op, const Tensor *operands, int count, const Attrs &attrs) {
  for (int i = 1; i < count; ++i)
    if (operands[i].dtype() != operands[0].dtype())
      fail(Kind::Runtime, info(op).name,
           "the operands must have one dtype; got " + toString(operands[0].type()) + " and " +
               toString(operands[i].type()) + "; convert one with .to(dtype)");
  auto product = [&](bool ofLeft, bool ofRight, bool added) {
    Tensor parts[3] = {ofLeft ? imaginary(operands[0]) : real(operands[0]),
                       ofRight ? imaginary(operands[1]) : real(operands[1])};
    if (count > 2 && added)
      parts[2] = ofRight ? imaginary(operands[2]) : real(operands[2]);
    return call(op, parts, count > 2 && added ? 3 : 2, attrs);
  };
  Tensor re = call(OpKind::Sub, {product(false, false, true), product(true, true, false)});
  Tensor im = call(OpKind::Add, {product(false, true, true), product(true, false, false)});
  return complexFromParts(re, im);
}

Tensor callComplex(OpKind op, const Tensor *operands, int count, const Attrs &attrs) {
  CallRecorder::noteOther(); // the kernels that run read pairs
  if (op == OpKind::Cast)    // named: its dtype says what becomes of the parts
    return castComplex(operands[0], attrs[0].asDType());
  const ComplexRule &rule = traits(op).complex;
  switch (rule.kind) {
  case Rule::None:
    failUnsupported(op, operands, count);
  case Rule::Parts:
  case Rule::Any:
  case Rule::All:
  case Rule::Op:
    return callElementwise(op, rule, operands, count, attrs);
  case Rule::Axes:
    return callAlongAxes(op, operands, count, attrs);
  case Rule::SumOfParts: {
    Tensor parts = callAlongAxes(op, operands, count, attrs).pairs();
    return call(OpKind::Sum, {parts}, lastAxis(parts));
  }
  case Rule::Bools: {
    std::vector<Tensor> bools;
    for (int i = 0; i < count; ++i)
      bools.push_back(isComplex(operands[i].dtype()) ? convert(operands[i], DType::Bool, operands[i].device())
                                                     : operands[i]);
    return call(op, bools.data(), count, attrs);
  }
  case Rule::Product:
    return callProduct(op, operands, attrs);
  case Rule::Bilinear:
    return callBilinear(op, operands, count, attrs);
  }
  __builtin_unreachable();
}

} // namespace weft
