"""Less memory for a backward pass that computes again what it needs."""

from __future__ import annotations

from .. import _C


def checkpoint(
    function,
    *args,
    use_reentrant=None,
    context_fn=None,
    determinism_check="default",
    debug=False,
    early_stop=True,
    preserve_rng_state=True,
    **kwargs,
):
    """``function(*args, **kwargs)``, of whose operations backward() keeps no results: it computes them again from what went in.

    Values, gradients and random numbers have the bits that they have without. The operations are done again as the tape holds them,
    without running ``function``: what else it does, it does once. So use_reentrant, determinism_check, debug, early_stop and
    preserve_rng_state, which PyTorch has for its second run of the function, have nothing to say. Inputs must not be written to in between.

    Raises NotImplementedError for a context_fn: there is no second run to be in a context.
    """
    if context_fn is not None:
        raise NotImplementedError(
            "[checkpoint] context_fn is not supported, since the function runs once; leave it out"
        )
    with _C.checkpoint():
        return function(*args, **kwargs)


def checkpoint_sequential(functions, segments, input, use_reentrant=None, **kwargs):
    """A chain of functions, or a ``Sequential``, in so many segments, all but the last of them checkpoints."""
    chain = list(functions)
    if not 0 < segments <= len(chain):
        raise ValueError(
            f"[checkpoint_sequential] segments must be from 1 to the number of functions, {len(chain)}; got {segments}"
        )
    length = len(chain) // segments
    for start in range(0, length * (segments - 1), length):
        input = checkpoint(_run, chain[start : start + length], input, use_reentrant=use_reentrant, **kwargs)
    return _run(chain[length * (segments - 1) :], input)


def _run(functions, value):
    for function in functions:
        value = function(value)
    return value
