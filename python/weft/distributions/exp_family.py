"""Distributions of the exponential family."""

from __future__ import annotations

from typing import Any

import weft
from weft import Tensor

from .distribution import Distribution


class ExponentialFamily(Distribution):
    """With density exp(<t(x), θ> - F(θ) + k(x)): ``_natural_params`` is θ, ``_log_normalizer(*θ)`` is F, and ``_mean_carrier_measure``
    the mean of k. Entropy and KL divergence follow by derivatives of F (Nielsen and Nock, 2010)."""

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return self._lacks("natural parameters")

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        return self._lacks("log normalizer")

    @property
    def _mean_carrier_measure(self) -> Any:
        return self._lacks("mean of the carrier measure")

    def entropy(self) -> Tensor:
        """By the Bregman divergence of the log normalizer."""
        params, normalizer, gradients = normalizer_and_gradients(self)
        result = normalizer - self._mean_carrier_measure
        for param, gradient in zip(params, gradients):
            parts = param * gradient
            result = result - parts.reshape(*self._batch_shape, -1).sum(-1)
        return result


def normalizer_and_gradients(p: ExponentialFamily) -> tuple[list[Tensor], Tensor, list[Tensor]]:
    """The natural parameters, the log normalizer there, and its gradients."""
    params = [param.detach().requires_grad_() for param in p._natural_params]
    with weft.enable_grad():
        normalizer = p._log_normalizer(*params)
        gradients = weft.autograd.grad(normalizer.sum(), params, create_graph=True)
    return params, normalizer, list(gradients)
