"""Whole derivatives: ``vmap`` of ``vjp`` or ``jvp`` over the unit vectors."""

from __future__ import annotations

import functools

from .. import _factories, _pytree
from .._functions.shapes import cat
from ._derivatives import _chosen, _replaced, pullback, pushforward
from ._vmap import vmap


def _unit_vectors(tensors):
    """For each tensor a batch of tensors like it: together, along the first axis, each element once is 1."""
    total = sum([t.numel() for t in tensors])
    vectors, start = [], 0
    for t in tensors:
        count = t.numel()
        block = _factories.zeros(total, count, dtype=t.dtype, device=t.device)
        eye = _factories.eye(count, dtype=t.dtype, device=t.device)
        block = cat([block[:start], eye, block[start + count :]]) if count != total else eye
        vectors.append(block.reshape((total, *t.shape)))
        start += count
    return vectors


def _pieces(batch, like):
    """A batch along the unit vectors of the tensors ``like``: a piece of their shape for each."""
    pieces, start = [], 0
    for t in like:
        piece = batch.narrow(0, start, t.numel())
        pieces.append(piece.reshape((*t.shape, *batch.shape[1:])))
        start += t.numel()
    return pieces


def _function_of(func, numbers, args, kwargs, several):
    return lambda *primals: func(*_replaced(args, numbers, primals if several else primals[0], several), **kwargs)


def jacrev(func, argnums=0, *, has_aux=False, chunk_size=None):
    """A function that gives the Jacobian of ``func`` by the argument argnums, one backward pass an element of the result, all at once.

    The result has the structure of ``func``'s results with that of the argument (or the tuple of arguments) in it, and the shape
    [*result, *argument]. chunk_size: how many elements to do at a time. With has_aux: (jacobian, aux).
    """

    @functools.wraps(func)
    def jacobian(*args, **kwargs):
        primals, numbers = _chosen("jacrev", argnums, args)
        several = isinstance(argnums, tuple)
        function = _function_of(func, numbers, args, kwargs, several)
        level, result, vjp_fn, aux = pullback("jacrev", function, primals if several else (primals,), has_aux)
        outputs, structure = _pytree.flatten(result)
        basis = _pytree.unflatten(_unit_vectors(outputs), structure)
        rows = vmap(vjp_fn, chunk_size=chunk_size)(basis)
        leaves, inner = _pytree.flatten(rows if several else rows[0])
        columns = [_pieces(leaf, outputs) for leaf in leaves]
        blocks = [_pytree.unflatten([column[i] for column in columns], inner) for i in range(len(outputs))]
        whole = _pytree.unflatten(blocks, structure)
        return level.end((whole, aux) if has_aux else whole)

    return jacobian


def jacfwd(func, argnums=0, has_aux=False, *, randomness="error"):
    """A function that gives the Jacobian of ``func`` as ``jacrev`` does, one forward pass an element of the argument, all at once.

    randomness: of the ``vmap`` over these passes, which draw nothing themselves.
    """

    @functools.wraps(func)
    def jacobian(*args, **kwargs):
        primals, numbers = _chosen("jacfwd", argnums, args)
        several = isinstance(argnums, tuple)
        aux = []

        def function(*primals):
            result = func(*_replaced(args, numbers, primals if several else primals[0], several), **kwargs)
            if not has_aux:
                return result
            if not isinstance(result, tuple) or len(result) != 2:
                raise RuntimeError(
                    f"[jacfwd] with has_aux the function returns (output, aux); got {type(result).__name__}"
                )
            aux.append(result[1])
            return result[0]

        level, _, jvp_fn = pushforward("jacfwd", function, primals if several else (primals,))
        leaves, inner = _pytree.flatten(primals)
        basis = _pytree.unflatten(_unit_vectors(leaves), inner)
        columns, structure = _pytree.flatten(vmap(jvp_fn, randomness=randomness)(*(basis if several else (basis,))))
        blocks = [
            _pytree.unflatten([_outer_first(p, t) for p, t in zip(_pieces(column, leaves), leaves)], inner)
            for column in columns
        ]
        whole = _pytree.unflatten(blocks, structure)
        return level.end((whole, aux[0]) if has_aux else whole)

    return jacobian


def _outer_first(piece, primal):
    """[*primal, *result] as [*result, *primal]."""
    rank = primal.ndim
    return piece.permute((*range(rank, piece.ndim), *range(rank)))


def hessian(func, argnums=0):
    """A function that gives the second derivatives of ``func``: jacfwd(jacrev(func))."""
    return jacfwd(jacrev(func, argnums), argnums)
