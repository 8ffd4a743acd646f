"""What of a model runs as weft's programs, and what as PyTorch's own operators."""

from __future__ import annotations

import dataclasses
from collections import Counter

import torch

from . import _backend


@dataclasses.dataclass
class GraphExplanation:
    """kind: "forward", "backward" or "inference"; operators: how many weft runs; programs: in how many programs; foreign: the
    operators that PyTorch runs between them, with the reason, and how many there are of each."""

    kind: str
    operators: int
    programs: int
    foreign: Counter[str]

    def __str__(self) -> str:
        lines = [f"{self.kind}: {self.operators} operators in {self.programs} programs of weft's"]
        lines += [f"  PyTorch's: {count} x {name}" for name, count in self.foreign.most_common()]
        return "\n".join(lines)


class Explanation(list[GraphExplanation]):
    """One entry a graph."""

    def __str__(self) -> str:
        return "\n".join(map(str, self))


def _add(plan, explanation):
    explanation.foreign += plan.foreign
    for program in plan.programs:
        if program.instead:
            _add(program.instead, explanation)
        else:
            explanation.operators += len(program.nodes)
            explanation.programs += 1


def explain(function, *args, **kwargs) -> Explanation:
    """Calls ``torch.compile(function, backend="weft")`` once, and backward() on the sum of what requires grad in its result (so .grad
    of parameters is added to). Gives what each of its graphs came to, in the order of their first runs."""
    plans: list = []
    token = _backend.observed.set(plans)
    try:
        torch._dynamo.reset()
        result = torch.compile(function, backend=_backend.backend)(*args, **kwargs)
        leaves = torch.utils._pytree.tree_leaves(result)
        wanted = [x.sum() for x in leaves if isinstance(x, torch.Tensor) and x.requires_grad]
        if wanted:
            torch.stack([x.double() for x in wanted]).sum().backward()
    finally:
        _backend.observed.reset(token)
    explanation = Explanation()
    for kind, plan in plans:
        graph = GraphExplanation(kind, 0, 0, Counter())
        _add(plan, graph)
        explanation.append(graph)
    return explanation
