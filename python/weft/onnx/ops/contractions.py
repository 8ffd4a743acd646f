"""Products of matrices."""

import weft

from ..table import operator


@operator("MatMul", 1, 9, 13)
def matmul(a, b):
    return weft.matmul(a, b)


@operator("Gemm", 7, 9, 11, 13)
def gemm(a, b, c=None, *, alpha=1.0, beta=1.0, transA=0, transB=0):
    """alpha · A B + beta · C; without C where beta is 0."""
    a = a.t() if transA else a
    if alpha == 1.0 and beta == 1.0 and transB and c is not None and c.ndim == 1 and c.shape[0] == b.shape[0]:
        return weft.nn.functional.linear(a, b, c)
    product = weft.matmul(a, b.t() if transB else b)
    if alpha != 1.0:
        product = product * alpha if product.dtype.is_floating_point else (product * int(alpha))
    if c is None or beta == 0:
        return product
    return product + (c if beta == 1.0 else c * beta if c.dtype.is_floating_point else c * int(beta))


@operator("Einsum", 12, 28)
def einsum(*tensors, equation):
    return weft.einsum(equation.replace(" ", ""), *tensors)


@operator("Det", 11, 22)
def det(x):
    """By elimination, the greatest element of a column as pivot."""
    result = weft.ones(x.shape[:-2], dtype=x.dtype)
    for _ in range(x.shape[-1]):
        size = x.shape[-1]
        first = weft.argmax(weft.abs(x[..., 0]), -1, True)  # (..., 1)
        index = first.unsqueeze(-1).expand(*first.shape[:-1], 1, size)
        pivot = weft.gather(x, -2, index)
        swapped = weft.scatter(x, -2, index, x[..., :1, :])
        sign = weft.where(first.squeeze(-1) == 0, 1.0, -1.0).to(x.dtype)
        head = pivot[..., 0, 0]
        result = result * sign * head
        factor = swapped[..., 1:, :1] / weft.where(head == 0, weft.ones_like(head), head).unsqueeze(-1).unsqueeze(-1)
        x = swapped[..., 1:, 1:] - factor * pivot[..., 1:]
    return result
