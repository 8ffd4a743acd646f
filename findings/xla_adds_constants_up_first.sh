#!/usr/bin/env bash
# XLA on the CPU (jax and jaxlib 0.10.2): under jit, x + c - c of floats with a constant c is x. Guessed: fast-math is off, so sums keep their
# order. Seen: the compiler adds the two constants up first. Adding and taking away 1.5 * 2^23, by which one rounds a float32 to an integer,
# therefore does nothing, and 1e38 + 3e38 - 3e38 is not infinite. Without jit, or with c as an argument, it is IEEE's. Products are left
# alone: x * 1e30 * 1e30 * 1e-30 is infinite. Neither --xla_cpu_enable_fast_math=false nor --xla_allow_excess_precision=false changes it.
#
# Seen: "step by step: [0.0, 2.0, 2.0], jit: [0.3, 1.6, 2.5], c as an argument: [0.0, 2.0, 2.0]", "1e38 + 3e38 - 3e38: 1e+38",
# "1 * 1e30 * 1e30 * 1e-30: inf".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q jax==0.10.2 jaxlib==0.10.2 numpy
"$folder/venv/bin/python" - <<'PYTHON'
import os

os.environ["XLA_FLAGS"] = "--xla_cpu_enable_fast_math=false --xla_allow_excess_precision=false"
os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp

c = 12582912.0
x = jnp.array([0.3, 1.6, 2.5], jnp.float32)


def shown(values):
    return [round(v, 6) for v in values.tolist()]


eager, compiled = (x + c) - c, jax.jit(lambda x: (x + c) - c)(x)
argument = jax.jit(lambda x, c: (x + c) - c)(x, jnp.float32(c))
print(f"step by step: {shown(eager)}, jit: {shown(compiled)}, c as an argument: {shown(argument)}")
large = jax.jit(lambda x: (x + 3e38) - 3e38)(jnp.float32(1e38))
print(f"1e38 + 3e38 - 3e38: {large:.0e}")
product = jax.jit(lambda x: x * 1e30 * 1e30 * 1e-30)(jnp.float32(1))
print("1 * 1e30 * 1e30 * 1e-30:", product.item())
assert shown(eager) == shown(argument) == [0.0, 2.0, 2.0] and jnp.isinf(product), "changed"
assert jnp.array_equal(compiled, x) and jnp.isfinite(large), "XLA keeps the sums now"
PYTHON
