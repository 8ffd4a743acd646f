"""Calls every public callable with random arguments, most of them wrong.

    tools/dev python test/python/hostile_calls.py [--calls N] [--seed S] [--only TEXT] [--keep-going]

A call may give anything or raise a Python exception of a known class, whose message has the package's form `[op] what ...` and no
wording of what lies beneath. The first that does otherwise is printed and ends the run with status 1; so that a crash can be traced, the
call that is running is always on the last line of the file --log.
"""

import argparse
import inspect
import os
import random
import re
import resource
import sys
import warnings

import numpy
import weft
from weft import nn

KNOWN = {
    TypeError, ValueError, IndexError, RuntimeError, NotImplementedError, OverflowError, MemoryError, KeyError, BufferError, AssertionError, ZeroDivisionError,
    AttributeError, weft.linalg.LinAlgError, weft.OutOfMemoryError,
}  # fmt: skip
FORM = re.compile(
    r"^'?\[[\w. ]+\] |^[\w.]+(\(\) (got|takes|missing)| expected at most) |^cannot create '|^'.*' is an invalid keyword "
)  # or Python's own, of a class's arguments
LEAKED = re.compile(
    r"std::|weft::|pybind|Ref<|vector<|basic_string|C\+\+|incompatible (function|constructor)|<locals>|<lambda>|has no attribute|"
    r"not subscriptable|weft\._C|long long|C long|ssize_t|\bllvm\b|\bmlir\b|assert",
)
# They change the process, read or write files, start others, or take functions that are run.
LEFT_OUT = re.compile(
    r"^weft\.(set_|save$|load$|export$|compile$|explain$|manual_seed$|cuda|inference_mode|no_grad|enable_grad|autocast)|"
    r"_hook$|\.apply$|^Tensor\.(data_ptr|set_|map_|share_memory_|pin_memory|cuda)$|^utils\.data\.get_worker_info|^autograd\.(Function|graph)"
)
HELPERS = {
    "public",
    "public_with_short_cut",
    "reduction_of",
    "sizes",
    "padding_index",
    "probability",
    "vector_norm",
    "in_float32",
}  # imported where they are used
OPERATORS = [
    "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift", "eq", "ne", "lt", "le",
    "gt", "ge", "getitem", "setitem", "iadd", "isub", "imul", "itruediv", "neg", "abs", "invert", "bool", "float", "int", "index", "len",
    "contains", "format",
]  # fmt: skip
DTYPES = [
    weft.float32, weft.float64, weft.float16, weft.bfloat16, weft.int64, weft.int32, weft.int16, weft.int8, weft.uint8, weft.uint16, weft.uint32, weft.uint64, weft.bool,
]  # fmt: skip


def callables():
    """Name → callable of the public surface."""
    found = {}
    for prefix, module in (
        ("weft", weft), ("nn.functional", nn.functional), ("nn.init", nn.init), ("nn", nn), ("optim", weft.optim),
        ("autograd", weft.autograd), ("utils.data", weft.utils.data), ("optim.lr_scheduler", weft.optim.lr_scheduler),
        ("optim.swa_utils", weft.optim.swa_utils), ("amp", weft.amp), ("nn.utils", nn.utils), ("nn.utils.rnn", nn.utils.rnn),
        ("nn.utils.prune", nn.utils.prune), ("nn.utils.parametrizations", nn.utils.parametrizations),
        ("distributions", weft.distributions), ("special", weft.special), ("linalg", weft.linalg),
    ):  # fmt: skip
        for name in getattr(module, "__all__", dir(module)):
            value = getattr(module, name)
            if (
                not name.startswith("_")
                and callable(value)
                and (getattr(value, "__module__", "") or "").startswith("weft")
            ):
                found[f"{prefix}.{name}"] = value
    for name in dir(weft.Tensor):
        if not name.startswith("_") and callable(getattr(weft.Tensor, name)):
            found[f"Tensor.{name}"] = getattr(weft.Tensor, name)
    import operator

    for name in OPERATORS:
        builtin = {"bool": bool, "float": float, "int": int, "len": len, "format": format}.get(name)
        found[f"operator.{name}"] = builtin or getattr(operator, name, None) or getattr(operator, name + "_")
    return {
        name: value
        for name, value in sorted(found.items())
        if not LEFT_OUT.search(name) and name.split(".")[-1] not in HELPERS
    }


class Generator:
    """Arguments from a seeded random stream."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def one_of(self, values):
        return self.random.choice(values)

    def size(self):
        return self.one_of([0, 1, 1, 2, 2, 3, 3, 4, 5])

    def tensor(self):
        r = self.random
        shape = [self.size() for _ in range(r.choice([0, 1, 1, 2, 2, 2, 3, 4]))]
        dtype = r.choice(DTYPES[:1] * 6 + DTYPES)
        x = weft.tensor(numpy.array(r.choices([0, 1, 2, 3, -1, 5], k=int(numpy.prod(shape)))).reshape(shape)).to(dtype)
        kind = r.random()
        if kind < 0.15 and x.ndim > 1:
            x = x.transpose(0, -1)
        elif kind < 0.25 and x.ndim:
            x = x[..., ::2]
        elif kind < 0.3:
            x = x.unsqueeze(0).expand(3, *x.shape)
        if dtype.is_floating_point and r.random() < 0.2:
            x = x.detach().requires_grad_()
        return x

    def integer(self):
        return self.one_of(
            [0, 0, 1, 1, -1, -1, 2, -2, 3, 4, 7, 100, 2**31, -(2**31) - 1, 2**62, 2**63 - 1, 2**63, -(2**63), 2**70]
        )

    def dim(self):
        return self.one_of([0, 0, 1, 1, -1, -1, 2, -2, 3, -4])

    def real(self):
        return self.one_of([0.0, -0.0, 0.5, 1.0, -1.5, 1e-5, 1e308, 1e-320, float("inf"), float("-inf"), float("nan")])

    def odd(self):
        """What hardly any function takes."""
        return self.one_of([
            "", "a", "mean", "none", "cpu", "tpu", "float32", "\0", "é\ud800", b"ab", bytearray(4), {}, {"a": 1}, {1, 2}, object(), int, float,
            numpy.float32, weft.Tensor, len, print, 1j, ..., NotImplemented, slice(None), slice(1, 0, -1), range(3), iter([1]), type,
            memoryview(b"abcd"), numpy.ones(2), numpy.zeros((2, 0)), numpy.array(1), numpy.int64(2), numpy.bool_(True), numpy.array("a"),
            numpy.float64(1), weft.device("cpu"), weft.float32, nn.Linear(2, 3), nn.Parameter(weft.ones(2)), ValueError("a"), [[[]]], [None],
        ])  # fmt: skip

    def value(self, depth=0):
        make = self.random.choices(
            [self.tensor, self.integer, self.dim, self.real, self.odd, lambda: None, lambda: self.one_of([True, False]),
             lambda: self.one_of(DTYPES), lambda: self.sequence(depth)],
            [30, 6, 20, 8, 10, 6, 8, 4, 12],
        )[0]  # fmt: skip
        return make()

    def sequence(self, depth):
        kind = self.random.random()
        count = self.size()
        if kind < 0.5:
            items = [self.dim() for _ in range(count)]
        elif kind < 0.75:
            items = [self.tensor() for _ in range(count)]
        elif kind < 0.8:
            items = [self.dim()] * self.one_of([9, 65, 200])
        else:
            items = [self.value(depth + 1) if depth < 3 else 0 for _ in range(count)]
        return self.one_of([list, tuple])(items)

    def call(self, name, function):
        """(arguments, keywords) of one call."""
        keywords = {}
        arguments = [self.value() for _ in range(self.one_of([0, 1, 1, 2, 2, 2, 3, 3, 4, 5, 7]))]
        if (
            name.startswith(("Tensor.", "weft.", "nn.functional", "nn.init", "operator"))
            and self.random.random() < 0.85
        ):
            arguments.insert(0, self.tensor())
        try:
            names = list(inspect.signature(function).parameters)
        except (ValueError, TypeError):
            names = []
        for _ in range(self.one_of([0, 0, 0, 1, 1, 2])):
            key = (
                self.one_of(names)
                if names and self.random.random() < 0.9
                else self.one_of(["dim", "out", "x", "é", "dtype"])
            )
            keywords[key] = self.value()
        if names and self.random.random() < 0.5:  # by name what was left to give
            arguments = arguments[: self.random.randint(0, len(arguments))]
        return arguments, keywords


def describe(value):
    if isinstance(value, weft.Tensor):
        if value.layout is not weft.strided:
            return f"Tensor({value.dtype}, {list(value.shape)}, {value.layout})"
        return f"Tensor({value.dtype}, {list(value.shape)}, {list(value.stride())}, {value.requires_grad})"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(describe, value[:12])) + (", ...]" if len(value) > 12 else "]")
    return ascii(value)[:80].replace("\n", " ")


def complaint(error, name):
    """What is wrong with an exception, or None."""
    text = str(error)
    if type(error) not in KNOWN:
        return f"class {type(error).__name__}"
    if LEAKED.search(text):
        return "wording"
    if type(error) in (MemoryError, OverflowError, KeyError) or FORM.match(text):
        return None
    if name.startswith("operator."):
        return None  # Python's own: the other operand refused
    return "form"


def bound_memory():
    limit = 6 << 30
    if "ASAN_OPTIONS" not in os.environ:  # a sanitizer reserves more than there is, and has its own bound
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(calls, seed, log, only="", keep_going=False):
    """The number of calls that went wrong."""
    warnings.simplefilter("ignore")
    targets = {name: value for name, value in callables().items() if only in name}
    names = list(targets)
    wrong = {}
    for number in range(calls):
        generator = Generator(f"{seed} {number}")
        name = generator.one_of(names)
        arguments, keywords = generator.call(name, targets[name])
        listed = [*map(describe, arguments), *(f"{ascii(key)}={describe(value)}" for key, value in keywords.items())]
        text = f"--seed {seed} call {number}: {name}({', '.join(listed)})"
        os.write(log, (text + "\n").encode())
        problem = None
        try:
            result = targets[name](*arguments, **keywords)
            if (
                isinstance(result, nn.Module)
                and None not in result._modules.values()
                and generator.random.random() < 0.7
            ):
                result(*generator.call("nn.functional.", result.forward)[0])
            elif isinstance(result, weft.optim.Optimizer):
                result.step()
            elif isinstance(result, weft.Tensor) and result.numel() < 1000:
                result.tolist()
        except Exception as error:
            ours = not name.startswith("operator.") or any(isinstance(a, weft.Tensor) for a in arguments)
            problem = complaint(error, name) if ours else None
            message = f"{type(error).__name__}: {ascii(str(error))[:300]}"
        if problem and (problem, name, message[:40]) not in wrong:
            wrong[problem, name, message[:40]] = True
            print(f"{problem}: {message}\n    {text[:600]}", flush=True)
            if not keep_going:
                break
    return len(wrong)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--seed", default=None, help="default: a new one, printed")
    parser.add_argument("--only", default="", help="callables whose name holds this text")
    parser.add_argument(
        "--keep-going", action="store_true", help="print each kind of mistake once instead of ending with the first"
    )
    parser.add_argument("--log", default=os.devnull)
    options = parser.parse_args()
    seed = options.seed or str(random.SystemRandom().randrange(10**9))
    print(f"hostile calls: --seed {seed}", flush=True)
    bound_memory()
    log = os.open(options.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    sys.exit(1 if run(options.calls, seed, log, options.only, options.keep_going) else 0)


if __name__ == "__main__":
    main()
