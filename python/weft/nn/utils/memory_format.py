"""Weights of convolutions in another order of memory."""

from ... import _layouts
from .._arguments import a_module
from ..modules.conv import Conv2d, Conv3d, ConvTranspose2d, ConvTranspose3d


def _converted(op, module, memory_format, kinds):
    if not isinstance(memory_format, _layouts.memory_format):
        raise TypeError(f"[{op}] memory_format must be one as weft.channels_last; got {type(memory_format).__name__}")
    a_module(op, module)
    for part in module.modules():
        if isinstance(part, kinds):
            part.weight.data = part.weight.detach().clone().contiguous(memory_format=memory_format)
    return module


def convert_conv2d_weight_memory_format(module, memory_format):
    """Gives the weights of a module's Conv2d and ConvTranspose2d a memory format, in place; results have the same bits. Returns the module."""
    return _converted("convert_conv2d_weight_memory_format", module, memory_format, (Conv2d, ConvTranspose2d))


def convert_conv3d_weight_memory_format(module, memory_format):
    """The same of Conv3d and ConvTranspose3d."""
    return _converted("convert_conv3d_weight_memory_format", module, memory_format, (Conv3d, ConvTranspose3d))
