"""The cases, written once for libraries with PyTorch's names (`t` is weft or torch) and where possible once for JAX.

A case is a function that gets a library's adapter, and where it grows a size, and returns `run`, a function of no arguments
that does the work once and returns its result, a tensor or array on which all libraries must agree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numerical
import numpy as np
import ordering
import vision
from libraries import Library, Run, data, trained


def elementwise_chain(lib: Library) -> Run:
    """Sigmoid, tanh and exp of two 2048 x 2048 matrices in one expression."""
    f = lib.t.nn if lib.is_jax else lib.t
    m = lib.t.numpy if lib.is_jax else lib.t
    return lib.call(
        lambda x, y: (x * f.sigmoid(x) + m.tanh(y) * 0.5 - m.exp(-x * x)) * y, data(0, 2048, 2048), data(1, 2048, 2048)
    )


def softmax(lib: Library, size: int = 2048) -> Run:
    """The rows of a size x size matrix."""
    if lib.is_jax:
        return lib.call(lambda x: lib.t.nn.softmax(x, -1), data(0, size, size))
    return lib.call(lambda x: lib.t.softmax(x, dim=-1), data(0, size, size))


def layer_norm(lib: Library) -> Run:
    """A residual sum and layer norm of 4096 rows of 1024."""
    arrays = (data(0, 4096, 1024), data(1, 4096, 1024), data(2, 1024), data(3, 1024))
    if lib.is_jax:

        def norm(x: Any, r: Any, w: Any, b: Any) -> Any:
            x = x + r
            centred = x - x.mean(-1, keepdims=True)
            return centred / lib.t.numpy.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * w + b

        return lib.call(norm, *arrays)
    return lib.call(lambda x, r, w, b: lib.t.nn.functional.layer_norm(x + r, (1024,), w, b), *arrays)


def column_sum(lib: Library) -> Run:
    """Squares of a 4096 x 2048 matrix summed down its columns."""
    return lib.call(lambda x: (x * x).sum(0), data(0, 4096, 2048))


def matmul(lib: Library, size: int = 1024) -> Run:
    """Two size x size matrices."""
    return lib.call(lambda a, b: a @ b, data(0, size, size), data(1, size, size))


def small_graph(lib: Library) -> Run:
    """Fifteen operations on 8 x 8: what a compiled call costs."""

    def chain(a: Any, b: Any) -> Any:
        for _ in range(5):
            a = lib.t.numpy.tanh(a * b + 1) if lib.is_jax else lib.t.tanh(a * b + 1)
        return a

    return lib.call(chain, data(0, 8, 8), data(1, 8, 8))


def mlp_train(lib: Library) -> Run:
    """A training step of a 784-512-512-10 classifier, batch 64, with AdamW; not written for JAX."""
    nn = lib.torch_like.nn
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    return trained(lib, model, data(0, 64, 784), np.random.default_rng(1).integers(0, 10, 64))


def transformer(t: Any, size: int) -> Any:
    """A transformer of width size: 4 blocks of 8 heads, 256 tokens, at most 128 of them in a row."""
    nn = t.nn

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(size), nn.LayerNorm(size)
            self.qkv, self.out = nn.Linear(size, 3 * size), nn.Linear(size, size)
            self.up, self.down = nn.Linear(size, 4 * size), nn.Linear(4 * size, size)

        def forward(self, x: Any) -> Any:
            batch, length, _ = x.shape
            parts = self.qkv(self.norm1(x)).split(size, dim=2)
            q, k, v = (part.view(batch, length, 8, size // 8).transpose(1, 2) for part in parts)
            mixed = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(mixed.transpose(1, 2).contiguous().view(batch, length, size))
            return x + self.down(nn.functional.gelu(self.up(self.norm2(x))))

    class Model(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.positions = nn.Embedding(256, size), nn.Embedding(128, size)
            self.blocks = nn.ModuleList([Block() for _ in range(4)])
            self.norm, self.head = nn.LayerNorm(size), nn.Linear(size, 256, bias=False)

        def forward(self, indices: Any) -> Any:
            x = self.tokens(indices) + self.positions(t.arange(indices.shape[1]))
            for block in self.blocks:
                x = block(x)
            return self.head(self.norm(x))

    return Model()


def lstm_train(lib: Library) -> Run:
    """A training step's gradients of an LSTM of two layers of 256, 32 sequences of 100."""
    return _recurrent(lib, "LSTM")


def gru_train(lib: Library) -> Run:
    """The same of a GRU."""
    return _recurrent(lib, "GRU")


def _recurrent(lib: Library, kind: str) -> Run:
    module = getattr(lib.torch_like.nn, kind)(256, 256, 2)
    with lib.t.no_grad():
        for i, weight in enumerate(module.parameters()):
            weight.copy_(lib.t.tensor(data(i, *weight.shape) / 16))

    def step(x: Any) -> Any:
        for weight in module.parameters():
            weight.grad = None
        output, _ = module(x)
        (output * output).mean().backward()
        return next(iter(module.parameters())).grad

    x = lib.t.from_numpy(data(99, 100, 32, 256))
    step = lib.compile(step)
    return lambda: step(x)


def gpt_train(lib: Library, size: int = 256) -> Run:
    """A training step of a transformer of width size: 4 blocks of 8 heads, 8 sequences of 128 tokens; not written for JAX."""
    random = np.random.default_rng(1)
    return trained(
        lib, transformer(lib.torch_like, size), random.integers(0, 256, (8, 128)), random.integers(0, 256, (8, 128))
    )


CASES: dict[str, Callable[..., Run]] = {
    case.__name__: case
    for case in (
        elementwise_chain,
        softmax,
        layer_norm,
        column_sum,
        matmul,
        small_graph,
        mlp_train,
        gpt_train,
        lstm_train,
        gru_train,
        *vision.CASES,
        *ordering.CASES,
        *numerical.CASES,
    )
}
