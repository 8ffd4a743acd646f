"""Module: named parameters, buffers and sub-modules, found by attribute."""

from ... import _C, _factories
from .._arguments import to as conversion
from ..parameter import Buffer, Parameter
from .hooks import (
    HasHooks,
    register_module_buffer_registration_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from .state import HasState

__all__ = [
    "Module",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]


def _name(op, target):
    if not isinstance(target, str):
        raise TypeError(f"[{op}] a name must be a string; got {type(target).__name__}")
    return target


class Module(HasHooks, HasState, _C.ModuleBase):
    """Base class of all layers. Sub-classes call ``super().__init__()`` and define ``forward``.

    Calling a module calls ``forward``; parameters, sub-modules and buffers are found as attributes (_C.ModuleBase does both).
    """

    training: bool

    def __init__(self):
        # Plain attribute writes: __setattr__ below needs these to be there.
        object.__setattr__(self, "training", True)
        object.__setattr__(self, "_parameters", {})
        object.__setattr__(self, "_buffers", {})
        object.__setattr__(self, "_modules", {})
        object.__setattr__(self, "_non_persistent_buffers_set", set())

    def forward(self, *args, **kwargs):
        raise NotImplementedError(f"[{type(self).__name__}] has no forward(); define it in the class")

    # ---- attributes
    def __setattr__(self, name, value):
        parameters = self.__dict__.get("_parameters")
        if parameters is None:
            if isinstance(value, (Parameter, Module)):
                raise AttributeError(
                    f"[{type(self).__name__}] cannot assign '{name}' before Module.__init__(); call super().__init__() first"
                )
            object.__setattr__(self, name, value)
        elif isinstance(value, Parameter):
            self._check_name(name, "parameter", name in parameters or not hasattr(type(self), name))
            self._put(parameters, name, value)
        elif isinstance(value, Module) and name not in parameters:
            self._put(self._modules, name, value)
        elif isinstance(value, Buffer) and name not in parameters and name not in self._modules:
            self._check_name(name, "buffer", name in self._buffers or not hasattr(type(self), name))
            self._put(self._buffers, name, value)
            if not value.persistent:
                self._non_persistent_buffers_set.add(name)
        else:
            for table, kind, wanted in (
                (parameters, "parameter", "an nn.Parameter"),
                (self._modules, "child module", "a Module"),
                (self._buffers, "buffer", "a tensor"),
            ):
                if name in table:
                    if value is not None and not (table is self._buffers and isinstance(value, _C.Tensor)):
                        raise TypeError(
                            f"[{type(self).__name__}] cannot assign a {type(value).__name__} as {kind} '{name}'; "
                            f"assign {wanted} or None, or delete it first"
                        )
                    table[name] = value
                    return
            object.__setattr__(self, name, value)

    def _put(self, table, name, value):
        """Makes the name that of ``value`` alone. A replaced one keeps its place in the order."""
        self.__dict__.pop(name, None)
        for other in (self._parameters, self._buffers, self._modules):
            if other is not table:
                other.pop(name, None)
        self._non_persistent_buffers_set.discard(name)
        if _C.global_module_hooks:
            kind = "parameter" if table is self._parameters else "buffer" if table is self._buffers else "module"
            for hook in _C.global_module_hooks.get(f"{kind}_registration", {}).values():
                changed = hook.function(self, name, value)
                value = value if changed is None else changed
        table[name] = value

    def _check_name(self, name, kind, is_free):
        if not name or "." in name:
            raise KeyError(f"[{type(self).__name__}] a {kind}'s name must not be empty or have a dot; got {name!r}")
        if not is_free:
            raise KeyError(
                f"[{type(self).__name__}] already has an attribute '{name}'; choose another name for the {kind}"
            )

    def _register(self, table, name, value, kind, wanted):
        if "_parameters" not in self.__dict__:
            raise AttributeError(
                f"[{type(self).__name__}] cannot register '{name}' before Module.__init__(); call super().__init__() first"
            )
        if not isinstance(name, str):
            raise TypeError(f"[{type(self).__name__}] a {kind}'s name must be a string; got {type(name).__name__}")
        table = self.__dict__[table]
        self._check_name(name, kind, name in table or not hasattr(self, name))
        if value is not None and not isinstance(value, wanted):
            raise TypeError(
                f"[{type(self).__name__}] {kind} '{name}' must be a {wanted.__name__} or None; got {type(value).__name__}"
            )
        self._put(table, name, value)

    def __delattr__(self, name):
        for table in (self._parameters, self._buffers, self._modules):
            if name in table:
                del table[name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self):
        return sorted({*super().__dir__(), *self._parameters, *self._modules, *self._buffers})

    def register_parameter(self, name, param):
        """Adds a parameter, which may be None."""
        self._register("_parameters", name, param, "parameter", Parameter)

    def register_buffer(self, name, tensor, persistent=True):
        """Adds a tensor that moves with the module and is saved (unless not ``persistent``) but is not trained."""
        self._register("_buffers", name, tensor, "buffer", _C.Tensor)
        if not persistent:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name, module):
        """Adds a child, which may be None."""
        self._register("_modules", name, module, "child module", Module)

    register_module = add_module

    # ---- traversal
    def named_children(self):
        """(name, module) of the children, each module once."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self):
        for _, module in self.named_children():
            yield module

    def named_modules(self, memo=None, prefix="", remove_duplicate=True):
        """This module and all below it with dotted names; each once, unless not ``remove_duplicate``."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self, remove_duplicate=True):
        """This module and all below it; each once, unless not ``remove_duplicate``."""
        if not remove_duplicate:
            for _, module in self.named_modules(remove_duplicate=False):
                yield module
            return
        # Without the cost of names: optimizers and zero_grad() come here every step.
        seen, pending = set(), [self]
        while pending:
            module = pending.pop()
            if id(module) not in seen:
                seen.add(id(module))
                pending += [
                    child if isinstance(child, Module) else child.__wrapped__
                    for child in reversed(module._modules.values())
                    if child is not None
                ]
                yield module

    def _tensors(self, table, recurse):
        seen = set()
        for module in self.modules() if recurse else (self,):
            for tensor in getattr(module, table).values():
                if tensor is not None and id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield tensor

    def _named_tensors(self, table, prefix, recurse, remove_duplicate):
        seen = set()
        modules = self.named_modules(None, prefix, remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, tensor in getattr(module, table).items():
                if tensor is not None and id(tensor) not in seen:
                    if remove_duplicate:
                        seen.add(id(tensor))
                    yield (f"{path}.{name}" if path else name), tensor

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        """(dotted name, parameter) of this module and, with ``recurse``, all below it; a shared parameter comes once, unless not
        ``remove_duplicate``."""
        return self._named_tensors("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse=True):
        return self._tensors("_parameters", recurse)

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True):
        return self._named_tensors("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse=True):
        return self._tensors("_buffers", recurse)

    def get_submodule(self, target):
        """The module with this dotted name; "" is this one."""
        module, target = self, _name("get_submodule", target)
        for name in target.split(".") if target else ():
            child = getattr(module, name, None)
            if not isinstance(child, Module):
                raise AttributeError(f"[get_submodule] {type(module).__name__} has no module '{name}'; got '{target}'")
            module = child
        return module

    def _get(self, table, target, kind):
        path, _, name = _name(f"get_{kind}", target).rpartition(".")
        module = self.get_submodule(path)
        if getattr(module, table).get(name) is None:
            raise AttributeError(f"[get_{kind}] {type(module).__name__} has no {kind} '{name}'; got '{target}'")
        return getattr(module, table)[name]

    def get_parameter(self, target):
        return self._get("_parameters", target, "parameter")

    def get_buffer(self, target):
        return self._get("_buffers", target, "buffer")

    # ---- state
    def train(self, mode=True):
        """Sets the training mode here and below; returns self."""
        if not isinstance(mode, bool):
            raise ValueError(f"[train] mode must be a bool; got {type(mode).__name__}")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self):
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
        """Whether the parameters here and below are trained; returns self."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none=True):
        for module in self.modules():
            for parameter in module._parameters.values():
                if parameter is None:
                    continue
                if set_to_none:
                    parameter.grad = None
                elif parameter.grad is not None:
                    parameter.grad.zero_()

    def apply(self, fn):
        """Calls ``fn`` on every module, children first; returns self."""
        if not callable(fn):
            raise TypeError(f"[apply] fn must be callable; got {type(fn).__name__}; pass a function of a module")
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def _apply(self, fn):
        """Replaces the memory of every parameter, gradient and buffer, here and below, by what ``fn`` makes of it."""
        for child in self.children():
            child._apply(fn)
        with _C.GradMode(False):
            for parameter in self._parameters.values():
                if parameter is not None:
                    parameter.data = fn(parameter.data)
                    if parameter.grad is not None:
                        parameter.grad = fn(parameter.grad)
            for name, buffer in self._buffers.items():
                if buffer is not None:
                    self._buffers[name] = fn(buffer)
        return self

    def to(self, *args, **kwargs):
        """Moves or converts all parameters and buffers: to(device), to(dtype), to(device, dtype) or to(tensor). A dtype applies to
        floating-point and complex ones only."""
        device, dtype = conversion(*args, **kwargs)

        def convert(tensor):
            converts = dtype is not None and (tensor.dtype.is_floating_point or tensor.dtype.is_complex)
            wanted = dtype if converts else tensor.dtype
            return tensor.to(device, wanted) if device is not None else tensor.to(wanted)

        return self._apply(convert)

    def type(self, dst_type):
        """All parameters and buffers converted to a dtype."""
        return self._apply(lambda tensor: tensor.to(dst_type))

    def float(self):
        return self.to(_C.float32)

    def double(self):
        return self.to(_C.float64)

    def half(self):
        return self.to(_C.float16)

    def bfloat16(self):
        return self.to(_C.bfloat16)

    def cpu(self):
        return self.to("cpu")

    def cuda(self, device=None):
        return self.to("cuda" if device is None else device)

    def to_empty(self, *, device, recurse=True):
        """Gives all parameters and buffers new memory on a device, whose values mean nothing."""
        modules = self.modules() if recurse else (self,)
        with _C.GradMode(False):
            for module in list(modules):
                for parameter in module._parameters.values():
                    if parameter is not None:
                        parameter.data = _factories.empty_like(parameter, device=device)
                for name, buffer in module._buffers.items():
                    if buffer is not None:
                        module._buffers[name] = _factories.empty_like(buffer, device=device)
        return self

    def share_memory(self):
        """PyTorch's, which moves parameters to where other processes see them: has no effect on those that fork or get the module sent."""
        return self

    def compile(self, *args, **kwargs):
        """Compiles this module's calls from now on, as weft.compile, whose arguments these are, compiles forward()."""
        from ..._compile import compile

        object.__setattr__(self, "forward", compile(self.forward, *args, **kwargs))

    def set_submodule(self, target, module, strict=False):
        """Makes ``module`` the one with this dotted name; its parent must be there, and with ``strict`` so must be the name."""
        path, _, name = _name("set_submodule", target).rpartition(".")
        if not name:
            raise ValueError("[set_submodule] target must not be empty")
        parent = self.get_submodule(path)
        if strict and name not in parent._modules:
            raise AttributeError(f"[set_submodule] {type(parent).__name__} has no module '{name}'; got '{target}'")
        if not isinstance(module, Module):
            raise ValueError(f"[set_submodule] expected a Module; got {type(module).__name__}")
        setattr(parent, name, module)

    def __setstate__(self, state):
        """What a copy and unpickling set."""
        self.__dict__.update(state)

    # ---- printing
    def _get_name(self):
        return type(self).__name__

    def extra_repr(self):
        return ""

    def __repr__(self):
        lines = []
        for name, module in self._modules.items():
            lines.append(f"({name}): " + repr(module).replace("\n", "\n  "))
        extra = self.extra_repr()
        if not lines:
            return f"{self._get_name()}({extra})"
        body = "\n  ".join(([extra] if extra else []) + lines)
        return f"{self._get_name()}(\n  {body}\n)"
