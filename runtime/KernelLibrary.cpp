#include "runtime/KernelLibrary.h"

#include "runtime/Library.h"
#include "runtime/cpu/Features.h"

#include <algorithm>
#include <dlfcn.h>
#include <stdexcept>
#include <unistd.h>

namespace weft {

std::unique_ptr<KernelLibrary> KernelLibrary::open(const std::string &path, const std::string &compiler) {
  if (access(path.c_str(), R_OK) != 0)
    return nullptr;
  try {
    std::shared_ptr<void> handle = openLibrary(path);
    auto *table = static_cast<const WeftLibrary *>(dlsym(handle.get(), "weft_library"));
    if (!table || table->abiVersion != WEFT_ABI_VERSION || table->compiler != compiler ||
        !missingFeatures(table->features).empty())
      return nullptr;
    return std::unique_ptr<KernelLibrary>(new KernelLibrary(std::move(handle), table));
  } catch (const std::runtime_error &) { // damaged: what is in it is compiled
    return nullptr;
  }
}

const WeftProgram *KernelLibrary::find(Hash128 key) const {
  auto words = [](const WeftLibraryEntry &entry) { return std::pair(entry.key[0], entry.key[1]); };
  std::pair wanted(key.low, key.high);
  const WeftLibraryEntry *end = table->entries + table->count;
  const WeftLibraryEntry *found = std::lower_bound(
      table->entries, end, wanted, [&](const WeftLibraryEntry &entry, auto &key) { return words(entry) < key; });
  return found != end && words(*found) == wanted ? found->program : nullptr;
}

} // namespace weft
