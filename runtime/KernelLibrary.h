// A shared object of many programs (WeftLibrary in runtime/Abi.h), found by key.
#pragma once
#include "runtime/Abi.h"
#include "runtime/Hash.h"

#include <memory>
#include <string>

namespace weft {

class KernelLibrary {
public:
  // Null where there is none at the path, or one of another compiler or for a processor that has more than this one.
  static std::unique_ptr<KernelLibrary> open(const std::string &path, const std::string &compiler);
  // Null where there is none. Good as long as the library.
  const WeftProgram *find(Hash128 key) const;

private:
  KernelLibrary(std::shared_ptr<void> handle, const WeftLibrary *table) : handle(std::move(handle)), table(table) {}
  std::shared_ptr<void> handle;
  const WeftLibrary *table;
};

} // namespace weft
