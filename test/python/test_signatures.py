"""Positions, names and defaults of parameters are PyTorch's (test/data/torch_signatures.json, made by tools/torch_signatures.py)."""

import ast
import inspect
import json
import pathlib
from inspect import Parameter

import pytest
import weft

TABLE = json.loads((pathlib.Path(__file__).parent.parent / "data" / "torch_signatures.json").read_text())

# Keywords that many of PyTorch's functions have, and an error names here.
REFUSED = {
    "out": "all functions take it, beside their parameters",
    "layout": "factories alone take it",
    "memory_format": "those take it that give such strides",
    "names": "dimensions have no names",
    "pin_memory": "factories alone take it",
    "out_dtype": "a product has its operands' dtype",
    "sparse_grad": "gradients are dense",
    "implicit": "of PyTorch's own use",
    "self": "the name of the first operand in older overloads",
}
# Names, why they differ from PyTorch's, the differences.
_KNOWN = [
    (
        "nn.Sequential.extend",
        "one method with ModuleList's",
        ["position 0 is modules, not sequential", "no sequential"],
    ),
    ("nn.Module.register_backward_hook", "the same as register_full_backward_hook", ["prepend is not PyTorch's"]),
    ("utils.hooks.RemovableHandle.__init__", "made by the functions that register hooks", ["no extra_dict"]),
    ("amax amin Tensor.amax Tensor.amin", "None and () both mean all", ["dim=None, PyTorch's is ()"]),
    (
        "max_pool1d max_pool2d max_pool3d",
        "those of nn.functional",
        ["stride=None, PyTorch's is ()", "return_indices is not PyTorch's"],
    ),
    ("avg_pool1d", "that of nn.functional", ["stride=None, PyTorch's is ()"]),
    ("celu selu threshold", "those of nn.functional", ["inplace is not PyTorch's"]),
    (
        "var std var_mean std_mean Tensor.var Tensor.std",
        "None is as good as True",
        ["unbiased=None, PyTorch's is True"],
    ),
    ("max min Tensor.max Tensor.min", "a second tensor is positional, or maximum's", ["no other"]),
    ("Tensor.requires_grad_", "as in PyTorch's manual", ["position 0 is requires_grad, not mode", "no mode"]),
    ("numel", "as in PyTorch's manual", ["position 0 is input, not self"]),
    ("isin", "one name for elements and for one", ["no element", "no test_element"]),
    ("Tensor.count_nonzero", "several dims are a tuple", ["(): too many positional arguments"]),
    ("Tensor.squeeze Tensor.squeeze_", "several dims are a tuple", ["(): too many positional arguments"]),
    ("Tensor.new", "one parameter for all", ["no size", "no other", "no storage"]),
    ("nn.RNNBase.forward", "that of its sub-classes", ["hx is not PyTorch's"]),
    ("Tensor.view", "a dtype is positional", ["no dtype"]),
    (
        "Tensor.new_tensor",
        REFUSED["pin_memory"],
        ["(data, dtype, device, requires_grad, pin_memory): too many positional arguments"],
    ),
    (
        "nn.functional.max_pool1d nn.functional.max_pool2d nn.functional.max_pool3d",
        "as in PyTorch's manual",
        ["stride=None, PyTorch's is ()", "return_indices is not PyTorch's"],
    ),
    (
        "nn.functional.adaptive_max_pool1d nn.functional.adaptive_max_pool2d nn.functional.adaptive_max_pool3d",
        "as in PyTorch's manual",
        ["return_indices is not PyTorch's"],
    ),
    (
        "nn.functional.fractional_max_pool2d nn.functional.fractional_max_pool3d",
        "as in PyTorch's manual",
        ["position 3 is output_ratio, not _random_samples", "return_indices is not PyTorch's"],
    ),
    ("nn.functional.avg_pool1d", "as avg_pool2d's", ["stride=None, PyTorch's is ()"]),
    ("mm bmm", REFUSED["out_dtype"], ["(input, mat2, out_dtype): too many positional arguments"]),
    (
        "addmm",
        "an older order, and the same",
        [
            f"({names}): too many positional arguments"
            for names in ("beta, self, alpha, mat1, mat2", "beta, self, mat1, mat2", "input, mat1, mat2, out_dtype")
        ],
    ),
    *(
        (
            name,
            "an older order",
            [f"({names}): too many positional arguments" for names in orders],
        )
        for name, *orders in [
            (
                "baddbmm",
                "beta, self, alpha, batch1, batch2",
                "beta, self, batch1, batch2",
                "input, batch1, batch2, out_dtype",
            ),
            ("addbmm", "beta, self, alpha, batch1, batch2", "beta, self, batch1, batch2"),
            ("addmv", "beta, self, alpha, mat, vec", "beta, self, mat, vec"),
            ("addmv_", "beta, self, alpha, mat, vec", "beta, self, mat, vec"),
            ("addr", "beta, self, alpha, vec1, vec2", "beta, self, vec1, vec2"),
            ("addcmul", "self, value, tensor1, tensor2"),
            ("addcdiv", "self, value, tensor1, tensor2"),
        ]
    ),
    ("tensordot", REFUSED["out"], ["(a, b, dims, out): too many positional arguments"]),
    (
        "norm",
        "out is no parameter",
        ["position 4 is dtype, not out", "(input, p, dim, keepdim, out, dtype): too many positional arguments"],
    ),
    ("tensor_split Tensor.tensor_split", "one parameter for both", ["no sections", "no indices"]),
    (
        "hsplit vsplit dsplit Tensor.hsplit Tensor.vsplit Tensor.dsplit",
        "one parameter for both",
        ["no indices"],
    ),
    (
        "Tensor.cpu",
        REFUSED["memory_format"],
        ["(memory_format): too many positional arguments"],
    ),
    ("func.jacrev", "of PyTorch's own use", ["no _preallocate_and_copy"]),
    ("Tensor.cuda", REFUSED["memory_format"], ["(device, non_blocking, memory_format): too many positional arguments"]),
]
_KNOWN += [
    (
        "save serialization.save",
        "of PyTorch's own use",
        [
            "no _disable_byteorder_record",
            "(obj, f, pickle_module, pickle_protocol, _use_new_zipfile_serialization, _disable_byteorder_record): too many positional "
            "arguments",
        ],
    ),
    (
        "distributions.CorrCholeskyTransform.log_abs_det_jacobian",
        "of PyTorch's own use",
        ["(x, y, intermediates): too many positional arguments", "no intermediates"],
    ),
    (
        "distributions.Wishart.rsample",
        "samples need no correction",
        ["(sample_shape, max_try_correction): too many positional arguments", "no max_try_correction"],
    ),
]
KNOWN = {name: set(found) for names, _, found in _KNOWN for name in names.split()}

# Their arguments are weft's own.
OTHERS = {"compile", "result_type"}

POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def parse(text):
    """The inspect.Signature of "a, b=1, *, c=None"; a default that is no literal is `...`."""
    arguments = ast.parse(f"def f({text}): pass").body[0].args

    def default(node):
        if node is None:
            return Parameter.empty
        try:
            return ast.literal_eval(node)
        except ValueError:
            return ...

    positional = arguments.posonlyargs + arguments.args
    defaults = [None] * (len(positional) - len(arguments.defaults)) + arguments.defaults
    rows = [Parameter(a.arg, Parameter.POSITIONAL_OR_KEYWORD, default=default(d)) for a, d in zip(positional, defaults)]
    if arguments.vararg:
        rows.append(Parameter(arguments.vararg.arg, Parameter.VAR_POSITIONAL))
    keyword_only = zip(arguments.kwonlyargs, arguments.kw_defaults)
    rows += [Parameter(a.arg, Parameter.KEYWORD_ONLY, default=default(d)) for a, d in keyword_only]
    if arguments.kwarg:
        rows.append(Parameter(arguments.kwarg.arg, Parameter.VAR_KEYWORD))
    return inspect.Signature(rows)


def ours():
    """Name in the table → our signature, without self."""
    found = {}

    def add(name, function, is_method):
        if name in TABLE and name not in OTHERS and callable(function):
            try:
                rows = list(inspect.signature(function).parameters.values())
            except ValueError:  # of C++, with positions alone
                return
            found[name] = inspect.Signature(rows[1:] if is_method else rows)

    for prefix in (
        "",
        "nn.functional.",
        "nn.init.",
        "nn.utils.",
        "autograd.",
        "func.",
        "utils.checkpoint.",
        "utils.data.",
        "optim.swa_utils.",
        "amp.",
        "cuda.amp.",
        *(f"nn.utils.{module}." for module in ("parametrizations", "parametrize", "prune", "rnn", "stateless")),
        "distributions.",
        "testing.",
        "serialization.",
        "random.",
        "linalg.",
        "special.",
    ):
        module = weft
        for part in prefix.split(".")[:-1]:
            module = getattr(module, part)
        for name in dir(module):  # some are imported when they are asked for
            value = getattr(module, name)
            if not inspect.isclass(value):
                add(f"{prefix}{name}", value, is_method=False)
    for name in dir(weft.Tensor):
        add(f"Tensor.{name}", getattr(weft.Tensor, name), is_method=True)
    for prefix, module in (
        ("nn", weft.nn),
        ("optim", weft.optim),
        ("utils.data", weft.utils.data),
        ("distributions", weft.distributions),
        ("utils.hooks", weft.utils.hooks),
        ("optim.lr_scheduler", weft.optim.lr_scheduler),
        ("optim.swa_utils", weft.optim.swa_utils),
        ("amp", weft.amp),
        ("cuda.amp", weft.cuda.amp),
        ("nn.utils.rnn", weft.nn.utils.rnn),
    ):
        for name in dir(module):
            value = getattr(module, name)
            if inspect.isclass(value):
                for method in dir(value):
                    add(f"{prefix}.{name}.{method}", getattr(value, method), is_method=True)
    return found


OURS = ours()


def differences(mine, overloads):
    """What differs between a signature and PyTorch's: where there are several, what none of them has, or what one has alone."""
    found = []
    theirs = [list(signature.parameters.values()) for signature in overloads]
    by_position = [[p.name for p in rows if p.kind in POSITIONAL] for rows in theirs]
    takes_any = any(p.kind is Parameter.VAR_KEYWORD for p in mine.parameters.values())
    for i, p in enumerate(p for p in mine.parameters.values() if p.kind in POSITIONAL):
        names = {row[i] for row in by_position if i < len(row)}
        if names and p.name not in names:
            found.append(f"position {i} is {p.name}, not {' or '.join(sorted(names))}")
        same = [q for rows in theirs for q in rows if q.name == p.name]
        defaults = [q.default for q in same if q.default is not Parameter.empty]
        if not same and not names:
            found.append(f"{p.name} is not PyTorch's")
        elif p.default is Parameter.empty and same and len(defaults) == len(same):
            found.append(f"{p.name} has no default, PyTorch's is {defaults[0]!r}")
        elif p.default is not Parameter.empty and defaults and not any(d is ... or d == p.default for d in defaults):
            found.append(f"{p.name}={p.default!r}, PyTorch's is {defaults[0]!r}")
    for rows in theirs:
        positional = [p.name for p in rows if p.kind in POSITIONAL]
        must = {p.name: None for p in rows if p.kind is Parameter.KEYWORD_ONLY and p.default is Parameter.empty}
        try:
            mine.bind(
                *positional,
                *(["a", "b"] if any(p.kind is Parameter.VAR_POSITIONAL and p.name != "args" for p in rows) else []),
                **{name: None for name in must if name in mine.parameters},
            )
        except TypeError as error:
            found.append(f"({', '.join(positional)}): {error}")
        for p in rows:
            if (
                p.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
                and p.name not in REFUSED
                and p.name not in mine.parameters
                and not takes_any
            ):
                found.append(f"no {p.name}")
    return set(found)


@pytest.mark.parametrize("name", sorted(OURS))
def test_signature(name):
    assert differences(OURS[name], [parse(text) for text in TABLE[name]]) == KNOWN.get(name, set())


def test_known_differences_exist():
    assert KNOWN.keys() <= OURS.keys()
