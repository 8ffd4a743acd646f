"""Modules whose sizes the first input gives."""

from ... import _C, _factories
from .._arguments import flag, size, tensor
from ..parameter import Buffer, Parameter
from .batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from .conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from .instancenorm import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from .linear import Linear


class _Uninitialized:
    """A parameter or buffer without a shape, until ``materialize``."""

    def materialize(self, shape, device=None, dtype=None):
        """Gives it memory, whose values mean nothing, and makes it a usual one."""
        self.__class__ = self._then
        dtype, device = self.dtype if dtype is None else dtype, self.device if device is None else device
        self.data = _factories.empty(shape, dtype=dtype, device=device)

    @property
    def shape(self):
        raise RuntimeError(
            f"[{type(self).__name__}] has no shape before materialize(); call the module with an input first"
        )

    def __reduce_ex__(self, protocol):
        return type(self), (self.requires_grad, self.device, self.dtype)

    def __deepcopy__(self, memo):
        result = memo[id(self)] = type(self)(self.requires_grad, self.device, self.dtype)
        return result

    def __repr__(self):
        return f"<{type(self).__name__}>"


class UninitializedParameter(_Uninitialized, Parameter):  # type: ignore[override]
    """A parameter whose shape is not known yet."""

    _then = Parameter

    def __new__(cls, requires_grad=True, device=None, dtype=None):
        return Parameter.__new__(cls, _factories.empty(0, device=device, dtype=dtype), requires_grad)


class UninitializedBuffer(_Uninitialized, Buffer):  # type: ignore[override]
    """A buffer whose shape is not known yet."""

    _then = Buffer

    def __new__(cls, requires_grad=False, device=None, dtype=None, persistent=True):
        return Buffer.__new__(cls, _factories.empty(0, device=device, dtype=dtype), persistent=persistent)


def is_lazy(value):
    """Whether a parameter or buffer has no shape yet."""
    return isinstance(value, _Uninitialized)


class LazyModuleMixin:
    """A base class beside a module's: a sub-class makes UninitializedParameters, gives them their shapes in
    ``initialize_parameters(*args, **kwargs)``, called before the first forward, and names in ``cls_to_become`` the class that the module
    is of afterwards. Loading a state gives shapes, too."""

    cls_to_become: type | None = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._lazy_hooks = (
            self.register_load_state_dict_pre_hook(_take_shapes),
            self.register_forward_pre_hook(_infer_parameters, with_kwargs=True),
        )

    def initialize_parameters(self, *args, **kwargs):
        raise NotImplementedError(f"[{type(self).__name__}] has no initialize_parameters(); define it in the class")

    def has_uninitialized_params(self):
        """Whether a parameter or buffer of the module itself has no shape yet."""
        return any(map(is_lazy, [*self._parameters.values(), *self._buffers.values()]))


def _infer_parameters(module, args, kwargs):
    module.initialize_parameters(*args, **kwargs)
    if module.has_uninitialized_params():
        raise RuntimeError(f"[{type(module).__name__}] initialize_parameters() left parameters without a shape")
    for handle in module.__dict__.pop("_lazy_hooks"):
        handle.remove()
    if module.cls_to_become is not None:
        module.__class__ = module.cls_to_become


def _take_shapes(module, state_dict, prefix, *_):
    for name, value in [*module._parameters.items(), *module._buffers.items()]:
        if is_lazy(value) and prefix + name in state_dict:
            loaded = state_dict[prefix + name]
            if isinstance(loaded, _C.Tensor) and not is_lazy(loaded) and tuple(loaded.shape) != (0,):
                value.materialize(loaded.shape)


class LazyLinear(LazyModuleMixin, Linear):
    """Linear whose in_features are the first input's."""

    cls_to_become = Linear

    def __init__(self, out_features, bias=True, device=None, dtype=None):
        super().__init__(0, 0, False, device, dtype)
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_features = size("LazyLinear", "out_features", out_features)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self):
        if not self.has_uninitialized_params() and self.in_features:
            super().reset_parameters()

    def initialize_parameters(self, input):
        if not tensor("LazyLinear", input).ndim:
            raise RuntimeError("[LazyLinear] expected input of at least one dimension; got a scalar")
        self.in_features = input.shape[-1]
        if self.has_uninitialized_params():
            self.weight.materialize((self.out_features, self.in_features))
            if self.bias is not None:
                self.bias.materialize((self.out_features,))
            self.reset_parameters()


class _LazyConvXdMixin(LazyModuleMixin):
    """Before a convolution's class."""

    def _begin(self, out_channels, bias, device, dtype):
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_channels = size(type(self).__name__, "out_channels", out_channels)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self):
        if not self.has_uninitialized_params() and self.in_channels:
            super().reset_parameters()

    def initialize_parameters(self, input, *args, **kwargs):
        if tensor(type(self).__name__, input).ndim not in (self.axes + 1, self.axes + 2):
            raise RuntimeError(
                f"[{type(self).__name__}] expected input of {self.axes + 1} or {self.axes + 2} dimensions; got shape "
                f"{list(input.shape)}"
            )
        self.in_channels = input.shape[-self.axes - 1]
        if self.in_channels % self.groups:
            raise ValueError(
                f"[{type(self).__name__}] in_channels must be divisible by groups; got {self.in_channels} and groups={self.groups}"
            )
        if not self.has_uninitialized_params():  # a state was loaded
            return
        first, second = self.out_channels, self.in_channels
        first, second = (second, first) if self.transposed else (first, second)
        self.weight.materialize((first, second // self.groups, *self.kernel_size))
        if self.bias is not None:
            self.bias.materialize((self.out_channels,))
        self.reset_parameters()


class _LazyConv(_LazyConvXdMixin):
    def __init__(
        self, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, padding_mode="zeros",
        device=None, dtype=None,
    ):  # fmt: skip
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device, dtype)
        self._begin(out_channels, bias, device, dtype)


class _LazyConvTranspose(_LazyConvXdMixin):
    def __init__(
        self, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1,
        padding_mode="zeros", device=None, dtype=None,
    ):  # fmt: skip
        super().__init__(
            0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode, device, dtype
        )
        self._begin(out_channels, bias, device, dtype)


class LazyConv1d(_LazyConv, Conv1d):
    """Conv1d whose in_channels are the first input's."""

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):
    """Conv2d whose in_channels are the first input's."""

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):
    """Conv3d whose in_channels are the first input's."""

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):
    """ConvTranspose1d whose in_channels are the first input's."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):
    """ConvTranspose2d whose in_channels are the first input's."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):
    """ConvTranspose3d whose in_channels are the first input's."""

    cls_to_become = ConvTranspose3d


class _LazyNorm(LazyModuleMixin):
    def __init__(
        self, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True, device=None, dtype=None, *, bias=True
    ):
        super().__init__(0, eps, momentum, False, False, device, dtype, bias=bias)
        options = {"device": device, "dtype": dtype}
        self.affine = affine = flag(type(self).__name__, "affine", affine)
        self.track_running_stats = track_running_stats = flag(
            type(self).__name__, "track_running_stats", track_running_stats
        )
        if affine:
            self.weight = UninitializedParameter(**options)
            if bias:
                self.bias = UninitializedParameter(**options)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(**options)
            self.running_var = UninitializedBuffer(**options)
            self.num_batches_tracked = _factories.tensor(0, dtype=_C.int64, device=device)

    def reset_parameters(self):
        if not self.has_uninitialized_params() and self.num_features:
            super().reset_parameters()

    def initialize_parameters(self, input):
        self._check_input_dim(input)
        self.num_features = input.shape[1]
        if self.has_uninitialized_params():
            for value in (self.weight, self.bias, self.running_mean, self.running_var):
                if is_lazy(value):
                    value.materialize((self.num_features,))
            self.reset_parameters()


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):
    """BatchNorm1d whose num_features are the first input's."""

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):
    """BatchNorm2d whose num_features are the first input's."""

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNorm, BatchNorm3d):
    """BatchNorm3d whose num_features are the first input's."""

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_LazyNorm, InstanceNorm1d):
    """InstanceNorm1d whose num_features are the first input's."""

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNorm, InstanceNorm2d):
    """InstanceNorm2d whose num_features are the first input's."""

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyNorm, InstanceNorm3d):
    """InstanceNorm3d whose num_features are the first input's."""

    cls_to_become = InstanceNorm3d
