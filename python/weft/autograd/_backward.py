"""``backward`` and ``grad``."""

from __future__ import annotations

import functools
import warnings

from .. import _C, _factories
from .._C import Tensor
from .._public import public


def _sequence(op, value, may_lack=False):
    if isinstance(value, Tensor):
        return (value,)
    try:
        values = tuple(value)
    except TypeError:
        values = (value,)
    if not all(isinstance(item, Tensor) or (may_lack and item is None) for item in values):
        raise TypeError(f"[{op}] expected a tensor or a sequence of tensors; got {type(value).__name__}")
    return values


@functools.partial(public, runs_other_code=True)
def backward(
    tensors,
    grad_tensors=None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables=None,
    inputs=None,
):
    """Accumulates the gradients of ``tensors`` into the .grad of the leaves (of ``inputs`` only, if given)."""
    if grad_variables is not None:
        warnings.warn("[backward] grad_variables is deprecated; pass grad_tensors", FutureWarning, stacklevel=2)
        if grad_tensors is not None:
            raise RuntimeError("[backward] grad_tensors and grad_variables are one argument; pass grad_tensors alone")
        grad_tensors = grad_variables
    create_graph = bool(create_graph)
    keep = create_graph if retain_graph is None else bool(retain_graph)
    wanted = () if inputs is None else _sequence("backward", inputs)
    if inputs is not None and not wanted:
        raise RuntimeError("[backward] `inputs` cannot be empty; leave it out to reach all leaves")
    gradients = () if grad_tensors is None else _sequence("backward", grad_tensors, may_lack=True)
    _C.backward(_sequence("backward", tensors), gradients, keep, create_graph, wanted)


def _batched(outputs, inputs, gradients, keep, create_graph, unused):
    from ..func import vmap  # late: it uses what is here

    missing = []

    def pull(*cotangents):
        found = _C.grad(outputs, inputs, cotangents, keep, create_graph, unused)
        missing[:] = [gradient is None for gradient in found]
        return tuple([gradient for gradient in found if gradient is not None])

    found = iter(vmap(pull)(*gradients))
    return tuple([None if lacks else next(found) for lacks in missing])


@functools.partial(public, runs_other_code=True)
def grad(
    outputs,
    inputs,
    grad_outputs=None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
):
    """The gradients of ``outputs`` by ``inputs`` as a tuple; .grad is left alone. That by an unused input is an error, None with
    ``allow_unused``, or zeros with ``materialize_grads``. is_grads_batched: along the first axis of ``grad_outputs`` are cotangents each of
    which has its gradients, done at once (``weft.vmap``)."""
    if not only_inputs:
        warnings.warn(
            "[grad] only_inputs has no effect; call backward() to fill .grad of all leaves", FutureWarning, stacklevel=2
        )
    if materialize_grads and allow_unused is False:
        raise ValueError("[grad] with materialize_grads unused inputs are allowed; leave allow_unused out")
    create_graph = bool(create_graph)
    keep = create_graph if retain_graph is None else bool(retain_graph)
    wanted = _sequence("grad", inputs)
    if not wanted:
        raise RuntimeError("[grad] `inputs` cannot be empty; pass the tensors whose gradients are wanted")
    gradients = () if grad_outputs is None else _sequence("grad", grad_outputs, may_lack=True)
    unused = materialize_grads or bool(allow_unused)
    results = _sequence("grad", outputs)
    if is_grads_batched:
        found = _batched(results, wanted, gradients, keep, create_graph, unused)
    else:
        found = _C.grad(results, wanted, gradients, keep, create_graph, unused)
    if materialize_grads:
        found = tuple(_factories.zeros_like(x) if g is None else g for g, x in zip(found, wanted))
    return found
