"""Functions whose PyTorch arguments are not simply those of an op's record, one module a family."""

from .. import _ops
from . import elementwise, indexing, products, reductions, shapes
from .elementwise import *
from .indexing import *
from .products import *
from .reductions import *
from .shapes import *

__all__: list[str] = []
__all__ += elementwise.__all__
__all__ += indexing.__all__
__all__ += products.__all__
__all__ += reductions.__all__
__all__ += shapes.__all__
# Those that are methods of Tensor, too.
METHODS = (*elementwise.METHODS, *indexing.METHODS, *products.METHODS, *reductions.METHODS, *shapes.METHODS)

for _name in __all__:
    if not globals()[_name].__doc__:
        globals()[_name].__doc__ = _ops.SUMMARIES.get({"cat": "concatenate"}.get(_name, _name), "").strip() or None
