"""Grad mode: which operations backward() will go over."""

from __future__ import annotations

import functools
import warnings

from .. import _C
from .._public import public


def _in_mode(mode, steps):
    """Yields what a generator or the iterator of an awaitable yields. The mode holds while that runs, not while it is suspended."""
    resume, value = steps.send, None
    try:
        while True:
            with _C.GradMode(mode):
                result = resume(value)
            try:
                resume, value = steps.send, (yield result)
            except GeneratorExit:
                with _C.GradMode(mode):
                    steps.close()
                raise
            except BaseException as error:
                resume, value = steps.throw, error
    except StopIteration as end:
        return end.value


class _AwaitInMode:
    def __init__(self, mode, awaitable):
        self._mode, self._awaitable = mode, awaitable

    def __await__(self):
        return _in_mode(self._mode, self._awaitable.__await__())


def _function(mode, function):
    def wrapper(*args, **kwargs):
        with _C.GradMode(mode):
            return function(*args, **kwargs)

    return wrapper


def _generator(mode, function):
    def wrapper(*args, **kwargs):
        return (yield from _in_mode(mode, function(*args, **kwargs)))

    return wrapper


def _coroutine(mode, function):
    async def wrapper(*args, **kwargs):
        return await _AwaitInMode(mode, function(*args, **kwargs))

    return wrapper


def _asynchronous_generator(mode, function):
    async def wrapper(*args, **kwargs):
        generator = function(*args, **kwargs)
        step = generator.asend(None)
        try:
            while True:
                result = await _AwaitInMode(mode, step)
                try:
                    step = generator.asend((yield result))
                except GeneratorExit:
                    await _AwaitInMode(mode, generator.aclose())
                    raise
                except BaseException as error:
                    step = generator.athrow(error)
        except StopAsyncIteration:
            return

    return wrapper


def _decorate(mode, function):
    """The function with ``mode`` in force while its body runs, be it a function, a generator or asynchronous."""
    import inspect  # late: decorators are few, and importing weft is quick

    if not callable(function):
        raise TypeError(f"[grad mode] decorates functions; got {type(function).__name__}; use it in a with statement")
    if inspect.isclass(function):
        warnings.warn(
            "[grad mode] of a class holds only while an instance is made; decorate its methods instead",
            FutureWarning,
            stacklevel=3,
        )
    wrap = _function
    if inspect.isgeneratorfunction(function):
        wrap = _generator
    elif inspect.iscoroutinefunction(function):
        wrap = _coroutine
    elif inspect.isasyncgenfunction(function):
        wrap = _asynchronous_generator
    return functools.wraps(function)(wrap(mode, function))


class _GradMode(_C.GradMode):
    """A context manager that is also a decorator; nests."""

    __slots__ = ()

    def __call__(self, function):
        return _decorate(self.mode, function)


class no_grad(_GradMode):
    """Operations inside are not recorded for backward(). Decorates with or without parentheses."""

    __slots__ = ()
    enabled = False


class enable_grad(_GradMode):
    """Operations inside are recorded for backward(), also within no_grad. Decorates with or without parentheses."""

    __slots__ = ()
    enabled = True


class inference_mode(_GradMode):
    """no_grad, or enable_grad with ``mode=False``. Decorates with or without parentheses."""

    __slots__ = ()

    def __new__(cls, mode=True):
        if isinstance(mode, bool):
            return super().__new__(cls, not mode)
        return cls()(mode)


class set_grad_enabled:
    """Sets the mode at once; as a context manager restores it at the end, as a decorator leaves it and sets it in the function."""

    def __init__(self, mode):
        if not isinstance(mode, bool):
            raise TypeError(f"[set_grad_enabled] mode must be a bool; got {type(mode).__name__}")
        self.mode = mode
        self._before = _C.grad_enabled()
        _C.set_grad_enabled(mode)

    def __enter__(self):
        _C.set_grad_enabled(self.mode)

    def __exit__(self, *exception):
        _C.set_grad_enabled(self._before)

    def __call__(self, function):
        _C.set_grad_enabled(self._before)
        return _decorate(self.mode, function)


@public
def is_grad_enabled() -> bool:
    """Whether operations are recorded for backward()."""
    return _C.grad_enabled()
