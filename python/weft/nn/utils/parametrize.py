"""Parametrizations: modules that compute a tensor of another module from other tensors, which are trained in its place.

The tensor ``weight`` becomes an attribute that is computed at each access. What it is computed from is in
``module.parametrizations.weight``, as ``original``, or ``original0``, ``original1`` ... where a parametrization takes several.
"""

from __future__ import annotations

from ... import _C
from .._arguments import a_module, text
from .._arguments import tensor as a_tensor
from ..modules.container import ModuleDict, ModuleList
from ..parameter import Parameter
from .computed import base_class, compute, compute_no_more

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

_cache: dict = {}  # (id of the module, name) → its value, within cached()
_cache_depth = 0


class cached:
    """A context in which each parametrized tensor is computed once. A compiled function that is called in it runs as Python."""

    def __enter__(self):
        global _cache_depth
        _cache_depth += 1

    def __exit__(self, *exception):
        global _cache_depth
        _cache_depth -= 1
        if not _cache_depth:
            _cache.clear()


def type_before_parametrizations(module):
    """The class that the module had."""
    return base_class(module)


class ParametrizationList(ModuleList):
    """Parametrizations, the first one's first, and the tensors that the first one takes. Calling it computes the tensor."""

    def __init__(self, modules, original, unsafe=False):
        super().__init__(modules)
        a_tensor("ParametrizationList", original, "original")
        self.unsafe = unsafe
        value = self._inverse(original.detach(), must=False)
        self.is_tensor = isinstance(value, _C.Tensor)
        values = (value,) if self.is_tensor else tuple(value)
        self.ntensors = len(values)
        for name, tensor in zip(self._names(), values):
            if isinstance(original, Parameter):
                self.register_parameter(name, Parameter(tensor.clone(), original.requires_grad))
            else:
                self.register_buffer(name, tensor.clone())

    def _names(self):
        return ["original"] if self.is_tensor else [f"original{i}" for i in range(self.ntensors)]

    def _inverse(self, value, must=True):
        """What the first parametrization makes the value of, by their right inverses. Unless it ``must``, one that raises
        NotImplementedError is as if there were none."""
        with _C.GradMode(False):
            for module in reversed(list(self)):
                if hasattr(module, "right_inverse"):
                    try:
                        value = module.right_inverse(value)
                    except NotImplementedError:
                        if must:
                            raise
        return value

    def right_inverse(self, value):
        """Sets the originals so that the tensor becomes ``value``."""
        made = self._inverse(value)
        with _C.GradMode(False):
            for name, tensor in zip(self._names(), (made,) if self.is_tensor else made):
                own = getattr(self, name)
                if own.shape != tensor.shape:
                    raise ValueError(
                        f"[parametrize] {name} has shape {list(own.shape)}; got {list(tensor.shape)} from right_inverse"
                    )
                own.copy_(tensor)

    def forward(self):
        first, *others = self
        value = first(*(getattr(self, name) for name in self._names()))
        for module in others:
            value = module(value)
        return value


def is_parametrized(module, tensor_name=None):
    """Whether the module has parametrizations, of the tensor where a name is given."""
    if tensor_name is not None:
        text("is_parametrized", "tensor_name", tensor_name)
    found = getattr(module, "parametrizations", None)
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


def register_parametrization(module, tensor_name, parametrization, *, unsafe=False):
    """Makes ``parametrization(tensor)`` what the module's parameter or buffer ``tensor_name`` is; returns the module.

    A method ``right_inverse`` of the parametrization gives what it is computed from: a tensor, or several, which it then takes as
    arguments. Further ones are applied to the result of those before. ``unsafe``: dtype and shape need not stay, and are not tried.
    """
    a_module("register_parametrization", module)
    a_module("register_parametrization", parametrization, "parametrization")
    text("register_parametrization", "tensor_name", tensor_name)
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        stack = module.parametrizations[tensor_name]
        if not unsafe:
            _check(tensor_name, getattr(module, tensor_name), parametrization)
        if hasattr(parametrization, "right_inverse"):
            stack.right_inverse(parametrization.right_inverse(getattr(module, tensor_name).detach()))
        stack.append(parametrization)
        stack.unsafe |= unsafe
        return module
    table = module._parameters if tensor_name in module._parameters else module._buffers
    original = table.get(tensor_name)
    if original is None:
        raise ValueError(
            f"[register_parametrization] {type(module).__name__} has no parameter, buffer or parametrized tensor {tensor_name!r}"
        )
    stack = ParametrizationList([parametrization], original, unsafe)
    if not unsafe:
        _check(tensor_name, original, stack, takes=False)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        module.parametrizations = ModuleDict()
    module.parametrizations[tensor_name] = stack

    def get(module):
        if not _cache_depth:
            return module.parametrizations[tensor_name]()
        _C.not_replayable("parametrized tensors are cached")
        key = id(module), tensor_name
        if key not in _cache:
            _cache[key] = module.parametrizations[tensor_name]()
        return _cache[key]

    def put(module, value):
        _cache.pop((id(module), tensor_name), None)
        module.parametrizations[tensor_name].right_inverse(value)

    compute(module, tensor_name, get, put)
    return module


def _check(name, original, parametrization, takes=True):
    """The result must be as the original is."""
    with _C.GradMode(False):
        made = parametrization(original) if takes else parametrization()
    if not isinstance(made, _C.Tensor):
        raise ValueError(
            f"[register_parametrization] a parametrization must return a tensor; got {type(made).__name__}"
        )
    if made.dtype is not original.dtype or made.shape != original.shape:
        raise ValueError(
            f"[register_parametrization] {name} is {original.dtype} {list(original.shape)}, and its parametrization makes it {made.dtype} "
            f"{list(made.shape)}; keep both, or pass unsafe=True"
        )


def remove_parametrizations(module, tensor_name, leave_parametrized=True):
    """Makes the tensor a parameter or buffer again, with its present value, or, if not ``leave_parametrized``, the original's; returns
    the module."""
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"[remove_parametrizations] {type(module).__name__} has no parametrization of {tensor_name!r}")
    stack = module.parametrizations[tensor_name]
    if not leave_parametrized and not stack.is_tensor:
        raise ValueError(
            f"[remove_parametrizations] {tensor_name!r} is computed from several tensors; leave_parametrized must be True"
        )
    originals = [getattr(stack, name) for name in stack._names()]
    with _C.GradMode(False):
        value = getattr(module, tensor_name).detach() if leave_parametrized else originals[0].detach()
    compute_no_more(module, tensor_name)
    del module.parametrizations[tensor_name]
    if not len(module.parametrizations):
        del module.parametrizations
    if not isinstance(originals[0], Parameter):
        module.register_buffer(tensor_name, value)
    elif stack.is_tensor:  # the parameter that optimizers know
        originals[0].data = value
        module.register_parameter(tensor_name, originals[0])
    else:
        module.register_parameter(tensor_name, Parameter(value.clone(), any(p.requires_grad for p in originals)))
    return module


def transfer_parametrizations_and_params(from_module, to_module, tensor_name=None):
    """Gives ``to_module`` the parametrizations of ``from_module``, or those of one tensor, and what they compute from: both share it.
    Returns ``to_module``."""
    a_module("transfer_parametrizations_and_params", from_module, "from_module")
    a_module("transfer_parametrizations_and_params", to_module, "to_module")
    if not is_parametrized(from_module, tensor_name):
        return to_module
    for name in list(from_module.parametrizations) if tensor_name is None else [tensor_name]:
        stack = from_module.parametrizations[name]
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name).detach().clone()))
        for parametrization in stack:
            register_parametrization(to_module, name, parametrization, unsafe=stack.unsafe)
        for original in stack._names():
            setattr(to_module.parametrizations[name], original, getattr(stack, original))
    return to_module
