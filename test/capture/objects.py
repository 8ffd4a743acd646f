"""State in objects of every kind, reached in every way: what was read is found changed."""

import array
import collections
import contextvars
import ctypes
import decimal
import enum
import itertools
import threading
import types
import weakref
from dataclasses import dataclass, field

import numpy
from corpus import CALLS, Corpus, three

corpus = Corpus()


@dataclass
class Record:
    value: float = 1.0
    items: list = field(default_factory=list)


class Slots:
    __slots__ = ("value", "late", "__private")

    def __init__(self):
        self.value, self.__private = 1.0, 2.0

    def total(self):
        return self.value + self.__private + getattr(self, "late", 0.0)

    def change(self, i):
        self.value = float(i)
        self.__private = float(-i)
        self.late = 0.5


class Attributes:
    def __init__(self):
        self.value = 1.0


class Computed:
    base = 1.0

    @property
    def value(self):
        return self.base * 2


class MyList(list):
    factor = 1.0


class MyDict(dict):
    pass


class MyInt(int):
    pass


class MyFloat(float):
    pass


class MyStr(str):
    pass


class MySet(set):
    pass


class MyArray(numpy.ndarray):
    pass


class Color(enum.Enum):
    RED = 1.0
    BLUE = 2.0


class Chooser:
    color = Color.RED


class Holder:
    pass


Point = collections.namedtuple("Point", "x y")


class Referent:
    value = 1.0


class WeakHolder:
    """A weak reference and what keeps its object alive."""

    def __init__(self):
        self.alive = Referent()
        self.reference = weakref.ref(self.alive)

    def read(self):
        target = self.reference()
        return 0.0 if target is None else target.value


def attribute_on(kind, *args):
    thing = kind(*args)
    thing.extra = 1.0
    return thing


def moved(ordered, i):
    ordered.move_to_end(next(iter(ordered)))


def first_key(mapping):
    return float(next(iter(mapping)))


def context_variable():
    variable = contextvars.ContextVar("variable", default=1.0)
    return variable


def mapping_proxy():
    holder = Holder()
    holder.inside = {"a": 1.0}
    holder.proxy = types.MappingProxyType(holder.inside)
    return holder


def view_of(name):
    def make():
        holder = Holder()
        holder.inside = {1.0: 2.0}
        return holder if name is None else (holder.inside, getattr(holder.inside, name)())

    return make


def locals_of_a_thread():
    thing = threading.local()
    thing.value = 1.0
    return thing


# kind: (makes an object, what is read of it, how it is changed at call i, must be replayed)
KINDS = {
    "list": (lambda: [1.0], lambda o: o[0], lambda o, i: o.__setitem__(0, float(i)), True),
    "nested_list": (lambda: [[1.0]], lambda o: o[0][0], lambda o, i: o[0].__setitem__(0, float(i)), True),
    "length": (lambda: [1.0], len, lambda o, i: o.append(i), True),
    "dict": (lambda: {"a": 1.0}, lambda o: o["a"], lambda o, i: o.__setitem__("a", float(i)), True),
    "dict_keys": (lambda: {1.0: 1}, first_key, lambda o, i: (o.clear(), o.update({float(i): 1})), True),
    "dict_order": (lambda: {1.0: 1, 2.0: 2}, first_key, lambda o, i: o.update({1.0: o.pop(1.0)}), True),
    "dict_get": (lambda: {}, lambda o: o.get("k", 1.0), lambda o, i: o.__setitem__("k", float(i)), True),
    "tuple_of_lists": (lambda: ([1.0],), lambda o: o[0][0], lambda o, i: o[0].__setitem__(0, float(i)), True),
    "set": (lambda: {1.0}, lambda o: sum(o), lambda o, i: o.add(float(i)), True),
    "set_type": (lambda: {1}, lambda o: isinstance(next(iter(o)), int), lambda o, i: (o.clear(), o.add(1.0)), True),
    "attribute": (Attributes, lambda o: o.value, lambda o, i: setattr(o, "value", float(i)), True),
    "attribute_type": (Attributes, lambda o: o.value / 2, lambda o, i: setattr(o, "value", 1), True),
    "new_attribute": (Attributes, lambda o: getattr(o, "n", 1.0), lambda o, i: setattr(o, "n", float(i)), True),
    "namespace": (lambda: types.SimpleNamespace(a=1.0), lambda o: o.a, lambda o, i: setattr(o, "a", float(i)), True),
    "slots": (Slots, lambda o: o.total(), lambda o, i: o.change(i), True),
    "late_slot": (Slots, lambda o: hasattr(o, "late"), lambda o, i: setattr(o, "late", 1.0), True),
    "dataclass": (Record, lambda o: o.value + len(o.items), lambda o, i: o.items.append(i), True),
    "property": (Computed, lambda o: o.value, lambda o, i: setattr(o, "base", float(i)), True),
    "class_of_object": (Attributes, lambda o: len(type(o).__name__), lambda o, i: setattr(o, "__class__", Computed), None),
    "enum_member": (Chooser, lambda o: o.color.value, lambda o, i: setattr(o, "color", Color.BLUE), True),
    "namedtuple": (lambda: Point([1.0], 2), lambda o: o.x[0], lambda o, i: o.x.__setitem__(0, float(i)), True),
    "list_subclass": (lambda: MyList([1.0]), lambda o: o[0], lambda o, i: o.__setitem__(0, float(i)), None),
    "list_subclass_attribute": (lambda: attribute_on(MyList), lambda o: o.extra, lambda o, i: setattr(o, "extra", i), None),
    "dict_subclass": (lambda: MyDict(a=1.0), lambda o: o["a"], lambda o, i: o.__setitem__("a", float(i)), None),
    "dict_subclass_attribute": (lambda: attribute_on(MyDict), lambda o: o.extra, lambda o, i: setattr(o, "extra", i), None),
    "int_subclass_attribute": (lambda: attribute_on(MyInt, 2), lambda o: o.extra, lambda o, i: setattr(o, "extra", i), None),
    "float_subclass_attribute": (lambda: attribute_on(MyFloat, 2), lambda o: o.extra, lambda o, i: setattr(o, "extra", i), None),
    "str_subclass_attribute": (lambda: attribute_on(MyStr, "a"), lambda o: o.extra, lambda o, i: setattr(o, "extra", i), None),
    "set_subclass": (lambda: MySet([1.0]), lambda o: sum(o), lambda o, i: o.add(float(i)), None),
    "set_subclass_attribute": (lambda: attribute_on(MySet), lambda o: o.extra, lambda o, i: setattr(o, "extra", i), None),
    "deque": (lambda: collections.deque([1.0]), lambda o: o[0], lambda o, i: o.appendleft(float(i)), None),
    "deque_length": (lambda: collections.deque([1.0]), len, lambda o, i: o.append(i), None),
    "ordered_dict": (lambda: collections.OrderedDict(a=1.0), lambda o: o["a"], lambda o, i: o.update(a=float(i)), None),
    "ordered_dict_order": (lambda: collections.OrderedDict({1.0: 1, 2.0: 2}), first_key, moved, None),
    "default_dict": (lambda: collections.defaultdict(float), lambda o: o["a"], lambda o, i: o.update(a=float(i)), None),
    "counter": (lambda: collections.Counter("aab"), lambda o: o["a"], lambda o, i: o.update("aaa"), None),
    "chain_map": (lambda: collections.ChainMap({"a": 1.0}), lambda o: o["a"], lambda o, i: o.maps[0].update(a=float(i)), None),
    "bytearray": (lambda: bytearray(b"abc"), lambda o: o[0], lambda o, i: o.__setitem__(0, i), None),
    "array": (lambda: array.array("d", [1.0]), lambda o: o[0], lambda o, i: o.__setitem__(0, float(i)), None),
    "memoryview": (lambda: memoryview(bytearray(b"abc")), lambda o: o[0], lambda o, i: o.__setitem__(0, i), None),
    "numpy_array": (lambda: numpy.ones(2), lambda o: float(o[0]), lambda o, i: o.__setitem__(0, i), None),
    "numpy_0d_array": (lambda: numpy.array(1.0), float, lambda o, i: o.__setitem__((), i), None),
    "numpy_subclass": (lambda: numpy.ones(2).view(MyArray), lambda o: float(o[0]), lambda o, i: o.__setitem__(0, i), None),
    "mapping_proxy": (mapping_proxy, lambda o: o.proxy["a"], lambda o, i: o.inside.update(a=float(i)), None),
    "dict_view_keys": (view_of("keys"), lambda o: sum(o[1]), lambda o, i: o[0].update({float(i): 1.0}), None),
    "dict_view_values": (view_of("values"), lambda o: sum(o[1]), lambda o, i: o[0].update({1.0: float(i)}), None),
    "dict_view_items": (view_of("items"), lambda o: sum(v for _, v in o[1]), lambda o, i: o[0].update({1.0: float(i)}), None),
    "weak_reference": (WeakHolder, lambda o: o.read(), lambda o, i: setattr(o, "alive", None), None),
    "weak_set": (weakref.WeakSet, len, lambda o, i: o.add(Referent), None),
    "weak_value_dictionary": (weakref.WeakValueDictionary, len, lambda o, i: o.__setitem__(i, Referent), None),
    "weak_key_dictionary": (weakref.WeakKeyDictionary, len, lambda o, i: o.__setitem__(Referent, 1), None),
    "ctypes_number": (lambda: ctypes.c_double(1.0), lambda o: o.value, lambda o, i: setattr(o, "value", float(i)), None),
    "ctypes_array": (lambda: (ctypes.c_int * 2)(1, 2), lambda o: o[0], lambda o, i: o.__setitem__(0, i), None),
    "iterator": (lambda: iter(range(100)), next, lambda o, i: next(o), None),
    "list_iterator": (lambda: iter([float(i) for i in range(50)]), next, lambda o, i: next(o), None),
    "count": (itertools.count, next, lambda o, i: next(o), None),
    "cycle": (lambda: itertools.cycle([1.0, 2.0, 3.0]), next, lambda o, i: next(o), None),
    "generator": (lambda: (float(i) for i in range(50)), next, lambda o, i: next(o), None),
    "context_variable": (context_variable, lambda o: o.get(), lambda o, i: o.set(float(i)), None),
    "thread_local": (locals_of_a_thread, lambda o: getattr(o, "value", 0.0), lambda o, i: setattr(o, "value", i), None),
    "decimal": (lambda: decimal.Decimal(1), lambda o: float(o / 3), lambda o, i: setattr(decimal.getcontext(), "prec", i + 1), None),
}  # fmt: skip


def by_closure(thing, read):
    return lambda x: x * read(thing)


def by_attribute(thing, read):
    holder = Holder()
    holder.thing = thing
    return lambda x: x * read(holder.thing)


def by_default(thing, read):
    def f(x, thing=thing):
        return x * read(thing)

    return f


def by_keyword_default(thing, read):
    def f(x, *, thing=thing):
        return x * read(thing)

    return f


def by_item(thing, read):
    table = {"things": [thing]}
    return lambda x: x * read(table["things"][0])


def by_method(thing, read):
    class Model:
        def __init__(self):
            self.thing = thing

        def __call__(self, x):
            return x * read(self.thing)

    return Model()


def by_class(thing, read):
    class Model:
        kept = thing

    return lambda x: x * read(Model.kept)


def by_global(thing, read):
    scope = {"thing": thing, "read": read}
    exec("def f(x): return x * read(thing)", scope)
    return scope["f"]


def by_closure_of_a_function_it_calls(thing, read):
    inner = by_closure(thing, read)
    return lambda x: inner(x) + 1


def by_a_module(thing, read):
    module = types.ModuleType("made_by_the_corpus")
    module.thing = thing
    return lambda x: x * read(module.thing)


WAYS = (by_closure, by_attribute, by_default, by_item, by_method, by_class, by_global, by_a_module)
RARE_WAYS = (by_keyword_default, by_closure_of_a_function_it_calls)


def maker(way, kind):
    make, read, change, _ = KINDS[kind]

    def made():
        thing = make()
        decimal.getcontext().prec = 28
        return way(thing, read), None, lambda i: change(thing, i) if i in (2, 4) else None

    return made


def given(kind):
    """The object as an argument."""
    make, read, change, _ = KINDS[kind]
    things: list = []

    def made():
        decimal.getcontext().prec = 28
        things[:] = [make()]
        return lambda x, thing: x * read(thing), None, lambda i: change(things[0], i) if i in (2, 4) else None

    return made, lambda: [[three(), things[0]] for _ in range(CALLS)]


for number, kind in enumerate(KINDS):
    for way in (*WAYS, *(RARE_WAYS if number % 4 == 0 else ())):
        corpus.add(f"{kind}_{way.__name__}", maker(way, kind), lambda: [[three()]] * CALLS, KINDS[kind][3])
    make, calls = given(kind)
    corpus.add(f"{kind}_as_an_argument", make, calls)
