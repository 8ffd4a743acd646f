"""Maxima of pooling with where they are: PyTorch's names for ``return_indices=True``."""

from __future__ import annotations

from .._C import Tensor
from .._functions import pooling, sampling
from .._public import Any, public

__all__ = [
    "adaptive_max_pool1d_with_indices", "adaptive_max_pool2d_with_indices", "adaptive_max_pool3d_with_indices",
    "fractional_max_pool2d_with_indices", "fractional_max_pool3d_with_indices", "max_pool1d_with_indices", "max_pool2d_with_indices",
    "max_pool3d_with_indices",
]  # fmt: skip


def _max(name: str) -> Any:
    pool = getattr(pooling, name)

    def with_indices(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        return pool(input, kernel_size, stride, padding, dilation, ceil_mode, True)

    return _named(with_indices, name)


def _adaptive(name: str) -> Any:
    pool = getattr(pooling, name)

    def with_indices(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
        return pool(input, output_size, True)

    return _named(with_indices, name)


def _fractional(name: str) -> Any:
    pool = getattr(sampling, name)

    def with_indices(
        input: Tensor,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Any = None,
    ) -> Any:
        return pool(input, kernel_size, output_size, output_ratio, True, _random_samples)

    return _named(with_indices, name)


def _named(function: Any, name: str) -> Any:
    function.__name__ = function.__qualname__ = f"{name}_with_indices"
    function.__doc__ = f"(maxima, where they are) of ``{name}``."
    return public(function)


max_pool1d_with_indices, max_pool2d_with_indices, max_pool3d_with_indices = map(
    _max, ("max_pool1d", "max_pool2d", "max_pool3d")
)
adaptive_max_pool1d_with_indices, adaptive_max_pool2d_with_indices, adaptive_max_pool3d_with_indices = map(
    _adaptive, ("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
)
fractional_max_pool2d_with_indices, fractional_max_pool3d_with_indices = map(
    _fractional, ("fractional_max_pool2d", "fractional_max_pool3d")
)
