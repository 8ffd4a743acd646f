"""StableHLO text as tokens."""

from __future__ import annotations

import re
from typing import NoReturn

DEEPEST = 64  # regions and brackets within each other

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


class Lexer:
    """The tokens, and at which of them the parser is. Errors name its line."""

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
