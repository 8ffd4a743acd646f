"""Random numbers: weft's own, of its generator. A seed that the model asks for is not followed: no two programs agree on what it gives."""

import weft

from ..table import operator
from ..values import dtype_of


def _dtype(x, dtype):
    return x.dtype if dtype is None else dtype_of(dtype, "the result")


@operator("RandomNormal", 1, 22)
def random_normal(*, shape, dtype=1, mean=0.0, scale=1.0, seed=None):
    return weft.randn(shape, dtype=dtype_of(dtype, "the result")) * scale + mean


@operator("RandomNormalLike", 1, 22)
def random_normal_like(x, *, dtype=None, mean=0.0, scale=1.0, seed=None):
    return weft.randn(x.shape, dtype=_dtype(x, dtype)) * scale + mean


@operator("RandomUniform", 1, 22)
def random_uniform(*, shape, dtype=1, low=0.0, high=1.0, seed=None):
    return weft.rand(shape, dtype=dtype_of(dtype, "the result")) * (high - low) + low


@operator("RandomUniformLike", 1, 22)
def random_uniform_like(x, *, dtype=None, low=0.0, high=1.0, seed=None):
    return weft.rand(x.shape, dtype=_dtype(x, dtype)) * (high - low) + low


@operator("Bernoulli", 15, 22)
def bernoulli(x, *, dtype=None, seed=None):
    return weft.bernoulli(x).to(_dtype(x, dtype))


@operator("Multinomial", 7, 22)
def multinomial(x, *, dtype=6, sample_size=1, seed=None):
    return weft.multinomial(weft.softmax(x, -1), sample_size, replacement=True).to(dtype_of(dtype, "the result"))
