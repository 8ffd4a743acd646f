"""The statements of generate.py that are not elementwise and compute: reductions, products and composites."""

from __future__ import annotations

import numpy

COMPLEX_MATRICES = [f"complex_{name}" for name in ("eig_ex", "eigh_ex", "svd_ex", "qr", "lu_factor_ex", "cholesky_ex")]


class Structured:
    def axes(self, t):
        if not t.ndim:
            return ()
        return tuple(sorted(self.random.sample(range(t.ndim), self.random.randint(1, t.ndim))))

    def reduce(self):
        op = self.kind([n for n, r in self.records.items() if r["family"] == "Reduction" or n in ("mean", "var")])
        record = self.records[op]
        name = self.of(record["dtypes"], (lambda t: t.ndim > 0) if op.startswith("arg") else (lambda t: True))
        x = self.values[name]
        dims, keepdim = self.axes(x), self.chance(0.4)
        if op.startswith("arg"):
            dims = dims[:1]
        if op[:2] in ("am", "ar") and any(x.shape[d] == 0 for d in dims):
            return
        if op == "var":
            if numpy.prod([x.shape[d] for d in dims], dtype=int) < 2:
                return
            correction = self.random.choice([0, 1])
            self.emit(f"ops.var({name}, {dims}, {correction}, {keepdim})", op, [x], [dims, correction, keepdim])
        else:
            wide = op in ("sum", "prod") and self.category(x) == "int"
            self.emit(f"ops.{op}({name}, {dims}, {keepdim})", None if wide else op, [x], [dims, keepdim])
            if not dims or self.chance(0.2):
                self.emit(f"weft.{op}({name})" if op not in ("argmax", "argmin") else f"weft.{op}({name}, 0)")

    def product(self):
        kind = self.kind(["matmul", "matmul", "linear", "addmm", "dot_general", "dot_chain", "attention"])
        name = self.of(["float", "float", "float", "int"], lambda t: t.ndim > 0)
        x = self.values[name]
        if kind in ("linear", "attention") and not x.dtype.is_floating_point:
            kind = "matmul"
        size = self.random.choice([0, 1, 2, 3, 8, 17, 33, 64]) if self.chance(0.9) else 130
        while x.numel() // max(1, x.shape[-1]) * size > self.largest or size * x.shape[-1] > self.largest:
            size = size // 4
        if kind == "matmul":
            batch = [1 if self.chance(0.3) else n for n in x.shape[:-2]][self.random.choice([0, 0, 1]) :]
            shape = self.random.choice([[*batch, x.shape[-1], size], [x.shape[-1], size], [x.shape[-1]]])
            y = self.fresh(shape, x.dtype.name)
            self.emit(f"weft.matmul({name}, {y})", self.floating(x, "matmul"), [x, self.values[y]])
        elif kind == "linear":
            w = self.fresh((size, x.shape[-1]), x.dtype.name)
            b = self.fresh((size,), x.dtype.name) if self.chance(0.6) else None
            self.emit(f"F.linear({name}, {w}, {b})", "linear", [x, self.values[w], self.values[b] if b else None])
        elif kind == "addmm":
            rows, y = self.fresh((5, x.shape[-1]), x.dtype.name), self.fresh((x.shape[-1], size), x.dtype.name)
            self.emit(
                f"weft.addmm({self.fresh((size,), x.dtype.name)}, {rows}, {y}, beta=2, alpha={self.random.choice([1, 3])})"
            )
        elif kind in ("dot_general", "dot_chain"):
            contract = self.axes(x)
            batch = tuple(a for a in range(x.ndim) if a not in contract and self.chance(0.4))
            # The other operand: paired axes in a random order, and free ones between them.
            axes = (
                [("batch", a) for a in batch]
                + [("contract", a) for a in contract]
                + [("free", None)] * self.random.choice([0, 1, 1])
            )
            self.random.shuffle(axes)
            shape = [size if a is None else x.shape[a] for _, a in axes]
            if (
                numpy.prod(shape) > self.largest
                or numpy.prod([n for i, n in enumerate(x.shape) if i not in contract]) * size > self.largest
            ):
                return
            y = self.fresh(shape, x.dtype.name)
            attrs = [
                list(batch),
                [axes.index(("batch", a)) for a in batch],
                list(contract),
                [axes.index(("contract", a)) for a in contract],
            ]
            text = f"{name}, {y}, {', '.join(map(str, attrs))}"
            self.emit(f"ops.{kind}({text})", self.floating(x, kind), [x, self.values[y]], attrs)
        elif x.ndim >= 2 and x.numel() and size:
            rows = min(size, 33)
            k = self.fresh((*x.shape[:-2], rows, x.shape[-1]), x.dtype.name)
            v = self.fresh((*x.shape[:-2], rows, self.random.choice([1, 5, 16])), x.dtype.name)
            if self.values[v].numel() > self.largest or x.numel() // x.shape[-1] * rows > self.largest:
                return
            causal, mask = self.chance(0.4), None
            if not causal and self.chance(0.3):
                mask = self.fresh((x.shape[-2], rows), self.random.choice(["bool", x.dtype.name]))
            operands = [x, *(self.values[n] if n else None for n in (k, v, mask))]
            self.emit(
                f"ops.scaled_dot_product_attention({name}, {k}, {v}, {mask}, {causal}, 0.25)",
                "scaled_dot_product_attention",
                operands,
                [causal, 0.25],
            )

    @staticmethod
    def floating(x, op):
        return op if x.dtype.is_floating_point else None

    def several(self):
        """One of an op's results."""
        op = self.kind(["max", "min", "sort", "topk", "var_mean"])
        name = self.of(["float"] if op == "var_mean" else ["float", "int"], lambda t: t.ndim > 0 and t.numel() > 0)
        axis, which = self.random.randrange(self.values[name].ndim), self.random.randrange(2)
        if op == "var_mean":
            self.emit(f"weft.var_mean({name}, {axis}, correction=0)[{which}]")
        elif op == "topk":
            count = self.random.randint(1, self.values[name].shape[axis])
            self.emit(f"weft.topk({name}, {count}, {axis}, {self.chance(0.5)})[{which}]")
        else:
            self.emit(f"weft.{op}({name}, {axis}, {self.chance(0.5)})[{which}]")

    def scan(self):
        """Along an axis; of two results one."""
        op = self.kind(["cumsum", "cumprod", "cummax", "cummin", "linear_scan", "logcumsumexp", "searchsorted"])
        kinds = ["float"] if op in ("linear_scan", "logcumsumexp") else ["float", "int"]
        name = self.of(kinds, lambda t: t.ndim > 0)
        x = self.values[name]
        axis = self.random.randrange(x.ndim)
        if op in ("cummax", "cummin"):
            self.emit(f"weft.{op}({name}, {axis})[{self.random.randrange(2)}]")
        elif op == "linear_scan":  # factors of at most 1, so that it stays in range
            self.emit(f"ops.linear_scan(weft.sin({name}), {name}, {axis})")
        elif op == "cumprod" and x.dtype.is_floating_point:
            self.emit(f"weft.cumprod(weft.cos({name}), {axis})")
        elif op == "searchsorted":
            self.emit(f"weft.searchsorted(weft.sort({name}.reshape(-1))[0], {name}, right={self.chance(0.5)})")
        else:
            self.emit(f"weft.{op}({name}, {axis})")

    def extern(self):
        """What a library computes: matrices are made positive definite."""
        op = self.kind(
            [
                "sort_last",
                "topk_last",
                "cholesky_ex",
                "solve_triangular",
                "svd_ex",
                "eigh_ex",
                "qr",
                "solve_ex",
                "inv_ex",
                "slogdet",
                "det",
                "lu_factor_ex",
                "swap_rows",
                "lu_solve",
                "pinv",
                "least_squares",
                "geqrf",
                "ldl_factor_ex",
                "ldl_solve",
                "matrix_exp",
                "eig_ex",
                *COMPLEX_MATRICES,
            ]
        )
        least = 1 if op in ("sort_last", "topk_last") else 2
        name = self.of(["float"], lambda t: t.ndim >= least and t.numel() > 0 and t.shape[-least] <= 64)
        x = self.values[name]
        if op == "sort_last":
            self.emit(f"ops.sort_last({name}, {self.chance(0.5)})[{self.random.randrange(2)}]")
            return
        if op == "topk_last":
            k = self.random.randrange(1, x.shape[-1] + 1)
            self.emit(f"ops.topk_last({name}, {k}, {self.chance(0.5)})[{self.random.randrange(2)}]")
            return
        n, wide = x.shape[-2], f"{name}.double()"
        square = f"weft.matmul({wide}, {wide}.transpose(-1, -2)) + 100.0 * weft.eye({n}, dtype=weft.float64)"
        if op == "cholesky_ex":
            self.emit(f"ops.cholesky_ex({square})[{self.random.randrange(2)}]")
        elif op == "eig_ex":
            self.emit(f"ops.eig_ex({square})[0]")
        elif op.startswith("complex_"):  # a Hermitian matrix with distinct eigenvalues
            pairs = f"weft.stack([{square}, weft.triu({square}, 1) - weft.tril({square}, -1)], -1)"
            self.emit(f"ops.{op}({pairs})[{1 if op == 'complex_svd_ex' else 0}]")
        elif op == "svd_ex":  # the values: vectors of values that are nearly equal are anything
            self.emit(f"ops.svd_ex({square}, {self.chance(0.5)})[1]")
        elif op == "eigh_ex":
            self.emit(f"ops.eigh_ex({square})[0]")
        elif op == "solve_ex":
            self.emit(f"ops.solve_ex({square}, {wide})[0]")
        elif op == "inv_ex":
            self.emit(f"ops.inv_ex({square})[0]")
        elif op in ("det", "pinv"):
            none = f", weft.zeros({tuple(x.shape[:-2])}, dtype=weft.float64)"
            rest = none + none if op == "pinv" else ""
            self.emit(f"ops.{op}(({square}) / 1000.0{rest})")
        elif op == "lu_factor_ex":
            self.emit(f"ops.lu_factor_ex({square})[{self.random.randrange(2)}]")
        elif op == "swap_rows":
            self.emit(f"ops.swap_rows({wide}, ops.lu_factor_ex({square})[1], {self.chance(0.5)})")
        elif op == "lu_solve":
            self.emit(
                f"ops.lu_solve(ops.lu_factor_ex({square})[0], ops.lu_factor_ex({square})[1], {wide}, {self.chance(0.5)})"
            )
        elif op == "least_squares":
            self.emit(f"ops.least_squares({square}, {wide}, 1e-12)[0]")
        elif op == "geqrf":
            self.emit(f"ops.geqrf({square})[{self.random.randrange(2)}]")
        elif op == "ldl_factor_ex":
            self.emit(f"ops.ldl_factor_ex({square})[{self.random.randrange(2)}]")
        elif op == "ldl_solve":
            self.emit(f"ops.ldl_solve(ops.ldl_factor_ex({square})[0], ops.ldl_factor_ex({square})[1], {wide})")
        elif op == "slogdet":
            self.emit(f"ops.slogdet({square})[1]")
        elif op == "matrix_exp":  # not of what grows beyond numbers
            self.emit(f"ops.matrix_exp(weft.matmul(weft.sin({wide}), weft.sin({wide}).transpose(-1, -2)) / {n}.0)")
        elif op == "qr":
            self.emit(f"ops.qr({square}, {self.chance(0.5)})[{self.random.randrange(2)}]")
        else:
            self.emit(f"ops.solve_triangular({square}, {wide}, {self.chance(0.5)}, {self.chance(0.5)}, False)")

    def fourier(self):
        """Transforms along an axis, and the steps that they are made of."""
        kinds = ["fft_complex", "fft_real", "fft_to_real", "fft_rows", "fft_columns", "fft_real_rows", "fft_to_real_rows", "fft_first", "fft_second"]  # fmt: skip
        op = self.kind(kinds)
        wide = self.of(["float"], lambda t: t.ndim > 0 and 0 < t.shape[-1] <= 300 and 0 < t.numel() < 20_000)
        wide = wide or self.fresh((3, 20), "float32")
        x, inverse, scale = self.values[wide], self.chance(0.5), self.random.choice([1.0, 0.5])
        n, pairs = x.shape[-1], f"weft.stack([{wide}, weft.neg({wide})], -1).float()"
        axis = self.random.randrange(x.ndim)
        if op == "fft_complex":
            self.emit(f"ops.fft_complex({pairs}, {axis}, {inverse}, {scale})")
        elif op == "fft_real":
            self.emit(f"ops.fft_real({wide}.float(), {axis}, {scale})")
        elif op == "fft_to_real":
            size = max(1, 2 * (x.shape[axis] - 1) + self.random.randrange(2))
            self.emit(f"ops.fft_to_real({pairs}, {axis}, {size}, {scale})")
        elif op == "fft_rows":
            self.emit(f"ops.fft_rows({pairs}, {inverse}, {scale})")
        elif op == "fft_real_rows":
            self.emit(f"ops.fft_real_rows(weft.cat([{wide}, {wide}], -1).float(), {scale})")
        elif op == "fft_to_real_rows":
            self.emit(f"ops.fft_to_real_rows(weft.cat([{pairs}, {pairs}], -2), {scale})")
        elif op == "fft_columns":
            self.emit(f"ops.fft_columns({pairs}.unsqueeze(0), {inverse}, {scale}, {self.random.randint(1, 3)})")
        else:
            first = f"ops.fft_first({pairs}.reshape(-1, {n}, 2), {inverse}, {self.random.randint(1, 3)})"
            rows = x.numel() // n
            second = f"ops.fft_second({first}, {rows}, {n}, {inverse}, {scale}, {self.random.randint(1, 3)})"
            self.emit(second if op == "fft_second" else f"ops.fft_first({pairs}.reshape(-1, {n}, 2), {inverse}, 1)")

    def pairs(self, op):
        """An op on complex numbers, of a value and its negative, as pairs."""
        name = self.of(["float"])
        others = [
            self.fresh((*self.values[name].shape, 2), self.values[name].dtype.name)
            for _ in self.records[op]["operands"][1:]
        ]
        self.emit(f"ops.{op}({', '.join([f'weft.stack([{name}, weft.neg({name})], -1)', *others])})")

    def composite(self):
        kinds = "softmax log_softmax masked_softmax layer_norm cross_entropy mse_loss std normalize softplus l1 dropout one_hot"
        kind = self.kind(
            kinds.split()
            + [self.random.choice([r for r in self.records if r.startswith("complex_") and r not in COMPLEX_MATRICES])]
        )
        if kind.startswith("complex_"):
            return self.pairs(kind)
        least = 2 if kind == "std" else 1  # elements along the axis
        name = self.of(["float"], lambda t: t.numel() > 0 and max(t.shape, default=0) >= least)
        x = self.values[name]
        axis = self.random.choice([a for a in range(x.ndim) if x.shape[a] >= least])
        if kind in ("softmax", "log_softmax"):
            self.emit(f"weft.{kind}({name}, {axis})", kind, [x], [axis])
        elif kind == "masked_softmax":
            self.emit(f"ops.masked_softmax(weft.where({name} > 1.0, {name}, float('-inf')), {axis})")
        elif kind == "layer_norm":
            axes = self.random.randint(1, min(2, x.ndim))
            w = self.fresh(x.shape[x.ndim - axes :], x.dtype.name) if self.chance(0.6) else None
            b = self.fresh(x.shape[x.ndim - axes :], x.dtype.name) if w and self.chance(0.7) else None
            rows = x.detach().double().numpy().reshape(-1, numpy.prod(x.shape[x.ndim - axes :]))
            # But for rounding.
            constant = rows.shape[1] < 4 or (numpy.ptp(rows, 1) < 0.01 * numpy.abs(rows).max(1)).any()
            operands = [x, *(self.values[n] if n else None for n in (w, b))]
            self.emit(
                f"F.layer_norm({name}, {tuple(x.shape[x.ndim - axes :])}, {w}, {b})",
                None if constant else kind,
                operands,
                [axes, 1e-5],
            )
        elif kind == "cross_entropy":
            classes = 1 if x.ndim > 1 else 0
            shape = [n for i, n in enumerate(x.shape) if i != classes]
            target = self.indices(shape, x.shape[classes])
            reduction, smooth = self.random.choice(["none", "mean", "sum"]), self.random.choice([0.0, 0.125])
            ignore = self.random.choice([-100, 0])
            attrs = [["none", "mean", "sum"].index(reduction), ignore, smooth]
            text = f"ignore_index={ignore}, reduction={reduction!r}, label_smoothing={smooth}"
            self.emit(f"F.cross_entropy({name}, {target}, {text})", kind, [x, self.values[target], None], attrs)
        elif kind == "mse_loss":
            y = self.fresh(x.shape, x.dtype.name)
            self.emit(f"F.mse_loss({name}, {y})", kind, [x, self.values[y]], [1])
        elif kind == "std":
            self.emit(f"weft.std({name}, {axis})")
        elif kind == "normalize":
            self.emit(f"F.normalize({name}, dim={axis})")
        elif kind == "softplus":
            self.emit(f"F.softplus({name})")
        elif kind == "l1":
            y = self.like(name, exact=True)
            if self.values[y].shape == x.shape:
                self.emit(f"F.l1_loss({name}, {y})")
        elif kind == "dropout":
            self.emit(f"F.dropout({name}, {self.random.choice([0.1, 0.5])})")
        elif kind == "one_hot":
            index = self.indices((7,), 5)
            self.emit(f"F.one_hot({index}, 5)")

    def creation(self):
        kind = self.kind(["uniform", "normal", "random_integer", "iota", "count", "full", "full"])
        shape, dtype = self.base, self.dtype(("float", "int"))
        if kind in ("uniform", "normal"):
            function = {"uniform": "rand", "normal": "randn"}[kind]
            self.emit(f"weft.{function}({', '.join(map(str, shape)) or '()'})")
        elif kind == "random_integer":
            self.emit(f"weft.randint(-7, {self.random.choice([3, 2**40])}, {shape})")
        elif kind == "iota" and shape:
            self.emit(f"ops.iota({shape}, {self.random.randrange(len(shape))}, weft.{dtype})")
        elif kind == "count":
            self.emit(f"ops.count({shape}, {shape}, {self.random.randrange(3)}, weft.float32)")
        else:
            self.emit(f"weft.full({shape}, {self.random.choice([0, 1, 3])}, dtype=weft.{dtype})")
