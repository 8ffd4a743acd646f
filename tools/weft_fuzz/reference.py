"""A result against the NumPy expression of its op's record."""

import json
import pathlib
import textwrap
import warnings

import numpy

try:
    import scipy.special
except ImportError:
    scipy = None

EPSILON = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
LARGEST = {"float64": 1.79e308, "float32": 3.4e38, "float16": 65504.0, "bfloat16": 3.38e38}
TINY = {"float64": 1e-307, "float32": 1e-37, "float16": 6e-8, "bfloat16": 1e-37}
# What is rounded once or not at all. The float64 result of the other dtypes' operands may be rounded again without harm.
EXACT = set("""add sub mul div maximum minimum neg abs sign reciprocal square where clamp relu sqrt floor ceil trunc round amax amin
               gather index_select embedding permute reshape expand flip pad concatenate slice""".split())  # fmt: skip
# Digits, the least exponent of a normal number and the first that is too large, as frexp counts them.
FORMATS = {"float32": (24, -125, 128), "float16": (11, -13, 16), "bfloat16": (8, -125, 128)}
# The most additions that one of so many terms is in (ir/kernel/CanonicalOrder.h).
ADDITIONS = {"sum": lambda n: 60, "mean": lambda n: 61,
             **dict.fromkeys(["dot_general", "matmul", "linear"], lambda n: 265 + n / 2048)}  # fmt: skip


def records():
    import weft

    staged = pathlib.Path(weft._ops.__file__).resolve().parents[2] / "ir" / "op_records.json"
    return {r["name"]: r for r in json.loads(staged.read_text())}


def array_of(tensor):
    if isinstance(tensor, (list, tuple)):
        return [array_of(t) for t in tensor]
    tensor = tensor.detach()
    # NumPy's product of an array with a stride of 0 adds one term after the other.
    return (tensor.double() if tensor.dtype.is_floating_point else tensor).contiguous().numpy()


def expected(record, operands, attrs):
    """The record's expression on arrays (floats as float64); None where NumPy cannot say."""
    if not record["numpy"] or ("scipy" in record["numpy"] and scipy is None):
        return None
    names = [*record["operands"], *(a["name"] for a in record["attrs"])]
    scope = {"numpy": numpy, "scipy": scipy}
    exec(f"def f({', '.join(names)}):\n" + textwrap.indent(record["numpy"], "    "), scope)
    try:
        with numpy.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return numpy.asarray(scope["f"](*operands, *attrs))
    except (ValueError, OverflowError, IndexError, ZeroDivisionError):
        return None


def difference(result, want, record, operands, attrs):
    """What is wrong with a result, or None."""
    got = array_of(result)
    if tuple(got.shape) != want.shape:
        return f"shape {got.shape} instead of {want.shape}"
    if not result.dtype.is_floating_point:
        wrong = got != want
        return _first(got, want, wrong) if wrong.any() else None
    if record["name"] in EXACT:
        want = rounded(want.astype(float), result.dtype.name)
        wrong = (got != want) & ~(numpy.isnan(got) & numpy.isnan(want))
        return _first(got, want, wrong) if wrong.any() else None
    name, structured = result.dtype.name, record["family"] not in ("Elementwise", "Shape", "Creation")
    flat = [o for operand in operands for o in (operand if isinstance(operand, list) else [operand])]
    magnitude = numpy.max([1.0, *(numpy.abs(o).max() for o in flat if o is not None and o.size and o.dtype == float)])
    limited = structured or record["name"].startswith(("gelu", "silu", "tan", "fmod", "remainder", "floor_divide"))
    if limited and not magnitude < (1e4 if name in ("float32", "float64") else 100):
        return None  # float64 overflows later than the op may
    epsilon, want = EPSILON[name], want.astype(float)
    finite = numpy.isfinite(want) & (numpy.abs(want) < 0.98 * LARGEST[name])
    tolerance = 8 * epsilon * (1 + numpy.abs(numpy.where(finite, want, 0)).max(initial=0)) + TINY[name]
    accumulator = "float64" if name == "float64" else "float32"
    if record["name"] in ADDITIONS:
        tolerance = tolerance + rounding(record, operands, attrs, accumulator)
    elif structured:
        length = max([1, *(o.size for o in flat if o is not None)])
        largest = max(
            magnitude ** (1 if record["family"] == "Reduction" else 2), numpy.abs(want[finite]).max(initial=0)
        )
        tolerance += epsilon * largest * (length**0.5 + 8) * 2
    if record["name"] == "gelu_derivative":  # 1 + tanh(...) cancels in NumPy
        tolerance = tolerance + 2 * EPSILON["float64"] * (1 + numpy.abs(operands[0])) ** 3
    if record["name"] == "prod":
        tolerance = tolerance + length * epsilon * numpy.abs(numpy.where(finite, want, 0))
    with numpy.errstate(all="ignore"):
        wrong = numpy.where(finite, ~(numpy.abs(got - want) <= tolerance + 40 * epsilon * numpy.abs(want)), False)
        wrong |= numpy.isnan(want) != numpy.isnan(got)
        overflow = ~finite & ~numpy.isnan(want)
        wrong |= overflow & ~((numpy.sign(got) == numpy.sign(want)) & (numpy.abs(got) > 0.95 * LARGEST[name]))
        if record["name"] == "prod":
            wrong &= products_in_range(record, operands[0], attrs, accumulator)
    return _first(got, want, wrong) if wrong.any() else None


def rounded(x, dtype):
    """float64 to the nearest number of the dtype, of two the even one."""
    if dtype not in FORMATS:
        return x
    digits, least, largest = FORMATS[dtype]
    unit = numpy.maximum(numpy.frexp(x)[1], least) - digits
    x = numpy.ldexp(numpy.round(numpy.ldexp(x, -unit)), unit)
    return numpy.where(numpy.abs(x) >= 2.0**largest, numpy.copysign(numpy.inf, x), x)


def rounding(record, operands, attrs, accumulator):
    """The largest error of adding: half an epsilon of the terms' absolute sum for each addition that a term is in."""
    length = max(o.size for o in operands if o is not None)
    additions = ADDITIONS[record["name"]](length) + (length if accumulator == "float64" else 0)  # NumPy's
    absolute = [o if o is None else numpy.abs(o) for o in operands]
    return additions * 0.5 * EPSILON[accumulator] * expected(record, absolute, attrs)


def products_in_range(record, x, attrs, accumulator):
    """Where no product of some of the factors, in whatever order, overflows or underflows."""
    x = numpy.abs(x)
    above = expected(record, [numpy.maximum(x, 1)], attrs)
    below = expected(record, [numpy.where(x < 1, numpy.where(x == 0, 1, x), 1)], attrs)
    return ~(above > 0.5 * LARGEST[accumulator]) & ~(below < 2 * TINY[accumulator])


def _first(got, want, wrong):
    at = tuple(int(i) for i in numpy.argwhere(wrong)[0])
    return f"{int(wrong.sum())} of {got.size} elements wrong, first at {at}: {got[at]!r} instead of {want[at]!r}"
