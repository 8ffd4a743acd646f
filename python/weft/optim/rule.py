"""Optimizers that are one formula, applied to each parameter: their state, their numbers, and what all have in common."""

import math

from .. import _C, _factories, _layouts
from .._C import Tensor
from .optimizer import Optimizer


class Rule(Optimizer):
    """A sub-class says what it keeps and defines ``_update``; ``_common`` computes what all parameters of a step share.

    ``foreach``, ``fused`` and ``capturable`` choose among PyTorch's implementations; there is one here, and the compiler makes of a
    step what these do. With ``differentiable`` a step is recorded for gradients; parameters that require them must then be results.
    """

    # What is kept for each parameter beside arrays. Parameters that take every step together share these tensors, so that a step computes
    # with each once. They are float64, as exact as Python's numbers, and tensors, so that a compiled step need not be traced again.
    _counts: tuple = ("step",)

    def _first_count(self, name, group):
        return 0.0

    def _arrays(self, group):
        """Name → first value of what is kept for each element of a parameter."""
        return {}

    def _new_arrays(self, p, state, group):
        """Those that a parameter's state lacks."""
        of_parts = (lambda value: complex(value, value)) if p.dtype.is_complex else float
        return {
            name: _factories.full_like(p, of_parts(value))
            for name, value in self._arrays(group).items()
            if name not in state
        }

    _decays = True  # weight decay is what it is for most; else it is the formula's own

    def _common(self, group, h, counts):
        """What ``_update`` of all parameters with these counts is given, after the counts went on."""

    def _update(self, p, g, state, group, h, common):
        """Updates a parameter and its state; ``g``: the gradient with weight decay; ``h``: the group's numbers; ``group``: what of them
        decides on the formula."""
        raise NotImplementedError(f"[{type(self).__name__}] has no update; define it in the class")

    # ---- state
    def _init_group(self, group):
        made = {}  # (device, values) → the counts of those that are equal
        for p in group["params"]:
            state = self.state[p]
            if not all(_is_count(state.get(name), p) for name in self._counts):
                values = tuple(float(state.get(name, self._first_count(name, group))) for name in self._counts)
                if (p.device, values) not in made:
                    made[p.device, values] = {
                        name: _factories.full((), value, dtype=_C.float64, device=p.device)
                        for name, value in zip(self._counts, values)
                    }
                state.update(made[p.device, values])
            state.update(self._new_arrays(p, state, group))

    def _saved(self, state):
        """Each count as PyTorch's: a tensor of the parameter's own, of the default dtype."""
        return {k: v.to(_C.default_dtype(), copy=True) if k in self._counts else v for k, v in state.items()}

    # ---- the step
    def _update_group(self, group):
        updated = [(p, self.state[p]) for p in group["params"] if p.grad is not None]
        names = (*self._counts, *self._arrays(group))
        if any(name not in state for _, state in updated for name in names):
            self._init_group(group)  # a parameter joined the group, or an option was set
        h = Numbers(group)
        maximize, differentiable = group.get("maximize"), group.get("differentiable")
        decay = self._decays and group.get("weight_decay")
        kept = h.kept if decay and group.get("decoupled_weight_decay") else None
        for counts, members in self._by_step(group, updated):
            if "step" in counts:
                counts["step"].add_(1.0)
            common = self._common(group, h, counts)
            for p, state in members:
                if differentiable:  # what earlier steps recorded stays as it is
                    state.update({name: state[name].clone() for name in state if name not in self._counts})
                g = -p.grad if maximize else p.grad
                if g.layout is not _layouts.strided:
                    self._update_sparse(p, g, state, group, h, common)
                    continue
                if kept is not None:
                    p.mul_(kept)
                elif decay:
                    g = g + p * h.weight_decay
                update = self._update_parts if p.dtype.is_complex else self._update
                update(p, g, state, group, h, common)

    def _update_sparse(self, p, g, state, group, h, common):
        """The same of a sparse gradient, which few formulas can use."""
        name = type(self).__name__
        raise RuntimeError(f"[{name}] {name} does not support sparse gradients; use SparseAdam, SGD or Adagrad")

    def _update_parts(self, p, g, state, group, h, common):
        """A complex parameter, and what is kept for each of its elements, as the real tensors of their pairs, as in PyTorch."""
        before = {
            name: _C.view_as_real(v)
            for name, v in state.items()
            if name not in self._counts and isinstance(v, Tensor) and v.dtype.is_complex
        }
        parts = {**state, **before}
        self._update(_C.view_as_real(p), _C.view_as_real(g), parts, group, h, common)
        for name, value in parts.items():
            if name not in before:
                state[name] = value
            elif value is not before[name]:
                state[name] = _C.view_as_complex(value)

    def _by_step(self, group, updated):
        """(counts, the parameters that share them, with their states). Counts that others keep are copied first."""
        if not self._counts:
            return [({}, updated)]
        first = self._counts[0]
        chosen = {id(p) for p, _ in updated}
        kept = {id(self.state[p][first]) for p in group["params"] if id(p) not in chosen and first in self.state[p]}
        shared, copies = {}, {}
        for member in updated:
            state = member[1]
            key = id(state[first])
            if key in kept:
                if key not in copies:
                    copies[key] = {name: state[name].clone() for name in self._counts}
                state.update(copies[key])
                key = id(state[first])
            if key not in shared:
                shared[key] = ({name: state[name] for name in self._counts}, [])
            shared[key][1].append(member)
        return list(shared.values())


def _is_count(value, parameter):
    return isinstance(value, Tensor) and value.dtype is _C.float64 and value.device == parameter.device


class Numbers:
    """The numbers of a group, as attributes. In a trace they are inputs of the program instead of a part of it, so that others need no
    other program; their arithmetic is in float64 as Python's, and rounds to the same bits where it meets a parameter."""

    def __init__(self, group):
        self._group, self._device = group, None
        kinds = {(p.device, p.dtype) for p in group["params"]} if _C.tracing() else ()
        if len(kinds) == 1:
            ((device, dtype),) = kinds
            if dtype in (_C.float32, _C.float64):
                self._device = device

    def __getattr__(self, name):  # the first time
        value = self._group[name]
        if self._device is not None:
            if type(value) is tuple:
                value = tuple(_C.traced_number(self._group, name, self._device, i) for i in range(len(value)))
            else:
                value = _C.traced_number(self._group, name, self._device)
        self.__dict__[name] = value
        return value

    @property
    def kept(self):
        """The part of a parameter that decoupled weight decay leaves."""
        if "_kept" not in self.__dict__:
            self._kept = 1.0 - self.lr * self.weight_decay
        return self._kept


# (lowest, end) of hyper-parameters that may not be any number from 0 on; "inclusive": the end, too.
_RANGES = {"beta": (0.0, 1.0, ""), "rho": (0.0, 1.0, "inclusive"), "dampening": (-math.inf, math.inf, "")}
_NAMES = {"lr": "learning rate"}


def check(op, **numbers):
    """Hyper-parameters must be numbers in their range; a tensor of one element will do."""
    for name, value in numbers.items():
        if name == "betas":
            for beta in several(op, "betas", value):
                _check_number(op, "beta", beta)
        else:
            _check_number(op, name, value)


def several(op, name, value, count=2):
    """So many numbers, in a tuple or a list."""
    if not isinstance(value, (tuple, list)) or len(value) != count:
        raise TypeError(f"[{op}] {name} must be {'two' if count == 2 else count} numbers; got {value!r}")
    return value


def _check_number(op, name, value):
    from numbers import Real  # later: it takes a part of the package's import

    shown = _NAMES.get(name, name)
    if isinstance(value, Tensor):
        if value.numel() != 1:
            raise ValueError(f"[{op}] {shown} must be one number; got a tensor of shape {list(value.shape)}")
        value = value.item()
    if not isinstance(value, Real):
        raise TypeError(f"[{op}] {shown} must be a number; got {type(value).__name__}")
    low, end, kind = _RANGES.get(name, (0.0, math.inf, ""))
    if not (low <= value < end or value == end and (kind or end == math.inf)):
        raise ValueError(
            f"[{op}] invalid {shown}: {value}; it must be "
            + ("at least 0" if end == math.inf else f"in [{low:g}, {end:g}{']' if kind else ')'}")
        )
