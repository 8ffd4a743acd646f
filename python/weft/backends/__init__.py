"""PyTorch's switches of its libraries, none of which is here. What is assigned is kept and changes nothing."""

from . import cuda, cudnn, mkl, mkldnn, mps, openmp

__all__ = ["cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]
