#include "runtime/cpu/Features.h"

#include <iterator>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#else
#include <fstream>
#include <sys/auxv.h>
#endif

namespace weft {

#if defined(__x86_64__)

static constexpr auto &hostTable = kX86Features;
const char *const kOldestCpu = "x86-64-v3";

// Of XCR0: the registers that the operating system keeps.
static uint64_t keptState() {
  constexpr unsigned kOsXsave = 1u << 27;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & kOsXsave))
    return 0;
  asm volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
  return uint64_t(d) << 32 | a;
}

// Linux (5.16 on) saves the registers of tiles for a process that asks, and its threads.
static bool mayUseTiles() {
  constexpr long kRequest = 0x1023, kTileData = 18; // ARCH_REQ_XCOMP_PERM, of XCR0
  static const bool may = syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
  return may;
}

static bool isHere(const X86Feature &feature) {
  static const uint64_t kept = keptState();
  if (feature.state == x86::kTiles && !mayUseTiles())
    return false;
  unsigned registers[4] = {};
  return __get_cpuid_count(feature.leaf, feature.subleaf, &registers[0], &registers[1], &registers[2], &registers[3]) &&
         (registers[feature.where] & feature.mask) >= feature.least && (kept & feature.state) == feature.state;
}

// Family, model and stepping.
static std::string model() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  __get_cpuid(1, &a, &b, &c, &d);
  return std::to_string(a);
}

#elif defined(__aarch64__)

static constexpr auto &hostTable = kAArch64Features;
const char *const kOldestCpu = "generic";

static bool isHere(const AArch64Feature &feature) {
  return (getauxval(feature.word ? AT_HWCAP2 : AT_HWCAP) & feature.bits) == feature.bits;
}

static std::string model() {
  std::string text;
  std::getline(std::ifstream("/sys/devices/system/cpu/cpu0/regs/identification/midr_el1"), text);
  return text;
}

#else
#error "weft runs on x86-64 and AArch64"
#endif

static_assert(std::size(hostTable) <= 64, "bits of WeftProgram::features");

uint64_t hostFeatures() {
  static const uint64_t here = [] {
    uint64_t bits = 0;
    for (size_t i = 0; i < std::size(hostTable); ++i)
      bits |= uint64_t(isHere(hostTable[i])) << i;
    return bits;
  }();
  return here;
}

std::string missingFeatures(uint64_t features) {
  std::string names;
  uint64_t missing = features & ~hostFeatures();
  for (size_t i = 0; i < 64; ++i)
    if (missing >> i & 1)
      names +=
          (names.empty() ? "" : ", ") + (i < std::size(hostTable) ? hostTable[i].name : "feature " + std::to_string(i));
  return names;
}

std::string hostIdentity() { return model() + ":" + std::to_string(hostFeatures()); }

} // namespace weft
