"""What the cases need of a library."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

Run = Callable[..., Any]


def data(seed: int, *shape: int, scale: float = 1.0) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(np.float32)


class Library:
    """What the cases need of a library: its namespace `t`, tensors from arrays, and how it compiles."""

    def __init__(self, name: str) -> None:
        self.name = name
        if name in ("torch", "torch_foreach", "torch_fused", "inductor", "ort"):
            import torch

            self.t: Any = torch
            self.compile = torch.compile if name == "inductor" else self.exported if name == "ort" else lambda f: f
        elif name in ("weft", "weft_eager"):
            import weft

            self.t = weft
            self.compile = weft.compile if name == "weft" else lambda f: f
        elif name == "jax":
            import jax

            self.t = jax
            self.compile = jax.jit
        else:
            raise ValueError(
                f"no library {name!r}; there are weft, weft_eager, torch, torch_foreach, torch_fused, inductor, ort, jax"
            )

    @property
    def is_jax(self) -> bool:
        return self.name == "jax"

    @property
    def torch_like(self) -> Any:
        if self.is_jax:
            raise NotImplementedError("not written for JAX")
        return self.t

    def tensor(self, array: np.ndarray) -> Any:
        return self.t.numpy.asarray(array) if self.is_jax else self.t.from_numpy(array)

    def exported(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function or module in ONNX Runtime, exported when it is first called."""
        sessions: list[Any] = []

        def load(arguments: tuple[Any, ...]) -> Any:
            import io

            import onnxruntime

            class Module(self.t.nn.Module):  # type: ignore[misc, name-defined]
                def __init__(self) -> None:
                    super().__init__()
                    self.part = function if isinstance(function, lib.t.nn.Module) else None

                def forward(self, *a: Any) -> Any:
                    return function(*a)

            lib, model = self, io.BytesIO()
            self.t.onnx.export(Module().eval(), arguments, model, dynamo=False, opset_version=17)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "0"))
            return onnxruntime.InferenceSession(model.getvalue(), options, providers=["CPUExecutionProvider"])

        def run(*arguments: Any) -> Any:
            if not sessions:
                sessions.append(load(arguments))
            feed = {i.name: a.numpy() for i, a in zip(sessions[0].get_inputs(), arguments)}
            return sessions[0].run(None, feed)[0]

        return run

    def call(self, function: Callable[..., Any], *arrays: np.ndarray) -> Run:
        """`function` compiled, called on these arrays without gradients."""
        compiled, arguments = self.compile(function), [self.tensor(a) for a in arrays]
        if self.is_jax:
            return lambda: compiled(*arguments).block_until_ready()

        def run() -> Any:
            with self.t.no_grad():
                return compiled(*arguments)

        return run

    def training_step(self, model: Any, forward: Any = None) -> Run:
        """A function of inputs and labels: cross entropy and AdamW."""
        optimizer, forward = self.t.optim.AdamW(model.parameters(), lr=1e-4), forward or model

        def step(inputs: Any, labels: Any) -> Any:
            logits = forward(inputs)
            loss = self.t.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), labels.reshape(-1))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            return loss.detach()

        return step


def fill(lib: Library, model: Any) -> None:
    with lib.t.no_grad():
        for i, parameter in enumerate(model.parameters()):
            parameter.copy_(lib.t.from_numpy(data(10 + i, *parameter.shape, scale=0.05)))


def inferred(lib: Library, model: Any, x: np.ndarray) -> Run:
    """The model in evaluation, called on x without gradients."""
    fill(lib, model)
    model.requires_grad_(False)
    return lib.call(model.eval(), x)


def trained(lib: Library, model: Any, x: np.ndarray, y: np.ndarray, channels_last: bool = False) -> Run:
    """A training step with cross entropy and AdamW. A user of torch.compile compiles the model, a user of weft the whole step."""
    t = lib.t
    if lib.name == "ort":
        raise NotImplementedError("inference only")
    fill(lib, model)
    step = lib.training_step(model, lib.compile(model) if lib.name == "inductor" else None)
    inputs, labels = t.from_numpy(x), t.from_numpy(y)
    if channels_last:
        model.to(memory_format=t.channels_last)
        inputs = inputs.to(memory_format=t.channels_last)
    whole = lambda: step(inputs, labels)  # noqa: E731
    return lib.compile(whole) if lib.name == "weft" else whole
