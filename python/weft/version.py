"""Versions of the package and of what it was built with."""

__version__ = "0.1.0"
debug = False
cuda = None  # drivers and compilers are looked for at run time
hip = None
xpu = None
