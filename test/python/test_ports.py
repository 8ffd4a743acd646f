"""Small programs as people write them for PyTorch, with the import changed: each runs eagerly and, where it says so, compiled."""

import copy
import io
import math
import pickle
from collections import OrderedDict

import pytest
import weft as torch
import weft.nn.functional as F
from weft import nn, optim
from weft.utils.data import DataLoader, Dataset, TensorDataset

PORTS = []


def port(function):
    PORTS.append(pytest.param(function, id=function.__name__))
    return function


@pytest.mark.parametrize("run", PORTS)
def test_port(run):
    torch.manual_seed(0)
    run()


class MLP(nn.Module):
    def __init__(self, sizes, activation=nn.ReLU, dropout=0.0):
        super(MLP, self).__init__()  # noqa: UP008  as older files have it
        layers = OrderedDict()
        for i, (a, b) in enumerate(zip(sizes[:-1], sizes[1:])):
            layers[f"fc{i}"] = nn.Linear(a, b)
            if i < len(sizes) - 2:
                layers[f"act{i}"] = activation()
                layers[f"drop{i}"] = nn.Dropout(p=dropout)
        self.net = nn.Sequential(layers)

    def forward(self, x):
        return self.net(x)


def regression(n=64):
    x = torch.randn(n, 4)
    return x, (x[:, :1] * 2 - x[:, 1:2]).tanh()


@port
def training_loop_with_a_handwritten_schedule():
    x, y = regression()
    loader = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True, drop_last=True)
    model, criterion = MLP([4, 16, 1]), nn.MSELoss()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    history = []
    for epoch in range(6):
        lr = 0.1 * 0.5 * (1 + math.cos(math.pi * epoch / 6))
        for group in optimizer.param_groups:
            group["lr"] = lr
        model.train()
        total = 0.0
        for inputs, targets in loader:
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
            total += loss.item() * inputs.size(0)
        history.append(total / len(loader.dataset))
    assert history[-1] < history[0] * 0.5
    model.eval()
    with torch.no_grad():
        assert criterion(model(x), y) < 0.1


@port
def feature_extraction_with_hooks():
    model = MLP([4, 8, 8, 1])
    activations, handles = {}, []

    def save(name):
        def hook(module, inputs, output):
            activations[name] = output.detach()

        return hook

    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            handles.append(module.register_forward_hook(save(name)))
    model(torch.randn(5, 4))
    assert {k: tuple(v.shape) for k, v in activations.items()} == {
        "net.fc0": (5, 8),
        "net.fc1": (5, 8),
        "net.fc2": (5, 1),
    }
    for handle in handles:
        handle.remove()
    activations.clear()
    model(torch.randn(5, 4))
    assert not activations


@port
def saliency_by_backward_hooks():
    model, seen = MLP([4, 8, 3]), {}

    def forward_hook(module, inputs, output):
        seen["activation"] = output

    def backward_hook(module, grad_input, grad_output):
        seen["gradient"] = grad_output[0]

    model.net.fc0.register_forward_hook(forward_hook)
    model.net.fc0.register_full_backward_hook(backward_hook)
    x = torch.randn(2, 4, requires_grad=True)
    scores = model(x)
    scores[torch.arange(2), scores.argmax(dim=1)].sum().backward()
    cam = F.relu((seen["activation"] * seen["gradient"]).sum(dim=1))
    assert cam.shape == (2,) and x.grad.shape == x.shape


class TinyLM(nn.Module):
    """Tied weights, positions as a buffer, blocks in a ModuleList."""

    def __init__(self, vocab=11, dim=16, heads=2, layers=2, length=8):
        super().__init__()
        self.embed = nn.Embedding(vocab, dim)
        self.blocks = nn.ModuleList([Block(dim, heads) for _ in range(layers)])
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, vocab, bias=False)
        self.head.weight = self.embed.weight
        self.register_buffer("positions", torch.arange(length).float().unsqueeze(1) / length, persistent=False)
        self.apply(self._init_weights)

    def _init_weights(self, module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, mean=0.0, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def forward(self, tokens, targets=None):
        x = self.embed(tokens) + self.positions[: tokens.size(1)]
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.view(-1, logits.size(-1)), targets.reshape(-1))


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.mlp = nn.ModuleDict({"up": nn.Linear(dim, 4 * dim), "act": nn.GELU(), "down": nn.Linear(4 * dim, dim)})

    def forward(self, x):
        b, t, c = x.size()
        q, k, v = self.qkv(self.norm1(x)).split(c, dim=2)
        q, k, v = (z.view(b, t, self.heads, c // self.heads).transpose(1, 2) for z in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).contiguous().view(b, t, c)
        x = x + self.proj(y)
        return x + self.mlp["down"](self.mlp["act"](self.mlp["up"](self.norm2(x))))


def lm_step(model, optimizer):
    def step(tokens):
        optimizer.zero_grad()
        _, loss = model(tokens[:, :-1], tokens[:, 1:])
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.detach(), norm

    return step


@port
def language_model_with_tied_weights_and_decay_groups():
    model = TinyLM()
    assert len({id(p) for p in model.parameters()}) == len(list(model.parameters()))
    assert "head.weight" in model.state_dict() and "positions" not in model.state_dict()
    decay = [p for n, p in model.named_parameters() if p.dim() >= 2]
    other = [p for n, p in model.named_parameters() if p.dim() < 2]
    groups = [{"params": decay, "weight_decay": 0.1}, {"params": other, "weight_decay": 0.0}]
    optimizer = optim.AdamW(groups, lr=1e-2, betas=(0.9, 0.95))
    tokens = torch.arange(36).reshape(4, 9) % 11
    twin = copy.deepcopy(model)
    assert twin.head.weight is twin.embed.weight
    step = lm_step(model, optimizer)
    losses = [step(tokens)[0].item() for _ in range(12)]
    assert losses[-1] < losses[0] * 0.7
    twin_groups = [{"params": [p for p in twin.parameters() if p.dim() >= 2], "weight_decay": 0.1},
                   {"params": [p for p in twin.parameters() if p.dim() < 2], "weight_decay": 0.0}]  # fmt: skip
    compiled = torch.compile(lm_step(twin, optim.AdamW(twin_groups, lr=1e-2, betas=(0.9, 0.95))))
    assert [compiled(tokens)[0].item() for _ in range(12)] == losses


@port
def moving_average_of_weights():
    model = MLP([4, 8, 1])
    ema = copy.deepcopy(model)
    for p in ema.parameters():
        p.requires_grad_(False)
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    x, y = regression()

    @torch.no_grad()
    def update(decay=0.9):
        for e, p in zip(ema.parameters(), model.parameters()):
            e.mul_(decay).add_(p, alpha=1 - decay)
        source = dict(model.named_buffers())
        for name, buffer in ema.named_buffers():
            buffer.copy_(source[name])

    before = [p.clone() for p in ema.parameters()]
    for _ in range(3):
        optimizer.zero_grad()
        F.mse_loss(model(x), y).backward()
        optimizer.step()
        update()
    assert all(not torch.equal(a, b) for a, b in zip(before, ema.parameters()))
    assert not ema(x).requires_grad


@port
def checkpoint_and_resume():
    x, y = regression()

    def make():
        model = MLP([4, 8, 1])
        optimizer = optim.Adam(model.parameters(), lr=0.01, amsgrad=True)
        return model, optimizer

    def train(model, optimizer, steps):
        for _ in range(steps):
            optimizer.zero_grad()
            loss = F.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
        return loss.item()

    model, optimizer = make()
    train(model, optimizer, 3)
    buffer = io.BytesIO()
    pickle.dump({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}, buffer)
    expected = train(model, optimizer, 3)
    checkpoint = pickle.loads(buffer.getvalue())
    model, optimizer = make()
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    assert train(model, optimizer, 3) == expected and checkpoint["epoch"] == 3


class Mixture(nn.Module):
    """Experts in a ParameterList, a router in a ModuleDict chosen by name."""

    def __init__(self, dim, experts):
        super().__init__()
        self.weights = nn.ParameterList([nn.Parameter(torch.randn(dim, dim) * 0.1) for _ in range(experts)])
        self.scales = nn.ParameterDict({"in": nn.Parameter(torch.ones(dim)), "out": nn.Parameter(torch.ones(dim))})
        self.routers = nn.ModuleDict({"linear": nn.Linear(dim, experts), "mlp": MLP([dim, 8, experts])})

    def forward(self, x, router="linear"):
        x = x * self.scales["in"]
        probabilities = self.routers[router](x).softmax(dim=-1)
        outputs = torch.stack([x @ w for w in self.weights], dim=-1)
        return (outputs * probabilities.unsqueeze(1)).sum(-1) * self.scales["out"]


@port
def mixture_of_experts():
    model = Mixture(4, 3)
    assert len(list(model.parameters())) == 3 + 2 + 2 + 4
    x = torch.randn(5, 4)
    for router in model.routers:
        model.zero_grad()
        model(x, router=router).sum().backward()
        assert all(w.grad is not None for w in model.weights)
    compiled = torch.compile(model)
    assert torch.equal(compiled(x, router="mlp"), model(x, router="mlp"))


@port
def freezing_and_replacing_the_head():
    model = MLP([4, 8, 8, 10])
    for p in model.parameters():
        p.requires_grad = False
    model.net.fc2 = nn.Linear(8, 2)
    trainable = filter(lambda p: p.requires_grad, model.parameters())
    optimizer = optim.SGD(trainable, lr=0.1)
    before = {n: p.clone() for n, p in model.named_parameters()}
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)(model(torch.randn(6, 4)), torch.randint(0, 2, (6,)))
    loss.backward()
    optimizer.step()
    changed = [n for n, p in model.named_parameters() if not torch.equal(p, before[n])]
    assert changed == ["net.fc2.weight", "net.fc2.bias"]
    assert [n for n, _ in model.net.named_children()][-1] == "fc2"
    state = {k: v for k, v in model.state_dict().items() if not k.startswith("net.fc2")}
    fresh = MLP([4, 8, 8, 10])
    result = fresh.load_state_dict(state, strict=False)
    assert result.missing_keys == ["net.fc2.weight", "net.fc2.bias"] and not result.unexpected_keys


class BatchStatistics(nn.Module):
    """A normalisation written by hand: buffers updated in training."""

    def __init__(self, features, momentum=0.1):
        super().__init__()
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x):
        if self.training:
            mean, var = x.mean(dim=0), x.var(dim=0, correction=0)
            with torch.no_grad():
                self.num_batches_tracked += 1
                self.running_mean.mul_(1 - self.momentum).add_(mean, alpha=self.momentum)
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * var
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) / torch.sqrt(var + 1e-5) * self.weight + self.bias


@port
def buffers_updated_in_training():
    model = nn.Sequential(nn.Linear(4, 8), BatchStatistics(8), nn.ReLU(), nn.Linear(8, 1))
    for _ in range(4):
        model(torch.randn(16, 4))
    assert model[1].num_batches_tracked == 4
    assert list(model.state_dict())[2:7] == [
        "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked",
    ]  # fmt: skip
    model.eval()
    a, b = model(torch.ones(1, 4)), model(torch.ones(2, 4))[:1]
    assert torch.equal(a, b)


class CharDataset(Dataset):
    def __init__(self, text, length):
        chars = sorted(set(text))
        self.stoi = {c: i for i, c in enumerate(chars)}
        self.data, self.length = [self.stoi[c] for c in text], length

    def __len__(self):
        return len(self.data) - self.length

    def __getitem__(self, i):
        chunk = self.data[i : i + self.length + 1]
        return torch.tensor(chunk[:-1], dtype=torch.long), torch.tensor(chunk[1:], dtype=torch.long)


class RNN(nn.Module):
    def __init__(self, vocab, hidden):
        super().__init__()
        self.hidden = hidden
        self.i2h = nn.Linear(vocab + hidden, hidden)
        self.h2o = nn.Linear(hidden, vocab)

    def forward(self, x, h=None):
        if h is None:
            h = x.new_zeros(x.size(0), self.hidden)
        outputs = []
        for t in range(x.size(1)):
            h = torch.tanh(self.i2h(torch.cat([x[:, t], h], dim=1)))
            outputs.append(self.h2o(h))
        return torch.stack(outputs, dim=1), h


@port
def recurrent_network_over_a_custom_dataset():
    data = CharDataset("hello world, hello weft. " * 4, 6)
    vocab = len(data.stoi)
    model = RNN(vocab, 16)
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for _ in range(2):
        for x, y in DataLoader(data, batch_size=32, shuffle=True):
            logits, _ = model(F.one_hot(x, vocab).float())
            loss = F.cross_entropy(logits.transpose(1, 2), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert losses[-1] < losses[0]


class Autoencoder(nn.Module):
    def __init__(self, latent=2):
        super().__init__()
        self.encoder = MLP([4, 8, 2 * latent], activation=nn.SiLU)
        self.decoder = MLP([latent, 8, 4], activation=nn.Tanh)

    def forward(self, x):
        mu, logvar = self.encoder(x).chunk(2, dim=-1)
        std = torch.exp(0.5 * logvar)
        z = mu + std * torch.randn_like(std)
        return self.decoder(z), mu, logvar


@port
def variational_autoencoder():
    model = Autoencoder()
    optimizer = optim.Adam(model.parameters(), lr=1e-2)
    x = torch.randn(32, 4) * 0.1
    losses = []
    for _ in range(20):
        recon, mu, logvar = model(x)
        kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        loss = F.mse_loss(recon, x, reduction="sum") + 0.01 * kld
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@port
def gradient_accumulation_and_gradient_hooks():
    model = MLP([4, 8, 1])
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    x, y = regression(32)
    F.mse_loss(model(x), y).backward()
    whole = [p.grad.clone() for p in model.parameters()]
    optimizer.zero_grad()
    norms = []
    handles = [
        p.register_post_accumulate_grad_hook(lambda p: norms.append(p.grad.square().sum().item()))
        for p in model.parameters()
    ]
    for xs, ys in zip(x.chunk(4), y.chunk(4)):
        (F.mse_loss(model(xs), ys) / 4).backward()
    assert all(torch.allclose(p.grad, g, atol=1e-6) for p, g in zip(model.parameters(), whole))
    assert len(norms) == 4 * len(whole)
    [h.remove() for h in handles]
    h = model.net.fc0.weight.register_hook(lambda grad: grad.clamp(-0.01, 0.01))
    optimizer.zero_grad()
    F.mse_loss(model(x), y).backward()
    assert model.net.fc0.weight.grad.abs().max() <= 0.01
    h.remove()


@port
def adversarial_training():
    generator, critic = MLP([2, 8, 4]), MLP([4, 8, 1])
    opt_g, opt_d = (optim.Adam(m.parameters(), lr=2e-3, betas=(0.5, 0.999)) for m in (generator, critic))
    real = torch.randn(16, 4)
    for _ in range(2):
        fake = generator(torch.randn(16, 2))
        loss_d = F.softplus(-critic(real)).mean() + F.softplus(critic(fake.detach())).mean()
        opt_d.zero_grad(), loss_d.backward(), opt_d.step()
        loss_g = F.softplus(-critic(fake)).mean()
        opt_g.zero_grad(), loss_g.backward(), opt_g.step()
    mix = (torch.rand(16, 1) * real + 0.5 * fake.detach()).requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(mix).sum(), mix, create_graph=True)
    penalty = ((gradient.square().sum(dim=1).sqrt() - 1) ** 2).mean()
    opt_d.zero_grad()
    penalty.backward()
    assert critic.net.fc0.weight.grad is not None


@port
def printing_and_counting():
    model = MLP([4, 8, 1], dropout=0.1)
    assert str(model).splitlines() == [
        "MLP(",
        "  (net): Sequential(",
        "    (fc0): Linear(in_features=4, out_features=8, bias=True)",
        "    (act0): ReLU()",
        "    (drop0): Dropout(p=0.1, inplace=False)",
        "    (fc1): Linear(in_features=8, out_features=1, bias=True)",
        "  )",
        ")",
    ]
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == 49
    assert sum(p.numel() * p.dtype.itemsize for p in model.parameters()) == 49 * 4
    assert [type(m).__name__ for m in model.children()] == ["Sequential"]
