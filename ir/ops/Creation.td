// Ops that read no tensor data but the state of the random generator. The result's shape is an attribute.
#ifndef WEFT_OPS_CREATION
#define WEFT_OPS_CREATION

include "ir/ops/Base.td"

class Creation<string mnemonic, list<string> operands, list<A> attrs> : Weft_Op<mnemonic, "Creation", operands, attrs> {
  let infer = mnemonic;
  let symbolic = 1;
}

def IotaOp : Creation<"iota", [], [A<"shape", "Ints">, A<"dim", "Int">, A<"dtype", "DType", "int64">]> {
  let summary = "Each element is its position along the axis dim.";
  let description = "shape: rank >= 1; dtype: integer or float.";
  let scalarOperands = ["position"]; // index along dim, i64
  let scalar = "convertTo(dtype, position, elementType)";
  let jvp = "zerosLike(result)";
  let numpy = "numpy.broadcast_to(numpy.arange(shape[dim]).reshape([-1 if a == dim else 1 for a in range(len(shape))]), shape).astype(dtype)";
  let examples = ["dict(shape=[2, 3], dim=1, dtype='int64')", "dict(shape=[20], dim=0, dtype='float32')"];
  let dtypes = "";
}
def FullOp : Creation<"full", [], [A<"shape", "Ints">, A<"value", "Float", "0.0">, A<"integer", "Int", "0">, A<"dtype", "DType", "float32">]> {
  let summary = "Every element is one number.";
  let description = "The number is `value` for float dtypes and `integer` (exact up to 64 bits) for integers and bool.";
  let scalar = "isFloat(dtype) ? constantOf(dtype, elementType, value) : constantOf(elementType, integer)";
  let jvp = "zerosLike(result)";
  let numpy = "numpy.full(shape, value if numpy.dtype(dtype).kind == 'f' else integer, dtype)";
  let examples = ["dict(shape=[2, 3], value=0.1, integer=0, dtype='float32')", "dict(shape=[2], value=0.0, integer=2**62 + 1, dtype='int64')"];
  let dtypes = "";
}

def CountOp : Creation<"count", [], [A<"shape", "Ints">, A<"sizes", "Ints">, A<"less", "Int", "0">, A<"dtype", "DType", "float32">]> {
  let summary = "Every element is the product of `sizes` less a number, or 0 if that is more.";
  let description = "How many elements a reduction takes, or a size, where it is known only when the program runs. dtype: not bool.";
  let scalarOperands = ["number"]; // i64
  let scalar = "convert(number, elementType, false)";
  let jvp = "zerosLike(result)";
  let numpy = "numpy.full(shape, max(int(numpy.prod(sizes)) - less, 0), dtype)";
  let examples = ["dict(shape=[], sizes=[3, 5], less=1, dtype='float32')", "dict(shape=[2], sizes=[2], less=3, dtype='float64')"];
  let dtypes = "";
}

class Random<string mnemonic> : Creation<mnemonic, ["state"],
    [A<"shape", "Ints">, A<"dtype", "DType", "float32">, A<"offset", "Int", "0">]> {
  let infer = "random";
  let batching = "random";
  let scalarOperands = ["seed", "counter"]; // i64: state[0], and state[1] + offset + the row-major index
  let jvp = "zerosLike(result)";
  let dtypes = "";
  let description = [{
    state: int64[2], the seed and the stream's offset. Element i is a function of the seed and the counter state[1] + offset + i
    alone (Philox4x32-10), the same on every target, eager and compiled. In a graph offset may be a symbolic size (ir/Dims.h).
  }];
}
def UniformOp : Random<"uniform"> {
  let summary = "Random numbers uniform in [0, 1).";
  let scalar = "uniform01(seed, counter, elementType, significandBits(dtype))";
}
def RandomIntegerOp : Creation<"random_integer", ["state", "bounds"], [A<"shape", "Ints">, A<"offset", "Int", "0">]> {
  let summary = "Random integers uniform in [bounds[0], bounds[1]), as int64.";
  let description = "state: see uniform; bounds: int64[2]. The upper 64 bits of 128 random ones times the number of integers.";
  let infer = "randomInteger";
  let batching = "random";
  let scalarOperands = ["seed", "counter", "low", "high"];
  let scalar = "randomInteger(seed, counter, low, high)";
  let jvp = "zerosLike(result)";
  let dtypes = "";
}
def NormalOp : Random<"normal"> {
  let summary = "Random numbers of the standard normal distribution.";
  let scalar = "normal01(seed, counter, elementType)";
}
#endif
