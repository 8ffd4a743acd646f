"""Flags of cuDNN, which is not used: convolutions are generated, and the same whatever is set here."""

benchmark = False
benchmark_limit = None
deterministic = False
enabled = True
allow_tf32 = True


def is_available():
    """False."""
    return False


def version():
    """None."""
    return None
