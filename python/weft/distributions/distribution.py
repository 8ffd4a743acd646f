"""Distribution: what all have in common."""

from __future__ import annotations

import warnings
from typing import Any

import weft
from weft import Tensor

from . import constraints
from .utils import check_kind, lazy_property


class Distribution:
    """A batch of distributions: samples have the shape sample_shape + batch_shape + event_shape.

    Parameters are checked against ``arg_constraints``, and the arguments of log_prob and cdf against ``support``, where validate_args
    holds, which it does by default: a ValueError says what does not fit. What a distribution does not have is a NotImplementedError.
    """

    has_rsample = False
    has_enumerate_support = False
    _validate_args = __debug__

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions that are not told otherwise check their arguments. ValueError for what is no bool."""
        if value not in (True, False):
            raise ValueError(f"[set_default_validate_args] needs a bool; got {value!r}")
        Distribution._validate_args = value

    def __init__(self, batch_shape: Any = (), event_shape: Any = (), validate_args: bool | None = None) -> None:
        self._batch_shape = weft.Size(batch_shape)
        self._event_shape = weft.Size(event_shape)
        if validate_args is not None:
            self._validate_args = check_kind(self._name, "validate_args", validate_args, bool)
        if self._validate_args:
            self._check_parameters()

    def _check_parameters(self) -> None:
        try:
            sets = self.arg_constraints
        except NotImplementedError:
            warnings.warn(f"[{self._name}] has no arg_constraints; set them, or validate_args=False", stacklevel=3)
            return
        for name, constraint in sets.items():
            if constraints.is_dependent(constraint):
                continue
            if name not in vars(self) and isinstance(getattr(type(self), name, None), lazy_property):
                continue
            value = getattr(self, name)
            if not constraint.check(value).all():
                raise ValueError(
                    f"[{self._name}] parameter {name} must lie in {constraint}; got shape {list(value.shape)} with the values {value}; "
                    "pass others, or validate_args=False"
                )

    @property
    def _name(self) -> str:
        return type(self).__name__

    def _lacks(self, what: str) -> Any:
        raise NotImplementedError(f"[{self._name}] has no {what}")

    # ---- shapes

    @property
    def batch_shape(self) -> Any:
        """The shape of the parameters, without what makes one event."""
        return self._batch_shape

    @property
    def event_shape(self) -> Any:
        """The shape of one sample."""
        return self._event_shape

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same distributions as a batch of this shape; the parameters are expanded views."""
        new = object.__new__(type(self)) if _instance is None else _instance
        sets = self.arg_constraints
        for name, value in vars(self).items():
            if name in sets and isinstance(value, Tensor):
                event = value.shape[value.dim() - sets[name].event_dim :]
                vars(new)[name] = value.expand((*batch_shape, *event))
            elif not isinstance(getattr(type(self), name, None), lazy_property):
                vars(new)[name] = value
        new._batch_shape = weft.Size(batch_shape)
        return new

    def _extended_shape(self, sample_shape: Any = ()) -> Any:
        return weft.Size((*sample_shape, *self._batch_shape, *self._event_shape))

    # ---- what subclasses say

    @property
    def arg_constraints(self) -> dict[str, Any]:
        """Name of a parameter → where it may lie."""
        return self._lacks("arg_constraints")

    @property
    def support(self) -> Any:
        """Where samples lie."""
        return self._lacks("support")

    @property
    def mean(self) -> Tensor:
        return self._lacks("mean")

    @property
    def mode(self) -> Tensor:
        return self._lacks("mode")

    @property
    def variance(self) -> Tensor:
        return self._lacks("variance")

    @property
    def stddev(self) -> Tensor:
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Random values, without gradients."""
        with weft.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Random values through which gradients go to the parameters."""
        return self._lacks("rsample(): no gradient goes through its samples; use sample()")

    def sample_n(self, n: int) -> Tensor:
        return self.sample((n,))

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density or probability, of shape sample_shape + batch_shape. ValueError outside of the support."""
        return self._lacks("log_prob()")

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of a sample not above the value."""
        return self._lacks("cdf()")

    def icdf(self, value: Tensor) -> Tensor:
        """The inverse of ``cdf``."""
        return self._lacks("icdf()")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values along dimension 0, for each of the batch, or with ``expand=False`` with sizes of 1 in its place."""
        return self._lacks("enumerate_support()")

    def entropy(self) -> Tensor:
        """In nats, of the batch's shape."""
        return self._lacks("entropy()")

    def perplexity(self) -> Tensor:
        """exp of the entropy."""
        return weft.exp(self.entropy())

    def _enumerated(self, values: Tensor, expand: bool) -> Tensor:
        values = values.reshape(-1, *(1,) * len(self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values

    def _validate_sample(self, value: Any) -> None:
        """ValueError for a value that is no tensor, of another shape, or outside of the support."""
        if not isinstance(value, Tensor):
            raise ValueError(f"[{self._name}] the value must be a tensor; got {type(value).__name__}; use weft.tensor")
        shape, rank = tuple(value.shape), len(self._event_shape)
        if rank and shape[len(shape) - rank :] != tuple(self._event_shape):
            raise ValueError(
                f"[{self._name}] the last dimensions of a value must be the event's; got shape {list(shape)} for {list(self._event_shape)}"
            )
        mine = (*self._batch_shape, *self._event_shape)
        if any(1 != i != j != 1 for i, j in zip(reversed(shape), reversed(mine))):
            raise ValueError(
                f"[{self._name}] a value must broadcast with the distributions; got shape {list(shape)} for {list(mine)}"
            )
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(f"[{self._name}] has no support; define it, or set validate_args=False", stacklevel=3)
            return
        if not support.check(value).all():
            raise ValueError(
                f"[{self._name}] the value must lie in the support, {support}; got shape {list(shape)} with the values {value}; pass "
                "others, or validate_args=False"
            )

    def __repr__(self) -> str:
        values = {name: vars(self)[name] for name in self.arg_constraints if name in vars(self)}
        shown = (f"{name}: {v if v.numel() == 1 else v.shape}" for name, v in values.items())
        return f"{self._name}({', '.join(shown)})"
