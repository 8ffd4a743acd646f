"""Batch norms in evaluation mode, made part of the layer before them."""

from copy import deepcopy

from ... import _C, _factories
from ..._functions.arguments import truth
from .._arguments import a_module, number, tensor
from ..parameter import Parameter

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]


def _fused(weight, bias, mean, variance, eps, bn_weight, bn_bias, axis):
    for name, value in (("weight", weight), ("the running mean", mean), ("the running variance", variance)):
        tensor("fuse_bn_weights", value, name)
    for name, value in (("bias", bias), ("the batch norm's weight", bn_weight), ("the batch norm's bias", bn_bias)):
        if value is not None:
            tensor("fuse_bn_weights", value, name)
    eps = number("fuse_bn_weights", "eps", eps)
    with _C.GradMode(False):
        bias = _factories.zeros_like(mean) if bias is None else bias
        bn_weight = _factories.ones_like(mean) if bn_weight is None else bn_weight
        bn_bias = _factories.zeros_like(mean) if bn_bias is None else bn_bias
        scale = bn_weight * (variance + eps).rsqrt()
        shape = [-1 if i == axis else 1 for i in range(weight.ndim)]
        made = (weight * scale.reshape(shape)).to(weight.dtype), ((bias - mean) * scale + bn_bias).to(bias.dtype)
    return made


def _parameters(made, weight, bias):
    trained = weight.requires_grad, weight.requires_grad if bias is None else bias.requires_grad
    return tuple(Parameter(tensor, requires_grad) for tensor, requires_grad in zip(made, trained))


def fuse_conv_bn_weights(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, transpose=False):
    """(weight, bias) of a convolution that does what that of ``conv_w``, ``conv_b`` and a batch norm with these statistics do."""
    made = _fused(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, 1 if transpose else 0)
    return _parameters(made, conv_w, conv_b)


def fuse_linear_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b):
    """(weight, bias) of a linear layer that does what that of ``linear_w``, ``linear_b`` and a batch norm with these statistics do."""
    made = _fused(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, 0)
    return _parameters(made, linear_w, linear_b)


def _with_bn(op, layer, bn, fuse, *options):
    a_module(op, layer, "layer"), a_module(op, bn, "bn")
    if layer.training or bn.training:
        raise ValueError(f"[{op}] both modules must be in evaluation mode; call eval() first")
    if getattr(bn, "running_mean", None) is None or getattr(bn, "running_var", None) is None:
        raise ValueError(f"[{op}] the batch norm keeps no running statistics; pass one with track_running_stats=True")
    fused = deepcopy(layer)
    fused.weight, fused.bias = fuse(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, *options
    )
    return fused


def fuse_conv_bn_eval(conv, bn, transpose=False):
    """A copy of a convolution (``transpose``: a transposed one) that does what it and the batch norm after it do, both in eval()."""
    return _with_bn(
        "fuse_conv_bn_eval", conv, bn, fuse_conv_bn_weights, truth("fuse_conv_bn_eval", "transpose", transpose)
    )


def fuse_linear_bn_eval(linear, bn):
    """A copy of a linear layer that does what it and the batch norm after it do, both in eval()."""
    a_module("fuse_linear_bn_eval", linear, "linear"), a_module("fuse_linear_bn_eval", bn, "bn")
    if linear.out_features != bn.num_features and bn.num_features != 1:
        raise ValueError(
            f"[fuse_linear_bn_eval] the batch norm must have {linear.out_features} features or 1; got {bn.num_features}"
        )
    return _with_bn("fuse_linear_bn_eval", linear, bn, fuse_linear_bn_weights)
