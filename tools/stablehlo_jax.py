"""JAX programs as StableHLO text, with inputs and what XLA made of them: test/data/stablehlo, from which the tests import without jax.

python tools/stablehlo_jax.py test/data/stablehlo        # where jax 0.10 is installed
"""

import pathlib
import re
import sys

import jax
import jax.numpy as jnp
import numpy

PROGRAMS = {}


def program(*args, export=False):
    """Enters a function with its arguments; export: as jax.export prints it, with locations."""

    def enter(function):
        PROGRAMS[function.__name__] = (function, args, export)
        return function

    return enter


def numbers(*shape, seed=0):
    return numpy.random.default_rng(seed + sum(shape)).standard_normal(shape).astype(numpy.float32)


def _mlp(params, x):
    for w, b in params[:-1]:
        x = jax.nn.gelu(x @ w + b)
    w, b = params[-1]
    return x @ w + b


@program(
    [(numbers(5, 8), numbers(8)), (numbers(8, 3), numbers(3))], numbers(4, 5), numpy.array([0, 2, 1, 2], numpy.int32)
)
def mlp_gradient(params, x, y):
    def loss(params):
        logits = jax.nn.log_softmax(_mlp(params, x))
        return -jnp.mean(jnp.take_along_axis(logits, y[:, None], 1))

    value, gradients = jax.value_and_grad(loss)(params)
    return value, jax.tree.map(lambda p, g: p - 0.1 * g, params, gradients)


@program(numbers(2, 6, 8), numbers(8, 24), numbers(8, 8, seed=1))
def attention(x, w, o):
    q, k, v = (a.reshape(2, 6, 2, 4).transpose(0, 2, 1, 3) for a in jnp.split(x @ w, 3, -1))
    scores = jnp.einsum("bhqd,bhkd->bhqk", q, k) / 2
    scores = jnp.where(jnp.tril(jnp.ones((6, 6), bool)), scores, -jnp.inf)
    y = jax.nn.softmax(scores) @ v
    return y.transpose(0, 2, 1, 3).reshape(2, 6, 8) @ o


@program(numbers(2, 3, 9, 9), numbers(4, 3, 3, 3), numbers(5, 2, 3, 3), export=True)
def conv_net(x, a, b):
    def net(a, b):
        y = jax.nn.relu(jax.lax.conv(x, a, (1, 1), "SAME"))
        y = jax.lax.reduce_window(y, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "SAME")
        y = jax.lax.conv_general_dilated(
            y, b[:4].repeat(1, 0), (2, 1), "SAME", rhs_dilation=(1, 2), feature_group_count=2
        )
        y = jax.lax.reduce_window(y, 0.0, jax.lax.add, (1, 1, 2, 2), (1, 1, 1, 1), "VALID") / 4
        return jnp.sum(jnp.tanh(y))

    return net(a, b), jax.grad(net, (0, 1))(a, b)


@program(numbers(1, 2, 4, 5), numbers(2, 3, 3, 3))
def transposed_convolution(x, w):
    return jax.lax.conv_transpose(x, w, (2, 2), "SAME", dimension_numbers=("NCHW", "IOHW", "NHWC"))


@program(numbers(7, 2, 3), numbers(2, 4), numbers(3, 4), numbers(4, 4))
def scan_rnn(xs, h, w, u):
    def step(h, x):
        h = jnp.tanh(x @ w + h @ u)
        return h, h.sum(-1)

    return jax.lax.scan(step, h, xs)


@program(numbers(5, 2, 3), numbers(3, 4), numbers(4, 4))
def scan_rnn_gradient(xs, w, u):
    def loss(w, u):
        return jnp.sum(jax.lax.scan(lambda h, x: (jnp.tanh(x @ w + h @ u), None), jnp.zeros((2, 4)), xs)[0] ** 2)

    return jax.grad(loss, (0, 1))(w, u)


@program(numpy.array([[3.0, -0.0, numpy.nan, 0.0, -1.0], [2, 2, -numpy.inf, numpy.inf, 1]], numpy.float32), export=True)
def orders(x):
    return (
        jnp.sort(x, 1),
        jnp.argsort(x, 1),
        jnp.sort(x, 1, descending=True),
        jax.lax.top_k(x, 3),
        jnp.argmax(x, 1),
        jnp.argmin(x, 0),
    )


@program(numpy.array([3, 1, 3, 1, 2], numpy.int32), numpy.array([0, 5, -1, 4, 4], numpy.int32))
def lexicographic(a, b):
    return jnp.lexsort((b, a)), jax.lax.sort((a, b), num_keys=2), jnp.median(a), jnp.unique(a, size=4)


@program(numbers(6, 4), numpy.array([[0, 3], [5, -1], [2, 2]], numpy.int32))
def gather_scatter(x, i):
    y = x.at[i[:, 0]].add(1.5).at[i[:, 0], i[:, 1]].set(9.0).at[1].multiply(2.0).at[:, 1].max(0.5)
    return (
        x[i[:, 0], i[:, 1]],
        x[:, i],
        jnp.take(x, i, 0, mode="clip"),
        y,
        jnp.take_along_axis(x, i[:1, :].repeat(2, 1), 0),
        x[1:4, ::2],
    )


@program(numbers(3, 5), numpy.arange(15, dtype=numpy.int32).reshape(3, 5))
def cumulative(x, n):
    return (
        jnp.cumsum(x, 1),
        jnp.cumprod(x, 0),
        jax.lax.cummax(x, 1, reverse=True),
        jnp.cumsum(n, 0),
        jax.lax.cumlogsumexp(x, 1),
    )


@program(numpy.array([7, 42], numpy.uint32))
def random_numbers(key):
    a, b, c = jax.random.split(key, 3)
    return (
        jax.random.normal(a, (3, 4)),
        jax.random.uniform(b, (5,)),
        jax.random.randint(c, (6,), -3, 9),
        jax.random.permutation(a, 6),
    )


@program(numpy.int32(2), numbers(4))
def branches(i, x):
    y = jax.lax.switch(i, [jnp.sin, jnp.cos, lambda v: v * v], x)
    z = jax.lax.cond(x[0] > 0, lambda v: v + 1, lambda v: v - 1, x)
    n = jax.lax.while_loop(lambda s: s[0] < 100, lambda s: (s[0] * 2 + 1, s[1] + 1), (i, 0))
    return y, z, n, jax.lax.fori_loop(0, 5, lambda k, v: v.at[k % 4].add(k), x)


@program(
    numpy.array([-7, 5, 2**31 - 1, -(2**31)], numpy.int32),
    numpy.array([2, -3, 5, 31], numpy.int32),
    numpy.array([0, 1, 200, 255], numpy.uint8),
)
def integers(a, b, c):
    shifted = (
        a << (b & 7),
        a >> (b & 7),
        jax.lax.shift_right_logical(a, b & 7),
        jax.lax.population_count(a),
        jax.lax.clz(a),
    )
    return (
        a // b,
        a % b,
        jnp.abs(b),
        a ^ b,
        ~c,
        c + c,
        a > b,
        jax.lax.bitcast_convert_type(a, jnp.float32),
        jnp.sign(b),
        shifted,
    )


@program(numpy.linspace(-3, 3, 13, dtype=numpy.float32))
def elementary(x):
    p = jnp.abs(x) + 0.1
    return [
        jnp.exp(x), jnp.expm1(x), jnp.log(p), jnp.log1p(p), jnp.sin(x), jnp.cos(x), jnp.tan(x), jnp.tanh(x), jnp.sinh(x), jnp.arcsinh(x),
        jnp.arctan2(x, p), jnp.cbrt(x), jax.lax.rsqrt(p), jnp.floor(x), jnp.ceil(x), jnp.round(x), jnp.sign(x), p**x, jax.nn.sigmoid(x),
        jax.scipy.special.erf(x), jax.scipy.special.erfc(x), jax.scipy.special.erfinv(x / 4), jax.scipy.special.gammaln(p),
        jax.scipy.special.digamma(p), jnp.isfinite(x), jnp.clip(x, -1, 1), jnp.nextafter(x, p), x % p, jnp.isnan(x), jnp.arccos(x / 4),
    ]  # fmt: skip


@program(numbers(3, 4).astype(jnp.bfloat16), numbers(4, 2).astype(jnp.bfloat16), numpy.arange(4, dtype=numpy.float16))
def narrow_floats(x, w, h):
    return x @ w, jax.nn.softmax(x), (x @ w).astype(jnp.float32), h * h + 1.5, jnp.sum(h), jnp.float16(0.1) * h


@program((numbers(3, 4) + 1j * numbers(3, 4, seed=1)).astype(numpy.complex64), numbers(2, 8))
def transforms(z, x):
    return (
        jnp.abs(z),
        z @ z.T.conj(),
        jnp.fft.fft(z),
        jnp.fft.irfft(jnp.fft.rfft(x)),
        jnp.real(z * (2 - 1j)),
        jnp.exp(z),
    )


@program(numbers(200), numpy.arange(150) % 3 == 0)
def constants(x, m):
    return x[:150] * numbers(150) + numpy.where(numpy.arange(150) % 2 == 0, numpy.float32(numpy.nan), 1), m ^ (
        numpy.arange(150) % 5 == 0
    )


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, (function, args, export) in PROGRAMS.items():
        jitted = jax.jit(function, keep_unused=True)
        leaves = jax.tree.leaves(args)
        results = jax.tree.leaves(jitted(*args))
        text = jax.export.export(jitted)(*args).mlir_module() if export else jitted.lower(*args).as_text()
        text = re.sub(r'"/[^"]*/', '"', text)  # of the files in locations their names
        (folder / f"{name}.mlir").write_text(
            f"// Printed by jax {jax.__version__} for {name}() of tools/stablehlo_jax.py.\n{text}".rstrip() + "\n"
        )
        arrays = {f"in{i}": leaf for i, leaf in enumerate(leaves)} | {f"out{i}": leaf for i, leaf in enumerate(results)}
        wide = {
            k: numpy.asarray(v, numpy.float32) if v.dtype == jnp.bfloat16 else numpy.asarray(v)
            for k, v in arrays.items()
        }
        numpy.savez_compressed(folder / f"{name}.npz", **wide)


if __name__ == "__main__":
    main()
