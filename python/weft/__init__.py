"""weft: a tensor framework with a PyTorch-like eager front end and a compiler inside."""

from math import inf, nan, pi

from . import _C, _functions, _ops, _tensor, return_types
from ._C import (
    Tensor,
    bfloat16,
    bool,
    broadcast_tensors,
    device,
    dtype,
    float16,
    float32,
    float64,
    from_dlpack,
    int8,
    int16,
    int32,
    int64,
    promote_types,
    result_type,
    set_default_dtype,
    uint8,
)
from ._ops import *
from ._functions.arithmetic import *
from ._functions.contractions import *
from ._functions.convolution import *
from ._functions.counting import *
from ._functions.elementwise import *
from ._functions.grids import *
from ._functions.images import *
from ._functions.indexing import *
from ._functions.joins import *
from ._functions.moves import *
from ._functions.norms import *
from ._functions.ordering import *
from ._functions.products import *
from ._functions.random import *
from ._functions.reductions import *
from ._functions.scans import *
from ._functions.scattering import *
from ._functions.shapes import *
from ._functions.specials import *
from ._functions.statistics import *
from ._compile import compile
from ._explain import explain
from ._dtypes import double, finfo, float, half, iinfo, int, long, short
from ._factories import (
    arange,
    as_tensor,
    empty,
    empty_like,
    eye,
    from_numpy,
    full,
    full_like,
    is_tensor,
    linspace,
    manual_seed,
    ones,
    ones_like,
    rand,
    rand_like,
    randint,
    randn,
    randn_like,
    randperm,
    scalar_tensor,
    stack,
    tensor,
    zeros,
    zeros_like,
)
from ._C import Size
from ._C import default_dtype as get_default_dtype
from ._C import get_num_threads, initial_seed, set_num_threads
from .autograd import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from .serialization import load, save

__version__ = "0.1.0"

_tensor.attach()
concat = concatenate = cat

from . import amp, autograd, cuda, func, linalg, nn, optim, special, utils  # noqa: E402  they use the functions above
from .amp import autocast, is_autocast_enabled  # noqa: E402
from .export import export  # noqa: E402
from .func import vmap  # noqa: E402
