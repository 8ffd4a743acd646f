// weft-reduce program.mlir -o smaller.mlir is weft-opt --reduce, which lies beside it.
#include <cstdio>
#include <filesystem>
#include <unistd.h>
#include <vector>

int main(int argc, char **argv) {
  std::string opt = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "weft-opt";
  std::vector<char *> arguments(argv, argv + argc + 1);
  char reduce[] = "--reduce";
  arguments.insert(arguments.begin() + 1, reduce);
  execv(opt.c_str(), arguments.data());
  std::perror(opt.c_str());
  return 1;
}
