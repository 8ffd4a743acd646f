"""compile(dynamic={"x": {0: (1, 1024)}}): sizes of arguments that are said to vary, within bounds."""

import inspect

from . import _C

_EXAMPLE = 'as in dynamic={"x": {0: (1, 1024)}}: of the argument x, axis 0 has 1 to 1024 entries'


class DeclaredSizes:
    """Which axes of which arguments of a function vary, and within what bounds.

    Raises:
        TypeError: ``declared`` is not built as in the example, or names no parameter of the function.
        ValueError: bounds that no size keeps.
    """

    def __init__(self, function, declared):
        self.declared = {}  # name → {axis: (least, most)}
        called = function.forward if isinstance(function, _C.ModuleBase) else function
        try:
            parameters = inspect.signature(called).parameters
        except ValueError as error:  # of C
            raise TypeError(
                f"[compile] dynamic needs the names of the parameters, which {_name(function)} does not tell; compile a Python function "
                "that calls it"
            ) from error
        self._places = {}  # name → its position among the arguments, or None
        for i, (name, parameter) in enumerate(parameters.items()):
            if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
                self._places[name] = i
            elif parameter.kind is parameter.KEYWORD_ONLY:
                self._places[name] = None
        for name, axes in declared.items():
            if name not in self._places:
                raise TypeError(
                    f"[compile] dynamic names {name!r}, which is no parameter of {_name(function)}; it has {_list(self._places)}"
                )
            if not isinstance(axes, dict):
                raise TypeError(
                    f"[compile] dynamic must say of {name} which axes vary; got {type(axes).__name__}; {_EXAMPLE}"
                )
            self.declared[name] = {axis: self._bounds(name, axis, bounds) for axis, bounds in axes.items()}

    @staticmethod
    def _bounds(name, axis, bounds):
        if type(axis) is not int or type(bounds) not in (tuple, list) or [type(b) for b in bounds] != [int, int]:
            raise TypeError(f"[compile] dynamic has {axis!r}: {bounds!r} for {name}; {_EXAMPLE}")
        least, most = bounds
        if not 0 <= least <= most:
            raise ValueError(
                f"[compile] dynamic has bounds {least} to {most} for axis {axis} of {name}; the least must be from 0 on, and not "
                "above the most"
            )
        return least, most

    def check(self, *args, **kwargs):
        """Raises ValueError where a size is out of bounds, and TypeError where an argument has no sizes."""
        self.varying(args, kwargs)

    def varying(self, args, kwargs):
        """(tensor, axis) of each axis declared, of the arguments that are given."""
        found = []
        for name, axes in self.declared.items():
            place = self._places[name]
            if name in kwargs:
                value = kwargs[name]
            elif place is not None and place < len(args):
                value = args[place]
            else:
                continue  # its default
            if not isinstance(value, _C.Tensor):
                raise TypeError(
                    f"[compile] dynamic declares sizes of {name}, which must be a tensor; got {type(value).__name__}; pass the tensor, "
                    "or leave the name out of dynamic"
                )
            shape = value.shape
            for axis, (least, most) in axes.items():
                if not -len(shape) <= axis < len(shape):
                    raise ValueError(
                        f"[compile] dynamic declares the size of axis {axis} of {name}, which has no such axis; got shape {list(shape)}"
                    )
                if not least <= shape[axis] <= most:
                    raise ValueError(
                        f"[compile] axis {axis} of {name} must have {least} to {most} entries, as dynamic declares; got shape "
                        f"{list(shape)}; declare wider bounds, or pass a tensor within them"
                    )
                found.append((value, axis % len(shape)))
        return found


def _name(function):
    return getattr(function, "__name__", type(function).__name__)


def _list(names):
    return ", ".join(names) or "none"
