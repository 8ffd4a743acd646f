"""Module: named parameters, buffers and sub-modules, found by attribute."""

from collections import OrderedDict

from .. import _C
from .parameter import Parameter


class Module(_C.ModuleBase):
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
        object.__setattr__(self, "_non_persistent", set())

    def forward(self, *args, **kwargs):
        raise NotImplementedError(f"[{type(self).__name__}] has no forward(); define it in the class")

    # ---- attributes
    def __setattr__(self, name, value):
        parameters = self.__dict__.get("_parameters")
        if isinstance(value, (Parameter, Module)) and parameters is None:
            raise AttributeError(
                f"[{type(self).__name__}] cannot assign '{name}' before Module.__init__(); call super().__init__() first"
            )
        if isinstance(value, Parameter):
            self._forget(name)
            parameters[name] = value
        elif isinstance(value, Module):
            self._forget(name)
            self._modules[name] = value
        elif parameters is not None and name in parameters:
            if value is not None:
                raise TypeError(
                    f"[{type(self).__name__}] cannot assign a {type(value).__name__} as parameter '{name}'; "
                    "wrap it in nn.Parameter, or assign None"
                )
            parameters[name] = None
        elif parameters is not None and name in self._modules and value is None:
            self._modules[name] = None
        elif parameters is not None and name in self._buffers and (value is None or isinstance(value, _C.Tensor)):
            self._buffers[name] = value
        else:
            object.__setattr__(self, name, value)

    def _forget(self, name):
        self.__dict__.pop(name, None)
        for table in (self._parameters, self._buffers, self._modules):
            table.pop(name, None)

    def __delattr__(self, name):
        for table in (self._parameters, self._buffers, self._modules):
            if name in table:
                del table[name]
                return
        object.__delattr__(self, name)

    def __dir__(self):
        return sorted({*super().__dir__(), *self._parameters, *self._modules, *self._buffers})

    def register_parameter(self, name, parameter):
        """Adds a parameter, which may be None."""
        self._forget(name)
        self._parameters[name] = parameter

    def register_buffer(self, name, tensor, persistent=True):
        """Adds a tensor that moves with the module and is saved (unless not ``persistent``) but is not trained."""
        self._forget(name)
        self._buffers[name] = tensor
        if not persistent:
            self._non_persistent.add(name)

    def add_module(self, name, module):
        self._forget(name)
        self._modules[name] = module

    register_module = add_module

    # ---- traversal
    def named_children(self):
        for name, module in self._modules.items():
            if module is not None:
                yield name, module

    def children(self):
        for _, module in self.named_children():
            yield module

    def named_modules(self, memo=None, prefix=""):
        """This module and all below it, each once, with dotted names."""
        memo = set() if memo is None else memo
        if id(self) in memo:
            return
        memo.add(id(self))
        yield prefix, self
        for name, module in self.named_children():
            yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name)

    def modules(self):
        # As named_modules(), without the cost of names: optimizers and zero_grad() come here every step.
        seen, pending = set(), [self]
        while pending:
            module = pending.pop()
            if id(module) not in seen:
                seen.add(id(module))
                pending += [child for child in reversed(module._modules.values()) if child is not None]
                yield module

    def _tensors(self, table, recurse):
        seen = set()
        for module in self.modules() if recurse else (self,):
            for tensor in getattr(module, table).values():
                if tensor is not None and id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield tensor

    def _named_tensors(self, table, prefix, recurse):
        seen = set()
        for path, module in self.named_modules(prefix=prefix) if recurse else [(prefix, self)]:
            for name, tensor in getattr(module, table).items():
                if tensor is not None and id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield (f"{path}.{name}" if path else name), tensor

    def named_parameters(self, prefix="", recurse=True):
        """(dotted name, parameter) of this module and, with ``recurse``, all below it; a shared parameter comes once."""
        return self._named_tensors("_parameters", prefix, recurse)

    def parameters(self, recurse=True):
        return self._tensors("_parameters", recurse)

    def named_buffers(self, prefix="", recurse=True):
        return self._named_tensors("_buffers", prefix, recurse)

    def buffers(self, recurse=True):
        return self._tensors("_buffers", recurse)

    def get_submodule(self, target):
        module = self
        for name in target.split(".") if target else ():
            module = getattr(module, name)
        return module

    def get_parameter(self, target):
        path, _, name = target.rpartition(".")
        return self.get_submodule(path)._parameters[name]

    # ---- state
    def train(self, mode=True):
        """Sets the training mode here and below; returns self."""
        for module in self.modules():
            object.__setattr__(module, "training", mode)
        return self

    def eval(self):
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
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

    def apply(self, function):
        """Calls ``function`` on every module, children first; returns self."""
        for child in self.children():
            child.apply(function)
        function(self)
        return self

    def _convert(self, convert):
        with _C.GradMode(False):
            for module in self.modules():
                for parameter in module._parameters.values():
                    if parameter is not None:
                        parameter.data = convert(parameter.data)
                        if parameter.grad is not None:
                            parameter.grad = convert(parameter.grad)
                for name, buffer in module._buffers.items():
                    if buffer is not None:
                        module._buffers[name] = convert(buffer)
        return self

    def to(self, *args, **kwargs):
        """Moves or converts all parameters and buffers, as ``Tensor.to``; a dtype applies to floating-point ones only."""
        device, dtype = None, kwargs.get("dtype")
        for argument in (*args, kwargs.get("device")):
            if isinstance(argument, _C.dtype):
                dtype = argument
            elif argument is not None:
                device = argument

        def convert(tensor):
            wanted = dtype if dtype is not None and tensor.dtype.is_floating_point else tensor.dtype
            return tensor.to(device, wanted) if device is not None else tensor.to(wanted)

        return self._convert(convert)

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

    def cuda(self):
        return self.to("cuda")

    def state_dict(self, prefix=""):
        """Name → tensor (sharing memory, detached) of all parameters and persistent buffers."""
        result = OrderedDict()
        for path, module in self.named_modules():
            path = prefix + (path + "." if path else "")
            for name, tensor in module._parameters.items():
                if tensor is not None:
                    result[path + name] = tensor.detach()
            for name, tensor in module._buffers.items():
                if tensor is not None and name not in module._non_persistent:
                    result[path + name] = tensor.detach()
        return result

    def load_state_dict(self, state_dict, strict=True):
        """Copies the tensors into this module's. Checks all names and shapes before anything is written."""
        own = self.state_dict()
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own]
        problems = []
        if strict and missing:
            problems.append("missing: " + ", ".join(missing))
        if strict and unexpected:
            problems.append("unexpected: " + ", ".join(unexpected))
        for name, tensor in own.items():
            if name in state_dict and tuple(state_dict[name].shape) != tuple(tensor.shape):
                problems.append(f"{name}: got shape {list(state_dict[name].shape)}, need {list(tensor.shape)}")
        if problems:
            raise RuntimeError(
                f"[load_state_dict] the state does not fit {type(self).__name__}: {'; '.join(problems)}; "
                "build the module with the saved model's sizes, or pass strict=False to skip names"
            )
        with _C.GradMode(False):
            for name, tensor in own.items():
                if name in state_dict:
                    tensor.copy_(state_dict[name])
        return LoadResult(missing, unexpected)

    # ---- printing
    def extra_repr(self):
        return ""

    def __repr__(self):
        lines = []
        for name, module in self._modules.items():
            lines.append(f"({name}): " + repr(module).replace("\n", "\n  "))
        extra = self.extra_repr()
        if not lines:
            return f"{type(self).__name__}({extra})"
        body = "\n  ".join(([extra] if extra else []) + lines)
        return f"{type(self).__name__}(\n  {body}\n)"


class LoadResult:
    """Names that ``load_state_dict(strict=False)`` skipped."""

    def __init__(self, missing_keys, unexpected_keys):
        self.missing_keys = missing_keys
        self.unexpected_keys = unexpected_keys

    def __repr__(self):
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"LoadResult(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"
