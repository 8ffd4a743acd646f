"""Operations of one element of each operand."""

from __future__ import annotations

from typing import Any

from ..syntax import Operation
from .table import Unsupported, writes

_PLAIN = {
    "abs": "weft.abs({0})", "add": "{0} + {1}", "atan2": "weft.atan2({0}, {1})", "cbrt": "fn.cbrt({0})", "ceil": "weft.ceil({0})",
    "complex": "weft.complex({0}, {1})", "cosine": "weft.cos({0})", "count_leading_zeros": "fn.leading_zeros({0})",
    "exponential": "weft.exp({0})", "exponential_minus_one": "weft.expm1({0})", "floor": "weft.floor({0})",
    "imag": "weft.imag({0})", "is_finite": "weft.isfinite({0})", "log": "weft.log({0})", "log_plus_one": "weft.log1p({0})",
    "logistic": "weft.sigmoid({0})", "maximum": "weft.maximum({0}, {1})", "minimum": "weft.minimum({0}, {1})", "multiply": "{0} * {1}",
    "negate": "-{0}", "popcnt": "fn.count_bits({0})", "power": "weft.pow({0}, {1})", "real": "weft.real({0})",
    "round_nearest_afz": "fn.round_away({0})", "round_nearest_even": "weft.round({0})",
    "rsqrt": "weft.rsqrt({0})", "shift_left": "{0} << {1}", "shift_right_arithmetic": "fn.shift_right_arithmetic({0}, {1})",
    "shift_right_logical": "fn.shift_right_logical({0}, {1})", "sign": "fn.sign({0})", "sine": "weft.sin({0})", "sqrt": "weft.sqrt({0})",
    "subtract": "{0} - {1}", "tan": "weft.tan({0})", "tanh": "weft.tanh({0})", "select": "weft.where({0}, {1}, {2})",
    "clamp": "weft.minimum(weft.maximum({1}, {0}), {2})",
}  # fmt: skip
_OF_BOOLS = {
    "add": "{0} | {1}", "and": "{0} & {1}", "maximum": "{0} | {1}", "minimum": "{0} & {1}", "multiply": "{0} & {1}", "not": "~{0}", "or": "{0} | {1}",
    "xor": "{0} ^ {1}",
}  # fmt: skip
_CHLO = {
    "acos": "weft.acos({0})", "acosh": "weft.acosh({0})", "asin": "weft.asin({0})", "asinh": "weft.asinh({0})", "atan": "weft.atan({0})",
    "atanh": "weft.atanh({0})", "bessel_i1e": "weft.special.i1e({0})", "cosh": "weft.cosh({0})", "digamma": "weft.digamma({0})",
    "erf": "weft.erf({0})", "erf_inv": "weft.erfinv({0})", "erfc": "weft.erfc({0})", "lgamma": "weft.lgamma({0})",
    "next_after": "weft.nextafter({0}, {1})", "sinh": "weft.sinh({0})", "square": "{0} * {0}", "zeta": "weft.special.zeta({0}, {1})",
    "is_inf": "weft.isinf({0})", "is_neg_inf": "weft.isneginf({0})", "is_pos_inf": "weft.isposinf({0})",
}  # fmt: skip
COMPARE = {"EQ": "==", "NE": "!=", "LT": "<", "LE": "<=", "GT": ">", "GE": ">="}
ELEMENTWISE = {f"stablehlo.{n}" for n in (*_PLAIN, *_OF_BOOLS, "compare", "convert", "divide", "remainder")} | {
    f"chlo.{n}" for n in _CHLO
}


def _same_shapes(op: Operation, x: list[Any]) -> None:
    shape = op.result_types[0].shape
    for v in x:
        if v.type.shape != shape and not (v.type.shape == () and op.name.endswith((".select", ".clamp"))):
            raise ValueError(f"operands of {', '.join(str(v.type) for v in x)} for {op.result_types[0]}")


def _elementwise(w, op: Operation, x: list[Any]) -> str:
    name = op.name.partition(".")[2]
    table = _CHLO if op.name.startswith("chlo.") else _PLAIN
    form = table.get(name)
    if name in _OF_BOOLS and x[0].type.element == "i1" or form is None:
        form = _OF_BOOLS[name]
    if form.count("{") and len(x) != len({c for c in form if c.isdigit() and f"{{{c}}}" in form}):
        raise ValueError(f"{len(x)} operands")
    _same_shapes(op, x)
    return form.format(*(v.name for v in x))


for _name in (*_PLAIN, *(n for n in _OF_BOOLS if n not in _PLAIN)):
    writes(f"stablehlo.{_name}")(_elementwise)
for _name in _CHLO:
    writes(f"chlo.{_name}")(_elementwise)


@writes("stablehlo.divide", "stablehlo.remainder")
def _divide(w, op, x):
    _same_shapes(op, x)
    known = ", True" if x[1].known else ""
    return f"fn.{op.name.partition('.')[2]}({x[0].name}, {x[1].name}{known})"


def direction_of(op: Operation) -> tuple[str, str]:
    words = [*op.words]
    for key in ("comparison_direction", "compare_type"):
        if key in op.attributes:
            words.append(op.attributes[key][1])
    direction = next(v for v in words if v in COMPARE)
    return direction, next((v for v in words if v in ("FLOAT", "TOTALORDER", "SIGNED", "UNSIGNED")), "")


@writes("stablehlo.compare")
def _compare(w, op, x):
    direction, kind = direction_of(op)
    _same_shapes(op, x)
    a, b = x[0].name, x[1].name
    if kind == "TOTALORDER":
        a, b = f"fn.total_order({a})", f"fn.total_order({b})"
    if x[0].type.element == "i1" and direction not in ("EQ", "NE"):
        a, b = f"{a}.to(weft.int32)", f"{b}.to(weft.int32)"
    return f"{a} {COMPARE[direction]} {b}"


@writes("stablehlo.convert")
def _convert(w, op, x):
    _same_shapes(op, x)
    return f"fn.convert({x[0].name}, {w.dtype(op.result_types[0])})"


@writes("stablehlo.bitcast_convert")
def _bits(w, op, x):
    return f"fn.bits({x[0].name}, {w.dtype(op.result_types[0])}, {op.result_types[0].shape!r})"


@writes("stablehlo.reduce_precision")
def _reduce_precision(w, op, x):
    form = op.attributes.get("format")
    pair = (op.attributes["exponent_bits"], op.attributes["mantissa_bits"]) if form is None else None
    if pair is None:
        exponent, _, mantissa = form[1:].partition("m")
        pair = int(exponent), int(mantissa)
    if pair not in ((8, 7), (5, 10), (8, 23)):
        raise Unsupported("a precision that is no dtype's; e8m7, e5m10 and e8m23 are supported")
    return f"fn.reduce_precision({x[0].name}, {pair[0]}, {pair[1]})"
