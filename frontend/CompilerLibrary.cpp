#include "frontend/CompilerLibrary.h"

#include "frontend/Background.h"
#include "ir/OpTable.h"
#include "runtime/cpu/Features.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <link.h>
#include <set>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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

// Loading reads tens of megabytes of symbol tables and relocations which nobody needs again. Gives back the memory of
// what is only read, of every library loaded since `before`; what is needed after all comes back from the page cache.
static void releaseCleanPages(const std::set<std::string> &before) {
  dl_iterate_phdr(
      [](dl_phdr_info *info, size_t, void *context) {
        if (static_cast<const std::set<std::string> *>(context)->count(info->dlpi_name))
          return 0;
        const uintptr_t page = uintptr_t(sysconf(_SC_PAGESIZE));
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const ElfW(Phdr) &segment = info->dlpi_phdr[i];
          if (segment.p_type != PT_LOAD || segment.p_flags & PF_W)
            continue;
          uintptr_t begin = (info->dlpi_addr + segment.p_vaddr + page - 1) / page * page;
          uintptr_t end = (info->dlpi_addr + segment.p_vaddr + segment.p_memsz) / page * page;
          if (begin < end)
            madvise(reinterpret_cast<void *>(begin), end - begin, MADV_DONTNEED);
        }
        return 0;
      },
      const_cast<std::set<std::string> *>(&before));
}

static std::set<std::string> loadedLibraries() {
  std::set<std::string> names;
  dl_iterate_phdr(
      [](dl_phdr_info *info, size_t, void *context) {
        static_cast<std::set<std::string> *>(context)->insert(info->dlpi_name);
        return 0;
      },
      &names);
  return names;
}

static std::atomic<bool> loaded{false};
bool compilerLibraryLoaded() { return loaded; }

const CompilerApi &compilerLibrary() {
  static const CompilerApi *api = [] {
    std::string path = compilerLibraryPath();
    std::set<std::string> before = loadedLibraries();
    void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library)
      fail(UserError::Kind::Runtime, "compile",
           std::string("the compiler library cannot be opened: ") + dlerror() +
               "; set WEFT_COMPILER_LIBRARY to the path of libweft_compiler.so");
    releaseCleanPages(before);
    auto *entry = reinterpret_cast<const CompilerApi *(*)()>(dlsym(library, "weft_compiler_api"));
    if (!entry)
      fail(UserError::Kind::Runtime, "compile",
           path + " is not weft's compiler library: it has no weft_compiler_api; set WEFT_COMPILER_LIBRARY to the "
                  "right file");
    // Its static objects go when the process ends, after what still compiles then.
    std::atexit(endBackground);
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
    return text + ":" + hostIdentity();
  }();
  return identity;
}

} // namespace weft
