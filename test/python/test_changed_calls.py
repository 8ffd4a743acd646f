"""Sound calls with one argument, or one element of one, changed for another kind of thing, new ones for each commit: each gives a result or
an error in the package's form. What hostile_calls.py draws at random seldom gets as far as a function's last argument."""

import random

import hostile_calls
import numpy
import pytest
import weft
from weft import nn, optim
from weft.nn.utils import parametrizations, parametrize
from weft.optim import lr_scheduler, swa_utils
from weft.utils.data import default_collate

CHANGES = 40  # of each call


def _sgd():
    return optim.SGD([nn.Parameter(weft.ones(2))], lr=0.1, momentum=0.9)


def _sparse():
    return weft.tensor([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]]).to_sparse()


def _offsets():
    return weft.tensor([0, 1, 2])


def _rnn_weights():
    return [weft.ones(4, 3), weft.ones(4, 4), weft.ones(4), weft.ones(4)]


# Functions and their arguments; the arguments are made for each call, as some write to them.
CALLS = [
    (nn.Linear, lambda: ((2, 3), {"bias": True})),
    (nn.Bilinear, lambda: ((2, 3, 4), {"bias": True})),
    (nn.GRU, lambda: ((2, 3), {"num_layers": 1, "bias": True, "batch_first": False, "bidirectional": True})),
    (nn.LSTMCell, lambda: ((2, 3), {"bias": True})),
    (nn.MultiheadAttention, lambda: ((4, 2), {"bias": True, "add_bias_kv": True})),
    (nn.KLDivLoss, lambda: ((), {"reduction": "batchmean"})),
    (nn.CrossMapLRN2d, lambda: ((2, 1e-4, 0.75, 1), {})),
    (lr_scheduler.CyclicLR, lambda: ((_sgd(), 0.1, 0.2), {"step_size_up": 3, "step_size_down": 4, "mode": "exp_range", "gamma": 0.9, "base_momentum": 0.8, "max_momentum": 0.9})),
    (lr_scheduler.OneCycleLR, lambda: ((_sgd(), 0.1), {"total_steps": 9, "anneal_strategy": "cos", "div_factor": 25.0, "final_div_factor": 1e4})),
    (lr_scheduler.ReduceLROnPlateau, lambda: ((_sgd(),), {"mode": "min", "factor": 0.1, "threshold_mode": "rel", "min_lr": 0.0})),
    (swa_utils.SWALR, lambda: ((_sgd(), 0.05), {"anneal_epochs": 4, "anneal_strategy": "linear"})),
    (parametrize.ParametrizationList, lambda: (([nn.Identity()], nn.Parameter(weft.ones(2))), {})),
    (parametrize.register_parametrization, lambda: ((nn.Linear(2, 2), "weight", nn.Identity()), {})),
    (parametrize.is_parametrized, lambda: ((parametrizations.weight_norm(nn.Linear(2, 2)), "weight"), {})),
    (parametrizations.spectral_norm, lambda: ((nn.Linear(2, 3), "weight"), {"n_power_iterations": 1, "eps": 1e-12, "dim": 0})),
    (parametrizations.orthogonal, lambda: ((nn.Linear(2, 2), "weight"), {"orthogonal_map": "cayley"})),
    (nn.utils.spectral_norm, lambda: ((nn.Linear(2, 3), "weight"), {"n_power_iterations": 1, "eps": 1e-12, "dim": 0})),
    (nn.utils.weight_norm, lambda: ((nn.Linear(2, 3), "weight"), {"dim": 0})),
    (nn.utils.fuse_conv_bn_eval, lambda: ((nn.Conv1d(2, 3, 2).eval(), nn.BatchNorm1d(3).eval()), {"transpose": False})),
    (default_collate, lambda: (([{"a": 1}, {"a": 2}],), {})),
    (default_collate, lambda: (([[1, 2.0], [3, 4.0]],), {})),
    (default_collate, lambda: (([numpy.ones(2), numpy.zeros(2)],), {})),
    (weft.select, lambda: ((_sparse(), 0, 1), {})),
    (weft.index_select, lambda: ((_sparse(), 0, weft.tensor([1])), {})),
    (weft.permute, lambda: ((_sparse(), (1, 0)), {})),
    (weft.cat, lambda: (([_sparse(), _sparse()], 1), {})),
    (weft.stack, lambda: (([_sparse(), _sparse()], 1), {})),
    (weft.mul, lambda: ((_sparse(), 2.0), {})),
    (weft.sparse.addmm, lambda: ((weft.ones(2, 2), _sparse(), weft.ones(3, 2)), {"beta": 2, "alpha": 3})),
    (weft.sparse.sum, lambda: ((_sparse(), (0, 1)), {})),
    (weft.sparse.spdiags, lambda: ((weft.ones(3, 3), _offsets(), (3, 3)), {"layout": weft.sparse_csr})),
    (weft.float_power, lambda: ((weft.ones(2), 2.0), {})),
    (weft.float_power, lambda: ((2.0, weft.ones(2)), {})),
    (weft.range, lambda: ((1, 3, 0.5), {})),
    (weft.linalg.cross, lambda: ((weft.ones(3), weft.ones(3)), {"dim": 0})),
    (weft.cat, lambda: (((weft.ones(2), weft.ones(2)), 0), {})),
    (weft.tensor_split, lambda: ((weft.ones(3), (1, 2)), {"dim": 0})),
    (weft.tril_indices, lambda: ((2, 3, 1), {})),
    (weft.triu_indices, lambda: ((2, 3, 1), {})),
    (nn.init.sparse_, lambda: ((weft.ones(4, 4), 0.5), {"std": 0.1})),
    (nn.init.trunc_normal_, lambda: ((weft.ones(2), 0.0, 1.0, -2.0, 2.0), {})),
    (nn.functional.embedding_bag, lambda: ((_offsets(), weft.ones(5, 2), weft.tensor([0, 2])), {"mode": "sum"})),
    (nn.functional.adaptive_avg_pool2d, lambda: ((weft.ones(1, 2, 7, 5), (2, 3)), {})),
    (nn.functional.adaptive_max_pool1d, lambda: ((weft.ones(2, 7), 3), {})),
    (nn.functional.multilabel_soft_margin_loss, lambda: ((weft.ones(2, 3), weft.ones(2, 3)), {"reduction": "sum"})),
    (nn.functional.multi_head_attention_forward, lambda: ((weft.ones(4, 3, 8), weft.ones(5, 3, 8), weft.ones(5, 3, 8), 8, 2, weft.ones(24, 8), weft.ones(24), weft.ones(1, 1, 8), weft.ones(1, 1, 8), False, 0.0, weft.ones(8, 8), weft.ones(8)), {})),
    (weft.rnn_tanh, lambda: ((weft.ones(5, 2, 3), weft.ones(1, 2, 4), _rnn_weights(), True, 1, 0.0, False, False, False), {})),
    (weft.rnn_tanh, lambda: ((weft.ones(3, 3), weft.tensor([2, 1]), weft.ones(1, 2, 4), _rnn_weights(), True, 1, 0.0, False, False), {})),
    (weft.autocast, lambda: (("cpu",), {"dtype": weft.bfloat16, "enabled": True})),
]  # fmt: skip


def _others():
    return [
        None, True, "a", b"a", 2.0, 2.5, -1, 0, 7, -(2**70), float("nan"), float("inf"), 1j, [], (), [1.5], [None], ["a"], {}, object(), int,
        numpy.float64(2), numpy.int64(2), numpy.array([1.5]), numpy.array([1, 2]), weft.tensor(2), weft.tensor(2.5), weft.tensor([1, 2]),
        weft.float32, slice(None), range(3), weft.zeros(0), weft.ones(2, dtype=weft.complex64), weft.ones(1, 2, 3, 4, 5), weft.tensor(1.0),
    ]  # fmt: skip


def _changed(draw, value):
    """Another thing (no great int, which may mean as many steps), or the same sequence with another element."""
    if type(value) in (list, tuple) and value and draw.random() < 0.5:
        place = draw.randrange(len(value))
        return type(value)([*value[:place], _changed(draw, value[place]), *value[place + 1 :]])
    return draw.choice(_others())


@pytest.mark.parametrize("place", range(len(CALLS)), ids=lambda i: f"{i}-{CALLS[i][0].__name__}")
@pytest.mark.filterwarnings("ignore")
def test_one_argument_is_changed(place, new_seed):
    function, make = CALLS[place]
    arguments, keywords = make()
    function(*arguments, **keywords)  # sound
    draw = random.Random(f"{new_seed} {place}")
    for _ in range(CHANGES):
        arguments, keywords = make()
        given = dict(enumerate(arguments)) | keywords
        key = draw.choice(list(given))
        given[key] = _changed(draw, given[key])
        shown = ", ".join(f"{k}={hostile_calls.describe(v)}" for k, v in given.items())
        arguments = [given.pop(i) for i in range(len(arguments))]
        try:
            function(*arguments, **given)
        except Exception as error:
            wrong = hostile_calls.complaint(error, function.__name__)
            assert not wrong, f"{wrong}: {type(error).__name__}: {error}\n{function.__name__}({shown})"
