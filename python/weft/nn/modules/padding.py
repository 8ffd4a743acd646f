"""Padding of the last dimensions: one class a mode and number of dimensions."""

from .. import functional as F
from .module import Module


class _Pad(Module):
    """``padding`` is one number for all sides, or (left, right, top, bottom, front, back), the last dimension first."""

    _dims = 1
    _mode = "constant"

    def __init__(self, padding):
        super().__init__()
        if not isinstance(padding, (int, tuple, list)):
            raise TypeError(
                f"[{type(self).__name__}] padding must be an int or a tuple of ints; got {type(padding).__name__}"
            )
        self.padding = (padding,) * (2 * self._dims) if isinstance(padding, int) else tuple(padding)

    def forward(self, input):
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self):
        return str(self.padding)


class ConstantPad1d(_Pad):
    """Pads the last dimension with ``value``."""

    def __init__(self, padding, value):
        super().__init__(padding)
        self.value = value

    def forward(self, input):
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self):
        return f"padding={self.padding}, value={self.value}"


class ConstantPad2d(ConstantPad1d):
    """Pads the last two dimensions with ``value``."""

    _dims = 2


class ConstantPad3d(ConstantPad1d):
    """Pads the last three dimensions with ``value``."""

    _dims = 3


class ZeroPad1d(_Pad):
    """Pads the last dimension with zeros."""


class ZeroPad2d(ZeroPad1d):
    """Pads the last two dimensions with zeros."""

    _dims = 2


class ZeroPad3d(ZeroPad1d):
    """Pads the last three dimensions with zeros."""

    _dims = 3


class ReflectionPad1d(_Pad):
    """Pads the last dimension with the input mirrored at its edges."""

    _mode = "reflect"


class ReflectionPad2d(ReflectionPad1d):
    """Pads the last two dimensions with the input mirrored at its edges."""

    _dims = 2


class ReflectionPad3d(ReflectionPad1d):
    """Pads the last three dimensions with the input mirrored at its edges."""

    _dims = 3


class ReplicationPad1d(_Pad):
    """Pads the last dimension with the elements at the edges."""

    _mode = "replicate"


class ReplicationPad2d(ReplicationPad1d):
    """Pads the last two dimensions with the elements at the edges."""

    _dims = 2


class ReplicationPad3d(ReplicationPad1d):
    """Pads the last three dimensions with the elements at the edges."""

    _dims = 3


class CircularPad1d(_Pad):
    """Pads the last dimension with the input from its other end."""

    _mode = "circular"


class CircularPad2d(CircularPad1d):
    """Pads the last two dimensions with the input from its other end."""

    _dims = 2


class CircularPad3d(CircularPad1d):
    """Pads the last three dimensions with the input from its other end."""

    _dims = 3
