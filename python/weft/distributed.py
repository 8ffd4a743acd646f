"""weft.distributed: whether there are processes that talk to each other. There are none: is_available() says so, as in a PyTorch that was
built without them, and programs that ask go on alone."""

__all__ = ["is_available", "is_initialized"]


def is_available() -> bool:
    """False."""
    return False


def is_initialized() -> bool:
    """False."""
    return False


def __getattr__(name: str) -> object:
    raise AttributeError(
        f"module 'weft.distributed' has no attribute {name!r}: there is one process. Ask is_available() or is_initialized() first; "
        "weft.multiprocessing.spawn starts others"
    )
