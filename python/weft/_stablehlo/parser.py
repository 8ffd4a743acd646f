"""StableHLO text to operations: what jax, XLA and weft print, in its short and its generic form."""

from __future__ import annotations

from .operations import OperationParser
from .syntax import Block, Function, Type


def parse(text: str) -> dict[str, Function]:
    """The functions of a module by their names. Raises StableHloError, which names the line."""
    return _Parser(text).module()


class _Parser(OperationParser):
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
