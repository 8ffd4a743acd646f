"""What must be replayed: models, optimizers, loops of training, as they are written."""

import contextlib
import math
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import weft
from corpus import CALLS, Corpus, three
from weft import nn
from weft.utils.data import DataLoader, TensorDataset

F = nn.functional
corpus = Corpus()
program = corpus.program


def rows(n=4, width=6):
    def calls():
        weft.manual_seed(1)
        return [[weft.randn(n, width)] for _ in range(CALLS)]

    return calls


def examples(n=4, width=6, classes=3):
    def calls():
        weft.manual_seed(1)
        return [[weft.randn(n, width), weft.randint(0, classes, (n,))] for _ in range(CALLS)]

    return calls


LAYERS = {
    "linear": lambda: nn.Linear(6, 5),
    "mlp": lambda: nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 6)),
    "layer_norm": lambda: nn.LayerNorm(6),
    "batch_norm": lambda: nn.BatchNorm1d(6),
    "batch_norm_eval": lambda: nn.BatchNorm1d(6).eval(),
    "dropout": lambda: nn.Dropout(0.5),
    "gelu": nn.GELU,
    "softmax": lambda: nn.Softmax(-1),
    "nested": lambda: nn.Sequential(nn.Sequential(nn.Linear(6, 6), nn.Tanh()), nn.ModuleList([nn.Linear(6, 6)])[0]),
    "frozen": lambda: nn.Linear(6, 5).requires_grad_(False),
}
for name, layer in LAYERS.items():
    corpus.add(f"module_{name}", lambda make=layer: (m := make(), lambda: list(m.state_dict().values())), rows(), True)
    corpus.add(f"function_of_{name}", lambda make=layer: (lambda m: lambda x: m(x) * 2)(make()), rows(), True)


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.norm1, self.norm2 = heads, nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        n, length, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).chunk(3, -1)
        q, k, v = (t.view(n, length, self.heads, width // self.heads).transpose(1, 2) for t in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(n, length, width))
        return x + self.mlp(self.norm2(x))


@dataclass
class Config:
    tokens: int = 11
    length: int = 5
    width: int = 8
    heads: int = 2
    layers: int = 2


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.tokens = nn.Embedding(config.tokens, config.width)
        self.positions = nn.Embedding(config.length, config.width)
        self.blocks = nn.ModuleList([Block(config.width, config.heads) for _ in range(config.layers)])
        self.norm, self.head = nn.LayerNorm(config.width), nn.Linear(config.width, config.tokens, bias=False)

    def forward(self, tokens, targets=None):
        assert tokens.shape[1] <= self.config.length, "too long"
        x = self.tokens(tokens) + self.positions(weft.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1))


def texts():
    weft.manual_seed(2)
    tokens = [weft.randint(0, 11, (2, 6)) for _ in range(CALLS)]
    return [[t[:, :-1].contiguous(), t[:, 1:].contiguous()] for t in tokens]


@program(texts, replays=True)
def gpt_forward():
    model = GPT(Config()).eval()

    def f(tokens, targets):
        with weft.no_grad():
            return model(tokens)[0]

    return f


@program(texts, replays=True)
def gpt_step():
    model = GPT(Config())
    optimizer = weft.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.1)

    def step(tokens, targets):
        _, loss = model(tokens, targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.detach()

    return step, lambda: list(model.parameters())


@program(texts, replays=True)
def gpt_step_with_a_schedule():
    model = GPT(Config())
    optimizer = weft.optim.AdamW(model.parameters(), lr=1e-2)

    def step(tokens, targets):
        loss = model(tokens, targets)[1]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    def change(i):
        for group in optimizer.param_groups:
            group["lr"] = 1e-2 * (1 + math.cos(math.pi * i / 6)) / 2

    return step, lambda: list(model.parameters()), change


OPTIMIZERS = {
    "sgd": partial(weft.optim.SGD, lr=0.1),
    "momentum": partial(weft.optim.SGD, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": partial(weft.optim.Adam, lr=0.01),
    "adamw": partial(weft.optim.AdamW, lr=0.01),
}
for name, make_optimizer in OPTIMIZERS.items():

    def make(make_optimizer=make_optimizer):
        model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.1), nn.LayerNorm(8), nn.Linear(8, 3))
        optimizer = make_optimizer(model.parameters())

        def step(x, y):
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            return loss.detach()

        return step, lambda: [*model.parameters(), optimizer.state_dict()["state"]]

    corpus.add(f"mlp_step_{name}", make, examples(), True)


@program(replays=True)
def trains_in_a_loop_over_a_loader():
    data = TensorDataset(weft.randn(24, 6), weft.randint(0, 3, (24,)))
    model = nn.Linear(6, 3)
    optimizer = weft.optim.SGD(model.parameters(), lr=0.1)

    @weft.compile
    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    losses = [step(x, y) for x, y in DataLoader(data, batch_size=4)]
    assert sum(e.hits for e in weft._C.entries(step)) >= 4
    return lambda x: x * losses[-1] + losses[0]


@program(examples(), replays=True)
def accumulates_over_parts_of_a_batch():
    model = nn.Linear(6, 3)

    def step(x, y):
        for i in range(2):
            F.cross_entropy(model(x[i * 2 : i * 2 + 2]), y[i * 2 : i * 2 + 2]).backward()
        with weft.no_grad():
            for p in model.parameters():
                p.sub_(p.grad, alpha=0.1)
                p.grad = None

    return step, lambda: list(model.parameters())


@program(rows(), replays=True)
def keeps_an_average_of_the_weights():
    model, average = nn.Linear(6, 6), nn.Linear(6, 6)

    @weft.no_grad()
    def update(x):
        for p, q in zip(model.parameters(), average.parameters()):
            p.add_(x.mean(), alpha=0.01)
            q.mul_(0.9).add_(p, alpha=0.1)
        return average(x)

    return update, lambda: list(average.parameters())


class Output(NamedTuple):
    logits: weft.Tensor
    hidden: weft.Tensor


@program(rows(), replays=True)
def gives_a_named_tuple():
    layer = nn.Linear(6, 3)
    return lambda x: Output(layer(x), x.tanh())


@program(rows(), replays=True)
def uses_dataclasses_partials_and_closures():
    config = Config(width=6)
    activation = partial(weft.clamp, min=-0.5)
    names = ["a", "b"]
    table = {name: weft.full((6,), i + 1.0) for i, name in enumerate(names)}

    def f(x):
        for name in sorted(table, key=len):
            x = activation(x * table[name]) / math.sqrt(config.width)
        return {name: x + i for i, name in enumerate(names)}

    return f


@program(rows(), replays=True)
def uses_builtins():
    def f(x):
        parts = list(zip(x.unbind(0), range(4)))
        pairs = [(p, k) for p, k in reversed(parts) if isinstance(k, int)]
        return (
            sum(p * k for p, k in pairs),
            max(len(pairs), 2),
            {k: p for p, k in enumerate("ab")},
            tuple(map(abs, [-1, 2])),
        )

    return f


@program(rows(), replays=True)
def uses_a_context_manager_of_contextlib():
    @contextlib.contextmanager
    def scope(grad):
        with weft.set_grad_enabled(grad):
            yield

    layer = nn.Linear(6, 6)

    def f(x):
        with scope(False):
            return layer(x)

    return f


@program(rows(), replays=True)
def unrolls_a_recurrence():
    cell = nn.Linear(12, 6)

    def f(x):
        h = weft.zeros(6)
        for row in x:
            h = cell(weft.cat([row, h])).tanh()
        return h

    return f


@program(rows(), replays=True)
def decorates():
    import functools

    def doubled(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs) * 2

        return wrapper

    @doubled
    def f(x):
        return x + 1

    return f


@program(rows(), replays=True)
def has_an_unused_logger():
    import logging
    import threading

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.logger, self.lock = nn.Linear(6, 6), logging.getLogger("corpus"), threading.Lock()
            self.history = iter([])

        def forward(self, x):
            return self.layer(x)

        def report(self):
            with self.lock:
                self.logger.info("%s", next(self.history))

    return Model()


@program(rows(), replays=True)
def takes_gradients_inside():
    def f(x):
        x = x.detach().requires_grad_()
        (g,) = weft.autograd.grad((x**3).sum(), x, create_graph=True)
        return weft.autograd.grad(g.sum(), x)[0]

    return f


@program(lambda: [[three(i)] for i in range(CALLS)], replays=True)
def is_a_method_of_an_object():
    class Scaler:
        def __init__(self):
            self.factor, self.bias = weft.full((3,), 2.0), [1.0]

        def apply(self, x):
            return x * self.factor + self.bias[0]

    scaler = Scaler()
    return scaler.apply
