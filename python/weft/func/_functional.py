"""What PyTorch's transforms need that have no counterpart here: they change nothing."""

import functools

from .._C import Tensor


def functionalize(func, *, remove="mutations"):
    """``func`` itself, wrapped: the tape follows what it writes in place. ``remove``: "mutations" or "mutations_and_views", else a RuntimeError."""
    if remove not in ("mutations", "mutations_and_views"):
        raise RuntimeError(f"[functionalize] remove must be 'mutations' or 'mutations_and_views'; got {remove!r}")

    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        return func(*args, **kwargs)

    return wrapped


def replace_all_batch_norm_modules_(root):
    """Takes the running means and variances of all batch norms in a module away, in place; it then uses those of the batch in training and
    in evaluation. Returns the module."""
    from ..nn.modules.batchnorm import _BatchNorm

    for module in root.modules():
        if isinstance(module, _BatchNorm):
            module.running_mean = module.running_var = None
            module.num_batches_tracked = None
            module.track_running_stats = False
    return root


def debug_unwrap(tensor, *, recurse=True):
    """The tensor itself: transforms wrap none."""
    if not isinstance(tensor, Tensor):
        raise ValueError(f"[debug_unwrap] needs a tensor; got {type(tensor).__name__}")
    return tensor
