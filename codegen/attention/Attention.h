// The parts of a group of kind "attention" (passes/Fusion.h): products into the scores, work on their rows, products
// out of them.
#pragma once
#include "codegen/schedule/Schedule.h"

namespace weft {

// Where an operand of one of the products lies: a matrix for each batch.
struct MatrixOperand {
  mlir::Value value;
  Storage storage;
  std::vector<int64_t> batch;
  int free, contract; // axes
  Size freeSize() const { return storage.shape[free]; }
  Size contractSize() const { return storage.shape[contract]; }
};

// Scores [i, j] = sum over k of left[i, k] * right[j, k].
struct ScoreProduct {
  mlir::Operation *dot;
  MatrixOperand left, right;
};

// A result [free of scores, free of other], or the other way round: sums over j, or over i.
struct ResultProduct {
  mlir::Operation *dot;
  mlir::Value scores;
  bool scoresAreLeft, overRows;
  MatrixOperand other;
};

struct AttentionParts {
  Sizes space;
  int batches;
  Size heads, rows, columns;
  std::vector<ScoreProduct> into;
  std::vector<ResultProduct> outOf;

  AttentionParts(Lowering &lowering, const Group &group);
  bool isStatic() const { return rows.isStatic() && columns.isStatic(); }
};

void scheduleAttention(Lowering &lowering, const Group &group);

} // namespace weft
