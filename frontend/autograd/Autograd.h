// Reverse-mode differentiation of eager code. A compact tape records the ops that ran; backward() turns the part of it
// that the result depends on into a Graph, has the compiler's autodiff pass append the derivative, and runs the
// appended ops one by one through apply(): under create_graph they are recorded again, under a trace they are traced.
#pragma once
#include "frontend/tensor/Exclusive.h"
#include "frontend/tensor/Tensor.h"

#include <functional>
#include <memory>
#include <vector>

namespace weft {

// ---- Grad mode, a thread's own.
bool gradEnabled();
void setGradEnabled(bool enabled);
class GradMode { // for a scope
public:
  explicit GradMode(bool enabled) : before(gradEnabled()) { setGradEnabled(enabled); }
  ~GradMode() { setGradEnabled(before); }
  GradMode(const GradMode &) = delete;

private:
  bool before;
};

// Given the cotangent, returns another or an undefined Tensor (no change). After accumulation it is given the leaf, and
// what it returns is ignored.
using GradHook = std::function<Tensor(const Tensor &)>;
// Given the cotangents of several tensors, undefined for one that takes no part, returns as many, or none for no
// change.
using GroupHook = std::function<std::vector<Tensor>(const std::vector<Tensor> &)>;
// Given what a node's derivative gives its operands, undefined for one that gets nothing, and the cotangent of its
// result, returns other cotangents of the operands, or none for no change.
using NodeHook = std::function<std::vector<Tensor>(const std::vector<Tensor> &, const Tensor &)>;

struct HookGroup {
  std::vector<const TapeNode *> nodes; // that made the tensors; not kept alive
  GroupHook hook;
};
// The hooks of a tensor: its own in the order of their registration, with their numbers, then the one that it shares;
// and those of the node that made it.
struct Hooks {
  std::vector<std::pair<int64_t, GradHook>> own;
  std::shared_ptr<HookGroup> group;
  std::vector<std::pair<int64_t, NodeHook>> ofNode;
};

// Removes a hook, if the tensor or its history still has it; keeps neither alive.
class HookHandle {
public:
  HookHandle() = default; // of no hook
  HookHandle(std::shared_ptr<Hooks> &hooks, GradHook hook);
  HookHandle(std::shared_ptr<Hooks> &hooks, NodeHook hook);
  void remove() const;

private:
  std::weak_ptr<Hooks> hooks;
  int64_t number = -1;
};

// For a scope: what the derivative needs is kept as `pack` has it. It is given the value, without a history unless that
// is a leaf, and returns what gives the value back.
using PackHook = std::function<std::function<Tensor()>(const Tensor &)>;
class SavedTensorHooks {
public:
  explicit SavedTensorHooks(PackHook pack);
  ~SavedTensorHooks();
  SavedTensorHooks(const SavedTensorHooks &) = delete;
};

// Anomaly detection, of the whole process: nodes keep the user's line, and with `checkNan` a derivative that gives nan
// is an error, which names it.
struct AnomalyMode {
  bool enabled = false, checkNan = true;
};
AnomalyMode &anomalyMode();

// The tensor must require grad.
HookHandle registerHook(const Tensor &tensor, GradHook hook);
HookHandle registerAccumulateHook(const Tensor &leaf, GradHook hook); // called when its .grad has been accumulated
// One hook for all cotangents of `tensors`, which ops made. No tensor may depend on another, nor be in two groups.
void registerGroupHook(const std::vector<Tensor> &tensors, GroupHook hook);
inline bool hasHooks(const std::shared_ptr<Hooks> &hooks) { return hooks && (!hooks->own.empty() || hooks->group); }
// Throws where a hook may not return `changed` for the cotangent.
Tensor checkedHookResult(const Tensor &changed, const Tensor &cotangent);
// A cotangent as users see it, as a compiled function gives it: the derivative may be a view, as of a padded image
// without its border.
Tensor rowMajor(const Tensor &cotangent);
// What the tensor's own hooks make of a cotangent.
Tensor runHooks(const std::shared_ptr<Hooks> &hooks, Tensor cotangent);
void retainGrad(const Tensor &tensor); // a non-leaf gets .grad, too
bool retainsGrad(const Tensor &tensor);

// Accumulates into the .grad of the leaves that `outputs` depend on. `gradients` may be empty, or hold undefined
// tensors, for outputs with one element. Throws UserError with PyTorch's texts.
void backward(const std::vector<Tensor> &outputs, const std::vector<Tensor> &gradients = {}, bool retainGraph = false,
              bool createGraph = false, const std::vector<Tensor> &inputs = {});
// The cotangents of `inputs`; .grad is left alone. Undefined for an unused input where allowUnused, else an error.
std::vector<Tensor> grad(const std::vector<Tensor> &outputs, const std::vector<Tensor> &inputs,
                         const std::vector<Tensor> &gradients = {}, bool retainGraph = false, bool createGraph = false,
                         bool allowUnused = false);
// The tangents of `outputs`, which require grad, from those of `inputs`: forward-mode derivatives of what the tape
// holds.
std::vector<Tensor> pushForward(const std::vector<Tensor> &outputs, const std::vector<Tensor> &inputs,
                                const std::vector<Tensor> &tangents, bool createGraph = false);
// Whether the tape of one of the tensors reaches a leaf that is not among `inputs`.
bool dependsOnOthers(const std::vector<Tensor> &tensors, const std::vector<Tensor> &inputs);
// The leaves among `inputs` are constants from now on, also in the history of `tensors`. since: nextTapeOrder() of when
// they were made.
void releaseLeaves(const std::vector<Tensor> &tensors, const std::vector<Tensor> &inputs, uint64_t since);
uint64_t nextTapeOrder(); // the number of a tape node that is made now

// ---- The tape.

// What an op read or made, kept for the derivative: its value as of `version`.
struct SavedTensor {
  Ref<TensorImpl> impl; // null: not kept
  uint32_t version = 0;
};

// Keeps the value, by the SavedTensorHooks around where there are any.
SavedTensor savedTensor(const Tensor &value);
// What was kept; throws for `reader` where it was written to since. name: of the user's function.
Tensor valueOfSaved(const SavedTensor &saved, const std::string &reader, const char *name);
[[noreturn]] void failGivenUp(const char *name); // of what backward() gave up

struct TapeOperand {
  Ref<TapeNode> node;   // made by an op, or
  Ref<TensorImpl> leaf; // a leaf that requires grad; both null: a constant
  TensorType type;
  SavedTensor saved;
};

class CustomFunction; // CustomFunction.h

// An op, or a custom function, that ran with something to differentiate among its operands.
struct TapeNode : RefCounted, Pooled {
  OpKind op{};                              // where it is no custom function
  std::shared_ptr<CustomFunction> function; // of the first result's node
  bool emptied = false;                     // backward() gave its saved tensors up
  bool released = false; // backward() gave saved tensors up here or in a node that this one depends on
  uint64_t order = 0;    // nodes made later have higher numbers
  Device device;
  TensorType type;
  Attrs attrs;
  // Of several results the first has the op's node. The others have nodes of their own, whose one operand is that node.
  int32_t number = 0; // of the result
  std::vector<TapeOperand> operands;
  SavedTensor result; // shares the result's memory but not its history: no cycle
  struct OtherResult {
    TensorType type;
    SavedTensor saved;
  };
  std::vector<OtherResult> others; // the op's results but the first
  std::shared_ptr<Hooks> hooks;
  AutogradMeta *resultMeta = nullptr;       // of the tensor that has this history, while it lives
  std::unique_ptr<const std::string> place; // the user's line, under anomaly detection

  ~TapeNode();
};
std::string nameOf(const TapeNode &node); // as PyTorch names it: "MulBackward0"
// Another tensor on the value's memory, result `number` of the node.
Tensor asResultOf(const Ref<TapeNode> &node, int number, const Tensor &value);

struct AutogradMeta : Pooled {
  Ref<TapeNode> node; // null: a leaf
  Tensor grad;
  std::shared_ptr<Hooks> hooks; // of a leaf; others are the node's
  std::shared_ptr<Hooks> accumulateHooks;
  bool retainGrad = false;
  Exclusive accumulating; // of the thread that adds to `grad`

  void setNode(Ref<TapeNode> newNode);
  ~AutogradMeta();
};
AutogradMeta &autogradMeta(TensorImpl &impl); // makes one where there is none
inline TapeNode *tapeNode(const TensorImpl &impl) { return impl.autograd ? impl.autograd->node.get() : nullptr; }

// Where the operand's cotangent goes: to its history, or to itself where it is a leaf.
void linkOperand(TapeOperand &operand, const Tensor &tensor);
// For a scope: what ops make in it is not kept for the derivative, which computes it anew from what was there before.
// Scopes within are part of it.
class Checkpoint {
public:
  Checkpoint();
  ~Checkpoint();
  Checkpoint(const Checkpoint &) = delete;

private:
  uint64_t before;
};
// For a scope, at the end of which pushForward() follows: operands from before it are kept, whether the vjps read them
// or not, so that all that ops make in it can be computed anew.
class ForwardScope {
public:
  ForwardScope();
  ~ForwardScope();
  ForwardScope(const ForwardScope &) = delete;

private:
  uint64_t before;
};
// Which of the two, or else of SavedTensorHooks and anomaly detection, are around (bits 1, 2, 4): what the tape keeps
// follows from that.
enum class TapeScopes : uint8_t { None };
TapeScopes tapeScopes();

// Whether what is made of these operands gets a history.
bool anyRequiresGrad(const Tensor *operands, int count);
// `moved` is a copy of `from` on another device; its cotangents go back there.
void recordMove(const Tensor &from, const Tensor &moved);
// Records `results = op(operands)`; the caller has checked that grad mode is on and that an operand requires grad.
void recordOnTape(OpKind op, const Tensor *operands, int count, const Attrs &attrs, Tensor *results);
// A node for one of the op's results but the first.
Ref<TapeNode> nodeOfResult(const Ref<TapeNode> &first, int number);
// After the base of a view was written to: the view's history follows the base's new one.
void refreshHistory(const Tensor &view);

// Before an in-place operation on `target`: throws where memory or tape forbid it.
void checkInPlace(const char *op, const Tensor &target);
// Whether the operation, which reads `operands`, has to be recorded. Throws where the target's base would have to learn
// of it, but cannot.
bool needsTape(const char *op, const Tensor &target, const Tensor *operands, int count);

} // namespace weft
