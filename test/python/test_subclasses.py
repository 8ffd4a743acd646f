"""Sub-classes of Tensor, which operations keep, and `__weft_function__`, by which classes take calls over."""

import copy
import gc
import pickle
import weakref

import pytest
import weft
from weft.nn import functional as F


class Mine(weft.Tensor):
    pass


class Logging(weft.Tensor):
    calls: list = []

    @classmethod
    def __weft_function__(cls, func, types, args=(), kwargs=None):
        cls.calls.append((func.__name__, tuple(t.__name__ for t in types)))
        return super().__weft_function__(func, types, args, kwargs or {})


class Wrapper:
    def __init__(self, tensor):
        self.tensor = tensor

    @classmethod
    def __weft_function__(cls, func, types, args=(), kwargs=None):
        given = [a.tensor if isinstance(a, Wrapper) else a for a in args]
        return Wrapper(func(*given, **(kwargs or {})))


def test_results_are_of_the_sub_class():
    x = weft.ones(2, 3).as_subclass(Mine)
    plain = weft.ones(1, 3)
    results = [
        x + 1, 1 + x, x.sum(), weft.add(x, 1), x[0], x.view(-1), x.T, x.detach(), F.relu(x), weft.nn.Linear(3, 2)(x), x.clone(),
        x.to(weft.float64), x.long(), weft.zeros_like(x), weft.cat([x, plain]), x.max(1).values, x.data, weft.stack([x, x]), x == x,
        -x, x @ x.T, x.contiguous(), *x, *x.unbind(0), x.softmax(1), x**2, abs(x), plain * x,
    ]  # fmt: skip
    assert {type(y) for y in results} == {Mine}
    assert type(x.shape) is weft.Size and type(x.max(1)) is type(plain.max(1)) and type(plain + 1) is weft.Tensor
    assert repr(Mine([1.0, 2.0])) == "Mine([1., 2.])" and x.add_(1) is x and x.contiguous() is x


def test_gradients_flow_through():
    r = weft.ones(2, requires_grad=True)
    y = r.as_subclass(Mine)
    (y * 2).sum().backward()
    assert r.grad.tolist() == [2.0, 2.0] and not y.is_leaf
    z = Mine([1.0, 2.0]).requires_grad_()
    (z * z).sum().backward()
    assert z.grad.tolist() == [2.0, 4.0]


def test_copies_and_pickles():
    x = Mine([1.0, 2.0])
    x.note = "a"
    for y in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert type(y) is Mine and y.note == "a" and y.tolist() == [1.0, 2.0]


def test_parameters_give_tensors():
    class Special(weft.nn.Parameter):
        pass

    for parameter in (weft.nn.Parameter(weft.ones(2)), Special(weft.ones(2))):
        assert type(parameter * 2) is weft.Tensor and type(parameter.detach()) is weft.Tensor


def test_calls_are_taken_over():
    Logging.calls.clear()
    x = weft.ones(2).as_subclass(Logging)
    assert type(x + 1) is Logging and type(weft.add(x, 1)) is Logging and type(x[0]) is Logging
    x[0] = 3
    x += 1
    assert [name for name, _ in Logging.calls] == ["add", "add", "__getitem__", "__setitem__", "add_"]
    assert Logging.calls[0][1] == ("Logging",) and x.tolist() == [4.0, 2.0]


def test_wrappers_that_are_no_tensors():
    w = Wrapper(weft.ones(2))
    for result in (weft.add(w, 1), weft.ones(2) + w, weft.sum(w), F.relu(w), weft.exp(w)):
        assert type(result) is Wrapper
    assert weft.add(w, 1).tensor.tolist() == [2.0, 2.0]


def test_classes_that_do_not_know_a_call():
    class Unknowing:
        @classmethod
        def __weft_function__(cls, func, types, args=(), kwargs=None):
            return NotImplemented

    with pytest.raises(TypeError, match=r"^\[add\] no class among the arguments .* of Unknowing returned"):
        weft.add(weft.ones(1), Unknowing())
    with pytest.raises(TypeError, match="unsupported operand"):
        _ = weft.ones(1).as_subclass(Mine) + weft.ones(1).as_subclass(Logging)

    class Derived(Mine):
        pass

    assert type(weft.ones(1).as_subclass(Mine) + weft.ones(1).as_subclass(Derived)) is Derived


def test_compile_does_as_it_is_told():
    compiled = weft.compile(lambda x: (x * 2).exp() + 1)
    for _ in range(3):
        assert type(compiled(weft.ones(2))) is weft.Tensor
        Logging.calls.clear()
        assert type(compiled(weft.ones(2).as_subclass(Logging))) is Logging
        assert len(Logging.calls) == 3 and type(compiled(weft.ones(2).as_subclass(Mine))) is Mine
    inner = weft.ones(2).as_subclass(Mine)
    compiled = weft.compile(lambda x: x + inner)
    for _ in range(3):
        assert type(compiled(weft.ones(2))) is Mine


def test_errors_leave_the_protocol_on():
    x = weft.ones(2).as_subclass(Mine)
    with pytest.raises(RuntimeError):
        x.view(3)
    with pytest.raises(TypeError, match="derived from it"):
        weft.ones(2).as_subclass(int)
    assert type(x + 1) is Mine


def test_plain_tensors_have_attributes():
    x = weft.ones(3)
    with pytest.raises(AttributeError, match="'weft.Tensor' object has no attribute 'label'"):
        _ = x.label
    x.label = ["a"]
    for copied, shares in ((copy.copy(x), True), (copy.deepcopy(x), False), (pickle.loads(pickle.dumps(x)), False)):
        assert copied.label == ["a"] and (copied.label is x.label) == shares and copied.tolist() == x.tolist()
    assert not hasattr(x + 1, "label") and not hasattr(x.view(3), "label")
    assert vars(x) == {"label": ["a"]}
    del x.label
    assert not hasattr(x, "label")
    x.__dict__["other"] = 1
    assert x.other == 1
    read = weft.compile(lambda: x * getattr(x, "other", 5))
    assert read()[0] == read()[0] == 1
    x.__dict__ = {"other": 2}
    assert read()[0] == 2
    with pytest.raises(TypeError, match="must be set to a dict"):
        x.__dict__ = 3


def test_attributes_do_not_keep_their_tensor_alive():
    class Witness:
        pass

    for through in (setattr, lambda x, name, value: x.__dict__.update({name: value})):
        x, witness = weft.ones(3), Witness()
        seen = weakref.ref(witness)
        through(x, "me", [x, witness])
        del x, witness
        gc.collect()
        assert seen() is None


def test_a_tensor_of_a_dead_ones_object_has_none_of_its_attributes():
    boxes = [weft.ones(1) for _ in range(100)]
    for box in boxes:
        box.tag = 1
    del box, boxes
    assert not any(hasattr(weft.ones(1), "tag") for _ in range(100))
