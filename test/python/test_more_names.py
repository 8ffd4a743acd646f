"""Functions that PyTorch has beside the usual ones: values by definition, errors, derivatives, and compiled bits."""

import itertools

import numpy
import pytest
import weft
from compositions import check_compiled, check_gradients

F, nn = weft.nn.functional, weft.nn
rng = numpy.random.default_rng(5)
x34, inf, nan = rng.standard_normal((3, 4)), weft.inf, weft.nan

COMPOSITIONS = {
    "deg2rad": (weft.deg2rad, [x34]),
    "rad2deg": (lambda x: x.rad2deg(), [x34]),
    "fmax": (weft.fmax, [x34, rng.standard_normal(4)]),
    "fmin": (weft.fmin, [x34, rng.standard_normal(4)]),
    "frac": (weft.frac, [x34]),
    "float_power": (lambda x: weft.float_power(x.abs() + 0.1, 2.5), [x34]),
    "rsub": (lambda x: weft.rsub(x, 2.0, alpha=3), [x34]),
    "msort": (weft.msort, [x34]),
    "diagflat": (lambda x: weft.diagflat(x, -2), [x34]),
    "select_scatter": (lambda x, s: weft.select_scatter(x, s, 1, -1), [x34, rng.standard_normal(3)]),
    "slice_scatter": (lambda x, s: x.slice_scatter(s, 1, 1, None, 2), [x34, rng.standard_normal((3, 2))]),
    "slice_inverse": (lambda s: s.slice_inverse(weft.zeros(3, 5), 1, 1, None, 2), [rng.standard_normal((3, 2))]),
    "diagonal_scatter": (lambda x, s: weft.diagonal_scatter(x, s, 1), [x34, rng.standard_normal(3)]),
    "as_strided_scatter": (
        lambda x, s: weft.as_strided_scatter(x, s, (2, 2), (2, 3), 1),
        [x34, rng.standard_normal((2, 2))],
    ),
    "index_reduce": (
        lambda x, s: weft.index_reduce(x, 0, weft.tensor([2, 0, 2]), s, "mean"),
        [x34, rng.standard_normal((3, 4))],
    ),
    "std_mean": (lambda x: weft.std_mean(x, 1), [x34]),
    "cumulative_trapezoid": (weft.cumulative_trapezoid, [x34, rng.standard_normal(4)]),
    "gradient": (lambda x: weft.gradient(x, spacing=2.0, edge_order=2), [x34]),
    "renorm": (lambda x: weft.renorm(x, 3, 0, 1.0), [x34]),
    "norm_except_dim": (weft.norm_except_dim, [x34]),
    "native_layer_norm": (lambda x: weft.native_layer_norm(x, (4,), None, None, 1e-5), [x34]),
    "conv_tbc": (
        lambda x, w, b: weft.conv_tbc(x, w, b, 1),
        [rng.standard_normal((4, 2, 3)), rng.standard_normal((3, 3, 2)), rng.standard_normal(2)],
    ),
    "lstm_cell": (
        lambda x, h, w: weft.lstm_cell(x, (h, h), w, w),
        [rng.standard_normal((2, 3)), rng.standard_normal((2, 3)), rng.standard_normal((12, 3))],
    ),
    "CrossMapLRN2d": (nn.CrossMapLRN2d(3), [rng.standard_normal((1, 4, 2, 2))]),
    "linear_cross_entropy": (
        lambda x, w: F.linear_cross_entropy(x, w, weft.tensor([1, 0, 4])),
        [x34, rng.standard_normal((5, 4))],
    ),
}


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_gradients(name):
    check_gradients(*COMPOSITIONS[name])


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_compiled(name):
    function, arrays = COMPOSITIONS[name]
    check_compiled(function, arrays)


def test_values_of_numbers():
    a, b = weft.tensor([1.0, nan, 3.0, nan]), weft.tensor([2.0, 2.0, nan, nan])
    numpy.testing.assert_array_equal(weft.fmax(a, b).numpy(), numpy.fmax(a.numpy(), b.numpy()))
    numpy.testing.assert_array_equal(weft.fmin(a, b).numpy(), numpy.fmin(a.numpy(), b.numpy()))
    x = weft.tensor([-inf, inf, nan, 1.5, -1.25])
    assert weft.isneginf(x).tolist() == [True, False, False, False, False]
    assert x.isposinf().tolist() == [False, True, False, False, False]
    assert x[3:].frac().tolist() == [0.5, -0.25]
    assert weft.positive(x) is x and weft.deg2rad(weft.tensor([180])).item() == pytest.approx(numpy.pi)
    assert weft.float_power(weft.tensor([2]), 3).dtype is weft.float64
    assert weft.float_power(2, weft.tensor([2 + 0j])).dtype is weft.complex128
    assert weft.tensor([4.0], dtype=weft.float64).float_power_(0.5).item() == 2
    assert weft.rsub(weft.tensor([1, 2]), 5, alpha=2).tolist() == [3, 1]
    assert weft.fill(x, 2).tolist() == [2] * 5
    gradient = weft.func.grad(lambda x: weft.fmax(x, weft.tensor([nan, 1.0])).sum())(weft.tensor([3.0, 1.0]))
    assert gradient.tolist() == [1, 1]


def test_factories():
    numpy.testing.assert_allclose(weft.logspace(-1, 2, 5).numpy(), numpy.logspace(-1, 2, 5), rtol=1e-6)
    assert weft.logspace(0, 3, 4, base=2, dtype=weft.int64).tolist() == [1, 2, 4, 8]
    with pytest.warns(UserWarning, match="arange"):
        assert weft.range(1, 2, 0.5).tolist() == [1, 1.5, 2]
    assert weft.empty_permuted((2, 3, 4), (2, 0, 1)).stride() == (3, 1, 6)
    assert weft.ones(1).new_empty_strided((2, 2), (1, 2)).stride() == (1, 2)


def test_file(tmp_path):
    path = str(tmp_path / "numbers")
    x = weft.from_file(path, shared=True, size=4)
    x.copy_(weft.arange(4.0))
    again = weft.from_file(path, size=3)
    assert again.tolist() == [0, 1, 2]
    again[0] = 9  # stays here
    assert x[0].item() == 0 and weft.from_file(path, size=1).item() == 0
    with pytest.raises(RuntimeError, match="has 16 bytes"):
        weft.from_file(path, size=5)


def test_positions():
    x = weft.tensor([[0, 3, 0], [1, 0, 2]])
    assert weft.nonzero_static(x, size=2).tolist() == [[0, 1], [1, 0]]
    assert weft.nonzero_static(x, size=4, fill_value=7).tolist() == [[0, 1], [1, 0], [1, 2], [7, 7]]
    rows, columns = weft.unravel_index(weft.tensor([0, 5, -1, 4]), (2, 3))
    assert rows.tolist() == [0, 1, 1, 1] and columns.tolist() == [0, 2, 2, 1]
    hist, edges = weft.histogramdd(weft.tensor(x34), bins=[2, 3, 1, 2], density=True)
    want, wanted = numpy.histogramdd(x34, bins=[2, 3, 1, 2], density=True)
    numpy.testing.assert_allclose(hist.numpy(), want)
    for mine, theirs in zip(edges, wanted):
        numpy.testing.assert_allclose(mine.numpy(), theirs)


@pytest.mark.parametrize("edge_order", [1, 2])
def test_gradient_is_numpys(edge_order):
    places = numpy.array([0.0, 1, 3, 3.5, 6])
    y = rng.standard_normal((5, 6))
    got = weft.gradient(weft.tensor(y), spacing=(weft.tensor(places), weft.arange(6.0)), edge_order=edge_order)
    for mine, theirs in zip(got, numpy.gradient(y, places, numpy.arange(6.0), edge_order=edge_order)):
        numpy.testing.assert_allclose(mine.numpy(), theirs, rtol=1e-12)


@pytest.mark.parametrize("reduce", ["prod", "mean", "amax", "amin"])
@pytest.mark.parametrize("include_self", [True, False])
def test_index_reduce(reduce, include_self):
    source, index = rng.standard_normal((4, 4)), [0, 2, 0, 2]
    got = weft.tensor(x34).index_reduce_(0, weft.tensor(index), weft.tensor(source), reduce, include_self=include_self)
    function = {"prod": numpy.prod, "mean": numpy.mean, "amax": numpy.max, "amin": numpy.min}[reduce]
    want = x34.copy()
    for row in set(index):
        rows = [source[i] for i, place in enumerate(index) if place == row] + [x34[row]] * include_self
        want[row] = function(rows, axis=0)
    numpy.testing.assert_allclose(got.numpy(), want)


def test_random_numbers():
    generator = weft.Generator().manual_seed(3)
    n = 20_000
    rates = weft.tensor([0.5, 30.0]).unsqueeze(1).expand(2, n)
    drawn = weft.poisson(rates, generator)
    assert weft.poisson(rates, weft.Generator().manual_seed(3)).equal(drawn)
    numpy.testing.assert_allclose(drawn.mean(1).numpy(), [0.5, 30], rtol=0.05)
    numpy.testing.assert_allclose(drawn.var(1).numpy(), [0.5, 30], rtol=0.08)
    drawn = weft.binomial(weft.full((n,), 10.0), weft.full((n,), 0.3), generator)
    assert drawn.mean().item() == pytest.approx(3, rel=0.03) and drawn.max().item() <= 10
    x = weft.empty(n)
    assert x.geometric_(0.25, generator=generator).mean().item() == pytest.approx(4, rel=0.05) and x.min().item() == 1
    assert x.cauchy_(2.0, 3.0, generator=generator).median().item() == pytest.approx(2, abs=0.2)
    assert x.log_normal_(0.0, 0.5, generator=generator).log().std().item() == pytest.approx(0.5, rel=0.03)


def test_memory():
    x = weft.arange(6.0)
    assert weft.zeros(2).set_(x).tolist() == x.tolist()
    y = weft.zeros(1).set_(x.untyped_storage(), 1, (2, 2), (3, 1))
    assert y.tolist() == [[1, 2], [4, 5]]
    y[0, 0] = 7
    assert x[1].item() == 7 and weft.ones(2).set_().numel() == 0
    assert x.as_strided_((2,), (2,), 1) is x and x.tolist() == [7, 3]
    assert weft.arange(3.0).apply_(lambda v: v + 1).tolist() == [1, 2, 3]
    assert weft.arange(3).map_(weft.ones(3, dtype=weft.int64), lambda a, b: a - b).tolist() == [-1, 0, 1]
    image = weft.empty(2, 3, 4, 5).to(memory_format=weft.channels_last)
    assert image.dim_order() == (0, 2, 3, 1)
    with pytest.raises(RuntimeError, match="several orders"):
        weft.empty(1, 2).dim_order(ambiguity_check=True)


def test_shared_memory_is_seen_by_both_processes():
    import os

    x = weft.zeros(3)
    assert not x.is_shared() and x.share_memory_() is x and x.is_shared()
    array = x.numpy()
    child = os.fork()
    if child == 0:
        array[1] = 5
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0 and x.tolist() == [0, 5, 0]


def _paths(labels, steps, blank):
    """All sequences of steps that give the labels."""
    classes = sorted({*labels, blank})
    for path in itertools.product(classes, repeat=steps):
        if [k for k, _ in itertools.groupby(path) if k != blank] == list(labels):
            yield path


@pytest.mark.parametrize("labels", [[1, 2], [1, 1], [2], [], [1, 2, 1]])
def test_ctc_loss_is_the_sum_over_paths(labels):
    logs = numpy.log(rng.dirichlet(numpy.ones(3), size=5))
    total = sum(numpy.exp(sum(logs[t, k] for t, k in enumerate(path))) for path in _paths(labels, 5, 0))
    padded = weft.tensor([[*labels, 0, 0, 0][:3]], dtype=weft.int64)
    got = F.ctc_loss(weft.tensor(logs).unsqueeze(1), padded, (5,), (len(labels),), reduction="none")
    numpy.testing.assert_allclose(got.numpy(), [-numpy.log(total)], rtol=1e-12)


def test_ctc_loss():
    logs, labels = rng.standard_normal((6, 2, 4)), weft.tensor([[1, 2, 2], [3, 0, 0]])

    def loss(x, targets=labels, reduction="mean"):
        return F.ctc_loss(x.log_softmax(2), targets, (6, 4), (3, 1), reduction=reduction)

    check_gradients(loss, [logs])
    check_compiled(loss, [logs])
    x = weft.tensor(logs)
    assert loss(x).item() == loss(x, weft.tensor([1, 2, 2, 3])).item()
    each = loss(x, reduction="none")
    assert each[1].item() == loss(x, weft.tensor([[1, 1, 1], [3, 2, 1]]), "none")[1].item()  # any batch, any padding
    numpy.testing.assert_allclose(loss(x).item(), (each / weft.tensor([3.0, 1.0])).mean().item(), rtol=1e-12)
    module = nn.CTCLoss(zero_infinity=True, reduction="sum")
    leaf = x[:2].clone().requires_grad_()  # two steps cannot give three labels
    module(leaf.log_softmax(2), labels, (2, 2), (3, 3)).backward()
    assert (leaf.grad == 0).all()
    assert F.ctc_loss(x[:2].log_softmax(2), labels, (2, 2), (3, 1), reduction="none")[0].item() == inf
    for lengths, targets, words in (
        ((7, 1), (1, 1), "input_lengths must be of"),
        ((6, 6), (4, 1), "target_lengths must be of"),
        ((6,), (1, 1), "one for each"),
    ):
        with pytest.raises(RuntimeError, match=words):
            F.ctc_loss(x, labels, lengths, targets)
    with pytest.raises(RuntimeError, match="blank must be"):
        F.ctc_loss(x, labels, (6, 6), (1, 1), blank=4)


def test_layers_at_the_top():
    x = weft.tensor(rng.standard_normal((2, 3, 8)))
    assert weft.layer_norm(x, (8,)).equal(F.layer_norm(x, (8,)))
    assert weft.batch_norm(x, None, None, None, None, True, 0.1, 1e-5, False).equal(
        F.batch_norm(x, None, None, training=True)
    )
    values, at = weft.max_pool1d_with_indices(x, 2)
    assert all(a.equal(b) for a, b in zip((values, at), F.max_pool1d_with_indices(x, 2)))
    assert F.adaptive_max_pool1d_with_indices(x, 2)[0].equal(F.adaptive_max_pool1d(x, 2))
    _, mean, rstd = weft.native_group_norm(x, None, None, 2, 3, 8, 3, 0.0)
    numpy.testing.assert_allclose(mean.numpy(), x.mean(2).numpy(), rtol=1e-12)
    numpy.testing.assert_allclose(rstd.numpy(), 1 / x.std(2, correction=0).numpy(), rtol=1e-12)
    kept, mask = weft.native_dropout(x, 0.5, True)
    assert ((kept != 0) == mask).all()
    table = weft.tensor(rng.standard_normal((5, 2)))
    index, offsets = weft.tensor([0, 3, 3, 1]), weft.tensor([0, 1])
    result, bag, size, place = weft.embedding_bag(table, index, offsets, mode=2)
    assert bag.tolist() == [0, 1, 1, 1] and size.tolist() == [1, 3]
    assert table.gather(0, place).equal(result) and weft.embedding(table, index).equal(table[index])


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn_tanh", "rnn_relu"])
def test_recurrent_layers_at_the_top(kind):
    layer = {"lstm": nn.LSTM, "gru": nn.GRU}.get(kind, nn.RNN)
    more = {"nonlinearity": kind[4:]} if kind.startswith("rnn") else {}
    layer = layer(3, 4, num_layers=2, bidirectional=True, **more)
    x, h = weft.randn(5, 2, 3), weft.randn(4, 2, 4)
    state = (h, h * 2) if kind == "lstm" else h
    output, last = layer(x, state)
    got = getattr(weft, kind)(x, state, list(layer.parameters()), True, 2, 0.0, False, True, False)
    want = (output, *last) if kind == "lstm" else (output, last)
    assert all(a.equal(b) for a, b in zip(got, want))
    packed = nn.utils.rnn.pack_padded_sequence(x, weft.tensor([5, 3]))
    got = getattr(weft, kind)(
        packed.data, packed.batch_sizes, state, list(layer.parameters()), True, 2, 0.0, False, True
    )
    assert got[0].equal(layer(packed, state)[0].data)


def test_optimizer_on_other_parameters():
    own, other = nn.Parameter(weft.ones(2)), weft.zeros(2)
    optimizer = weft.optim.SGD([own], lr=0.5, momentum=0.9)
    own.grad, other.grad = weft.ones(2), weft.ones(2)
    optimizer.step()
    saved = optimizer.state_dict()
    with weft.optim.swap_in_optimizer_params_and_state(optimizer, {"p": other}, saved):
        optimizer.param_groups[0]["lr"] = 1.0
        optimizer.step()
    assert own.tolist() == [0.5, 0.5] and other.tolist() == pytest.approx([-1.9, -1.9])
    assert optimizer.param_groups[0]["lr"] == 0.5 and optimizer.param_groups[0]["params"][0] is own
    with pytest.raises(ValueError, match="needs 1 parameters"):
        with weft.optim.swap_in_optimizer_params_and_state(optimizer, {}, saved):
            pass


def test_transforms_and_settings():
    def twice(x):
        return x.mul_(2)

    x = weft.ones(2)
    assert weft.func.functionalize(twice)(x) is x and x.tolist() == [2, 2]
    model = nn.Sequential(nn.BatchNorm1d(3))
    assert weft.func.replace_all_batch_norm_modules_(model) is model and model[0].running_mean is None
    model = nn.utils.convert_conv2d_weight_memory_format(nn.Sequential(nn.Conv2d(2, 3, 3)), weft.channels_last)
    assert model[0].weight.is_contiguous(memory_format=weft.channels_last)
    weft.set_autocast_enabled("cpu", True)
    try:
        assert weft.is_autocast_enabled("cpu") and weft.mm(weft.ones(2, 2), weft.ones(2, 2)).dtype is weft.bfloat16
    finally:
        weft.set_autocast_enabled("cpu", False)
    assert not weft.is_autocast_enabled("cpu") and weft.autocast_increment_nesting() == 1
    assert weft.autocast_decrement_nesting() == 0
    before = weft.is_anomaly_enabled()
    weft.set_anomaly_enabled(not before)
    assert weft.is_anomaly_enabled() is not before
    weft.set_anomaly_enabled(before)
    assert weft.get_num_interop_threads() == 1 and not weft.is_inference_mode_enabled()


ERRORS = {
    "index_reduce": (RuntimeError, "must be one of", lambda: weft.ones(2).index_reduce(0, weft.tensor([0]), weft.ones(1), "sum")),
    "select_scatter": (RuntimeError, "must have the shape", lambda: weft.ones(2, 3).select_scatter(weft.ones(2), 0, 0)),
    "unravel_index": (ValueError, "positions must be of", lambda: weft.unravel_index(weft.tensor([6]), (2, 3))),
    "renorm": (RuntimeError, "two axes", lambda: weft.ones(2).renorm(2, 0, 1.0)),
    "gradient": (RuntimeError, "more than 1 samples", lambda: weft.gradient(weft.ones(1))),
    "frac": (NotImplementedError, "floating-point", lambda: weft.frac(weft.tensor([1]))),
    "float_power_": (RuntimeError, "float64", lambda: weft.ones(1).float_power_(2)),
    "poisson": (RuntimeError, "negative", lambda: weft.poisson(weft.tensor([-1.0]))),
    "geometric_": (RuntimeError, "p must be in", lambda: weft.ones(1).geometric_(1.0)),
    "grid_sampler": (RuntimeError, "interpolation_mode", lambda: weft.grid_sampler(weft.ones(1), weft.ones(1), 3, 0, True)),
    "kl_div": (RuntimeError, "reduction must be", lambda: weft.kl_div(weft.ones(1), weft.ones(1), 3)),
    "set_num_interop_threads": (RuntimeError, "positive", lambda: weft.set_num_interop_threads(0)),
    "apply_": (TypeError, "require no grad", lambda: weft.ones(1, requires_grad=True).apply_(abs)),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    kind, words, call = ERRORS[name]
    with pytest.raises(kind, match=words):
        call()
