"""``gradcheck``: gradients against differences of values."""

from __future__ import annotations

from .. import _C, _factories
from .._C import Tensor
from ._backward import grad

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """Raised where gradients and differences disagree."""


def _tuple(value):
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _call(func, inputs):
    """The results that are tensors of a float or complex dtype."""
    if not callable(func):
        raise TypeError(f"[gradcheck] func must be a function; got {type(func).__name__}")
    return [
        y for y in _tuple(func(*inputs)) if isinstance(y, Tensor) and (y.dtype.is_floating_point or y.dtype.is_complex)
    ]


def _of_pairs(func, inputs):
    """The function, from the pairs of complex inputs to those of complex results: its Jacobian has a row for each part."""

    def pairs(*moved):
        whole = [_C.view_as_complex(m) if c else m for m, c in zip(moved, is_complex)]
        return tuple([_C.view_as_real(y) if y.dtype.is_complex else y for y in _call(func, whole)])

    is_complex = [isinstance(x, Tensor) and x.dtype.is_complex for x in inputs]
    parts = [
        _C.view_as_real(x.detach()).requires_grad_(x.requires_grad) if c else x for x, c in zip(inputs, is_complex)
    ]
    return (pairs if callable(func) else func), tuple(parts)


def _numerical(func, inputs, which, eps):
    """The Jacobian of each result by an input, [elements of the input, elements of the result], by central differences."""
    x = inputs[which]
    rows = []
    with _C.GradMode(False):
        flat = x.detach().clone().reshape(-1)
        for i in range(flat.numel()):
            results = []
            for step in (eps, -eps):
                moved = flat.clone()
                moved[i] += step
                changed = [moved.reshape(x.shape) if k == which else other for k, other in enumerate(inputs)]
                results.append([y.clone().reshape(-1) for y in _call(func, changed)])
            rows.append([(after - before) / (2 * eps) for after, before in zip(*results)])
    return [_stacked(column) for column in zip(*rows)]


def _stacked(rows):
    from .._factories import stack

    return stack(list(rows))


def _analytical(outputs, number, x, others, batched):
    """The same by backward()."""
    output = outputs[number]
    count = output.numel()
    if not output.requires_grad:
        return _factories.zeros(x.numel(), count, dtype=x.dtype, device=x.device)
    basis = _factories.eye(count, dtype=output.dtype, device=output.device)
    rows = []
    if batched:
        cotangents = basis.reshape(count, *output.shape)
        (found,) = grad(output, (x,), (cotangents,), retain_graph=True, is_grads_batched=True, allow_unused=True)
        if found is None:
            return _factories.zeros(x.numel(), count, dtype=x.dtype, device=x.device)
        return found.reshape(count, x.numel()).t().contiguous()
    for i in range(count):
        (found,) = grad(output, (x,), (basis[i].reshape(output.shape),), retain_graph=True, allow_unused=True)
        rows.append(_factories.zeros(x.numel(), dtype=x.dtype, device=x.device) if found is None else found.reshape(-1))
    return _stacked(rows).t().contiguous()


def _forward(func, inputs, which):
    from ..func import jvp

    x = inputs[which]
    rows = []
    for i in range(x.numel()):
        tangent = _factories.zeros(x.numel(), dtype=x.dtype, device=x.device)
        tangent[i] = 1

        def of(moved):
            return tuple(_call(func, [moved if k == which else other for k, other in enumerate(inputs)]))

        _, pushed = jvp(of, (x.detach(),), (tangent.reshape(x.shape),))
        rows.append([y.reshape(-1) for y in pushed])
    return [_stacked(column) for column in zip(*rows)]


def _compare(kind, number, which, numerical, analytical, atol, rtol):
    with _C.GradMode(False):
        near = (numerical - analytical).abs() <= atol + rtol * analytical.abs()
        if bool(near.all()):
            return
    raise GradcheckError(
        f"{kind} mismatch for output {number} with respect to input {which},\nnumerical:{numerical}\nanalytical:{analytical}\n"
    )


def _check(
    func,
    inputs,
    eps,
    atol,
    rtol,
    nondet_tol,
    check_grad_dtypes,
    check_batched_grad,
    check_forward_ad,
    check_backward_ad,
):
    func, inputs = _of_pairs(func, _tuple(inputs))
    wanted = [k for k, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    if not wanted:
        raise ValueError(
            "[gradcheck] gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )
    outputs = _call(func, inputs)
    if not any([y.requires_grad for y in outputs]):
        raise ValueError("[gradcheck] no result of the function requires grad; got none that depends on the inputs")
    for which in wanted:
        numerical = _numerical(func, inputs, which, eps)
        forward = _forward(func, inputs, which) if check_forward_ad else []
        for number, pushed in enumerate(forward):
            _compare("Forward-mode Jacobian", number, which, numerical[number], pushed, atol, rtol)
        for number in range(len(outputs) if check_backward_ad else 0):
            analytical = _analytical(outputs, number, inputs[which], inputs, False)
            _compare("Jacobian", number, which, numerical[number], analytical, atol, rtol)
            again = _analytical(outputs, number, inputs[which], inputs, False)
            if bool(((again - analytical).abs() > nondet_tol).any()):
                raise GradcheckError("Backward is not reentrant: two runs of it give other gradients")
            if check_batched_grad:
                batched = _analytical(outputs, number, inputs[which], inputs, True)
                _compare("Batched Jacobian", number, which, analytical, batched, atol, rtol)


def gradcheck(
    func,
    inputs,
    *,
    eps=1e-6,
    atol=1e-5,
    rtol=1e-3,
    raise_exception=True,
    nondet_tol=0.0,
    check_undefined_grad=True,
    check_grad_dtypes=False,
    check_batched_grad=False,
    check_batched_forward_grad=False,
    check_forward_ad=False,
    check_backward_ad=True,
    fast_mode=False,
    masked=None,
):
    """Whether the gradients of ``func(*inputs)`` by those inputs that require grad are near central differences of step ``eps``.

    Inputs should be float64 or complex128. check_forward_ad, check_batched_grad: looks at forward mode and at gradients by ``vmap``, too.
    check_undefined_grad, check_grad_dtypes, check_batched_forward_grad, fast_mode and masked change nothing: every element is compared.

    Raises GradcheckError (or returns False without ``raise_exception``) where they are not; ValueError where no input requires grad.
    """
    arguments = (
        func,
        inputs,
        eps,
        atol,
        rtol,
        nondet_tol,
        check_grad_dtypes,
        check_batched_grad,
        check_forward_ad,
        check_backward_ad,
    )
    try:
        _check(*arguments)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func,
    inputs,
    grad_outputs=None,
    *,
    eps=1e-6,
    atol=1e-5,
    rtol=1e-3,
    gen_non_contig_grad_outputs=False,
    raise_exception=True,
    nondet_tol=0.0,
    check_undefined_grad=True,
    check_grad_dtypes=False,
    check_batched_grad=False,
    check_fwd_over_rev=False,
    check_rev_over_rev=True,
    fast_mode=False,
    masked=False,
):
    """``gradcheck`` of the gradients: of the function from ``inputs`` and ``grad_outputs`` (random ones, unless given) to the cotangents
    of the inputs that require grad. check_fwd_over_rev: also by forward mode. Errors as of gradcheck."""
    inputs = _tuple(inputs)
    outputs = _call(func, inputs)
    if grad_outputs is None:
        given = tuple([_factories.randn_like(y).requires_grad_() for y in outputs])
    else:
        given = _tuple(grad_outputs)
    count = len(inputs)

    def second(*args):
        inner, cotangents = args[:count], args[count:]
        with _C.GradMode(True):
            inner = [
                x.requires_grad_() if isinstance(x, Tensor) and inputs[k].requires_grad and not x.requires_grad else x
                for k, x in enumerate(inner)
            ]
            wanted = tuple([x for k, x in enumerate(inner) if isinstance(x, Tensor) and inputs[k].requires_grad])
            pairs = [(y, c) for y, c in zip(_call(func, inner), cotangents) if y.requires_grad]
            found = grad(
                tuple([y for y, _ in pairs]), wanted, tuple([c for _, c in pairs]), create_graph=True, allow_unused=True
            )
        return tuple([g for g in found if g is not None])

    return gradcheck(
        second,
        (*inputs, *given),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
    )
