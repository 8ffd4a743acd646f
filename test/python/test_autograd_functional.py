"""autograd.functional and gradcheck."""

import pytest
import weft
from weft.autograd import Function, functional, gradcheck, gradgradcheck
from weft.autograd.gradcheck import GradcheckError


def doubles(*values):
    return weft.tensor(values, dtype=weft.float64)


X, Y = doubles(1.0, 2.0), doubles(3.0, 4.0)


@pytest.mark.parametrize("options", [{}, {"vectorize": True}, {"vectorize": True, "strategy": "forward-mode"}])
def test_jacobian(options):
    assert functional.jacobian(lambda a: a * a, X, **options).tolist() == [[2.0, 0.0], [0.0, 4.0]]
    by_x, by_y = functional.jacobian(lambda a, b: a * b, (X, Y), **options)
    assert by_x.tolist() == [[3.0, 0.0], [0.0, 4.0]] and by_y.tolist() == [[1.0, 0.0], [0.0, 2.0]]
    (product, total) = functional.jacobian(lambda a, b: (a * b, a.sum()), (X, Y), **options)
    assert product[1].tolist() == by_y.tolist() and [g.tolist() for g in total] == [[1.0, 1.0], [0.0, 0.0]]


@pytest.mark.parametrize("vectorize", [False, True])
def test_hessian(vectorize):
    assert functional.hessian(lambda a: (a**3).sum(), X, vectorize=vectorize).tolist() == [[6.0, 0.0], [0.0, 12.0]]
    rows = functional.hessian(lambda a, b: (a**3 * b).sum(), (X, Y), vectorize=vectorize)
    assert rows[0][1].tolist() == [[3.0, 0.0], [0.0, 12.0]] and rows[1][1].tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_products():
    cube = lambda a: a**3  # noqa: E731
    value, product = functional.vjp(cube, X, doubles(1.0, 10.0))
    assert value.tolist() == [1.0, 8.0] and product.tolist() == [3.0, 120.0]
    value, product = functional.jvp(lambda a, b: a * b, (X, Y), (X, Y))
    assert value.tolist() == [3.0, 8.0] and product.tolist() == [6.0, 16.0]
    for second in (functional.hvp, functional.vhp):
        value, product = second(lambda a: (a**3).sum(), X, X)
        assert value.item() == 9.0 and product.tolist() == [6.0, 24.0]
    assert functional.vjp(lambda a: a.sum(), X)[1].tolist() == [1.0, 1.0]


def test_histories():
    x = X.clone().requires_grad_()
    assert not functional.jacobian(lambda a: a * a, x).requires_grad
    found = functional.jacobian(lambda a: a * a, x, create_graph=True)
    found.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda: functional.jacobian(lambda a: [a], X), TypeError, "outputs of the function must be"),
        (lambda: functional.jacobian(lambda a: a, 3), TypeError, "inputs must be"),
        (lambda: functional.jacobian(lambda a, b: a, (X, Y), strict=True), RuntimeError, "independent of input 1"),
        (
            lambda: functional.jacobian(lambda a: weft.ones(2), X, strict=True),
            RuntimeError,
            "output 0 .* does not depend",
        ),
        (lambda: functional.jacobian(lambda a: a, X, strategy="forward-mode"), NotImplementedError, "vectorize=True"),
        (lambda: functional.hessian(lambda a: a, X), RuntimeError, "single element"),
        (lambda: functional.vjp(lambda a: a, X), RuntimeError, "v can only be None"),
        (lambda: functional.vjp(lambda a: a, X, doubles(1.0, 1.0, 1.0)), RuntimeError, "v has invalid size"),
        (lambda: functional.hvp(lambda a: a.sum(), X), RuntimeError, "v can only be None"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_gradcheck():
    x, y = (v.clone().requires_grad_() for v in (X, Y))
    assert gradcheck(lambda a, b: (a * b).sin(), (x, y), check_forward_ad=True, check_batched_grad=True)
    assert gradcheck(lambda a, b: (a / b, a.sum()), (x, Y))
    assert gradgradcheck(lambda a, b: (a * b).exp(), (x, y), check_fwd_over_rev=True)

    class Wrong(Function):
        @staticmethod
        def forward(ctx, a):
            return a * a

        @staticmethod
        def backward(ctx, gradient):
            return gradient

    with pytest.raises(GradcheckError, match="Jacobian mismatch for output 0 with respect to input 0"):
        gradcheck(Wrong.apply, x)
    assert not gradcheck(Wrong.apply, x, raise_exception=False)
    with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
        gradcheck(lambda a: a, X)
