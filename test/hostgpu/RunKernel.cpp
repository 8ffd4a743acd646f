#include "RunKernel.h"

#include "Forbidden.h"

#include <csetjmp>
#include <csignal>
#include <immintrin.h>
#include <sys/mman.h>

namespace hostgpu {

static sigjmp_buf comeBack;
static volatile int caught;

static void onSignal(int signal) {
  caught = signal;
  siglongjmp(comeBack, 1);
}

// While it lives, faults end the kernel instead of the process.
struct Faults {
  static constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
  struct sigaction before[4];
  Faults() {
    struct sigaction action = {};
    action.sa_handler = onSignal;
    for (int i = 0; i < 4; ++i)
      sigaction(kSignals[i], &action, &before[i]);
  }
  ~Faults() {
    for (int i = 0; i < 4; ++i)
      sigaction(kSignals[i], &before[i], nullptr);
  }
};

// Shared memory, around which nothing can be read, as far as it is known who reads.
static unsigned char *sharedMemory(size_t bytes) {
  constexpr size_t kMost = 256 * 1024, kPage = 4096;
  static auto *start = [] {
    void *made = mmap(nullptr, kMost + kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(made, kMost, PROT_READ | PROT_WRITE);
    return static_cast<unsigned char *>(made);
  }();
  unsigned char *memory = start + kMost - (bytes + 15) / 16 * 16;
  forbid(start, kMost);
  permit(memory, bytes);
  return memory;
}

Outcome runKernel(const Program &program, const Kernel &kernel, std::vector<unsigned long long> arguments,
                  unsigned blocks, unsigned threads, size_t dynamicBytes) {
  std::vector<void *> addresses;
  for (unsigned long long &argument : arguments)
    addresses.push_back(&argument);
  const Launch launch{addresses.data(), blocks, threads, sharedMemory(dynamicBytes), dynamicBytes};
  const unsigned mode = _mm_getcsr();
  _mm_setcsr(0x1f80); // to nearest, with subnormal numbers
  Faults faults;
  Outcome outcome;
  if (sigsetjmp(comeBack, 1) == 0) {
    if (const char *problem = program.run(kernel, launch))
      outcome.problem = problem;
  } else {
    outcome.reachedOutside = caught != SIGFPE;
    outcome.problem = caught == SIGFPE   ? "it divides an integer by zero"
                      : caught == SIGILL ? "it reaches outside of an array"
                                         : "it reaches outside of allocations";
  }
  _mm_setcsr(mode);
  return outcome;
}

} // namespace hostgpu
