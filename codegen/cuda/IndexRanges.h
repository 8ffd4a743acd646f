// Between which numbers the index values of a kernel are, so that those that fit are computed in 32 bits, as a GPU
// does.
#pragma once
#include "ir/kernel/KernelDialect.h"
#include "llvm/ADT/DenseMap.h"

#include <optional>
#include <vector>

namespace weft::cuda {

struct IndexRange {
  int64_t least, most;
  bool isNarrow() const { return least >= -kNarrow && most <= kNarrow; }
  // Half of what an int holds, so that a loop's last step does not leave it.
  static constexpr int64_t kNarrow = int64_t(1) << 30;
};
using MaybeRange = std::optional<IndexRange>;

class IndexRanges {
public:
  // What all launches of the kernel have in common; unknown where a size is symbolic.
  struct Launches {
    MaybeRange tasks;
    std::vector<MaybeRange> scalars;
  };
  IndexRanges() = default; // of no kernel: nothing is known of arguments
  IndexRanges(kernel::FuncOp func, const Launches &launches);

  MaybeRange of(mlir::Value value);
  bool isNarrow(mlir::Value value) {
    MaybeRange range = of(value);
    return range && range->isNarrow();
  }

private:
  MaybeRange ofArgument(mlir::BlockArgument argument);
  MaybeRange ofResult(mlir::Operation &op);

  llvm::DenseMap<mlir::Value, MaybeRange> known;
};

} // namespace weft::cuda
