// The tape: recording, hooks, and what a tensor knows of its gradient.
#include "frontend/autograd/Autograd.h"
#include "frontend/autograd/CustomFunction.h"
#include "frontend/dispatch/Dispatch.h"
#include "frontend/tensor/Sparse.h"
#include "frontend/trace/Trace.h"

#include <atomic>
#include <utility>

namespace weft {

using Kind = UserError::Kind;

static thread_local bool gradMode = true;
bool gradEnabled() { return gradMode; }
void setGradEnabled(bool enabled) { gradMode = enabled; }

// ---------------------------------------------------------------- Nodes

// What dies with a node or a tensor is released in a loop, not one inside the other: chains of them may be as long as a
// program runs. Only what has no other owner can go on with a chain.
namespace {
class Releases {
public:
  ~Releases() {
    if (outermost != this)
      return;
    while (!nodes.empty() || !tensors.empty() || !hooks.empty() || !functions.empty()) {
      releaseOne(hooks);
      releaseOne(functions);
      releaseOne(tensors);
      releaseOne(nodes);
    }
    outermost = nullptr;
  }
  static Releases &current(Releases &mine) { return outermost ? *outermost : *(outermost = &mine); }
  void add(Ref<TapeNode> &node) { addTo(nodes, node, node && node->useCount() == 1); }
  void add(Ref<TensorImpl> &tensor) { addTo(tensors, tensor, tensor && tensor->useCount() == 1); }
  void add(std::shared_ptr<Hooks> &list) { addTo(hooks, list, list.use_count() == 1); }
  void add(std::shared_ptr<CustomFunction> &function) { addTo(functions, function, function.use_count() == 1); }

private:
  template <class T> static void addTo(std::vector<T> &list, T &object, bool owned) {
    T dropped = std::move(object);
    if (owned)
      list.push_back(std::move(dropped));
  }
  template <class T> static void releaseOne(std::vector<T> &list) {
    if (list.empty())
      return;
    T next = std::move(list.back()); // it may add to the list when it dies
    list.pop_back();
  }

  static thread_local Releases *outermost;
  std::vector<Ref<TapeNode>> nodes;
  std::vector<Ref<TensorImpl>> tensors;
  std::vector<std::shared_ptr<Hooks>> hooks;
  std::vector<std::shared_ptr<CustomFunction>> functions;
};
thread_local Releases *Releases::outermost = nullptr;
} // namespace

TapeNode::~TapeNode() {
  if (function)
    function->node = nullptr;
  Releases mine, &releases = Releases::current(mine);
  for (TapeOperand &operand : operands) {
    releases.add(operand.node);
    releases.add(operand.leaf);
    releases.add(operand.saved.impl);
  }
  releases.add(result.impl);
  for (OtherResult &other : others)
    releases.add(other.saved.impl);
  releases.add(hooks);
  releases.add(function);
}

void AutogradMeta::setNode(Ref<TapeNode> newNode) {
  if (node && node->resultMeta == this)
    node->resultMeta = nullptr;
  node = std::move(newNode);
  if (node)
    node->resultMeta = this;
}

AutogradMeta::~AutogradMeta() {
  if (node && node->resultMeta == this)
    node->resultMeta = nullptr;
  if (!grad.defined() && !hooks && !accumulateHooks)
    return; // the node sees to itself
  Releases mine, &releases = Releases::current(mine);
  releases.add(grad.impl);
  releases.add(hooks);
  releases.add(accumulateHooks);
}

AutogradMeta &autogradMeta(TensorImpl &impl) {
  if (!impl.autograd)
    impl.autograd = new AutogradMeta;
  return *impl.autograd;
}

TensorImpl::~TensorImpl() {
  delete autograd;
  delete sparse;
  if (isComplex(dtype) && base)
    base->complexFace = nullptr;
}

uint64_t nextTapeOrder() {
  static std::atomic<uint64_t> order{1};
  return order.fetch_add(1, std::memory_order_relaxed);
}

// The number of the first tape node of the outermost scope; 0: there is none.
static thread_local uint64_t checkpointFrom = 0, forwardFrom = 0;
static uint64_t enter(uint64_t &from) { return std::exchange(from, from ? from : nextTapeOrder()); }
Checkpoint::Checkpoint() : before(enter(checkpointFrom)) {}
Checkpoint::~Checkpoint() { checkpointFrom = before; }
ForwardScope::ForwardScope() : before(enter(forwardFrom)) {}
ForwardScope::~ForwardScope() { forwardFrom = before; }

void linkOperand(TapeOperand &operand, const Tensor &tensor) {
  if (TapeNode *from = tapeNode(*tensor.impl))
    operand.node = Ref<TapeNode>(from);
  else if (tensor.impl->requiresGrad)
    operand.leaf = tensor.impl;
}

bool anyRequiresGrad(const Tensor *operands, int count) {
  for (int i = 0; i < count; ++i)
    if (operands[i].requiresGrad())
      return gradEnabled();
  return false;
}

void recordOnTape(OpKind op, const Tensor *operands, int count, const Attrs &attrs, Tensor *results) {
  const OpInfo &record = info(op);
  for (int i = 0; i < count; ++i) // before this node gets its number
    if (operands[i].impl->base && operands[i].requiresGrad())
      refreshHistory(operands[i]);
  Ref<TapeNode> node(new TapeNode);
  node->op = op;
  node->attrs = attrs;
  node->type = results[0].type();
  node->device = results[0].device();
  node->order = nextTapeOrder();
  notePlace(*node);
  node->operands.resize(size_t(count));
  for (int i = 0; i < count; ++i) {
    TapeOperand &operand = node->operands[size_t(i)];
    TensorImpl &impl = *operands[i].impl;
    operand.type = {impl.dtype, impl.shape};
    linkOperand(operand, operands[i]);
    auto isFromBefore = [&](uint64_t scope) { return scope && (!operand.node || operand.node->order < scope); };
    bool isRead = !checkpointFrom && (hasBody(op) || (record.savesOperands >> (i < 31 ? i : 30) & 1));
    // What nobody can compute anew.
    bool isLost = (checkpointFrom || forwardFrom) && operand.node && isCustom(*operand.node);
    if (isRead || isFromBefore(checkpointFrom) || isFromBefore(forwardFrom) || isLost)
      operand.saved = savedTensor(operands[i]);
  }
  auto saved = [&](int i) {
    const Tensor &t = results[i];
    return !checkpointFrom && record.savesOperands >> (31 - i) & 1
               ? savedTensor(aliasOf(t, t.shape(), t.strides(), t.offset()))
               : SavedTensor();
  };
  node->result = saved(0);
  const int resultCount = weft::resultCount(op, attrs);
  for (int i = 1; i < resultCount; ++i)
    node->others.push_back({results[i].type(), saved(i)});
  for (int i = resultCount - 1; i >= 0; --i)
    if (isFloat(results[i].dtype())) {
      results[i].impl->requiresGrad = true;
      autogradMeta(*results[i].impl).setNode(i ? nodeOfResult(node, i) : node);
    }
}

// ---------------------------------------------------------------- What is kept

static Hooks &hooksIn(std::shared_ptr<Hooks> &list) { // makes one where there is none
  if (!list)
    list = std::make_shared<Hooks>();
  return *list;
}

// Of this thread; the innermost last.
static thread_local std::vector<PackHook> packHooks;
static std::atomic<int> packScopes{0}; // of all threads: a load, which what is thread-local is not
static bool isPacking() { return packScopes.load(std::memory_order_relaxed) && !packHooks.empty(); }
SavedTensorHooks::SavedTensorHooks(PackHook pack) {
  packHooks.push_back(std::move(pack));
  ++packScopes;
}
SavedTensorHooks::~SavedTensorHooks() {
  packHooks.pop_back();
  --packScopes;
}

// What a hook packed is kept by a tensor without memory, whose one hook unpacks it.
SavedTensor savedTensor(const Tensor &value) {
  if (!isPacking())
    return {value.impl, value.version()};
  if (Trace *trace = Trace::active())
    trace->notReplayable("a hook packs what the derivative needs");
  GradMode off(false);
  std::vector<PackHook> hooks;
  hooks.swap(packHooks); // what it does itself is not packed
  std::function<Tensor()> unpack;
  try {
    unpack = hooks.back()(value.isLeaf() ? value : value.alias());
  } catch (...) {
    hooks.swap(packHooks);
    throw;
  }
  hooks.swap(packHooks);
  Tensor packed(Ref<TensorImpl>::make());
  packed.impl->dtype = value.dtype();
  packed.impl->shape = value.shape();
  hooksIn(autogradMeta(*packed.impl).hooks).own.emplace_back(-1, [unpack](const Tensor &) { return unpack(); });
  return {packed.impl, 0};
}

Tensor valueOfSaved(const SavedTensor &saved, const std::string &reader, const char *name) {
  Tensor t(saved.impl);
  if (!t.impl->storage) {
    Tensor value = t.impl->autograd->hooks->own[0].second(t);
    if (value.type() != t.type())
      fail(Kind::Runtime, name,
           "an unpack hook must return a tensor of the shape and dtype that was packed; got " + toString(value.type()) +
               ", need " + toString(t.type()));
    return value;
  }
  if (t.version() != saved.version)
    fail(Kind::Runtime, name,
         "one of the variables needed for gradient computation has been modified by an inplace operation: [" +
             toString(t.type()) + "], saved by '" + reader + "', is at version " + std::to_string(t.version()) +
             "; expected version " + std::to_string(saved.version) +
             " instead. Hint: clone() the tensor before it is modified, or use the out-of-place operation.");
  return t;
}

Tensor asResultOf(const Ref<TapeNode> &node, int number, const Tensor &value) {
  if (isComplex(value.dtype()))
    return fromPairs(asResultOf(node, number, value.pairs()));
  Tensor result = value.alias();
  result.impl->requiresGrad = true;
  autogradMeta(*result.impl).node = number ? nodeOfResult(node, number) : node;
  return result;
}

// ---------------------------------------------------------------- Nodes of several results, names, places

AnomalyMode &anomalyMode() {
  static AnomalyMode mode;
  return mode;
}

TapeScopes tapeScopes() {
  return TapeScopes(int(checkpointFrom != 0) + 2 * int(forwardFrom != 0) +
                    4 * int(isPacking() || anomalyMode().enabled));
}

void notePlace(TapeNode &node) {
  if (!anomalyMode().enabled)
    return;
  if (Trace *trace = Trace::active())
    trace->notReplayable("anomaly detection is on");
  node.place = std::make_unique<const std::string>(Trace::userLine());
}

std::string nameOf(const TapeNode &node) {
  if (const CustomFunction *function = customFunction(node))
    return function->name();
  std::string text;
  bool upper = true;
  for (const char *c = info(node.op).name; *c; ++c) {
    if (*c != '_')
      text += upper ? char(toupper(*c)) : *c;
    upper = *c == '_';
  }
  return text + "Backward0";
}

Ref<TapeNode> nodeOfResult(const Ref<TapeNode> &first, int number) {
  Ref<TapeNode> node(new TapeNode);
  node->op = first->op;
  node->number = number;
  node->type = first->others[size_t(number) - 1].type;
  node->device = first->device;
  node->order = nextTapeOrder();
  node->operands.resize(1);
  node->operands[0].node = first;
  node->operands[0].type = first->type;
  return node;
}

// ---------------------------------------------------------------- Tensor's part

bool Tensor::baseGotHistory() const {
  if (isComplex(impl->dtype))
    return pairs().requiresGrad();
  const TensorImpl *base = impl->currentBase();
  TapeNode *node = base ? tapeNode(*base) : nullptr;
  return node && node->order != impl->baseOrder;
}

bool Tensor::isLeaf() const { return !tapeNode(*pairs().impl); }

Tensor &Tensor::requiresGrad(bool value) {
  if (isComplex(impl->dtype)) {
    pairs().requiresGrad(value);
    return *this;
  }
  if (!isLeaf()) {
    if (!value)
      fail(Kind::Runtime, "requires_grad_",
           "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a "
           "subgraph that doesn't require differentiation use var_no_grad = var.detach().");
    return *this;
  }
  if (value && !isFloat(impl->dtype))
    fail(Kind::Runtime, "requires_grad_",
         std::string("only Tensors of floating point and complex dtype can require gradients; got ") +
             name(impl->dtype));
  impl->requiresGrad = value;
  return *this;
}

Tensor Tensor::grad() const {
  if (isComplex(impl->dtype))
    return fromPairsLike(*this, pairs().grad());
  if (Trace *trace = Trace::active())
    trace->noteGradRead(*this);
  return impl->autograd ? impl->autograd->grad : Tensor();
}

void Tensor::setGrad(const Tensor &grad) {
  if (grad.defined()) {
    if (grad.is(*this))
      fail(Kind::Runtime, "grad", "can't assign Variable as its own grad");
    if (grad.type() != type() || grad.device() != device())
      fail(Kind::Runtime, "grad",
           "assigned grad must have the tensor's shape, dtype and device; got " + toString(grad.type()) + " on " +
               toString(grad.device()) + " for " + toString(type()) + " on " + toString(device()));
  }
  if (isComplex(impl->dtype))
    return pairs().setGrad(grad.defined() ? grad.pairs() : grad);
  if (!grad.defined() && !impl->autograd && !Trace::active())
    return;
  if (Trace *trace = Trace::active())
    trace->noteGradWrite(*this);
  autogradMeta(*impl).grad = grad;
}

Tensor Tensor::detach() const {
  Tensor result = alias();
  if (Trace *trace = Trace::active())
    trace->noteDetached(pairs(), result.pairs());
  return result;
}

Tensor Tensor::alias() const {
  if (isComplex(impl->dtype))
    return fromPairs(pairs().alias());
  Tensor result = aliasOf(*this, impl->shape, impl->strides, impl->offset);
  result.impl->traceSegment = impl->traceSegment;
  result.impl->traceVersion = impl->traceVersion;
  result.impl->traceValue = impl->traceValue;
  return result;
}

void Tensor::detachInPlace() const {
  if (isComplex(impl->dtype))
    return pairs().detachInPlace();
  if (impl->currentBase())
    fail(Kind::Runtime, "detach_", "Can't detach views in-place. Use detach() instead.");
  if (Trace *trace = Trace::active())
    trace->notReplayable("it detaches a tensor in place");
  impl->requiresGrad = false;
  if (impl->autograd)
    impl->autograd->setNode({});
}

// ---------------------------------------------------------------- Hooks

template <class Hook> static int64_t addHook(std::vector<std::pair<int64_t, Hook>> &list, Hook hook) {
  static std::atomic<int64_t> next{0};
  list.emplace_back(next++ * 2 + std::is_same_v<Hook, NodeHook>, std::move(hook));
  return list.back().first;
}

template <class Hook> static void removeHook(std::vector<std::pair<int64_t, Hook>> &list, int64_t number) {
  Hook removed; // what it holds may end here, and look at the list
  for (size_t i = 0; i < list.size(); ++i)
    if (list[i].first == number) {
      removed = std::move(list[i].second);
      list.erase(list.begin() + i);
      return;
    }
}

HookHandle::HookHandle(std::shared_ptr<Hooks> &list, GradHook hook)
    : number(addHook(hooksIn(list).own, std::move(hook))) {
  hooks = list;
}

HookHandle::HookHandle(std::shared_ptr<Hooks> &list, NodeHook hook)
    : number(addHook(hooksIn(list).ofNode, std::move(hook))) {
  hooks = list;
}

void HookHandle::remove() const {
  if (auto list = hooks.lock()) {
    removeHook(list->own, number);
    removeHook(list->ofNode, number);
  }
}

Tensor checkedHookResult(const Tensor &changed, const Tensor &cotangent) {
  if (changed.shape() != cotangent.shape() || changed.dtype() != cotangent.dtype() ||
      changed.device() != cotangent.device())
    fail(Kind::Runtime, "register_hook",
         "a hook must return a gradient of the size and dtype it was given; got " + toString(changed.type()) +
             ", need " + toString(cotangent.type()) + "; return None to leave it as it is");
  return changed;
}

Tensor rowMajor(const Tensor &cotangent) {
  return cotangent.defined() && !isSparse(cotangent) ? cotangent.contiguous() : cotangent;
}

Tensor runHooks(const std::shared_ptr<Hooks> &hooks, Tensor cotangent) {
  if (!hooks)
    return cotangent;
  auto now = hooks->own; // a hook may remove itself
  for (auto &[number, hook] : now)
    if (Tensor changed = hook(cotangent); changed.defined())
      cotangent = checkedHookResult(changed, cotangent);
  return cotangent;
}

// Of a complex tensor, as one of that of its pairs.
static GradHook onPairs(GradHook hook) {
  return [hook = std::move(hook)](const Tensor &cotangent) {
    Tensor changed = hook(fromPairs(cotangent));
    return changed.defined() ? checkedHookResult(changed, fromPairs(cotangent)).pairs() : changed;
  };
}

HookHandle registerHook(const Tensor &tensor, GradHook hook) {
  if (isComplex(tensor.dtype()))
    return registerHook(tensor.pairs(), onPairs(std::move(hook)));
  if (!tensor.requiresGrad())
    fail(Kind::Runtime, "register_hook", "cannot register a hook on a tensor that doesn't require gradient");
  TapeNode *node = tapeNode(*tensor.impl);
  return HookHandle(node ? node->hooks : autogradMeta(*tensor.impl).hooks, std::move(hook));
}

HookHandle registerAccumulateHook(const Tensor &leaf, GradHook hook) {
  if (isComplex(leaf.dtype()))
    return registerAccumulateHook(leaf.pairs(), [hook = std::move(hook)](const Tensor &pairs) {
      hook(fromPairs(pairs));
      return Tensor();
    });
  if (!leaf.isLeaf() || !leaf.requiresGrad())
    fail(Kind::Runtime, "register_post_accumulate_grad_hook",
         "post accumulate grad hooks can only be registered on leaf tensors that require gradient");
  return HookHandle(autogradMeta(*leaf.impl).accumulateHooks, std::move(hook));
}

void registerGroupHook(const std::vector<Tensor> &tensors, GroupHook hook) {
  auto group = std::make_shared<HookGroup>();
  group->hook = std::move(hook);
  for (const Tensor &tensor : tensors) {
    if (isComplex(tensor.dtype()))
      fail(Kind::NotImplemented, "register_group_hook",
           "of complex tensors; got " + toString(tensor.type()) + "; register it on weft.view_as_real() of it");
    TapeNode *node = tapeNode(*tensor.impl);
    if (!node)
      fail(Kind::Runtime, "register_group_hook", "needs tensors that an operation made and that require grad");
    if (!node->hooks)
      node->hooks = std::make_shared<Hooks>();
    node->hooks->group = group;
    group->nodes.push_back(node);
  }
}

void retainGrad(const Tensor &given) {
  Tensor tensor = given.pairs();
  if (!tensor.requiresGrad())
    fail(Kind::Runtime, "retain_grad", "can't retain_grad on Tensor that has requires_grad=False");
  if (!tensor.isLeaf())
    autogradMeta(*tensor.impl).retainGrad = true;
}

bool retainsGrad(const Tensor &tensor) {
  const AutogradMeta *meta = tensor.pairs().impl->autograd;
  return meta && meta->retainGrad;
}

// ---------------------------------------------------------------- In place

void checkInPlace(const char *op, const Tensor &target) {
  if (target.impl->wrappedNumber)
    fail(Kind::Type, op, "expected a Tensor to write to, got a number");
  if (isComplex(target.dtype()))
    return checkInPlace(op, target.pairs());
  if (target.impl->storage->readOnly)
    fail(Kind::Runtime, op,
         "the tensor's memory is read-only (a read-only NumPy array); got " + toString(target.type()) +
             "; clone() it first");
  if (overlapsItself(target.shape(), target.strides()))
    fail(Kind::Runtime, op,
         "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
         "Please clone() the tensor before performing the operation; got sizes " +
             toString(target.shape()) + " and strides " + toString(target.strides()));
  if (!gradEnabled())
    return;
  if (target.requiresGrad() && target.isLeaf())
    fail(Kind::Runtime, op,
         "a leaf Variable that requires grad is being used in an in-place operation; wrap it in weft.no_grad()");
  if (const TensorImpl *base = target.impl->currentBase(); base && base->requiresGrad && !tapeNode(*base))
    fail(Kind::Runtime, op,
         "a view of a leaf Variable that requires grad is being used in an in-place operation; wrap it in "
         "weft.no_grad()");
}

} // namespace weft
