#include "frontend/executables/ShippedKernels.h"

#include "frontend/executables/CompilerLibrary.h"
#include "ir/OpTable.h"
#include "runtime/KernelLibrary.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <set>
#include <vector>

namespace weft {

// Those with most features first.
static constexpr const char *kProcessors[] = {"x86-64-v4", "x86-64-v3"};

static std::string pathFor(const std::string &directory, const std::string &cpu) {
  return directory + "libweft_kernels." + cpu + ".so";
}

static std::unique_ptr<KernelLibrary> openShipped() {
  std::string path = compilerLibraryPath();
  std::string directory = path.substr(0, path.rfind('/') + 1);
  for (const char *cpu : kProcessors)
    if (auto library = KernelLibrary::open(pathFor(directory, cpu), compilerBuild()))
      return library;
  return nullptr;
}

const WeftProgram *shippedProgram(const std::string &graph) {
  static const auto &library = *new std::unique_ptr<KernelLibrary>(openShipped()); // outlives the background
  return library ? library->find(hash128(graph)) : nullptr;
}

// ---------------------------------------------------------------- Making

namespace {
std::atomic<bool> collecting{false};
std::mutex mutex;
std::vector<Graph> collected;
} // namespace

void beginCollecting() { collecting = true; }

// Whether its bits could depend on the kind of processor.
static bool hasBfloat16(const Graph &graph) {
  auto is = [](const auto &value) { return value.type.dtype == DType::BFloat16; };
  return std::any_of(graph.inputs.begin(), graph.inputs.end(), is) ||
         std::any_of(graph.nodes.begin(), graph.nodes.end(), is);
}

void collect(const Graph &graph) {
  if (!collecting || hasBfloat16(graph))
    return;
  std::lock_guard<std::mutex> lock(mutex);
  collected.push_back(graph);
}

void writeCollected(const std::string &directory, const std::string &cpu) {
  std::vector<LibraryProgram> programs;
  std::set<std::string> seen;
  for (const Graph &graph : collected) {
    std::string text = serialize(graph);
    Hash128 key = hash128(text);
    if (seen.insert(text).second)
      programs.push_back({{key.low, key.high}, graph});
  }
  CompileOptions options;
  options.cpu = cpu;
  std::string bytes = compilerLibrary().compileLibrary(programs, compilerBuild(), options);
  // Processes that have the old one open keep it.
  std::string path = pathFor(directory + "/", cpu), temporary = path + ".new";
  std::ofstream file(temporary, std::ios::binary);
  file.write(bytes.data(), std::streamsize(bytes.size()));
  if (!file.flush() || std::rename(temporary.c_str(), path.c_str()) != 0)
    fail(UserError::Kind::Runtime, "write_kernels", "cannot write " + path);
}

} // namespace weft
