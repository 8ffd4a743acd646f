"""RealNVP, a normalising flow: masked couplings, a log determinant, a prior of torch.distributions, and its inverse."""

import weft as torch
from weft import distributions, nn


def nets():
    return nn.Sequential(
        nn.Linear(4, 16), nn.LeakyReLU(), nn.Linear(16, 16), nn.LeakyReLU(), nn.Linear(16, 4), nn.Tanh()
    )


def nett():
    return nn.Sequential(nn.Linear(4, 16), nn.LeakyReLU(), nn.Linear(16, 16), nn.LeakyReLU(), nn.Linear(16, 4))


class RealNVP(nn.Module):
    def __init__(self, nets, nett, mask, prior):
        super().__init__()
        self.prior = prior
        self.mask = nn.Parameter(mask, requires_grad=False)
        self.t = torch.nn.ModuleList([nett() for _ in range(len(mask))])
        self.s = torch.nn.ModuleList([nets() for _ in range(len(mask))])

    def g(self, z):
        x = z
        for i in range(len(self.t)):
            x_ = x * self.mask[i]
            s = self.s[i](x_) * (1 - self.mask[i])
            t = self.t[i](x_) * (1 - self.mask[i])
            x = x_ + (1 - self.mask[i]) * (x * torch.exp(s) + t)
        return x

    def f(self, x):
        log_det_J, z = x.new_zeros(x.shape[0]), x
        for i in reversed(range(len(self.t))):
            z_ = self.mask[i] * z
            s = self.s[i](z_) * (1 - self.mask[i])
            t = self.t[i](z_) * (1 - self.mask[i])
            z = (1 - self.mask[i]) * (z - t) * torch.exp(-s) + z_
            log_det_J -= s.sum(dim=1)
        return z, log_det_J

    def log_prob(self, x):
        z, logp = self.f(x)
        return self.prior.log_prob(z) + logp


def data(random):
    return random.randn(12, 4).astype("float32"), random.randn(3, 4).astype("float32")


def create():
    masks = torch.tensor([[0.0, 1, 0, 1], [1, 0, 1, 0]] * 2)
    prior = distributions.MultivariateNormal(torch.zeros(4), torch.eye(4))
    flow = RealNVP(nets, nett, masks, prior)
    optimizer = torch.optim.Adam([p for p in flow.parameters() if p.requires_grad], lr=1e-3, eps=1e-3)

    def step(samples, z):
        loss = -flow.log_prob(samples).mean()
        optimizer.zero_grad()
        loss.backward(retain_graph=True)
        optimizer.step()
        with torch.no_grad():
            there_and_back = flow.f(flow.g(z))[0] - z
        return loss.detach() + there_and_back.abs().sum().round()

    return flow, step, None
