"""Tensors that a module registers: Parameter, which an optimizer updates, and Buffer."""

from .. import _C, _factories, _layouts, _tensor


class Parameter(_C.Tensor):
    """A leaf tensor that shares ``data``'s memory; assigned to a Module's attribute it becomes one of its parameters."""

    __weft_function__ = None  # what is made of parameters is a tensor

    def __new__(cls, data=None, requires_grad=True):
        if data is None:
            data = _factories.empty(0)
        if not isinstance(data, _C.Tensor):
            raise TypeError(f"[Parameter] data must be a tensor; got {type(data).__name__}; use weft.tensor(data)")
        _layouts.check_dense("Parameter", data)
        parameter = _C.tensor_alias(cls, data.detach())
        parameter.requires_grad_(requires_grad)
        return parameter

    def __repr__(self):
        return "Parameter containing:\n" + super().__repr__()

    def __reduce_ex__(self, protocol):
        return _rebuild, (type(self), self.detach(), self.requires_grad), self.__dict__ or None

    def __deepcopy__(self, memo):
        result = memo[id(self)] = _rebuild(type(self), _tensor.copy_of(self, memo), self.requires_grad)
        from copy import deepcopy  # later: it takes a part of the package's import

        result.__dict__.update(deepcopy(self.__dict__, memo))
        _tensor.copy_grad(self, result, memo)
        return result

    def __copy__(self):
        result = _rebuild(type(self), self.detach(), self.requires_grad)
        result.__dict__.update(self.__dict__)
        return result


def _rebuild(kind, data, requires_grad):
    return Parameter.__new__(kind, data, requires_grad)


class Buffer(_C.Tensor):
    """A tensor that shares ``data``'s memory; assigned to a Module's attribute it becomes one of its buffers, saved if ``persistent``."""

    __weft_function__ = None

    def __new__(cls, data=None, *, persistent=True):
        data = _factories.empty(0) if data is None else data
        if not isinstance(data, _C.Tensor):
            raise TypeError(f"[Buffer] data must be a tensor; got {type(data).__name__}; use weft.tensor(data)")
        buffer = _C.tensor_alias(cls, data.detach())
        buffer.persistent = persistent
        return buffer


def __getattr__(name):
    if name in ("UninitializedBuffer", "UninitializedParameter", "is_lazy"):  # PyTorch's place for them
        from .modules import lazy

        return getattr(lazy, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
