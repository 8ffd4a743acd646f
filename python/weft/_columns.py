"""Columns and tables of others as tensors: pandas by NumPy, and whatever has Arrow's interface (pyarrow, polars, DuckDB …) by that."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from . import _C
from ._C import Tensor

_REMEDY = "convert it to numbers first, as by astype(), or .cat.codes of a categorical"


def of(op: str, data: Any) -> tuple[Tensor, bool] | None:
    """A column [n] or a table [n, columns] as a tensor, and whether it is on the data's memory; None where the data is neither.

    A column that is one piece is shared, to be read only, but for Arrow's truth values, which are bits. Columns of a table are copied, as their common dtype,
    but where pandas holds them as one array. ValueError where something is null, TypeError for what is no number.
    """
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, (pandas.Series, pandas.Index)):
        return _of_series(op, data, getattr(data, "name", None))
    if pandas is not None and isinstance(data, pandas.DataFrame):
        kinds = set(data.dtypes)
        if len(kinds) == 1 and _is_of_numbers(kinds.pop()):
            array = data.to_numpy()
            return _C.from_numpy(array), array.base is not None
        return _side_by_side(op, [_of_series(op, column, name)[0] for name, column in data.items()]), False
    if hasattr(data, "__arrow_c_array__") or hasattr(data, "__arrow_c_stream__"):
        return _of_arrow(op, data)
    return None


def _is_of_numbers(dtype: Any) -> bool:
    import numpy

    return isinstance(dtype, numpy.dtype) and dtype.kind in "biufc"


def _of_series(op: str, series: Any, name: Any) -> tuple[Tensor, bool]:
    dtype = series.dtype
    column = "the column" if name is None else f"the column {name!r}"
    if _is_of_numbers(dtype):
        return _C.from_numpy(series.to_numpy()), True
    numbers = getattr(dtype, "numpy_dtype", None)  # of pandas' nullable dtypes and Arrow's
    if numbers is None or numbers.kind not in "biufc":
        raise TypeError(f"[{op}] {column} must have numbers or truth values; got dtype {dtype}; {_REMEDY}")
    if count := int(series.isna().sum()):
        raise ValueError(f"[{op}] {column} has {count} nulls, for which tensors have no value; fill or drop them first")
    if hasattr(dtype, "pyarrow_dtype"):
        return _of_arrow(op, series.array.__arrow_array__())
    return _C.from_numpy(series.to_numpy(dtype=numbers)), True


def _of_arrow(op: str, data: Any) -> tuple[Tensor, bool]:
    names, columns = _C.from_arrow(op, data)
    from ._functions import cat

    whole = [pieces[0] if len(pieces) == 1 else cat(pieces) for pieces in columns]
    if names is None:
        return whole[0], len(columns[0]) == 1 and whole[0].dtype is not _C.bool
    return _side_by_side(op, whole), False


def _side_by_side(op: str, columns: Iterable[Tensor]) -> Tensor:
    from ._factories import stack

    columns = list(columns)
    if not columns:
        raise ValueError(f"[{op}] a table must have a column; got none")
    if any(column.ndim != 1 for column in columns):
        raise TypeError(
            f"[{op}] a table's columns must have a number in each row; got lists; convert the columns one by one"
        )
    dtype = columns[0].dtype
    for column in columns[1:]:
        dtype = _C.promote_types(dtype, column.dtype)
    return stack([column.to(dtype) for column in columns], 1)
