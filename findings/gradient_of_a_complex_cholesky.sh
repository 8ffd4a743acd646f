#!/usr/bin/env bash
# PyTorch 2.13.0, CPU: the gradient of linalg.cholesky by a complex matrix is not Hermitian, though the matrix is, and the real case's gradient is
# symmetric. A step along it leaves the Hermitian matrices, and as the decomposition reads the lower triangle alone, the step can go uphill:
# here -gradient raises the loss, where the gradient's Hermitian part lowers it. What is too much is the imaginary diagonal of
# L^H grad_L. linalg.eigvalsh and logdet give Hermitian gradients.
#
# Seen: "Hermitian: cholesky False, eigvalsh True, logdet True", "slope along -gradient: +0.25, along its Hermitian part: -0.75".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy
"$folder/venv/bin/python" - <<'PYTHON'
import torch

a = torch.tensor([[1, 1 - 1j], [1 + 1j, 3]], dtype=torch.complex128, requires_grad=True)
weights = torch.tensor([[1j, 0], [1j, 2j]], dtype=torch.complex128)


def gradient(function):
    (found,) = torch.autograd.grad(function(a), a)
    return found


def loss(a):
    return (torch.linalg.cholesky(a) * weights).real.sum()


def slope(direction, step=1e-5):
    with torch.no_grad():
        return ((loss(a + step * direction) - loss(a)) / step).item()


g = gradient(loss)
others = {
    "eigvalsh": gradient(lambda a: torch.linalg.eigvalsh(a)[0]),
    "logdet": gradient(lambda a: torch.logdet(a).real),
}
hermitian = {name: torch.allclose(x, x.mH) for name, x in {"cholesky": g, **others}.items()}
print("Hermitian:", ", ".join(f"{name} {value}" for name, value in hermitian.items()))
whole, part = slope(-g), slope(-(g + g.mH) / 2)
print(f"slope along -gradient: {whole:+.2f}, along its Hermitian part: {part:+.2f}")
assert hermitian == {"cholesky": False, "eigvalsh": True, "logdet": True} and whole > 0 > part, "mended"
PYTHON
