// Ops that move elements and compute nothing. Shapes in attributes may hold symbols (ir/Dims.h).
#ifndef WEFT_OPS_SHAPE
#define WEFT_OPS_SHAPE

include "ir/ops/Base.td"

class Move<string mnemonic, list<string> operands, list<A> attrs> : Weft_Op<mnemonic, "Shape", operands, attrs> {
  let infer = mnemonic;
  let batching = mnemonic;
  let selects = !foreach(name, operands, !subst("...", "", name));
  let dtypes = "bool int float";
}

class View<string mnemonic, list<string> operands, list<A> attrs> : Move<mnemonic, operands, attrs> { let view = 1; }

def ReshapeOp : View<"reshape", ["x"], [A<"shape", "Ints">]> {
  let complex = "Axes";
  let summary = "The same elements in row-major order with another shape.";
  let description = "x: any; shape: as many elements as x has.";
  let symbolic = 1;
  let vjp = ["reshape(ct, x.shape())"];
  let jvp = "reshape(t_x, shape)";
  let numpy = "numpy.reshape(x, shape)";
  let examples = ["dict(x=F(2, 6), shape=[3, 4])", "dict(x=F(2, 3), shape=[6])", "dict(x=F(1), shape=[])"];
}
def PermuteOp : View<"permute", ["x"], [A<"dims", "Ints">]> {
  let complex = "Axes";
  let summary = "The axes in another order: axis i of the result is axis dims[i] of x.";
  let description = "x: any; dims: a permutation of its axes.";
  let symbolic = 1;
  let vjp = ["permute(ct, inversePermutation(dims))"];
  let jvp = "permute(t_x, dims)";
  let numpy = "numpy.transpose(x, dims)";
  let examples = ["dict(x=F(2, 3), dims=[1, 0])", "dict(x=F(2, 3, 4), dims=[2, 0, 1])"];
}
def ExpandOp : View<"expand", ["x"], [A<"shape", "Ints">]> {
  let complex = "Axes";
  let summary = "x repeated along new leading axes and axes of size 1.";
  let description = "x: any; shape: its last axes match x's, or x has size 1 there.";
  let symbolic = 1;
  let vjp = ["sumTo(ct, x.shape())"];
  let jvp = "expand(t_x, shape)";
  let numpy = "numpy.broadcast_to(x, shape)";
  let examples = ["dict(x=F(3), shape=[2, 3])", "dict(x=F(2, 1), shape=[4, 2, 3])", "dict(x=F(), shape=[5])"];
}
def SliceOp : View<"slice", ["x"], [A<"starts", "Ints">, A<"sizes", "Ints">, A<"steps", "Ints">]> {
  let complex = "Axes";
  let summary = "Every steps[i]-th element along axis i from starts[i], sizes[i] of them.";
  let description = "x: any; starts >= 0, steps >= 1, one entry an axis; the last element taken must be inside x.";
  let symbolic = 1;
  let vjp = ["padLikeSlice(ct, x.shape(), starts, steps)"];
  let jvp = "slice(t_x, starts, sizes, steps)";
  let numpy = "x[tuple(slice(a, a + (n - 1) * s + 1 if n else a, s) for a, n, s in zip(starts, sizes, steps))]";
  let examples = ["dict(x=F(4, 5), starts=[1, 0], sizes=[2, 3], steps=[1, 2])", "dict(x=F(7), starts=[2], sizes=[5], steps=[1])"];
}
def PadOp : Move<"pad", ["x"], [A<"low", "Ints">, A<"high", "Ints">, A<"interior", "Ints">, A<"value", "Float", "0.0">]> {
  let complex = "Axes";
  let summary = "x with `value` around it and between its elements.";
  let description = "x: any; low, high, interior: counts >= 0, one an axis: before, after, and between neighbours.";
  let vjp = ["slice(ct, low, x.shape(), plusOne(interior))"];
  let jvp = "pad(t_x, low, high, interior, 0.0)";
  let numpy = [{
    shape = [l + h + n + max(n - 1, 0) * i for l, h, n, i in zip(low, high, x.shape, interior)]
    y = numpy.full(shape, value, x.dtype)
    y[tuple(slice(l, l + max((n - 1) * (i + 1) + 1, 0), i + 1) for l, n, i in zip(low, x.shape, interior))] = x
    return y
  }];
  let examples = ["dict(x=F(2, 3), low=[1, 0], high=[0, 2], interior=[0, 0], value=0.5)",
                  "dict(x=F(4), low=[0], high=[1], interior=[1], value=0.0)"];
  let python = "(input, pad, value=0.0)";
}
def ConcatenateOp : Move<"concatenate", ["inputs..."], [A<"dim", "Int", "0">]> {
  let complex = "Axes";
  let summary = "The inputs one after the other along an axis.";
  let description = "inputs: one or more of one dtype, rank and shape but for axis dim.";
  let symbolic = 1;
  let batching = "shiftedAxes";
  let vjp = ["sliceOfConcatenated(ct, inputs, i, dim)"];
  let jvp = "concatenate(t_inputs, dim)";
  let numpy = "numpy.concatenate(inputs, axis=dim)";
  let examples = ["dict(inputs=[F(2, 3), F(2, 1)], dim=1)", "dict(inputs=[F(2), F(3), F(1)], dim=0)"];
  let python = "(tensors, dim=0)";
}
def FlipOp : Move<"flip", ["x"], [A<"dims", "Ints">]> {
  let complex = "Axes";
  let summary = "x with the order along the axes dims reversed.";
  let description = "x: any; dims: its axes, sorted.";
  let symbolic = 1;
  let batching = "shiftedAxes";
  let vjp = ["flip(ct, dims)"];
  let jvp = "flip(t_x, dims)";
  let involution = 1;
  let numpy = "numpy.flip(x, tuple(dims))";
  let python = "(input, dims)";
  let examples = ["dict(x=F(2, 3), dims=[1])", "dict(x=F(2, 3), dims=[0, 1])"];
}
#endif
