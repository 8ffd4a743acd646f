"""What stands on the tape and beside it: nodes' hooks, anomaly detection, hooks that pack what is saved."""

import pytest
import weft
from weft.autograd import graph


def leaf(*values, dtype=weft.float32):
    return weft.tensor(values, dtype=dtype, requires_grad=True)


def test_hooks_of_nodes():
    x = leaf(1.0, 2.0)
    y = x * 2
    seen = []
    after = y.grad_fn.register_hook(lambda inputs, outputs: seen.append((inputs[0].tolist(), outputs[0].tolist())))
    y.grad_fn.register_prehook(lambda outputs: (outputs[0] * 10,))
    y.sum().backward(retain_graph=True)
    assert seen == [([20.0, 20.0], [10.0, 10.0])] and x.grad.tolist() == [20.0, 20.0]
    after.remove()
    y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] + 1, None))
    x.grad = None
    y.sum().backward()
    assert len(seen) == 1 and x.grad.tolist() == [21.0, 21.0]


def test_hooks_see_what_each_reader_gives():
    x = leaf(1.0, 2.0)
    shared = x + 0
    y, z = shared * 3, shared * 5
    seen = {}
    y.grad_fn.register_hook(lambda inputs, outputs: seen.update(y=inputs[0].tolist()))
    z.grad_fn.register_hook(lambda inputs, outputs: seen.update(z=inputs[0].tolist()))
    (y + z).sum().backward()
    assert seen == {"y": [3.0, 3.0], "z": [5.0, 5.0]} and x.grad.tolist() == [8.0, 8.0]


def test_hooks_of_accumulation():
    x = leaf(1.0)
    node = (x * 2).grad_fn.next_functions[0][0]
    seen = []
    node.register_prehook(lambda outputs: outputs[0] * 10)
    node.register_hook(lambda inputs, outputs: seen.append((inputs, outputs[0].tolist())))
    (x * 2).sum().backward()
    assert x.grad.tolist() == [20.0] and seen == [((), [20.0])]
    with pytest.raises(RuntimeError, match="incorrect number of values"):
        y = x * 2
        y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0],))
        y.sum().backward()


def test_anomaly_names_the_forward_line():
    x = leaf(0.0)
    with weft.autograd.set_detect_anomaly(True):
        y = x.sqrt() * 0  # the line
        with pytest.raises(RuntimeError, match=r"'SqrtBackward0' returned nan .* recorded at test_tape_hooks.py:\d+"):
            y.sum().backward()
        (x + 1).sqrt().sum().backward()
    assert x.grad.tolist() == [0.5]
    (x.sqrt() * 0).sum().backward()  # it is off again
    with weft.autograd.set_detect_anomaly(True, check_nan=False):
        (x.sqrt() * 0).sum().backward()
    with pytest.warns(UserWarning, match="Anomaly Detection has been enabled"), weft.autograd.detect_anomaly():
        for _ in range(8):  # also where the tape was seen before
            with pytest.raises(RuntimeError, match="nan"):
                (x.sqrt() * 0).sum().backward()


def test_anomaly_names_the_line_of_a_function_that_raises():
    class Broken(weft.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, gradient):
            raise ValueError("broken")

    with weft.autograd.set_detect_anomaly(True):
        y = Broken.apply(leaf(1.0))
    with weft.autograd.set_detect_anomaly(True), pytest.warns(UserWarning, match="BrokenBackward.*test_tape_hooks.py"):
        with pytest.raises(ValueError, match="broken"):
            y.sum().backward()


def test_anomaly_within_and_around_compile():
    compiled = weft.compile(lambda x: weft.autograd.grad((x.sqrt() * 0).sum(), x)[0])
    x = leaf(0.0)
    for _ in range(3):
        assert weft.isnan(compiled(x)).all()
        with weft.autograd.set_detect_anomaly(True), pytest.raises(RuntimeError, match="nan"):
            compiled(x)


def test_saved_tensors_are_packed():
    x = leaf(1.0, 2.0)
    packed, unpacked = [], []

    def pack(tensor):
        packed.append(tensor)
        return tensor.tolist()

    def unpack(values):
        unpacked.append(values)
        return weft.tensor(values)

    with graph.saved_tensors_hooks(pack, unpack):
        y = (x * x).exp()
    assert [p.tolist() for p in packed] == [[1.0, 2.0], [1.0, 2.0], y.tolist()]
    assert packed[0] is x and packed[2].grad_fn is None
    y.sum().backward()
    assert unpacked and weft.allclose(x.grad, 2 * x * y)
    x.grad = None
    (x * x).exp().sum().backward()
    assert len(packed) == 3


def test_packed_values_may_be_others():
    x = leaf(3.0)
    with graph.saved_tensors_hooks(lambda t: t * 2, lambda t: t):
        y = weft.exp(x)
    y.sum().backward()
    assert weft.allclose(x.grad, 2 * y)
    with graph.saved_tensors_hooks(lambda t: None, lambda packed: weft.zeros(5)):
        y = weft.exp(x)
    with pytest.raises(RuntimeError, match="unpack hook must return"):
        y.sum().backward()


def test_packing_in_compile_and_in_functions_of_ones_own():
    class Square(weft.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, gradient):
            return 2 * ctx.saved_tensors[0] * gradient

    packed = []
    hooks = graph.saved_tensors_hooks(lambda t: (packed.append(1), t)[1], lambda t: t)
    compiled = weft.compile(lambda x: weft.exp(x))
    for _ in range(4):
        x = leaf(1.0)
        weft.exp(x).sum().backward()
        compiled(x)
        with hooks:
            y, z = compiled(x), Square.apply(x)
        x.grad = None
        (y + z).sum().backward()
        assert weft.allclose(x.grad, x.exp() + 2 * x)
    assert len(packed) == 8


def test_save_on_cpu_changes_nothing():
    a, b = leaf(0.5, 2.0), leaf(0.5, 2.0)
    with graph.save_on_cpu():
        y = (a.sin() * a).exp()
    y.sum().backward()
    (b.sin() * b).exp().sum().backward()
    assert weft.equal(a.grad, b.grad)


def test_variable():
    x = leaf(1.0)
    v = weft.autograd.Variable(x * 2)
    assert not v.requires_grad and v.is_leaf and isinstance(x, weft.autograd.Variable)
    assert weft.autograd.Variable(x, requires_grad=True).data_ptr() == x.data_ptr()
    with pytest.raises(TypeError, match="must be a tensor"):
        weft.autograd.Variable([1.0])
