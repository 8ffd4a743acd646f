"""Random programs over weft's ops: made (generate.py), run in every way that must agree (worker.py, workers.py), reduced (reduce.py)."""
