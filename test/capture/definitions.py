"""What a function, a class or a module is, and that it became another."""

import abc
import builtins
import collections.abc
import types

import weft
from corpus import CALLS, Corpus, three
from weft import nn

F = nn.functional
corpus = Corpus()
program = corpus.program


def at(i, change):
    """A change before the calls 2 and 4."""
    if i in (2, 4):
        change(float(i))


def same():
    return [[three()]] * CALLS


def helper_of(factor):
    return lambda x: x * factor


FUNCTION_CHANGES = {
    "defaults": (lambda f, v: setattr(f, "__defaults__", (v,))),
    "keyword_defaults": (lambda f, v: f.__kwdefaults__.update(shift=v)),
    "all_keyword_defaults": (lambda f, v: setattr(f, "__kwdefaults__", {"shift": v})),
    "an_attribute": (lambda f, v: setattr(f, "extra", v)),
}
for name, change in FUNCTION_CHANGES.items():

    def make(change=change):
        def f(x, factor=1.0, *, shift=0.0):
            return x * factor + shift + getattr(f, "extra", 0.0)

        return f, None, lambda i: at(i, lambda v: change(f, v))

    def make_inner(change=change):
        def inner(x, factor=1.0, *, shift=0.0):
            return x * factor + shift + getattr(inner, "extra", 0.0)

        return lambda x: inner(x) * 2, None, lambda i: at(i, lambda v: change(inner, v))

    corpus.add(f"function_gets_other_{name}", make, same, replays=True)
    corpus.add(f"function_that_is_called_gets_other_{name}", make_inner, same, replays=True)


@program(same)
def function_gets_other_code():
    def inner(x):
        return x * 2

    return (
        lambda x: inner(x) + 1,
        None,
        lambda i: at(i, lambda v: setattr(inner, "__code__", (lambda x: x * 77).__code__)),
    )


@program()
def counts_its_calls():
    def f(x):
        f.calls += 1
        return x * f.calls

    f.calls = 0
    return f, lambda: f.calls


@program()
def calls_a_function_that_counts():
    def inner(x):
        inner.calls = getattr(inner, "calls", 0) + 1
        return x * inner.calls

    return lambda x: inner(x), lambda: inner.calls


class Base:
    factor = 1.0

    def scaled(self, x):
        return x * self.factor


class Other:
    factor = 5.0

    def scaled(self, x):
        return x * self.factor + 1


def fresh_classes():
    first = type("First", (), dict(vars(Base), __dict__=None) and {"factor": 1.0, "scaled": Base.scaled})
    second = type("Second", (first,), {})
    other = type("Third", (), {"factor": 5.0, "scaled": Other.scaled})
    return first, second, other


CLASS_CHANGES = {
    "an_attribute_of_the_base": lambda a, b, c, o, v: setattr(a, "factor", v),
    "an_attribute_of_the_class": lambda a, b, c, o, v: setattr(b, "factor", v),
    "an_attribute_of_the_object": lambda a, b, c, o, v: setattr(o, "factor", v),
    "a_method_of_the_base": lambda a, b, c, o, v: setattr(a, "scaled", lambda self, x: x * v * 2),
    "a_method_of_the_class": lambda a, b, c, o, v: setattr(b, "scaled", lambda self, x: x * v * 3),
    "a_method_of_the_object": lambda a, b, c, o, v: setattr(o, "scaled", lambda x: x * v * 4),
    "bases": lambda a, b, c, o, v: setattr(b, "__bases__", (c,)),
    "class": lambda a, b, c, o, v: setattr(o, "__class__", c),
    "a_property": lambda a, b, c, o, v: setattr(b, "factor", property(lambda self: v)),
    "getattribute": lambda a, b, c, o, v: setattr(b, "__getattr__", lambda self, name: v),
}
for name, change in CLASS_CHANGES.items():

    def make(change=change):
        first, second, other = fresh_classes()
        thing = second()
        return lambda x: thing.scaled(x), None, lambda i: at(i, lambda v: change(first, second, other, thing, v))

    corpus.add(f"class_gets_other_{name}", make, same, replays=True)


@program(calls=same)
def reads_an_attribute_of_the_metaclass():
    class Meta(type):
        factor = 1.0

    class Thing(metaclass=Meta):
        pass

    return lambda x: x * Thing.factor, None, lambda i: at(i, lambda v: setattr(Meta, "factor", v))


@program(calls=same)
def reads_a_property_of_the_metaclass():
    class Meta(type):
        value = 1.0

        @property
        def factor(cls):
            return cls.value

    class Thing(metaclass=Meta):
        pass

    return lambda x: x * Thing.factor, None, lambda i: at(i, lambda v: setattr(Thing, "value", v))


@program(calls=same)
def asks_an_abstract_class():
    class Kind(abc.ABC):  # noqa: B024
        pass

    class Thing:
        pass

    thing = Thing()
    return lambda x: x * (2 if isinstance(thing, Kind) else 3), None, lambda i: at(i, lambda v: Kind.register(Thing))


@program(calls=same)
def asks_an_abstract_class_of_the_library():
    class Thing:
        pass

    def change(i):
        if i == 2:
            collections.abc.Sequence.register(Thing)

    thing = Thing()
    return lambda x: x * (2 if isinstance(thing, collections.abc.Sequence) else 3), None, change


@program(calls=same)
def uses_a_private_attribute():
    class Thing:
        def __init__(self):
            self.__value = 1.0

        def read(self):
            return self.__value

        def write(self, v):
            self.__value = v

    thing = Thing()
    return lambda x: x * thing.read(), None, lambda i: at(i, thing.write)


@program(calls=same)
def has_getattr():
    class Thing:
        table = {"a": 1.0}  # noqa: RUF012

        def __getattr__(self, name):
            return self.table[name]

    thing = Thing()
    return lambda x: x * thing.a, None, lambda i: at(i, lambda v: thing.table.update(a=v))


@program(calls=same)
def has_getattribute():
    class Thing:
        calls = 0

        def __getattribute__(self, name):
            if name.startswith("_"):
                return object.__getattribute__(self, name)
            Thing.calls += 1
            return float(Thing.calls)

    thing = Thing()
    return lambda x: x * thing.anything, lambda: Thing.calls


@program(calls=same)
def holds_what_raises_when_it_is_looked_at():
    class Proxy:
        def __getattribute__(self, name):
            raise RuntimeError(f"do not touch {name}")

    class Endless:
        def __iter__(self):
            while True:
                yield 1

        def __len__(self):
            raise RuntimeError("no length")

        def __eq__(self, other):
            raise RuntimeError("no comparison")

        __hash__ = None

        def __bool__(self):
            raise RuntimeError("no truth")

    holder = types.SimpleNamespace(proxy=Proxy(), endless=Endless(), factor=1.0)
    return lambda x: x * holder.factor, None, lambda i: at(i, lambda v: setattr(holder, "factor", v))


@program(calls=same)
def holds_a_long_chain():
    chain = None
    for i in range(400):
        chain = [float(i), chain]
    first = chain
    return lambda x: x * first[1][1][0], None, lambda i: at(i, lambda v: first[1][1].__setitem__(0, v))


@program(calls=same)
def assigns_a_closure_late():
    if False:
        late = 1.0

    def f(x):
        try:
            return x * late
        except NameError:
            return x

    def change(i):
        nonlocal late
        if i == 2:
            late = 5.0
        if i == 4:
            del late

    return f, None, change


scale = 1.0


@program(calls=same)
def deletes_a_global():
    def change(i):
        global scale
        if i == 2:
            del scale
        if i in (0, 4):
            scale = float(i + 1)

    def f(x):
        try:
            return x * scale
        except NameError:
            return x

    return f, None, change


@program(calls=same)
def replaces_a_builtin():
    original = builtins.len

    def change(i):
        builtins.len = (lambda v: 100) if i in (2, 3) else original

    def state():
        builtins.len = original

    return lambda x: x * len([1, 2]), state, change


@program(calls=same)
def hides_a_builtin():
    scope = {}
    exec("def f(x): return x * max(1, 2)", scope)

    def change(i):
        if i == 2:
            scope["max"] = lambda a, b: 50
        if i == 4:
            del scope["max"]

    return scope["f"], None, change


def other_relu(self, x):
    return x * 100


@program(calls=same)
def replaces_a_method_of_a_layer():
    layer, original = nn.ReLU(), nn.ReLU.forward

    def change(i):
        nn.ReLU.forward = other_relu if i in (2, 3) else original

    def state():
        nn.ReLU.forward = original

    return lambda x: layer(x), state, change


@program(calls=same)
def replaces_a_function_of_the_package():
    original = F.relu

    def change(i):
        F.relu = (lambda x: x * 100) if i in (2, 3) else original

    def state():
        F.relu = original

    return lambda x: F.relu(x), state, change


@program(calls=same)
def replaces_a_function_found_through_modules():
    original = weft.nn.functional.relu

    def change(i):
        weft.nn.functional.relu = (lambda x: x * 100) if i in (2, 3) else original

    def state():
        weft.nn.functional.relu = original

    return lambda x: weft.nn.functional.relu(x), state, change


@program(calls=same)
def replaces_a_helper():
    scope = {}
    exec("def helper(x): return x + 1\ndef f(x): return helper(x) * 2", scope)
    return scope["f"], None, lambda i: at(i, lambda v: scope.update(helper=lambda x: x + v))


@program(calls=same)
def redefines_by_exec():
    scope = {}
    exec("def helper(x): return x + 1\ndef f(x): return helper(x) * 2", scope)
    return scope["f"], None, lambda i: at(i, lambda v: exec(f"def helper(x): return x + {v}", scope))


@program(calls=same)
def evaluates_text_that_reads_globals():
    scope = {"factor": 1.0}
    exec("def f(x): return eval('x * factor')", scope)
    return scope["f"], None, lambda i: at(i, lambda v: scope.update(factor=v))


@program(calls=same)
def was_made_from_text():
    table = {"factor": 1.0}
    scope = {"table": table}
    f = eval("lambda x: x * table['factor']", scope)
    return f, None, lambda i: at(i, lambda v: table.update(factor=v))


@program(calls=same)
def is_a_generator():
    def f(x):
        for i in range(3):
            yield x * i

    return f


@program(calls=same)
def consumes_a_generator():
    factors = [1.0, 2.0]
    return lambda x: sum(x * v for v in (f * 2 for f in factors)), None, lambda i: at(i, factors.append)


@program(calls=same)
def recurses():
    depth = {"n": 2}

    def power(x, n):
        return x if n == 0 else power(x, n - 1) * x

    return lambda x: power(x, depth["n"]), None, lambda i: at(i, lambda v: depth.update(n=int(v)))


@program(calls=same)
def enters_a_context_of_its_own():
    class Context:
        depth = 0

        def __enter__(self):
            Context.depth += 1

        def __exit__(self, *error):
            Context.depth -= 1

    def f(x):
        with Context():
            return x * Context.depth

    return f, lambda: Context.depth
