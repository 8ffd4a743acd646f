"""weft under ``torch.compile``: ``torch.compile(model, backend="weft")``, for inference and training.

``backend`` is what the entry point names; ``explain`` says what of a model runs where. PyTorch is imported when one of them is
asked for. docs/torch.md has the details.
"""

from typing import Any

__all__ = ["backend", "explain"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'weft.torch' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{'_backend' if name == 'backend' else '_explain'}"), name)
