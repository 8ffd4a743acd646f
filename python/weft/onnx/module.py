"""The module of a loaded model."""

import weft
from weft import nn

from . import graph as graphs
from . import host
from .values import to_tensor


class Model(nn.Module):
    """What ``weft.onnx.load`` gives. ``input_names`` and ``output_names`` are those of the file; ``default_names`` are inputs that need not be given;
    ``size_names`` says of each input that is a tensor how the sizes that may vary are called, with "" for those that do not."""

    def __init__(self, graph, inputs, defaults, size_names, builder):
        super().__init__()
        self.input_names = tuple(name for name, _, _ in inputs)
        self.output_names = graph.outputs
        self.default_names = tuple(name for name, _, _ in defaults)
        self.size_names = size_names
        self._inputs = inputs
        self._defaults = defaults
        self._graph = graph
        self._places = tuple(
            [(name, *self._place(name, array, name in builder.buffers)) for name, array in builder.weights.items()]
        )

    @property
    def __signature__(self):
        """The inputs as parameters, for whoever names them: files and headers."""
        import inspect
        import keyword

        names = []
        for name in self.input_names:
            name = "".join(c if c.isalnum() or c == "_" else "_" for c in name)
            name = name if name.isidentifier() and not keyword.iskeyword(name) else f"input_{name}"
            names.append(name if name not in names else f"{name}_{len(names)}")
        return inspect.Signature([inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in names])

    def _place(self, name, array, is_buffer):
        """Where a weight lies: (names of modules, its name); by the dots of its name where these make attributes."""
        *path, last = name.split(".")
        holder = self
        for part in path:
            if part not in holder._modules and (not part or hasattr(holder, part)):
                return self._hold(self, (), name.replace(".", "_"), array, is_buffer)
            if part not in holder._modules:
                holder.add_module(part, nn.Module())
            holder = holder._modules[part]
        return self._hold(holder, tuple(path), last, array, is_buffer)

    def _hold(self, holder, path, name, array, is_buffer):
        name = name or "_"
        while hasattr(holder, name):
            name += "_"
        tensor = to_tensor(array)
        if tensor.dtype.is_floating_point and not is_buffer:
            holder.register_parameter(name, nn.Parameter(tensor))
        else:
            holder.register_buffer(name, tensor)
        return path, name

    def forward(self, *args, **kwargs):
        """The model's outputs for its inputs: a tensor, or a tuple of several."""
        instead = {}
        for name, dtype, sizes in self._defaults:
            if name in kwargs:
                instead[name] = kwargs.pop(name)
                _check(name, dtype, sizes, instead[name])
        values = self._bound(args, kwargs)
        weights = {}
        for name, path, attribute in self._places:
            holder = self
            for part in path:
                holder = holder._modules[part]
            weights[name] = getattr(holder, attribute)
        results = graphs.run(self._graph, values, weights, instead)
        results = tuple([_finished(r) for r in results])
        return results[0] if len(results) == 1 else results

    def _bound(self, args, kwargs):
        names = self.input_names
        if len(args) > len(names):
            raise TypeError(f"[onnx] the model takes {len(names)} inputs ({', '.join(names)}); got {len(args)}")
        values = dict(zip(names, args))
        for name, value in kwargs.items():
            if name not in names or name in values:
                raise TypeError(
                    f"[onnx] the model has no input {name!r} besides those given; its inputs are {', '.join(names)}"
                )
            values[name] = value
        if len(values) != len(names):
            missing = [n for n in names if n not in values]
            raise TypeError(f"[onnx] the model's input {missing[0]!r} is missing; its inputs are {', '.join(names)}")
        for name, dtype, sizes in self._inputs:
            _check(name, dtype, sizes, values[name])
        return [values[name] for name in names]

    def extra_repr(self):
        return f"{', '.join(self.input_names)} -> {', '.join(self.output_names)}, steps={len(self._graph.steps)}"


def example(model, given):
    """Zeros of the types of a model's inputs. ``given``: sizes that the file leaves open, by their names (``size_names``)."""
    known = {n for names in model.size_names.values() for n in names if n}
    unknown = sorted(set(given) - known)
    if unknown:
        raise RuntimeError(
            f"[onnx] the model has no open size {unknown[0]!r}; there are {', '.join(sorted(known)) or 'none'}"
        )
    tensors = []
    for name, dtype, sizes in model._inputs:
        if dtype is None or sizes is None:
            raise RuntimeError(
                f"[onnx] the input {name!r} is no tensor of a known rank, which a library needs; "
                "weft.export(weft.onnx.load(path), arguments, path) takes those of arguments"
            )
        names = model.size_names[name]
        missing = [n for n, s in zip(names, sizes) if s is None and n not in given]
        if missing:
            raise RuntimeError(
                f"[onnx] the input {name!r} is of shape [{', '.join(n or str(s) for n, s in zip(names, sizes))}]; a library is for one size: add "
                + " ".join(f"--size {n}=8" for n in dict.fromkeys(missing))
                + ", or as many as it shall take"
            )
        tensors.append(weft.zeros([given[n] if s is None else s for n, s in zip(names, sizes)], dtype=dtype))
    return tuple(tensors)


def _check(name, dtype, sizes, value):
    if dtype is None:
        return
    if not isinstance(value, weft.Tensor):
        raise TypeError(f"[onnx] the input {name!r} must be a tensor; got {type(value).__name__}; use weft.tensor()")
    if value.dtype is not dtype:
        raise TypeError(
            f"[onnx] the input {name!r} must be {dtype.name}; got {graphs.describe(value)}; use .to(weft.{dtype.name})"
        )
    if sizes is not None and (
        len(sizes) != value.ndim or any([s is not None and s != own for s, own in zip(sizes, value.shape)])
    ):
        wanted = [("any" if s is None else s) for s in sizes]
        raise ValueError(f"[onnx] the input {name!r} must be of shape {wanted}; got {list(value.shape)}")


def _finished(value):
    if isinstance(value, list):
        return [_finished(v) for v in value]
    return to_tensor(value) if host.is_known(value) and value.dtype.kind not in "OUS" else value
