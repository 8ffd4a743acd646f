"""Contractions, convolutions, transforms and what linear algebra has."""

from __future__ import annotations

from ..syntax import Dense
from .table import Unsupported, axes_of, integers, writes
from .windows import padding_of


@writes("stablehlo.dot_general")
def _dot_general(w, op, x):
    numbers = op.attributes.get("dot_dimension_numbers")
    if isinstance(numbers, dict):
        batch = [integers(numbers.get(f"{side}_batching_dimensions", [])) for side in ("lhs", "rhs")]
        contract = [integers(numbers.get(f"{side}_contracting_dimensions", [])) for side in ("lhs", "rhs")]
    else:
        batch = [integers(v) for v in op.attributes.get("batching_dims", [[], []])]
        contract = [integers(v) for v in op.attributes.get("contracting_dims", [[], []])]
    if len(batch) != 2 or len(contract) != 2:
        raise ValueError("axes")
    return f"fn.dot_general({x[0].name}, {x[1].name}, {batch!r}, {contract!r}, {w.dtype(op.result_types[0])})"


@writes("stablehlo.dot")
def _dot(w, op, x):
    contract = [[len(x[0].type.shape) - 1], [0]]
    return f"fn.dot_general({x[0].name}, {x[1].name}, [[], []], {contract!r}, {w.dtype(op.result_types[0])})"


@writes("stablehlo.convolution")
def _convolution(w, op, x):
    numbers = op.attributes.get("dim_numbers") or op.attributes["dimension_numbers"]
    if len(numbers) != 3 or any(len(n) != len(x[0].type.shape) for n in numbers):
        raise ValueError("axes")
    spatial = len(numbers[0]) - 2
    if not 1 <= spatial <= 3:
        raise Unsupported(f"a convolution over {spatial} axes; 1 to 3 are supported")
    order = list(range(spatial))
    axes = [[n.index(v) for v in [*first, *order]] for n, first in zip(numbers[:2], ("bf", "oi"))]
    result = [numbers[2].index(v) for v in ["b", "f", *order]]
    axes.append([result.index(i) for i in range(spatial + 2)])
    window = op.attributes.get("window", op.attributes)
    ones = [1] * spatial
    stride = integers(window.get("stride", window.get("window_strides", ones)))
    x_dilation = integers(window.get("lhs_dilate", window.get("lhs_dilation", ones)))
    dilation = integers(window.get("rhs_dilate", window.get("rhs_dilation", ones)))
    pads = list(zip(*padding_of(window.get("pad", window.get("padding")), spatial)))
    reverse = window.get("reverse", window.get("window_reversal", [False] * spatial))
    reverse = [bool(v) for v in (reverse.value if isinstance(reverse, Dense) else reverse)]
    groups, batch_groups = (int(op.attributes.get(f"{n}_group_count", 1)) for n in ("feature", "batch"))
    if (
        any(len(v) != spatial for v in (stride, x_dilation, dilation, reverse))
        or min([*stride, *x_dilation, *dilation, groups, batch_groups]) < 1
    ):
        raise ValueError("a window")
    return (
        f"fn.convolution({x[0].name}, {x[1].name}, {axes!r}, {stride!r}, {pads!r}, {x_dilation!r}, {dilation!r}, {reverse!r}, {groups}, "
        f"{batch_groups}, {w.dtype(op.result_types[0])})"
    )


@writes("stablehlo.fft")
def _fft(w, op, x):
    kind = op.attributes.get("type", op.attributes.get("fft_type"))
    kind = kind[-1] if isinstance(kind, list) else kind
    if kind not in ("FFT", "IFFT", "RFFT", "IRFFT"):
        raise ValueError(f"a transform {kind}")
    return f"fn.fft({x[0].name}, {kind!r}, {axes_of(op, 'length', 'fft_length')!r})"


@writes("stablehlo.cholesky")
def _cholesky(w, op, x):
    return f"fn.cholesky({x[0].name}, {bool(op.attributes.get('lower', False))})"


@writes("stablehlo.triangular_solve")
def _triangular_solve(w, op, x):
    left, lower, unit = (bool(op.attributes.get(n, False)) for n in ("left_side", "lower", "unit_diagonal"))
    transpose = op.attributes.get("transpose_a", "NO_TRANSPOSE")
    transpose = transpose[-1] if isinstance(transpose, list) else transpose
    if transpose not in ("NO_TRANSPOSE", "TRANSPOSE", "ADJOINT"):
        raise ValueError(str(transpose))
    return f"fn.triangular_solve({x[0].name}, {x[1].name}, {left}, {lower}, {unit}, {transpose!r})"
