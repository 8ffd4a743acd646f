#include "tools/weft-reduce/ReplayFile.h"

#include "frontend/executables/CompilerLibrary.h"
#include "frontend/trace/FaultSearch.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>

namespace weft {

static const CompilerApi &compiler() {
  std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe");
  std::string beside = (program.parent_path().parent_path() / WEFT_COMPILER_LIBRARY).string();
  setenv("WEFT_COMPILER_LIBRARY", beside.c_str(), /*overwrite=*/0);
  return compilerLibrary();
}

Replay readReplay(const std::string &path) {
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file)
      throw std::runtime_error("cannot read " + path);
  }
  std::string text(std::istreambuf_iterator<char>(path == "-" ? std::cin : file), {});
  try {
    return compiler().parseReplay(text, path);
  } catch (const std::runtime_error &problem) {
    throw std::runtime_error(path + ": " + problem.what());
  }
}

std::string machineCodeOf(const Replay &program) { return compiler().compile(program.graph, program.options); }

// By which pass, and in which ops.
static std::string faultOf(const FaultSearch &search) {
  return "by " + FaultSearch::passAfter(search.steps()) + ", of " + search.ops();
}

std::string differenceOf(const Replay &program) {
  FaultSearch search(program);
  std::string how = search.difference();
  return how.empty() || !search.narrow() ? how : how + "; " + faultOf(search);
}

std::string reduced(const Replay &program) {
  FaultSearch search(program);
  if (!search.narrow())
    throw std::runtime_error("the program's bits are those of its ops one by one: there is nothing to look for");
  return "// A fault of " + faultOf(search).substr(3) + "; " + compiler().version + "\n" +
         compiler().printReplay(search.part());
}

} // namespace weft
