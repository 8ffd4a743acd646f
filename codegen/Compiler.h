// The compiler as two functions from graphs to bytes. It lives in the shared library libweft_compiler.so, which the
// front end opens at the first cache miss (frontend/executables/CompilerLibrary.h); nothing else of LLVM or MLIR is
// loaded before.
#pragma once
#include "ir/Graph.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace weft {

struct CompileOptions {
  // LLVM's CPU name ("cascadelake", "x86-64-v3"), and features that it has or lacks beside those of the name
  // ("x86-64-v3,+avxvnni"); empty: this machine's.
  std::string cpu;
  bool cuda = false; // kernels as a cubin, launched by the CUDA run time
  std::string cudaArch = "sm_90";
  bool fuse = true;                     // false: every op is a kernel of its own (for tests: the bits must agree)
  int steps = -1;                       // so many of pipelineSteps() run; -1: all (likewise)
  std::map<std::string, int64_t> model; // numbers of the cost model that are not its own, by their names
};

// A number of the cost model (codegen/schedule/CostModel.h) that a program may be compiled with another value of. It
// never changes a result's bits.
struct TunableNumber {
  std::string name;
  std::vector<int64_t> candidates;
};
std::vector<TunableNumber> tunableNumbers();

// The passes without which programs are slower and nothing else, in the order in which they run.
std::vector<std::string> pipelineSteps();

// A shared object that exports `weft_program` (runtime/Abi.h). Throws std::runtime_error on an internal failure.
std::string compileGraph(const Graph &graph, const CompileOptions &options);

// A program of a library, and the key under which it is found there.
struct LibraryProgram {
  uint64_t key[2];
  Graph graph;
};

// A shared object that exports `weft_library` (runtime/Abi.h), for a CPU; made by two threads. `compiler` is this
// library's identity.
std::string compileLibrary(const std::vector<LibraryProgram> &programs, const std::string &compiler,
                           const CompileOptions &options);

// Reverse-mode derivative. The graph has outputs y_0..y_{m-1} and, as its last m inputs, their cotangents. Returns the
// graph with the same inputs and nodes, further nodes appended, and as outputs the cotangents of the inputs listed in
// `wrt`. An input that no output depends on yields a `full` of zeros.
Graph differentiate(const Graph &graph, const std::vector<int> &wrt);

// Forward-mode derivative. The last inputs are the tangents of the inputs listed in `wrt`. Returns the graph with the
// same inputs and nodes, further nodes appended, and as outputs the tangents of the outputs, zeros where one has none.
Graph pushForward(const Graph &graph, const std::vector<int> &wrt);

// The graph of `size` examples, from that of one: the inputs for which `batched` holds have an axis more, in front, and
// so have all outputs. A node has the location of the one that it came of. Throws UserError where an op has no rule.
Graph batch(const Graph &graph, const std::vector<bool> &batched, int64_t size);

// The graph without composites, but for the ops of the names in `kept`.
Graph decompose(const Graph &graph, const std::vector<std::string> &kept);

// What an input is to a program that stands alone. Weight, State: it begins with the tensor of its name in the file of
// weights; a state keeps what a run writes there. Generator: the state of the random stream, int64[2], a state that
// begins with a seed.
enum class InputRole : uint8_t { Argument, Weight, State, Generator };
struct InputName {
  std::string name; // an argument's in C
  InputRole role = InputRole::Argument;
};

// The graph as the text that weft-opt and weft-aot read: the module names `weightsFile` unless that is empty.
std::string printGraph(const Graph &graph, const std::vector<InputName> &names, const std::string &weightsFile);

// A program, what it is compiled by and what it is given: as a text all that weft-opt --replay and weft-reduce need.
struct Replay {
  Graph graph;
  CompileOptions options; // but for `model`, which changes no bits
  std::vector<int64_t> symbols;
  std::vector<std::optional<std::string>> values; // of each input its elements' bytes, row-major, if they are known
};
// The graph's text with attributes of the module: weft.cpu, weft.cuda_arch, weft.fuse, weft.steps, weft.symbol_values;
// and weft.value = "00ff..." of arguments. A processor that is not named is named as this machine's.
std::string printReplay(const Replay &replay);
// Whatever is not in the text is as by default; ops without a location have their line in it. Throws std::runtime_error
// that names the line.
Replay parseReplay(const std::string &text, const std::string &path);

// The graph as StableHLO text (codegen/stablehlo/StableHlo.h). `data`: of each input the elements, where it shall be a
// constant, or null.
std::string printStableHlo(const Graph &graph, const std::vector<InputName> &names,
                           const std::vector<const void *> &data);

// The C entry points that the front end looks up in the shared library.
struct CompilerApi {
  std::string (*compile)(const Graph &, const CompileOptions &);
  std::string (*compileLibrary)(const std::vector<LibraryProgram> &, const std::string &compiler,
                                const CompileOptions &);
  Graph (*differentiate)(const Graph &, const std::vector<int> &wrt);
  Graph (*pushForward)(const Graph &, const std::vector<int> &wrt);
  Graph (*batch)(const Graph &, const std::vector<bool> &batched, int64_t size);
  Graph (*decompose)(const Graph &, const std::vector<std::string> &kept);
  std::string (*print)(const Graph &, const std::vector<InputName> &, const std::string &weightsFile);
  std::string (*printReplay)(const Replay &);
  Replay (*parseReplay)(const std::string &text, const std::string &path);
  std::string (*printStableHlo)(const Graph &, const std::vector<InputName> &, const std::vector<const void *> &data);
  std::vector<TunableNumber> (*tunableNumbers)();
  std::vector<std::string> (*pipelineSteps)();
  void (*cancel)(bool); // ir/Cancel.h
  const char *version;  // part of every cache key
};

} // namespace weft

extern "C" const weft::CompilerApi *weft_compiler_api();
