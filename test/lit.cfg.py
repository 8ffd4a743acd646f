"""lit's configuration: tests of IR are .mlir files with RUN lines. Run as `lit <build>/test`."""

import os
import sys

import lit.formats

config.name = "weft"  # noqa: F821
config.test_format = lit.formats.ShTest(execute_external=False)  # noqa: F821
config.suffixes = [".mlir", ".test"]  # noqa: F821
config.excludes = ["data", "Inputs"]  # noqa: F821
config.test_source_root = os.path.dirname(__file__)  # noqa: F821
config.test_exec_root = os.path.join(config.build_root, "test", "lit-output")  # noqa: F821
config.environment["PATH"] = os.pathsep.join([*config.tool_directories, os.environ.get("PATH", "")])  # noqa: F821
# weft-aot as an installed package has it.
config.substitutions.append(("%aot_function", f"{sys.executable} -c 'from weft._tools import aot; aot()'"))  # noqa: F821
for variable in ("WEFT_CACHE_DIR", "WEFT_DEBUG"):
    config.environment.pop(variable, None)  # noqa: F821
