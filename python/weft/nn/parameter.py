"""Parameter: a tensor that a module registers and an optimizer updates."""

from .. import _C, _factories


class Parameter(_C.Tensor):
    """A leaf tensor that shares ``data``'s memory; assigned to a Module's attribute it becomes one of its parameters."""

    def __new__(cls, data=None, requires_grad=True):
        if data is None:
            data = _factories.empty(0)
        if not isinstance(data, _C.Tensor):
            raise TypeError(f"[Parameter] data must be a tensor; got {type(data).__name__}; use weft.tensor(data)")
        parameter = _C.tensor_alias(cls, data.detach())
        parameter.requires_grad_(requires_grad)
        return parameter

    def __repr__(self):
        return "Parameter containing:\n" + super().__repr__()

    def __reduce_ex__(self, protocol):
        return _rebuild, (self.detach(), self.requires_grad)

    def __deepcopy__(self, memo):
        copy = Parameter(self.detach().clone(), self.requires_grad)
        memo[id(self)] = copy
        return copy


def _rebuild(data, requires_grad):
    return Parameter(data, requires_grad)
