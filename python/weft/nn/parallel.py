"""Modules over several devices. Here there is one."""

from __future__ import annotations

from ._arguments import a_module, listed
from .modules.module import Module

__all__ = ["DataParallel"]


class DataParallel(Module):
    """``module``, called as it is, on the one device of ``device_ids``, if there is one; inputs lie there."""

    def __init__(self, module, device_ids=None, output_device=None, dim=0):
        super().__init__()
        a_module("DataParallel", module)
        devices = [] if device_ids is None else listed("DataParallel", "device_ids", device_ids)
        if len(devices) > 1:
            raise NotImplementedError(
                f"[DataParallel] there is one device a module; got device_ids {devices}; pass one"
            )
        self.dim, self.device_ids, self.module = dim, devices, module
        self.output_device = output_device
        if devices:
            self.module.to(f"cuda:{devices[0]}" if isinstance(devices[0], int) else devices[0])

    def forward(self, *inputs, **kwargs):
        return self.module(*inputs, **kwargs)
