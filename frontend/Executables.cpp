#include "frontend/Executables.h"

#include "frontend/CompilerLibrary.h"
#include "runtime/KernelCache.h"
#include "runtime/cuda/Driver.h"

#include <chrono>
#include <cstdlib>
#include <mutex>
#include <unordered_map>

namespace weft {

static std::mutex mutex; // of what is in memory; compiling does not hold it
static CompileStatistics statistics;

CompileStatistics compileStatistics() {
  std::lock_guard<std::mutex> lock(mutex);
  return statistics;
}

// Runs `work` and adds its time to the statistics.
template <class Work> static auto timed(Work work) {
  auto start = std::chrono::steady_clock::now();
  auto result = work();
  std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  std::lock_guard<std::mutex> lock(mutex);
  statistics.compileSeconds += time.count();
  ++statistics.compiled;
  return result;
}

static CompileOptions optionsFor(Device device) {
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
  return (options.cuda ? options.cudaArch : "cpu " + options.cpu) + (options.fuse ? "|fused|" : "|unfused|");
}

static ExecutablePtr loadOrCompile(const Graph &graph, const std::string &optionsAndGraph,
                                   const CompileOptions &options, Device device) {
  std::string key = compilerIdentity() + "|" + optionsAndGraph;
  KernelCache &disk = KernelCache::global();
  // WEFT_DEBUG asks to see the compiler at work.
  bool useDisk = disk.isEnabled() && !std::getenv("WEFT_DEBUG");
  if (useDisk) {
    if (std::optional<std::string> path = disk.findExecutable(key)) {
      try {
        ExecutablePtr executable = Executable::load(*path, device.index);
        std::lock_guard<std::mutex> lock(mutex);
        ++statistics.fromDisk;
        return executable;
      } catch (const OutOfMemory &) {
        throw;
      } catch (const std::runtime_error &) {
        disk.remove("so", key); // not loadable after all: make it anew
      }
    }
  }
  std::string elf = timed([&] { return compilerLibrary().compile(graph, options); });
  if (useDisk)
    if (std::optional<std::string> path = disk.storeExecutable(key, elf))
      return Executable::load(*path, device.index);
  return Executable::loadBytes(elf.data(), elf.size(), device.index);
}

ExecutablePtr executableFor(const Graph &graph, Device device) {
  static std::unordered_map<std::string, ExecutablePtr> known;
  CompileOptions options = optionsFor(device);
  std::string identity = keyOf(options) + serialize(graph), key = toString(device) + identity;
  {
    std::lock_guard<std::mutex> lock(mutex);
    auto found = known.find(key);
    if (found != known.end())
      return found->second;
  }
  ExecutablePtr executable = loadOrCompile(graph, identity, options, device);
  std::lock_guard<std::mutex> lock(mutex);
  return known.emplace(std::move(key), std::move(executable)).first->second;
}

std::shared_ptr<const Graph> derivativeOf(const Graph &graph, const std::vector<int> &wrt) {
  static std::unordered_map<std::string, std::shared_ptr<const Graph>> known;
  std::string key = serialize(graph);
  for (int input : wrt)
    key += "," + std::to_string(input);
  {
    std::lock_guard<std::mutex> lock(mutex);
    auto found = known.find(key);
    if (found != known.end())
      return found->second;
  }
  std::shared_ptr<const Graph> derivative;
  KernelCache &disk = KernelCache::global();
  std::string diskKey = compilerIdentity() + "|autodiff|" + key;
  if (disk.isEnabled() && !std::getenv("WEFT_DEBUG")) {
    if (std::optional<std::string> bytes = disk.find("autodiff", diskKey)) {
      try {
        derivative = std::make_shared<const Graph>(deserialize(*bytes));
      } catch (const std::runtime_error &) {
        disk.remove("autodiff", diskKey);
      }
    }
  }
  if (!derivative) {
    derivative = timed([&] { return std::make_shared<const Graph>(compilerLibrary().differentiate(graph, wrt)); });
    disk.store("autodiff", diskKey, serialize(*derivative));
  }
  std::lock_guard<std::mutex> lock(mutex);
  return known.emplace(std::move(key), std::move(derivative)).first->second;
}

} // namespace weft
