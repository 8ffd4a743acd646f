"""The statements of generate.py that run functions of their own: loops and branches. Each is compared with the same steps in Python."""

from __future__ import annotations

import weft

from .bits import bits

STEPS = [  # of the carry c, an entry e and a tensor w, all of one shape
    "weft.tanh(c * 0.5 + e)",
    "weft.maximum(c, e) - c * 0.25",
    "weft.sin(e) * w + c * 0.5",
    "weft.where(e > w, c * 0.5, e)",
    "weft.exp(weft.minimum(e, w) - 2.0) - c * 0.125",
]
LONGEST = 40  # steps


class Loops:
    def loop(self):
        kind = self.kind(["scan", "scan", "map", "while_loop", "cond"])
        fits = lambda t: t.ndim > 0 and 0 < t.numel() < 5000 and t.shape[0] <= LONGEST
        name = self.of(["float"], fits) or self.fresh((3, 5), "float32")
        x = self.values[name]
        w = self.fresh(x.shape if kind in ("while_loop", "cond") else x.shape[1:], x.dtype.name)
        steps = self.random.choice(STEPS), self.random.choice(STEPS)
        getattr(self, f"_{kind}")(name, x, w, *steps)

    def _scan(self, name, x, w, first, second):
        carry, reverse, which = self.fresh(x.shape[1:], x.dtype.name), self.chance(0.3), self.random.randrange(2)
        step = f"lambda c, e, w={w}: ({first}, {second})"
        target = self.emit(f"weft.scan({step}, {carry}, {name}, reverse={reverse})[{which}]")

        def loop(step):
            c, ys = self.values[carry], []
            for i in reversed(range(len(x))) if reverse else range(len(x)):
                c, y = step(c, x[i])
                ys.append(y)
            return (c, weft.stack(ys[::-1] if reverse else ys))[which]

        self._compare(target, step, loop)

    def _map(self, name, x, w, first, _):
        step = f"lambda e, w={w}: (lambda c: {first})(e * 2.0)"
        target = self.emit(f"weft.map({step}, {name})")
        self._compare(target, step, lambda step: weft.stack([step(e) for e in x]))

    def _while_loop(self, name, x, w, first, _):
        count = self.random.randint(0, 5)
        step = f"lambda c, w={w}: (lambda e: {first})(c * 0.5)"
        text = f"lambda n, c: n < {count}, lambda n, c, step=({step}): (n + 1, step(c))"
        target = self.emit(f"weft.while_loop({text}, (weft.tensor(0), {name}.detach()))[1]")

        def loop(step):
            c = x.detach()
            for _ in range(count):
                c = step(c)
            return c

        self._compare(target, step, loop)

    def _cond(self, name, x, w, first, second):
        steps = [f"lambda e, w={w}: (lambda c: {one})(e * 2.0)" for one in (first, second)]
        condition = f"{name}.reshape(-1)[0] > 0"
        target = self.emit(f"weft.cond({condition}, {steps[0]}, {steps[1]}, ({name},))")
        self._compare(target, steps[not eval(condition, self.scope, self.values)], lambda step: step(x))

    def _compare(self, target, step, loop):
        """With the same steps as a Python loop."""
        if target is None:
            return
        with weft.no_grad():
            expected = loop(eval(step, self.scope, self.values))
        if bits([self.values[target]]) != bits([expected]):
            self.wrong.append(f"{self.program.statements[-1].text}: not the bits of the same steps in Python")
