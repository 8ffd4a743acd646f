"""weft.compile: trace once, replay under guards, run as Python what cannot be skipped.

The fast path (guards hold → replay) is C++ (python/bindings/Compile.cpp); this file is what happens on a miss.
"""

import copyreg
import functools
import sys
import types
from collections import deque

from . import _C
from ._compiled_module import compiled_module, compiled_of

MAX_ENTRIES = 64  # traces that are kept, those used last


def compile(function=None, *, dynamic=None, numerics="exact", fullgraph=False, check=False, mode=None):
    """Compiles a function of tensors or a module; what it does and the bits it gives stay the same.

    The first call traces; later calls with the same shapes, dtypes and Python values replay the compiled program without
    running Python. A function that prints, reads the clock or branches on a tensor's value runs as Python each time, its
    tensor operations collected into compiled segments. So does one whose numbers or sizes are others at each call: segments that
    are alike but for these share one program. Where that takes longer than the function by itself, the function is called as it is.
    ``weft.explain`` says which, and why.

    A compiled module is the module in all but its calls: of its class, with its attributes, and a module to others; methods that
    return the module (``eval``, ``to``) return the compiled one.

    Compile the whole training step, or a model alone: what a replay returns has a history, and ``backward()`` may be called on it
    outside. The learning rate of weft's optimizers and their other numbers may change from call to call.

    An index out of bounds or an integer divided by 0 is the error that it is without ``compile``, at its line, and leaves what
    came before it: a program that meets one has changed nothing, and Python then runs the function in its place.

    What is read or called and cannot be guarded (an iterator, a NumPy array, a lock, the clock) makes a call run as Python. Nothing
    that the program holds is compared by an ``__eq__`` of its own.

    Args:
        function: a function, method or Module; without it, a decorator is returned.
        dynamic: None or True: sizes and numbers that are found to vary become symbols and inputs of one program; False: each call
            with others is traced and compiled by itself, and the last 64 of these programs are kept. A dict declares sizes that vary:
            with ``{"x": {0: (1, 1024)}}`` the argument ``x`` has 1 to 1024 entries along its axis 0. They are symbols from the first
            call on, where the shapes alone tell what else varies with them, and a size out of bounds is a ValueError.
        numerics: "exact": bit-identical to eager.
        fullgraph: a call that cannot be replayed is an error.
        check: also runs eagerly and compares the bits, at each call. A difference is an error that names the op, its line and the
            compiler's pass, and leaves a file, ``weft-check-*.mlir``, with the ops and values that reproduce it.
        mode: PyTorch's choice between ways to compile, of which there is one; has no effect.
    """
    if function is None:
        return functools.partial(compile, dynamic=dynamic, numerics=numerics, fullgraph=fullgraph, check=check)
    if not callable(function):
        raise TypeError(
            f"[compile] needs a function or a Module; got {type(function).__name__}; pass the callable itself"
        )
    if numerics != "exact":
        raise NotImplementedError(f"[compile] numerics must be 'exact'; got {numerics!r}")
    if type(dynamic) not in (type(None), bool, dict):
        raise TypeError(
            f"[compile] dynamic must be None, True, False or a dict of sizes that vary, as in {{'x': {{0: (1, 1024)}}}}; got {dynamic!r}; "
            "sizes that vary are found without a declaration"
        )
    return _compiled(function, dynamic, fullgraph, check)


def _compiled(function, *options):
    if known := compiled_of(function):
        function = known.__wrapped__
    compiled = Compilation(function, *options).compiled
    if not isinstance(function, _C.ModuleBase):
        return compiled
    return compiled_module(function, compiled, functools.partial(_compiled_with, options))


def _compiled_with(options, function):
    return _compiled(function, *options)


def _reduce(compiled):
    """What pickle and copy keep: the name of a function that was compiled where it is defined, else what is compiled, anew."""
    found = sys.modules.get(compiled.__module__)
    name = getattr(compiled, "__qualname__", "")
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is compiled:
        return name
    of = compiled.compilation
    return _compiled_with, ((of.dynamic, of.fullgraph, of.check), compiled.__wrapped__)


copyreg.pickle(_C.Compiled, _reduce)


class Compilation:
    """The state of one compiled function."""

    def __init__(self, function, dynamic, fullgraph, check):
        self.function = function
        self.dynamic = dynamic
        self.sizes = None
        if type(dynamic) is dict:
            from ._declared_sizes import DeclaredSizes

            self.sizes = DeclaredSizes(function, dynamic)
        self.fullgraph = fullgraph
        self.check = check
        self.retraces = deque(maxlen=MAX_ENTRIES)  # why the last traces after the first were needed
        self.paths = {}  # entry → what its guards are about
        self.last_reason = None  # why the last trace could not be replayed
        self.last = None
        adaptive = not (dynamic is False or fullgraph or check)
        self.compiled = _C.make_compiled(function, self.miss, adaptive, self.sizes and self.sizes.check)
        self.compiled.compilation = self
        self.compiled.__doc__ = function.__doc__
        self.compiled.__module__ = getattr(function, "__module__", None)

    def miss(self, args, kwargs):
        with _C.trace_turn() as mine:
            if mine:
                return self._miss(args, kwargs)
        return self.function(*args, **kwargs)  # while another thread traces: the same bits

    def _miss(self, args, kwargs):
        entries = _C.entries(self.compiled)
        if entries:
            self.retraces.append(self._why_missed(entries[0], args, kwargs))
        if self.check:
            return self._checked(args, kwargs)
        return self._trace(args, kwargs)

    def _trace(self, args, kwargs, keep=True):
        from . import _capture, _watch  # with what they know of Python's library; a program may never trace

        capture, watch = _capture.Capture(), _watch.Watch(tell=_C.not_replayable)
        try:
            capture.walk(self.function, _name_of(self.function))
            capture.walk(_C.global_module_hooks, "the hooks of all modules")
            capture.arguments(args, kwargs)
        except RecursionError:
            capture.reason = "it reaches values that are nested too deeply"
        guards, transient = _C.guard_set(capture.guards), _C.guard_set(capture.transient)

        def after():
            watch.stop()
            return _watch.not_replayable(capture, watch, guards, transient)

        varying = self.sizes.varying(args, kwargs) if self.sizes else []
        specialised = self.dynamic is False
        watch.start()
        try:
            reached = list(capture.reached.values())
            result, traced = _C.run_traced(
                self.function, args, kwargs, after, reached, capture.reason, specialised, self.check, varying
            )
        finally:
            watch.stop()
        self.last = traced
        if not traced.reason:
            self.last_reason = None
            if keep:
                for index, but_zero in capture.free_numbers(traced.numbers, watch):
                    guards.accept_any_float(index, but_zero)
                traced.set_guards(guards)
                _C.add_entry(self.compiled, traced)
                if len(_C.entries(self.compiled)) > MAX_ENTRIES:
                    _C.forget_oldest_entry(self.compiled)
            kept = _C.entries(self.compiled)
            self.paths = {entry: paths for entry, paths in self.paths.items() if entry in kept}
            self.paths[traced] = capture.paths
        else:
            self.last_reason = traced.reason
            if self.fullgraph:
                self._refuse()
        return result

    def _refuse(self):
        raise RuntimeError(
            f"[compile] fullgraph=True, but the call cannot be replayed: {self.last_reason}; move that out of the function, or "
            "leave fullgraph out"
        )

    def _why_missed(self, entry, args, kwargs):
        why = entry.mismatch(args, kwargs)
        if why and why.startswith("guard "):
            paths = self.paths.get(entry)
            return f"{paths[int(why[6:])]} changed" if paths else "a Python value changed"
        return why or "the guards hold"

    def _checked(self, args, kwargs):
        """Runs compiled, puts everything back, runs eagerly, and compares."""
        # What the function will write is known only after a trace: run it once, from copies of all that it may touch.
        seed = _C.generator_state()
        touched = _tensors_of((args, kwargs))
        before = {id(t): (t, t.detach().clone(), t.grad) for t in touched}
        result = self._trace(args, kwargs, keep=False)
        for t in self.last.captured:
            if id(t) not in before:
                before[id(t)] = (t, None, t.grad)
        written = {key: t.detach().clone() for key, (t, copy, _) in before.items()}
        missing = [t for t, copy, _ in before.values() if copy is None]
        if missing and any(t._version for t in missing):
            # Captured tensors have no copy from before: compare this call's results only.
            return result
        after = _C.generator_state()
        with _C.GradMode(False):
            for t, copy, grad in before.values():
                if copy is not None and not t.requires_grad:
                    t.copy_(copy)
                t.grad = grad
        _C.set_generator_state(*seed)
        eager = self.function(*args, **kwargs)
        _C.set_generator_state(*after)
        mine, theirs = _tensors_of(result), _tensors_of(eager)
        for i, (a, b) in enumerate(zip(mine, theirs)):
            if _bits(a) != _bits(b):
                raise RuntimeError(f"[compile] check=True: result {i} differs from eager's in {_count(a, b)} elements")
        for key, (t, _, _) in before.items():
            if _bits(t) != _bits(written[key]):
                raise RuntimeError("[compile] check=True: a tensor written by the function differs from eager's")
        return result


def _name_of(function):
    return function.__name__ if isinstance(function, types.FunctionType) else "the module"


def _tensors_of(value):
    if isinstance(value, _C.Tensor):
        return [value]
    if isinstance(value, (tuple, list)):
        return [t for item in value for t in _tensors_of(item)]
    if isinstance(value, dict):
        return [t for item in value.values() for t in _tensors_of(item)]
    if hasattr(value, "parameters") and hasattr(value, "buffers"):
        return [*value.parameters(), *value.buffers()]
    return []


def _bits(tensor):
    return (tensor.dtype, tensor.shape, _C.raw_bytes(tensor.detach().cpu().contiguous()))


def _count(a, b):
    size = a.dtype.itemsize
    x, y = _bits(a)[2], _bits(b)[2]
    return sum(x[i : i + size] != y[i : i + size] for i in range(0, min(len(x), len(y)), size))
