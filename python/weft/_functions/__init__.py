"""Functions whose PyTorch arguments are not simply those of an op's record, one module a family."""

import types

from .. import _ops
from .arithmetic import *
from .complex_numbers import *
from .contractions import *
from .control import *
from .convolution import *
from .counting import *
from .elementwise import *
from .grids import *
from .images import *
from .in_place import *
from .incomplete_gamma import *
from .indexing import *
from .joins import *
from .matrices import *
from .memory import *
from .moves import *
from .norms import *
from .numbers import *
from .ordering import *
from .placing import *
from .products import *
from .queries import *
from .random import *
from .reductions import *
from .scans import *
from .scattering import *
from .shapes import *
from .short_time import *
from .specials import *
from .statistics import *
from .views import *
from .windows import *

_FAMILIES = [
    module
    for module in list(vars().values())
    if isinstance(module, types.ModuleType) and module.__package__ == __name__ and hasattr(module, "METHODS")
]
# Those that are methods of Tensor, by name.
METHODS = {name: getattr(family, name) for family in _FAMILIES for name in family.METHODS}

for _family in _FAMILIES:
    for _name in _family.__all__:
        if not globals()[_name].__doc__:
            globals()[_name].__doc__ = _ops.SUMMARIES.get({"cat": "concatenate"}.get(_name, _name), "").strip() or None
