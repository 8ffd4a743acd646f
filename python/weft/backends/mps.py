"""Apple's GPUs, for which there are no programs."""


def is_available():
    """False."""
    return False


def is_built():
    """False."""
    return False
