#include "frontend/dispatch/Promotion.h"

#include "frontend/autograd/Autograd.h"
#include "frontend/dispatch/Autocast.h"
#include "frontend/dispatch/Complex.h"
#include "frontend/dispatch/KnownCalls.h"
#include "frontend/dispatch/Numbers.h"
#include "frontend/dispatch/OperandCheck.h"
#include "frontend/trace/Trace.h"

#include <array>
#include <cstring>
#include <mutex>

namespace weft {

static std::atomic<DType> defaultFloat{DType::Float32};
DType defaultDType() { return defaultFloat.load(std::memory_order_relaxed); }
void setDefaultDType(DType dtype) {
  if (!isFloat(dtype))
    fail(UserError::Kind::Type, "set_default_dtype",
         std::string("only floating-point types are supported as the default type; got ") + name(dtype));
  defaultFloat = dtype;
}

static thread_local Device deviceOfNew;
Device defaultDevice() { return deviceOfNew; }
void setDefaultDevice(Device device) { deviceOfNew = device; }

// ---------------------------------------------------------------- What an op accepts

static bool accepts(OpKind op, int count, DType first, DType others) {
  std::array<TensorType, 8> types;
  for (int i = 0; i < count; ++i)
    types[i] = {i == 0 ? first : others, {2}};
  Attrs attrs;
  for (int i = 0; i < info(op).attrCount; ++i) {
    Attr attr;
    attr.kind = info(op).attrs[i].kind;
    attr.i = attr.kind == Attr::Kind::DType ? int64_t(DType::Float32) : 0;
    attrs.push_back(attr);
  }
  try {
    inferType(op, types.data(), count, attrs);
    return true;
  } catch (const UserError &) {
    return false;
  }
}

static ElementwiseRule findRule(OpKind op) {
  ElementwiseRule rule;
  int count = info(op).operandCount;
  uint32_t all = (1u << count) - 1;
  bool floats = accepts(op, count, DType::Float32, DType::Float32);
  bool integers = accepts(op, count, DType::Int64, DType::Int64);
  if (floats || integers) {
    rule.promoted = all;
    rule.floatOnly = !integers;
    rule.wideNumbers = count > 1 && accepts(op, count, DType::Float16, DType::Float32);
  } else if (count > 1 && accepts(op, count, DType::Bool, DType::Float32)) {
    rule.promoted = all & ~1u; // where(condition, x, y)
  } else {
    rule.boolOnly = true;
  }
  return rule;
}

const ElementwiseRule &elementwiseRule(OpKind op) {
  constexpr int kMaxOps = 512;
  static std::array<std::atomic<const ElementwiseRule *>, kMaxOps> rules{};
  std::atomic<const ElementwiseRule *> &slot = rules[size_t(op)];
  if (const ElementwiseRule *rule = slot.load(std::memory_order_acquire))
    return *rule;
  const ElementwiseRule *made = new ElementwiseRule(findRule(op)), *expected = nullptr; // lives as long as the process
  if (slot.compare_exchange_strong(expected, made))
    return *made;
  delete made;
  return *expected;
}

// ---------------------------------------------------------------- Result types

namespace {
// torch.result_type: the dtypes of tensors with dimensions decide, then those of 0-d tensors, then numbers; a lower
// class matters only when it is of a higher category (bool < integer < float < complex).
struct Promotion {
  static constexpr int kNone = -1;
  int dimensioned = kNone, scalar = kNone, number = kNone;

  static int combine(int a, DType b) { return a == kNone ? int(b) : int(promote(DType(a), b)); }
  static int category(int dtype) {
    return dtype == kNone                ? -1
           : isComplex(DType(dtype))     ? 3
           : isFloat(DType(dtype))       ? 2
           : DType(dtype) == DType::Bool ? 0
                                         : 1;
  }
  static int over(int higher, int lower) {
    if (higher == kNone || lower == kNone)
      return higher == kNone ? lower : higher;
    return category(lower) > category(higher) ? combine(higher, DType(lower)) : higher;
  }
  // `exact`: an integer of no dimensions keeps its dtype.
  void add(const Tensor &t, bool exact = false) {
    if (t.impl->wrappedNumber)
      number = combine(number, isComplex(t.dtype()) ? complexOf(defaultDType())
                               : isFloat(t.dtype()) ? defaultDType()
                                                    : t.dtype());
    else if (t.dim() == 0 && !(exact && category(int(t.dtype())) == 1))
      scalar = combine(scalar, t.dtype());
    else
      dimensioned = combine(dimensioned, t.dtype());
  }
  DType result() const { return DType(over(dimensioned, over(scalar, number))); }
};
} // namespace

DType commonDType(const Tensor *operands, int count) {
  Promotion promotion;
  for (int i = 0; i < count; ++i)
    promotion.add(operands[i]);
  return promotion.result();
}

DType resultType(const Tensor &a, const Tensor &b) {
  const Tensor both[] = {a, b};
  return commonDType(both, 2);
}

// ---------------------------------------------------------------- call()

static DType inputDType(OpKind op, DType common) {
  const ElementwiseRule &rule = elementwiseRule(op);
  if (rule.boolOnly)
    return DType::Bool;
  const Conversion converts = traits(op).converts;
  if (rule.floatOnly && !isFloat(common))
    return converts == Conversion::FloatsAlone ? common : defaultDType();
  return converts == Conversion::BoolsToInt64 && common == DType::Bool ? DType::Int64 : common;
}

bool takesWideNumber(OpKind op, const Tensor &operand, DType common) {
  return isFloat(common) && itemSize(common) == 2 && operand.dtype() != common && operand.dim() == 0 &&
         elementwiseRule(op).wideNumbers;
}

Device deviceOf(const Tensor *operands, int count) {
  for (int i = 0; i < count; ++i)
    if (!operands[i].impl->wrappedNumber && (operands[i].dim() > 0 || i + 1 == count || operands[i].device().isCuda()))
      return operands[i].device();
  for (int i = 0; i < count; ++i)
    if (!operands[i].impl->wrappedNumber)
      return operands[i].device();
  return {};
}

Tensor convert(const Tensor &t, DType dtype, Device device) {
  if (t.impl->wrappedNumber)
    return constantOf(t, dtype, device);
  if (t.dim() == 0 && t.device() != device && t.device().isCpu()) // PyTorch lets 0-d CPU tensors join in
    return t.to(dtype).to(device);
  return t.dtype() == dtype ? t : apply(OpKind::Cast, &t, 1, {Attr::dtype(dtype)});
}

// Named: the error is about this op, and says what to call instead.
void refuseBoolDifference(OpKind op, const Tensor *operands, int count) {
  if (op == OpKind::Sub && count == 2 && (operands[0].dtype() == DType::Bool || operands[1].dtype() == DType::Bool))
    fail(UserError::Kind::Runtime, info(op).name,
         "there is no difference of bools; got " + toString(operands[0].type()) + " and " +
             toString(operands[1].type()) + "; use ^ or logical_xor(), or ~ to invert a mask");
}

static Tensor callElementwise(OpKind op, const Tensor *operands, int count, const Attrs &attrs) {
  const OpInfo &record = info(op);
  if (count != record.operandCount || count > 8)
    return apply(op, operands, count, attrs); // which says what is wrong
  refuseBoolDifference(op, operands, count);
  const ElementwiseRule &rule = elementwiseRule(op);
  Device device = deviceOf(operands, count);
  const OpTraits &asked = traits(op);
  bool comparison = asked.relation, limits = asked.lowerBounds | asked.upperBounds;
  Promotion promotion;
  Dims shape = operands[0].shape();
  for (int i = 0; i < count; ++i) {
    if (rule.promoted >> i & 1)
      promotion.add(operands[i], comparison);
    if (i > 0 && operands[i].shape() != shape)
      shape = broadcastShapes(record.name, shape, operands[i].shape());
  }
  // Named: the one op whose result's dtype is given, so that a number need not fit another.
  DType common = op == OpKind::Cast ? (operands[0].impl->wrappedNumber ? attrs[0].asDType() : operands[0].dtype())
                 : rule.boolOnly    ? DType::Bool
                                    : inputDType(op, promotion.result());
  bool anyNarrow = false; // or it is numbers alone
  for (int i = 0; i < count; ++i)
    anyNarrow |= !operands[i].impl->wrappedNumber && (operands[i].dim() > 0 || operands[i].dtype() == common);
  Tensor ready[8];
  for (int i = 0; i < count; ++i) {
    bool promoted = rule.boolOnly || (rule.promoted >> i & 1);
    DType dtype = !promoted                                               ? DType::Bool
                  : anyNarrow && takesWideNumber(op, operands[i], common) ? DType::Float32
                                                                          : common;
    ready[i] = convert(limits ? limited(operands[i], common) : operands[i], dtype, device);
    if (ready[i].shape() != shape)
      ready[i] = expand(ready[i], shape);
  }
  return apply(op, ready, count, attrs);
}

bool normaliseAttrs(OpKind op, const Tensor *operands, int count, const Attrs &attrs, Attrs &result) {
  const OpInfo &record = info(op);
  bool changed = false;
  if (count == 0 || operands[0].impl->wrappedNumber)
    return false;
  int rank = operands[0].dim();
  for (int i = 0; i < record.attrCount && i < int(attrs.size()); ++i) {
    const Attr &attr = attrs[i];
    bool dims = record.attrs[i].kind == Attr::Kind::Ints && !std::strcmp(record.attrs[i].name, "dims");
    bool dim = record.attrs[i].kind == Attr::Kind::Int && !std::strcmp(record.attrs[i].name, "dim");
    if (dim && attr.i < 0) {
      if (!changed)
        result = attrs;
      changed = true;
      result[i].i = normaliseDim(record.name, attr.i, operands[0].shape());
    } else if (dim && attr.i >= rank) {
      normaliseDim(record.name, attr.i, operands[0].shape()); // throws
    } else if (dims) {
      Dims sorted;
      for (int64_t d : attr.ints) {
        int axis = normaliseDim(record.name, d, operands[0].shape());
        if (sorted.contains(axis))
          fail(UserError::Kind::Runtime, record.name,
               "dim " + std::to_string(axis) + " appears multiple times in the list of dims");
        int at = sorted.size();
        while (at > 0 && sorted[at - 1] > axis)
          --at;
        sorted.insert(at, axis);
      }
      if (rank == 0)
        sorted = {};
      else if (sorted.empty() && record.family != OpFamily::Shape)
        for (int axis = 0; axis < rank; ++axis)
          sorted.push_back(axis);
      if (sorted == attr.ints || op == OpKind::Permute) // named: its dims are an order, not a set
        continue;
      if (!changed)
        result = attrs;
      changed = true;
      result[i].ints = sorted;
    }
  }
  return changed;
}

namespace {
// The operands and attributes of a call as the op takes them, but for elementwise ops.
class Fitted {
public:
  Fitted(OpKind op, const Tensor *operands, int count, const Attrs &attrs)
      : given(operands), count(count), normalise(normaliseAttrs(op, operands, count, attrs, normalised)),
        givenAttrs(attrs) {
    if (count > 8)
      return;
    for (int i = 0; i < count; ++i)
      if (operands[i].impl->wrappedNumber)
        converted(i, isFloat(operands[i].dtype()) ? defaultDType() : operands[i].dtype());
    const OpTraits &asked = traits(op);
    DType dtype = count ? this->operands()[0].dtype() : DType::Float32;
    if (asked.converts == Conversion::IntegersToInt64 && !isFloat(dtype) && dtype != DType::Int64)
      converted(0, DType::Int64);
    if (asked.converts == Conversion::ToBool && dtype != DType::Bool)
      converted(0, DType::Bool);
    const ValueCheck *check = asked.check; // positions may be int32
    if (check && check->rule == ValueCheck::Rule::Index && count > check->operand &&
        this->operands()[check->operand].dtype() == DType::Int32)
      converted(check->operand, DType::Int64);
  }

  const Tensor *operands() const { return given; }
  const Attrs &attrs() const { return normalise ? normalised : givenAttrs; }
  void converted(int i, DType dtype) {
    if (given != local)
      for (int k = 0; k < count; ++k)
        local[k] = given[k];
    given = local;
    local[i] = convert(local[i], dtype, deviceOf(local, count));
  }

private:
  Tensor local[8];
  const Tensor *given;
  const int count;
  Attrs normalised;
  const bool normalise;
  const Attrs &givenAttrs;
};
} // namespace

static Tensor callAnew(OpKind op, const Tensor *operands, int count, const Attrs &attrs) {
  const OpInfo &record = info(op);
  if (record.family == OpFamily::Elementwise) {
    const Tensor &a = operands[0];
    bool plain = count == 1 || (count == 2 && a.dtype() == operands[1].dtype() && a.shape() == operands[1].shape());
    if (plain && !a.impl->wrappedNumber && !operands[count - 1].impl->wrappedNumber && isFloat(a.dtype()) &&
        a.device() == operands[count - 1].device() && !elementwiseRule(op).boolOnly)
      return apply(op, operands, count, attrs);
    return callElementwise(op, operands, count, attrs);
  }
  Fitted fitted(op, operands, count, attrs);
  const Tensor *ready = fitted.operands();
  // Named: of bools it is whether any is true, which is no addition.
  if (op == OpKind::ScatterAdd && count == 3 && ready[0].dtype() == DType::Bool && ready[2].dtype() == DType::Bool) {
    fitted.converted(0, DType::Int64);
    fitted.converted(2, DType::Int64);
    return apply(op, fitted.operands(), count, fitted.attrs()).to(DType::Bool);
  }
  if (record.operandCount < 0 && count > 1) {
    Promotion promotion;
    bool differ = false;
    for (int i = 0; i < count; ++i) {
      promotion.add(ready[i]);
      differ |= ready[i].dtype() != ready[0].dtype();
    }
    if (differ) {
      std::vector<Tensor> cast;
      for (int i = 0; i < count; ++i)
        cast.push_back(convert(ready[i], promotion.result(), ready[0].device()));
      return apply(op, cast.data(), count, fitted.attrs());
    }
  }
  return apply(op, ready, count, fitted.attrs());
}

std::vector<Tensor> callAll(OpKind op, const Tensor *operands, int count, const Attrs &attrs) {
  if (!hasBody(op) && info(op).resultCount == 1)
    return {call(op, operands, count, attrs)};
  while (count > 0 && !operands[count - 1].defined())
    --count;
  Fitted fitted(op, operands, count, attrs);
  return applyAll(op, fitted.operands(), count, fitted.attrs());
}

// Named, as the four are one function of the exponent.
OpKind simplerPower(OpKind op, const Tensor *operands, int &count) {
  if (op != OpKind::Pow || count != 2 || !operands[1].impl->wrappedNumber || operands[0].impl->wrappedNumber)
    return op;
  const TensorImpl &exponent = *operands[1].impl;
  bool real = isFloat(operands[0].dtype()) || isComplex(operands[0].dtype());
  if (isComplex(exponent.dtype))
    return op;
  double number = isFloat(exponent.dtype) ? exponent.number : double(exponent.integer);
  if (!real && !isFloat(exponent.dtype) && number < 0)
    fail(UserError::Kind::Runtime, info(op).name,
         "integers to negative integer powers are not allowed; got " + toString(operands[0].type()) + " to the power " +
             std::to_string(exponent.integer) + "; convert it with .float()");
  if (!real && (isFloat(exponent.dtype) || operands[0].dtype() == DType::Bool))
    return op; // the result's dtype is another
  if (number != 2 && !(real && (number == 0.5 || number == -1)))
    return op;
  count = 1;
  return number == 2 ? OpKind::Square : number == -1 ? OpKind::Reciprocal : OpKind::Sqrt;
}

// In line in both of its callers, as a small call is made in 60 ns.
__attribute__((always_inline)) static inline Tensor callFitted(OpKind op, const Tensor *operands, int count,
                                                               const Attrs &attrs) {
  if (Trace::active())
    return callAnew(op, operands, count, attrs);
  CallKey key(CallLevel::Call, op, operands, count, attrs);
  if (!key.isUsable() || !fitAtOnce(op, operands, count, attrs))
    return callAnew(op, operands, count, attrs);
  if (const KnownCall *known = findCall(key)) {
    bool taped = known->differentiable && anyRequiresGrad(operands, count);
    if (taped && !known->direct)
      return callAnew(op, operands, count, attrs);
    Tensor result = known->run(operands);
    if (taped)
      recordOnTape(op, operands, count, attrs, &result);
    return result;
  }
  CallRecorder recorder(key, op, operands, count, !attrs.empty());
  Tensor result = callAnew(op, operands, count, attrs);
  recorder.finish(result);
  return result;
}

static bool hasNumberOrComplex(const Tensor *operands, int count) {
  for (int i = 0; i < count; ++i)
    if (operands[i].impl->wrappedNumber || isComplex(operands[i].dtype()))
      return true;
  return false;
}

// Numbers, complex tensors and what autocast casts are fitted apart from the path of real tensors.
__attribute__((noinline)) static Tensor callOther(OpKind op, const Tensor *operands, int count, const Attrs &attrs) {
  std::vector<Tensor> casts;
  if (autocastDType())
    operands = autocast(op, operands, count, casts);
  op = simplerPower(op, operands, count);
  if (anyComplex(operands, count))
    return callComplex(op, operands, count, attrs);
  Tensor fitted[3];
  if (fitNumbers(op, operands, count, fitted)) // which may change the op
    operands = fitted;
  return callFitted(op, operands, count, attrs);
}

Tensor call(OpKind op, const Tensor *operands, int count, const Attrs &attrs) {
  while (count > 0 && !operands[count - 1].defined())
    --count; // optional operands that are absent
  if (__builtin_expect(autocastDType().has_value(), 0) || hasNumberOrComplex(operands, count))
    return callOther(op, operands, count, attrs);
  return callFitted(op, operands, count, attrs);
}

} // namespace weft
