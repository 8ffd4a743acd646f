"""Methods that are about a tensor's memory, or that run Python on its elements."""

from __future__ import annotations

from collections.abc import Sequence

from .. import _C, _buffers, _factories, _storage
from .._C import Tensor, device, dtype
from .._public import Any, public
from .specials import polygamma
from .views import _become, split_with_sizes

__all__ = ["as_strided_", "unsafe_split_with_sizes", "resize_as"]
METHODS = [
    *__all__, "apply_", "map_", "map2_", "set_", "share_memory_", "is_shared", "storage_type", "dim_order", "new_empty_strided",
    "const_data_ptr", "module_load", "polygamma_", "record_stream",
]  # fmt: skip

unsafe_split_with_sizes = split_with_sizes


def _by_python(op: str, input: Tensor, function: Any, *others: Tensor) -> Tensor:
    if not callable(function):
        raise TypeError(f"[{op}] callable must be a function of numbers; got {type(function).__name__}")
    if input.device.type != "cpu" or input.requires_grad:
        raise TypeError(
            f"[{op}] runs Python on each element of tensors on the CPU that require no grad; use .detach().cpu()"
        )
    if any(other.shape != input.shape for other in others):
        shapes = ", ".join(str(list(x.shape)) for x in (input, *others))
        raise RuntimeError(f"[{op}] all must have one shape; got {shapes}; expand them")
    lists = [x.reshape(-1).tolist() for x in (input, *others)]
    values = [function(*numbers) for numbers in zip(*lists)]
    return input.copy_(_factories.tensor(values, dtype=input.dtype).reshape(input.shape)) if values else input


@public
def apply_(input: Tensor, callable: Any) -> Tensor:
    """Writes ``callable(element)`` to each element; slow. TypeError on a GPU, or where the tensor requires grad."""
    return _by_python("apply_", input, callable)


@public
def map_(input: Tensor, other: Tensor, callable: Any) -> Tensor:
    """Writes ``callable(element, other's element)`` to each element; slow. RuntimeError for two shapes."""
    return _by_python("map_", input, callable, other)


@public
def map2_(input: Tensor, x: Tensor, y: Tensor, callable: Any) -> Tensor:
    """Writes ``callable(element, x's, y's)`` to each element; slow. RuntimeError for several shapes."""
    return _by_python("map2_", input, callable, x, y)


@public
def as_strided_(input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None) -> Tensor:
    """Makes this tensor the view ``as_strided`` of itself."""
    return _become("as_strided_", input, lambda: input.as_strided(size, stride, storage_offset))


@public
def resize_as(input: Tensor, tensor: Tensor) -> Tensor:
    """The elements in the shape of another tensor of as many."""
    return input.reshape(tensor.shape)


@public
def set_(input: Tensor, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None) -> Tensor:
    """Makes this tensor show the memory of ``source``: a tensor, as that shows it; a storage, from ``storage_offset`` on in ``size`` and
    ``stride``; nothing, with no elements. RuntimeError for a tensor of another dtype."""
    if source is None:
        shown = _C.empty((0,), input.dtype, input.device)
    elif isinstance(source, Tensor):
        if source.dtype is not input.dtype:
            raise RuntimeError(f"[set_] both must have one dtype; got {input.dtype} and {source.dtype}; use .to(dtype)")
        shown = source.detach()
        if size is not None:
            shown = shown.as_strided(size, _rows(size) if stride is None else stride, storage_offset)
    else:
        untyped = source.untyped() if isinstance(source, _storage.TypedStorage) else source
        if not isinstance(untyped, _storage.UntypedStorage):
            raise TypeError(f"[set_] source must be a tensor or a storage; got {type(source).__name__}")
        shape = (untyped.nbytes() // input.dtype.itemsize - storage_offset,) if size is None else tuple(size)
        steps = _rows(shape) if stride is None else tuple(stride)
        shown = _C.view_of_storage(untyped._bytes, shape, steps, storage_offset, input.dtype)
    input.data = shown
    return input


def _rows(size: Sequence[int]) -> tuple[int, ...]:
    strides, step = [], 1
    for n in reversed(tuple(size)):
        strides.append(step)
        step *= max(n, 1)
    return tuple(strides[::-1])


_shared: Any = {}  # address → mapping, as long as that lives


@public
def share_memory_(input: Tensor) -> Tensor:
    """Moves this tensor to memory that processes which are forked from this one share; on a GPU it stays."""
    if input.device.type == "cpu" and not is_shared(input) and input.numel():
        import mmap
        import weakref

        global _shared
        _shared = _shared or weakref.WeakValueDictionary()
        mapping = mmap.mmap(-1, input.numel() * input.dtype.itemsize)
        memory = _buffers.frombuffer(mapping, dtype=input.dtype).reshape(input.shape)
        memory.copy_(input.detach())
        _shared[memory.data_ptr()] = mapping
        input.data = memory
    return input


@public
def is_shared(input: Tensor) -> bool:
    """Whether forked processes share the memory: it was given by ``share_memory_``, or is on a GPU."""
    return input.device.type == "cuda" or input.untyped_storage().data_ptr() in _shared


@public
def storage_type(input: Tensor) -> Any:
    """The class of ``storage()``."""
    return _storage.TypedStorage


@public
def dim_order(input: Tensor, *, ambiguity_check: Any = False) -> tuple[int, ...]:
    """The axes from the outermost in memory to the innermost; of equal strides in their own order. With ``ambiguity_check`` a RuntimeError
    where sizes of 1 or strides of 0 leave several orders."""
    if not isinstance(ambiguity_check, (bool, list)):
        raise TypeError(f"[dim_order] ambiguity_check must be a bool; got {type(ambiguity_check).__name__}; pass True")
    strides = [(step, size) for step, size in zip(input.stride(), input.shape)]
    if ambiguity_check:
        steps = [step for step, size in strides if size != 1]
        if len(steps) != len(strides) or len(set(steps)) != len(steps) or 0 in steps:
            raise RuntimeError(
                f"[dim_order] several orders fit; got shape {list(input.shape)} and strides {list(input.stride())}"
            )
    axes = [axis for axis, _ in enumerate(strides)]
    return tuple(sorted(axes, key=lambda axis: -strides[axis][0]))


@public
def new_empty_strided(
    input: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    *,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """``weft.empty_strided`` of this tensor's dtype and device."""
    return _factories.empty_strided(
        size, stride, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad
    )


@public
def const_data_ptr(input: Tensor) -> int:
    """``data_ptr()``."""
    return input.data_ptr()


@public
def module_load(input: Tensor, other: Tensor, assign: bool = False) -> Tensor:
    """What ``Module.load_state_dict`` puts in this tensor's place: the other, detached; with ``assign`` as it is."""
    return other if assign else other.detach()


@public
def polygamma_(input: Tensor, n: int) -> Tensor:
    """``polygamma`` written into this tensor."""
    return input.copy_(polygamma(n, input))


@public
def record_stream(input: Tensor, s: Any) -> None:
    """A stream works on the tensor: its memory is used again when that is done. Work of weft tells so by itself; this is for that of others."""
    if input.is_cuda:
        _C.cuda_record_stream(input, s.device_index, s.cuda_stream)
