"""Schedules that set the rate by where in a cycle a step is, and the momentum against it."""

from __future__ import annotations

import math

from ..._functions.arguments import truth
from ...nn._arguments import a_float, choice
from .scheduler import LRScheduler, a_group, check_optimizer, set_in_group, state_of


class _WithMomentum(LRScheduler):
    """Sets groups' momentum, or the first beta, too."""

    def _set_up_momentum(self, cycle_momentum, base_momentum, max_momentum, last_epoch):
        """Returns the lowest and the highest, one a group."""
        op, optimizer = type(self).__name__, self.optimizer
        self.cycle_momentum = cycle_momentum
        if not truth(op, "cycle_momentum", cycle_momentum):
            return None, None
        if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
            raise ValueError(
                f"[{op}] {type(optimizer).__name__} has neither momentum nor betas to cycle; pass cycle_momentum=False"
            )
        self.use_beta1 = "betas" in optimizer.defaults
        low = a_group(op, "base_momentum", optimizer, base_momentum)
        high = a_group(op, "max_momentum", optimizer, max_momentum)
        if last_epoch == -1:
            for base, most, group in zip(low, high, optimizer.param_groups):
                self._set_momentum(group, most)
                group["max_momentum"], group["base_momentum"] = most, base
        return low, high

    def _set_momentum(self, group, momentum):
        if self.use_beta1:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum


class CyclicLR(_WithMomentum):
    """From ``base_lr`` to ``max_lr`` in ``step_size_up`` steps and back in ``step_size_down``, again and again (Smith 2017).

    ``mode``: "triangular", "triangular2" (half the height at each cycle) or "exp_range" (the height times gamma ** step); or
    ``scale_fn``, of the cycle or of the step by ``scale_mode`` ("cycle", "iterations"). Momentum goes the other way.
    """

    _NOT_SAVED = ("optimizer", "_scale_fn_custom")

    def __init__(
        self, optimizer, base_lr, max_lr, step_size_up=2000, step_size_down=None, mode="triangular", gamma=1.0, scale_fn=None,
        scale_mode="cycle", cycle_momentum=True, base_momentum=0.8, max_momentum=0.9, last_epoch=-1,
    ):  # fmt: skip
        check_optimizer("CyclicLR", optimizer)
        if scale_fn is None:
            choice("CyclicLR", "mode", mode, ("triangular", "triangular2", "exp_range"))
        elif not callable(scale_fn):
            raise TypeError(
                f"[CyclicLR] scale_fn must be a function or None; got {type(scale_fn).__name__}; name a mode instead"
            )
        up = a_float("CyclicLR", "step_size_up", step_size_up)
        down = up if step_size_down is None else a_float("CyclicLR", "step_size_down", step_size_down)
        if not (math.isfinite(up + down) and up and up + down):
            raise ValueError(
                f"[CyclicLR] a cycle must have a number of steps; got {up} up and {down} down; pass positive ints"
            )
        a_float("CyclicLR", "gamma", gamma)
        self.optimizer = optimizer
        base_lrs = a_group("CyclicLR", "base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for rate, group in zip(base_lrs, optimizer.param_groups):
                set_in_group(group, "lr", rate)
        self.max_lrs = a_group("CyclicLR", "max_lr", optimizer, max_lr)
        self.total_size = up + down
        self.step_ratio = up / self.total_size
        self.mode, self.gamma, self._scale_fn_custom = mode, gamma, scale_fn
        self.scale_mode = scale_mode if scale_fn else "iterations" if mode == "exp_range" else "cycle"
        low, high = self._set_up_momentum(cycle_momentum, base_momentum, max_momentum, last_epoch)
        if cycle_momentum:
            self.base_momentums, self.max_momentums = low, high
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x):
        """The height in a cycle, or at a step."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        return {"triangular": 1.0, "triangular2": 1 / 2.0 ** (x - 1)}.get(self.mode) or self.gamma**x

    def get_lr(self):
        self._warn_of_get_lr()
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)

        def scale():
            return self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)

        if self.cycle_momentum:
            for group, low, high in zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums):
                self._set_momentum(group, high - (high - low) * height * scale())
        return [low + (high - low) * height * scale() for low, high in zip(self.base_lrs, self.max_lrs)]

    def state_dict(self):
        """All attributes but the optimizer; of ``scale_fn`` those of an object."""
        return {**super().state_dict(), "_scale_fn_custom": state_of(self._scale_fn_custom)}

    def load_state_dict(self, state_dict):
        super().load_state_dict({k: v for k, v in state_dict.items() if k != "_scale_fn_custom"})
        if state_dict["_scale_fn_custom"] is not None:
            self._scale_fn_custom.__dict__.update(state_dict["_scale_fn_custom"])


class CosineAnnealingWarmRestarts(LRScheduler):
    """From the rate to ``eta_min`` along half a cosine, again after ``T_0`` steps, then after ``T_mult`` times as many each time
    (Loshchilov and Hutter 2017). ``step(epoch)`` takes parts of epochs, too."""

    def __init__(self, optimizer, T_0, T_mult=1, eta_min=0.0, last_epoch=-1):
        for name, value in (("T_0", T_0), ("T_mult", T_mult)):
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"[CosineAnnealingWarmRestarts] {name} must be a positive int; got {value!r}")
        if not isinstance(eta_min, (float, int)):
            raise ValueError(f"[CosineAnnealingWarmRestarts] eta_min must be a number; got {type(eta_min).__name__}")
        self.T_0, self.T_i, self.T_mult, self.eta_min, self.T_cur = T_0, T_0, T_mult, eta_min, last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        self._warn_of_get_lr()
        height = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (rate - self.eta_min) * height for rate in self.base_lrs]

    def step(self, epoch=None):
        """Sets the rates of the next epoch, or of ``epoch``, which need not be whole."""
        if epoch is None and self.last_epoch >= 0:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        else:
            epoch = 0 if epoch is None else epoch
            if epoch < 0:
                raise ValueError(f"[CosineAnnealingWarmRestarts] epoch must not be negative; got {epoch}")
            restarts = 0
            if epoch >= self.T_0 and self.T_mult > 1:
                restarts = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_i = self.T_0 * self.T_mult**restarts
            self.T_cur = (
                epoch % self.T_0
                if self.T_mult == 1
                else epoch - self.T_0 * (self.T_mult**restarts - 1) / (self.T_mult - 1)
            )
        self.last_epoch = math.floor(epoch)
        self._set(self._computed())


class OneCycleLR(_WithMomentum):
    """One cycle over the whole training (Smith and Topin 2019): from max_lr / div_factor to ``max_lr`` in the first ``pct_start`` of the
    steps, then down to the first rate / ``final_div_factor``; ``three_phase`` goes back to the first rate before. Step after each batch;
    the steps are ``total_steps``, or ``epochs`` times ``steps_per_epoch``. Momentum goes the other way.
    """

    def __init__(
        self, optimizer, max_lr, total_steps=None, epochs=None, steps_per_epoch=None, pct_start=0.3, anneal_strategy="cos",
        cycle_momentum=True, base_momentum=0.85, max_momentum=0.95, div_factor=25.0, final_div_factor=1e4, three_phase=False,
        last_epoch=-1,
    ):  # fmt: skip
        check_optimizer("OneCycleLR", optimizer)
        self.optimizer = optimizer
        if total_steps is None and (epochs is None or steps_per_epoch is None):
            raise ValueError("[OneCycleLR] needs total_steps, or epochs and steps_per_epoch")
        sizes = (
            {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
            if total_steps is None
            else {"total_steps": total_steps}
        )
        for name, value in sizes.items():
            if not isinstance(value, int) or value <= 0:
                raise ValueError(f"[OneCycleLR] {name} must be a positive int; got {value!r}")
        self.total_steps = math.prod(sizes.values())
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"[OneCycleLR] pct_start must be a float of [0, 1]; got {pct_start!r}")
        self._anneal_func_type = choice("OneCycleLR", "anneal_strategy", anneal_strategy, ("cos", "linear"))
        for name, value in (("div_factor", div_factor), ("final_div_factor", final_div_factor)):
            if not a_float("OneCycleLR", name, value):
                raise ZeroDivisionError(f"[OneCycleLR] {name} must not be 0; rates are divided by it; got {value}")
        rise = float(pct_start * self.total_steps)
        phases = [(rise - 1, "initial_lr", "max_lr", "max_momentum", "base_momentum")]
        if three_phase:
            phases.append((2 * rise - 2, "max_lr", "initial_lr", "base_momentum", "max_momentum"))
            phases.append((self.total_steps - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum"))
        else:
            phases.append((self.total_steps - 1, "max_lr", "min_lr", "base_momentum", "max_momentum"))
        keys = ("end_step", "start_lr", "end_lr", "start_momentum", "end_momentum")
        self._schedule_phases = [dict(zip(keys, phase)) for phase in phases]
        if last_epoch == -1:
            for most, group in zip(a_group("OneCycleLR", "max_lr", optimizer, max_lr), optimizer.param_groups):
                group["initial_lr"] = most / div_factor
                group["max_lr"] = most
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self._set_up_momentum(cycle_momentum, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def _between(self, start, end, part):
        if self._anneal_func_type == "linear":
            return (end - start) * part + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * part) + 1)

    def get_lr(self):
        self._warn_of_get_lr()
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(
                f"[OneCycleLR] step {step} is beyond the total of {self.total_steps}; make the schedule longer"
            )
        start = 0.0
        for phase in self._schedule_phases[:-1]:
            if step <= phase["end_step"]:
                break
            start = phase["end_step"]
        else:
            phase = self._schedule_phases[-1]
        part = (step - start) / (phase["end_step"] - start)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._between(group[phase["start_lr"]], group[phase["end_lr"]], part))
            if self.cycle_momentum:
                momentum = self._between(group[phase["start_momentum"]], group[phase["end_momentum"]], part)
                self._set_momentum(group, momentum)
        return rates
