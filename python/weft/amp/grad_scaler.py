"""Losses times a scale, so that gradients in float16 neither vanish nor overflow."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from enum import Enum

from .. import _C, _factories, _ops

__all__ = ["GradScaler", "OptState"]


class OptState(Enum):
    """Where an optimizer is between two calls of update()."""

    READY = 0
    UNSCALED = 1
    STEPPED = 2


class _Optimizer:
    """What is known of an optimizer since the last update()."""

    def __init__(self):
        self.stage, self.found_inf = OptState.READY, None


class GradScaler:
    """``scale`` multiplies a loss; ``step`` divides the gradients again and skips the optimizer's step where one is infinite or NaN;
    ``update`` makes the scale ``backoff_factor`` times as large after that, and ``growth_factor`` times after ``growth_interval`` steps
    without.

    ``device``: where the scale lies, "cuda" as in PyTorch; without a GPU a scaler for it warns and does nothing, and one for "cpu" works.
    ``step`` reads whether it may: call it outside of a compiled function, or the function runs as Python around it.
    """

    def __init__(
        self,
        device="cuda",
        init_scale=2.0**16,
        growth_factor=2.0,
        backoff_factor=0.5,
        growth_interval=2000,
        enabled=True,
    ):
        if not isinstance(enabled, (bool, int)):
            raise TypeError(f"[GradScaler] enabled must be a bool; got {type(enabled).__name__}")
        self._device, self._enabled = device, bool(enabled)
        if enabled and str(device).startswith("cuda") and not _C.cuda_device_count():
            warnings.warn("[GradScaler] there is no GPU; a scaler for 'cuda' does nothing", UserWarning, stacklevel=2)
            self._enabled = False
        if not self._enabled:
            return
        numbers = {"init_scale": init_scale, "growth_factor": growth_factor, "backoff_factor": backoff_factor}
        for name, value in numbers.items():
            if not isinstance(value, (int, float)):
                raise TypeError(f"[GradScaler] {name} must be a number; got {type(value).__name__}")
        if not growth_factor > 1.0:
            raise ValueError(f"[GradScaler] growth_factor must be greater than 1; got {growth_factor}")
        if not backoff_factor < 1.0:
            raise ValueError(f"[GradScaler] backoff_factor must be less than 1; got {backoff_factor}")
        self._growth_factor, self._backoff_factor, self._growth_interval = (
            growth_factor,
            backoff_factor,
            growth_interval,
        )
        self._scale = _factories.tensor(float(init_scale), dtype=_C.float32, device=device)
        self._growth_tracker = _factories.tensor(0, dtype=_C.int32, device=device)
        self._optimizers: dict = {}  # id → _Optimizer

    def scale(self, outputs):
        """A tensor, or the tensors of nested lists and tuples, times the scale."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, _C.Tensor):
            return outputs * self._scale.to(outputs.device)
        if isinstance(outputs, Iterable):
            scaled = map(self.scale, outputs)
            return type(outputs)(scaled) if isinstance(outputs, (list, tuple)) else scaled
        raise ValueError(
            f"[GradScaler] outputs must be a tensor or an iterable of tensors; got {type(outputs).__name__}"
        )

    def _of(self, optimizer):
        return self._optimizers.setdefault(id(optimizer), _Optimizer())

    def unscale_(self, optimizer):
        """Divides the gradients of the optimizer's parameters by the scale, in place: for clipping before step()."""
        if not self._enabled:
            return
        state = self._of(optimizer)
        if state.stage is OptState.UNSCALED:
            raise RuntimeError(
                "[unscale_] has been called on this optimizer since the last update(); call it once a step"
            )
        if state.stage is OptState.STEPPED:
            raise RuntimeError("[unscale_] is called after step(); call it before")
        with _C.GradMode(False):
            inverse = self._scale.double().reciprocal().float()
            found = _factories.zeros((), dtype=_C.float32, device=self._scale.device)
            gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
            if any(g.dtype is _C.float16 for g in gradients):
                raise ValueError("[unscale_] gradients are float16; keep parameters in float32 and use autocast")
            for g in gradients:
                finite = _ops.isfinite(g).all()
                found = _ops.maximum(found, _ops.logical_not(finite).to(found.device, found.dtype))
                g.mul_(inverse.to(g.device))
        state.found_inf = found if gradients else None
        state.stage = OptState.UNSCALED

    def step(self, optimizer, *args, **kwargs):
        """optimizer.step(*args, **kwargs) with gradients that are divided by the scale, unless one of them is infinite or NaN; returns what
        it returns, or None."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("[GradScaler] step takes no closure; compute the loss before, or pass enabled=False")
        state = self._of(optimizer)
        if state.stage is OptState.STEPPED:
            raise RuntimeError(
                "[GradScaler] step() has been called since the last update(); call update() after each step"
            )
        if state.stage is OptState.READY:
            self.unscale_(optimizer)
        if state.found_inf is None:
            raise ValueError("[GradScaler] no parameter of the optimizer has a gradient; call backward() before step()")
        result = None if state.found_inf.item() else optimizer.step(*args, **kwargs)
        state.stage = OptState.STEPPED
        return result

    def update(self, new_scale=None):
        """Sets the next scale, or ``new_scale``. After the steps of all optimizers."""
        if not self._enabled:
            return
        with _C.GradMode(False):
            if new_scale is not None:
                self._scale.copy_(new_scale) if isinstance(new_scale, _C.Tensor) else self._scale.fill_(new_scale)
            else:
                found = [state.found_inf for state in self._optimizers.values() if state.found_inf is not None]
                if not found:
                    raise ValueError("[GradScaler] update() follows step(), which was not called since the last one")
                self._adjust(any(f.item() for f in found))
        self._optimizers = {}

    def _adjust(self, found_inf):
        """The next scale and count of steps without infinities."""
        count = int(self._growth_tracker) + 1
        if found_inf:
            self._scale.mul_(self._backoff_factor)
        elif count == self._growth_interval:
            grown = self._scale * self._growth_factor
            self._scale.copy_(_ops.where(_ops.isfinite(grown), grown, self._scale))
        self._growth_tracker.fill_(0 if found_inf or count == self._growth_interval else count)

    def is_enabled(self):
        return self._enabled

    def get_scale(self):
        """The scale as a number; 1 where the scaler does nothing."""
        return self._scale.item() if self._enabled else 1.0

    def get_growth_factor(self):
        return self._growth_factor

    def set_growth_factor(self, new_factor):
        self._growth_factor = new_factor

    def get_backoff_factor(self):
        return self._backoff_factor

    def set_backoff_factor(self, new_factor):
        self._backoff_factor = new_factor

    def get_growth_interval(self):
        return self._growth_interval

    def set_growth_interval(self, new_interval):
        self._growth_interval = new_interval

    def state_dict(self):
        """The scale and what it changes by; empty where the scaler does nothing."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(), "growth_factor": self._growth_factor, "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval, "_growth_tracker": int(self._growth_tracker),
        }  # fmt: skip

    def load_state_dict(self, state_dict):
        """Sets what a state_dict() says."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError("[GradScaler] the state is empty; it is of a scaler that does nothing")
        self._scale.fill_(state_dict["scale"])
        self._growth_factor, self._backoff_factor = state_dict["growth_factor"], state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._growth_tracker.fill_(state_dict["_growth_tracker"])
