"""A StableHLO module as a weft module: a Python function a function of the text, a line an operation."""

from __future__ import annotations

import os
from typing import Any

import weft

from ..nn import Module
from . import functions
from .constants import DTYPES, tensor_of
from .emit import TABLE, Unsupported
from .lexer import StableHloError
from .parser import parse
from .syntax import Block, Function, Operation, Type

MOST_LINES = 1_000_000  # of a program when its calls are written out
MOST_BYTES = 2**34  # of a file


class StableHloProgram(Module):
    """What import_stablehlo returns. code: the text of its functions; example_inputs: tensors of main's types."""

    code: str
    example_inputs: tuple[Any, ...]


def import_stablehlo(text: str | os.PathLike[str]) -> Module:
    """A weft module that computes what a module of StableHLO does, as ``jax.jit(f).lower(x).as_text()`` and ``jax.export`` print it.

    text: the module, or the path of a file that holds it. The function ``main`` becomes forward; its results are a tuple, or the one
    result. Constants are buffers. The module compiles, exports and goes through weft-aot as any other, and has derivatives where it has
    no loop.

    Raises ValueError where the text is no StableHLO, and NotImplementedError where it has an operation or a type that weft has not; both
    name the line.
    """
    name = "the text"
    if isinstance(text, os.PathLike) or (isinstance(text, str) and "\n" not in text and "(" not in text):
        name = os.fspath(text)
        if os.path.getsize(name) > MOST_BYTES:
            raise StableHloError(f"[import_stablehlo] {name} has more than {MOST_BYTES} bytes")
        with open(name, encoding="utf-8", errors="replace") as file:
            text = file.read()
    if not isinstance(text, str):
        raise TypeError(f"[import_stablehlo] needs text or a path; got {type(text).__name__}")
    return _Writer(parse(text), name).module


class Value:
    """A value of the text: its name in Python and its type. known: the number of a splat; counts: the axis of an iota."""

    __slots__ = ("counts", "known", "name", "type")

    def __init__(self, name: str, type: Type, known: Any = None, counts: int | None = None):
        self.name, self.type, self.known, self.counts = name, type, known, counts


class _Writer:
    """Writes Python, which weft traces as any other. Of the text only numbers become source."""

    def __init__(self, found: dict[str, Function], name: str):
        self.functions = found
        main = found.get("@main") or next((f for f in found.values() if f.is_public), None)
        if main is None:
            raise StableHloError(f"[import_stablehlo] {name} has no function @main")
        self.module = StableHloProgram()
        self.module.train(False)
        self.lines: list[str] = []
        self.indent = 0
        self.names = 0
        self.python: dict[str, str] = {}
        self.scopes: list[dict[str, Value]] = []
        self.line = 0
        for i, function in enumerate(self._called(main)):
            self.python[function.name] = f"_f{i}"
            self._function(function, function is main)
        self.module.code = "\n".join(self.lines) + "\n"
        space: dict[str, Any] = {"__name__": "weft._stablehlo.imported", "weft": weft, "fn": functions}
        exec(compile(self.module.code, f"<{name}>", "exec"), space)
        object.__setattr__(self.module, "forward", space["forward"].__get__(self.module))
        self.module.example_inputs = tuple(weft.empty(t.shape, dtype=self._dtype(t, 0)) for t in main.body.types)

    # ------------------------------------------------------------ functions

    def _called(self, main: Function) -> list[Function]:
        """The functions that main needs, each after those that it calls."""
        order: list[Function] = []
        sizes: dict[str, int] = {}
        open_: set[str] = set()

        def visit(function: Function) -> int:
            if function.name in sizes:
                return sizes[function.name]
            if function.name in open_ or len(open_) > 200:
                raise StableHloError(
                    f"[import_stablehlo] line {function.line}: {function.name} calls itself, or calls are too deep"
                )
            open_.add(function.name)
            size = 1 + count(function.body)
            open_.discard(function.name)
            if size > MOST_LINES:
                raise StableHloError(
                    f"[import_stablehlo] line {function.line}: {function.name} is more than {MOST_LINES} operations long when its calls are written out"
                )
            sizes[function.name] = size
            order.append(function)
            return size

        def count(block: Block) -> int:
            total = 0
            for operation in block.operations:
                total += 1 + sum(count(b) for b in operation.blocks)
                called = self.callee(operation)
                if called:
                    total += visit(called)
            return total

        visit(main)
        return order

    def callee(self, operation: Operation) -> Function | None:
        if operation.name in ("call", "func.call"):
            name = operation.symbols[0] if operation.symbols else operation.attributes.get("callee")
        elif operation.name == "stablehlo.composite":
            name = operation.attributes.get("decomposition")
        else:
            return None
        if name not in self.functions:
            raise StableHloError(f"[import_stablehlo] line {operation.line}: there is no function {name}")
        return self.functions[name]

    def _function(self, function: Function, is_main: bool) -> None:
        python = "forward" if is_main else self.python[function.name]
        arguments = [f"a{i}" for i in range(len(function.body.names))]
        if is_main:
            arguments = _distinct(function.names)
        self.write(f"def {python}({', '.join(['self', *arguments])}):")
        self.indent += 1
        self.scopes.append({})
        for text, name, kind in zip(function.body.names, arguments, function.body.types):
            self._dtype(kind, function.line)
            self.define(text, Value(name, kind), function.line)
            if is_main:
                self.write(f"fn.check({name!r}, {name}, {kind.shape!r}, {self.dtype(kind)})")
        results = self.block(function.body)
        if [str(v.type) for v in results] != [str(t) for t in function.result_types]:
            raise StableHloError(
                f"[import_stablehlo] line {function.line}: {function.name} returns ({', '.join(str(v.type) for v in results)}), and says that it returns "
                f"({', '.join(map(str, function.result_types))})"
            )
        if is_main:
            for i, v in enumerate(results):
                self.write(f"fn.check('result {i}', {v.name}, {v.type.shape!r}, {self.dtype(v.type)})")
            single = len(results) == 1
            self.write(f"return {results[0].name if single else self.tuple(results)}")
            if not results:
                raise Unsupported("@main has no results, and a program without any does nothing")
        else:
            self.write(f"return {self.tuple(results)}")
        self.scopes.pop()
        self.indent -= 1

    # ------------------------------------------------------------ blocks and operations

    def block(self, block: Block) -> list[Value]:
        """Writes the operations; gives the operands of its return."""
        for operation in block.operations:
            if operation.name in ("return", "func.return", "stablehlo.return"):
                return [self.value(name, operation.line) for name in operation.operands]
            self._operation(operation)
        raise StableHloError(f"[import_stablehlo] line {self.line}: a block ends without a return")

    def _operation(self, operation: Operation) -> None:
        self.line = operation.line
        if operation.name in ("stablehlo.custom_call",) and "@shape_assertion" in operation.symbols:
            return
        if len(operation.result_types) != len(operation.results):
            raise StableHloError(
                f"[import_stablehlo] line {operation.line}: {operation.name} has {len(operation.results)} results and {len(operation.result_types)} types"
            )
        operands = [self.value(name, operation.line) for name in operation.operands]
        for kind in operation.result_types:
            self._dtype(kind, operation.line)
        for operand, kind in zip(operands, operation.types):
            if operand.type != kind:
                raise StableHloError(
                    f"[import_stablehlo] line {operation.line}: an operand of {operation.name} is {operand.type}, and said to be {kind}"
                )
        writer = TABLE.get(operation.name)
        try:
            if writer is None:
                raise Unsupported(
                    f"weft has nothing for it; {len(TABLE)} operations are supported (docs/stablehlo.md lists them)"
                )
            given = writer(self, operation, operands)
        except Unsupported as error:
            kinds = ", ".join(str(v.type) for v in operands)
            raise NotImplementedError(
                f"[import_stablehlo] line {operation.line}: {operation.name} of ({kinds}): {error}"
            ) from None
        except (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError, StopIteration) as error:
            if isinstance(error, StableHloError):
                raise
            raise StableHloError(
                f"[import_stablehlo] line {operation.line}: {operation.name} is damaged ({type(error).__name__}: {str(error)[:200]})"
            ) from error
        if isinstance(given, str):
            given = [given]
        if all(isinstance(v, str) for v in given):
            named = [Value(self.fresh(), kind) for kind in operation.result_types]
            if len(given) == len(named):
                for v, expression in zip(named, given):
                    self.write(f"{v.name} = {expression}")
            else:  # one expression of several results
                self.write(f"{self.tuple(named)} = {given[0]}")
            given = named
        for text, v in zip(operation.results, given):
            self.define(text, v, operation.line)

    # ------------------------------------------------------------ for the table

    def fresh(self) -> str:
        self.names += 1
        return f"v{self.names}"

    def write(self, words: str) -> None:
        self.lines.append(" " * (4 * self.indent) + words)
        if len(self.lines) > MOST_LINES:
            raise StableHloError(f"[import_stablehlo] line {self.line}: the program has more than {MOST_LINES} lines")

    def assign(self, expression: str, type: Type) -> Value:
        found = Value(self.fresh(), type)
        self.write(f"{found.name} = {expression}")
        return found

    def define(self, text: str, value: Value, line: int) -> None:
        self.scopes[-1][text] = value

    def value(self, text: str, line: int) -> Value:
        if text.endswith("#0"):
            text = text if any(text in scope for scope in self.scopes) else text[:-2]
        for scope in reversed(self.scopes):
            if text in scope:
                return scope[text]
        raise StableHloError(f"[import_stablehlo] line {line}: there is no value {text[:60]} before")

    def tuple(self, values: list[Value]) -> str:
        return f"({''.join(v.name + ', ' for v in values)})"

    def dtype(self, kind: Type) -> str:
        return f"weft.{DTYPES[kind.element]}"

    def _dtype(self, kind: Type, line: int) -> Any:
        if kind.element not in DTYPES:
            raise NotImplementedError(
                f"[import_stablehlo] line {line}: {kind} has elements that weft has no dtype for; supported are {', '.join(DTYPES)}"
            )
        return getattr(weft, DTYPES[kind.element])

    def constant(self, dense: Any, kind: Type) -> Value:
        tensor = tensor_of(dense, kind)
        name = f"constant{len(self.module._buffers)}"
        self.module.register_buffer(name, tensor)
        return self.assign(f"self._buffers[{name!r}]", kind)

    def region(self, block: Block, given: list[Value | None], line: int) -> str:
        """A nested function of the block. given: values for arguments that are none of the function's. Gives its name."""
        name = f"g{self.fresh()[1:]}"
        arguments = [self.fresh() for g in given if g is None]
        self.write(f"def {name}({', '.join(arguments)}):")
        self.indent += 1
        if self.indent > 15:
            raise Unsupported("more than 15 loops and branches lie within each other")
        self.scopes.append({})
        rest = iter(arguments)
        for text, kind, g in zip(block.names, block.types, given):
            self.define(text, g if g is not None else Value(next(rest), kind), line)
        return name

    def end_region(self, returned: str) -> None:
        self.write(f"return {returned}")
        self.scopes.pop()
        self.indent -= 1


def _distinct(names: list[str | None]) -> list[str]:
    """Names of main's arguments: those that the text has where they are Python's, too."""
    import keyword

    found: list[str] = []
    for i, name in enumerate(names):
        fits = name and name.isascii() and name.isidentifier() and not keyword.iskeyword(name) and len(name) < 60
        reserved = name in ("self", "fn", "weft") or (name or "")[:1] in ("v", "g", "_") and (name or "")[1:].isdigit()
        if not fits or reserved or name in found or (name or "").startswith("_"):
            name = f"arg{i}"
            while name in names or name in found:
                name += "_"
        found.append(str(name))
    return found
