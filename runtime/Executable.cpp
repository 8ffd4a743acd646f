#include "runtime/Executable.h"
#include "runtime/BlockingRegion.h"
#include "runtime/Library.h"
#include "runtime/cpu/Features.h"
#include "runtime/cpu/FloatMode.h"
#include "runtime/cuda/CudaExecutable.h"
#include "runtime/cuda/Streams.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <dlfcn.h>
#include <stdexcept>

namespace weft {
namespace {

constexpr int kSingleBuffers = 32; // of a program that takes the short way through run()
constexpr int kSingleScalars = 64;

int64_t alignUp(int64_t bytes) { return (bytes + 63) & ~int64_t(63); }

[[noreturn]] void malformed(const std::string &what) {
  throw std::runtime_error("[executable] the compiled program is malformed: " + what + "; build it again");
}

ExecutablePtr fromLibrary(std::shared_ptr<void> library, const std::string &name, int device) {
  auto *program = static_cast<const WeftProgram *>(dlsym(library.get(), "weft_program"));
  if (!program)
    throw std::runtime_error("[executable] '" + name +
                             "' is no compiled weft program: it does not export weft_program");
  ExecutablePtr executable = Executable::fromProgram(program, device);
  // The library must go after the Executable whose destructor still reads the program.
  return ExecutablePtr(executable.get(),
                       [library = std::move(library), executable](Executable *) mutable { executable.reset(); });
}

} // namespace

int64_t evaluate(const WeftExtent &extent, const int64_t *symbols) {
  int64_t value = extent.constant, part = 1;
  for (int i = 0; i < extent.factorCount; ++i) {
    const WeftFactor &factor = extent.factors[i];
    part *= factor.symbol < 0 ? -int64_t(factor.symbol) : symbols[factor.symbol];
    if (factor.divide == 0)
      continue;
    if (factor.divide > 1) // sizes and their quotients are not negative; only strides are, and they are never divided
      part = (part + factor.divide - 1) / factor.divide;
    value *= part;
    part = 1;
  }
  return value;
}

std::atomic<const StepProfiler *> Executable::stepProfiler{nullptr};

void setStepProfiler(const StepProfiler *profiler) {
  Executable::stepProfiler.store(profiler, std::memory_order_release);
}

static std::atomic<Executable::ExternTable> externTable{nullptr};
void Executable::setExternTable(ExternTable table) { externTable = table; }

ExternFunction Executable::functionOf(const WeftStep &step) const {
  if (step.kernel || step.control || step.blockThreads)
    return {step.kernel, step.workspace};
  ExternTable table = externTable;
  ExternFunction found = table ? table(step.name) : ExternFunction{nullptr, nullptr};
  if (!found.run)
    malformed(std::string("it calls '") + step.name + "', which this run time lacks");
  return found;
}

ExecutablePtr Executable::load(const std::string &path, int device) {
  return fromLibrary(openLibrary(path), path, device);
}

ExecutablePtr Executable::loadBytes(const void *data, size_t bytes, int device) {
  return fromLibrary(openLibrary(data, bytes), "the code in memory", device);
}

ExecutablePtr Executable::fromProgram(const WeftProgram *program, int device) {
  if (program->cubin)
    return std::make_shared<CudaExecutable>(program, device);
  return std::make_shared<Executable>(program);
}

Executable::Value Executable::prepare(const WeftExtent &extent) {
  int symbols = 0, divided = 0, form = Value::Static;
  for (int i = 0; i < extent.factorCount; ++i) {
    const WeftFactor &factor = extent.factors[i];
    divided += factor.divide != 1;
    if (factor.symbol >= 0) {
      ++symbols;
      form = factor.symbol;
    }
  }
  if (symbols > 1 || divided)
    return {0, Value::General, &extent};
  int64_t constant = extent.constant;
  for (int i = 0; i < extent.factorCount; ++i)
    constant *= extent.factors[i].symbol < 0 ? -int64_t(extent.factors[i].symbol) : 1;
  return {constant, form, &extent};
}

Executable::Executable(const WeftProgram *program, Device device) : place(device), plan(program) {
  checkProgram();
  constants.assign(plan->bufferCount, nullptr);
  writingBatches.assign(size_t(plan->outputCount), size_t(plan->stepCount));
  for (int i = 0; i < plan->bufferCount; ++i) {
    const WeftBuffer &buffer = plan->buffers[i];
    if (buffer.kind == WEFT_CONSTANT)
      constants[i] = const_cast<void *>(buffer.data);
    else if (buffer.kind == WEFT_KEPT)
      keptBuffers.push_back(i);
    else if (buffer.kind == WEFT_TEMPORARY)
      (buffer.arenaOffset < 0 ? sizedTemporaries
       : buffer.alias < 0     ? arenaTemporaries
                              : placedTemporaries)
          .push_back(i);
  }
  for (int i = 0; i < plan->stepCount; ++i) {
    const WeftStep &step = plan->steps[i];
    steps.push_back(
        {&step, prepare(step.grid), int32_t(stepBuffers.size()), int32_t(scalars.size()), functionOf(step)});
    stepBuffers.insert(stepBuffers.end(), step.buffers, step.buffers + step.bufferCount);
    for (int s = 0; s < step.scalarCount; ++s)
      scalars.push_back(prepare(step.scalars[s]));
    auto executable = [&](const WeftProgram *body) { return body ? fromProgram(body, place.index) : nullptr; };
    bodies.emplace_back();
    if (step.control)
      bodies.back() = {executable(step.control->body), executable(step.control->otherwise)}, controls = true;
    auto isAlone = [&](int i) { return steps[size_t(i)].step->control || isOnHost(steps[size_t(i)]); };
    const bool alone = isAlone(i) || (i > 0 && isAlone(i - 1));
    if (i > 0 && i != plan->keptSteps && !alone && step.batch == plan->steps[i - 1].batch)
      ++batches.back().count;
    else
      batches.push_back({i, 1});
    for (int b = 0; b < step.bufferCount; ++b)
      if (int output = step.buffers[b] - plan->inputCount; output >= 0 && output < plan->outputCount)
        writingBatches[size_t(output)] = std::min(writingBatches[size_t(output)], batches.size() - 1);
    if (i < plan->checkedSteps)
      checkedBatches = batches.size();
    if (i < plan->keptSteps) {
      keptBatches = batches.size();
      for (int b = 0; b < step.bufferCount; ++b)
        if (int number = step.buffers[b];
            number < plan->inputCount &&
            std::find(inputsOfKept.begin(), inputsOfKept.end(), number) == inputsOfKept.end())
          inputsOfKept.push_back(number);
    }
  }
  single = plan->stepCount == 1 && !plan->steps[0].control && !isOnHost(steps[0]) && arenaTemporaries.empty() &&
           sizedTemporaries.empty() && keptBuffers.empty() && plan->checkCount == 0 &&
           stepBuffers.size() <= kSingleBuffers && scalars.size() <= kSingleScalars;
  staticallyLong = plan->symbolCount == 0 && estimate(nullptr);
}

// A grain is some ten microseconds (codegen/schedule/CostModel.h), but where the compiler did not know the sizes, or
// where one task is longer than that. Steps whose results are kept are not in most runs.
bool Executable::estimate(const int64_t *symbols) const {
  constexpr int64_t kManyBytes = 1 << 20;
  double grains = 0;
  int64_t bytes = 0;
  for (size_t i = size_t(plan->keptSteps); i < steps.size(); ++i) {
    const Step &s = steps[i];
    if (s.step->control)
      return true;
    grains += double(s.grid(symbols)) / double(std::max<int64_t>(1, s.step->grain));
    for (int b = 0; b < s.step->bufferCount; ++b)
      bytes += evaluate(plan->buffers[s.step->buffers[b]].bytes, symbols);
    if (bytes >= kManyBytes || (grains >= 1 && bytes >= kLongBytes))
      return true;
  }
  return false;
}

Executable::~Executable() = default;

void Executable::checkProgram() const {
  if (plan->abiVersion != WEFT_ABI_VERSION)
    throw std::runtime_error("[executable] the compiled program has launch plan version " +
                             std::to_string(plan->abiVersion) + ", this run time reads version " +
                             std::to_string(WEFT_ABI_VERSION) + "; build it again");
  if (std::string missing = missingFeatures(plan->features); !missing.empty())
    throw std::runtime_error(std::string("[executable] this machine cannot run code for ") + plan->target +
                             ": it lacks " + missing + "; compile for an older processor, such as " + kOldestCpu +
                             " (weft-aot --cpu=" + kOldestCpu + ", or WEFT_CPU=" + kOldestCpu + ")");
  int named = plan->inputCount + plan->outputCount;
  if (plan->inputCount < 0 || plan->outputCount < 0 || plan->stepCount < 0 || plan->bufferCount < named)
    malformed("its counts do not fit together");
  auto checkExtent = [&](const WeftExtent &extent, bool loadTime) {
    if (extent.factorCount < 0 || extent.factorCount > WEFT_MAX_FACTORS)
      malformed("an extent has " + std::to_string(extent.factorCount) + " factors");
    for (int i = 0; i < extent.factorCount; ++i)
      if (extent.factors[i].symbol >= (loadTime ? 0 : plan->symbolCount))
        malformed("an extent names symbol " + std::to_string(extent.factors[i].symbol) + " of " +
                  std::to_string(plan->symbolCount));
  };
  for (int i = 0; i < plan->bufferCount; ++i) {
    const WeftBuffer &buffer = plan->buffers[i];
    bool isNamed = buffer.kind == WEFT_INPUT || buffer.kind == WEFT_OUTPUT;
    if (isNamed != (i < named) || (isNamed && (buffer.kind == WEFT_INPUT) != (i < plan->inputCount)))
      malformed("buffer " + std::to_string(i) + " is not of the kind that its number says");
    checkExtent(buffer.bytes, buffer.kind == WEFT_CONSTANT);
    if (buffer.kind == WEFT_OUTPUT && buffer.alias >= plan->inputCount)
      malformed("output buffer " + std::to_string(i) + " takes the memory of an input that is not there");
    if (buffer.kind == WEFT_TEMPORARY && buffer.alias >= 0 &&
        (buffer.alias >= plan->bufferCount || plan->buffers[buffer.alias].kind != WEFT_TEMPORARY ||
         plan->buffers[buffer.alias].alias != buffer.alias || plan->buffers[buffer.alias].arenaOffset >= 0 ||
         buffer.bytes.constant <= 0))
      malformed("buffer " + std::to_string(i) + " lies in the memory of one that has none of its own");
  }
  if (plan->keptSteps < 0 || plan->keptSteps > plan->stepCount || plan->keptBytes < 0)
    malformed("it keeps the results of " + std::to_string(plan->keptSteps) + " of " + std::to_string(plan->stepCount) +
              " steps");
  if (plan->checkedSteps < 0 || plan->checkedSteps > plan->stepCount)
    malformed("it looks at its checks after " + std::to_string(plan->checkedSteps) + " of " +
              std::to_string(plan->stepCount) + " steps");
  for (int i = 0; i < plan->checkCount; ++i)
    if (plan->checks[i].buffer < 0 || plan->checks[i].buffer >= plan->bufferCount)
      malformed("check " + std::to_string(i) + " names buffer " + std::to_string(plan->checks[i].buffer));
  for (int i = 0; i < plan->stepCount; ++i) {
    const WeftStep &step = plan->steps[i];
    for (int b = 0; b < step.bufferCount; ++b)
      if (step.buffers[b] < 0 || step.buffers[b] >= plan->bufferCount)
        malformed("step " + std::to_string(i) + " names buffer " + std::to_string(step.buffers[b]));
    checkExtent(step.grid, false);
    for (int s = 0; s < step.scalarCount; ++s)
      checkExtent(step.scalars[s], false);
    for (int s = 0; s < step.scratchCount; ++s)
      checkExtent(step.scratch[s], false);
    for (int s = 0; s < step.flopTerms; ++s)
      checkExtent(step.flops[s], false);
    if (!plan->cubin && !step.kernel && !step.name)
      malformed("step " + std::to_string(i) + " has no kernel");
    if (step.control) {
      const WeftControl &control = *step.control;
      checkExtent(control.trips, false);
      if ((control.kind == WEFT_BRANCH) != (control.otherwise != nullptr) || !control.body)
        malformed("step " + std::to_string(i) + " has not the bodies of its kind");
      for (const WeftProgram *body : {control.body, control.otherwise})
        if (body &&
            (control.carries < 0 || control.sequences < 0 || control.carries + control.sequences > body->inputCount ||
             control.carries > body->outputCount || body->symbolCount > plan->symbolCount ||
             step.bufferCount != (control.kind != WEFT_SCAN) + body->inputCount + body->outputCount + control.carries))
          malformed("the buffers of step " + std::to_string(i) + " do not fit its body");
    }
  }
}

size_t Executable::batchesBeforeWriting(const std::vector<int> &outputs) const {
  size_t count = batches.size();
  for (int i : outputs)
    count = std::min(count, writingBatches[size_t(i)]);
  return count;
}

void Executable::run(void *const *inputs, void *const *outputs, const int64_t *symbols, KeptResults *kept,
                     const std::vector<int> *overwritten) const {
  StandardFloatMode mode;
  size_t mayStop = overwritten && BlockingRegion::isInside() ? batchesBeforeWriting(*overwritten) : batches.size();
  if (single)
    runSingle(inputs, outputs, symbols, mayStop > 0);
  else
    runGeneral(inputs, outputs, symbols, kept, mayStop);
}

void Executable::runSingle(void *const *inputs, void *const *outputs, const int64_t *symbols, bool mayStop) const {
  void *arguments[kSingleBuffers];
  int64_t values[kSingleScalars];
  int inputCount = plan->inputCount, named = inputCount + plan->outputCount;
  for (size_t i = 0; i < stepBuffers.size(); ++i) {
    int number = stepBuffers[i];
    arguments[i] = number < inputCount ? inputs[number]
                   : number < named    ? outputs[number - inputCount]
                                       : constants[number];
  }
  for (size_t i = 0; i < scalars.size(); ++i)
    values[i] = scalars[i](symbols);
  Launch launch = steps[0].launch(arguments, values, symbols);
  if (const StepProfiler *profiler = stepProfiler.load(std::memory_order_acquire))
    return runProfiled(*profiler, batches[0], &launch, symbols, mayStop);
  runBatch(&launch, 0, 1, mayStop);
}

// What a run needs besides the callers' arguments, in one block: pointers by buffer number, then the steps' arguments.
struct Executable::Frame {
  void **pointers;
  void **arguments;
  int64_t *values;
  Launch *launches;

  explicit Frame(const Executable &e) {
    size_t words = e.constants.size() + e.stepBuffers.size() + e.scalars.size();
    bytes = words * 8 + e.steps.size() * sizeof(Launch);
    memory = bytes <= sizeof local ? local : static_cast<char *>(allocateBytes(bytes));
    pointers = reinterpret_cast<void **>(memory);
    arguments = pointers + e.constants.size();
    values = reinterpret_cast<int64_t *>(arguments + e.stepBuffers.size());
    launches = reinterpret_cast<Launch *>(values + e.scalars.size());
  }
  ~Frame() {
    if (memory != local)
      releaseBytes(memory, bytes);
  }
  Frame(const Frame &) = delete;

private:
  size_t bytes;
  char *memory;
  alignas(64) char local[8192];
};

static int64_t roundedFactors(const WeftBuffer &buffer, const int64_t *symbols) {
  return alignUp(evaluate(buffer.bytes, symbols) / buffer.bytes.constant);
}

int64_t Executable::sizedBytes(int number, const int64_t *symbols) const {
  const WeftBuffer &buffer = plan->buffers[number];
  return buffer.alias < 0 ? alignUp(evaluate(buffer.bytes, symbols))
                          : buffer.bytes.constant * roundedFactors(buffer, symbols);
}

void Executable::runGeneral(void *const *inputs, void *const *outputs, const int64_t *symbols, KeptResults *kept,
                            size_t batchesThatMayStop) const {
  Frame frame(*this);
  std::copy_n(inputs, plan->inputCount, frame.pointers);
  std::copy_n(outputs, plan->outputCount, frame.pointers + plan->inputCount);
  auto placeKept = [&](char *base) {
    for (int number : keptBuffers)
      frame.pointers[number] = base + plan->buffers[number].arenaOffset;
  };
  int named = plan->inputCount + plan->outputCount;
  std::copy(constants.begin() + named, constants.end(), frame.pointers + named);

  // Whose turn it is to fill the kept results, until it has done so or is interrupted.
  struct Turn {
    std::atomic<bool> *taken = nullptr;
    bool take(std::atomic<bool> &flag) {
      if (flag.exchange(true, std::memory_order_acq_rel))
        return false;
      taken = &flag;
      return true;
    }
    ~Turn() {
      if (taken)
        taken->store(false, std::memory_order_release);
    }
  } turn;
  if (kept && !keptBuffers.empty() && !mayKeep())
    kept = nullptr;
  bool fills = true; // the kept buffers
  if (kept && !keptBuffers.empty() && kept->filled.load(std::memory_order_acquire)) {
    fills = false;
  } else if (kept && !keptBuffers.empty()) {
    // Where another thread is at it, this run makes them for itself: in a forked child that thread would never be done.
    if (!turn.take(kept->isBeingFilled))
      kept = nullptr;
    else if (kept->filled.load(std::memory_order_relaxed))
      fills = false;
    else if (!kept->memory)
      kept->memory = Buffer::allocate(size_t(plan->keptBytes), place);
  }

  // All temporaries are in one block: the planned arena, those whose size is known only now, and what nobody keeps. On
  // CUDA it may be given back as soon as the kernels are in the stream.
  BufferRef memory;
  int64_t keptHere = kept ? 0 : alignUp(plan->keptBytes);
  int64_t bytes = alignUp(plan->arenaBytes) + keptHere;
  for (int number : sizedTemporaries)
    bytes += sizedBytes(number, symbols);
  if (bytes > 0 || !arenaTemporaries.empty() || !sizedTemporaries.empty()) { // those of no bytes have an address, too
    memory = Buffer::allocate(size_t(bytes), place);
    auto *base = static_cast<char *>(memory->data());
    for (int number : arenaTemporaries)
      frame.pointers[number] = base + plan->buffers[number].arenaOffset;
    base += alignUp(plan->arenaBytes);
    if (keptHere)
      placeKept(base);
    base += keptHere;
    for (int number : sizedTemporaries) {
      frame.pointers[number] = base;
      base += sizedBytes(number, symbols);
    }
    for (int number : placedTemporaries) {
      const WeftBuffer &buffer = plan->buffers[number];
      frame.pointers[number] =
          static_cast<char *>(frame.pointers[buffer.alias]) + buffer.arenaOffset * roundedFactors(buffer, symbols);
    }
  }

  if (kept && !keptBuffers.empty())
    placeKept(static_cast<char *>(kept->memory->data()));
  for (size_t i = 0; i < stepBuffers.size(); ++i)
    frame.arguments[i] = frame.pointers[stepBuffers[i]];
  for (size_t i = 0; i < scalars.size(); ++i)
    frame.values[i] = scalars[i](symbols);
  for (size_t i = 0; i < steps.size(); ++i) {
    const Step &s = steps[i];
    frame.launches[i] = s.launch(frame.arguments + s.firstBuffer, frame.values + s.firstScalar, symbols);
  }
  if (fills)
    runBatches(frame.launches, 0, keptBatches, symbols, batchesThatMayStop);
  if (fills && kept && !keptBuffers.empty())
    kept->filled.store(true, std::memory_order_release);
  size_t checked = std::max(keptBatches, checkedBatches);
  runBatches(frame.launches, keptBatches, checked, symbols, batchesThatMayStop);
  lookAtChecks(frame.pointers);
  runBatches(frame.launches, checked, batches.size(), symbols, batchesThatMayStop);
}

void Executable::runBatches(const Launch *launches, size_t first, size_t end, const int64_t *symbols,
                            size_t batchesThatMayStop) const {
  const StepProfiler *profiler = stepProfiler.load(std::memory_order_acquire);
  for (size_t i = first; i < end; ++i) {
    const bool mayStop = i < batchesThatMayStop;
    if (mayStop)
      BlockingRegion::checkInterrupt();
    if (bodies[size_t(batches[i].first)].body)
      runControl(size_t(batches[i].first), launches[batches[i].first].buffers, symbols, mayStop);
    else if (isOnHost(steps[size_t(batches[i].first)]))
      runOnHost(steps[size_t(batches[i].first)], launches[batches[i].first], symbols);
    else if (profiler)
      runProfiled(*profiler, batches[i], launches, symbols, mayStop);
    else
      runBatch(launches + batches[i].first, batches[i].first, batches[i].count, mayStop);
  }
}

// Runs of a body with carries, which lie where the results go and in the memory beside that by turns; or always there,
// where the body may write over them.
class Executable::Loop {
public:
  Loop(const Executable &body, void *const *buffers, int carries, const int64_t *symbols, bool mayStop)
      : body(body), buffers(buffers), results(buffers + body.inputCount()), carries(carries), symbols(symbols),
        mayStop(mayStop), in(buffers, results), out(results, results + body.outputCount()) {
    for (int i = 0; i < carries; ++i)
      if (body.outputAlias(i) == i) {
        copy(results[i], buffers[i], i);
        in[size_t(i)] = results[i];
      }
  }

  // toResults: the carries that this run makes lie where the results go.
  void run(bool toResults) {
    if (mayStop)
      BlockingRegion::checkInterrupt();
    void *const *beside = results + body.outputCount();
    for (int i = 0; i < carries; ++i)
      if (body.outputAlias(i) != i)
        out[size_t(i)] = toResults ? results[i] : beside[i];
    if (body.single)
      body.runSingle(in.data(), out.data(), symbols, mayStop);
    else
      body.runGeneral(in.data(), out.data(), symbols, &kept, mayStop ? body.batches.size() : 0);
    std::copy_n(out.begin(), carries, in.begin());
  }
  // Entry `number` of a sequence, and of what is collected, is what the next run reads and writes.
  void moveTo(int64_t number, int sequences) {
    for (int i = carries; i < carries + sequences; ++i)
      in[size_t(i)] = entry(buffers[i], i, number);
    for (int i = carries; i < body.outputCount(); ++i)
      out[size_t(i)] = entry(results[i], body.inputCount() + i, number);
  }
  // Puts carries that lie elsewhere where the results go.
  void finish() {
    for (int i = 0; i < carries; ++i)
      if (in[size_t(i)] != results[i])
        copy(results[i], in[size_t(i)], i);
  }

private:
  char *entry(void *all, int buffer, int64_t number) const {
    return static_cast<char *>(all) + number * evaluate(body.plan->buffers[buffer].bytes, symbols);
  }
  void copy(void *to, const void *from, int carry) const {
    copyMemory(to, body.place, from, body.place, size_t(body.outputBytes(carry, symbols)));
  }

  const Executable &body;
  void *const *buffers, *const *results;
  const int carries;
  const int64_t *symbols;
  const bool mayStop;
  std::vector<void *> in, out;
  KeptResults kept; // of what is the same in all runs
};

// A library's function in a program for a GPU: its buffers come to the host, and what it may have written goes back.
void Executable::runOnHost(const Step &step, const Launch &launch, const int64_t *symbols) const {
  std::vector<BufferRef> memory;
  std::vector<void *> buffers;
  auto bytes = [&](int b) { return size_t(evaluate(plan->buffers[step.step->buffers[b]].bytes, symbols)); };
  for (int b = 0; b < step.step->bufferCount; ++b) {
    memory.push_back(Buffer::allocate(bytes(b)));
    buffers.push_back(memory.back()->data());
    copyMemory(buffers.back(), Device(), launch.buffers[b], place, bytes(b));
  }
  Launch here = launch;
  here.buffers = buffers.data();
  ThreadPool::global().run(&here, 1, /*mayStop=*/false);
  for (int b = 0; b < step.step->bufferCount; ++b)
    if (int kind = plan->buffers[step.step->buffers[b]].kind; kind != WEFT_INPUT && kind != WEFT_CONSTANT)
      copyMemory(launch.buffers[b], place, buffers[size_t(b)], Device(), bytes(b));
}

void Executable::runControl(size_t number, void *const *buffers, const int64_t *symbols, bool mayStop) const {
  const WeftControl &control = *steps[number].step->control;
  const Executable &body = *bodies[number].body;
  auto holds = [&](const void *condition) {
    bool value;
    copyMemory(&value, Device(), condition, place, 1);
    return value;
  };
  if (control.kind == WEFT_BRANCH)
    return Loop(holds(buffers[0]) ? body : *bodies[number].otherwise, buffers + 1, 0, symbols, mayStop).run(true);
  Loop loop(body, buffers + (control.kind == WEFT_WHILE), control.carries, symbols, mayStop);
  if (control.kind == WEFT_SCAN) {
    const int64_t trips = evaluate(control.trips, symbols);
    for (int64_t trip = 0; trip < trips; ++trip) {
      loop.moveTo(control.reverse ? trips - 1 - trip : trip, control.sequences);
      loop.run((trips - trip) % 2); // the last run does
    }
  } else {
    void *condition = buffers[1 + body.inputCount() + control.carries];
    copyMemory(condition, place, buffers[0], place, 1);
    for (bool toResults = true; holds(condition); toResults = !toResults)
      loop.run(toResults);
  }
  loop.finish();
}

int Executable::firstBroken(void *const *pointers) const {
  for (int i = 0; i < plan->checkCount; ++i)
    if (*static_cast<const bool *>(pointers[plan->checks[i].buffer]))
      return i;
  return -1;
}

void Executable::lookAtChecks(void *const *pointers) const {
  if (!plan->checkCount)
    return;
  if (int i = firstBroken(pointers); i >= 0)
    throw CheckFailed(i, plan->checks[i].message);
}

void Executable::runBatch(const Launch *launches, int, int count, bool mayStop) const {
  ThreadPool::global().run(launches, count, mayStop);
}

void Executable::runProfiled(const StepProfiler &profiler, Batch batch, const Launch *launches, const int64_t *symbols,
                             bool mayStop) const {
  for (int i = batch.first; i < batch.first + batch.count; ++i) {
    auto start = std::chrono::steady_clock::now();
    runBatch(launches + i, i, 1, mayStop);
    if (place.isCuda())
      cuda::synchronizeStream(place.index, cuda::currentStream(place.index));
    auto time = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start);
    const WeftStep &step = *steps[i].step;
    int64_t bytes = 0, flops = 0;
    for (int b = 0; b < step.bufferCount; ++b)
      if (std::find(step.buffers, step.buffers + b, step.buffers[b]) == step.buffers + b)
        bytes += evaluate(plan->buffers[step.buffers[b]].bytes, symbols);
    for (int term = 0; term < step.flopTerms; ++term)
      flops += evaluate(step.flops[term], symbols);
    profiler.step(profiler.context,
                  {&step, step.name ? step.name : "", step.location ? step.location : "", time.count(), bytes, flops});
  }
}

} // namespace weft
