"""kl_divergence, and the table of pairs that it knows."""

from __future__ import annotations

import warnings
from typing import Any

from weft import Tensor

from .distribution import Distribution

_REGISTRY: dict[tuple[type, type], Any] = {}


def register_kl(type_p: Any, type_q: Any) -> Any:
    """A decorator for a function of two distributions of these classes, or of classes derived from them. TypeError for others."""
    for kind in (type_p, type_q):
        if not isinstance(kind, type) or not issubclass(kind, Distribution):
            raise TypeError(f"[register_kl] needs classes of distributions; got {kind!r}")

    def decorator(function: Any) -> Any:
        _REGISTRY[type_p, type_q] = function
        return function

    return decorator


def _distance(cls: type, base: type) -> int:
    return cls.__mro__.index(base)


def _found(type_p: type, type_q: type) -> Any:
    """The function for the nearest classes: first by p, then by q."""
    matches = [pair for pair in _REGISTRY if issubclass(type_p, pair[0]) and issubclass(type_q, pair[1])]
    if not matches:
        return None
    by_p = min(matches, key=lambda m: (_distance(type_p, m[0]), _distance(type_q, m[1])))
    by_q = min(matches, key=lambda m: (_distance(type_q, m[1]), _distance(type_p, m[0])))
    if _REGISTRY[by_p] is not _REGISTRY[by_q]:
        warnings.warn(
            f"[kl_divergence] {type_p.__name__} and {type_q.__name__} match two functions; "
            f"register_kl({by_p[0].__name__}, {by_q[1].__name__}) would decide",
            RuntimeWarning,
            stacklevel=3,
        )
    return _REGISTRY[by_p]


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """KL(p || q) = ∫ p log(p / q), of the batch's shape. NotImplementedError for a pair that nobody registered."""
    function = _found(type(p), type(q))
    if function is None:
        raise NotImplementedError(
            f"[kl_divergence] is not known of {type(p).__name__} and {type(q).__name__}; register_kl() adds it"
        )
    return function(p, q)
