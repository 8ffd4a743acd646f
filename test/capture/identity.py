"""Who and what an argument is, and what tells one equal value from another."""

import enum

import weft
from corpus import CALLS, Corpus, three
from weft import nn

corpus = Corpus()
program = corpus.program
A, B = three(), three(1)
KNOWN = {A: 2.0, B: 3.0}
LISTED = [A, B]


def known_or_not():
    return [[A], [B], [three()], [A], [three(2)], [B], [A.view(3)]]


QUESTIONS = {
    "is": lambda x: x * (2 if x is A else 3),
    "is_not": lambda x: x * (2 if x is not B else 3),
    "in_a_dict": lambda x: x * (2 if x in KNOWN else 3),
    "looked_up": lambda x: x * KNOWN.get(x, 5.0),
    "in_a_list": lambda x: x * (2 if any(x is t for t in LISTED) else 3),
    "id": lambda x: x * (2 if id(x) == id(A) else 3),
    "hash": lambda x: x * (2 if hash(x) == hash(A) else 3),
    "in_a_set": lambda x: x * (2 if x in {A} else 3),
    "is_shared": lambda x: x * (2 if x.data_ptr() == A.data_ptr() else 3),
}
for name, function in QUESTIONS.items():
    corpus.add(f"asks_by_{name}", lambda f=function: f, known_or_not)


def kinds_of_tensors():
    leaf = three().requires_grad_()
    return [
        [t]
        for t in (three(), nn.Parameter(three()), leaf, leaf * 2, three(), nn.Parameter(three(), False), leaf.detach())
    ]


KINDS = {
    "isinstance": lambda x: x * (2 if isinstance(x, nn.Parameter) else 3),
    "type": lambda x: x * (2 if type(x) is weft.Tensor else 3),
    "is_leaf": lambda x: x * (2 if x.is_leaf else 3),
    "requires_grad": lambda x: x * (2 if x.requires_grad else 3),
    "grad_fn": lambda x: x * (2 if x.grad_fn is None else 3),
    "grad": lambda x: x * (2 if x.grad is None else 3),
}
for name, function in KINDS.items():
    corpus.add(f"goes_by_{name}", lambda f=function: f, kinds_of_tensors)


def write_to_a_slice(x):
    x[1:] = 5.0
    return x


corpus.add("writes_to_a_slice_of_what_may_be_a_leaf", lambda: write_to_a_slice, kinds_of_tensors)
corpus.add("adds_to_what_may_be_a_leaf", lambda: lambda x: x.add_(1), kinds_of_tensors)


class Tagged(nn.Parameter):
    pass


TAGGED = {"_of_a_sub_class": Tagged, "": lambda plain: plain}
ANSWERS = {
    "read_with_a_default": lambda x: x * getattr(x, "tag", 10.0),
    "asked_for": lambda x: x * (x.tag if hasattr(x, "tag") else 10.0),
    "counted": lambda x: x * len(vars(x)),
}


def arguments_with_tags(kind):
    made = [kind(three()) for _ in range(CALLS)]
    for i in (1, 2, 4):
        made[i].tag = float(i)
    return [[t] for t in made]


def of_a_captured_tensor(kind, read):
    w = kind(three())

    def change(i):
        if i in (2, 4):
            w.tag = float(i)

    return lambda x: x * read(w), None, change


def counts_calls(kind):
    w = kind(three())
    w.calls = 0

    def f(x):
        w.calls += 1
        return w * x * w.calls

    return f, lambda: w.calls


for which, kind in TAGGED.items():
    for name, read in ANSWERS.items():
        calls = lambda kind=kind: arguments_with_tags(kind)
        corpus.add(f"attribute{which}_{name}_of_an_argument", lambda f=read: f, calls)
        make = lambda kind=kind, read=read: of_a_captured_tensor(kind, read)
        corpus.add(f"attribute{which}_{name}_of_a_captured_tensor", make)
    corpus.add(f"attribute{which}_set_at_each_call", lambda kind=kind: counts_calls(kind))


@program()
def is_followed_by_a_hook():
    w, log, handles = three().requires_grad_(), [], []

    def change(i):
        if i in (1, 3):
            handles.append(w.register_hook(lambda g: log.append(float(g.sum()))))
        elif i == 4:
            handles[0].remove()

    def f(x):
        w.grad = None
        (w * x).sum().backward()
        return w.grad

    return f, lambda: log, change


@program()
def is_followed_by_a_hook_that_changes():
    w = three().requires_grad_()

    def change(i):
        if i == 2:
            w.register_hook(lambda g: g * 100)

    def f(x):
        w.grad = None
        (w * x).sum().backward()
        return w.grad

    return f, None, change


@program()
def is_followed_by_a_hook_after_accumulation():
    w = three().requires_grad_()

    def change(i):
        if i == 2:
            w.register_post_accumulate_grad_hook(lambda t: t.grad.mul_(100))

    def f(x):
        w.grad = None
        (w * x).sum().backward()
        return w.grad

    return f, None, change


@program()
def is_followed_by_hooks_of_a_module():
    layer = nn.Linear(3, 3)
    handles = []

    def change(i):
        if i == 2:
            handles.append(layer.register_forward_hook(lambda module, args, out: out * 10))
        elif i == 4:
            handles[0].remove()

    return lambda x: layer(x), None, change


def retained():
    result = []
    for i in range(CALLS):
        leaf = three(i).requires_grad_()
        x = leaf * 2
        if i % 2:
            x.retain_grad()
        result.append([leaf, x])
    return result


corpus.add(
    "runs_backward_where_a_gradient_may_be_kept",
    lambda: lambda leaf, x: ((x * 3).sum().backward(), x.grad)[1],
    retained,
)


class Shade(enum.IntEnum):
    LIGHT = 1
    DARK = 2


VALUES = {
    "int_and_float": [2, 2.0, 2, True, 1, 1.0],
    "zeros": [0.0, -0.0, 0, False, 0.0, -0.0],
    "complex_zeros": [0j, -0j, 0j, complex(0.0, -0.0), complex(-0.0, 0.0), 0j],
    "slices": [slice(0, 1), slice(0, 1.0), slice(0, True), slice(0, 1), slice(None, 1), slice(0, 1)],
    "nans": [float("nan"), float("nan"), 1.0, float("inf"), float("-inf"), float("nan")],
    "strings": ["a", "b", "a", "", "a", b"a"],
    "tuples": [(1,), (1.0,), (True,), (1,), [1], (1, 2)],
    "sets": [{1}, {1.0}, {True}, {1}, frozenset({1}), {1, 2}],
    "dicts": [{1: 2}, {1.0: 2}, {1: 2.0}, {True: 2}, {1: 2}, {}],
    "ranges": [range(3), range(0, 3, 1), range(1, 3), range(3), [0, 1, 2], range(0)],
    "none": [None, False, None, 0, None, ...],
    "types": [int, float, int, bool, type(None), int],
    "dtypes": [weft.float32, weft.float64, weft.float32, weft.int64, "float32", weft.float32],
    "enums": [Shade.LIGHT, Shade.DARK, 1, Shade.LIGHT, 2, True],
}
for name, values in VALUES.items():
    for how, function in {
        "repr": lambda x, v: (x + 1, repr(v)),
        "type": lambda x, v: (x * 2, type(v).__name__),
    }.items():
        corpus.add(f"goes_by_{how}_of_{name}", lambda f=function: f, lambda v=values: [[three(), one] for one in v])

    def captured(values=values):
        holder = {"value": None}
        return lambda x: (x + 1, repr(holder["value"])), None, lambda i: holder.update(value=values[i])

    corpus.add(f"reads_captured_{name}", captured)


class Equal:
    """Equal to everything."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 1


class Unwilling:
    """Compares with nothing but itself."""

    def __hash__(self):
        return 1

    def __eq__(self, other):
        if self is other:
            return True
        raise ValueError("mine")


class Calling:
    """Comparing calls a compiled function."""

    inner = staticmethod(weft.compile(lambda x: x + 1))

    def __hash__(self):
        return 1

    def __eq__(self, other):
        Calling.inner(weft.ones(3))
        return self is other


corpus.add(
    "is_given_what_equals_everything",
    lambda: lambda x, e: x * e.value,
    lambda: [[three(), Equal(float(i // 2))] for i in range(6)],
)


def holder_of(kind, container):
    def make():
        things = container([(kind(1.0) if kind is Equal else kind())])

        def change(i):
            if i in (2, 4):
                things.clear()
                (things.add if isinstance(things, set) else things.append)(kind(float(i)) if kind is Equal else kind())

        first = lambda: next(iter(things))
        return lambda x: (x * len(things), getattr(first(), "value", 0.0)), None, change

    return make


def keys_of(kind):
    def make():
        things = {(kind(1.0) if kind is Equal else kind()): 1.0}

        def change(i):
            if i in (2, 4):
                things.clear()
                things[kind(float(i)) if kind is Equal else kind()] = float(i)

        return lambda x: x * sum(things.values()) * len(things), None, change

    return make


for kind in (Equal, Unwilling, Calling):
    corpus.add(f"holds_in_a_set_{kind.__name__}", holder_of(kind, set))
    corpus.add(f"holds_in_a_list_{kind.__name__}", holder_of(kind, list))
    corpus.add(f"holds_as_a_key_{kind.__name__}", keys_of(kind))
