#include "frontend/dispatch/KnownCalls.h"

#include "frontend/dispatch/Numbers.h"
#include "frontend/dispatch/Ops.h"
#include "frontend/tensor/Snapshot.h"
#include "runtime/BlockingRegion.h"
#include "runtime/cpu/FloatMode.h"

#include <algorithm>
#include <cstring>

namespace weft {

// ---------------------------------------------------------------- Keys

// Once the memory of `pending` is there. Apart, since it is rare and takes room on the stack.
__attribute__((noinline)) static void makeWhenReady(CallKey &key, Storage &pending, CallLevel level, OpKind op,
                                                    const Tensor *operands, int count, const Attrs &attrs) {
  pending.data();
  key = CallKey(level, op, operands, count, attrs);
}

CallKey::CallKey(CallLevel level, OpKind op, const Tensor *operands, int count, const Attrs &attrs) {
  const OpInfo &record = info(op);
  // A creation's attributes are new each time.
  if (count < 1 || count > kMaxOperands || record.family == OpFamily::Creation || record.family == OpFamily::Control ||
      record.resultCount > 1)
    return;
  uint64_t *next = words, h = 0;
  auto add = [&](uint64_t word) {
    *next++ = word;
    h = ((h << 13 | h >> 51) ^ word) * 0x9e3779b97f4a7c15;
  };
  add(uint64_t(op) | uint64_t(count) << 16 | uint64_t(level) << 24 | uint64_t(defaultDType()) << 32 |
      uint64_t(attrs.size()) << 40);
  for (int k = 0; k < count; ++k) {
    const TensorImpl &impl = *operands[k].impl;
    if (Storage *storage = impl.storage.get()) {
      if (!storage->device.isCpu())
        return;
      if (__builtin_expect(storage->isPending(), 0)) { // other threads may go on meanwhile
        makeWhenReady(*this, *storage, level, op, operands, count, attrs);
        return;
      }
    }
    int rank = impl.shape.size();
    if (words + kCapacity - next < 1 + 2 * rank)
      return;
    add(uint64_t(impl.dtype) | uint64_t(rank) << 8 | uint64_t(impl.wrappedNumber) << 16);
    for (int i = 0; i < rank; ++i) {
      add(uint64_t(impl.shape[i]));
      add(uint64_t(impl.strides[i]));
    }
  }
  for (const Attr &attr : attrs) {
    if (words + kCapacity - next < 2 + attr.ints.size())
      return;
    add(uint64_t(attr.kind) | uint64_t(attr.ints.size()) << 8);
    int64_t value = attr.i;
    if (attr.kind == Attr::Kind::Float)
      std::memcpy(&value, &attr.f, 8);
    add(uint64_t(value));
    if (attr.kind == Attr::Kind::Ints)
      for (int64_t v : attr.ints)
        add(uint64_t(v));
  }
  size = int(next - words);
  hash = h;
}

CallKey &CallKey::operator=(const CallKey &o) {
  size = o.size;
  hash = o.hash;
  std::copy_n(o.words, o.size, words);
  return *this;
}

bool CallKey::operator==(const CallKey &o) const {
  if (size != o.size || hash != o.hash)
    return false;
  uint64_t differ = 0;
  for (int i = 0; i < size; ++i)
    differ |= words[i] ^ o.words[i];
  return differ == 0;
}

// ---------------------------------------------------------------- The table

namespace {
// A newer call takes the place of an older one.
struct Calls {
  static constexpr int kBits = 10;
  std::unique_ptr<KnownCall> slots[1 << kBits];
  CallRecorder *recorder = nullptr; // the innermost

  std::unique_ptr<KnownCall> &slotOf(const CallKey &key) { return slots[key.hash >> (64 - kBits)]; }
};

// The pointer is of trivial type, so that its use costs no check; the owner behind it is met once a thread.
thread_local Calls *threadCalls = nullptr;
__attribute__((noinline)) Calls &makeCalls() {
  struct Owner {
    Calls calls;
    ~Owner() { threadCalls = nullptr; }
  };
  static thread_local Owner owner;
  threadCalls = &owner.calls;
  return owner.calls;
}
Calls &calls() {
  Calls *mine = threadCalls;
  return __builtin_expect(mine != nullptr, 1) ? *mine : makeCalls();
}
} // namespace

const KnownCall *findCall(const CallKey &key) {
  const KnownCall *known = calls().slotOf(key).get();
  return known && known->key == key ? known : nullptr;
}

Tensor KnownCall::run(const Tensor *operands) const {
  StandardFloatMode mode;
  void *inputs[CallKey::kMaxOperands];
  alignas(8) char numbers[CallKey::kMaxOperands][8];
  for (int k = 0; k < count; ++k) {
    const TensorImpl &impl = *operands[k].impl;
    if (impl.wrappedNumber) {
      storeNumber(operands[k], numberTypes[k], numbers[k]);
      inputs[k] = numbers[k];
    } else {
      inputs[k] = static_cast<char *>(impl.storage->memory) + (impl.offset ? impl.offset * itemSize(impl.dtype) : 0);
    }
  }
  auto result = Ref<TensorImpl>::make();
  result->shape = type.shape;
  result->strides = strides;
  result->dtype = type.dtype;
  result->storage = Ref<Storage>::make();
  Storage &storage = *result->storage;
  storage.bytes = bytes;
  storage.allocateMemory();
  if (__builtin_expect(launch.takesLong(), 0))
    runLong(operands, inputs, storage.memory);
  else
    launch.run(inputs, &storage.memory);
  return Tensor(std::move(result));
}

// With the host's lock free. `this` may be gone afterwards: a signal handler's calls are this thread's, too.
void KnownCall::runLong(const Tensor *operands, void *const *inputs, void *out) const {
  Ref<Storage> pins[CallKey::kMaxOperands];
  const int pinned = count;
  for (int k = 0; k < pinned; ++k)
    pins[k] = operands[k].impl->storage;
  const OpKind op = key.op();
  {
    PreparedRun own = launch;
    BlockingRegion region;
    own.run(inputs, &out);
  }
  for (int k = 0; k < pinned; ++k)
    if (operands[k].impl->storage != pins[k])
      failChanged(info(op).name);
}

// ---------------------------------------------------------------- Recording

CallRecorder::CallRecorder(const CallKey &key, OpKind op, const Tensor *operands, int count, bool hasAttrs)
    : key(key), op(op), operands(operands), count(count), outer(calls().recorder), direct(!hasAttrs) {
  calls().recorder = this;
}

CallRecorder::~CallRecorder() { calls().recorder = outer; }

// Operand by operand: the same memory, or a number.
bool CallRecorder::readsOperands(const Tensor *read, int readCount) {
  if (readCount != count)
    return false;
  for (int k = 0; k < count; ++k) {
    const TensorImpl &given = *operands[k].impl, &used = *read[k].impl;
    if (given.wrappedNumber ? !used.constant
                            : given.storage != used.storage || given.offset != used.offset || given.dtype != used.dtype)
      return false;
    numberTypes[k] = used.dtype;
    direct &= !given.wrappedNumber && given.shape == used.shape && given.strides == used.strides;
  }
  return true;
}

void CallRecorder::noteRun(const ExecutablePtr &executable, const int64_t *symbols, const Tensor *read, int readCount,
                           const void *out) {
  for (CallRecorder *r = calls().recorder; r; r = r->outer)
    if (++r->runs == 1 && r->key.isUsable() && r->readsOperands(read, readCount)) {
      r->launch.reset(new PreparedRun(executable, symbols));
      r->out = out;
    }
}

void CallRecorder::noteOther() {
  for (CallRecorder *r = calls().recorder; r; r = r->outer)
    ++r->runs;
}

void CallRecorder::finish(const Tensor &result) {
  if (runs != 1 || !launch || result.impl->storage->memory != out || result.offset() != 0 || !result.isContiguous())
    return;
  bool differentiable = info(op).differentiable && isFloat(result.dtype());
  auto *known = new KnownCall{key,
                              result.type(),
                              result.strides(),
                              result.impl->storage->bytes,
                              std::move(*launch),
                              count,
                              {},
                              differentiable,
                              direct};
  std::copy_n(numberTypes, CallKey::kMaxOperands, known->numberTypes);
  calls().slotOf(key).reset(known);
}

} // namespace weft
