// weft-reduce program.mlir -o smaller.mlir: takes from a program that compile(check=True) left whatever its results
// differ without from those of its ops one by one. With --replay, as which weft-opt calls it, it compiles the program
// as the file says.
#include "codegen/aot/CommandLine.h"
#include "codegen/aot/WriteFile.h"
#include "tools/weft-reduce/ReplayFile.h"

#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

#include <stdexcept>

namespace cl = llvm::cl;

static cl::OptionCategory category("weft-reduce options");
static cl::opt<std::string> input(cl::Positional, cl::desc("<program.mlir>"), cl::init("-"), cl::cat(category));
static cl::opt<std::string> output("o", cl::desc("The file to write; standard output if not given"),
                                   cl::value_desc("file"), cl::init("-"), cl::cat(category));
static cl::opt<bool> replays("replay",
                             cl::desc("Write the program's shared object to the output; without one run it, and say "
                                      "whether its bits are those of its ops one by one (exit status 0) or not (1)"),
                             cl::cat(category));

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  weft::parseCommandLine(argc, argv, category, "weft-reduce: makes a program that gives wrong bits a small one\n");
  const std::string from = input, to = output;
  try {
    weft::Replay program = weft::readReplay(from);
    if (replays && to == "-") {
      std::string difference = weft::differenceOf(program);
      llvm::outs() << (difference.empty() ? "the bits agree" : "the bits differ in " + difference) << "\n";
      return !difference.empty();
    }
    weft::checkNoSource(to, {from});
    weft::writeFile(to, replays ? weft::machineCodeOf(program) : weft::reduced(program));
  } catch (const std::exception &problem) {
    llvm::errs() << (replays ? "weft-opt: " : "weft-reduce: ") << problem.what() << "\n";
    return 2;
  }
  return 0;
}
