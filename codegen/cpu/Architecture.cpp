#include "codegen/cpu/Architecture.h"

#include "runtime/cpu/Features.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/AArch64TargetParser.h"
#include "llvm/TargetParser/X86TargetParser.h"

#include <mutex>
#include <stdexcept>

using namespace llvm;

namespace weft::cpu {

static const Architecture &x86() {
  static const Architecture architecture{"x86-64",           Triple("x86_64-unknown-linux-gnu"),
                                         "x86-64",           "x86-64-v3",
                                         "+avx2,+fma,+f16c", "AVX2, FMA or F16C",
                                         "x86_64-linux-gnu", "amd64"};
  return architecture;
}

static const Architecture &aarch64() {
  static const Architecture architecture{
      "aarch64", Triple("aarch64-unknown-linux-gnu"), "generic", "generic", "+neon", "NEON", "aarch64-linux-gnu",
      "arm64"};
  return architecture;
}

static std::string knownX86() {
  SmallVector<StringRef> names;
  X86::fillValidCPUArchList(names, /*Only64Bit=*/true);
  erase_if(names, [](StringRef name) {
    SmallVector<StringRef> features;
    X86::getFeaturesForCPU(name, features);
    return !is_contained(features, "avx2") || !is_contained(features, "fma") || !is_contained(features, "f16c");
  });
  return join(names, ", ");
}

static std::string knownAArch64() {
  SmallVector<StringRef> names;
  AArch64::fillValidCPUArchList(names);
  return join(names, ", ");
}

const Architecture &Architecture::of(const std::string &cpu) {
  if (X86::parseArchX86(cpu, /*Only64Bit=*/true) != X86::CK_None)
    return x86();
  if (AArch64::parseCpu(cpu))
    return aarch64();
  throw std::runtime_error("[codegen] unknown CPU '" + cpu + "'; known are, of x86-64, " + knownX86() +
                           "; of AArch64, " + knownAArch64());
}

const Architecture &Architecture::host() {
#if defined(__aarch64__)
  return aarch64();
#else
  return x86();
#endif
}

std::string Architecture::refusedFeatures() {
  std::string text;
#if defined(__x86_64__)
  for (auto [i, feature] : enumerate(kX86Features))
    if (!(hostFeatures() >> i & 1))
      text += std::string(",-") + feature.name;
#endif
  return text;
}

void Architecture::initialize() const {
  static std::once_flag x86Once, aarch64Once;
  if (triple.isX86())
    std::call_once(x86Once, [] {
      LLVMInitializeX86TargetInfo();
      LLVMInitializeX86Target();
      LLVMInitializeX86TargetMC();
      LLVMInitializeX86AsmPrinter();
    });
  else
    std::call_once(aarch64Once, [] {
      LLVMInitializeAArch64TargetInfo();
      LLVMInitializeAArch64Target();
      LLVMInitializeAArch64TargetMC();
      LLVMInitializeAArch64AsmPrinter();
    });
}

template <class Table> static uint64_t bitsOf(const Table &table, const MCSubtargetInfo &subtarget) {
  uint64_t bits = 0;
  for (auto [i, feature] : enumerate(table))
    bits |= uint64_t(subtarget.checkFeatures(std::string("+") + feature.name)) << i;
  return bits;
}

uint64_t Architecture::features(const MCSubtargetInfo &subtarget) const {
  return triple.isX86() ? bitsOf(kX86Features, subtarget) : bitsOf(kAArch64Features, subtarget);
}

int Architecture::vectorBytes(const MCSubtargetInfo &subtarget) const {
  if (!triple.isX86())
    return 16;
  return subtarget.checkFeatures("+avx512f,+avx512vl,+avx512bw,+avx512dq") ? 64 : 32;
}

int Architecture::vectorRegisters(const MCSubtargetInfo &subtarget) const {
  return triple.isX86() && vectorBytes(subtarget) < 64 ? 16 : 32;
}

unsigned Architecture::maskedBits(const MCSubtargetInfo &subtarget) const {
  if (!triple.isX86())
    return UINT_MAX; // none do
  return vectorBytes(subtarget) < 64 ? 32 : 8;
}

bool Architecture::dotsPairs(const MCSubtargetInfo &subtarget) const {
  return triple.isX86() && vectorBytes(subtarget) == 64 && subtarget.checkFeatures("+avx512bf16");
}

bool Architecture::multipliesTiles(const MCSubtargetInfo &subtarget) const {
  return dotsPairs(subtarget) && subtarget.checkFeatures("+amx-tile,+amx-bf16");
}

} // namespace weft::cpu
