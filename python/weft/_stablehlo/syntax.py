"""What the parser makes of a text: functions, blocks and operations, types and constants."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Type:
    """Of a tensor. element: "f32", "ui8", "complex<f32>" ..."""

    shape: tuple[int, ...]
    element: str

    @property
    def count(self) -> int:
        return math.prod(self.shape)

    def __str__(self) -> str:
        return f"tensor<{'x'.join([*map(str, self.shape), self.element])}>"


@dataclass
class Block:
    """names, types: of its arguments."""

    names: list[str]
    types: list[Type]
    operations: list[Operation] = field(default_factory=list)


@dataclass
class Operation:
    """results, operands: names of values. words: what stands bare, as "LT", or the ranges of a slice."""

    name: str
    line: int
    results: list[str] = field(default_factory=list)
    operands: list[str] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)
    words: list[Any] = field(default_factory=list)
    symbols: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    types: list[Type] = field(default_factory=list)  # of the operands
    result_types: list[Type] = field(default_factory=list)


@dataclass
class Function:
    name: str
    line: int
    body: Block
    result_types: list[Type]
    is_public: bool
    names: list[str | None]  # of the arguments, where the text has them


@dataclass
class Dense:
    """The elements of a constant: nested lists, one element (a splat) or the bytes of a hexadecimal string."""

    value: Any


@dataclass
class Bits:
    """A float as its bits."""

    value: int
