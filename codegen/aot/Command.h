// weft-aot model.mlir -o model.so --header model.h: a model without Python.
#pragma once
#include <string>

namespace weft {

// The program's exit status. Once in a process, which `--help` and errors of the command line end: the options are
// LLVM's, global. runtimeFolder: of libweft_runtime.a.
int aotCommand(int argc, char **argv, const std::string &runtimeFolder);

} // namespace weft

// The same, of libweft_compiler.so.
extern "C" int weft_aot_command(int argc, char **argv, const char *runtimeFolder);
