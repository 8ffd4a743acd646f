"""Random programs of aliases, views, writes, gradients and numbers, and what they do: called some times with other arguments and a
state that goes on, everything that Python can see of them is noted."""

import random

import weft

CALLS = 6
_SEEN = (
    "results",
    "x",
    "y",
    "s.w",
    "s.buffer",
    "s.items",
    "s.last",
    "s.scale",
    "s.count",
    "s.log",
    "the tensor that is kept",
)


class State:
    """What a program keeps from call to call."""

    def __init__(self):
        self.w = weft.linspace(-1, 1, 12).reshape(3, 4).requires_grad_()
        self.buffer = weft.arange(12).float().reshape(3, 4)
        self.items = [weft.ones(3, 4), weft.full((3, 4), 0.25)]
        self.items.append(self.items[0][1:])
        self.last = self.buffer
        self.scale, self.count, self.log = 0.5, 0, []


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.names = ["x", "y", "s.buffer", "s.last"]
        self.lines = []
        self.depth = 1

    def pick(self, *choices):
        return self.random.choice(choices)

    def tensor(self):
        if self.random.random() < 0.1:
            return self.pick("s.w", "s.items[n % 3]", "s.items[0]", "s.w.detach()")
        return self.random.choice(self.names)

    def number(self):
        return self.pick(
            "v", "n", "s.scale", "s.count", "v * 0.5", "(n + 1)", "0.75", "2", "-v", "float(n)", "len(s.log)"
        )

    def emit(self, line):
        self.lines.append("    " * self.depth + line)

    def new(self, expression):
        name = f"t{len(self.names)}"
        self.emit(f"{name} = {expression}")
        self.names.append(name)

    def value(self):
        a, b, k = self.tensor(), self.tensor(), self.number()
        return self.pick(
            f"{a} * {k}", f"{a} + {b}.sum()", f"{k} - {a}", f"({a} * 0.5).tanh()", f"{a} * {a}", f"{a}.sum() * {k}",
            f"weft.where({a} > {k}, {a}, {k})", f"{a}.clamp(max={k})", f"weft.full((3, 4), {k}) + {a}.mean()",
            f"{a}.clone()", f"{a}.relu()", f"weft.cat([{a}.flatten(), {b}.flatten()])", f"{a} / ({k} * {k} + 1)",
        )  # fmt: skip

    def view(self):
        a = self.tensor()
        return self.pick(
            a, f"{a}.flatten()", f"{a}.transpose(0, -1)", f"{a}[..., 0]", f"{a}[0]", f"{a}[1:]", f"{a}.flatten()[n % 3 :]",
            f"{a}.flatten()[: 2 + n]", f"{a}.detach()", f"{a}.expand(2, *{a}.shape)", f"{a}.reshape(-1, 1)", f"{a}[None]",
            f"{a}.contiguous()", f"{a}.unsqueeze(-1)", f"{a}.flatten()[::2]",
        )  # fmt: skip

    def write(self):
        a, b, k = self.tensor(), self.tensor(), self.number()
        line = self.pick(
            f"{a}.mul_({k})", f"{a}.add_({b}.sum())", f"{a}[0] = {k}", f"{a}.zero_()", f"{a}.copy_({b}.mean())",
            f"{a}.flatten()[n % 3] = {k}", f"{a}[..., 0] += {k}", f"{a}.fill_({k})", f"{a}.sub_({k})",
        )  # fmt: skip
        if self.random.random() < 0.5:
            self.emit("with weft.no_grad():")
            line = "    " + line
        self.emit(line)

    def gradient(self):
        a, k = self.tensor(), self.number()
        choice = self.random.randrange(6)
        if choice == 0:
            self.emit(f"({a} * s.w.sum() * {k}).sum().backward()")
        elif choice == 1:
            self.new(f"s.w.grad * {k} if s.w.grad is not None else {a}")
        elif choice == 2:
            self.emit("s.w.grad = None")
        elif choice == 3:
            self.new(f"weft.autograd.grad(((s.w * {k}).tanh() * {a}.sum()).sum(), s.w)[0]")
        elif choice == 4:
            self.emit("with weft.no_grad():")
            self.emit(f"    s.w -= 0.1 * {k} * (s.w.grad if s.w.grad is not None else 1)")
        else:
            self.new(f"s.w * {a}.mean()")

    def state(self):
        a, k = self.tensor(), self.number()
        self.emit(
            self.pick(
                "s.count += 1", "s.scale = s.scale * 0.5 + 0.1 * v", f"s.last = {a}", f"s.items[n % 2] = {a}.detach()", "s.log.append(n)",
                f"s.buffer = {a}.detach() * 0.5", f"s.scale = {k}", "s.log.append(v)", f"s.items[1] = {a}.detach().clone()",
            )
        )  # fmt: skip

    def block(self):
        if self.depth > 2:
            return self.new(self.value())
        a, k = self.tensor(), self.number()
        self.emit(
            self.pick(
                f"if {k} > 0.6:", "if n % 2:", "for i in range(n % 3):", f"if {a}.sum() > 0:", f"if {a}.numel() > n:",
                f"if s.last is {a}:", "if s.count % 3 == 1:",
            )
        )  # fmt: skip
        known = list(self.names)
        self.depth += 1
        for _ in range(self.random.randint(1, 2)):
            self.statement()
        self.depth -= 1
        self.names = known

    def statement(self):
        kind = self.random.random()
        if kind < 0.35:
            self.new(self.value())
        elif kind < 0.55:
            self.new(self.view())
        elif kind < 0.7:
            self.write()
        elif kind < 0.8:
            self.gradient()
        elif kind < 0.92:
            self.state()
        else:
            self.block()

    def source(self):
        for _ in range(self.random.randint(4, 10)):
            self.statement()
        results = [self.tensor() for _ in range(self.random.randint(1, 3))]
        self.emit(f"return {', '.join(results)}, {self.number()}")
        return "def program(s, x, y, v, n):\n" + "\n".join(self.lines) + "\n"


def source(seed):
    return Generator(seed).source()


def calls(seed):
    """The arguments of each call: kinds of tensors, a float, an int."""
    draw = random.Random(seed + 1)
    steady = draw.random() < 0.3
    return [
        (
            draw.choice(["new", "kept", "kept", "state", "larger"]),
            draw.choice(["new", "same", "view", "kept"]),
            0.5 if steady else draw.choice([0.25, 0.5, 0.7, 1.5, draw.random()]),
            2 if steady else draw.choice([0, 1, 2, 3, 5, draw.randrange(20)]),
        )
        for _ in range(CALLS)
    ]


def _arguments(call, state, kept, i):
    of_x, of_y, v, n = call
    fresh = lambda k, rows=3: weft.linspace(-1 - k, 1.5 + k, 4 * rows).reshape(rows, 4)
    x = {"kept": kept, "state": state.buffer}.get(of_x)
    x = fresh(i * 0.1, 5 if of_x == "larger" else 3) if x is None else x
    y = {"same": x, "view": x.flatten()[:3] if x.dim() else x, "kept": kept}.get(of_y)
    return x, fresh(i * 0.2) if y is None else y, v, n


def _look(value, known):
    """What can be seen of a value; `known`: the tensors seen before, in order, to tell which are one and which share memory."""
    if isinstance(value, weft.Tensor):
        found = next((i for i, t in enumerate(known) if t is value), None)
        if found is not None:
            return ("seen", found)
        shares = [(i, value.storage_offset()) for i, t in enumerate(known) if weft._C.same_storage(t, value)]
        known.append(value)
        bits = weft._C.raw_bytes(value.detach().contiguous())
        grad = _look(value.grad, known) if value.is_leaf else None
        return (
            value.dtype.name,
            tuple(value.shape),
            value.stride(),
            value.requires_grad,
            value.is_leaf,
            bits,
            shares,
            grad,
        )
    if isinstance(value, (list, tuple)):
        return [_look(item, known) for item in value]
    return (type(value).__name__, repr(value))


def behaviour(function, seed):
    """What calls of the function do, one after the other: results or the error, and the state and arguments after it."""
    state, kept = State(), weft.arange(12).float().reshape(3, 4) * 0.1
    seen = []
    for i, call in enumerate(calls(seed)):
        x, y, v, n = _arguments(call, state, kept, i)
        try:
            result = function(state, x, y, v, n)
        except Exception as error:
            result = (type(error).__name__, str(error))
        known = []
        everything = [
            result,
            x,
            y,
            state.w,
            state.buffer,
            state.items,
            state.last,
            state.scale,
            state.count,
            state.log,
            kept,
        ]
        seen.append([_look(item, known) for item in everything])
    return seen


def compare(seed):
    """None where eager and compiled calls do the same, else the program and the first difference."""
    text = source(seed)
    behaviours = []
    for compiled in (False, True):
        scope = {"weft": weft}
        exec(compile(text, f"program_{seed}.py", "exec"), scope)
        function = scope["program"]
        weft.manual_seed(seed)
        behaviours.append(behaviour(weft.compile(function) if compiled else function, seed))
    for i, (eager, mine) in enumerate(zip(*behaviours, strict=True)):
        for what, a, b in zip(_SEEN, eager, mine, strict=True):
            if a != b:
                return f"seed {seed}, call {i}, {what}: eagerly {a}, compiled {b}\n{text}\n{calls(seed)}"
    return None
