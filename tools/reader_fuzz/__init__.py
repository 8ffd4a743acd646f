# What a model that was read from a mutant may raise when it runs.
RUNNING = (RuntimeError, NotImplementedError, ValueError, TypeError, IndexError, ZeroDivisionError, MemoryError, OverflowError)  # fmt: skip
