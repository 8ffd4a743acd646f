#include "codegen/cpu/Target.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/X86TargetParser.h"

#include <mutex>
#include <stdexcept>

using namespace llvm;

namespace weft::cpu {

static std::string hostFeatures() {
  std::string text;
  for (auto &feature : sys::getHostCPUFeatures())
    text += (text.empty() ? "" : ",") + std::string(feature.second ? "+" : "-") + feature.first().str();
  return text;
}

static bool hasFeatures(StringRef cpu, ArrayRef<StringRef> wanted) {
  SmallVector<StringRef> features;
  X86::getFeaturesForCPU(cpu, features);
  return all_of(wanted, [&](StringRef feature) { return is_contained(features, feature); });
}

// The names that find() takes.
static std::string knownNames() {
  SmallVector<StringRef> names;
  X86::fillValidCPUArchList(names, /*Only64Bit=*/true);
  erase_if(names, [](StringRef name) { return !hasFeatures(name, {"avx2", "fma", "f16c"}); });
  return join(names, ", ");
}

void Target::checkRunsHere(const std::string &cpu) {
  SmallVector<StringRef> features;
  X86::getFeaturesForCPU(cpu, features);
  StringMap<bool> host = sys::getHostCPUFeatures();
  for (StringRef feature : features)
    if (auto found = host.find(feature); found != host.end() && !found->second)
      throw std::runtime_error("[codegen] this machine cannot run code for the CPU '" + cpu + "': it lacks " +
                               feature.str() + "; set WEFT_CPU to an older one, such as x86-64-v3, or not at all");
}

Target Target::find(const std::string &name) {
  static std::once_flag once;
  std::call_once(once, [] {
    InitializeNativeTarget();
    InitializeNativeTargetAsmPrinter();
  });
  Target result;
  result.cpu = name.empty() ? sys::getHostCPUName().str() : name;
  result.features = name.empty() ? hostFeatures() : "";
  if (X86::parseArchX86(result.cpu, /*Only64Bit=*/true) == X86::CK_None)
    throw std::runtime_error("[codegen] unknown CPU '" + result.cpu + "'; known are " + knownNames());

  Triple triple("x86_64-unknown-linux-gnu");
  std::string error;
  const llvm::Target *found = TargetRegistry::lookupTarget(triple, error);
  if (!found)
    throw std::runtime_error("[codegen] this build of LLVM has no x86-64 target: " + error);
  TargetOptions options;
  options.AllowFPOpFusion = FPOpFusion::Strict;
  options.TrapUnreachable = false;
  TargetMachine *machine = found->createTargetMachine(triple, result.cpu, result.features, options, Reloc::PIC_,
                                                      CodeModel::Small, CodeGenOptLevel::Default);
  result.machine.reset(machine);
  const MCSubtargetInfo &subtarget = *machine->getMCSubtargetInfo();
  if (!subtarget.checkFeatures("+avx2,+fma,+f16c"))
    throw std::runtime_error("[codegen] the CPU '" + result.cpu +
                             "' lacks AVX2, FMA or F16C; the oldest one supported is x86-64-v3");
  if (subtarget.checkFeatures("+avx512f,+avx512vl,+avx512bw,+avx512dq"))
    result.vectorBytes = 64;
  return result;
}

Target Target::clone() const {
  Target result = *this;
  const TargetMachine &m = *machine;
  result.machine.reset(m.getTarget().createTargetMachine(m.getTargetTriple(), cpu, features, m.Options, Reloc::PIC_,
                                                         CodeModel::Small, CodeGenOptLevel::Default));
  return result;
}

void Target::prepare(Module &module) const {
  module.setTargetTriple(machine->getTargetTriple());
  module.setDataLayout(machine->createDataLayout());
}

namespace {

// A quarter of the time of code generation would go to loop strength reduction, and the writer's loops are of the form
// it makes. It has no other switch than the command line's, which lld resets whenever it runs.
void switchOffStrengthReduction() {
  auto &options = cl::getRegisteredOptions();
  auto found = options.find("disable-lsr");
  if (found != options.end())
    static_cast<cl::opt<bool> *>(found->second)->setValue(true);
}

std::string emit(Module &module, const Target &target, CodeGenFileType kind) {
  switchOffStrengthReduction();
  SmallVector<char, 0> bytes;
  raw_svector_ostream out(bytes);
  legacy::PassManager passes;
  if (target.machine->addPassesToEmitFile(passes, out, nullptr, kind, /*DisableVerify=*/true))
    throw std::runtime_error("[codegen] LLVM cannot write this kind of file");
  passes.run(module);
  return std::string(bytes.begin(), bytes.end());
}

} // namespace

std::string emitObject(Module &module, const Target &target) {
  return emit(module, target, CodeGenFileType::ObjectFile);
}
std::string emitAssembly(Module &module, const Target &target) {
  return emit(module, target, CodeGenFileType::AssemblyFile);
}

} // namespace weft::cpu
