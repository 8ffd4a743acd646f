"""Means of a model's weights over the training: stochastic weight averaging (Izmailov et al. 2018) and exponential moving averages."""

from __future__ import annotations

import math
from copy import deepcopy
from itertools import chain

from .. import _C, _factories
from ..nn._arguments import a_module, choice, number
from ..nn.modules.batchnorm import _BatchNorm
from ..nn.modules.module import Module
from .lr_scheduler.scheduler import LRScheduler, a_group, check_optimizer

__all__ = [
    "AveragedModel",
    "SWALR",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]


def _check_decay(op, decay):
    if not 0.0 <= number(op, "decay", decay) <= 1.0:
        raise ValueError(f"[{op}] decay must be in [0, 1]; got {decay}")


def get_ema_avg_fn(decay=0.999):
    """The function (mean, value, count) → decay · mean + (1 - decay) · value."""
    _check_decay("get_ema_avg_fn", decay)

    def ema_update(ema_param, current_param, num_averaged):
        with _C.GradMode(False):
            return ema_param * decay + current_param * (1 - decay)

    return ema_update


def get_swa_avg_fn():
    """The function (mean, value, count) → the mean of one more value."""

    def swa_update(averaged_param, current_param, num_averaged):
        with _C.GradMode(False):
            return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def _of_lists(function):
    def update(averaged_param_list, current_param_list, num_averaged):
        with _C.GradMode(False):
            for mean, value in zip(averaged_param_list, current_param_list):
                mean.copy_(function(mean, value, num_averaged))

    return update


def get_ema_multi_avg_fn(decay=0.999):
    """The function (means, values, count) that does in place what that of get_ema_avg_fn gives."""
    _check_decay("get_ema_multi_avg_fn", decay)
    return _of_lists(get_ema_avg_fn(decay))


def get_swa_multi_avg_fn():
    """The function (means, values, count) that does in place what that of get_swa_avg_fn gives."""
    return _of_lists(get_swa_avg_fn())


class AveragedModel(Module):
    """A copy of a model, ``module``, whose parameters are means of the model's: of all that update_parameters() saw, or as ``avg_fn``
    (mean, value, count) or ``multi_avg_fn`` (means, values, count; in place) says. Buffers are averaged with ``use_buffers``, else those
    of the model."""

    def __init__(self, model, device=None, avg_fn=None, multi_avg_fn=None, use_buffers=False):
        super().__init__()
        a_module("AveragedModel", model, "model")
        if avg_fn is not None and multi_avg_fn is not None:
            raise ValueError("[AveragedModel] takes avg_fn or multi_avg_fn; got both")
        self.module = deepcopy(model) if device is None else deepcopy(model).to(device)
        self.register_buffer("n_averaged", _factories.tensor(0, dtype=_C.int64, device=device))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args, **kwargs):
        return self.module(*args, **kwargs)

    def update_parameters(self, model):
        """Takes the model's present values into the means."""

        def averaged(module):
            return chain(module.parameters(), module.buffers()) if self.use_buffers else module.parameters()

        with _C.GradMode(False):
            means = [p.detach() for p in averaged(self.module)]
            values = [p.detach().to(mean.device) for p, mean in zip(averaged(model), means)]
            if self.n_averaged == 0:
                for mean, value in zip(means, values):
                    mean.copy_(value)
            else:
                update = self.multi_avg_fn or _of_lists(self.avg_fn or get_swa_avg_fn())
                update(means, values, self.n_averaged)
            if not self.use_buffers:
                for mean, value in zip(self.module.buffers(), model.buffers()):
                    mean.copy_(value)
            self.n_averaged.add_(1)


def update_bn(loader, model, device=None):
    """Computes the running statistics of the model's batch norms anew from the batches of ``loader``: tensors, or lists and tuples whose
    first item is one."""
    a_module("update_bn", model, "model")
    if not hasattr(loader, "__iter__"):
        raise TypeError(
            f"[update_bn] loader must give batches; got {type(loader).__name__}; pass a DataLoader or a list of tensors"
        )
    momenta = {m: m.momentum for m in model.modules() if isinstance(m, _BatchNorm)}
    if not momenta:
        return
    was_training = model.training
    model.train()
    for module in momenta:
        module.reset_running_stats()
        module.momentum = None  # the mean of all batches
    with _C.GradMode(False):
        for batch in loader:
            batch = batch[0] if isinstance(batch, (list, tuple)) else batch
            model(batch if device is None else batch.to(device))
    for module, momentum in momenta.items():
        module.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """From the rate to ``swa_lr`` in ``anneal_epochs`` steps, by a "cos" or a "linear" curve, and stays there."""

    def __init__(self, optimizer, swa_lr, anneal_epochs=10, anneal_strategy="cos", last_epoch=-1):
        check_optimizer("SWALR", optimizer)
        choice("SWALR", "anneal_strategy", anneal_strategy, ("cos", "linear"))
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"[SWALR] anneal_epochs must be an int from 0 on; got {anneal_epochs!r}")
        for rate, group in zip(a_group("SWALR", "swa_lr", optimizer, swa_lr), optimizer.param_groups):
            group["swa_lr"] = rate
        self._anneal_strategy, self.anneal_epochs = anneal_strategy, anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _part(self, step):
        part = max(0, min(1, step / max(1, self.anneal_epochs)))
        return part if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * part)) / 2

    def get_lr(self):
        self._warn_of_get_lr()
        step = max(1, self._step_count - 1) if self.anneal_epochs == 0 else self._step_count - 1
        before, now = self._part(step - 1), self._part(step)
        rates = []
        for group in self.optimizer.param_groups:
            end = group["swa_lr"]
            start = end if before == 1 else (group["lr"] - before * end) / (1 - before)
            rates.append(end * now + start * (1 - now))
        return rates
