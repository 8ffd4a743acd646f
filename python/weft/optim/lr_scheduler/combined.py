"""Schedules made of schedules."""

from __future__ import annotations

from bisect import bisect_right

from ...nn._arguments import listed
from .plateau import ReduceLROnPlateau
from .scheduler import LRScheduler, check_optimizer, set_in_group, values_of


class _Combined(LRScheduler):
    _NOT_SAVED = ("optimizer", "_schedulers")

    def _check(self, optimizer, schedulers):
        op = type(self).__name__
        for i, scheduler in enumerate(schedulers):
            if not hasattr(scheduler, "optimizer"):
                raise TypeError(
                    f"[{op}] schedulers must have an optimizer; got {type(scheduler).__name__} at index {i}"
                )
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(
                    f"[{op}] ReduceLROnPlateau, at index {i}, needs a metric at each step; call it by itself"
                )
            if scheduler.optimizer is not optimizer:
                raise ValueError(f"[{op}] the {type(scheduler).__name__} at index {i} belongs to another optimizer")

    def state_dict(self):
        """All attributes but the optimizer, with the schedules' states."""
        return {**super().state_dict(), "_schedulers": [scheduler.state_dict() for scheduler in self._schedulers]}

    def load_state_dict(self, state_dict):
        super().load_state_dict({k: v for k, v in state_dict.items() if k != "_schedulers"})
        for scheduler, state in zip(self._schedulers, state_dict["_schedulers"]):
            scheduler.load_state_dict(state)


class SequentialLR(_Combined):
    """One schedule after another: the next one begins, from the first rate, at each of the ``milestones``."""

    def __init__(self, optimizer, schedulers, milestones, last_epoch=-1):
        check_optimizer("SequentialLR", optimizer)
        schedulers = listed("SequentialLR", "schedulers", schedulers)
        milestones = listed("SequentialLR", "milestones", milestones, int)
        if len(schedulers) < 1:
            raise ValueError("[SequentialLR] needs at least one scheduler; got none")
        self._check(optimizer, schedulers)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"[SequentialLR] needs a milestone between each two schedulers; got {len(schedulers)} schedulers and "
                f"{len(milestones)} milestones"
            )
        self._schedulers, self._milestones = schedulers, milestones
        self.last_epoch, self.optimizer = last_epoch + 1, optimizer
        # The schedules took their first step when they were made: back to before, then the first one's again.
        for group in optimizer.param_groups:
            set_in_group(group, "lr", group["initial_lr"])
        self.recursive_undo()
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def recursive_undo(self, sched=None):
        """Takes back the schedules' first step."""
        sched = self if sched is None else sched
        if hasattr(sched, "_schedulers"):
            for scheduler in sched._schedulers:
                self.recursive_undo(scheduler)
        elif hasattr(sched, "last_epoch"):
            sched.last_epoch -= 1

    def step(self):
        """Sets the rates of the next epoch."""
        self.last_epoch += 1
        index = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[index]
        if index > 0 and self._milestones[index - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(_Combined):
    """Several schedules at once, each of which multiplies the rate."""

    def __init__(self, schedulers, optimizer=None):
        schedulers = listed("ChainedScheduler", "schedulers", schedulers)
        if len(schedulers) < 1:
            raise ValueError("[ChainedScheduler] needs at least one scheduler; got none")
        optimizer = getattr(schedulers[0], "optimizer", None) if optimizer is None else optimizer
        self._check(optimizer, schedulers)
        self._schedulers, self.optimizer = schedulers, optimizer
        self._last_lr = values_of(optimizer, "lr")

    def step(self):
        """A step of each."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = values_of(self.optimizer, "lr")
