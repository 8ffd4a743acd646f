"""Items into batches."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence
from copy import copy

from ... import _C
from ... import _factories as factories


def default_collate(batch):
    """A batch of items: tensors and arrays are stacked, numbers become a tensor (of float64 for floats), tuples and dicts go by
    element, strings stay. TypeError for other objects, RuntimeError for sequences of several lengths."""
    if not isinstance(batch, (Sequence, factories.Tensor)) or not len(batch):
        raise TypeError(f"[default_collate] batch must be a list of items; got {batch!r}; pass one item or more")
    first = batch[0]
    if isinstance(first, factories.Tensor):
        return factories.stack(batch)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, (bool, int)):
        return factories.tensor(batch)
    if hasattr(first, "__array_interface__") and first.dtype.kind in "biuf":
        import numpy

        _check_all(
            [item for item in batch if not hasattr(item, "__array_interface__")], (int, float), "arrays or numbers"
        )
        shapes = {getattr(item, "shape", ()) for item in batch}
        if len(shapes) > 1:
            raise RuntimeError(
                f"[default_collate] arrays must have one shape; got {', '.join(str(list(s)) for s in sorted(shapes))}; pass collate_fn"
            )
        return factories.from_numpy(numpy.stack(batch))
    if isinstance(first, float):
        return factories.tensor(batch, dtype=_C.float64)
    if isinstance(first, Mapping):
        _check_all(batch, Mapping, "dicts")
        return like(first, {key: default_collate([item[key] for item in batch]) for key in first})
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        _check_all(batch, Sequence, "tuples or lists")
        return type(first)(*(default_collate(column) for column in zip(*batch)))
    if isinstance(first, Sequence):
        _check_all(batch, Sequence, "tuples or lists")
        if any(len(item) != len(first) for item in batch):
            raise RuntimeError(
                f"[default_collate] the items must have one length; got {sorted({len(item) for item in batch})}; pass collate_fn"
            )
        columns = [default_collate(column) for column in zip(*batch)]
        return columns if isinstance(first, tuple) else like(first, columns)
    raise TypeError(
        f"[default_collate] items are tensors, arrays, numbers, strings, dicts, tuples or lists; got {type(first).__name__}; "
        "pass collate_fn"
    )


def _check_all(batch, kind, what):
    for item in batch:
        if not isinstance(item, kind):
            raise TypeError(
                f"[default_collate] the items must be of one kind, as the first one is: {what}; got "
                f"{type(item).__name__}; pass collate_fn"
            )


def pinned(data):
    """Tensors of the CPU, and of containers of them, pinned; so is what has a method ``pin_memory``. The rest stays."""
    if isinstance(data, factories.Tensor):
        return data.pin_memory() if data.device.type == "cpu" else data
    if hasattr(data, "pin_memory"):
        return data.pin_memory()
    if isinstance(data, Mapping):
        return like(data, {key: pinned(value) for key, value in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(pinned(value) for value in data))
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        parts = [pinned(value) for value in data]
        return tuple(parts) if isinstance(data, tuple) else like(data, parts)
    return data


def like(original, contents):
    """The contents as a container of the original's class, or a plain one where that class makes none."""
    try:
        if isinstance(original, MutableMapping):
            result = copy(original)
            result.update(contents)
            return result
        if isinstance(original, MutableSequence):
            result = copy(original)
            result[:] = contents
            return result
        return type(original)(contents)
    except TypeError:
        return contents


def default_convert(data):
    """One item as default_collate would have it in a batch: arrays become tensors."""
    is_array = hasattr(data, "__array_interface__") and not isinstance(data, (factories.Tensor, type))
    if is_array and data.dtype.kind in "biuf":
        return factories.as_tensor(data)
    if isinstance(data, Mapping):
        return like(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(default_convert(value) for value in data))
    if isinstance(data, tuple):
        return [default_convert(value) for value in data]
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return like(data, [default_convert(value) for value in data])
    return data
