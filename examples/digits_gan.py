"""Trains a generative adversarial network on scikit-learn's handwritten digits; writes a picture of digits it made up.

    tools/dev python examples/digits_gan.py [--steps N] [--eager] [--picture FILE.png]

Both networks are told which digit is meant. How good the made ones are, and whether they differ as handwriting does, a classifier says that
has seen only 2000 of them: it reads the real ones (Ravuri and Vinyals, 2019). One that has seen the real ones reads 99 % of others.
"""

import argparse
import time

import weft as torch
import weft.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from tqdm import tqdm
from weft import nn

NOISE, HIDDEN, BATCH = 32, 128, 64


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(NOISE + 10, HIDDEN),
            nn.BatchNorm1d(HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.BatchNorm1d(HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, 64),
            nn.Sigmoid(),
        )

    def forward(self, noise, labels):
        return self.net(torch.cat([noise, F.one_hot(labels, 10).float()], dim=1))


class Discriminator(nn.Module):
    def __init__(self, hidden=2 * HIDDEN):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(64 + 10, hidden),
            nn.LeakyReLU(0.2),
            nn.Dropout(0.3),
            nn.Linear(hidden, hidden),
            nn.LeakyReLU(0.2),
            nn.Dropout(0.3),
            nn.Linear(hidden, 1),
        )

    def forward(self, images, labels):
        noisy = images + 0.1 * torch.randn_like(images)  # else it learns the real ones by heart
        return self.net(torch.cat([noisy, F.one_hot(labels, 10).float()], dim=1)).squeeze(1)


def train(steps, compiled=True):
    """Trains so many steps. Gives the share of real digits that a classifier of made ones reads right, the generator, and 100 digits."""
    torch.manual_seed(0)
    data = load_digits()
    images, labels = torch.tensor(data.data / 16, dtype=torch.float32), torch.tensor(data.target)
    generator, discriminator = Generator(), Discriminator()
    optim_g = torch.optim.Adam(generator.parameters(), lr=5e-4, betas=(0.5, 0.999))
    optim_d = torch.optim.Adam(discriminator.parameters(), lr=5e-4, betas=(0.5, 0.999))

    def step(real, labels):
        fake = generator(torch.randn(len(real), NOISE), labels)
        optim_d.zero_grad()
        loss_d = (
            F.softplus(-discriminator(real, labels)).mean() + F.softplus(discriminator(fake.detach(), labels)).mean()
        )
        loss_d.backward()
        optim_d.step()
        optim_g.zero_grad()
        loss_g = F.softplus(-discriminator(fake, labels)).mean()
        loss_g.backward()
        optim_g.step()
        return loss_d.detach(), loss_g.detach()

    if compiled:
        step = torch.compile(step)
    progress = tqdm(range(steps), desc="training", unit="step", disable=steps < 1000)
    for i in progress:
        chosen = torch.randint(len(images), (BATCH,))
        loss_d, loss_g = step(images[chosen], labels[chosen])
        if i % 100 == 0:
            progress.set_postfix(judge=f"{loss_d.item():.2f}", maker=f"{loss_g.item():.2f}", refresh=False)

    generator.eval()
    with torch.no_grad():
        meant = torch.arange(2000) % 10
        made = generator(torch.randn(2000, NOISE), meant)
    reader = KNeighborsClassifier(1).fit(made.numpy(), meant.numpy())
    return reader.score(data.data / 16, data.target), generator, made[:100]


def draw(path, made):
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    rows = F.pad(made.view(10, 10, 8, 8), (1, 1, 1, 1)).permute(0, 2, 1, 3).reshape(100, 100)
    figure, axis = plt.subplots(figsize=(6, 6))
    axis.imshow(rows.numpy(), cmap="gray")
    axis.set_title("digits that nobody wrote")
    axis.axis("off")
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--eager", action="store_true", help="do not compile the step")
    parser.add_argument("--picture", default="digits_gan.png")
    options = parser.parse_args()
    start = time.perf_counter()
    right, _, made = train(options.steps, not options.eager)
    print(
        f"who has seen only made digits reads {right:.3f} of the real ones; {time.perf_counter() - start:.1f} s of training"
    )
    draw(options.picture, made)
    print(f"picture: {options.picture}")


if __name__ == "__main__":
    main()
