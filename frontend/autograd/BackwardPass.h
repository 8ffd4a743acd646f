// One backward(): the reachable tape becomes a Graph, the autodiff pass appends the derivative, and what was appended
// runs: op by op, or as one program where the tape has been seen before (RepeatedTapes.h).
//
// A tensor whose cotangent somebody wants to see or change (a hook, retain_grad, a non-leaf input of grad()) is a cut:
// its readers see a further input of the graph, whose cotangent the derivative then gives, and the tensor itself is one
// more output, whose cotangent is what the hooks make of that.
//
// So is what lies between cotangents and cotangents (BackwardRelays.cpp): a custom function, whose results are further
// inputs and whose operands are outputs; and the operands of a node with hooks of its own, or whose derivative is to be
// looked at for nan.
//
// pushForward() goes the other way: the forward pass appends the tangents of the outputs. Its inputs that ops made are
// cuts, too.
#pragma once
#include "frontend/autograd/Autograd.h"
#include "frontend/autograd/PointerNumbers.h"

#include <memory>
#include <unordered_map>
#include <unordered_set>

namespace weft {

// What backward() or grad() was asked for.
class BackwardRequest {
public:
  // gradients: an undefined one stands for ones. inputs: null for all leaves. name: of the user's function.
  BackwardRequest(const std::vector<Tensor> &outputs, std::vector<Tensor> gradients, const std::vector<Tensor> *inputs,
                  bool createGraph, const char *name);

  const std::vector<Tensor> &outputs;
  const std::vector<Tensor> gradients;
  const bool createGraph;
  const char *const name;

  bool wants(const TensorImpl *leaf) const { return wantsAll || wanted.count(leaf); }
  bool wants(const TapeNode *node) const { return wanted.count(node); }

private:
  bool wantsAll;
  std::unordered_set<const void *> wanted; // leaves, and nodes that made the others
};

// A value that a derivative reads, by its place: an operand or the result of a node, kept or a leaf; an output that is
// a leaf; the cotangent of an output.
struct TapeValue {
  enum class Kind : uint8_t { None, Operand, Result, Output, Cotangent };
  Kind kind = Kind::None;
  int32_t index = 0;   // of the node or the output
  int32_t operand = 0; // Operand: which one; Result: which of several
};

// The part of the tape that the outputs depend on.
class TapePart {
public:
  // Throws where an earlier backward() has given it up.
  explicit TapePart(const BackwardRequest &request);
  // Throws where the tensor was written to since it was recorded.
  Tensor read(const TapeValue &value) const;
  Ref<TensorImpl> leaf(const TapeValue &value) const; // null where it is none
  // Gives the saved tensors up.
  void release();

  const BackwardRequest &request;
  std::vector<TapeNode *> nodes; // in recorded order

private:
  std::vector<Ref<TapeNode>> roots; // which hold the others: another thread may give an output another history
  Tensor unpack(const SavedTensor &saved, TapeNode *history, const TapeNode &reader, int number = 0) const;
};

// How the gradients of a tape are computed.
struct TapeDerivative {
  std::shared_ptr<const Graph> graph; // inputs, the recorded ops, then those of the derivative
  int recorded = 0;                   // inputs and recorded ops
  std::vector<TapeValue> places;      // of the inputs and the recorded ops' results; None: it is not kept
  std::vector<TapeValue> leaves;      // whose cotangents the graph's outputs are; None: of a cut
};

class BackwardPass {
public:
  explicit BackwardPass(const BackwardRequest &request) : request(request), tape(request) {}
  void run();
  // The tangents of the outputs from those of `inputs`, which are leaves or were made by ops.
  std::vector<Tensor> pushForward(const std::vector<Tensor> &inputs, const std::vector<Tensor> &tangents);
  void release() { tape.release(); }

  std::vector<std::pair<Ref<TensorImpl>, Tensor>> leafGradients; // of a leaf one, and others that are sparse
  std::unordered_map<TapeNode *, Tensor> nodeGradients;          // of the cuts

private:
  struct Cut {
    TapeNode *node;
    ValueId input;     // that its readers see
    ValueId cotangent; // of the node's own output
    int wrt;           // position among the derivative's outputs
    bool resolved;
  };
  struct Relay {
    int node;                        // position
    std::vector<ValueId> inputs;     // that readers see: of a function for each result, else for each operand; or -1
    std::vector<int> wrt;            // of each, the position among the derivative's outputs
    std::vector<ValueId> cotangents; // of the operands; -1: of one that has none
    std::vector<bool> given;         // results of a function to which a cotangent came
    bool resolved = false;
  };

  void findCuts();
  void findRelays(bool functionsAlone = false);
  bool isRelayed(int n) const { return !relayOf.empty() && relayOf[size_t(n)] >= 0; }
  void addRelayInputs();
  void resolveInOrder();
  void noteReached(const TapeOperand &operand, const TapeNode &reader);
  void resolve(Relay &relay);
  std::vector<Tensor> cotangentsOfOperands(const Relay &relay);
  void pushForward(const Relay &relay, size_t &output, ValueId &tangent);
  void checkForNan(const TapeNode &node, const std::vector<Tensor> &gradients) const;
  void noteOlderTape() const;
  void addInputs();
  void addNodes();
  void findWanted();
  void differentiateTape();
  ValueId addInput(const TensorType &type, TapeValue place);
  void addOperandInputs(int n);
  ValueId resultOf(const TapeNode *node) const;
  ValueId valueOfNode(TapeNode *node) const;
  ValueId operandValue(int n, int i) const;
  ValueId sourceValue(int n, int i) const;
  void runOpByOp();
  bool isComputed(ValueId v) const;
  void countUses();
  void evaluate(const std::vector<ValueId> &targets);
  std::vector<Tensor> resultsOf(const Node &node);
  Tensor valueOf(ValueId v);
  void resolve(Cut &cut);
  void resolveGroup(const HookGroup &group);
  void setCotangent(Cut &cut, const Tensor &cotangent);

  const BackwardRequest &request;
  TapePart tape;
  std::vector<Cut> cuts;
  std::vector<Relay> relays;
  std::vector<int> relayOf; // by node's position, -1: none; empty: there is none at all
  // The relay and the operand of a cotangent, and of an input that stands for an operand.
  std::unordered_map<ValueId, std::pair<int, int>> relayed, standsFor;
  std::unordered_set<const void *> reached;          // nodes and leaves to which a cotangent came
  std::vector<int> wanted;                           // inputs of the graph by which is differentiated
  std::unordered_map<const TapeNode *, int> cutOf;   // index in cuts
  PointerNumbers position;                           // of the nodes
  std::vector<ValueId> madeBy;                       // by position: the node's result, counted behind the inputs
  std::unordered_map<const void *, ValueId> inputOf; // by leaf or by saved tensor
  std::unordered_map<int64_t, ValueId> lonely;       // (node, operand) whose value is not kept
  Graph graph;
  TapeDerivative derivative;
  std::unordered_map<ValueId, Tensor> values;
  std::unordered_map<ValueId, int> uses; // by ops that are still to run
};

} // namespace weft
