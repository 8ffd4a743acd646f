"""weft.udf: a library that weft-aot made, as a function of NumPy arrays and of tables, for the workers of data engines."""

from __future__ import annotations

import ctypes
import json
import os
import re
import sys
import threading
from typing import Any

import numpy

_SIZE = re.compile(r"\d+|s(\d+)")
# What this process has opened; a file that was replaced is another one.
_opened: dict[tuple[Any, ...], _Library] = {}
_lock = threading.Lock()


class _Parameter:
    def __init__(self, of: dict[str, Any]) -> None:
        self.name, self.shape, self.is_written = of["name"], of["shape"], of["written"]
        self.type_name = of["dtype"]
        self.dtype = None if of["dtype"] == "bfloat16" else numpy.dtype(of["dtype"])

    def __str__(self) -> str:
        return f"{self.type_name}[{', '.join(self.shape)}]"

    def sizes(self, symbols: list[Any]) -> list[Any]:
        """The shape, None where a symbol is not known. A size is a product: "2*s0"."""
        result: list[Any] = []
        for size in self.shape:
            factors = [symbols[int(f[1:])] if f[0] == "s" else int(f) for f in size.split("*")]
            result.append(None if None in factors else int(numpy.prod(factors)))
        return result


class _Library:
    """An opened library and what it says of its parameters."""

    def __init__(self, path: str, weights: str | None) -> None:
        try:
            library = ctypes.CDLL(path)
        except OSError as error:
            raise OSError(f"[udf] cannot open the library: {error}; make it with weft-aot for this machine") from None
        try:
            text = ctypes.c_char_p.in_dll(library, "weft_model_interface").value
        except ValueError:
            raise ValueError(f"[udf] must be a library of this version's weft-aot; got {path}; make it again") from None
        interface = json.loads(text or b"")
        name = interface["name"]
        self.inputs = [_Parameter(p) for p in interface["inputs"]]
        self.outputs = [_Parameter(p) for p in interface["outputs"]]
        self.symbols: int = interface["symbols"]
        if interface["states"]:
            states = ", ".join(state["name"] for state in interface["states"][:3])
            raise ValueError(
                f"[udf] the model must keep nothing from call to call; got {path} with {states}; export it after eval()"
            )
        for p in self.inputs + self.outputs:
            if p.is_written:
                raise ValueError(
                    f"[udf] the model must not write to its arguments; got {path}, which writes to {p.name}"
                )
            if p.dtype is None:
                raise TypeError(
                    f"[udf] NumPy has no bfloat16; got {p.name} of {path}; export a model that takes float32"
                )
        self._run, self._error = getattr(library, f"{name}_run"), getattr(library, f"{name}_error")
        self._error.restype = ctypes.c_char_p
        if interface["weights"]:
            if weights is None:
                raise ValueError(f"[udf] the weights of {path} are in a file beside it; name it with weights=")
            if getattr(library, f"{name}_load")(os.fsencode(weights)):
                raise ValueError(f"[udf] {self._error().decode()}")

    def run(self, arrays: list[numpy.ndarray], symbols: list[int]) -> list[numpy.ndarray]:
        """Contiguous arrays of the parameters' shapes. Any thread may call it; the interpreter's lock is free meanwhile."""
        results = [numpy.empty(p.sizes(list(symbols)), p.dtype) for p in self.outputs]
        pointers = [ctypes.c_void_p(a.ctypes.data) for a in arrays + results]
        if self._run(*pointers, *map(ctypes.c_int64, symbols)):
            raise RuntimeError(f"[udf] {self._error().decode()}")
        return results


def _open(path: str, weights: str | None) -> _Library:
    try:
        status = os.stat(path)
    except OSError as error:
        raise FileNotFoundError(
            f"[udf] the library must be on each machine that calls it, under the same path; {error}"
        ) from None
    key = path, weights, status.st_dev, status.st_ino, status.st_mtime_ns
    with _lock:
        if key not in _opened:
            _opened[key] = _Library(path, weights)
        return _opened[key]


def _is_table(batch: Any) -> bool:
    kind = type(batch)
    return isinstance(batch, dict) or (
        kind.__module__.partition(".")[0] in ("pyarrow", "pandas", "polars")
        and kind.__name__ in ("RecordBatch", "Table", "DataFrame")
    )


def _lists(pyarrow: Any, matrix: numpy.ndarray) -> Any:
    """A column of its rows. Lists whose type does not say that they are of one length, as Spark knows no others."""
    starts = (
        numpy.arange(0, matrix.size + 1, matrix.shape[1], dtype="int32")
        if matrix.size
        else numpy.zeros(len(matrix) + 1, "int32")
    )
    return pyarrow.ListArray.from_arrays(pyarrow.array(starts), pyarrow.array(matrix.reshape(-1)))


def _array_of(value: Any) -> numpy.ndarray:
    """The memory of an array, a tensor or a column."""
    if isinstance(value, numpy.ndarray):
        return value
    from . import _buffers

    return numpy.asarray(value) if isinstance(value, (list, tuple, numpy.generic)) else _buffers.asarray(value).numpy()


class Udf:
    """What ``weft.udf`` gives. ``inputs`` and ``outputs`` describe the parameters: {name: "float32[s0, 3]"}."""

    def __init__(self, path: str, columns: list[str] | None, rows: bool, weights: str | None) -> None:
        self.path, self.columns, self.rows, self.weights = path, columns, rows, weights
        library = _open(path, weights)
        self.inputs = {p.name: str(p) for p in library.inputs}
        self.outputs = {p.name: str(p) for p in library.outputs}
        if columns is not None and (len(library.inputs) != 1 or len(library.inputs[0].shape) != 2):
            raise ValueError(
                f"[udf] columns= are those of the one matrix that a model takes; got {self.inputs}; name a table's columns after the parameters"
            )
        batches = {p.shape[0] if p.shape else None for p in library.inputs + library.outputs}
        if rows and (len(batches) != 1 or not str(*batches).isdigit() or str(*batches) == "0"):
            raise ValueError(
                f"[udf] rows=True is for models whose arguments and results have one fixed number of rows; got {self.inputs} and {self.outputs}; leave it out"
            )

    def __reduce__(self) -> Any:
        return Udf, (self.path, self.columns, self.rows, self.weights)

    def __repr__(self) -> str:
        return f"weft.udf({self.path!r}): {self.inputs} -> {self.outputs}"

    # ---- arrays

    def _checked(self, p: _Parameter, value: Any, symbols: list[int | None]) -> numpy.ndarray:
        array = _array_of(value)
        if array.dtype != p.dtype and not (array.dtype.kind in "biuf" and numpy.can_cast(array.dtype, p.dtype, "safe")):  # type: ignore[arg-type]
            raise TypeError(
                f"[udf] {p.name} must be {p.type_name}; got {array.dtype}{list(array.shape)}; convert it with astype({p.type_name!r})"
            )
        # The first of a symbol's places decides its value.
        for size, expected in zip(array.shape, p.shape):
            match = _SIZE.fullmatch(expected)
            if match and match[1] and symbols[int(match[1])] is None:
                symbols[int(match[1])] = size
        shape = p.sizes(symbols)
        if self.rows and array.ndim:
            shape[0] = len(array)
        if list(array.shape) != shape:
            first = bool(p.shape) and p.shape[0].isdigit() and list(array.shape)[1:] == shape[1:]
            raise ValueError(
                f"[udf] {p.name} must be {p}; got {array.dtype}{list(array.shape)}; "
                + (
                    "rows=True cuts batches to the model's, whose rows must not depend on each other"
                    if first
                    else "reshape it"
                )
            )
        return numpy.ascontiguousarray(array, p.dtype)

    def _results(self, arguments: Any, named: dict[str, Any]) -> list[numpy.ndarray]:
        library = _open(self.path, self.weights)
        names = [p.name for p in library.inputs]
        given = {**dict(zip(names, arguments)), **named}
        if len(arguments) > len(names) or len(given) != len(arguments) + len(named) or set(given) != set(names):
            raise TypeError(
                f"[udf] takes {', '.join(names)}; got {len(arguments)} arguments and {sorted(named)}; pass each parameter once"
            )
        symbols: list[int | None] = [None] * library.symbols
        arrays = [self._checked(p, given[p.name], symbols) for p in library.inputs]
        if self.rows:
            return self._by_rows(library, arrays)
        if None in symbols:
            raise ValueError(f"[udf] the sizes of {', '.join(names)} do not say all of the model's; got {self.inputs}")
        return library.run(arrays, symbols)  # type: ignore[arg-type]

    def _by_rows(self, library: _Library, arrays: list[numpy.ndarray]) -> list[numpy.ndarray]:
        counts, size = {len(a) for a in arrays}, int(library.inputs[0].shape[0])
        if len(counts) != 1:
            raise ValueError(f"[udf] all arguments must have as many rows; got {[list(a.shape) for a in arrays]}")
        count = counts.pop()
        results = [numpy.empty([count, *p.sizes([])[1:]], p.dtype) for p in library.outputs]
        for start in range(0, count, size):
            pieces = [a[start : start + size] for a in arrays]
            left = len(pieces[0])
            if left < size:  # filled up with its last row
                pieces = [numpy.concatenate([a, numpy.repeat(a[-1:], size - left, 0)]) for a in pieces]
            for result, piece in zip(results, library.run(pieces, [])):
                result[start : start + left] = piece[:left]
        return results

    # ---- tables

    def _table_arguments(self, batch: Any) -> dict[str, Any]:
        def column(name: str) -> Any:
            try:
                return batch[name]
            except (KeyError, IndexError):
                names = getattr(batch, "column_names", None) or list(getattr(batch, "columns", batch))
                raise KeyError(
                    f"[udf] the table must have the column {name!r}; got {list(names)}; name the columns after {', '.join(self.inputs)}, or say columns="
                ) from None

        if self.columns is None:
            return {name: column(name) for name in self.inputs}
        arrays = [_array_of(column(name)) for name in self.columns]
        return {next(iter(self.inputs)): numpy.stack(arrays, 1)}

    def _table(self, batch: Any) -> Any:
        results = dict(zip(self.outputs, self._results((), self._table_arguments(batch))))
        if isinstance(batch, dict):
            return results
        for name, result in results.items():
            if result.ndim not in (1, 2) or len(result) != len(batch):
                raise ValueError(
                    f"[udf] a result in a table must have a number or a list for each of {len(batch)} rows; got {name}: {list(result.shape)}; give arrays instead of a table"
                )
        kind, module = type(batch), type(batch).__module__.partition(".")[0]
        library = sys.modules[module]
        if module == "pandas":
            flat = {
                (name if r.ndim == 1 else f"{name}_{i}"): r if r.ndim == 1 else r[:, i]
                for name, r in results.items()
                for i in range(1 if r.ndim == 1 else r.shape[1])
            }
            return library.DataFrame(flat, index=batch.index)
        if module == "polars":
            return library.DataFrame(results)
        columns = [library.array(r) if r.ndim == 1 else _lists(library, r) for r in results.values()]
        return kind.from_arrays(columns, names=list(results))

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        if len(arguments) == 1 and not named and _is_table(arguments[0]):
            return self._table(arguments[0])
        results = self._results(arguments, named)
        return results[0] if len(results) == 1 else tuple(results)


def udf(path: Any, *, columns: Any = None, rows: bool = False, weights: Any = None) -> Udf:
    """A library ``model.so`` that weft-aot made, as a function that pickles.

    Called with arrays (NumPy's, Arrow's, columns, tensors), by position or by the names of the model's parameters, it gives a NumPy array for each result, a tuple of several.
    Called with a table (pyarrow's RecordBatch or Table, a DataFrame of pandas or polars, a dict of arrays), whose columns have the parameters' names, it gives a table of the
    results ``output0`` …, with as many rows; a matrix among them is a column of lists, in pandas a column for each of its columns. columns: the names of a table's columns that
    side by side are the one matrix that the model takes.

    A size that is a symbol in the model (``udf.inputs``) may be any. rows=True: the model's rows do not depend on each other; batches are cut to its fixed number of rows, and
    the last is filled up. weights: the file of ``weft-aot --weights=external``.

    It pickles as its path: the file must be on each machine, and is opened once a process. Threads may call it at once. A dtype that would lose bits is a TypeError,
    another shape a ValueError, what the model finds wrong a RuntimeError.
    """
    names = None if columns is None else [str(name) for name in columns]
    return Udf(
        os.path.abspath(os.fspath(path)), names, bool(rows), None if weights is None else os.path.abspath(weights)
    )
