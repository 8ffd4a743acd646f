"""What the distributions share: parameters of one shape, and the two ways to give probabilities."""

from __future__ import annotations

import functools
import math
import numbers
from typing import Any

import weft
from weft import Tensor
from weft.nn import functional as F

euler_constant = 0.57721566490153286060


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Tensors and numbers as tensors of one shape; numbers take dtype and device of the first tensor. ValueError for other objects."""
    first = next((v for v in values if isinstance(v, Tensor)), None)
    for v in values:
        if not isinstance(v, (Tensor, numbers.Number)):
            raise ValueError(
                f"[distributions] parameters and values must be tensors or numbers; got {type(v).__name__}; use weft.tensor"
            )
    dtype = weft.get_default_dtype() if first is None else first.dtype
    device = None if first is None else first.device
    tensors = [v if isinstance(v, Tensor) else weft.tensor(v, dtype=dtype, device=device) for v in values]
    return weft.broadcast_tensors(*tensors)


def check_kind(op: str, name: str, value: Any, *kinds: type) -> Any:
    """The value. TypeError where it is of none of the classes."""
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise TypeError(f"[{op}] {name} must be a {wanted}; got {type(value).__name__}")
    return value


def standard_normal(like: Tensor, shape: Any) -> Tensor:
    """Standard normal numbers of the tensor's dtype and device."""
    return weft.randn(tuple(shape), dtype=like.dtype, device=like.device)


def uniform(like: Tensor, shape: Any, generator: Any = None) -> Tensor:
    """Uniform numbers of (0, 1), of the tensor's dtype and device."""
    least = weft.finfo(like.dtype).tiny
    return weft.rand(tuple(shape), dtype=like.dtype, device=like.device, generator=generator).clamp(min=least)


def sum_rightmost(value: Tensor, dim: int) -> Tensor:
    """The sum over so many last dimensions."""
    return value.sum(tuple(range(-dim, 0))) if dim else value


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities of log odds, or of unnormalised log probabilities along the last dimension."""
    return weft.sigmoid(logits) if is_binary else F.softmax(logits, dim=-1)


def clamp_probs(probs: Tensor) -> Tensor:
    """Within (0, 1), by the dtype's eps."""
    eps = weft.finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """Log odds, or log probabilities, of probabilities that are clamped first."""
    clamped = clamp_probs(probs)
    return weft.log(clamped) - weft.log1p(-clamped) if is_binary else weft.log(clamped)


class lazy_property:
    """Computed when first asked for, and then an attribute."""

    def __init__(self, wrapped: Any) -> None:
        self.wrapped = wrapped
        functools.update_wrapper(self, wrapped)  # type: ignore[arg-type]

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        with weft.enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value


def either(op: str, **given: Any) -> Any:
    """The name of the only one that is given. ValueError where it is none or several."""
    names = [name for name, value in given.items() if value is not None]
    if len(names) != 1:
        raise ValueError(
            f"[{op}] takes exactly one of {', '.join(given)}; got {' and '.join(names) or 'none'}; pass one of them"
        )
    return names[0]


def multigammaln(a: Tensor, p: int) -> Tensor:
    """The logarithm of the multivariate gamma function of dimension p."""
    terms = weft.stack([weft.lgamma(a - i / 2) for i in range(p)], -1)
    return p * (p - 1) / 4 * math.log(math.pi) + terms.sum(-1)


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """(..., n, n) → (..., k): the elements on and below the diagonal, row by row."""
    rows, columns = weft.tril_indices(mat.shape[-2], mat.shape[-1], diag)
    return mat[..., rows, columns]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """(..., k) → (..., n, n), zero above the diagonal; the inverse of tril_matrix_to_vec. ValueError where k fits no n."""
    count, n = vec.shape[-1], 1
    while _places(n, diag)[0] < count:
        n += 1
    found, places = _places(n, diag)
    if found != count:
        raise ValueError(f"[vec_to_tril_matrix] no matrix has {count} elements there; got shape {list(vec.shape)}")
    zero = weft.zeros_like(vec[..., :1])
    index = weft.tensor([count if place is None else place for place in places], device=vec.device)
    return weft.cat([vec, zero], -1).index_select(-1, index).reshape((*vec.shape[:-1], n, n))


def _places(n: int, diag: int) -> tuple[int, list[int | None]]:
    """How many elements a matrix of n rows has on and below the diagonal, and the number of each of its elements among them."""
    places: list[int | None] = []
    count = 0
    for row in range(n):
        for column in range(n):
            below = column <= row + diag
            places.append(count if below else None)
            count += below
    return count, places
