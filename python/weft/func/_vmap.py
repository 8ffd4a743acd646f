"""``vmap``: a function of one example, for a batch of them."""

from __future__ import annotations

import functools

from .. import _C, _pytree
from .._C import Tensor
from .._functions.shapes import cat
from .._layouts import check_dense


def vmap(func, in_dims=0, out_dims=0, randomness="error", *, chunk_size=None):
    """A function that does ``func`` for all examples along an axis of its arguments, at once.

    Example i of the result has the bits of ``func`` on example i. ``func`` sees tensors without the axis and runs once, so it cannot
    ask for their values (``weft.where`` stands for a branch), nor write to tensors from outside; to its arguments it can. Tensors that it
    closes over, and keyword arguments, are the same for all examples.

    Args:
        in_dims: the axis of each positional argument, or None for one that is the same for all examples: an int for all, or a tuple with
            an entry an argument, which may be nested as the arguments are (tuples, lists, dicts).
        out_dims: where the axis is in the results, alike. None: the result, which need be no tensor, is the same for all, and comes once.
        randomness: random operations raise ("error"), draw the same numbers for all examples ("same"), or others ("different").
        chunk_size: how many examples to do at a time; None: all.

    Raises:
        TypeError: chunk_size is no int.
        ValueError: in_dims or out_dims do not fit; sizes along the axis differ; ``func`` returns something else than tensors.
        RuntimeError: ``func`` asks for a tensor's value, writes to a tensor from outside, or draws under "error".
    """
    if type(randomness) is not str or randomness not in ("error", "different", "same"):
        raise RuntimeError(f"[vmap] randomness must be 'error', 'different' or 'same'; got {randomness}")
    if chunk_size is not None and type(chunk_size) is not int:
        raise TypeError(f"[vmap] chunk_size must be an int or None; got {type(chunk_size).__name__}")
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"[vmap] chunk_size must be None or greater than 0; got {chunk_size}")

    @functools.wraps(func)
    def batched(*args, **kwargs):
        leaves, structure = _pytree.flatten(args)
        dims = _in_dims(func, in_dims, leaves, structure)
        size = _size(dims, leaves)
        if chunk_size is None or chunk_size >= size:
            return _batch(func, leaves, dims, structure, size, kwargs, out_dims, randomness)
        return _in_chunks(func, leaves, dims, structure, size, kwargs, out_dims, randomness, chunk_size)

    return batched


def _name(func):
    return getattr(func, "__name__", type(func).__name__)


def _in_dims(func, in_dims, leaves, structure):
    """The axis of each leaf, counted from 0; None where it has none."""
    name = _name(func)
    if not isinstance(in_dims, (int, tuple)) or isinstance(in_dims, bool):
        raise ValueError(
            f"[vmap] in_dims of {name} must be an int or a (nested) tuple like its arguments; got {type(in_dims).__name__}"
        )
    if not leaves:
        raise ValueError(f"[vmap] {name} got no arguments; pass at least one tensor with an axis to map over")
    spread = _pytree.spread(in_dims, structure)
    if spread is None:
        raise ValueError(
            f"[vmap] in_dims of {name} does not fit its arguments; got {in_dims} for arguments {_pytree.text(structure)}"
        )
    dims = []
    for dim, leaf in zip(spread, leaves):
        if dim is None:
            dims.append(None)
            continue
        if not isinstance(dim, int) or isinstance(dim, bool):
            raise ValueError(f"[vmap] an entry of in_dims must be an int or None; got {type(dim).__name__}")
        if not isinstance(leaf, Tensor):
            raise ValueError(
                f"[vmap] only tensors have an axis to map over; got {type(leaf).__name__} with in_dim {dim}; pass None as its in_dim"
            )
        check_dense("vmap", leaf)
        rank = leaf.ndim
        if not -rank <= dim < rank:
            raise ValueError(
                f"[vmap] in_dim must be in [{-rank}, {rank}) for a tensor of {rank} dimensions; got {dim} and shape {list(leaf.shape)}"
            )
        dims.append(dim % rank)
    return dims


def _size(dims, leaves):
    sizes = [leaf.shape[dim] for dim, leaf in zip(dims, leaves) if dim is not None]
    if not sizes:
        raise ValueError("[vmap] no argument has an axis to map over; pass an int in in_dims for at least one tensor")
    if any([size != sizes[0] for size in sizes]):
        raise ValueError(f"[vmap] all tensors must have the same size along the mapped axis; got sizes {sizes}")
    return sizes[0]


def _batch(func, leaves, dims, structure, size, kwargs, out_dims, randomness):
    batches = [_moved(leaf, dim, 0) for dim, leaf in zip(dims, leaves) if dim is not None]
    batching = _C.batching(batches, size, randomness)
    with batching as examples:
        following = iter(examples)
        given = [leaf if dim is None else next(following) for dim, leaf in zip(dims, leaves)]
        result = func(*_pytree.unflatten(given, structure), **kwargs)
        outputs, shape = _pytree.flatten(result)
        places = _out_dims(func, out_dims, outputs, shape)
        tensors = [output for output in outputs if isinstance(output, Tensor)]
        check_dense("vmap", *tensors)
        made = iter(batching.finish(tensors))
    results = [
        _placed(func, *next(made), dim) if isinstance(output, Tensor) else output
        for output, dim in zip(outputs, places)
    ]
    return _pytree.unflatten(results, shape)


def _out_dims(func, out_dims, outputs, structure):
    if structure is None and isinstance(out_dims, tuple) and len(out_dims) == 1:
        (out_dims,) = out_dims
    places = _pytree.spread(out_dims, structure)
    if places is None or not all([dim is None or isinstance(dim, int) for dim in places]):
        raise ValueError(
            f"[vmap] out_dims of {_name(func)} does not fit its results; got {out_dims} for results {_pytree.text(structure)}"
        )
    for output, dim in zip(outputs, places):
        if dim is not None and not isinstance(output, Tensor):
            raise ValueError(
                f"[vmap] {_name(func)} must return tensors; got {type(output).__name__} with out_dim {dim}; pass None as its out_dim"
            )
    return places


def _moved(tensor, source, target):
    if source == target:
        return tensor
    order = list(range(tensor.ndim))
    order.insert(target, order.pop(source))
    return tensor.permute(order)


def _axis(dim, rank):
    if not -rank <= dim < rank:
        raise IndexError(
            f"[vmap] out_dim must be in [{-rank}, {rank}) for a result of {rank - 1} dimensions; got {dim}"
        )
    return dim % rank


def _placed(func, batch, differs, dim):
    if dim is not None:
        return _moved(batch, 0, _axis(dim, batch.ndim))
    if differs:
        raise ValueError(
            f"[vmap] a result of {_name(func)} differs from example to example, and its out_dim is None; pass an int"
        )
    return batch[0]


def _in_chunks(func, leaves, dims, structure, size, kwargs, out_dims, randomness, chunk_size):
    parts = []
    for start in range(0, size, chunk_size):
        count = min(chunk_size, size - start)
        part = [leaf if dim is None else leaf.narrow(dim, start, count) for dim, leaf in zip(dims, leaves)]
        parts.append(_pytree.flatten(_batch(func, part, dims, structure, count, kwargs, out_dims, randomness)))
    shape = parts[0][1]
    places = _out_dims(func, out_dims, parts[0][0], shape)
    columns = zip(*[outputs for outputs, _ in parts])
    joined = [column[0] if dim is None else cat(column, dim) for column, dim in zip(columns, places)]
    return _pytree.unflatten(joined, shape)
