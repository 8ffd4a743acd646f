"""The statements of generate.py that go over windows or channels: convolutions, pooling, norms."""

from __future__ import annotations


class Windows:
    def layer(self):
        """A function of images whose record is not one op's: compositions, with PyTorch's arguments."""
        random, axes = self.random, self.random.choice([1, 2, 2, 3])
        channels = random.choice([1, 2, 4, 6])
        shape = (
            random.choice([1, 2, 3]),
            channels,
            *(random.randint(1, {1: 40, 2: 12, 3: 5}[axes]) for _ in range(axes)),
        )
        found = self.pick(
            lambda t: t.dtype.is_floating_point and t.ndim == axes + 2 and t.numel() and max(t.shape) < 80
        )
        name = found if found and self.chance(0.5) else self.fresh(shape, self.dtype())
        x = self.values[name]
        kind = self.kind(
            "interpolate interpolate norm norm adaptive lp unfold fold pixel sample fractional response".split()
        )
        getattr(self, f"_{kind}")(name, x, axes, list(x.shape[2:]))

    def _interpolate(self, name, x, axes, sizes):
        modes = ["nearest", "nearest-exact", "area", {1: "linear", 2: "bilinear", 3: "trilinear"}[axes]]
        mode = self.random.choice(modes + ["bicubic"] * (axes == 2))
        size = tuple(max(1, int(n * self.random.choice([0.4, 0.7, 1, 1.5, 2]))) for n in sizes)
        given = f"scale_factor={self.random.choice([2, 1.7, 1.25])}" if self.chance(0.3) else f"size={size}"
        corners = f", align_corners={self.chance(0.5)}" if "linear" in mode or mode == "bicubic" else ""
        smooth = ", antialias=True" if mode in ("bilinear", "bicubic") and self.chance(0.3) else ""
        self.emit(f"F.interpolate({name}, {given}, mode={mode!r}{corners}{smooth})")

    def _norm(self, name, x, axes, sizes):
        channels, count = x.shape[1], x.numel() // x.shape[1]
        w, b = (self.fresh((channels,), x.dtype.name) for _ in range(2)) if self.chance(0.6) else (None, None)
        kind = self.random.choice(["batch", "group", "instance", "rms"])
        if kind == "batch" and count > 1:
            self.emit(f"F.batch_norm({name}, None, None, {w}, {b}, True)")
        elif kind == "group":
            groups = self.random.choice([g for g in (1, 2, 3, channels) if channels % g == 0])
            self.emit(f"F.group_norm({name}, {groups}, {w}, {b})")
        elif kind == "instance" and count // x.shape[0] > 1:
            self.emit(f"F.instance_norm({name}, None, None, {w}, {b})")
        elif kind == "rms":
            w = self.fresh((sizes[-1],), x.dtype.name) if w else None
            self.emit(f"F.rms_norm({name}, {sizes[-1]}, {w})")

    def _adaptive(self, name, x, axes, sizes):
        kind, size = self.random.choice(["avg", "max"]), tuple(self.random.randint(1, min(n + 1, 4)) for n in sizes)
        which = self.random.choice(["", ", True)[1"]) if kind == "max" else ""
        self.emit(f"F.adaptive_{kind}_pool{axes}d({name}, {size}{which or ')'}{']' if which else ''}")

    def _lp(self, name, x, axes, sizes):
        if axes < 3:
            kernel = tuple(self.random.randint(1, min(n, 3)) for n in sizes)
            self.emit(
                f"F.lp_pool{axes}d({name} * {name}, 2, {kernel if axes > 1 else kernel[0]}, ceil_mode={self.chance(0.3)})"
            )

    def _unfold(self, name, x, axes, sizes):
        if axes == 2:
            kernel = tuple(self.random.randint(1, min(n, 3)) for n in sizes)
            self.emit(
                f"F.unfold({name}, {kernel}, padding={self.random.choice([0, 1])}, stride={self.random.choice([1, 2])})"
            )

    def _fold(self, name, x, axes, sizes):
        if axes == 2:
            kernel = tuple(self.random.randint(1, min(n, 3)) for n in sizes)
            self.emit(f"F.fold(F.unfold({name}, {kernel}), {tuple(sizes)}, {kernel})")

    def _pixel(self, name, x, axes, sizes):
        if axes == 2 and x.shape[1] % 4 == 0:
            self.emit(f"F.pixel_shuffle({name}, 2)")
        elif axes == 2 and all(n % 2 == 0 for n in sizes):
            self.emit(f"F.pixel_unshuffle({name}, 2)")

    def _sample(self, name, x, axes, sizes):
        if axes > 1:
            grid = self.fresh((x.shape[0], *(self.random.randint(1, 4) for _ in range(axes)), axes), x.dtype.name)
            mode = self.random.choice(["bilinear", "nearest"] + ["bicubic"] * (axes == 2))
            padding = self.random.choice(["zeros", "border", "reflection"])
            self.emit(f"F.grid_sample({name}, {grid}, {mode!r}, {padding!r}, {self.chance(0.5)})")

    def _fractional(self, name, x, axes, sizes):
        if axes > 1 and min(sizes) > 1:
            kernel = tuple(self.random.randint(1, 2) for _ in sizes)
            size = tuple(self.random.randint(1, n - k + 1) for n, k in zip(sizes, kernel))
            samples = self.fresh((*x.shape[:2], axes), x.dtype.name, "positive")
            self.emit(f"F.fractional_max_pool{axes}d({name}, {kernel}, {size}, _random_samples={samples} % 1.0)")

    def _response(self, name, x, axes, sizes):
        self.emit(f"F.local_response_norm({name}, {self.random.choice([1, 2, 3, 5])}, 0.5)")

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
