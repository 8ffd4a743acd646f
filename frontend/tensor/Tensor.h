// Tensor: a strided view of reference-counted memory on a device. Views share a Storage; an in-place operation bumps
// the storage's version. While a trace is active (Trace.h) a storage may have a value in the trace instead of data.
#pragma once
#include "frontend/tensor/Device.h"
#include "frontend/tensor/Ref.h"
#include "ir/Graph.h"
#include "ir/OpTable.h"
#include "runtime/Buffer.h"

#include <complex>
#include <vector>

namespace weft {

class Tensor;
class Trace;
struct TapeNode;
struct AutogradMeta; // Autograd.h
struct SparseParts;  // Sparse.h

// Memory for the front end's small objects, from the allocator that keeps what a thread gives back.
struct Pooled {
  static void *operator new(size_t bytes) { return allocateBytes(bytes); }
  static void operator delete(void *object, size_t bytes) { releaseBytes(object, bytes); }
};

// Memory. `lazy`: the storage's value is (also) in a trace and not yet in memory; data() makes the trace run first.
class Storage : public RefCounted, public Pooled {
public:
  // Allocates; the contents are undefined.
  static Ref<Storage> allocate(Device device, int64_t bytes);
  // Memory of somebody else's; `deleter(context)` is called when the last view is gone.
  static Ref<Storage> adopt(void *memory, int64_t bytes, Device device, bool readOnly, void (*deleter)(void *),
                            void *context);
  // No memory yet: the value is in a trace.
  static Ref<Storage> lazyStorage(Device device, int64_t bytes);
  ~Storage();

  // The memory, up to date. May run a trace.
  void *data() {
    if (isPending())
      materialise();
    return memory;
  }
  bool isLazy() const { return lazyTrace != nullptr; }
  // Of the CPU, pinned, in the context of a GPU.
  static Ref<Storage> allocatePinned(int64_t bytes, int gpu);
  // Whether data() has something to do.
  bool isPending() const { return __builtin_expect(lazyTrace != nullptr || !memory, 0) && isPendingHere(); }
  void allocateMemory(); // for a lazy storage that gets its data
  void takeMemory(Storage &other);
  void grow(int64_t bytes); // the new bytes are undefined; throws where others hold the memory

  void *memory = nullptr;
  int64_t bytes = 0;
  Device device;
  bool readOnly = false;
  bool exported = false;  // somebody outside (NumPy, DLPack) holds the pointer
  bool addressed = false; // somebody outside knows the address (data_ptr()), and may write there
  bool mayChangeUnseen() const { return exported || addressed; }
  uint32_t version = 0;

  uint64_t bornInTrace = 0; // number of the trace that was active when its memory was allocated or adopted; 0: none
  uint64_t guardMark = 0;   // scratch of CompiledCall::guardsHold

  // Of frontend/trace/Trace.cpp: the trace that holds the storage's value, the value, and the type that the value has:
  // the whole memory, row-major.
  Trace *lazyTrace = nullptr;
  int32_t lazySlot = -1;
  ValueId lazyValue = -1;
  TensorType lazyType;

private:
  bool isPendingHere() const;
  void materialise();
  BufferRef buffer; // external memory, and CUDA's; CPU memory of our own is taken from the allocator directly
};

struct TensorImpl : RefCounted, Pooled {
  Ref<Storage> storage;
  Dims shape, strides; // in elements
  int64_t offset = 0;  // in elements
  DType dtype = DType::Float32;
  bool requiresGrad = false;        // also true of results on the tape
  bool wrappedNumber = false;       // a Python number: takes part in promotion by its category alone; has no storage
  bool noGradView = false;          // a view made under no_grad,
  bool viewsRequiring = false;      // of a tensor that required grad then
  bool constant = false;            // a number that became an operand: in a trace it is part of the graph, not an input
  double number = 0;                // wrappedNumber, constant: the value of a float, a complex number's real part,
  int64_t integer = 0;              // of a bool or an integer, the bits of the imaginary part
  AutogradMeta *autograd = nullptr; // owned; null for most tensors
  SparseParts *sparse = nullptr;    // owned; null for dense tensors

  // Of a complex tensor `base` is the real tensor of its pairs, with a last axis of 2 on the same memory. That one has
  // the history, the gradient and the value in a trace; it knows the complex tensor while that lives.
  TensorImpl *complexFace = nullptr;

  // Of a view made under grad mode: the tensor that it is a view of, which is no view itself, and the order number of
  // that tensor's tape node when the view's own history was made. An in-place operation on either shows in the other's
  // history. currentBase(): null, too, where one of them was given other memory (x.data = y).
  Ref<TensorImpl> base;
  uint64_t baseOrder = 0;
  TensorImpl *currentBase() const { return base && base->storage == storage ? base.get() : nullptr; }

  // The tensor's value in trace segment `traceSegment`, good while the storage has version `traceVersion`.
  uint64_t traceSegment = 0;
  uint32_t traceVersion = 0;
  ValueId traceValue = -1;

  // Of the Python binding: its object for this tensor (borrowed; the object clears it when it dies).
  void *pythonObject = nullptr;

  ~TensorImpl();
};

class Tensor {
public:
  Tensor() = default;
  explicit Tensor(Ref<TensorImpl> impl) : impl(std::move(impl)) {}

  // ---- Making tensors.
  static Tensor empty(const Dims &shape, DType dtype, Device device = {});
  // Strides in elements; they may be zero but not negative.
  static Tensor fromMemory(void *memory, const Dims &shape, const Dims &strides, DType dtype, Device device,
                           bool readOnly, void (*deleter)(void *), void *context);
  // A 0-d tensor on the CPU that promotes as a Python number does.
  static Tensor wrapped(double value);
  static Tensor wrapped(int64_t value);
  static Tensor wrapped(bool value);
  static Tensor wrapped(std::complex<double> value);
  // Copies row-major data from the host.
  static Tensor fromHost(const void *data, const Dims &shape, DType dtype, Device device = {});

  bool defined() const { return bool(impl); }
  explicit operator bool() const { return defined(); }
  bool is(const Tensor &o) const { return impl == o.impl; }
  // What tape, traces and kernels see: of a complex tensor the real one of its pairs; else itself. Not for numbers.
  Tensor pairs() const { return isComplex(impl->dtype) ? Tensor(impl->base) : *this; }

  // ---- What it is.
  const Dims &shape() const { return impl->shape; }
  const Dims &strides() const { return impl->strides; }
  int64_t size(int64_t dim) const; // negative: from the end
  int dim() const { return impl->shape.size(); }
  int64_t numel() const { return impl->shape.product(); }
  DType dtype() const { return impl->dtype; }
  Device device() const { return impl->storage ? impl->storage->device : Device(); }
  int64_t offset() const { return impl->offset; }
  TensorType type() const { return {impl->dtype, impl->shape}; }
  bool isContiguous() const;
  uint32_t version() const { return impl->storage->version; }
  bool sharesStorage(const Tensor &o) const { return impl->storage == o.impl->storage; }

  // ---- Data. These wait for the value: a trace is run up to here.
  void *data() const;                // the first element
  template <class T> T item() const; // one element, converted; throws UserError unless numel() is 1
  double itemDouble() const;
  std::complex<double> itemComplex() const;
  bool itemBool() const;
  int64_t itemInt() const;

  // ---- Copies and conversions; recorded by tape and trace.
  Tensor contiguous() const; // itself where it is contiguous
  Tensor clone() const;
  Tensor to(DType dtype) const; // itself where nothing changes
  // mayReturnEarly: as in copyMemory().
  Tensor to(Device device, bool mayReturnEarly = false) const;
  // On the CPU, in memory that GPUs copy by themselves (runtime/cuda/HostMemory.h); itself where it is there.
  Tensor pinned() const;
  bool isPinned() const;

  // ---- Autograd (Autograd.h has the rest).
  bool requiresGrad() const { return impl->requiresGrad || (impl->base && baseGotHistory()); }
  Tensor &requiresGrad(bool value); // throws for a non-leaf and for integer dtypes
  bool isLeaf() const;
  Tensor grad() const;              // undefined where there is none
  void setGrad(const Tensor &grad); // throws when shape, dtype or device differ; undefined clears it
  Tensor detach() const;            // shares memory, has no history
  Tensor alias() const;             // the same, unseen by a trace
  void detachInPlace() const;       // throws for a view

  Ref<TensorImpl> impl;

private:
  bool baseGotHistory() const; // of a view, by an in-place operation since
};

template <> inline double Tensor::item<double>() const { return itemDouble(); }
template <> inline float Tensor::item<float>() const { return float(itemDouble()); }
template <> inline int64_t Tensor::item<int64_t>() const { return itemInt(); }
template <> inline bool Tensor::item<bool>() const { return itemBool(); }

// The complex tensor that a real one of pairs is: the last axis has size 2 and stride 1, other strides and the offset
// are even.
Tensor fromPairs(const Tensor &pairs);
// The values in a list, and back where `like` is complex.
std::vector<Tensor> pairsOf(const std::vector<Tensor> &tensors);
inline Tensor fromPairsLike(const Tensor &like, const Tensor &value) {
  return value.defined() && isComplex(like.dtype()) ? fromPairs(value) : value;
}

// A further view of the same storage; no tape, no trace. It stays what it is, whatever becomes of the base.
Tensor aliasOf(const Tensor &base, const Dims &shape, const Dims &strides, int64_t offset);
// How far `to` begins behind `from` in the memory that they share.
inline int64_t bytesBetween(const Tensor &from, const Tensor &to) {
  return to.offset() * itemSize(to.dtype()) - from.offset() * itemSize(from.dtype());
}
// Gives the tensor other sizes, row-major from its offset on; its memory grows where they need more.
void resize_(const Tensor &tensor, const Dims &shape);
// Strides are row-major for the shape (sizes of one do not matter).
bool isRowMajor(const Dims &shape, const Dims &strides);
// Two elements of the view may be at one address (strides of zero and their like).
bool overlapsItself(const Dims &shape, const Dims &strides);

} // namespace weft
