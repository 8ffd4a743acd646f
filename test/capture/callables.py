"""Callables that hide what they do, and names of what is not the program's own."""

import collections
import functools
import io
import itertools
import operator
import random
import sys
import time
import types
import warnings
from os import environ, getenv
from threading import current_thread, get_ident
from time import perf_counter

import numpy
import weft
from corpus import Corpus

corpus = Corpus()
program = corpus.program
clock = itertools.count().__next__


def with_log(use):
    """A function that appends to a list by `use(log)`, made before."""

    def make():
        log = []
        call = use(log)

        def f(x):
            call(1)
            return x + len(log)

        return f, lambda: list(log)

    return make


def with_table(use):
    def make():
        table = {"a": 1.0}
        read = use(table)
        return lambda x: x * read("a"), None, lambda i: table.update(a=float(i // 2))

    return make


class Log:
    def __init__(self, log):
        self.log = log

    def __call__(self, value):
        self.log.append(value)

    def method(self, value):
        self.log.append(value)


APPENDERS = {
    "a_bound_method": lambda log: log.append,
    "a_partial": lambda log: functools.partial(log.append),
    "a_partial_of_insert": lambda log: functools.partial(log.insert, 0),
    "a_lambda": lambda log: lambda v: log.append(v),
    "an_object": Log,
    "a_method": lambda log: Log(log).method,
    "a_methodcaller": lambda log: lambda v: operator.methodcaller("append", v)(log),
    "a_descriptor": lambda log: functools.partial(list.append, log),
    "a_method_wrapper": lambda log: lambda v: log.__iadd__([v]),
    "a_map": lambda log: lambda v: list(map(log.append, [v])),
    "a_filter": lambda log: lambda v: list(filter(log.append, [v])),
    "a_starmap": lambda log: lambda v: list(itertools.starmap(log.append, [(v,)])),
    "a_sort_key": lambda log: lambda v: sorted([v], key=log.append),
    "a_deque_of_a_map": lambda log: lambda v: collections.deque(map(log.append, [v]), maxlen=0),
    "a_reduce": lambda log: lambda v: functools.reduce(lambda a, b: a.append(b) or a, [v], log),
    "setattr_of_a_property": lambda log: lambda v: log.extend([v]),
    "slice_assignment": lambda log: lambda v: log.__setitem__(slice(len(log), None), [v]),
}
for name, use in APPENDERS.items():
    corpus.add(f"appends_by_{name}", with_log(use))

READERS = {
    "get": lambda table: table.get,
    "getitem": lambda table: table.__getitem__,
    "partial": lambda table: functools.partial(table.get),
    "itemgetter": lambda table: lambda key: operator.itemgetter(key)(table),
    "mapping": lambda table: lambda key: list(map(table.get, [key]))[0],
    "proxy": lambda table: types.MappingProxyType(table).get,
    "chain_map": lambda table: collections.ChainMap(table).get,
}
for name, use in READERS.items():
    corpus.add(f"reads_by_{name}", with_table(use))

PRINTERS = {
    "partial": lambda: functools.partial(print, "hello"),
    "map": lambda: lambda: list(map(print, ["hello"])),
    "filter": lambda: lambda: list(filter(print, ["hello"])),
    "starmap": lambda: lambda: list(itertools.starmap(print, [("hello",)])),
    "sorted": lambda: lambda: sorted(["hello"], key=print),
    "max": lambda: lambda: max(["hello"], key=lambda v: print(v) or 1),
    "variable": lambda: print,
    "default": lambda: lambda say=print: say("hello"),
    "dict": lambda: {"say": print}["say"],
    "stdout": lambda: lambda: sys.stdout.write("hello"),
    "getattr": lambda: lambda: getattr(sys, "stdout").write("hello"),  # noqa: B009
    "eval": lambda: lambda: eval("print('hello')"),
    "exec": lambda: lambda: exec("print('hello')"),
    "iter": lambda: lambda: list(iter(lambda: print("hello"), None)),
    "any": lambda: lambda: any(map(print, "ab")),
    "comprehension": lambda: lambda: [print(v) for v in "ab"],
    "reduce": lambda: lambda: functools.reduce(print, ["a", "b"]),
    "nested": lambda: lambda: (lambda: (lambda: print("deep"))())(),
    "format": lambda: lambda: print(f"{3:>4}", end=""),
}
for name, make_printer in PRINTERS.items():

    def made(make_printer=make_printer):
        say = make_printer()
        return lambda x: (say(), x + 1)[1]

    corpus.add(f"prints_by_{name}", made)


@program()
def warns():
    def f(x):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            warnings.warn("careful", stacklevel=1)
        return x * len(seen)

    return f


@program()
def counts_warnings():
    seen = []
    show = lambda *args, **kwargs: seen.append(str(args[0]))

    def change(i):
        warnings.showwarning, warnings.filters[:] = show, [("always", None, Warning, None, 0)]

    before = warnings.showwarning, list(warnings.filters)

    def state():
        warnings.showwarning, warnings.filters[:] = before[0], before[1]
        return list(seen)

    def f(x):
        warnings.warn("careful", stacklevel=1)
        return x * 2

    return f, state, change


@program()
def reads_the_environment():
    return lambda x: x * float(getenv("WEFT_CORPUS", "1")), None, lambda i: environ.update(WEFT_CORPUS=str(i // 2))


@program()
def reads_the_environments_dict():
    return lambda x: x * float(environ["WEFT_CORPUS"]), None, lambda i: environ.update(WEFT_CORPUS=str(i // 2))


@program()
def reads_the_clock():
    return lambda x: perf_counter() > time.perf_counter() - 60 and x * (time.time() > 0)


@program()
def asks_which_thread_it_is():
    first = get_ident()
    return lambda x: x * (2 if get_ident() == first else 3)


@program()
def asks_for_the_thread():
    return lambda x: x * (2 if current_thread().name == "MainThread" else 3)


@program()
def counts_by_a_method_wrapper():
    tick = itertools.count(1).__next__
    return lambda x: x * tick()


@program()
def iterates_with_a_sentinel():
    values = [1.0, 2.0, None] * 10
    return lambda x: [x * v for v in iter(functools.partial(values.pop, 0), None)], lambda: len(values)


@program()
def reads_lines():
    file = io.StringIO("1\n2\n3\n4\n5\n6\n7\n")
    return lambda x: x * float(next(file))


@program()
def reads_lines_by_readline():
    file = io.StringIO("1\n2\n3\n4\n5\n6\n7\n")
    return lambda x: x * float(file.readline())


@program()
def remembers_results():
    table = {"factor": 1.0}

    @functools.cache
    def factor(name):
        return table[name]

    def change(i):
        table["factor"] = float(i)
        if i == 3:
            factor.cache_clear()

    return lambda x: x * factor("factor"), None, change


@program()
def remembers_tensors():
    @functools.cache
    def constant(n):
        return weft.ones(3) * n

    return lambda x: (constant(2).add_(x), constant(2) * 1)[1]


@program()
def calls_a_partial_of_its_own():
    def scaled(x, factor, shift=0.0):
        return x * factor + shift

    call = functools.partial(scaled, factor=2.0)
    return lambda x: call(x), None, lambda i: call.keywords.update(factor=float(i // 2))


@program()
def dispatches_on_a_type():
    @functools.singledispatch
    def kind(v):
        return 1.0

    def change(i):
        if i == 3:
            kind.register(str)(lambda v: 2.0)

    return lambda x: x * kind("a"), None, change


@program()
def draws_from_its_own_generator():
    generator = random.Random(3)
    return lambda x: x * generator.random()


@program()
def draws_from_numpys_generator():
    generator = numpy.random.default_rng(3)
    return lambda x: x * float(generator.random())


@program()
def draws_by_a_default():
    numpy.random.seed(3)

    def f(x, rng=numpy.random):
        return x * float(rng.rand())

    return f


@program()
def reads_the_number_of_threads():
    before = weft.get_num_threads()
    return (
        lambda x: x * weft.get_num_threads(),
        lambda: weft.set_num_threads(before),
        lambda i: weft.set_num_threads(1 + i // 2 % 2),
    )


@program()
def imports_inside():
    module = types.ModuleType("corpus_settings")
    module.factor = 1.0
    sys.modules["corpus_settings"] = module

    def f(x):
        import corpus_settings

        return x * corpus_settings.factor

    return f, None, lambda i: setattr(module, "factor", float(i // 2))


@program()
def imports_a_name_inside():
    module = types.ModuleType("corpus_settings")
    module.factor = 1.0
    sys.modules["corpus_settings"] = module

    def f(x):
        from corpus_settings import factor

        return x * factor

    return f, None, lambda i: setattr(module, "factor", float(i // 2))


@program()
def finds_a_module_by_getattr():
    holder = types.SimpleNamespace(settings=types.ModuleType("held"))
    holder.settings.factor = 1.0
    return (
        lambda x: x * getattr(holder, "sett" + "ings").factor,
        None,
        lambda i: setattr(holder.settings, "factor", float(i // 2)),
    )


@program()
def is_given_a_module():
    return lambda x, settings=types.SimpleNamespace(m=sys.modules["math"]): x * settings.m.pi


t = 0.0


@program(replays=True)
def reads_no_global_of_an_attributes_name():
    def change(i):
        global t
        t = perf_counter()

    return lambda x: x.view(3, 1).t() * 2, None, change


corpus.add(
    "is_given_a_function",
    lambda: lambda x, f: f(x),
    lambda: [[weft.ones(3), f] for f in (weft.neg, weft.exp, lambda v: v * 2, weft.neg, operator.neg, abs)],
)
