"""CUDA graphs: what went into a stream once, launched again as one, with the same memory."""

from .. import _C
from .streams import Stream, current_stream
from .streams import stream as _stream_scope

_MODES = ("global", "thread_local", "relaxed")


class CUDAGraph:
    """What is captured between ``capture_begin`` and ``capture_end``, in a stream other than the default one; ``replay`` does it again,
    on the values that its tensors have then. It keeps the memory that it works on.

    Nothing in it may need a value (``item()``, printing, an eager operation that checks its operands' values), or draw random numbers.
    The checks of compiled functions' programs are looked at by a later ``replay``, or ``synchronize()``: RuntimeError. Numbers, such as a
    learning rate, are those of the capture.
    """

    def __init__(self):
        self._graph = _C.cuda_graph()

    def capture_begin(self, pool=None, capture_error_mode="global"):
        """Captures what goes into the current stream. ``pool``: the memory of another graph, by ``pool()`` or ``graph_pool_handle()``, which
        does not run at the same time. The mode says which calls of others meanwhile are errors."""
        if capture_error_mode not in _MODES:
            raise ValueError(
                f"[CUDAGraph] capture_error_mode is one of {', '.join(_MODES)}; got {capture_error_mode!r}"
            )
        _C.cuda_graph_begin(self._graph, pool, _MODES.index(capture_error_mode))

    def capture_end(self):
        """Ends the capture."""
        _C.cuda_graph_end(self._graph)

    def replay(self):
        """Launches it in the current stream."""
        _C.cuda_graph_replay(self._graph)

    def synchronize(self):
        """Waits for the current stream; RuntimeError where a check failed in a replay."""
        current_stream().synchronize()
        _C.cuda_graph_look_at_checks(self._graph)

    def reset(self):
        """Waits for it, and lets go of it and its memory."""
        _C.cuda_graph_reset(self._graph)

    def pool(self):
        """Its memory, for another graph's ``capture_begin``."""
        return _C.cuda_graph_pool(self._graph)


def graph_pool_handle():
    """New memory for graphs that do not run at the same time."""
    return _C.cuda_memory_pool(_C.cuda_current_device())


def is_current_stream_capturing():
    """Whether what goes into the current stream becomes part of a graph."""
    return bool(_C.cuda_device_count()) and _C.cuda_is_captured()


class graph:
    """A scope that is captured into ``cuda_graph``, in a stream of its own where none is given."""

    def __init__(self, cuda_graph, pool=None, stream=None, capture_error_mode="global"):
        self._graph, self._pool, self._mode = cuda_graph, pool, capture_error_mode
        self._stream = stream

    def __enter__(self):
        from . import synchronize

        synchronize()
        before = current_stream()
        self._scope = _stream_scope(self._stream or Stream())
        self._scope.__enter__().wait_stream(before)
        try:
            self._graph.capture_begin(self._pool, self._mode)
        except BaseException:
            self._scope.__exit__()
            raise

    def __exit__(self, kind, *exception):
        try:
            if kind is None:
                self._graph.capture_end()
            else:
                _C.cuda_graph_abandon(self._graph._graph)
        finally:
            self._scope.__exit__()


def make_graphed_callables(callables, sample_args, num_warmup_iters=3, allow_unused_input=False, pool=None):
    """Functions of tensors, each captured with its sample arguments after some calls to warm up: a call copies its arguments there, replays,
    and gives copies of the results. For functions that nothing is differentiated through: RuntimeError where a result requires grad."""
    single = callable(callables)
    functions, samples = ([callables], [sample_args]) if single else (list(callables), list(sample_args))
    made = [_graphed(*pair, num_warmup_iters, pool) for pair in zip(functions, samples)]
    return made[0] if single else tuple(made)


def _graphed(function, sample, warmup, pool):
    inputs = [t.detach().clone() for t in sample]
    side = Stream()
    side.wait_stream(current_stream())
    with _stream_scope(side):
        for _ in range(warmup):
            function(*inputs)
    current_stream().wait_stream(side)
    captured = CUDAGraph()
    with graph(captured, pool=pool):
        results = function(*inputs)
    many = results if isinstance(results, (tuple, list)) else (results,)
    if any(t.requires_grad for t in many):
        raise RuntimeError(
            "[cuda.make_graphed_callables] a result requires grad, and a graph's launch is on no tape; call it under no_grad(), or capture "
            "the whole training step with weft.cuda.graph"
        )

    def launch(*arguments):
        for place, value in zip(inputs, arguments, strict=True):
            place.copy_(value)
        captured.replay()
        copies = [t.clone() for t in many]
        return type(results)(copies) if isinstance(results, (tuple, list)) else copies[0]

    return launch
