"""Normalisation."""

from ... import _C
from ... import _factories as factories
from .. import functional as F
from .._arguments import flag, sizes
from ..parameter import Parameter
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
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


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
