// The inside of a Trace, shared by recording (Trace.cpp) and running (TraceRun.cpp).
#pragma once
#include "frontend/dispatch/Generator.h"
#include "frontend/tensor/Exclusive.h"
#include "frontend/trace/Trace.h"
#include "ir/GeneralGraph.h"

#include <optional>
#include <unordered_map>
#include <unordered_set>

namespace weft {

struct Trace::State {
  // Value ids while recording: inputs from 0, nodes from here; a Graph numbers them when the segment ends.
  static constexpr ValueId kFirstNode = 1 << 28;

  // What a segment's Graph is made of.
  struct Segment {
    Graph graph;
    std::vector<Tensor> inputs; // of the graph
    SegmentPlan plan;
    std::vector<Tensor> sources;        // that the plan's numbers name
    std::vector<Ref<Storage>> storages; // of the plan's slots
    std::vector<Tensor> written() const;
    std::vector<Tensor> outputs(const std::vector<Ref<Storage>> &made) const;
  };
  struct GradNote {
    Tensor leaf;
    Tensor before; // its .grad on entry
    bool read;     // it was looked at
    bool written;
    std::string location = {}; // Export: of the first write
  };
  struct Mutation {
    Tensor target;
    uint32_t version;          // before
    std::string location = {}; // Export: of the write
  };

  ValueId addNode(OpKind op, std::vector<ValueId> operands, const Attrs &attrs, const TensorType &type);
  void addOtherResult(ValueId first, int number, const TensorType &type);
  ValueId addInput(const Tensor &t);
  ValueId viewOf(ValueId whole, const TensorType &base, const Tensor &t);
  Tensor tensorOf(ValueId value, const TensorType &type, Device device);
  void attach(Storage &storage, ValueId value, const TensorType &type);
  void remember(TensorImpl &impl, ValueId value);

  // The graph that computes `wanted`, without what they do not need; the nodes are then its, and its locations not
  // told. ids: the wanted values in the graph.
  Graph takeGraph(const std::vector<ValueId> &wanted, std::vector<Tensor> &used, std::vector<ValueId> &ids);
  std::unordered_set<const Storage *> changingStorages() const;
  Segment planSegment();
  VaryingSizes varyingSizes(const Segment &segment) const;
  // Compiles and runs what was recorded. With `call`: describes it there.
  void runSegment(CompiledCall *call, const std::vector<Tensor> &outputs);
  void runPlanned(Segment &segment, CompiledCall *call);
  class Description; // of the whole call, for a replay
  void endSegment();
  // It ends without having run: outside, the memory that it would have written and gradients are as before it.
  void failSegment();
  void abandon();

  struct Modes {
    bool grad;
    DType defaultDType;
    Device defaultDevice;
    int cudaDevice; // the current one
    std::optional<DType> autocast;
    TapeScopes tapeScopes;
    static Modes now();
    bool operator==(const Modes &o) const {
      return grad == o.grad && defaultDType == o.defaultDType && defaultDevice == o.defaultDevice &&
             cudaDevice == o.cudaDevice && autocast == o.autocast && tapeScopes == o.tapeScopes;
    }
  };
  struct History { // of a tensor from outside, before the trace
    Ref<TensorImpl> impl;
    bool requiresGrad;
    Ref<TapeNode> node;
    uint64_t baseOrder;
  };
  void putHistoriesBack();
  static void putVersionsBack(const std::vector<Mutation> &mutations);

  // ---- Of Purpose::Function.
  Trace *outside = nullptr;                                 // the trace in which it was begun
  std::unordered_map<const TensorImpl *, ValueId> captured; // inputs from outside
  std::vector<bool> underGrad;                              // by node
  Randomness randomness = Randomness::Error;
  int64_t examples = 0; // of a batch; 0: in no vmap
  const char *transform = "vmap";
  std::vector<std::pair<Tensor, Tensor>> states;
  std::vector<std::pair<Tensor, OperandCheck>> valueChecks;

  // ---- Of Purpose::Export.
  struct View {    // of memory from outside
    ValueId value; // made from the input that is the whole
    Tensor tensor;
  };
  struct DeferredCheck { // of values from outside, which are state if they are written to later
    Tensor outside, values;
    OperandCheck check;
    std::string location;
  };
  using WriteBack = std::pair<ValueId, ValueId>; // an input, and what it is after a run
  static std::string line();                     // the user's; empty where unknown
  std::string lineOf(int32_t location) const;    // where a node was recorded
  std::vector<std::string> lines() const;        // of all locations
  void forgetPlaces();
  Tensor wholeOf(const Tensor &t);
  bool isMadeInside(const Storage &storage) const; // by the function, not an argument
  std::vector<Replacement> replacedGradients() const;
  std::vector<WriteBack> writeBacks(const std::vector<Replacement> &replacements);
  void addDeferredChecks();
  void readViewsDirectly(std::vector<ValueId> &wanted);
  void putBack();

  // The value as eager code has it: what it needs is run op by op, on memory as it was when the segment began.
  Tensor evaluate(ValueId value);

  // Whether every element that the value can have lies in [least, greatest].
  struct Range {
    int64_t least, greatest;
  };
  std::optional<Range> rangeOf(ValueId value, int depth = 0) const;
  // Puts back what a segment that failed has changed outside: gradients, histories, and versions of memory not written
  // to after all.
  void undo(const std::vector<Mutation> &mutations);

  Trace *trace = nullptr;
  Purpose purpose = Purpose::Call;
  std::vector<Tensor> arguments;
  std::optional<std::vector<Tensor>> reached; // by the function, otherwise than by arguments; none: not known
  Modes modes = Modes::now();                 // at the start
  uint64_t number = 0, segment = 0;
  uint64_t firstOrder = 0; // tape nodes made during the trace have this number or a higher one
  Device device;
  std::vector<Tensor> inputs;
  std::vector<Tensor> mergedInputs; // further tensors where inputs lie
  std::unordered_multimap<Storage *, ValueId> inputsOf;
  std::vector<Node> nodes;
  std::vector<Place> places;              // that the nodes' locations number
  std::vector<Storage *> lazies;          // that have a value in this segment; null where they died
  std::vector<Mutation> mutated;          // tensors from outside that were written to
  std::vector<SegmentPlan::Check> checks; // of what the segment computes
  bool touchesShared = false;             // the segment reads or writes memory that others can see
  Tensor generatorState;
  Generator::State drawnFrom; // what generatorState holds
  int64_t randomCount = 0;    // counters drawn from there on
  std::vector<std::pair<Tensor, std::shared_ptr<const NumberSource>>> numbers;
  std::vector<GradNote> grads;
  std::unordered_map<const TensorImpl *, size_t> gradOf;              // the number of a leaf's note
  std::vector<std::pair<Tensor, OperandCheck>> inputChecks;           // of tensors from outside, before each replay
  std::shared_ptr<Exclusive> running = std::make_shared<Exclusive>(); // of the thread that runs the segment
  bool specialised = false;                                           // programs are for the sizes and numbers at hand
  std::vector<std::pair<Tensor, int>> varying;                        // axes of arguments whose sizes are said to vary
  bool checksPrograms = false;                                        // each is compared with its ops one by one
  bool gaveUp = false;                                                // compiling failed, or the call was interrupted
  std::string reason; // Call: why it cannot be replayed; Export: why it cannot be exported
  std::vector<std::string> flushes;
  std::unordered_map<const Storage *, Tensor> wholes; // memory from outside, as the input that stands for it
  std::unordered_set<const Storage *> written;        // of these, that the program writes
  std::unordered_set<const Storage *> replaced;       // on which tensors are that the function replaces
  std::vector<View> views;
  std::vector<History> histories; // of tensors from outside that in-place operations gave others
  std::vector<DeferredCheck> deferredChecks;
};

} // namespace weft
