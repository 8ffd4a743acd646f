"""An optimizer on other parameters for a while."""

from collections import defaultdict
from contextlib import contextmanager


@contextmanager
def swap_in_optimizer_params_and_state(optimizer, swapin_parameters, swapin_optim_state):
    """A context in which an optimizer works on other parameters and another state; afterwards it has its own again.

    Args:
        optimizer: the optimizer.
        swapin_parameters: name → tensor, in the order of the optimizer's parameters.
        swapin_optim_state: built as ``optimizer.state_dict()``. What is written to its tensors stays written.

    Raises:
        ValueError: numbers of groups or of parameters differ.
    """
    groups, tensors = swapin_optim_state["param_groups"], list(swapin_parameters.values())
    counts = [len(group["params"]) for group in optimizer.param_groups]
    if [len(group["params"]) for group in groups] != counts or len(tensors) != sum(counts):
        raise ValueError(
            f"[swap_in_optimizer_params_and_state] needs {sum(counts)} parameters in groups of {counts}; got {len(tensors)} in groups of "
            f"{[len(group['params']) for group in groups]}"
        )
    before, own = optimizer.state, [dict(group) for group in optimizer.param_groups]
    state, place = defaultdict(dict), iter(tensors)
    try:
        for group, other in zip(optimizer.param_groups, groups):
            group |= {key: value for key, value in other.items() if key != "params"}
            group["params"] = [next(place) for _ in other["params"]]
            for parameter, number in zip(group["params"], other["params"]):
                state[parameter] = dict(swapin_optim_state["state"].get(number, {}))
        optimizer.state = state
        yield
    finally:
        for group, kept in zip(optimizer.param_groups, own):
            group.clear()
            group |= kept
        optimizer.state = before
