"""What each operation becomes, one file a family: a function of the writer, the operation and its operands that gives an expression a
result (or one of all)."""

from . import control, creation, elements, indices, moves, orders, products, reductions, windows  # noqa: F401  they fill the table
from .table import TABLE, Unsupported

__all__ = ["TABLE", "Unsupported"]
