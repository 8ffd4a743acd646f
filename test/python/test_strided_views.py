"""Views by strides, shapes changed in place, memory formats, out=."""

import numpy
import pytest
import weft


def test_as_strided_reads_and_writes():
    x = weft.arange(6.0)
    view = x.as_strided((2, 2), (1, 1), 1)
    assert view.tolist() == [[1.0, 2.0], [2.0, 3.0]] and x[2:].as_strided((2,), (1,)).tolist() == [2.0, 3.0]
    assert x[2:].as_strided((2,), (1,), 0).tolist() == [0.0, 1.0]
    x.as_strided((3,), (2,)).mul_(10)
    assert x.tolist() == [0.0, 1.0, 20.0, 3.0, 40.0, 5.0]
    with pytest.raises(RuntimeError, match="more than one element"):
        view.mul_(2)


@pytest.mark.parametrize(
    "size, stride, offset, text",
    [
        ((2, 2), (4, 4), 1, "reach past the storage of 6"),
        ((2,), (1,), -1, "reach past"),
        ((2, 2), (1,), 0, "mismatch in length"),
        ((2,), (-1,), 3, "Negative strides"),
        ((-2,), (1,), 0, "must not be negative"),
        ((2**40, 2**40), (2**40, 2**40), 0, "as_strided"),
    ],
)
def test_as_strided_errors(size, stride, offset, text):
    with pytest.raises(RuntimeError, match=text):
        weft.arange(6.0).as_strided(size, stride, offset)


def test_as_strided_has_gradients():
    x = weft.arange(6.0).requires_grad_()
    x.as_strided((2, 2), (1, 1), 1).sum().backward()
    assert x.grad.tolist() == [0.0, 1.0, 2.0, 1.0, 0.0, 0.0]
    x.grad = None
    y = x * 1
    y.as_strided((3,), (2,)).mul_(10)
    y.sum().backward()
    assert x.grad.tolist() == [10.0, 1.0, 10.0, 1.0, 10.0, 1.0]
    with pytest.raises(RuntimeError, match="must lie within"):
        weft.arange(6.0)[2:].detach().requires_grad_().as_strided((2,), (1,), 0)


def test_as_strided_compiled():
    def f(x):
        y = x * 2
        y.as_strided((2,), (2,)).add_(1)
        return y.as_strided((2, 2), (1, 1)) + x.as_strided((2, 2), (0, 1), 1)

    compiled = weft.compile(f)
    for i in range(3):
        x = weft.arange(4.0) + i
        assert weft.equal(compiled(x), f(x))


def test_unfold():
    assert weft.arange(7).unfold(0, 3, 2).tolist() == [[0, 1, 2], [2, 3, 4], [4, 5, 6]]
    x = weft.arange(24.0).view(2, 3, 4)
    windows = numpy.lib.stride_tricks.sliding_window_view(x.numpy(), 2, 1)
    assert numpy.array_equal(x.unfold(1, 2, 1).numpy(), windows)
    assert weft.tensor(5).unfold(0, 1, 1).tolist() == [5] and weft.arange(7).unfold(0, 0, 1).shape == (8, 0)
    a = weft.arange(4.0).requires_grad_()
    a.unfold(0, 2, 1).sum().backward()
    assert a.grad.tolist() == [1.0, 2.0, 2.0, 1.0]
    for size, step in ((8, 1), (-1, 1), (2, 0)):
        with pytest.raises(RuntimeError, match="unfold"):
            weft.arange(7).unfold(0, size, step)


def test_repeat():
    x = weft.tensor([1, 2])
    assert x.repeat(2, 2).tolist() == [[1, 2, 1, 2], [1, 2, 1, 2]] and x.repeat((2,)).tolist() == [1, 2, 1, 2]
    assert x.repeat(0).shape == (0,) and weft.tensor(3).repeat(2).tolist() == [3, 3]
    with pytest.raises(RuntimeError, match="at least that of the tensor's dimensions"):
        weft.ones(2, 2).repeat(2)


def test_shapes_change_in_place():
    x = weft.ones(1, 2, 1)
    assert x.squeeze_(0) is x and x.shape == (2, 1) and x.unsqueeze_(0).shape == (1, 2, 1)
    assert weft.ones(1, 2).t_().shape == (2, 1) and weft.ones(1, 2).transpose_(0, 1).shape == (2, 1)
    a = weft.ones(2).requires_grad_()
    with pytest.raises(RuntimeError, match="leaf"):
        a.unsqueeze_(0)
    b = a * 2
    with weft.no_grad():
        b.unsqueeze_(0)
    (b * b).sum().backward()
    assert a.grad.tolist() == [8.0, 8.0]
    b = a * 2
    kept = b * b
    b.unsqueeze_(0)
    with pytest.raises(RuntimeError, match="modified by an inplace"):
        kept.sum().backward()

    def f(x):
        y = x * 2
        y.unsqueeze_(1)
        return y + x

    compiled = weft.compile(f)
    for _ in range(3):
        assert weft.equal(compiled(weft.arange(3.0)), f(weft.arange(3.0)))


def test_memory_formats():
    x = weft.randn(2, 3, 4, 5)
    last = x.contiguous(memory_format=weft.channels_last)
    assert last.stride() == (60, 1, 15, 3) and weft.equal(last, x) and not last.is_contiguous()
    assert (
        last.is_contiguous(memory_format=weft.channels_last)
        and last.contiguous(memory_format=weft.channels_last) is last
    )
    assert not x.is_contiguous(memory_format=weft.channels_last)
    assert x.to(memory_format=weft.channels_last).stride() == last.stride()
    assert x.to(memory_format=weft.preserve_format) is x
    assert last.clone(memory_format=weft.contiguous_format).stride() == x.stride()
    assert x.clone(memory_format=weft.channels_last).stride() == last.stride()
    assert weft.empty(2, 3, 4, 5, memory_format=weft.channels_last).stride() == last.stride()
    assert weft.zeros_like(x, memory_format=weft.channels_last).stride() == last.stride()
    assert weft.randn(1, 2, 3, 4, 5).contiguous(memory_format=weft.channels_last_3d).stride() == (120, 1, 40, 10, 2)
    assert weft.randn(2, 1, 4, 4).is_contiguous(memory_format=weft.channels_last)
    a = x.clone().requires_grad_()
    (a.to(memory_format=weft.channels_last) * last).sum().backward()
    assert weft.equal(a.grad, x)
    with pytest.raises(RuntimeError, match="required rank 4"):
        x[0].contiguous(memory_format=weft.channels_last)
    with pytest.raises(TypeError, match="memory_format"):
        x.contiguous(memory_format=3)


def test_out():
    x, y = weft.tensor([1.0, 5.0]), weft.tensor([4.0, 2.0])
    out = weft.empty(2)
    assert weft.maximum(x, y, out=out) is out and out.tolist() == [4.0, 5.0]
    assert weft.add(x, y, out=x) is x and x.tolist() == [5.0, 7.0]
    assert weft.mm(weft.ones(2, 3), weft.ones(3, 2), out=weft.empty(0)).tolist() == [[3.0, 3.0], [3.0, 3.0]]
    values, indices = weft.empty(0), weft.empty(0, dtype=weft.int64)
    weft.max(weft.tensor([[1.0, 2.0]]), 1, out=(values, indices))
    assert values.tolist() == [2.0] and indices.tolist() == [1]
    assert weft.add(x, y, out=None).tolist() == [9.0, 9.0]
    with pytest.raises(RuntimeError, match="result type float32 can't be cast"):
        weft.add(x, y, out=weft.empty(2, dtype=weft.int64))
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        weft.add(x.requires_grad_(), y, out=out)
    with pytest.raises(TypeError, match="out must be"):
        weft.add(y, y, out=3)


def test_strides_of_new_memory():
    assert weft.empty_strided((2, 3), (1, 2)).stride() == (1, 2)
    assert weft.frombuffer(bytearray(8), dtype=weft.int32).tolist() == [0, 0]
    assert weft.frombuffer(bytearray(range(8)), dtype=weft.uint8, count=2, offset=3).tolist() == [3, 4]
    halves = bytearray([0, 0, 0x80, 0x3F, 0, 0x40])
    x = weft.frombuffer(halves, dtype=weft.bfloat16, count=2, offset=2)
    assert x.dtype is weft.bfloat16 and x.tolist() == [1.0, 2.0]
    x[0] = 2.0
    assert halves[2:4] == halves[4:]


def test_views_of_another_dtype():
    x = weft.tensor([1.0, 2.0])
    assert x.view(weft.int32).tolist() == x.numpy().view(numpy.int32).tolist()
    assert x.view(weft.int16).tolist() == x.numpy().view(numpy.int16).tolist()
    assert x.view(weft.float64).tolist() == x.numpy().view(numpy.float64).tolist()
    assert weft.ones(2, 4).view(weft.float64).shape == (2, 2) and weft.tensor(1.0).view(weft.int32).item() == 0x3F800000
    x.view(weft.int32)[0] = 0
    assert x.tolist() == [0.0, 2.0]
    part = weft.arange(8.0).view(2, 4)[:, 2:].view(weft.int64)
    assert part.shape == (2, 1) and part.view(weft.float32).tolist() == [[2.0, 3.0], [6.0, 7.0]]
    for wrong in (weft.ones(3), weft.tensor(1.0), weft.ones(2, 4).t(), weft.ones(5)[1:]):
        with pytest.raises(RuntimeError, match="view"):
            wrong.view(weft.float64)
    compiled = weft.compile(lambda x: (x * 2).view(weft.int32) + 1)
    for _ in range(3):
        assert compiled(x).tolist() == ((x * 2).view(weft.int32) + 1).tolist()
    a = weft.ones(2, requires_grad=True)
    assert not a.view(weft.int32).requires_grad and (a * 2).view(weft.float32).requires_grad
