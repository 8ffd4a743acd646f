"""Modules as functions of their parameters."""

from __future__ import annotations

from .._factories import stack
from ..nn.modules.module import Module


def _place(module, name):
    """The module that holds the tensor of that path, and its table and name there; None where there is none."""
    *path, last = name.split(".")
    for part in path:
        module = module._modules.get(part)
        if module is None:
            return None
    for table in (module._parameters, module._buffers):
        if last in table:
            return table, last
    return None


def functional_call(module, parameter_and_buffer_dicts, args=None, kwargs=None, *, tie_weights=True, strict=False):
    """``module(*args, **kwargs)`` with other parameters and buffers, by their names as in ``state_dict()``; afterwards it has its own again.

    parameter_and_buffer_dicts: a dict of tensors, or a sequence of dicts without a name in common. args: a tuple, or the one argument.
    tie_weights: a tensor that the module has under several names is replaced under all. strict: all names must be given, and no others; else
    others are ignored.
    """
    if not isinstance(module, Module):
        raise TypeError(f"[functional_call] expected a module; got {type(module).__name__}")
    tensors = _merged(parameter_and_buffer_dicts)
    places = _places(module, tensors, tie_weights, strict)
    before = [(table, name, table[name]) for table, name, _ in places]
    try:
        for table, name, tensor in places:
            table[name] = tensor
        arguments = () if args is None else args if isinstance(args, tuple) else (args,)
        return module(*arguments, **(kwargs or {}))
    finally:
        for table, name, tensor in before:
            table[name] = tensor


def _merged(dicts):
    if isinstance(dicts, dict):
        return dicts
    merged = {}
    for one in dicts:
        for name, tensor in one.items():
            if name in merged:
                raise ValueError(f"[functional_call] {name} appears in several of the dictionaries; pass it once")
            merged[name] = tensor
    return merged


def _places(module, tensors, tie_weights, strict):
    own = dict(module.named_parameters(remove_duplicate=False))
    own.update(module.named_buffers(remove_duplicate=False))
    if strict:
        missing, unexpected = sorted(set(own) - set(tensors)), sorted(set(tensors) - set(own))
        if missing or unexpected:
            raise RuntimeError(
                f"[functional_call] with strict=True the names must be the module's; missing {missing}, unexpected {unexpected}"
            )
    given = dict(tensors)
    if tie_weights:
        replaced = {id(own[name]): tensor for name, tensor in tensors.items() if name in own}
        for name, tensor in own.items():
            if name not in given and id(tensor) in replaced:
                given[name] = replaced[id(tensor)]
    places = []
    for name, tensor in given.items():
        place = _place(module, name)
        if place is not None:
            places.append((*place, tensor))
    return places


def stack_module_state(models):
    """Parameters and buffers of modules of one architecture, stacked along a new first axis: (params, buffers), dicts by name.

    ``vmap`` over them of ``functional_call`` runs all models at once. The parameters are leaves that require grad where the models' do.
    """
    models = list(models)
    if not models:
        raise RuntimeError("[stack_module_state] expected at least one model; got none")
    if any([type(model) is not type(models[0]) for model in models]):
        raise RuntimeError(
            "[stack_module_state] the models must all be of one class; got "
            + str(sorted({type(m).__name__ for m in models}))
        )
    if any([model.training != models[0].training for model in models]):
        raise RuntimeError(
            "[stack_module_state] the models must all be in training or all in evaluation mode; call eval() or train()"
        )

    def stacked(tables):
        made = {}
        for name in tables[0]:
            column = [table[name] for table in tables]
            whole = stack([tensor.detach() for tensor in column])
            made[name] = whole.requires_grad_(column[0].requires_grad)
        return made

    return stacked([dict(m.named_parameters()) for m in models]), stacked([dict(m.named_buffers()) for m in models])
