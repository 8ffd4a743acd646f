"""Optimizers, with PyTorch's update rules."""

from .adam import Adam, AdamW
from .optimizer import Optimizer
from .sgd import SGD

# Imported when they are asked for: name → module.
_LATER = {
    "ASGD": "asgd", "Adadelta": "adadelta", "Adafactor": "_adafactor", "Adagrad": "adagrad", "Adamax": "adamax", "LBFGS": "lbfgs",
    "Muon": "_muon", "NAdam": "nadam", "RAdam": "radam", "RMSprop": "rmsprop", "Rprop": "rprop", "SparseAdam": "sparse_adam",
    "swap_in_optimizer_params_and_state": "swap",
}  # fmt: skip

__all__ = ["Adam", "AdamW", "Optimizer", "SGD", *_LATER]


def __getattr__(name):
    from importlib import import_module

    if name in ("lr_scheduler", "swa_utils"):
        return import_module(f"{__name__}.{name}")
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    return found


def __dir__():
    return sorted({*globals(), *__all__, "lr_scheduler", "swa_utils"})
