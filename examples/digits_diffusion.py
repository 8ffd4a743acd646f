"""Trains a diffusion model on scikit-learn's handwritten digits; writes a picture of digits that come out of noise.

    tools/dev python examples/digits_diffusion.py [--steps N] [--eager] [--picture FILE.png]

The network is told how noisy an image is and which digit is meant, and says what noise is in it (Ho, Jain, Abbeel, 2020, with the
cosine schedule of Nichol and Dhariwal, 2021). How good the digits are, and whether they differ as handwriting does, a classifier says
that has seen only made ones: it reads the real ones (Ravuri and Vinyals, 2019).
"""

import argparse
import math
import time

import weft as torch
import weft.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from tqdm import tqdm
from weft import nn
from weft.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

LEVELS, WIDTH, BATCH = 60, 48, 64


def kept():
    """How much of the image's variance is left at each level, [LEVELS]."""
    t = torch.linspace(0, 1, LEVELS + 1, dtype=torch.float64)
    curve = torch.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2
    beta = (1 - curve[1:] / curve[:-1]).clamp(max=0.999)
    return torch.cumprod(1 - beta, dim=0).float()


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(4, width), nn.GroupNorm(4, width)
        self.conv1, self.conv2 = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)
        self.told = nn.Linear(WIDTH, width)

    def forward(self, x, told):
        y = self.conv1(F.silu(self.norm1(x))) + self.told(told)[:, :, None, None]
        return x + self.conv2(F.silu(self.norm2(y)))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.level = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.SiLU(), nn.Linear(WIDTH, WIDTH))
        self.digit = nn.Embedding(10, WIDTH)
        self.enter = nn.Conv2d(1, WIDTH, 3, padding=1)
        self.fine1, self.coarse, self.fine2 = Block(WIDTH), Block(2 * WIDTH), Block(WIDTH)
        self.down = nn.Conv2d(WIDTH, 2 * WIDTH, 4, stride=2, padding=1)
        self.up = nn.ConvTranspose2d(2 * WIDTH, WIDTH, 4, stride=2, padding=1)
        self.leave = nn.Conv2d(WIDTH, 1, 3, padding=1)
        nn.init.zeros_(self.leave.weight)

    def forward(self, x, level, digit):
        wave = torch.exp(torch.arange(WIDTH // 2) * (-math.log(1000.0) / (WIDTH // 2))) * level[:, None]
        told = F.silu(self.level(torch.cat([wave.sin(), wave.cos()], dim=1)) + self.digit(digit))
        fine = self.fine1(self.enter(x), told)
        coarse = self.coarse(self.down(fine), told)
        return self.leave(self.fine2(fine + self.up(coarse), told))


@torch.no_grad()
def sample(model, digits, compiled=True):
    """Images [b, 1, 8, 8] of the digits [b], and how they were at every tenth level."""

    def denoise(x, t, level, digits, before, now):
        noise = model(x, level, digits)
        clean = ((x - (1 - now).sqrt() * noise) / now.sqrt()).clamp(-1, 1)
        beta = 1 - now / before
        mean = (before.sqrt() * beta * clean + (now / before).sqrt() * (1 - before) * x) / (1 - now)
        return mean + (beta * (1 - before) / (1 - now)).sqrt() * torch.randn_like(x)

    if compiled:
        denoise = torch.compile(denoise)
    left = torch.cat([torch.ones(1), kept()])
    x, way = torch.randn(len(digits), 1, 8, 8), []
    for t in reversed(range(LEVELS)):
        x = denoise(x, t, torch.full((len(digits),), float(t)), digits, left[t], left[t + 1])
        if t % 10 == 0:
            way.append(x)
    return x, way


def train(steps, compiled=True):
    """Trains so many steps. Gives the mean square error of the noise it sees, where 1 is blind, and the model."""
    torch.manual_seed(0)
    data = load_digits()
    images = torch.tensor(data.images / 8 - 1, dtype=torch.float32)[:, None]
    labels = torch.tensor(data.target)
    model, left = UNet(), kept()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=steps, pct_start=0.05)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.99))

    def step(clean, digits):
        level = torch.randint(LEVELS, (len(clean),))
        noise = torch.randn_like(clean)
        part = left[level].view(-1, 1, 1, 1)
        noisy = part.sqrt() * clean + (1 - part).sqrt() * noise
        optimizer.zero_grad()
        loss = F.mse_loss(model(noisy, level.float(), digits), noise)
        loss.backward()
        optimizer.step()
        return loss.detach()

    if compiled:
        step = torch.compile(step)
    losses = []
    progress = tqdm(range(steps), desc="training", unit="step", disable=steps < 100)
    for _ in progress:
        chosen = torch.randint(len(images), (BATCH,))
        losses.append(step(images[chosen], labels[chosen]).item())
        scheduler.step()
        average.update_parameters(model)
        progress.set_postfix(loss=f"{losses[-1]:.3f}", refresh=False)
    return sum(losses[-20:]) / len(losses[-20:]), average.module.eval()


def score(made, wanted):
    """The share of real digits that a classifier of made ones reads right."""
    data = load_digits()
    reader = KNeighborsClassifier(1).fit(made.flatten(1).numpy(), wanted.numpy())
    return reader.score(data.data / 8 - 1, data.target)


def draw(path, way):
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    def tiles(images, columns):
        rows = F.pad(images.view(-1, columns, 8, 8), (1, 1, 1, 1), value=-1.0).permute(0, 2, 1, 3)
        return rows.reshape(rows.shape[0] * 10, columns * 10).numpy()

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 6), width_ratios=[len(way), 10])
    left.imshow(tiles(torch.stack([x[:10] for x in way], dim=1), len(way)), cmap="gray", vmin=-1, vmax=1)
    left.set_title("out of noise")
    right.imshow(tiles(way[-1][:100], 10), cmap="gray", vmin=-1, vmax=1)
    right.set_title("digits that nobody wrote")
    for axis in (left, right):
        axis.axis("off")
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--eager", action="store_true", help="do not compile the step")
    parser.add_argument("--picture", default="digits_diffusion.png")
    options = parser.parse_args()
    start = time.perf_counter()
    error, model = train(options.steps, not options.eager)
    print(f"error of the noise {error:.3f} after {time.perf_counter() - start:.1f} s of training")
    wanted = torch.arange(1000) % 10
    made, way = sample(model, wanted, not options.eager)
    print(f"who has seen only made digits reads {score(made, wanted):.3f} of the real ones")
    draw(options.picture, way)
    print(f"picture: {options.picture}")


if __name__ == "__main__":
    main()
