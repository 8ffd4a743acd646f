"""StableHLO text as weft modules: `parser.py` (text to operations), `program.py` (operations to a module), `table.py` (what an operation
becomes), `functions.py` (what runs)."""
