"""What the operations of StableHLO do, in weft's functions. Axes, sizes and dtypes are numbers of the text. Files
are named as in emit/."""

# ruff: noqa: F401  programs name them
from .arguments import check
from .bit_patterns import bits, count_bits, leading_zeros, shift_right_arithmetic, shift_right_logical, total_order
from .creation import full, iota
from .elements import cbrt, convert, divide, reduce_precision, remainder, round_away, sign
from .indices import gather, scatter
from .moves import broadcast, cut, dynamic_slice, dynamic_update_slice, pad
from .orders import sort, sort_by, top_k
from .products import cholesky, convolution, dot_general, fft, triangular_solve
from .reductions import combined, extremum, fold, reduce
from .windows import cumulative, reduce_window, select_and_scatter
