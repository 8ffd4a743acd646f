"""Normalisation by statistics of channels over a batch, which may be kept."""

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


class _NormBase(_Affine):
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

    _version = 2  # since when states have num_batches_tracked

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, *rest):
        version, name = local_metadata.get("version"), f"{prefix}num_batches_tracked"
        if (version is None or version < 2) and self.track_running_stats and name not in state_dict:
            state_dict[name] = self.num_batches_tracked
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)

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
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_NormBase):
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


class SyncBatchNorm(_BatchNorm):
    """batch_norm over (N, C, ...). A process is by itself, so that its batch is the whole one."""

    def __init__(
        self, num_features, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True, process_group=None, device=None,
        dtype=None, *, bias=True,
    ):  # fmt: skip
        if process_group is not None:
            raise NotImplementedError("[SyncBatchNorm] there are no process groups; leave process_group out")
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = None

    def _check_input_dim(self, input):
        tensor("SyncBatchNorm", input)
        if input.ndim < 2:
            raise ValueError(f"[SyncBatchNorm] expected at least 2D input (got {input.ndim}D input)")

    @classmethod
    def convert_sync_batchnorm(cls, module, process_group=None):
        """The module with SyncBatchNorm, of the same parameters and buffers, in place of each batch norm."""
        result = module
        if isinstance(module, _BatchNorm):
            result = cls(
                module.num_features,
                module.eps,
                module.momentum,
                module.affine,
                module.track_running_stats,
                process_group,
            )
            for table in ("_parameters", "_buffers"):
                result.__dict__[table].update(module.__dict__[table])
            result.training = module.training
        for name, child in module.named_children():
            result.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return result
