"""Small packages: torchdiffeq, nflows, ema-pytorch, torchinfo."""

import copy

import torch
from ema_pytorch import EMA
from nflows.distributions.normal import StandardNormal
from nflows.flows.base import Flow
from nflows.transforms.autoregressive import MaskedAffineAutoregressiveTransform
from nflows.transforms.base import CompositeTransform
from nflows.transforms.permutations import ReversePermutation
from torch import nn
from torchdiffeq import odeint, odeint_adjoint
from torchinfo import summary


def fill(module, random):
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.from_numpy(0.3 * random.randn(*parameter.shape).astype("float32")))
    return module


def results(random):
    new = lambda *shape: torch.from_numpy(random.randn(*shape).astype("float32"))

    class Field(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))

        def forward(self, t, y):
            return self.net(y) * torch.cos(t)

    field, start, times = fill(Field(), random), new(3, 2), torch.linspace(0.0, 1.0, 4)
    for method in ("dopri5", "rk4", "euler"):
        yield f"odeint {method}", odeint(field, start, times, method=method).detach()
    odeint_adjoint(field, start, times, rtol=1e-5, atol=1e-6).square().sum().backward()
    yield "odeint_adjoint", field.net[0].weight.grad

    transforms = [ReversePermutation(4), MaskedAffineAutoregressiveTransform(4, 16), ReversePermutation(4)]
    flow = Flow(CompositeTransform(transforms), StandardNormal([4]))
    fill(flow, random)
    loss = -flow.log_prob(new(8, 4)).mean()
    loss.backward()
    yield "flow", loss.detach()
    yield "flow's gradients", torch.stack([p.grad.norm() for p in flow.parameters()])

    net = fill(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1)), random)
    optimizer, means = torch.optim.NAdam(net.parameters(), lr=1e-2, eps=1e-3), EMA(net, beta=0.9, update_every=1)
    x, y = new(16, 4), new(16, 1)
    for _ in range(3):
        loss = (net(x) - y).square().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        means.update()
    yield "trained", net[0].weight.detach()
    yield "ema", means.ema_model[0].weight.detach()
    found = summary(copy.deepcopy(net), input_size=(16, 4), verbose=0)
    yield "torchinfo", torch.tensor([found.total_params, found.trainable_params, found.total_mult_adds])
