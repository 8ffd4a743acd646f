// Which temporaries lie channels last: images between convolutions, and after a single one of such an image, where
// those read windows as rows then (schedule/ChannelsLast.cpp). What the caller gives and gets keeps its layout.
#pragma once
#include "codegen/schedule/Schedule.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace weft {

class Layout {
public:
  Layout(mlir::func::FuncOp func, const Target &target);
  // Strides for the results of a group that have no place yet; the places of its inputs are known.
  llvm::SmallVector<Sizes> strides(const Lowering &lowering, const Group &group) const;

private:
  bool hasImages;  // convolutions, all of which take them channels last
  bool hasNetwork; // more than one: a result may be another's input
};

} // namespace weft
