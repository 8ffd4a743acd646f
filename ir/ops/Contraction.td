// The matrix product in general.
#ifndef WEFT_OPS_CONTRACTION
#define WEFT_OPS_CONTRACTION

include "ir/ops/Base.td"

class DotGeneral<string mnemonic> : Weft_Op<mnemonic, "Contraction", ["lhs", "rhs"],
    [A<"lhs_batch", "Ints">, A<"rhs_batch", "Ints">, A<"lhs_contract", "Ints">, A<"rhs_contract", "Ints">]> {
  let infer = "dotGeneral";
  let batching = "dotGeneral";
  let independent = "products(lhs_batch, rhs_batch, lhs_contract, rhs_contract)";
  let symbolic = 1;
  let vjp = ["dotGeneralGradient(ct, lhs, rhs, lhs_batch, rhs_batch, lhs_contract, rhs_contract, true)",
             "dotGeneralGradient(ct, rhs, lhs, rhs_batch, lhs_batch, rhs_contract, lhs_contract, false)"];
  let jvp = [{
    dot_general(t_lhs, rhs, lhs_batch, rhs_batch, lhs_contract, rhs_contract) +
    dot_general(lhs, t_rhs, lhs_batch, rhs_batch, lhs_contract, rhs_contract)
  }];
  let numpy = [{
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    left, right = [None] * lhs.ndim, [None] * rhs.ndim
    batch = [next(letters) for _ in lhs_batch]
    for l, r, c in [*zip(lhs_batch, rhs_batch, batch), *((l, r, next(letters)) for l, r in zip(lhs_contract, rhs_contract))]:
        left[l] = right[r] = c
    left = [c or next(letters) for c in left]
    right = [c or next(letters) for c in right]
    paired = set(left) & set(right)
    out = batch + [c for c in left if c not in paired] + [c for c in right if c not in paired]
    return numpy.einsum(f"{''.join(left)},{''.join(right)}->{''.join(out)}", lhs, rhs)
  }];
  let domain = "(-2, 2)";
  let dtypes = "int float";
  let examples = [
    "dict(lhs=F(2, 3), rhs=F(3, 4), lhs_batch=[], rhs_batch=[], lhs_contract=[1], rhs_contract=[0])",
    "dict(lhs=F(3, 2), rhs=F(4, 3), lhs_batch=[], rhs_batch=[], lhs_contract=[0], rhs_contract=[1])",
    "dict(lhs=F(2, 3, 4), rhs=F(2, 4, 5), lhs_batch=[0], rhs_batch=[0], lhs_contract=[2], rhs_contract=[1])",
    "dict(lhs=F(3), rhs=F(3), lhs_batch=[], rhs_batch=[], lhs_contract=[0], rhs_contract=[0])",
    "dict(lhs=F(17, 300), rhs=F(300, 33), lhs_batch=[], rhs_batch=[], lhs_contract=[1], rhs_contract=[0])"];
}
def DotGeneralOp : DotGeneral<"dot_general"> {
  let complex = "Bilinear";
  let summary = "Sums of products over paired axes.";
  let description = [{
    lhs, rhs: one dtype, not bool. Axis lhs_batch[i] goes with rhs_batch[i], and lhs_contract[i] with rhs_contract[i]; the latter are
    summed over. The result's axes are the batch axes, then lhs's others, then rhs's others. 16-bit floats accumulate in float32.
    The order of the sum: fused multiply-adds in row-major order of the contracted axes within blocks of 256, the blocks added in order,
    whatever the number of rows and columns. That of bfloat16 takes the products two by two, in each pair the second first, and what is
    subnormal in it is a zero: what processors that multiply bfloat16 compute. (kernel.contract in ir/kernel/KernelOps.td says it in full.)
  }];
}
def DotChainOp : DotGeneral<"dot_chain"> {
  let summary = "dot_general, each sum in one chain.";
  let description = [{
    The order of the sum, in bfloat16, too: fused multiply-adds from +0.0 in row-major order of the contracted axes, however many there
    are; a result of -0.0 is +0.0. So products that are zero change nothing, wherever they stand among the others. For attention; it is less accurate than
    dot_general where very many products of one size are summed (docs/accuracy.md). Its derivative is that of dot_general.
  }];
}
def WideDotGeneralOp : DotGeneral<"wide_dot_general"> {
  let summary = "Sums of products over paired axes, of 16-bit floats in float32.";
  let description = [{
    As dot_general, but the result of 16-bit floats is float32, not rounded, and one operand may be a 16-bit float where the other is float32:
    what composites of 16-bit floats multiply. In float16 and with a float32 the order of the sum is that of float32.
  }];
  let infer = "wideDotGeneral";
  let vjp = ["cast(dotGeneralGradient(ct, lhs, rhs, lhs_batch, rhs_batch, lhs_contract, rhs_contract, true), lhs.dtype())",
             "cast(dotGeneralGradient(ct, rhs, lhs, rhs_batch, lhs_batch, rhs_contract, lhs_contract, false), rhs.dtype())"];
  let jvp = [{
    wide_dot_general(t_lhs, rhs, lhs_batch, rhs_batch, lhs_contract, rhs_contract) +
    wide_dot_general(lhs, t_rhs, lhs_batch, rhs_batch, lhs_contract, rhs_contract)
  }];
}
#endif
