#include "frontend/tensor/Exclusive.h"

#include "runtime/BlockingRegion.h"

#include <cerrno>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace weft {

static int32_t thisThread() {
  static thread_local int32_t number = 0;
  if (__builtin_expect(!number, 0)) {
    static const int registered = pthread_atfork(nullptr, nullptr, [] { number = 0; });
    (void)registered;
    number = int32_t(syscall(SYS_gettid));
  }
  return number;
}

static bool lives(int32_t thread) { return syscall(SYS_tgkill, getpid(), thread, 0) == 0 || errno != ESRCH; }

bool Exclusive::isMine() const { return owner.load(std::memory_order_acquire) == thisThread(); }

bool Exclusive::isOthers() const {
  int32_t now = owner.load(std::memory_order_acquire);
  return now && now != thisThread() && lives(now);
}

// Threads seldom meet here: looking now and then does without whatever a fork would have to repair.
void Exclusive::wait() const {
  constexpr int kMicroseconds = 200;
  if (!isOthers())
    return;
  BlockingRegion region;
  while (isOthers()) {
    usleep(kMicroseconds);
    BlockingRegion::checkInterrupt();
  }
}

bool Exclusive::tryTake() {
  int32_t now = owner.load(std::memory_order_acquire);
  return (now == 0 || !lives(now)) && owner.compare_exchange_strong(now, thisThread(), std::memory_order_acq_rel);
}

void Exclusive::take() {
  while (!tryTake())
    wait();
}

} // namespace weft
