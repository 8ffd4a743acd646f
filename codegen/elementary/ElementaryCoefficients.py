"""Computes codegen/elementary/ElementaryCoefficients.h: near-minimax polynomials by weighted least squares on Chebyshev nodes with
Lawson's reweighting; coefficients are rounded one after the other from the lowest, and the rest fitted again.

    pip install mpmath && python codegen/elementary/ElementaryCoefficients.py > codegen/elementary/ElementaryCoefficients.h
"""

import sys

import mpmath as mp

mp.mp.prec = 160


def round_to(x, bits):
    """The nearest number with `bits` of significand."""
    if x == 0:
        return mp.mpf(0)
    _, exponent = mp.frexp(x)
    return mp.ldexp(mp.nint(mp.ldexp(x, bits - exponent)), exponent - bits)


def solve(f, weight, points, degree, lawson):
    rows = mp.matrix(len(points), degree + 1)
    right = mp.matrix(len(points), 1)
    for i, x in enumerate(points):
        w = weight[i] * mp.sqrt(lawson[i])
        power = mp.mpf(1)
        for j in range(degree + 1):
            rows[i, j] = w * power
            power *= x
        right[i] = w * f[i]
    normal = rows.T * rows
    return list(mp.lu_solve(normal, rows.T * right))


def fit(function, weight, low, high, degree, bits, exact=3):
    """Coefficients of a polynomial of `degree` near `function` on [low, high], and its largest weighted error."""
    mp.mp.prec = 160 + 12 * degree
    low, high = mp.mpf(low), mp.mpf(high)
    count = 3 * degree + 8
    points = [(low + high) / 2 + (high - low) / 2 * mp.cos(mp.pi * (i + mp.mpf(1) / 2) / count) for i in range(count)]
    target = [function(x) for x in points]
    weights = [mp.fabs(weight(x)) for x in points]
    fixed = []
    for step in range(min(exact, degree) + 1):
        n = degree - len(fixed)
        rest = [(t - sum(c * x**j for j, c in enumerate(fixed))) / x ** len(fixed) for t, x in zip(target, points)]
        restWeight = [w * mp.fabs(x) ** len(fixed) for w, x in zip(weights, points)]
        lawson = [mp.mpf(1)] * count
        for _ in range(8 if step == 0 else 3):
            c = solve(rest, restWeight, points, n, lawson)
            errors = [
                mp.fabs((r - sum(a * x**j for j, a in enumerate(c))) * w) for r, x, w in zip(rest, points, restWeight)
            ]
            lawson = [a * (e + mp.mpf(10) ** -40) for a, e in zip(lawson, errors)]
            total = sum(lawson)
            lawson = [a / total for a in lawson]
        if step == min(exact, degree):
            fixed += [round_to(a, bits) for a in c]
        else:
            fixed.append(round_to(c[0], bits))
    worst = max(
        mp.fabs((t - sum(c * x**j for j, c in enumerate(fixed))) * w) for t, x, w in zip(target, points, weights)
    )
    mp.mp.prec = 160
    return fixed, worst


def table(name, comment, function, weight, low, high, degree, bits):
    coefficients, worst = fit(function, weight, low, high, degree, bits)
    text = ", ".join(float(c).hex().replace("0000000p", "p") for c in coefficients)
    print(f"// {comment}; error 2^{float(mp.log(worst, 2)):.1f}.")
    print(f"constexpr double {name}[] = {{{text}}};\n")
    print(f"{name}: 2^{float(mp.log(worst, 2)):.1f}", file=sys.stderr)


def series(function, x, threshold, taylor):
    """`function` away from zero, its Taylor series near it, where it cancels."""
    return taylor(x) if mp.fabs(x) < threshold else function(x)


def tail(f, order, derivative=None):
    """(f(x) - its Taylor polynomial below `order`) / x^order."""
    c = mp.taylor(f, 0, 60 + order)

    def g(x):
        if mp.fabs(x) < 0.05:
            return sum(c[order + j] * x**j for j in range(60))
        return (f(x) - sum(c[j] * x**j for j in range(order))) / x**order

    return g


def even(f, order):
    """g(z) with f(x) = (terms below x^order) + x^order g(x^2), for f odd or even."""
    g = tail(f, order)
    return lambda z: g(mp.sqrt(z))


def main():
    print(
        '// Written by codegen/elementary/ElementaryCoefficients.py; do not edit. Lowest order first. "error" is the largest'
    )
    print("// difference from the function relative to the function's value.")
    print("// clang-format off\n#pragma once\n\nnamespace weft::coefficients {\n")
    ln2 = mp.log(2)
    log1p = mp.log1p
    half = mp.sqrt(mp.mpf(1) / 2) - 1
    root = mp.sqrt(mp.mpf(2)) - 1
    r = ln2 / 2 * mp.mpf("1.0005")

    e2 = tail(mp.exp, 2)
    table("exp32", "exp(r) = 1 + r + r^2 P(r), |r| <= ln(2) / 2", e2, lambda x: x**2, -r, r, 4, 24)
    table("expm132", "expm1(r) = r + r^2 P(r), |r| <= 0.6", e2, lambda x: x, -0.6, 0.6, 6, 24)
    table("expm164", "expm1(r) = r + r^2 P(r), |r| <= 0.6", e2, lambda x: x, -0.6, 0.6, 13, 53)
    table("exp64", "exp(r) = 1 + r + r^2 P(r), |r| <= ln(2) / 2", e2, lambda x: x, -r, r, 10, 53)
    p2 = tail(lambda x: mp.mpf(2) ** x, 1)
    table("exp2_32", "exp2(r) = 1 + r P(r), |r| <= 1/2", p2, lambda x: x, -0.5, 0.5, 5, 24)
    table("exp2_64", "exp2(r) = 1 + r P(r), |r| <= 1/2", p2, lambda x: x, -0.5, 0.5, 11, 53)

    l3 = tail(log1p, 3)
    table(
        "log32",
        "log1p(f) = f - f^2 / 2 + f^3 P(f), sqrt(1/2) <= 1 + f <= sqrt(2)",
        l3,
        lambda x: x**2,
        half,
        root,
        7,
        24,
    )
    table(
        "log2_32",
        "log2(1 + f) = f / ln(2) + f^2 P(f), sqrt(1/2) <= 1 + f <= sqrt(2)",
        tail(lambda x: log1p(x) / ln2, 2),
        lambda x: x,
        half,
        root,
        8,
        24,
    )
    table(
        "log10_32",
        "log10(1 + f) = f / ln(10) + f^2 P(f), sqrt(1/2) <= 1 + f <= sqrt(2)",
        tail(lambda x: log1p(x) / mp.log(10), 2),
        lambda x: x,
        half,
        root,
        8,
        24,
    )
    # log((1 + s) / (1 - s)) = 2 s + s R(s^2), R(z) = z P(z)
    atanh3 = even(lambda s: 2 * mp.atanh(s), 3)
    smax = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2
    table("log64", "2 atanh(s) = 2 s + s z P(z), z = s^2 <= 0.0295", atanh3, lambda z: z, 0, smax, 6, 53)
    atanh5 = even(lambda s: 2 * mp.atanh(s), 5)
    table(
        "logExtended64",
        "2 atanh(s) = 2 s + 2/3 s^3 + s z^2 P(z), z = s^2 <= 0.0295",
        atanh5,
        lambda z: z**2,
        0,
        smax,
        8,
        53,
    )

    q = (mp.pi / 4 * mp.mpf("1.001")) ** 2
    table("sin64", "sin(r) = r + r z P(z), z = r^2, |r| <= pi / 4", even(mp.sin, 3), lambda z: z, 0, q, 6, 53)
    table(
        "cos64", "cos(r) = 1 - z / 2 + z^2 P(z), z = r^2, |r| <= pi / 4", even(mp.cos, 4), lambda z: z**2, 0, q, 6, 53
    )
    table(
        "sin32",
        "sin(r) = r + r z P(z), z = r^2, |r| <= pi / 4; in float64 for float32",
        even(mp.sin, 3),
        lambda z: z,
        0,
        q,
        3,
        53,
    )
    table(
        "cos32",
        "cos(r) = 1 - z / 2 + z^2 P(z), z = r^2, |r| <= pi / 4; in float64 for float32",
        even(mp.cos, 4),
        lambda z: z**2,
        0,
        q,
        3,
        53,
    )

    table("asin64", "asin(x) = x + x z P(z), z = x^2, |x| <= 1/2", even(mp.asin, 3), lambda z: z, 0, 0.25, 12, 53)
    table("asin32", "asin(x) = x + x z P(z), z = x^2, |x| <= 1/2", even(mp.asin, 3), lambda z: z, 0, 0.25, 5, 24)
    t = mp.tan(mp.pi / 8) ** 2 * mp.mpf("1.0001")
    table("atan64", "atan(t) = t + t z P(z), z = t^2, |t| <= tan(pi / 8)", even(mp.atan, 3), lambda z: z, 0, t, 10, 53)
    table("atan32", "atan(t) = t + t z P(z), z = t^2, |t| <= tan(pi / 8)", even(mp.atan, 3), lambda z: z, 0, t, 4, 24)

    table("tanh32", "tanh(x) = x + x z P(z), z = x^2, |x| <= 1", even(mp.tanh, 3), lambda z: z, 0, 1, 6, 24)
    table("tanh64", "tanh(x) = x + x z P(z), z = x^2, |x| <= 1", even(mp.tanh, 3), lambda z: z, 0, 1, 15, 53)
    erf1 = even(mp.erf, 1)
    table("erf32", "erf(x) = x + x P(z), z = x^2, |x| <= 1", lambda z: erf1(z) - 1, lambda z: 1, 0, 1, 6, 24)
    table("erf64", "erf(x) = x + x P(z), z = x^2, |x| <= 1", lambda z: erf1(z) - 1, lambda z: 1, 0, 1, 13, 53)
    center, width = mp.mpf("2.4609375"), mp.mpf("1.465")
    print(f"constexpr double erfc32Center = {float(center).hex()};")
    table(
        "erfc32",
        "erfc(x) = P(x - erfc32Center), 1 <= x <= 3.925; absolute error",
        lambda u: mp.erfc(u + center),
        lambda u: 1,
        -width,
        width,
        15,
        24,
    )

    def scaled(q):
        a = 4 * (1 + q) / (1 - q)
        return (1 + 2 * a) * mp.exp(a * a) * mp.erfc(a)

    top = mp.mpf(24) / 32 + mp.mpf("0.001")
    table(
        "erfc64",
        "(1 + 2 x) exp(x^2) erfc(x) = P((x - 4) / (x + 4)), 0 <= x <= 28",
        scaled,
        lambda q: 1,
        -1,
        top,
        24,
        53,
    )
    special()
    print("} // namespace weft::coefficients")


def special():
    table(
        "logGamma64",
        "log(gamma(2 + z)) = z P(z), |z| <= 1/2",
        lambda z: 1 - mp.euler if z == 0 else mp.loggamma(2 + z) / z,
        lambda z: 1 / (1 - mp.euler if z == 0 else mp.loggamma(2 + z) / z),
        mp.mpf(-1) / 2,
        mp.mpf(1) / 2,
        20,
        53,
    )
    for order in (0, 1):

        def scaled(w, order=order):
            if w == 0:
                return 1 / mp.sqrt(2 * mp.pi)
            x = 16 / w
            return mp.sqrt(x) * mp.exp(-x) * mp.besseli(order, x)

        table(
            f"bessel{order}Tail64",
            f"sqrt(x) exp(-x) I{order}(x) = P(16 / x), x >= 16",
            scaled,
            lambda w, scaled=scaled: 1 / scaled(w),
            0,
            1,
            17,
            53,
        )

    # erfinv of float32, in float64, by w = -log(1 - x^2), which is 16 at most.
    def ratio(w):
        if w <= 0:
            return mp.sqrt(mp.pi) / 2
        x = mp.sqrt(-mp.expm1(-w))
        return mp.erfinv(x) / x

    log = tail(mp.log1p, 1)
    half, root = mp.sqrt(mp.mpf(1) / 2) - 1, mp.sqrt(mp.mpf(2)) - 1
    table("erfinvLog32", "log1p(f) = f P(f), sqrt(1/2) <= 1 + f <= sqrt(2)", log, lambda f: f, half, root, 8, 53)
    for name, comment, function, low, high, degree in (
        (
            "erfinvCentral32",
            "erfinv(x) = x P(w - 5/2), w = -log(1 - x^2) <= 5",
            lambda u: ratio(u + 2.5),
            -2.5,
            2.5,
            10,
        ),
        ("erfinvTail32", "erfinv(x) = x P(w - 21/2), 5 <= w <= 16", lambda u: ratio(u + 10.5), -5.5, 5.5, 11),
    ):
        table(name, comment, function, lambda u, function=function: 1 / function(u), low, high, degree, 53)


if __name__ == "__main__":
    main()
