#include "frontend/trace/Trace.h"

#include "frontend/autograd/Autograd.h"
#include "frontend/dispatch/Dispatch.h"
#include "frontend/dispatch/Generator.h"
#include "frontend/dispatch/Ops.h"
#include "frontend/trace/TraceState.h"
#include "runtime/BlockingRegion.h"

#include <algorithm>
#include <atomic>
#include <optional>

namespace weft {

using Kind = UserError::Kind;

static thread_local Trace *activeTrace = nullptr;
static thread_local uint64_t activeTraceNumber = 0;
static std::atomic<uint64_t> nextNumber{1};
static std::atomic<const Trace::Places *> userPlaces{nullptr};

static Exclusive tracing;
TraceTurn::TraceTurn(Otherwise otherwise) : isOuter(!tracing.isMine()), mine(true) {
  if (!isOuter)
    return;
  if (otherwise == Otherwise::Wait)
    tracing.take();
  else
    mine = tracing.tryTake();
}
TraceTurn::~TraceTurn() {
  if (isOuter && mine)
    tracing.give();
}

std::atomic<int> Trace::activeCount{0};
Trace *Trace::ofThisThread() { return activeTrace; }
void Trace::setActive(Trace *trace) {
  activeCount += int(trace != nullptr) - int(activeTrace != nullptr);
  activeTrace = trace;
}
uint64_t Trace::activeNumber() { return activeTrace ? activeTraceNumber : 0; }
void Trace::setPlaces(const Places *places) { userPlaces = places; }

Trace::Pause::Pause() : paused(activeTrace) { setActive(nullptr); }
Trace::Pause::~Pause() { setActive(paused); }

static void refuseNested() {
  if (activeTrace)
    fail(Kind::Runtime, "compile",
         "a trace is active already on this thread; call the function itself inside a compiled one");
}

Trace::Trace(std::vector<Tensor> arguments, Purpose purpose)
    : turn(purpose == Purpose::Function ? TraceTurn::Otherwise::Skip : (refuseNested(), TraceTurn::Otherwise::Wait)),
      state(new State) {
  state->trace = this;
  state->purpose = purpose;
  state->arguments = std::move(arguments);
  state->number = nextNumber++;
  state->segment = nextNumber++;
  state->firstOrder = nextTapeOrder();
  state->outside = activeTrace;
  setActive(this);
  if (purpose != Purpose::Function) // memory that a function takes in belongs to the call around it
    activeTraceNumber = state->number;
}

Trace::~Trace() {
  if (isFunction()) {
    state->endSegment();
    if (activeTrace == this)
      setActive(state->outside);
  } else if (activeTrace == this && state->purpose == Purpose::Export) {
    state->putBack();
    state->endSegment();
    setActive(nullptr);
  } else if (activeTrace == this) { // an exception is on its way
    try {
      if (!state->gaveUp)
        flush("an exception ended the call");
    } catch (...) { // NOLINT(bugprone-empty-catch): the first exception is the one to be told of
    }
    state->abandon();
    setActive(nullptr);
  }
}

bool Trace::isExport() const { return state->purpose == Purpose::Export; }

void Trace::end() { setActive(nullptr); }

void Trace::notReplayable(const std::string &why) {
  if (isFunction()) {
    if (state->outside)
      state->outside->notReplayable(why);
    return;
  }
  if (state->purpose == Purpose::Export)
    refuse(why);
  if (state->reason.empty())
    state->reason = why;
}

void Trace::specialise() { state->specialised = true; }
void Trace::varies(const Tensor &argument, int axis) { state->varying.emplace_back(argument, axis); }
void Trace::checkPrograms() { state->checksPrograms = true; }

void Trace::reaches(std::vector<Tensor> tensors) { state->reached = std::move(tensors); }

void Trace::becomesVisible(const std::string &why) {
  if (isFunction()) {
    if (state->outside)
      state->outside->becomesVisible(why);
    return;
  }
  notReplayable(why);
  if (state->touchesShared)
    flush(why);
}

void Trace::flush(const std::string &why) {
  if (isFunction())
    refuseInFunction(why);
  notReplayable(why);
  Pause pause;
  state->runSegment(nullptr, {});
  state->flushes.push_back(why);
}

// Another thread that needs a value runs the segment itself, with the host's lock held, since this thread may be
// anywhere; or waits until it has been run.
void Trace::materialise() {
  std::shared_ptr<Exclusive> running = state->running;
  if (running->isOthers())
    return running->wait();
  std::optional<KeepHostLock> keep;
  if (!tracing.isMine())
    keep.emplace();
  flush("the value of a tensor was needed");
}

bool Trace::isRunHere() const { return state->running->isMine() || (isExport() && !tracing.isMine()); }

void Trace::storageDied(Storage &storage) { state->lazies[size_t(storage.lazySlot)] = nullptr; }

// ---------------------------------------------------------------- Recording

ValueId Trace::State::addNode(OpKind op, std::vector<ValueId> operands, const Attrs &attrs, const TensorType &type) {
  int32_t location = -1;
  if (purpose == Purpose::Function) {
    location = int32_t(nodes.size());
    underGrad.push_back(gradEnabled());
  } else if (const Places *user = userPlaces.load(std::memory_order_relaxed)) {
    Place place = user->current();
    if (!places.empty() && places.back() == place)
      user->release(place);
    else
      places.push_back(place);
    location = int32_t(places.size()) - 1;
  }
  nodes.push_back({op, std::move(operands), attrs, type, location});
  return kFirstNode + ValueId(nodes.size()) - 1;
}

void Trace::State::addOtherResult(ValueId first, int number, const TensorType &type) {
  const Node &node = nodes[size_t(first - kFirstNode)];
  nodes.push_back({node.op, {first}, {}, type, node.location, number});
  if (purpose == Purpose::Function)
    underGrad.push_back(underGrad[size_t(first - kFirstNode)]);
}

std::string Trace::State::line() { return userLine(); }

std::string Trace::userLine() {
  const Places *user = userPlaces.load(std::memory_order_relaxed);
  if (!user)
    return "";
  Place place = user->current();
  std::string text = user->describe(place);
  user->release(place);
  return text;
}

std::string Trace::State::lineOf(int32_t location) const {
  return location < 0 ? "" : userPlaces.load(std::memory_order_relaxed)->describe(places[size_t(location)]);
}

std::vector<std::string> Trace::State::lines() const {
  std::vector<std::string> all;
  for (size_t i = 0; i < places.size(); ++i)
    all.push_back(lineOf(int32_t(i)));
  return all;
}

void Trace::State::forgetPlaces() {
  for (Place place : places)
    userPlaces.load(std::memory_order_relaxed)->release(place);
  places.clear();
}

void Trace::State::attach(Storage &storage, ValueId value, const TensorType &type) {
  if (!storage.lazyTrace) {
    storage.lazyTrace = trace;
    storage.lazySlot = int32_t(lazies.size());
    lazies.push_back(&storage);
  }
  storage.lazyValue = value;
  storage.lazyType = type;
}

void Trace::State::remember(TensorImpl &impl, ValueId value) {
  impl.traceSegment = segment;
  impl.traceVersion = impl.storage->version;
  impl.traceValue = value;
}

ValueId Trace::State::addInput(const Tensor &t) {
  // Another tensor object on the same memory is the same input.
  for (auto range = inputsOf.equal_range(t.impl->storage.get()); range.first != range.second; ++range.first) {
    const TensorImpl &known = *inputs[size_t(range.first->second)].impl;
    if (known.offset == t.offset() && known.dtype == t.dtype() && known.shape == t.shape() &&
        known.strides == t.strides()) {
      if (&known != t.impl.get())
        mergedInputs.push_back(t);
      return range.first->second;
    }
  }
  touchesShared |= t.impl->storage->mayChangeUnseen();
  if (purpose == Purpose::Call && t.impl->storage->exported && t.impl->storage->bornInTrace == number)
    trace->notReplayable("it reads memory of NumPy or others that it takes in");
  inputs.push_back(t);
  inputsOf.emplace(t.impl->storage.get(), ValueId(inputs.size()) - 1);
  return ValueId(inputs.size()) - 1;
}

ValueId Trace::valueOf(const Tensor &t) {
  if (isComplex(t.dtype()))
    return valueOf(t.pairs());
  TensorImpl &impl = *t.impl;
  Storage &storage = *impl.storage;
  if (impl.traceSegment == state->segment && impl.traceVersion == storage.version)
    return impl.traceValue;
  ValueId value;
  if (storage.lazyTrace == this && state->purpose != Purpose::Call) {
    value = partOfWhole(storage.lazyValue, storage.lazyType, t);
  } else if (storage.lazyTrace == this) {
    value = state->viewOf(storage.lazyValue, storage.lazyType, t);
    if (value < 0) {
      flush("a view of a modified tensor that the trace cannot express");
      value = state->addInput(t);
    }
  } else if (impl.constant) { // all its elements are one number
    bool real = isFloat(impl.dtype);
    value = state->addNode(OpKind::Full, {},
                           {Attr::list(impl.shape), Attr::real(real ? impl.number : 0),
                            Attr::integer(real ? 0 : impl.integer), Attr::dtype(impl.dtype)},
                           {impl.dtype, impl.shape});
  } else if (isFunction()) {
    return capturedInFunction(t);
  } else {
    storage.data(); // of a trace of another thread, perhaps
    value = state->purpose == Purpose::Export ? captured(t) : state->addInput(t);
  }
  state->remember(impl, value);
  return value;
}

// The value of a view of a storage whose value is `whole`, of type `base`: as reshape, slice, permute and expand of
// that; -1 where its strides do not allow it.
ValueId Trace::State::viewOf(ValueId whole, const TensorType &base, const Tensor &t) {
  int64_t total = base.shape.product();
  auto reshaped = [&](ValueId v, const Dims &from, const Dims &to) {
    return from == to ? v : addNode(OpKind::Reshape, {v}, {Attr::list(to)}, {base.dtype, to});
  };
  if (t.dtype() != base.dtype)
    return -1;
  if (t.isContiguous() && t.numel() == total)
    return reshaped(whole, base.shape, t.shape());
  // The axes that move, by falling stride; each stride must divide the one before.
  Dims axes;
  for (int i = 0; i < t.dim(); ++i)
    if (t.shape()[i] != 1 && t.strides()[i] != 0)
      axes.push_back(i);
  std::sort(axes.begin(), axes.end(), [&](int64_t a, int64_t b) { return t.strides()[int(a)] > t.strides()[int(b)]; });
  if (t.numel() == 0 || axes.size() >= kMaxRank)
    return -1;
  // Memory as [total / s0, s0 / s1, ..., s_last]; the view takes a range of each and one position of the last.
  Dims split, starts, sizes;
  int64_t outer = total, offset = t.offset();
  for (int64_t axis : axes) {
    int64_t stride = t.strides()[int(axis)];
    if (outer % stride != 0)
      return -1;
    split.push_back(outer / stride);
    starts.push_back(offset / stride);
    sizes.push_back(t.shape()[int(axis)]);
    if (starts.back() + sizes.back() > split.back())
      return -1;
    offset %= stride;
    outer = stride;
  }
  split.push_back(outer);
  starts.push_back(offset);
  sizes.push_back(1);
  ValueId value = reshaped(whole, base.shape, split);
  if (sizes != split)
    value = addNode(OpKind::Slice, {value}, {Attr::list(starts), Attr::list(sizes), Attr::list(Dims(sizes.size(), 1))},
                    {base.dtype, sizes});
  Dims moving(sizes.begin(), sizes.end() - 1);
  value = reshaped(value, sizes, moving);
  Dims order, permuted; // the moving axes in the view's order
  for (int i = 0; i < t.dim(); ++i)
    for (int k = 0; k < axes.size(); ++k)
      if (axes[k] == i) {
        order.push_back(k);
        permuted.push_back(t.shape()[i]);
      }
  if (permuted != moving || !std::is_sorted(order.begin(), order.end()))
    value = addNode(OpKind::Permute, {value}, {Attr::list(order)}, {base.dtype, permuted});
  Dims still = t.shape();
  for (int i = 0; i < t.dim(); ++i)
    if (t.strides()[i] == 0)
      still[i] = 1;
  value = reshaped(value, permuted, still);
  return still == t.shape() ? value
                            : addNode(OpKind::Expand, {value}, {Attr::list(t.shape())}, {base.dtype, t.shape()});
}

Tensor Trace::record(OpKind op, const Tensor *operands, int count, const Attrs &attrs, const TensorType &type,
                     Device device) {
  Tensor result;
  recordAll(op, operands, count, attrs, {type}, device, &result);
  return result;
}

void Trace::recordAll(OpKind op, const Tensor *operands, int count, const Attrs &attrs,
                      const std::vector<TensorType> &types, Device device, Tensor *results) {
  if (!state->nodes.empty() && device != state->device && !isFunction())
    flush("operations on " + toString(state->device) + " and " + toString(device));
  state->device = device;
  std::vector<ValueId> ids;
  uint64_t segment;
  do { // a flush on the way makes earlier ids void
    segment = state->segment;
    ids.clear();
    for (int i = 0; i < count; ++i)
      ids.push_back(valueOf(operands[i]));
  } while (segment != state->segment);
  ValueId first = state->addNode(op, std::move(ids), attrs, types[0]);
  for (size_t i = 1; i < types.size(); ++i)
    state->addOtherResult(first, int(i), types[i]);
  for (size_t i = 0; i < types.size(); ++i)
    results[i] = state->tensorOf(first + ValueId(i), types[i], device);
  settleShared();
}

// Where Python may look at memory at any time, what is done to it is done at once.
void Trace::settleShared() {
  if (state->touchesShared && !state->reason.empty() && state->purpose == Purpose::Call)
    flush("others can see the memory");
}

// A new one.
Tensor Trace::State::tensorOf(ValueId value, const TensorType &type, Device device) {
  auto impl = Ref<TensorImpl>::make();
  impl->shape = type.shape;
  impl->strides = contiguousStrides(type.shape);
  impl->dtype = type.dtype;
  impl->storage = Storage::lazyStorage(device, type.shape.product() * itemSize(type.dtype));
  attach(*impl->storage, value, type);
  remember(*impl, value);
  return Tensor(std::move(impl));
}

void Trace::recordView(OpKind op, const Tensor &base, const Attrs &attrs, Tensor &view) {
  if (base.device() != state->device && !state->nodes.empty())
    return; // its value is found from the storage when it is asked for
  state->device = base.device();
  state->remember(*view.impl, state->addNode(op, {valueOf(base)}, attrs, view.type()));
}

bool Trace::rebind(const Tensor &target, const Tensor &value) {
  Storage &storage = *target.impl->storage;
  if (isFunction() && storage.lazyTrace != this)
    refuseInFunction(
        "an in-place operation on a tensor from outside of the function, or on memory that weft.tensor() took in");
  bool whole = target.isContiguous() && target.offset() == 0 &&
               target.numel() * itemSize(target.dtype()) == storage.bytes && target.device() == value.device();
  if (!whole)
    return false;
  ValueId id = valueOf(value);
  if (!storage.lazyTrace)
    state->mutated.push_back({target, storage.version, isExport() ? state->line() : ""});
  state->device = target.device();
  state->attach(storage, id, target.type());
  ++storage.version;
  state->remember(*target.impl, id);
  state->touchesShared |= storage.mayChangeUnseen();
  settleShared();
  return true;
}

// Counters are drawn at once. A replay draws them in one piece, which they are unless somebody else has set or used the
// generator meanwhile. An exported program has a stream of its own.
Tensor Trace::randomState(int64_t count, int64_t &offset, Device device) {
  if (isFunction())
    return stateOfExamples(count, offset, device);
  if (isExport()) {
    if (!state->generatorState.defined())
      state->generatorState = Generator::State().tensor(device);
    offset = state->randomCount;
    state->randomCount += count;
    return state->generatorState;
  }
  Generator::State from = Generator::defaultGenerator().draw(count);
  bool known = state->generatorState.defined() && state->generatorState.device() == device;
  if (known && !(from == state->drawnFrom.after(state->randomCount))) {
    notReplayable("the generator was set or used otherwise meanwhile");
    known = false;
  }
  if (!known) {
    state->generatorState = from.tensor(device);
    state->drawnFrom = from;
    state->randomCount = 0;
  }
  offset = state->randomCount;
  state->randomCount += count;
  return state->generatorState;
}

Tensor Trace::number(std::shared_ptr<const NumberSource> source, Device device) {
  double value = 0;
  if (!source->read(value))
    throw std::logic_error("trace: a number that cannot be read");
  Tensor tensor = Tensor::fromHost(&value, {}, DType::Float64, device);
  state->numbers.emplace_back(tensor, std::move(source));
  return tensor;
}

static Tensor gradOf(const Tensor &leaf) { return leaf.impl->autograd ? leaf.impl->autograd->grad : Tensor(); }

bool Trace::isFromBefore(const TapeNode &node) const {
  return isFunction() ? state->outside && state->outside->isFromBefore(node) : node.order < state->firstOrder;
}

void Trace::noteGradRead(const Tensor &leaf) {
  if (isFunction())
    return state->outside ? state->outside->noteGradRead(leaf) : void();
  // Else it was read before, or is the trace's own.
  if (state->gradOf.emplace(leaf.impl.get(), state->grads.size()).second)
    state->grads.push_back({leaf, gradOf(leaf), true, false});
}

void Trace::noteGradWrite(const Tensor &leaf) {
  if (isFunction())
    return state->outside ? state->outside->noteGradWrite(leaf) : void();
  auto [known, isNew] = state->gradOf.emplace(leaf.impl.get(), state->grads.size());
  if (isNew)
    state->grads.push_back({leaf, gradOf(leaf), false, false});
  State::GradNote &note = state->grads[known->second];
  if (!std::exchange(note.written, true) && isExport())
    note.location = state->line();
}

} // namespace weft
