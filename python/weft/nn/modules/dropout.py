"""Dropout."""

from .. import functional as F
from .._arguments import probability
from .module import Module


class Dropout(Module):
    """In training, zeroes elements with probability ``p`` and scales the others by 1 / (1 - p)."""

    def __init__(self, p=0.5, inplace=False):
        super().__init__()
        self.p = probability("Dropout", p)
        self.inplace = inplace

    def forward(self, input):
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self):
        return f"p={self.p}, inplace={self.inplace}"
