// Windows over the last axes: pooling; and what is done to each channel of [N, C, ...].
#ifndef WEFT_OPS_POOLING
#define WEFT_OPS_POOLING

include "ir/ops/Composite.td"

// kernel, stride, low, high (padding) and dilation have one entry for each of the last axes.
class Pool<string mnemonic, list<A> more = []> : Composite<mnemonic, ["x"],
    !listconcat([A<"kernel", "Ints">, A<"stride", "Ints">, A<"low", "Ints">, A<"high", "Ints">, A<"dilation", "Ints">], more)> {
  let infer = "pool";
  let batching = "leading";
  let symbolic = 1;
  let upcast = 0;
  let independent = "every_axis(but=range(x.ndim - len(kernel), x.ndim))";
  let python = "(input, kernel_size, stride=None, padding=0)";
}

def MaxPoolOp : Pool<"max_pool"> {
  let summary = "The greatest element of each window over the last axes; a NaN wins.";
  let description = "x: float [..., *sizes]. What is padded is less than any number. The gradient goes to the first of equal elements.";
  let expansion = "windowMaximum(x, kernel, stride, low, high, dilation)";
  let vjp = ["windowMaximumGradient(ct, x, kernel, stride, low, high, dilation)"];
  let numpy = [{
    n, lead = len(kernel), x.ndim - len(kernel)
    p = numpy.pad(x, [(0, 0)] * lead + list(zip(low, high)), constant_values=-numpy.inf)
    size = [(a - d * (k - 1) - 1) // s + 1 for a, d, k, s in zip(p.shape[lead:], dilation, kernel, stride)]
    return numpy.maximum.reduce([p[(..., *(slice(i * d, i * d + (m - 1) * s + 1, s) for i, d, m, s in zip(place, dilation, size, stride)))]
                                 for place in numpy.ndindex(*kernel)])
  }];
  let examples = [
    "dict(x=F(2, 3, 6, 5), kernel=[2, 2], stride=[2, 2], low=[0, 0], high=[0, 0], dilation=[1, 1])",
    "dict(x=F(2, 7, 9), kernel=[3, 2], stride=[2, 1], low=[1, 0], high=[1, 1], dilation=[1, 2])",
    "dict(x=F(2, 20), kernel=[3], stride=[3], low=[1], high=[0], dilation=[1])"];
}
def MaxPoolIndexOp : Pool<"max_pool_index"> {
  let summary = "Where in the last axes, as one number, the first greatest element of each window is, or the last NaN.";
  let description = "x: float [..., *sizes]. int64.";
  let infer = "poolIndex";
  let expansion = "windowMaximumIndex(x, kernel, stride, low, high, dilation)";
  let vjp = [""];
  let numpy = [{
    lead = x.ndim - len(kernel)
    p = numpy.pad(x, [(0, 0)] * lead + list(zip(low, high)), constant_values=-numpy.inf)
    at = numpy.pad(numpy.broadcast_to(numpy.arange(numpy.prod(x.shape[lead:])).reshape(x.shape[lead:]), x.shape), [(0, 0)] * lead + list(zip(low, high)))
    size = [(a - d * (k - 1) - 1) // s + 1 for a, d, k, s in zip(p.shape[lead:], dilation, kernel, stride)]
    parts = [(..., *(slice(i * d, i * d + (m - 1) * s + 1, s) for i, d, m, s in zip(place, dilation, size, stride))) for place in numpy.ndindex(*kernel)]
    values = numpy.stack([p[part] for part in parts])
    inside = numpy.pad(numpy.ones(x.shape, bool), [(0, 0)] * lead + list(zip(low, high)))
    real = numpy.stack([inside[part] for part in parts])
    missing = numpy.isnan(values)
    best = numpy.where(missing.any(0), len(parts) - 1 - missing[::-1].argmax(0), (real & (values == values.max(0))).argmax(0))
    return numpy.take_along_axis(numpy.stack([at[part] for part in parts]), best[None], 0)[0]
  }];
  let examples = [
    "dict(x=F(2, 3, 6, 5), kernel=[2, 2], stride=[2, 2], low=[0, 0], high=[0, 0], dilation=[1, 1])",
    "dict(x=F(2, 7, 9), kernel=[3, 2], stride=[2, 1], low=[1, 0], high=[1, 1], dilation=[1, 2])"];
}
def AvgPoolOp : Pool<"avg_pool", [A<"include_pad", "Bool", "True">, A<"divisor", "Int", "0">]> {
  let summary = "The average of each window over the last axes.";
  let description = [{
    x: float [..., *sizes]; dilation: ones. The sum divided by `divisor`, or where that is 0 by the elements of the window, those counted that are
    padded by `low` on either side if include_pad says so.
  }];
  let expansion = "windowSum(x, kernel, stride, low, high) / windowCounts(x, kernel, stride, low, high, include_pad, divisor)";
  let upcast = 1;
  let vjp = ["windowSumGradient(ct / windowCounts(x, kernel, stride, low, high, include_pad, divisor), x.shape(), kernel, stride, low, high)"];
  let numpy = [{
    lead = x.ndim - len(kernel)
    p = numpy.pad(x, [(0, 0)] * lead + list(zip(low, high)))
    size = [(a - k) // s + 1 for a, k, s in zip(p.shape[lead:], kernel, stride)]
    total = sum(p[(..., *(slice(i, i + (m - 1) * s + 1, s) for i, m, s in zip(place, size, stride)))] for place in numpy.ndindex(*kernel))
    count = numpy.ones(size)
    for axis, (m, s, k, l, n) in enumerate(zip(size, stride, kernel, low, x.shape[lead:])):
        start = numpy.arange(m) * s - l
        ends = numpy.minimum(start + k, n + l)
        along = ends - start if include_pad else numpy.minimum(ends, n) - numpy.maximum(start, 0)
        count = count * along.reshape([-1 if a == axis else 1 for a in range(len(size))])
    return total / (divisor or count)
  }];
  let examples = [
    "dict(x=F(2, 3, 6, 5), kernel=[2, 2], stride=[2, 2], low=[0, 0], high=[0, 0], dilation=[1, 1], include_pad=True, divisor=0)",
    "dict(x=F(2, 7, 9), kernel=[3, 2], stride=[2, 1], low=[1, 0], high=[2, 1], dilation=[1, 1], include_pad=False, divisor=0)",
    "dict(x=F(2, 7, 9), kernel=[3, 2], stride=[2, 1], low=[1, 1], high=[2, 1], dilation=[1, 1], include_pad=True, divisor=0)",
    "dict(x=F(2, 9), kernel=[3], stride=[3], low=[1], high=[2], dilation=[1], include_pad=True, divisor=5)"];
}

def ChannelVarOp : Composite<"channel_var", ["x"]> {
  let summary = "The variance of each channel of [N, C, ...], without correction.";
  let description = "x: float of rank >= 2. The result is [C].";
  let infer = "channelReduction";
  let batching = "channelReduction";
  let symbolic = 1;
  let expansion = [{
    Dims dims = axesButChannel(x.rank());
    Val distance = x - mean(x, dims, true);
    return mean(distance * distance, dims, false);
  }];
  let vjp = [[{
    Dims dims = axesButChannel(x.rank());
    return perChannel(ct * 2.0 / countOf(x, dims), x.rank()) * (x - mean(x, dims, true));
  }]];
  let numpy = "x.var(tuple(a for a in range(x.ndim) if a != 1))";
  let examples = ["dict(x=F(3, 4, 5))", "dict(x=F(6, 2))"];
  let independent = "[pair(0, x=1)]";
  let python = "(input)";
}
def NormalizeChannelsOp : Composite<"normalize_channels", ["x", "mean", "variance", "weight?", "bias?"], [A<"eps", "Float", "1e-5">]> {
  let summary = "Each channel of [N, C, ...] less its mean, divided by the square root of its variance plus eps, times weight plus bias.";
  let description = "x: float of rank >= 2; the others: x's dtype, [C]; weight and bias may be absent.";
  let infer = "normalizeChannels";
  let batching = "normalizeChannels";
  let symbolic = 1;
  let expansion = [{
    Val scale = rsqrt(variance + eps);
    if (weight)
      scale = scale * weight;
    Val y = (x - perChannel(mean, x.rank())) * perChannel(scale, x.rank());
    return bias ? y + perChannel(bias, x.rank()) : y;
  }];
  let vjp = [[{
    Val scale = rsqrt(variance + eps);
    return ct * perChannel(weight ? scale * weight : scale, ct.rank());
  }], [{
    Val scale = rsqrt(variance + eps);
    return -(sum(ct, axesButChannel(ct.rank()), false) * (weight ? scale * weight : scale));
  }], [{
    Val scale = rsqrt(variance + eps);
    Val total = sum(ct * (x - perChannel(mean, ct.rank())), axesButChannel(ct.rank()), false);
    Val slope = total * (weight ? scale * weight : scale);
    return slope * (scale * scale) * -0.5;
  }], [{
    Val total = sum(ct * (x - perChannel(mean, ct.rank())), axesButChannel(ct.rank()), false);
    return total * rsqrt(variance + eps);
  }], "sum(ct, axesButChannel(ct.rank()), false)"];
  let numpy = [{
    shape = (-1, *(1 for _ in x.shape[2:]))
    y = (x - mean.reshape(shape)) / numpy.sqrt(variance.reshape(shape) + eps)
    return y * (1 if weight is None else weight.reshape(shape)) + (0 if bias is None else bias.reshape(shape))
  }];
  let domain = "(0.5, 2)";
  let examples = ["dict(x=F(3, 4, 5), mean=F(4), variance=F(4), weight=F(4), bias=F(4), eps=1e-5)",
                  "dict(x=F(6, 2), mean=F(2), variance=F(2), eps=1e-3)"];
  let independent = "[pair(a, x=a) if a != 1 else pair(1, x=1, mean=0, variance=0, weight=0, bias=0) for a in range(x.ndim)]";
  let python = "(input, mean, variance, weight=None, bias=None, eps=1e-05)";
}
#endif
