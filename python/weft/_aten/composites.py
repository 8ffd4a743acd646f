"""Operators that PyTorch itself makes of others, as ``torch.export`` leaves them where nothing was decomposed. Most are weft's functions of the
same name and arguments."""

from __future__ import annotations

import weft

from ..nn import functional
from .table import aten

for _name in (
    "absolute arccos arccosh arcsin arcsinh arctan arctan2 arctanh argwhere bilinear cartesian_prod cdist clip clip.Tensor column_stack combinations "
    "concat concatenate conj corrcoef cosine_similarity cov cross cumulative_trapezoid.dx cumulative_trapezoid.x det diag diagflat diff divide.Scalar "
    "divide.Scalar_mode divide.Tensor divide.Tensor_mode dstack fix fliplr flipud float_power.Scalar float_power.Tensor_Scalar "
    "float_power.Tensor_Tensor ger greater.Scalar greater.Tensor greater_equal.Scalar greater_equal.Tensor grid_sampler gru.input gru_cell hstack "
    "inner instance_norm inverse isclose isreal kron less.Scalar less.Tensor less_equal.Scalar less_equal.Tensor logdet lstm.input lstm_cell "
    "matrix_exp matrix_power max.other min.other moveaxis.int moveaxis.intlist movedim.intlist msort multiply.Scalar multiply.Tensor nanmean "
    "nanquantile nanquantile.scalar negative not_equal.Scalar not_equal.Tensor pairwise_distance pdist pinverse prelu quantile "
    "quantile.scalar ravel repeat_interleave.self_Tensor repeat_interleave.self_int rnn_relu.input rnn_tanh.input row_stack selu slogdet std std.dim "
    "std_mean std_mean.dim subtract.Scalar subtract.Tensor swapaxes swapdims take_along_dim tensor_split.indices tensor_split.sections "
    "trapezoid.dx trapezoid.x trapz.dx trapz.x true_divide.Scalar true_divide.Tensor vander var var.dim var_mean var_mean.dim vstack where"
).split():
    aten(_name)(getattr(weft, _name.partition(".")[0]))

aten("relu6")(functional.relu6)
aten("log_sigmoid")(functional.logsigmoid)


for _name, _function in (("and", weft.bitwise_and), ("or", weft.bitwise_or), ("xor", weft.bitwise_xor)):
    aten(f"__{_name}__.Tensor", f"__{_name}__.Scalar")(_function)


for _name in ("atleast_1d", "atleast_2d", "atleast_3d"):
    aten(_name)(getattr(weft, _name))


@aten("expand_as")
def expand_as(x, other):
    return x.expand(other.shape)


@aten("reshape_as", "view_as")
def reshape_as(x, other):
    return x.reshape(other.shape)


@aten("tile")
def tile(x, dims):
    return x.tile(tuple(dims))


@aten("broadcast_to")
def broadcast_to(x, size):
    return x.expand(tuple(size))


@aten("sum_to_size")
def sum_to_size(x, size):
    return x.sum_to_size(tuple(size))


@aten("broadcast_tensors")
def broadcast_tensors(tensors):
    return list(weft.broadcast_tensors(*tensors))


@aten("meshgrid", "meshgrid.indexing")
def meshgrid(tensors, *, indexing="ij"):
    return list(weft.meshgrid(*tensors, indexing=indexing))


@aten("einsum")
def einsum(equation, tensors, *, path=None):
    return weft.einsum(equation, *tensors)


@aten("tensordot")
def tensordot(x, y, dims_self, dims_other):
    return weft.tensordot(x, y, (list(dims_self), list(dims_other)))


@aten("chain_matmul")
def chain_matmul(matrices):
    return weft.chain_matmul(*matrices)


for _name in ("hsplit", "vsplit", "dsplit"):
    aten(f"{_name}.int", f"{_name}.array")(getattr(weft, _name))


_REDUCTIONS = ("none", "mean", "sum")


@aten("cross_entropy_loss")
def cross_entropy_loss(x, target, weight=None, reduction=1, ignore_index=-100, label_smoothing=0.0):
    return functional.cross_entropy(
        x,
        target,
        weight,
        ignore_index=ignore_index,
        reduction=_REDUCTIONS[reduction],
        label_smoothing=label_smoothing,
    )


@aten("nll_loss", "nll_loss_nd", "nll_loss2d")
def nll_loss(x, target, weight=None, reduction=1, ignore_index=-100):
    return functional.nll_loss(x, target, weight, ignore_index=ignore_index, reduction=_REDUCTIONS[reduction])


@aten("l1_loss")
def l1_loss(x, target, reduction=1):
    return functional.l1_loss(x, target, reduction=_REDUCTIONS[reduction])


@aten("kl_div")
def kl_div(x, target, reduction=1, *, log_target=False):
    return functional.kl_div(x, target, reduction=_REDUCTIONS[reduction], log_target=log_target)
