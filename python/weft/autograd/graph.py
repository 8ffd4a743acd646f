"""What stands between the tape and what it keeps: hooks that pack saved tensors."""

from .. import _C

__all__ = ["Node", "save_on_cpu", "saved_tensors_hooks"]

Node = _C.GradFunction


class saved_tensors_hooks:
    """A scope in which what operations keep for backward() goes through ``pack_hook(tensor)``, which may return anything;
    ``unpack_hook(packed)`` gives the tensor back when it is needed. Scopes nest; the innermost counts."""

    def __init__(self, pack_hook, unpack_hook):
        self._hooks = _C.saved_tensors_hooks(pack_hook, unpack_hook)

    def __enter__(self):
        self._hooks.__enter__()

    def __exit__(self, *exception):
        self._hooks.__exit__(*exception)


class save_on_cpu(saved_tensors_hooks):
    """A scope in which what operations keep for backward() is moved to the CPU meanwhile. ``pin_memory``: has no effect."""

    def __init__(self, pin_memory=False, device_type="cuda"):
        super().__init__(lambda tensor: (tensor.device, tensor.cpu()), lambda packed: packed[1].to(packed[0]))
