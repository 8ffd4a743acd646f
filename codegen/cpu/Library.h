// Many programs as one shared object that exports `weft_library` (runtime/Abi.h).
#pragma once
#include "codegen/cpu/Target.h"
#include "codegen/plan/Plan.h"

#include "mlir/IR/BuiltinOps.h"

#include <array>

namespace weft::cpu {

// Programs that one thread makes: they share a module.
class LibraryPart {
public:
  // `number` tells the parts of a library apart.
  LibraryPart(const Target &target, int number);
  void add(mlir::ModuleOp kernels, Plan &plan, std::array<uint64_t, 2> key);
  std::string object();

  struct Entry {
    std::array<uint64_t, 2> key;
    std::string symbol; // of the program
    bool operator<(const Entry &o) const { return key < o.key; }
  };
  std::vector<Entry> entries;

private:
  const Target &target;
  const std::string prefix;
  llvm::LLVMContext context;
  llvm::Module module;
};

// The bytes of the shared object.
std::string linkLibrary(llvm::ArrayRef<std::string> objects, std::vector<LibraryPart::Entry> entries,
                        const std::string &compiler, const Target &target);

} // namespace weft::cpu
