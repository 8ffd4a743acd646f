// Reductions of segments: runs of elements whose ends are data.
#ifndef WEFT_OPS_SEGMENTS
#define WEFT_OPS_SEGMENTS

include "ir/ops/Base.td"

def EmbeddingBagOp : Weft_Op<"embedding_bag", "Segments", ["weight", "index", "offsets", "factors?"]> {
  let summary = "The sum of the rows of weight that each bag of indices names, times their factors.";
  let description = [{
    weight: [rows, width], float; index: int64 [n]; offsets: int64 [bags], where in index each bag begins, ascending from 0; factors:
    weight's dtype [n], or absent. The result is [bags, width]. Added in order, 16-bit floats in float32.
  }];
  let infer = "embeddingBag";
  let symbolic = 1;
  let batching = "embeddingBag";
  let upcast = 1;
  let checks = [ValueCheck<"Index", "index", "weight", "0">];
  let vjp = [[{
    Val rows = index_select(ct, bagsOf(offsets, index), 0);
    if (factors)
      rows = rows * alongAxis(factors, rows.shape(), 0);
    return scatter_add(zerosLike(weight), alongAxis(index, rows.shape(), 0), rows, 0);
  }], "", "", "sum(index_select(weight, index, 0) * index_select(ct, bagsOf(offsets, index), 0), {1}, false)"];
  let jvp = [{
    Val tangent = embedding_bag(t_weight, index, offsets, factors);
    return factors ? tangent + embedding_bag(weight, index, offsets, t_factors) : tangent;
  }];
  let numpy = [{
    ends = [*offsets[1:], len(index)]
    rows = weight[index] * (1 if factors is None else factors[:, None])
    return numpy.stack([rows[a:b].sum(0) for a, b in zip(offsets, ends)])
  }];
  let domain = "(-2, 2)";
  let examples = ["dict(weight=F(5, 3), index=I(7, high=5), offsets=I(1, high=1))", "dict(weight=F(4, 300), index=I(6, high=4), offsets=I(3, high=1), factors=F(6))"];
  let independent = "[pair(1, weight=1)]";
  let python = "(input, weight, offsets=None, mode='mean', per_sample_weights=None)";
}
#endif
