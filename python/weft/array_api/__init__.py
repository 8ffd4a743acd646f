"""The Python array API standard 2024.12 on weft's tensors: what ``x.__array_namespace__()`` gives.

Libraries that are written for the standard (SciPy, scikit-learn, einops …) find it by themselves. Its functions are those of ``weft`` under the
standard's names and signatures; their docstrings are the standard's (https://data-apis.org/array-api/2024.12). Two rules differ from PyTorch's, which
``weft`` itself follows: tensors of no dimensions promote as all others, and sums of unsigned integers are unsigned.
"""

import sys
from math import e, inf, nan, pi

from .._C import (
    Tensor,
    bool,
    complex64,
    complex128,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)
from . import fft, linalg
from .creation import *
from .dtypes import *
from .elementwise import *
from .manipulation import *
from .reductions import *
from .searching import *

newaxis = None
__array_api_version__ = "2024.12"
_VERSIONS = ("2021.12", "2022.12", "2023.12", __array_api_version__)


def namespace(api_version: str | None = None):
    """What ``x.__array_namespace__()`` gives: this module. Raises ValueError for a version of the standard that it does not have."""
    if api_version is not None and api_version not in _VERSIONS:
        raise ValueError(f"[__array_namespace__] versions are {', '.join(_VERSIONS)}; got {api_version!r}")
    return sys.modules[__name__]
