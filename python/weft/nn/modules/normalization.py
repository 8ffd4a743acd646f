"""Normalisation."""

from ... import _C
from ... import _factories as factories
from .. import functional as F
from .._arguments import flag, number, size, sizes
from .._arguments import size as whole
from ..parameter import Parameter
from .batchnorm import _Affine
from .module import Module


class LayerNorm(Module):
    """Normalises over the last dimensions, whose sizes are ``normalized_shape``."""

    def __init__(self, normalized_shape, eps=1e-5, elementwise_affine=True, bias=True, device=None, dtype=None):
        super().__init__()
        self.normalized_shape = sizes("LayerNorm", "normalized_shape", normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine = flag("LayerNorm", "elementwise_affine", elementwise_affine)
        bias = flag("LayerNorm", "bias", bias)
        weight = bias_ = None
        if elementwise_affine:
            weight = Parameter(factories.ones(self.normalized_shape, dtype=dtype, device=device))
            if bias:
                bias_ = Parameter(factories.zeros(self.normalized_shape, dtype=dtype, device=device))
        self.register_parameter("weight", weight)
        self.register_parameter("bias", bias_)

    def forward(self, input):
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self):
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """rms_norm with a weight of the last dimensions' sizes ``normalized_shape``."""

    def __init__(self, normalized_shape, eps=None, elementwise_affine=True, device=None, dtype=None):
        super().__init__()
        self.normalized_shape = sizes("RMSNorm", "normalized_shape", normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine = flag("RMSNorm", "elementwise_affine", elementwise_affine)
        weight = (
            Parameter(factories.ones(self.normalized_shape, dtype=dtype, device=device)) if elementwise_affine else None
        )
        self.register_parameter("weight", weight)

    def reset_parameters(self):
        if self.weight is not None:
            with _C.GradMode(False):
                self.weight.fill_(1)

    def forward(self, x):
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self):
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


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
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, bias={self.bias is not None}"


class LocalResponseNorm(Module):
    """local_response_norm over ``size`` channels."""

    def __init__(self, size, alpha=0.0001, beta=0.75, k=1.0):
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input):
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self):
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class CrossMapLRN2d(Module):
    """``LocalResponseNorm`` of (N, C, H, W) by its older name; an even ``size`` sums one channel fewer, as in PyTorch."""

    def __init__(self, size, alpha=0.0001, beta=0.75, k=1):
        super().__init__()
        op = "CrossMapLRN2d"
        self.size = whole(op, "size", size)
        if not self.size:
            raise ValueError(f"[{op}] size must be positive; got 0; pass how many channels are summed")
        self.alpha, self.beta, self.k = number(op, "alpha", alpha), number(op, "beta", beta), number(op, "k", k)

    def forward(self, input):
        if input.ndim != 4:
            raise ValueError(f"[CrossMapLRN2d] the input must be (N, C, H, W); got shape {list(input.shape)}")
        window = self.size if self.size % 2 else self.size - 1
        return F.local_response_norm(input, window, self.alpha * window / self.size, self.beta, self.k)

    def extra_repr(self):
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
