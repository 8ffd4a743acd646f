// Reductions over the axes `dims` (sorted, non-negative), which stay as size 1 with `keepdim` and vanish without.
#ifndef WEFT_OPS_REDUCTION
#define WEFT_OPS_REDUCTION

include "ir/ops/Base.td"

class Reduction<string mnemonic, string kind, string accepts, string gives = "Same">
    : Weft_Op<mnemonic, "Reduction", ["x"], [A<"dims", "Ints">, A<"keepdim", "Bool", "False">]> {
  let infer = "reduction<" # accepts # ", " # gives # ">";
  let batching = "shiftedAxes";
  let symbolic = 1;
  let reduction = kind;
  let domain = "(-2, 2)";
  let python = "(input, dim=None, keepdim=False)";
  let examples = ["dict(x=F(2, 3), dims=[1], keepdim=False)", "dict(x=F(2, 3), dims=[0, 1], keepdim=False)",
                  "dict(x=F(3, 70, 2), dims=[1], keepdim=True)", "dict(x=F(5000), dims=[0], keepdim=False)"];
}

def SumOp : Reduction<"sum", "sum", "Int | Float"> {
  let complex = "Axes";
  let summary = "Sum over the axes dims.";
  let description = "x: any shape and dtype but bool. 16-bit floats are added in float32; integers wrap.";
  let converts = "IntegersToInt64";
  let vjp = ["expandReduced(ct, x, dims, keepdim)"];
  let jvp = "sum(t_x, dims, keepdim)";
  let numpy = "numpy.sum(x, axis=tuple(dims), keepdims=keepdim, dtype=x.dtype)";
  let dtypes = "int float";
}
def ProdOp : Reduction<"prod", "prod", "Int | Float"> {
  let complex = "Product";
  let summary = "Product over the axes dims.";
  let description = "x: any shape and dtype but bool. 16-bit floats are multiplied in float32; integers wrap.";
  let converts = "IntegersToInt64";
  let upcast = 1;
  let vjp = ["expandReduced(ct, x, dims, keepdim) * productOfOthers(x, dims)"];
  let jvp = "sum(t_x * productOfOthers(x, dims), dims, keepdim)";
  let numpy = "numpy.prod(x, axis=tuple(dims), keepdims=keepdim, dtype=x.dtype)";
  let domain = "(0.5, 1.5)";
  let dtypes = "int float";
  let examples = ["dict(x=F(2, 3), dims=[1], keepdim=False)", "dict(x=F(2, 3), dims=[0, 1], keepdim=False)",
                  "dict(x=F(3, 70, 2), dims=[1], keepdim=True)"];
}

class Extremum<string mnemonic, string kind, string what> : Reduction<mnemonic, kind, "Bool | Int | Float"> {
  let summary = "The " # what # " over the axes dims; a NaN wins.";
  let description = "x: any shape and dtype; the reduced axes must not be empty. Equal elements share the gradient evenly.";
  let upcast = 1;
  let vjp = [[{
    Val chosen = cast(x == expandReduced(result, x, dims, keepdim), x.dtype());
    Val count = expandReduced(sum(chosen, dims, true), x, dims, true);
    return expandReduced(ct, x, dims, keepdim) * (chosen / count);
  }]];
  let jvp = [{
    Val chosen = cast(x == expandReduced(result, x, dims, keepdim), x.dtype());
    return sum(chosen * t_x, dims, keepdim) / sum(chosen, dims, keepdim);
  }];
  let numpy = "numpy." # mnemonic # "(x, axis=tuple(dims), keepdims=keepdim)";
  let dtypes = "bool int float";
}
def AmaxOp : Extremum<"amax", "max", "maximum">;
def AminOp : Extremum<"amin", "min", "minimum">;

def AnyOp : Reduction<"any", "any", "Bool"> {
  let complex = "Bools";
  let summary = "Whether any element over the axes dims is true.";
  let description = "x: bool.";
  let converts = "ToBool";
  let numpy = "numpy.any(x, axis=tuple(dims), keepdims=keepdim)";
  let dtypes = "bool";
}
def AllOp : Reduction<"all", "all", "Bool"> {
  let complex = "Bools";
  let summary = "Whether all elements over the axes dims are true.";
  let description = "x: bool.";
  let converts = "ToBool";
  let numpy = "numpy.all(x, axis=tuple(dims), keepdims=keepdim)";
  let dtypes = "bool";
}

class ArgExtremum<string mnemonic, string kind, string what> : Reduction<mnemonic, kind, "Bool | Int | Float", "ToInt64"> {
  let summary = "The index of the first " # what # " along the one axis of dims, as int64; a NaN wins.";
  let description = "x: any shape and dtype; dims: one axis, not empty.";
  let infer = "argReduction";
  let positionsAlong = "dims[0]";
  let numpy = "numpy." # mnemonic # "(x, axis=dims[0], keepdims=keepdim)";
  let dtypes = "int float";
  let examples = ["dict(x=F(2, 3), dims=[1], keepdim=False)", "dict(x=F(3, 70, 2), dims=[1], keepdim=True)"];
}
def ArgmaxOp : ArgExtremum<"argmax", "argmax", "maximum">;
def ArgminOp : ArgExtremum<"argmin", "argmin", "minimum">;
#endif
