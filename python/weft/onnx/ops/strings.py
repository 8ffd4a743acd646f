"""Strings, which are NumPy arrays of objects: they pass through, are joined and split, and are read from tokens."""

import numpy

from ..table import operator


def _strings(x):
    if not isinstance(x, numpy.ndarray) or x.dtype.kind not in "OUS":
        raise TypeError("an input must be strings: a NumPy array of dtype object")
    return x.astype(object)


@operator("StringConcat", 20, raw=True)
def string_concat(a, b):
    return numpy.asarray(_strings(a) + _strings(b), object)


@operator("StringSplit", 20, raw=True)
def string_split(x, *, delimiter=None, maxsplit=None):
    """(parts, as many as the most, the rest empty; how many there are). Without a delimiter by runs of spaces."""
    x = _strings(x)
    parts = [s.split(delimiter or None, -1 if maxsplit is None else maxsplit) for s in x.reshape(-1).tolist()]
    most = max(map(len, parts), default=0)
    table = numpy.full((len(parts), most), "", object)
    for row, own in zip(table, parts):
        row[: len(own)] = own
    counts = numpy.array([len(own) for own in parts], numpy.int64)
    return table.reshape((*x.shape, most)), counts.reshape(x.shape)


@operator("StringNormalizer", 10, raw=True)
def string_normalizer(x, *, case_change_action="NONE", is_case_sensitive=0, locale="en_US", stopwords=()):
    """Without the stop words, in the case asked for; one empty string where none is left."""
    x = _strings(x)
    if x.ndim > 2 or (x.ndim == 2 and x.shape[0] != 1):
        raise ValueError(f"strings must be [C] or [1, C]; got shape {list(x.shape)}")
    if case_change_action not in ("NONE", "LOWER", "UPPER"):
        raise NotImplementedError(
            f"case_change_action {case_change_action!r} is not supported; supported are NONE, LOWER, UPPER"
        )
    fold = (lambda s: s) if is_case_sensitive else str.lower
    change = {"NONE": lambda s: s, "LOWER": str.lower, "UPPER": str.upper}[case_change_action]
    hidden = {fold(word) for word in stopwords}
    kept = [change(s) for s in x.reshape(-1).tolist() if fold(s) not in hidden] or [""]
    result = numpy.array(kept, object)
    return result if x.ndim < 2 else result.reshape(1, -1)
