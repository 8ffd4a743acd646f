"""How a tensor prints: PyTorch's format (precision 4, 80 columns, summary past 1000 elements, unless set otherwise)."""

import math

PRECISION = 4
LINE_WIDTH = 80
THRESHOLD = 1000
EDGE_ITEMS = 3
SCIENTIFIC = None  # None: where the numbers ask for it

# Precision, threshold, edge items, line width.
_PROFILES = {"default": (4, 1000, 3, 80), "short": (2, 1000, 2, 80), "full": (4, math.inf, 3, 80)}


def set_printoptions(precision=None, threshold=None, edgeitems=None, linewidth=None, profile=None, sci_mode=None):
    """Sets how tensors print: digits behind the point, elements beyond which the middle is left out, how many stand at the edges then,
    columns, and whether numbers are in scientific notation (None: where their range asks for it). profile: "default", "short" or "full"
    sets the first four; other arguments count besides."""
    from ._C import not_replayable

    not_replayable("it calls set_printoptions()")
    global PRECISION, THRESHOLD, EDGE_ITEMS, LINE_WIDTH, SCIENTIFIC
    if profile in _PROFILES:
        PRECISION, THRESHOLD, EDGE_ITEMS, LINE_WIDTH = _PROFILES[profile]
    PRECISION = PRECISION if precision is None else precision
    THRESHOLD = THRESHOLD if threshold is None else threshold
    EDGE_ITEMS = EDGE_ITEMS if edgeitems is None else edgeitems
    LINE_WIDTH = LINE_WIDTH if linewidth is None else linewidth
    SCIENTIFIC = sci_mode


class _Format:
    """One width and one notation for all elements of a tensor."""

    def __init__(self, values, floating):
        self.floating = floating
        self.integral = True
        self.scientific = False
        self.width = 1
        if not floating:
            self.width = max((len(str(v)) for v in values), default=1)
            return
        finite = [v for v in values if v != 0 and math.isfinite(v)]
        if not finite:
            return
        low, high = min(map(abs, finite)), max(map(abs, finite))
        self.integral = all(v == math.ceil(v) for v in finite)
        self.scientific = high / low > 1000 or high > 1e8 or (not self.integral and low < 1e-4)
        if SCIENTIFIC is not None:
            self.scientific = SCIENTIFIC
        self.measure(finite)

    def measure(self, finite):
        """The width that these numbers take in the notation."""
        if self.scientific:
            self.width = max(len(f"{v:.{PRECISION}e}") for v in finite)
        elif self.integral:
            self.width = max(len(f"{v:.0f}") + 1 for v in finite)
        else:
            self.width = max(len(f"{v:.{PRECISION}f}") for v in finite)

    def __call__(self, value):
        if not self.floating:
            text = str(value)
        elif self.scientific:
            text = f"{value:.{PRECISION}e}"
        elif self.integral:
            text = f"{value:.0f}" + ("." if math.isfinite(value) else "")
        else:
            text = f"{value:.{PRECISION}f}"
        return text.rjust(self.width)


class _ComplexFormat:
    """A format each for real and imaginary parts; where one is in scientific notation, both are."""

    def __init__(self, values):
        parts = [v.real for v in values], [v.imag for v in values]
        self.real, self.imaginary = (_Format(numbers, True) for numbers in parts)
        if self.real.scientific or self.imaginary.scientific:
            for form, numbers in zip((self.real, self.imaginary), parts):
                form.scientific = True
                form.measure([v for v in numbers if math.isfinite(v)] or [0.0])
        self.width = self.real.width + self.imaginary.width + 1

    def __call__(self, value):
        imaginary = self.imaginary(value.imag).lstrip()
        return self.real(value.real) + ("" if imaginary[0] == "-" else "+") + imaginary + "j"


def _row(row, indent, form, cut):
    width = form.width + 2
    per_line = max(1, (LINE_WIDTH - indent) // width)
    texts = [form(v) for v in row.tolist()]
    if cut:
        texts.insert(EDGE_ITEMS, " ...")
    lines = [", ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _nested(array, indent, form, cut):
    """cut: by axis, whether it has its edges alone."""
    if array.ndim == 0:
        return form(array.item())
    if array.ndim == 1:
        return _row(array, indent, form, cut[0])
    parts = [_nested(a, indent + 1, form, cut[1:]) for a in array]
    if cut[0]:
        parts.insert(EDGE_ITEMS, "...")
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(parts) + "]"


def _edges(array, cut):
    """The elements that a summary shows, of an array of NumPy."""
    for axis in range(array.ndim):
        if cut[axis]:
            edges = list(range(EDGE_ITEMS)) + list(range(array.shape[axis] - EDGE_ITEMS, array.shape[axis]))
            array = array[(slice(None),) * axis + (edges,)]  # numpy.take would copy an array of other strides whole
    return array


def _edges_of_tensor(tensor, cut):
    """The same of a tensor, made on its device."""
    from . import cat

    for axis in range(tensor.ndim):
        if cut[axis]:
            first, last = (tensor.narrow(axis, at, EDGE_ITEMS) for at in (0, tensor.shape[axis] - EDGE_ITEMS))
            tensor = cat([first, last], axis)
    return tensor


def tensor_repr(tensor) -> str:
    from . import _C, _dtypes

    # A sub-class by its name, but those of Parameter.
    name = (
        type(tensor).__name__ + "(" if type(tensor).__weft_function__ and type(tensor) is not _C.Tensor else "tensor("
    )
    dtype, indent = tensor.dtype, len(name)
    plain = tensor.detach()
    summarize = plain.numel() > THRESHOLD
    cut = [summarize and size > 2 * EDGE_ITEMS for size in plain.shape]
    if tensor.device.type != "cpu":
        plain = _edges_of_tensor(plain, cut).cpu()
    if dtype is _dtypes.bfloat16:
        plain = plain.to(_dtypes.float32)
    array = plain.numpy()
    suffixes = []
    if tensor.device.type != "cpu":
        suffixes.append(f"device='{tensor.device}'")
    if array.size == 0:
        if array.ndim != 1:
            suffixes.append(f"size={tuple(array.shape)}")
        if dtype is not _dtypes.float32:
            suffixes.append(f"dtype={dtype}")
        text = "[]"
    else:
        if dtype not in (_dtypes.float32, _dtypes.complex64, _dtypes.int64, _dtypes.bool):
            suffixes.append(f"dtype={dtype}")
        shown = _edges(array, cut) if tensor.device.type == "cpu" else array
        values = shown.reshape(-1).tolist()
        form = _ComplexFormat(values) if dtype.is_complex else _Format(values, dtype.is_floating_point)
        text = _nested(shown, indent, form, cut)
    if tensor.grad_fn is not None:
        suffixes.append(f"grad_fn={tensor.grad_fn}")
    elif tensor.requires_grad:
        suffixes.append("requires_grad=True")

    parts = [name + text]
    column = len(parts[0]) - parts[0].rfind("\n") + 1
    for suffix in suffixes:
        if column + len(suffix) + 2 > LINE_WIDTH:
            parts.append(",\n" + " " * indent + suffix)
            column = indent + len(suffix)
        else:
            parts.append(", " + suffix)
            column += len(suffix) + 2
    return "".join(parts) + ")"
