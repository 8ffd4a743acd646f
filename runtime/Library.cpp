#include "runtime/Library.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>

namespace weft {
namespace {

struct FileDescriptor {
  int number;
  ~FileDescriptor() { close(number); }
};

// The loader takes two files of one path for the same library, and descriptor numbers are reused; so each load spells
// the path to its descriptor in its own way, "/" for a zero bit of a counter and "/." for a one.
std::string uniquePath(int descriptor) {
  static std::atomic<uint64_t> counter{1};
  std::string path = "/proc/self/fd";
  for (uint64_t n = counter++; n; n >>= 1)
    path += n & 1 ? "/." : "/";
  return path + "/" + std::to_string(descriptor);
}

} // namespace

std::shared_ptr<void> openLibrary(const std::string &path) {
  void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *text = dlerror();
    throw std::runtime_error("[executable] cannot load compiled code from '" + path +
                             "': " + (text ? text : "unknown error"));
  }
  return std::shared_ptr<void>(handle, [](void *h) { dlclose(h); });
}

std::shared_ptr<void> openLibrary(const void *data, size_t bytes) {
  FileDescriptor file{memfd_create("weft", MFD_CLOEXEC)};
  size_t written = 0;
  while (file.number >= 0 && written < bytes) {
    ssize_t n = write(file.number, static_cast<const char *>(data) + written, bytes - written);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      break;
    written += size_t(n);
  }
  if (file.number < 0 || written < bytes)
    throw std::runtime_error(std::string("[executable] cannot hold compiled code in memory: ") + std::strerror(errno) +
                             "; set WEFT_CACHE_DIR to a writable folder so that it is loaded from there");
  return openLibrary(uniquePath(file.number));
}

} // namespace weft
