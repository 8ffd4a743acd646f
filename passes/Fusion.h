// Fusion wraps every op of the main function into `weft.group`: what one group holds becomes one kernel.
//
// The contract with codegen/lower/GraphToKernel. A group is isolated: its operands are the outside values it reads, its
// block arguments stand for them, its `weft.yield` lists its results. Inside, values are evaluated on demand at an
// index: an op of a view (family Shape) is an index map, a gather an index that is data, a creation op a function of
// its own index. A value is never read at an index map that repeats costly work: behind an `expand` stand block
// arguments, values of the row, casts, comparisons and creation ops only. The StrAttr `kind` says which iteration space
// the group has:
//
//   "loop"         One iteration space: the shape of the results, which all have it. No reduction.
//   "row"          outer x row: IntegerAttr i64 `row` is the number of trailing dimensions that form the row,
//                  DenseI64ArrayAttr `space` the sizes outer x row (symbols negative, ir/Dims.h). One or more
//                  reductions, all over exactly the row of a value whose shape is `space`, in dependency order, with
//                  elementwise work before, between and after. A result has either the shape `space` (full) or that of
//                  a value of the row: outer, or outer with ones for the row (or any other ones). A full value that
//                  depends on a reduction reads it through reshape/expand. Full values may also be reduced over
//                  exactly the outer dimensions, by ops as in "column"; these are results that nothing in the group
//                  reads.
//   "column"       One or more sums, products, maxima, minima (not arg...) over the same leading dimensions of one
//                  common operand shape, with elementwise work on that shape before them. The results are the
//                  reductions'.
//   "reduction"    One reduction over any dimensions, with elementwise work of its operand's shape before it. The
//                  result is the reduction's. (Also the reduction of a long or symbolic tensor to one element.)
//   "contraction"  One dot_general. Its operands are block arguments or permute/reshape/expand/slice chains of one,
//                  whose elements lie at base + sum of index * stride if the argument does (a function's input has the
//                  strides `weft.strides`, everything else is contiguous). After it the ops of a loop over its result's
//                  shape; a reshape of the result may stand between. The dot's value is read at the loop's own index
//                  only. The results have the shape of the last op; the dot's own value may be a result as well.
//   "extern"       An op that a library's function computes, alone.
//   "control"      An op that runs a graph of its own, alone.
//   "scan"         A scan along an axis, alone.
//   "segments"     A reduction of segments, alone.
//   "attention"    Products into a space of scores (`space`: batches, i, j), work on its rows as in "row" with `row` =
//                  1 and without reductions of columns, and products out of it. A product into it has the shape
//                  `space` and one batch, free and contracted axis each. A product out of it has one operand of that
//                  shape, a value of the group, with the batches in order, and sums over i or over j; its other operand
//                  comes from outside, as do both of a product into the space, as in "contraction". No value of that
//                  shape leaves the group; results are those of products out of it and values of the row. All sizes
//                  but those of batches are more than 1.
//   "scatter"      One scatter or scatter_add; its operands are block arguments or views, casts, comparisons and
//   creation ops.
//
// Ops of family Indexing that read (gather, index_select) stand in "loop" and "row" groups; what they index is a block
// argument or a view of one. A function may return its argument, a value twice, or the result of a group twice: that is
// no group.
#pragma once
#include "mlir/IR/BuiltinOps.h"

namespace weft {

struct FusionOptions {
  bool fuse = true;      // false: a group for every op, of the same kinds
  bool rowBlocks = true; // groups whose tasks are blocks of rows: "attention", and "row" with columns reduced
};

// Returns whether anything changed. The module holds primitives only (passes/Decompose.h).
bool runFusion(mlir::ModuleOp module, const FusionOptions &options = {});

} // namespace weft
