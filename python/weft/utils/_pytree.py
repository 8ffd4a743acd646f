"""Trees of tuples, named tuples, lists and dicts, under PyTorch's names."""

from .. import _pytree

__all__ = [
    "TreeSpec",
    "tree_any",
    "tree_all",
    "tree_flatten",
    "tree_leaves",
    "tree_map",
    "tree_map_only",
    "tree_structure",
    "tree_unflatten",
]


class TreeSpec:
    """The structure of a tree, without its leaves."""

    def __init__(self, structure):
        self._structure = structure
        self.num_leaves = _pytree._count(structure)

    def __eq__(self, other):
        return isinstance(other, TreeSpec) and self._structure == other._structure

    def __hash__(self):
        return hash(self._structure)

    def __repr__(self):
        return f"TreeSpec({_pytree.text(self._structure)})"

    def unflatten(self, leaves):
        return tree_unflatten(leaves, self)


def tree_flatten(tree):
    """(its leaves in order, its structure)."""
    leaves, structure = _pytree.flatten(tree)
    return leaves, TreeSpec(structure)


def tree_leaves(tree):
    """Its leaves in order."""
    return _pytree.flatten(tree)[0]


def tree_structure(tree):
    """Its structure."""
    return TreeSpec(_pytree.flatten(tree)[1])


def tree_unflatten(leaves, treespec):
    """The tree of that structure with those leaves."""
    leaves = list(leaves)
    if len(leaves) != treespec.num_leaves:
        raise ValueError(f"[tree_unflatten] the structure has {treespec.num_leaves} leaves; got {len(leaves)}")
    return _pytree.unflatten(leaves, treespec._structure)


def tree_map(func, tree, *rests):
    """A tree of what func gives for each leaf, and for the leaves at its place in further trees of that structure."""
    leaves, structure = _pytree.flatten(tree)
    others = [_pytree.spread(rest, structure) for rest in rests]
    if any([other is None for other in others]):
        raise ValueError(f"[tree_map] the trees must have one structure; the first is {_pytree.text(structure)}")
    return _pytree.unflatten([func(*items) for items in zip(leaves, *others)], structure)


def tree_map_only(kinds, func, tree):
    """tree_map() of the leaves that are instances of a class or of a tuple of classes; the others stay."""
    return tree_map(lambda leaf: func(leaf) if isinstance(leaf, kinds) else leaf, tree)


def tree_all(pred, tree):
    """Whether pred holds for all leaves."""
    return all([pred(leaf) for leaf in tree_leaves(tree)])


def tree_any(pred, tree):
    """Whether pred holds for a leaf."""
    return any([pred(leaf) for leaf in tree_leaves(tree)])
