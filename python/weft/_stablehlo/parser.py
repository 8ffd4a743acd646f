"""StableHLO text to operations: what jax, XLA and weft print, in its short and its generic form."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

DEEPEST = 64  # regions and brackets within each other
LARGEST = 2**40  # elements of a tensor

_TOKEN = re.compile(
    r"""\s+|//[^\n]*
    |(?P<type>tensor<(?:[^<>"]|<[^<>"]*>)*>)
    |(?P<value>%[\w$.-]+(?:\#\d+)?)
    |(?P<symbol>@[\w$.-]+|@"[^"\n]*")
    |(?P<alias>\#[A-Za-z_][\w$.]*)
    |(?P<block>\^\w+)
    |(?P<string>"[^"\\]*(?:\\.[^"\\]*)*")
    |(?P<bits>0x[0-9A-Fa-f]+)
    |(?P<number>-?\d+(?:\.\d*(?:[eE][-+]?\d+)?)?)
    |(?P<word>[A-Za-z_][\w$.]*)
    |(?P<mark>->|[][(){}<>=,:+*!?-])""",
    re.X,
)


class StableHloError(ValueError):
    """Text that is no StableHLO."""


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
    """results: names of the results. words: what stands bare ("LT"); ranges: of a slice. groups: the operands as they are grouped."""

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


def parse(text: str) -> dict[str, Function]:
    """The functions of a module by their names. Raises StableHloError, which names the line."""
    return _Parser(text).module()


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


class _Parser:
    def __init__(self, text: str):
        self.text = text
        self.kinds: list[str] = []
        self.tokens: list[str] = []
        self.places: list[int] = []
        self.at = 0
        self.depth = 0
        self._counted = (0, 1)  # a place, and its line
        self._tokenise()

    def _tokenise(self) -> None:
        place, text, match = 0, self.text, _TOKEN.match
        while place < len(text):
            found = match(text, place)
            if found is None:
                self.places.append(place)
                self.at = len(self.tokens)
                self.fail(f"{text[place : place + 20]!r} cannot be read")
            if found.lastgroup:
                self.kinds.append(found.lastgroup)
                self.tokens.append(found.group())
                self.places.append(place)
            place = found.end()
        self.kinds.append("end")
        self.tokens.append("the end")
        self.places.append(len(text))

    # ------------------------------------------------------------ tokens

    @property
    def line(self) -> int:
        place = self.places[min(self.at, len(self.places) - 1)]
        if place < self._counted[0]:
            self._counted = (0, 1)
        self._counted = (place, self._counted[1] + self.text.count("\n", self._counted[0], place))
        return self._counted[1]

    def fail(self, why: str) -> NoReturn:
        raise StableHloError(f"[import_stablehlo] line {self.line}: {why}")

    @property
    def kind(self) -> str:
        return self.kinds[self.at]

    @property
    def token(self) -> str:
        return self.tokens[self.at]

    def take(self, kind: str | None = None) -> str:
        if (kind and self.kind != kind) or self.kind == "end":
            self.fail(f"a {kind or 'token'} was expected, not {self.token[:40]!r}")
        self.at += 1
        return self.tokens[self.at - 1]

    def accept(self, token: str) -> bool:
        if self.tokens[self.at] == token and self.kinds[self.at] in ("mark", "word"):
            self.at += 1
            return True
        return False

    def expect(self, token: str) -> None:
        if not self.accept(token):
            self.fail(f"{token!r} was expected, not {self.token[:40]!r}")

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            self.fail(f"more than {DEEPEST} brackets lie within each other")

    # ------------------------------------------------------------ the module

    def module(self) -> dict[str, Function]:
        functions: dict[str, Function] = {}
        wrapped = False
        while self.kind != "end":
            if self.kind == "alias":
                self._alias()
            elif self.accept("module"):
                if wrapped:
                    self.fail("there is more than one module")
                wrapped = True
                if self.kind == "symbol":
                    self.take()
                if self.accept("attributes"):
                    self.dictionary()
                self.expect("{")
                self._functions(functions, "}")
                self.location()
            elif not wrapped:
                self._functions(functions, None)
            else:
                self.fail(f"{self.token[:40]!r} stands after the module")
        if not functions:
            self.fail("there is no function")
        return functions

    def _functions(self, functions: dict[str, Function], end: str | None) -> None:
        while not (self.accept(end) if end else self.kind == "end"):
            if self.accept("func.func"):
                function = self._function()
                if function.name in functions:
                    self.fail(f"there are two functions {function.name}")
                functions[function.name] = function
            elif self.accept("sdy.mesh"):
                self.take("symbol")
                self.expect("=")
                self.skip_brackets("<", ">")
                self.location()
            elif self.kind == "alias" and end is None:
                self._alias()
            else:
                self.fail(f"func.func was expected, not {self.token[:40]!r}")

    def _alias(self) -> None:
        """#loc1 = loc(...): nothing that a program needs."""
        self.take("alias")
        self.expect("=")
        if not self.location():
            self.value()

    def _function(self) -> Function:
        line = self.line
        is_public = not self.accept("private")
        self.accept("public")
        name = self.take("symbol")
        self.expect("(")
        body, names = Block([], []), []
        while not self.accept(")"):
            body.names.append(self.take("value"))
            self.expect(":")
            body.types.append(self.type())
            given = self.dictionary() if self.token == "{" else {}
            names.append(next((v for k, v in given.items() if k.startswith("weft.") and isinstance(v, str)), None))
            place = self.location()
            names[-1] = names[-1] or place
            self.comma(")")
        results: list[Type] = []
        if self.accept("->"):
            results = self._results()
        if self.accept("attributes"):
            self.dictionary()
        self.expect("{")
        self._operations(body)
        self.location()
        return Function(name, line, body, results, is_public, names)

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

    def comma(self, end: str) -> None:
        if not self.accept(",") and self.token != end:
            self.fail(f"',' or {end!r} was expected, not {self.token[:40]!r}")

    def location(self) -> str | None:
        """Skips loc(...); gives the name where it is one."""
        if not self.accept("loc"):
            return None
        name = (
            self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) and self.kinds[self.at + 1] == "string" else ""
        )
        self.skip_brackets("(", ")")
        return name[1:-1] if name else " "

    def skip_brackets(self, first: str, last: str) -> None:
        self.expect(first)
        open_ = 1
        while open_:
            token, kind = self.take(), self.kinds[self.at - 1]
            if kind == "mark":
                open_ += (token == first) - (token == last)

    # ------------------------------------------------------------ operations

    def _operations(self, block: Block) -> None:
        """Up to the brace that ends the region."""
        self.deeper()
        while not self.accept("}"):
            block.operations.append(self._operation())
        self.depth -= 1

    def _operation(self) -> Operation:
        line = self.line
        results: list[str] = []
        if self.kind == "value":
            while True:
                name = self.take("value")
                count = 1
                if self.accept(":"):
                    count = (
                        int(self.take("number"))
                        if self.token.isdigit() and len(self.token) < 5
                        else self.fail("a count was expected")
                    )
                results += [name] if count == 1 else [f"{name}#{i}" for i in range(count)]
                if not self.accept(","):
                    break
            self.expect("=")
        name = self.take("string")[1:-1] if self.kind == "string" else self.take("word")
        operation = Operation(name, line, results)
        if name == "stablehlo.while":
            self._while(operation)
        else:
            self._parts(operation)
        self.location()
        return operation

    def _parts(self, operation: Operation) -> None:
        """Operands, words, attributes and regions in any order; then the types."""
        while True:
            kind, token = self.kind, self.token
            if kind == "value":
                operation.operands.append(self.take())
                if self.token == "[" and operation.name == "stablehlo.slice":
                    operation.words.append(self._ranges())
            elif kind == "symbol":
                operation.symbols.append(self.take())
            elif kind == "word":
                if token == "loc":
                    break
                word = self.take()
                if self.accept("="):
                    operation.attributes[word] = self.pretty()
                elif word == "dense" or word == "array" or word in ("true", "false"):
                    self.at -= 1
                    operation.words.append(self.value(typed=False))
                else:
                    operation.words.append(word)
            elif kind == "string":
                operation.words.append(self.take()[1:-1])
            elif token == "<" and self.tokens[self.at + 1] == "{":
                self.take()
                operation.attributes.update(self.dictionary())
                self.expect(">")
            elif token == "{":
                operation.attributes.update(self.dictionary())
            elif token == "(":
                self._group(operation)
            elif token == ",":
                self.take()
            elif token == ":":
                self.take()
                self._types(operation)
                break
            elif kind in ("number", "bits", "alias") or token == "[" or token == "<":
                operation.words.append(self.value(typed=False))
            else:
                break
        if operation.attributes.pop("has_inits", False):
            operation.operands = operation.operands[::2] + operation.operands[1::2]
        if operation.name == "stablehlo.reduce" and self.accept("reducer"):
            self._reducer(operation)
        elif self.token == "{" and operation.types:
            operation.attributes.update(self.dictionary())

    def _group(self, operation: Operation) -> None:
        """(%a, %b), (%x init: %c), or regions ({...}, {...})."""
        self.expect("(")
        if self.token == "{":
            while True:
                self.expect("{")
                operation.blocks.append(self._region())
                if not self.accept(","):
                    break
            self.expect(")")
            return
        while not self.accept(")"):
            if self.kind == "value":
                operation.operands.append(self.take())
            elif self.accept("init"):
                self.expect(":")
                operation.attributes["has_inits"] = True
            elif self.kind == "word":
                key = self.take()
                self.expect("=")
                operation.attributes[key] = self.pretty()
            else:
                self.expect(",")

    def _region(self) -> Block:
        block = Block([], [])
        if self.kind == "block":
            self.take()
            if self.accept("("):
                while not self.accept(")"):
                    block.names.append(self.take("value"))
                    self.expect(":")
                    block.types.append(self.type())
                    self.location()
                    self.comma(")")
            self.expect(":")
        self._operations(block)
        return block

    def _types(self, operation: Operation) -> None:
        """(operands) -> results, or the types one after the other."""
        if self.accept("("):
            while not self.accept(")"):
                operation.types.append(self.type())
                self.comma(")")
            self.expect("->")
            operation.result_types = self._results()
            return
        operation.types = [self.type()]
        while self.accept(","):
            operation.types.append(self.type())
        if self.accept("->"):
            operation.result_types = self._results()
            return
        if operation.name == "stablehlo.select" and len(operation.types) == 2:  # of the condition, and of all others
            operation.types = [operation.types[0], *operation.types[1:] * 2]
            operation.result_types = [operation.types[1]]
            return
        operation.result_types = [operation.types[-1]] * len(operation.results)
        if operation.name == "stablehlo.complex":  # of the result
            operation.types = []
            return
        if len(operation.types) == 1:
            operation.types *= max(len(operation.operands), 1)

    def _while(self, operation: Operation) -> None:
        """(%iterArg = %a, ...) : types cond { } do { }; or its generic form."""
        if self.kind == "mark" and self.tokens[self.at + 1 : self.at + 2] and self.tokens[self.at + 2] != "=":
            self._parts(operation)
            return
        names = []
        self.expect("(")
        while not self.accept(")"):
            names.append(self.take("value"))
            self.expect("=")
            operation.operands.append(self.take("value"))
            self.comma(")")
        if self.accept(":"):
            operation.types = [self.type()]
            while self.accept(","):
                operation.types.append(self.type())
        operation.result_types = list(operation.types)
        if self.accept("attributes"):
            self.dictionary()
        for word in ("cond", "do"):
            self.expect(word)
            self.expect("{")
            block = Block(names, operation.types)
            self._operations(block)
            operation.blocks.append(block)

    def _reducer(self, operation: Operation) -> None:
        """(%a, %b) a pair: the block's arguments are all first ones, then all others."""
        pairs = []
        while self.accept("("):
            pair = []
            while not self.accept(")"):
                name = self.take("value")
                self.expect(":")
                pair.append((name, self.type()))
                self.location()
                self.comma(")")
            pairs.append(pair)
        if any(len(pair) != 2 for pair in pairs):
            self.fail("a reducer has pairs of arguments")
        arguments = [pair[0] for pair in pairs] + [pair[1] for pair in pairs]
        block = Block([a[0] for a in arguments], [a[1] for a in arguments])
        self.expect("{")
        self._operations(block)
        operation.blocks.append(block)

    # ------------------------------------------------------------ types and attributes

    def type(self) -> Type:
        if self.kind != "type":
            self.fail(f"the type of a tensor was expected, not {self.token[:40]!r}")
        return type_of(self.take(), self.fail)

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
