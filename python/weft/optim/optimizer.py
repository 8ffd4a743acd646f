"""What all optimizers share: parameter groups, state, zero_grad, state_dict."""

from .. import _C
from .._C import Tensor


class Optimizer:
    """``param_groups`` is a list of dicts of hyper-parameters with "params"; ``state`` maps a parameter to its tensors.

    The state is made with the optimizer rather than in its first step, so that a compiled step is traced once.
    """

    def __init__(self, params, defaults):
        if isinstance(params, Tensor):
            raise TypeError(
                "[optim] params must be an iterable of tensors or dicts; got a Tensor; pass model.parameters()"
            )
        groups = list(params)
        if not groups:
            raise ValueError("[optim] got an empty parameter list; pass model.parameters()")
        self.defaults = defaults
        self.state = {}
        self.param_groups = []
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def add_param_group(self, group):
        """Adds parameters with hyper-parameters of their own."""
        params = group["params"]
        group = {**self.defaults, **group, "params": [params] if isinstance(params, Tensor) else list(params)}
        for p in group["params"]:
            if not isinstance(p, Tensor):
                raise TypeError(f"[optim] parameters must be tensors; got {type(p).__name__}; pass model.parameters()")
            if not p.is_leaf:
                raise ValueError("[optim] can't optimize a non-leaf tensor; pass parameters, not results of operations")
        known = {id(p) for g in self.param_groups for p in g["params"]}
        if any(id(p) in known for p in group["params"]):
            raise ValueError("[optim] some parameters appear in more than one parameter group; pass each once")
        self.param_groups.append(group)
        with _C.GradMode(False):
            self._init_group(group)

    def _init_group(self, group):
        """Makes the state of a group's parameters."""

    def _update_group(self, group):
        raise NotImplementedError(f"[{type(self).__name__}] has no _update_group(); define it in the class")

    def step(self, closure=None):
        """Updates the parameters that have a gradient. ``closure``, if given, computes the loss again."""
        loss = None
        if closure is not None:
            with _C.GradMode(True):
                loss = closure()
        with _C.GradMode(False):
            for group in self.param_groups:
                self._update_group(group)
        return loss

    def zero_grad(self, set_to_none=True):
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    p.grad.zero_()

    def state_dict(self):
        """The state by the parameters' numbers, in PyTorch's form."""
        number, groups = {}, []
        for group in self.param_groups:
            for p in group["params"]:
                number[p] = len(number)
            groups.append({**group, "params": [number[p] for p in group["params"]]})
        return {"state": {number[p]: dict(s) for p, s in self.state.items()}, "param_groups": groups}

    def load_state_dict(self, state_dict):
        """Copies a state_dict() of an optimizer with the same groups into this one."""
        saved = state_dict["param_groups"]
        if [len(g["params"]) for g in saved] != [len(g["params"]) for g in self.param_groups]:
            raise ValueError(
                "[load_state_dict] the parameter groups differ; got sizes "
                f"{[len(g['params']) for g in saved]}, need {[len(g['params']) for g in self.param_groups]}; "
                "build the optimizer with the same parameters"
            )
        copies = {}
        for group, other in zip(self.param_groups, saved):
            group.update({k: v for k, v in other.items() if k != "params"})
            for p, number in zip(group["params"], other["params"]):
                if number not in state_dict["state"]:
                    continue
                fresh = {}
                for key, value in state_dict["state"][number].items():
                    if isinstance(value, Tensor):
                        # A tensor that several parameters share stays shared.
                        if id(value) not in copies:
                            copies[id(value)] = value.detach().clone()
                        value = copies[id(value)]
                    fresh[key] = value
                self.state[p] = fresh

    def __repr__(self):
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {key}: {value}" for key, value in sorted(group.items()) if key != "params"]
        return "\n".join([*lines, ")"])


def learning_rate(group):
    """The group's learning rate. In a trace it is an input of the program instead of a part of it, so that another rate needs no
    other program; its arithmetic is in float64 as Python's, and rounds to the same bits where it meets a parameter."""
    kinds = {(p.device, p.dtype) for p in group["params"]} if _C.tracing() else ()
    if len(kinds) == 1:
        ((device, dtype),) = kinds
        if dtype in (_C.float32, _C.float64):
            return _C.traced_number(group, "lr", device)
    return group["lr"]


def check(name, condition, what, got):
    if not condition:
        raise ValueError(f"[{name}] invalid {what}: {got}; see PyTorch's {name} for the range")
