"""Loops and branches in the graph: functions that are traced once and run again and again, or not at all."""

from .. import _C, _pytree
from .._C import Tensor
from .shapes import cat

__all__ = ["associative_scan", "cond", "map", "scan", "while_loop"]
METHODS = ()


def scan(combine_fn, init, xs=None, *, dim=0, reverse=False, length=None):
    """Runs ``combine_fn`` on each entry of ``xs`` in turn, handing a carry on from one to the next.

    ``carry, y = combine_fn(carry, x)`` is what a step does; it runs once, on tensors without values, and becomes one loop, in eager
    code and in a compiled function alike: a thousand steps compile in the time of one. The bits are those of the same steps written as
    a Python loop, but for gradients of tensors that all steps read, which a loop adds up from the last step on as one sum, in float32 at least.

    Args:
        combine_fn: a function of the carry and an entry. It cannot ask for values (``weft.where`` stands for a branch), nor write to
            tensors, nor draw random numbers. Tensors that it closes over are the same in every step, and get gradients.
        init: the first carry: a tensor, or tuples, lists and dicts of some. A step keeps its shapes and dtypes.
        xs: tensors (or tuples, lists, dicts of some) that have the steps along ``dim``; None: ``combine_fn`` gets None.
        dim: the axis of the steps in ``xs`` and in ``ys``.
        reverse: from the last entry to the first; ``ys`` is in the order of ``xs``.
        length: the number of steps, where ``xs`` has none.

    Returns:
        (carry, ys): the last carry, and what the steps gave besides, with the axis ``dim`` more each.

    Raises:
        TypeError: ``combine_fn`` does not return a pair, or something else than tensors.
        ValueError: sizes along ``dim`` differ from each other or from ``length``, or there is neither.
        RuntimeError: a carry changes its shape or dtype; ``combine_fn`` does what it cannot.
    """
    _check_functions("scan", combine_fn=combine_fn)
    if xs is None and length is None:
        raise ValueError("[scan] neither xs nor length says how many steps there are; pass one of them")
    return _scan("scan", combine_fn, init, xs, dim, reverse, length)


def map(f, xs, *, dim=0):
    """``f`` of each entry of ``xs`` along ``dim``, one after the other; a loop in the graph. ``vmap`` does all at once, and takes more memory.

    Args:
        f: a function of an entry; as ``combine_fn`` of ``scan``.
        xs: tensors, or tuples, lists, dicts of some, of one size along ``dim``.

    Returns:
        what ``f`` gives, with the axis ``dim`` more.

    Raises:
        TypeError, ValueError, RuntimeError: as ``scan``.
    """
    _check_functions("map", f=f)
    return _scan("map", lambda carry, x: (carry, f(x)), (), xs, dim, False, None)[1]


def associative_scan(combine_fn, xs, dim=0, reverse=False):
    """All partial results of an associative function: x0, f(x0, x1), f(f(x0, x1), x2) ..., in this order, by ``scan``.

    Args:
        combine_fn: a function of two entries that gives a third of their shape and dtype.
        xs: tensors, or tuples, lists, dicts of some, of one size along ``dim``, 1 at least.
        reverse: from the last entry to the first.

    Returns:
        the partial results, of the shape of ``xs``.

    Raises:
        TypeError, ValueError, RuntimeError: as ``scan``.
    """
    _check_functions("associative_scan", combine_fn=combine_fn)
    leaves, structure = _pytree.flatten(xs)
    size = _length("associative_scan", leaves, dim, None)
    if size == 0:
        return xs
    first, rest = (size - 1, 0) if reverse else (0, 1)

    def part(start, count):
        return _pytree.unflatten([leaf.narrow(dim, start, count) for leaf in leaves], structure)

    def step(carry, x):
        following = combine_fn(carry, x)
        return following, following

    begin = _pytree.unflatten([leaf.select(dim, first) for leaf in leaves], structure)
    _, results = _scan("associative_scan", step, begin, part(rest, size - 1), dim, reverse, None)
    heads, tails = _pytree.flatten(part(first, 1))[0], _pytree.flatten(results)[0]
    joined = [cat((t, h) if reverse else (h, t), dim) for h, t in zip(heads, tails)]
    return _pytree.unflatten(joined, structure)


def _length(name, leaves, dim, length):
    if type(dim) is not int:
        raise TypeError(f"[{name}] dim must be an int; got {type(dim).__name__}")
    if length is not None and (type(length) is not int or length < 0):
        raise ValueError(f"[{name}] length must be an int from 0 on; got {length!r}")
    sizes = [] if length is None else [length]
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise TypeError(f"[{name}] xs must be tensors, or tuples, lists, dicts of some; got {type(leaf).__name__}")
        if not -leaf.ndim <= dim < leaf.ndim:
            raise IndexError(f"[{name}] an entry of xs has no axis {dim}; got shape {list(leaf.shape)}")
        sizes.append(leaf.shape[dim])
    if any([size != sizes[0] for size in sizes]):
        raise ValueError(f"[{name}] all of xs must have the same size along axis {dim}, and length too; got {sizes}")
    if not sizes:
        raise ValueError(f"[{name}] xs has no tensor that says how many steps there are; pass one")
    return sizes[0]


def _front(tensor, dim):
    return tensor if dim % tensor.ndim == 0 else tensor.movedim(dim, 0)


def _scan(name, step, init, xs, dim, reverse, length):
    carries, carry_structure = _pytree.flatten(init)
    sequences, structure = ([], ()) if xs is None else _pytree.flatten(xs)
    for carry in carries:
        if not isinstance(carry, Tensor):
            raise TypeError(
                f"[{name}] init must be tensors, or tuples, lists, dicts of some; got {type(carry).__name__}; make it one with "
                "weft.tensor()"
            )
    steps = _length(name, sequences, dim, length)
    sequences = [_front(x, dim) for x in sequences]
    body = _C.traced_body(name, carries, sequences)
    with body as examples:
        count = len(carries)
        x = None if xs is None else _pytree.unflatten(examples[count:], structure)
        result = step(_pytree.unflatten(examples[:count], carry_structure), x)
        if type(result) is not tuple or len(result) != 2:
            raise TypeError(f"[{name}] a step must return a pair, the next carry and an output; got {_kind(result)}")
        following = _next(name, result[0], carries, carry_structure)
        outputs, output_structure = ([], None) if result[1] is None else _leaves(name, result[1])
        if not following and not outputs:
            raise TypeError(f"[{name}] a step must return a tensor; got none")
        body.finish([*following, *outputs])
    results = body.scan(carries, sequences, steps, bool(reverse))
    last = _pytree.unflatten(results[: len(carries)], carry_structure)
    if result[1] is None:
        return last, None
    stacked = [y if dim % y.ndim == 0 else y.movedim(0, dim) for y in results[len(carries) :]]
    return last, _pytree.unflatten(stacked, output_structure)


def _check_functions(name, **functions):
    for parameter, function in functions.items():
        if not callable(function):
            raise TypeError(
                f"[{name}] {parameter} must be a function; got {type(function).__name__}; pass the function itself"
            )


def _leaves(name, tree):
    leaves, structure = _pytree.flatten(tree)
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise TypeError(
                f"[{name}] a function must return tensors, or tuples, lists, dicts of some; got {type(leaf).__name__}"
            )
    return leaves, structure


def _next(name, tree, carries, structure):
    """The next carries, which are built like the first ones."""
    leaves, found = _leaves(name, tree)
    if found != structure:
        raise TypeError(
            f"[{name}] a step must return a carry built like the first one, {_pytree.text(structure)}; got {_pytree.text(found)}"
        )
    for i, (leaf, carry) in enumerate(zip(leaves, carries)):
        if leaf.dtype != carry.dtype or leaf.shape != carry.shape:
            raise RuntimeError(
                f"[{name}] carry {i} begins as {_type(carry)} and is {_type(leaf)} after a step; let the step keep its shape and dtype, "
                "or begin with the latter"
            )
    return leaves


def _type(tensor):
    return f"{str(tensor.dtype).removeprefix('weft.')}{list(tensor.shape)}"


def _kind(result):
    return f"a tuple of {len(result)}" if type(result) is tuple else type(result).__name__


def _operands(name, what, operands):
    if type(operands) not in (tuple, list):
        raise TypeError(f"[{name}] {what} must be a tuple of the function's arguments; got {type(operands).__name__}")
    leaves, structure = _pytree.flatten(tuple(operands))
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise TypeError(
                f"[{name}] {what} must be tensors, or tuples, lists, dicts of some; got {type(leaf).__name__}; make it one with "
                "weft.tensor(), or let the function close over it"
            )
    return leaves, structure


def _condition(name, value):
    if not isinstance(value, Tensor):
        raise TypeError(f"[{name}] the condition must be a bool or a tensor of one; got {type(value).__name__}")
    if value.dtype != _C.bool or value.numel() != 1:
        raise RuntimeError(
            f"[{name}] the condition must be a bool tensor of one element; got {_type(value)}; use .any() or .all()"
        )
    return value.reshape(())


def cond(pred, true_fn, false_fn, operands=()):
    """``true_fn(*operands)`` where ``pred`` holds, else ``false_fn(*operands)``: a branch in the graph.

    Of a tensor's value nothing is asked: both functions are traced, and one of them runs, in eager code and in a compiled function
    alike. They have gradients, and ``vmap`` over ``pred`` runs both and takes each example's own.

    Args:
        pred: a bool, or a bool tensor of one element.
        true_fn, false_fn: functions of the operands that return tensors (or tuples, lists, dicts of some) of the same shapes and dtypes;
            as ``combine_fn`` of ``scan``.
        operands: a tuple of tensors, or of tuples, lists, dicts of some.

    Raises:
        TypeError: operands or results are no tensors; the results are not built alike.
        RuntimeError: ``pred`` has more than one element; the results differ in shape or dtype; a function does what it cannot.
    """
    _check_functions("cond", true_fn=true_fn, false_fn=false_fn)
    leaves, structure = _operands("cond", "operands", operands)
    if isinstance(pred, bool):
        return (true_fn if pred else false_fn)(*operands)
    pred = _condition("cond", pred)
    bodies, trees = [], []
    for function in (true_fn, false_fn):
        body = _C.traced_body("cond", leaves, [])
        with body as examples:
            outputs, tree = _leaves("cond", function(*_pytree.unflatten(examples, structure)))
            if not outputs:
                raise TypeError("[cond] a function must return a tensor; got none")
            body.finish(outputs)
        bodies.append(body)
        trees.append(tree)
    if trees[0] != trees[1]:
        raise TypeError(
            f"[cond] both functions must return results built alike; got {_pytree.text(trees[0])} and {_pytree.text(trees[1])}"
        )
    return _pytree.unflatten(bodies[0].cond(bodies[1], pred, leaves), trees[0])


def while_loop(cond_fn, body_fn, carried_inputs):
    """``carried_inputs = body_fn(*carried_inputs)`` while ``cond_fn(*carried_inputs)`` holds: a loop in the graph.

    Both functions are traced once. There is no gradient, as the number of steps is not known; ``jvp`` and ``vmap`` work (the loop
    runs while the condition holds for any example, and those for which it does not stay as they are).

    Args:
        cond_fn: a function of the carried inputs that returns a bool tensor of one element.
        body_fn: a function of them that returns the next ones, of the same shapes and dtypes; both as ``combine_fn`` of ``scan``.
        carried_inputs: a tuple of tensors, or of tuples, lists, dicts of some.

    Returns:
        the last carried inputs, as a tuple.

    Raises:
        TypeError: the carried inputs are no tensors, or are built otherwise after a step.
        RuntimeError: they change a shape or dtype; the condition has more than one element; a function does what it cannot.
        NotImplementedError: a gradient is asked for.
    """
    _check_functions("while_loop", cond_fn=cond_fn, body_fn=body_fn)
    carries, structure = _operands("while_loop", "carried_inputs", carried_inputs)
    if not carries:
        raise TypeError("[while_loop] carried_inputs holds no tensor; pass what the loop changes")
    first = _condition("while_loop", cond_fn(*carried_inputs))
    body = _C.traced_body("while_loop", carries, [])
    with body as examples:
        result = body_fn(*_pytree.unflatten(examples, structure))
        result = tuple(result) if type(result) in (tuple, list) else (result,)
        following = _next("while_loop", result, carries, structure)
        again = _condition("while_loop", cond_fn(*_pytree.unflatten(following, structure)))
        body.finish([*following, again])
    return _pytree.unflatten(body.while_loop(first, carries), structure)
