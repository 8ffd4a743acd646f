"""Trees of Python's containers: tuples, named tuples, lists and dicts, whose leaves are everything else."""

from __future__ import annotations

# A structure is None for a leaf, else (class, keys of a dict or None, the children's structures).


def _parts(tree):
    """The class, the keys and the children of a container; None for a leaf."""
    kind = type(tree)
    if isinstance(tree, dict):
        return kind, tuple(tree), tuple(tree.values())
    if kind is tuple or kind is list or (isinstance(tree, tuple) and hasattr(kind, "_fields")):
        return kind, None, tuple(tree)
    return None


def flatten(tree):
    """The leaves in order, and the structure that holds them."""
    leaves = []
    return leaves, _structure(tree, leaves)


# No function here refers to itself from within: such a cycle would keep the tensors of a call alive.
def _structure(node, leaves):
    parts = _parts(node)
    if parts is None:
        leaves.append(node)
        return None
    kind, keys, children = parts
    return kind, keys, tuple([_structure(child, leaves) for child in children])


def unflatten(leaves, structure):
    """The tree of that structure with those leaves."""
    return _build(iter(leaves), structure)


def _build(leaves, node):
    if node is None:
        return next(leaves)
    kind, keys, children = node
    made = [_build(leaves, child) for child in children]
    if keys is not None:
        return _dict_of(kind, keys, made)
    return kind(*made) if hasattr(kind, "_fields") else kind(made)


def _dict_of(kind, keys, values):
    items = dict(zip(keys, values))
    return kind(items) if kind.__name__ == "OrderedDict" else items


def spread(prefix, structure):
    """A leaf of ``prefix`` for each leaf of ``structure``, where a leaf may stand for a whole branch; None where they do not fit."""
    found = []
    return found if _spread(prefix, structure, found) else None


def _spread(node, structure, found):
    parts = _parts(node)
    if parts is None:
        found.extend([node] * _count(structure))
        return True
    kind, keys, children = parts
    if structure is None or not _fits(kind, keys, structure) or len(children) != len(structure[2]):
        return False
    if keys is not None:
        children = tuple([node[key] for key in structure[1]])
    return all([_spread(child, part, found) for child, part in zip(children, structure[2])])


def _fits(kind, keys, structure):
    other, names, _ = structure
    if keys is not None:
        return names is not None and set(keys) == set(names)
    return kind is other


def _count(structure):
    return 1 if structure is None else sum([_count(child) for child in structure[2]])


def text(structure):
    """For messages: `(*, {'a': *})`."""
    if structure is None:
        return "*"
    kind, keys, children = structure
    parts = [text(child) for child in children]
    if keys is not None:
        return "{" + ", ".join([f"{key!r}: {part}" for key, part in zip(keys, parts)]) + "}"
    if kind is list:
        return "[" + ", ".join(parts) + "]"
    return "(" + ", ".join(parts) + ("," if len(parts) == 1 else "") + ")"
