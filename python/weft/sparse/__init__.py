"""Sparse tensors, of which only chosen elements are kept: PyTorch's COO and CSR (and CSC) layouts.

A sparse tensor is an object around dense tensors, its indices and values; what is done with it is done by operations on these, so that
gradients, ``compile`` and the same bits come from there. A product with a dense matrix adds up each row in the order of its stored elements.
"""

from .making import sparse_coo_tensor, sparse_csc_tensor, sparse_csr_tensor, spdiags
from .products import addmm, mm, sampled_addmm
from .reductions import log_softmax, softmax, sum
from .tensor import SparseTensor
from .types import TYPES as _TYPES

__all__ = [
    "SparseTensor", "addmm", "log_softmax", "mm", "sampled_addmm", "softmax", "sparse_coo_tensor", "sparse_csc_tensor", "sparse_csr_tensor",
    "spdiags", "sum",
]  # fmt: skip

globals().update(_TYPES)  # FloatTensor and its like
