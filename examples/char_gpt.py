"""Trains a small GPT, character by character, on the licences that every Debian system has; writes a picture of what it knows.

    tools/dev python examples/char_gpt.py [--steps N] [--eager] [--picture FILE.png]

Where there are none, the text is that of Python's own reference manual. The last tenth of each document tests. The picture shows unseen
text, each character the redder the less it was expected, and the losses on the way.
"""

import argparse
import pathlib
import time

import numpy as np
import weft as torch
import weft.nn.functional as F
from tqdm import tqdm
from weft import nn

CONTEXT, BATCH, WIDTH, HEADS, LAYERS = 128, 24, 128, 4, 3
LICENCES = ("GPL-3", "GFDL-1.3", "MPL-2.0", "Apache-2.0", "Artistic")  # one version of each


def documents():
    folder = pathlib.Path("/usr/share/common-licenses")
    texts = [(folder / name).read_text(encoding="utf-8") for name in LICENCES if (folder / name).exists()]
    if not texts:
        from pydoc_data.topics import topics

        texts = list(topics.values())[::6]
    return [text.encode("ascii", "ignore").decode() for text in texts]


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.proj = nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, HEADS, c // HEADS).permute(2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(y.transpose(1, 2).reshape(b, t, c))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    def __init__(self, letters):
        super().__init__()
        self.letter = nn.Embedding(letters, WIDTH)
        self.position = nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(*[Block() for _ in range(LAYERS)])
        self.norm = nn.LayerNorm(WIDTH)
        self.apply(self.initialise)

    @staticmethod
    def initialise(module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)

    def forward(self, tokens):
        x = self.letter(tokens) + self.position(torch.arange(tokens.shape[1]))
        return F.linear(self.norm(self.blocks(x)), self.letter.weight)  # the weight is shared


@torch.no_grad()
def write(model, tokens, count, temperature=0.7):
    """The tokens, and so many drawn after them."""
    for _ in range(count):
        logits = model(tokens[:, -CONTEXT:])[:, -1] / temperature
        tokens = torch.cat([tokens, torch.multinomial(F.softmax(logits, dim=-1), 1)], dim=1)
    return tokens


@torch.no_grad()
def surprise(model, tokens):
    """Nats of each character of rows of CONTEXT + 1, but the first."""
    logits = model(tokens[:, :-1])
    return F.cross_entropy(logits.transpose(1, 2), tokens[:, 1:], reduction="none")


def train(steps, compiled=True):
    """Trains so many steps. Gives the nats a character of unseen text costs, the model, and what the picture shows."""
    torch.manual_seed(0)
    texts = documents()
    letters = sorted(set("".join(texts)))
    number = {letter: i for i, letter in enumerate(letters)}
    seen = torch.tensor([number[c] for text in texts for c in text[: -len(text) // 10]])
    unseen = torch.tensor([number[c] for text in texts for c in text[-len(text) // 10 :]])
    test = unseen[: len(unseen) // (CONTEXT + 1) * (CONTEXT + 1)].view(-1, CONTEXT + 1)[:64]

    model = GPT(len(letters))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.98), weight_decay=0.05)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=steps, pct_start=0.1)

    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.detach()

    if compiled:
        step = torch.compile(step)
    history, progress = [], tqdm(range(steps), desc="training", unit="step", disable=steps < 100)
    for i in progress:
        starts = torch.randint(len(seen) - CONTEXT - 1, (BATCH, 1))
        chosen = seen[starts + torch.arange(CONTEXT + 1)]
        loss = step(chosen[:, :-1], chosen[:, 1:])
        scheduler.step()
        if i % 25 == 0 or i == steps - 1:
            history.append((i, loss.item(), surprise(model, test).mean().item()))
            progress.set_postfix(loss=f"{history[-1][1]:.3f}", unseen=f"{history[-1][2]:.3f}")
    return history[-1][2], model, (letters, test, history)


def draw(path, model, letters, test, history):
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, (above, below) = plt.subplots(2, 1, figsize=(10, 9), height_ratios=[2, 1])
    tokens, nats = test[3:13], surprise(model, test[3:13])
    above.imshow(nats.numpy(), cmap="Reds", vmin=0, vmax=5, aspect="auto")
    for (row, column), _ in np.ndenumerate(nats.numpy()):
        above.text(column, row, letters[tokens[row, column + 1]].strip(), ha="center", va="center", size=6)
    above.set(xticks=[], yticks=[], title="unseen text: the redder, the less expected")
    steps, seen, unseen = zip(*history)
    below.plot(steps, seen, label="a batch of the training text")
    below.plot(steps, unseen, label="unseen text")
    below.set(xlabel="step", ylabel="nats a character", ylim=(0, None))
    below.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--eager", action="store_true", help="do not compile the step")
    parser.add_argument("--picture", default="char_gpt.png")
    options = parser.parse_args()
    start = time.perf_counter()
    nats, model, shown = train(options.steps, not options.eager)
    print(f"{nats:.3f} nats a character of unseen text after {time.perf_counter() - start:.1f} s of training")
    letters = shown[0]
    tokens = torch.tensor([[letters.index(c) for c in "You may "]])
    print("".join(letters[i] for i in write(model, tokens, 300)[0].tolist()))
    draw(options.picture, model, *shown)
    print(f"picture: {options.picture}")


if __name__ == "__main__":
    main()
