// Convolutions: contractions whose one operand is read through windows.
#ifndef WEFT_OPS_CONVOLUTION
#define WEFT_OPS_CONVOLUTION

include "ir/ops/Base.td"

// stride, low, high (padding, negative where positions are left out) and dilation have one entry a spatial axis.
class Windows<string mnemonic, list<string> operands, list<A> before = []>
    : Weft_Op<mnemonic, "Convolution", operands, !listconcat(before, [A<"stride", "Ints">, A<"low", "Ints">, A<"high", "Ints">,
                                                                      A<"dilation", "Ints">, A<"groups", "Int", "1">])> {
  let domain = "(-2, 2)";
}

def ConvGeneralOp : Windows<"conv_general", ["x", "weight"]> {
  let summary = "Convolution (cross-correlation) over 1, 2 or 3 axes.";
  let description = [{
    x: [N, C, *sizes]; weight: [O, C / groups, *kernel]; one float dtype. The result is [N, O, *results], where
    results[i] = (sizes[i] + low[i] + high[i] - dilation[i] * (kernel[i] - 1) - 1) / stride[i] + 1. Around x are zeros, with which is multiplied as
    with other elements. 16-bit floats accumulate in float32.
    The order of the sum: over positions of the kernel in row-major order, for each over the input channels of the group, by fused
    multiply-adds in blocks as dot_general states, but never by lanes: it depends on the weight's shape alone.
  }];
  let infer = "convGeneral";
  let batching = "convolution";
  let vjp = ["convInputGradient(ct, x.shape(), weight, stride, low, dilation, groups)",
             "conv_general_weight(x, ct, kernelOf(weight.shape()), stride, low, high, dilation, groups)"];
  let jvp = [{
    conv_general(t_x, weight, stride, low, high, dilation, groups) +
    conv_general(x, t_weight, stride, low, high, dilation, groups)
  }];
  let numpy = [{
    axes = range(len(stride))
    padded = numpy.pad(x, [(0, 0), (0, 0), *((max(l, 0), max(h, 0)) for l, h in zip(low, high))])
    padded = padded[(slice(None), slice(None), *(slice(max(-l, 0), n - max(-h, 0)) for l, h, n in zip(low, high, padded.shape[2:])))]
    size = [(n - d * (k - 1) - 1) // s + 1 for n, d, k, s in zip(padded.shape[2:], dilation, weight.shape[2:], stride)]
    y = numpy.zeros((x.shape[0], weight.shape[0], *size), numpy.result_type(x, weight))
    channels, results = weight.shape[1], weight.shape[0] // groups
    for place in numpy.ndindex(*weight.shape[2:]):
        part = padded[(slice(None), slice(None), *(slice(p * d, p * d + (n - 1) * s + 1, s) for p, d, n, s in zip(place, dilation, size, stride)))]
        for g in range(groups):
            w = weight[(slice(g * results, (g + 1) * results), slice(None), *place)]
            y[:, g * results : (g + 1) * results] += numpy.einsum("nc...,oc->no...", part[:, g * channels : (g + 1) * channels], w)
    return y
  }];
  let independent = "[pair(0, x=0)] + ([pair(1, weight=0)] if groups == 1 else [])";
  let python = "(input, weight, stride, low, high, dilation, groups=1)";
  let examples = [
    "dict(x=F(2, 3, 6, 5), weight=F(4, 3, 3, 3), stride=[1, 1], low=[1, 1], high=[1, 1], dilation=[1, 1], groups=1)",
    "dict(x=F(1, 4, 7, 9), weight=F(6, 2, 3, 2), stride=[2, 3], low=[1, 0], high=[0, 2], dilation=[1, 2], groups=2)",
    "dict(x=F(2, 3, 8), weight=F(3, 1, 4), stride=[2], low=[2], high=[1], dilation=[1], groups=3)",
    "dict(x=F(1, 2, 4, 3, 5), weight=F(3, 2, 2, 1, 3), stride=[1, 1, 2], low=[0, 1, 1], high=[1, 0, 1], dilation=[2, 1, 1], groups=1)",
    "dict(x=F(1, 2, 6, 6), weight=F(2, 2, 3, 3), stride=[2, 2], low=[-1, 1], high=[1, -1], dilation=[2, 1], groups=1)",
    "dict(x=F(2, 40, 9, 20), weight=F(7, 40, 3, 3), stride=[1, 1], low=[1, 1], high=[1, 1], dilation=[1, 1], groups=1)",
    "dict(x=F(3, 17, 7, 7), weight=F(70, 17, 1, 1), stride=[1, 1], low=[0, 0], high=[0, 0], dilation=[1, 1], groups=1)"];
}

def ConvGeneralWeightOp : Windows<"conv_general_weight", ["x", "y"], [A<"kernel", "Ints">]> {
  let summary = "The gradient of conv_general for its weight: y times the windows of x, summed over the batch and the results' positions.";
  let description = [{
    x: [N, C, *sizes]; y: [N, O, *results], of one float dtype, as conv_general has them. The result is [O, C / groups, *kernel].
    The order of the sum: over the batch and y's positions in row-major order, by fused multiply-adds in blocks as dot_general states,
    but never by lanes. With a channel a group, of x and of y, and at most 64 positions of the kernel: products, summed over the last axis as sum
    does, and then over the others.
  }];
  let infer = "convGeneralWeight";
  let batching = "convolutionWeight";
  let vjp = ["convInputGradient(y, x.shape(), ct, stride, low, dilation, groups)",
             "conv_general(x, ct, stride, low, high, dilation, groups)"];
  let jvp = [{
    conv_general_weight(t_x, y, kernel, stride, low, high, dilation, groups) +
    conv_general_weight(x, t_y, kernel, stride, low, high, dilation, groups)
  }];
  let numpy = [{
    padded = numpy.pad(x, [(0, 0), (0, 0), *((max(l, 0), max(h, 0)) for l, h in zip(low, high))])
    padded = padded[(slice(None), slice(None), *(slice(max(-l, 0), n - max(-h, 0)) for l, h, n in zip(low, high, padded.shape[2:])))]
    channels, results = x.shape[1] // groups, y.shape[1] // groups
    w = numpy.zeros((y.shape[1], channels, *kernel), numpy.result_type(x, y))
    for place in numpy.ndindex(*kernel):
        part = padded[(slice(None), slice(None), *(slice(p * d, p * d + (n - 1) * s + 1, s) for p, d, n, s in zip(place, dilation, y.shape[2:], stride)))]
        for g in range(groups):
            these = slice(g * results, (g + 1) * results)
            given = part[:, g * channels : (g + 1) * channels].reshape(len(x), channels, -1)
            w[(these, slice(None), *place)] = numpy.einsum("ncp,nop->oc", given, y[:, these].reshape(len(x), results, -1))
    return w
  }];
  let independent = "[pair(0, y=1), pair(1, x=1)] if groups == 1 else []";
  let python = "(input, grad_output, kernel, stride, low, high, dilation, groups=1)";
  let examples = [
    "dict(x=F(2, 3, 6, 5), y=F(2, 4, 6, 5), kernel=[3, 3], stride=[1, 1], low=[1, 1], high=[1, 1], dilation=[1, 1], groups=1)",
    "dict(x=F(1, 4, 7, 9), y=F(1, 6, 3, 3), kernel=[3, 2], stride=[2, 3], low=[1, 0], high=[0, 2], dilation=[1, 2], groups=2)",
    "dict(x=F(2, 3, 8), y=F(2, 3, 4), kernel=[4], stride=[2], low=[2], high=[1], dilation=[1], groups=3)",
    "dict(x=F(1, 2, 4, 3, 5), y=F(1, 3, 3, 4, 3), kernel=[2, 1, 3], stride=[1, 1, 2], low=[0, 1, 1], high=[1, 0, 1], dilation=[2, 1, 1], groups=1)",
    "dict(x=F(3, 10, 9, 20), y=F(3, 70, 9, 20), kernel=[3, 3], stride=[1, 1], low=[1, 1], high=[1, 1], dilation=[1, 1], groups=1)"];
}

def ConvOp : Windows<"conv", ["x", "weight", "bias?"]> {
  let complex = "Bilinear";
  let summary = "conv_general plus bias, one number an output channel.";
  let family = "Composite";
  let description = "x: [N, C, *sizes]; weight: [O, C / groups, *kernel]; bias: [O] or absent; one float dtype.";
  let infer = "conv";
  let batching = "foldedExamples";
  let upcast = 1;
  let expansion = [{
    Val y = conv_general(x, weight, stride, low, high, dilation, groups);
    return bias ? y + perChannel(bias, y.rank()) : y;
  }];
  let vjp = ["convInputGradient(ct, x.shape(), weight, stride, low, dilation, groups)",
             "conv_general_weight(x, ct, kernelOf(weight.shape()), stride, low, high, dilation, groups)",
             "sum(ct, axesButChannel(ct.rank()), false)"];
  let numpy = [{
    axes = range(len(stride))
    padded = numpy.pad(x, [(0, 0), (0, 0), *zip(low, high)])
    size = [(n - d * (k - 1) - 1) // s + 1 for n, d, k, s in zip(padded.shape[2:], dilation, weight.shape[2:], stride)]
    y = numpy.zeros((x.shape[0], weight.shape[0], *size), numpy.result_type(x, weight))
    channels, results = weight.shape[1], weight.shape[0] // groups
    for place in numpy.ndindex(*weight.shape[2:]):
        part = padded[(slice(None), slice(None), *(slice(p * d, p * d + (n - 1) * s + 1, s) for p, d, n, s in zip(place, dilation, size, stride)))]
        for g in range(groups):
            w = weight[(slice(g * results, (g + 1) * results), slice(None), *place)]
            y[:, g * results : (g + 1) * results] += numpy.einsum("nc...,oc->no...", part[:, g * channels : (g + 1) * channels], w)
    return y if bias is None else y + bias.reshape(-1, *(1 for _ in axes))
  }];
  let independent = "[pair(0, x=0)] + ([pair(1, weight=0, bias=0)] if groups == 1 else [])";
  let python = "(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)";
  let examples = [
    "dict(x=F(2, 3, 6, 5), weight=F(4, 3, 3, 3), bias=F(4), stride=[1, 1], low=[1, 1], high=[1, 1], dilation=[1, 1], groups=1)",
    "dict(x=F(1, 4, 7), weight=F(6, 2, 3), stride=[2], low=[1], high=[1], dilation=[1], groups=2)"];
}

def ConvTransposeOp : Windows<"conv_transpose", ["x", "weight"], [A<"sizes", "Ints">]> {
  let summary = "The gradient of conv_general for its input of the given sizes: a transposed convolution.";
  let family = "Composite";
  let description = [{
    x: [N, O, *results]; weight: [O, C / groups, *kernel], of one float dtype. The result is [N, C, *sizes], where conv_general makes
    `results` of `sizes`. With a stride it is one product whose output channels are those of all phases between two elements of x.
  }];
  let infer = "convTranspose";
  let batching = "foldedExamples";
  let expansion = [{
    Dims shape{x.shape()[0], weight.shape()[1] * groups};
    for (int64_t size : sizes)
      shape.push_back(size);
    return convInputGradient(x, shape, weight, stride, low, dilation, groups);
  }];
  let vjp = ["conv_general(ct, weight, stride, low, high, dilation, groups)",
             "conv_general_weight(ct, x, kernelOf(weight.shape()), stride, low, high, dilation, groups)"];
  let numpy = [{
    full = [n + l + h for n, l, h in zip(sizes, low, high)]
    channels, results = weight.shape[1], weight.shape[0] // groups
    y = numpy.zeros((x.shape[0], channels * groups, *full), numpy.result_type(x, weight))
    for place in numpy.ndindex(*weight.shape[2:]):
        for g in range(groups):
            w = weight[(slice(g * results, (g + 1) * results), slice(None), *place)]
            part = numpy.einsum("no...,oc->nc...", x[:, g * results : (g + 1) * results], w)
            where = tuple(slice(p * d, p * d + (n - 1) * s + 1, s) for p, d, n, s in zip(place, dilation, x.shape[2:], stride))
            y[(slice(None), slice(g * channels, (g + 1) * channels), *where)] += part
    return y[(slice(None), slice(None), *(slice(l, l + n) for l, n in zip(low, sizes)))]
  }];
  let independent = "[pair(0, x=0)] + ([pair(1, weight=1)] if groups == 1 else [])";
  let python = "(input, weight, sizes, stride, low, high, dilation, groups=1)";
  let examples = [
    "dict(x=F(2, 4, 6, 5), weight=F(4, 3, 3, 3), sizes=[6, 5], stride=[1, 1], low=[1, 1], high=[1, 1], dilation=[1, 1], groups=1)",
    "dict(x=F(2, 4, 3, 4), weight=F(4, 2, 4, 3), sizes=[6, 8], stride=[2, 2], low=[1, 1], high=[1, 0], dilation=[1, 1], groups=2)",
    "dict(x=F(1, 2, 3), weight=F(2, 3, 2), sizes=[9], stride=[3], low=[0], high=[0], dilation=[1], groups=1)",
    "dict(x=F(1, 2, 4), weight=F(2, 3, 3), sizes=[9], stride=[2], low=[1], high=[1], dilation=[2], groups=1)"];
}
#endif
