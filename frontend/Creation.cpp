// Tensors from numbers and from the random stream.
#include "frontend/Autograd.h"
#include "frontend/Dispatch.h"
#include "frontend/Generator.h"
#include "frontend/Numbers.h"
#include "frontend/Ops.h"
#include "frontend/Trace.h"

#include <cmath>

namespace weft {

Tensor full(const Dims &shape, const Tensor &value, DType dtype, Device device) {
  if (!value.impl->wrappedNumber)
    return expand(value.to(dtype).to(device), shape).clone();
  Tensor constant = constantOf(value, dtype, device); // checks the range
  return applyCreation(OpKind::Full,
                       {Attr::list(shape), Attr::real(isFloat(dtype) ? constant.impl->number : 0),
                        Attr::integer(isFloat(dtype) ? 0 : constant.impl->integer), Attr::dtype(dtype)},
                       device);
}

Tensor arange(double start, double stop, double step, DType dtype, Device device) {
  if (step == 0)
    fail(UserError::Kind::Runtime, "arange", "step must be nonzero");
  if (!std::isfinite(start) || !std::isfinite(stop))
    fail(UserError::Kind::Runtime, "arange",
         "unsupported range: " + std::to_string(start) + " -> " + std::to_string(stop));
  if ((step > 0) != (stop >= start) && stop != start)
    fail(UserError::Kind::Runtime, "arange",
         "upper bound and larger bound inconsistent with step sign; got start=" + std::to_string(start) +
             ", end=" + std::to_string(stop) + ", step=" + std::to_string(step));
  int64_t count = int64_t(std::ceil((stop - start) / step));
  DType computed = dtype;
  if (dtype == DType::Float32 || dtype == DType::Float16 || dtype == DType::BFloat16)
    computed = std::floor(start) == start && std::floor(step) == step ? dtype : DType::Float64;
  Tensor position = applyCreation(OpKind::Iota, {Attr::list({count}), Attr::integer(0), Attr::dtype(computed)}, device);
  auto number = [&](double v) { return isFloat(computed) ? Tensor::wrapped(v) : Tensor::wrapped(int64_t(v)); };
  if (step != 1)
    position = call(OpKind::Mul, {position, number(step)});
  if (start != 0)
    position = call(OpKind::Add, {position, number(start)});
  return position.to(dtype);
}

static Tensor random(OpKind op, const Dims &shape, DType dtype, Device device) {
  checkSizes(info(op).name, {dtype, shape});
  int64_t offset = 0;
  Tensor state = randomState(shape.product(), offset, device);
  return applyKernel(op, &state, 1, {Attr::list(shape), Attr::dtype(dtype), Attr::integer(offset)});
}

Tensor rand(const Dims &shape, DType dtype, Device device) { return random(OpKind::Uniform, shape, dtype, device); }
Tensor randn(const Dims &shape, DType dtype, Device device) { return random(OpKind::Normal, shape, dtype, device); }

Tensor dropout(const Tensor &x, double p) {
  int64_t offset = 0;
  Tensor state = randomState(x.numel(), offset, x.device());
  return call(OpKind::Dropout, {x, state}, {Attr::real(p), Attr::integer(offset)});
}

// ---------------------------------------------------------------- Generator

Generator &Generator::defaultGenerator() {
  static Generator generator;
  return generator;
}

Generator::State Generator::state() const {
  std::lock_guard<std::mutex> lock(mutex);
  return current;
}

void Generator::setState(State state) {
  std::lock_guard<std::mutex> lock(mutex);
  current = state;
}

Generator::State Generator::draw(int64_t count) {
  std::lock_guard<std::mutex> lock(mutex);
  State before = current;
  current.offset += count;
  return before;
}

void Generator::putBack(State drawn, int64_t count) {
  std::lock_guard<std::mutex> lock(mutex);
  if (current == drawn.after(count))
    current = drawn;
}

Tensor Generator::State::tensor(Device device) const {
  int64_t values[2] = {seed, offset};
  return Tensor::fromHost(values, {2}, DType::Int64, device);
}

Tensor randomState(int64_t count, int64_t &offset, Device device) {
  if (Trace *trace = Trace::active())
    return trace->randomState(count, offset, device);
  offset = 0;
  return Generator::defaultGenerator().draw(count).tensor(device);
}

} // namespace weft
