"""weft.types: names for annotations."""

from __future__ import annotations

import builtins
from collections.abc import Sequence

from . import _C
from ._C import Size
from ._C import Tensor as Tensor
from ._storage import UntypedStorage

__all__ = ["Device", "Number", "Storage"]

_int, _float, _bool, _complex = builtins.int, builtins.float, builtins.bool, builtins.complex
_dtype, _device = _C.dtype, _C.device
_size = Size | list[int] | tuple[int, ...]
_TensorOrTensors = Tensor | Sequence[Tensor]
Number = int | float | bool
Device = _C.device | str | int | None
Storage = UntypedStorage
