"""Sums, means and maxima of rows of a table, a bag of indices each."""

from __future__ import annotations

from .. import _C, _factories, _ops
from .._C import Tensor
from .._functions import ordering
from .._public import Number, public
from ._arguments import padding_index
from ._norms import vector_norm


def _check(input: Tensor, weight: Tensor, offsets: Tensor | None, mode: str, per_sample_weights: Tensor | None) -> None:
    if weight.ndim != 2:
        raise RuntimeError(
            f"[embedding_bag] weight must be a matrix; got shape {list(weight.shape)}; pass one row an index"
        )
    if input.ndim not in (1, 2):
        raise ValueError(f"[embedding_bag] input must have one or two axes; got shape {list(input.shape)}; reshape it")
    if input.ndim == 2 and offsets is not None:
        raise ValueError(
            f"[embedding_bag] the rows of an input of two axes are the bags; got offsets for shape {list(input.shape)}; "
            f"leave them out"
        )
    if input.ndim == 1 and (offsets is None or offsets.ndim != 1):
        got = "none" if offsets is None else f"shape {list(offsets.shape)}"
        raise ValueError(
            f"[embedding_bag] an input of one axis needs offsets, a vector; got {got}; pass where bags begin"
        )
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"[embedding_bag] mode must be 'sum', 'mean' or 'max'; got {mode!r}; choose one of them")
    if per_sample_weights is not None:
        if mode != "sum":
            raise NotImplementedError(
                f"[embedding_bag] per_sample_weights go with mode 'sum'; got {mode!r}; choose that"
            )
        if per_sample_weights.shape != input.shape:
            raise ValueError(
                f"[embedding_bag] per_sample_weights must have the input's shape {list(input.shape)}; got "
                f"{list(per_sample_weights.shape)}; pass one an index"
            )


def _check_offsets(offsets: Tensor, count: int, include_last_offset: bool) -> None:
    if offsets.dtype not in (_C.int32, _C.int64):
        raise RuntimeError(f"[embedding_bag] offsets must be int32 or int64; got {offsets.dtype}; use .long()")
    bags = offsets.shape[0] - include_last_offset
    if bags < 0:
        raise RuntimeError(
            "[embedding_bag] with include_last_offset there is at least one offset; got none; pass the end"
        )
    if bags and int(offsets[0].item()) != 0:
        raise RuntimeError(
            f"[embedding_bag] the first bag must begin at 0; got {int(offsets[0].item())}; pass offsets from 0 on"
        )
    if offsets.shape[0] and int(offsets.max().item()) > count:
        raise RuntimeError(
            f"[embedding_bag] offsets must be at most the number of indices, {count}; got {int(offsets.max().item())}"
        )


def _bag_of_each(offsets: Tensor, count: int) -> Tensor:
    """Of each index the number of its bag."""
    place = _ops.iota((count,), 0, _C.int64).to(offsets.device)
    return _ops.sub(ordering.searchsorted(offsets.to(_C.int64), place, right=True), 1)


@public
def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: Number | None = None,
    norm_type: Number = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """The "sum", "mean" or "max" of the rows of weight [rows, width] that each bag of indices names: [bags, width].

    input: integers, [bags, n], or a vector that ``offsets`` cuts (where each bag begins; with ``include_last_offset`` and where the last
    ends). ``per_sample_weights``, of the input's shape, are factors of the rows of a sum. ``padding_idx`` counts for nothing; an empty
    bag gives zeros. Equal maxima share the gradient evenly. With ``sparse`` the gradient of the weight, a leaf, is sparse.
    """
    if scale_grad_by_freq:
        raise NotImplementedError("[embedding_bag] scale_grad_by_freq is not supported; leave it out")
    _check(input, weight, offsets, mode, per_sample_weights)
    padding_idx = padding_index("embedding_bag", padding_idx, weight.shape[0])
    index = input.to(_C.int64)
    if max_norm is not None:
        with _C.GradMode(False):
            flat = index.reshape(-1)
            rows = weight.index_select(0, flat)
            norm = vector_norm(rows, norm_type, (1,), keepdim=True)
            weight[flat] = _ops.where(norm > max_norm, rows * (max_norm / (norm + 1e-7)), rows)
    if offsets is not None:
        _check_offsets(offsets, index.shape[0], include_last_offset)
    sparse = sparse and weight.requires_grad and _C.grad_enabled()
    return bags_of(index, weight, offsets, mode, per_sample_weights, include_last_offset, padding_idx, sparse)


def bags_of(
    index: Tensor,
    weight: Tensor,
    offsets: Tensor | None,
    mode: str,
    per_sample_weights: Tensor | None,
    include_last_offset: bool,
    padding_idx: int | None,
    sparse: bool = False,
) -> Tensor:
    """embedding_bag of arguments that are known to be right: reads no values of offsets, so that it can be traced."""
    if offsets is not None and include_last_offset:  # what follows the last end is a bag that nobody gets
        everything = bags_of(index, weight, offsets, mode, per_sample_weights, False, padding_idx, sparse)
        return everything.narrow(0, 0, offsets.shape[0] - 1)
    if mode != "max" and padding_idx is None and not sparse:
        return _sums(index, weight, offsets, mode, per_sample_weights)
    if sparse:
        from ..sparse.gradients import rows as rows_of  # late: few programs have them

        rows = rows_of("embedding_bag", weight, index, padding_idx)
    else:
        rows = _ops.embedding(index, weight, -1 if padding_idx is None else padding_idx)
    counts = None if padding_idx is None else _ops.ne(index, padding_idx)
    if per_sample_weights is not None:
        rows = _ops.mul(rows, per_sample_weights.unsqueeze(-1))
    if counts is not None:
        rows = _ops.where(counts.unsqueeze(-1), rows, 0.0 if mode != "max" else float("-inf"))
    if offsets is None:
        return _of_rows(rows, counts, mode)
    bag, bags = _bag_of_each(offsets, index.shape[0]), offsets.shape[0]
    at = bag.reshape(-1, 1).expand(*rows.shape)
    shape = (bags, weight.shape[1])
    if mode == "max":
        least = _factories.full(shape, float("-inf"), dtype=weight.dtype, device=weight.device)
        result = _ops.scatter_amax(least, at, rows, 0)
        return _ops.where(_ops.eq(result, float("-inf")), 0.0, result)
    total = _ops.scatter_add(_factories.zeros(*shape, dtype=weight.dtype, device=weight.device), at, rows, 0)
    if mode == "sum":
        return total
    ones = _factories.ones(index.shape[0], dtype=_C.float32, device=weight.device) if counts is None else counts.float()
    sizes = _ops.scatter_add(_factories.zeros(bags, dtype=_C.float32, device=weight.device), bag, ones, 0)
    return _ops.div(total, _ops.clamp_min(sizes, 1.0).to(weight.dtype).unsqueeze(-1))


def _sums(
    index: Tensor, weight: Tensor, offsets: Tensor | None, mode: str, per_sample_weights: Tensor | None
) -> Tensor:
    """By the op that reads the table's rows where they are."""
    if offsets is None:
        bags, size = index.shape
        begins = _ops.mul(_ops.iota((bags,), 0, _C.int64).to(index.device), size)
    else:
        begins = offsets.to(_C.int64)
    flat = index.reshape(-1)
    total = _ops.embedding_bag(
        weight, flat, begins, None if per_sample_weights is None else per_sample_weights.reshape(-1)
    )
    if mode == "sum" or not begins.shape[0]:
        return total
    end = _factories.full((1,), flat.shape[0], dtype=_C.int64, device=begins.device)
    sizes = _ops.sub(_ops.concatenate([begins.narrow(0, 1, begins.shape[0] - 1), end], 0), begins)
    return _ops.div(total, _ops.clamp_min(sizes, 1).to(weight.dtype).unsqueeze(-1))


def _of_rows(rows: Tensor, counts: Tensor | None, mode: str) -> Tensor:
    """The bags are the rows of the input: [bags, n, width]."""
    if mode == "max" and rows.shape[1]:
        result = _ops.amax(rows, (1,), False)
        return result if counts is None else _ops.where(_ops.eq(result, float("-inf")), 0.0, result)
    total = _ops.sum(rows, (1,), False)
    if mode == "sum" or not rows.shape[1]:
        return total
    if counts is None:
        return _ops.div(total, float(rows.shape[1]))
    sizes = _ops.sum(counts.to(_C.int64), (1,), False)
    return _ops.div(total, _ops.clamp_min(sizes, 1).to(rows.dtype).unsqueeze(-1))
