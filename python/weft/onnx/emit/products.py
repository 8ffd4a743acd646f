"""Products of matrices, and attention."""

from ..writer import Varying
from . import emits


@emits("matmul")
def _matmul(w, node):
    return w.node("MatMul", [v.name for v in node.operands])


@emits("linear")
def _linear(w, node):
    x, weight, *bias = node.operands
    if len(x.shape) == 2 and bias and len(weight.shape) == 2:
        return w.node("Gemm", [x.name, weight.name, bias[0].name], transB=1)
    turned = weight.name if len(weight.shape) < 2 else w.node("Transpose", [weight.name], perm=[1, 0])
    product = w.node("MatMul", [x.name, turned])
    return w.node("Add", [product, bias[0].name]) if bias else product


@emits("addmm")
def _addmm(w, node):
    c, a, b = node.operands
    return w.node("Gemm", [a.name, b.name, c.name], alpha=node.attrs["alpha"], beta=node.attrs["beta"])


@emits("dot_general", "dot_chain", "wide_dot_general")
def _dot_general(w, node):
    """By letters, or as a product of matrices where the axes lie so."""
    left, right = node.operands
    attrs = node.attrs
    names = [w.value(v, node.dtype) for v in (left, right)]
    batch = len(attrs["lhs_batch"])
    if (
        tuple(attrs["lhs_batch"]) == tuple(attrs["rhs_batch"]) == tuple(range(batch))
        and len(left.shape) == len(right.shape) == batch + 2
        and tuple(attrs["lhs_contract"]) == (batch + 1,)
        and tuple(attrs["rhs_contract"]) == (batch,)
    ):
        return w.node("MatMul", names)
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    first, second = [None] * len(left.shape), [None] * len(right.shape)
    for a, b in (*zip(attrs["lhs_batch"], attrs["rhs_batch"]), *zip(attrs["lhs_contract"], attrs["rhs_contract"])):
        first[a] = second[b] = next(letters)
    out = [first[a] for a in attrs["lhs_batch"]]
    paired = {c for c in first if c}
    first, second = ([c or next(letters) for c in part] for part in (first, second))
    out += [c for c in (*first, *second) if c not in paired]
    return w.node("Einsum", names, equation=f"{''.join(first)},{''.join(second)}->{''.join(out)}")


@emits("scaled_dot_product_attention")
def _attention(w, node):
    """Rows that see no key are zeros; a mask alone can bring that about."""
    q, k, v, *mask = node.operands
    rank, dtype = len(q.shape), node.dtype
    scaled = w.node("Mul", [q.name, w.number(node.attrs["scale"], dtype)])
    turned = w.node("Transpose", [k.name], perm=[*range(rank - 2), rank - 1, rank - 2])
    scores = w.node("MatMul", [scaled, turned])
    if node.attrs["is_causal"]:
        seen = _seen(w, q.shape[-2], k.shape[-2], q, k)
        scores = w.node("Where", [seen, scores, w.number(float("-inf"), dtype)])
    if mask:
        least = w.number(float("-inf"), dtype)
        bool_ = mask[0].dtype == "bool"
        scores = w.node("Where", [mask[0].name, scores, least]) if bool_ else w.node("Add", [scores, mask[0].name])
    weights = w.node("Softmax", [scores], axis=-1)
    if mask:
        greatest = w.node("ReduceMax", [scores, w.integers([-1])], keepdims=1)
        hidden = w.node("Equal", [greatest, least])
        weights = w.node("Where", [hidden, w.number(0.0, dtype), weights])
    return w.node("MatMul", [weights, v.name])


def _seen(w, rows, columns, q, k):
    """Of (rows, columns) bool: that a column is not behind the row's own."""
    zero, one = w.number(0, "int64"), w.number(1, "int64")

    def steps(size, near):
        length = (
            w.node("Squeeze", [w.size(size, (near,)), w.integers([0])])
            if isinstance(size, Varying)
            else w.number(size, "int64")
        )
        return w.node("Range", [zero, length, one])

    own = w.node("Unsqueeze", [steps(rows, q), w.integers([1])])
    return w.node("GreaterOrEqual", [own, steps(columns, k)])
