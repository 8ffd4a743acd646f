"""Products that sum over paired axes: einsum, tensordot and what is written in them."""

from __future__ import annotations

from collections.abc import Sequence

from .. import _C, _ops
from .._C import Tensor
from .._public import Any, public
from . import moves, reductions

__all__ = ["einsum", "tensordot", "inner", "kron"]
METHODS = ["inner", "kron"]

_Labels = list[
    Any
]  # of an operand's axes: letters (or numbers), and ("...", i), the i-th of the ellipsis's axes from its end


@public
def einsum(*args: Any) -> Tensor:
    """Sums of products of tensors over the axes whose labels the result lacks: ``einsum("bij,bjk->bik", x, y)``.

    The equation has one label (a-z, A-Z) for each axis of each operand; ``...`` stands for axes that broadcast. Without ``->`` the
    result has the axes of ``...``, then the labels that occur once, in order, capitals first. A label twice in one operand is its
    diagonal; axes of size 1 broadcast. Also ``einsum(x, [0, 1], y, [1, 2], [0, 2])``, with ``Ellipsis`` for ``...``.
    Products are made two by two, each time the first whose result has the fewest axes; sizes do not decide on the order.
    Operands that are multiplied have one dtype. A RuntimeError names a label that does not fit; without operands a ValueError.
    """
    if len(args) < 2:
        raise ValueError(f"[einsum] needs an equation and operands; got {len(args)} arguments; pass 'ij,jk->ik', x, y")
    inputs, output, operands = _from_string(args) if isinstance(args[0], str) else _from_lists(args)
    for i, operand in enumerate(operands):
        if not isinstance(operand, Tensor):
            raise TypeError(f"[einsum] operands must be tensors; got {type(operand).__name__} at position {i}")
    if len(inputs) != len(operands):
        raise RuntimeError(
            f"[einsum] the equation is for {len(inputs)} operands; got {len(operands)}; separate labels by commas"
        )
    labels = [_named(i, names, x) for i, (names, x) in enumerate(zip(inputs, operands))]
    result = _result(labels, output)
    return _contract([_without_repeats(i, *pair) for i, pair in enumerate(zip(operands, labels))], result)


def _from_string(args: tuple[Any, ...]) -> tuple[list[_Labels], _Labels | None, Sequence[Any]]:
    operands = args[1:]
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    left, arrow, right = args[0].replace(" ", "").partition("->")
    return [_letters(part) for part in left.split(",")], _letters(right) if arrow else None, operands


def _letters(text: str) -> _Labels:
    before, dots, after = text.partition("...")
    for letter in before + after:
        if not (letter.isascii() and letter.isalpha()):
            raise RuntimeError(
                f"[einsum] labels are letters of a-z and A-Z, and one '...' an operand; got {letter!r} in {text!r}"
            )
    return [*before, *([...] if dots else []), *after]


def _from_lists(args: tuple[Any, ...]) -> tuple[list[_Labels], _Labels | None, Sequence[Any]]:
    lists = [*args[1::2], *(args[-1:] if len(args) % 2 else [])]
    for labels in lists:
        if not isinstance(labels, (list, tuple)) or not all(
            label is ... or (type(label) is int and 0 <= label < 52) for label in labels
        ):
            raise RuntimeError(f"[einsum] labels in lists are ints of [0, 52) and Ellipsis; got {labels!r}")
    inputs = [list(labels) for labels in args[1::2]]
    return inputs, list(args[-1]) if len(args) % 2 else None, args[: len(args) // 2 * 2 : 2]


def _named(i: int, names: _Labels, x: Tensor) -> _Labels:
    """One label an axis: with the ellipsis's axes in the place of it."""
    unnamed = x.ndim - len(names) + names.count(...)
    if names.count(...) > 1 or unnamed < 0 or (unnamed and ... not in names):
        raise RuntimeError(
            f"[einsum] operand {i} needs a label for each axis; got {len(names)} labels and shape {list(x.shape)}; "
            "'...' stands for several axes"
        )
    return _spread(names, unnamed)


def _spread(names: _Labels, unnamed: int) -> _Labels:
    at = names.index(...) if ... in names else len(names)
    return [*names[:at], *(("...", k) for k in range(unnamed - 1, -1, -1)), *names[at + 1 :]]


def _result(labels: list[_Labels], output: _Labels | None) -> _Labels:
    flat = [label for names in labels for label in names]
    unnamed = max((label[1] + 1 for label in flat if isinstance(label, tuple)), default=0)
    if output is None:
        once = [label for label in flat if not isinstance(label, tuple) and flat.count(label) == 1]
        return _spread([..., *sorted(once)], unnamed)
    result = _spread(output, unnamed) if ... in output else list(output)
    for label in result:
        if result.count(label) > 1 or label not in flat:
            raise RuntimeError(
                f"[einsum] each label of the result must be of an operand, and once in the result; got {label!r}"
            )
    return result


def _without_repeats(i: int, x: Tensor, labels: _Labels) -> tuple[Tensor, _Labels]:
    """The diagonals of axes with one label."""
    labels = list(labels)
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            if x.shape[first] != x.shape[second]:
                raise RuntimeError(
                    f"[einsum] axes with one label must have one size; got {label!r} twice for operand {i} of shape "
                    f"{list(x.shape)}"
                )
            x = moves.diagonal(x, 0, first, second)
            labels = [*(name for at, name in enumerate(labels) if at not in (first, second)), label]
    return x, labels


def _contract(terms: list[tuple[Tensor, _Labels]], result: _Labels) -> Tensor:
    sizes: dict[Any, int] = {}
    for i, (x, labels) in enumerate(terms):
        for label, size in zip(labels, x.shape):
            if sizes.setdefault(label, size) == 1:
                sizes[label] = size
            if size not in (1, sizes[label]):
                raise RuntimeError(
                    f"[einsum] axes with one label must have one size, or 1; got {size} and {sizes[label]} for {label!r} in "
                    f"operand {i} of shape {list(x.shape)}"
                )
    terms = [_without_ones(x, labels, sizes) for x, labels in terms]
    terms = [_summed(x, labels, _used(terms, result, i)) for i, (x, labels) in enumerate(terms)]
    while len(terms) > 1:
        pairs = [(i, j) for j in range(len(terms)) for i in range(j)]
        i, j = min(pairs, key=lambda pair: _rank(terms, pair, result))
        kept = _used(terms, result, i, j)
        product = _product(*terms[i], *terms[j], kept)
        terms = [term for at, term in enumerate(terms) if at not in (i, j)] + [product]
    x, labels = terms[0]
    return x.permute([labels.index(label) for label in result]) if labels != result else x


def _used(terms: list[tuple[Tensor, _Labels]], result: _Labels, *but: int) -> set[Any]:
    """Labels of the result and of the terms but some."""
    return set(result).union(*(labels for i, (_, labels) in enumerate(terms) if i not in but))


def _rank(terms: list[tuple[Tensor, _Labels]], pair: tuple[int, int], result: _Labels) -> int:
    """How many axes the product of two terms has. Sizes do not decide, so that an example's bits do not depend on its batch."""
    return len(set(terms[pair[0]][1] + terms[pair[1]][1]) & _used(terms, result, *pair))


def _without_ones(x: Tensor, labels: _Labels, sizes: dict[Any, int]) -> tuple[Tensor, _Labels]:
    """Without the axes that broadcast."""
    for axis in range(len(labels) - 1, -1, -1):
        if x.shape[axis] == 1 and sizes[labels[axis]] != 1:
            x = x.select(axis, 0)
            labels = labels[:axis] + labels[axis + 1 :]
    return x, labels


def _summed(x: Tensor, labels: _Labels, used: set[Any]) -> tuple[Tensor, _Labels]:
    """Without the axes that no other term has."""
    axes = [axis for axis, label in enumerate(labels) if label not in used]
    return (reductions.sum(x, axes), [label for label in labels if label in used]) if axes else (x, labels)


def _product(x: Tensor, left: _Labels, y: Tensor, right: _Labels, kept: set[Any]) -> tuple[Tensor, _Labels]:
    """The product of two terms, with its labels: those that are in both and not kept are summed over."""
    common = [label for label in left if label in right]
    summed = [label for label in common if label not in kept]
    batch = [label for label in common if label in kept]
    rows = [label for label in left if label not in common]
    columns = [label for label in right if label not in common]
    if not summed:
        x = x.permute([left.index(label) for label in batch + rows])
        y = y.permute([right.index(label) for label in batch + columns])
        x = x.reshape([*x.shape, *(1,) * len(columns)])
        y = y.reshape([*y.shape[: len(batch)], *(1,) * len(rows), *y.shape[len(batch) :]])
        return _ops.mul(x, y), batch + rows + columns
    # As a batch of matrices, which autocast knows.
    shape = [x.shape[left.index(label)] for label in batch + rows] + [y.shape[right.index(label)] for label in columns]
    x = x.permute([left.index(label) for label in batch + rows + summed])
    y = y.permute([right.index(label) for label in batch + summed + columns])
    return (_matrices(x, len(batch), len(rows)) @ _matrices(y, len(batch), len(summed))).reshape(shape), (
        batch + rows + columns
    )


def _matrices(x: Tensor, batch: int, rows: int) -> Tensor:
    """[batch axes, row axes, others] as [batch, rows, columns], or a matrix where there is no batch."""
    sizes = list(x.shape)
    groups = [sizes[batch : batch + rows], sizes[batch + rows :]]
    if batch:
        groups.insert(0, sizes[:batch])
    return x.reshape([_C.Size(group).numel() for group in groups])


@public
def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Sums of products over pairs of axes: the last ``dims`` of a with the first of b, or ``dims=(axes of a, axes of b)``.

    The result has a's other axes, then b's. Axes of size 1 broadcast. A RuntimeError where the axes do not fit.
    """
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0 or dims > min(a.ndim, b.ndim):
            raise RuntimeError(
                f"[tensordot] dims must be at least 0 and no more than either has; got {dims}, shapes {list(a.shape)} "
                f"and {list(b.shape)}"
            )
        dims = (range(a.ndim - dims, a.ndim), range(dims))
    if not isinstance(dims, (list, tuple)) or len(dims) != 2:
        raise RuntimeError(f"[tensordot] dims must be an int or two lists of axes; got {dims!r}")
    if not all(isinstance(d, (int, list, tuple, range)) for d in dims):
        raise RuntimeError(f"[tensordot] dims must be an int or two lists of axes; got {dims!r}")
    first, second = ([d] if isinstance(d, int) else list(d) for d in dims)
    if not all(isinstance(axis, int) for axis in first + second):
        raise TypeError(f"[tensordot] axes must be ints; got {first} and {second}")
    if len(first) != len(second):
        raise RuntimeError(
            f"[tensordot] both lists of axes must be equally long; got {first} and {second}; axes go in pairs"
        )
    left, right = moves.axes_of(a, first), moves.axes_of(b, second)
    for i, j in zip(left, right):
        if a.shape[i] != b.shape[j] and 1 not in (a.shape[i], b.shape[j]):
            raise RuntimeError(
                f"[tensordot] axes in pairs must have one size, or 1; got {a.shape[i]} and {b.shape[j]}, axes {i} and {j} of "
                f"shapes {list(a.shape)} and {list(b.shape)}"
            )
    names: list[_Labels] = [[("a", i) for i in range(a.ndim)], [("b", j) for j in range(b.ndim)]]
    for i, j in zip(left, right):
        names[1][j] = names[0][i]
    kept = [names[0][i] for i in range(a.ndim) if i not in left] + [
        names[1][j] for j in range(b.ndim) if j not in right
    ]
    return _contract([(a, names[0]), (b, names[1])], kept)


@public
def inner(input: Tensor, other: Tensor) -> Tensor:
    """Sums of products over the last axes: [..., n] and [..., n] give the input's other axes, then the other's.

    With a 0-d tensor the product. A RuntimeError where the last sizes differ.
    """
    if input.ndim == 0 or other.ndim == 0:
        return _ops.mul(input, other)
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            f"[inner] the last axes must have one size; got shapes {list(input.shape)} and {list(other.shape)}; transpose one"
        )
    return tensordot(input, other, ([-1], [-1]))


@public
def kron(input: Tensor, other: Tensor) -> Tensor:
    """The Kronecker product: of sizes m and n along an axis m n; the smaller rank is filled up with axes of 1 in front."""
    rank = max(input.ndim, other.ndim)
    x = [1] * (rank - input.ndim) + list(input.shape)
    y = [1] * (rank - other.ndim) + list(other.shape)
    left = input.reshape([size for m in x for size in (m, 1)])
    right = other.reshape([size for n in y for size in (1, n)])
    return _ops.mul(left, right).reshape([m * n for m, n in zip(x, y)])
