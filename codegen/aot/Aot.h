// Ahead of time: a graph in textual form becomes a shared object with a C interface and a header that describes it.
#pragma once
#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace weft {

struct AotOptions {
  std::string name;        // a C identifier, the prefix of the functions
  std::string weightsPath; // the safetensors file that holds the weights; empty where the module has none
  bool externalWeights = false;
  std::string cpu;           // as CompileOptions::cpu
  std::string runtimeFolder; // of libweft_runtime.a, and libweft_runtime_NAME.a for another architecture
  std::string source;        // named in the header
};

// The module's @main takes tensors; an argument's `weft.name` names it in C, `weft.weight` says that it is that tensor
// of the weights, `weft.state` that it is memory of an instance, which begins with that tensor, and `weft.generator`
// that it is the instance's random stream. A result that `weft.donations` gives to an argument is written there. A
// symbolic size becomes an int64_t parameter. The shared object is written to `path` when all is done; returns the
// header's text. Throws std::runtime_error.
std::string buildModel(mlir::ModuleOp module, const AotOptions &options, const std::string &path);

} // namespace weft
