"""Recurrent layers and cells."""

import math
import warnings

from ... import _factories as factories
from ..._C import Tensor
from ..._factories import stack
from ..._functions.arguments import truth
from ..._functions.shapes import cat
from .. import _recurrent as recurrent
from .. import functional as F
from .. import init
from .._arguments import size
from ..parameter import Parameter
from .module import Module

__all__ = ["GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNBase", "RNNCell", "RNNCellBase"]


class RNNBase(Module):
    """What the recurrent layers have in common. The loop over the steps is one in the graph (``weft.scan``).

    Args:
        mode: "LSTM", "GRU", "RNN_TANH" or "RNN_RELU".
        input_size, hidden_size: features of an entry and of the state.
        num_layers: layers, each reading the outputs of the one before.
        bias: whether there are biases.
        batch_first: inputs and outputs are (B, T, ...), not (T, B, ...).
        dropout: the probability of a zero in what a layer reads of another one, when training.
        bidirectional: a layer also runs from the last step to the first; its outputs are both, side by side.
        proj_size: LSTM: the state's size after a projection; 0: no projection.

    Raises:
        ValueError, TypeError: an argument is out of its range, or of another kind.
        RuntimeError: in a call, the input or a state does not fit.
    """

    def __init__(
        self, mode, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False,
        proj_size=0, device=None, dtype=None,
    ):  # fmt: skip
        super().__init__()
        name = type(self).__name__
        self.mode = mode
        self.input_size = size(name, "input_size", input_size)
        self.hidden_size = size(name, "hidden_size", hidden_size)
        self.num_layers = size(name, "num_layers", num_layers)
        self.bias = truth(name, "bias", bias)
        self.batch_first = truth(name, "batch_first", batch_first)
        self.dropout = float(_probability(name, dropout))
        self.bidirectional = truth(name, "bidirectional", bidirectional)
        self.proj_size = size(name, "proj_size", proj_size)
        if mode not in recurrent.GATES:
            raise ValueError(f"[{name}] mode must be one of {', '.join(recurrent.GATES)}; got {mode}")
        if not hidden_size or not num_layers:
            raise ValueError(
                f"[{name}] hidden_size and num_layers must be greater than zero; got {hidden_size} and {num_layers}"
            )
        if proj_size and mode != "LSTM":
            raise ValueError(f"[{name}] proj_size argument is only supported for LSTM, not RNN or GRU; got {proj_size}")
        if proj_size >= hidden_size:
            raise ValueError(
                f"[{name}] proj_size has to be smaller than hidden_size; got {proj_size} and {hidden_size}"
            )
        if self.dropout and num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers greater "
                f"than 1, but got dropout={dropout} and num_layers={num_layers}",
                stacklevel=3,
            )
        rows, state = recurrent.GATES[mode] * hidden_size, proj_size or hidden_size
        self._names = []
        for layer in range(num_layers):
            read = input_size if layer == 0 else state * self._directions
            for suffix in self._suffixes(layer):
                shapes = {"weight_ih": (rows, read), "weight_hh": (rows, state)}
                if self.bias:
                    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                self._names.append([f"{kind}_{suffix}" for kind in shapes])
                for kind, shape in shapes.items():
                    self.register_parameter(
                        f"{kind}_{suffix}", Parameter(factories.empty(shape, dtype=dtype, device=device))
                    )
        self.reset_parameters()

    @property
    def _directions(self):
        return 2 if self.bidirectional else 1

    def _suffixes(self, layer):
        return [f"l{layer}", f"l{layer}_reverse"][: self._directions]

    def reset_parameters(self):
        bound = 1.0 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def flatten_parameters(self):
        """Does nothing: the compiler lays out weights as it needs them."""

    @property
    def all_weights(self):
        """The parameters of each layer and direction, as lists."""
        return [[getattr(self, name) for name in names] for names in self._names]

    def _weights(self, suffix):
        return [
            getattr(self, f"{kind}_{suffix}", None)
            for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
        ]

    def forward(self, input, hx=None):
        packed = None
        if not isinstance(input, Tensor):
            packed, input = input, _padded(type(self).__name__, input)
        name = type(self).__name__
        if input.ndim not in (2, 3):
            raise ValueError(f"[{name}] Expected input to be 2D or 3D, got {input.ndim}D instead")
        batched = input.ndim == 3
        if not batched:
            input = input.unsqueeze(1)
        elif self.batch_first and packed is None:
            input = input.transpose(0, 1)
        if input.dtype != self.weight_ih_l0.dtype:
            raise ValueError(
                f"[{name}] RNN input dtype ({input.dtype}) does not match weight dtype ({self.weight_ih_l0.dtype}). "
                f"Convert input: input.to({self.weight_ih_l0.dtype}), or convert model: model.to({input.dtype})"
            )
        if input.size(-1) != self.input_size:
            raise RuntimeError(
                f"[{name}] input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.size(-1)}"
            )
        if input.size(0) == 0:
            raise RuntimeError(f"[{name}] Expected sequence length to be larger than 0 in RNN")
        states = self._first_states(name, input, hx, batched, packed)
        steps = None if packed is None else recurrent.inside(_lengths(packed).to(input.device), input.size(0))
        output, states = self._layers(input, states, steps)
        states = [state if batched else state.squeeze(1) for state in states]
        if packed is not None:
            output = _repacked(packed, output)
            if packed.unsorted_indices is not None:
                states = [state.index_select(1, packed.unsorted_indices) for state in states]
        elif not batched:
            output = output.squeeze(1)
        elif self.batch_first:
            output = output.transpose(0, 1)
        return output, (tuple(states) if self.mode == "LSTM" else states[0])

    def _first_states(self, name, input, hx, batched, packed):
        count, rows = self.num_layers * self._directions, input.size(1)
        shapes = [(count, rows, self.proj_size or self.hidden_size)]
        if self.mode == "LSTM":
            shapes.append((count, rows, self.hidden_size))
        if hx is None:
            return [factories.zeros(shape, dtype=input.dtype, device=input.device) for shape in shapes]
        if self.mode != "LSTM":
            hx = (hx,)
        elif not isinstance(hx, (tuple, list)) or len(hx) != 2:
            raise RuntimeError(f"[{name}] hx must be a tuple (h_0, c_0); got {type(hx).__name__}")
        states = []
        for state, shape, what in zip(hx, shapes, ("hidden[0]", "hidden[1]") if self.mode == "LSTM" else ("hidden",)):
            if not isinstance(state, Tensor):
                raise TypeError(f"[{name}] {what} must be a tensor; got {type(state).__name__}")
            if not batched:
                if state.ndim != 2:
                    raise RuntimeError(
                        f"[{name}] For unbatched 2-D input, {what} should also be 2-D but got {state.ndim}-D"
                    )
                state = state.unsqueeze(1)
            elif state.ndim != 3:
                raise RuntimeError(f"[{name}] For batched 3-D input, {what} should also be 3-D but got {state.ndim}-D")
            if tuple(state.shape) != shape:
                raise RuntimeError(f"[{name}] Expected {what} size {shape}, got {list(state.shape)}")
            if packed is not None and packed.sorted_indices is not None:
                state = state.index_select(1, packed.sorted_indices)
            states.append(state)
        return states

    def _layers(self, input, states, steps):
        last = []
        for layer in range(self.num_layers):
            if layer:
                input = F.dropout(input, self.dropout, self.training)
            outputs = []
            for direction, suffix in enumerate(self._suffixes(layer)):
                number = layer * self._directions + direction
                first = tuple([state[number] for state in states])
                output, state = recurrent.layer(
                    self.mode, input, first, self._weights(suffix), reverse=direction == 1, steps=steps
                )
                outputs.append(output)
                last.append(state)
            input = outputs[0] if len(outputs) == 1 else cat(outputs, -1)
        return input, [stack(parts) for parts in zip(*last)]

    def extra_repr(self):
        text = f"{self.input_size}, {self.hidden_size}"
        defaults = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0.0,
            "bidirectional": False,
        }
        return text + "".join(
            f", {key}={getattr(self, key)}" for key, default in defaults.items() if getattr(self, key) != default
        )


def _probability(name, dropout):
    if isinstance(dropout, bool) or not isinstance(dropout, (int, float)) or not 0 <= dropout <= 1:
        raise ValueError(
            f"[{name}] dropout should be a number in range [0, 1] representing the probability of an element being zeroed; got {dropout}"
        )
    return dropout


def _padded(name, packed):
    from ..utils.rnn import PackedSequence, pad_packed_sequence

    if not isinstance(packed, PackedSequence):
        raise TypeError(f"[{name}] input must be a tensor or a PackedSequence; got {type(packed).__name__}")
    return pad_packed_sequence(packed._replace(sorted_indices=None, unsorted_indices=None))[0]


def _lengths(packed):
    """Of the rows, the longest first."""
    sizes = packed.batch_sizes
    return (sizes.unsqueeze(1) > factories.arange(int(sizes[0]), device=sizes.device).unsqueeze(0)).sum(0)


def _repacked(packed, output):
    from ..utils.rnn import PackedSequence

    sizes = packed.batch_sizes.tolist()
    rows = cat([output[step, :count] for step, count in enumerate(sizes)])
    return PackedSequence(rows, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)


class RNN(RNNBase):
    """``h = tanh(W_ih x + b_ih + W_hh h + b_hh)`` (or relu) for each entry of a sequence; see ``RNNBase`` for the arguments.

    A call takes the input, (T, B, input_size), (B, T, input_size) or (T, input_size), or a PackedSequence, and the first states
    (num_layers * directions, B, hidden_size), zeros if not given; it returns all steps' outputs and the last states.
    """

    def __init__(
        self, input_size, hidden_size, num_layers=1, nonlinearity="tanh", bias=True, batch_first=False, dropout=0.0,
        bidirectional=False, device=None, dtype=None,
    ):  # fmt: skip
        if not isinstance(nonlinearity, str) or nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"[RNN] Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        self.nonlinearity = nonlinearity
        super().__init__(
            f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0,
            device, dtype,
        )  # fmt: skip


class LSTM(RNNBase):
    """A long short-term memory; see ``RNNBase`` for the arguments and ``RNN`` for calls. The state is a tuple (h, c)."""

    def __init__(
        self, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False,
        proj_size=0, device=None, dtype=None,
    ):  # fmt: skip
        super().__init__(
            "LSTM",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device,
            dtype,
        )


class GRU(RNNBase):
    """A gated recurrent unit; see ``RNNBase`` for the arguments and ``RNN`` for calls."""

    def __init__(
        self, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False,
        device=None, dtype=None,
    ):  # fmt: skip
        super().__init__(
            "GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )


class RNNCellBase(Module):
    """What the cells have in common: one step of a layer, (B, input_size) or (input_size,) and a state to the next state."""

    def __init__(self, input_size, hidden_size, bias, num_chunks, device=None, dtype=None):
        super().__init__()
        name = type(self).__name__
        self.input_size = size(name, "input_size", input_size)
        self.hidden_size = size(name, "hidden_size", hidden_size)
        self.bias = truth(name, "bias", bias)
        shapes = {
            "weight_ih": (num_chunks * hidden_size, input_size),
            "weight_hh": (num_chunks * hidden_size, hidden_size),
        }
        shapes |= {"bias_ih": (num_chunks * hidden_size,), "bias_hh": (num_chunks * hidden_size,)}
        for key, shape in shapes.items():
            given = self.bias or key.startswith("weight")
            self.register_parameter(
                key, Parameter(factories.empty(shape, dtype=dtype, device=device)) if given else None
            )
        self.reset_parameters()

    def reset_parameters(self):
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size else 0.0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def _step(self, mode, input, state):
        name = type(self).__name__
        if input.ndim not in (1, 2):
            raise ValueError(f"[{name}] Expected input to be 1D or 2D, got {input.ndim}D instead")
        if input.size(-1) != self.input_size:
            raise RuntimeError(
                f"[{name}] input has inconsistent input_size: got {input.size(-1)} expected {self.input_size}"
            )
        shape = (*input.shape[:-1], self.hidden_size)
        count = 2 if mode == "LSTM" else 1
        if state is None:
            state = [factories.zeros(shape, dtype=input.dtype, device=input.device) for _ in range(count)]
        for part in state:
            if tuple(part.shape) != shape:
                raise RuntimeError(f"[{name}] Expected hidden size {shape}, got {list(part.shape)}")
        gates = F.linear(input, self.weight_ih, self.bias_ih)
        if mode == "LSTM":
            return recurrent.lstm(gates, *state, self.weight_hh, self.bias_hh)
        return getattr(recurrent, mode.lower())(gates, *state, self.weight_hh, self.bias_hh)

    def extra_repr(self):
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            text += f", nonlinearity={self.nonlinearity}"
        return text


class RNNCell(RNNCellBase):
    """One step of ``RNN``."""

    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input, hx=None):
        if not isinstance(self.nonlinearity, str) or self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"[RNNCell] Unknown nonlinearity: {self.nonlinearity}; choose tanh or relu")
        return self._step(f"RNN_{self.nonlinearity.upper()}", input, None if hx is None else (hx,))


class LSTMCell(RNNCellBase):
    """One step of ``LSTM``; the state and the result are (h, c)."""

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input, hx=None):
        return self._step("LSTM", input, hx)


class GRUCell(RNNCellBase):
    """One step of ``GRU``."""

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input, hx=None):
        return self._step("GRU", input, None if hx is None else (hx,))
