"""Sparse tensors beside the dense ones that they stand for: layouts, arithmetic, products, gradients, files, optimizers."""

import copy
import pickle

import numpy
import pytest
import weft
from weft import optim
from weft.nn import functional as F

rng = numpy.random.default_rng(3)


def thinned(*shape, dtype="float64", part=0.4):
    x = rng.standard_normal(shape) * 4
    return weft.tensor(numpy.where(rng.random(shape) < part, x, 0)).to(getattr(weft, dtype))


def repeated(dtype="float64"):
    """COO in no order, with an element that comes twice."""
    indices = [[1, 0, 1, 2, 1], [2, 3, 0, 1, 2]]
    return weft.sparse_coo_tensor(indices, [1.0, 2.0, 3.0, 4.0, 5.0], (3, 4), dtype=getattr(weft, dtype))


def same(got, want):
    """To the bit; `want` is dense."""
    got = got.to_dense()
    assert got.shape == want.shape and got.dtype is want.dtype and bool((got == want).all()), (got, want)


def near(got, want, tolerance=1e-12):
    weft.testing.assert_close(got.to_dense().detach(), want.detach(), rtol=tolerance, atol=tolerance)


LAYOUTS = {"coo": weft.Tensor.to_sparse, "csr": weft.Tensor.to_sparse_csr, "csc": weft.Tensor.to_sparse_csc}


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "int64", "bool", "complex128"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(5, 7), (1, 1), (0, 3), (3, 0)])
def test_layouts(layout, shape, dtype):
    x = thinned(*shape, dtype=dtype)
    s = LAYOUTS[layout](x)
    assert isinstance(s, weft.Tensor) and s.shape == shape and s.dtype is x.dtype and s.device == x.device
    assert s.layout is getattr(weft, f"sparse_{layout}") and s.is_sparse == (layout == "coo")
    assert s.is_sparse_csr == (layout == "csr") and s._nnz() == int((x != 0).sum())
    same(s, x)
    for other in ("to_sparse_coo", "to_sparse_csr", "to_sparse_csc"):
        same(getattr(s, other)(), x)
    for again in (pickle.loads(pickle.dumps(s)), copy.deepcopy(s), copy.copy(s), s.clone(), s.detach()):
        assert again.layout is s.layout
        same(again, x)
    same(s.t(), x.t())
    assert s.values().shape == (s._nnz(),)


def test_dense_dimensions():
    x = thinned(4, 5, 2)
    s = x.to_sparse(2)
    assert (s.sparse_dim(), s.dense_dim()) == (2, 1) and s.values().shape[1:] == (2,)
    same(s, x)
    same(s.transpose(0, 1), x.transpose(0, 1))
    near(weft.sparse.sum(s, (0, 2)), x.sum((0, 2)))
    near(weft.sparse.sum(s, (0, 1)), x.sum((0, 1)))
    same(s + s, x + x)


def test_coalesce():
    s = repeated()
    assert not s.is_coalesced() and s._nnz() == 5
    with pytest.raises(RuntimeError, match="uncoalesced"):
        s.indices()
    c = s.coalesce()
    assert c.is_coalesced() and c.coalesce() is c
    assert c.indices().tolist() == [[0, 1, 1, 2], [3, 0, 2, 1]] and c.values().tolist() == [2, 3, 6, 4]
    same(s, c.to_dense())
    same((s * 2).sqrt(), (c * 2).to_dense().sqrt())  # not of each part of a sum


@pytest.mark.parametrize("layout", LAYOUTS)
def test_arithmetic(layout):
    make = LAYOUTS[layout]
    x, y = thinned(4, 6), thinned(4, 6)
    a, b = make(x), make(y)
    for got, want in [
        (a + b, x + y), (a - b, x - y), (x + b, x + y), (x - b, x - y), (a.add(b, alpha=2), x + y * 2), (-a, -x), (a * 3, x * 3), (3 * a, x * 3),
        (a / 4, x / 4), (a * weft.tensor(2.0), x * 2), (a**2, x**2), (a.abs(), x.abs()), (a.sin(), x.sin()), (a.relu(), x.relu()), (abs(a), x.abs()),
        (a.float(), x.float()), (a.to(weft.float16), x.half()), (a.detach(), x), (+a, x),
    ]:  # fmt: skip
        same(got, want)
    assert (a + b).layout is a.layout and (x + b).layout is weft.strided
    same(a * b, x * y)
    same(a * y, x * y)
    same(y * a, x * y)
    near(a.sum(), x.sum())
    near(a.norm(), x.norm())
    assert a[1].to_dense().tolist() == x[1].tolist()
    near(a.clone().mul_(2), x * 2)
    assert a.clone().zero_()._nnz() == 0


def test_moves():
    x, y = thinned(3, 4, 2), thinned(2, 4, 2)
    a, b = x.to_sparse(), y.to_sparse()
    for dim in range(3):
        for i in (0, -1):
            same(a.select(dim, i), x.select(dim, i))
        index = weft.tensor([1, 0, 1, 1])
        same(a.index_select(dim, index), x.index_select(dim, index))
    same(a[2, 3], x[2, 3])
    assert a[2, 3, 1].tolist() == x[2, 3, 1].tolist()
    same(a.permute(2, 0, 1), x.permute(2, 0, 1))
    same(a.permute(1, 0, 2), x.permute(1, 0, 2))
    same(weft.cat([a, b]), weft.cat([x, y]))
    same(weft.cat([a, a], 2), weft.cat([x, x], 2))
    for dim in range(-1, 3):
        same(weft.stack([a, a], dim), weft.stack([x, x], dim))
    same(a.unsqueeze(1), x.unsqueeze(1))
    same(weft.zeros_like(a), weft.zeros_like(x))
    same(x.sparse_mask(a), x)
    assert x.sparse_mask(a.to_sparse())._nnz() == a._nnz()


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "int64", "complex128"])
@pytest.mark.parametrize("layout", [*LAYOUTS, "repeated"])
def test_products(layout, dtype):
    s = repeated(dtype) if layout == "repeated" else LAYOUTS[layout](thinned(3, 4, dtype=dtype))
    x = s.to_dense()
    y, v = thinned(4, 5, dtype=dtype, part=1), thinned(4, dtype=dtype, part=1)
    tolerance = 0.1 if dtype == "bfloat16" else 1e-5 if dtype == "float32" else 1e-12
    for got, want in [
        (s @ y, x @ y), (s @ v, x @ v), (s.mv(v), x @ v), (y.t() @ s.t(), y.t() @ x.t()), (weft.sparse.mm(s, y), x @ y), (weft.mm(s, y), x @ y),
        (weft.sparse.addmm(weft.ones(3, 5, dtype=x.dtype), s, y, beta=2, alpha=3), x @ y * 3 + 2), (v @ s.t(), x @ v),
    ]:  # fmt: skip
        assert got.layout is weft.strided and got.is_contiguous()
        near(got, want, tolerance)
    if dtype in ("float64", "int64"):
        near(s @ s.t(), x @ x.t())
        assert (s @ s.t()).is_sparse == s.is_sparse


def test_batches():
    x, y = thinned(3, 4, 5), thinned(3, 5, 2)
    near(x.to_sparse().bmm(y), x @ y)
    near(x.to_sparse() @ y, x @ y)


def test_a_product_adds_in_the_order_of_the_elements():
    s, y = thinned(200, 300, dtype="float32").to_sparse_csr(), weft.randn(300, 17)
    whole = s @ y
    want = weft.zeros(200, 17)
    starts, columns, values = (p.tolist() for p in (s.crow_indices(), s.col_indices(), s.values()))
    for row in (0, 7, 199):
        total = weft.zeros(17)
        for k in range(starts[row], starts[row + 1]):
            total = total + y[columns[k]] * values[k]
        assert (whole[row] == total).all()
        assert (s[row].to_dense() == s.to_dense()[row]).all()
    threads = weft.get_num_threads()
    try:
        weft.set_num_threads(1)
        assert (s @ y == whole).all()
    finally:
        weft.set_num_threads(threads)
    compiled = weft.compile(lambda m, t: (m @ (t * 2)).tanh())
    for _ in range(3):
        assert (compiled(s, y) == (s @ (y * 2)).tanh()).all()
    assert want.shape == whole.shape


def test_compiled_programs_make_and_return_them():
    @weft.compile
    def f(x):
        s = (x * 2).to_sparse()
        return s, s @ x.t()

    for n in (4, 4, 4, 5, 6):
        x = thinned(n, 3)
        s, product = f(x)
        same(s, x * 2)
        near(product, (x * 2) @ x.t())


@pytest.mark.parametrize("layout", [*LAYOUTS, "repeated"])
def test_gradients(layout):
    s = repeated() if layout == "repeated" else LAYOUTS[layout](thinned(3, 4))
    x = s.to_dense().requires_grad_()
    y, weights = thinned(4, 5, part=1), weft.randn(3, 5, dtype=weft.float64)
    s = s.coalesce() if layout == "repeated" else s
    s, a, b = s.requires_grad_(), y.clone().requires_grad_(), y.clone().requires_grad_()
    assert s.requires_grad and s.is_leaf
    ((s @ a).tanh() * weights).sum().backward()
    ((x @ b).tanh() * weights).sum().backward()
    near(a.grad, b.grad)
    assert s.grad.layout is s.layout
    near(s.grad, x.grad.sparse_mask(s).to_dense())
    again = weft.autograd.grad(((s @ y).tanh() * weights).sum(), s)[0]
    near(again, s.grad.to_dense())


def test_gradients_of_values_and_of_dense_tensors():
    values = weft.randn(5, dtype=weft.float64, requires_grad=True)

    def product(values):
        s = weft.sparse_coo_tensor([[1, 0, 1, 2, 1], [2, 3, 0, 1, 2]], values, (3, 4))
        return (s.coalesce() * 2 + s.coalesce()).to_dense()

    assert weft.autograd.gradcheck(product, (values,))
    assert weft.autograd.gradcheck(
        lambda v: weft.sparse.softmax(
            weft.sparse_coo_tensor([[0, 0, 1, 2, 0], [2, 3, 0, 1, 1]], v, (3, 4)), 1
        ).to_dense(),
        (values,),
    )
    x = thinned(3, 4).requires_grad_()
    (x.to_sparse() * 3).sum().backward()
    assert (x.grad == (x != 0) * 3.0).all()


@pytest.mark.parametrize("dim", [0, 1])
def test_softmax(dim):
    x = thinned(5, 6)
    hidden = weft.where(x == 0, -weft.inf, x)
    for got, want in [
        (weft.sparse.softmax(x.to_sparse(), dim), hidden.softmax(dim)),
        (weft.sparse.log_softmax(x.to_sparse(), dim), hidden.log_softmax(dim)),
    ]:
        near(got, weft.where(x == 0, 0.0, want))


def test_spdiags():
    got = weft.sparse.spdiags(weft.arange(9.0).reshape(3, 3), weft.tensor([0, -1, 2]), (3, 3))
    assert got.to_dense().tolist() == [[0, 0, 8], [3, 1, 0], [0, 4, 2]]


def test_printing():
    s = weft.sparse_coo_tensor([[0, 1, 1], [2, 0, 2]], [3.0, 4.0, 5.0], (2, 3))
    assert repr(s) == (
        "tensor(indices=tensor([[0, 1, 1],\n                       [2, 0, 2]]),\n       values=tensor([3., 4., 5.]),\n"
        "       size=(2, 3), nnz=3, layout=weft.sparse_coo)"
    )
    assert repr(s.to_sparse_csr()) == (
        "tensor(crow_indices=tensor([0, 1, 3]),\n       col_indices=tensor([2, 0, 2]),\n       values=tensor([3., 4., 5.]), size=(2, 3), nnz=3,\n"
        "       layout=weft.sparse_csr)"
    )
    assert repr(s.double().requires_grad_()).endswith("dtype=weft.float64, layout=weft.sparse_coo, requires_grad=True)")


def test_files(tmp_path):
    x = thinned(4, 5)
    for make in LAYOUTS.values():
        weft.save({"s": make(x), "n": 3}, tmp_path / "x.pt")
        again = weft.load(tmp_path / "x.pt")
        assert again["s"].layout is make(x).layout
        same(again["s"], x)


# ---- Sparse gradients


def test_embedding():
    weight, other = weft.nn.Parameter(weft.randn(7, 3)), None
    index = weft.tensor([[1, 2], [1, 5]])
    other = weight.detach().clone().requires_grad_()
    for padding in (None, 2):
        weight.grad = other.grad = None
        for w, sparse in ((weight, True), (other, False)):
            (F.embedding(index, w, padding_idx=padding, sparse=sparse) ** 2).sum().backward()
            (F.embedding(index[0], w, sparse=sparse) * 3).sum().backward()  # adds up
        assert weight.grad.is_sparse and weight.grad.shape == weight.shape
        near(weight.grad, other.grad, 1e-6)
    found = weft.autograd.grad(F.embedding(index, weight, sparse=True).sum(), weight)[0]
    assert found.is_sparse and found._nnz() == 4
    both = (
        F.embedding(index, weight, sparse=True).sum() + (weight * 2).sum(),
        F.embedding(index, other).sum() + (other * 2).sum(),
    )
    for w, loss in zip((weight, other), both):
        w.grad = None
        loss.backward()
    same(weight.grad, other.grad)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags(mode):
    weight = weft.randn(7, 3, requires_grad=True)
    index, offsets = weft.tensor([1, 2, 1, 5]), weft.tensor([0, 3])
    other = weight.detach().clone().requires_grad_()
    for w, sparse in ((weight, True), (other, False)):
        (F.embedding_bag(index, w, offsets, mode=mode, sparse=sparse) ** 2).sum().backward()
    assert weight.grad.is_sparse
    near(weight.grad, other.grad, 1e-6)


RULES = {
    "SGD": lambda p: optim.SGD(p, lr=0.1), "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9), "Adagrad": lambda p: optim.Adagrad(p, lr=0.1),
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_optimizers_do_what_they_do_with_dense_gradients(name):
    tables = [weft.nn.Embedding(9, 4, sparse=sparse) for sparse in (True, False)]
    tables[1].load_state_dict(tables[0].state_dict())
    rules = [RULES[name](t.parameters()) for t in tables]
    for k in range(4):
        index = weft.tensor([1, 3, 3, k])
        for table, rule in zip(tables, rules):
            rule.zero_grad(set_to_none=k % 2 == 0)
            (table(index) ** 2).sum().backward()
            rule.step()
    near(tables[0].weight, tables[1].weight, 1e-6)


def test_sparse_adam():
    table = weft.nn.Embedding(5, 3, sparse=True)
    want = table.weight.detach().double().numpy().copy()
    rule = optim.SparseAdam(table.parameters(), lr=0.1)
    mean, square = numpy.zeros_like(want), numpy.zeros_like(want)
    for step, index in enumerate(([0, 1, 1], [1, 4, 2]), 1):
        rule.zero_grad()
        (table(weft.tensor(index)) ** 2).sum().backward()
        rule.step()
        for row in set(index):
            g = 2 * want[row] * index.count(row)
            mean[row] += (g - mean[row]) * 0.1
            square[row] += (g * g - square[row]) * 0.001
            want[row] -= 0.1 * (1 - 0.999**step) ** 0.5 / (1 - 0.9**step) * mean[row] / (square[row] ** 0.5 + 1e-8)
    numpy.testing.assert_allclose(table.weight.detach().numpy(), want, rtol=1e-4, atol=1e-6)


def test_compiled_steps():
    weft.manual_seed(0)
    tables = [weft.nn.Embedding(9, 4, sparse=True) for _ in range(2)]
    tables[1].load_state_dict(tables[0].state_dict())
    rules = [optim.SGD(t.parameters(), lr=0.1) for t in tables]

    def step(table, rule, index):
        rule.zero_grad()
        loss = (table(index) ** 2).sum()
        loss.backward()
        rule.step()
        return loss.detach()

    compiled = weft.compile(step)
    for k in range(5):
        index = weft.tensor([1, 3, 3, k])
        assert (step(tables[0], rules[0], index) == compiled(tables[1], rules[1], index)).all()
    assert (tables[0].weight == tables[1].weight).all()


COO = weft.sparse_coo_tensor([[0, 1], [1, 0]], [1.0, 2.0], (2, 2))
ERRORS = {
    "outside": (lambda: weft.sparse_coo_tensor([[0, 3]], [1.0, 2.0], (3,)), RuntimeError, "found index 3"),
    "negative": (lambda: weft.sparse_coo_tensor([[-1]], [1.0]), RuntimeError, "negative index"),
    "lengths": (lambda: weft.sparse_coo_tensor([[0, 1]], [1.0]), RuntimeError, "indices must be"),
    "size": (lambda: weft.sparse_coo_tensor([[0]], [1.0], (2, 2)), RuntimeError, "size must be"),
    "floats": (lambda: weft.sparse_coo_tensor([[0.5]], [1.0]), RuntimeError, "int tensor"),
    "column": (lambda: weft.sparse_csr_tensor([0, 1], [3], [1.0], (1, 2)), RuntimeError, "indices must be in"),
    "rows": (lambda: weft.sparse_csr_tensor([0, 2, 1], [0], [1.0], (2, 2)), RuntimeError, "ascend"),
    "unknown": (lambda: COO.exp(), NotImplementedError, r"\[exp\] is not made for sparse"),
    "compare": (lambda: COO == COO, NotImplementedError, "to_dense"),
    "number": (lambda: COO + 1, RuntimeError, "add"),
    "dense": (lambda: COO + weft.ones(2, 2), RuntimeError, "dense one first"),
    "shapes": (lambda: COO @ weft.ones(3, 2), RuntimeError, "sizes"),
    "dtypes": (lambda: COO @ weft.ones(2, 2, dtype=weft.float64), RuntimeError, "one dtype"),
    "numpy": (lambda: numpy.asarray(COO), (TypeError, RuntimeError), "to_dense"),
    "method numpy": (lambda: COO.numpy(), TypeError, "to_dense"),
    "bool": (lambda: bool(COO), RuntimeError, "to_dense"),
    "item": (lambda: COO.tolist(), RuntimeError, "to_dense"),
    "made": (lambda: type(COO)(2), TypeError, "sparse_coo_tensor"),
    "dense coalesce": (lambda: weft.ones(2).coalesce(), RuntimeError, "of sparse tensors"),
    "layout": (lambda: COO.crow_indices(), RuntimeError, "there are none"),
    "product of a leaf": (lambda: F.embedding(weft.tensor([0]), weft.ones(2, 2, requires_grad=True) * 2, sparse=True), NotImplementedError, "leaves"),
    "adam": (lambda: dense_rule(optim.Adam), RuntimeError, "sparse gradients"),
    "vmap": (lambda: weft.vmap(lambda s: s * 2)(COO), NotImplementedError, r"\[vmap\] takes dense"),
    "result of vmap": (lambda: weft.vmap(lambda v: weft.sparse_coo_tensor([[0]], v, (2,)))(weft.ones(3, 1)), NotImplementedError, "takes dense"),
    "func.grad": (lambda: weft.func.grad(lambda s: s.sum())(COO), NotImplementedError, r"\[grad\] takes dense"),
    "parameter": (lambda: weft.nn.Parameter(COO), NotImplementedError, r"\[Parameter\] takes dense"),
    "slice": (lambda: COO[0:1], NotImplementedError, "takes ints"),
}  # fmt: skip


def dense_rule(kind):
    table = weft.nn.Embedding(2, 2, sparse=True)
    table(weft.tensor([0])).sum().backward()
    kind(table.parameters()).step()


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, kind, message = ERRORS[name]
    with pytest.raises(kind, match=message):
        call()


def test_types_of_pytorchs_first_years():
    indices, values = weft.tensor([[0, 1, 1], [2, 0, 2]]), weft.tensor([3.0, 4.0, 5.0])
    x = weft.sparse.FloatTensor(indices, values, weft.Size([2, 3]))
    assert x.to_dense().tolist() == [[0, 0, 3], [4, 0, 5]] and x.dtype is weft.float32
    assert isinstance(x, weft.sparse.FloatTensor) and not isinstance(x, weft.sparse.DoubleTensor)
    assert not isinstance(x.to_dense(), weft.sparse.FloatTensor) and not isinstance(
        x.to_sparse_csr(), weft.sparse.FloatTensor
    )
    assert weft.sparse.LongTensor(2, 3).shape == (2, 3) and weft.sparse.LongTensor(2, 3)._nnz() == 0
    assert weft.spmm(x, weft.eye(3)).tolist() == x.to_dense().tolist()
    with pytest.raises(TypeError, match="expected values of weft.float64"):
        weft.sparse.DoubleTensor(indices, values)
