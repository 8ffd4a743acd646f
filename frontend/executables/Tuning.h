// Autotuning, which WEFT_TUNE=1 asks for: a program whose sizes are known is compiled with other numbers of the cost
// model (codegen/schedule/CostModel.h), and the quickest is kept, on disk too. Schedules decide no bits, so no result
// changes.
#pragma once
#include "codegen/Compiler.h"

namespace weft {

bool tuningAsked();
// The machine code of the quickest of the programs that the graph compiles to, found one number after the other; says
// on stderr how far it is. Takes a compilation and some twenty runs for each value that makes a difference; the runs'
// inputs are zeros. Throws what compiling throws, and OutOfMemory.
std::string tunedProgram(const Graph &graph, CompileOptions options);

} // namespace weft
