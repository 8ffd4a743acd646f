"""Compiles the kernels that are shipped with the package (frontend/executables/ShippedKernels.h), so that eager code starts at once.

    make_kernels.py op_records.json DIRECTORY CPU...

They are what eager code asks for while it runs the ops of the records, forward and backward, on common layouts, and training
steps of a classifier and of a language model. Sizes are symbols in kernels, so that few stand for all; what is missing is
compiled when it is first met. Needs the package in PYTHONPATH.
"""

import json
import pathlib
import sys

import weft
import weft.nn.functional as F
from weft import _C, _ops, nn, optim

ROWS, COLUMNS = 70, 90
KNOWN = 8  # larger sizes than this no kernel knows (ir/kernel/CanonicalOrder.h)


def floats(*shape):
    return weft.randn(shape)


def integers(*shape):
    return weft.randint(1, 5, shape)


def bools(*shape):
    return weft.rand(shape) > 0.5


MAKERS = {"float": floats, "int": integers, "bool": bools}


def run(function, operands, attrs=()):
    """Forward, and backward where there is a derivative. What an op refuses needs no kernel."""
    try:
        inputs = [t.requires_grad_() if t is not None and t.is_floating_point() else t for t in operands]
        result = function(*inputs, *attrs)
        for one in result if isinstance(result, tuple) else (result,):
            if one.requires_grad:
                one.backward(weft.randn(one.shape))
    except (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError):
        return


def elementwise(record):
    """On contiguous memory, and beside a number, a row and a column."""
    function = getattr(_ops, record["name"])
    count = len(record["operands"])
    for make in (MAKERS[kind] for kind in record["dtypes"]):
        run(function, [make(ROWS, COLUMNS) for _ in range(count)])
        for shape in ((), (COLUMNS,), (ROWS, 1)):
            for one in range(count if count > 1 else 0):
                run(function, [make(*(shape if i == one else (ROWS, COLUMNS))) for i in range(count)])


def by_examples(record, least=KNOWN, rank=8):
    """The record's examples on tensors of at most this rank, with sizes of which kernels know none."""
    function = getattr(_ops, record["name"])

    def scaled(shape):
        return [size if size < 2 else least + 2 * size for size in shape]

    names = {"F": lambda *s: floats(*scaled(s)), "B": lambda *s: bools(*scaled(s)), "dict": dict}
    names["P"] = lambda *s: floats(*scaled(s), 2)
    names["I"] = lambda *s, high: weft.randint(0, high, scaled(s))
    for example in record["examples"]:
        values = eval(example, names)
        operands = [values.pop(name, None) for name in record["operands"]]
        if any(t is not None and t.dim() > rank for t in operands):
            continue
        run(function, operands, [values[a["name"]] for a in record["attrs"] if a["name"] in values])


def conversions():
    dtypes = (weft.float32, weft.float64, weft.int64, weft.int32, weft.uint8, weft.bool)
    for source in dtypes:
        for target in dtypes:
            weft.ones((ROWS, COLUMNS), dtype=source).to(target)
            weft.ones((ROWS, COLUMNS), dtype=source).t().contiguous()


def attention():
    """Its kernels know the scale, and so the width of a head: the usual ones, with few results and with many."""
    for head in (32, 64, 128):
        for length in (20, 130):
            for causal in (True, False):
                qkv = weft.randn(9, length, 3 * 10 * head, requires_grad=True)
                q, k, v = (x.view(9, length, 10, head).transpose(1, 2) for x in qkv.split(10 * head, dim=-1))
                F.scaled_dot_product_attention(q, k, v, is_causal=causal).sum().backward()


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(640, 512), nn.ReLU(), nn.Dropout(0.1), nn.Linear(512, 100))

    def forward(self, images):
        return self.layers(images)


class Block(nn.Module):
    """A transformer's, as PyTorch code writes it."""

    def __init__(self, width, heads, fused):
        super().__init__()
        self.heads, self.fused = heads, fused
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def attention(self, x):
        batch, length, width = x.shape
        q, k, v = (
            part.view(batch, length, self.heads, width // self.heads).transpose(1, 2)
            for part in self.qkv(x).split(width, dim=-1)
        )
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            scores = q @ k.transpose(-2, -1) * (width // self.heads) ** -0.5
            hidden = weft.ones(length, length, dtype=weft.bool).tril() == False  # noqa: E712
            y = F.softmax(scores.masked_fill(hidden, float("-inf")), dim=-1) @ v
        return self.out(y.transpose(1, 2).reshape(batch, length, width))

    def forward(self, x):
        x = x + self.attention(self.norms[0](x))
        return x + self.down(F.gelu(self.up(self.norms[1](x))))


class LanguageModel(nn.Module):
    def __init__(self, fused, length, width, words=300):
        super().__init__()
        self.words, self.places = nn.Embedding(words, width), nn.Embedding(length, width)
        self.blocks = nn.Sequential(*(Block(width, 2, fused) for _ in range(2)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, words, bias=False)

    def forward(self, tokens):
        x = self.words(tokens) + self.places(weft.arange(tokens.shape[1]))
        return self.head(self.norm(self.blocks(x)))


def train(model, inputs, targets, make_optimizer):
    optimizer = make_optimizer(model.parameters())
    for _ in range(2):  # the first makes the optimizer's state
        scores = model(inputs)
        loss = F.cross_entropy(scores.reshape(-1, scores.shape[-1]), targets.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
    with weft.no_grad():
        (model.eval()(inputs).argmax(dim=-1) == targets).to(weft.float32).mean().item()


def models():
    optimizers = [
        lambda p: optim.SGD(p, lr=0.1),
        lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1),
        lambda p: optim.Adam(p, lr=0.1),
        lambda p: optim.AdamW(p, lr=0.1),
    ]
    for make_optimizer in optimizers:
        train(Classifier(), weft.rand(70, 20, 32), weft.randint(0, 100, (70,)), make_optimizer)
    for length, width in ((80, 160), (256, 256)):  # products of few results, and of many
        for fused in (True, False):
            tokens = weft.randint(0, 300, (4, length))
            train(LanguageModel(fused, length, width), tokens, tokens, optimizers[-1])


def main():
    records, directory, *processors = sys.argv[1:]
    _C.collect_kernels()
    for record in json.loads(pathlib.Path(records).read_text()):
        if record["family"] == "Elementwise":
            elementwise(record)
        elif record["family"] not in ("Shape", "Creation"):
            by_examples(record)
            if record["family"] == "Contraction" or record["name"] in ("linear", "matmul"):
                by_examples(record, least=520, rank=2)  # products of many results have kernels of their own
    conversions()
    attention()
    models()
    for cpu in processors:
        _C.write_kernels(directory, cpu)


main()
