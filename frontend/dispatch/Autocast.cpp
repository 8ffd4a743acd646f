#include "frontend/dispatch/Autocast.h"

#include <algorithm>

namespace weft {

static thread_local std::optional<DType> lowerDType;
std::atomic<int> autocastThreads{0};
std::optional<DType> autocastDTypeOfThread() { return lowerDType; }
void setAutocastDType(std::optional<DType> dtype) {
  autocastThreads += int(dtype.has_value()) - int(lowerDType.has_value());
  lowerDType = dtype;
}

// https://docs.pytorch.org/docs/stable/amp.html, "CPU Op-Specific Behavior". Ops that are none of the table call those
// that are (mm, bmm and einsum), or cast by themselves (weft/amp); cat and stack take the widest dtype anyway.
static std::optional<DType> dtypeFor(OpKind op) {
  switch (op) {
  case OpKind::Linear:
  case OpKind::Matmul:
  case OpKind::Addmm:
  case OpKind::DotGeneral:
  case OpKind::ScaledDotProductAttention:
  case OpKind::Conv:
  case OpKind::ConvTranspose:
    return lowerDType;
  case OpKind::CrossEntropy:
  case OpKind::MseLoss:
  case OpKind::Prod:
    return DType::Float32;
  default:
    return std::nullopt;
  }
}

const Tensor *autocast(OpKind op, const Tensor *operands, int count, std::vector<Tensor> &casts) {
  std::optional<DType> dtype = dtypeFor(op);
  auto isCast = [&](const Tensor &t) {
    return isFloat(t.dtype()) && t.dtype() != DType::Float64 && t.dtype() != *dtype && !t.impl->wrappedNumber &&
           t.device() == Device{};
  };
  if (!dtype || std::none_of(operands, operands + count, isCast))
    return operands;
  casts.assign(operands, operands + count);
  for (Tensor &t : casts)
    if (isCast(t))
      t = call(OpKind::Cast, {t}, {Attr::dtype(*dtype)});
  return casts.data();
}

} // namespace weft
