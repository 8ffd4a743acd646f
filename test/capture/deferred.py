"""Work that waits while Python looks: memory shared with NumPy and others, the random generator, modes, errors, output."""

import io

import numpy
import weft
from corpus import CALLS, Corpus, three
from weft import nn
from weft.profiler import profile

F = nn.functional
corpus = Corpus()
program = corpus.program

LOOKS = {
    "numpy": lambda t: t.numpy(),
    "asarray": numpy.asarray,
    "memoryview": memoryview,
    "dlpack": numpy.from_dlpack,
    "frombuffer": lambda t: numpy.frombuffer(t, dtype=numpy.float32),
}
WRITES = {
    "add_": lambda y: y.add_(1),
    "setitem": lambda y: y.__setitem__(0, 9.0),
    "copy_": lambda y: y.copy_(three(4)),
    "a_view": lambda y: y[1:].mul_(3),
    "fill_of_a_row": lambda y: y.view(3, 1)[0].fill_(8),
}
for look_name, look in LOOKS.items():
    for write_name, write in WRITES.items():

        def function(x, look=look, write=write):
            y = x * 2
            seen = look(y)
            write(y)
            z = y * 3
            return float(seen[0]), [float(v) for v in seen], z

        corpus.add(f"writes_after_{look_name}_by_{write_name}", lambda f=function: f)


@program()
def writes_by_numpy_and_reads():
    def f(x):
        y = x * 2
        seen = y.numpy()
        z = y + 1
        seen[0] = 100.0
        return z, y * 1, float(seen.sum())

    return f


@program()
def reuses_the_buffer_of_from_numpy():
    def f(x):
        a = numpy.ones(3, dtype=numpy.float32)
        t = weft.from_numpy(a)
        y = t * x
        a[:] = 5.0
        return y, t * x

    return f


@program()
def fills_one_buffer_again_and_again():
    buffer = numpy.zeros(3, dtype=numpy.float32)
    t = weft.from_numpy(buffer)

    def f(x):
        results = []
        for i in range(3):
            buffer[:] = i
            results.append(x + t)
        return results

    return f, lambda: buffer.tolist()


@program()
def writes_into_memory_of_numpy():
    buffer = numpy.zeros(3, dtype=numpy.float32)
    t = weft.from_numpy(buffer)

    def f(x):
        t.add_(x)
        first = buffer.sum()
        t.mul_(2)
        return float(first), float(buffer.sum())

    return f, lambda: buffer.tolist()


@program()
def writes_into_memory_of_a_bytearray():
    memory = bytearray(12)
    t = weft.from_numpy(numpy.frombuffer(memory, dtype=numpy.float32))

    def f(x):
        t.add_(x)
        return bytes(memory)

    return f, lambda: bytes(memory)


@program()
def is_given_memory_of_numpy():
    return lambda x: (x.add_(1), x * 2)


corpus[-1] = corpus[-1]._replace(
    calls=lambda: [[weft.from_numpy(numpy.full(3, i, dtype=numpy.float32))] for i in range(CALLS)], replays=True
)


@program()
def is_given_an_array_and_its_tensor():
    def f(x, a):
        y = x * 2
        a[0] = 7
        return y, x + 1

    return f


def arrays():
    made = [numpy.full(3, i, dtype=numpy.float32) for i in range(CALLS)]
    return [[weft.from_numpy(a), a] for a in made]


corpus[-1] = corpus[-1]._replace(calls=arrays)


@program()
def seeds_between_two_draws():
    def f(x):
        a = weft.rand(3)
        weft.manual_seed(7)
        b = weft.rand(3)
        weft.manual_seed(7)
        return a + x, b, weft.rand(3)

    return f


@program()
def seeds_before_a_draw():
    return lambda x: (weft.manual_seed(3), weft.randn(3) + x)[1]


@program()
def seeds_after_a_draw():
    return lambda x: (weft.randn(3) + x, weft.manual_seed(5))[0]


@program()
def reads_the_generator_between_draws():
    def f(x):
        a = weft.rand(3)
        seed = weft.initial_seed()
        b = weft.rand(3)
        weft.manual_seed(seed)
        return a, b, weft.rand(3), x

    return f


@program()
def reads_the_initial_seed():
    return lambda x: x + weft.initial_seed() % 7, None, lambda i: weft.manual_seed(i)


@program(replays=True)
def draws_twice():
    return lambda x: (weft.rand(3) + x, weft.randn(3), F.dropout(x, 0.5))


MODES = {
    "leaves_grad_mode_off": lambda: weft.set_grad_enabled(False),
    "leaves_grad_mode_on": lambda: weft.set_grad_enabled(True),
    "leaves_another_default_dtype": lambda: weft.set_default_dtype(weft.float64),
}
for name, set_mode in MODES.items():

    def make(set_mode=set_mode):
        w = weft.ones(3).requires_grad_()

        def f(x):
            y = (w * x).requires_grad, weft.is_grad_enabled(), str(weft.get_default_dtype())
            z = w * x
            set_mode()
            return y, z

        def change(i):
            weft.set_grad_enabled(i % 3 != 2)
            weft.set_default_dtype(weft.float32)

        def state():
            weft.set_grad_enabled(True)
            weft.set_default_dtype(weft.float32)

        return f, state, change

    corpus.add(name, make)


@program(replays=True)
def has_its_own_grad_mode():
    w = weft.ones(3).requires_grad_()

    def f(x):
        with weft.no_grad():
            y = w * x
        with weft.enable_grad():
            z = w * x
        return y, z, weft.is_grad_enabled()

    return f


@program()
def is_called_with_and_without_grad():
    w = weft.ones(3).requires_grad_()
    return (
        lambda x: (w * x, weft.is_grad_enabled()),
        lambda: weft.set_grad_enabled(True),
        lambda i: weft.set_grad_enabled(i % 2 == 0),
    )


TABLE = weft.arange(12).float().view(4, 3)


def indices():
    return [[weft.tensor([i, 2])] for i in (0, 1, 4, 2, -9, 3)]


def index_error_in_try(x):
    log = []
    try:
        y = TABLE[x]
        log.append("read")
        return y, log
    except IndexError:
        log.append("caught")
        return TABLE[0], log


def computed_index_error_in_try(x):
    log = []
    try:
        y = TABLE[x * 2 - x]
        log.append("read")
        return y, log
    except IndexError:
        log.append("caught")
        return TABLE[0], log


def division_in_try(x):
    log = []
    try:
        y = 12 // (x - 2)
        log.append("divided")
        return y, log
    except (ZeroDivisionError, RuntimeError):
        log.append("caught")
        return x, log


def print_after_a_computed_index(x):
    print("before")
    y = TABLE[x + 0]
    print("after")
    return y


def print_after_an_embedding(x):
    print("before")
    y = F.embedding(x * 1, TABLE)
    print("after")
    return y


def finally_after_an_error(x):
    try:
        return TABLE[x + 0]
    finally:
        print("finally")


def error_that_nobody_sees(x):
    TABLE[x + 0]
    return x * 2


for function in (
    index_error_in_try,
    computed_index_error_in_try,
    division_in_try,
    print_after_a_computed_index,
    print_after_an_embedding,
    finally_after_an_error,
    error_that_nobody_sees,
):
    corpus.add(function.__name__, lambda f=function: f, indices)


@program(calls=indices)
def counts_after_an_error():
    count = {"before": 0, "after": 0}

    def f(x):
        count["before"] += 1
        y = TABLE[x + 0]
        count["after"] += 1
        return y

    return f, lambda: dict(count)


@program(calls=indices)
def writes_before_an_error():
    total = weft.zeros(2)

    def f(x):
        total.add_(1)
        y = TABLE[x * 1]
        total.mul_(2)
        return y

    return f, lambda: total


@program()
def prints_between_writes():
    total = weft.zeros(3)

    def f(x):
        total.add_(x)
        print(total.tolist())
        total.mul_(2)
        print(total.sum().item())
        return total * 1

    return f, lambda: total


@program()
def writes_a_file():
    file = io.BytesIO()

    def f(x):
        y = x * 2
        file.write(memoryview(y))
        y.add_(1)
        file.write(y.numpy().tobytes())
        return y

    return f, lambda: file.getvalue()


@program()
def reads_a_value_and_goes_on():
    def f(x):
        y = x * 2
        if y.sum().item() > 20:
            y.add_(100)
        return y, float(y[0]), int(y[1])

    return f


@program()
def counts_until_a_value():
    def f(x):
        n = 0
        while x.sum() < 40:
            x = x * 2
            n += 1
        return x, n

    return f


@program()
def raises_on_a_value():
    def f(x):
        y = x * 2
        if (y > 12).any():
            raise ValueError(f"too large: {y.max().item()}")
        return y

    return f


@program()
def profiles_a_part():
    def f(x):
        y = x * 2
        with profile() as record:
            y = y + 1
        return y * 3, len(record.events()) > 0

    return f
