// Attention: work on the rows of a matrix of scores, the products that give the scores, and those that take what the
// rows become. One kernel runs all of it, so that no matrix of scores is in memory.
#pragma once
#include "passes/FusionGroups.h"

namespace weft {

// Whether the op is a product of matrices (for each batch) such as a head of attention has. Where rows or columns are
// very few there is no matrix of scores to save.
bool isHeadProduct(mlir::Operation *op);

// Whether a head product's scores, and the work on their rows, are quicker made again than kept in memory.
bool isQuickerAgain(mlir::Operation *scores);

// Gradients read the forward pass's probabilities, which would have to be kept: gives them a copy of the ops that make
// the probabilities, so that they are made again where that is quicker. Returns whether there were any.
bool recomputeScores(mlir::func::FuncOp func);

// Merges row groups with the products around them into groups of kind Attention.
void formAttention(FusionGroups &groups);

} // namespace weft
