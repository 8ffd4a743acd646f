"""What all schedules of learning rates share."""

from __future__ import annotations

import types
import warnings

from ..._C import Tensor
from ...nn._arguments import a_float
from ..optimizer import Optimizer


def check_optimizer(op, optimizer):
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"[{op}] needs an Optimizer; got {type(optimizer).__name__}")


def a_group(op, name, optimizer, value):
    """One number for each parameter group, of one or of as many."""
    if isinstance(value, (list, tuple)):
        if len(value) != len(optimizer.param_groups):
            raise ValueError(
                f"[{op}] {name} must be one value or one for each of {len(optimizer.param_groups)} groups; got {len(value)}"
            )
        values = list(value)
    else:
        values = [value] * len(optimizer.param_groups)
    for v in values:
        a_float(op, name, v)
    return [v.clone() if isinstance(v, Tensor) else v for v in values]


def values_of(optimizer, key):
    return [g[key].clone() if isinstance(g[key], Tensor) else g[key] for g in optimizer.param_groups]


def set_in_group(group, key, value):
    """A tensor stays the tensor that it is."""
    if isinstance(group[key], Tensor):
        group[key].fill_(float(value))
    else:
        group[key] = value


def warn_of_epoch(epoch):
    if epoch is not None:
        warnings.warn("[step] epoch is deprecated; call step() once an epoch", UserWarning, stacklevel=4)


class LRScheduler:
    """Sets the rates of an optimizer's groups: the first ones when it is made, and the next ones at each ``step()``, which comes after
    ``optimizer.step()``. A sub-class defines ``get_lr()``: the rates for ``last_epoch``, one a group, which it computes from
    ``base_lrs`` or from the rates at hand; and may define ``_get_closed_form_lr()`` for ``step(epoch)``.

    A compiled step takes other rates without being traced again; ``step()`` of the schedule is best called outside of it.
    """

    _get_lr_called_within_step = False
    _is_initial = False

    def __init__(self, optimizer, last_epoch=-1):
        op = type(self).__name__
        check_optimizer(op, optimizer)
        a_float(op, "last_epoch", last_epoch)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                rate = group["lr"]
                group.setdefault("initial_lr", rate.clone() if isinstance(rate, Tensor) else rate)
            elif "initial_lr" not in group:
                raise KeyError(
                    f"[{op}] group {i} has no 'initial_lr', which last_epoch={last_epoch} needs; load the optimizer's state first, or "
                    "leave last_epoch out"
                )
        self.base_lrs = values_of(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self):
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    _NOT_SAVED: tuple = ("optimizer",)

    def state_dict(self):
        """All attributes but the optimizer."""
        return {key: value for key, value in self.__dict__.items() if key not in self._NOT_SAVED}

    def load_state_dict(self, state_dict):
        """Sets the attributes to those of a state_dict()."""
        self.__dict__.update(state_dict)

    def get_last_lr(self):
        """The rates, one a group, that were set last."""
        return self._last_lr

    def get_lr(self):
        raise NotImplementedError(f"[{type(self).__name__}] has no get_lr(); define it in the class")

    def step(self, epoch=None):
        """Sets the rates of the next epoch, or of ``epoch`` (deprecated)."""
        self._step_count += 1
        warn_of_epoch(epoch)
        self._update_lr(epoch)

    def _update_lr(self, epoch=None):
        if epoch is None:
            self.last_epoch += 1
        else:
            self.last_epoch = epoch
        closed = None if epoch is None else getattr(self, "_get_closed_form_lr", None)
        self._set(closed() if closed else self._computed())

    def _computed(self):
        self._get_lr_called_within_step = True
        try:
            return self.get_lr()
        finally:
            self._get_lr_called_within_step = False

    def _set(self, rates):
        for group, rate in zip(self.optimizer.param_groups, rates):
            set_in_group(group, "lr", rate)
        self._last_lr = values_of(self.optimizer, "lr")

    def _warn_of_get_lr(self):
        if not self._get_lr_called_within_step:
            warnings.warn(
                f"[{type(self).__name__}] get_lr() computes the next rates; get_last_lr() has the present ones",
                UserWarning,
                stacklevel=3,
            )

    def _rates(self, factor=None):
        """The rates at hand, times a number."""
        return (
            values_of(self.optimizer, "lr")
            if factor is None
            else [g["lr"] * factor for g in self.optimizer.param_groups]
        )


class _LRScheduler(LRScheduler):
    """PyTorch's older name, from which public code derives."""


def state_of(function):
    """What of a function is saved: an object's attributes."""
    return None if function is None or isinstance(function, types.FunctionType) else function.__dict__.copy()
