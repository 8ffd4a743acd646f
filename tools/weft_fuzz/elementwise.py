"""The elementwise statements of generate.py, and writes in place."""

from __future__ import annotations

import weft


class Elementwise:
    def unary(self):
        record = self.kind(self.families["elementwise1"])
        name = self.of(record["dtypes"])
        attrs = [self.chance(0.5) if a["kind"] == "Bool" else self.random.randint(0, 3) for a in record["attrs"]]
        text = "".join(f", {a}" for a in attrs)
        self.emit(f"ops.{record['name']}({name}{text})", record["name"], [self.values[name]], attrs)

    def binary(self):
        record = self.kind(self.families["elementwise2"])
        name = self.of(record["dtypes"])
        x = self.values[name]
        if self.chance(0.2):
            number = self.literal(x.dtype)
            left = self.chance(0.3)
            arguments = f"{number}, {name}" if left else f"{name}, {number}"
            self.emit(f"ops.{record['name']}({arguments})")
            return
        other = self.like(name, record["dtypes"])
        y = self.values[other]
        common = weft.result_type(x, y)
        operands = [v.to(common) for v in weft.broadcast_tensors(x, y)]
        if self.chance(0.3):
            name, other, operands = other, name, operands[::-1]
        wraps = not common.is_floating_point and record["name"] in ("pow", "bitwise_left_shift", "bitwise_right_shift")
        # Beside 16-bit floats some ops take a scalar tensor of another dtype as it is.
        wide = common in (weft.float16, weft.bfloat16) and any(v.ndim == 0 and v.dtype is not common for v in (x, y))
        self.emit(f"ops.{record['name']}({name}, {other})", None if wraps or wide else record["name"], operands)

    def ternary(self):
        kind = self.kind(["where", "where", "clamp", "add_scaled"])
        name = self.of(["float", "int", "bool"] if kind == "where" else ["float", "int"])
        if kind == "where":
            condition = self.like(name, ["bool"]) if self.chance(0.5) else None
            if condition is None or self.values[condition].dtype is not weft.bool:
                condition = self.fresh(self.values[name].shape, "bool")
            other = self.like(name)
            x, y = self.values[name], self.values[other]
            common = weft.result_type(x, y)
            try:
                c, x, y = weft.broadcast_tensors(self.values[condition], x, y)
            except RuntimeError:
                return
            if c.numel() <= self.largest:
                self.emit(f"weft.where({condition}, {name}, {other})", "where", [c, x.to(common), y.to(common)])
        elif kind == "add_scaled":
            self.emit(f"weft.add({name}, {self.like(name, exact=True)}, alpha={self.random.choice([2, -1, 3])})")
        else:
            low, high = self.like(name, exact=True), self.like(name, exact=True)
            if self.chance(0.5):
                self.emit(f"weft.clamp({name}, -1, 2)")
            elif self.values[name].numel():
                try:
                    operands = weft.broadcast_tensors(*(self.values[n] for n in (name, low, high)))
                except RuntimeError:  # low and high fit, but not each other
                    return
                if operands[0].numel() <= self.largest:
                    self.emit(f"weft.clamp({name}, {low}, {high})", "clamp", list(operands))

    def cast(self):
        name = self.of(["float", "int", "bool"])
        dtype, x = self.dtype(("float", "int", "bool")), self.values[name]
        exact = not x.dtype.is_floating_point or bool((x.abs() < 100).all() and (x >= 0).all())
        known = dtype in ("bool", "float32", "float64") or (exact and dtype not in ("float16", "bfloat16"))
        self.emit(f"{name}.to(weft.{dtype})", "cast" if known else None, [x], [dtype])

    def write(self):
        """In place: into a value, or into a part of it."""
        name = self.pick(lambda t: t.numel() > 0)
        if name is None or name in self.fixed:
            return
        if self.gradients and self.values[name].is_leaf and name in self.program.wrt:
            return
        x = self.values[name]
        target, part = name, x
        if x.ndim and self.chance(0.5):
            axis = self.random.randrange(x.ndim)
            start = self.random.randrange(x.shape[axis])
            index = ", ".join([":"] * axis + [self.random.choice([f"{start}:", f"{start}", "::2"])])
            target, part = f"{name}[{index}]", eval(f"{name}[{index}]", {}, self.values)
        shape = [1 if self.chance(0.2) else n for n in part.shape]
        other = self.pick(lambda t: t.dtype is x.dtype and list(t.shape) == list(part.shape))
        other = other or self.fresh(shape, x.dtype.name)
        choices = [f"{target}.copy_({other})", f"{target}.fill_({self.literal(x.dtype)})", f"{target}.zero_()"]
        if target != name:
            choices.append(f"{name}[{index}] = {other}")
        if x.dtype is not weft.bool:
            computed = [f"add_({other})", f"mul_({self.literal(x.dtype)})", f"maximum_({other})"]
            choices += [f"{target}.{call}" for call in computed] * 2
        self.emit(self.random.choice(choices), writes=True)
