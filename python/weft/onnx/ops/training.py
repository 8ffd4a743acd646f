"""Steps of optimizers, of the domain ai.onnx.preview.training: each gives new tensors, and new states of them."""

import weft

from ..table import operator

DOMAIN = "ai.onnx.preview.training"


def _each(update, states):
    """``update(x, g, state...)`` of each tensor; the inputs are all tensors, all gradients, then all states of each kind."""

    def step(r, t, *inputs, **attributes):
        count = len(inputs) // (2 + states)
        groups = [inputs[i * count : (i + 1) * count] for i in range(2 + states)]
        results = [update(r, t, *of_one, **attributes) for of_one in zip(*groups)]
        return tuple(tensor for kind in zip(*results) for tensor in kind)

    return step


@operator("Adagrad", 1, domain=DOMAIN)
def adagrad(r, t, *inputs, decay_factor=0.0, epsilon=0.0, norm_coefficient=0.0):
    def update(r, t, x, g, h):
        g = norm_coefficient * x + g
        h = h + g * g
        rate = r / (1 + t.to(r.dtype) * decay_factor)
        return x - rate * g / (weft.sqrt(h) + epsilon), h

    return _each(update, 1)(r, t, *inputs)


@operator("Momentum", 1, domain=DOMAIN)
def momentum(r, t, *inputs, alpha, beta, mode, norm_coefficient):
    def update(r, t, x, g, v):
        g = norm_coefficient * x + g
        v = alpha * v + weft.where(t > 0, beta, 1.0).to(g.dtype) * g
        return (x - r * (g + alpha * v) if mode == "nesterov" else x - r * v), v

    return _each(update, 1)(r, t, *inputs)


@operator("Adam", 1, domain=DOMAIN)
def adam(r, t, *inputs, alpha=0.9, beta=0.999, epsilon=0.0, norm_coefficient=0.0, norm_coefficient_post=0.0):
    def update(r, t, x, g, v, h):
        g = norm_coefficient * x + g
        v = alpha * v + (1 - alpha) * g
        h = beta * h + (1 - beta) * g * g
        steps = t.to(x.dtype)
        corrected = r * weft.sqrt(1 - weft.pow(beta, steps)) / (1 - weft.pow(alpha, steps))
        new = x - weft.where(t > 0, corrected, r) * v / (weft.sqrt(h) + epsilon)
        return (1 - norm_coefficient_post) * new, v, h

    return _each(update, 2)(r, t, *inputs)
