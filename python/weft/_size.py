"""weft.Size: the type of a tensor's shape."""

from __future__ import annotations

from collections.abc import Iterable
from operator import index
from typing import Any

from . import _C


class Size(tuple):
    """The sizes of a tensor: a tuple of ints whose slices and sums are Sizes, too."""

    __slots__ = ()

    def __new__(cls, sizes: Iterable[int] = ()) -> Size:
        try:
            return super().__new__(cls, map(index, sizes))
        except TypeError:
            raise TypeError(f"[Size] takes an iterable of ints; got {sizes!r}; pass a list or tuple of ints") from None

    def numel(self) -> int:
        """The number of elements of a tensor of these sizes."""
        count = 1
        for size in self:
            count *= size
        return count

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return Size(found) if isinstance(key, slice) else found

    def __add__(self, other: Any) -> Any:
        return Size(super().__add__(other)) if isinstance(other, tuple) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        return Size(other + tuple(self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times: Any) -> Any:
        return Size(super().__mul__(times))

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return f"weft.Size({list(self)})"


_C.set_size_type(Size)
