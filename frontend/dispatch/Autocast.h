// weft.autocast on CPUs: in a region of it what a user calls takes its operands in a lower dtype where that is quicker,
// and in float32 where it must be accurate. The lists are PyTorch's.
#pragma once
#include "frontend/dispatch/Ops.h"

#include <atomic>
#include <optional>

namespace weft {

extern std::atomic<int> autocastThreads; // that are in a region
std::optional<DType> autocastDTypeOfThread();
// The lower dtype of this thread's region; none outside of regions, and in one that is disabled. A load where no thread
// is in one.
inline std::optional<DType> autocastDType() {
  return __builtin_expect(autocastThreads.load(std::memory_order_relaxed), 0) ? autocastDTypeOfThread() : std::nullopt;
}
void setAutocastDType(std::optional<DType> dtype);

// What a call of the op in a region takes: the operands, or casts of them, which `casts` holds.
const Tensor *autocast(OpKind op, const Tensor *operands, int count, std::vector<Tensor> &casts);

} // namespace weft
