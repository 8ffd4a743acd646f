"""weft.Generator: streams of random numbers beside the default one."""

import copy
import pickle

import pytest
import weft
from conftest import assert_same_bits

DRAWS = {
    "rand": lambda g: weft.rand(5, generator=g),
    "randn": lambda g: weft.randn((2, 3), generator=g, dtype=weft.float64),
    "rand_like": lambda g: weft.rand_like(weft.ones(4), generator=g),
    "randn_like": lambda g: weft.randn_like(weft.ones(4), generator=g),
    "randint": lambda g: weft.randint(0, 1000, (7,), generator=g),
    "randint_like": lambda g: weft.randint_like(weft.ones(4), 1000, generator=g),
    "randperm": lambda g: weft.randperm(20, generator=g),
    "normal": lambda g: weft.normal(weft.ones(4), 2.0, generator=g),
    "normal of numbers": lambda g: weft.normal(0.0, 2.0, (4,), generator=g),
    "bernoulli": lambda g: weft.bernoulli(weft.full((40,), 0.5), generator=g),
    "multinomial": lambda g: weft.multinomial(weft.ones(30), 5, generator=g),
    "uniform_": lambda g: weft.empty(5).uniform_(1, 2, generator=g),
    "normal_": lambda g: weft.empty(5).normal_(generator=g),
    "bernoulli_": lambda g: weft.empty(40).bernoulli_(generator=g),
    "exponential_": lambda g: weft.empty(5).exponential_(generator=g),
    "init": lambda g: weft.nn.init.kaiming_uniform_(weft.empty(3, 4), generator=g),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_a_seed_gives_the_numbers_that_it_gives_by_default(draw):
    generator = weft.Generator().manual_seed(7)
    before = weft.get_rng_state()
    drawn = [draw(generator), draw(generator)]
    assert weft.get_rng_state().equal(before) and not drawn[0].equal(drawn[1])
    weft.manual_seed(7)
    for mine in drawn:
        assert_same_bits(mine, draw(None))


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_compiled(draw):
    generator = weft.Generator()

    def program():
        return [(draw(generator) * 2 + weft.rand(())) for _ in range(2)]

    for function in (program, weft.compile(program)):
        weft.manual_seed(1)
        generator.manual_seed(2)
        results = [t for _ in range(4) for t in function()]
        if function is program:
            eager = results
    for mine, theirs in zip(eager, results, strict=True):
        assert_same_bits(mine, theirs)


def test_seeds_and_states():
    generator = weft.Generator(device="cpu")
    assert generator.device == weft.device("cpu") and generator.manual_seed(-1) is generator
    assert weft.Generator().manual_seed(2**64 - 1).initial_seed() == generator.initial_seed()
    weft.rand(3, generator=generator)
    state = generator.get_state()
    others = [
        weft.Generator(),
        generator.clone_state(),
        copy.deepcopy(generator),
        pickle.loads(pickle.dumps(generator)),
    ]
    others[0].set_state(state)
    expected = weft.rand(3, generator=generator)
    assert all(weft.rand(3, generator=other).equal(expected) for other in others)
    assert generator.seed() == generator.initial_seed()


def test_the_default_generator():
    weft.default_generator.manual_seed(3)
    assert weft.initial_seed() == 3
    state = weft.get_rng_state()
    first = weft.rand(2)
    weft.set_rng_state(state)
    assert weft.rand(2, generator=weft.default_generator).equal(first)
    assert weft.seed() == weft.initial_seed()


def test_a_stream_put_back():
    weft.random.manual_seed(4)
    with weft.random.fork_rng():
        inside = weft.rand(3)
    assert weft.rand(3).equal(inside)
    with weft.random.fork_rng(enabled=False):
        weft.rand(3)
    weft.random.set_rng_state(weft.random.get_rng_state())
    assert weft.random.initial_seed() == 4 and weft.random.seed() == weft.initial_seed()


def test_examples_of_vmap():
    def draw(x):
        return x + weft.rand(3, generator=generator)

    generator = weft.Generator().manual_seed(1)
    same = weft.vmap(draw, randomness="same")(weft.zeros(2, 3))
    different = weft.vmap(draw, randomness="different")(weft.zeros(2, 3))
    assert same[0].equal(same[1]) and not different[0].equal(different[1])
    generator.manual_seed(1)
    assert same[0].equal(weft.rand(3, generator=generator))


@pytest.mark.parametrize(
    "act, error, text",
    [
        (lambda: weft.rand(2, generator=3), TypeError, r"\[rand\] generator must be a weft.Generator; got int"),
        (lambda: weft.Generator().manual_seed(2**64), ValueError, "64 bits"),
        (lambda: weft.manual_seed("a"), TypeError, r"\[manual_seed\] a seed must be an int; got 'a'"),
        (lambda: weft.Generator().set_state(weft.zeros(3)), TypeError, r"\[set_state\].*float32 of shape \[3\]"),
        (lambda: weft.Generator("mars"), RuntimeError, "mars"),
    ],
)
def test_errors(act, error, text):
    with pytest.raises(error, match=text):
        act()
