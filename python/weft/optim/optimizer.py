"""What all optimizers share: parameter groups, state, zero_grad, state_dict."""

import functools
import warnings
from collections import OrderedDict, defaultdict

from .. import _C
from .._C import Tensor
from ..nn.modules.hooks import RemovableHandle
from ..nn.modules.module import Module


def _with_hooks(function):
    """A class's step() with the hooks of the optimizer around it; what it calls of its bases has none."""

    @functools.wraps(function)
    def step(self, *args, **kwargs):
        if not (self._hooks or _HOOKS_OF_ALL) or type(self).step is not step:
            return function(self, *args, **kwargs)
        for hook in _hooks_of(self, "step_pre"):
            changed = hook(self, args, kwargs)
            if changed is not None:
                if not isinstance(changed, tuple) or len(changed) != 2:
                    raise RuntimeError(f"[step hook] must return None or (args, kwargs); got {changed!r}")
                args, kwargs = changed
        result = function(self, *args, **kwargs)
        for hook in _hooks_of(self, "step_post"):
            hook(self, args, kwargs)
        return result

    return step


_HOOKS_OF_ALL: dict = {}  # kind → number → hook


def _hooks_of(optimizer, kind):
    """The hooks of all optimizers, then the optimizer's own."""
    return [*_HOOKS_OF_ALL.get(kind, {}).values(), *optimizer._hooks.get(kind, {}).values()]


def _register(table, kind, hook, prepend=False):
    if not callable(hook):
        raise TypeError(f"[{kind} hook] a hook must be callable; got {type(hook).__name__}")
    hooks = table.setdefault(kind, OrderedDict())
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def register_optimizer_step_pre_hook(hook):
    """hook(optimizer, args, kwargs) before each step of every optimizer; may return other (args, kwargs). Returns a handle that removes it."""
    return _register(_HOOKS_OF_ALL, "step_pre", hook)


def register_optimizer_step_post_hook(hook):
    """hook(optimizer, args, kwargs) after each step of every optimizer. Returns a handle that removes it."""
    return _register(_HOOKS_OF_ALL, "step_post", hook)


class _Required:
    """The default of a hyper-parameter that each group must have."""

    def __repr__(self):
        return "<required parameter>"


required = _Required()  # PyTorch's name


class Optimizer:
    """``param_groups`` is a list of dicts of hyper-parameters with "params"; ``state`` maps a parameter to a dict of what is kept for it.

    A sub-class gives the hyper-parameters' ``defaults`` and defines ``step``, or ``_update_group``, which ``step`` here calls without
    recording gradients. ``_init_group`` may make the state with the optimizer rather than in its first step, so that a compiled step
    is traced once.
    """

    def __init__(self, params, defaults):
        if not isinstance(defaults, dict):
            raise TypeError(f"[{type(self).__name__}] defaults must be a dict; got {type(defaults).__name__}")
        if isinstance(params, (Tensor, Module)):
            raise TypeError(
                f"[{type(self).__name__}] params must be an iterable of tensors or dicts; got a {type(params).__name__}; "
                "pass model.parameters()"
            )
        try:
            groups = list(params)
        except TypeError:
            raise TypeError(
                f"[{type(self).__name__}] params must be an iterable of tensors or dicts; got {type(params).__name__}; "
                "pass model.parameters()"
            ) from None
        if not groups:
            raise ValueError(f"[{type(self).__name__}] got an empty parameter list; pass model.parameters()")
        self.defaults = defaults
        self.state = defaultdict(dict)
        self.param_groups = []
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    _hooks: dict = {}  # of optimizers without any; never written to

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "step" in vars(cls):
            cls.step = _with_hooks(cls.step)

    def _register_hook(self, kind, hook, prepend=False):
        if "_hooks" not in vars(self):
            self._hooks = {}
        return _register(self._hooks, kind, hook, prepend)

    def register_step_pre_hook(self, hook):
        """hook(optimizer, args, kwargs) before each step; may return other (args, kwargs). Returns a handle that removes it."""
        return self._register_hook("step_pre", hook)

    def register_step_post_hook(self, hook):
        """hook(optimizer, args, kwargs) after each step. Returns a handle that removes it."""
        return self._register_hook("step_post", hook)

    def register_state_dict_pre_hook(self, hook, prepend=False):
        """hook(optimizer) before each state_dict(). Returns a handle that removes it."""
        return self._register_hook("state_dict_pre", hook, prepend)

    def register_state_dict_post_hook(self, hook, prepend=False):
        """hook(optimizer, state_dict) after each state_dict(); may return another dict. Returns a handle that removes it."""
        return self._register_hook("state_dict", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook, prepend=False):
        """hook(optimizer, state_dict) before each load_state_dict(); may return another dict. Returns a handle that removes it."""
        return self._register_hook("load_state_dict_pre", hook, prepend)

    def register_load_state_dict_post_hook(self, hook, prepend=False):
        """hook(optimizer) after each load_state_dict(). Returns a handle that removes it."""
        return self._register_hook("load_state_dict", hook, prepend)

    def __setstate__(self, state):
        """What a copy and load_state_dict() set; a sub-class may give groups of older states what they lack."""
        self.__dict__.update(state)

    def add_param_group(self, param_group):
        """Adds parameters, or pairs of name and parameter, with hyper-parameters of their own; the dict becomes the group."""
        name = type(self).__name__
        if not isinstance(param_group, dict):
            raise TypeError(f"[{name}] a parameter group must be a dict; got {type(param_group).__name__}")
        if "params" not in param_group:
            raise KeyError(
                f"[{name}] a parameter group needs 'params'; got {', '.join(map(repr, param_group)) or 'nothing'}"
            )
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError(f"[{name}] parameters must have an order; got a set; pass a list")
        params = [params] if isinstance(params, Tensor) else list(params)
        named = [isinstance(p, tuple) for p in params]
        if any(named):
            if not all(named):
                raise ValueError(f"[{name}] all parameters of an optimizer must have names, or none")
            param_group["param_names"] = [n for n, _ in params]
            params = [p for _, p in params]
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError(f"[{name}] parameters must be tensors; got {type(p).__name__}; pass model.parameters()")
            if not (p.is_leaf or self.defaults.get("differentiable")):
                raise ValueError(
                    f"[{name}] can't optimize a non-leaf tensor; got one of shape {list(p.shape)}; pass parameters, not results"
                )
        if len({id(p) for p in params}) < len(params):
            warnings.warn(f"[{name}] a parameter is in its group more than once; pass each once", stacklevel=3)
        known = {id(p) for group in self.param_groups for p in group["params"]}
        if any(id(p) in known for p in params):
            raise ValueError(f"[{name}] some parameters appear in more than one parameter group; pass each once")
        if any(("param_names" in group) != any(named) for group in self.param_groups):
            raise ValueError(f"[{name}] all parameters of an optimizer must have names, or none")
        for key, default in self.defaults.items():
            if default is required and key not in param_group:
                raise ValueError(f"[{name}] a parameter group has no {key!r}, which has no default; give it")
            param_group.setdefault(key, default)
        param_group["params"] = params
        self.param_groups.append(param_group)
        with _C.GradMode(False):
            self._init_group(param_group)

    def _init_group(self, group):
        """Makes the state of those of a group's parameters that have none."""

    def _update_group(self, group):
        raise NotImplementedError(f"[{type(self).__name__}] has no step(); define it in the class")

    @_with_hooks
    def step(self, closure=None):
        """Updates the parameters that have a gradient. ``closure``, if given, computes the loss again."""
        loss = None
        if closure is not None:
            if not callable(closure):
                raise TypeError(f"[{type(self).__name__}] closure must be callable; got {type(closure).__name__}")
            with _C.GradMode(True):
                loss = closure()
        for group in self.param_groups:
            with _C.GradMode(bool(group.get("differentiable")) and _C.grad_enabled()):
                self._update_group(group)
        return loss

    def zero_grad(self, set_to_none=True):
        """Drops the gradients, or fills them with zeros."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    p.grad = p.grad.detach() if p.grad.requires_grad else p.grad
                    p.grad.zero_()

    def state_dict(self):
        """The state by the parameters' numbers, in PyTorch's form."""
        for hook in _hooks_of(self, "state_dict_pre"):
            hook(self)
        number, groups = {}, []
        for group in self.param_groups:
            for p in group["params"]:
                number.setdefault(id(p), len(number))
            numbers = [number[id(p)] for p in group["params"]]
            groups.append({**{key: value for key, value in group.items() if key != "params"}, "params": numbers})
        state = {
            number[id(key)] if isinstance(key, Tensor) else key: self._saved(value) for key, value in self.state.items()
        }
        result = {"state": state, "param_groups": groups}
        for hook in _hooks_of(self, "state_dict"):
            changed = hook(self, result)
            result = result if changed is None else changed
        return result

    def _saved(self, state):
        """A parameter's state as state_dict() gives it."""
        return state

    def load_state_dict(self, state_dict):
        """Makes the state that of a state_dict() of an optimizer with the same groups. Tensors are copied, and floating-point ones but
        "step" become of the parameter's dtype and device."""
        name = type(self).__name__
        if not isinstance(state_dict, dict) or not {"state", "param_groups"} <= state_dict.keys():
            raise TypeError(
                f"[{name}] needs what state_dict() returned, with 'state' and 'param_groups'; got {_outline(state_dict)}"
            )
        for hook in _hooks_of(self, "load_state_dict_pre"):
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        saved = state_dict["param_groups"]
        if [len(g["params"]) for g in saved] != [len(g["params"]) for g in self.param_groups]:
            raise ValueError(
                f"[{name}] the parameter groups differ; got sizes "
                f"{[len(g['params']) for g in saved]}, need {[len(g['params']) for g in self.param_groups]}; "
                "build the optimizer with the same parameters"
            )
        parameters, copies = {}, {}
        for group, other in zip(self.param_groups, saved):
            group.update(_copied({k: v for k, v in other.items() if k != "params"}))
            parameters.update(zip(other["params"], group["params"]))
        self.state.clear()
        for key, value in state_dict["state"].items():
            p = parameters.get(key)
            self.state[key if p is None else p] = _adopt(value, p, None, copies)
        self.__setstate__({"state": self.state, "param_groups": self.param_groups})
        with _C.GradMode(False):
            for group in self.param_groups:
                self._init_group(group)
        for hook in _hooks_of(self, "load_state_dict"):
            hook(self)

    def __repr__(self):
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines += [""] * (i > 0) + [f"Parameter Group {i}"]
            lines += [f"    {key}: {value}" for key, value in sorted(group.items()) if key != "params"]
        return "\n".join([*lines, ")"])


def _outline(value):
    return f"a dict of {sorted(map(str, value))}" if isinstance(value, dict) else type(value).__name__


def _copied(value):
    from copy import deepcopy  # later: it takes a part of the package's import

    return deepcopy(value)


def _adopt(value, parameter, key, copies):
    """A copy of a part of the state for a parameter; a tensor that several parameters share stays shared."""
    if isinstance(value, Tensor):
        if id(value) not in copies:
            tensor = value.detach().clone()
            if parameter is not None and key != "step" and parameter.dtype.is_floating_point:
                dtype = parameter.dtype if tensor.dtype.is_floating_point else tensor.dtype
                tensor = tensor.to(parameter.device, dtype)
            copies[id(value)] = tensor
        return copies[id(value)]
    if isinstance(value, dict):
        return {k: _adopt(v, parameter, k, copies) for k, v in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_adopt(v, parameter, key, copies) for v in value)
    return _copied(value)
