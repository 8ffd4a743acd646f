"""Element types and constants."""

from __future__ import annotations

import array
import math
import struct
from typing import Any

import weft

from .lexer import StableHloError
from .syntax import Bits, Dense, Type

DTYPES = {
    "i1": "bool", "i8": "int8", "i16": "int16", "i32": "int32", "i64": "int64", "ui8": "uint8", "ui16": "uint16", "ui32": "uint32",
    "ui64": "uint64", "f16": "float16", "bf16": "bfloat16", "f32": "float32", "f64": "float64", "complex<f32>": "complex64",
    "complex<f64>": "complex128",
}  # fmt: skip
_WIDTHS = {"f16": 2, "bf16": 2, "f32": 4, "f64": 8}


def is_float(element: str) -> bool:
    return element in _WIDTHS


def is_integer(element: str) -> bool:
    return element.startswith(("i", "ui")) and element != "i1"


def item_size(element: str) -> int:
    if element.startswith("complex"):
        return 2 * _WIDTHS[element[8:-1]]
    return _WIDTHS.get(element) or max(int(element.lstrip("ui")) // 8, 1)


def number_of(dense: Any, kind: Type) -> Any:
    """The number of a splat; None where it is none, or has more to it than a number (the bits of a NaN)."""
    value = dense.value if isinstance(dense, Dense) else dense
    if isinstance(value, (list, tuple)) or value is None or kind.element.startswith("complex"):
        return None
    if isinstance(value, str):
        data = _bytes(value, kind)
        if len(data) != item_size(kind.element) or kind.count == 1 and is_float(kind.element):
            return None
        if not is_float(kind.element):
            return (
                bool(data[0]) if kind.element == "i1" else int.from_bytes(data, "little", signed=kind.element[0] == "i")
            )
        value = Bits(int.from_bytes(data, "little"))
    if isinstance(value, Bits):
        if not is_float(kind.element):
            return _wrapped(value.value, kind.element)
        number = _unpacked(value.value, kind.element)
        return None if math.isnan(number) and value.value != _NAN[kind.element] else number
    if is_float(kind.element):
        return float(value)
    return bool(value) if kind.element == "i1" else _wrapped(int(value), kind.element)


_NAN = {"f16": 0x7E00, "bf16": 0x7FC0, "f32": 0x7FC00000, "f64": 0x7FF8000000000000}


def _wrapped(value: int, element: str) -> int:
    width = int(element.lstrip("ui"))
    value &= (1 << width) - 1
    return value - (1 << width) if element[0] == "i" and value >> (width - 1) else value


def _unpacked(bits: int, element: str) -> float:
    if bits >> (8 * _WIDTHS[element]):
        raise ValueError(f"{hex(bits)} has more bits than {element}")
    if element == "bf16":
        return struct.unpack("<f", struct.pack("<I", bits << 16))[0]
    return struct.unpack({"f16": "<e", "f32": "<f", "f64": "<d"}[element], bits.to_bytes(_WIDTHS[element], "little"))[0]


def _bytes(text: str, kind: Type) -> bytes:
    if not text.startswith("0x"):
        raise ValueError("a constant's text is no hexadecimal string")
    return bytes.fromhex(text[2:])


def tensor_of(dense: Any, kind: Type) -> Any:
    """A tensor of the elements. Of a splat it has one element's memory."""
    value = dense.value if isinstance(dense, Dense) else dense
    size = item_size(kind.element)
    if isinstance(value, str):
        data = _bytes(value, kind)
        splat = len(data) == size
        if not splat and len(data) != kind.count * size:
            raise StableHloError(
                f"[import_stablehlo] a constant of {kind} has {len(data)} bytes, not {kind.count * size}"
            )
    elif isinstance(value, list) or value is None:
        items: list[Any] = []
        _flatten(value or [], kind.shape, items)
        if len(items) != kind.count:
            raise StableHloError(f"[import_stablehlo] a constant of {kind} has {len(items)} elements, not {kind.count}")
        splat, data = False, b"".join(_packed(item, kind.element) for item in items)
    else:
        splat, data = True, _packed(value, kind.element)
    if kind.element == "i1":
        data = bytes(map(bool, data))
    if kind.count == 0:
        return weft.empty(kind.shape, dtype=getattr(weft, DTYPES[kind.element]))
    if kind.element.startswith("complex"):
        parts = weft.frombuffer(bytearray(data), dtype=getattr(weft, DTYPES[kind.element[8:-1]])).reshape(-1, 2)
        tensor = weft.complex(parts[:, 0], parts[:, 1])
    elif kind.element == "bf16":  # which NumPy has not
        tensor = weft.frombuffer(bytearray(data), dtype=weft.int16).view(weft.bfloat16)
    else:
        tensor = weft.frombuffer(bytearray(data), dtype=getattr(weft, DTYPES[kind.element]))
    return tensor.reshape([1] * len(kind.shape)).expand(kind.shape) if splat else tensor.reshape(kind.shape)


def _flatten(value: Any, shape: tuple[int, ...], items: list[Any]) -> None:
    if not shape:
        items.append(value)
        return
    if not isinstance(value, list) or (len(value) != shape[0] and not (value == [] and 0 in shape)):
        raise StableHloError("[import_stablehlo] a constant's lists do not have the shape of its type")
    for item in value:
        _flatten(item, shape[1:], items)


def _packed(value: Any, element: str) -> bytes:
    if element.startswith("complex"):
        if not isinstance(value, tuple) or len(value) != 2:
            raise ValueError("an element of a complex constant is no pair")
        return b"".join(_packed(part, element[8:-1]) for part in value)
    if is_float(element):
        if isinstance(value, Bits):
            _unpacked(value.value, element)
            return value.value.to_bytes(_WIDTHS[element], "little")
        return _float_bytes(float(value), element)
    if element == "i1":
        return bytes([bool(value)])
    if isinstance(value, Bits):
        value = value.value
    if not isinstance(value, int):
        raise ValueError(f"{value!r} is no integer")
    return (_wrapped(value, element) & ((1 << 8 * item_size(element)) - 1)).to_bytes(item_size(element), "little")


def _float_bytes(value: float, element: str) -> bytes:
    """Rounded once, to infinity beyond the range."""
    if element == "f64":
        return struct.pack("<d", value)
    if element == "f32":
        return array.array("f", [value]).tobytes()
    rounded = weft.tensor([value], dtype=weft.float64).to(getattr(weft, DTYPES[element]))
    return int(rounded.view(weft.int16)[0].item() & 0xFFFF).to_bytes(2, "little")
