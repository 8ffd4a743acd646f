#include "frontend/calls/CompiledCall.h"

#include "frontend/autograd/Autograd.h"
#include "frontend/dispatch/Autocast.h"
#include "frontend/dispatch/Dispatch.h"
#include "frontend/dispatch/Generator.h"
#include "frontend/dispatch/Ops.h"
#include "frontend/tensor/Snapshot.h"
#include "frontend/trace/Trace.h"
#include "runtime/BlockingRegion.h"
#include "runtime/cuda/Streams.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>

namespace weft {

// ---------------------------------------------------------------- Guards

// Bits: it has a history; hooks; retain_grad().
static uint8_t tapeTraits(const TensorImpl &impl) {
  const AutogradMeta *meta = impl.autograd;
  if (!meta)
    return 0;
  bool hooked = hasHooks(meta->node ? meta->node->hooks : meta->hooks) || hasHooks(meta->accumulateHooks);
  return uint8_t((meta->node ? 1 : 0) | (hooked ? 2 : 0) | (meta->retainGrad ? 4 : 0));
}

TensorGuard guardOf(const Tensor &t) {
  return {t.dtype(), t.requiresGrad(), tapeTraits(*t.impl), t.device(), t.shape(), t.strides()};
}

bool TensorGuard::matches(const TensorImpl &impl) const {
  return impl.dtype == dtype && impl.requiresGrad == requiresGrad && tapeTraits(impl) == tape && impl.shape == shape &&
         impl.strides == strides && impl.storage && impl.storage->device == device;
}

std::string TensorGuard::mismatch(const TensorImpl &impl) const {
  if (!impl.storage)
    return "a number instead of a tensor";
  auto changed = [](const std::string &what, const std::string &before, const std::string &now) {
    return what + " was " + before + ", is " + now;
  };
  if (impl.dtype != dtype)
    return changed("dtype", name(dtype), name(impl.dtype));
  if (impl.shape != shape)
    return changed("shape", weft::toString(shape), weft::toString(impl.shape));
  if (impl.strides != strides)
    return changed("strides", weft::toString(strides), weft::toString(impl.strides));
  if (impl.storage->device != device)
    return changed("device", toString(device), toString(impl.storage->device));
  if (impl.requiresGrad != requiresGrad)
    return changed("requires_grad", requiresGrad ? "True" : "False", impl.requiresGrad ? "True" : "False");
  if (tapeTraits(impl) != tape)
    return "a history or hooks came or went";
  return "";
}

static constexpr size_t kInline = 64;

namespace {
// So many objects, on the stack where they are few.
template <class T> class ShortArray {
public:
  explicit ShortArray(size_t count)
      : count(count),
        first(count > kInline ? static_cast<T *>(allocateBytes(count * sizeof(T))) : reinterpret_cast<T *>(memory)) {
    std::uninitialized_value_construct_n(first, count);
  }
  ~ShortArray() {
    std::destroy_n(first, count);
    if (count > kInline)
      releaseBytes(first, count * sizeof(T));
  }
  ShortArray(const ShortArray &) = delete;
  T *data() { return first; }

private:
  size_t count;
  T *first;
  alignas(T) unsigned char memory[kInline * sizeof(T)];
};

// The tensor of each source. Those that caller or call hold are borrowed: counting references costs as much as a guard.
class SourceTensors {
public:
  explicit SourceTensors(const std::vector<TensorSource> &sources) : sources(sources), tensors(sources.size()) {}
  ~SourceTensors() {
    for (size_t i = 0; i < sources.size(); ++i)
      if (sources[i].isBorrowed())
        data()[i].impl.detach();
  }
  Tensor *data() { return tensors.data(); }

private:
  const std::vector<TensorSource> &sources;
  ShortArray<Tensor> tensors;
};
} // namespace

// The tensors that the sources name now, but those that a replay makes; false where there is none.
bool CompiledCall::resolve(const Tensor *arguments, Tensor *found) const {
  for (size_t i = 0; i < sources.size(); ++i) {
    const TensorSource &source = sources[i];
    if (source.isMadeByReplay())
      continue;
    const Tensor *root = source.kind == TensorSource::Kind::Argument   ? &arguments[source.index]
                         : source.kind == TensorSource::Kind::Captured ? &captured[size_t(source.index)]
                                                                       : nullptr;
    if (!root) {
      const AutogradMeta *meta = found[source.index].impl->autograd;
      if (!meta || !meta->grad.defined())
        return false;
      root = &meta->grad;
    }
    if (source.isView)
      found[i] = aliasOf(*root, source.shape, source.strides, root->offset() + source.offset);
    else if (source.isBorrowed())
      found[i].impl = Ref<TensorImpl>::attach(root->impl.get());
    else
      found[i] = *root;
  }
  return true;
}

bool CompiledCall::areReachedAsBefore(const Tensor *arguments) const {
  size_t count = 0;
  for (int i = 0; i < argumentCount; ++i)
    count += reached.count(arguments[i].impl.get());
  return count == reachedArguments;
}

bool CompiledCall::guardsHold(const Tensor *arguments, int count) const {
  if (count != argumentCount || gradMode != gradEnabled() || defaultDType != weft::defaultDType() ||
      autocastDType != weft::autocastDType() || defaultDevice != weft::defaultDevice() ||
      cudaDevice != cuda::currentDevice() || tapeScopes != weft::tapeScopes())
    return false;
  for (int i = 0; i < count; ++i)
    if (!guards[size_t(i)].matches(*arguments[i].impl))
      return false;
  if (!reached.empty() && !areReachedAsBefore(arguments))
    return false;
  SourceTensors found(sources);
  if (!resolve(arguments, found.data()))
    return false;
  for (auto [one, other] : sameTensors)
    if (found.data()[one].impl != found.data()[other].impl)
      return false;
  for (const auto &number : numbers)
    if (double value; !number->read(value))
      return false;
  for (const GradRead &read : gradReads) {
    const AutogradMeta *meta = found.data()[read.owner].impl->autograd;
    if ((meta && meta->grad.defined()) != read.defined)
      return false;
  }
  // Storages are numbered as they come, so that equal ones can be told without comparing all with all.
  static std::atomic<uint64_t> nextMark{1};
  uint64_t mark = nextMark.fetch_add(1, std::memory_order_relaxed) << 24;
  for (size_t i = 0; i < sources.size(); ++i) {
    if (sources[i].isMadeByReplay())
      continue;
    TensorImpl &impl = *found.data()[i].impl;
    if (i >= size_t(count) && !guards[i].matches(impl))
      return false;
    if (impl.storage->isPending()) { // other threads may change what was looked at
      Ref<Storage>(impl.storage)->data();
      return guardsHold(arguments, count);
    }
    uint64_t &stamp = impl.storage->guardMark;
    if ((stamp & ~uint64_t(0xffffff)) != mark)
      stamp = mark | i;
    if (int(stamp & 0xffffff) != sameStorage[i])
      return false;
  }
  for (const Place &place : places)
    if (const TensorImpl &impl = *found.data()[place.source].impl;
        impl.offset != place.offset || impl.storage->bytes != place.bytes)
      return false;
  for (const Distance &distance : distances)
    if (bytesBetween(found.data()[distance.from], found.data()[distance.to]) != distance.bytes)
      return false;
  return true;
}

std::string CompiledCall::explainMismatch(const Tensor *arguments, int count) const {
  if (count != argumentCount)
    return "number of tensor arguments was " + std::to_string(argumentCount) + ", is " + std::to_string(count);
  if (gradMode != gradEnabled())
    return std::string("grad mode was ") + (gradMode ? "on" : "off");
  if (defaultDType != weft::defaultDType())
    return "the default dtype changed";
  if (defaultDevice != weft::defaultDevice())
    return "the default device changed";
  if (cudaDevice != cuda::currentDevice())
    return "the current device changed";
  if (tapeScopes != weft::tapeScopes())
    return "it was called within another checkpoint, forward-mode derivative, saved_tensors_hooks or anomaly detection";
  if (autocastDType != weft::autocastDType())
    return std::string("autocast was ") + (autocastDType ? name(*autocastDType) : "off");
  for (int i = 0; i < count; ++i)
    if (std::string what = guards[size_t(i)].mismatch(*arguments[i].impl); !what.empty())
      return "argument " + std::to_string(i) + ": " + what;
  if (!areReachedAsBefore(arguments))
    return "an argument is a tensor that the function knows, or was";
  SourceTensors array(sources);
  Tensor *found = array.data();
  if (!resolve(arguments, found))
    return "a .grad that was a tensor is None";
  for (const auto &number : numbers)
    if (double value; !number->read(value))
      return "a hyper-parameter is no float any more";
  for (const GradRead &read : gradReads)
    if (Tensor(found[size_t(read.owner)].impl).grad().defined() != read.defined)
      return std::string("a .grad was ") + (read.defined ? "a tensor, is None" : "None, is a tensor");
  for (size_t i = size_t(count); i < sources.size(); ++i)
    if (!sources[i].isMadeByReplay())
      if (std::string what = guards[i].mismatch(*found[i].impl); !what.empty())
        return "a captured tensor: " + what;
  return "tensors share memory otherwise than before";
}

// ---------------------------------------------------------------- Running

std::string SegmentPlan::Check::message() const {
  return check.message(values) + (location.empty() ? "" : " (" + location + ")");
}

bool SegmentPlan::takesLong() const {
  auto copies = [](const ResultSlot &slot) { return slot.from != ResultSlot::From::Output || slot.viaCopy; };
  return (executable && executable->takesLong(symbols.data())) || std::any_of(slots.begin(), slots.end(), copies);
}

void SegmentPlan::run(const Tensor *sources, Ref<Storage> *storages) const {
  std::optional<Uninterrupted> finishing;
  // What is copied from sources is read before anything is written.
  std::vector<std::pair<Tensor, Tensor>> late; // target, value
  for (size_t i = 0; i < slots.size(); ++i) {
    const ResultSlot &slot = slots[i];
    if (slot.from != ResultSlot::From::CopyOfSource)
      continue;
    Tensor copy = Tensor::empty(slot.type.shape, slot.type.dtype, device);
    storeInto(copy, sources[slot.index]);
    if (slot.into < 0)
      storages[i]->takeMemory(*copy.impl->storage);
    else
      late.emplace_back(sources[slot.into], copy);
  }
  if (executable) {
    ShortArray<void *> inputMemory(inputs.size() + numbers.size()), outputMemory(outputSlots.size());
    void **in = inputMemory.data(), **out = outputMemory.data();
    for (size_t i = 0; i < inputs.size(); ++i)
      in[i] = sources[inputs[i]].data();
    ShortArray<std::array<int64_t, 2>> numberMemory(numbers.size());
    for (size_t i = 0; i < numbers.size(); ++i) {
      const Number &number = numbers[i];
      int64_t *memory = numberMemory.data()[i].data();
      in[inputs.size() + i] = memory;
      if (number.state < 0) {
        memory[0] = number.bytes;
      } else {
        std::memcpy(memory, in[number.state], sizeof(int64_t[2]));
        memory[1] += number.offset;
      }
    }
    Tensor there; // where a GPU reads the numbers
    if (device.isCuda() && !numbers.empty()) {
      constexpr size_t kBytes = sizeof(std::array<int64_t, 2>);
      there = Tensor::empty({int64_t(numbers.size()), 2}, DType::Int64, device);
      copyMemory(there.data(), device, numberMemory.data(), Device(), numbers.size() * kBytes);
      for (size_t i = 0; i < numbers.size(); ++i)
        in[inputs.size() + i] = static_cast<char *>(there.data()) + i * kBytes;
    }
    for (size_t i = 0; i < outputSlots.size(); ++i) {
      const ResultSlot &slot = slots[size_t(outputSlots[i])];
      if (slot.into >= 0 && !slot.viaCopy) {
        out[i] = sources[slot.into].data();
      } else if (slot.into >= 0) {
        Tensor copy = Tensor::empty(slot.type.shape, slot.type.dtype, device);
        out[i] = copy.data();
        late.emplace_back(sources[slot.into], copy);
      } else {
        Storage &storage = *storages[outputSlots[i]];
        storage.allocateMemory();
        out[i] = storage.memory;
      }
    }
    std::shared_ptr<KeptResults> results = kept ? kept->of(*executable, inputs, sources) : nullptr;
    try {
      BlockingRegion region(executable->takesLong(symbols.data()));
      executable->run(in, out, symbols.data(), results.get(), &overwritten);
    } catch (const CheckFailed &failed) {
      const Check &check = checks[size_t(failed.check)];
      check.check.fail(check.message());
    }
    finishing.emplace();
    for (size_t i = 0; i < slots.size(); ++i) {
      const ResultSlot &slot = slots[i];
      if (slot.from != ResultSlot::From::CopyOfOutput)
        continue;
      int64_t bytes = slot.type.shape.product() * itemSize(slot.type.dtype);
      void *from = out[slots[size_t(slot.index)].index];
      void *to = slot.into >= 0 ? sources[slot.into].data() : (storages[i]->allocateMemory(), storages[i]->memory);
      copyMemory(to, device, from, device, size_t(bytes));
    }
  }
  if (!finishing)
    finishing.emplace();
  for (auto &[target, value] : late)
    storeInto(target, value);
}

std::vector<Tensor> CompiledCall::replay(const Tensor *arguments, int count) const {
  SourceTensors array(sources);
  Tensor *found = array.data();
  resolve(arguments, found);
  std::optional<Drawn> drawn;
  if (randomCount)
    drawn.emplace(randomCount);
  for (size_t i = 0; i < sources.size(); ++i)
    if (sources[i].kind == TensorSource::Kind::GeneratorState) {
      found[i] = drawn->state.tensor(plan.device);
    } else if (sources[i].kind == TensorSource::Kind::Number) {
      double value = 0;
      numbers[size_t(sources[i].index)]->read(value); // the guards held
      found[i] = Tensor::fromHost(&value, {}, DType::Float64, plan.device);
    }
  std::optional<Snapshot> now;
  if (!inputChecks.empty() || plan.takesLong())
    now.emplace(found, int(sources.size()));
  const Tensor *given = now ? now->data() : found;
  for (auto &[source, check] : inputChecks)
    check.scan(given[source]);
  ShortArray<Ref<Storage>> made(plan.slots.size());
  Ref<Storage> *storages = made.data();
  for (size_t i = 0; i < plan.slots.size(); ++i)
    if (const ResultSlot &slot = plan.slots[i]; slot.into < 0)
      storages[i] = Storage::lazyStorage(plan.device, slot.type.shape.product() * itemSize(slot.type.dtype));
  plan.run(given, storages);
  for (const ResultSlot &slot : plan.slots)
    if (slot.into >= 0)
      given[slot.into].impl->storage->version += slot.writes;
  if (drawn)
    drawn->keep();

  std::vector<Tensor> outputs;
  outputs.reserve(results.size());
  for (const TensorResult &result : results) {
    if (!result.fresh && result.same) {
      outputs.push_back(found[result.index]);
      continue;
    }
    if (!result.fresh) {
      outputs.push_back(
          aliasOf(found[result.index], result.shape, result.strides, found[result.index].offset() + result.offset));
      continue;
    }
    auto impl = Ref<TensorImpl>::make();
    impl->storage = storages[result.index];
    impl->shape = result.shape;
    impl->strides = result.strides;
    impl->offset = result.offset;
    impl->dtype = result.dtype;
    outputs.emplace_back(std::move(impl));
  }
  for (size_t i = 0; i < results.size(); ++i)
    if (results[i].noGradView) {
      outputs[i].impl->noGradView = true;
      outputs[i].impl->viewsRequiring = results[i].viewsRequiring;
    }
  if (!tape.empty())
    recordTape(found, outputs);
  for (const GradWrite &write : gradWrites)
    Tensor(found[write.owner].impl).setGrad(write.result < 0 ? Tensor() : outputs[size_t(write.result)]);
  outputs.resize(size_t(outputCount));
  return outputs;
}

// As the ops would have left it. made: the tensors of `results`.
void CompiledCall::recordTape(const Tensor *found, std::vector<Tensor> &made) const {
  auto keep = [&](CallTapeNode::Kept kept) {
    if (kept.result < 0)
      return SavedTensor();
    const Tensor &t = made[size_t(kept.result)];
    return SavedTensor{t.impl, t.version() - kept.writes};
  };
  for (const CallTapeNode &recorded : tape)
    for (const CallTapeNode::Operand &operand : recorded.operands)
      if (operand.source >= 0 && found[operand.source].impl->base)
        refreshHistory(found[operand.source]);
  std::vector<Ref<TapeNode>> nodes;
  nodes.reserve(tape.size());
  for (const CallTapeNode &recorded : tape) {
    auto node = Ref<TapeNode>::make();
    node->op = recorded.op;
    node->number = recorded.number;
    node->attrs = recorded.attrs;
    node->type = recorded.type;
    node->device = recorded.device;
    node->order = nextTapeOrder();
    node->operands.resize(recorded.operands.size());
    for (size_t i = 0; i < recorded.operands.size(); ++i) {
      const CallTapeNode::Operand &from = recorded.operands[i];
      TapeOperand &operand = node->operands[i];
      operand.type = from.type;
      operand.saved = keep(from.saved);
      if (from.node >= 0)
        operand.node = nodes[size_t(from.node)];
      else if (from.source >= 0)
        linkOperand(operand, found[from.source]);
    }
    node->result = keep(recorded.savedResult);
    for (const auto &[type, saved] : recorded.others)
      node->others.push_back({type, keep(saved)});
    nodes.push_back(std::move(node));
  }
  for (size_t i = 0; i < results.size(); ++i)
    if (results[i].history >= 0) {
      made[i].impl->requiresGrad = true;
      autogradMeta(*made[i].impl).setNode(nodes[size_t(results[i].history)]);
    }
  for (size_t i = 0; i < results.size(); ++i)
    if (results[i].base >= 0) {
      const Ref<TensorImpl> &base = made[size_t(results[i].base)].impl;
      made[i].impl->base = base;
      made[i].impl->baseOrder = tapeNode(*base) ? tapeNode(*base)->order : 0;
    }
}

} // namespace weft
