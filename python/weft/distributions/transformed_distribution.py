"""The distribution of a function of random numbers."""

from __future__ import annotations

from typing import Any

import weft
from weft import Tensor

from . import constraints
from .distribution import Distribution
from .independent import Independent
from .transforms import ComposeTransform, Transform
from .utils import check_kind, sum_rightmost


class TransformedDistribution(Distribution):
    """Of y = t(x) for x of a distribution and one transform t or several, the first of which comes first. ValueError where shapes or
    transforms do not fit."""

    arg_constraints: Any = {}

    def __init__(self, base_distribution: Distribution, transforms: Any, validate_args: bool | None = None) -> None:
        check_kind("TransformedDistribution", "base_distribution", base_distribution, Distribution)
        self.transforms = [transforms] if isinstance(transforms, Transform) else transforms
        if not isinstance(self.transforms, list) or not all(isinstance(t, Transform) for t in self.transforms):
            raise ValueError(
                f"[TransformedDistribution] transforms must be Transforms; got {transforms!r}; pass a list of them"
            )
        # Dimensions of an event of the base, and of the result.
        shape = base_distribution.batch_shape + base_distribution.event_shape
        rank = len(base_distribution.event_shape)
        transform = ComposeTransform(self.transforms)
        if len(shape) < transform.domain.event_dim:
            raise ValueError(
                f"[TransformedDistribution] the base needs a shape of at least {transform.domain.event_dim} dimensions; got "
                f"{list(shape)}; expand() it"
            )
        forward = transform.forward_shape(shape)
        expanded = transform.inverse_shape(forward)
        if tuple(expanded) != tuple(shape):
            base_distribution = base_distribution.expand(expanded[: len(expanded) - rank])
        more = transform.domain.event_dim - rank
        if more > 0:
            base_distribution = Independent(base_distribution, more)
        self.base_dist: Any = base_distribution
        events = transform.codomain.event_dim + max(rank - transform.domain.event_dim, 0)
        split = len(forward) - events
        super().__init__(forward[:split], forward[split:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        shape = ComposeTransform(self.transforms).inverse_shape((*batch_shape, *self.event_shape))
        new.base_dist = self.base_dist.expand(shape[: len(shape) - len(self.base_dist.event_shape)])
        return new

    @constraints.dependent_property(is_discrete=False)
    def support(self) -> Any:
        if not self.transforms:
            return self.base_dist.support
        last = self.transforms[-1].codomain
        more = len(self.event_shape) - last.event_dim
        return constraints.independent(last, more) if more > 0 else last

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        return self.base_dist.has_rsample

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with weft.no_grad():
            return self._through(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self._through(self.base_dist.rsample(sample_shape))

    def _through(self, x: Tensor) -> Tensor:
        for transform in self.transforms:
            x = transform(x)
        return x

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        rank = len(self.event_shape)
        result: Any = 0.0
        y = value
        for transform in reversed(self.transforms):
            x = transform.inv(y)
            rank += transform.domain.event_dim - transform.codomain.event_dim
            result = result - sum_rightmost(transform.log_abs_det_jacobian(x, y), rank - transform.domain.event_dim)
            y = x
        return result + sum_rightmost(self.base_dist.log_prob(y), rank - len(self.base_dist.event_shape))

    def _monotone(self, value: Tensor) -> Tensor:
        """The value, or for a decreasing transform 1 minus it."""
        sign: Any = 1
        for transform in self.transforms:
            sign = sign * transform.sign
        return value if isinstance(sign, int) and sign == 1 else sign * (value - 0.5) + 0.5

    def cdf(self, value: Tensor) -> Tensor:
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        if self._validate_args:
            self.base_dist._validate_sample(value)
        return self._monotone(self.base_dist.cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        return self._through(self.base_dist.icdf(self._monotone(value)))
