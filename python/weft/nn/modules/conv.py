"""Convolutional layers."""

import math

from ... import _factories as factories
from ..._functions.convolution import per_axis, same_padding
from .. import functional as F
from .. import init
from .._arguments import flag, listed, size
from ..parameter import Parameter
from .module import Module

MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    """What all have: arguments, parameters, initialisation."""

    axes: int
    transposed = False

    def _set_up(
        self, in_channels, out_channels, kernel_size, stride, padding, output_padding, dilation, groups, bias,
        padding_mode, device, dtype,
    ):  # fmt: skip
        op = type(self).__name__
        self.in_channels = size(op, "in_channels", in_channels)
        self.out_channels = size(op, "out_channels", out_channels)
        self.groups = groups = groups if isinstance(groups, int) else size(op, "groups", groups)
        if groups <= 0:
            raise ValueError(f"[{op}] groups must be a positive integer; got {groups}")
        in_channels, out_channels, bias = self.in_channels, self.out_channels, flag(op, "bias", bias)
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % groups:
                raise ValueError(f"[{op}] {name} must be divisible by groups; got {channels} and groups={groups}")
        if not isinstance(padding_mode, str) or padding_mode not in MODES:
            raise ValueError(f"[{op}] padding_mode must be one of {', '.join(MODES)}; got {padding_mode!r}")
        self.kernel_size = tuple(per_axis(op, "kernel_size", kernel_size, self.axes))
        self.stride = tuple(per_axis(op, "stride", stride, self.axes))
        self.dilation = tuple(per_axis(op, "dilation", dilation, self.axes))
        self.output_padding = tuple(per_axis(op, "output_padding", output_padding, self.axes))
        self.padding_mode = padding_mode
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(f"[{op}] padding must be numbers, 'same' or 'valid'; got {padding!r}")
            if padding == "same" and any(s != 1 for s in self.stride):
                raise ValueError(f"[{op}] padding='same' needs stride 1; got stride {self.stride}")
            self.padding = padding
        else:
            self.padding = tuple(per_axis(op, "padding", padding, self.axes))
        # The padding of F.pad: (before, after) of the last dimension first.
        if padding == "same":
            low, high = same_padding(self.kernel_size, self.dilation)
        else:
            low = high = (0,) * self.axes if padding == "valid" else self.padding
        self._reversed_padding_repeated_twice = [n for pair in zip(reversed(low), reversed(high)) for n in pair]
        first, second = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        self.weight = Parameter(factories.empty(first, second // groups, *self.kernel_size, dtype=dtype, device=device))
        if bias:
            self.bias = Parameter(factories.empty(out_channels, dtype=dtype, device=device))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self):
        init.kaiming_uniform_(self.weight, math.sqrt(5.0))
        if self.bias is not None:
            fan_in = self.weight[0].numel() if self.weight.shape[0] else 0
            if fan_in:
                bound = 1.0 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def extra_repr(self):
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        none = (0,) * self.axes
        for name, plain in (("padding", none), ("dilation", (1,) * self.axes), ("output_padding", none), ("groups", 1)):
            if getattr(self, name) != plain:
                text += f", {name}={getattr(self, name)}"
        if self.bias is None:
            text += ", bias=False"
        return text if self.padding_mode == "zeros" else text + f", padding_mode={self.padding_mode}"


class _Direct(_ConvNd):
    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
        padding_mode="zeros", device=None, dtype=None,
    ):  # fmt: skip
        super().__init__()
        self._set_up(
            in_channels, out_channels, kernel_size, stride, padding, 0, dilation, groups, bias, padding_mode, device, dtype
        )  # fmt: skip

    def forward(self, input):
        function, padding = getattr(F, f"conv{self.axes}d"), self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._reversed_padding_repeated_twice, self.padding_mode), 0
        return function(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv1d(_Direct):
    """conv1d with a weight (out, in / groups, kernel_size) and a bias of its own."""

    axes = 1


class Conv2d(_Direct):
    """conv2d with a weight (out, in / groups, *kernel_size) and a bias of its own."""

    axes = 2


class Conv3d(_Direct):
    """conv3d with a weight (out, in / groups, *kernel_size) and a bias of its own."""

    axes = 3


class _ConvTransposeNd(_ConvNd):
    transposed = True

    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1,
        padding_mode="zeros", device=None, dtype=None,
    ):  # fmt: skip
        super().__init__()
        if padding_mode != "zeros":
            raise ValueError(f"[{type(self).__name__}] padding_mode must be 'zeros'; got {padding_mode!r}")
        self._set_up(
            in_channels, out_channels, kernel_size, stride, padding, output_padding, dilation, groups, bias, padding_mode,
            device, dtype,
        )  # fmt: skip

    def _output_padding(self, input, output_size):
        """What makes the result of that size."""
        if output_size is None:
            return self.output_padding
        op = type(self).__name__
        output_size = listed(op, "output_size", output_size, int)
        sizes = output_size[-self.axes :]
        least = [
            (n - 1) * s - 2 * p + d * (k - 1) + 1
            for n, s, p, d, k in zip(
                input.shape[-self.axes :], self.stride, self.padding, self.dilation, self.kernel_size
            )
        ]
        if len(output_size) not in (self.axes, self.axes + 1, self.axes + 2):
            raise ValueError(f"[{op}] output_size must have {self.axes} elements; got {list(output_size)}")
        if any(not low <= size < low + s for size, low, s in zip(sizes, least, self.stride)):
            most = [low + s - 1 for low, s in zip(least, self.stride)]
            raise ValueError(f"[{op}] output_size must lie between {least} and {most}; got {sizes}")
        return [size - low for size, low in zip(sizes, least)]

    def forward(self, input, output_size=None):
        function, extra = getattr(F, f"conv_transpose{self.axes}d"), self._output_padding(input, output_size)
        return function(input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation)


class ConvTranspose1d(_ConvTransposeNd):
    """conv_transpose1d with a weight (in, out / groups, kernel_size) and a bias of its own."""

    axes = 1


class ConvTranspose2d(_ConvTransposeNd):
    """conv_transpose2d with a weight (in, out / groups, *kernel_size) and a bias of its own."""

    axes = 2


class ConvTranspose3d(_ConvTransposeNd):
    """conv_transpose3d with a weight (in, out / groups, *kernel_size) and a bias of its own."""

    axes = 3
