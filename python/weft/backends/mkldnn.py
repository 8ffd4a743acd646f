"""A library that is not used."""


def is_available():
    """False."""
    return False
