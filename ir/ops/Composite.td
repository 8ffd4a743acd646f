// Ops that are expansions in terms of others. Eager runs one as a compiled kernel or a few; fusion sees through it.
#ifndef WEFT_OPS_COMPOSITE
#define WEFT_OPS_COMPOSITE

include "ir/ops/Base.td"

class Composite<string mnemonic, list<string> operands, list<A> attrs = []> : Weft_Op<mnemonic, "Composite", operands, attrs> {
  let infer = mnemonic;
  let upcast = 1;
  let domain = "(-2, 2)";
}

def MeanOp : Composite<"mean", ["x"], [A<"dims", "Ints">, A<"keepdim", "Bool", "False">]> {
  let complex = "Axes";
  let summary = "Mean over the axes dims.";
  let description = "x: float; dims: sorted, non-negative. The sum divided by the number of elements.";
  let independent = "every_axis(but=dims)";
  let infer = "reduction<Float, Same>";
  let batching = "shiftedAxes";
  let symbolic = 1;
  let expansion = "sum(x, dims, keepdim) / countOf(x, dims)";
  let vjp = ["expandReduced(ct / countOf(x, dims), x, dims, keepdim)"];
  let numpy = "numpy.mean(x, axis=tuple(dims), keepdims=keepdim)";
  let examples = ["dict(x=F(2, 3), dims=[1], keepdim=False)", "dict(x=F(3, 70, 2), dims=[1], keepdim=True)", "dict(x=F(2, 3), dims=[0, 1], keepdim=False)"];
  let python = "(input, dim=None, keepdim=False)";
}
def VarOp : Composite<"var", ["x"], [A<"dims", "Ints">, A<"correction", "Int", "1">, A<"keepdim", "Bool", "False">]> {
  let complex = "SumOfParts";
  let summary = "Variance over the axes dims.";
  let description = [{
    x: float; dims: sorted, non-negative. Squared distances from the mean, over the number of elements less correction. The mean is exact where
    all elements are one number: their variance is 0.
  }];
  let independent = "every_axis(but=dims)";
  let infer = "reduction<Float, Same>";
  let batching = "shiftedAxes";
  let symbolic = 1;
  let expansion = [{
    Val squares = moments(x, dims).squares;
    return (keepdim ? squares : reshape(squares, without(x.shape(), dims))) / countOf(x, dims, correction);
  }];
  let vjp = [[{
    Val distance = fromMean(x, dims);
    return expandReduced(ct * 2.0 / countOf(x, dims, correction), x, dims, keepdim) * distance;
  }]];
  let numpy = "numpy.var(x, axis=tuple(dims), ddof=correction, keepdims=keepdim)";
  let examples = ["dict(x=F(2, 3), dims=[1], correction=1, keepdim=False)", "dict(x=F(3, 70, 2), dims=[1], correction=0, keepdim=True)"];
  let python = "(input, dim=None, *, correction=1, keepdim=False)";
}
def StdOp : Composite<"std", ["x"], [A<"dims", "Ints">, A<"correction", "Int", "1">, A<"keepdim", "Bool", "False">]> {
  let summary = "Standard deviation over the axes dims: the square root of var.";
  let description = "x: float; dims: sorted, non-negative. The gradient where it is 0 is 0.";
  let independent = "every_axis(but=dims)";
  let infer = "reduction<Float, Same>";
  let batching = "shiftedAxes";
  let symbolic = 1;
  let expansion = "sqrt(var(x, dims, correction, keepdim))";
  let vjp = [[{
    Val slope = where(result == 0.0, 0.0, ct / where(result == 0.0, 1.0, result)) / countOf(x, dims, correction);
    return expandReduced(slope, x, dims, keepdim) * fromMean(x, dims);
  }]];
  let numpy = "numpy.std(x, axis=tuple(dims), ddof=correction, keepdims=keepdim)";
  let examples = ["dict(x=F(2, 3), dims=[1], correction=1, keepdim=False)", "dict(x=F(3, 70, 2), dims=[1], correction=0, keepdim=True)"];
  let python = "(input, dim=None, *, correction=1, keepdim=False)";
}
def NormalizeOp : Composite<"normalize", ["x"], [A<"dims", "Ints">, A<"p", "Float", "2.0">, A<"eps", "Float", "1e-12">]> {
  let summary = "x divided by its p-norm over the axes dims, or by eps where that is larger.";
  let description = "x: float; dims: sorted, non-negative.";
  let independent = "every_axis(but=dims)";
  let infer = "elementwise<Float, Same>";
  let batching = "shiftedAxes";
  let symbolic = 1;
  let expansion = "x / atLeast(normOf(x, dims, p), eps)";
  let vjp = [[{
    Val norm = normOf(x, dims, p), divisor = atLeast(norm, eps);
    Val alongX = where(norm >= eps, sum(ct * x, dims, true) / (divisor * divisor), 0.0);
    return ct / divisor - alongX * normGradient(x, norm, dims, p);
  }]];
  let numpy = "x / numpy.maximum((numpy.abs(x) ** p).sum(tuple(dims), keepdims=True) ** (1 / p), eps)";
  let examples = ["dict(x=F(2, 3), dims=[1], p=2.0, eps=1e-12)", "dict(x=F(3, 70, 2), dims=[1], p=3.0, eps=1e-12)", "dict(x=F(3, 4), dims=[0], p=2.0, eps=2.5)"];
  let python = "(input, p=2.0, dim=1, eps=1e-12)";
}
def SoftmaxOp : Composite<"softmax", ["x"], [A<"dim", "Int">]> {
  let summary = "exp(x) divided by its sum along the axis dim.";
  let description = "x: float of rank >= 1; dim: non-negative. The maximum is subtracted first.";
  let independent = "every_axis(but=[dim])";
  let infer = "alongDim";
  let batching = "shiftedAxes";
  let symbolic = 1;
  let expansion = [{
    if (x.shape()[int(dim)] == 0)
      return x;
    Val e = exp(x - amax(x, {dim}, true));
    return e / sum(e, {dim}, true);
  }];
  let vjp = ["(ct - sum(ct * result, {dim}, true)) * result"];
  let numpy = "scipy.special.softmax(x, axis=dim)";
  let examples = ["dict(x=F(2, 3), dim=1)", "dict(x=F(3, 70, 2), dim=1)"];
  let python = "(input, dim)";
}
def MaskedSoftmaxOp : Composite<"masked_softmax", ["x"], [A<"dim", "Int">]> {
  let summary = "The softmax along the axis dim, 0 where all its elements are -infinity.";
  let description = [{
    x: float of rank >= 1; dim: non-negative, not an empty axis. The exponentials, of which the largest is 1, are rounded to multiples of
    2^-34 (float64: 2^-63) for their sum, which so is exact and the same whatever their order and whatever -infinities are among x.
  }];
  let independent = "every_axis(but=[dim])";
  let infer = "alongDim";
  let batching = "shiftedAxes";
  let symbolic = 1;
  let expansion = [{
    Val most = amax(x, {dim}, true);
    Val e = exp(x - atLeast(most, lowest(x.dtype())));
    return e / atLeast(sumOfFractions(e, dim), 1.0); // which it is, but where all are hidden
  }];
  let vjp = ["(ct - sum(ct * result, {dim}, true)) * result"];
  let numpy = "scipy.special.softmax(x, axis=dim)";
  let examples = ["dict(x=F(2, 3), dim=1)", "dict(x=F(3, 70, 2), dim=1)"];
  let python = "(input, dim)";
}
def LogSoftmaxOp : Composite<"log_softmax", ["x"], [A<"dim", "Int">]> {
  let summary = "Logarithm of the softmax along the axis dim.";
  let description = "x: float of rank >= 1; dim: non-negative.";
  let independent = "every_axis(but=[dim])";
  let infer = "alongDim";
  let batching = "shiftedAxes";
  let symbolic = 1;
  let expansion = [{
    if (x.shape()[int(dim)] == 0)
      return x;
    Val shifted = x - amax(x, {dim}, true);
    return shifted - log(sum(exp(shifted), {dim}, true));
  }];
  let vjp = ["ct - exp(result) * sum(ct, {dim}, true)"];
  let numpy = "scipy.special.log_softmax(x, axis=dim)";
  let examples = ["dict(x=F(2, 3), dim=1)", "dict(x=F(3, 70, 2), dim=1)"];
  let python = "(input, dim)";
}
def LayerNormOp : Composite<"layer_norm", ["x", "weight?", "bias?"], [A<"axes", "Int", "1">, A<"eps", "Float", "1e-5">]> {
  let summary = "x shifted and scaled to mean 0 and variance 1 over its last `axes` axes, then times weight plus bias.";
  let description = "x: float; weight, bias: x's dtype, the shape of its last `axes` axes, or absent.";
  let independent = "every_axis(but=range(x.ndim - axes, x.ndim))";
  let infer = "layerNorm";
  let batching = "firstLeads";
  let symbolic = 1;
  let expansion = [{
    Dims dims = lastAxes(x, axes);
    auto [distance, squares] = moments(x, dims);
    Val y = distance * rsqrt(squares / countOf(x, dims) + eps);
    if (weight)
      y = y * weight;
    return bias ? y + bias : y;
  }];
  let vjp = [[{
    Dims dims = lastAxes(x, axes);
    auto [distance, squares] = moments(x, dims);
    Val scale = rsqrt(squares / countOf(x, dims) + eps);
    Val y = distance * scale, slope = weight ? ct * weight : ct;
    return (slope - mean(slope, dims, true) - y * mean(slope * y, dims, true)) * scale;
  }], [{
    Dims dims = lastAxes(x, axes);
    auto [distance, squares] = moments(x, dims);
    Val scale = rsqrt(squares / countOf(x, dims) + eps);
    return sumTo(ct * (distance * scale), weight.shape());
  }], "sumTo(ct, bias.shape())"];
  let numpy = [{
    dims = tuple(range(x.ndim - axes, x.ndim))
    y = (x - x.mean(dims, keepdims=True)) / numpy.sqrt(x.var(dims, keepdims=True) + eps)
    return y * (1 if weight is None else weight) + (0 if bias is None else bias)
  }];
  let examples = ["dict(x=F(4, 6), weight=F(6), bias=F(6), axes=1, eps=1e-5)", "dict(x=F(2, 3, 4), weight=F(3, 4), bias=F(3, 4), axes=2, eps=1e-3)",
                  "dict(x=F(4, 6), axes=1, eps=1e-5)"];
  let python = "(input, normalized_shape, weight=None, bias=None, eps=1e-05)";
}
def CrossEntropyOp : Composite<"cross_entropy", ["input", "target", "weight?"],
    [A<"reduction", "Int", "1">, A<"ignore_index", "Int", "-100">, A<"label_smoothing", "Float", "0.0">]> {
  let summary = "Cross entropy between the softmax of the input and classes given as int64.";
  let description = [{
    input: float [C], [N, C] or [N, C, d1, ...]; target: int64 [], [N] or [N, d1, ...]; weight: input's dtype [C], or absent (it
    gets no gradient). reduction: 0 none, 1 mean (by the weights of the targets that are not ignored), 2 sum.
  }];
  let independent = "[pair(a, input=a + (a > 0), target=a) for a in range(target.ndim)] if reduction == 0 and input.ndim > 1 else []";
  let infer = "crossEntropy";
  let batching = "crossEntropy";
  let checks = [ValueCheck<"Target", "target", "input", "rank > 1 ? 1 : 0", "ignore_index">];
  let symbolic = 1;
  let expansion = "crossEntropy(input, target, weight, reduction, ignore_index, label_smoothing)";
  let vjp = ["crossEntropyGradient(ct, input, target, weight, reduction, ignore_index, label_smoothing)", "", ""];
  let numpy = [{
    axis = 1 if input.ndim > 1 else 0
    classes = input.shape[axis]
    logp = scipy.special.log_softmax(input, axis=axis)
    weight = numpy.ones(classes, input.dtype) if weight is None else weight
    kept = target != ignore_index
    safe = numpy.where(kept, target, 0)
    w = weight.reshape([-1 if a == axis else 1 for a in range(input.ndim)])
    hard = -numpy.take_along_axis(logp * w, numpy.expand_dims(safe, axis), axis).squeeze(axis)
    soft = -(logp * w).sum(axis)
    loss = numpy.where(kept, (1 - label_smoothing) * hard + label_smoothing / classes * soft, 0)
    if reduction == 0:
        return loss
    return loss.sum() if reduction == 2 else loss.sum() / (weight[safe] * kept).sum()
  }];
  let examples = ["dict(input=F(4, 5), target=I(4, high=5), reduction=1, ignore_index=-100, label_smoothing=0.0)",
                  "dict(input=F(4, 5), target=I(4, high=5), weight=F(5), reduction=1, ignore_index=2, label_smoothing=0.1)",
                  "dict(input=F(2, 3, 4), target=I(2, 4, high=3), reduction=0, ignore_index=-100, label_smoothing=0.0)",
                  "dict(input=F(4, 5), target=I(4, high=5), reduction=2, ignore_index=-100, label_smoothing=0.0)"];
  let python = "(input, target, weight=None, ignore_index=-100, reduction='mean', label_smoothing=0.0)";
}
def MseLossOp : Composite<"mse_loss", ["x", "target"], [A<"reduction", "Int", "1">]> {
  let summary = "Squared difference, averaged, summed or as it is.";
  let description = "x, target: one shape and float dtype. reduction: 0 none, 1 mean, 2 sum.";
  let independent = "every_axis() if reduction == 0 else []";
  let infer = "mseLoss";
  let batching = "unreduced";
  let symbolic = 1;
  let expansion = [{
    Val difference = x - target, square = difference * difference;
    Dims all = lastAxes(x, x.rank());
    return reduction == 0 ? square : reduction == 1 ? mean(square, all, false) : sum(square, all, false);
  }];
  let vjp = ["(x - target) * (reduction == 1 ? ct * 2.0 / countOf(x, lastAxes(x, x.rank())) : ct * 2.0)",
             "(target - x) * (reduction == 1 ? ct * 2.0 / countOf(x, lastAxes(x, x.rank())) : ct * 2.0)"];
  let numpy = "(lambda s: s if reduction == 0 else s.mean() if reduction == 1 else s.sum())((x - target) ** 2)";
  let examples = ["dict(x=F(4, 5), target=F(4, 5), reduction=1)", "dict(x=F(4, 5), target=F(4, 5), reduction=0)", "dict(x=F(7), target=F(7), reduction=2)"];
  let python = "(input, target, reduction='mean')";
}
def LinearOp : Composite<"linear", ["x", "weight", "bias?"]> {
  let complex = "Bilinear";
  let summary = "x times the transpose of weight, plus bias.";
  let description = "x: [..., in]; weight: [out, in]; bias: [out] or absent; one dtype, not bool. The result is [..., out].";
  let independent = "[pair(a, x=a) for a in range(x.ndim - 1)] + [pair(-1, weight=0, bias=0)]";
  let infer = "linear";
  let batching = "firstLeads";
  let product = 1;
  let symbolic = 1;
  let upcast = 0;
  let expansion = [{
    Val y = wideProduct(x, weight, {}, {}, {x.rank() - 1}, {1});
    return cast(bias ? y + widened(bias) : y, x.dtype());
  }];
  let vjp = ["dot_general(ct, weight, {}, {}, {ct.rank() - 1}, {0})",
             "dot_general(ct, x, {}, {}, firstAxes(ct.rank() - 1), firstAxes(ct.rank() - 1))", "cast(sumTo(widened(ct), bias.shape()), bias.dtype())"];
  let numpy = "x @ weight.T + (0 if bias is None else bias)";
  let dtypes = "int float";
  let examples = ["dict(x=F(4, 3), weight=F(5, 3), bias=F(5))", "dict(x=F(2, 4, 3), weight=F(5, 3))", "dict(x=F(3), weight=F(5, 3), bias=F(5))"];
  let python = "(input, weight, bias=None)";
}
def AddmmOp : Composite<"addmm", ["input", "mat1", "mat2"], [A<"beta", "Float", "1.0">, A<"alpha", "Float", "1.0">]> {
  let summary = "beta * input + alpha * the product of two matrices.";
  let description = "mat1: [m, k]; mat2: [k, n]; input broadcasts to [m, n]; one dtype, not bool. With beta 0 the input counts as 0.";
  let independent = "[pair(0, mat1=0, input=-2), pair(1, mat2=1, input=-1)]";
  let infer = "addmm";
  let upcast = 0;
  let expansion = [{
    auto scaled = [](Val v, double factor) { return factor == 1 ? v : v * factor; };
    Val product = scaled(matrixProduct(mat1, mat2, /*isWide=*/true), alpha);
    return cast(beta == 0 ? product : scaled(expandTo(widened(input), product.shape()), beta) + product, mat1.dtype());
  }];
  let vjp = ["cast(sumTo(widened(ct) * beta, input.shape()), input.dtype())",
             "cast(matmulGradient(ct, mat1, mat2, true, /*isWide=*/true) * alpha, mat1.dtype())",
             "cast(matmulGradient(ct, mat1, mat2, false, /*isWide=*/true) * alpha, mat2.dtype())"];
  let numpy = "input * input.dtype.type(beta) + (mat1 @ mat2) * input.dtype.type(alpha)";
  let dtypes = "int float";
  let examples = ["dict(input=F(2, 4), mat1=F(2, 3), mat2=F(3, 4), beta=1.0, alpha=1.0)", "dict(input=F(4), mat1=F(2, 3), mat2=F(3, 4), beta=2.0, alpha=3.0)"];
  let python = "(input, mat1, mat2, *, beta=1, alpha=1)";
}
def MatmulOp : Composite<"matmul", ["x", "y"]> {
  let complex = "Bilinear";
  let summary = "Matrix product.";
  let description = [{
    x, y: one dtype, not bool, rank >= 1. [m, k] times [k, n] is [m, n]; a vector is a row on the left and a column on the right, and that
    axis vanishes from the result; leading axes are batches and broadcast.
  }];
  let independent = [{
    ([pair(-1 - (y.ndim > 1), x=-2)] if x.ndim > 1 else []) + ([pair(-1, y=-1)] if y.ndim > 1 else [])
    + [pair(a + (x.ndim < 2) + (y.ndim < 2), x=a, y=a) for a in range(-max(x.ndim, y.ndim), -2)]
  }];
  let infer = "matmul";
  let batching = "matmul";
  let product = 1;
  let symbolic = 1;
  let upcast = 0;
  let expansion = "matrixProduct(x, y)";
  let vjp = ["matmulGradient(ct, x, y, true)", "matmulGradient(ct, x, y, false)"];
  let numpy = "numpy.matmul(x, y)";
  let dtypes = "int float";
  let examples = ["dict(x=F(2, 3), y=F(3, 4))", "dict(x=F(3), y=F(3))", "dict(x=F(2, 3), y=F(3))", "dict(x=F(3), y=F(3, 2))",
                  "dict(x=F(2, 1, 3, 4), y=F(5, 4, 2))", "dict(x=F(2, 5, 3), y=F(3, 4))"];
  let python = "(input, other)";
}
def DropoutOp : Composite<"dropout", ["x", "state"], [A<"p", "Float", "0.5">, A<"offset", "Int", "0">]> {
  let summary = "x with each element zeroed with probability p and the others divided by 1 - p.";
  let description = "x: float; state: int64[2] of the random generator (see uniform); 0 <= p <= 1.";
  let infer = "dropout";
  let batching = "random";
  let symbolic = 1;
  let expansion = "dropoutScaled(x, x, state, p, offset)";
  let vjp = ["dropoutScaled(ct, x, state, p, offset)", ""];
  let python = "(input, p=0.5, training=True)";
}
def EmbeddingOp : Composite<"embedding", ["index", "weight"], [A<"padding_idx", "Int", "-1">]> {
  let summary = "The rows of weight at index.";
  let description = "index: int64 of any shape; weight: [rows, width]. The row padding_idx (if not -1) gets no gradient.";
  let independent = "[pair(a, index=a) for a in range(index.ndim)]";
  let infer = "embedding";
  let batching = "firstLeads";
  let checks = [ValueCheck<"Index", "index", "weight", "0">];
  let symbolic = 1;
  let upcast = 0;
  let expansion = "rowsAt(weight, index)";
  let vjp = ["", "embeddingGradient(ct, index, weight, padding_idx)"];
  let numpy = "weight[index]";
  let examples = ["dict(index=I(2, 3, high=4), weight=F(4, 5), padding_idx=-1)", "dict(index=I(high=4), weight=F(4, 5), padding_idx=-1)"];
  let python = "(input, weight, padding_idx=None)";
}
def ScaledDotProductAttentionOp : Composite<"scaled_dot_product_attention", ["query", "key", "value", "mask?"],
    [A<"is_causal", "Bool", "False">, A<"scale", "Float">]> {
  let summary = "softmax(query key^T * scale + mask) value.";
  let description = [{
    query: [..., L, E]; key: [..., S, E]; value: [..., S, V]; one float dtype and one set of leading axes. mask: absent, bool (false hides), or
    of the operands' dtype, added; it broadcasts to [..., L, S]. is_causal hides column j from row i where j > i: its probability is 0.
    A row of which everything is hidden, or without a key, is 0. It runs as one kernel over blocks of rows, without the matrix of scores in memory.
    Hidden keys add exactly nothing, wherever they stand: a query's result depends on the keys that it sees and their order alone, not on the
    number of keys, how others are hidden, queries or batch. The largest score has no order; the sum of exponentials is exact
    (masked_softmax), and the values are added in one chain over the keys (dot_chain). So tokens computed one at a time with a cache of keys
    and values, in chunks, behind padding or all at once have the same bits. (But zero times an infinite or NaN value is NaN, hidden or not.)
  }];
  let independent = [{
    [pair(a, query=a, key=a, value=a, mask=a - query.ndim) for a in range(query.ndim - 2)]
    + ([] if is_causal else [pair(-2, query=-2, mask=-2)])
  }];
  let infer = "attention";
  let batching = "attention";
  let symbolic = 1;
  let upcast = 0;
  let expansion = "attention(query, key, value, mask, is_causal, scale)";
  let numpy = [{
    scores = query @ numpy.swapaxes(key, -1, -2) * scale
    if is_causal:
        scores = numpy.where(numpy.tril(numpy.ones(scores.shape[-2:], bool)), scores, -numpy.inf)
    if mask is not None:
        scores = numpy.where(mask, scores, -numpy.inf) if mask.dtype == bool else scores + mask
    hidden = numpy.all(numpy.isneginf(scores), axis=-1, keepdims=True)
    return numpy.where(hidden, 0, scipy.special.softmax(numpy.where(hidden, 0, scores), axis=-1)) @ value
  }];
  let examples = ["dict(query=F(2, 3, 4), key=F(2, 5, 4), value=F(2, 5, 6), is_causal=False, scale=0.5)",
                  "dict(query=F(2, 2, 4, 4), key=F(2, 2, 4, 4), value=F(2, 2, 4, 4), is_causal=True, scale=0.5)",
                  "dict(query=F(3, 4), key=F(5, 4), value=F(5, 4), mask=F(3, 5), is_causal=False, scale=0.5)"];
  let python = "(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None)";
}
class ExtremumWithIndex<string mnemonic, string what> : Composite<mnemonic, ["x"], [A<"dim", "Int">, A<"keepdim", "Bool", "False">]> {
  let summary = "The " # what # " along an axis, and where the first one is; a NaN wins.";
  let description = [{
    x: any dtype; dim: an axis that is not empty, which stays as size 1 with keepdim. values: x's dtype; indices: int64. The element at
    indices gets the gradient.
  }];
  let resultNames = ["values", "indices"];
  let infer = "alongAxis<Same>";
  let batching = "shiftedAxes";
  let independent = "every_axis(but=[dim])";
  let inferOthers = ["alongAxis<ToInt64>"];
  let symbolic = 1;
  let upcast = 0;
  let positionsAlong = "dim";
  let expansion = [{
    Val indices = arg}] # mnemonic # [{(x, {dim}, true), values = gather(x, indices, dim);
    return {keepdim ? values : squeezed(values, dim), keepdim ? indices : squeezed(indices, dim)};
  }];
  let vjp = [[{
    if (!ct_values)
      return Val();
    Val at = keepdim ? indices : unsqueezed(indices, dim), given = keepdim ? ct_values : unsqueezed(ct_values, dim);
    return scatter_add(zerosLike(x), at, given, dim);
  }]];
  let jvp = [{
    Val at = keepdim ? indices : unsqueezed(indices, dim), tangent = gather(t_x, at, dim);
    return {keepdim ? tangent : squeezed(tangent, dim), Val()};
  }];
  let numpy = [{
    indices = numpy.arg}] # mnemonic # [{(x, axis=dim, keepdims=True)
    values = numpy.take_along_axis(x, indices, dim)
    return (values, indices) if keepdim else (values.squeeze(dim), indices.squeeze(dim))
  }];
  let dtypes = "int float";
  let python = "(input, dim=None, keepdim=False)";
  let examples = ["dict(x=F(2, 3), dim=1, keepdim=False)", "dict(x=F(3, 70, 2), dim=1, keepdim=True)", "dict(x=F(4, 5), dim=0, keepdim=False)"];
}
class Sorted<string mnemonic, list<A> attrs> : Composite<mnemonic, ["x"], attrs> {
  let resultNames = ["values", "indices"];
  let infer = mnemonic # "<Same>";
  let batching = "shiftedAxes";
  let independent = "every_axis(but=[dim])";
  let inferOthers = [mnemonic # "<ToInt64>"];
  let symbolic = 1;
  let upcast = 0;
  let positionsAlong = "dim";
  let vjp = ["ct_values ? scatter_add(zerosLike(x), indices, ct_values, dim) : Val()"];
  let jvp = "Results{gather(t_x, indices, dim), Val()}";
  let dtypes = "bool int float";
}
def SortOp : Sorted<"sort", [A<"dim", "Int", "-1">, A<"descending", "Bool", "False">]> {
  let summary = "The elements along an axis in order, and where they were.";
  let description = "x: any dtype, rank >= 1. Stable; a NaN counts as the greatest. values: x's dtype; indices: int64.";
  let expansion = [{
    Results sorted = sort_last(movedToLast(x, dim), descending);
    return {movedFromLast(sorted[0], dim), movedFromLast(sorted[1], dim)};
  }];
  let numpy = [{
    order = numpy.flip(x, dim) if descending else x
    indices = numpy.argsort(order, axis=dim, kind="stable")
    if descending:
        indices = x.shape[dim] - 1 - numpy.flip(indices, dim)
    return numpy.take_along_axis(x, indices, dim), indices
  }];
  let python = "(input, dim=-1, descending=False, *, stable=False)";
  let examples = ["dict(x=F(2, 7), dim=1, descending=False)", "dict(x=F(60, 3), dim=0, descending=True)"];
}
def TopkOp : Sorted<"topk", [A<"k", "Int">, A<"dim", "Int", "-1">, A<"largest", "Bool", "True">]> {
  let summary = "The k greatest or smallest elements along an axis, the first of them first, and where they are.";
  let description = "x: any dtype, rank >= 1, at least k elements. Of equal ones the first; a NaN counts as the greatest.";
  let expansion = [{
    Results chosen = topk_last(movedToLast(x, dim), k, largest);
    return {movedFromLast(chosen[0], dim), movedFromLast(chosen[1], dim)};
  }];
  let numpy = [{
    order = numpy.flip(x, dim) if largest else x
    indices = numpy.argsort(order, axis=dim, kind="stable")
    if largest:
        indices = x.shape[dim] - 1 - numpy.flip(indices, dim)
    indices = numpy.take(indices, numpy.arange(k), axis=dim)
    return numpy.take_along_axis(x, indices, dim), indices
  }];
  let python = "(input, k, dim=-1, largest=True, sorted=True)";
  let examples = ["dict(x=F(2, 7), k=1, dim=1, largest=True)", "dict(x=F(60, 3), k=2, dim=0, largest=False)"];
}
def VarMeanOp : Composite<"var_mean", ["x"], [A<"dims", "Ints">, A<"correction", "Int", "1">, A<"keepdim", "Bool", "False">]> {
  let summary = "Variance and mean over the axes dims.";
  let description = "x: float; dims: sorted, non-negative. They are those of var and mean.";
  let resultNames = ["var", "mean"];
  let independent = "every_axis(but=dims)";
  let infer = "reduction<Float, Same>";
  let batching = "shiftedAxes";
  let inferOthers = ["reduction<Float, Same>"];
  let symbolic = 1;
  let expansion = "return {build::var(x, dims, correction, keepdim), build::mean(x, dims, keepdim)};";
  let numpy = "return numpy.var(x, axis=tuple(dims), ddof=correction, keepdims=keepdim), numpy.mean(x, axis=tuple(dims), keepdims=keepdim)";
  let examples = ["dict(x=F(2, 3), dims=[1], correction=1, keepdim=False)", "dict(x=F(3, 70, 2), dims=[1], correction=0, keepdim=True)"];
  let python = "(input, dim=None, *, correction=1, keepdim=False)";
}
def MaxOp : ExtremumWithIndex<"max", "maximum">;
def MinOp : ExtremumWithIndex<"min", "minimum">;
def LogcumsumexpOp : Composite<"logcumsumexp", ["x"], [A<"dim", "Int">]> {
  let summary = "Logarithms of the sums of exp(x) over the elements up to each along the axis dim.";
  let description = "x: float of rank >= 1; dim: non-negative. What is summed is at most 1.";
  let independent = "every_axis(but=[dim])";
  let infer = "alongDim";
  let batching = "shiftedAxes";
  let symbolic = 1;
  let expansion = "logCumulativeSum(x, dim)";
  let vjp = ["logCumulativeSumGradient(ct, x, result, dim)"];
  let jvp = "logCumulativeSumTangent(t_x, x, result, dim)";
  let numpy = "numpy.logaddexp.accumulate(x, axis=dim)";
  let examples = ["dict(x=F(2, 3), dim=1)", "dict(x=F(3, 70, 2), dim=1)"];
  let python = "(input, dim)";
}
def SearchsortedOp : Composite<"searchsorted", ["sequence", "values"], [A<"steps", "Int">, A<"right", "Bool", "False">]> {
  let summary = "Where in a sorted sequence each of the values belongs: before equal elements or, with right, behind them.";
  let description = [{
    sequence: [..., n], sorted along its last axis; values: [..., m], of one dtype and with the same other axes; NaN counts as the greatest.
    steps: so many that 2^steps > n. The result is int64 [..., m].
  }];
  let infer = "searchsorted";
  let independent = "[pair(i, sequence=i, values=i) for i in range(values.ndim - 1)] + [pair(-1, values=-1)]";
  let batching = "leading";
  let upcast = 0;
  let symbolic = 1;
  let expansion = "searchSorted(sequence, values, steps, right)";
  let vjp = ["", ""];
  let numpy = [{
    side = "right" if right else "left"
    rows = [numpy.searchsorted(numpy.sort(s), v, side) for s, v in zip(sequence.reshape(-1, sequence.shape[-1]), values.reshape(-1, values.shape[-1]))]
    return numpy.stack(rows).reshape(values.shape).astype(numpy.int64)
  }];
  let dtypes = "int float";
  let domain = "(1, 2)";
  let examples = ["dict(sequence=F(1), values=F(5), steps=1, right=False)", "dict(sequence=F(2, 1), values=F(2, 3), steps=2, right=True)"];
  let python = "(sorted_sequence, input, *, out_int32=False, right=False, side=None, sorter=None)";
}
#endif
