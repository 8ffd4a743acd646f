#include "frontend/executables/CompilerLibrary.h"

#include "ir/OpTable.h"
#include "runtime/cpu/Features.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
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
    loaded = true;
    return entry();
  }();
  return *api;
}

// The note of type GNU_BUILD_ID of an ELF file, in hexadecimal digits.
static std::string buildIdOf(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  auto read = [&](uint64_t at, void *to, size_t bytes) {
    file.seekg(std::streamoff(at));
    return bool(file.read(static_cast<char *>(to), std::streamsize(bytes)));
  };
  ElfW(Ehdr) header;
  ElfW(Phdr) segment;
  if (!read(0, &header, sizeof header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    return "";
  for (int i = 0; i < header.e_phnum; ++i) {
    if (!read(header.e_phoff + uint64_t(i) * header.e_phentsize, &segment, sizeof segment) || segment.p_type != PT_NOTE)
      continue;
    ElfW(Nhdr) note;
    auto padded = [](uint64_t bytes) { return (bytes + 3) / 4 * 4; };
    for (uint64_t at = segment.p_offset, end = at + segment.p_filesz; at + sizeof note <= end;
         at += sizeof note + padded(note.n_namesz) + padded(note.n_descsz)) {
      unsigned char id[64];
      if (!read(at, &note, sizeof note))
        break;
      if (note.n_type != NT_GNU_BUILD_ID || note.n_descsz > sizeof id ||
          !read(at + sizeof note + padded(note.n_namesz), id, note.n_descsz))
        continue;
      std::string text;
      for (size_t k = 0; k < note.n_descsz; ++k)
        for (int digit : {id[k] >> 4, id[k] & 15})
          text += "0123456789abcdef"[digit];
      return text;
    }
  }
  return "";
}

const std::string &compilerBuild() {
  static const std::string &build = *new std::string(buildIdOf(compilerLibraryPath()));
  return build;
}

// Strings that outlive threads which compile while the process ends.
const std::string &compilerIdentity() {
  static const std::string &identity = *new std::string([] {
    std::string text = "weft1:" + compilerBuild();
    struct stat file;
    std::memset(&file, 0, sizeof(file));
    if (compilerBuild().empty() && stat(compilerLibraryPath().c_str(), &file) == 0)
      text += ":" + std::to_string(file.st_size) + ":" + std::to_string(file.st_mtim.tv_sec) + "." +
              std::to_string(file.st_mtim.tv_nsec);
    return text + ":" + hostIdentity();
  }());
  return identity;
}

} // namespace weft
