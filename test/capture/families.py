"""Complex numbers, Fourier transforms, matrices, distributions, loops and functions of functions in compiled functions, on sizes that
vary."""

import weft
from corpus import Corpus
from weft import nn
from weft.func import grad, hessian, jacrev, jvp, vjp, vmap
from weft.profiler import record_function

F = nn.functional
fft, linalg = weft.fft, weft.linalg
corpus = Corpus()


def sizes():
    return [[weft.arange(n).float() + 0.5 * i] for i, n in enumerate((3, 3, 4, 3, 4, 5))]


def number(x):
    return weft.complex(x, x * 0.5 + 1)


def matrix(x):
    return x[:, None] * x + weft.eye(x.shape[0]) * 3


def writes_to_parts(x):
    z = number(x)
    z.real.add_(1)
    weft.view_as_real(z)[..., 1].mul_(2)
    z[0] = 5j
    return z, z.imag, z.conj() * 1


def branches_on_an_absolute_value(x):
    z = number(x)
    return z * 2 if z.sum().abs() > 9 else z.item() if z.numel() == 1 else z.conj()


def gradient_through_a_spectrum(x):
    leaf = x.detach().requires_grad_()
    (fft.rfft(leaf).abs() ** 2).sum().backward()
    return leaf.grad


def tries_to_factor(x):
    seen, y = [], x * 2
    for sign in (1, -1):
        try:
            linalg.cholesky(matrix(x) * sign)
            seen.append("fine")
        except linalg.LinAlgError:
            print("not positive definite")
            seen.append("wrong")
    return y, seen


def writes_before_a_singular_matrix(x):
    y = x.clone()
    try:
        y.add_(1)
        linalg.solve(x[:, None] * x * 0, y)
        y.add_(100)
    except RuntimeError:
        y.mul_(3)
    return y


def samples(x):
    normal = weft.distributions.Normal(x, x.abs() + 1)
    drawn = normal.sample()
    return drawn, normal.log_prob(drawn), weft.distributions.Categorical(logits=x).sample()


def scans_with_gradients(x):
    leaf, decay = x.detach().requires_grad_(), weft.tensor(0.5, requires_grad=True)
    last, steps = weft.scan(lambda h, v: (h * decay + v, h * v), weft.zeros(()), leaf)
    (last + steps.sum()).backward()
    return leaf.grad, decay.grad


def loops_within_a_scan(x):
    step = lambda h, v: (weft.cond(v > 2, lambda a, b: a + b, lambda a, b: a - b, (h, v)), h)
    return weft.scan(step, weft.zeros(()), x), weft.while_loop(lambda v: v.sum() < 100, lambda v: (v * 2,), (x + 1,))


def gradient_of_a_while_loop(x):
    leaf = x.detach().requires_grad_()
    weft.while_loop(lambda v: v.sum() < 100, lambda v: (v * 2,), (leaf + 1,))[0].sum().backward()


def gradient_of_parts_put_together(x):
    leaf = x.detach().requires_grad_()
    weft.cat([leaf, leaf[1:] * 2, weft.ones(3)]).pow(2).sum().backward()
    return leaf.grad


def cache_that_grows():
    cache = [weft.zeros(0, 3)]

    def f(x):
        cache[0] = weft.cat([cache[0], x[:3].expand(1, 3)])
        return (cache[0] @ cache[0].t()).softmax(-1)

    return f, lambda: cache


def prints_in_a_scan(x):
    def step(h, v):
        print("traced")
        return h + v, h

    return weft.scan(step, weft.zeros(()), x)


def names_a_range(x):
    with record_function("range"):
        y = x * 2
    return y + 1


FUNCTIONS = {
    "complex_products": lambda x: (number(x) * (2 - 3j), number(x)[:, None] @ number(x)[None], 1 / number(x)),
    "complex_parts": lambda x: (number(x).abs(), number(x).angle(), number(x).real, number(x).imag),
    "complex_order": lambda x: number(x) < 1,
    "complex_value": lambda x: (number(x).sum().item(), complex(number(x)[0])),
    "fft": lambda x: (
        fft.fft(x),
        fft.irfft(fft.rfft(x), n=x.shape[0]),
        fft.fftshift(x),
        fft.rfftfreq(x.shape[0], d=0.1),
    ),
    "fft_of_a_fixed_length": lambda x: fft.irfft(fft.rfft(x, n=16) * fft.rfft(x.flip(0), n=16), n=16)[: x.shape[0]],
    "matrices": lambda x: (linalg.inv(matrix(x)), linalg.slogdet(matrix(x)), linalg.solve(matrix(x), x)),
    "factors": lambda x: (linalg.cholesky(matrix(x)), linalg.qr(matrix(x)), linalg.svdvals(matrix(x))),
    "one_hot": lambda x: F.one_hot(x.long() % 3, 3) * 2,
    "map": lambda x: weft.map(lambda v: v.sin() * 2, x),
    "associative_scan": lambda x: weft.associative_scan(lambda a, b: a * b, x),
    "associative_scan_of_two": lambda x: weft.associative_scan(lambda a, b: (a[0] + b[0], a[1] * b[1]), (x, x.cos())),
    "associative_scan_backwards": lambda x: weft.associative_scan(lambda a, b: a + b * 2, x, reverse=True),
    "cat": lambda x: (weft.cat([x, x[:1], weft.zeros(2), x * 2]), weft.cat([x > 2, x[1:] > 3])),
    "cat_of_many": lambda x: weft.cat([x, x[:1], x, x[1:], x * 2]),
    "pad": lambda x: (F.pad(x, (2, 1)), F.pad(x, (1, 2), value=3.0), F.pad(x, (3, -1)) * 2),
    "vmap": lambda x: vmap(grad(lambda v: v**3))(x),
    "derivatives": lambda x: (hessian(lambda v: (v**3).sum())(x), jacrev(lambda v: v * v.sum())(x)),
    "products_with_derivatives": lambda x: (jvp(weft.sin, (x,), (x,)), vjp(weft.sin, x)[1](x)),
}
for function in (
    writes_to_parts, branches_on_an_absolute_value, gradient_through_a_spectrum, tries_to_factor, writes_before_a_singular_matrix, samples,
    scans_with_gradients, loops_within_a_scan, gradient_of_a_while_loop, gradient_of_parts_put_together, prints_in_a_scan, names_a_range,
):  # fmt: skip
    FUNCTIONS[function.__name__] = function
for name, function in FUNCTIONS.items():
    corpus.add(name, lambda f=function: f, sizes)
corpus.add("cache_that_grows", cache_that_grows, sizes)
