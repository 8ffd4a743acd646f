// The floating-point mode that results are defined in: rounding to nearest, subnormal numbers kept, no exception traps.
//
// The mode is the thread's, and whoever calls may have changed it: a library linked with -ffast-math flushes subnormal
// numbers in every process that loads it, and so does torch.set_flush_denormal(). So whatever computes a result, be it
// generated code or the conversion of a number, does so within the life of a StandardFloatMode, behind a call or from
// memory to memory: the compiler does not know that arithmetic depends on the mode.
#pragma once
#include <cstdint>

namespace weft {

// Sets the mode of this thread while it lives; then the mode is what it was. Where it was right all along this costs a
// read of the register, which is why it is only written where it differs.
class StandardFloatMode {
public:
  StandardFloatMode() : found(read()) {
    if (__builtin_expect(!isStandard(found), 0))
      write(kStandard);
  }
  ~StandardFloatMode() {
    if (__builtin_expect(!isStandard(found), 0))
      write(found);
  }
  StandardFloatMode(const StandardFloatMode &) = delete;
  StandardFloatMode &operator=(const StandardFloatMode &) = delete;

private:
#if defined(__x86_64__)
  using Register = uint32_t;                        // MXCSR
  static constexpr Register kStandard = 0x1f80;     // all exceptions masked
  static constexpr Register kRaisedExceptions = 63; // say what happened, not what is to be done
  static Register read() { return __builtin_ia32_stmxcsr(); }
  static void write(Register value) { asm volatile("ldmxcsr %0" : : "m"(value) : "memory"); }
#elif defined(__aarch64__)
  using Register = uint64_t; // FPCR; the exceptions raised are in a register of their own
  static constexpr Register kStandard = 0, kRaisedExceptions = 0;
  static Register read() {
    Register value;
    asm volatile("mrs %0, fpcr" : "=r"(value));
    return value;
  }
  static void write(Register value) { asm volatile("msr fpcr, %0" : : "r"(value) : "memory"); }
#endif
  static bool isStandard(Register value) { return (value & ~kRaisedExceptions) == kStandard; }

  const Register found;
};

} // namespace weft
