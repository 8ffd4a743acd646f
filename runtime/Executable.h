// A compiled program, ready to run: the launch plan of runtime/Abi.h with everything that can be worked out at load
// time done.
#pragma once
#include "runtime/Abi.h"
#include "runtime/Buffer.h"
#include "runtime/cpu/ThreadPool.h"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace weft {

// A library's function as a step (runtime/extern/Extern.h). Null where there is none of the name.
struct ExternFunction {
  WeftKernel run;
  WeftWorkspace workspace;
};

// The value of an extent; `symbols` may be null when it has no factors.
int64_t evaluate(const WeftExtent &extent, const int64_t *symbols);

// Told of every step that runs, on the thread that called run(). While one is set, the steps of a batch run one after
// the other. Set null to end; the object must outlive the runs in progress.
struct ProfiledStep {
  const WeftStep *step;
  const char *name, *location;
  int64_t nanoseconds;
  int64_t bytes; // of the buffers it works on, each counted once
  int64_t flops;
};
struct StepProfiler {
  void (*step)(void *context, const ProfiledStep &step);
  void *context;
};
void setStepProfiler(const StepProfiler *profiler);

// What a program's first steps made of inputs that seldom change. Whoever keeps it makes a new one when one of
// keptInputs() has changed. May be used by several runs at once.
class KeptResults {
public:
  KeptResults() = default;
  KeptResults(const KeptResults &) = delete;

private:
  friend class Executable;
  std::atomic<bool> isBeingFilled{false};
  BufferRef memory;
  std::atomic<bool> filled{false};
};

// A check of the program failed; what() is its message. The caller's outputs hold nothing of use; inputs whose memory
// an output takes are as they were.
struct CheckFailed : std::runtime_error {
  int check; // its number
  CheckFailed(int check, const std::string &message) : std::runtime_error(message), check(check) {}
};

class Executable;
using ExecutablePtr = std::shared_ptr<Executable>;

class Executable {
public:
  // Loads a shared object that exports `weft_program`; the code stays mapped as long as the Executable. A program with
  // a cubin is loaded onto CUDA device `device`. Throws std::runtime_error, naming the path and what is wrong.
  static ExecutablePtr load(const std::string &path, int device = 0);
  static ExecutablePtr loadBytes(const void *data, size_t bytes, int device = 0);
  // A program in memory, which must outlive the Executable.
  static ExecutablePtr fromProgram(const WeftProgram *program, int device = 0);

  // How programs that name libraries' functions find them. Models of weft-aot link theirs, and need no such table.
  using ExternTable = ExternFunction (*)(const char *name);
  static void setExternTable(ExternTable table);

  explicit Executable(const WeftProgram *program, Device place = {});
  virtual ~Executable();
  Executable(const Executable &) = delete;
  Executable &operator=(const Executable &) = delete;

  const WeftProgram &program() const { return *plan; }
  int inputCount() const { return plan->inputCount; }
  int outputCount() const { return plan->outputCount; }
  int symbolCount() const { return plan->symbolCount; }
  // The input whose memory output i takes when the caller passes the same pointer for both; -1: none.
  int outputAlias(int i) const { return plan->buffers[plan->inputCount + i].alias; }
  int64_t outputBytes(int i, const int64_t *symbols) const {
    return evaluate(plan->buffers[plan->inputCount + i].bytes, symbols);
  }
  Device device() const { return place; }
  // The inputs that KeptResults are made of; empty: the program keeps nothing.
  const std::vector<int> &keptInputs() const { return inputsOfKept; }
  bool hasControl() const { return controls; } // loops or branches, which may take any time
  // Whether a run takes more than some microseconds, as far as its grids and the bytes that it works on tell:
  // kLongBytes in all steps together at least.
  static constexpr int64_t kLongBytes = 1 << 16;
  bool takesLong(const int64_t *symbols) const { return plan->symbolCount ? estimate(symbols) : staticallyLong; }

  // Runs all steps. inputs[i] and outputs[i] point to the first element, in memory of device(); symbols[k] is the value
  // of symbol k (null when there are none). May be called by several threads at once. CPU: complete on return; CUDA: in
  // the order of the device's current stream. With `kept`, steps whose results it has are left out. Throws OutOfMemory
  // before any step has run, CheckFailed before a step writes to memory that an output takes from an input; and on a
  // CPU, in a BlockingRegion, what that is interrupted with, before a step writes to one of the `overwritten`, outputs
  // whose memory holds values that somebody may see (null: none).
  void run(void *const *inputs, void *const *outputs, const int64_t *symbols, KeptResults *kept = nullptr,
           const std::vector<int> *overwritten = nullptr) const;

protected:
  // Runs `count` independent steps from number `first` on. mayStop: as in ThreadPool::run().
  virtual void runBatch(const Launch *launches, int first, int count, bool mayStop) const;
  // The number of the first check that says that the run fails, or -1. Of a program that has checks; by buffer number.
  virtual int firstBroken(void *const *pointers) const;
  // Whether kept results may be used, and made for later runs.
  virtual bool mayKeep() const { return true; }
  // The buffers of kind WEFT_CONSTANT, by buffer number; null for others.
  std::vector<void *> constants;
  Device place;

private:
  friend class PreparedRun;
  friend void setStepProfiler(const StepProfiler *profiler);
  static bool isProfiled() { return stepProfiler.load(std::memory_order_acquire) != nullptr; }
  static std::atomic<const StepProfiler *> stepProfiler;

  // An extent in the form in which it is most quickly evaluated.
  struct Value {
    enum Form : int32_t { Static = -1, General = -2 }; // else the number of the one symbol that multiplies the constant
    int64_t constant;
    int32_t form;
    const WeftExtent *extent;
    int64_t operator()(const int64_t *symbols) const {
      if (form == Static)
        return constant;
      if (form >= 0)
        return constant * symbols[form];
      return evaluate(*extent, symbols);
    }
  };
  struct Step {
    const WeftStep *step;
    Value grid;
    int32_t firstBuffer; // where its buffers and scalars start in the frame
    int32_t firstScalar;
    ExternFunction function; // workspace: null for a kernel of the program's own
    int64_t scratchBytes(const int64_t *symbols) const {
      int64_t bytes = step->scratchBytes;
      for (int32_t i = 0; i < step->scratchCount; ++i)
        bytes += evaluate(step->scratch[i], symbols);
      return bytes;
    }
    Launch launch(void *const *buffers, const int64_t *scalars, const int64_t *symbols) const {
      return {function.run,  buffers,     scalars,
              grid(symbols), step->grain, function.workspace ? function.workspace(scalars) : scratchBytes(symbols)};
    }
  };
  struct Batch {
    int first;
    int count;
  };
  struct Frame;

  static Value prepare(const WeftExtent &extent);
  int64_t sizedBytes(int number, const int64_t *symbols) const;
  ExternFunction functionOf(const WeftStep &step) const;
  bool estimate(const int64_t *symbols) const;
  void checkProgram() const;
  size_t batchesBeforeWriting(const std::vector<int> &outputs) const;
  void runSingle(void *const *inputs, void *const *outputs, const int64_t *symbols, bool mayStop) const;
  void runGeneral(void *const *inputs, void *const *outputs, const int64_t *symbols, KeptResults *kept,
                  size_t batchesThatMayStop) const;
  void runBatches(const Launch *launches, size_t first, size_t end, const int64_t *symbols,
                  size_t batchesThatMayStop) const;
  void runProfiled(const StepProfiler &profiler, Batch batch, const Launch *launches, const int64_t *symbols,
                   bool mayStop) const;
  bool isOnHost(const Step &step) const { return place.isCuda() && step.function.run; }
  void runOnHost(const Step &step, const Launch &launch, const int64_t *symbols) const;
  void runControl(size_t step, void *const *buffers, const int64_t *symbols, bool mayStop) const;
  class Loop;
  void lookAtChecks(void *const *pointers) const;

  const WeftProgram *plan;
  std::vector<Step> steps;
  struct Bodies {
    ExecutablePtr body, otherwise;
  };
  std::vector<Bodies> bodies; // by step: of one with control
  std::vector<Batch> batches;
  std::vector<Value> scalars;
  std::vector<int32_t> stepBuffers;       // buffer numbers, of all steps in order
  std::vector<int32_t> arenaTemporaries;  // buffer numbers
  std::vector<int32_t> sizedTemporaries;  // those that are sized when the program runs
  std::vector<int32_t> placedTemporaries; // those in the memory of one of them
  std::vector<int32_t> keptBuffers;       // buffer numbers
  std::vector<int> inputsOfKept;
  std::vector<size_t> writingBatches; // by output: the first that writes it
  size_t keptBatches = 0;             // the first ones
  size_t checkedBatches = 0;
  bool single = false; // one small step and no temporaries
  bool staticallyLong = false;
  bool controls = false;
};

} // namespace weft
