"""Parameters as one vector."""

from ... import _C
from ..._functions import cat
from .._arguments import listed

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters):
    """The elements of all parameters, one after another."""
    parts = [p.reshape(-1) for p in listed("parameters_to_vector", "parameters", parameters, _C.Tensor)]
    if not parts:
        raise ValueError("[parameters_to_vector] got no parameters; pass model.parameters()")
    if len({p.device for p in parts}) > 1:
        raise TypeError("[parameters_to_vector] the parameters are on several devices; move them to one")
    return cat(parts)


def vector_to_parameters(vec, parameters):
    """Gives the parameters the elements of a vector: each becomes a view of its part, as in PyTorch."""
    if not isinstance(vec, _C.Tensor):
        raise TypeError(f"[vector_to_parameters] vec must be a tensor; got {type(vec).__name__}")
    parameters = listed("vector_to_parameters", "parameters", parameters, _C.Tensor)
    if sum(p.numel() for p in parameters) > vec.numel():
        raise RuntimeError(
            f"[vector_to_parameters] the parameters have {sum(p.numel() for p in parameters)} elements; got a vector of {vec.numel()}"
        )
    start = 0
    for p in parameters:
        p.data = vec[start : start + p.numel()].view(p.shape).detach()
        start += p.numel()
