#include "codegen/cpu/Library.h"

#include "codegen/cpu/Link.h"
#include "codegen/cpu/Program.h"
#include "runtime/Abi.h"

#include "llvm/Linker/Linker.h"

#include <algorithm>
#include <stdexcept>

using namespace llvm;

namespace weft::cpu {

LibraryPart::LibraryPart(const Target &target, int number)
    : target(target), prefix("weft_program_" + std::to_string(number) + "_"), module("weft", context) {
  target.prepare(module);
}

void LibraryPart::add(mlir::ModuleOp kernels, Plan &plan, std::array<uint64_t, 2> key) {
  std::unique_ptr<Module> own = writeKernels(kernels, target, context, &plan);
  writeProgram(*own, plan, target, Externs::Named);
  GlobalVariable *program = own->getNamedGlobal("weft_program");
  std::string symbol = prefix + std::to_string(entries.size());
  program->setName(symbol);
  program->setVisibility(GlobalValue::HiddenVisibility);
  if (Linker::linkModules(module, std::move(own)))
    throw std::runtime_error("[codegen] two programs of a library do not go together");
  entries.push_back({key, symbol});
}

std::string LibraryPart::object() {
  optimize(module, target);
  return emitObject(module, target);
}

std::string linkLibrary(ArrayRef<std::string> objects, std::vector<LibraryPart::Entry> entries,
                        const std::string &compiler, const Target &target) {
  std::sort(entries.begin(), entries.end());
  LLVMContext context;
  Module module("weft", context);
  target.prepare(module);
  Type *i32 = Type::getInt32Ty(context), *i64 = Type::getInt64Ty(context);
  auto constant = [&](Constant *value) {
    return new GlobalVariable(module, value->getType(), true, GlobalValue::PrivateLinkage, value);
  };
  std::vector<Constant *> rows;
  for (const LibraryPart::Entry &entry : entries) {
    auto *program = new GlobalVariable(module, i64, true, GlobalValue::ExternalLinkage, nullptr, entry.symbol);
    program->setVisibility(GlobalValue::HiddenVisibility);
    rows.push_back(ConstantStruct::getAnon(
        context, {ConstantInt::get(i64, entry.key[0]), ConstantInt::get(i64, entry.key[1]), program}));
  }
  if (rows.empty())
    throw std::runtime_error("[codegen] a library of no programs");
  Constant *table = constant(ConstantArray::get(ArrayType::get(rows[0]->getType(), rows.size()), rows));
  Constant *library =
      ConstantStruct::getAnon(context, {ConstantInt::get(i32, WEFT_ABI_VERSION), ConstantInt::get(i32, rows.size()),
                                        table, constant(ConstantDataArray::getString(context, compiler)),
                                        ConstantInt::get(i64, target.neededFeatures())});
  new GlobalVariable(module, library->getType(), true, GlobalValue::ExternalLinkage, library, "weft_library");
  std::vector<std::string> all = objects.vec();
  all.push_back(emitObject(module, target));
  return linkShared(all);
}

} // namespace weft::cpu
