"""What transforms have in common; those that are made of others."""

from __future__ import annotations

from typing import Any

import weft

from . import constraints
from .utils import check_kind, lazy_property, sum_rightmost


def broadcast_shapes(*shapes: Any) -> Any:
    """The shape to which all broadcast."""
    return weft.broadcast_tensors(*(weft.empty(tuple(shape)) for shape in shapes))[0].shape


class Transform:
    """y = t(x), x = t.inv(y). ``domain`` and ``codomain``: where x and y lie; ``bijective``; ``sign``: of the derivative, where there is
    one number. With ``cache_size=1`` the last x and y are remembered. Subclasses have ``_call``, ``_inverse`` and
    ``log_abs_det_jacobian``."""

    bijective: Any = False
    domain: Any
    codomain: Any

    def __init__(self, cache_size: int = 0) -> None:
        if check_kind(type(self).__name__, "cache_size", cache_size, int) not in (0, 1):
            raise ValueError(f"[{type(self).__name__}] cache_size must be 0 or 1; got {cache_size}")
        self._cache_size = cache_size
        self._inv: Any = None
        self._last: tuple[Any, Any] = (None, None)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_inv": None, "_last": (None, None)}

    @property
    def event_dim(self) -> int:
        """ValueError where domain and codomain differ."""
        if self.domain.event_dim == self.codomain.event_dim:
            return self.domain.event_dim
        raise ValueError(f"[{type(self).__name__}] domain and codomain differ; ask their event_dim")

    @property
    def inv(self) -> Any:
        """The inverse, whose inverse is this one."""
        if self._inv is None:
            self._inv = _InverseTransform(self)
        return self._inv

    @property
    def sign(self) -> Any:
        raise NotImplementedError(f"[{type(self).__name__}] has no sign")

    def with_cache(self, cache_size: int = 1) -> Any:
        if self._cache_size == cache_size:
            return self
        if type(self).__init__ is Transform.__init__:
            return type(self)(cache_size=cache_size)
        raise NotImplementedError(f"[{type(self).__name__}] has no with_cache(); define it in the class")

    def __eq__(self, other: object) -> bool:
        return self is other or (type(self) is type(other) and self._parameters() == other._parameters())  # type: ignore[attr-defined]

    __hash__ = object.__hash__

    def _parameters(self) -> Any:
        """What two equal transforms of a class have alike; by default they are equal if it is one object."""
        return id(self)

    def __call__(self, x: Any) -> Any:
        if self._cache_size and x is self._last[0]:
            return self._last[1]
        y = self._call(x)
        if self._cache_size:
            self._last = x, y
        return y

    def _inv_call(self, y: Any) -> Any:
        if self._cache_size and y is self._last[1]:
            return self._last[0]
        x = self._inverse(y)
        if self._cache_size:
            self._last = x, y
        return x

    def _call(self, x: Any) -> Any:
        raise NotImplementedError(f"[{type(self).__name__}] has no _call(); define it in the class")

    def _inverse(self, y: Any) -> Any:
        raise NotImplementedError(f"[{type(self).__name__}] has no inverse")

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """log |dy / dx| of an input and its output."""
        raise NotImplementedError(f"[{type(self).__name__}] has no log_abs_det_jacobian()")

    def forward_shape(self, shape: Any) -> Any:
        """The shape of y for that of x."""
        return shape

    def inverse_shape(self, shape: Any) -> Any:
        """The shape of x for that of y."""
        return shape

    def __repr__(self) -> str:
        return type(self).__name__ + "()"


class _InverseTransform(Transform):
    def __init__(self, transform: Transform) -> None:
        super().__init__(cache_size=transform._cache_size)
        self._inv = transform

    def __getstate__(self) -> dict[str, Any]:
        return dict(vars(self))

    @constraints.dependent_property(is_discrete=False)
    def domain(self) -> Any:
        return self._inv.codomain

    @constraints.dependent_property(is_discrete=False)
    def codomain(self) -> Any:
        return self._inv.domain

    @property
    def bijective(self) -> bool:  # type: ignore[override]
        return self._inv.bijective

    @property
    def sign(self) -> Any:
        return self._inv.sign

    def with_cache(self, cache_size: int = 1) -> Any:
        return self.inv.with_cache(cache_size).inv

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _InverseTransform) and self._inv == other._inv

    __hash__ = object.__hash__

    def __call__(self, x: Any) -> Any:
        return self._inv._inv_call(x)

    def _inv_call(self, y: Any) -> Any:
        return self._inv(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return -self._inv.log_abs_det_jacobian(y, x)

    def forward_shape(self, shape: Any) -> Any:
        return self._inv.inverse_shape(shape)

    def inverse_shape(self, shape: Any) -> Any:
        return self._inv.forward_shape(shape)

    def __repr__(self) -> str:
        return f"{self._inv}.inv"


class ComposeTransform(Transform):
    """Several transforms, the first of which comes first."""

    def __init__(self, parts: list[Transform], cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        for part in check_kind("ComposeTransform", "parts", parts, list, tuple):
            check_kind("ComposeTransform", "a part", part, Transform)
        self.parts: list[Any] = [part.with_cache(cache_size) for part in parts] if cache_size else list(parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ComposeTransform) and self.parts == other.parts

    __hash__ = object.__hash__

    @constraints.dependent_property(is_discrete=False)
    def domain(self) -> Any:
        if not self.parts:
            return constraints.real
        rank = self.parts[-1].codomain.event_dim
        for part in reversed(self.parts):
            rank = max(rank + part.domain.event_dim - part.codomain.event_dim, part.domain.event_dim)
        return of_rank(self.parts[0].domain, rank)

    @constraints.dependent_property(is_discrete=False)
    def codomain(self) -> Any:
        if not self.parts:
            return constraints.real
        rank = self.parts[0].domain.event_dim
        for part in self.parts:
            rank = max(rank + part.codomain.event_dim - part.domain.event_dim, part.codomain.event_dim)
        return of_rank(self.parts[-1].codomain, rank)

    @lazy_property
    def bijective(self) -> bool:  # type: ignore[override]
        return all(part.bijective for part in self.parts)

    @lazy_property
    def sign(self) -> Any:  # type: ignore[override]
        sign: Any = 1
        for part in self.parts:
            sign = sign * part.sign
        return sign

    @property
    def inv(self) -> Any:
        if self._inv is None:
            self._inv = ComposeTransform([part.inv for part in reversed(self.parts)])
            self._inv._inv = self
        return self._inv

    def with_cache(self, cache_size: int = 1) -> Any:
        return self if self._cache_size == cache_size else ComposeTransform(self.parts, cache_size=cache_size)

    def __call__(self, x: Any) -> Any:
        for part in self.parts:
            x = part(x)
        return x

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        if not self.parts:
            return weft.zeros_like(x)
        points = [x]
        for part in self.parts[:-1]:
            points.append(part(points[-1]))
        points.append(y)
        rank, total = self.domain.event_dim, None
        for part, a, b in zip(self.parts, points, points[1:]):
            term = sum_rightmost(part.log_abs_det_jacobian(a, b), rank - part.domain.event_dim)
            total = term if total is None else total + term
            rank += part.codomain.event_dim - part.domain.event_dim
        return total

    def forward_shape(self, shape: Any) -> Any:
        for part in self.parts:
            shape = part.forward_shape(shape)
        return shape

    def inverse_shape(self, shape: Any) -> Any:
        for part in reversed(self.parts):
            shape = part.inverse_shape(shape)
        return shape

    def __repr__(self) -> str:
        return f"ComposeTransform({', '.join(map(repr, self.parts))})"


def of_rank(constraint: Any, rank: int) -> Any:
    more = rank - constraint.event_dim
    return constraints.independent(constraint, more) if more > 0 else constraint


identity_transform = ComposeTransform([])


class IndependentTransform(Transform):
    """Another transform, with so many more last dimensions in an event: log_abs_det_jacobian adds over them."""

    def __init__(self, base_transform: Transform, reinterpreted_batch_ndims: int, cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        check_kind("IndependentTransform", "base_transform", base_transform, Transform)
        check_kind("IndependentTransform", "reinterpreted_batch_ndims", reinterpreted_batch_ndims, int)
        self.base_transform: Any = base_transform.with_cache(cache_size)
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims

    def with_cache(self, cache_size: int = 1) -> Any:
        if self._cache_size == cache_size:
            return self
        return IndependentTransform(self.base_transform, self.reinterpreted_batch_ndims, cache_size=cache_size)

    @constraints.dependent_property(is_discrete=False)
    def domain(self) -> Any:
        return constraints.independent(self.base_transform.domain, self.reinterpreted_batch_ndims)

    @constraints.dependent_property(is_discrete=False)
    def codomain(self) -> Any:
        return constraints.independent(self.base_transform.codomain, self.reinterpreted_batch_ndims)

    @property
    def bijective(self) -> bool:  # type: ignore[override]
        return self.base_transform.bijective

    @property
    def sign(self) -> Any:
        return self.base_transform.sign

    def _checked(self, value: Any, rank: int) -> Any:
        if value.dim() < rank:
            raise ValueError(
                f"[IndependentTransform] a value needs at least {rank} dimensions; got shape {list(value.shape)}"
            )
        return value

    def _call(self, x: Any) -> Any:
        return self.base_transform(self._checked(x, self.domain.event_dim))

    def _inverse(self, y: Any) -> Any:
        return self.base_transform.inv(self._checked(y, self.codomain.event_dim))

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return sum_rightmost(self.base_transform.log_abs_det_jacobian(x, y), self.reinterpreted_batch_ndims)

    def forward_shape(self, shape: Any) -> Any:
        return self.base_transform.forward_shape(shape)

    def inverse_shape(self, shape: Any) -> Any:
        return self.base_transform.inverse_shape(shape)

    def __repr__(self) -> str:
        return f"IndependentTransform({self.base_transform}, {self.reinterpreted_batch_ndims})"


class PlainTransform(Transform):
    """Without parameters: all of a class are equal."""

    def _parameters(self) -> Any:
        return ()


class _Several(Transform):
    """One transform for each part along a dimension."""

    def __init__(self, tseq: Any, dim: int, lengths: Any, cache_size: int) -> None:
        super().__init__(cache_size=cache_size)
        for t in check_kind(type(self).__name__, "tseq", tseq, list, tuple):
            check_kind(type(self).__name__, "an item of tseq", t, Transform)
        self.transforms: list[Any] = [t.with_cache(cache_size) for t in tseq]
        ones = [1] * len(self.transforms)
        self.lengths = (
            ones if lengths is None else list(check_kind(type(self).__name__, "lengths", lengths, list, tuple))
        )
        self.dim = dim

    @property
    def bijective(self) -> bool:  # type: ignore[override]
        return all(t.bijective for t in self.transforms)

    def _parts(self, x: Any) -> Any:
        if sum(self.lengths) != x.shape[self.dim]:
            raise ValueError(
                f"[{type(self).__name__}] the parts must make up dimension {self.dim}; got lengths {self.lengths} for shape {list(x.shape)}"
            )
        return x.split(self.lengths, self.dim)

    def _call(self, x: Any) -> Any:
        return weft.cat([t(part) for t, part in zip(self.transforms, self._parts(x))], self.dim)

    def _inverse(self, y: Any) -> Any:
        return weft.cat([t.inv(part) for t, part in zip(self.transforms, self._parts(y))], self.dim)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        parts = zip(self.transforms, self._parts(x), self._parts(y))
        return weft.cat([t.log_abs_det_jacobian(a, b) for t, a, b in parts], self.dim)


class CatTransform(_Several):
    """Of parts of these lengths along a dimension, elementwise transforms."""

    def __init__(self, tseq: Any, dim: int = 0, lengths: Any = None, cache_size: int = 0) -> None:
        super().__init__(tseq, dim, lengths, cache_size)

    def with_cache(self, cache_size: int = 1) -> Any:
        if self._cache_size == cache_size:
            return self
        return CatTransform(self.transforms, self.dim, self.lengths, cache_size)

    @constraints.dependent_property
    def domain(self) -> Any:
        return constraints.cat([t.domain for t in self.transforms], self.dim, self.lengths)

    @constraints.dependent_property
    def codomain(self) -> Any:
        return constraints.cat([t.codomain for t in self.transforms], self.dim, self.lengths)


class StackTransform(_Several):
    """Of the positions of a dimension, elementwise transforms."""

    def __init__(self, tseq: Any, dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(tseq, dim, None, cache_size)

    def with_cache(self, cache_size: int = 1) -> Any:
        return self if self._cache_size == cache_size else StackTransform(self.transforms, self.dim, cache_size)

    @constraints.dependent_property
    def domain(self) -> Any:
        return constraints.stack([t.domain for t in self.transforms], self.dim)

    @constraints.dependent_property
    def codomain(self) -> Any:
        return constraints.stack([t.codomain for t in self.transforms], self.dim)
