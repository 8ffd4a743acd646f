"""Trains a deep Q-network to balance a pole on a cart; writes a picture of how it learned and of what it does.

    tools/dev python examples/dqn_cartpole.py [--steps N] [--eager] [--picture FILE.png]

The cart and the pole are those of Barto, Sutton and Anderson (1983): push left or right, fifty times a second; an episode ends when the pole
leans by more than 12 degrees, when the cart is 2.4 m from the middle, or after 500 pushes. Double Q-learning with a slowly following
copy of the network as its goal.
"""

import argparse
import copy
import math
import time

import numpy as np
import weft as torch
import weft.nn.functional as F
from tqdm import tqdm
from weft import nn

CARTS, BATCH, MEMORY, LIMIT = 8, 128, 100_000, 500


class Carts:
    """So many carts at once: place, speed, angle and angular speed of each, [n, 4]."""

    def __init__(self, count, seed):
        self.random = np.random.RandomState(seed)
        self.state = self.random.uniform(-0.05, 0.05, (count, 4)).astype(np.float32)
        self.age = np.zeros(count, int)

    def step(self, right):
        """Pushes each to the right or left: states, and which of them have fallen and which ended; those begin anew."""
        x, dx, angle, dangle = self.state.T
        pole, half, mass, gravity, tick = 0.1, 0.5, 1.1, 9.8, 0.02
        sin, cos = np.sin(angle), np.cos(angle)
        push = (np.where(right, 10.0, -10.0) + pole * half * dangle**2 * sin) / mass
        turn = (gravity * sin - cos * push) / (half * (4 / 3 - pole * cos**2 / mass))
        drive = push - pole * half * turn * cos / mass
        state = self.state + tick * np.stack([dx, drive, dangle, turn], axis=1).astype(np.float32)
        self.age += 1
        fallen = (np.abs(state[:, 0]) > 2.4) | (np.abs(state[:, 2]) > math.radians(12))
        ended = fallen | (self.age >= LIMIT)
        self.state = np.where(ended[:, None], self.random.uniform(-0.05, 0.05, state.shape), state).astype(np.float32)
        self.age[ended] = 0
        return state, fallen, ended


def network():
    return nn.Sequential(nn.Linear(4, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 2))


@torch.no_grad()
def play(model, count=100, seed=1):
    """For how many pushes the pole stays up, [count], and the way of the first."""
    carts, lasted, way = Carts(count, seed), np.zeros(count, int), []
    running = np.ones(count, bool)
    while running.any():
        way.append(carts.state[0].copy())
        _, _, ended = carts.step(model(torch.from_numpy(carts.state)).argmax(dim=1).numpy() == 1)
        lasted += running
        running &= ~ended
    return lasted, np.array(way)[: lasted[0]]


def train(steps, compiled=True):
    """So many pushes of each cart, with a step of learning for each. Gives the mean length of 100 episodes, the model, and its history."""
    torch.manual_seed(0)
    random, carts = np.random.RandomState(0), Carts(CARTS, 0)
    policy = network()
    goal = copy.deepcopy(policy).requires_grad_(False)
    optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-3, amsgrad=True)

    def learn(state, action, after, fallen):
        with torch.no_grad():
            best = policy(after).argmax(dim=1, keepdim=True)
            wanted = 0.1 + 0.99 * (1 - fallen) * goal(after).gather(1, best).squeeze(1)
        value = policy(state).gather(1, action[:, None]).squeeze(1)
        optimizer.zero_grad()
        loss = F.smooth_l1_loss(value, wanted)
        loss.backward()
        nn.utils.clip_grad_value_(policy.parameters(), 100)
        optimizer.step()
        with torch.no_grad():
            for slow, fast in zip(goal.parameters(), policy.parameters()):
                slow.lerp_(fast, 0.01)
        return loss.detach()

    act = policy
    if compiled:
        learn, act = torch.compile(learn), torch.compile(policy)
    states, afters = np.zeros((MEMORY, 4), np.float32), np.zeros((MEMORY, 4), np.float32)
    actions, falls = np.zeros(MEMORY, np.int64), np.zeros(MEMORY, np.float32)
    history, begun = [], np.zeros(CARTS, int)
    progress = tqdm(range(steps), desc="learning", unit="push", disable=steps < 1000)
    for i in progress:
        before = carts.state
        with torch.no_grad():
            action = act(torch.from_numpy(before)).argmax(dim=1).numpy()
        curious = random.rand(CARTS) < max(0.05, 1 - i / (0.3 * steps))
        action = np.where(curious, random.randint(0, 2, CARTS), action)
        after, fallen, ended = carts.step(action == 1)
        rows = np.arange(i * CARTS, (i + 1) * CARTS) % MEMORY
        states[rows], actions[rows], afters[rows], falls[rows] = before, action, after, fallen
        for cart in np.flatnonzero(ended):
            history.append((i, i + 1 - begun[cart]))
            begun[cart] = i + 1
        if i * CARTS >= 2 * BATCH:
            chosen = random.randint(0, min((i + 1) * CARTS, MEMORY), BATCH)
            learn(*(torch.from_numpy(a[chosen]) for a in (states, actions, afters, falls)))
        if history and i % 100 == 0:
            progress.set_postfix(lasted=f"{np.mean([n for _, n in history[-20:]]):.0f}", refresh=False)
    lasted, way = play(policy)
    return lasted.mean(), policy, (history, way)


def draw(path, history, way):
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, (above, below) = plt.subplots(2, 1, figsize=(9, 7))
    pushes, lasted = np.array(history).T
    above.plot(pushes, lasted, ".", color="0.7", ms=4, label="an episode")
    above.plot(pushes[19:], np.convolve(lasted, np.ones(20) / 20, "valid"), "C3", label="mean of twenty")
    above.set(xlabel="pushes", ylabel="how long the pole stayed up", ylim=(0, 1.05 * LIMIT))
    above.legend()
    for i, (x, _, angle, _) in enumerate(way[::5]):
        below.plot([i * 0.1, i * 0.1 + 0.4 * math.sin(angle) * 5], [x, x + 0.4], color=plt.cm.viridis(i * 5 / LIMIT))
    below.set(
        xlabel="seconds",
        ylabel="place of the cart, m",
        title="an episode: the pole, leaning five times as much as it does",
    )
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=24_000)
    parser.add_argument("--eager", action="store_true", help="do not compile the step")
    parser.add_argument("--picture", default="dqn_cartpole.png")
    options = parser.parse_args()
    start = time.perf_counter()
    lasted, _, shown = train(options.steps, not options.eager)
    print(f"the pole stays up for {lasted:.0f} of {LIMIT} pushes after {time.perf_counter() - start:.1f} s of learning")
    draw(options.picture, *shown)
    print(f"picture: {options.picture}")


if __name__ == "__main__":
    main()
