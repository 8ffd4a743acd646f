"""A linear layer and the cross entropy of what it gives."""

from __future__ import annotations

import dataclasses

from .. import _C
from .._C import Tensor
from .._public import Any, public
from . import functional as F

__all__ = ["LinearCrossEntropyOptions", "linear_cross_entropy"]


@dataclasses.dataclass(frozen=True)
class LinearCrossEntropyOptions:
    """How PyTorch cuts the batch into chunks. Checked and kept; results have the same bits whatever it says, and any derivative is there.

    Raises:
        ValueError: a value that is none of PyTorch's.
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: _C.dtype | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.acc_policy, str) or self.acc_policy not in ("accurate", "balanced", "compact", "auto"):
            raise ValueError(
                f"[LinearCrossEntropyOptions] acc_policy must be 'accurate', 'balanced', 'compact' or 'auto'; got {self.acc_policy!r}"
            )
        if self.batch_chunk_size is not None and (type(self.batch_chunk_size) is not int or self.batch_chunk_size <= 0):
            raise ValueError(
                f"[LinearCrossEntropyOptions] batch_chunk_size must be a positive int; got {self.batch_chunk_size!r}"
            )


@public
def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Tensor:
    """``cross_entropy`` of ``linear(input, linear_weight, linear_bias)``: input (N, in) or (in), linear_weight (C, in) or (C, d1, ..., in), whose
    logits are (N, C, d1, ...), linear_bias (C) or (C, d1, ...). RuntimeError for other shapes, and for an ignore_index of probabilities."""
    if input.ndim not in (1, 2) or linear_weight.ndim < 2 or input.shape[-1] != linear_weight.shape[-1]:
        raise RuntimeError(
            f"[linear_cross_entropy] takes an input (N, in) or (in) and a linear_weight (C, ..., in); got {list(input.shape)} and "
            f"{list(linear_weight.shape)}"
        )
    outputs = tuple(linear_weight.shape[:-1])
    if linear_bias is not None and tuple(linear_bias.shape) != outputs:
        raise RuntimeError(
            f"[linear_cross_entropy] linear_bias must have shape {list(outputs)}; got {list(linear_bias.shape)}"
        )
    if len(outputs) > 1 and input.ndim == 1:
        raise RuntimeError(
            f"[linear_cross_entropy] a linear_weight of shape {list(linear_weight.shape)} needs a batch; got input {list(input.shape)}"
        )
    flat = None if linear_bias is None else linear_bias.reshape(-1)
    logits = F.linear(input, linear_weight.reshape(-1, linear_weight.shape[-1]), flat)
    logits = logits.reshape(*input.shape[:-1], *outputs)
    if ignore_index is not None and target.shape == logits.shape:
        raise RuntimeError(
            f"[linear_cross_entropy] ignore_index is for class indices; got a target of shape {list(target.shape)}; leave it out"
        )
    return F.cross_entropy(
        logits,
        target,
        weight,
        ignore_index=-100 if ignore_index is None else ignore_index,
        reduction=reduction,
        label_smoothing=label_smoothing,
    )
