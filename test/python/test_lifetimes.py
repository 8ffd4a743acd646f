"""How long objects live: chains and nests of any depth, cycles, and threads that outlive the interpreter."""

import gc
import weakref

import pytest
import weft
from conftest import run_alone

# ---- Long chains and deep nests.

CHAINS = {
    "kept operands": "for _ in range(20_000): y = y * 1.0",
    "kept results": "for _ in range(20_000): y = (y * 0.0).exp()",
    "views": "for _ in range(20_000): y = y.view(1, 2)[0] * 1.0",
    "in place": "y = y * 1\nfor _ in range(20_000): y.mul_(1.0)",
    "gradients": "y = weft.ones(2)\nfor _ in range(100_000):\n    z = weft.ones(2); z.grad = y; y = z\ndel z",
    "hooks": "for _ in range(20_000):\n    y = y * 1.0; y.register_hook(lambda g, y=y.detach(): None)",
}


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_a_long_chain_is_released(chain):
    """By del, in a thread of a small stack, and at exit."""
    code = f"""
def make():
    y = weft.ones(2, requires_grad=True)
    {chain.replace(chr(10), chr(10) + "    ")}
    return y
threading.stack_size(64 << 10)
thread = threading.Thread(target=make)
thread.start()
thread.join()
y = make()
kept = y.detach()
del y
last = make()
print(tuple(kept.shape))
"""
    assert run_alone(code) == "(2,)"


def test_backward_through_a_long_chain_with_cuts():
    code = """
x = y = weft.ones(2, requires_grad=True)
kept = []
for i in range(20_000):
    y = y * 1.0
    y.retain_grad() if i % 2 else y.register_hook(lambda g: None)
    kept.append(y)
y.sum().backward()
print(x.grad.tolist(), kept[1].grad.tolist())
"""
    assert run_alone(code) == "[1.0, 1.0] [1.0, 1.0]"


def nested(inner, depth):
    for _ in range(depth):
        inner = [inner]
    return inner


def innermost(value):
    while isinstance(value, list):
        value = value[0]
    return value


@pytest.mark.parametrize("depth", [3, 100, 100_000])
def test_deep_arguments_and_results_of_compiled_functions(depth):
    compiled = weft.compile(lambda value: nested(innermost(value) * 2, depth))
    for _ in range(3):
        assert innermost(compiled(nested(weft.ones(2), depth))).tolist() == [2, 2]


def test_containers_of_compiled_functions_that_hold_themselves():
    def itself(x):
        result = [x * 2]
        result.append(result)
        return result

    def twice(x):
        part = [x * 2]
        return {"a": part, "b": part}

    kept = []

    def outside(x):
        kept[:] = [x * 2]
        return kept

    for _ in range(3):
        result = weft.compile(itself)(weft.ones(2))
        assert result[1] is result and result[0].tolist() == [2, 2]
    compiled = [weft.compile(f) for f in (twice, outside, lambda pair: pair)]
    for _ in range(3):
        result = compiled[0](weft.ones(2))
        assert result["a"] is result["b"]
        assert compiled[1](weft.ones(2)) is kept
        pair = [weft.ones(2)]
        assert compiled[2](pair) is pair
    argument = [weft.ones(2)]
    argument += [argument] * 3
    for _ in range(3):
        assert weft.compile(lambda a: a[1][0] + 1)(argument).tolist() == [2, 2]


# ---- What only leads back to itself is collected.


class Holder:
    pass


def module_with_its_compiled_forward():
    module = weft.nn.Linear(2, 2)
    module.compiled = weft.compile(module.forward)
    module.compiled(weft.ones(1, 2))
    module.compiled(weft.ones(1, 2))
    return module


def function_with_its_compiled_self():
    holder = Holder()
    holder.scale = 2.0
    holder.call = weft.compile(lambda x, options: x * holder.scale + options["add"])
    for _ in range(2):
        holder.call(weft.ones(2), {"add": 1})
    return holder


def training_step():
    holder = Holder()
    holder.model = weft.nn.Linear(2, 1)
    holder.optimizer = weft.optim.SGD(holder.model.parameters(), lr=0.1)

    def step(x):
        holder.optimizer.zero_grad()
        holder.model(x).sum().backward()
        holder.optimizer.step()

    holder.step = weft.compile(step)
    for _ in range(3):
        holder.step(weft.ones(1, 2))
    return holder


def leaf_in_its_hook():
    x = weft.ones(2, requires_grad=True)
    x.register_hook(lambda g: x * 0 + g)
    x.sum().backward()
    return x


def result_in_its_hook():
    x = weft.ones(2, requires_grad=True)
    y = x * 2
    y.register_hook(lambda g: y * 0 + g)
    y.sum().backward()
    return y


def optimizer_in_a_hook():
    parameter = weft.nn.Parameter(weft.ones(2))
    optimizer = weft.optim.SGD([parameter], lr=0.1)
    parameter.register_post_accumulate_grad_hook(lambda p: optimizer.step())
    parameter.sum().backward()
    return optimizer


def plain_tensor_with_a_post_accumulate_hook():
    x = weft.ones(2, requires_grad=True)
    holder = Holder()
    holder.x = x
    x.register_post_accumulate_grad_hook(lambda p: setattr(holder, "done", True))
    x.sum().backward()
    return holder


@pytest.mark.parametrize(
    "make",
    [
        module_with_its_compiled_forward,
        function_with_its_compiled_self,
        training_step,
        leaf_in_its_hook,
        result_in_its_hook,
        optimizer_in_a_hook,
        plain_tensor_with_a_post_accumulate_hook,
    ],
)
def test_cycles_are_collected(make):
    gone = weakref.ref(make())
    gc.collect()
    assert gone() is None


def test_a_hook_in_use_is_not_collected():
    seen = []

    def make():
        y = weft.ones(2, requires_grad=True) * 2
        y.register_hook(lambda g: seen.append((y.shape, g.tolist())))
        return y.sum()

    z = make()
    gc.collect()
    z.backward()
    assert seen == [((2,), [1, 1])]


# ---- The interpreter ends while threads are at work.

AT_WORK = {
    "compiling": "weft.compile(lambda x, n=n: (x * float(n)).exp().sum(-1))(weft.ones(64, 64))",
    "tracing": "weft.compile(lambda x: [x * 2, time.sleep(0.001)])(weft.ones(64, 64))",
    "running": "weft.ones(400, 400) @ weft.ones(400, 400)",
    "replaying": "replayed(weft.ones(400, 400))",
    "in a hook": "hooked(n)",
}


@pytest.mark.parametrize("work", AT_WORK.values(), ids=AT_WORK)
def test_exit_while_daemon_threads_work(work):
    code = f"""
import itertools
replayed = weft.compile(lambda x: (x @ x).tanh())
def hooked(n):
    x = weft.ones(64, 64, requires_grad=True)
    y = x * 2
    y.register_hook(lambda g: time.sleep(0.001))
    (y @ weft.from_numpy(x.detach().numpy())).sum().backward()
def forever():
    for n in itertools.count():
        {work}
for _ in range(4):
    threading.Thread(target=forever, daemon=True).start()
time.sleep(0.3)
print("ends")
"""
    for _ in range(2):
        assert run_alone(code) == "ends"
