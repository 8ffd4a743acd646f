// What the command lines of the programs have in common.
#pragma once
#include "llvm/Support/CommandLine.h"

namespace weft {

// --help shows the options of `category`, --help-hidden those of LLVM too, and --version says weft's.
void parseCommandLine(int argc, char **argv, llvm::cl::OptionCategory &category, const char *overview);

} // namespace weft
