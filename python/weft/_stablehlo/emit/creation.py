"""What reads no data, and what changes none."""

from __future__ import annotations

from typing import Any

from ..constants import number_of
from ..syntax import Dense, Type
from .table import Unsupported, writes


@writes("stablehlo.constant")
def _constant(w, op, x):
    (kind,) = op.result_types
    dense = op.attributes.get("value", op.words[0] if op.words else None)
    if not isinstance(dense, Dense):
        raise ValueError("a constant without dense<>")
    return [_constant_of(w, dense, kind)]


def _constant_of(w, dense: Dense, kind: Type):
    number = number_of(dense, kind)
    if number is None:
        return w.constant(dense, kind)
    found = w.assign(full_of(w, number, kind), kind)
    found.known = number
    return found


def full_of(w, number: Any, kind: Type) -> str:
    text = repr(number) if not isinstance(number, float) or number - number == 0 else f"float({str(number)!r})"
    return f"fn.full({kind.shape!r}, {text}, {w.dtype(kind)})"


@writes("stablehlo.iota")
def _iota(w, op, x):
    (kind,) = op.result_types
    dim = op.attributes.get("dim", op.attributes.get("iota_dimension"))
    if not 0 <= dim < len(kind.shape):
        raise ValueError(f"axis {dim} of {kind}")
    found = w.assign(f"fn.iota({int(dim)}, {kind.shape!r}, {w.dtype(kind)})", kind)
    found.counts = int(dim)
    return [found]


@writes("stablehlo.optimization_barrier", "sdy.sharding_constraint")
def _identity(w, op, x):
    return x


@writes("stablehlo.custom_call")
def _custom_call(w, op, x):
    target = op.symbols[0] if op.symbols else op.attributes.get("call_target_name")
    if target in ("@Sharding", "@SPMDFullToShardShape", "@SPMDShardToFullShape"):
        return x
    raise Unsupported(f"the library function {target} is not weft's")


@writes("stablehlo.get_dimension_size")
def _dimension_size(w, op, x):
    return f"fn.full((), {x[0].type.shape[int(op.attributes['dim'])]}, weft.int32)"
