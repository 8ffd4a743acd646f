#include "frontend/executables/Executables.h"

#include "frontend/executables/CompilerLibrary.h"
#include "frontend/executables/MadeOnce.h"
#include "frontend/executables/ShippedKernels.h"
#include "frontend/executables/Tuning.h"
#include "runtime/KernelCache.h"
#include "runtime/cpu/FloatMode.h"
#include "runtime/cuda/CudaExecutable.h"
#include "runtime/cuda/Driver.h"
#include "runtime/extern/ExternTable.h"

#include <chrono>
#include <cstdlib>
#include <mutex>

namespace weft {

// What is compiled names libraries' functions.
[[maybe_unused]] static const bool externsKnown = (Executable::setExternTable(findExtern), true);

static std::mutex mutex; // of the statistics
static CompileStatistics statistics;

CompileStatistics compileStatistics() {
  std::lock_guard<std::mutex> lock(mutex);
  return statistics;
}

// Runs `work` and adds its time to the statistics.
template <class Work> static auto timed(Work work) {
  StandardFloatMode mode; // constants are folded
  auto start = std::chrono::steady_clock::now();
  auto result = work();
  std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  std::lock_guard<std::mutex> lock(mutex);
  statistics.compileSeconds += time.count();
  ++statistics.compiled;
  return result;
}

CompileOptions compileOptions(Device device) {
  CompileOptions options;
  if (device.isCuda()) {
    options.cuda = true;
    cuda::DeviceInfo card = cuda::deviceInfo(device.index);
    options.cudaArch = "sm_" + std::to_string(card.major * 10 + card.minor);
  }
  if (const char *cpu = std::getenv("WEFT_CPU"))
    options.cpu = cpu;
  if (const char *fuse = std::getenv("WEFT_FUSE"))
    options.fuse = std::string(fuse) != "0";
  return options;
}

// What of the options decides the machine code.
static std::string keyOf(const CompileOptions &options) {
  return (options.cuda ? options.cudaArch : "cpu " + options.cpu) + (options.fuse ? "|fused|" : "|unfused|") +
         (options.steps < 0 ? "" : std::to_string(options.steps) + " steps|");
}

// From the entry in the cache, whose code the processes share, or where that has gone since or may not be run, from
// memory.
static ExecutablePtr loadEntry(const std::string &key, const std::string &elf, Device device) {
  try {
    return Executable::load(KernelCache::global().pathOf("so", key), device.index);
  } catch (const OutOfMemory &) {
    throw;
  } catch (const LoadRefused &) {
    throw;
  } catch (const std::runtime_error &) {
    return Executable::loadBytes(elf.data(), elf.size(), device.index);
  }
}

// Shipped programs are made for no processor in particular, and without a look at the compiler's work.
static const WeftProgram *shippedFor(const Graph &graph, const CompileOptions &options) {
  if (options.cuda || !options.fuse || options.steps >= 0 || !options.cpu.empty() || std::getenv("WEFT_DEBUG"))
    return nullptr;
  collect(graph);
  return shippedProgram(serialize(graph));
}

static ExecutablePtr loadOrCompile(const Graph &graph, const std::string &optionsAndGraph,
                                   const CompileOptions &options, Device device) {
  if (const WeftProgram *shipped = shippedFor(graph, options))
    return Executable::fromProgram(shipped, device.index);
  std::string key = compilerIdentity() + "|" + optionsAndGraph;
  KernelCache &disk = KernelCache::global();
  // WEFT_DEBUG asks to see the compiler at work.
  bool useDisk = disk.isEnabled() && !std::getenv("WEFT_DEBUG");
  bool tunes = tuningAsked() && !options.cuda && graph.symbolCount == 0;
  if (useDisk && (!tunes || disk.find("tuned", key))) {
    if (std::optional<std::string> elf = disk.find("so", key)) {
      try {
        ExecutablePtr executable = loadEntry(key, *elf, device);
        std::lock_guard<std::mutex> lock(mutex);
        ++statistics.fromDisk;
        return executable;
      } catch (const OutOfMemory &) {
        throw;
      } catch (const LoadRefused &) { // another driver may take it
        throw;
      } catch (const std::runtime_error &) {
        disk.remove("so", key); // not loadable after all: make it anew
      }
    }
  }
  std::string elf =
      timed([&] { return tunes ? tunedProgram(graph, options) : compilerLibrary().compile(graph, options); });
  if (useDisk && tunes) // the entry below is found without WEFT_TUNE too; this one says that it need not be tuned again
    disk.store("tuned", key, "");
  if (useDisk && disk.store("so", key, elf))
    return loadEntry(key, elf, device);
  return Executable::loadBytes(elf.data(), elf.size(), device.index);
}

static MadeOnce<ExecutablePtr> &executables() {
  static auto &made = *new MadeOnce<ExecutablePtr>(kMostExecutables); // outlives what is compiled in the background
  return made;
}

void setMostExecutables(size_t count) { executables().setCapacity(count); }

static thread_local double waited = 0;
double secondsOfCompiling() { return waited; }

ExecutablePtr executableFor(const Graph &graph, Device device) {
  return executableFor(graph, device, compileOptions(device));
}

ExecutablePtr executableFor(const Graph &graph, Device device, const CompileOptions &options) {
  std::string identity = keyOf(options) + serialize(graph);
  return executables().get(
      hash128(toString(device) + identity),
      [graph, identity, options, device] { return loadOrCompile(graph, identity, options, device); }, &waited);
}

using Transform = std::function<Graph()>;

static std::shared_ptr<const Graph> loadOrTransform(const char *kind, const std::string &identity,
                                                    const Transform &transform) {
  KernelCache &disk = KernelCache::global();
  std::string key = compilerIdentity() + "|" + kind + "|" + identity;
  if (disk.isEnabled() && !std::getenv("WEFT_DEBUG")) {
    if (std::optional<std::string> bytes = disk.find(kind, key)) {
      try {
        return std::make_shared<const Graph>(deserialize(*bytes));
      } catch (const std::runtime_error &) {
        disk.remove(kind, key);
      }
    }
  }
  StandardFloatMode mode; // constants are folded
  auto made = std::make_shared<const Graph>(transform());
  disk.store(kind, key, serialize(*made));
  return made;
}

static std::shared_ptr<const Graph>
derivative(const char *kind, Graph (*CompilerApi::*transform)(const Graph &, const std::vector<int> &),
           const Graph &graph, const std::vector<int> &wrt) {
  static auto &made = *new MadeOnce<std::shared_ptr<const Graph>>(256);
  std::string identity = serialize(graph);
  for (int input : wrt)
    identity += "," + std::to_string(input);
  return made.get(hash128(kind + identity), [=] {
    return loadOrTransform(kind, identity, [&] { return (compilerLibrary().*transform)(graph, wrt); });
  });
}

std::shared_ptr<const Graph> derivativeOf(const Graph &graph, const std::vector<int> &wrt) {
  return derivative("autodiff", &CompilerApi::differentiate, graph, wrt);
}

std::shared_ptr<const Graph> pushForwardOf(const Graph &graph, const std::vector<int> &wrt) {
  return derivative("forward", &CompilerApi::pushForward, graph, wrt);
}

// Not kept on disk, where graphs have no locations.
std::shared_ptr<const Graph> batchOf(const Graph &graph, const std::vector<bool> &batched, int64_t size) {
  static auto &made = *new MadeOnce<std::shared_ptr<const Graph>>(256);
  std::string identity = serialize(graph) + "," + std::to_string(size) + ",";
  for (bool is : batched)
    identity += is ? "1" : "0";
  return made.get(hash128(identity), [=] {
    StandardFloatMode mode;
    return std::make_shared<const Graph>(compilerLibrary().batch(graph, batched, size));
  });
}

} // namespace weft
