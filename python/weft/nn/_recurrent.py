"""What recurrent layers compute: the cells' formulas, and a layer as a loop in the graph."""

from .. import _factories as factories
from .._functions.control import scan
from . import functional as F


def rnn_tanh(gates, h, weight, bias):
    return (gates + F.linear(h, weight, bias)).tanh()


def rnn_relu(gates, h, weight, bias):
    return (gates + F.linear(h, weight, bias)).relu()


def lstm(gates, h, c, weight, bias, projection=None):
    """(h, c) of the next step. The gates are in PyTorch's order: input, forget, cell, output."""
    i, f, g, o = (gates + F.linear(h, weight, bias)).chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
    return (h if projection is None else F.linear(h, projection)), c


def gru(gates, h, weight, bias):
    """h of the next step. The gates are in PyTorch's order: reset, update, new."""
    r, z, n = gates.chunk(3, -1)
    hr, hz, hn = F.linear(h, weight, bias).chunk(3, -1)
    n = (n + (r + hr).sigmoid() * hn).tanh()
    return n + (z + hz).sigmoid() * (h - n)


GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "LSTM": 4, "GRU": 3}
_CELLS = {"RNN_TANH": rnn_tanh, "RNN_RELU": rnn_relu, "GRU": gru}


def layer(mode, input, state, weights, reverse=False, steps=None):
    """One direction of one layer.

    The product with the input is one for all steps, outside of the loop.

    Args:
        mode: a key of ``GATES``.
        input: (T, B, size).
        state: a tuple of the first h, (B, H or the projection's size), and for LSTM c, (B, H).
        weights: weight_ih, weight_hh, bias_ih and bias_hh (or None), and the projection of LSTM (or None).
        reverse: from the last step to the first.
        steps: a bool tensor (T, B, 1): whether the step is one of the row's sequence. Elsewhere its state stays, and its output is 0.

    Returns:
        (output, state): (T, B, ...), and a tuple like ``state``.
    """
    weight_ih, weight_hh, bias_ih, bias_hh, projection = weights
    gates = F.linear(input, weight_ih, bias_ih)

    def following(state, gates):
        if mode == "LSTM":
            return lstm(gates, *state, weight_hh, bias_hh, projection)
        return (_CELLS[mode](gates, *state, weight_hh, bias_hh),)

    def step(state, entry):
        if steps is None:
            state = following(state, entry)
            return state, state[0]
        gates, inside = entry
        new = following(state, gates)
        output = new[0].masked_fill(~inside, 0.0)
        return tuple([after.where(inside, before) for after, before in zip(new, state)]), output

    state, output = scan(step, state, gates if steps is None else (gates, steps), reverse=reverse)
    return output, state


def inside(lengths, size):
    """A bool tensor (size, B, 1): whether a step is less than the row's length, (B,)."""
    return (factories.arange(size, device=lengths.device).unsqueeze(1) < lengths.unsqueeze(0)).unsqueeze(-1)
