// Lazy execution. While a Trace is active on a thread, apply() appends to its Graph and gives back tensors without data. What needs
// a value (item, numpy, print, a data pointer) flushes: the graph so far is compiled with all living traced tensors as its
// outputs, run, and a new segment begins. finish() gives a CompiledCall: what it takes to do the call again without Python.
#pragma once
#include "frontend/Tensor.h"

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace weft {

class Executable; // runtime/Executable.h

// A tensor layout as a guard: what a compiled call was traced for.
struct TensorGuard {
  DType dtype;
  Device device;
  bool requiresGrad;
  Dims shape, strides;
  bool matches(const TensorImpl &impl) const;
};
TensorGuard guardOf(const Tensor &tensor);

// Where a compiled call finds a tensor.
struct TensorSource {
  enum class Kind : uint8_t { Argument, Captured, Grad, GeneratorState };
  Kind kind;
  int index = 0;            // Argument: which; Captured, Grad: in CompiledCall::captured (Grad: that tensor's .grad)
};

// How a tensor leaves a compiled call.
struct TensorResult {
  enum class Kind : uint8_t { Fresh, Source };
  Kind kind;
  int index = 0;            // Fresh: of the executable's outputs; results of one index share their storage. Source: in CompiledCall::sources
  DType dtype = DType::Float32;
  Dims shape, strides;
  int64_t offset = 0;
  bool same = false;        // Source: the very tensor, not a view of it
};

// A traced call that can be replayed without Python.
struct CompiledCall {
  std::shared_ptr<Executable> executable; // null: nothing to compute
  std::vector<Tensor> captured;
  std::vector<TensorSource> sources;
  std::vector<TensorGuard> sourceGuards;  // the layout of each source (GeneratorState: not looked at)
  std::vector<int> inputs;                // executable input i is source inputs[i]
  std::vector<int> outputs;               // executable output i: >= 0 goes into the memory of that source, -1 fresh
  std::vector<std::pair<int, bool>> gradsDefined; // captured tensor, whether its .grad must be set on entry
  std::vector<TensorResult> results;
  struct GradWrite {
    int captured;                         // whose .grad is set
    int result;                           // to which of `results`; -1: cleared
  };
  std::vector<GradWrite> gradWrites;
  int64_t randomCount = 0;                // counters drawn
  int userResults = 0;                    // results[0, userResults) are the call's outputs; the others serve gradWrites
  bool replayable = true;
  std::string reason;                     // why it is not replayable
  int opCount = 0;
  Device device;

  // Arguments, captured tensors and gradients are as they were when traced.
  bool guardsHold(const Tensor *arguments, int count) const;
  std::vector<Tensor> replay(const Tensor *arguments, int count) const;
};

class Trace {
public:
  // The trace that is active on this thread, or null.
  static Trace *active();

  // Makes it active until finish() or the destructor; traces do not nest: throws if one is active. `arguments` are the tensors that the
  // call gets anew each time.
  explicit Trace(std::vector<Tensor> arguments);
  ~Trace(); // without finish() (an exception): what was traced is flushed, so that no tensor stays without data
  Trace(const Trace &) = delete;

  // Ends the trace: compiles and runs what is left, so that `outputs` have their data.
  std::shared_ptr<CompiledCall> finish(const std::vector<Tensor> &outputs);
  // Runs what was recorded so far. `why` is kept: the call is not replayable ("item() at model.py:7").
  void flush(const std::string &why);
  // The binding tells that the call did something that a replay could not.
  void notReplayable(const std::string &why);
  // Gives the user's current line ("model.py:12") for what is recorded; the binding sets it. Null: unknown.
  using LocationProvider = std::string (*)();
  static void setLocationProvider(LocationProvider provider);

  // ---- For dispatch.
  Tensor record(OpKind op, const Tensor *operands, int count, const Attrs &attrs, const TensorType &type);
  // target's whole storage gets the value of `value` (same type). False: not possible in the trace; flush and do it eagerly.
  bool rebind(const Tensor &target, const Tensor &value);
  ValueId valueOf(const Tensor &tensor);
  // A view of a traced tensor: `view` is on the storage already.
  void recordView(OpKind op, const Tensor &base, const Attrs &attrs, Tensor &view);
  Tensor randomState(int64_t count, int64_t &offset); // the generator's state as an operand
  void noteGradRead(const Tensor &leaf);
  void noteGradWrite(const Tensor &leaf);
  void storageDied(Storage &storage);
  void materialise(Storage &storage);
  const Graph &currentGraph() const;

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace weft
