"""Convolutions: layers, and networks of the usual kinds. Those that train compute gradients, too."""

from __future__ import annotations

from typing import Any

import numpy as np
from libraries import Library, Run, data, inferred, trained


def conv_bn(
    nn: Any, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1, act: str = "ReLU"
) -> Any:
    layers = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]

    class Clamp(nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            return x.clamp(0.0, 6.0)

    acts = {"ReLU": nn.ReLU, "ReLU6": Clamp}
    return nn.Sequential(*layers, acts[act]()) if act else nn.Sequential(*layers)


def resnet50(nn: Any) -> Any:
    class Bottleneck(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, inputs: int, width: int, stride: int) -> None:
            super().__init__()
            self.body = nn.Sequential(
                conv_bn(nn, inputs, width, 1),
                conv_bn(nn, width, width, 3, stride),
                conv_bn(nn, width, 4 * width, 1, act=""),
            )
            changes = stride > 1 or inputs != 4 * width
            self.skip = conv_bn(nn, inputs, 4 * width, 1, stride, act="") if changes else nn.Identity()
            self.relu = nn.ReLU()

        def forward(self, x: Any) -> Any:
            return self.relu(self.body(x) + self.skip(x))

    blocks, inputs = [], 64
    for width, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for i in range(count):
            blocks.append(Bottleneck(inputs, width, 1 if i else stride))
            inputs = 4 * width
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000)]
    return nn.Sequential(conv_bn(nn, 3, 64, 7, 2), nn.MaxPool2d(3, 2, 1), *blocks, *head)


def mobilenet(nn: Any) -> Any:
    class Inverted(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, inputs: int, outputs: int, stride: int, expand: int) -> None:
            super().__init__()
            wide = inputs * expand
            self.adds = stride == 1 and inputs == outputs
            self.body = nn.Sequential(
                *([conv_bn(nn, inputs, wide, 1, act="ReLU6")] if expand > 1 else []),
                conv_bn(nn, wide, wide, 3, stride, groups=wide, act="ReLU6"),
                conv_bn(nn, wide, outputs, 1, act=""),
            )

        def forward(self, x: Any) -> Any:
            return x + self.body(x) if self.adds else self.body(x)

    blocks, inputs = [conv_bn(nn, 3, 32, 3, 2, act="ReLU6")], 32
    rows = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    for expand, outputs, count, stride in rows:
        for i in range(count):
            blocks.append(Inverted(inputs, outputs, 1 if i else stride, expand))
            inputs = outputs
    head = [conv_bn(nn, 320, 1280, 1, act="ReLU6"), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 1000)]
    return nn.Sequential(*blocks, *head)


def unet(t: Any, widths: tuple[int, ...] = (16, 32, 64, 128)) -> Any:
    nn = t.nn

    class UNet(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            pairs = [conv_bn(nn, a, b) for a, b in zip((3, *widths), widths)]
            self.down = nn.ModuleList([nn.Sequential(pair, conv_bn(nn, w, w)) for pair, w in zip(pairs, widths)])
            self.pool = nn.MaxPool2d(2)
            up = list(zip(widths[::-1], widths[-2::-1]))
            self.up = nn.ModuleList([nn.ConvTranspose2d(a, b, 2, 2) for a, b in up])
            self.join = nn.ModuleList([nn.Sequential(conv_bn(nn, 2 * b, b), conv_bn(nn, b, b)) for _, b in up])
            self.head = nn.Conv2d(widths[0], 2, 1)

        def forward(self, x: Any) -> Any:
            kept = []
            for i, block in enumerate(self.down):
                x = block(self.pool(x) if i else x)
                kept.append(x)
            for up, join, old in zip(self.up, self.join, kept[-2::-1]):
                x = join(t.cat([old, up(x)], 1))
            return self.head(x)

    return UNet()


def resnet50_infer(lib: Library) -> Run:
    """ResNet-50, 8 images of 224 x 224."""
    return inferred(lib, resnet50(lib.torch_like.nn), data(0, 8, 3, 224, 224))


def mobilenet_infer(lib: Library) -> Run:
    """MobileNetV2, an image of 224 x 224: depthwise convolutions."""
    return inferred(lib, mobilenet(lib.torch_like.nn), data(0, 1, 3, 224, 224))


def unet_infer(lib: Library) -> Run:
    """A U-Net of four levels, an image of 256 x 256."""
    return inferred(lib, unet(lib.torch_like), data(0, 1, 3, 256, 256))


def conv1d(lib: Library) -> Run:
    """Kernels of 9 over 8 sequences of 512 with 256 channels."""
    return inferred(lib, lib.torch_like.nn.Conv1d(256, 256, 9, padding=4), data(0, 8, 256, 512))


def conv_transpose(lib: Library) -> Run:
    """Transposed 4 x 4 convolution, stride 2: 8 x 128 x 16 x 16 to 8 x 64 x 32 x 32."""
    return inferred(lib, lib.torch_like.nn.ConvTranspose2d(128, 64, 4, 2, 1), data(0, 8, 128, 16, 16))


def conv_odd(lib: Library, batch: int = 1) -> Run:
    """5 x 5 kernels over 7 x 7 images of 13 channels, to 29."""
    return inferred(lib, lib.torch_like.nn.Conv2d(13, 29, 5, padding=2), data(0, batch, 13, 7, 7))


def conv_odd_3(lib: Library) -> Run:
    """The same, batch 3."""
    return conv_odd(lib, 3)


def vgg_train(lib: Library) -> Run:
    """A training step of three VGG blocks in channels_last, 8 images of 64 x 64."""
    t, nn = lib.torch_like, lib.torch_like.nn
    layers, inputs = [], 3
    for width in (32, 64, 128):
        for _ in range(2):
            layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()]
            inputs = width
        layers.append(nn.MaxPool2d(2))
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 64, 10))
    labels = np.random.default_rng(1).integers(0, 10, 8)
    return trained(lib, model, data(0, 8, 3, 64, 64), labels, channels_last=hasattr(t, "channels_last"))


def with_gradients(lib: Library, function: Any, cotangent: np.ndarray, *arrays: np.ndarray) -> Run:
    """The function of tensors, and their gradients."""
    if lib.name == "ort":
        raise NotImplementedError("inference only")
    ct = lib.torch_like.from_numpy(cotangent)
    tensors = [lib.torch_like.from_numpy(a).requires_grad_() for a in arrays]

    def step() -> Any:
        compiled(*tensors).backward(ct)
        gradient = tensors[0].grad
        for tensor in tensors:
            tensor.grad = None
        return gradient

    compiled = lib.compile(function) if lib.name == "inductor" else function
    return lib.compile(step) if lib.name == "weft" else step


def batch_norm_train(lib: Library) -> Run:
    """Batch norm in training and its gradients: 16 x 64 x 56 x 56."""
    F = lib.torch_like.nn.functional
    arrays = (data(3, 16, 64, 56, 56), data(0, 16, 64, 56, 56), data(1, 64), data(2, 64))
    return with_gradients(lib, lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), *arrays)


def max_pool(lib: Library) -> Run:
    """The largest of 3 x 3, stride 2: 16 x 64 x 112 x 112."""
    return lib.call(lambda x: lib.torch_like.nn.functional.max_pool2d(x, 3, 2, 1), data(0, 16, 64, 112, 112))


def resize(lib: Library) -> Run:
    """Bilinear, 8 x 16 x 128 x 128 to twice the size."""
    F = lib.torch_like.nn.functional
    return lib.call(lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), data(0, 8, 16, 128, 128))


CASES = (
    resnet50_infer,
    mobilenet_infer,
    unet_infer,
    conv1d,
    conv_transpose,
    conv_odd,
    conv_odd_3,
    vgg_train,
    batch_norm_train,
    max_pool,
    resize,
)
