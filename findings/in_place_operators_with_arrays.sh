#!/usr/bin/env bash
# PyTorch 2.13.0 with NumPy 2.4.6: t *= array, of a tensor and an array, does not change the tensor: the name t becomes another one, a float64
# tensor, and whoever else has the old one (a module, an optimizer, a view) keeps the old values. Guessed: it changes it in place, as with a
# tensor, or is an error, as t.mul_(array) is. It is so with += -= *= /= **= //= %=. The reason is that t * array is NumPy's product,
# for which tensor operators give way; array * t, where neither does, is a TypeError, array / t is not.
#
# Seen: "t *= array: the same tensor: False, dtype float64, the old one [2.0, 2.0]", "t.mul_(array): TypeError", "in place: none of 7",
# "t * array: float64, array * t: TypeError, array / t: float64".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import operator
import warnings

import numpy
import torch

warnings.simplefilter("ignore", DeprecationWarning)
array = numpy.array([3.0, 3.0])


def outcome(operation, *arguments):
    try:
        return str(operation(*arguments).dtype).removeprefix("torch.")
    except TypeError as error:
        return type(error).__name__


t = old = torch.tensor([2.0, 2.0])
t *= array
print(f"t *= array: the same tensor: {t is old}, dtype {str(t.dtype).removeprefix('torch.')}, the old one {old.tolist()}")
method = outcome(old.mul_, array)
print("t.mul_(array):", method)
operators = [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow, operator.ifloordiv, operator.imod]
changed = [operation.__name__ for operation in operators if operation(old, array) is old]
print("in place:", ", ".join(changed) or "none", "of", len(operators))
found = outcome(operator.mul, old, array), outcome(operator.mul, array, old), outcome(operator.truediv, array, old)
print(f"t * array: {found[0]}, array * t: {found[1]}, array / t: {found[2]}")
assert method == "TypeError" and found == ("float64", "TypeError", "float64"), "changed"
assert t is not old and old.tolist() == [2.0, 2.0] and not changed, "PyTorch changes the tensor now"
PYTHON
