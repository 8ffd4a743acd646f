#include "frontend/CompilerLibrary.h"

#include "frontend/Background.h"
#include "ir/OpTable.h"

#include <atomic>
#include <cpuid.h>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <sys/stat.h>

namespace weft {

std::string compilerLibraryPath() {
  if (const char *path = std::getenv("WEFT_COMPILER_LIBRARY"); path && *path)
    return path;
  Dl_info module;
  if (!dladdr(reinterpret_cast<void *>(&compilerLibraryPath), &module) || !module.dli_fname)
    return "libweft_compiler.so";
  std::string file = module.dli_fname;
  size_t slash = file.rfind('/');
  return (slash == std::string::npos ? std::string() : file.substr(0, slash + 1)) + "libweft_compiler.so";
}

static std::atomic<bool> loaded{false};
bool compilerLibraryLoaded() { return loaded; }

const CompilerApi &compilerLibrary() {
  static const CompilerApi *api = [] {
    std::string path = compilerLibraryPath();
    void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library)
      fail(UserError::Kind::Runtime, "compile",
           std::string("the compiler library cannot be opened: ") + dlerror() +
               "; set WEFT_COMPILER_LIBRARY to the path of libweft_compiler.so");
    auto *entry = reinterpret_cast<const CompilerApi *(*)()>(dlsym(library, "weft_compiler_api"));
    if (!entry)
      fail(UserError::Kind::Runtime, "compile",
           path + " is not weft's compiler library: it has no weft_compiler_api; set WEFT_COMPILER_LIBRARY to the "
                  "right file");
    // Its static objects go when the process ends, after what still compiles then.
    std::atexit(waitForBackground);
    loaded = true;
    return entry();
  }();
  return *api;
}

const std::string &compilerIdentity() {
  static const std::string identity = [] {
    std::string text = "weft1";
    struct stat file;
    std::memset(&file, 0, sizeof(file));
    if (stat(compilerLibraryPath().c_str(), &file) == 0)
      text += ":" + std::to_string(file.st_size) + ":" + std::to_string(file.st_mtim.tv_sec) + "." +
              std::to_string(file.st_mtim.tv_nsec);
    // Family, model and features, without the parts of leaf 1 that differ from core to core.
    unsigned a = 0, b = 0, c = 0, d = 0;
    __get_cpuid(1, &a, &b, &c, &d);
    text += ":" + std::to_string(a) + "." + std::to_string(c & ~(1u << 27)) + "." + std::to_string(d);
    __get_cpuid_count(7, 0, &a, &b, &c, &d);
    text += "." + std::to_string(b) + "." + std::to_string(c) + "." + std::to_string(d);
    return text;
  }();
  return identity;
}

} // namespace weft
