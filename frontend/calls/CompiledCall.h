// What it takes to do a traced call again without Python: which tensors to look at, what they must be like, the
// executable, and what to do with its results.
#pragma once
#include "frontend/autograd/Autograd.h"
#include "frontend/calls/WeightResults.h"
#include "frontend/dispatch/OperandCheck.h"

#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace weft {

// A tensor's layout as a guard, and what Python can tell of its place on the tape.
struct TensorGuard {
  DType dtype = DType::Float32;
  bool requiresGrad = false;
  uint8_t tape = 0; // tapeTraits()
  Device device;
  Dims shape, strides;
  // Why the tensor is not as it was, or empty.
  bool matches(const TensorImpl &impl) const;
  std::string mismatch(const TensorImpl &impl) const;
};
TensorGuard guardOf(const Tensor &tensor);

// A number that is read each time a call is replayed: another value needs no other program.
struct NumberSource {
  virtual ~NumberSource() = default;
  virtual bool read(double &value) const = 0; // false where there is no number now
};

// Where a compiled call finds a tensor.
struct TensorSource {
  enum class Kind : uint8_t { Argument, Captured, Grad, GeneratorState, Number };
  // Whoever makes the call, or the call itself, holds the tensor while it runs.
  bool isBorrowed() const { return !isView && (kind == Kind::Argument || kind == Kind::Captured); }
  bool isMadeByReplay() const { return kind == Kind::GeneratorState || kind == Kind::Number; }
  Kind kind = Kind::Captured;
  int index = 0;       // Argument: which; Captured, Number: in the call's list; Grad: the source whose .grad it is
  bool isView = false; // a view of that tensor: shape, strides, and its offset relative to the tensor's
  Dims shape, strides;
  int64_t offset = 0;
};

// Memory that a run fills: an output of the executable, or a copy.
struct ResultSlot {
  enum class From : uint8_t { Output, CopyOfOutput, CopyOfSource };
  From from = From::Output;
  int index = 0;        // of the output (of executable or slot's) or source
  int into = -1;        // source whose memory is written; -1: fresh memory
  uint32_t writes = 0;  // into: that the run stands for
  bool viaCopy = false; // into: the executable must not write there directly, since it reads it otherwise
  TensorType type;
};

// The runnable part: sources in, slots out.
struct SegmentPlan {
  // An input that is no tensor of the call's: a number, or the state of the generator so many counters after another
  // input's.
  struct Number {
    int64_t bytes = 0; // as it lies in memory
    int state = -1;    // which of the inputs
    int64_t offset = 0;
  };
  // One of the program's checks, in its order.
  struct Check {
    ValueId broken; // of the graph: whether it fails
    OperandCheck check;
    TensorType values;
    std::string location; // "model.py:12"
    std::string message() const;
  };
  ExecutablePtr executable;     // null: nothing to compute
  std::vector<int> inputs;      // the source of each of its first inputs
  std::vector<Number> numbers;  // its other inputs
  std::vector<int64_t> symbols; // their values
  std::vector<ResultSlot> slots;
  std::vector<int> outputSlots; // the slot of each of its outputs
  std::vector<int> overwritten; // its outputs that lie where sources do
  Device device;
  std::shared_ptr<WeightResults> kept; // null: nothing is kept from run to run
  std::vector<Check> checks;
  // Whether a run may let go of the host's lock: the sources must then be nobody else's (Snapshot).
  bool takesLong() const;
  // Fills storages[i] for each slot; those of `into` slots are ignored. Throws CheckFailure, and what the host
  // interrupts the run with, before it writes to a source.
  void run(const Tensor *sources, Ref<Storage> *storages) const;
};

// How a tensor leaves a compiled call.
struct TensorResult {
  bool fresh = false;
  int index = 0;     // a slot, or a source
  bool same = false; // of a source: the very tensor, not a view of its memory
  DType dtype = DType::Float32;
  Dims shape, strides;
  int64_t offset = 0; // of a source's view: relative to the source's
  int base = -1;      // the result that it is a view of, for the tape
  int history = -1;   // the call's tape node that made it
  bool noGradView = false, viewsRequiring = false;
};

// A tape node that the call leaves behind for a backward() outside it.
struct CallTapeNode {
  struct Kept {
    int result = -1;     // -1: nothing is kept
    uint32_t writes = 0; // to its memory between its recording and the end of the call
  };
  struct Operand {
    TensorType type;
    int node = -1;   // of the call's, or
    int source = -1; // a tensor from outside that requires grad; both -1: a constant
    Kept saved;
  };
  OpKind op;
  int number; // of the result
  Attrs attrs;
  TensorType type;
  Device device;
  std::vector<Operand> operands;
  Kept savedResult;
  std::vector<std::pair<TensorType, Kept>> others; // the op's further results
};

class CompiledCall {
public:
  // Whether arguments, captured tensors, gradients and modes are as they were when traced.
  bool guardsHold(const Tensor *arguments, int count) const;
  std::string explainMismatch(const Tensor *arguments, int count) const;
  // Throws CheckFailure where a check fails. Nothing has changed then: the function itself, called in its place, does
  // what it would have done until there.
  std::vector<Tensor> replay(const Tensor *arguments, int count) const;

  bool replayable = true;
  std::string reason;               // why it is not
  std::vector<std::string> flushes; // what ended each segment but the last
  Graph graph;                      // of the last segment

  SegmentPlan plan;
  int argumentCount = 0;
  std::vector<Tensor> captured;
  std::vector<std::shared_ptr<const NumberSource>> numbers;
  std::vector<TensorSource> sources;                     // the arguments first
  std::vector<TensorGuard> guards;                       // of each source
  std::vector<std::pair<int, OperandCheck>> inputChecks; // of sources
  std::vector<int> sameStorage;                          // the first source with the same storage
  // Where a tensor lies in memory of which the call writes a part, or which it sees in more than one way.
  struct Place {
    int source;
    int64_t offset, bytes; // of the tensor, and of the whole memory
  };
  std::vector<Place> places;
  // How far a tensor lies behind another one on its memory, in bytes: a view that the call made may be either's.
  struct Distance {
    int from, to; // sources
    int64_t bytes;
  };
  std::vector<Distance> distances;
  std::vector<std::pair<int, int>> sameTensors; // sources that were found in two ways
  // Tensors that the function reaches otherwise than by its arguments: an argument is one of them where it was then
  // (the pairs above), and nowhere else. Only compared.
  std::unordered_set<const TensorImpl *> reached;
  size_t reachedArguments = 0; // so many arguments are among them
  struct GradRead {
    int owner; // source
    bool defined;
  };
  struct GradWrite {
    int owner;
    int result; // in `results`; -1: cleared
  };
  std::vector<GradRead> gradReads;
  std::vector<GradWrite> gradWrites;
  // The call's outputs, then what gradWrites set, then what views are of and what the tape keeps.
  std::vector<TensorResult> results;
  std::vector<CallTapeNode> tape; // in recorded order
  int outputCount = 0;
  int64_t randomCount = 0; // counters drawn
  bool gradMode = true;
  DType defaultDType = DType::Float32;
  Device defaultDevice;
  int cudaDevice = 0; // the current one
  std::optional<DType> autocastDType;
  TapeScopes tapeScopes = TapeScopes::None;

private:
  // found: the data of a SourceTensors, which knows what it must not release.
  bool resolve(const Tensor *arguments, Tensor *found) const;
  bool areReachedAsBefore(const Tensor *arguments) const;
  void recordTape(const Tensor *found, std::vector<Tensor> &made) const;
};

} // namespace weft
