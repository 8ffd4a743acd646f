"""The statements of generate.py that move elements: views, concatenations, pads, indexing."""

from __future__ import annotations

import numpy
import weft


class Movement:
    def view(self):
        name = self.of(["float", "int", "bool"], lambda t: t.ndim > 0)
        x = self.values[name]
        axis = self.random.randrange(x.ndim)
        kind = self.kind(
            ["permute", "reshape", "flatten", "unsqueeze", "squeeze", "expand", "slice", "select", "split", "view"]
        )
        if kind == "permute":
            order = self.random.sample(range(x.ndim), x.ndim)
            self.emit(f"{name}.permute({tuple(order)})", "permute", [x], [order])
        elif kind in ("reshape", "view"):
            shape = self.factors(x.numel())
            if kind == "reshape" or x.is_contiguous():
                self.emit(f"{name}.{kind}({shape})", "reshape", [x], [shape])
        elif kind == "flatten":
            self.emit(f"{name}.flatten({axis})")
        elif kind == "unsqueeze":
            self.emit(f"{name}.unsqueeze({self.random.choice([axis, -1])})")
        elif kind == "squeeze":
            self.emit(f"{name}.squeeze({axis})")
        elif kind == "expand":
            shape = [self.random.choice([2, 3, 5]) if n == 1 else n for n in x.shape]
            shape = (self.random.choice([1, 2, 4]), *shape) if self.chance(0.3) and x.ndim < 5 else tuple(shape)
            if numpy.prod(shape) <= self.largest:
                self.fixed.add(self.emit(f"{name}.expand({shape})", "expand", [x], [shape]))
        elif kind == "slice":
            parts = []
            for n in x.shape:
                a = self.random.randint(0, n)
                parts.append(
                    self.random.choice([":", ":", f"{a}:", f":{a}", f"{a // 2}:{a}", "::2", f"{a // 2}::3", "-1:"])
                )
            self.emit(f"{name}[{', '.join(parts)}]")
        elif kind == "select" and x.shape[axis]:
            self.emit(f"{name}.select({axis}, {self.random.randrange(x.shape[axis])})")
        elif kind == "split" and x.shape[axis]:
            self.emit(f"{name}.chunk({self.random.choice([2, 3])}, {axis})[0]")

    def factors(self, count):
        if count == 0:
            return (0, self.random.choice([1, 3]))
        shape = []
        for _ in range(self.random.choice([0, 1, 2, 3])):
            n = self.random.choice([d for d in range(1, min(count, 300) + 1) if count % d == 0])
            shape.append(n)
            count //= n
        shape.append(count)
        self.random.shuffle(shape)
        return tuple(shape)

    def move(self):
        name = self.of(["float", "int", "bool"], lambda t: t.ndim > 0)
        x = self.values[name]
        axis = self.random.randrange(x.ndim)
        kind = self.kind(["flip", "pad", "interior", "cat", "cat", "stack", "tril", "crop"])
        if kind == "flip":
            dims = self.axes(x)
            self.emit(f"ops.flip({name}, {dims})", "flip", [x], [dims])
        elif kind in ("pad", "interior"):
            low, high = ([self.random.choice([0, 0, 1, 2, 5]) for _ in x.shape] for _ in range(2))
            interior = [self.random.choice([0, 1, 2]) if kind == "interior" else 0 for _ in x.shape]
            value = (
                self.random.choice([0.0, 0.5, 1.0]) if x.dtype.is_floating_point else float(self.random.choice([0, 1]))
            )
            sizes = [l + h + n + max(n - 1, 0) * i for l, h, n, i in zip(low, high, x.shape, interior)]
            if numpy.prod(sizes) <= self.largest:
                attrs = [low, high, interior, value]
                self.emit(f"ops.pad({name}, {', '.join(map(str, attrs))})", "pad", [x], attrs)
        elif kind == "crop":
            if x.shape[-1] > 2:
                self.emit(f"F.pad({name}, ({self.random.choice([-1, 1])}, {self.random.choice([-1, 2])}))")
        elif kind == "cat":
            names = [name]
            for _ in range(self.random.choice([1, 1, 2, 3])):
                fits = lambda t: (
                    t.dtype is x.dtype
                    and t.ndim == x.ndim
                    and all(a == b or i == axis for i, (a, b) in enumerate(zip(t.shape, x.shape)))
                )  # noqa: E731
                shape = [self.random.choice([0, 1, 2, 5]) if i == axis else n for i, n in enumerate(x.shape)]
                names.append(self.pick(fits) if self.chance(0.7) else self.fresh(shape, x.dtype.name))
            if sum(self.values[n].numel() for n in names) <= self.largest:
                self.emit(
                    f"weft.cat([{', '.join(names)}], {axis})", "concatenate", [[self.values[n] for n in names]], [axis]
                )
        elif kind == "stack" and x.numel() * 2 <= self.largest:
            self.emit(f"weft.stack([{name}, {name}], {axis})")
        elif kind == "tril" and x.ndim >= 2:
            self.emit(f"weft.{self.random.choice(['tril', 'triu'])}({name}, {self.random.choice([0, 1, -1])})")

    def indices(self, shape, size):
        """Along an axis of this size; a few of them are out of bounds."""
        return self.fresh(shape, "int64", f"index:{size + self.chance(0.1)}", "plain")

    def index(self):
        kind = self.kind(
            [
                "gather",
                "index_select",
                "scatter_add",
                "scatter",
                "scatter_prod",
                "scatter_amax",
                "scatter_amin",
                "getitem",
                "embedding",
                "embedding_bag",
            ]
        )
        if kind.startswith("embedding"):
            name = self.of(["float"], lambda t: t.ndim == 2 and t.numel() > 0)
        else:
            name = self.of(["float", "int", "bool"], lambda t: t.ndim > 0 and t.numel() > 0)
        x = self.values[name]
        axis = self.random.randrange(x.ndim)
        n = x.shape[axis]
        length = self.random.choice([0, 1, 2, 5, 17, 65, 200])
        if x.numel() // n * length > self.largest:
            length = 1
        if kind == "gather":
            shape = [length if i == axis else self.random.choice([s, s, max(1, s // 2)]) for i, s in enumerate(x.shape)]
            index = self.indices(shape, n)
            self.emit(f"weft.gather({name}, {axis}, {index})", "gather", [x, self.values[index]], [axis])
        elif kind == "index_select":
            index = self.indices((length,), n)
            self.emit(f"weft.index_select({name}, {axis}, {index})", "index_select", [x, self.values[index]], [axis])
        elif kind == "scatter" or (kind == "scatter_add" and x.dtype is not weft.bool):
            shape = [length if i == axis else s for i, s in enumerate(x.shape)]
            index = self.indices(shape, n)
            source = self.fresh(shape, x.dtype.name)
            known = kind if kind == "scatter" or (x.dtype.itemsize >= 4 and not self.special) else None
            self.emit(
                f"ops.{kind}({name}, {index}, {source}, {axis})",
                known,
                [x, self.values[index], self.values[source]],
                [axis],
            )
        elif kind.startswith("scatter_") and kind != "scatter_add" and x.dtype is not weft.bool:
            index = self.indices([length if i == axis else s for i, s in enumerate(x.shape)], n)
            source = self.fresh(self.values[index].shape, x.dtype.name)
            self.emit(f"ops.{kind}({name}, {index}, {source}, {axis})")
        elif kind == "getitem":
            index = self.indices((length,), x.shape[0])
            self.emit(f"{name}[{index}]")
        elif kind == "embedding_bag":
            index = self.indices((length,), x.shape[0])
            factors = self.fresh((length,), x.dtype.name) if self.chance(0.3) else None
            offsets = f"weft.tensor({sorted([0, length // 3, length // 2])})"
            self.emit(f"ops.embedding_bag({name}, {index}, {offsets}, {factors})")
        elif kind == "embedding":
            index = self.indices(self.random.choice([(length,), (2, 3), ()]), x.shape[0])
            self.emit(f"F.embedding({index}, {name})")
