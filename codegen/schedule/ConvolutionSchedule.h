// What the forms of a convolution's schedule share (ScheduleConvolution.cpp, ChannelsLast.cpp).
#pragma once
#include "codegen/schedule/Schedule.h"
#include "ir/kernel/Windows.h"

namespace weft {

class ConvolutionSchedule {
public:
  ConvolutionSchedule(Lowering &lowering, const Group &group, mlir::Operation *op);
  void results();
  void direct();
  bool isDirect() const;
  bool isChannelsLast() const;
  void channelsLast();
  void weight();

private:
  using Value = mlir::Value;
  using Type = mlir::Type;

  int64_t estimate(const Size &size) const { return lowering.estimate(size); }
  Storage copied(Value value, const std::vector<int> &order, Type type);
  Storage inMemory(int operand); // where it lies, or a copy
  Storage weightRows();
  Storage packedRows(const Storage &from, Type type);
  Storage gradientRows(bool &isPacked);
  mlir::SmallVector<Value> windows(KernelBuilder &k) const;
  int64_t grain(int64_t rows, int64_t columns, int64_t depth) const;
  // Blocks of so many rows or columns, and their size as a multiple.
  struct Blocks {
    Size count;
    int64_t size;
  };
  Blocks cut(const Size &size, int64_t parts, int64_t multiple) const;
  Scalar addTap(Kernel &kernel, Point inInput, const Storage &weight, Point inWeight, llvm::ArrayRef<Value> result,
                int64_t place, const std::optional<Scalar> &sum) const;
  void finish(Kernel &kernel, const Point &at, Value sum);
  // Channels last.
  Storage inOrder(int operand, const std::vector<int> &order); // a copy, whose axes lie in another order
  Storage lines(int64_t width);
  Storage weightPanels(int64_t panelColumns);
  struct Tasks {
    Blocks rows, columns;
    Size count() const { return rows.count * columns.count; }
  };
  Tasks equalShares(const Size &rows, const Size &columns, int64_t multipleOfRows, int64_t multipleOfColumns,
                    int64_t leastRowParts, int64_t depth, int64_t times,
                    llvm::function_ref<int64_t(int64_t height, int64_t width)> costOf) const;
  void windowRows();
  void weightOfRows();
  void sumOfGroups(const Storage &groupSums);
  void depthwise();

  Lowering &lowering;
  const Group &group;
  mlir::Operation *op;
  llvm::DenseMap<Value, Storage> inputs;
  Storage x;
  int axes;
  Sizes results_, kernel_;                   // sizes
  Size images, positions, channels, outputs; // results' positions in an image; channels and outputs of a group
  int64_t groups;
};

} // namespace weft
