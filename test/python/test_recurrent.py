"""Recurrent layers and cells, against their formulas in NumPy."""

import numpy as np
import pytest
import weft
from hypothesis import given, settings
from hypothesis import strategies as st
from weft import nn
from weft.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def cell(mode, x, state, weights):
    """The next state in float64; weights: weight_ih, weight_hh, bias_ih, bias_hh (or 0), and the projection or None."""
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    a, b = x @ w_ih.T + b_ih, state[0] @ w_hh.T + b_hh
    if mode == "LSTM":
        i, f, g, o = np.split(a + b, 4, -1)
        c = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        return (h if w_hr is None else h @ w_hr.T), c
    if mode == "GRU":
        (r, z, n), (hr, hz, hn) = np.split(a, 3, -1), np.split(b, 3, -1)
        r, z = sigmoid(r + hr), sigmoid(z + hz)
        return ((1 - z) * np.tanh(n + r * hn) + z * state[0],)
    return (np.tanh(a + b) if mode == "RNN_TANH" else np.maximum(a + b, 0),)


def weights_of(module, suffix=""):
    found = [
        getattr(module, f"{kind}{suffix}", None)
        for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
    ]
    arrays = [None if w is None else w.detach().double().numpy() for w in found]
    return [0.0 if a is None and i in (2, 3) else a for i, a in enumerate(arrays)]


def reference(module, x, states, lengths):
    """(outputs, last states) row by row, each only as long as it is."""
    steps, rows, _ = x.shape
    last = [np.array(s) for s in states]
    for layer in range(module.num_layers):
        both = []
        for direction, suffix in enumerate(("", "_reverse")[: 2 if module.bidirectional else 1]):
            number = layer * (2 if module.bidirectional else 1) + direction
            weights = weights_of(module, f"_l{layer}{suffix}")
            out = np.zeros((steps, rows, last[0].shape[-1]))
            for row in range(rows):
                state = tuple(s[number, row] for s in states)
                order = range(lengths[row])
                for t in reversed(order) if direction else order:
                    state = cell(module.mode, x[t, row], state, weights)
                    out[t, row] = state[0]
                for s, new in zip(last, state):
                    s[number, row] = new
            both.append(out)
        x = np.concatenate(both, -1)
    return x, last


LAYERS = {"RNN": {}, "relu": dict(nonlinearity="relu"), "LSTM": {}, "projected": dict(proj_size=2), "GRU": {}}


def made(kind, **options):
    name = {"relu": "RNN", "projected": "LSTM"}.get(kind, kind)
    return getattr(nn, name)(3, 4, **LAYERS[kind], **options)


def first_states(module, rows):
    count = module.num_layers * (2 if module.bidirectional else 1)
    states = [weft.randn(count, rows, module.proj_size or module.hidden_size)]
    return states + [weft.randn(count, rows, module.hidden_size)] if module.mode == "LSTM" else states


def close(a, b):
    return np.allclose(a.detach().numpy(), b, atol=2e-5)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(sorted(LAYERS)), st.integers(1, 2), st.booleans(), st.booleans(), st.booleans(), st.booleans(),
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
)  # fmt: skip
def test_layers_are_their_formulas(kind, layers, both, bias, given_states, packed, lengths):
    module = made(kind, num_layers=layers, bidirectional=both, bias=bias)
    x = weft.randn(max(lengths), len(lengths), 3)
    states = first_states(module, len(lengths))
    if not given_states:
        states = [s * 0 for s in states]
    hx = (tuple(states) if module.mode == "LSTM" else states[0]) if given_states else None
    if packed:
        output, last = module(pack_padded_sequence(x, weft.tensor(lengths), enforce_sorted=False), hx)
        output, given_lengths = pad_packed_sequence(output)
        assert given_lengths.tolist() == lengths
    else:
        lengths = [len(x)] * len(lengths)
        output, last = module(x, hx)
    last = last if module.mode == "LSTM" else (last,)
    want, want_last = reference(module, x.double().numpy(), [s.double().numpy() for s in states], lengths)
    assert close(output, want) and all(close(a, b) for a, b in zip(last, want_last))


@pytest.mark.parametrize("kind", sorted(LAYERS))
def test_other_forms_of_the_input(kind):
    module, batch_first = made(kind), made(kind, batch_first=True)
    batch_first.load_state_dict(module.state_dict())
    x = weft.randn(5, 2, 3)
    output, last = module(x)
    turned, turned_last = batch_first(x.transpose(0, 1))
    assert weft.equal(turned.transpose(0, 1), output)
    alone, alone_last = module(x[:, 0])
    assert alone.shape == output[:, 0].shape and weft.equal(alone, output[:, 0])  # a row's bits are its own
    first = lambda state: state[0] if isinstance(state, tuple) else state  # noqa: E731
    assert weft.equal(first(turned_last), first(last)) and weft.equal(first(alone_last), first(last)[:, 0])


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_a_cell_is_a_step_of_its_layer(kind):
    layer, one = made(kind), getattr(nn, f"{kind}Cell")(3, 4)
    one.load_state_dict({k.removesuffix("_l0"): v for k, v in layer.state_dict().items()})
    x, state = weft.randn(5, 2, 3), None
    outputs, last = layer(x)
    for t in range(5):
        state = one(x[t], state)
        assert weft.equal(state[0] if kind == "LSTM" else state, outputs[t])


@pytest.mark.parametrize("kind", sorted(LAYERS))
def test_compiled_training_has_the_bits_of_eager(kind):
    def run(compile):
        weft.manual_seed(0)
        module = made(kind, num_layers=2, dropout=0.3, bidirectional=True)
        optimizer = weft.optim.Adam(module.parameters(), 0.01)
        x = weft.randn(6, 3, 3)

        def step(x):
            optimizer.zero_grad()
            output, last = module(x)
            loss = (output * output).mean() + (last[0] if isinstance(last, tuple) else last).sum()
            loss.backward()
            optimizer.step()
            return loss.detach()

        step = weft.compile(step) if compile else step
        return [step(x) for _ in range(4)] + [p.detach() for p in module.parameters()]

    assert all([weft.equal(a, b) for a, b in zip(run(False), run(True))])


def test_a_batch_does_not_change_a_row():
    module, x = made("LSTM", num_layers=2), weft.randn(7, 9, 3)
    output, _ = module(x)
    for rows in (slice(0, 1), slice(3, 5), slice(2, 9)):
        assert weft.equal(module(x[:, rows])[0], output[:, rows])


def test_names_shapes_and_texts():
    module = nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2)
    shapes = {k: tuple(v.shape) for k, v in module.state_dict().items()}
    assert list(shapes)[:5] == ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_hr_l0"]
    assert shapes["weight_ih_l1_reverse"] == (16, 4) and shapes["weight_hr_l0"] == (2, 4)
    assert repr(module) == "LSTM(3, 4, proj_size=2, num_layers=2, bidirectional=True)"
    assert repr(nn.RNNCell(3, 4, nonlinearity="relu")) == "RNNCell(3, 4, nonlinearity=relu)"
    assert [len(w) for w in module.all_weights] == [5] * 4
    with pytest.warns(UserWarning, match="num_layers greater than 1"):
        nn.GRU(3, 4, dropout=0.5)


REFUSED = {
    "another nonlinearity": (ValueError, "Unknown nonlinearity", lambda: nn.RNN(3, 4, nonlinearity="sin")),
    "a projection of a GRU": (TypeError, "proj_size", lambda: nn.GRU(3, 4, proj_size=2)),
    "a projection too wide": (ValueError, "smaller than hidden_size", lambda: nn.LSTM(3, 4, proj_size=4)),
    "no hidden features": (ValueError, "greater than zero", lambda: nn.LSTM(3, 0)),
    "dropout of 2": (ValueError, "range", lambda: nn.LSTM(3, 4, 2, dropout=2)),
    "features that differ": (RuntimeError, "Expected 3, got 5", lambda: nn.LSTM(3, 4)(weft.ones(2, 2, 5))),
    "4 dimensions": (ValueError, "2D or 3D", lambda: nn.LSTM(3, 4)(weft.ones(2, 2, 2, 3))),
    "no step": (RuntimeError, "larger than 0", lambda: nn.LSTM(3, 4)(weft.ones(0, 2, 3))),
    "another dtype": (ValueError, "weight dtype", lambda: nn.LSTM(3, 4)(weft.ones(2, 2, 3, dtype=weft.float64))),
    "a state of another size": (
        RuntimeError,
        r"\(1, 2, 4\)",
        lambda: nn.GRU(3, 4)(weft.ones(2, 2, 3), weft.ones(1, 3, 4)),
    ),
    "one state of an LSTM": (RuntimeError, "tuple", lambda: nn.LSTM(3, 4)(weft.ones(2, 2, 3), weft.ones(1, 2, 4))),
    "a state of a batch": (RuntimeError, "2-D", lambda: nn.GRU(3, 4)(weft.ones(2, 3), weft.ones(1, 1, 4))),
    "an input that is none": (TypeError, "PackedSequence", lambda: nn.GRU(3, 4)([1.0])),
    "a cell's features": (RuntimeError, "input_size", lambda: nn.GRUCell(3, 4)(weft.ones(2, 5))),
    "a cell's state": (RuntimeError, "hidden size", lambda: nn.GRUCell(3, 4)(weft.ones(2, 3), weft.ones(3, 4))),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_is_refused(case):
    kind, text, call = REFUSED[case]
    with pytest.raises(kind, match=text):
        call()
