// What a C function of runtime/extern computes: a step of its own, on contiguous operands, on a CPU. It works on the last coreAxes
// axes of its operands and results; those before are batches, and a batch's result does not depend on the others.
#ifndef WEFT_OPS_EXTERN
#define WEFT_OPS_EXTERN

include "ir/ops/Base.td"

class Extern<string mnemonic, list<string> operands, int axes, list<A> attrs = []> : Weft_Op<mnemonic, "Extern", operands, attrs> {
  let externFunction = "weft_extern_" # mnemonic;
  let coreAxes = axes;
  let symbolic = 1;
  let batching = "leading";
  let domain = "(-2, 2)";
}

class ByEigen<string mnemonic, list<string> operands, int axes, list<A> attrs = []> : Extern<mnemonic, operands, axes, attrs> {
  let library = "Eigen";
}

def SortLastOp : Extern<"sort_last", ["x"], 1, [A<"descending", "Bool", "False">]> {
  let summary = "The elements along the last axis in order, and where they were.";
  let description = "x: any dtype, rank >= 1. Stable; a NaN counts as the greatest. values: x's dtype; indices: int64.";
  let resultNames = ["values", "indices"];
  let infer = "sortLast<Same>";
  let independent = "every_axis(but=[x.ndim - 1])";
  let inferOthers = ["sortLast<ToInt64>"];
  let positionsAlong = "rank - 1";
  let vjp = ["ct_values ? scatter_add(zerosLike(x), indices, ct_values, x.rank() - 1) : Val()"];
  let jvp = "Results{gather(t_x, indices, x.rank() - 1), Val()}";
  let numpy = [{
    order = x[..., ::-1] if descending else x
    indices = numpy.argsort(order, axis=-1, kind="stable")
    if descending:
        indices = x.shape[-1] - 1 - indices[..., ::-1]
    return numpy.take_along_axis(x, indices, -1), indices
  }];
  let dtypes = "bool int float";
  let examples = ["dict(x=F(2, 7), descending=False)", "dict(x=F(3, 100), descending=True)", "dict(x=F(2, 0), descending=False)"];
  let python = "(input, dim=-1, descending=False, *, stable=False)";
}
def TopkLastOp : Extern<"topk_last", ["x"], 1, [A<"k", "Int">, A<"largest", "Bool", "True">]> {
  let summary = "The k greatest or smallest elements along the last axis, the first of them first, and where they are.";
  let description = "x: any dtype, rank >= 1, at least k elements. Of equal ones the first; a NaN counts as the greatest.";
  let resultNames = ["values", "indices"];
  let infer = "topkLast<Same>";
  let independent = "every_axis(but=[x.ndim - 1])";
  let inferOthers = ["topkLast<ToInt64>"];
  let positionsAlong = "rank - 1";
  let vjp = ["ct_values ? scatter_add(zerosLike(x), indices, ct_values, x.rank() - 1) : Val()"];
  let jvp = "Results{gather(t_x, indices, x.rank() - 1), Val()}";
  let numpy = [{
    order = x[..., ::-1] if largest else x
    indices = numpy.argsort(order, axis=-1, kind="stable")
    if largest:
        indices = x.shape[-1] - 1 - indices[..., ::-1]
    return numpy.take_along_axis(x, indices[..., :k], -1), indices[..., :k]
  }];
  let dtypes = "bool int float";
  let examples = ["dict(x=F(2, 7), k=3, largest=False)", "dict(x=F(3, 2000), k=5, largest=True)", "dict(x=F(2, 3), k=0, largest=True)"];
  let python = "(input, k, dim=-1, largest=True, sorted=True)";
}
#endif
