// Scans along an axis: element i of the result is what the elements 0 to i come to.
//
// The canonical order of float sums and products depends on the position along the axis alone. The axis is cut into blocks of
// order::kScanBlock (ir/kernel/CanonicalOrder.h) elements. Within a block the elements are combined one after the other; what the blocks before come to, block
// after block, is combined with that. Sums of float32 and float64 are carried in float64, those of 16-bit floats in float32.
#ifndef WEFT_OPS_SCAN
#define WEFT_OPS_SCAN

include "ir/ops/Base.td"

class Scan<string mnemonic, list<string> operands, string accepts> : Weft_Op<mnemonic, "Scan", operands, [A<"dim", "Int">]> {
  let infer = "scan<" # accepts # ", Same>";
  let symbolic = 1;
  let batching = "shiftedAxes";
  let independent = "every_axis(but=[dim])";
  let domain = "(-2, 2)";
  let upcast = 1;
  let python = "(input, dim)";
  let examples = ["dict(x=F(2, 3), dim=1)", "dict(x=F(3, 150, 2), dim=1)", "dict(x=F(2, 4500), dim=1)", "dict(x=F(100, 3), dim=0)", "dict(x=F(70, 130), dim=1)"];
}

def CumsumOp : Scan<"cumsum", ["x"], "Int | Float"> {
  let complex = "Axes";
  let summary = "Sums of the elements up to each along the axis dim.";
  let description = "x: rank >= 1, any dtype but bool. Integers wrap.";
  let converts = "IntegersToInt64";
  let vjp = ["flip(cumsum(flip(ct, {dim}), dim), {dim})"];
  let jvp = "cumsum(t_x, dim)";
  let numpy = "numpy.cumsum(x, axis=dim, dtype=x.dtype)";
  let dtypes = "int float";
  let python = "(input, dim, *, dtype=None)";
}
def CumprodOp : Scan<"cumprod", ["x"], "Int | Float"> {
  let summary = "Products of the elements up to each along the axis dim.";
  let description = "x: rank >= 1, any dtype but bool. Integers wrap. The gradient divides by nothing, so that zeros are as good as other numbers.";
  let converts = "IntegersToInt64";
  let vjp = ["delayed(result, dim, 1.0) * reversedRecurrence(x, ct, dim)"];
  let jvp = "linear_scan(x, delayed(result, dim, 1.0) * t_x, dim)";
  let numpy = "numpy.cumprod(x, axis=dim, dtype=x.dtype)";
  let domain = "(0.5, 1.5)";
  let dtypes = "int float";
  let python = "(input, dim, *, dtype=None)";
  let examples = ["dict(x=F(2, 3), dim=1)", "dict(x=F(3, 70, 2), dim=1)", "dict(x=F(2, 100), dim=1)", "dict(x=F(100, 3), dim=0)"];
}
def LinearScanOp : Scan<"linear_scan", ["a", "x"], "Float"> {
  let summary = "The recurrence y[i] = a[i] * y[i - 1] + x[i] along the axis dim, with y[-1] = 0.";
  let description = "a, x: one shape of rank >= 1 and one float dtype.";
  let vjp = ["reversedRecurrence(a, ct, dim) * delayed(result, dim, 0.0)", "reversedRecurrence(a, ct, dim)"];
  let jvp = "linear_scan(a, t_a * delayed(result, dim, 0.0) + t_x, dim)";
  let numpy = [{
    y, state = numpy.empty_like(x), 0
    for i in range(x.shape[dim]):
        at = (slice(None),) * dim + (i,)
        state = y[at] = a[at] * state + x[at]
    return y
  }];
  let domain = "(0.1, 1)";
  let python = "(a, x, dim)";
  let examples = ["dict(a=F(2, 3), x=F(2, 3), dim=1)", "dict(a=F(3, 70, 2), x=F(3, 70, 2), dim=1)", "dict(a=F(2, 300), x=F(2, 300), dim=1)"];
}

class ScanExtremum<string mnemonic, string what, string comparison, string ufunc> : Scan<mnemonic, ["x"], "Bool | Int | Float"> {
  let summary = "The " # what # " of the elements up to each along the axis dim, and where it is.";
  let description = "x: rank >= 1, any dtype. values: x's dtype; indices: int64, of equal elements the last; a NaN wins.";
  let resultNames = ["values", "indices"];
  let inferOthers = ["scan<Bool | Int | Float, ToInt64>"];
  let positionsAlong = "dim";
  let vjp = ["ct_values ? scatter_add(zerosLike(x), indices, ct_values, dim) : Val()"];
  let jvp = "Results{gather(t_x, indices, dim), Val()}";
  let numpy = "\n    values = numpy." # ufunc # ".accumulate(x, axis=dim)\n"
              # "    positions = numpy.arange(x.shape[dim]).reshape([-1 if a == dim else 1 for a in range(x.ndim)])\n"
              # "    return values, numpy.maximum.accumulate(numpy.where((x " # comparison # " values) | (x != x), positions, 0), axis=dim)\n  ";
  let dtypes = "bool int float";
}
def CummaxOp : ScanExtremum<"cummax", "maximum", ">=", "maximum">;
def CumminOp : ScanExtremum<"cummin", "minimum", "<=", "minimum">;
#endif
