"""Layers that change the shape alone."""

import math

from ... import _functions
from .._arguments import tensor
from .module import Module


class Flatten(Module):
    """Flattens dimensions ``start_dim`` to ``end_dim`` into one."""

    def __init__(self, start_dim=1, end_dim=-1):
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input):
        return _functions.flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self):
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Splits dimension ``dim`` into several of ``unflattened_size``, of which one may be -1."""

    def __init__(self, dim, unflattened_size):
        super().__init__()
        if not isinstance(dim, int):
            raise TypeError(f"[Unflatten] dim must be an int; got {type(dim).__name__}; dimensions have no names")
        if not isinstance(unflattened_size, (tuple, list)):
            raise TypeError(
                f"[Unflatten] unflattened_size must be a tuple of ints; got {type(unflattened_size).__name__}"
            )
        for i, n in enumerate(unflattened_size):
            if not isinstance(n, int):
                raise TypeError(f"[Unflatten] unflattened_size must be a tuple of ints; got {type(n).__name__} at {i}")
        self.dim = dim
        self.unflattened_size = unflattened_size

    def forward(self, input):
        tensor("Unflatten", input)
        shape, sizes = tuple(input.shape), tuple(self.unflattened_size)
        if not -len(shape) <= self.dim < len(shape):
            raise IndexError(f"[Unflatten] dim {self.dim} is out of range for shape {list(shape)}")
        known = math.prod(n for n in sizes if n != -1)
        whole = shape[self.dim]
        if (
            sizes.count(-1) > 1
            or min(sizes, default=0) < -1
            or (whole % known if -1 in sizes and known else whole != known)
        ):
            raise RuntimeError(
                f"[Unflatten] sizes must multiply up to {whole}, one of them may be -1; got {list(sizes)} for dim "
                f"{self.dim} of shape {list(shape)}"
            )
        dim = self.dim % len(shape)
        return input.reshape(shape[:dim] + sizes + shape[dim + 1 :])

    def extra_repr(self):
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
