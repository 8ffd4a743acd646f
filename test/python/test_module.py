"""Module's attributes, traversal and state, and the containers."""

import copy

import pytest
import weft
from weft import nn


def names(module):
    return [name for name, _ in module.named_parameters()]


def model():
    return nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))


def assign_item(container):
    container[0] = nn.Tanh()


def assign_attribute(container):
    setattr(container, "0", nn.Tanh())


def add(container):
    container.add_module("0", nn.Tanh())


@pytest.mark.parametrize("replace", [assign_item, assign_attribute, add])
@pytest.mark.parametrize("kind", [lambda *m: nn.Sequential(*m), lambda *m: nn.ModuleList(m)])
def test_a_replaced_child_keeps_its_place(kind, replace):
    container = kind(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    replace(container)
    assert [type(m).__name__ for m in container] == ["Tanh", "ReLU", "Linear"]
    assert list(container._modules) == ["0", "1", "2"]


def test_a_replaced_tensor_keeps_its_place():
    m = nn.Linear(2, 3)
    m.weight = nn.Parameter(weft.ones(3, 2))
    assert names(m) == ["weight", "bias"] and list(m.state_dict()) == ["weight", "bias"]
    m.register_parameter("weight", nn.Parameter(weft.zeros(3, 2)))
    m.weight = None
    m.weight = nn.Parameter(weft.ones(3, 2))
    assert names(m) == ["weight", "bias"]
    m.register_buffer("a", weft.ones(1))
    m.register_buffer("b", weft.ones(1), persistent=False)
    m.a = weft.zeros(1)
    m.register_buffer("a", weft.zeros(2))
    assert [name for name, _ in m.named_buffers()] == ["a", "b"]
    d = nn.ModuleDict({"x": nn.ReLU(), "y": nn.ReLU()})
    d["x"] = nn.Tanh()
    assert list(d) == ["x", "y"]


def test_a_name_is_of_one_kind():
    m = nn.Module()
    m.a = 1
    m.a = nn.Parameter(weft.ones(1))
    with pytest.raises(TypeError, match="parameter 'a'"):
        m.a = nn.ReLU()
    del m.a
    m.a = nn.ReLU()
    assert not list(m.parameters()) and isinstance(m.a, nn.ReLU)
    m.a = nn.Parameter(weft.ones(1))
    assert names(m) == ["a"] and not list(m.children())
    m.register_buffer("b", weft.ones(1), persistent=False)
    del m.b
    m.register_buffer("b", weft.ones(1))
    assert list(m.state_dict()) == ["a", "b"]


REFUSED = {
    "a number over a child": (lambda m: setattr(m, "0", 3), TypeError, "child module '0'"),
    "a tensor over a child": (lambda m: setattr(m, "0", weft.ones(1)), TypeError, "child module '0'"),
    "a number over a parameter": (lambda m: setattr(m[0], "weight", 3), TypeError, "parameter 'weight'"),
    "a number over a buffer": (lambda m: setattr(m, "buffer", 3), TypeError, "buffer 'buffer'"),
    "a number as parameter": (lambda m: m.register_parameter("p", 3), TypeError, "parameter 'p'.*int"),
    "a tensor as parameter": (lambda m: m.register_parameter("p", weft.ones(1)), TypeError, "Parameter"),
    "a number as buffer": (lambda m: m.register_buffer("p", 3), TypeError, "buffer 'p'.*int"),
    "a number as module": (lambda m: m.add_module("p", 3), TypeError, "child module 'p'.*int"),
    "a class as module": (lambda m: nn.Sequential(nn.ReLU), TypeError, "child module '0'.*type"),
    "no name": (lambda m: m.add_module("", nn.ReLU()), KeyError, "empty"),
    "a dotted name": (lambda m: m.register_buffer("a.b", weft.ones(1)), KeyError, "dot"),
    "a number as name": (lambda m: m.add_module(3, nn.ReLU()), TypeError, "string"),
    "a name that is taken": (lambda m: m.register_buffer("forward", weft.ones(1)), KeyError, "forward"),
    "before __init__": (lambda m: nn.Module.__new__(nn.Module).register_buffer("a", None), AttributeError, "super"),
    "a parameter without a name": (lambda m: setattr(m, "", nn.Parameter(weft.ones(1))), KeyError, "empty"),
    "a parameter over a method": (lambda m: setattr(m, "forward", nn.Parameter(weft.ones(1))), KeyError, "forward"),
    "insert": (lambda m: m.insert(5, nn.ReLU()), IndexError, "5"),
    "insert by name": (lambda m: m.insert("0", nn.ReLU()), TypeError, "str"),
    "a key": (lambda m: nn.ParameterDict()[3], TypeError, "int"),
    "index": (lambda m: m[3], IndexError, "3"),
    "index to write": (lambda m: m.__setitem__(-4, nn.ReLU()), IndexError, "-4"),
    "index of a list": (lambda m: nn.ModuleList([m])[1], IndexError, "1"),
    "index by name": (lambda m: m["0"], TypeError, r"\[Sequential\].*str"),
    "extend by a number": (lambda m: m.extend(3), TypeError, "int"),
    "a dict of numbers": (lambda m: nn.ModuleDict([3]), TypeError, "pairs.*int"),
    "a dict of what": (lambda m: nn.ModuleDict([("a",)]), ValueError, "pairs"),
    "mode": (lambda m: m.train(1), ValueError, "bool"),
    "integer dtype": (lambda m: m.to(weft.int64), TypeError, "floating"),
    "submodule by number": (lambda m: m.get_submodule(7), TypeError, r"\[get_submodule\].*int"),
    "parameter by number": (lambda m: m.get_parameter(7), TypeError, r"\[get_parameter\].*int"),
    "apply": (lambda m: m.apply(3), TypeError, r"\[apply\].*int"),
    "input": (lambda m: nn.Flatten()([1]), TypeError, r"\[flatten\].*list"),
    "input of tanh": (lambda m: nn.Tanh()(None), TypeError, r"\[tanh\].*NoneType"),
    "submodule": (lambda m: m.get_submodule("7"), AttributeError, "7"),
    "parameter": (lambda m: m.get_parameter("0.wieght"), AttributeError, "wieght"),
    "state of what": (lambda m: m.load_state_dict(3), TypeError, "dict"),
    "state of numbers": (lambda m: m.load_state_dict({**m.state_dict(), "0.bias": 3}), RuntimeError, "0.bias: got int"),
}


@pytest.mark.parametrize("act, kind, text", REFUSED.values(), ids=REFUSED)
def test_refused(act, kind, text):
    m = model()
    m.register_buffer("buffer", weft.ones(1))
    before = {name: id(tensor) for name, tensor in m.named_parameters()}
    with pytest.raises(kind, match=text):
        act(m)
    assert {name: id(tensor) for name, tensor in m.named_parameters()} == before and len(m) == 3


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5, 3)
        self.head = nn.Linear(3, 5, bias=False)
        self.head.weight = self.embedding.weight
        self.again = self.head
        self.register_buffer("kept", weft.ones(1))
        self.register_buffer("dropped", weft.ones(1), persistent=False)
        self.embedding.register_buffer("kept", self.kept)


def test_shared_tensors():
    m = Tied()
    assert names(m) == ["embedding.weight"]
    every = ["embedding.weight", "head.weight", "again.weight"]
    assert [name for name, _ in m.named_parameters(remove_duplicate=False)] == every
    assert [name for name, _ in m.named_buffers()] == ["kept", "dropped"]
    assert [name for name, _ in m.named_buffers(remove_duplicate=False)] == ["kept", "dropped", "embedding.kept"]
    assert [name for name, _ in m.named_modules()] == ["", "embedding", "head"]
    assert [name for name, _ in m.named_modules(remove_duplicate=False)] == ["", "embedding", "head", "again"]
    state = m.state_dict()
    assert list(state) == ["kept", "embedding.weight", "embedding.kept", "head.weight", "again.weight"]
    other = Tied()
    assert other.load_state_dict(state) == ([], [])
    assert (other.head.weight == m.head.weight).all() and other.head.weight is other.embedding.weight
    with pytest.raises(RuntimeError, match="missing: again.weight"):
        other.load_state_dict({k: v for k, v in state.items() if k != "again.weight"})
    twin = copy.deepcopy(m)
    assert twin.head.weight is twin.embedding.weight and twin.again is twin.head and twin.kept is twin.embedding.kept
    assert twin.head.weight is not m.head.weight


def test_state_dict_arguments():
    m = model()
    kept = m.state_dict(prefix="net.", keep_vars=True)
    assert kept["net.0.weight"] is m[0].weight
    into = {"other": 1}
    assert m.state_dict(destination=into) is into and list(into)[:2] == ["other", "0.weight"]
    fresh = {name: weft.ones(*tensor.shape, dtype=weft.float64) for name, tensor in m.state_dict().items()}
    m.load_state_dict(fresh, assign=True)
    assert m[0].weight.dtype is weft.float64 and m[0].weight.requires_grad and isinstance(m[0].weight, nn.Parameter)
    missing, unexpected = m.load_state_dict({"0.bias": weft.ones(3), "extra": 1}, strict=False)
    assert missing == ["0.weight", "2.weight", "2.bias"] and unexpected == ["extra"]
    assert m[0].bias.tolist() == [1, 1, 1]


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.steps = 0

    def get_extra_state(self):
        return {"steps": self.steps}

    def set_extra_state(self, state):
        self.steps = state["steps"]


def test_extra_state():
    a, b = nn.Sequential(Counting()), nn.Sequential(Counting())
    a[0].steps = 3
    b.load_state_dict(a.state_dict())
    assert b[0].steps == 3 and list(a.state_dict()) == ["0._extra_state"]


class Frozen(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(2)

    def train(self, mode=True):
        super().train(mode)
        self.norm.eval()
        return self

    def _apply(self, fn):
        super()._apply(fn)
        self.applied = True
        return self


def test_what_modules_override_is_called():
    m = nn.Sequential(Frozen()).eval().train()
    assert m.training and m[0].training and not m[0].norm.training
    m.double()
    assert m[0].applied and m[0].norm.weight.dtype is weft.float64
    m.to(weft.ones(1)).type(weft.float64)
    assert m[0].norm.weight.dtype is weft.float64


def test_sequences():
    m = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    m.append(nn.Tanh()).insert(1, nn.GELU())
    assert [type(c).__name__ for c in m] == ["Linear", "GELU", "ReLU", "Tanh"] and list(m._modules) == list("0123")
    del m[1]
    assert isinstance(m.pop(-1), nn.Tanh) and list(m._modules) == ["0", "1"]
    assert len(m + nn.Sequential(nn.ReLU())) == 3 and len(m * 2) == 4
    m += [nn.ReLU()]
    assert len(m) == 3
    named = nn.Sequential({"first": nn.Linear(2, 2), "last": nn.ReLU()})
    named[-1] = nn.Tanh()
    assert list(named[1:]._modules) == ["last"] and isinstance(named.last, nn.Tanh)
    modules = nn.ModuleList([nn.ReLU()]) + [nn.Tanh()]
    modules.insert(0, nn.GELU())
    del modules[1:2]
    assert [type(c).__name__ for c in modules] == ["GELU", "Tanh"] and isinstance(modules[:1], nn.ModuleList)


def test_dicts_and_parameters():
    d = nn.ModuleDict({"a": nn.Linear(1, 1)})
    d.update([("b", nn.ReLU())])
    assert list(d.keys()) == ["a", "b"] and "a" in d and len(d) == 2 and isinstance(d.pop("b"), nn.ReLU)
    assert names(d) == ["a.weight", "a.bias"]
    p = nn.ParameterList([weft.ones(1), nn.Parameter(weft.zeros(2))])
    p.append(weft.ones(3))
    p[0] = weft.zeros(4)
    assert [tuple(x.shape) for x in p] == [(4,), (2,), (3,)] and names(p) == ["0", "1", "2"] and p[-1] is p[2]
    assert list(nn.ParameterDict({"w": weft.ones(1), "n": 3})) == ["n", "w"]
    q = nn.ParameterDict([("w", weft.ones(1)), ("n", 3)])
    q["v"] = nn.Parameter(weft.ones(2))
    assert names(q) == ["w", "v"] and q["n"] == 3 and list(q) == ["w", "n", "v"]
    del q["w"]
    assert names(q) == ["v"] and "w" not in q
    twin = copy.deepcopy(q)
    assert twin["v"] is not q["v"] and names(twin) == ["v"] and len(copy.deepcopy(p)) == 3


# ---- PyTorch's protocol of loading
class Renamed(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(weft.ones(2))
        self.seen = []

    def _load_from_state_dict(
        self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
    ):
        old = f"{prefix}scale"
        if old in state_dict:
            state_dict[f"{prefix}weight"] = state_dict.pop(old)
        self.seen.append((prefix, local_metadata, strict))
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )


def test_a_module_that_loads_older_states():
    model = nn.Sequential(Renamed(), nn.Linear(1, 1))
    state = model.state_dict()
    assert state._metadata["0"] == {"version": 1} and list(state._metadata) == ["", "0", "1"]
    state["0.scale"] = state.pop("0.weight") * 3
    assert not any(model.load_state_dict(state))
    assert model[0].weight.tolist() == [3, 3] and model[0].seen == [("0.", {"version": 1}, True)]
    with pytest.raises(RuntimeError, match="0.weight"):
        model.load_state_dict({"0.scale": weft.ones(3), "1.weight": weft.ones(1, 1), "1.bias": weft.ones(1)})
    assert model[0].weight.tolist() == [3, 3]
    lists = [], [], []
    model[0]._load_from_state_dict({"x.scale": weft.zeros(2), "x.other": 3}, "x.", {}, False, *lists)
    assert model[0].weight.tolist() == [0, 0] and lists == ([], ["x.other"], [])


def test_batch_norms_of_older_states():
    norm = nn.BatchNorm1d(2)
    state = norm.state_dict()
    del state["num_batches_tracked"]
    with pytest.raises(RuntimeError, match="num_batches_tracked"):
        norm.load_state_dict(state)
    assert not any(norm.load_state_dict(dict(state)))  # without a version, older


def test_older_names_of_hooks():
    layer, seen = nn.Linear(1, 1), []
    layer._register_state_dict_hook(lambda module, state, prefix, metadata: seen.append(metadata))
    layer._register_load_state_dict_pre_hook(lambda state, prefix, *rest: state.update({prefix + "bias": weft.ones(1)}))
    layer._register_load_state_dict_pre_hook(lambda module, state, *rest: seen.append(module), with_module=True)
    state = layer.state_dict()
    layer.load_state_dict(state)
    assert layer.bias.tolist() == [1] and seen == [{"version": 1}, layer]


def test_modules_in_place():
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU()))
    model.set_submodule("1.0", nn.Tanh())
    assert isinstance(model[1][0], nn.Tanh) and model.share_memory() is model
    with pytest.raises(AttributeError, match="'2'"):
        model.set_submodule("1.2", nn.Tanh(), strict=True)
    with pytest.raises(ValueError, match="int"):
        model.set_submodule("1.2", 3)
    held = model[0].weight
    assert model.to_empty(device="cpu")[0].weight is held and held.shape == (2, 2)

    class Named(nn.Linear):
        def _get_name(self):
            return "Other"

    assert repr(Named(1, 2)).startswith("Other(in_features=1")


def test_compile_in_place():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh())
    x = weft.randn(2, 3)
    expected = model(x).tolist()
    model.compile()
    assert [model(x).tolist() for _ in range(3)] == [expected] * 3
    assert len(weft._C.entries(model.forward)) == 1 and list(model.state_dict()) == ["0.weight", "0.bias"]
