"""Damage to bytes, to values of JSON and to the entries of zip archives."""

import io
import zipfile

NUMBERS = (0, 1, -1, 2, 7, 255, 2**31 - 1, -(2**31), 2**40, 2**63 - 1, -(2**63), 2**64, 10**40, 0.5, -1e300)
WORDS = (
    "",
    "x",
    "float32",
    "F32",
    "cpu",
    "../../etc/passwd",
    "/dev/zero",
    "\0",
    "é" * 40,
    "a.b.c",
    "__class__",
    "operator.mul",
)


def of_bytes(content, rng):
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(len(data))
        kind = rng.randrange(5)
        if kind == 0:
            data[at] = rng.randrange(256)
        elif kind == 1:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del data[at : at + rng.randrange(1, 9)]
        elif kind == 3:
            data[at:at] = data[at : at + rng.randrange(1, 40)]
        elif rng.random() < 0.2:
            del data[at:]
        else:  # a number of eight bytes
            data[at : at + 8] = rng.choice((2**31, 2**40, 2**63, 2**64 - 1)).to_bytes(8, "little")
        if not data:
            return b"\0"
    return bytes(data)


def of_json(value, rng):
    """The value with one to four places changed, which are lists', dicts' or plain values'."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        places = []
        _places(value, places)
        if not places:
            return value
        holder, key = rng.choice(places)
        other_holder, other_key = rng.choice(places)
        kind = rng.randrange(6)
        if kind == 0:
            del holder[key]
        elif kind == 1:
            holder[key] = rng.choice(NUMBERS)
        elif kind == 2:
            holder[key] = rng.choice(WORDS)
        elif kind == 3:
            holder[key] = rng.choice((None, True, [], {}, [[]], {"": None}))
        elif kind == 4:  # a copy of another place, never the place itself: a value must not hold itself
            holder[key] = _copied(other_holder[other_key])
        elif isinstance(holder, list):
            holder.insert(key, _copied(holder[key]))
        else:
            holder[key + "_"] = holder.pop(key)
    return value


def _places(value, found):
    keys = range(len(value)) if isinstance(value, list) else list(value) if isinstance(value, dict) else ()
    for key in keys:
        found.append((value, key))
        _places(value[key], found)


def _copied(value):
    if isinstance(value, list):
        return [_copied(v) for v in value]
    return {k: _copied(v) for k, v in value.items()} if isinstance(value, dict) else value


def of_zip(content, rng, change):
    """An intact archive in which ``change(name, bytes)`` made one entry another, or an entry is gone, twice there or renamed."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = [(name, archive.read(name)) for name in archive.namelist()]
    at = rng.randrange(len(entries))
    name, data = entries[at]
    kind = rng.randrange(12)
    if kind == 0:
        del entries[at]
    elif kind == 1:
        entries.append((rng.choice((name, name + "_", "../" + name, rng.choice(WORDS) or "x")), data))
    elif kind == 2:
        entries[at] = (name, rng.choice(entries)[1])
    else:
        entries[at] = (name, change(name, data))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", rng.choice((zipfile.ZIP_STORED,) * 9 + (zipfile.ZIP_DEFLATED,))) as archive:
        for name, data in entries:
            archive.writestr(name.replace("\0", "0"), data)
    return file.getvalue()
