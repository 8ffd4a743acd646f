"""Names of PyTorch's that stand beside the operations: old types, settings, devices, and what there is no such thing of."""

import numpy
import pytest
import weft


def test_tensors_made_by_types():
    assert (
        weft.Tensor().shape == (0,)
        and weft.Tensor(2, 3).shape == (2, 3)
        and weft.Tensor(weft.Size([2, 3])).shape == (2, 3)
    )
    assert weft.Tensor([1, 2]).tolist() == [1.0, 2.0] and weft.Tensor((2, 3)).tolist() == [2.0, 3.0]
    assert weft.Tensor(numpy.ones((2, 2))).dtype is weft.float32 and weft.Tensor(numpy.int64(3)).shape == (3,)
    x = weft.ones(2)
    assert weft.Tensor(x).data_ptr() == x.data_ptr() and weft.Tensor(weft.ones(1, dtype=weft.int64)).dtype is weft.int64
    assert weft.LongTensor([1, 2]).dtype is weft.int64 and weft.LongTensor(2, 3).shape == (2, 3)
    assert weft.LongTensor([1.5]).tolist() == [1] and weft.BoolTensor([1, 0]).tolist() == [True, False]
    for call in (lambda: weft.Tensor(5.0), lambda: weft.Tensor(True), lambda: weft.FloatTensor(weft.ones(1).long())):
        with pytest.raises(TypeError):
            call()


def test_types_as_classes_and_names():
    x = weft.ones(2)
    assert (
        isinstance(x, weft.FloatTensor) and not isinstance(x, weft.LongTensor) and isinstance(x.byte(), weft.ByteTensor)
    )
    assert not isinstance(x, weft.cuda.FloatTensor) and weft.FloatTensor.dtype is weft.float32
    assert x.type() == "weft.FloatTensor" and x.bool().type() == "weft.BoolTensor"
    assert weft.ones(1, dtype=weft.uint64).type() == "weft.UInt64Tensor"
    assert x.type(weft.FloatTensor) is x and x.type(weft.float64).dtype is weft.float64
    assert x.type("torch.LongTensor").dtype is weft.int64 and x.type(x.long().type()).dtype is weft.int64
    for wrong in ("foo", "LongTensor"):
        with pytest.raises(ValueError, match="invalid type"):
            x.type(wrong)


def test_sub_classes_are_made_by_calling_them():
    class Mine(weft.Tensor):
        def __init__(self, *args):
            self.note = 3

    x = Mine([1.0, 2.0])
    assert type(x) is Mine and x.note == 3 and x.tolist() == [1.0, 2.0]


def test_new_tensors_like_another():
    x = weft.ones(2, dtype=weft.int32)
    assert x.new(2, 3).shape == (2, 3) and x.new([1, 2]).dtype is weft.int32 and x.new().shape == (0,)
    assert x.new_tensor(1.5).tolist() == 1 and x.new_tensor([1], dtype=weft.float64).dtype is weft.float64


def test_default_tensor_type():
    try:
        weft.set_default_tensor_type("weft.DoubleTensor")
        assert weft.ones(1).dtype is weft.float64
        weft.set_default_tensor_type(weft.FloatTensor)
        assert weft.ones(1).dtype is weft.float32
        with pytest.raises(TypeError, match="only floating-point types"):
            weft.set_default_tensor_type(weft.LongTensor)
    finally:
        weft.set_default_dtype(weft.float32)


def test_default_device():
    assert weft.get_default_device() == weft.device("cpu")
    weft.set_default_device("cpu")
    with weft.device("cpu") as device:
        assert device == weft.get_default_device() and weft.ones(2).device == device
    with weft.device("cuda"):  # none is needed to name it
        assert weft.get_default_device() == weft.device("cuda")
        assert weft.ones(2, device="cpu").device.type == "cpu"
        if not weft.cuda.is_available():
            with pytest.raises(RuntimeError):
                weft.ones(2)
            with pytest.raises(RuntimeError):
                weft.tensor([1.0])
    compiled = weft.compile(lambda x: x + weft.ones(2))
    for _ in range(3):
        assert compiled(weft.ones(2)).tolist() == [2.0, 2.0]
        with weft.device("cuda"), pytest.raises((RuntimeError, TypeError)):
            compiled(weft.ones(2, device="cpu"))
    weft.set_default_device(None)
    assert weft.ones(1).device.type == "cpu"


def test_properties():
    x = weft.ones(2, 3)
    assert x.H.shape == (3, 2) and x.mH.shape == (3, 2) and weft.ones(4, 2, 3).mH.shape == (4, 3, 2)
    assert x.real is x and x.layout is weft.strided and not x.is_sparse and x.is_cpu and not x.is_quantized
    assert x.nelement() == 6 and x.ndimension() == 2 and x.get_device() == -1 and not x.is_complex()
    for call in (lambda: weft.ones(2).H, lambda: weft.ones(2, 2, 2).H, lambda: x.imag, lambda: x.pin_memory()):
        if weft.cuda.is_available():
            continue
        with pytest.raises(RuntimeError):
            call()
    y = x.clone().requires_grad_() * 1
    y.retain_grad()
    assert y.retains_grad and not x.retains_grad and y.output_nr == 0


def test_questions():
    x = weft.ones(2)
    assert weft.is_floating_point(x) and not weft.is_complex(x) and weft.is_nonzero(weft.tensor(2))
    assert x.is_set_to(x.view(2)) and not x.is_set_to(x.clone()) and x.is_same_size(weft.zeros(2))
    assert weft.broadcast_shapes((2, 1), (3,), 1) == (2, 3) and weft.can_cast(weft.int32, weft.float32)
    assert not weft.can_cast(weft.float32, weft.int32)
    with pytest.raises(RuntimeError, match="do not broadcast"):
        weft.broadcast_shapes((2,), (3,))
    assert weft.ones(2, 3).sum_to_size(1, 3).tolist() == [[2.0, 2.0, 2.0]] and weft.ones(2, 3).sum_to_size(3).shape == (
        3,
    )


def test_in_place_forms():
    x = weft.ones(2)
    x.addcmul_(weft.ones(2), weft.ones(2), value=3).addcdiv_(weft.ones(2), weft.ones(2), value=2)
    assert x.tolist() == [6.0, 6.0] and weft.ones(2, 2).triu_().tolist() == [[1.0, 1.0], [0.0, 1.0]]
    assert weft.exp_(weft.zeros(1)).item() == 1.0 and weft.tensor([1.5]).fix_().item() == 1.0
    assert weft.arcsin(weft.zeros(1)).item() == 0.0


def test_random_():
    assert set(weft.zeros(100).random_(2, 5).tolist()) == {2.0, 3.0, 4.0}
    assert set(weft.zeros(100, dtype=weft.int64).random_(3).tolist()) == {0, 1, 2}
    assert set(weft.zeros(100, dtype=weft.bool).random_().tolist()) == {False, True}
    assert weft.zeros(100, dtype=weft.int64).random_().max().item() > 2**40
    assert weft.zeros(1000).random_().max().item() <= 2**24
    for dtype, low, high in ((weft.float32, 5, 5), (weft.uint8, 0, 300), (weft.int8, -200, 5)):
        with pytest.raises(RuntimeError, match="random_"):
            weft.zeros(3, dtype=dtype).random_(low, high)


def test_print_options():
    try:
        weft.set_printoptions(precision=2)
        assert repr(weft.tensor([1.23456])) == "tensor([1.23])"
        weft.set_printoptions(profile="default", sci_mode=True)
        assert repr(weft.tensor([1.23456])) == "tensor([1.2346e+00])"
        weft.set_printoptions(threshold=3, edgeitems=1)
        assert repr(weft.arange(5)) == "tensor([0,  ..., 4])"
    finally:
        weft.set_printoptions(profile="default")
    assert repr(weft.tensor([1.23456])) == "tensor([1.2346])"


def test_settings_are_kept():
    assert weft.get_float32_matmul_precision() == "highest" and not weft.are_deterministic_algorithms_enabled()
    try:
        weft.set_float32_matmul_precision("high")
        with pytest.raises(TypeError, match=r"\[use_deterministic_algorithms\] mode must be a bool"):
            weft.use_deterministic_algorithms(numpy.zeros(2))
        weft.use_deterministic_algorithms(True, warn_only=True)
        assert weft.get_float32_matmul_precision() == "high" and weft.get_deterministic_debug_mode() == 1
        with pytest.warns(UserWarning, match="is not one of"):
            weft.set_float32_matmul_precision("low")
    finally:
        weft.set_float32_matmul_precision("highest")
        weft.use_deterministic_algorithms(False)


@pytest.mark.skipif(weft.cuda.is_available(), reason="there is a GPU")
def test_cuda_without_a_gpu():
    cuda = weft.cuda
    assert not cuda.is_available() and cuda.device_count() == 0 and not cuda.is_initialized()
    assert cuda.memory_allocated() == cuda.max_memory_reserved() == 0 and not cuda.is_bf16_supported()
    cuda.empty_cache(), cuda.manual_seed_all(3), cuda.set_device(-1), cuda.reset_peak_memory_stats()
    for call in (
        cuda.current_device,
        cuda.get_device_name,
        cuda.synchronize,
        cuda.init,
        cuda.current_stream,
        cuda.Stream,
    ):
        with pytest.raises(AssertionError, match="no CUDA device is available"):
            call()
    with cuda.device(-1), cuda.stream(None):
        pass
    assert issubclass(cuda.OutOfMemoryError, RuntimeError)
    assert weft.accelerator.current_accelerator() is None and weft.accelerator.device_count() == 0
    with pytest.raises(RuntimeError, match="accelerator device when none is available"):
        weft.accelerator.synchronize()


def test_lack_of_memory_has_a_class():
    with pytest.raises(weft.OutOfMemoryError):
        weft.empty(2**44).fill_(1)


def test_backends_and_versions():
    import weft.backends.cudnn as cudnn

    cudnn.benchmark = True
    assert weft.backends.cudnn.benchmark and cudnn.enabled and not weft.backends.mps.is_available()
    weft.backends.cuda.matmul.allow_tf32 = True
    with weft.backends.cuda.sdp_kernel(enable_flash=False):
        assert not weft.backends.cuda.flash_sdp_enabled()
    assert weft.backends.cuda.flash_sdp_enabled() and weft.version.cuda is None
    assert weft.version.__version__ == weft.__version__


def test_jit():
    jit = weft.jit
    assert not jit.is_scripting() and not jit.is_tracing() and jit.annotate(int, 3) == 3
    assert jit.isinstance([1], list[int]) and not jit.isinstance((1,), list[int])

    @jit.script
    def f(x):
        return x * 2 if x.sum() > 0 else x

    @jit.ignore
    def g(x):
        return x

    assert f(weft.ones(1)).item() == 2.0 and f(-weft.ones(1)).item() == -1.0 and g(3) == 3
    traced = jit.trace(weft.nn.Linear(2, 3), weft.ones(1, 2))
    assert isinstance(traced, weft.nn.Module) and traced(weft.ones(4, 2)).shape == (4, 3)


def test_trees():
    from weft.utils import _pytree as pytree

    tree = {"a": [1, 2], "b": (3,)}
    leaves, spec = pytree.tree_flatten(tree)
    assert (
        leaves == [1, 2, 3]
        and spec.num_leaves == 3
        and pytree.tree_unflatten([4, 5, 6], spec) == {"a": [4, 5], "b": (6,)}
    )
    assert pytree.tree_map(lambda x, y: x + y, tree, tree) == {"a": [2, 4], "b": (6,)}
    assert pytree.tree_map_only(str, len, ["abc", 1]) == [3, 1]
    with pytest.raises(ValueError, match="has 3 leaves"):
        pytree.tree_unflatten([1], spec)


def test_storages():
    x = weft.arange(6.0)
    view, other = x[2:].view(2, 2), weft.arange(6.0)
    assert x.untyped_storage() == view.untyped_storage() != other.untyped_storage()
    assert x.untyped_storage().data_ptr() == x.data_ptr() and x.untyped_storage().nbytes() == 24
    assert view.storage().size() == len(x.storage()) == 6 and x.storage().dtype is weft.float32
    assert {x.untyped_storage().data_ptr(), view.untyped_storage().data_ptr()} == {x.data_ptr()}
    assert weft.tensor([258], dtype=weft.int16).untyped_storage().tolist() == [2, 1]


def test_compiled_calls_see_settings():
    def f(x):
        weft.set_float32_matmul_precision("high")
        return x * 2 if weft.are_deterministic_algorithms_enabled() else x * 3

    def g(x):
        return x * 2 if weft.backends.cuda.flash_sdp_enabled() and weft.backends.cudnn.benchmark else x * 3

    compiled, other = weft.compile(f), weft.compile(g)
    x = weft.ones(1)
    try:
        for i in range(6):
            weft.use_deterministic_algorithms(i > 2)
            weft.backends.cudnn.benchmark = i > 3
            weft.set_float32_matmul_precision("highest")
            assert compiled(x).item() == f(x).item() and other(x).item() == g(x).item()
            assert weft.get_float32_matmul_precision() == "high"
    finally:
        weft.use_deterministic_algorithms(False)
        weft.set_float32_matmul_precision("highest")
