"""Layers, losses and containers, as in torch.nn."""

from . import functional, init, modules, utils
from .modules import *
from .parameter import Parameter

__all__ = [*modules.__all__, "Parameter", "functional", "init", "modules", "utils"]  # noqa: PLE0604
