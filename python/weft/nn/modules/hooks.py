"""Hooks of modules: functions called around forward, in backward(), and around saving and loading.

A module has its hooks by kind in the attribute ``_hooks``, made with the first one; those of all modules are in
``_C.global_module_hooks``. _C.ModuleBase calls ``call`` instead of ``forward`` where there are any.
"""

import itertools
import warnings
from _weakref import ref  # weakref takes a part of the package's import
from collections import OrderedDict, namedtuple

from ... import _C

Hook = namedtuple("Hook", "function with_kwargs always_call", defaults=(False, False))


class RemovableHandle:
    """Removes a hook: ``remove()``, or the end of ``with``. Keeps no module alive."""

    _numbers = itertools.count()

    def __init__(self, hooks_dict):
        self.id = next(self._numbers)
        self._hooks = ref(hooks_dict)

    def remove(self):
        hooks = self._hooks()
        if hooks is not None:
            hooks.pop(self.id, None)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.remove()

    def __getstate__(self):  # the handle in a copy of a module is the copy's
        return self._hooks(), self.id

    def __setstate__(self, state):
        hooks, self.id = state
        self._hooks = ref(OrderedDict() if hooks is None else hooks)


def _register(table, kind, hook, prepend=False):
    if not callable(hook.function):
        raise TypeError(f"[{kind} hook] a hook must be callable; got {type(hook.function).__name__}")
    hooks = table.setdefault(kind, OrderedDict())
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def hooks_of(module, kind):
    """Number → Hook: those of all modules, then the module's own."""
    return {**_C.global_module_hooks.get(kind, {}), **module._hooks.get(kind, {})}


class HasHooks:
    """The part of Module that registers hooks. Each method returns a handle that removes the hook."""

    _hooks: dict = {}  # of modules without any; never written to

    def _register_hook(self, kind, hook, prepend=False):
        if "_hooks" not in self.__dict__:
            object.__setattr__(self, "_hooks", {})
        return _register(self._hooks, kind, hook, prepend)

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        """hook(module, args) before forward; what it returns, unless None, is used as args. ``with_kwargs``: hook(module, args,
        kwargs), which returns None or (args, kwargs)."""
        return self._register_hook("forward_pre", Hook(hook, with_kwargs), prepend)

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        """hook(module, args, output) after forward; what it returns, unless None, is the output. ``with_kwargs``: hook(module,
        args, kwargs, output). ``always_call``: also where forward raised."""
        return self._register_hook("forward", Hook(hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook, prepend=False):
        """hook(module, grad_output) when the gradients of the outputs are known; may return others."""
        return self._register_hook("backward_pre", Hook(hook), prepend)

    def register_full_backward_hook(self, hook, prepend=False):
        """hook(module, grad_input, grad_output) when the gradients of the positional inputs are known; may return others."""
        return self._register_hook("backward", Hook(hook), prepend)

    register_backward_hook = register_full_backward_hook

    def register_state_dict_pre_hook(self, hook):
        """hook(module, prefix, keep_vars) before the module's part of state_dict()."""
        return self._register_hook("state_dict_pre", Hook(hook))

    def register_state_dict_post_hook(self, hook):
        """hook(module, state_dict, prefix, local_metadata) after it; may change the dict."""
        return self._register_hook("state_dict", Hook(hook))

    def register_load_state_dict_pre_hook(self, hook):
        """hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs) before the module
        takes its part of a copy of the dict, which it may change."""
        return self._register_hook("load_state_dict_pre", Hook(hook))

    def register_load_state_dict_post_hook(self, hook):
        """hook(module, incompatible_keys) after the module and those below were loaded; may change the lists of names."""
        return self._register_hook("load_state_dict", Hook(hook))

    # PyTorch's older names, which public code uses.

    def _register_state_dict_hook(self, hook):
        return self.register_state_dict_post_hook(hook)

    def _register_load_state_dict_pre_hook(self, hook, with_module=False):
        """hook(state_dict, prefix, ...), or, ``with_module``, as register_load_state_dict_pre_hook takes it."""
        return self.register_load_state_dict_pre_hook(hook if with_module else lambda module, *args: hook(*args))


# ---- Hooks of all modules.


def register_module_forward_pre_hook(hook):
    """As Module.register_forward_pre_hook, for all modules."""
    return _register(_C.global_module_hooks, "forward_pre", Hook(hook))


def register_module_forward_hook(hook, *, with_kwargs=False, always_call=False):
    """As Module.register_forward_hook, for all modules."""
    return _register(_C.global_module_hooks, "forward", Hook(hook, with_kwargs, always_call))


def register_module_full_backward_pre_hook(hook):
    """As Module.register_full_backward_pre_hook, for all modules."""
    return _register(_C.global_module_hooks, "backward_pre", Hook(hook))


def register_module_full_backward_hook(hook):
    """As Module.register_full_backward_hook, for all modules."""
    return _register(_C.global_module_hooks, "backward", Hook(hook))


def register_module_parameter_registration_hook(hook):
    """hook(module, name, parameter) when a module gets a parameter; what it returns, unless None, is registered."""
    return _register(_C.global_module_hooks, "parameter_registration", Hook(hook))


def register_module_buffer_registration_hook(hook):
    """hook(module, name, buffer) when a module gets a buffer; what it returns, unless None, is registered."""
    return _register(_C.global_module_hooks, "buffer_registration", Hook(hook))


def register_module_module_registration_hook(hook):
    """hook(module, name, child) when a module gets a child; what it returns, unless None, is registered."""
    return _register(_C.global_module_hooks, "module_registration", Hook(hook))


# ---- The call.


def call(module, args, kwargs):
    """forward with the hooks around it."""
    hooks = hooks_of(module, "forward")
    pending = {number: hook for number, hook in hooks.items() if hook.always_call}
    result = None
    try:
        args, kwargs = _run_forward_pre_hooks(module, args, kwargs)
        before, after = hooks_of(module, "backward_pre"), hooks_of(module, "backward")
        backward = _BackwardHooks(module, before.values(), after.values()) if before or after else None
        if backward:
            args = backward.watch_inputs(args)
        result = module.forward(*args, **kwargs)
        for number, hook in hooks.items():
            pending.pop(number, None)
            result = _run_forward_hook(hook, module, args, kwargs, result)
        return backward.watch_outputs(result) if backward else result
    except Exception:
        for hook in pending.values():
            try:
                result = _run_forward_hook(hook, module, args, kwargs, result)
            except Exception as error:
                warnings.warn(f"[forward hook] raised while another error was on its way: {error}", stacklevel=2)
        raise


def _run_forward_pre_hooks(module, args, kwargs):
    for hook in hooks_of(module, "forward_pre").values():
        if hook.with_kwargs:
            changed = hook.function(module, args, kwargs)
            if changed is None:
                continue
            if not isinstance(changed, tuple) or len(changed) != 2:
                raise RuntimeError(f"[forward_pre hook] must return None or (args, kwargs); got {changed!r}")
            args, kwargs = changed
        else:
            changed = hook.function(module, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
    return args, kwargs


def _run_forward_hook(hook, module, args, kwargs, result):
    inputs = (args, kwargs) if hook.with_kwargs else (args,)
    changed = hook.function(module, *inputs, result)
    return result if changed is None else changed


class _BackwardHooks:
    """The backward hooks of one call. Inputs and outputs go through identities, whose cotangents they see all at once."""

    def __init__(self, module, before, after):
        self.module, self.before, self.after = module, list(before), list(after)
        self.grad_output = None

    def watch_inputs(self, args):
        args, self.inputs = _watch(args, self._at_inputs)
        self.input_count = len(args)
        return args

    def watch_outputs(self, result):
        if not isinstance(result, (_C.Tensor, tuple)):
            warnings.warn(
                f"[backward hook] is not called where forward returns no tensor or tuple; got {type(result).__name__}",
                stacklevel=3,
            )
            return result
        outputs, self.outputs = _watch(result if isinstance(result, tuple) else (result,), self._at_outputs)
        self.output_count = len(outputs)
        return outputs if isinstance(result, tuple) else outputs[0]

    def _at_outputs(self, *cotangents):
        self.grad_output = _spread(cotangents, self.outputs, self.output_count)
        for hook in self.before:
            self.grad_output = _changed("backward_pre", hook.function(self.module, self.grad_output), self.grad_output)
        result = tuple(self.grad_output[i] for i in self.outputs)
        if not self.inputs:  # nothing comes back to them
            self._at_inputs()
        return result

    def _at_inputs(self, *cotangents):
        if self.grad_output is None:  # they do not come through the outputs
            return cotangents
        grad_input = _spread(cotangents, self.inputs, self.input_count)
        for hook in self.after:
            grad_input = _changed("backward", hook.function(self.module, grad_input, self.grad_output), grad_input)
        self.grad_output = None
        return tuple(grad_input[i] for i in self.inputs)


def _watch(values, hook):
    """(the values, those that require grad behind identities; the positions of these). ``hook`` is given their cotangents."""
    positions = [i for i, v in enumerate(values) if isinstance(v, _C.Tensor) and v.requires_grad]
    if not positions or not _C.grad_enabled():
        return values, []
    marked = list(values)
    for i in positions:
        marked[i] = marked[i].view(marked[i].shape)
    _C.register_group_hook([marked[i] for i in positions], hook)
    return tuple(marked) if type(values) is tuple else type(values)(*marked), positions


def _spread(values, positions, count):
    spread = [None] * count
    for i, value in zip(positions, values):
        spread[i] = value
    return tuple(spread)


def _changed(kind, changed, gradients):
    if changed is None:
        return gradients
    changed = changed if isinstance(changed, (tuple, list)) else (changed,)
    if len(changed) != len(gradients):
        raise RuntimeError(f"[{kind} hook] must return None or {len(gradients)} gradients; got {len(changed)}")
    return tuple(changed)
