// Reads and writes at positions that are data: int64 tensors with values in [0, size), which the front end checks
// (frontend/dispatch/OperandCheck.h). A kernel reads zero at a position outside and writes nothing there.
#ifndef WEFT_OPS_INDEXING
#define WEFT_OPS_INDEXING

include "ir/ops/Base.td"

class Indexing<string mnemonic, list<string> operands> : Weft_Op<mnemonic, "Indexing", operands, [A<"dim", "Int">]> {
  let symbolic = 1;
  let batching = "shiftedAxes";
  let domain = "(-2, 2)";
  let dtypes = "bool int float";
}

def GatherOp : Indexing<"gather", ["x", "index"]> {
  let complex = "Axes";
  let summary = "result[i][j] = x[index[i][j]][j] for dim 0, and alike along another axis.";
  let description = "x: any; index: int64 of x's rank, at most as large as x on the other axes. The result has index's shape.";
  let independent = "[pair(a, x=None if a == dim else a, index=a) for a in range(x.ndim)]";
  let infer = "gather";
  let selects = ["x"];
  let checks = [ValueCheck<"Index", "index", "x", "dim">];
  let vjp = ["scatter_add(zerosLike(x), index, ct, dim)", ""];
  let jvp = "gather(t_x, index, dim)";
  let numpy = "numpy.take_along_axis(x[tuple(slice(None) if a == dim else slice(n) for a, n in enumerate(index.shape))], index, dim)";
  let python = "(input, dim, index)";
  let examples = ["dict(x=F(4, 3), index=I(2, 3, high=4), dim=0)", "dict(x=F(4, 3), index=I(2, 5, high=3), dim=1)"];
}
def IndexSelectOp : Indexing<"index_select", ["x", "index"]> {
  let complex = "Axes";
  let summary = "The entries of x along axis dim at the positions index.";
  let description = "x: any of rank >= 1; index: int64 of rank 1. The result has index's size along dim.";
  let independent = "[pair(a, x=None if a == dim else a, index=0 if a == dim else None) for a in range(x.ndim)]";
  let infer = "indexSelect";
  let batching = "indexSelect";
  let selects = ["x"];
  let checks = [ValueCheck<"Index", "index", "x", "dim">];
  let vjp = ["scatter_add(zerosLike(x), alongAxis(index, ct.shape(), dim), ct, dim)", ""];
  let jvp = "index_select(t_x, index, dim)";
  let numpy = "numpy.take(x, index, axis=dim)";
  let python = "(input, dim, index)";
  let examples = ["dict(x=F(4, 3), index=I(5, high=4), dim=0)", "dict(x=F(4, 3), index=I(2, high=3), dim=1)"];
}
def ScatterAddOp : Indexing<"scatter_add", ["x", "index", "source"]> {
  let complex = "Axes";
  let summary = "x with source[i][j] added at [index[i][j]][j] for dim 0, and alike along another axis.";
  let description = "x, source: one dtype, not bool; index: int64, one shape with source. Added in source's order, so runs agree.";
  let independent = "[pair(a, x=a, index=a, source=a) for a in range(x.ndim) if a != dim and x.shape[a] == index.shape[a]]";
  let infer = "scatterAdd";
  let scatters = 1;
  let checks = [ValueCheck<"Index", "index", "x", "dim">];
  let vjp = ["ct", "", "gather(ct, index, dim)"];
  let jvp = "scatter_add(t_x, index, t_source, dim)";
  let numpy = [{
    y = x.copy()
    where = list(numpy.indices(index.shape))
    where[dim] = index
    numpy.add.at(y, tuple(where), source)
    return y
  }];
  let python = "(input, dim, index, src)";
  let dtypes = "int float";
  let examples = ["dict(x=F(4, 3), index=I(5, 3, high=4), source=F(5, 3), dim=0)", "dict(x=F(4, 3), index=I(2, 5, high=3), source=F(2, 5), dim=1)"];
}
def ScatterOp : Indexing<"scatter", ["x", "index", "source"]> {
  let complex = "Axes";
  let summary = "x with source[i][j] put at [index[i][j]][j] for dim 0, and alike along another axis.";
  let description = "x, source: one dtype; index: int64, one shape with source. Of equal positions the last of the source's order stays.";
  let independent = "[pair(a, x=a, index=a, source=a) for a in range(x.ndim) if a != dim and x.shape[a] == index.shape[a]]";
  let infer = "scatter";
  let scatters = 1;
  let checks = [ValueCheck<"Index", "index", "x", "dim">];
  let vjp = ["scatter(ct, index, zerosLike(source), dim)", "", "where(staysAt(index, x.shape(), dim), gather(ct, index, dim), 0.0)"];
  let jvp = "scatter(t_x, index, t_source, dim)";
  let numpy = [{
    y = x.copy()
    for at in numpy.ndindex(*index.shape):
        y[at[:dim] + (index[at],) + at[dim + 1:]] = source[at]
    return y
  }];
  let python = "(input, dim, index, src)";
  let examples = ["dict(x=F(4, 3), index=I(5, 3, high=4), source=F(5, 3), dim=0)", "dict(x=F(4, 3), index=I(2, 5, high=3), source=F(2, 5), dim=1)"];
}

// Scatters that combine as their name says, in the source's order.
class ScatterCombine<string mnemonic, string words, string ufunc, string slopes> : Indexing<mnemonic, ["x", "index", "source"]> {
  let summary = "x with source[i][j] " # words # " at [index[i][j]][j] for dim 0, and alike along another axis.";
  let description = "x, source: one dtype, not bool; index: int64, one shape with source. In source's order, so runs agree.";
  let independent = "[pair(a, x=a, index=a, source=a) for a in range(x.ndim) if a != dim and x.shape[a] == index.shape[a]]";
  let infer = "scatterAdd";
  let scatters = 1;
  let upcast = 1;
  let checks = [ValueCheck<"Index", "index", "x", "dim">];
  let vjp = ["ct * " # slopes # "(x, index, source, result, dim).ofInput", "",
             "gather(ct, index, dim) * " # slopes # "(x, index, source, result, dim).ofSource"];
  let jvp = "scatterTangent(" # slopes # "(x, index, source, result, dim), t_x, t_source, index, dim)";
  let numpy = "\n    y = x.copy()\n    where = list(numpy.indices(index.shape))\n    where[dim] = index\n"
              # "    numpy." # ufunc # ".at(y, tuple(where), source)\n    return y\n  ";
  let python = "(input, dim, index, src, reduce, *, include_self=True)";
  let dtypes = "int float";
  let examples = ["dict(x=F(4, 3), index=I(5, 3, high=4), source=F(5, 3), dim=0)", "dict(x=F(4, 3), index=I(2, 5, high=3), source=F(2, 5), dim=1)"];
}
def ScatterProdOp : ScatterCombine<"scatter_prod", "multiplied in", "multiply", "productSlopes"> { let domain = "(0.5, 1.5)"; }
def ScatterAmaxOp : ScatterCombine<"scatter_amax", "put where it is greater (a NaN is)", "maximum", "extremumSlopes">;
def ScatterAminOp : ScatterCombine<"scatter_amin", "put where it is less (a NaN is)", "minimum", "extremumSlopes">;
#endif
