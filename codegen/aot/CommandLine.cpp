#include "codegen/aot/CommandLine.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/raw_ostream.h"

namespace cl = llvm::cl;

void weft::parseCommandLine(int argc, char **argv, cl::OptionCategory &category, const char *overview) {
  // LLVM takes whatever begins with the letter of an option without a value for several such options, so that its own
  // -h would show the help for `--heder=x.h`. This one, with a value, takes its place.
  static cl::opt<std::string> h("h", cl::ReallyHidden);
  cl::SetVersionPrinter(
      [](llvm::raw_ostream &out) { out << "weft " WEFT_VERSION " (LLVM " LLVM_VERSION_STRING ")\n"; });
  auto belongs = [&](cl::OptionCategory *other) { return other == &category || other->getName() == "Generic Options"; };
  for (auto &[name, option] : cl::getRegisteredOptions())
    if (option->getOptionHiddenFlag() == cl::NotHidden && llvm::none_of(option->Categories, belongs))
      option->setHiddenFlag(cl::Hidden);
  for (char *&argument : llvm::MutableArrayRef<char *>(argv, size_t(argc)))
    if (llvm::StringRef(argument) == "-h")
      argument = const_cast<char *>("--help");
  cl::ParseCommandLineOptions(argc, argv, overview);
}
