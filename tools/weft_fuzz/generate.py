"""Makes a random program, statement by statement, running each eagerly and comparing it with NumPy."""

from __future__ import annotations

import random
import re

import numpy
import weft

from . import reference
from .elementwise import Elementwise
from .loops import Loops
from .movement import Movement
from .program import Program, Statement, load, scope
from .structured import Structured
from .windows import Windows

FLOATS = ["float32", "float32", "float32", "float64", "float16", "bfloat16"]
INTS = ["int64", "int32", "int16", "int8", "uint8", "uint16", "uint32", "uint64"]
SIZES = [0, 1, 1, 2, 3, 3, 4, 5, 7, 8, 13, 16, 17, 31, 32, 33, 64, 65, 100, 127, 128, 257]
LONG = [300, 511, 1000, 4096, 4097, 5000, 9001]
ROWS = [(600, 130), (1030, 257), (2500, 128)]  # as fusion wants them for sums of their columns
LARGEST = (60_000,) * 20 + (2_000_000,)  # elements of a value
# Errors that operands' values decide.
FAILURE = re.compile("ZeroDivisionError|is out of bounds for dimension|classes must be")
# The statement that makes the record's op, and its kind, where the family does not say.
MAKERS = {"where": "ternary where", "clamp": "ternary clamp", "add_scaled": "ternary add_scaled", "cast": "cast", "mean": "reduce", "var": "reduce", "pad": "move",
          "concatenate": "move cat", "flip": "move", "embedding": "index", "matmul": "product", "linear": "product", "addmm": "product",
          "scaled_dot_product_attention": "product attention", "max": "several", "min": "several", "sort": "several", "topk": "several",
          "var_mean": "several", "conv": "window", "conv_transpose": "window", "max_pool": "window", "max_pool_index": "window",
          **dict.fromkeys(["lu_solve", "solve_ex", "inv_ex", "det", "slogdet", "pinv"], "extern"),
          **dict.fromkeys(["fft_complex", "fft_real", "fft_to_real", "fft_rows", "fft_columns", "fft_real_rows", "fft_to_real_rows", "fft_first",
                           "fft_second"], "fourier"),
          "logcumsumexp": "scan", "searchsorted": "scan", "avg_pool": "window", "channel_var": "window", "normalize_channels": "window"}  # fmt: skip
FAMILIES = {"Reduction": "reduce", "Shape": "view", "Contraction": "product", "Convolution": "window", "Indexing": "index",
            "Creation": "creation", "Composite": "composite", "Extern": "extern", "Scan": "scan", "Segments": "index"}  # fmt: skip

Value = weft.Tensor


class Generator(Elementwise, Structured, Movement, Windows, Loops):
    """The machinery; the others give the statements."""

    def __init__(self, seed, statements, first=0):
        """`first` is the number of the first input and value: programs that become one function need names of their own."""
        self.random = random.Random(seed)
        self.count = self.random.randint(1, 2 * statements - 1)
        self.first = first
        self.largest = self.random.choice(LARGEST)
        self.program = Program()
        self.records = reference.records()
        self.scope = scope()
        self.values: dict[str, Value] = {}
        self.refused: list[str] = []  # valid-looking statements that weft refused
        self.wrong: list[str] = []  # differences from NumPy
        self.gradients = self.chance(0.35)
        self.special = self.chance(0.15)
        self.wanted = None  # the kind of the next statement, where it is not for chance to say
        self.focus = list(self.records)[seed % len(self.records)]  # an op that the program has
        self.fixed: set[str] = set()  # must not be written in place
        self.base = self.shape()
        self.families: dict[str, list] = {}
        for r in self.records.values():
            if r["family"] == "Elementwise" and r["name"] not in ("where", "clamp", "cast"):
                self.families.setdefault(f"elementwise{len(r['operands'])}", []).append(r)

    # Choices.
    def chance(self, p):
        return self.random.random() < p

    def kind(self, choices):
        wanted, self.wanted = self.wanted, None
        return wanted or self.random.choice(choices)

    def shape(self, rank=None):
        rank = self.random.choice([0, 1, 1, 2, 2, 2, 3, 3, 4]) if rank is None else rank
        sizes = [self.random.choice(SIZES) for _ in range(rank)]
        if rank and self.chance(0.15):
            sizes[self.random.randrange(rank)] = self.random.choice(LONG)
        if rank > 1 and self.largest > LARGEST[0] and self.chance(0.5):
            sizes = sizes[: rank - 2] + list(self.random.choice(ROWS))
        elif rank and self.largest > LARGEST[0]:
            sizes[self.random.randrange(rank)] = self.random.choice([40_000, 262_144, 300_007])
        # Without the zeros: an input of size 0 may be expanded from one of size 1.
        while numpy.prod([max(1, n) for n in sizes]) > self.largest / 4:
            at = sizes.index(max(sizes))
            others = [i for i in range(rank) if i != at] if max(sizes) <= self.largest / 4 else [at]
            at = max(others, key=lambda i: sizes[i])
            sizes[at] = max(1, sizes[at] // 3)
        return tuple(sizes)

    def dtype(self, categories=("float",)):
        category = self.random.choice([*categories, *(["float"] * 3 if "float" in categories else [])])
        return self.random.choice({"float": FLOATS, "int": INTS, "bool": ["bool"]}[category])

    def literal(self, dtype):
        if dtype.is_floating_point:
            return self.random.choice([0.5, 2.0, -1.0, 3.0, 0.125, 0.0, 1, 2])
        return self.random.choice([1, 2, 3, 0, 5])

    @staticmethod
    def category(t):
        return "float" if t.dtype.is_floating_point else "bool" if t.dtype is weft.bool else "int"

    def pick(self, accept=lambda t: True):
        """The name of a value that is accepted, the younger the likelier; None where there is none."""
        names = [n for n, t in self.values.items() if accept(t)]
        if not names:
            return None
        for _ in range(3):
            name = names[max(self.random.randrange(len(names)), self.random.randrange(len(names)))]
            t = self.values[name]
            if not t.dtype.is_floating_point or self.special or bool(weft.isfinite(t).all()):
                break
        return name

    def of(self, categories, accept=lambda t: True):
        """A value of one of the categories, fresh where there is none."""
        name = self.pick(lambda t: self.category(t) in categories and accept(t))
        if name is None or self.chance(0.1):
            shape = self.base if accept(weft.zeros(self.base)) else None
            for _ in range(50):
                if shape is not None:
                    return self.fresh(shape, self.dtype(categories))
                candidate = self.shape()
                shape = candidate if accept(weft.zeros(candidate)) else None
        return name

    def like(self, name, categories=None, exact=False):
        """Another value that broadcasts with `name` and mostly has its dtype."""
        x = self.values[name]
        dtypes = [x.dtype] if exact or self.chance(0.8) else None

        def fits(t):
            if (dtypes and t.dtype not in dtypes) or (categories and self.category(t) not in categories):
                return False
            try:
                return numpy.prod(numpy.broadcast_shapes(t.shape, x.shape)) <= self.largest
            except ValueError:
                return False

        other = self.pick(fits)
        if other is None or self.chance(0.15):
            shape = [1 if self.chance(0.2) else n for n in x.shape][self.random.choice([0, 0, 0, 1]) if x.ndim else 0 :]
            other = self.fresh(tuple(shape), x.dtype.name)
        return other

    # Inputs and statements.
    def fresh(self, shape, dtype, kind=None, layout=None):
        name = f"x{self.first + len(self.program.inputs)}"
        shape = tuple(shape)
        if kind is None:
            kind = (
                "special"
                if self.special and self.chance(0.5)
                else self.random.choice(["normal"] * 4 + ["positive", "ties"])
            )
        if layout is None:
            layouts = ["plain"] * 4 + ["offset"]
            if shape:
                layouts += ["transposed", "sliced", "expanded" if not self.gradients else "sliced"]
            layout = self.random.choice(layouts)
        text = f"make({self.random.randrange(10**6)}, {shape}, {dtype!r}, {kind!r}, {layout!r})"
        self.program.inputs.append(Statement(name, text))
        self.values[name] = eval(text, self.scope)
        if self.gradients:
            self.fixed.add(name)
            if dtype in FLOATS and self.chance(0.8) and not kind.startswith("index"):
                self.program.wrt.append(name)
        return name

    def emit(self, expression, op=None, operands=(), attrs=(), writes=False):
        """Adds a statement and compares it with the op's record on `operands` (tensors) and `attrs`; its target, or None."""
        target = None if writes else f"v{self.first + len(self.program.statements)}"
        statement = Statement(target, expression)
        self.last = Program(self.program.inputs, [*self.program.statements, statement])
        exact = None
        if op is not None and all(o is None or isinstance(o, (Value, list)) for o in operands):
            exact = [None if o is None else reference.array_of(o) for o in operands]
        try:
            result = (
                eval(expression, self.scope, self.values) if not writes else exec(expression, self.scope, self.values)
            )
        except (RuntimeError, TypeError, IndexError, ValueError, NotImplementedError) as error:
            if FAILURE.search(str(error)) and self.chance(0.3):
                self.program.statements.append(statement)
                self.program.fails = True
            else:
                self.refused.append(f"{expression}   [{self.describe(statement)}]: {type(error).__name__}: {error}")
            return None
        self.program.statements.append(statement)
        if writes:
            return None
        self.values[target] = result
        if exact is not None:
            want = reference.expected(self.records[op], exact, attrs)
            if want is not None and (why := reference.difference(result, want, self.records[op], exact, attrs)):
                self.wrong.append(f"{expression}   [{self.describe(statement)}]: {why}")
        return target

    def describe(self, statement):
        used = sorted(statement.uses)
        return ", ".join(
            f"{n}: {self.values[n].dtype.name}{list(self.values[n].shape)}" for n in used if n in self.values
        )

    def step(self):
        kinds = [self.unary] * 6 + [self.binary] * 6 + [self.ternary] * 2 + [self.cast] * 2 + [self.write]
        kinds += [self.reduce] * 4 + [self.view] * 5 + [self.move] * 3 + [self.index] * 2
        kinds += (
            [self.product] * 3
            + [self.composite] * 3
            + [self.window] * 2
            + [self.layer] * 2
            + [self.creation, self.several, self.extern, self.fourier, self.scan, self.loop]
        )
        self.random.choice(kinds)()

    def statementOf(self, op):
        record = self.records[op]
        if op in MAKERS or record["family"] in FAMILIES:
            maker, *kind = MAKERS.get(op, FAMILIES.get(record["family"])).split(" ")
            self.wanted = kind[0] if kind else op
        else:
            maker, self.wanted = {1: "unary", 2: "binary"}[len(record["operands"])], record
        getattr(self, maker)()
        self.wanted = None

    def generate(self):
        for _ in range(self.random.choice([1, 1, 2, 3])):
            shape = self.base if self.chance(0.7) else self.shape()
            self.fresh(shape, self.dtype(("float", "float", "int", "bool")))
        for _ in range(20):
            if self.program.statements:
                break
            self.statementOf(self.focus)
        while len(self.program.statements) < self.count and len(self.refused) < 10 and not self.program.fails:
            self.step()
        targets = [s.target for s in self.program.statements if s.target]
        used = set().union(*(s.uses for s in self.program.statements)) if targets else set()
        results = [t for t in targets if t not in used or self.chance(0.25)]
        self.program.results = results or targets[-1:]
        if not self.program.fails:
            self.program.losses = [t for t in targets if self.values[t].dtype.is_floating_point and t not in used][:4]
        if not self.program.losses:
            self.program.wrt = []
        return self.program


def generate(seed, statements, first=0):
    """The program, what was refused and what NumPy says otherwise."""
    weft.manual_seed(0)
    maker = Generator(seed, statements, first)
    program = maker.generate()
    if program.wrt and not differentiable(program):
        program.wrt = []
    return program, maker.refused, maker.wrong


def differentiable(program):
    """False where no loss depends on an input, or a value that backward needs was written to since."""
    functions = load([program])
    try:
        functions["program"](*functions["inputs"]())
    except RuntimeError as error:
        return not re.search(
            "does not require grad|requires_grad|no gradient|modified by an inplace|in an in-place operation",
            str(error),
        )
    return True
