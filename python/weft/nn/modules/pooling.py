"""Pooling layers."""

from .. import functional as F
from .._arguments import number
from .module import Module
from .utils import _ntuple


class _Windows(Module):
    """Windows over the last ``axes`` dimensions; they lie side by side where there is no stride."""

    axes: int

    def __init__(self, kernel_size, stride=None, padding=0):
        super().__init__()
        self.kernel_size, self.stride, self.padding = kernel_size, kernel_size if stride is None else stride, padding

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _MaxPoolNd(_Windows):
    def __init__(self, kernel_size, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False):
        super().__init__(kernel_size, stride, padding)
        self.dilation = dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, input):
        function = getattr(F, f"max_pool{self.axes}d")
        return function(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self):
        return f"{super().extra_repr()}, dilation={self.dilation}, ceil_mode={self.ceil_mode}"


class MaxPool1d(_MaxPoolNd):
    """max_pool1d."""

    axes = 1


class MaxPool2d(_MaxPoolNd):
    """max_pool2d."""

    axes = 2


class MaxPool3d(_MaxPoolNd):
    """max_pool3d."""

    axes = 3


class _MaxUnpoolNd(_Windows):
    def extra_repr(self):
        of_each_axis = (_ntuple(self.axes)(value) for value in (self.kernel_size, self.stride, self.padding))
        return "kernel_size={}, stride={}, padding={}".format(*of_each_axis)

    def forward(self, input, indices, output_size=None):
        function = getattr(F, f"max_unpool{self.axes}d")
        return function(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool1d(_MaxUnpoolNd):
    """max_unpool1d."""

    axes = 1


class MaxUnpool2d(_MaxUnpoolNd):
    """max_unpool2d."""

    axes = 2


class MaxUnpool3d(_MaxUnpoolNd):
    """max_unpool3d."""

    axes = 3


class _AvgPoolNd(_Windows):
    def __init__(
        self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
    ):
        super().__init__(kernel_size, stride, padding)
        self.ceil_mode, self.count_include_pad, self.divisor_override = ceil_mode, count_include_pad, divisor_override

    def forward(self, input):
        return getattr(F, f"avg_pool{self.axes}d")(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad,
            self.divisor_override,
        )  # fmt: skip


class AvgPool1d(_AvgPoolNd):
    """avg_pool1d."""

    axes = 1

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)

    def forward(self, input):
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


class AvgPool2d(_AvgPoolNd):
    """avg_pool2d."""

    axes = 2


class AvgPool3d(_AvgPoolNd):
    """avg_pool3d."""

    axes = 3


class _Adaptive(Module):
    axes: int
    kind = "avg"

    def __init__(self, output_size):
        super().__init__()
        self.output_size = output_size

    def forward(self, input):
        return getattr(F, f"adaptive_{self.kind}_pool{self.axes}d")(input, self.output_size)

    def extra_repr(self):
        return f"output_size={self.output_size}"


class _AdaptiveAvgPoolNd(_Adaptive):
    pass


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """adaptive_avg_pool1d."""

    axes = 1


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """adaptive_avg_pool2d."""

    axes = 2


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """adaptive_avg_pool3d."""

    axes = 3


class _AdaptiveMaxPoolNd(_Adaptive):
    kind = "max"

    def __init__(self, output_size, return_indices=False):
        super().__init__(output_size)
        self.return_indices = return_indices

    def forward(self, input):
        return getattr(F, f"adaptive_max_pool{self.axes}d")(input, self.output_size, self.return_indices)


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """adaptive_max_pool1d."""

    axes = 1


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """adaptive_max_pool2d."""

    axes = 2


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """adaptive_max_pool3d."""

    axes = 3


class _LPPoolNd(Module):
    axes: int

    def __init__(self, norm_type, kernel_size, stride=None, ceil_mode=False):
        super().__init__()
        self.norm_type, self.kernel_size, self.stride, self.ceil_mode = norm_type, kernel_size, stride, ceil_mode
        number(type(self).__name__, "norm_type", norm_type)

    def forward(self, input):
        function = getattr(F, f"lp_pool{self.axes}d")
        return function(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self):
        return f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, ceil_mode={self.ceil_mode}"


class LPPool1d(_LPPoolNd):
    """lp_pool1d."""

    axes = 1


class LPPool2d(_LPPoolNd):
    """lp_pool2d."""

    axes = 2


class LPPool3d(_LPPoolNd):
    """lp_pool3d."""

    axes = 3


class _FractionalMaxPool(Module):
    axes: int

    def __init__(self, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
        super().__init__()
        op = type(self).__name__
        self.kernel_size, self.return_indices = kernel_size, return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size, self.output_ratio = output_size, output_ratio
        if (output_size is None) == (output_ratio is None):
            raise ValueError(f"[{op}] either output_size or output_ratio must be given, not both")
        ratios = () if output_ratio is None else output_ratio if isinstance(output_ratio, tuple) else (output_ratio,)
        if not all(0 < number(op, "output_ratio", ratio) < 1 for ratio in ratios):
            raise ValueError(f"[{op}] output_ratio must be between 0 and 1; got {output_ratio}")

    def forward(self, input):
        function = getattr(F, f"fractional_max_pool{self.axes}d")
        return function(
            input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices, self._random_samples
        )


class FractionalMaxPool2d(_FractionalMaxPool):
    """fractional_max_pool2d."""

    axes = 2


class FractionalMaxPool3d(_FractionalMaxPool):
    """fractional_max_pool3d."""

    axes = 3
