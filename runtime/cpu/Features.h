// The features of processors that generated code may need, as bits of WeftProgram::features: bit i is the i-th of the
// architecture's table here. The code generator records those that its target has, under LLVM's names; the run time
// asks the processor for them before anything runs. What no table names, generated code does not use of its own accord:
// cryptography, system instructions.
#pragma once
#include <cstdint>
#include <string>

namespace weft {

// cpuid tells: there where, in a register of a leaf, what the mask leaves is at least `least`, and the operating system
// keeps the registers it needs (bits of XCR0). Tiles it keeps for a process that has asked, as the first look here
// does.
struct X86Feature {
  enum Register { EAX, EBX, ECX, EDX };
  const char *name;
  uint32_t leaf, subleaf;
  Register where;
  uint32_t mask, least;
  uint32_t state;
};

namespace x86 {
constexpr uint32_t kAvx = 0x6, kAvx512 = 0xe6, kTiles = 0x60000, kApx = 0x80000; // of XCR0
constexpr X86Feature bit(const char *name, uint32_t leaf, uint32_t subleaf, X86Feature::Register where, int number,
                         uint32_t state = 0) {
  return {name, leaf, subleaf, where, 1u << number, 1u << number, state};
}
} // namespace x86

inline constexpr X86Feature kX86Features[] = {
    x86::bit("sse3", 1, 0, X86Feature::ECX, 0),
    x86::bit("pclmul", 1, 0, X86Feature::ECX, 1),
    x86::bit("ssse3", 1, 0, X86Feature::ECX, 9),
    x86::bit("fma", 1, 0, X86Feature::ECX, 12, x86::kAvx),
    x86::bit("sse4.1", 1, 0, X86Feature::ECX, 19),
    x86::bit("sse4.2", 1, 0, X86Feature::ECX, 20),
    x86::bit("movbe", 1, 0, X86Feature::ECX, 22),
    x86::bit("popcnt", 1, 0, X86Feature::ECX, 23),
    x86::bit("avx", 1, 0, X86Feature::ECX, 28, x86::kAvx),
    x86::bit("f16c", 1, 0, X86Feature::ECX, 29, x86::kAvx),
    x86::bit("bmi", 7, 0, X86Feature::EBX, 3),
    x86::bit("avx2", 7, 0, X86Feature::EBX, 5, x86::kAvx),
    x86::bit("bmi2", 7, 0, X86Feature::EBX, 8),
    x86::bit("avx512f", 7, 0, X86Feature::EBX, 16, x86::kAvx512),
    x86::bit("avx512dq", 7, 0, X86Feature::EBX, 17, x86::kAvx512),
    x86::bit("avx512ifma", 7, 0, X86Feature::EBX, 21, x86::kAvx512),
    x86::bit("avx512cd", 7, 0, X86Feature::EBX, 28, x86::kAvx512),
    x86::bit("avx512bw", 7, 0, X86Feature::EBX, 30, x86::kAvx512),
    x86::bit("avx512vl", 7, 0, X86Feature::EBX, 31, x86::kAvx512),
    x86::bit("avx512vbmi", 7, 0, X86Feature::ECX, 1, x86::kAvx512),
    x86::bit("avx512vbmi2", 7, 0, X86Feature::ECX, 6, x86::kAvx512),
    x86::bit("gfni", 7, 0, X86Feature::ECX, 8),
    x86::bit("vpclmulqdq", 7, 0, X86Feature::ECX, 10, x86::kAvx),
    x86::bit("avx512vnni", 7, 0, X86Feature::ECX, 11, x86::kAvx512),
    x86::bit("avx512bitalg", 7, 0, X86Feature::ECX, 12, x86::kAvx512),
    x86::bit("avx512vpopcntdq", 7, 0, X86Feature::ECX, 14, x86::kAvx512),
    x86::bit("avx512fp16", 7, 0, X86Feature::EDX, 23, x86::kAvx512),
    x86::bit("avxvnni", 7, 1, X86Feature::EAX, 4, x86::kAvx),
    x86::bit("avx512bf16", 7, 1, X86Feature::EAX, 5, x86::kAvx512),
    x86::bit("avxifma", 7, 1, X86Feature::EAX, 23, x86::kAvx),
    x86::bit("avxvnniint8", 7, 1, X86Feature::EDX, 4, x86::kAvx),
    x86::bit("avxneconvert", 7, 1, X86Feature::EDX, 5, x86::kAvx),
    x86::bit("avxvnniint16", 7, 1, X86Feature::EDX, 10, x86::kAvx),
    x86::bit("avx10.1", 7, 1, X86Feature::EDX, 19, x86::kAvx512),
    {"avx10.2", 0x24, 0, X86Feature::EBX, 0xff, 2, x86::kAvx512}, // the version
    x86::bit("egpr", 7, 1, X86Feature::EDX, 21, x86::kApx),       // APX: its other parts come with it
    x86::bit("lzcnt", 0x80000001, 0, X86Feature::ECX, 5),
    x86::bit("sse4a", 0x80000001, 0, X86Feature::ECX, 6),
    x86::bit("xop", 0x80000001, 0, X86Feature::ECX, 11, x86::kAvx),
    x86::bit("fma4", 0x80000001, 0, X86Feature::ECX, 16, x86::kAvx),
    x86::bit("tbm", 0x80000001, 0, X86Feature::ECX, 21),
    x86::bit("amx-bf16", 7, 0, X86Feature::EDX, 22, x86::kTiles),
    x86::bit("amx-tile", 7, 0, X86Feature::EDX, 24, x86::kTiles),
    x86::bit("amx-int8", 7, 0, X86Feature::EDX, 25, x86::kTiles),
};

// The kernel tells: all of these bits are in the auxiliary vector's HWCAP (0) or HWCAP2 (1).
struct AArch64Feature {
  const char *name;
  int word;
  uint64_t bits;
};

inline constexpr AArch64Feature kAArch64Features[] = {
    {"neon", 0, 1ull << 0 | 1ull << 1},
    {"aes", 0, 1ull << 3 | 1ull << 4},
    {"sha2", 0, 1ull << 5 | 1ull << 6},
    {"crc", 0, 1ull << 7},
    {"lse", 0, 1ull << 8},
    {"fullfp16", 0, 1ull << 9 | 1ull << 10},
    {"rdm", 0, 1ull << 12},
    {"jsconv", 0, 1ull << 13},
    {"complxnum", 0, 1ull << 14},
    {"rcpc", 0, 1ull << 15},
    {"sha3", 0, 1ull << 17},
    {"dotprod", 0, 1ull << 20},
    {"sve", 0, 1ull << 22},
    {"fp16fml", 0, 1ull << 23},
    {"flagm", 0, 1ull << 27},
    {"sve2", 1, 1ull << 1},
    {"altnzcv", 1, 1ull << 7},
    {"fptoint", 1, 1ull << 8},
    {"i8mm", 1, 1ull << 13},
    {"bf16", 1, 1ull << 14},
    {"cssc", 1, 1ull << 34},
    {"mops", 1, 1ull << 43},
    {"lut", 1, 1ull << 49},
    {"faminmax", 1, 1ull << 50},
};

// Those that this machine has, in the order of its architecture's table.
uint64_t hostFeatures();
// "avx512f, avx512vl": those of `features` that this machine lacks; empty: none.
std::string missingFeatures(uint64_t features);
// LLVM's name of the oldest processor that code is generated for, of this machine's architecture.
extern const char *const kOldestCpu;
// Tells machines apart for which the compiler may generate different code.
std::string hostIdentity();

} // namespace weft
