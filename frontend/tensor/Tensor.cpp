#include "frontend/tensor/Tensor.h"

#include "frontend/autograd/Autograd.h"
#include "frontend/dispatch/Ops.h"
#include "frontend/tensor/Snapshot.h"
#include "frontend/trace/Trace.h"
#include "runtime/BlockingRegion.h"
#include "runtime/cpu/FloatMode.h"
#include "runtime/cuda/Driver.h"
#include "runtime/cuda/HostMemory.h"
#include "runtime/cuda/Streams.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <vector>

namespace weft {

// ---------------------------------------------------------------- Storage

Ref<Storage> Storage::allocate(Device device, int64_t bytes) {
  Ref<Storage> storage = lazyStorage(device, bytes);
  storage->bornInTrace = Trace::activeNumber();
  storage->allocateMemory();
  return storage;
}

Ref<Storage> Storage::adopt(void *memory, int64_t bytes, Device device, bool readOnly, void (*deleter)(void *),
                            void *context) {
  Ref<Storage> storage = lazyStorage(device, bytes);
  storage->buffer = Buffer::external(memory, size_t(bytes), device, deleter, context);
  static char nothing[64];
  storage->memory = memory ? memory : nothing; // an empty array may come without memory
  storage->readOnly = readOnly;
  storage->exported = true;
  storage->bornInTrace = Trace::activeNumber();
  return storage;
}

Ref<Storage> Storage::allocatePinned(int64_t bytes, int gpu) {
  Ref<Storage> storage = lazyStorage(Device(), bytes);
  void *memory = cuda::allocatePinned(size_t(bytes), gpu);
  storage->buffer = Buffer::external(memory, size_t(bytes), Device(), cuda::releasePinned, memory);
  storage->memory = memory;
  storage->bornInTrace = Trace::activeNumber();
  return storage;
}

Ref<Storage> Storage::lazyStorage(Device device, int64_t bytes) {
  auto storage = Ref<Storage>::make();
  storage->device = device;
  storage->bytes = bytes;
  return storage;
}

void Storage::allocateMemory() {
  if (device.isCpu()) {
    memory = allocateBytes(size_t(bytes));
  } else {
    buffer = Buffer::allocate(size_t(bytes), device);
    memory = buffer->data();
  }
}

Storage::~Storage() {
  if (lazyTrace)
    lazyTrace->storageDied(*this);
  if (memory && !buffer)
    releaseBytes(memory, size_t(bytes));
}

void Storage::takeMemory(Storage &other) {
  memory = std::exchange(other.memory, nullptr);
  buffer = std::move(other.buffer);
}

bool Storage::isPendingHere() const { return !memory || !lazyTrace->isRunHere(); }

void Storage::grow(int64_t wanted) {
  data();
  if (exported)
    fail(
        UserError::Kind::Runtime, "resize_",
        "Trying to resize storage that is not resizable: NumPy, DLPack or the like holds this memory, too; clone() the "
        "tensor first");
  static auto &outgrown = *new std::vector<Ref<Storage>>; // that other threads' kernels may work on yet
  KeepHostLock keep;
  if (!BlockingRegion::anyOpen())
    outgrown.clear();
  Ref<Storage> larger = allocate(device, wanted);
  copyMemory(larger->memory, device, memory, device, size_t(bytes));
  std::swap(memory, larger->memory);
  std::swap(buffer, larger->buffer);
  std::swap(bytes, larger->bytes);
  if (BlockingRegion::anyOpen())
    outgrown.push_back(std::move(larger));
}

void Storage::materialise() {
  Ref<Storage> self(this);
  while (lazyTrace && !lazyTrace->isRunHere())
    lazyTrace->materialise();
  if (!memory)
    fail(UserError::Kind::Runtime, "data",
         "the tensor has no value: compiling or running the operations that compute it failed, or it was kept "
         "from inside a function that vmap ran");
}

// ---------------------------------------------------------------- Layout

bool isRowMajor(const Dims &shape, const Dims &strides) {
  int64_t expected = 1;
  for (int i = shape.size() - 1; i >= 0; --i) {
    if (shape[i] == 0)
      return true;
    if (shape[i] != 1 && strides[i] != expected)
      return false;
    expected *= shape[i];
  }
  return true;
}

bool overlapsItself(const Dims &shape, const Dims &strides) {
  int order[kMaxRank], count = 0;
  for (int i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0)
      return false;
    if (shape[i] != 1)
      order[count++] = i;
  }
  std::sort(order, order + count, [&](int a, int b) { return strides[a] < strides[b]; });
  int64_t reach = 0; // the largest offset within the axes seen so far
  for (int i = 0; i < count; ++i) {
    if (strides[order[i]] <= reach)
      return true;
    reach += strides[order[i]] * (shape[order[i]] - 1);
  }
  return false;
}

// ---------------------------------------------------------------- Complex tensors

Tensor fromPairs(const Tensor &pairs) {
  if (TensorImpl *known = pairs.impl->complexFace)
    return Tensor(Ref<TensorImpl>(known));
  auto impl = Ref<TensorImpl>::make();
  impl->storage = pairs.impl->storage;
  impl->shape = Dims(pairs.shape().begin(), pairs.shape().end() - 1);
  for (int i = 0; i < impl->shape.size(); ++i)
    impl->strides.push_back(pairs.strides()[i] / 2);
  impl->offset = pairs.offset() / 2;
  impl->dtype = complexOf(pairs.dtype());
  impl->base = pairs.impl;
  pairs.impl->complexFace = impl.get();
  return Tensor(std::move(impl));
}

std::vector<Tensor> pairsOf(const std::vector<Tensor> &tensors) {
  std::vector<Tensor> result;
  for (const Tensor &t : tensors)
    result.push_back(t.defined() ? t.pairs() : t);
  return result;
}

static Tensor aliasOfPairs(const Tensor &pairs, const Dims &shape, const Dims &strides, int64_t offset) {
  Dims sizes = shape, steps = strides;
  for (int64_t &step : steps)
    step *= 2;
  sizes.push_back(2);
  steps.push_back(1);
  return fromPairs(aliasOf(pairs, sizes, steps, offset * 2));
}

Tensor aliasOf(const Tensor &base, const Dims &shape, const Dims &strides, int64_t offset) {
  if (isComplex(base.dtype()))
    return aliasOfPairs(base.pairs(), shape, strides, offset);
  auto impl = Ref<TensorImpl>::make();
  impl->storage = base.impl->storage;
  impl->shape = shape;
  impl->strides = strides;
  impl->offset = offset;
  impl->dtype = base.impl->dtype;
  impl->constant = base.impl->constant;
  impl->number = base.impl->number;
  impl->integer = base.impl->integer;
  return Tensor(std::move(impl));
}

// ---------------------------------------------------------------- Making tensors

Tensor Tensor::empty(const Dims &shape, DType dtype, Device device) {
  checkSizes("empty", {dtype, shape});
  if (isComplex(dtype)) {
    Dims sizes = shape;
    sizes.push_back(2);
    return fromPairs(empty(sizes, partOf(dtype), device));
  }
  auto impl = Ref<TensorImpl>::make();
  impl->shape = shape;
  impl->strides = contiguousStrides(shape);
  impl->dtype = dtype;
  impl->storage = Storage::allocate(device, shape.product() * itemSize(dtype));
  return Tensor(std::move(impl));
}

Tensor Tensor::fromMemory(void *memory, const Dims &shape, const Dims &strides, DType dtype, Device device,
                          bool readOnly, void (*deleter)(void *), void *context) {
  if (isComplex(dtype)) {
    Dims sizes = shape, steps = strides;
    for (int64_t &step : steps)
      step *= 2;
    sizes.push_back(2);
    steps.push_back(1);
    return fromPairs(fromMemory(memory, sizes, steps, partOf(dtype), device, readOnly, deleter, context));
  }
  int64_t last = 0;
  bool any = true;
  for (int i = 0; i < shape.size(); ++i) {
    any &= shape[i] > 0;
    last += (shape[i] - 1) * strides[i];
  }
  auto impl = Ref<TensorImpl>::make();
  impl->shape = shape;
  impl->strides = strides;
  impl->dtype = dtype;
  impl->storage = Storage::adopt(memory, any ? (last + 1) * itemSize(dtype) : 0, device, readOnly, deleter, context);
  return Tensor(std::move(impl));
}

static Tensor wrappedNumber(DType dtype, double number, int64_t integer) {
  auto impl = Ref<TensorImpl>::make();
  impl->dtype = dtype;
  impl->wrappedNumber = true;
  impl->number = number;
  impl->integer = integer;
  return Tensor(std::move(impl));
}
Tensor Tensor::wrapped(double value) { return wrappedNumber(DType::Float64, value, 0); }
Tensor Tensor::wrapped(int64_t value) { return wrappedNumber(DType::Int64, double(value), value); }
Tensor Tensor::wrapped(bool value) { return wrappedNumber(DType::Bool, value, value); }

Tensor Tensor::wrapped(std::complex<double> value) {
  double imaginary = value.imag();
  int64_t bits;
  std::memcpy(&bits, &imaginary, 8);
  return wrappedNumber(DType::Complex128, value.real(), bits);
}

Tensor Tensor::fromHost(const void *data, const Dims &shape, DType dtype, Device device) {
  Tensor t = empty(shape, dtype, device);
  copyMemory(t.impl->storage->memory, device, data, Device(), size_t(t.impl->storage->bytes));
  return t;
}

// ---------------------------------------------------------------- What it is

int64_t Tensor::size(int64_t dim) const { return impl->shape[axisOf("size", dim, impl->shape)]; }
bool Tensor::isContiguous() const { return isRowMajor(impl->shape, impl->strides); }

void *Tensor::data() const {
  if (impl->wrappedNumber)
    fail(UserError::Kind::Runtime, "data", "a number has no memory");
  if (impl->sparse)
    fail(UserError::Kind::Runtime, "data", "the elements of a sparse tensor are not in memory; call to_dense()");
  if (Trace *trace = Trace::active())
    trace->noteRead(*this);
  while (impl->storage->isPending()) // other threads may give the tensor another storage meanwhile
    Ref<Storage>(impl->storage)->data();
  return static_cast<char *>(impl->storage->memory) + impl->offset * itemSize(impl->dtype);
}

// ---------------------------------------------------------------- One element

static float bitsToFloat(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

static float halfToFloat(uint16_t half) {
  uint32_t sign = uint32_t(half & 0x8000) << 16, exponent = (half >> 10) & 31, mantissa = half & 0x3ff;
  if (exponent == 31)
    return bitsToFloat(sign | 0x7f800000 | mantissa << 13);
  if (exponent == 0) // zero and subnormals are multiples of 2^-24
    return (sign ? -1.0f : 1.0f) * float(mantissa) * 0x1p-24f;
  return bitsToFloat(sign | (exponent + 112) << 23 | mantissa << 13);
}

// The element as bytes on the host.
static void fetch(const Tensor &t, void *bytes) {
  if (t.numel() != 1)
    fail(UserError::Kind::Runtime, "item",
         "a Tensor with " + std::to_string(t.numel()) + " elements cannot be converted to Scalar; got " +
             toString(t.type()) + "; index it or reduce it to one element first");
  const void *data = t.data();
  if (t.device().isCpu())
    std::memcpy(bytes, data, size_t(itemSize(t.dtype())));
  else
    copyMemory(bytes, Device(), data, t.device(), size_t(itemSize(t.dtype())));
}

template <class T> static T as(const void *bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

// Not inline: a StandardFloatMode is around the call.
__attribute__((noinline)) static double valueOf(const void *bytes, DType dtype) {
  switch (dtype) {
  case DType::Float16:
    return halfToFloat(as<uint16_t>(bytes));
  case DType::BFloat16:
    return bitsToFloat(uint32_t(as<uint16_t>(bytes)) << 16);
  case DType::Float32:
    return as<float>(bytes);
  case DType::Float64:
    return as<double>(bytes);
  case DType::Bool:
  case DType::UInt8:
    return as<uint8_t>(bytes);
  case DType::UInt16:
    return as<uint16_t>(bytes);
  case DType::UInt32:
    return as<uint32_t>(bytes);
  case DType::UInt64:
    return double(as<uint64_t>(bytes));
  case DType::Int8:
    return as<int8_t>(bytes);
  case DType::Int16:
    return as<int16_t>(bytes);
  case DType::Int32:
    return as<int32_t>(bytes);
  case DType::Int64:
    return double(as<int64_t>(bytes));
  case DType::Complex64:
  case DType::Complex128:
    break;
  }
  return 0;
}

std::complex<double> Tensor::itemComplex() const {
  StandardFloatMode mode;
  if (!isComplex(impl->dtype))
    return itemDouble();
  char bytes[16];
  if (impl->wrappedNumber)
    return {impl->number, as<double>(&impl->integer)};
  fetch(*this, bytes);
  const DType part = partOf(impl->dtype);
  return {valueOf(bytes, part), valueOf(bytes + itemSize(part), part)};
}

double Tensor::itemDouble() const {
  StandardFloatMode mode;
  if (isComplex(impl->dtype)) {
    std::complex<double> value = itemComplex();
    if (value.imag() != 0)
      fail(UserError::Kind::Runtime, "item",
           "a complex number with an imaginary part is no float; got " + std::to_string(value.real()) + " + " +
               std::to_string(value.imag()) + "j; take .real or abs()");
    return value.real();
  }
  if (impl->wrappedNumber)
    return isFloat(impl->dtype) ? impl->number : valueOf(&impl->integer, DType::Int64);
  char bytes[8];
  fetch(*this, bytes);
  return valueOf(bytes, impl->dtype);
}

// By the bits: in some floating-point modes a subnormal number equals zero.
bool Tensor::itemBool() const {
  if (isComplex(impl->dtype))
    return itemComplex() != 0.0;
  char bytes[8] = {};
  if (!impl->wrappedNumber)
    fetch(*this, bytes);
  else if (isFloat(impl->dtype))
    std::memcpy(bytes, &impl->number, 8);
  else
    std::memcpy(bytes, &impl->integer, 8);
  int size = impl->wrappedNumber ? 8 : itemSize(impl->dtype);
  uint64_t word = as<uint64_t>(bytes);
  return (isFloat(impl->dtype) ? word << (65 - 8 * size) : word) != 0; // -0 is zero
}

int64_t Tensor::itemInt() const {
  if (impl->wrappedNumber && !isComplex(impl->dtype))
    return isFloat(impl->dtype) ? int64_t(impl->number) : impl->integer;
  if (impl->dtype != DType::Int64 && impl->dtype != DType::UInt64)
    return int64_t(itemDouble());
  char bytes[8];
  fetch(*this, bytes);
  return as<int64_t>(bytes);
}

// ---------------------------------------------------------------- Copies

Tensor Tensor::contiguous() const { return isContiguous() ? *this : clone(); }

Tensor Tensor::clone() const { return apply(OpKind::Cast, this, 1, {Attr::dtype(impl->dtype)}); }

Tensor Tensor::to(DType dtype) const {
  return dtype == impl->dtype && !impl->wrappedNumber ? *this : call(OpKind::Cast, this, 1, {Attr::dtype(dtype)});
}

void resize_(const Tensor &t, const Dims &shape) {
  checkSizes("resize_", {t.dtype(), shape});
  if (isComplex(t.dtype()) && !t.impl->wrappedNumber) {
    Dims sizes = shape;
    sizes.push_back(2);
    resize_(t.pairs(), sizes);
    t.impl->shape = shape;
    t.impl->strides = contiguousStrides(shape);
    return;
  }
  if (t.impl->wrappedNumber || t.requiresGrad())
    fail(UserError::Kind::Runtime, "resize_", "cannot resize variables that require grad; detach() the tensor first");
  if (Trace *trace = Trace::active())
    trace->flush("it resizes a tensor");
  int64_t bytes = (t.offset() + shape.product()) * itemSize(t.dtype());
  if (shape.product() && bytes > t.impl->storage->bytes)
    t.impl->storage->grow(bytes);
  ++t.impl->storage->version;
  t.impl->shape = shape;
  t.impl->strides = contiguousStrides(shape);
}

// ---------------------------------------------------------------- Devices

static void requireGpu(const char *op, Device device) {
  if (!cuda::isAvailable() || device.index >= cuda::deviceCount())
    fail(UserError::Kind::Runtime, op,
         weft::toString(device) + " is not available: " +
             (cuda::isAvailable() ? "there are " + std::to_string(cuda::deviceCount()) + " CUDA devices"
                                  : cuda::unavailableReason()) +
             "; use 'cpu'");
}

Tensor Tensor::to(Device device, bool mayReturnEarly) const {
  if (impl->wrappedNumber || this->device() == device)
    return *this;
  if (device.isCuda())
    requireGpu("to", device);
  if (isComplex(impl->dtype))
    return fromPairs(pairs().to(device, mayReturnEarly));
  // Of data that Python made a tensor of in the trace, which is a constant there; else a trace runs up to here.
  const Storage &storage = *impl->storage;
  const bool constant = !storage.isLazy() && storage.memory && !storage.mayChangeUnseen() && storage.bornInTrace &&
                        storage.bornInTrace == Trace::activeNumber();
  if (!constant)
    data();
  Tensor result;
  {
    Trace::Pause pause;
    GradMode off(false);
    Tensor source = contiguous();
    Snapshot now(&source, 1);
    source = *now.data();
    result = empty(source.shape(), source.dtype(), device);
    copyMemory(result.data(), device, source.data(), this->device(), size_t(result.impl->storage->bytes),
               mayReturnEarly);
  }
  if (constant)
    result.impl->storage->bornInTrace = storage.bornInTrace;
  if (requiresGrad() && gradEnabled())
    recordMove(*this, result);
  return result;
}

Tensor Tensor::pinned() const {
  if (!device().isCpu())
    fail(UserError::Kind::Runtime, "pin_memory",
         "only dense tensors of the CPU can be pinned; got one on " + weft::toString(device()));
  const Device gpu{DeviceKind::CUDA, int8_t(cuda::currentDevice())};
  requireGpu("pin_memory", gpu);
  if (isComplex(impl->dtype))
    return fromPairs(pairs().pinned());
  if (isPinned())
    return *this;
  Tensor result;
  {
    Trace::Pause pause;
    GradMode off(false);
    Tensor source = contiguous();
    Snapshot now(&source, 1);
    source = *now.data();
    const int64_t bytes = source.numel() * itemSize(source.dtype());
    result = empty(source.shape(), source.dtype());
    result.impl->storage = Storage::allocatePinned(bytes, gpu.index);
    copyMemory(result.data(), Device(), source.data(), Device(), size_t(bytes));
  }
  if (requiresGrad() && gradEnabled())
    recordMove(*this, result);
  return result;
}

bool Tensor::isPinned() const {
  return !impl->wrappedNumber && !impl->sparse && device().isCpu() && cuda::isPinned(data());
}

Device parseDevice(const std::string &text) {
  std::string kind = text.substr(0, text.find(':'));
  std::string index = kind.size() < text.size() ? text.substr(kind.size() + 1)
                      : kind == "cuda"          ? std::to_string(cuda::currentDevice())
                                                : "0";
  bool digits = !index.empty() && index.size() <= 2 && std::all_of(index.begin(), index.end(), ::isdigit);
  if (digits && kind == "cpu" && index == "0")
    return Device{DeviceKind::CPU, 0};
  if (digits && kind == "cuda")
    return Device{DeviceKind::CUDA, int8_t(std::stoi(index))};
  fail(UserError::Kind::Runtime, "device", "there is no device '" + text + "'; use 'cpu', 'cuda' or 'cuda:1'");
}

} // namespace weft
