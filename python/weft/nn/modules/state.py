"""state_dict() and load_state_dict() of modules."""

from collections import OrderedDict, namedtuple
from collections.abc import Mapping

from ... import _C
from ..parameter import Parameter
from .hooks import hooks_of


class LoadResult(namedtuple("LoadResult", ["missing_keys", "unexpected_keys"])):
    """Names that the module has and the state lacks, and the other way round."""

    __slots__ = ()

    def __repr__(self):
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()


EXTRA_STATE = "_extra_state"


class HasState:
    """The part of Module that saves and loads."""

    _version = 1  # of what a state of the class holds; saved beside it

    def get_extra_state(self):
        """What else belongs to the module's state; a module that defines this and set_extra_state() has it saved."""
        raise NotImplementedError(f"[{type(self).__name__}] has no get_extra_state(); define it in the class")

    def set_extra_state(self, state):
        raise NotImplementedError(f"[{type(self).__name__}] has no set_extra_state(); define it in the class")

    def _has_extra_state(self):
        return type(self).get_extra_state is not HasState.get_extra_state

    def _own_state(self):
        """(name, table, tensor) of the parameters and persistent buffers of this module alone."""
        for table in (self._parameters, self._buffers):
            for name, tensor in table.items():
                if tensor is not None and not (table is self._buffers and name in self._non_persistent_buffers_set):
                    yield name, table, tensor

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        for name, _, tensor in self._own_state():
            destination[prefix + name] = tensor if keep_vars else tensor.detach()
        if self._has_extra_state():
            destination[prefix + EXTRA_STATE] = self.get_extra_state()

    def state_dict(self, *, destination=None, prefix="", keep_vars=False):
        """Name → tensor of all parameters and persistent buffers; a tensor with several names is there under each. They share the
        module's memory and, unless ``keep_vars``, are detached."""
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = metadata
        for hook in hooks_of(self, "state_dict_pre").values():
            hook.function(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in hooks_of(self, "state_dict").values():
            if hook.function(self, destination, prefix, metadata) is not None:
                raise RuntimeError("[state_dict hook] must return None; change the dict in place")
        return destination

    def _load_from_state_dict(
        self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
    ):
        """Takes this module's own part of a state: the names that begin with the prefix. A sub-class may change the dict, a copy, before it
        calls this. ``local_metadata``: what was saved beside it, as the class's "version"."""
        load = _Load.running or _Load(self, strict, LoadResult(missing_keys, unexpected_keys), error_msgs)
        load.take(self, prefix, state_dict, local_metadata)
        if load is not _Load.running:  # called by itself
            with _C.GradMode(False):
                load.write(assign=False)

    def load_state_dict(self, state_dict, strict=True, assign=False):
        """Copies the tensors into this module's, or, with ``assign``, makes them this module's. Checks all names and shapes before
        anything is written (names after the load_state_dict post-hooks, where there are any)."""
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"[load_state_dict] state_dict must be a dict; got {type(state_dict).__name__}")
        load = _Load(self, strict, LoadResult([], []), [])
        load.collect(self, state_dict)
        load.check_values(type(self).__name__)
        with _C.GradMode(False):
            load.write(assign)
        for hook, module in load.post_hooks:
            if hook.function(module, load.names) is not None:
                raise RuntimeError("[load_state_dict hook] must return None; change the lists of names in place")
        load.check_names(type(self).__name__)
        return load.names


class _Load:
    """One load_state_dict(): what goes where, and what does not fit."""

    running = None  # the one that collects

    def __init__(self, module, strict, names, problems):
        self.strict, self.names = strict, names
        self.problems = problems  # other than names
        self.post_hooks = []
        self.writes = []  # (module, its table, the name there, the value)

    def collect(self, module, state):
        before, _Load.running = _Load.running, self
        try:
            self._collect(module, "", dict(state), getattr(state, "_metadata", None) or {})
        finally:
            _Load.running = before

    def _collect(self, module, prefix, state, metadata):
        """``state`` has the names that begin with the prefix, and is the hooks' to change."""
        own = metadata.get(prefix[:-1], {})
        module._load_from_state_dict(state, prefix, own, self.strict, *self.names, self.problems)
        for name, child in module._modules.items():
            if child is not None:
                path = f"{prefix}{name}."
                self._collect(child, path, {k: v for k, v in state.items() if k.startswith(path)}, metadata)
        self.post_hooks += [(hook, module) for hook in hooks_of(module, "load_state_dict").values()]

    def take(self, module, prefix, state, metadata):
        """What is the module's own."""
        for hook in hooks_of(module, "load_state_dict_pre").values():
            hook.function(module, state, prefix, metadata, self.strict, *self.names, self.problems)
        known = set()
        for name, table, tensor in module._own_state():
            known.add(name)
            if self._take(module, table, name, prefix, state):
                value = state[prefix + name]
                if not isinstance(value, _C.Tensor):
                    self.problems.append(f"{prefix}{name}: got {type(value).__name__}, need a tensor")
                elif value.shape != tensor.shape:
                    self.problems.append(f"{prefix}{name}: got shape {list(value.shape)}, need {list(tensor.shape)}")
        if module._has_extra_state():
            known.add(EXTRA_STATE)
            self._take(module, None, EXTRA_STATE, prefix, state)
        for name in state:
            if not name.startswith(prefix):
                continue
            own, dot, _ = name[len(prefix) :].partition(".")
            if own not in (module._modules if dot else known):
                self.names.unexpected_keys.append(name)

    def _take(self, module, table, name, prefix, state):
        if prefix + name not in state:
            self.names.missing_keys.append(prefix + name)
            return False
        self.writes.append((module, table, name, state[prefix + name]))
        return True

    def check_values(self, kind):
        if not self.post_hooks:
            self.check_names(kind)
        elif self.problems:
            self._fail(kind, self.problems)

    def check_names(self, kind):
        missing, unexpected = self.names if self.strict else ([], [])
        problems = list(self.problems)
        if missing:
            problems.append("missing: " + ", ".join(missing))
        if unexpected:
            problems.append("unexpected: " + ", ".join(unexpected))
        if problems:
            self._fail(kind, problems)

    def _fail(self, kind, problems):
        raise RuntimeError(
            f"[load_state_dict] the state does not fit {kind}: {'; '.join(problems)}; "
            "build the module with the saved model's sizes, or pass strict=False to skip names"
        )

    def write(self, assign):
        for module, table, name, value in self.writes:
            if table is None:
                module.set_extra_state(value)
            elif not assign:
                table[name].copy_(value)
            elif table is module._parameters and not isinstance(value, Parameter):
                table[name] = Parameter(value, table[name].requires_grad)
            else:
                table[name] = value
