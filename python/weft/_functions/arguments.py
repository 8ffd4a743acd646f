"""Arguments that several families read alike."""

import builtins
import operator

from .. import _C
from .._C import Tensor


def ints(op, name, value):
    """The ints of an int or of a sequence of ints; of NumPy's and of 0-d tensors, too. What is no int is a TypeError."""
    try:
        return [operator.index(value)]
    except (TypeError, RuntimeError):
        pass
    try:
        return [operator.index(v) for v in value]
    except (TypeError, RuntimeError):
        what = value if isinstance(value, (list, tuple)) else type(value).__name__
        raise TypeError(f"[{op}] {name} must be an int or a sequence of ints; got {what}; pass ints") from None


def truth(op, name, value):
    """Whether a value counts as true; of what has no one truth, as an array of several elements, the error that it raises itself."""
    try:
        return bool(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise type(error)(f"[{op}] {name} must be a bool; got {type(value).__name__}; pass True or False") from None


def integer(op, name, value):
    """One int, also NumPy's or a tensor's of one element. What is none is a TypeError."""
    try:
        return operator.index(value)
    except (TypeError, RuntimeError):
        raise TypeError(f"[{op}] {name} must be an int; got {type(value).__name__}; pass an int") from None


def number(op, name, value):
    """A number, also NumPy's or a tensor of one element, as it is. What is none is a TypeError."""
    scalar = getattr(value, "ndim", 0) == 0 and (hasattr(value, "__float__") or hasattr(value, "__complex__"))
    if isinstance(value, type) or not scalar:
        raise TypeError(f"[{op}] {name} must be a number; got {type(value).__name__}; pass an int or a float")
    return value


def numbers(op, name, value, count):
    """A tuple of ``count`` numbers of a sequence of them."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(v, (int, float)) for v in value):
        what = value if isinstance(value, (list, tuple)) else type(value).__name__
        raise TypeError(f"[{op}] {name} must be {count} numbers; got {what}; pass a tuple of them")
    if len(value) != count:
        raise RuntimeError(f"[{op}] {name} must be {count} numbers; got {list(value)}; pass a tuple of them")
    return tuple(value)


def tensors(op, **values):
    """Each of the arguments, by name, must be a tensor."""
    for name, value in values.items():
        if not isinstance(value, Tensor):
            raise TypeError(f"[{op}] {name} must be a tensor; got {type(value).__name__}; use weft.tensor")


def number_or_tensor(value):
    """An operand that may be an array: as a tensor."""
    return value if isinstance(value, (int, float, complex, Tensor)) else _C.from_nested(value, None)


def dims(x, dim, op):
    """Axes of a reduction: () for all, which None means, too; else sorted and non-negative."""
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return ()
    rank = x.ndim
    wanted = dim if isinstance(dim, (tuple, list)) else (dim,)
    for d in wanted:
        if not isinstance(d, int):
            raise TypeError(
                f"[{op}] dim must be an int or a tuple of ints; got {type(d).__name__}; pass dim=0 or dim=(0, 1)"
            )
        low = builtins.max(rank, 1)
        if not -low <= d < low:
            raise IndexError(
                f"[{op}] dim {d} is out of range for shape {list(x.shape)}; use a value of [{-low}, {low - 1}]"
            )
    if rank == 0:
        return ()
    found = sorted({d % rank for d in wanted})
    if len(found) != len(wanted):
        raise RuntimeError(f"[{op}] dim {tuple(wanted)} names an axis twice; got shape {list(x.shape)}; name each once")
    return tuple(found)
