// An operand of a dot_general as a matrix for each batch and outer index: rows (or columns) and K, each with one
// stride.
#pragma once
#include "codegen/schedule/Schedule.h"

namespace weft {

struct ContractionOperand {
  ContractionOperand() = default;
  // The axes of operand 0 or 1, without its storage.
  ContractionOperand(mlir::Operation *dot, int operand);
  // The operand where it lies, or copied first, where its elements have no such strides.
  static ContractionOperand find(Lowering &lowering, const Group &group, mlir::Operation *dot, int operand);

  std::vector<int> batch, free, contract; // axes
  Sizes shape;
  int result = 0; // the axis of dot's result that the first free one is
  Storage storage;
  int outer = 0; // free axes [0, outer) are outer indices; the others act as one, the rows or columns of the product

  Size freeSize() const; // of all free axes
  Size count() const;    // of rows or columns
  Size stride() const;   // from one to the next
  Size depth() const;    // K
  Size depthStride() const;
  // Whether a product with the other one is of bf16 alone, whose order is that of pairs (but that of unbroken chains).
  bool isInPairs(const ContractionOperand &other) const;
  // Whether a product with the other one reads it where it is: its K are contiguous, and of the type of the sums, or
  // in pairs where the target multiplies them so.
  bool isInRows(const ContractionOperand &other, bool inPairs, const Target &target) const;
  std::vector<int> outerAxes() const; // batch axes, and the outer ones of the free
  // The index of the first element of the matrix at these (axis, index).
  mlir::Value base(KernelBuilder &k, const std::vector<std::pair<int, mlir::Value>> &indices) const;

private:
  void copy(Lowering &lowering, const Group &group, mlir::Value value);
};

} // namespace weft
