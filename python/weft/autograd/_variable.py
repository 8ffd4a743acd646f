"""``Variable``, of the time when tensors with a history were another type."""

from .._C import Tensor


class _VariableMeta(type):
    def __instancecheck__(cls, instance):
        return isinstance(instance, Tensor)


class Variable(metaclass=_VariableMeta):
    """Variable(data, requires_grad=False): a tensor on the memory of ``data``, without its history."""

    def __new__(cls, data, requires_grad=None, volatile=None):
        if not isinstance(data, Tensor):
            raise TypeError(f"[Variable] data must be a tensor; got {type(data).__name__}")
        return data.detach().requires_grad_(bool(requires_grad))
