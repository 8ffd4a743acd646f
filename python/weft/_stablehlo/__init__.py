"""StableHLO text as weft modules: `parser.py` (text to operations: `lexer.py`, `attributes.py` and `operations.py` make what `syntax.py`
has), `program.py` (operations to a module), `emit/` (what an operation becomes) and `functions/` (what runs), one file a family."""
