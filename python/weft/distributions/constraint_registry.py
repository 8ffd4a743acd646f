"""From all real numbers to where a parameter may lie: ``biject_to`` by bijective transforms, ``transform_to`` by such as optimise well."""

from __future__ import annotations

import numbers
from typing import Any

from . import constraints, transforms


class ConstraintRegistry:
    """Transforms by sets."""

    def __init__(self) -> None:
        self._registry: dict[type, Any] = {}

    def register(self, constraint: Any, factory: Any = None) -> Any:
        """Adds a function of a set that gives its transform; also a decorator. TypeError for what is no set nor a class of them."""
        if factory is None:
            return lambda factory: self.register(constraint, factory)
        if isinstance(constraint, constraints.Constraint):
            constraint = type(constraint)
        if not isinstance(constraint, type) or not issubclass(constraint, constraints.Constraint):
            raise TypeError(f"[register] needs a Constraint or a class of them; got {constraint!r}")
        self._registry[constraint] = factory
        return factory

    def __call__(self, constraint: Any) -> Any:
        """The transform to a set. NotImplementedError for one that nobody registered."""
        factory = self._registry.get(type(constraint))
        if factory is None:
            raise NotImplementedError(f"[transform_to] there is no transform to {constraint!r}; register() adds it")
        return factory(constraint)


biject_to = ConstraintRegistry()
transform_to = ConstraintRegistry()


def _both(*sets: Any) -> Any:
    """Registers the decorated function of a registry and a set with both registries."""

    def decorator(function: Any) -> Any:
        for registry in (biject_to, transform_to):
            for constraint in sets:
                registry.register(constraint, lambda c, registry=registry: function(registry, c))
        return function

    return decorator


@_both(constraints.real)
def _real(registry: Any, constraint: Any) -> Any:
    return transforms.identity_transform


@_both(constraints.independent)
def _independent(registry: Any, constraint: Any) -> Any:
    base = registry(constraint.base_constraint)
    return transforms.IndependentTransform(base, constraint.reinterpreted_batch_ndims)


@_both(constraints.greater_than, constraints.greater_than_eq)
def _above(registry: Any, constraint: Any) -> Any:
    if isinstance(constraint.lower_bound, numbers.Number) and constraint.lower_bound == 0:
        return transforms.ExpTransform()
    return transforms.ComposeTransform(
        [transforms.ExpTransform(), transforms.AffineTransform(constraint.lower_bound, 1)]
    )


@_both(constraints.less_than)
def _below(registry: Any, constraint: Any) -> Any:
    return transforms.ComposeTransform(
        [transforms.ExpTransform(), transforms.AffineTransform(constraint.upper_bound, -1)]
    )


@_both(constraints.interval, constraints.half_open_interval)
def _between(registry: Any, constraint: Any) -> Any:
    low, high = constraint.lower_bound, constraint.upper_bound
    if isinstance(low, numbers.Number) and isinstance(high, numbers.Number) and (low, high) == (0, 1):
        return transforms.SigmoidTransform()
    return transforms.ComposeTransform([transforms.SigmoidTransform(), transforms.AffineTransform(low, high - low)])


@_both(constraints.cat)
def _cat(registry: Any, constraint: Any) -> Any:
    return transforms.CatTransform([registry(c) for c in constraint.cseq], constraint.dim, constraint.lengths)


@_both(constraints.stack)
def _stack(registry: Any, constraint: Any) -> Any:
    return transforms.StackTransform([registry(c) for c in constraint.cseq], constraint.dim)


@_both(constraints.corr_cholesky)
def _correlations(registry: Any, constraint: Any) -> Any:
    return transforms.CorrCholeskyTransform()


biject_to.register(constraints.simplex, lambda constraint: transforms.StickBreakingTransform())
transform_to.register(constraints.simplex, lambda constraint: transforms.SoftmaxTransform())
transform_to.register(constraints.lower_cholesky, lambda constraint: transforms.LowerCholeskyTransform())
for _matrices in (constraints.positive_definite, constraints.positive_semidefinite):
    transform_to.register(_matrices, lambda constraint: transforms.PositiveDefiniteTransform())
