// What a traced call does, as a replay needs to know it: where its tensors come from, which come out of it, what it
// leaves on the tape.
#pragma once
#include "frontend/autograd/Autograd.h"
#include "frontend/trace/TraceState.h"

namespace weft {

class Trace::State::Description {
public:
  Description(State &state, Segment &segment, CompiledCall &call) : state(state), segment(segment), call(call) {}
  // Before the segment is compiled: all but the plan. What a replay could not do is noted as the trace's reason.
  void describe(const std::vector<Tensor> &outputs);

private:
  // Where the call finds a tensor from outside: as an argument, by the function, as a .grad. It can be found twice.
  struct Root {
    TensorSource::Kind kind;
    int index; // of the arguments; of state.reached; of state.grads
  };
  const Tensor &tensorOf(const Root &root) const;
  void addRoots();
  int sourceOfRoot(size_t number);
  std::optional<size_t> rootBelow(const Tensor &t);
  void pairRoots();
  void renumberSources();
  int sourceOf(const Tensor &t);
  int addSource(TensorSource source, const Tensor &root, const Tensor &t);
  int resultOf(const Tensor &t, bool isKept);
  int addResult(const Tensor &t, bool isKept);
  void noteHistory(int result);
  void describeGradients();
  void describeTape();
  CallTapeNode::Operand describeOperand(const TapeOperand &operand, const std::unordered_map<TapeNode *, int> &numbers);
  CallTapeNode::Kept kept(const SavedTensor &saved);
  void describeGuards();
  bool isOfCall(const TapeNode *node) const { return !state.trace->isFromBefore(*node); }
  void refuse(const std::string &why) { state.trace->notReplayable(why); }

  State &state;
  Segment &segment;
  CompiledCall &call;
  std::unordered_map<const TensorImpl *, int> sources, results;
  std::unordered_map<const Storage *, int> freshSlots; // slots with memory of their own
  std::vector<Root> roots;
  std::vector<int> rootSources;                                // of each root; -1: none yet
  std::unordered_map<const TensorImpl *, size_t> rootOfTensor; // the first
  std::unordered_map<const Storage *, std::vector<size_t>> rootsOn;
  std::vector<Tensor> resultTensors;
  std::vector<bool> returned;                             // by slot
  std::vector<std::pair<int, TapeNode *>> histories;      // of results
  std::unordered_map<const TapeNode *, int> sourceOfNode; // tensors from outside that have a history
};

} // namespace weft
