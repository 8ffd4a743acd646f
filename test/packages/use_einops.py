"""einops: functions and layers."""

import torch
from einops import einsum, pack, parse_shape, rearrange, reduce, repeat, unpack
from einops.layers.torch import EinMix, Rearrange, Reduce


def results(random):
    x = torch.from_numpy(random.randn(2, 3, 4, 6).astype("float32"))
    yield "rearrange", rearrange(x, "b c (h h2) (w w2) -> b (h w) (c h2 w2)", h2=2, w2=2)
    for how in ("min", "max", "sum", "mean", "prod"):
        yield how, reduce(x, "b c (h 2) (w 3) -> b c h w", how)
    yield "repeat", repeat(x, "b c h w -> b (r c) h w", r=2)
    yield "einsum", einsum(x, x, "b c h w, b c h v -> b w v")
    packed, shapes = pack([x, torch.ones(2, 5)], "b *")
    yield "pack", packed
    yield "unpack", unpack(packed, shapes, "b *")[0]
    assert parse_shape(x, "b _ h w") == {"b": 2, "h": 4, "w": 6}
    mix = EinMix("b h w c -> b h w d", weight_shape="c d", bias_shape="d", c=12, d=5)
    with torch.no_grad():
        for parameter in mix.parameters():
            parameter.copy_(torch.from_numpy(random.randn(*parameter.shape).astype("float32")))
    patches = Rearrange("b c (h p) (w q) -> b h w (p q c)", p=2, q=2)
    net = torch.nn.Sequential(patches, mix, Reduce("b h w d -> b d", "mean"))
    y = net(x)
    y.square().sum().backward()
    yield "layers", y.detach()
    yield "gradient", mix.weight.grad
