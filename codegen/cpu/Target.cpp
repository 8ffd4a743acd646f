#include "codegen/cpu/Target.h"
#include "ir/Cancel.h"

#include "llvm/IR/Instructions.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Pass.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/TargetParser/Host.h"

#include <stdexcept>

using namespace llvm;

namespace weft::cpu {

static std::string hostFeatureText() {
  std::string text;
  for (auto &feature : sys::getHostCPUFeatures())
    text += (text.empty() ? "" : ",") + std::string(feature.second ? "+" : "-") + feature.first().str();
  return text + Architecture::refusedFeatures();
}

Target Target::find(const std::string &text) {
  Target result;
  auto [name, features] = StringRef(text).split(',');
  result.cpu = text.empty() ? sys::getHostCPUName().str() : name.str();
  result.features = text.empty() ? hostFeatureText() : features.str();
  const Architecture &architecture = text.empty() ? Architecture::host() : Architecture::of(result.cpu);
  result.architecture = &architecture;
  architecture.initialize();

  std::string error;
  const llvm::Target *found = TargetRegistry::lookupTarget(architecture.triple, error);
  if (!found)
    throw std::runtime_error("[codegen] this build of LLVM lacks a target: " + error);
  TargetOptions options;
  options.AllowFPOpFusion = FPOpFusion::Strict;
  options.TrapUnreachable = false;
  TargetMachine *machine = found->createTargetMachine(architecture.triple, result.cpu, result.features, options,
                                                      Reloc::PIC_, CodeModel::Small, CodeGenOptLevel::Default);
  result.machine.reset(machine);
  const MCSubtargetInfo &subtarget = *machine->getMCSubtargetInfo();
  if (!subtarget.checkFeatures(architecture.needed))
    throw std::runtime_error("[codegen] the CPU '" + result.cpu + "' lacks " + architecture.neededText +
                             "; the oldest one supported is " + architecture.oldest);
  result.vectorBytes = architecture.vectorBytes(subtarget);
  result.vectorRegisters = architecture.vectorRegisters(subtarget);
  result.maskedBits = architecture.maskedBits(subtarget);
  result.dotsPairs = architecture.dotsPairs(subtarget);
  result.multipliesTiles = architecture.multipliesTiles(subtarget);
  return result;
}

uint64_t Target::neededFeatures() const { return architecture->features(*machine->getMCSubtargetInfo()); }

std::string Target::name() const { return std::string(architecture->name) + " " + cpu; }

std::string Target::thisMachine() {
  Target named = find(sys::getHostCPUName().str());
  std::string text = named.cpu;
  for (auto &[feature, has] : sys::getHostCPUFeatures())
    if (named.machine->getMCSubtargetInfo()->checkFeatures("+" + feature.str()) != has)
      text += (has ? ",+" : ",-") + feature.str();
  return text;
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

// Three of the code generator's passes. A quarter of its time would go to loop strength reduction, and the writer's
// loops are of the form it makes. Another takes constants out of loops, more of them than there are registers, and what
// is computed goes to the stack instead (GELU: 10.2 ns for 16 elements, 8.7 without); as operands in memory constants
// cost nothing. The third puts instructions into an order again after registers are given to them: processors that look
// ahead gain nothing (Zen 5: 1 to 2 % slower in GELU, layer norm and ew_chain), and it takes a fifteenth of the time.
// They have no other switch than the command line's, which lld resets whenever it runs.
void switchOffPasses() {
  auto &options = cl::getRegisteredOptions();
  for (const char *name : {"disable-lsr", "disable-machine-licm", "disable-post-ra"})
    if (auto found = options.find(name); found != options.end())
      static_cast<cl::opt<bool> *>(found->second)->setValue(true);
}

// The code generator cannot be stopped: functions that are still to come lose their bodies.
class EmptyWhenCancelled : public FunctionPass {
public:
  EmptyWhenCancelled() : FunctionPass(ID) {}
  StringRef getPassName() const override { return "empty functions when cancelled"; }
  bool runOnFunction(Function &function) override {
    if (!isCompilationCancelled())
      return false;
    function.deleteBody();
    new UnreachableInst(function.getContext(), BasicBlock::Create(function.getContext(), "", &function));
    return true;
  }

private:
  static char ID;
};
char EmptyWhenCancelled::ID = 0;

std::string emit(Module &module, const Target &target, CodeGenFileType kind) {
  switchOffPasses();
  SmallVector<char, 0> bytes;
  raw_svector_ostream out(bytes);
  legacy::PassManager passes;
  passes.add(new EmptyWhenCancelled);
  if (target.machine->addPassesToEmitFile(passes, out, nullptr, kind, /*DisableVerify=*/true))
    throw std::runtime_error("[codegen] LLVM cannot write this kind of file");
  passes.run(module);
  checkCancelled();
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
