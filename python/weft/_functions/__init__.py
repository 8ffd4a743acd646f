"""Functions whose PyTorch arguments are not simply those of an op's record, one module a family."""

from .. import _ops
from . import (
    arithmetic,
    contractions,
    convolution,
    counting,
    elementwise,
    grids,
    images,
    indexing,
    joins,
    moves,
    norms,
    ordering,
    products,
    random,
    reductions,
    scans,
    scattering,
    shapes,
    specials,
    statistics,
)
from .arithmetic import *
from .contractions import *
from .convolution import *
from .counting import *
from .elementwise import *
from .grids import *
from .images import *
from .indexing import *
from .joins import *
from .moves import *
from .norms import *
from .ordering import *
from .products import *
from .random import *
from .reductions import *
from .scans import *
from .scattering import *
from .shapes import *
from .specials import *
from .statistics import *

_FAMILIES = (
    arithmetic,
    contractions,
    convolution,
    counting,
    elementwise,
    grids,
    images,
    indexing,
    joins,
    moves,
    norms,
    ordering,
    products,
    random,
    reductions,
    scans,
    scattering,
    shapes,
    specials,
    statistics,
)
# Those that are methods of Tensor, by name.
METHODS = {name: getattr(family, name) for family in _FAMILIES for name in family.METHODS}

for _family in _FAMILIES:
    for _name in _family.__all__:
        if not globals()[_name].__doc__:
            globals()[_name].__doc__ = _ops.SUMMARIES.get({"cat": "concatenate"}.get(_name, _name), "").strip() or None
