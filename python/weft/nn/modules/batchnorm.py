"""Normalisation by statistics of channels, which may be kept."""

from ... import _C
from ... import _factories as factories
from .. import functional as F
from .._arguments import flag, size, tensor
from ..parameter import Parameter
from .module import Module


class _Affine(Module):
    """A weight and a bias of each channel, or none."""

    def _make_affine(self, channels, affine, bias, options):
        op, self.affine = type(self).__name__, flag(type(self).__name__, "affine", affine)
        bias = flag(op, "bias", bias) and self.affine
        self.register_parameter("weight", Parameter(factories.ones(channels, **options)) if self.affine else None)
        self.register_parameter("bias", Parameter(factories.zeros(channels, **options)) if bias else None)

    def reset_parameters(self):
        with _C.GradMode(False):
            if self.weight is not None:
                self.weight.fill_(1)
            if self.bias is not None:
                self.bias.zero_()


class _ChannelNorm(_Affine):
    """What those with running statistics have."""

    ranks: tuple = ()

    def __init__(self, num_features, eps, momentum, affine, track_running_stats, device, dtype, bias):
        super().__init__()
        self.num_features = size(type(self).__name__, "num_features", num_features)
        self.eps, self.momentum = eps, momentum
        self.track_running_stats = tracks = flag(type(self).__name__, "track_running_stats", track_running_stats)
        options = {"device": device, "dtype": dtype}
        self._make_affine(num_features, affine, bias, options)
        self.register_buffer("running_mean", factories.zeros(num_features, **options) if tracks else None)
        self.register_buffer("running_var", factories.ones(num_features, **options) if tracks else None)
        self.register_buffer(
            "num_batches_tracked", factories.tensor(0, dtype=_C.int64, device=device) if tracks else None
        )

    def reset_running_stats(self):
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self):
        self.reset_running_stats()
        super().reset_parameters()

    def _check_input_dim(self, input):
        tensor(type(self).__name__, input)
        if input.ndim not in self.ranks:
            wanted = " or ".join(f"{rank}D" for rank in self.ranks)
            raise ValueError(f"[{type(self).__name__}] expected {wanted} input (got {input.ndim}D input)")

    def extra_repr(self):
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_ChannelNorm):
    def __init__(
        self, num_features, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True, device=None, dtype=None, *, bias=True
    ):  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input):
        self._check_input_dim(input)
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:  # the average of all batches
                momentum = 1.0 / self.num_batches_tracked.to(self.running_mean.dtype)
        tracks = not self.training or self.track_running_stats
        return F.batch_norm(
            input,
            self.running_mean if tracks else None,
            self.running_var if tracks else None,
            self.weight,
            self.bias,
            self.training or (self.running_mean is None and self.running_var is None),
            momentum,
            self.eps,
        )


class BatchNorm1d(_BatchNorm):
    """batch_norm of (N, C) or (N, C, L), with weight, bias and running statistics of its own."""

    ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """batch_norm of (N, C, H, W), with weight, bias and running statistics of its own."""

    ranks = (4,)


class BatchNorm3d(_BatchNorm):
    """batch_norm of (N, C, D, H, W), with weight, bias and running statistics of its own."""

    ranks = (5,)


class _InstanceNorm(_ChannelNorm):
    def __init__(
        self, num_features, eps=1e-05, momentum=0.1, affine=False, track_running_stats=False, device=None, dtype=None, *, bias=True
    ):  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input):
        self._check_input_dim(input)
        unbatched = input.ndim == self.ranks[0]
        if input.shape[0 if unbatched else 1] != self.num_features and self.affine:
            raise ValueError(
                f"[{type(self).__name__}] expected the input to have {self.num_features} channels; got shape {list(input.shape)}"
            )
        result = F.instance_norm(
            input.unsqueeze(0) if unbatched else input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return result.squeeze(0) if unbatched else result


class InstanceNorm1d(_InstanceNorm):
    """instance_norm of (N, C, L) or (C, L)."""

    ranks = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """instance_norm of (N, C, H, W) or (C, H, W)."""

    ranks = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """instance_norm of (N, C, D, H, W) or (C, D, H, W)."""

    ranks = (4, 5)


class GroupNorm(_Affine):
    """group_norm with a weight and a bias of each channel."""

    def __init__(self, num_groups, num_channels, eps=1e-05, affine=True, device=None, dtype=None, *, bias=True):
        super().__init__()
        self.num_groups = num_groups = size("GroupNorm", "num_groups", num_groups)
        self.num_channels = num_channels = size("GroupNorm", "num_channels", num_channels)
        self.eps = eps
        if num_groups == 0:
            raise ValueError("[GroupNorm] num_groups must be positive; got 0")
        if num_channels % num_groups:
            raise ValueError(
                f"[GroupNorm] num_channels must be divisible by num_groups; got {num_channels} and {num_groups}"
            )
        self._make_affine(num_channels, affine, bias, {"device": device, "dtype": dtype})

    def forward(self, input):
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self):
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}"


class LocalResponseNorm(Module):
    """local_response_norm over ``size`` channels."""

    def __init__(self, size, alpha=0.0001, beta=0.75, k=1.0):
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input):
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self):
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
