"""Branches and loops. What is known when Python runs decides in Python; a condition that is a tensor's value is asked for."""

import numpy

import weft

from .. import host
from ..table import operator
from ..values import to_array, to_tensor


def _tensor(x):
    return to_tensor(x) if host.is_known(x) and x.dtype.kind not in "OUS" else x


def _truth(value):
    if value is None:
        return True
    array = to_array(value)
    if array.size != 1:
        raise ValueError(f"a condition must have one element; got shape {list(array.shape)}")
    return bool(array.reshape(-1)[0])


def _in_graph(build):
    """What ``build()`` gives, a branch or loop of the graph; None where it cannot be one: its types are not those of all ways through it."""
    try:
        return build()
    except (RuntimeError, TypeError, NotImplementedError):
        return None


@operator("If", 1, 11, 13, 16, 19, 21, 23, 24, 25, raw=True)
def if_(condition, *, then_branch, else_branch):
    if weft._C.tracing() and isinstance(condition, weft.Tensor):

        def chosen(branch):
            return lambda: tuple([_tensor(r) for r in branch()])

        found = _in_graph(lambda: weft.cond(condition.reshape(()), chosen(then_branch), chosen(else_branch)))
        if found is not None:
            return found
    return (then_branch if _truth(condition) else else_branch)()


@operator("Loop", 1, 11, 13, 16, 19, 21, 23, 24, 25, raw=True)
def loop(trips, condition, *carried, outputs, body):
    """(the last carried values, what each trip gave besides, stacked)."""
    count, carried = len(carried), list(carried)
    if (
        weft._C.tracing()
        and outputs == count
        and (isinstance(trips, weft.Tensor) or isinstance(condition, weft.Tensor))
    ):
        found = _in_graph(lambda: _while_loop(trips, condition, carried, body))
        if found is not None:
            return found
    limit = None if trips is None else int(to_array(trips).reshape(-1)[0])
    stacked = [[] for _ in range(outputs - count)]
    going, trip = condition, 0
    while (limit is None or trip < limit) and _truth(going):
        given = numpy.array(True) if going is None else going
        following, *results = body(numpy.array(trip, numpy.int64), given, *carried)
        going = (
            following if condition is not None else None
        )  # without a condition what the body says of it counts for nothing
        carried = results[:count]
        for column, value in zip(stacked, results[count:]):
            column.append(_tensor(value))
        trip += 1
    if not trip and stacked:  # of what shape they would be, a trip says
        results = body(numpy.array(0, numpy.int64), numpy.array(True), *carried)[1 + count :]
        return (*carried, *(weft.stack([_tensor(value)])[:0] for value in results))
    return (*carried, *(weft.stack(column) for column in stacked))


def _while_loop(trips, condition, carried, body):
    """As a loop of the graph, which has no gradient."""
    carried = [_tensor(c) for c in carried]
    if weft.is_grad_enabled() and any([c.requires_grad for c in carried]):
        return None
    limit = None if trips is None else _tensor(trips).reshape(())
    going = weft.full((), True, dtype=weft.bool) if condition is None else _tensor(condition).reshape(())

    def again(trip, going, *_):
        return going if limit is None else going & (trip < limit)

    def step(trip, going, *values):
        following, *results = body(trip, going, *values)
        following = going if condition is None else _tensor(following).reshape(())
        return (trip + 1, following, *(_tensor(r) for r in results))

    return tuple(weft.while_loop(again, step, (weft.zeros((), dtype=weft.int64), going, *carried))[2:])


@operator("Scan", 9, 11, 16, 19, 21, 23, 24, 25, raw=True)
def scan(
    *values, body, num_scan_inputs, scan_input_axes=None, scan_input_directions=None, scan_output_axes=None,
    scan_output_directions=None,
):  # fmt: skip
    values = [_tensor(v) for v in values]
    states, sequences = values[: len(values) - num_scan_inputs], values[len(values) - num_scan_inputs :]
    return _scan(
        states, sequences, body, scan_input_axes, scan_input_directions, scan_output_axes, scan_output_directions
    )


def _scan(states, sequences, body, input_axes, input_directions, output_axes, output_directions):
    fronts = []
    for i, x in enumerate(sequences):
        x = x.movedim(input_axes[i], 0) if input_axes else x
        fronts.append(weft.flip(x, [0]) if input_directions and input_directions[i] else x)

    def step(carry, now):
        results = [_tensor(r) for r in body(*carry, *now)]
        return tuple(results[: len(states)]), tuple(results[len(states) :])

    begin = tuple(states)
    if len(body.graph.outputs) == len(states):
        last, _ = weft.scan(lambda carry, now: (step(carry, now)[0], None), begin, tuple(fronts))
        return last
    last, stacked = weft.scan(step, begin, tuple(fronts))
    outputs = []
    for i, y in enumerate(stacked):
        y = weft.flip(y, [0]) if output_directions and output_directions[i] else y
        outputs.append(y.movedim(0, output_axes[i]) if output_axes and output_axes[i] else y)
    return (*last, *outputs)


@operator("Scan", 8, raw=True)
def scan_of_8(lengths, *values, body, num_scan_inputs, directions=None):
    """Of opset 8: each example by itself, the batch in front."""
    if lengths is not None:
        raise NotImplementedError("lengths a sequence are not supported; supported are sequences of one length")
    values = [_tensor(v) for v in values]
    count = len(values) - num_scan_inputs
    examples = [
        _scan([v[n] for v in values[:count]], [v[n] for v in values[count:]], body, None, directions, None, None)
        for n in range(values[0].shape[0])
    ]
    return tuple(weft.stack(results) for results in zip(*examples))
