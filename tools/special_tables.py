"""Computes python/weft/_functions/special_tables.py: polynomials of the special functions, by Chebyshev interpolation.

    pip install mpmath && python tools/special_tables.py > python/weft/_functions/special_tables.py

Each is interpolated at 64 Chebyshev nodes of t in [-1, 1], cut off where the Chebyshev coefficients are below 2^-56 of the greatest, and
written in powers of t, lowest first.
"""

import mpmath as mp

mp.mp.prec = 300
COUNT = 64
AIRY_BEGIN, AIRY_MIDDLE, AIRY_END = mp.mpf(-5), mp.mpf("-1.5"), mp.mpf(2)  # of the two polynomials of Ai


def chebyshev(function):
    """Chebyshev coefficients of the interpolating polynomial."""
    angles = [mp.pi * (i + mp.mpf(1) / 2) / COUNT for i in range(COUNT)]
    values = [function(mp.cos(a)) for a in angles]
    found = [2 * sum(v * mp.cos(k * a) for v, a in zip(values, angles)) / COUNT for k in range(COUNT)]
    found[0] /= 2
    return found


def powers(coefficients):
    """The same polynomial in powers of t."""
    before, now = [mp.mpf(1)], [mp.mpf(0), mp.mpf(1)]
    result = [mp.mpf(0)] * len(coefficients)
    for c in coefficients:
        for i, p in enumerate(before):
            result[i] += c * p
        following = [mp.mpf(0)] + [2 * p for p in now]
        for i, p in enumerate(before):
            following[i] -= p
        before, now = now, following
    return result


def table(name, comment, function):
    found = chebyshev(function)
    greatest = max(abs(c) for c in found)
    while abs(found[-1]) < greatest * mp.mpf(2) ** -56:
        found.pop()
    numbers = [repr(float(c)) for c in powers(found)]
    print(f"# {comment}")
    print(f"{name} = (")
    line = "   "
    for number in numbers:
        if len(line) + len(number) + 2 > 150:
            print(line)
            line = "   "
        line += f" {number},"
    print(line)
    print(")  # fmt: skip")


def amplitudes(order, x):
    """P and Q of J = sqrt(2 / (pi x)) (P cos(c) - Q sin(c)), Y = sqrt(2 / (pi x)) (P sin(c) + Q cos(c)), c = x - (2 order + 1) pi / 4."""
    j, y, c = mp.besselj(order, x), mp.bessely(order, x), x - (2 * order + 1) * mp.pi / 4
    scale = mp.sqrt(mp.pi * x / 2)
    return scale * (j * mp.cos(c) + y * mp.sin(c)), scale * (y * mp.cos(c) - j * mp.sin(c))


def airy_amplitudes(x):
    """P and Q of Ai(-x) = (P sin(c) - Q cos(c)) / (sqrt(pi) x^(1/4)), c = 2/3 x^(3/2) + pi / 4."""
    a, b, c = mp.airyai(-x), mp.airybi(-x), 2 * x ** mp.mpf(1.5) / 3 + mp.pi / 4
    scale = mp.sqrt(mp.pi) * mp.root(x, 4)
    return scale * (a * mp.sin(c) + b * mp.cos(c)), scale * (b * mp.sin(c) - a * mp.cos(c))


def root(t):
    return mp.sqrt(32 * (t + 1))


def far(t):
    return mp.sqrt(128 / (t + 1))


def y_rest(order):
    def rest(t):
        x = root(t)
        if order == 0:
            return mp.bessely(0, x) - 2 / mp.pi * mp.log(x) * mp.besselj(0, x)
        return (mp.bessely(1, x) - 2 / mp.pi * (mp.log(x) * mp.besselj(1, x) - 1 / x)) / x

    return rest


def k_rest(order):
    def rest(t):
        x = mp.sqrt(2 * (t + 1))
        if order == 0:
            return mp.besselk(0, x) + mp.log(x / 2) * mp.besseli(0, x)
        return (mp.besselk(1, x) - 1 / x - mp.log(x / 2) * mp.besseli(1, x)) / x

    return rest


def k_tail(order):
    def tail(t):
        x = 4 / (t + 1)
        return mp.sqrt(x) * mp.exp(x) * mp.besselk(order, x)

    return tail


def airy_tail(t):
    x = AIRY_END * mp.cbrt((2 / (t + 1)) ** 2)
    return mp.airyai(x) * mp.exp(2 * x ** mp.mpf(1.5) / 3) * mp.root(x, 4)


def airy_oscillation(part):
    def amplitude(t):
        x = -AIRY_BEGIN * mp.cbrt(2 / (t + 1))
        found = airy_amplitudes(x)[part]
        return found * x ** mp.mpf(1.5) if part else found

    return amplitude


def erfcx(t):
    x = 3.75 * (1 + t) / (1 - t)
    value = mp.exp(x * x) * mp.erfc(x) if x < 1000 else mp.nsum(
        lambda k: (-1) ** int(k) * mp.fac2(2 * int(k) - 1) / (2 * x * x) ** int(k), [0, 8]
    ) / (x * mp.sqrt(mp.pi))  # fmt: skip
    return (1 + 2 * x) * value


def log_gamma(t):
    a = (1 + t) / 4
    return mp.loggamma(1 + a) / a


print(
    '"""Polynomials of special functions in t of [-1, 1], lowest power first: written by tools/special_tables.py."""\n'
)
for order in (0, 1):
    divided = ", divided by x" if order else ""
    by = (lambda x: x) if order else lambda x: 1
    table(f"J{order}", f"J{order}{divided}, x of [0, 8], t = x^2 / 32 - 1.",
          lambda t, o=order, b=by: mp.besselj(o, root(t)) / b(root(t)))  # fmt: skip
    rest = "Y1 - 2/pi (log(x) J1 - 1/x), divided by x" if order else "Y0 - 2/pi log(x) J0"
    table(f"Y{order}", f"{rest}, of the same t.", y_rest(order))
    table(f"P{order}", f"P of J{order} = sqrt(2 / (pi x)) (P cos(c) - Q sin(c)), c = x - {2 * order + 1} pi / 4, x from 8 on, t = 128 / x^2 - 1.",
          lambda t, o=order: amplitudes(o, far(t))[0])  # fmt: skip
    table(f"Q{order}", "Q x of the same.", lambda t, o=order: amplitudes(o, far(t))[1] * far(t))
    rest = "K1 - 1/x - log(x / 2) I1, divided by x" if order else "K0 + log(x / 2) I0"
    table(f"K{order}", f"{rest}, x of [0, 2], t = x^2 / 2 - 1.", k_rest(order))
    table(f"K{order}_TAIL", f"sqrt(x) exp(x) K{order}, x from 2 on, t = 4 / x - 1.", k_tail(order))
for name, low, high in (("AIRY_LEFT", AIRY_BEGIN, AIRY_MIDDLE), ("AIRY_RIGHT", AIRY_MIDDLE, AIRY_END)):
    table(name, f"Ai, x of [{float(low)}, {float(high)}], t from -1 to 1.",
          lambda t, a=low, b=high: mp.airyai((a + b + (b - a) * t) / 2))  # fmt: skip
table("AIRY_TAIL", "x^(1/4) exp(z) Ai, z = 2/3 x^(3/2), x from 2 on, t = 2 (2 / x)^(3/2) - 1.", airy_tail)
table(
    "AIRY_P",
    "P of Ai(-x) = (P sin(c) - Q cos(c)) / (sqrt(pi) x^(1/4)), c = z + pi / 4, x from 5 on, t = 2 (5 / x)^3 - 1.",
    airy_oscillation(0),
)
table("AIRY_Q", "Q x^(3/2) of the same.", airy_oscillation(1))
table("ERFCX", "(1 + 2 x) erfcx(x), x from 0 on, t = (x - 3.75) / (x + 3.75).", erfcx)
table("LOG_GAMMA", "log(gamma(1 + a)) / a, a of [0, 1/2], t = 4 a - 1.", log_gamma)


def listed(name, comment, numbers):
    print(f"# {comment}")
    print(f"{name} = (")
    for i in range(0, len(numbers), 6):
        print("    " + " ".join(f"{float(n)!r}," for n in numbers[i : i + 6]))
    print(")  # fmt: skip")


def legendre_rule(count):
    """Nodes and weights of [0, 1]."""
    found = []
    for i in range(count):
        x = mp.cos(mp.pi * (i + mp.mpf(3) / 4) / (count + mp.mpf(1) / 2))
        for _ in range(9):  # Newton's steps
            slope = count * (mp.legendre(count - 1, x) - x * mp.legendre(count, x)) / (1 - x * x)
            x -= mp.legendre(count, x) / slope
        found.append(((1 - x) / 2, 1 / ((1 - x * x) * slope * slope)))
    return zip(*found)


nodes, weights = legendre_rule(32)
listed("NODES", "Gauss and Legendre's rule of 32 nodes on [0, 1].", nodes)
listed("WEIGHTS", "Its weights.", weights)
