"""The statements of generate.py that go over windows or channels: convolutions, pooling, norms."""

from __future__ import annotations


class Windows:
    def window(self):
        kind = self.kind("conv_general conv_general_weight conv conv_transpose max_pool max_pool_index avg_pool channel_var "
                         "normalize_channels".split())  # fmt: skip
        random, axes = self.random, self.random.choice([1, 2, 2, 2, 3])
        most = {1: 70, 2: 20, 3: 7}[axes]
        sizes = [random.randint(1, most) for _ in range(axes)]
        groups = random.choice([1, 1, 1, 2, 3])
        channels, outputs = (groups * random.choice([1, 1, 2, 3, 5, 17]) for _ in range(2))
        shape = (random.choice([1, 1, 2, 3]), channels, *sizes)
        found = self.pick(
            lambda t: t.dtype.is_floating_point and t.ndim == axes + 2 and t.numel() and max(t.shape) < 80
        )
        if found and self.chance(0.5):
            shape = tuple(self.values[found].shape)
            channels, sizes, groups = shape[1], list(shape[2:]), 1
        name = found if found and shape == tuple(self.values[found].shape) else self.fresh(shape, self.dtype())
        x = self.values[name]
        if kind in ("channel_var", "normalize_channels"):
            return self._channels(kind, name, x)
        kernel = [random.randint(1, min(n, 4)) for n in sizes]
        stride = [random.choice([1, 1, 2, 3]) for _ in sizes]
        dilation = [random.choice([1, 1, 1, 2]) if d * 2 < n else 1 for d, n in zip(kernel, sizes)]
        low = [random.randint(0, k // 2) for k in kernel]
        high = [random.randint(0, k // 2) for k in kernel]
        room = [n + a + b - d * (k - 1) - 1 for n, a, b, d, k in zip(sizes, low, high, dilation, kernel)]
        if min(room) < 0:
            return None
        results = [m // s + 1 for m, s in zip(room, stride)]
        if "pool" in kind:
            attrs = [kernel, stride, low, high, [1] * axes if kind == "avg_pool" else dilation]
            if kind == "avg_pool":
                attrs += [self.chance(0.5), random.choice([0, 0, 5])]
                high[:] = low  # as the layers have it
                attrs[3] = high
            return self.emit(f"ops.{kind}({name}, {', '.join(map(str, attrs))})", kind, [x], attrs)
        attrs = [stride, low, high, dilation, groups]
        text = ", ".join(map(str, attrs))
        if kind == "conv_transpose":
            w = self.fresh((channels, random.choice([1, 2, 5]), *kernel), x.dtype.name)
            sizes = [max((n - 1) * s + d * (k - 1) + 1 - a - b, 0)
                     for n, s, d, k, a, b in zip(sizes, stride, dilation, kernel, low, high)]  # fmt: skip
            if min(sizes) < 1:
                return None
            return self.emit(f"ops.{kind}({name}, {w}, {sizes}, {text})", kind, [x, self.values[w]], [sizes, *attrs])
        if kind == "conv_general_weight":
            y = self.fresh((shape[0], outputs, *results), x.dtype.name)
            return self.emit(f"ops.{kind}({name}, {y}, {kernel}, {text})", kind, [x, self.values[y]], [kernel, *attrs])
        w = self.fresh((outputs, channels // groups, *kernel), x.dtype.name)
        if kind == "conv":
            b = self.fresh((outputs,), x.dtype.name) if self.chance(0.6) else None
            return self.emit(
                f"ops.{kind}({name}, {w}, {b}, {text})", kind, [x, self.values[w], self.values[b] if b else None], attrs
            )
        return self.emit(f"ops.{kind}({name}, {w}, {text})", kind, [x, self.values[w]], attrs)

    def _channels(self, kind, name, x):
        if kind == "channel_var":
            return self.emit(f"ops.{kind}({name})")
        rows = [self.fresh((x.shape[1],), x.dtype.name, "positive") for _ in range(4)]
        if self.chance(0.3):
            rows[2:] = [None, None]
        return self.emit(f"ops.{kind}({name}, {', '.join(map(str, rows))}, 1e-5)")
