"""Pruning: parts of a parameter that a mask makes 0. The parameter ``weight`` becomes ``weight_orig`` times the buffer ``weight_mask``,
computed at each access, until ``remove``."""

from __future__ import annotations

from numbers import Integral, Real

from ... import _C, _factories, linalg
from ..._functions import topk
from .._arguments import a_module, listed, number, tensor, text
from .computed import compute, compute_no_more, is_computed
from .convert_parameters import parameters_to_vector

__all__ = [
    "BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured", "PruningContainer", "RandomStructured",
    "RandomUnstructured", "custom_from_mask", "global_unstructured", "identity", "is_pruned", "l1_unstructured", "ln_structured",
    "random_structured", "random_unstructured", "remove",
]  # fmt: skip


def _methods(module):
    return module.__dict__.get("_pruning_methods", {})


class BasePruningMethod:
    """A sub-class defines ``compute_mask(t, default_mask)``: the mask of what is left of ``t``, a tensor like ``default_mask``, which has 0
    where there is none any more. ``PRUNING_TYPE`` says what further pruning sees of the tensor: "unstructured" the elements that are
    left, "structured" the channels (axis ``dim``) that are left, "global" all."""

    PRUNING_TYPE = "global"
    _tensor_name = None

    def compute_mask(self, t, default_mask):
        raise NotImplementedError(f"[{type(self).__name__}] has no compute_mask(); define it in the class")

    def apply_mask(self, module):
        """The parameter times the mask."""
        name = self._tensor_name
        if name is None or f"{name}_mask" not in module._buffers:
            raise ValueError(f"[prune] {name!r} of {type(module).__name__} has not been pruned")
        original = getattr(module, f"{name}_orig")
        return getattr(module, f"{name}_mask").to(original.dtype) * original

    @classmethod
    def apply(cls, module, name, *args, importance_scores=None, **kwargs):
        """Prunes a parameter, by the scores in its place where there are some; after earlier methods, what these left."""
        a_module("prune", module), text("prune", "name", name)
        method = cls(*args, **kwargs)
        method._tensor_name = name
        before = _methods(module).get(name)
        if before is not None:
            container = before if isinstance(before, PruningContainer) else PruningContainer(before)
            container.add_pruning_method(method)
            method = container
        elif is_computed(module, name) or module._parameters.get(name) is None:
            raise AttributeError(f"[prune] {type(module).__name__} has no parameter {name!r} of its own")
        original = getattr(module, name)
        scores = original if importance_scores is None else tensor("prune", importance_scores, "importance_scores")
        if scores.shape != original.shape:
            raise ValueError(
                f"[prune] importance_scores must have the parameter's shape, {list(original.shape)}; got {list(scores.shape)}"
            )
        with _C.GradMode(False):
            if before is None:
                default = _factories.ones_like(original)
            else:
                default = getattr(module, f"{name}_mask").detach().clone()
            mask = method.compute_mask(scores.detach(), default_mask=default)
        if before is None:
            delattr(module, name)
            module.register_parameter(f"{name}_orig", original)
            module.register_buffer(f"{name}_mask", mask)
            compute(module, name, method.apply_mask, prefix="")
        else:
            module._buffers[f"{name}_mask"] = mask
        object.__setattr__(module, "_pruning_methods", {**_methods(module), name: method})
        return method

    def prune(self, t, default_mask=None, importance_scores=None):
        """A tensor times the mask that is computed of it, or of scores."""
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise ValueError(
                f"[prune] importance_scores must have the tensor's shape, {list(t.shape)}; got {list(scores.shape)}"
            )
        default_mask = _factories.ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, default_mask=default_mask)

    def remove(self, module):
        """Makes the parameter what it is now, without a mask."""
        name = self._tensor_name
        with _C.GradMode(False):
            value = self.apply_mask(module).detach()
        original = module._parameters[f"{name}_orig"]
        compute_no_more(module, name)
        delattr(module, f"{name}_orig")
        delattr(module, f"{name}_mask")
        original.data = value
        module.register_parameter(name, original)
        object.__setattr__(module, "_pruning_methods", {k: v for k, v in _methods(module).items() if k != name})


class PruningContainer(BasePruningMethod):
    """Methods one after another: each sees what those before left, and only the last one's mask is computed anew."""

    def __init__(self, *args):
        self._pruning_methods = ()
        for method in args:
            self._tensor_name = self._tensor_name or getattr(method, "_tensor_name", None)
            self.add_pruning_method(method)

    def add_pruning_method(self, method):
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"[prune] a method must be a BasePruningMethod; got {type(method).__name__}")
        if self._tensor_name != method._tensor_name:
            raise ValueError(
                f"[prune] methods for {self._tensor_name!r} are together; got one for {method._tensor_name!r}"
            )
        self._pruning_methods += (method,)

    def __len__(self):
        return len(self._pruning_methods)

    def __iter__(self):
        return iter(self._pruning_methods)

    def __getitem__(self, idx):
        return self._pruning_methods[idx]

    def compute_mask(self, t, default_mask):
        method = self._pruning_methods[-1]
        if method.PRUNING_TYPE == "unstructured":
            seen = default_mask == 1
        elif method.PRUNING_TYPE == "structured":
            dim = _axis(t, method.dim)
            others = [d for d in range(t.ndim) if d != dim]
            left = (default_mask.sum(others) != 0).nonzero().reshape(-1)
            seen = (slice(None),) * dim + (left,)
        elif method.PRUNING_TYPE == "global":
            seen = (slice(None),) * t.ndim
        else:
            raise ValueError(
                f"[prune] PRUNING_TYPE must be 'unstructured', 'structured' or 'global'; got {method.PRUNING_TYPE!r}"
            )
        mask = default_mask.to(t.dtype)
        made = method.compute_mask(t[seen], default_mask=default_mask[seen])
        mask[seen] = made.to(mask.dtype)
        return mask


def _axis(t, dim):
    if t.ndim < 2:
        raise ValueError(f"[prune] channels are of tensors with at least 2 dimensions; got shape {list(t.shape)}")
    if not isinstance(dim, int):
        raise TypeError(f"[prune] dim must be an int; got {type(dim).__name__}")
    if not -t.ndim <= dim < t.ndim:
        raise IndexError(f"[prune] dim {dim} is out of range for shape {list(t.shape)}")
    return dim % t.ndim


class _OfAmount(BasePruningMethod):
    def __init__(self, amount):
        if not isinstance(amount, Real) or isinstance(amount, bool):
            raise TypeError(f"[prune] amount must be a number; got {type(amount).__name__}")
        if amount < 0 or (not isinstance(amount, Integral) and not amount <= 1.0):
            raise ValueError(f"[prune] amount must be a part, in [0, 1], or a count, an int; got {amount}")
        self.amount = amount

    def _count(self, size):
        if not isinstance(self.amount, Integral):
            return round(self.amount * size)
        if self.amount > size:
            raise ValueError(
                f"[prune] amount must be at most the number of what can be pruned, {size}; got {self.amount}"
            )
        return self.amount


class _Unstructured(_OfAmount):
    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        count, mask = self._count(t.numel()), default_mask.clone()
        if count:
            mask.view(-1)[topk(self._scores(t).reshape(-1), count, largest=False).indices] = 0
        return mask


class RandomUnstructured(_Unstructured):
    """Elements at random."""

    def _scores(self, t):
        return _factories.rand_like(t)

    @classmethod
    def apply(cls, module, name, amount):
        return super().apply(module, name, amount=amount)


class L1Unstructured(_Unstructured):
    """The elements of the least absolute values."""

    def _scores(self, t):
        return t.abs()

    @classmethod
    def apply(cls, module, name, amount, importance_scores=None):
        return super().apply(module, name, amount=amount, importance_scores=importance_scores)


class _Structured(_OfAmount):
    PRUNING_TYPE = "structured"

    def compute_mask(self, t, default_mask):
        dim = _axis(t, self.dim)
        count = self._count(t.shape[dim])
        if not count:
            return default_mask
        left = _factories.ones(t.shape[dim], dtype=default_mask.dtype, device=t.device)
        left[topk(self._scores(t, dim), count, largest=False).indices] = 0
        return default_mask * left.reshape([-1 if d == dim else 1 for d in range(t.ndim)])


class RandomStructured(_Structured):
    """Channels of the axis ``dim`` at random."""

    def __init__(self, amount, dim=-1):
        super().__init__(amount)
        self.dim = dim

    def _scores(self, t, dim):
        return _factories.rand(t.shape[dim], device=t.device)

    @classmethod
    def apply(cls, module, name, amount, dim=-1):
        return super().apply(module, name, amount=amount, dim=dim)


class LnStructured(_Structured):
    """The channels of the axis ``dim`` whose ``n``-norms are the least."""

    def __init__(self, amount, n, dim=-1):
        super().__init__(amount)
        self.n, self.dim = number("prune", "n", n) if n != "fro" else 2.0, dim

    def _scores(self, t, dim):
        return linalg.vector_norm(t, self.n, [d for d in range(t.ndim) if d != dim])

    @classmethod
    def apply(cls, module, name, amount, n, dim, importance_scores=None):
        return super().apply(module, name, amount=amount, n=n, dim=dim, importance_scores=importance_scores)


class Identity(BasePruningMethod):
    """Nothing: the parameter gets its mask of ones."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        return default_mask


class CustomFromMask(BasePruningMethod):
    """What a mask says."""

    def __init__(self, mask):
        self.mask = mask

    def compute_mask(self, t, default_mask):
        if default_mask.shape != tensor("prune", self.mask, "mask").shape:
            raise ValueError(
                f"[prune] the mask must have the parameter's shape, {list(default_mask.shape)}; got {list(self.mask.shape)}"
            )
        return default_mask * self.mask.to(default_mask.dtype)

    @classmethod
    def apply(cls, module, name, mask):
        return super().apply(module, name, mask=mask)


def identity(module, name):
    """Gives a parameter its mask of ones; returns the module."""
    Identity.apply(module, name)
    return module


def random_unstructured(module, name, amount):
    """Prunes elements at random: ``amount`` of them, or that part; returns the module."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module, name, amount, importance_scores=None):
    """Prunes the elements of the least absolute values, or scores: ``amount`` of them, or that part; returns the module."""
    L1Unstructured.apply(module, name, amount, importance_scores)
    return module


def random_structured(module, name, amount, dim):
    """Prunes channels of the axis ``dim`` at random: ``amount`` of them, or that part; returns the module."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(module, name, amount, n, dim, importance_scores=None):
    """Prunes the channels of the axis ``dim`` of the least ``n``-norms: ``amount`` of them, or that part; returns the module."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module, name, mask):
    """Prunes what a mask has 0 for; returns the module."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(parameters, pruning_method, importance_scores=None, **kwargs):
    """Prunes several parameters, pairs (module, name), as if they were one. ``importance_scores``: (module, name) → scores."""
    parameters = listed("global_unstructured", "parameters", parameters, tuple)
    if any(
        len(pair) != 2 or not (isinstance(pair[0], _C.ModuleBase) and isinstance(pair[1], str)) for pair in parameters
    ):
        raise TypeError("[global_unstructured] parameters must be pairs of a module and a name")
    if not isinstance(pruning_method, type) or not issubclass(pruning_method, BasePruningMethod):
        raise TypeError(f"[global_unstructured] pruning_method must be a class of prune; got {pruning_method!r}")
    if importance_scores is not None and not isinstance(importance_scores, dict):
        raise TypeError(
            f"[global_unstructured] importance_scores must be a dict; got {type(importance_scores).__name__}"
        )
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            f"[global_unstructured] {pruning_method.__name__} prunes {method.PRUNING_TYPE!r}; pass an unstructured method"
        )
    values = [getattr(module, name) for module, name in parameters]
    scores = [(importance_scores or {}).get(pair, value) for pair, value in zip(parameters, values)]
    masks = [
        module._buffers.get(f"{name}_mask", _factories.ones_like(value))
        for (module, name), value in zip(parameters, values)
    ]
    with _C.GradMode(False):
        mask = PruningContainer(method).compute_mask(parameters_to_vector(scores), parameters_to_vector(masks))
    start = 0
    for (module, name), value in zip(parameters, values):
        custom_from_mask(module, name, mask[start : start + value.numel()].view(value.shape))
        start += value.numel()


def remove(module, name):
    """Makes the parameter what it is now, without a mask; returns the module."""
    if text("prune", "name", name) not in _methods(a_module("prune", module)):
        raise ValueError(f"[prune] {name!r} of {type(module).__name__} has not been pruned")
    _methods(module)[name].remove(module)
    return module


def is_pruned(module):
    """Whether a parameter of the module, or of one below it, is pruned."""
    return any(_methods(child) for child in a_module("is_pruned", module).modules())
