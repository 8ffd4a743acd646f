"""Trains a variational autoencoder on scikit-learn's handwritten digits; writes a picture of what it makes of them.

    tools/dev python examples/digits_vae.py [--epochs N] [--eager] [--picture FILE.png]

Eight numbers stand for an image of 8 x 8. The picture shows test digits, what is left of them after the way through these numbers,
the ways from one digit to another, and digits made of random numbers.
"""

import argparse
import time

import weft as torch
import weft.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm
from weft import nn
from weft.distributions import Normal, kl_divergence
from weft.utils.data import DataLoader, TensorDataset

LATENT = 8


class VAE(nn.Module):
    def __init__(self, hidden=256):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(64, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, 2 * LATENT)
        )
        self.decoder = nn.Sequential(
            nn.Linear(LATENT, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, 64)
        )

    def encode(self, x):
        mean, log_scale = self.encoder(x).chunk(2, dim=1)
        return Normal(mean, log_scale.exp())

    def forward(self, x):
        """The bound on -log p of each image, in nats, with one sample."""
        posterior = self.encode(x)
        logits = self.decoder(posterior.rsample())
        prior = Normal(torch.zeros_like(posterior.mean), torch.ones_like(posterior.mean))
        return F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1) + kl_divergence(
            posterior, prior
        ).sum(1)


def train(epochs, compiled=True):
    """Trains so many epochs. Gives the bound on the test digits in nats, the model, and these digits."""
    torch.manual_seed(0)
    images = load_digits().data / 16
    images, test = train_test_split(images, test_size=0.2, random_state=0)
    images, test = torch.tensor(images, dtype=torch.float32), torch.tensor(test, dtype=torch.float32)
    loader = DataLoader(TensorDataset(images), batch_size=64, shuffle=True, drop_last=True)
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)

    def step(x):
        optimizer.zero_grad()
        loss = model(x).mean()
        loss.backward()
        optimizer.step()
        return loss.detach()

    if compiled:
        step = torch.compile(step)
    progress = tqdm(range(epochs), desc="training", unit="epoch", disable=epochs < 20)
    for _ in progress:
        total = sum(step(x).item() for (x,) in loader)
        scheduler.step()
        progress.set_postfix(nats=f"{total / len(loader):.2f}", refresh=False)
    with torch.no_grad():
        bound = model(test.repeat(16, 1)).mean().item()
    return bound, model, test


@torch.no_grad()
def pictures(model, test):
    """[rows, 16, 8, 8]: digits, reconstructions, four ways between digits, four rows of samples."""
    code = model.encode(test[:16]).mean
    ends = model.encode(test[16:24]).mean.view(4, 2, 1, LATENT)
    part = torch.linspace(0, 1, 16).view(1, 16, 1)
    ways = torch.lerp(ends[:, 0], ends[:, 1], part).flatten(0, 1)
    random = torch.randn(64, LATENT)
    made = torch.sigmoid(model.decoder(torch.cat([code, ways, random])))
    return torch.cat([test[:16], made]).view(-1, 16, 8, 8)


def draw(path, rows):
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    parts = (
        ("test digits, and what comes back of them", rows[:2]),
        ("from one digit to another", rows[2:6]),
        ("random numbers", rows[6:]),
    )
    figure, axes = plt.subplots(3, 1, figsize=(8, 6), height_ratios=[len(part) for _, part in parts])
    for axis, (title, part) in zip(axes, parts):
        axis.imshow(F.pad(part, (1, 1, 1, 1)).permute(0, 2, 1, 3).flatten(2).flatten(0, 1).numpy(), cmap="gray")
        axis.set_title(title)
        axis.axis("off")
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--eager", action="store_true", help="do not compile the step")
    parser.add_argument("--picture", default="digits_vae.png")
    options = parser.parse_args()
    start = time.perf_counter()
    bound, model, test = train(options.epochs, not options.eager)
    print(f"-log p <= {bound:.2f} nats a test digit after {time.perf_counter() - start:.1f} s of training")
    draw(options.picture, pictures(model, test))
    print(f"picture: {options.picture}")


if __name__ == "__main__":
    main()
