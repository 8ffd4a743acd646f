"""Elements in order, and where they are. A NaN counts as the greatest; of equal elements the first comes first."""

from __future__ import annotations

from .. import _ops
from .._C import Tensor
from .._public import Any, public

__all__ = ["sort", "argsort", "topk"]
METHODS = __all__


def _along(op: Any, input: Tensor, *attributes: Any) -> Any:
    """Of a 0-d tensor: the op on its one element."""
    if input.ndim:
        return op(input, *attributes)
    results = op(input.reshape(1), *attributes)
    return type(results)(*(result.reshape(()) for result in results))


@public
def sort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Any:
    """The elements along ``dim`` in order, and where they were; always stable."""
    return _along(_ops.sort, input, dim, descending)


@public
def argsort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Tensor:
    """Where the elements along ``dim`` are, in order; always stable."""
    return sort(input, dim, descending).indices


@public
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """The ``k`` greatest (or smallest) elements along ``dim``, in order, and where they are."""
    if k < 0:
        raise RuntimeError(f"[topk] k must not be negative; got {k} and shape {list(input.shape)}")
    return _along(_ops.topk, input, k, dim, largest)
