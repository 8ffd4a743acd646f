"""torch.compile(backend="weft") beside eager PyTorch: values, gradients, strides; what runs where."""

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: tools/dev test torch brings one of its own")

import weft.torch  # noqa: E402

F, nn, R = torch.nn.functional, torch.nn, torch.randn


@pytest.fixture(autouse=True)
def anew():
    torch._dynamo.reset()
    torch.manual_seed(0)


def run(function, args, seed=7):
    """The results, and the gradients of the float arguments and the function's parameters."""
    args = [a.detach().clone(memory_format=torch.preserve_format) for a in args]
    for a in args:
        a.requires_grad_(a.is_floating_point())
    torch.manual_seed(seed)
    result = torch.utils._pytree.tree_leaves(function(*args))
    loss = sum((t.double() * torch.arange(1, t.numel() + 1).reshape(t.shape)).sum() for t in result if t.requires_grad)
    leaves = [*args, *(function.parameters() if isinstance(function, nn.Module) else ())]
    leaves = [leaf for leaf in leaves if leaf.requires_grad]
    gradients = torch.autograd.grad(loss, leaves, allow_unused=True) if isinstance(loss, torch.Tensor) else []
    return [t.detach() for t in result], [g for g in gradients if g is not None]


def check(function, *args, tolerance=3e-5):
    expected, gradients = run(function, args)
    found, derived = run(torch.compile(function, backend=weft.torch.backend), args)
    assert len(expected) == len(found) and len(gradients) == len(derived)
    assert [t.stride() for t in expected if t.numel() > 1] == [t.stride() for t in found if t.numel() > 1]
    for one, other in zip(expected + gradients, found + derived):
        torch.testing.assert_close(other, one, rtol=tolerance, atol=tolerance * max(1, one.numel()))


def foreign(function, *args):
    """The names of the operators that PyTorch runs."""
    explanation = weft.torch.explain(function, *args)
    assert all(graph.operators for graph in explanation)
    return {name.split(" ")[0] for graph in explanation for name in graph.foreign}


class Block(nn.Module):
    def __init__(self, dropout=0.0):
        super().__init__()
        self.embedding, self.norm, self.qkv, self.out = (
            nn.Embedding(50, 32),
            nn.LayerNorm(32),
            nn.Linear(32, 96),
            nn.Linear(32, 32),
        )
        self.feed = nn.Sequential(
            nn.LayerNorm(32), nn.Linear(32, 64), nn.GELU(), nn.Dropout(dropout), nn.Linear(64, 32)
        )

    def forward(self, ids):
        x = self.embedding(ids) + torch.arange(ids.shape[1])[:, None] * 0.01
        b, t, c = x.shape
        q, k, v = (y.view(b, t, 4, 8).transpose(1, 2) for y in self.qkv(self.norm(x)).split(c, 2))
        q = q + torch.cat([-q[..., 4:], q[..., :4]], -1)  # as rotary positions do
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(b, t, c))
        return x + self.feed(x)


def test_attention_block_with_gradients():
    check(Block(), torch.randint(0, 50, (2, 8)))


def test_dropout_draws_eager_numbers():
    check(Block(dropout=0.3), torch.randint(0, 50, (2, 8)))
    assert foreign(Block(dropout=0.3), torch.randint(0, 50, (2, 8))) == {"dropout_mask"}


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
def test_convolutions(layout):
    model = nn.Sequential(
        nn.Conv2d(4, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3, groups=4, stride=2),
        nn.GroupNorm(2, 8), nn.ConvTranspose2d(8, 4, 2, stride=2), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 3),
    ).to(memory_format=layout)  # fmt: skip
    check(model, R(2, 4, 12, 12).to(memory_format=layout), tolerance=2e-4)
    x = R(2, 4, 12, 12).to(memory_format=layout)
    before = model[1].running_mean.clone()
    expected = model[1].running_mean.clone()
    model[1].running_mean.copy_(before)
    torch.compile(model, backend=weft.torch.backend)(x)
    found = model[1].running_mean.clone()
    model[1].running_mean.copy_(before)
    model(x)
    assert not torch.equal(found, expected)
    torch.testing.assert_close(found, model[1].running_mean)


def elementwise(x, y, i, j):
    p = x.abs() + 0.1
    yield from (
        p.log(),
        x.exp(),
        x.sin() * y.cos(),
        p.sqrt() / y.abs().add(1),
        p**2.5,
        2**x,
        x.erf(),
        x.tanh(),
        x.sigmoid(),
        p.rsqrt(),
    )
    yield from (
        torch.add(x, y, alpha=2),
        3 - x,
        torch.lerp(x, y, 0.3),
        torch.addcdiv(x, y, p),
        x.clamp(-0.5, 0.5),
        x.clamp(y, p),
        x.nan_to_num(),
    )
    yield from (
        F.gelu(x),
        F.gelu(x, approximate="tanh"),
        F.silu(x),
        F.softplus(x),
        F.leaky_relu(x),
        F.elu(x),
        F.hardswish(x),
        F.selu(x),
    )
    yield from (
        torch.where(x > 0, x, 1.0),
        x.masked_fill(y > 0, -1),
        torch.div(x, y, rounding_mode="floor"),
        torch.maximum(x, y),
    )
    yield from (
        i & j,
        i | 3,
        ~i,
        (i << 2) >> 1,
        i // j,
        i % j,
        i / j,
        x * i,
        (x > 0) & ~(y < 0),
        x.to(torch.bfloat16) * 3,
        (x > 0).sum(),
        F.hardtanh(i, 0.5, 5.5),
    )


def shapes(x, y, i, j):
    yield from (
        x.view(2, 2, 6).permute(2, 0, 1),
        x.t() * 1,
        x[None].expand(3, 4, 6) + 1,
        x[1:3],
        x[:, ::2] * 2,
        x[-1],
        *x.unbind(0),
    )
    yield from (
        *x.split([1, 5], 1),
        torch.cat([x, y], 1),
        torch.stack([x, y], -1),
        x.repeat(2, 1, 2),
        x.flip(0),
        x.roll(2, 1),
    )
    yield from (
        x.diagonal() * 1,
        x.tril(),
        x.unfold(1, 3, 2) * 1,
        F.pad(x, (1, -1, 0, 2)),
        F.pad(x[None], (1, 2), mode="reflect"),
    )
    z = x.clone()
    z[1:3] = y[1:3]
    z[:, 0] = 1
    z[0, ::2] = 5
    yield from (z, torch.full((4, 6), 2.0) + torch.arange(6) + torch.eye(4, 6) + torch.tensor([1.0]) + x.new_zeros(6))


def reductions(x, y, i, j):
    yield from (
        x.sum(),
        x.sum(0, keepdim=True),
        x.mean(1),
        x.prod(1),
        x.amax(0),
        *x.max(1),
        x.argmin(),
        (x > 0).any(1),
        (x > -9).all(),
    )
    yield from (
        x.var(),
        x.std(1),
        *torch.var_mean(x, 0),
        x.logsumexp(1),
        x.norm(dim=1),
        x.cumsum(1),
        x.softmax(0),
        x.log_softmax(1),
    )
    yield from (
        *x.sort(1),
        *x.topk(2, 1),
        x.argsort(0),
        x.cumprod(1),
        x.logcumsumexp(0),
        x.median(1)[0],
        i.sum(1),
        i.float().mean(),
    )
    t = i[:, 0] % 6
    yield from (
        F.cross_entropy(x, t),
        F.cross_entropy(x, t, label_smoothing=0.1, ignore_index=0),
        F.nll_loss(x, t, reduction="none"),
    )
    yield from (
        F.mse_loss(x, y),
        F.huber_loss(x, y),
        F.binary_cross_entropy_with_logits(x, y.detach().sigmoid()),
        F.cosine_similarity(x, y),
    )
    yield from (F.layer_norm(x, (6,), y[0], y[1]), F.rms_norm(x, (6,), y[0]), F.group_norm(x, 2, y[0], y[1]))


def indices(x, y, i, j):
    at = i[:, :3] % 4
    yield from (
        x[at],
        x[:, at],
        x[at, at],
        x.gather(0, i % 4),
        x.index_select(1, at[0]),
        x.scatter(1, i.argsort(1), y),
        x.scatter_add(0, i % 4, y),
    )
    yield from (
        F.embedding(at, x),
        F.embedding(at, x, padding_idx=1),
        x.index_add(0, at[:, 0], y),
        x.scatter_reduce(0, i % 4, y, "amax"),
    )
    z = x.clone()
    z[at[0]] = 2.0
    z[:, at[1]] += 1
    yield z
    image = x.view(1, 2, 4, 3)
    for mode in ("nearest", "bilinear"):
        yield F.interpolate(image, scale_factor=2, mode=mode)
    yield F.grid_sample(image, y[:3, :4].reshape(1, 3, 2, 2), align_corners=False)


@pytest.mark.parametrize("family", [elementwise, shapes, reductions, indices])
def test_operators(family):
    args = R(4, 6), R(4, 6), torch.randint(0, 9, (4, 6)), torch.randint(1, 5, (4, 6))

    def function(*args):
        return list(family(*args))

    check(function, *args)
    torch._dynamo.reset()
    assert not foreign(function, *args)


def factors(x, b):
    a = x @ x.mT + torch.eye(4)
    yield from (
        torch.linalg.inv(a),
        torch.linalg.cholesky(a),
        torch.linalg.qr(x)[1],
        torch.linalg.eigvalsh(a),
        torch.linalg.svdvals(x),
    )
    yield from (
        torch.linalg.solve_triangular(x, b, upper=True),
        torch.linalg.lu(x)[2],
        torch.linalg.matrix_exp(x * 0.1),
        torch.cdist(x, x + 1),
    )
    yield from (
        torch.addbmm(x[0], x, x),
        torch.diagonal_scatter(x, b[..., 0], dim1=1, dim2=2),
        torch.fmax(x, x.mT),
        torch.special.i0e(x),
    )


def waves(x, b):
    yield from (
        torch.fft.rfft(x).abs(),
        torch.fft.fft2(x, norm="ortho").real,
        torch.fft.irfftn(torch.fft.rfftn(x) * 2, s=x.shape),
    )
    yield from (
        torch.fft.hfft(torch.complex(x, x * 2), 5),
        torch.view_as_real(torch.polar(x.abs(), x).conj() * torch.complex(x, -x)),
    )


def images(x, b):
    image = x.repeat(1, 2, 2)[None]
    yield from (
        F.adaptive_max_pool2d(image, (3, 5)),
        F.adaptive_avg_pool3d(image[None], (2, 3, 3)),
        F.adaptive_max_pool3d(image[None], (2, 3, 3)),
    )
    yield from (F.pad(image, (1, 2, 3, 1), mode="replicate"), F.interpolate(image, size=(5, 11), mode="bicubic"))
    yield F.grid_sample(image[None], image[None, :, :2, :4, :6].reshape(1, 2, 2, 4, 3), align_corners=False)


@pytest.mark.parametrize("family", [factors, waves, images])
def test_operators_on_batches(family):
    args = R(3, 4, 4) * 0.1 + torch.eye(4), R(3, 4, 2)

    def function(*args):
        return list(family(*args))

    check(function, *args, tolerance=1e-4)
    torch._dynamo.reset()
    assert foreign(function, *args) <= {"with_effects"}  # the check of errors, after a factorisation


def test_weight_norm():
    model = torch.nn.utils.parametrizations.weight_norm(nn.Conv1d(3, 4, 3))
    check(model, R(2, 3, 6))
    torch._dynamo.reset()
    assert not foreign(model, R(2, 3, 6))


def test_draws_that_depend_on_sizes_do_not_cut_a_graph():
    """Stochastic depth, as timm and torchvision have it."""

    def function(x):
        y = torch.nn.functional.silu(x)
        kept = y.new_empty((x.shape[0], 1)).bernoulli_(0.5) / 0.5
        return y * kept + torch.rand_like(y) * torch.randn_like(y) + F.dropout(y, 0.3)

    check(lambda x: F.dropout(x[:, None].expand(6, 3, 5), 0.3) + torch.rand_like(x[:, None].expand(6, 3, 5)), R(6, 5))
    torch._dynamo.reset()
    x = R(6, 5, requires_grad=True)
    explanation = weft.torch.explain(function, x)
    assert [graph.programs for graph in explanation] == [1, 1]
    check(function, x)
    torch._dynamo.reset()
    x = R(6, 5, 4, requires_grad=True)
    for axis in range(2):
        torch._dynamo.mark_dynamic(x, axis)
    assert [graph.programs for graph in weft.torch.explain(lambda x: F.dropout(x, 0.3) * 2, x)] == [1, 1]
    check(lambda x: F.dropout(x, 0.3) * 2, x)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding", [None, 3])
def test_bags_of_rows(mode, padding):
    ids = torch.tensor([1, 3, 3, 5, 0, 3, 7, 3])
    ends = torch.tensor([0, 2, 2, 5, 8])

    def function(weight, factors, ids, ends):
        options = {"mode": mode, "padding_idx": padding}
        yield F.embedding_bag(ids, weight, ends[:-1], **options)
        yield F.embedding_bag(ids, weight, ends, include_last_offset=True, **options)
        yield F.embedding_bag(ids.reshape(2, 4), weight, **options)
        if mode == "sum":
            yield F.embedding_bag(ids, weight, ends[:-1], per_sample_weights=factors, **options)

    check(lambda *args: list(function(*args)), R(9, 4), R(8), ids, ends)
    torch._dynamo.reset()
    assert not foreign(lambda *args: list(function(*args)), R(9, 4, requires_grad=True), R(8), ids, ends)


def test_a_result_that_weft_lacks_makes_the_operator_pytorchs():
    def function(weight, ids, offsets):
        return torch.ops.aten._embedding_bag(weight, ids, offsets)[:2]

    args = R(5, 3), torch.tensor([1, 2, 2]), torch.tensor([0, 1])
    with torch.no_grad():
        found = torch.compile(function, backend=weft.torch.backend)(*args)
    torch.testing.assert_close(found, function(*args))


def memory(x, y):
    wide = x.t().clone(memory_format=torch.preserve_format)  # its rows are not what lies side by side
    yield from (
        wide.as_strided((4, 3), (6, 2), 1) + 1,
        wide.as_strided((2, 12), (12, 1)),
        (x * 2).as_strided((3, 4), (1, 4)) + 1,  # with gaps
        (x * 2).as_strided((5, 3), (2, 1), 2) + 1,  # overlaps
    )
    yield from (
        torch.as_strided_scatter(x * 2, y, (4, 3), (6, 2), 1),
        torch.as_strided_scatter(x, y, (4, 3), (1, 4), 8),
        torch.as_strided_copy(x, (2, 2), (1, 6)),
    )


def test_operators_that_address_memory():
    args = R(4, 6), R(4, 3)
    check(lambda *args: list(memory(*args)), *args)
    torch._dynamo.reset()
    assert not foreign(lambda *args: list(memory(*args)), *args)
    check(lambda x: (x * 2).as_strided((3, 4), (1, 4)), args[0])


def test_attention_kinds():
    q, k, v = R(2, 4, 5, 8), R(2, 4, 7, 8), R(2, 4, 7, 8)

    def function(q, k, v, mask):
        yes = mask > -1
        yield F.scaled_dot_product_attention(q, k, v)
        yield F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=0.3)
        yield F.scaled_dot_product_attention(q, k, v, attn_mask=yes)
        yield F.scaled_dot_product_attention(q, k[:, :2], v[:, :2], enable_gqa=True)
        yield F.scaled_dot_product_attention(q[0], k[0], v[0])

    check(lambda *args: list(function(*args)), q, k, v, R(5, 7))


def test_what_weft_lacks_runs_as_pytorchs():
    def function(x):
        return torch.geqrf(x.abs() + 1)[0] * 2 + torch.rand_like(x) + x.exp()

    with torch.no_grad():
        assert foreign(function, R(4, 5)) == {"aten.geqrf.default", "aten.rand_like.default"}
        x = R(4, 5)
        torch.manual_seed(3)
        expected = function(x)
        torch.manual_seed(3)
        torch.testing.assert_close(torch.compile(function, backend=weft.torch.backend)(x), expected)


def test_mutation_and_aliases():
    def function(x, buffer):
        buffer.add_(1).mul_(2)
        return buffer[1] * x, x.t(), x

    x, buffer = R(4, 4), R(4, 4)
    mine, theirs = buffer.clone(), buffer.clone()
    expected = function(x, theirs)
    found = torch.compile(function, backend=weft.torch.backend)(x, mine)
    torch.testing.assert_close(mine, theirs)
    torch.testing.assert_close(found, expected)
    assert found[2] is x and found[1].data_ptr() == x.data_ptr()


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.clone(), lambda x: x.t().clone(), lambda x: torch.cat([x]), lambda x: x.to(x.dtype, copy=True),
        lambda x: x.repeat_interleave(1, 0), lambda x: (x * 2,) * 1 + ((x * 2).clone(),), lambda x: (y := x * 2, y.clone()),
        lambda x: [part.clone() for part in x.split(2)],
    ],
)  # fmt: skip
def test_copies_have_memory_of_their_own(function):
    compiled = torch.compile(function, backend=weft.torch.backend)
    for _ in range(2):
        x = R(4, 6)
        found = torch.utils._pytree.tree_leaves(compiled(x))
        assert len({y.untyped_storage().data_ptr() for y in (x, *found)}) == 1 + len(found)
        expected = torch.utils._pytree.tree_leaves(function(x))
        assert [y.stride() for y in found] == [y.stride() for y in expected]
        torch.testing.assert_close(found, expected)


def test_another_batch_needs_no_other_program():
    compiled = torch.compile(Block(), backend=weft.torch.backend, dynamic=True)
    made = []
    for shape in ((2, 8), (3, 9), (5, 13), (7, 20)):
        before = weft._C.compile_statistics()[0]
        compiled(torch.randint(0, 50, shape)).square().mean().backward()
        made.append(weft._C.compile_statistics()[0] - before)
    assert made[2:] == [0, 0]


def test_an_index_out_of_bounds_is_an_error():
    compiled = torch.compile(lambda table, i: table[i] * 2, backend=weft.torch.backend)
    table = R(5, 3)
    compiled(table, torch.tensor([1, 4]))
    with pytest.raises(IndexError, match="out of bounds|out of range"):
        compiled(table, torch.tensor([1, 5]))
    torch.testing.assert_close(compiled(table, torch.tensor([0, 2])), table[[0, 2]] * 2)


def test_an_unknown_option_is_an_error():
    with pytest.raises(Exception, match="knows no options; got 'speed'"):
        torch.compile(lambda x: x + 1, backend=weft.torch.backend, options={"speed": 11})(R(2))


def test_parameters_are_shared_not_copied():
    model = nn.Linear(4, 3)
    compiled = torch.compile(model, backend=weft.torch.backend)
    x = R(2, 4)
    with torch.no_grad():
        compiled(x)
        model.weight.mul_(2)
        torch.testing.assert_close(compiled(x), model(x))
        model.weight.data = R(3, 4)
        torch.testing.assert_close(compiled(x), model(x))


# ---------------------------------------------------------------- torch.export


def imported_as(model, args, kwargs=None, decomposed=False, **options):
    """The weft module of the exported model, and a function that gives both one's results for other arguments."""
    program = torch.export.export(model, args, kwargs, **options)
    if decomposed:
        program = program.run_decompositions()
    return weft.import_torch(program)


def same(module, model, *args, **kwargs):
    mine = module(*map(weft.from_dlpack, args), **{name: weft.from_dlpack(x) for name, x in kwargs.items()})
    theirs = model(*args, **kwargs)
    found, expected = torch.utils._pytree.tree_leaves(mine), torch.utils._pytree.tree_leaves(theirs)
    assert len(found) == len(expected)
    for one, other in zip(found, expected):
        torch.testing.assert_close(torch.from_dlpack(one.detach()), other.detach(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("decomposed", [False, True])
def test_exported_block_of_any_size(decomposed):
    model, batch, length = Block().eval(), torch.export.Dim("batch", max=64), torch.export.Dim("length", max=64)
    ids = torch.randint(0, 50, (3, 8))
    module = imported_as(model, (ids,), dynamic_shapes={"ids": {0: batch, 1: length}}, decomposed=decomposed)
    same(module, model, ids)
    same(module, model, torch.randint(0, 50, (5, 11)))
    assert set(module.state_dict()) == set(model.state_dict())


class Stateful(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.norm, self.second = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1)
        self.register_buffer("count", torch.zeros(()))

    def forward(self, x, *, weight):
        self.count.add_(1)
        y = self.norm(self.first(x)).clone()
        y.mul_(weight).relu_()
        y[:, 0] = 1.0
        return {"y": self.second(y), "pair": [y.sum((2, 3)), self.count * 1]}


@pytest.mark.parametrize("decomposed", [False, True])
def test_exported_training_changes_buffers(decomposed):
    model, x, weight = Stateful(), R(2, 3, 6, 6), R(4, 4)
    module = imported_as(model, (x,), {"weight": weight}, decomposed=decomposed)
    for _ in range(2):
        same(module, model, x, weight=weight)
    assert module.count.item() == 2 and module.norm.num_batches_tracked.item() == 2
    torch.testing.assert_close(torch.from_dlpack(module.norm.running_mean), model.norm.running_mean)


def test_exported_gradients_agree():
    model, ids = Block(), torch.randint(0, 50, (2, 8))
    module = imported_as(model, (ids,))
    module(weft.from_dlpack(ids)).square().mean().backward()
    model(ids).square().mean().backward()
    theirs = dict(model.named_parameters())
    for name, parameter in module.named_parameters():
        torch.testing.assert_close(torch.from_dlpack(parameter.grad), theirs[name].grad, rtol=1e-4, atol=1e-5)
