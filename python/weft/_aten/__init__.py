"""PyTorch's operators (ATen and prims) as functions of weft tensors: a table from "aten.add.Tensor" to a function.

The functions take what a node of a functional graph has, trailing defaults left out; dtypes are weft's, and device, layout and
memory format are not looked at: what strides a result has is the caller's to see to. PyTorch itself is not needed.
"""

from .table import TABLE, Unsupported

__all__ = ["TABLE", "Unsupported"]

from . import (  # noqa: E402, F401
    bags,
    composites,
    contractions,
    creation,
    derivatives,
    elementwise,
    indexing,
    layers,
    linear_algebra,
    pooling,
    reductions,
    shapes,
    strided,
)
