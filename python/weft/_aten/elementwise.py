"""Elementwise operators and conversions."""

from __future__ import annotations

import weft

from ..nn import functional
from .table import aten, require

for _name in (
    "abs acos acosh asin asinh atan atanh bitwise_not ceil cos cosh digamma erf erfc erfinv exp exp2 expm1 floor isfinite isinf "
    "isnan lgamma log log10 log1p log2 logical_not neg reciprocal relu rsqrt sigmoid sign signbit silu sin sinh sqrt square tan "
    "tanh trunc sinc i0"
).split():
    aten(_name)(getattr(weft, _name))

for _name in "eq ne lt le gt ge".split():
    aten(f"{_name}.Tensor", f"{_name}.Scalar")(getattr(weft, _name))
for _name in "bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift".split():
    aten(f"{_name}.Tensor", f"{_name}.Tensor_Scalar", f"{_name}.Scalar", f"{_name}.Scalar_Tensor")(getattr(weft, _name))
aten("__lshift__.Tensor", "__lshift__.Scalar")(weft.bitwise_left_shift)
aten("__rshift__.Tensor", "__rshift__.Scalar")(weft.bitwise_right_shift)
for _name in "remainder fmod".split():
    aten(f"{_name}.Tensor", f"{_name}.Scalar", f"{_name}.Scalar_Tensor")(getattr(weft, _name))
for _name in (
    "atan2 floor_divide logical_and logical_or logical_xor maximum minimum hypot nextafter logaddexp logaddexp2".split()
):
    aten(_name)(getattr(weft, _name))
aten("copysign.Tensor", "copysign.Scalar")(weft.copysign)
aten("mul.Tensor", "mul.Scalar")(weft.mul)
aten("xlogy.Tensor", "xlogy.Scalar_Other", "xlogy.Scalar_Self")(weft.xlogy)
aten("pow.Tensor_Scalar", "pow.Scalar", "pow.Tensor_Tensor")(weft.pow)
aten("where.self", "where.ScalarOther", "where.ScalarSelf", "where.Scalar")(weft.where)
aten("clamp", "clamp.Tensor")(weft.clamp)
aten("clamp_min", "clamp_min.Tensor")(weft.clamp_min)
aten("clamp_max", "clamp_max.Tensor")(weft.clamp_max)
aten("lerp.Scalar", "lerp.Tensor")(weft.lerp)
aten("addcmul")(weft.addcmul)
aten("addcdiv")(weft.addcdiv)
aten("floor_divide.Scalar")(weft.floor_divide)
aten("polygamma")(weft.polygamma)
for _name in (
    "i0e i1 i1e ndtri entr airy_ai erfcx log_ndtr bessel_j0 bessel_j1 bessel_y0 bessel_y1 modified_bessel_i0 modified_bessel_i1 modified_bessel_k0 modified_bessel_k1 "
    "scaled_modified_bessel_k0 scaled_modified_bessel_k1 spherical_bessel_j0"
).split():
    aten(f"special_{_name}")(getattr(weft.special, _name))
for _name in (
    "chebyshev_polynomial_t chebyshev_polynomial_u chebyshev_polynomial_v chebyshev_polynomial_w hermite_polynomial_h hermite_polynomial_he "
    "laguerre_polynomial_l legendre_polynomial_p shifted_chebyshev_polynomial_t shifted_chebyshev_polynomial_u "
    "shifted_chebyshev_polynomial_v shifted_chebyshev_polynomial_w"
).split():
    aten(f"special_{_name}", f"special_{_name}.x_scalar", f"special_{_name}.n_scalar")(getattr(weft.special, _name))
aten("igamma")(weft.igamma)
aten("igammac")(weft.igammac)
aten("special_zeta", "special_zeta.other_scalar", "special_zeta.self_scalar")(weft.special.zeta)
aten("gcd")(weft.gcd)
aten("lcm")(weft.lcm)
aten("ldexp.Tensor")(weft.ldexp)
aten("heaviside")(weft.heaviside)
aten("frexp.Tensor")(lambda x: tuple(weft.frexp(x)))
aten("nan_to_num")(weft.nan_to_num)
aten("hardswish")(functional.hardswish)
aten("hardsigmoid")(functional.hardsigmoid)
aten("mish")(functional.mish)
aten("leaky_relu")(functional.leaky_relu)
aten("softplus")(functional.softplus)


@aten("add.Tensor", "add.Scalar")
def add(x, y, alpha=1):
    return weft.add(x, y) if alpha == 1 else weft.add(x, y, alpha=alpha)


@aten("sub.Tensor", "sub.Scalar")
def sub(x, y, alpha=1):
    return weft.sub(x, y) if alpha == 1 else weft.sub(x, y, alpha=alpha)


@aten("rsub.Tensor", "rsub.Scalar")
def rsub(x, y, alpha=1):
    return weft.sub(y, x if alpha == 1 else x * alpha)


@aten("div.Tensor", "div.Scalar", "div.Tensor_mode", "div.Scalar_mode")
def div(x, y, rounding_mode=None):
    return weft.div(x, y) if rounding_mode is None else weft.div(x, y, rounding_mode=rounding_mode)


for _name in ("fmax", "fmin"):
    aten(_name, f"prims.{_name}")(getattr(weft, _name))


@aten("prims.fma")
def fma(x, y, z):
    return x * y + z


@aten("gelu")
def gelu(x, approximate="none"):
    return functional.gelu(x, approximate=approximate)


@aten("elu")
def elu(x, alpha=1, scale=1, input_scale=1):
    if scale == 1 and input_scale == 1:
        return functional.elu(x, alpha)
    return weft.where(x > 0, x * scale, weft.expm1(x * input_scale) * (alpha * scale))


@aten("hardtanh")
def hardtanh(x, min_val=-1, max_val=1):
    if not x.dtype.is_floating_point:
        min_val, max_val = int(min_val), int(max_val)
    return weft.clamp(x, min_val, max_val)


@aten("logit")
def logit(x, eps=None):
    return weft.logit(x, eps)


@aten("round", "round.decimals")
def round(x, decimals=0):
    return weft.round(x, decimals=decimals) if decimals else weft.round(x)


@aten("masked_fill.Scalar", "masked_fill.Tensor")
def masked_fill(x, mask, value):
    return weft.masked_fill(x, mask, value)


# ---------------------------------------------------------------- Copies and conversions


@aten("_to_copy", "to.dtype", "to.dtype_layout", "to.device")
def to_copy(x, *args, dtype=None, **kwargs):
    for arg in args:
        if isinstance(arg, weft.dtype):
            dtype = arg
    return x if dtype is None else x.to(dtype)


@aten("prims.convert_element_type")
def convert_element_type(x, dtype):
    return x.to(dtype)


@aten("type_as")
def type_as(x, other):
    return x.to(other.dtype)


@aten("clone", "alias", "detach", "detach_", "contiguous", "lift_fresh_copy", "lift_fresh", "prims.view_of", "positive")
def same(x, *args, **kwargs):
    """There is nothing to copy: no function of the table writes to a tensor."""
    return x


@aten("dropout", "feature_dropout", "native_dropout")
def dropout(x, p, train=False):
    require(not train, "random numbers are the caller's")
    return x


@aten("copy")
def copy(x, source, non_blocking=False):
    return source.to(x.dtype).expand(x.shape)


@aten("fill.Scalar")
def fill(x, value):
    return weft.full(x.shape, value, dtype=x.dtype)


@aten("fill.Tensor")
def fill_tensor(x, value):
    return value.to(x.dtype).expand(x.shape)
