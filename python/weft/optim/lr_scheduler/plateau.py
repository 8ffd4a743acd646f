"""A schedule that goes by a metric."""

from __future__ import annotations

import math

from ...nn._arguments import choice, number
from .scheduler import LRScheduler, a_group, check_optimizer, set_in_group, values_of, warn_of_epoch


class ReduceLROnPlateau(LRScheduler):
    """Multiplies the rate by ``factor`` when the metric has not got better for more than ``patience`` steps.

    Better: less (mode "min") or more ("max") than the best one by ``threshold``, relative ("rel") or not ("abs"). After that it waits for
    ``cooldown`` steps. Rates go down to ``min_lr``, and not by less than ``eps``.
    """

    def __init__(
        self,
        optimizer,
        mode="min",
        factor=0.1,
        patience=10,
        threshold=1e-4,
        threshold_mode="rel",
        cooldown=0,
        min_lr=0,
        eps=1e-8,
    ):
        check_optimizer("ReduceLROnPlateau", optimizer)
        if number("ReduceLROnPlateau", "factor", factor) >= 1.0:
            raise ValueError(f"[ReduceLROnPlateau] factor must be less than 1; got {factor}")
        choice("ReduceLROnPlateau", "mode", mode, ("min", "max"))
        choice("ReduceLROnPlateau", "threshold_mode", threshold_mode, ("rel", "abs"))
        self.factor, self.optimizer = factor, optimizer
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.min_lrs = a_group("ReduceLROnPlateau", "min_lr", optimizer, min_lr)
        self.patience, self.cooldown, self.eps = patience, cooldown, eps
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self.last_epoch, self._last_lr = 0, values_of(optimizer, "lr")
        self._reset()

    def _reset(self):
        self.best, self.cooldown_counter, self.num_bad_epochs = self.mode_worse, 0, 0

    @property
    def in_cooldown(self):
        return self.cooldown_counter > 0

    def _is_better(self, a, best):
        sign = 1 if self.mode == "min" else -1
        limit = best * (1.0 - sign * self.threshold) if self.threshold_mode == "rel" else best - sign * self.threshold
        return a < limit if sign == 1 else a > limit

    def step(self, metrics, epoch=None):
        """Looks at a metric: a number or a tensor of one element."""
        current = float(metrics)
        warn_of_epoch(epoch)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(current, self.best):
            self.best, self.num_bad_epochs = current, 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr(self.last_epoch)
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = values_of(self.optimizer, "lr")

    def _reduce_lr(self, epoch):
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"[ReduceLROnPlateau] the optimizer has {len(groups)} groups now and min_lrs {len(self.min_lrs)} rates; set min_lrs"
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, least in zip(groups, self.min_lrs):
            rate = float(group["lr"])
            reduced = max(rate * self.factor, least)
            if rate - reduced > self.eps:
                set_in_group(group, "lr", reduced)
