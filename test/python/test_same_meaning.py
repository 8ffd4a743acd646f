"""compile() changes nothing that a program does: small programs with side effects, aliases, state and errors, call by call beside eager."""

import copy
import io
import random
import types

import numpy
import pytest
import weft
from weft import nn

F = nn.functional
scale = 1.0  # a global that programs read


def seen(value):
    """A value as something that == compares, to the bit."""
    if isinstance(value, weft.Tensor):
        data = value.detach().contiguous().numpy().tobytes() if value.numel() else b""
        return str(value.dtype), tuple(value.shape), data, value.requires_grad
    if isinstance(value, (list, tuple, types.GeneratorType)):
        return [type(value).__name__, *(seen(item) for item in value)]
    if isinstance(value, dict):
        return [(key, seen(item)) for key, item in value.items()]
    return value.__name__ if isinstance(value, types.FunctionType) else repr(value)


def outcome(function, args, kwargs):
    try:
        return seen(function(*args, **kwargs))
    except Exception as error:
        return type(error).__name__, str(error)


def ones(*shape):
    return weft.ones(*shape)


def x3():
    return weft.tensor([1.0, 2.0, 3.0])


PROGRAMS = []


def program(calls, before=None):
    """The decorated function makes (function, what of its state to compare). `calls` makes the arguments of each call; `before(i)` is
    called before call i."""
    return lambda make: PROGRAMS.append(pytest.param(make, calls, before, id=make.__name__))


def with_kwargs(*args, **kwargs):
    return args, kwargs


def set_scale(i):
    global scale
    scale = float(i)


@program(lambda: [[x3()]] * 4)
def appends_to_a_list():
    log = []
    return lambda x: (log.append(x.shape), x + len(log))[1], lambda: log


@program(lambda: [[x3()]] * 4)
def counts_in_an_attribute():
    counter = types.SimpleNamespace(n=0)

    def function(x):
        counter.n += 1
        return x * counter.n

    return function, lambda: counter.n


@program(lambda: [[x3()]] * 4)
def rebinds_a_closure():
    n = 0

    def function(x):
        nonlocal n
        n += 1
        return x * n

    return function, None


@program(lambda: [[x3()]] * 4)
def changes_a_default():
    return lambda x, seen=[]: (seen.append(1), x * len(seen))[1], None  # noqa: B006


@program(lambda: [[x3()], [ones(2)], [x3()], [ones(2)], [x3()]])
def raises_between_writes():
    state = weft.zeros(1)

    def function(x):
        state.add_(1)
        if x.shape[0] == 2:
            raise ValueError("two")
        state.mul_(2)
        return x + state

    return function, lambda: state


@program(lambda: [[x3()], [ones(6)], [x3()], [ones(6)]])
def catches_an_error():
    def function(x):
        try:
            return x.reshape(2, 3)
        except RuntimeError as error:
            return str(error), x

    return function, None


@program(lambda: [[x3()]] * 3)
def returns_aliases():
    def function(x):
        y = x[1:]
        y.mul_(2)
        z = x.reshape(-1)
        z[0] = 9
        return y, x, z

    return function, None


@program(lambda: [[x3()]] * 4)
def writes_to_a_captured_tensor():
    total = ones(3)
    return lambda x: (total.add_(x), total[1:], total)[1:], lambda: total


def pairs_on_one_memory():
    a = weft.arange(6).float()
    return [
        [a[:3], a[3:]],
        [a[:3], a[1:4]],
        [a[:3], a[:3]],
        [a[:3], a[3:]],
        [a[:3], x3()],
        [a[1:4], a[:3]],
        [a[3:], a[:3]],
    ]


@program(pairs_on_one_memory)
def writes_to_one_of_two_that_may_overlap():
    return lambda x, y: (x.mul_(2), x + y)[1], None


def parts_of_one_memory():
    a = weft.arange(1 << 20).float()
    return [[a[:3]], [a[-3:]], [a[:3].clone()], [a[5:8]], [a[-3:]], [a]]


@program(parts_of_one_memory)
def writes_to_a_part_wherever_it_lies():
    return lambda x: (x[:2].mul_(2), x[:3] + 0)[1], None


@program(lambda: [[a := x3(), a], [x3(), x3()], [a, a[:]], [a, a], [a, a[:]]])
def asks_whether_two_are_one():
    return lambda x, y: (x is y, x + y), None


@program(lambda: [[x3()]] * 5, set_scale)
def reads_a_global():
    return lambda x: x * scale, None


@program(lambda: [[x3()]] * 3, set_scale)
def reads_globals():
    return lambda x: x * globals()["scale"], None


@program(lambda: [[x3()]] * 3, set_scale)
def evaluates_text():
    return lambda x: eval("x * scale", {"x": x, "scale": scale}), None


@program(lambda: [[x3(), n] for n in (2, 2.0, True, 2, float("nan"), 0.0, -0.0, 0, False)])
def depends_on_the_type_of_a_number():
    return lambda x, n: (x * n, x.long() * n, x.to(weft.int8) + n, n is True), None


@program(lambda: [[weft.tensor([1, 2]), weft.tensor(v)] for v in (2, 2.0, True, 2)])
def depends_on_the_dtype_of_a_0d_tensor():
    return lambda x, s: (x * s, x + s), None


@program(lambda: [[weft.tensor([1, 2, 3])]] * 4, lambda i: weft.set_default_dtype([weft.float32, weft.float64][i % 2]))
def depends_on_the_default_dtype():
    return lambda x: (x * 1.5, weft.zeros(2)), None


@program(lambda: [[x3()], [-x3()], [x3()], [-x3()]])
def branches_on_a_value():
    return lambda x: x * 2 if x.sum() > 3 else x - 1, None


@program(lambda: [[x3()], [x3() + 1], [x3()]])
def loops_a_number_of_times():
    return lambda x: [x + i for i in range(int(x[0].item()))], None


@program(lambda: [[x3()]] * 5, lambda i: weft.manual_seed(i) if i == 2 else None)
def draws_random_numbers():
    return lambda x: (x + weft.randn(3), F.dropout(x, 0.5)), lambda: weft.rand(1)


@program(lambda: [[x3()]] * 3)
def seeds():
    return lambda x: (weft.manual_seed(3), x + weft.randn(3))[1], lambda: weft.rand(1)


@program(lambda: [[x3()]] * 4)
def draws_pythons_numbers():
    random.seed(0)
    numpy.random.seed(0)
    return lambda x: x * random.random() + float(numpy.random.rand()), None


@program(lambda: [[x3()]] * 5)
def is_followed_by_another_requires_grad():
    weight, count = x3(), iter(range(9))

    def function(x):
        y = weight * x
        return y, y.requires_grad

    return function, lambda: (weight.requires_grad_(next(count) % 2 == 0), None)[1]


@program(lambda: [[x3()]] * 5)
def accumulates_gradients():
    weight = x3().requires_grad_()
    return lambda x: ((weight * weight * x).sum().backward(), weight.grad)[1], lambda: weight.grad


@program(lambda: [[x3()]] * 3)
def runs_backward_twice():
    weight = x3().requires_grad_()

    def function(x):
        y = (weight * weight * x).sum()
        y.backward()
        y.backward()

    return function, lambda: weight.grad


@program(lambda: [[x3()]] * 3)
def writes_to_a_leaf():
    weight = x3().requires_grad_()
    return lambda x: weight.add_(x), lambda: weight


@program(lambda: [[x3()]] * 4)
def has_hooks():
    weight, log = x3().requires_grad_(), []
    weight.register_hook(lambda g: log.append(g.sum().item()))

    def function(x):
        y = weight * x
        y.register_hook(lambda g: g * 3)
        y.sum().backward()
        gradient, weight.grad = weight.grad, None
        return gradient

    return function, lambda: log


@program(lambda: [[x3()]] * 4)
def registers_and_removes_hooks():
    weight, log, handles = x3().requires_grad_(), [], []

    def function(x):
        handles.append(weight.register_post_accumulate_grad_hook(lambda t: log.append(t.grad.sum().item())))
        if len(handles) == 3:
            handles[0].remove()
        (weight * x).sum().backward()
        return weight.grad

    return function, lambda: log


@program(lambda: [[x3()]] * 3)
def looks_at_the_grad_mode():
    weight = x3().requires_grad_()

    def function(x):
        with weft.no_grad():
            y = weight * x
        return y, weight * x, weft.is_grad_enabled()

    return function, None


@program(lambda: [[x3()]] * 3)
def copies_a_module():
    layer = nn.Linear(3, 1)

    def function(x):
        other = copy.deepcopy(layer)
        with weft.no_grad():
            other.weight.mul_(2)
        return other(x), layer(x)

    return function, None


@program(lambda: [[x3()]] * 6)
def is_followed_by_another_parameter():
    layer, count = nn.Linear(3, 2), iter(range(9))
    layer.scale = 1.0

    def change():
        i = next(count)
        layer.scale = float(i % 3)
        if i == 3:
            layer.weight = nn.Parameter(ones(2, 3))

    return lambda x: layer(x) * layer.scale, change


@program(lambda: [[x3()]] * 4)
def keeps_a_result():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("average", weft.zeros(3))

        def forward(self, x):
            self.average = self.average * 0.9 + x * 0.1
            return self.average.sum()

    model = Model()
    return model, lambda: model.average


@program(lambda: [[x3()]] * 5)
def switches_between_training_and_evaluation():
    drop, count = nn.Dropout(0.5), iter(range(9))
    return lambda x: drop(x), lambda: (drop.train(next(count) % 2 == 0), None)[1]


@program(lambda: [[x3()]] * 6)
def steps_with_other_learning_rates():
    weight = nn.Parameter(ones(3))
    optimizer, count = weft.optim.SGD([weight], lr=0.1, momentum=0.9), iter(range(9))

    def function(x):
        optimizer.zero_grad()
        loss = (weight * x).sum()
        loss.backward()
        optimizer.step()
        return loss

    def change():
        i = next(count)
        optimizer.param_groups[0].update(lr=0.1 / (i + 1), momentum=0.9 if i < 3 else 0.5)
        return weight

    return function, change


@program(lambda: [[x3()]] * 3)
def yields():
    def function(x):
        for i in range(3):
            yield x * i

    return function, None


@program(lambda: [with_kwargs(x3(), a=2), with_kwargs(x3(), b=x3()), with_kwargs(x3(), z=x3(), a=3), with_kwargs(x3(), a=2)]
         + [with_kwargs(x3(), q=1, r=2), with_kwargs(x3(), r=2, q=1)])  # fmt: skip
def takes_keywords():
    return lambda x, *, a=1, b=None, **rest: (x * a + (0 if b is None else b), list(rest), rest.get("z", x) * 1), None


@program(lambda: [[x3()]] * 3)
def returns_all_kinds():
    return lambda x: (x + 1, 3, "s", None, x.shape, x.dtype, {"k": [x, (x * 2,)]}, slice(1, 2), {1}), None


@program(lambda: [[x3(), mode] for mode in "abacb"])
def takes_a_string():
    return lambda x, mode: {"a": x, "b": x * 2}[mode], None


@program(lambda: [[{"a": x3(), "b": ones(3)}], [{"b": x3(), "a": ones(3)}], [{"a": x3()}], [{"b": x3(), "a": ones(3)}]])
def goes_by_the_order_of_a_dict():
    return lambda d: ({k: v * 2 for k, v in d.items()}, list(d)), None


@program(lambda: [[{"x": x3()}], [{"x": x3()}], [{"x": x3(), "y": 1}]])
def writes_to_an_argument_dict():
    return lambda d: (d.update(y=d["x"] * 2), len(d))[1], None


@program(lambda: [[x3(), f] for f in (weft.neg, weft.exp, weft.neg, F.relu)])
def takes_a_function():
    return lambda x, f: f(x), None


@program(lambda: [[x3()]] * 3)
def calls_a_compiled_function():
    inner = weft.compile(lambda x: x * 2)
    return lambda x: inner(x) + inner(x + 1), None


@program(lambda: [[x3()], [x3() * 2], [x3()]])
def goes_through_numpy():
    return lambda x: weft.from_numpy(numpy.cumsum(x.numpy())) + x, None


@program(lambda: [[ones(4, 64)]] * 4)
def reads_memory_that_numpy_writes():
    weight, count = ones(64, 64), iter(range(9))
    array = weight.numpy()
    return lambda x: x @ weight, lambda: array.__setitem__((0, 0), next(count))


@program(lambda: [[x3()]] * 3)
def counts_writes():
    return lambda x: (x.add_(1), x.mul_(2), x._version)[2], None


@program(lambda: [[x3()]] * 3)
def is_counted_by_others():
    buffer = x3()
    return lambda x: (buffer.add_(x), buffer.mul_(2), x * 1)[2], lambda: buffer._version


@program(lambda: [[x3()]] * 4)
def is_followed_by_another_library_function():
    original, count = F.relu, iter(range(9))

    def change():
        F.relu = (lambda x: x * 100) if next(count) == 1 else original

    return lambda x: F.relu(x - 2), change


@program(lambda: [[x3()]] * 4)
def reads_a_module_made_by_the_program():
    module, count = types.ModuleType("made_here"), iter(range(9))
    module.value = 1.0
    return lambda x: x * module.value, lambda: setattr(module, "value", float(next(count)))


@program(lambda: [[x3()]] * 6)
def finds_attributes_where_python_does():
    class Base:
        factor = 1.0

    class Derived(Base):
        pass

    thing, count = Derived(), iter(range(9))

    def change():
        i = next(count)
        if i < 3:
            (Base, Derived, thing)[i].factor = i + 2.0
        elif i == 3:
            del thing.factor

    return lambda x: x * thing.factor, change


@program(lambda: [[x3()]] * 3)
def has_attributes_that_are_computed():
    class Counter:
        n = 0

        def __getattr__(self, name):
            Counter.n += 1
            return float(Counter.n)

    counter = Counter()
    return lambda x: x * counter.anything, lambda: Counter.n


@program(lambda: [[x3()]] * 5)
def goes_by_the_order_of_a_captured_dict():
    factors, count = {"a": 1.0, "b": 2.0}, iter(range(9))

    def function(x):
        for name, factor in factors.items():
            x = x * factor + (name == "a")
        return x

    def change():
        if next(count) == 1:
            factors["a"] = factors.pop("a")

    return function, change


@program(lambda: [[weight := x3().requires_grad_(), weight * 2], [weight, weight * 3], [weight, weight * 4]])
def runs_backward_through_what_came_before():
    return lambda weight, y: (y.sum().backward(), weight.grad)[1], None


@program(lambda: [[x3(), how] for how in ("quiet", "quiet", "noisy", "noisy", "quiet", "noisy")])
def draws_from_numpy_in_a_method_that_runs_at_times():
    class Model:
        factor = 2.0

        def quiet(self, x):
            return x * self.factor

        def noisy(self, x):
            return x * numpy.random.rand()

    model = Model()

    def function(x, how):
        if how == "quiet" and model.factor == 2.0:
            return model.quiet(x)
        return model.noisy(x)

    numpy.random.seed(0)
    return function, lambda: numpy.random.get_state()[2]


@program(lambda: [[x3()]] * 3)
def prints():
    out = io.StringIO()
    return lambda x: (print(x.shape, file=out), x + 1)[1], lambda: out.getvalue()


@program(
    lambda: (
        [[ones(n)] for n in (3, 4, 3)] + [[ones(3, 4)], [ones(4, 3).t()], [ones(3, 8)[:, ::2]], [ones(4).expand(3, 4)]]
    )
)
def depends_on_shape_and_layout():
    return lambda x: (x.sum() / x.shape[0], x.is_contiguous(), x * 2), None


@program(lambda: [[x3()], [x3()], [x3().requires_grad_()]])
def sets_requires_grad_of_arguments_views_and_results():
    kept = []

    def function(x):
        part, copy, result = x.detach()[1:].requires_grad_(), x.clone().detach().requires_grad_(), x.detach() * 3
        ((part * part).sum() + (copy**3).sum()).backward()
        kept.append(copy)
        x.requires_grad_(not x.requires_grad)
        return part.grad, copy, copy.grad, result.requires_grad_(), x

    return function, lambda: kept


@pytest.mark.parametrize("make, calls, before", PROGRAMS)
def test_a_compiled_program_does_what_eager_does(make, calls, before):
    def history(run):
        weft.manual_seed(0)
        set_scale(1)
        function, state = make()
        function = run(function)
        try:
            for i, call in enumerate(calls()):
                args, kwargs = call if isinstance(call, tuple) else (call, {})
                if before:
                    before(i)
                yield i, "result", outcome(function, args, kwargs)
                yield i, "arguments", seen(args)
                if state:
                    yield i, "state", seen(state())
        finally:
            weft.set_default_dtype(weft.float32)

    for mine, eagers in zip(list(history(weft.compile)), list(history(lambda f: f))):
        assert mine == eagers
