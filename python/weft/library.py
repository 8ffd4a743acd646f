"""Operators of one's own: a Python function under a name, with a derivative.

``compile`` sees the function's Python as any other: it traces what it does with tensors, or runs it each time where it cannot be replayed.
"""

from __future__ import annotations

import collections.abc
import inspect
import types
import typing

from . import _C, _pytree
from ._C import Tensor
from .autograd.function import Function

__all__ = ["CustomOpDef", "custom_op", "infer_schema", "opcheck"]

_SCALARS = {
    int: "int",
    float: "float",
    bool: "bool",
    str: "str",
    Tensor: "Tensor",
    _C.dtype: "dtype",
    _C.device: "Device",
}
_registered: dict[str, CustomOpDef] = {}


def _type_text(kind):
    """The name of a type in a schema; None where it has none."""
    if kind in _SCALARS:
        return _SCALARS[kind]
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType) and len(inner) == 2 and type(None) in inner:
        text = _type_text(inner[0] if inner[1] is type(None) else inner[1])
        return text and text + "?"
    if origin in (list, collections.abc.Sequence) and len(inner) == 1 and _type_text(inner[0]):
        return _type_text(inner[0]) + "[]"
    return None


def _return_text(kind):
    if kind is None or kind is type(None):
        return "()"
    if typing.get_origin(kind) is tuple:
        parts = [_type_text(part) for part in typing.get_args(kind)]
        return None if None in parts else f"({', '.join(parts)})"
    return _type_text(kind)


def infer_schema(prototype_function, /, *, mutates_args, op_name=None):
    """The schema that a function's annotations say: "(Tensor x, int k=2) -> Tensor". Raises ValueError where they are none of tensors,
    numbers, strings, dtypes, devices, sequences of these and None, or mutates_args names no parameter."""
    signature = inspect.signature(prototype_function)
    hints = typing.get_type_hints(prototype_function)
    what = f"Got func with signature {signature}"
    written = set(signature.parameters) if mutates_args == "unknown" else set(mutates_args)
    if not written <= set(signature.parameters):
        raise ValueError(
            f"infer_schema(func): {written - set(signature.parameters)} in mutates_args were not found in the custom op's signature. {what}"
        )
    parts = []
    for name, parameter in signature.parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise ValueError(f"infer_schema(func): parameters must not be *args or **kwargs. {what}")
        if name not in hints:
            raise ValueError(f"infer_schema(func): Parameter {name} must have a type annotation. {what}")
        text = _type_text(hints[name])
        if text is None:
            raise ValueError(f"infer_schema(func): Parameter {name} has unsupported type {hints[name]}. {what}")
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in parts:
            parts.append("*")
        if name in written and text.startswith("Tensor"):
            text = text.replace("Tensor", f"Tensor(a{len(parts)}!)")
        default = parameter.default
        shown = f'"{default}"' if isinstance(default, str) else default
        parts.append(f"{text} {name}" + ("" if default is parameter.empty else f"={shown}"))
    if "return" not in hints:
        raise ValueError(f"infer_schema(func): No return type annotation was provided. Please add one. {what}")
    result = _return_text(hints["return"])
    if result is None:
        raise ValueError(f"infer_schema(func): Return has unsupported type {hints['return']}. {what}")
    return f"{op_name or ''}({', '.join(parts)}) -> {result}"


class CustomOpDef:
    """An operator made by ``custom_op``. Call it as its function."""

    def __init__(self, name, function, mutates_args, device_types, schema):
        self._qualname = name
        self._schema = infer_schema(function, mutates_args=mutates_args) if schema is None else schema
        self._signature = inspect.signature(function)
        self._written = mutates_args
        self._kernel = function
        self._kernels = {}  # device type → function
        self._elsewhere = function if device_types is None else None
        if device_types is not None:
            self.register_kernel(device_types, function)
        self._fake = self._backward = self._setup_context = None
        self.__name__, self.__doc__ = name, function.__doc__
        self.__wrapped__ = function
        op = self

        def forward(ctx, structure, *leaves):
            args = tuple(_pytree.unflatten(leaves, structure))
            output = op._kernel(*args)
            ctx._op_structure = structure
            if op._setup_context is not None:
                ctx._op_needs = tuple(_pytree.unflatten(ctx.needs_input_grad[1:], structure))
                _in_terms_of(ctx, args, output, op)
            return tuple(output) if isinstance(output, list) else output

        def backward(ctx, *gradients):
            if op._backward is None:
                raise RuntimeError(
                    f"Trying to backward through {name} but no autograd formula was registered. Please use register_autograd to add one."
                )
            found = op._backward(ctx, *gradients)
            found = found if isinstance(found, tuple) else (found,)
            if len(found) != len(ctx._op_structure[2]):
                raise RuntimeError(
                    f"[{name}] backward must return a gradient for each of {len(ctx._op_structure[2])} arguments; got {len(found)}"
                )
            flat = _pytree.spread(found, ctx._op_structure)
            if flat is None:
                raise RuntimeError(f"[{name}] the gradients must have the structure of the arguments; got {found!r}")
            return None, *flat

        self._autograd = type(
            name.replace("::", "_"), (Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)}
        )

    def __call__(self, *args, **kwargs):
        if _C.grad_enabled():
            for value in (*args, *kwargs.values()) if kwargs else args:
                if isinstance(value, Tensor):
                    recorded = value.requires_grad
                else:
                    recorded = isinstance(value, (list, tuple)) and any(
                        [isinstance(item, Tensor) and item.requires_grad for item in value]
                    )
                if recorded:
                    return self._recorded(args, kwargs)
        return self._kernel(*args, **kwargs)

    def _recorded(self, args, kwargs):
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        if bound.kwargs:
            raise NotImplementedError(
                f"[{self._qualname}] keyword-only arguments beside tensors that require grad; make them positional"
            )
        names = list(self._signature.parameters)
        for name, value in zip(names, bound.args):
            if (
                (self._written == "unknown" or name in self._written)
                and isinstance(value, Tensor)
                and value.requires_grad
            ):
                raise RuntimeError(
                    f"[{self._qualname}] writes to {name}, which requires grad; detach() or clone() it first"
                )
        leaves, structure = _pytree.flatten(bound.args)
        return self._autograd.apply(structure, *leaves)

    def _on_device(self, *args, **kwargs):
        devices = [value.device.type for value in _pytree.flatten((args, kwargs))[0] if isinstance(value, Tensor)]
        kernel = self._kernels.get(devices[0] if devices else "cpu", self._elsewhere)
        if kernel is None:
            raise NotImplementedError(f"[{self._qualname}] has no kernel for {devices[0]}; register_kernel() one")
        return kernel(*args, **kwargs)

    def register_kernel(self, device_types, fn=None, /):
        """Another function for tensors on a device: "cpu", "cuda", or several. A decorator without ``fn``."""
        if fn is None:
            return lambda function: self.register_kernel(device_types, function)
        for device in (
            ("cpu", "cuda")
            if device_types is None
            else (device_types,)
            if isinstance(device_types, str)
            else device_types
        ):
            self._kernels[device] = fn
        self._kernel = self._on_device
        return fn

    def register_fake(self, fn, /):
        """A function that gives results of the right shapes and dtypes without computing them. A trace runs the operator itself; it is
        ``opcheck`` that compares the two."""
        self._fake = fn
        return fn

    def register_autograd(self, backward, /, *, setup_context=None):
        """backward(ctx, *gradients of the results) gives the gradient of each argument, None for what is no tensor, a list for a list.
        setup_context(ctx, inputs, output) leaves in ctx what it needs."""
        self._backward, self._setup_context = backward, setup_context

    def __repr__(self):
        return f"<CustomOpDef({self._qualname})>"


def _in_terms_of(ctx, args, output, op):
    """Calls the user's setup_context, which sees its own arguments' needs_input_grad."""
    needs, ctx.needs_input_grad = ctx.needs_input_grad, ctx._op_needs
    parameters = inspect.signature(op._setup_context).parameters
    if "keyword_only_inputs" in parameters:
        op._setup_context(ctx=ctx, inputs=args, keyword_only_inputs={}, output=output)
    else:
        op._setup_context(ctx, args, output)
    ctx.needs_input_grad = needs


def custom_op(name, fn=None, /, *, mutates_args, device_types=None, schema=None):
    """An operator under ``name``, as "mylib::crop", from a function with annotations; a decorator without ``fn``.

    The function runs without recording. Gradients come from ``register_autograd``; without it backward() through the operator is a
    RuntimeError. mutates_args: the names of arguments that it writes to, or "unknown". device_types: "cpu", "cuda" or several, where the
    function runs; all by default. schema: instead of what the annotations say. ``weft.ops.mylib.crop`` is the operator, too.

    Raises ValueError for a name without "::", and where the annotations are none of a schema's (``infer_schema``).
    """
    if fn is None:
        return lambda function: custom_op(
            name, function, mutates_args=mutates_args, device_types=device_types, schema=schema
        )
    if name.count("::") != 1:
        raise ValueError(f"[custom_op] a name is 'namespace::name'; got {name!r}")
    op = CustomOpDef(name, fn, mutates_args, device_types, schema)
    _registered[name] = op
    return op


def opcheck(op, args, kwargs=None):
    """Compares an operator's results with what its register_fake() function says of them, and its gradients with differences where
    arguments require grad and are float64. Raises RuntimeError or GradcheckError; gives {check: "SUCCESS"}."""
    kwargs = kwargs or {}
    found = {}
    with _C.GradMode(False):
        results = _pytree.flatten(op(*args, **kwargs))[0]
        if op._fake is not None:
            said = _pytree.flatten(op._fake(*args, **kwargs))[0]
            for real, fake in zip(results, said):
                if isinstance(real, Tensor) and (real.shape != fake.shape or real.dtype is not fake.dtype):
                    raise RuntimeError(
                        f"[opcheck] register_fake() of {op._qualname} gives {fake.dtype}{list(fake.shape)}, the operator {real.dtype}{list(real.shape)}"
                    )
            if len(results) != len(said):
                raise RuntimeError(
                    f"[opcheck] register_fake() of {op._qualname} gives {len(said)} results, the operator {len(results)}"
                )
            found["test_faketensor"] = "SUCCESS"
    if any([isinstance(a, Tensor) and a.requires_grad and a.dtype is _C.float64 for a in args]):
        from .autograd import gradcheck

        gradcheck(lambda *given: op(*given, **kwargs), tuple(args))
        found["test_autograd_registration"] = "SUCCESS"
    return found


class _Namespace:
    def __init__(self, name):
        self._name = name

    def __getattr__(self, name):
        known = _registered.get(f"{self._name}::{name}") if self._name else None
        if known is not None:
            return known
        if not self._name and any([key.startswith(name + "::") for key in _registered]):
            return _Namespace(name)
        raise AttributeError(f"no custom operator {self._name + '::' if self._name else ''}{name} is registered")


ops = _Namespace("")
