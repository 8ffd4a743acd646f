"""Steps of optimizers over 12 matrices of 1024 x 1024, whose gradients stay: compiled beside PyTorch's loops, lists, fused kernels and
Inductor, which it takes the fastest of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from libraries import Library, Run, data

if TYPE_CHECKING:
    from workers import Race

OPTIONS: dict[str, dict[str, Any]] = {
    "SGD": {"lr": 1e-3, "momentum": 0.9, "weight_decay": 1e-2},
    "Adam": {"lr": 1e-3, "weight_decay": 1e-2},
    "AdamW": {"lr": 1e-3},
    "RMSprop": {"lr": 1e-3, "momentum": 0.9},
    "Adagrad": {"lr": 1e-3},
    "Adadelta": {"lr": 1e-3},
    "Adamax": {"lr": 1e-3},
    "NAdam": {"lr": 1e-3},
    "RAdam": {"lr": 1e-3},
    "Rprop": {"lr": 1e-3},
    "ASGD": {"lr": 1e-3},
    "Adafactor": {"lr": 1e-3},
    "Muon": {"lr": 1e-3},
}
PEERS = ("torch", "torch_foreach", "torch_fused", "inductor")


def _case(name: str, options: dict[str, Any]) -> Callable[[Library], Run]:
    def steps(lib: Library) -> Run:
        t = lib.torch_like
        parameters = [t.nn.Parameter(lib.tensor(data(i, 1024, 1024, scale=0.05))) for i in range(12)]
        for i, p in enumerate(parameters):
            p.grad = lib.tensor(data(50 + i, 1024, 1024))
        form = {"torch_foreach": {"foreach": True}, "torch_fused": {"fused": True}, "torch": {"foreach": False}}
        forms = form.get(lib.name, {}) if name != "Muon" else {}
        optimizer = getattr(t.optim, name)(parameters, **options, **forms)
        step = lib.compile(optimizer.step)

        def run() -> Any:
            step()
            return parameters[0].detach()

        return run

    steps.__name__ = f"step_of_{name}"
    steps.__doc__ = f"A step of {name} over 12 matrices of 1024 x 1024."
    return steps


CASES = {case.__name__: case for case in (_case(name, options) for name, options in OPTIONS.items())}


def measure(race: Race, cases: list[str]) -> list[dict[str, Any]]:
    """A line an optimizer: milliseconds a step of each form, and PyTorch's fastest against ours."""
    rows = []
    print(
        f"{'milliseconds a step':22s}" + "".join(f"{name:>15s}" for name in race.libraries) + "    fastest peer / weft"
    )
    for case in cases:
        row = race.run(case)
        rows.append(row)
        median = row["median_s"]
        best = min((value for name, value in median.items() if name in PEERS), default=float("nan"))
        times = "".join(f"{median[name] * 1e3:15.2f}" if name in median else f"{'-':>15s}" for name in race.libraries)
        ratio = best / median["weft"] if "weft" in median else float("nan")
        checks = list(row["check"].values())
        differs = "   the results DIFFER" if max(checks) - min(checks) > 1e-3 * max(checks) else ""
        print(f"{case:22s}{times}{ratio:15.2f} x{differs}", flush=True)
    return rows
