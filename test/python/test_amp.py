"""Scaled losses, and the names around regions of autocast."""

import types

import pytest
import weft
from weft import nn

without_gpu = pytest.mark.skipif(weft.cuda.is_available(), reason="there is a GPU")


def set_up(**options):
    p = weft.ones(2, requires_grad=True)
    return p, weft.optim.SGD([p], lr=0.1), weft.amp.GradScaler("cpu", **options)


def step(p, optimizer, scaler, factor):
    optimizer.zero_grad()
    scaler.scale((p * factor).sum()).backward()
    result = scaler.step(optimizer)
    scaler.update()
    return result


def test_a_step_with_an_infinity_is_left_out():
    p, optimizer, scaler = set_up(growth_interval=3)
    values, scales, counts = [], [], []
    for factor in [1.0, float("inf"), 1.0, float("nan"), 1.0, 1.0, 1.0, 1.0]:
        assert step(p, optimizer, scaler, factor) is None
        values.append(round(p[0].item(), 4))
        scales.append(scaler.get_scale() / 65536)
        counts.append(scaler.state_dict()["_growth_tracker"])
    assert values == [0.9, 0.9, 0.8, 0.8, 0.7, 0.6, 0.5, 0.4]
    assert scales == [1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.5, 0.5]
    assert counts == [1, 0, 1, 0, 1, 2, 0, 1]


def test_unscaled_gradients_are_clipped():
    p, optimizer, scaler = set_up()
    scaler.scale((p * 30).sum()).backward()
    scaler.unscale_(optimizer)
    assert p.grad.tolist() == [30, 30]
    nn.utils.clip_grad_norm_([p], 2**0.5)
    scaler.step(optimizer)
    assert p.tolist() == pytest.approx([0.9, 0.9])


def test_states():
    _, _, scaler = set_up()
    assert scaler.state_dict() == {
        "scale": 65536.0, "growth_factor": 2.0, "backoff_factor": 0.5, "growth_interval": 2000, "_growth_tracker": 0,
    }  # fmt: skip
    _, _, other = set_up(init_scale=4.0, growth_factor=3.0)
    scaler.load_state_dict(other.state_dict())
    assert scaler.get_scale() == 4 and scaler.get_growth_factor() == 3
    scaler.update(8.0)
    assert [t.tolist() for t in scaler.scale([weft.ones(1), (weft.ones(1),)])[1]] == [[8.0]]


def test_compiled_forward_and_backward():
    def run(wrap):
        weft.manual_seed(0)
        model = nn.Linear(4, 3)
        optimizer = weft.optim.AdamW(model.parameters(), lr=0.1)
        scaler = weft.amp.GradScaler("cpu", growth_interval=2)

        def backward(x):
            optimizer.zero_grad()
            with weft.autocast("cpu"):
                loss = model(x).float().square().mean()
            scaler.scale(loss).backward()

        backward = wrap(backward)
        for _ in range(5):
            backward(weft.randn(2, 4))
            scaler.step(optimizer)
            scaler.update()
        return [p.tolist() for p in model.parameters()], scaler.get_scale()

    assert run(lambda f: f) == run(weft.compile) and run(weft.compile)[1] == 2.0**18


REFUSED = {
    "factor": (lambda: set_up(growth_factor=1.0), ValueError, "growth_factor"),
    "backoff": (lambda: set_up(backoff_factor=1.0), ValueError, "backoff_factor"),
    "a number": (lambda: set_up()[2].scale(3), ValueError, "int"),
    "no gradient": (lambda: set_up()[2].step(set_up()[1]), ValueError, "gradient"),
    "no step": (lambda: set_up()[2].update(), ValueError, "step"),
    "empty": (lambda: set_up()[2].load_state_dict({}), RuntimeError, "empty"),
    "closure": (lambda: set_up()[2].step(set_up()[1], closure=3), RuntimeError, "closure"),
}  # fmt: skip


@pytest.mark.parametrize("act, error, text", REFUSED.values(), ids=REFUSED)
def test_refused(act, error, text):
    with pytest.raises(error, match=text):
        act()


def test_refused_orders():
    p, optimizer, scaler = set_up()
    scaler.scale(p.sum()).backward()
    scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match="once"):
        scaler.unscale_(optimizer)
    scaler.step(optimizer)
    with pytest.raises(RuntimeError, match="after step"):
        scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match="update"):
        scaler.step(optimizer)
    half = weft.ones(2, dtype=weft.float16, requires_grad=True)
    half.sum().backward()
    with pytest.raises(ValueError, match="float16"):
        weft.amp.GradScaler("cpu").unscale_(weft.optim.SGD([half]))


@without_gpu
def test_for_cuda_without_a_gpu():
    p, optimizer, _ = set_up()
    with pytest.warns(UserWarning, match="no GPU"):
        scaler = weft.amp.GradScaler()
    assert not scaler.is_enabled() and scaler.state_dict() == {} and scaler.get_scale() == 1
    step(p, optimizer, scaler, 1.0)
    assert p.tolist() == pytest.approx([0.9, 0.9])
    with pytest.warns(FutureWarning), pytest.warns(UserWarning):
        from weft.cuda.amp import GradScaler, autocast

        assert not GradScaler().is_enabled()
        with autocast():
            assert (weft.ones(2, 2) @ weft.ones(2, 2)).dtype is weft.float32
    assert weft.cuda.amp.autocast is autocast


def test_names_of_regions():
    """Without a device the question is about "cuda", as in PyTorch."""
    assert weft.get_autocast_dtype("cpu") is weft.bfloat16 and weft.get_autocast_gpu_dtype() is weft.float16
    with weft.autocast("cpu", dtype=weft.float16):
        assert weft.is_autocast_cpu_enabled() and weft.is_autocast_enabled("cpu") and not weft.is_autocast_enabled()
        assert weft.get_autocast_cpu_dtype() is weft.float16 is weft.get_autocast_dtype("cpu")
    assert weft.amp.is_autocast_available("cpu")
    with pytest.raises(RuntimeError, match="tpu"):
        weft.get_autocast_dtype("tpu")


@pytest.mark.parametrize("inputs", [None, weft.float32])
def test_custom_functions(inputs):
    seen = []

    @weft.amp.custom_fwd(device_type="cpu", cast_inputs=inputs)
    def forward(ctx, a, more):
        seen.append((a.dtype, more[0].dtype, weft.is_autocast_enabled("cpu")))

    @weft.amp.custom_bwd(device_type="cpu")
    def backward(ctx):
        seen.append((weft.is_autocast_enabled("cpu"), weft.get_autocast_dtype("cpu")))

    ctx, narrow = types.SimpleNamespace(), weft.ones(2).bfloat16()
    with weft.autocast("cpu", dtype=weft.float16):
        forward(ctx, narrow, [narrow])
    backward(ctx)
    forward(ctx, narrow, [narrow])
    b, f = weft.bfloat16, weft.float32
    if inputs is None:
        assert seen == [(b, b, True), (True, weft.float16), (b, b, False)]
    else:
        assert seen == [(f, f, False), (False, b), (b, b, False)]


def test_all_within_a_compiled_function():
    """The step reads whether it may, and the schedule changes Python's numbers: the function runs as Python, with the same bits."""

    def run(wrap):
        weft.manual_seed(0)
        model = nn.Linear(4, 3)
        optimizer = weft.optim.Adam(model.parameters(), lr=0.1)
        schedule = weft.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        scaler = weft.amp.GradScaler("cpu", growth_interval=2)

        def step(x):
            optimizer.zero_grad()
            loss = model(x).square().mean()
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
            schedule.step()
            return loss.item()

        step = wrap(step)
        losses = []
        for i in range(6):
            losses.append(step(weft.randn(2, 4) * (float("inf") if i == 3 else 1.0)))
        return repr(losses), [p.tolist() for p in model.parameters()], scaler.get_scale(), schedule.get_last_lr()

    assert run(lambda f: f) == run(weft.compile)
