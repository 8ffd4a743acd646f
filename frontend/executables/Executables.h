// Graph -> Executable: found in memory (among those used last), else on disk, else compiled.
#pragma once
#include "codegen/Compiler.h"
#include "runtime/Executable.h"

#include <functional>
#include <string>

namespace weft {

// How programs for the device are compiled.
CompileOptions compileOptions(Device device);
// Throws UserError or std::runtime_error; nothing is kept of a failed compile.
ExecutablePtr executableFor(const Graph &graph, Device device);
ExecutablePtr executableFor(const Graph &graph, Device device, const CompileOptions &options);
// How many are kept in memory for whoever asks for them again; past that, those go that were not asked for longest.
inline constexpr size_t kMostExecutables = 1024;
void setMostExecutables(size_t count);
// The derivative graph (codegen/Compiler.h), by the same way.
std::shared_ptr<const Graph> derivativeOf(const Graph &graph, const std::vector<int> &wrt);
std::shared_ptr<const Graph> pushForwardOf(const Graph &graph, const std::vector<int> &wrt);
// The graph of a batch; from one graph to the next of the same identity, locations may be another's.
std::shared_ptr<const Graph> batchOf(const Graph &graph, const std::vector<bool> &batched, int64_t size);

// How long this thread has waited for programs since it began, for how calls are made (calls/CallPolicy.h). What others
// compile meanwhile, as in the background, is not of it.
double secondsOfCompiling();

// Counts of programs since the process began, for tests.
struct CompileStatistics {
  int64_t compiled = 0;      // by the compiler
  int64_t fromDisk = 0;      // found in the disk cache
  double compileSeconds = 0; // spent in the compiler
};
CompileStatistics compileStatistics();

} // namespace weft
