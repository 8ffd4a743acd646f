#include "frontend/dispatch/OperandCheck.h"

#include "frontend/dispatch/Ops.h"
#include "frontend/trace/Trace.h"
#include "runtime/BlockingRegion.h"
#include "runtime/cpu/ThreadPool.h"

#include <algorithm>
#include <atomic>

namespace weft {

OperandCheck OperandCheck::index(const char *op, const TensorType &operand, int64_t size, bool fromEnd) {
  return {Rule::Index, op, operand, fromEnd ? -size : 0, size};
}

OperandCheck OperandCheck::divisor(const char *op, const TensorType &dividend) { return {Rule::Divisor, op, dividend}; }

OperandCheck OperandCheck::classes(const char *op, int64_t count) { return {Rule::Class, op, {}, 0, count}; }

OperandCheck OperandCheck::factorised(const char *op, Failure failure) {
  OperandCheck check{Rule::Factorised, op, {}};
  check.failure = failure;
  return check;
}

bool OperandCheck::allows(int64_t least, int64_t greatest) const {
  if (rule == Rule::Factorised)
    return least == 0 && greatest == 0;
  return rule == Rule::Divisor ? least > 0 || greatest < 0 : least >= low && greatest < size;
}

// ---------------------------------------------------------------- Errors

// info: of the matrix of that number; 0 where it is not known which.
static std::string factorisationFailed(const OperandCheck &check, const TensorType &infos, int64_t matrix,
                                       int32_t info) {
  const std::string order = info ? std::to_string(info) : "k",
                    which =
                        info && infos.shape.size() ? "matrix " + std::to_string(matrix) + " of the batch" : "the input";
  std::string wrong, remedy;
  switch (check.failure) {
  case OperandCheck::Failure::NotPositive:
    wrong = " is not positive definite: the leading minor of order " + order + " is not positive";
    remedy = "cholesky_ex() says which";
    break;
  case OperandCheck::Failure::Singular:
    wrong = " is singular: the diagonal element " + order + " of its factor is zero";
    remedy = "the function of that name with _ex says which";
    break;
  case OperandCheck::Failure::NotFinite:
    wrong = info == 2 ? " is such that the iteration does not converge" : " has elements that are not finite";
    remedy = "look for NaN and infinity with isfinite()";
    break;
  case OperandCheck::Failure::LowRank:
    wrong = " has not full rank";
    remedy = "take driver='gelsd' or 'gelsy'";
    break;
  }
  return "[" + std::string(check.op) + "] " + which + wrong + "; got matrices for the info " + toString(infos) + "; " +
         remedy;
}

static std::string messageOf(const OperandCheck &check, const TensorType &values, const std::string &index) {
  std::string name = "[" + std::string(check.op) + "] ";
  if (check.rule == OperandCheck::Rule::Divisor)
    return name + "ZeroDivisionError: an integer is divided by 0; got " + toString(check.operand) + " and " +
           toString(values) + "; divide floats, or choose another divisor by where()";
  if (check.rule == OperandCheck::Rule::Class)
    return name + "classes must be from 0 to num_classes - 1; got " + index +
           " and num_classes=" + std::to_string(check.size);
  return name + index + " is out of bounds for dimension with size " + std::to_string(check.size) + "; got " +
         toString(check.operand) + " and index " + toString(values) + (check.low < 0 ? "" : "; indices count from 0");
}

std::string OperandCheck::message(const TensorType &values) const {
  if (rule == Rule::Factorised)
    return factorisationFailed(*this, values, 0, 0);
  return messageOf(*this, values, rule == Rule::Class ? "another" : "an index");
}

void OperandCheck::fail(const std::string &message) const {
  throw CheckFailure(rule == Rule::Index        ? UserError::Kind::Index
                     : rule == Rule::Factorised ? UserError::Kind::LinearAlgebra
                                                : UserError::Kind::Runtime,
                     message);
}

// ---------------------------------------------------------------- Reading the values

// Every element at least once, few of them more often: axes along which all are the same one have size 1.
static Tensor distinct(Tensor t) {
  for (int i = 0; i < t.dim(); ++i)
    if (t.strides()[i] == 0 && t.shape()[i] > 1)
      t = narrow(t, i, 0, 1);
  return t;
}

template <class T> static bool hasZero(const void *data, int64_t count) {
  auto *values = static_cast<const T *>(data);
  bool found = false;
  for (int64_t i = 0; i < count; ++i)
    found |= values[i] == 0;
  return found;
}

static bool hasZero(const void *data, int64_t count, int64_t itemSize) {
  switch (itemSize) {
  case 1:
    return hasZero<int8_t>(data, count);
  case 2:
    return hasZero<int16_t>(data, count);
  case 4:
    return hasZero<int32_t>(data, count);
  default:
    return hasZero<int64_t>(data, count);
  }
}

// Whether some index is outside of [low, low + count) and not `ignored`: a loop for vectors.
static inline __attribute__((always_inline)) bool anyOutside(const int64_t *index, int64_t count, int64_t low,
                                                             uint64_t range, int64_t ignored) {
  uint64_t outside = 0;
  for (int64_t i = 0; i < count; ++i)
    outside |= uint64_t(uint64_t(index[i]) - uint64_t(low) >= range) & uint64_t(index[i] != ignored);
  return outside;
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static bool anyOutsideAvx2(const int64_t *index, int64_t count, int64_t low,
                                                           uint64_t range, int64_t ignored) {
  return anyOutside(index, count, low, range, ignored);
}
#endif

// The first of the indices that breaks the rule; `count` where none does.
int64_t OperandCheck::firstBroken(const int64_t *index, int64_t count) const {
  constexpr int64_t kBlock = 1024, kPiece = 64; // blocks that take some ten microseconds
  auto *any = +[](const int64_t *index, int64_t count, int64_t low, uint64_t range, int64_t ignored) {
    return anyOutside(index, count, low, range, ignored);
  };
#ifdef __x86_64__
  static const bool hasAvx2 = __builtin_cpu_supports("avx2");
  if (hasAvx2)
    any = anyOutsideAvx2;
#endif
  if (size <= low && !mayIgnore)
    return 0; // none is right
  const auto range = uint64_t(size) - uint64_t(low);
  const int64_t exempt = mayIgnore ? ignored : low; // which is within
  std::atomic<int64_t> first{count};
  ThreadPool::global().parallelFor((count + kBlock - 1) / kBlock, kPiece, [&](int64_t block, int64_t last, void *) {
    for (; block < last; ++block) {
      const int64_t begin = block * kBlock, end = std::min(count, begin + kBlock);
      if (!any(index + begin, end - begin, low, range, exempt))
        continue;
      int64_t broken = begin;
      while (broken < end &&
             ((index[broken] >= low && index[broken] < size) || (mayIgnore && index[broken] == ignored)))
        ++broken;
      int64_t known = first;
      while (broken < known && !first.compare_exchange_weak(known, broken))
        ;
      return;
    }
  });
  return first;
}

void OperandCheck::scan(const Tensor &values) const {
  constexpr int64_t kMany = 1 << 15; // that take more than some microseconds
  Tensor dense = distinct(values).contiguous().to(Device());
  const void *data = dense.data();
  const int64_t count = dense.numel(), item = itemSize(dense.dtype());
  Ref<Storage> pin = dense.impl->storage;
  if (rule == Rule::Divisor) {
    bool found;
    {
      BlockingRegion region(count >= kMany);
      found = hasZero(data, count, item);
    }
    if (found)
      fail(message(values.type()));
    return;
  }
  if (rule == Rule::Factorised) {
    auto *info = static_cast<const int32_t *>(data);
    for (int64_t i = 0; i < count; ++i)
      if (info[i])
        fail(factorisationFailed(*this, values.type(), i, info[i]));
    return;
  }
  auto *index = static_cast<const int64_t *>(data);
  int64_t broken;
  {
    BlockingRegion region(count >= kMany);
    broken = firstBroken(index, count);
  }
  if (broken < count)
    fail(messageOf(*this, values.type(), (rule == Rule::Class ? "" : "index ") + std::to_string(index[broken])));
}

// ---------------------------------------------------------------- In a trace

Tensor OperandCheck::isBroken(const Tensor &values) const {
  Tensor t = distinct(values), broken;
  if (rule == Rule::Divisor) {
    broken = call(OpKind::Eq, {t, Tensor::wrapped(int64_t(0))});
  } else if (rule == Rule::Factorised) {
    broken = call(OpKind::Ne, {t, Tensor::wrapped(int64_t(0))});
  } else {
    broken = call(OpKind::LogicalOr,
                  {call(OpKind::Lt, {t, Tensor::wrapped(low)}), call(OpKind::Ge, {t, Tensor::wrapped(size)})});
    if (mayIgnore)
      broken = call(OpKind::LogicalAnd, {broken, call(OpKind::Ne, {t, Tensor::wrapped(ignored)})});
  }
  return broken.dim() ? call(OpKind::Any, {broken}, {Attr::list({}), Attr::boolean(false)}) : broken;
}

void check(const Tensor &values, const OperandCheck &check) {
  if (values.numel() == 0)
    return;
  Trace *trace = Trace::active();
  if (!trace)
    return check.scan(values);
  bool canLook = values.device().isCpu() && !values.impl->storage->isLazy();
  if (canLook) {
    Trace::Pause pause;
    try {
      check.scan(values);
    } catch (const CheckFailure &) {
      trace->noteFailedCheck();
      throw;
    }
    if (values.impl->constant)
      return;
  }
  trace->recordCheck(values, check, canLook);
}

static thread_local bool alreadyChecked = false;
AlreadyChecked::AlreadyChecked() : before(alreadyChecked) { alreadyChecked = true; }
AlreadyChecked::~AlreadyChecked() { alreadyChecked = before; }

// In memory at hand, a few of them in a row.
static bool isAtHand(const Tensor &values) {
  constexpr int64_t kFew = 1 << 12;
  const Storage *storage = values.impl->storage.get();
  return storage && storage->device.isCpu() && !storage->isPending() && values.isContiguous() && values.numel() <= kFew;
}

bool valuesFitAtOnce(const ValueCheck &rule, const Tensor *operands, int count, const Attrs &attrs) {
  if (alreadyChecked)
    return true;
  if (count < 2)
    return false;
  const Tensor &values = operands[rule.operand], &of = operands[rule.of];
  if (rule.rule == ValueCheck::Rule::Divisor) {
    if (isFloat(values.dtype()) || isFloat(of.dtype()))
      return true;
    if (values.impl->wrappedNumber)
      return values.impl->integer != 0;
    return isAtHand(values) && !hasZero(values.data(), values.numel(), itemSize(values.dtype()));
  }
  int64_t dim = rule.axis(of.dim(), attrs);
  if (values.dtype() != DType::Int64 || !isAtHand(values) || dim < 0 || dim >= of.dim())
    return false;
  OperandCheck check{OperandCheck::Rule::Index, nullptr, {}, 0, of.shape()[int(dim)]};
  check.mayIgnore = rule.rule == ValueCheck::Rule::Target;
  if (check.mayIgnore)
    check.ignored = attrs[size_t(rule.ignored)].i;
  return check.accepts(static_cast<const int64_t *>(values.data()), values.numel());
}

void checkOperands(OpKind op, const Tensor *operands, const Attrs &attrs) {
  const ValueCheck *rule = traits(op).check;
  if (!rule || alreadyChecked)
    return;
  const char *name = info(op).name;
  const Tensor &values = operands[rule->operand], &of = operands[rule->of];
  if (rule->rule == ValueCheck::Rule::Divisor) {
    if (!isFloat(values.dtype()))
      check(values, OperandCheck::divisor(name, of.type()));
    return;
  }
  OperandCheck index =
      OperandCheck::index(name, of.type(), of.dim() ? of.shape()[int(rule->axis(of.dim(), attrs))] : 1);
  index.mayIgnore = rule->rule == ValueCheck::Rule::Target;
  if (index.mayIgnore)
    index.ignored = attrs[size_t(rule->ignored)].i;
  check(values, index);
}

} // namespace weft
