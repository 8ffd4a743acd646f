"""L-BFGS (Nocedal and Wright, "Numerical optimization", 2006, algorithms 7.4 and 7.5; line search: 3.5 and 3.6)."""

import math

from .. import _C, _factories
from .._functions import cat
from .._functions.products import dot
from .optimizer import Optimizer
from .rule import check


class LBFGS(Optimizer):
    """A quasi-Newton method over one group of parameters. A step takes up to ``max_iter`` iterations and calls ``closure``, which computes
    the loss and its gradients, up to ``max_eval`` times (``max_iter`` · 1.25 where None). The last ``history_size`` differences stand for
    the Hessian. ``line_search_fn``: None takes steps of ``lr``, "strong_wolfe" searches for one with Wolfe's strong conditions.

    Reads values, so that within a compiled function the step runs as Python.
    """

    def __init__(
        self,
        params,
        lr=1,
        max_iter=20,
        max_eval=None,
        tolerance_grad=1e-7,
        tolerance_change=1e-9,
        history_size=100,
        line_search_fn=None,
    ):
        check("LBFGS", lr=lr, tolerance_grad=tolerance_grad, tolerance_change=tolerance_change)
        for name, value in (
            ("max_iter", max_iter),
            ("max_eval", 1 if max_eval is None else max_eval),
            ("history_size", history_size),
        ):
            if not isinstance(value, int):
                raise TypeError(f"[LBFGS] {name} must be an int; got {type(value).__name__}")
        if line_search_fn not in (None, "strong_wolfe"):
            raise RuntimeError(f"[LBFGS] line_search_fn must be None or 'strong_wolfe'; got {line_search_fn!r}")
        defaults = {
            "lr": lr, "max_iter": max_iter, "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change, "history_size": history_size,
            "line_search_fn": line_search_fn,
        }  # fmt: skip
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("[LBFGS] has one group of parameters; got several; pass model.parameters()")

    # ---- all parameters as one vector
    def _gradient(self):
        parts = [
            (_factories.zeros_like(p) if p.grad is None else p.grad).reshape(-1) for p in self.param_groups[0]["params"]
        ]
        return cat(parts)

    def _move(self, direction, step):
        start = 0
        for p in self.param_groups[0]["params"]:
            p.add_(direction[start : start + p.numel()].view(p.shape) * step)
            start += p.numel()

    def _at(self, closure, start, direction, step):
        """Loss and gradient at a step from ``start``, where the parameters are again afterwards."""
        self._move(direction, step)
        with _C.GradMode(True):
            loss = float(closure())
        gradient = self._gradient()
        for p, value in zip(self.param_groups[0]["params"], start):
            p.copy_(value)
        return loss, gradient

    def step(self, closure):
        """Iterates. Returns the first loss. State: that of the first parameter, with PyTorch's keys."""
        if not callable(closure):
            raise TypeError(f"[LBFGS] closure must be callable; got {type(closure).__name__}")
        group = self.param_groups[0]
        state = self.state[group["params"][0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        with _C.GradMode(True):
            first_loss = closure()
        with _C.GradMode(False):
            self._iterate(closure, group, state, float(first_loss))
        return first_loss

    def _iterate(self, closure, group, state, loss):
        rate, search = float(group["lr"]), group["line_search_fn"]
        evaluations = 1
        state["func_evals"] += 1
        gradient = self._gradient()
        if _largest(gradient) <= group["tolerance_grad"]:
            return
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            direction = self._direction(state, gradient, group["history_size"])
            state["prev_flat_grad"], previous_loss = gradient, loss
            step = rate * (min(1.0, 1.0 / float(gradient.abs().sum())) if state["n_iter"] == 1 else 1.0)
            slope = float(dot(gradient, direction))
            state.update(d=direction, t=step, prev_loss=previous_loss)
            if slope > -group["tolerance_change"]:
                break
            calls = 0
            if search:
                start = [p.clone() for p in group["params"]]
                loss, gradient, step, calls = _strong_wolfe(
                    lambda step, start=start, direction=direction: self._at(closure, start, direction, step),
                    direction, step, loss, gradient, slope, group["max_eval"] - evaluations,
                )  # fmt: skip
                state["t"] = step
                self._move(direction, step)
            else:
                self._move(direction, step)
                if iteration < group["max_iter"]:
                    with _C.GradMode(True):
                        loss = float(closure())
                    gradient, calls = self._gradient(), 1
            evaluations += calls
            state["func_evals"] += calls
            if (
                evaluations >= group["max_eval"]
                or _largest(gradient) <= group["tolerance_grad"]
                or _largest(direction) * abs(step) <= group["tolerance_change"]
                or abs(loss - previous_loss) < group["tolerance_change"]
            ):
                break

    def _direction(self, state, gradient, history_size):
        """Minus the gradient times the inverse Hessian that the history stands for (the two loops of algorithm 7.4)."""
        if state["n_iter"] == 1:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
            return -gradient
        changes, moves, inverses = state["old_dirs"], state["old_stps"], state["ro"]
        change, move = gradient - state["prev_flat_grad"], state["d"] * state["t"]
        curvature = dot(change, move)
        if float(curvature) > 1e-10:
            if len(changes) == history_size:
                for history in (changes, moves, inverses):
                    history.pop(0)
            changes.append(change)
            moves.append(move)
            inverses.append(1.0 / curvature)
            state["H_diag"] = curvature / dot(change, change)
        result = -gradient
        parts = []
        for change, move, inverse in zip(reversed(changes), reversed(moves), reversed(inverses)):
            parts.append(dot(move, result) * inverse)
            result = result - change * parts[-1]
        result = result * state["H_diag"]
        for change, move, inverse, part in zip(changes, moves, inverses, reversed(parts)):
            result = result + move * (part - dot(change, result) * inverse)
        state["al"] = parts[::-1]
        return result


def _largest(tensor):
    return float(tensor.abs().max())


def _cubic_minimum(x1, f1, g1, x2, f2, g2, low=None, high=None):
    """The minimum of the cubic with these values and slopes, within bounds; their middle where it has none."""
    low, high = (min(x1, x2), max(x1, x2)) if low is None else (low, high)
    d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = d1 * d1 - g1 * g2
    if not square >= 0:
        return (low + high) / 2
    d2 = math.sqrt(square)
    found = (
        x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))
        if x1 <= x2
        else x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2 * d2))
    )
    return min(max(found, low), high)


def _strong_wolfe(evaluate, direction, step, loss, gradient, slope, most, c1=1e-4, c2=0.9, tolerance=1e-9):
    """A step with Wolfe's strong conditions: loss, gradient, step, evaluations. A point is (step, loss, gradient, slope)."""

    def look(step):
        value, its_gradient = evaluate(step)
        return step, value, its_gradient.clone(), float(dot(its_gradient, direction))

    longest = _largest(direction)
    first = before = (0.0, loss, gradient, slope)
    now, calls = look(step), 1
    bracket, is_done = None, False
    for count in range(most):  # until a bracket holds such a step
        if now[1] > loss + c1 * now[0] * slope or (count > 1 and now[1] >= before[1]):
            bracket = [before, now]
        elif abs(now[3]) <= -c2 * slope:
            bracket, is_done = [now], True
        elif now[3] >= 0:
            bracket = [before, now]
        if bracket:
            break
        least, end = now[0] + 0.01 * (now[0] - before[0]), now[0] * 10
        step = _cubic_minimum(before[0], before[1], before[3], now[0], now[1], now[3], least, end)
        before, now = now, look(step)
        calls += 1
    if not bracket:
        bracket = [first, now]
    was_near_end, count = False, calls - 1
    low, high = (0, 1) if bracket[0][1] <= bracket[-1][1] else (1, 0)
    while not is_done and count < most:
        if abs(bracket[1][0] - bracket[0][0]) * longest < tolerance:
            break
        (x1, f1, _, g1), (x2, f2, _, g2) = bracket
        step = _cubic_minimum(x1, f1, g1, x2, f2, g2)
        start, end = min(x1, x2), max(x1, x2)
        margin = 0.1 * (end - start)
        if min(end - step, step - start) < margin:  # too near an end to shorten the bracket much
            if was_near_end or step >= end or step <= start:
                step, was_near_end = (end - margin if abs(step - end) < abs(step - start) else start + margin), False
            else:
                was_near_end = True
        else:
            was_near_end = False
        now = look(step)
        calls, count = calls + 1, count + 1
        if now[1] > loss + c1 * now[0] * slope or now[1] >= bracket[low][1]:
            bracket[high] = now
            low, high = (0, 1) if bracket[0][1] <= bracket[1][1] else (1, 0)
        else:
            if abs(now[3]) <= -c2 * slope:
                is_done = True
            elif now[3] * (bracket[high][0] - bracket[low][0]) >= 0:
                bracket[high] = bracket[low]
            bracket[low] = now
    low = low if len(bracket) > 1 else 0
    return bracket[low][1], bracket[low][2], bracket[low][0], calls
