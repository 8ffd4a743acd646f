// Memory that programs under AddressSanitizer may not, or may, reach. Without it nothing happens.
#pragma once
#include <cstddef>
#include <dlfcn.h>

namespace hostgpu {

using Mark = void (*)(const volatile void *, size_t);

inline void forbid(const void *memory, size_t bytes) {
  static const auto mark = reinterpret_cast<Mark>(dlsym(RTLD_DEFAULT, "__asan_poison_memory_region"));
  if (mark)
    mark(memory, bytes);
}
inline void permit(const void *memory, size_t bytes) {
  static const auto mark = reinterpret_cast<Mark>(dlsym(RTLD_DEFAULT, "__asan_unpoison_memory_region"));
  if (mark)
    mark(memory, bytes);
}

} // namespace hostgpu
