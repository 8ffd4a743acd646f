"""Objects, classes and modules that run code of their own, or fail, when they are looked at: a program may hold them."""

import types

from corpus import CALLS, Corpus, three

corpus = Corpus()


def fail(*_):
    raise RuntimeError("do not touch")


class RaisingMeta(type):
    __getattribute__ = fail


class UnhashableMeta(type):
    __hash__ = None


class ComparingMeta(type):
    __eq__ = __hash__ = fail


class CheckingMeta(type):
    __instancecheck__ = __subclasscheck__ = fail


class Raising(metaclass=RaisingMeta):
    pass


class Unhashable(metaclass=UnhashableMeta):
    pass


class Comparing(metaclass=ComparingMeta):
    pass


class Checking(metaclass=CheckingMeta):
    pass


class OfNoModule:
    pass


OfNoModule.__module__ = 5


class OfAComputedModule:
    __module__ = property(fail)


class OfNoClass:
    __class__ = property(fail)


class Text(str):
    __eq__ = fail

    def __hash__(self):
        return 5


class Table(dict):
    keys = items = __iter__ = __len__ = __getitem__ = fail


class Row(list):
    __iter__ = __len__ = __getitem__ = fail


class RaisingModule(types.ModuleType):
    __getattribute__ = fail


def module(**members):
    made = types.ModuleType("untouchable_module")
    vars(made).update(members)
    return made


def module_without(name):
    made = module()
    del vars(made)[name]
    return made


THINGS = {
    "a_class_whose_metaclass_raises": lambda: Raising,
    "an_object_whose_metaclass_raises": lambda: object.__new__(Raising),
    "an_object_whose_class_is_not_hashed": Unhashable,
    "an_object_whose_class_is_not_compared": Comparing,
    "an_object_whose_class_is_not_checked": Checking,
    "a_class_of_no_module": lambda: OfNoModule,
    "an_object_of_no_module": OfNoModule,
    "an_object_whose_module_is_computed": OfAComputedModule,
    "an_object_of_no_class": OfNoClass,
    "a_text_that_is_not_compared": lambda: {Text("a"): Text("b")},
    "a_dict_that_is_not_read": lambda: Table(a=1),
    "a_list_that_is_not_read": lambda: Row([1]),
    "a_module_that_computes_attributes": lambda: module(__getattr__=fail),
    "a_module_without_a_name": lambda: module_without("__name__"),
    "a_module_with_numbers_for_names": lambda: module(__name__=1, __file__=2),
    "a_module_that_raises": lambda: RaisingModule("untouchable_module"),
}
for name, make_thing in THINGS.items():

    def held(make_thing=make_thing):
        holder = types.SimpleNamespace(things=[make_thing()], factor=1.0)
        return lambda x: x * holder.factor, None, lambda i: setattr(holder, "factor", float(i // 2))

    def closed_over(make_thing=make_thing):
        thing = make_thing()
        return lambda x, kept=thing: x * (2 if thing is kept else 3)

    corpus.add(f"holds_{name}", held)
    corpus.add(f"closes_over_{name}", closed_over)


@corpus.program()
def reads_a_computed_attribute_of_a_module():
    table = {"factor": 1.0}
    settings = module(__getattr__=table.__getitem__)
    return lambda x: x * settings.factor, None, lambda i: table.update(factor=float(i // 2))


def tensors_and_classes():
    return [[three(), Unhashable() if i % 2 else Comparing()] for i in range(CALLS)]


corpus.add("is_given_objects_whose_classes_are_not_hashed", lambda: lambda x, thing: x * 2, tensors_and_classes)
