"""Dropout."""

from .. import functional as F
from .module import Module


class Dropout(Module):
    """In training, zeroes elements with probability ``p`` and scales the others by 1 / (1 - p)."""

    def __init__(self, p=0.5, inplace=False):
        super().__init__()
        from numbers import Real  # later: it takes a part of the package's import

        if not isinstance(p, Real):
            raise TypeError(f"[Dropout] p must be a number; got {type(p).__name__}; pass a probability")
        if not 0 <= p <= 1:
            raise ValueError(f"[Dropout] p must lie in [0, 1]; got {p}; pass a probability")
        self.p = p
        self.inplace = inplace

    def forward(self, input):
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self):
        return f"p={self.p}, inplace={self.inplace}"
