"""Distributions that are given by probabilities or by log odds."""

from __future__ import annotations

from typing import Any

from weft import Tensor

from .utils import broadcast_all, either, lazy_property, logits_to_probs, probs_to_logits


class Binary:
    """``probs`` and ``logits``, of which one was given."""

    def _set_odds(self, probs: Any, logits: Any) -> Tensor:
        """Sets the one that is given, which comes back."""
        name = either(type(self).__name__, probs=probs, logits=logits)
        (param,) = broadcast_all(probs if name == "probs" else logits)
        setattr(self, name, param)
        return param

    @property
    def _param(self) -> Tensor:
        return vars(self)["probs" if "probs" in vars(self) else "logits"]

    @property
    def param_shape(self) -> Any:
        return self._param.shape

    @lazy_property
    def logits(self) -> Tensor:
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Tensor:
        return logits_to_probs(self.logits, is_binary=True)
