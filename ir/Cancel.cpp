#include "ir/Cancel.h"

#include <atomic>

namespace weft {

static std::atomic<bool> cancelled{false};

void cancelCompilation(bool now) { cancelled.store(now, std::memory_order_relaxed); }
bool isCompilationCancelled() { return cancelled.load(std::memory_order_relaxed); }

void checkCancelled() {
  if (isCompilationCancelled())
    throw CompilationCancelled();
}

} // namespace weft
