"""Memory: aliases between arguments, captured tensors, gradients and results; other memory by .data; writes to parts."""

import copy
from types import SimpleNamespace

import weft
from corpus import Corpus, three
from weft import nn

corpus = Corpus()
program = corpus.program


@program()
def sets_data_of_a_leaf():
    w = weft.ones(3).requires_grad_()

    def f(x):
        loss = (w * x).sum()
        w.data = w.data - x * 0.5
        return loss + (w * x).sum()

    return f, lambda: w


@program()
def sets_data_of_an_argument():
    def f(x):
        y = x * 2
        x.data = x + 1
        return y + x

    return f


@program()
def sets_data_to_what_was_computed():
    a, b = three(), three(5)

    def f(x):
        a.data, b.data = (b * x).data, (a + x).data
        a.add_(1)
        return a * b, a[1:]

    return f, lambda: [a, b]


@program()
def sets_data_between_two_writes():
    buffer = weft.zeros(3)

    def f(x):
        buffer.add_(x)
        before = buffer * 1
        buffer.data = weft.ones(3)
        buffer.add_(x)
        return before, buffer * 1

    return f, lambda: buffer


@program()
def sets_data_of_a_view():
    base = weft.arange(6).float()

    def f(x):
        view = base[:3]
        view.data = x * 2
        view.add_(1)
        return view

    return f, lambda: base


@program()
def sets_data_to_another_shape():
    w = weft.zeros(2, 3)

    def f(x):
        w.data = weft.stack([x] * (w.shape[0] % 3 + 1))
        return w.sum(0)

    return f, lambda: w


@program(replays=True)
def reads_what_got_other_data_between_calls():
    c = weft.ones(2, 3)
    return lambda x: c.view(-1)[:3] + x, None, lambda i: setattr(c, "data", weft.full((2, 3), 7.0)) if i == 3 else None


def pairs_of_one_memory():
    d = weft.arange(12).float()
    parts = [(0, 2), (0, 4), (2, 0), (4, 4), (8, 10), (0, 2), (0, 2)]
    return [[d[a : a + 2], d[b : b + 2]] for a, b in parts]


PAIR_FUNCTIONS = {
    "a_view_of_the_second": lambda x, y: y.reshape(-1),
    "a_view_of_the_first": lambda x, y: x.view(2, 1),
    "views_of_both": lambda x, y: (y[1:], x[:1], x[1:] + y[:1]),
    "the_second_itself": lambda x, y: (y, x + y),
    "a_write_to_the_second": lambda x, y: (y.add_(1), x * 2),
    "a_write_to_a_part_of_the_second": lambda x, y: (y[1:].mul_(3), x + y),
    "a_write_to_a_view_and_a_view": lambda x, y: (x.view(2, 1).add_(1), y.view(1, 2)),
    "a_write_to_both": lambda x, y: (x.add_(1), y.mul_(2), x + y),
    "a_view_that_is_read": lambda x, y: y.view(1, 2) * 2 + x,
    "detached": lambda x, y: (y.detach(), x.detach()),
    "expanded": lambda x, y: y.expand(3, 2),
    "whether_they_are_one": lambda x, y: (x is y, x + y),
}
for name, function in PAIR_FUNCTIONS.items():
    corpus.add(f"two_arguments_on_one_memory_{name}", lambda f=function: f, pairs_of_one_memory, replays=True)


def rows_of_different_memory():
    d = weft.arange(8).float()
    return [[d[:2], d[2:4]], [d[:2], three()[:2]], [three()[:2], d[:2]], [d[2:4], d[2:4]], [d[:2], d[4:6]]]


for name, function in PAIR_FUNCTIONS.items():
    corpus.add(f"two_arguments_at_times_on_one_memory_{name}", lambda f=function: f, rows_of_different_memory)


KNOWN = weft.tensor([1.0, 2.0, 3.0])


def known_and_others():
    KNOWN.copy_(three())
    return [[KNOWN], [weft.zeros(3)], [KNOWN[:]], [KNOWN], [weft.zeros(3)], [KNOWN.view(3)], [weft.zeros(3)]]


def others_and_known():
    return known_and_others()[1:]


KNOWN_FUNCTIONS = {
    "adds": lambda x: KNOWN * 10 + x,
    "compares": lambda x: x * 2 if x is KNOWN else x * 3,
    "looks_up": lambda x: x * {KNOWN: 5.0}.get(x, 1.0),
    "writes": lambda x: (x.add_(1), KNOWN * 1),
    "writes_to_it": lambda x: (KNOWN.add_(1), x * 1),
    "views": lambda x: (KNOWN.view(3, 1), x + 1),
    "views_the_argument": lambda x: (x.view(3, 1), KNOWN + 1),
    "gives_both": lambda x: (x, KNOWN),
}
for name, function in KNOWN_FUNCTIONS.items():
    corpus.add(f"an_argument_is_known_{name}", lambda f=function: f, known_and_others)
    corpus.add(f"an_argument_becomes_known_{name}", lambda f=function: f, others_and_known)


@program()
def carries_a_state_from_the_module():
    module = SimpleNamespace(start=weft.ones(3))
    hidden = [module.start]

    def f(x):
        return module.start * 2 + x

    return f, lambda: hidden.append(f(hidden[-1]))


def with_gradient():
    w = weft.ones(3).requires_grad_()
    w.grad = weft.ones(3)
    return w


def set_gradient(w, i):
    w.grad = [w.grad, weft.zeros(3), None, weft.full((3,), 2.0)][i % 4]


@program()
def reads_a_gradient_that_is_the_argument():
    w = with_gradient()
    arguments = iter([w.grad, weft.zeros(3)] * 5)
    g = weft.compile(lambda x: w.grad * 10 + x)
    return lambda x: (g if weft._C.tracing() else g)(next(arguments))


@program()
def reads_a_gradient_that_is_known():
    w = with_gradient()
    known = w.grad
    return lambda x: known * 10 + (0 if w.grad is None else w.grad) + x, lambda: w.grad, lambda i: set_gradient(w, i)


@program()
def compares_a_gradient():
    w = with_gradient()
    known = w.grad
    return lambda x: x * 2 if w.grad is known else x * 3, None, lambda i: set_gradient(w, i)


@program()
def gives_views_of_a_gradient():
    w = with_gradient()
    return lambda x: w.grad.view(3, 1) if w.grad is not None else x, lambda: w.grad, lambda i: set_gradient(w, i)


@program()
def shares_one_gradient_between_two():
    w, v = with_gradient(), with_gradient()

    def change(i):
        v.grad = w.grad if i < 3 else weft.zeros(3)

    return lambda x: ((w * x).sum().backward(), w.grad + v.grad)[1], lambda: [w.grad, v.grad], change


@program(replays=True)
def accumulates_gradients():
    w = with_gradient()
    return lambda x: ((w * w * x).sum().backward(), w.grad)[1], lambda: w.grad


@program(replays=True)
def steps_by_hand():
    w = weft.ones(3).requires_grad_()

    def f(x):
        loss = (w * x - 1).pow(2).sum()
        loss.backward()
        with weft.no_grad():
            w.sub_(w.grad, alpha=0.1)
        w.grad = None
        return loss.detach()

    return f, lambda: w


@program()
def gives_a_list_that_contains_itself():
    def f(x):
        result = [x * 2]
        result.append(result)
        return result

    return f


@program()
def gives_a_dict_that_contains_itself():
    def f(x):
        result = {"x": x * 2}
        result["self"] = [(result,)]
        return result

    return f


@program()
def gives_one_list_twice():
    def f(x):
        part = [x + 1]
        return [part, part, (part,)]

    return f


@program()
def gives_what_it_keeps():
    kept = []

    def f(x):
        kept.append(x * 2)
        return kept

    return f, lambda: kept


@program(replays=True)
def gives_one_tensor_twice():
    return lambda x: ((y := x * 2), y, [y[1:], y])


@program(replays=True)
def gives_its_argument_and_views():
    return lambda x: (x, x[1:], x.view(3, 1), x.detach(), x * 1)


@program()
def gives_the_container_it_was_given():
    return lambda x: x


corpus.add("gives_the_list_it_was_given", lambda: lambda v: v, lambda: [[[three(i)]] for i in range(6)])
corpus.add("gives_the_dict_it_was_given", lambda: lambda v: v, lambda: [[{"a": three(i)}] for i in range(6)])
corpus.add(
    "gives_the_tuple_it_was_given", lambda: lambda v: v is not None and v, lambda: [[(three(i),)] for i in range(6)]
)
corpus.add(
    "writes_into_the_list_it_was_given", lambda: lambda v: v.append(v[0] * 2), lambda: [[[three(i)]] for i in range(6)]
)


@program(replays=True)
def reads_tied_weights():
    a = nn.Linear(3, 3)
    b = nn.Linear(3, 3)
    b.weight = a.weight

    def change(i):
        if i == 3:
            b.weight = nn.Parameter(weft.ones(3, 3))

    return lambda x: a(x) + b(x), None, change


@program(replays=True)
def reads_views_of_one_flat_buffer():
    flat = weft.arange(12).float()
    parts = [flat[i : i + 3] for i in (0, 3, 6)]

    def change(i):
        if i == 3:
            parts[1] = flat[9:12]

    return lambda x: (x * parts[0] + parts[1], parts[2].view(1, 3)), None, change


@program()
def writes_to_views_of_one_flat_buffer():
    flat = weft.arange(12).float()
    parts = [flat[i : i + 3] for i in (0, 3, 6)]

    def change(i):
        if i == 3:
            parts[1] = flat[1:4]

    return lambda x: (parts[1].add_(x), parts[0] + parts[2]), lambda: flat, change


@program()
def reads_where_a_tensor_lies():
    return lambda x: x + x.storage_offset()


corpus[-1] = corpus[-1]._replace(calls=lambda: [[weft.arange(9).float()[i : i + 2]] for i in range(6)])
corpus.add("reads_an_address", lambda: lambda x: x.data_ptr() == x.data_ptr(), replays=None)
corpus.add(
    "reads_strides",
    lambda: lambda x: x * x.stride(0),
    lambda: [[weft.arange(9).float()[:: i + 1][:2]] for i in range(6)],
)


@program()
def resizes():
    return lambda x: (x.resize_(2), x * 2)[1]


@program(calls=lambda: [[weft.arange(8).float()[i % 3 :][:4]] for i in range(6)])
def copies_deeply():
    def f(x):
        copies = copy.deepcopy([x, x[1:], x.view(2, 2), weft.complex(x, x)])
        copies[0].add_(1)
        return copies, copy.deepcopy(x)

    return f


@program(calls=lambda: [[weft.arange(6).float() + i] for i in range(6)])
def copies_numbers_and_their_parts_deeply():
    def f(x):
        pairs = weft.view_as_complex(x.view(3, 2) * 1)
        copies = copy.deepcopy([pairs, weft.view_as_real(pairs), pairs.imag])
        copies[1].add_(1)
        return copies

    return f


@program()
def keeps_views_of_its_argument():
    kept = []
    return lambda x: (kept.append(x[1:]), x.add_(1))[1], lambda: kept


@program(replays=True)
def writes_to_a_captured_buffer():
    total = weft.zeros(3)
    return lambda x: (total.add_(x), total[1:], total)[1:], lambda: total


@program(replays=True)
def swaps_two_buffers():
    a, b = three(), three(1)

    def f(x):
        t = a.clone()
        a.copy_(b + x)
        b.copy_(t)

    return f, lambda: [a, b]
