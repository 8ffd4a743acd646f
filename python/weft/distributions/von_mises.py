"""The von Mises distribution, the normal one of angles."""

from __future__ import annotations

import math
from typing import Any

import weft
from weft import Tensor

from . import constraints
from .distribution import Distribution
from .sampling import accepted
from .utils import broadcast_all, uniform


def _log_i0(x: Tensor) -> Tensor:
    return weft.log(weft.special.i0e(x)) + x


class VonMises(Distribution):
    """Angles of [-π, π) about ``loc`` with density proportional to exp(concentration · cos(x - loc))."""

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}  # type: ignore[assignment]
    support = constraints.real  # type: ignore[assignment]

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        """The circular one."""
        return 1 - weft.special.i1e(self.concentration) / weft.special.i0e(self.concentration)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """By rejection (Best and Fisher, 1979), in float64."""
        shape = self._extended_shape(sample_shape)
        with weft.no_grad():
            k = self.concentration.double()
            tau = 1 + (1 + 4 * k.square()).sqrt()
            rho = (tau - (2 * tau).sqrt()) / (2 * k)
            r = weft.where(k < 1e-5, 1 / k + k, (1 + rho.square()) / (2 * rho))

            def propose() -> tuple[Tensor, Tensor]:
                z = weft.cos(math.pi * uniform(k, shape))
                u, side = uniform(k, shape), uniform(k, shape)
                f = (1 + r * z) / (r + z)
                c = k * (r - f)
                good = (c * (2 - c) - u > 0) | (weft.log(c / u) + 1 - c >= 0)
                return (side - 0.5).sign() * weft.acos(f.clamp(min=-1, max=1)), good

            x = accepted(propose) + self.loc.double()
            return (weft.remainder(x + math.pi, 2 * math.pi) - math.pi).to(self.loc.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return self.concentration * weft.cos(value - self.loc) - math.log(2 * math.pi) - _log_i0(self.concentration)
