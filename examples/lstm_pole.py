"""Trains an LSTM to say where the Earth's pole will be: real measurements, one a day for decades; writes a picture of forecasts.

    tools/dev python examples/lstm_pole.py [--steps N] [--eager] [--picture FILE.png]

The axis of the Earth moves through its crust by some metres, in a yearly circle and one of 433 days. The package astropy-iers-data has
what the International Earth Rotation Service measured. From three years the LSTM says the next ninety days; it learns from
1976 to 2014, and 2015 to 2023 test it. Units are milliarcseconds: 30 are a metre of ground.
"""

import argparse
import pathlib
import time

import numpy as np
import weft as torch
import weft.nn.functional as F
from tqdm import tqdm
from weft import nn

PAST, FUTURE, EVERY, BATCH = 110, 9, 10, 64  # steps of EVERY days


def pole():
    """Days [n] since 1 January 1976 and the pole's place [n, 2] in milliarcseconds."""
    import astropy_iers_data

    days, places = [], []
    for line in pathlib.Path(astropy_iers_data.IERS_A_FILE).read_text().splitlines():
        day = float(line[7:15])  # modified Julian
        if 42778 <= day < 60310:  # up to the end of 2023: measured, not foretold
            days.append(day - 42778)
            places.append((float(line[18:27]) * 1000, float(line[37:46]) * 1000))
    return np.array(days), np.array(places, dtype=np.float32)


class Forecast(nn.Module):
    def __init__(self, hidden=96):
        super().__init__()
        self.lstm = nn.LSTM(4, hidden, num_layers=2, batch_first=True)
        self.head = nn.Linear(hidden, FUTURE * 2)

    def forward(self, past):
        """The changes [b, FUTURE, 2] from the last of the past [b, PAST, 2], in units of 100."""
        moved = F.pad(past.diff(dim=1), (0, 0, 1, 0)) * 10
        states, _ = self.lstm(torch.cat([past, moved], dim=2))
        return self.head(states[:, -1]).unflatten(1, (FUTURE, 2))


def windows(places, starts):
    """Past [b, PAST, 2] and changes to come [b, FUTURE, 2], as the network takes them."""
    index = starts[:, None] + EVERY * np.arange(PAST + FUTURE)
    cut = torch.from_numpy(places[index]) / 100
    return cut[:, :PAST], cut[:, PAST:] - cut[:, PAST - 1 : PAST]


def train(steps, compiled=True):
    """Trains so many steps. Gives the mean error 90 days ahead, the model, and what the picture shows."""
    torch.manual_seed(0)
    days, places = pole()
    mean = places.mean(0)
    places = places - mean
    span, split = EVERY * (PAST + FUTURE - 1) + 1, int(np.searchsorted(days, 39 * 365.25))
    # Windows of the test may begin before 2015: what they are asked for lies after.
    test = np.arange(split - EVERY * PAST, len(places) - span, 15)
    past, wanted = windows(places, test)

    model = Forecast()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)

    def step(past, wanted):
        optimizer.zero_grad()
        loss = F.smooth_l1_loss(model(past), wanted)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.detach()

    if compiled:
        step = torch.compile(step)
    random = np.random.RandomState(0)
    progress = tqdm(range(steps), desc="training", unit="step", disable=steps < 100)
    for _ in progress:
        loss = step(*windows(places, random.randint(0, split - span, BATCH)))
        scheduler.step()
        progress.set_postfix(loss=f"{loss.item():.4f}", refresh=False)
    with torch.no_grad():
        foretold = model(past)
    error = 100 * (foretold - wanted).norm(dim=2).mean(dim=0)
    resting = 100 * wanted.norm(dim=2).mean(dim=0)
    return error[-1].item(), model, (past, wanted, foretold, error, resting, mean)


def draw(path, past, wanted, foretold, error, resting, mean):
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 6), width_ratios=[3, 2])
    for i, row in enumerate(range(10, len(past), 32)):
        now = past[row, -1]
        trail, truth, guess = past[row, -37:], wanted[row] + now, foretold[row] + now
        for points, colour, label in (
            (trail, "0.8", "the year before"),
            (truth, "C0", "measured"),
            (guess, "C3", "foretold"),
        ):
            line = points if points is trail else torch.cat([now[None], points])
            x, y = (line.numpy() * 100 + mean).T
            left.plot(x, y, color=colour, lw=1 if points is trail else 2, label=label if i == 0 else None)
        left.plot(*(now.numpy() * 100 + mean), "k.", ms=5)
    left.set(xlabel="towards Greenwich, milliarcseconds", ylabel="towards 90° west", title="90 days from each dot")
    left.set_aspect("equal")
    left.legend(loc="lower right")
    days = EVERY * np.arange(1, FUTURE + 1)
    right.plot(days, resting.numpy(), "0.6", label="it stays where it is")
    right.plot(days, error.numpy(), "C3", label="LSTM")
    right.set(xlabel="days ahead", ylabel="mean error, milliarcseconds", ylim=(0, None), title="2015 to 2023")
    right.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--eager", action="store_true", help="do not compile the step")
    parser.add_argument("--picture", default="lstm_pole.png")
    options = parser.parse_args()
    start = time.perf_counter()
    error, _, shown = train(options.steps, not options.eager)
    print(f"mean error 90 days ahead {error:.1f} mas after {time.perf_counter() - start:.1f} s of training")
    print(f"a pole that stays where it is: {shown[4][-1].item():.1f} mas")
    draw(options.picture, *shown)
    print(f"picture: {options.picture}")


if __name__ == "__main__":
    main()
