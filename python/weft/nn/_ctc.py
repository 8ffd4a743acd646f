"""Connectionist temporal classification."""

from __future__ import annotations

from .. import _C, _factories, _ops
from .._C import Tensor
from .._functions.control import scan
from .._public import Any, public
from ..amp.autocast_mode import in_float32
from ._arguments import reduction_of

_NEVER = -1e30  # the logarithm of no probability; finite, so that gradients are
_IMPOSSIBLE = 1e29


def _lengths(name: str, lengths: Any, rows: int, most: int, device: Any) -> Tensor:
    if not isinstance(lengths, Tensor):
        lengths = _factories.tensor(list(lengths) if isinstance(lengths, (tuple, list)) else [lengths], dtype=_C.int64)
    lengths = lengths.reshape(-1).to(device=device, dtype=_C.int64)
    if lengths.shape[0] != rows:
        raise RuntimeError(f"[ctc_loss] {name} must be one for each of {rows} sequences; got {lengths.shape[0]}")
    if rows:
        low, high = int(lengths.min().item()), int(lengths.max().item())
        if low < 0 or high > most:
            raise RuntimeError(f"[ctc_loss] {name} must be of [0, {most}]; got {low} to {high}")
    return lengths


def _labels(targets: Tensor, lengths: Tensor, blank: int) -> Tensor:
    """The targets as (N, S), blank behind their ends."""
    rows = lengths.shape[0]
    if targets.ndim == 2:
        places = _factories.arange(targets.shape[1], device=targets.device)
        padded = targets
    else:
        size = int(lengths.max().item()) if rows else 0
        places = _factories.arange(size, device=targets.device)
        ends = _ops.cumsum(lengths, 0)
        if rows and int(ends[rows - 1].item()) > targets.shape[0]:
            raise RuntimeError(
                f"[ctc_loss] target_lengths add up to {int(ends[rows - 1].item())}; got {targets.shape[0]} targets; pass (N, S), or all "
                "one after the other"
            )
        index = _ops.add(_ops.sub(ends, lengths).unsqueeze(1), places)
        index = _ops.clamp_max(index, max(targets.shape[0] - 1, 0))
        if not targets.shape[0]:
            return _C.full((rows, size), blank, _C.int64, targets.device)
        padded = _ops.index_select(targets, index.reshape(-1), 0).reshape(rows, size)
    return _ops.where(_ops.lt(places, lengths.unsqueeze(1)), padded, blank)


def _behind(x: Tensor, count: int) -> Tensor:
    """Moved by ``count`` states, in front of which nothing is possible."""
    return _ops.concatenate(
        [_C.full((x.shape[0], count), _NEVER, x.dtype, x.device), x.narrow(1, 0, x.shape[1] - count)], 1
    )


def _added(*logs: Tensor) -> Tensor:
    """The logarithm of the sum of exp of each."""
    greatest = logs[0]
    for x in logs[1:]:
        greatest = _ops.maximum(greatest, x)
    total = _ops.exp(_ops.sub(logs[0], greatest))
    for x in logs[1:]:
        total = _ops.add(total, _ops.exp(_ops.sub(x, greatest)))
    return _ops.add(greatest, _ops.log(total))


def losses(log_probs: Tensor, labels: Tensor, input_lengths: Tensor, target_lengths: Tensor, blank: int) -> Tensor:
    """-log of the probability of each target, (N); the forward variables of Graves et al. (2006) as one loop over the steps.

    log_probs: (T, N, C); labels: (N, S). A state is a label or one of the blanks around them: 2 S + 1 of each sequence."""
    steps, rows, _ = log_probs.shape
    width = labels.shape[1]
    blanks = _C.full((rows, width, 1), blank, _C.int64, labels.device)
    states = _ops.concatenate([blanks, labels.unsqueeze(2)], 2).reshape(rows, 2 * width)
    states = _ops.concatenate([states, _C.full((rows, 1), blank, _C.int64, labels.device)], 1)
    logs = _ops.gather(log_probs, states.unsqueeze(0).expand(steps, rows, 2 * width + 1), 2)
    logs = _ops.clamp_min(logs, _NEVER)
    place = _factories.arange(2 * width + 1, device=labels.device)
    first = _ops.where(_ops.lt(place, 2), logs.select(0, 0), _NEVER)
    # A label follows the one before without a blank between them if it is another one.
    skips = _ops.ne(states, blank)
    if width:
        same = _ops.eq(states.narrow(1, 2, 2 * width - 1), states.narrow(1, 0, 2 * width - 1))
        start = _C.full((rows, 2), True, _C.bool, labels.device)
        skips = _ops.logical_and(skips, _ops.logical_not(_ops.concatenate([start, same], 1)))

    def step(forward: Tensor, entry: Any) -> Any:
        log, inside = entry
        ways = [forward, _behind(forward, 1)]
        if width:
            ways.append(_ops.where(skips, _behind(forward, 2), _NEVER))
        return _ops.where(inside, _ops.add(_added(*ways), log), forward), None

    forward = first
    if steps > 1:
        inside = _ops.lt(_factories.arange(1, steps, device=labels.device).unsqueeze(1), input_lengths)
        forward, _ = scan(step, first, (logs.narrow(0, 1, steps - 1), inside.unsqueeze(2)))
    last = _ops.mul(target_lengths, 2).unsqueeze(1)
    end = _ops.gather(forward, last, 1)
    before = _ops.gather(forward, _ops.clamp_min(_ops.sub(last, 1), 0), 1)
    before = _ops.where(_ops.eq(last, 0), _NEVER, before)
    result = _ops.neg(_added(end, before)).squeeze(1)
    nothing = _ops.where(_ops.eq(target_lengths, 0), 0.0, -_NEVER).to(result.dtype)
    return _ops.where(_ops.eq(input_lengths, 0), nothing, result)


@public
def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """-log of the probability that the steps of each sequence give its target, once repeated labels are one and blanks are taken out.

    log_probs: (T, N, C) or (T, C), logarithms of probabilities; targets: integers (N, S), or all one after the other; input_lengths and
    target_lengths: tensors, or tuples, of N integers. "mean" divides each loss by its target's length, 1 at least, and averages. A target
    that is not possible is infinity, 0 with ``zero_infinity``, and has gradient 0. RuntimeError for lengths and labels out of range.
    """
    reduction = reduction_of("ctc_loss", None, None, reduction)
    (log_probs,) = in_float32(log_probs)
    if not log_probs.dtype.is_floating_point or log_probs.ndim not in (2, 3):
        raise RuntimeError(
            f"[ctc_loss] log_probs must be floating-point (T, N, C) or (T, C); got {log_probs.dtype}, {list(log_probs.shape)}"
        )
    if targets.dtype.is_floating_point or targets.dtype is _C.bool:
        raise RuntimeError(f"[ctc_loss] targets must be integers; got {targets.dtype}; use .long()")
    single = log_probs.ndim == 2
    logs = log_probs.unsqueeze(1) if single else log_probs
    steps, rows, classes = logs.shape
    if not 0 <= blank < classes:
        raise RuntimeError(f"[ctc_loss] blank must be of [0, {classes}); got {blank}; pass its class")
    if not steps:
        raise RuntimeError(f"[ctc_loss] needs a step at least; got shape {list(log_probs.shape)}")
    dtype = logs.dtype
    logs = logs.float() if dtype.itemsize < 4 else logs
    targets = targets.to(device=logs.device, dtype=_C.int64)
    if targets.ndim == 0 or (targets.ndim == 2 and targets.shape[0] != rows) or targets.ndim > 2:
        raise RuntimeError(
            f"[ctc_loss] targets must be ({rows}, S) or a vector of all; got shape {list(targets.shape)}"
        )
    inputs = _lengths("input_lengths", input_lengths, rows, steps, logs.device)
    wanted = _lengths("target_lengths", target_lengths, rows, targets.shape[-1], logs.device)
    labels = _labels(targets, wanted, blank)
    if labels.numel():
        low, high = int(labels.min().item()), int(labels.max().item())
        if low < 0 or high >= classes:
            raise RuntimeError(f"[ctc_loss] targets must be classes of [0, {classes}); got {low} to {high}")
    loss = losses(logs, labels, inputs, wanted, blank)
    loss = _ops.where(_ops.gt(loss, _IMPOSSIBLE), 0.0 if zero_infinity else float("inf"), loss)
    if reduction == "mean":
        loss = _ops.div(loss, _ops.clamp_min(wanted, 1).to(loss.dtype)).mean()
    elif reduction == "sum":
        loss = loss.sum()
    elif single:
        loss = loss.squeeze(0)
    return loss.to(dtype)
