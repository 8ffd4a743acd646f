"""PyTorch's older place of func.functional_call."""

import warnings

from ...func import functional_call as _functional_call

__all__ = ["functional_call"]


def functional_call(module, parameters_and_buffers, args=None, kwargs=None, *, tie_weights=True, strict=False):
    """func.functional_call; warns."""
    warnings.warn(
        "nn.utils.stateless.functional_call is deprecated; use func.functional_call", FutureWarning, stacklevel=2
    )
    return _functional_call(module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict)
