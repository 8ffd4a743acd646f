"""PyTorch's ``linalg``: dense linear algebra on batches of matrices, by libraries (runtime/extern)."""

from ._common import LinAlgError
from .factorisations import *
from .factorisations import __all__ as _factorisations
from .norms import *
from .norms import __all__ as _norms
from .products import *
from .products import __all__ as _products
from .solving import *
from .solving import __all__ as _solving
from .spectra import *
from .spectra import __all__ as _spectra

__all__ = ["LinAlgError", *_factorisations, *_norms, *_products, *_solving, *_spectra]
