// Lazy execution. While a Trace is active on a thread, apply() appends to its graph and gives back tensors without
// data. What needs a value (item, numpy, print, a data pointer) flushes: the graph so far is compiled with all living
// traced tensors as its outputs, run, and a new segment begins. finish() gives a CompiledCall: what it takes to do the
// call again without Python.
#pragma once
#include "frontend/calls/CompiledCall.h"
#include "frontend/trace/ExportedProgram.h"

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace weft {

// At most one thread of the process traces, so that traces meet no other's tensors. A thread that does not get its turn
// may as well call the function as it is: the bits are the same.
class TraceTurn {
public:
  enum class Otherwise : uint8_t { Skip, Wait }; // where another thread has it
  explicit TraceTurn(Otherwise otherwise);
  ~TraceTurn();
  TraceTurn(const TraceTurn &) = delete;
  explicit operator bool() const { return mine; }

private:
  bool isOuter; // turns nest
  bool mine;
};

class Trace {
public:
  // The trace that is active on this thread, or null. Where no thread has one this is a load: what is thread-local in a
  // library that a process opens costs a call.
  static Trace *active() {
    return __builtin_expect(activeCount.load(std::memory_order_relaxed), 0) ? ofThisThread() : nullptr;
  }
  static uint64_t activeNumber(); // unique; 0 where none is active

  // What for: a replayable call, which looks at its inputs before it runs; exported(), a program that stands alone; or
  // function(), the ops of a function of one example (BatchedFunction.h).
  enum class Purpose : uint8_t { Call, Export, Function };
  // Makes it active until finish() or the destructor. Only functions are traced within another trace: the others throw
  // if one is active. Waits for its turn; a function needs none, since nobody else sees its tensors.
  // `arguments` are the tensors that the call gets anew each time.
  explicit Trace(std::vector<Tensor> arguments, Purpose purpose = Purpose::Call);
  bool isExport() const;
  bool isFunction() const;
  ~Trace(); // without finish() (an exception): what was traced is run, so that no tensor stays without data
  Trace(const Trace &) = delete;

  // ---- Purpose::Call.
  // Ends the trace: compiles and runs what is left, so that all tensors have their data. Null: a check failed, and
  // everything is as it was before the trace, so that the function can be called without one, to fail where it does.
  // Where that is not possible it throws CheckFailure.
  std::shared_ptr<CompiledCall> finish(const std::vector<Tensor> &outputs);
  // Runs what was recorded so far. `why` is kept: the call is not replayable.
  void flush(const std::string &why);
  // The host interrupts the call: what has not run never will, tensors that it would have computed have no value, and
  // memory outside that it would have written is as before.
  void drop();
  // All tensors from outside that the function can reach otherwise than by its arguments. A call that reads another one
  // is then not replayable.
  void reaches(std::vector<Tensor> tensors);
  // Programs are for the sizes and numbers at hand, not shared with calls of others.
  void specialise();
  // The size of an argument's axis will be another in other calls: the first program is to be one for all of them.
  void varies(const Tensor &argument, int axis);
  // Each program is compared with its ops one by one (ProgramCheck.h).
  void checkPrograms();
  // The binding tells that the call did something that a replay could not.
  void notReplayable(const std::string &why);
  // The same before something that can look at memory of others, or change it: what the trace would still do there is
  // done.
  void becomesVisible(const std::string &why);

  // ---- Purpose::Export (TraceExport.cpp). Nothing is run: what needs a value, or could not be done again without
  // Python, throws a UserError that names the user's line. The destructor leaves everything outside as it was before.
  // An argument: the program's next input, of the example's type. It has no data.
  Tensor placeholder(const Tensor &example);
  // Tensors that are the inputs where the program reads their memory, if they are the whole of it.
  void prefer(const std::vector<Tensor> &known);
  // The program that computes `outputs`, writes what was written, and replaces what was replaced.
  ExportedProgram exported(const std::vector<Tensor> &outputs, const std::vector<Replacement> &replacements);
  // Afterwards, when its results are gone: a tensor that is still alive, since the function keeps it somewhere; empty
  // if there is none.
  std::string survivor();

  // ---- Purpose::Function (TraceFunction.cpp). Nothing is run: what needs a value of a traced tensor throws a
  // UserError that names the user's line. Other tensors are as they are outside, where they may be traced, too; only
  // they are not written to.

  // The name of what runs the function again and again, for errors; "vmap" if not set.
  void setTransform(const char *name);
  // A placeholder of the example's type for what differs from example to example.
  Tensor exampleLike(const Tensor &example);
  // Random numbers: not allowed; the same for all examples; or so many examples' numbers are drawn at once.
  enum class Randomness : uint8_t { Error, Same, Different };
  void setRandomness(Randomness randomness, int64_t examples);
  struct Function {
    Graph graph;                // the locations are the nodes' numbers
    std::vector<Tensor> inputs; // placeholders, and tensors from outside
    std::vector<bool> grad;     // whether the node was recorded under grad mode
    // States of the generator that are another for each example: the placeholder, and what the first example's is.
    std::vector<std::pair<Tensor, Tensor>> states;
  };
  // What the values of tensors that it made must be: to be looked at when they are there, of all examples.
  const std::vector<std::pair<Tensor, OperandCheck>> &valueChecks() const;
  // Ends the trace.
  Function function(const std::vector<Tensor> &outputs);
  // Whether the tape of one of the tensors reaches a leaf or a node from outside, by which then is differentiated.
  bool reachesOutside(const std::vector<Tensor> &tensors) const;
  // The trace that is active outside of all functions, or null.
  static Trace *outermost();
  // For a scope: what is active outside of this trace.
  class Outside {
  public:
    explicit Outside(const Trace &trace);
    ~Outside();
    Outside(const Outside &) = delete;

  private:
    Trace *before;
  };

  // Where the user's code is, for what is recorded; the binding sets how that is found. Null: unknown.
  struct Place {
    const void *code = nullptr; // the host's, held
    int instruction = 0;
    bool operator==(const Place &o) const { return code == o.code && instruction == o.instruction; }
  };
  struct Places {
    Place (*current)();
    void (*release)(Place place);
    std::string (*describe)(Place place); // "model.py:12"
  };
  static void setPlaces(const Places *places);
  static std::string userLine(); // now; empty: unknown

  // Eager execution for a scope.
  class Pause {
  public:
    Pause();
    ~Pause();
    Pause(const Pause &) = delete;

  private:
    Trace *paused;
  };

  // ---- For dispatch.
  Tensor record(OpKind op, const Tensor *operands, int count, const Attrs &attrs, const TensorType &type,
                Device device);
  // `view` is on the storage of `base` already; gets its value in the trace.
  // The same for an op of several results.
  void recordAll(OpKind op, const Tensor *operands, int count, const Attrs &attrs, const std::vector<TensorType> &types,
                 Device device, Tensor *results);
  void recordView(OpKind op, const Tensor &base, const Attrs &attrs, Tensor &view);
  void noteDetached(const Tensor &tensor, const Tensor &detached);
  // target's whole storage gets the value of `value` (same type). False: target is a part of its storage; flush and
  // write eagerly.
  bool rebind(const Tensor &target, const Tensor &value);
  // A 0-d float64 tensor that a replay fills with what `source` reads then.
  Tensor number(std::shared_ptr<const NumberSource> source, Device device);
  Tensor randomState(int64_t count, int64_t &offset, Device device); // the generator's state as an operand
  // isInput: the values are there, so that a replay can look at them before it runs; else the program does.
  void recordCheck(const Tensor &values, const OperandCheck &check, bool isInput);
  bool isFromBefore(const TapeNode &node) const; // recorded before the trace began
  void noteGradRead(const Tensor &leaf);
  void noteGradWrite(const Tensor &leaf);
  void noteHistory(const Tensor &target); // before it gets another one
  void noteFailedCheck();                 // the error is on its way
  void storageDied(Storage &storage);
  void noteRead(const Tensor &tensor); // its value is asked for
  void materialise();                  // gives the storages that have a value in the trace their memory
  bool isRunHere() const;              // by this thread, which sees their memory as it is; others do in an export

private:
  static std::atomic<int> activeCount; // threads that have one
  static Trace *ofThisThread();
  static void setActive(Trace *trace);
  struct State;
  ValueId valueOf(const Tensor &tensor);
  ValueId capturedInFunction(const Tensor &t);
  ValueId captured(const Tensor &t);                                                // Export: of memory from outside
  ValueId partOfWhole(ValueId whole, const TensorType &wholeType, const Tensor &t); // Export: by any strides
  [[noreturn]] void refuse(const std::string &why);                                 // Export
  [[noreturn]] void refuseInFunction(const std::string &why) const;
  void evaluateOutside(Storage &storage);
  Tensor stateOfExamples(int64_t count, int64_t &offset, Device device);
  void settleShared();
  void end(); // is not active any more
  TraceTurn turn;
  std::unique_ptr<State> state;
};

} // namespace weft
