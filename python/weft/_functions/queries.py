"""What a tensor is."""

from __future__ import annotations

import builtins

from .. import _C
from .._C import Tensor, device, dtype
from .._public import Any, public
from .moves import ints

__all__ = [
    "is_complex", "is_floating_point", "is_signed", "is_nonzero", "is_same_size", "is_conj", "is_neg", "is_inference",
    "is_distributed", "get_device", "resolve_conj", "resolve_neg", "broadcast_shapes", "can_cast",
]  # fmt: skip
METHODS = [
    name for name in __all__ if name not in ("is_floating_point", "broadcast_shapes", "can_cast")
] + ["nelement", "ndimension", "is_pinned", "is_set_to", "pin_memory", "sum_to_size"]  # fmt: skip


@public
def is_floating_point(input: Tensor) -> bool:
    """Whether the elements are floating-point numbers."""
    return input.dtype.is_floating_point


@public
def is_complex(input: Tensor) -> bool:
    """Whether the elements are complex numbers."""
    return input.dtype.is_complex


@public
def is_signed(input: Tensor) -> bool:
    """Whether the dtype has negative numbers."""
    return input.dtype.is_signed


@public
def is_nonzero(input: Tensor) -> bool:
    """Whether the one element is not zero; a RuntimeError where there is not one."""
    if input.numel() != 1:
        raise RuntimeError(f"[is_nonzero] needs a tensor of one element; got shape {list(input.shape)}")
    return builtins.bool(input.item() != 0)


@public
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have one shape."""
    return input.shape == other.shape


@public
def is_conj(input: Tensor) -> bool:
    """False: ``conj`` conjugates at once."""
    return False


@public
def is_neg(input: Tensor) -> bool:
    """False: nothing is kept negated."""
    return False


@public
def is_inference(input: Tensor) -> bool:
    """False: tensors made in inference_mode are as all others."""
    return False


@public
def is_distributed(input: Tensor) -> bool:
    """False."""
    return False


@public
def resolve_conj(input: Tensor) -> Tensor:
    """The tensor."""
    return input


@public
def resolve_neg(input: Tensor) -> Tensor:
    """The tensor."""
    return input


@public
def get_device(input: Tensor) -> int:
    """The number of the GPU, -1 on the CPU."""
    return -1 if input.device.index is None else input.device.index


@public
def nelement(input: Tensor) -> int:
    """The number of elements."""
    return input.numel()


@public
def ndimension(input: Tensor) -> int:
    """The number of dimensions."""
    return input.ndim


@public
def is_pinned(input: Tensor, device: device | None = None) -> bool:
    """Whether it is on the CPU, in memory that GPUs copy by themselves."""
    return _C.is_pinned(input)


@public
def pin_memory(input: Tensor, device: device | None = None) -> Tensor:
    """A copy in memory that GPUs copy by themselves, also while the program goes on (``non_blocking``); the tensor itself where it is there.
    A RuntimeError where there is no GPU."""
    if not _C.cuda_device_count():
        raise RuntimeError("[pin_memory] cannot access an accelerator device when none is available")
    return _C.pin_memory(input)


@public
def is_set_to(input: Tensor, tensor: Tensor) -> bool:
    """Whether two tensors are the same elements of the same memory."""
    return (
        _C.same_storage(input, tensor)
        and input.storage_offset() == tensor.storage_offset()
        and input.shape == tensor.shape
        and input.stride() == tensor.stride()
    )


@public
def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """Summed along the dimensions that broadcasting would have made from ``size``."""
    wanted = ints(size[0] if len(size) == 1 else size)
    added = input.ndim - len(wanted)
    sizes = (1,) * builtins.max(added, 0) + tuple(wanted)
    if added < 0 or any([want not in (1, have) for want, have in zip(sizes, input.shape)]):
        raise RuntimeError(f"[sum_to_size] size {list(wanted)} does not broadcast to shape {list(input.shape)}")
    dims = [i for i, want in enumerate(sizes) if want == 1 and (i < added or input.shape[i] != 1)]
    return input.sum(dims, keepdim=True).reshape(wanted) if dims else input


@public
def broadcast_shapes(*shapes: Any) -> Any:
    """The shape to which tensors of these shapes broadcast; an int is a shape of one dimension."""
    sizes = [ints(shape) for shape in shapes]
    result = [1] * builtins.max([len(shape) for shape in sizes], default=0)
    for shape in sizes:
        for i, size in enumerate(shape, len(result) - len(shape)):
            if size != 1 and result[i] not in (1, size):
                raise RuntimeError(
                    f"[broadcast_shapes] shapes {[list(s) for s in sizes]} do not broadcast: sizes {result[i]} and {size} of one dimension"
                )
            result[i] = result[i] if size == 1 else size
    return _C.Size(result)


@public
def can_cast(from_: dtype, to: dtype) -> bool:
    """Whether promotion may convert numbers of one dtype to another: not from complex ones to floats, from floats to integers, nor from numbers to bool."""
    kind = [3 if d.is_complex else 2 if d.is_floating_point else 0 if d is _C.bool else 1 for d in (from_, to)]
    return kind[0] <= kind[1]
