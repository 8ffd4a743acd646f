"""Types of tensors and values of attributes."""

from __future__ import annotations

import math
import re
from typing import Any

from .lexer import Lexer
from .syntax import Bits, Dense, Type

LARGEST = 2**40  # elements of a tensor

_NAMES = re.compile(r"u?i\d+|f\w+|bf16|complex<f(?:32|64)>")


def type_of(text: str, fail) -> Type:
    inner = text[len("tensor<") : -1].replace(" ", "")
    *sizes, element = inner.split("x") if "complex" not in inner else _complex(inner)
    if any(not size.isdigit() for size in sizes):
        fail(f"{text[:60]} has sizes that are no numbers; specialise the program to its sizes first")
    if len(sizes) > 64 or any(len(size) > 15 for size in sizes):
        fail(f"{text[:60]} is larger than any tensor")
    if not _NAMES.fullmatch(element):
        fail(f"{text[:60]} has no element type that weft reads")
    shape = tuple(map(int, sizes))
    if math.prod(s for s in shape if s) > LARGEST:
        fail(f"{text[:60]} is larger than any tensor")
    return Type(shape, element)


def _complex(inner: str) -> list[str]:
    at = inner.index("complex")
    return [*(size for size in inner[:at].split("x") if size), inner[at:]]


class AttributeParser(Lexer):
    def type(self) -> Type:
        if self.kind != "type":
            self.fail(f"the type of a tensor was expected, not {self.token[:40]!r}")
        return type_of(self.take(), self.fail)

    def _results(self) -> list[Type]:
        if not self.accept("("):
            return [self.type()]
        types = []
        while not self.accept(")"):
            types.append(self.type())
            if self.token == "{":
                self.dictionary()
            self.comma(")")
        return types

    def _ranges(self) -> list[tuple[int, int, int]]:
        """[0:2:2, 1:3]"""
        self.expect("[")
        ranges = []
        while not self.accept("]"):
            numbers = [self.integer()]
            while self.accept(":"):
                numbers.append(self.integer())
            if len(numbers) not in (2, 3):
                self.fail("a range is start:limit or start:limit:stride")
            ranges.append((numbers[0], numbers[1], numbers[2] if len(numbers) == 3 else 1))
            self.comma("]")
        return ranges

    def integer(self) -> int:
        token = self.take("number")
        if not token.lstrip("-").isdigit() or len(token) > 20:
            self.fail(f"{token[:40]} is no integer of 64 bits")
        return int(token)

    def dictionary(self) -> dict[str, Any]:
        self.expect("{")
        self.deeper()
        entries: dict[str, Any] = {}
        while not self.accept("}"):
            key = self.take("string")[1:-1] if self.kind == "string" else self.take("word")
            entries[key] = True
            if self.accept("="):
                entries[key] = self.value()
            self.comma("}")
        self.depth -= 1
        return entries

    def pretty(self) -> Any:
        """A value of the short form: a type after ':' is the operation's. [0] x [1] is a pair, a convolution's axes three lists."""
        value = self.value(typed=False)
        if isinstance(value, list) and self.accept("x"):
            value = [value, self.value(typed=False)]
            if self.accept("->"):
                value.append(self.value(typed=False))
        return value

    def value(self, typed: bool = True) -> Any:
        found = self._value()
        if typed and self.accept(":"):
            if self.kind == "type":
                self.type()
            else:
                self.take("word")
        return found

    def _value(self) -> Any:
        self.deeper()
        try:
            kind, token = self.kind, self.token
            if kind == "number":
                return self.integer() if token.lstrip("-").isdigit() else float(self.take())
            if kind == "bits":
                return Bits(int(self.take(), 16)) if len(token) <= 34 else self.fail("a number of too many bits")
            if kind == "string":
                return self.take()[1:-1]
            if kind == "symbol" or kind == "type":
                return self.take()
            if kind == "alias":
                return self._dialect()
            if token == "[":
                return self._list("[", "]")
            if token == "(":
                return tuple(self._list("(", ")"))
            if token == "{":
                return self.dictionary()
            if token == "<":
                return self._list("<", ">")
            if kind == "word":
                return self._word()
            return self.fail(f"a value was expected, not {token[:40]!r}")
        finally:
            self.depth -= 1

    def _list(self, first: str, last: str) -> list[Any]:
        self.expect(first)
        items = []
        while not self.accept(last):
            items.append(self.value())
            self.comma(last)
        return items

    def _word(self) -> Any:
        word = self.take()
        if word in ("true", "false"):
            return word == "true"
        if word == "dense":
            self.expect("<")
            value = None if self.token == ">" else self.value(typed=False)
            self.expect(">")
            return Dense(value)
        if word == "array":
            self.expect("<")
            self.take("word")
            items = []
            if self.accept(":"):
                while self.token != ">":
                    items.append(self.value())
                    self.comma(">")
            self.expect(">")
            return items
        return word

    def _dialect(self) -> Any:
        """#stablehlo<precision DEFAULT>, #stablehlo.gather<offset_dims = [1], ...>, #sdy.sharding<...>"""
        name = self.take("alias")
        if self.token != "<":
            return name
        if not name.startswith("#stablehlo"):
            self.skip_brackets("<", ">")
            return name
        self.expect("<")
        words: list[Any] = []
        entries: dict[str, Any] = {}
        while not self.accept(">"):
            if self.kind == "word" and self.tokens[self.at + 1] == "=":
                key = self.take()
                self.expect("=")
                entries[key] = self.pretty()
            elif self.token == "[":
                words.append(self.pretty())
            else:
                words.append(self.take())
            self.accept(",")
        return entries or (words[0] if len(words) == 1 else words)
