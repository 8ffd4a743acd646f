// weft-aot model.mlir -o model.so --header model.h: a model without Python. The command is the compiler library's.
#include "codegen/aot/Command.h"

#include <filesystem>

int main(int argc, char **argv) {
  std::string folder = std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
  return weft_aot_command(argc, argv, folder.c_str());
}
