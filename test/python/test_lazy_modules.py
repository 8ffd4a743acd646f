"""Modules whose sizes the first input gives; buffers; the classes and paths that public code asks for."""

import copy
import importlib
import pickle

import pytest
import weft
from conftest import assert_same_bits
from weft import nn

SHAPES = {
    "LazyLinear": (lambda: nn.LazyLinear(3), (2, 5), nn.Linear, (3, 5)),
    "LazyLinear without bias": (lambda: nn.LazyLinear(3, bias=False), (5,), nn.Linear, (3, 5)),
    "LazyConv1d": (lambda: nn.LazyConv1d(4, 3), (2, 6, 8), nn.Conv1d, (4, 6, 3)),
    "LazyConv2d": (lambda: nn.LazyConv2d(4, 3, groups=2, stride=2), (2, 6, 8, 8), nn.Conv2d, (4, 3, 3, 3)),
    "LazyConv2d of one": (lambda: nn.LazyConv2d(4, 3, padding=1), (6, 8, 8), nn.Conv2d, (4, 6, 3, 3)),
    "LazyConv3d": (lambda: nn.LazyConv3d(4, 2, bias=False), (2, 6, 4, 4, 4), nn.Conv3d, (4, 6, 2, 2, 2)),
    "LazyConvTranspose1d": (lambda: nn.LazyConvTranspose1d(4, 3), (2, 6, 8), nn.ConvTranspose1d, (6, 4, 3)),
    "LazyConvTranspose2d": (
        lambda: nn.LazyConvTranspose2d(4, 3, groups=2),
        (2, 6, 8, 8),
        nn.ConvTranspose2d,
        (6, 2, 3, 3),
    ),
    "LazyConvTranspose3d": (lambda: nn.LazyConvTranspose3d(4, 2), (2, 6, 4, 4, 4), nn.ConvTranspose3d, (6, 4, 2, 2, 2)),
    "LazyBatchNorm1d": (lambda: nn.LazyBatchNorm1d(), (4, 5), nn.BatchNorm1d, (5,)),
    "LazyBatchNorm2d": (lambda: nn.LazyBatchNorm2d(momentum=0.5), (4, 5, 2, 2), nn.BatchNorm2d, (5,)),
    "LazyBatchNorm3d": (lambda: nn.LazyBatchNorm3d(bias=False), (4, 5, 2, 2, 2), nn.BatchNorm3d, (5,)),
    "LazyInstanceNorm1d": (lambda: nn.LazyInstanceNorm1d(), (4, 5, 3), nn.InstanceNorm1d, (5,)),
    "LazyInstanceNorm2d": (lambda: nn.LazyInstanceNorm2d(), (4, 5, 2, 2), nn.InstanceNorm2d, (5,)),
    "LazyInstanceNorm3d": (lambda: nn.LazyInstanceNorm3d(affine=True), (4, 5, 2, 2, 2), nn.InstanceNorm3d, (5,)),
}


@pytest.mark.parametrize("make, shape, kind, weight", SHAPES.values(), ids=SHAPES)
def test_the_first_input_gives_the_sizes(make, shape, kind, weight):
    module = make()
    held, optimizer = module.weight, weft.optim.SGD(module.parameters(), lr=0.1)
    assert isinstance(module, kind) and module.has_uninitialized_params()
    with pytest.raises(RuntimeError, match="no shape"):
        held.shape  # noqa: B018
    copied, state = copy.deepcopy(module), module.state_dict()
    assert "weight" in state
    result = module(weft.randn(*shape))
    result.square().sum().backward()
    assert type(module) is kind and module.weight is held and type(held) is nn.Parameter
    assert tuple(held.shape) == weight and held.grad.shape == held.shape
    options = {"bias": module.bias is not None} if kind is nn.BatchNorm3d else {}
    assert repr(module) == repr(kind(*_arguments(module), **options))
    optimizer.step()
    copied(weft.randn(*shape))
    assert tuple(copied.weight.shape) == weight and copied.weight is not held
    loaded = make()
    loaded.load_state_dict(module.state_dict())
    x = weft.randn(*shape)
    assert_same_bits(loaded.eval()(x), module.eval()(x))
    assert type(loaded) is kind


def _arguments(module):
    if isinstance(module, nn.Linear):
        return module.in_features, module.out_features, module.bias is not None
    if hasattr(module, "num_features"):
        return module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats
    common = [module.in_channels, module.out_channels, module.kernel_size, module.stride, module.padding]
    if "Transpose" in type(module).__name__:
        return *common, module.output_padding, module.groups, module.bias is not None
    return *common, module.dilation, module.groups, module.bias is not None


def test_compiled_and_a_module_of_ones_own():
    class Own(nn.modules.lazy.LazyModuleMixin, nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.UninitializedParameter()

        def initialize_parameters(self, x):
            self.scale.materialize(x.shape[1:])
            nn.init.constant_(self.scale, 2.0)

        def forward(self, x):
            return x * self.scale

    model = nn.Sequential(Own(), nn.LazyLinear(3))
    compiled, x = weft.compile(model), weft.randn(4, 5)
    first = compiled(x)
    assert_same_bits(compiled(x), first)
    assert_same_bits(model(x), first)
    assert model[0].scale.tolist() == [2.0] * 5 and type(model[0]) is Own
    restored = pickle.loads(pickle.dumps(nn.LazyLinear(2)))
    assert restored(weft.ones(1, 7)).shape == (1, 2)
    with pytest.raises(ValueError, match="groups"):
        nn.LazyConv1d(4, 3, groups=2)(weft.ones(1, 3, 8))
    with pytest.raises(RuntimeError, match="dimensions"):
        nn.LazyConv1d(4, 3)(weft.ones(3))


def test_buffers():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Buffer(weft.ones(2))
            self.b = nn.Buffer(weft.ones(3), persistent=False)

        def forward(self, x):
            return x + self.a

    module = Own()
    assert list(dict(module.named_buffers())) == ["a", "b"] and list(module.state_dict()) == ["a"]
    module.a = weft.zeros(2)
    assert dict(module.named_buffers())["a"].tolist() == [0, 0] and module.double().b.dtype is weft.float64
    compiled = weft.compile(module)
    for _ in range(2):
        assert compiled(weft.ones(2, dtype=weft.float64)).tolist() == [1, 1]
    with pytest.raises(TypeError, match="float"):
        nn.Buffer(3.0)
    with pytest.raises(KeyError, match="forward"):
        module.forward = nn.Buffer(weft.ones(1))


PATHS = [
    ("modules.module", "Module"), ("modules.conv", "_ConvNd"), ("modules.conv", "_ConvTransposeNd"), ("modules.batchnorm", "_BatchNorm"),
    ("modules.batchnorm", "_NormBase"), ("modules.instancenorm", "_InstanceNorm"), ("modules.pooling", "_MaxPoolNd"),
    ("modules.pooling", "_AvgPoolNd"), ("modules.pooling", "_AdaptiveAvgPoolNd"), ("modules.pooling", "_AdaptiveMaxPoolNd"),
    ("modules.dropout", "_DropoutNd"), ("modules.loss", "_Loss"), ("modules.loss", "_WeightedLoss"), ("modules.utils", "_pair"),
    ("modules.normalization", "GroupNorm"), ("modules.transformer", "TransformerEncoderLayer"), ("modules.upsampling", "Upsample"),
    ("modules.fold", "Unfold"), ("modules.pixelshuffle", "PixelShuffle"), ("modules.lazy", "LazyLinear"), ("modules.linear", "Linear"),
    ("modules.adaptive", "AdaptiveLogSoftmaxWithLoss"), ("parallel", "DataParallel"), ("parameter", "Parameter"), ("utils.rnn", "pad_sequence"),
]  # fmt: skip


@pytest.mark.parametrize("path, name", PATHS, ids=".".join)
def test_paths(path, name):
    assert hasattr(importlib.import_module(f"weft.nn.{path}"), name)


def test_classes_that_public_code_asks_for():
    from weft.nn.modules import batchnorm, conv, dropout, loss, pooling, utils

    for kind in (nn.BatchNorm1d, nn.BatchNorm2d, nn.SyncBatchNorm):
        assert isinstance(kind(2), batchnorm._BatchNorm)
    assert not isinstance(nn.InstanceNorm2d(2), batchnorm._BatchNorm)
    assert isinstance(nn.ConvTranspose2d(2, 2, 1), conv._ConvNd) and isinstance(nn.Conv1d(2, 2, 1), conv._ConvNd)
    assert isinstance(nn.Dropout2d(), dropout._DropoutNd) and not isinstance(nn.Dropout2d(), nn.Dropout)
    assert isinstance(nn.AvgPool1d(2), pooling._AvgPoolNd)
    assert not isinstance(nn.AdaptiveMaxPool2d(2), pooling._AdaptiveAvgPoolNd)
    assert (
        utils._pair(3) == (3, 3)
        and utils._pair([1, 2]) == (1, 2)
        and utils._reverse_repeat_tuple((1, 2), 2) == (2, 2, 1, 1)
    )
    state = {"module.a": 1, "b": 2}
    utils.consume_prefix_in_state_dict_if_present(state, "module.")
    assert state == {"a": 1, "b": 2}

    class Smoothed(loss._WeightedLoss):
        def __init__(self, weight=None, reduction="mean"):
            super().__init__(weight=weight, reduction=reduction)

    assert Smoothed(weft.ones(2), "sum").reduction == "sum" and "weight" in Smoothed(weft.ones(2)).state_dict()


def test_sync_batch_norm_and_data_parallel():
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Sequential(nn.BatchNorm2d(2)))
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(copy.deepcopy(model))
    assert type(converted[1][0]) is nn.SyncBatchNorm and list(converted.state_dict()) == list(model.state_dict())
    x = weft.randn(3, 1, 4, 4)
    assert_same_bits(converted(x), model(x))
    assert_same_bits(converted[1][0].running_var, model[1][0].running_var)
    parallel = nn.DataParallel(model)
    assert_same_bits(parallel(x), model(x))
    assert list(parallel.state_dict()) == [f"module.{name}" for name in model.state_dict()]
    with pytest.raises(ValueError, match="2D"):
        nn.SyncBatchNorm(2)(weft.ones(2))
    with pytest.raises(NotImplementedError, match="one device"):
        nn.DataParallel(model, [0, 1])


def test_names_of_types_and_of_lazy_parameters():
    from weft.nn.common_types import _size_2_t
    from weft.nn.parameter import UninitializedParameter, is_lazy

    assert (
        _size_2_t is not None
        and is_lazy(nn.LazyLinear(1).weight)
        and UninitializedParameter is nn.UninitializedParameter
    )
    assert isinstance(nn.modules.linear.NonDynamicallyQuantizableLinear(1, 1), nn.Linear)
