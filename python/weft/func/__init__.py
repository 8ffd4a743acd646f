"""Functions of functions: derivatives and batches, as PyTorch's torch.func. They nest in any order, in and around ``compile``."""

from ._derivatives import grad, grad_and_value, jvp, linearize, vjp
from ._jacobians import hessian, jacfwd, jacrev
from ._modules import functional_call, stack_module_state
from ._vmap import vmap

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "stack_module_state",
    "vjp",
    "vmap",
]
