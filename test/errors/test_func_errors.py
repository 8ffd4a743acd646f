"""The messages of weft.func and weft.utils.checkpoint: one case each."""

import pytest
import weft
from weft import nn
from weft.func import functional_call, grad, jacrev, jvp, stack_module_state, vjp, vmap
from weft.utils.checkpoint import checkpoint, checkpoint_sequential

x23, x45, i3 = weft.zeros(2, 3), weft.zeros(4, 5), weft.tensor([0, 1, 2])
linear = nn.Linear(3, 1)


def doubled(**arguments):
    return vmap(lambda a: a * 2, **arguments)


def written_from_outside():
    total = weft.zeros(3)
    vmap(lambda a: total.add_(a))(x23)


def kept_from_inside():
    kept = []
    vmap(lambda a: (kept.append(a * 2), a)[1])(x23)
    kept[0] + 1


# (name, what the user does, the class, what the message holds)
CASES = [
    ("vmap value", lambda: vmap(lambda a: a.sum().item())(x23), RuntimeError, ["[item]", "test_func_errors.py", "where"]),
    ("vmap branch", lambda: vmap(lambda a: a if a.sum() > 0 else -a)(x23), RuntimeError, ["[vmap]", "where"]),
    ("vmap mask", lambda: vmap(lambda a: a[a > 0])(x23), RuntimeError, ["value of a tensor", "vmap"]),
    ("vmap nothing", lambda: doubled()(), ValueError, ["[vmap]", "no arguments"]),
    ("vmap no axis", lambda: doubled(in_dims=(None,))(x23), ValueError, ["[vmap]", "no argument has an axis"]),
    ("vmap in_dims", lambda: doubled(in_dims="a")(x23), ValueError, ["[vmap]", "in_dims", "str"]),
    ("vmap in_dims list", lambda: doubled(in_dims=[0])(x23), ValueError, ["[vmap]", "in_dims", "list"]),
    ("vmap in_dims tree", lambda: doubled(in_dims=(0, 0))(x23), ValueError, ["[vmap]", "in_dims", "(*,)"]),
    ("vmap in_dim kind", lambda: doubled(in_dims=("a",))(x23), ValueError, ["[vmap]", "in_dims", "str"]),
    ("vmap in_dim range", lambda: doubled(in_dims=2)(x23), ValueError, ["[vmap]", "[-2, 2)", "[2, 3]"]),
    ("vmap over a number", lambda: doubled()(2.0), ValueError, ["[vmap]", "float", "None"]),
    ("vmap sizes", lambda: vmap(lambda a, b: a)(x23, x45), ValueError, ["[vmap]", "[2, 4]"]),
    ("vmap result", lambda: vmap(lambda a: 3)(x23), ValueError, ["[vmap]", "int", "out_dim"]),
    ("vmap out_dim None", lambda: doubled(out_dims=None)(x23), ValueError, ["[vmap]", "out_dim is None"]),
    ("vmap out_dim range", lambda: doubled(out_dims=5)(x23), IndexError, ["[vmap]", "out_dim", "5"]),
    ("vmap out_dims tree", lambda: doubled(out_dims=(0, 0))(x23), ValueError, ["[vmap]", "out_dims"]),
    ("vmap randomness", lambda: doubled(randomness="x"), RuntimeError, ["[vmap]", "'error', 'different' or 'same'"]),
    ("vmap random", lambda: vmap(lambda a: a + weft.rand(3))(x23), RuntimeError, ["[rand]", "randomness='error'"]),
    ("vmap chunks", lambda: doubled(chunk_size=0), ValueError, ["[vmap]", "chunk_size", "0"]),
    ("vmap chunks of another type", lambda: doubled(chunk_size=2.0), TypeError, ["[vmap]", "chunk_size", "float"]),
    ("vmap writes outside", written_from_outside, RuntimeError, ["[add_]", "from outside", "vmap"]),
    ("vmap keeps outside", kept_from_inside, RuntimeError, ["[add]", "no value", "vmap"]),
    ("grad of a matrix", lambda: grad(lambda a: a)(x23), RuntimeError, ["[grad]", "[2, 3]", "jacrev"]),
    ("grad of a number", lambda: grad(lambda a: 3)(x23), RuntimeError, ["[grad]", "int"]),
    ("grad by integers", lambda: grad(lambda a: a.sum())(i3), RuntimeError, ["[grad]", "int64"]),
    ("grad by a number", lambda: grad(lambda a: a)(2.0), ValueError, ["[grad]", "float"]),
    ("grad argnum", lambda: grad(lambda a: a, argnums=1)(x23), RuntimeError, ["[grad]", "1 positional"]),
    ("grad argnum kind", lambda: grad(lambda a: a, argnums="a")(x23), RuntimeError, ["[grad]", "argnums", "int"]),
    ("grad no argnums", lambda: grad(lambda a: a, argnums=())(x23), RuntimeError, ["[grad]", "argnums", "empty"]),
    ("grad argnums twice", lambda: grad(lambda a: a, argnums=(0, -1))(x23), RuntimeError, ["[grad]", "distinct"]),
    ("grad aux", lambda: grad(lambda a: a.sum(), has_aux=True)(x23), RuntimeError, ["[grad]", "(output, aux)"]),
    ("vjp of nothing", lambda: vjp(lambda a: (), x23), RuntimeError, ["[vjp]", "at least one"]),
    ("vjp of a number", lambda: vjp(lambda a: 3, x23), RuntimeError, ["[vjp]", "int"]),
    ("vjp tree", lambda: vjp(lambda a: a * 2, x23)[1]((x23, x23)), RuntimeError, ["[vjp]", "structure", "(*, *)"]),
    ("jvp primals", lambda: jvp(lambda a: a, x23, x23), RuntimeError, ["[jvp]", "tuple"]),
    ("jvp tree", lambda: jvp(lambda a: a * 2, (x23,), (x23, x23)), RuntimeError, ["[jvp]", "structure"]),
    ("jvp shape", lambda: jvp(lambda a: a * 2, (x23,), (x45,)), RuntimeError, ["[jvp]", "[4, 5]", "[2, 3]"]),
    ("jvp strict", lambda: jvp(lambda a: x23, (x23,), (x23,), strict=True), RuntimeError, ["[jvp]", "strict"]),
    ("jacrev by integers", lambda: jacrev(lambda a: a)(i3), RuntimeError, ["int64"]),
    ("functional_call of a function", lambda: functional_call(len, {}, x23), TypeError, ["[functional_call]", "module"]),
    ("functional_call twice", lambda: functional_call(linear, ({"bias": i3}, {"bias": i3}), x23), ValueError, ["[functional_call]", "bias"]),
    ("functional_call strict", lambda: functional_call(linear, {"b": i3}, x23, strict=True), RuntimeError, ["missing ['bias', 'weight']", "['b']"]),
    ("stack nothing", lambda: stack_module_state([]), RuntimeError, ["[stack_module_state]", "none"]),
    ("stack of two kinds", lambda: stack_module_state([linear, nn.ReLU()]), RuntimeError, ["one class", "ReLU"]),
    ("stack of two modes", lambda: stack_module_state([linear, nn.Linear(3, 1).eval()]), RuntimeError, ["evaluation"]),
    ("checkpoint context", lambda: checkpoint(weft.sin, x23, context_fn=print), NotImplementedError, ["[checkpoint]", "context_fn"]),
    ("checkpoint segments", lambda: checkpoint_sequential([weft.sin], 2, x23), ValueError, ["[checkpoint_sequential]", "2"]),
]  # fmt: skip


@pytest.mark.parametrize("act, kind, texts", [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_message(act, kind, texts):
    with pytest.raises(kind) as caught:
        act()
    for text in texts:
        assert text in str(caught.value), f"{caught.value!s} lacks {text!r}"


def test_an_error_leaves_no_trace():
    """What follows a function that failed runs as before."""
    for _ in range(2):
        with pytest.raises(RuntimeError):
            vmap(lambda a: vmap(lambda b: b.item())(a))(x23)
    assert not weft._C.tracing()
    assert (doubled()(x23 + 1) == 2).all()
