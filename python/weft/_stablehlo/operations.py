"""Operations, in their short and their generic form, and the regions that they hold."""

from __future__ import annotations

from .attributes import AttributeParser
from .syntax import Block, Operation


class OperationParser(AttributeParser):
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
