"""COO tensors made by calling a type, as in PyTorch's first years: ``sparse.FloatTensor(indices, values, size)``."""

from __future__ import annotations

from .. import _C, _factories
from .making import sparse_coo_tensor
from .tensor import COO, is_sparse, layout_of

_NAMES = {
    "FloatTensor": _C.float32, "DoubleTensor": _C.float64, "HalfTensor": _C.float16, "BFloat16Tensor": _C.bfloat16,
    "LongTensor": _C.int64, "IntTensor": _C.int32, "ShortTensor": _C.int16, "CharTensor": _C.int8, "ByteTensor": _C.uint8,
}  # fmt: skip


class _SparseType(type):
    dtype: _C.dtype

    def __instancecheck__(cls, instance):
        return is_sparse(instance) and layout_of(instance) == COO and instance.dtype is cls.dtype

    def __call__(cls, *args, device=None):
        """Of indices [sparse dims, n], values [n, ...] and maybe the size; or of sizes alone, without elements."""
        if len(args) in (2, 3) and isinstance(args[0], _C.Tensor):
            if isinstance(args[1], _C.Tensor) and args[1].dtype is not cls.dtype:
                raise TypeError(
                    f"[{cls.__name__}] expected values of {cls.dtype}; got {args[1].dtype}; convert them by to()"
                )
            return sparse_coo_tensor(*args, dtype=cls.dtype, device=device)
        size = args[0] if len(args) == 1 and not isinstance(args[0], int) else args
        return sparse_coo_tensor(
            _factories.zeros(len(size), 0, dtype=_C.int64), [], tuple(size), dtype=cls.dtype, device=device
        )


TYPES = {name: _SparseType(name, (), {"dtype": dtype, "__module__": "weft.sparse"}) for name, dtype in _NAMES.items()}
