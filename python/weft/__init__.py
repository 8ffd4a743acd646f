"""weft: a tensor framework with a PyTorch-like eager front end and a compiler inside."""

from math import e, inf, nan, pi

from . import _C, _functions, _legacy, _ops, _tensor, return_types
from ._C import (
    OutOfMemoryError,
    Tensor,
    bfloat16,
    bool,
    broadcast_tensors,
    complex64,
    complex128,
    device,
    dtype,
    float16,
    float32,
    float64,
    from_dlpack,
    get_default_device,
    int8,
    int16,
    int32,
    int64,
    promote_types,
    result_type,
    set_default_device,
    set_default_dtype,
    uint8,
    uint16,
    uint32,
    uint64,
)
from ._ops import *
from ._functions.arithmetic import *
from ._functions.complex_numbers import *
from ._functions.contractions import *
from ._functions.control import *
from ._functions.convolution import *
from ._functions.counting import *
from ._functions.elementwise import *
from ._functions.grids import *
from ._functions.images import *
from ._functions.in_place import *
from ._functions.incomplete_gamma import *
from ._functions.indexing import *
from ._functions.joins import *
from ._functions.matrices import *
from ._functions.memory import *
from ._functions.moves import *
from ._functions.norms import *
from ._functions.numbers import *
from ._functions.ordering import *
from ._functions.placing import *
from ._functions.products import *
from ._functions.queries import *
from ._functions.random import *
from ._functions.reductions import *
from ._functions.scans import *
from ._functions.scattering import *
from ._functions.shapes import *
from ._functions.short_time import *
from ._functions.specials import *
from ._functions.statistics import *
from ._functions.views import *
from ._functions.windows import *
from ._compile import compile
from ._explain import explain
from ._dtypes import cdouble, cfloat, double, finfo, float, half, iinfo, int, long, short
from ._buffers import asarray, from_file, frombuffer
from ._factories import (
    arange,
    as_tensor,
    empty,
    empty_like,
    empty_permuted,
    empty_strided,
    eye,
    from_numpy,
    full,
    full_like,
    is_tensor,
    linspace,
    logspace,
    ones,
    ones_like,
    rand,
    rand_like,
    randint,
    randn,
    randn_like,
    randperm,
    range,
    scalar_tensor,
    stack,
    tensor,
    zeros,
    zeros_like,
)
from ._C import Size
from ._C import default_dtype as get_default_dtype
from ._C import get_num_threads, initial_seed, set_num_threads
from ._layouts import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    layout,
    legacy_contiguous_format,
    memory_format,
    preserve_format,
    sparse_coo,
    sparse_csc,
    sparse_csr,
    strided,
)
from ._legacy import _assert, set_default_tensor_type, typename
from ._print import set_printoptions
from ._settings import *
from ._storage import TypedStorage, UntypedStorage, is_storage
from .random import Generator, default_generator, get_rng_state, manual_seed, seed, set_rng_state
from .autograd.anomaly_mode import is_anomaly_check_nan_enabled, is_anomaly_enabled, set_anomaly_enabled
from .autograd import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from .serialization import load, save

__version__ = "0.1.0"

newaxis = None

_tensor.attach()
globals().update(_legacy.types())  # FloatTensor and its like
globals().update({name: getattr(Tensor, name) for name in _tensor.FUNCTIONS})
concat = concatenate = cat

from . import amp, autograd, cuda, fft, func, linalg, nn, optim, special, utils  # noqa: E402  they use the functions above
from .amp.autocast_mode import (  # noqa: E402
    autocast,
    autocast_decrement_nesting,
    autocast_increment_nesting,
    clear_autocast_cache,
    get_autocast_cpu_dtype,
    get_autocast_dtype,
    get_autocast_gpu_dtype,
    is_autocast_cache_enabled,
    is_autocast_cpu_enabled,
    is_autocast_enabled,
    set_autocast_cache_enabled,
    set_autocast_cpu_dtype,
    set_autocast_cpu_enabled,
    set_autocast_dtype,
    set_autocast_enabled,
    set_autocast_gpu_dtype,
)
from . import _neural  # noqa: E402
from ._neural import *  # noqa: E402
from .export import export  # noqa: E402
from .func import vmap  # noqa: E402

for _name in _neural.METHODS:
    setattr(Tensor, _name, getattr(_neural, _name))


# Parts that not every program uses, and what is in others of them.
_PARTS = frozenset(
    (
        "accelerator",
        "array_api",
        "backends",
        "distributed",
        "distributions",
        "hub",
        "jit",
        "library",
        "multiprocessing",
        "onnx",
        "profiler",
        "sklearn",
        "sparse",
        "testing",
        "torch",
        "types",
        "version",
    )
)
_INSIDE = {
    "GradScaler": "amp",
    "ops": "library",
    "import_stablehlo": "_stablehlo.program",
    "import_torch": "_aten.imported",
    "summary": "_summary",
    "udf": "_udf",
    **dict.fromkeys(("sparse_coo_tensor", "sparse_csr_tensor", "sparse_csc_tensor"), "sparse"),
}


def __getattr__(name):
    """They load when they are asked for."""
    from importlib import import_module

    if name in _PARTS:
        return import_module(f"{__name__}.{name}")
    if name in _INSIDE:
        return getattr(import_module(f"{__name__}.{_INSIDE[name]}"), name)
    raise AttributeError(f"module 'weft' has no attribute {name!r}")
