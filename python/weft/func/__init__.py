"""Functions of functions: derivatives and batches, as PyTorch's torch.func. They nest in any order, in and around ``compile``."""

from ._derivatives import grad, grad_and_value, jvp, linearize, vjp
from ._functional import debug_unwrap, functionalize, replace_all_batch_norm_modules_
from ._jacobians import hessian, jacfwd, jacrev
from ._modules import functional_call, stack_module_state
from ._vmap import vmap

__all__ = [
    "debug_unwrap",
    "functionalize",
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "replace_all_batch_norm_modules_",
    "stack_module_state",
    "vjp",
    "vmap",
]
