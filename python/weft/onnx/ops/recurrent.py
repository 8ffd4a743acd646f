"""RNN, GRU and LSTM, as loops of the graph over the steps."""

import weft
from weft.nn import functional as F

from ..table import operator
from .shapes import reverse_sequence


def _affine(x, a, b):
    return a * x + b


# name → (function of x, alpha and beta; their defaults)
_ACTIVATIONS = {
    "relu": (lambda x, a, b: weft.relu(x), 0.0, 0.0),
    "tanh": (lambda x, a, b: weft.tanh(x), 0.0, 0.0),
    "sigmoid": (lambda x, a, b: weft.sigmoid(x), 0.0, 0.0),
    "affine": (_affine, 1.0, 0.0),
    "leakyrelu": (lambda x, a, b: F.leaky_relu(x, a), 0.01, 0.0),
    "thresholdedrelu": (lambda x, a, b: weft.where(x > a, x, 0), 1.0, 0.0),
    "scaledtanh": (lambda x, a, b: a * weft.tanh(b * x), 1.0, 1.0),
    "hardsigmoid": (lambda x, a, b: weft.clamp(a * x + b, 0, 1), 0.2, 0.5),
    "elu": (lambda x, a, b: F.elu(x, a), 1.0, 0.0),
    "softsign": (lambda x, a, b: F.softsign(x), 0.0, 0.0),
    "softplus": (lambda x, a, b: F.softplus(x), 0.0, 0.0),
}


def _functions(names, alphas, betas, clip):
    """One function a name; alpha and beta are given in order to those that take them."""
    alphas, betas = list(alphas or ()), list(betas or ())
    made = []
    for name in names:
        if name.lower() not in _ACTIVATIONS:
            raise NotImplementedError(
                f"the activation {name!r} is not supported; supported are {', '.join(_ACTIVATIONS)}"
            )
        function, alpha, beta = _ACTIVATIONS[name.lower()]
        takes_alpha = name.lower() in ("affine", "leakyrelu", "thresholdedrelu", "scaledtanh", "hardsigmoid", "elu")
        takes_beta = name.lower() in ("affine", "scaledtanh", "hardsigmoid")
        alpha = alphas.pop(0) if takes_alpha and alphas else alpha
        beta = betas.pop(0) if takes_beta and betas else beta
        made.append(_applied(function, alpha, beta, clip))
    return made


def _applied(function, alpha, beta, clip):
    if clip is None:
        return lambda x: function(x, alpha, beta)
    return lambda x: function(weft.clamp(x, -clip, clip), alpha, beta)


def _run(cell, gates, x, w, r, b, lengths, states, direction, layout, activations, defaults, alpha, beta, clip):
    """``cell(f, x W' + its bias, r, recurrent bias, states, direction)`` gives the next states, the first of which is the output."""
    count = 2 if direction == "bidirectional" else 1
    if direction not in ("forward", "reverse", "bidirectional"):
        raise NotImplementedError(
            f"the direction {direction!r} is not supported; supported are forward, reverse, bidirectional"
        )
    names = list(activations) if activations else list(defaults) * count
    x = x.transpose(0, 1) if layout else x
    steps, batch = x.shape[:2]
    hidden = r.shape[2]
    outputs, last = [], []
    for d in range(count):
        functions = _functions(names[d * len(defaults) : (d + 1) * len(defaults)], alpha, beta, clip)
        backwards = direction == "reverse" or d == 1
        own = _turned(x, lengths) if backwards else x
        wb, rb = (None, None) if b is None else (b[d, : gates * hidden], b[d, gates * hidden :])
        projected = F.linear(own, w[d], wb)
        begin = tuple(
            weft.zeros((batch, hidden), dtype=x.dtype) if s is None else (s[:, d] if layout else s[d]) for s in states
        )
        y, end = _steps(cell, functions, projected, r[d], rb, begin, lengths, d)
        outputs.append(_turned(y, lengths) if backwards else y)
        last.append(end)
    y = weft.stack(outputs, 1)  # (steps, directions, batch, hidden)
    ends = tuple(weft.stack([end[i] for end in last], 1 if layout else 0) for i in range(len(states)))
    return (y.permute(2, 0, 1, 3) if layout else y, *ends)


def _turned(x, lengths):
    return weft.flip(x, [0]) if lengths is None else reverse_sequence(x, lengths)


def _steps(cell, functions, projected, r, rb, begin, lengths, direction):
    count = projected.shape[0]
    if lengths is None:

        def step(carry, now):
            following = cell(functions, now, r, rb, carry, direction)
            return following, following[0]

        end, y = weft.scan(step, begin, projected)
        return y, end
    # Beyond an example's length the output is 0 and the state stays.
    within = (weft.arange(count).unsqueeze(1) < lengths.to(weft.int64)).unsqueeze(2)

    def masked(carry, now):
        now, going = now
        following = cell(functions, now, r, rb, carry, direction)
        kept = tuple(weft.where(going, new, old) for new, old in zip(following, carry))
        return kept, weft.where(going, following[0], weft.zeros_like(following[0]))

    end, y = weft.scan(masked, begin, (projected, within))
    return y, end


@operator("RNN", 7, 14, 22)
def rnn(
    x, w, r, b=None, sequence_lens=None, initial_h=None, *, activation_alpha=None, activation_beta=None, activations=None, clip=None,
    direction="forward", hidden_size=None, layout=0,
):  # fmt: skip
    def cell(f, now, r, rb, carry, direction):
        return (f[0](now + F.linear(carry[0], r, rb)),)

    return _run(
        cell,
        1,
        x,
        w,
        r,
        b,
        sequence_lens,
        (initial_h,),
        direction,
        layout,
        activations,
        ("Tanh",),
        activation_alpha,
        activation_beta,
        clip,
    )


@operator("GRU", 7, 14, 22)
def gru(
    x, w, r, b=None, sequence_lens=None, initial_h=None, *, activation_alpha=None, activation_beta=None, activations=None, clip=None,
    direction="forward", hidden_size=None, layout=0, linear_before_reset=0,
):  # fmt: skip
    """Gates in the order update, reset, hidden."""

    def cell(f, now, r, rb, carry, direction):
        h, n = carry[0], r.shape[1]
        gates = F.linear(h, r[: 2 * n], None if rb is None else rb[: 2 * n]) + now[:, : 2 * n]
        z, reset = f[0](gates[:, :n]), f[0](gates[:, n:])
        bias = None if rb is None else rb[2 * n :]
        if linear_before_reset:
            new = f[1](now[:, 2 * n :] + reset * F.linear(h, r[2 * n :], bias))
        else:
            new = f[1](now[:, 2 * n :] + F.linear(reset * h, r[2 * n :], bias))
        return ((1 - z) * new + z * h,)

    return _run(
        cell,
        3,
        x,
        w,
        r,
        b,
        sequence_lens,
        (initial_h,),
        direction,
        layout,
        activations,
        ("Sigmoid", "Tanh"),
        activation_alpha,
        activation_beta,
        clip,
    )


@operator("LSTM", 7, 14, 22)
def lstm(
    x, w, r, b=None, sequence_lens=None, initial_h=None, initial_c=None, p=None, *, activation_alpha=None, activation_beta=None,
    activations=None, clip=None, direction="forward", hidden_size=None, input_forget=0, layout=0,
):  # fmt: skip
    """Gates in the order input, output, forget, cell; peepholes in the order input, output, forget."""

    def cell(f, now, r, rb, carry, direction):
        (h, c), n = carry, r.shape[1]
        i, o, forget, new = weft.split(F.linear(h, r, rb) + now, n, 1)
        if p is not None:
            own = p[direction]
            i, forget = i + own[:n] * c, forget + own[2 * n :] * c
        i = f[0](i)
        forget = 1 - i if input_forget else f[0](forget)
        c = forget * c + i * f[1](new)
        o = f[0](o if p is None else o + p[direction][n : 2 * n] * c)
        return o * f[2](c), c

    return _run(
        cell, 4, x, w, r, b, sequence_lens, (initial_h, initial_c), direction, layout, activations, ("Sigmoid", "Tanh", "Tanh"),
        activation_alpha, activation_beta, clip,
    )  # fmt: skip
