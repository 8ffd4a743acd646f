// Tensors from numbers and from the random stream.
#include "frontend/autograd/Autograd.h"
#include "frontend/dispatch/Dispatch.h"
#include "frontend/dispatch/Generator.h"
#include "frontend/dispatch/Numbers.h"
#include "frontend/dispatch/Ops.h"
#include "frontend/trace/Trace.h"
#include "runtime/cuda/Capture.h"
#include "runtime/cuda/Streams.h"

#include <cmath>

namespace weft {

Tensor full(const Dims &shape, const Tensor &value, DType dtype, Device device) {
  if (!value.impl->wrappedNumber)
    return expand(value.to(dtype).to(device), shape).clone();
  if (isComplex(dtype))
    return expand(constantOf(value, dtype, device), shape).clone();
  Tensor constant = constantOf(value, dtype, device); // checks the range
  return applyCreation(OpKind::Full,
                       {Attr::list(shape), Attr::real(isFloat(dtype) ? constant.impl->number : 0),
                        Attr::integer(isFloat(dtype) ? 0 : constant.impl->integer), Attr::dtype(dtype)},
                       device);
}

static Tensor counted(int64_t count, DType dtype, Device device) {
  return applyCreation(OpKind::Iota, {Attr::list({count}), Attr::integer(0), Attr::dtype(dtype)}, device);
}

[[noreturn]] static void failStep(const std::string &start, const std::string &stop, const std::string &step) {
  fail(UserError::Kind::Runtime, "arange",
       "upper bound and lower bound inconsistent with step sign; got start=" + start + ", end=" + stop +
           ", step=" + step + "; use a nonzero step that leads from start to end");
}

Tensor arange(double start, double stop, double step, DType dtype, Device device) {
  if (!std::isfinite(start) || !std::isfinite(stop))
    fail(UserError::Kind::Runtime, "arange",
         "unsupported range: " + std::to_string(start) + " -> " + std::to_string(stop) + "; use finite bounds");
  double count = std::ceil((stop - start) / step);
  if (step == 0 || !(count >= 0))
    failStep(std::to_string(start), std::to_string(stop), std::to_string(step));
  checkSizes("arange", {dtype, {count < 0x1p63 ? int64_t(count) : INT64_MAX}});
  bool real = isFloat(dtype);
  auto number = [&](double v) { return real ? Tensor::wrapped(v) : Tensor::wrapped(int64_t(v)); };
  // Floats are computed in float64 and rounded once.
  Tensor position = counted(int64_t(count), real ? DType::Float64 : dtype, device);
  if (step != 1)
    position = call(OpKind::Mul, {position, number(step)});
  if (start != 0)
    position = call(OpKind::Add, {position, number(start)});
  return position.to(dtype);
}

Tensor arangeOfIntegers(int64_t start, int64_t stop, int64_t step, DType dtype, Device device) {
  bool ascends = step > 0;
  if (step == 0 || (ascends ? stop < start : stop > start))
    failStep(std::to_string(start), std::to_string(stop), std::to_string(step));
  uint64_t distance = ascends ? uint64_t(stop) - uint64_t(start) : uint64_t(start) - uint64_t(stop);
  uint64_t stride = ascends ? uint64_t(step) : -uint64_t(step);
  uint64_t count = distance / stride + (distance % stride != 0);
  checkSizes("arange", {dtype, {int64_t(std::min<uint64_t>(count, INT64_MAX))}});
  // In int64, but where a float holds every number up to the last.
  int64_t exact = dtype == DType::Float64    ? int64_t(1) << 53
                  : dtype == DType::Float32  ? int64_t(1) << 24
                  : dtype == DType::Float16  ? int64_t(1) << 11
                  : dtype == DType::BFloat16 ? int64_t(1) << 8
                                             : INT64_MAX;
  auto holds = [&](int64_t value) { return value >= -exact && value <= exact; };
  DType computed = holds(start) && holds(stop) && holds(step) ? dtype : DType::Int64;
  Tensor position = counted(int64_t(count), computed, device);
  if (step != 1)
    position = call(OpKind::Mul, {position, Tensor::wrapped(step)});
  if (start != 0)
    position = call(OpKind::Add, {position, Tensor::wrapped(start)});
  return position.to(dtype);
}

Tensor randint(int64_t low, int64_t high, const Dims &shape, DType dtype, Device device) {
  if (high <= low)
    fail(UserError::Kind::Runtime, "randint",
         "the range is empty; got low " + std::to_string(low) + ", high " + std::to_string(high) + "; pass high > low");
  for (int64_t end : {low, high - 1}) // which the dtype must hold
    if (dtype == DType::Bool ? end < 0 || end > 1 : isUnsignedInt(dtype) && end < 0)
      fail(UserError::Kind::Runtime, "randint",
           "the range passes the bounds of " + std::string(name(dtype)) + "; got low " + std::to_string(low) +
               ", high " + std::to_string(high) + "; ask for another dtype");
    else
      constantOf(Tensor::wrapped(end), dtype, {});
  checkSizes("randint", {dtype, shape});
  int64_t offset = 0;
  Tensor state = randomState(shape.product(), offset, device);
  int64_t bounds[2] = {low, high};
  Tensor operands[2] = {state, Tensor::fromHost(bounds, {2}, DType::Int64, device)};
  return applyKernel(OpKind::RandomInteger, operands, 2, {Attr::list(shape), Attr::integer(offset)}).to(dtype);
}

static Tensor random(OpKind op, const Dims &shape, DType dtype, Device device) {
  checkSizes(info(op).name, {dtype, shape});
  int64_t offset = 0;
  Tensor state = randomState(shape.product(), offset, device);
  return applyKernel(op, &state, 1, {Attr::list(shape), Attr::dtype(dtype), Attr::integer(offset)});
}

static Dims withParts(const Dims &shape) {
  Dims result = shape;
  result.push_back(2);
  return result;
}

// Both parts of a complex number are drawn. Those of a normal one have a variance of 1 together.
Tensor rand(const Dims &shape, DType dtype, Device device) {
  return isComplex(dtype) ? fromPairs(rand(withParts(shape), partOf(dtype), device))
                          : random(OpKind::Uniform, shape, dtype, device);
}
Tensor randn(const Dims &shape, DType dtype, Device device) {
  if (!isComplex(dtype))
    return random(OpKind::Normal, shape, dtype, device);
  Tensor parts = randn(withParts(shape), partOf(dtype), device);
  return fromPairs(call(OpKind::Mul, {parts, Tensor::wrapped(std::sqrt(0.5))}));
}

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

static thread_local Generator *used = nullptr;
Generator &Generator::inUse() { return used ? *used : defaultGenerator(); }
Generator::Use::Use(Generator &generator) : before(used) { used = &generator; }
Generator::Use::~Use() { used = before; }

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
  if (device.isCuda() && cuda::isCaptured(device.index, cuda::currentStream(device.index)))
    fail(UserError::Kind::Runtime, "random",
         "a graph is being captured, and all its replays would draw the same random numbers; draw them outside of the "
         "capture, into a tensor that it reads");
  int64_t values[2] = {seed, offset};
  return Tensor::fromHost(values, {2}, DType::Int64, device);
}

Tensor randomState(int64_t count, int64_t &offset, Device device) {
  Generator &generator = Generator::inUse();
  bool isDefault = &generator == &Generator::defaultGenerator();
  if (Trace *trace = Trace::active()) {
    if (isDefault || trace->isFunction())
      return trace->randomState(count, offset, device);
    trace->notReplayable("it draws from a weft.Generator");
  }
  offset = 0;
  return generator.draw(count).tensor(device);
}

} // namespace weft
