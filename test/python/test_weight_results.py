"""What a compiled call makes of weights alone is kept from call to call, until a weight changes by whatever way."""

import ctypes

import weft
from weft import nn


def model_and_input():
    weft.manual_seed(0)
    model = nn.Sequential(nn.Linear(400, 300), nn.ReLU(), nn.Linear(300, 70))
    return model, weft.randn(256, 400)


def kernels(compiled, *arguments):
    return [kernel.name for kernel in weft.explain(compiled, *arguments).kernels]


def same(a, b):
    return bool((a == b).all())


def test_the_second_call_leaves_out_what_is_kept():
    model, x = model_and_input()
    compiled = weft.compile(model)
    with weft.no_grad():
        first, second = kernels(compiled, x), kernels(compiled, x)
        assert any("panels" in name for name in first)
        assert second == [name for name in first if "panels" not in name]
        assert same(compiled(x), model(x))


def test_every_write_to_a_weight_counts():
    model, x = model_and_input()
    compiled = weft.compile(model)
    weight = model[0].weight
    other = nn.Linear(400, 300)

    def set_data():
        weight.data = weft.randn(300, 400)

    writes = [
        lambda: weight.mul_(1.5),
        lambda: weight[3:5].zero_(),
        lambda: weight.t()[7].add_(1.0),
        lambda: weight.copy_(weft.randn(300, 400)),
        lambda: model[0].load_state_dict(other.state_dict()),
        lambda: weight.data.fill_(0.25),
        set_data,
    ]
    with weft.no_grad():
        compiled(x)
        for write in writes:
            write()
            for _ in range(2):
                assert same(compiled(x), model(x))


def test_an_optimizer_step_between_calls_counts():
    model, x = model_and_input()
    compiled = weft.compile(model)
    optimizer = weft.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        with weft.no_grad():
            assert same(compiled(x), model(x))
        model(x).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()


def test_weights_that_numpy_may_write_are_not_kept():
    model, x = model_and_input()
    compiled = weft.compile(model)
    with weft.no_grad():
        compiled(x)
        array = model[0].weight.detach().numpy()
        for value in (1.0, 0.5):
            array[:] = value
            assert same(compiled(x), model(x))


def test_weights_whose_address_is_known_are_not_kept():
    model, x = model_and_input()
    compiled = weft.compile(model)
    with weft.no_grad():
        compiled(x)
        address = model[0].weight.data_ptr()
        for byte in (0, 1):
            ctypes.memset(address, byte, model[0].weight.nbytes)
            assert same(compiled(x), model(x))


def test_arguments_are_not_weights():
    compiled = weft.compile(lambda a, b: a @ b)
    a, b = weft.randn(256, 400), weft.randn(400, 300)
    assert same(compiled(a, b), a @ b)
    assert kernels(compiled, a, b) == kernels(compiled, a, b)
