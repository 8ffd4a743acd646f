"""Writes PyTorch's numbers of the distributions for test/python/test_distributions.py:

python tools/torch_distributions.py test/data/torch_distributions.json

A distribution is [class, arguments]; lists among the arguments are float64 tensors.
"""

import json
import pathlib
import sys

import torch
from torch import distributions
from torch.distributions import constraints

LINE = [-2.5, -1.0, -0.3, 0.0, 0.4, 1.7, 6.0]
POSITIVE = [0.01, 0.3, 1.0, 2.5, 9.0]
UNIT = [0.02, 0.3, 0.5, 0.77, 0.98]
COUNTS = [0.0, 1.0, 2.0, 5.0]
COLUMN = [[0.5], [2.0]]

# Distributions and the values at which they are asked; a value's shape is (k, 1) for batches.
CASES = [
    (["Normal", {"loc": [0.5, -1.0], "scale": [0.7, 3.0]}], LINE),
    (["Normal", {"loc": 0.0, "scale": 1.0}], LINE),
    (["LogNormal", {"loc": [0.5, -1.0], "scale": [0.7, 0.3]}], POSITIVE),
    (["HalfNormal", {"scale": [0.7, 3.0]}], POSITIVE),
    (["Cauchy", {"loc": [0.5, -1.0], "scale": [0.7, 3.0]}], LINE),
    (["HalfCauchy", {"scale": [0.7, 3.0]}], POSITIVE),
    (["Laplace", {"loc": [0.5, -1.0], "scale": [0.7, 3.0]}], LINE),
    (["Uniform", {"low": [-3.0, -4.0], "high": [6.5, 7.0]}], LINE),
    (["Exponential", {"rate": [0.5, 3.0]}], POSITIVE),
    (["Gumbel", {"loc": [0.5, -1.0], "scale": [0.7, 3.0]}], LINE),
    (["Weibull", {"scale": [0.7, 3.0], "concentration": [1.5, 0.6]}], POSITIVE),
    (["Pareto", {"scale": [0.005, 0.01], "alpha": [2.5, 0.6]}], POSITIVE),
    (["Kumaraswamy", {"concentration1": [1.5, 0.6], "concentration0": [2.5, 0.9]}], UNIT),
    (["Bernoulli", {"probs": [0.2, 0.9]}], [0.0, 1.0]),
    (["Bernoulli", {"logits": [-1.5, 3.0]}], [0.0, 1.0]),
    (["Geometric", {"probs": [0.2, 0.9]}], COUNTS),
    (["Geometric", {"logits": [-1.5, 3.0]}], COUNTS),
    (["Binomial", {"total_count": 6, "probs": [0.2, 0.9]}], COUNTS),
    (["Binomial", {"total_count": 6, "logits": [-1.5, 3.0]}], COUNTS),
    (["NegativeBinomial", {"total_count": [4.0, 2.5], "probs": [0.2, 0.9]}], COUNTS),
    (["NegativeBinomial", {"total_count": 3.0, "logits": [-1.5, 3.0]}], COUNTS),
    (["Poisson", {"rate": [0.7, 12.0]}], COUNTS),
    (["Gamma", {"concentration": [0.7, 3.0], "rate": [2.0, 0.5]}], POSITIVE),
    (["Chi2", {"df": [1.5, 7.0]}], POSITIVE),
    (["Beta", {"concentration1": [0.7, 3.0], "concentration0": [2.0, 1.5]}], UNIT),
    (["StudentT", {"df": [0.8, 1.7, 5.0], "loc": 0.5, "scale": [0.7, 1.0, 3.0]}], LINE),
    (["VonMises", {"loc": [0.5, -1.0], "concentration": [0.3, 9.0]}], LINE),
    (["ContinuousBernoulli", {"probs": [0.2, 0.5, 0.9]}], UNIT),
    (["ContinuousBernoulli", {"logits": [-1.5, 0.0, 3.0]}], UNIT),
    (["Categorical", {"probs": [[1.0, 3.0, 4.0], [0.2, 0.2, 0.6]]}], [0, 2, 1]),
    (["Categorical", {"logits": [[-1.0, 3.0, 0.5], [0.2, 0.2, 0.6]]}], [0, 2, 1]),
    (["OneHotCategorical", {"probs": [[1.0, 3.0, 4.0], [0.2, 0.2, 0.6]]}], [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]),
    (["OneHotCategorical", {"logits": [0.5, 0.0, -1.0]}], [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]),
    (["Multinomial", {"total_count": 4, "probs": [1.0, 3.0, 4.0]}], [[1.0, 3.0, 0.0], [0.0, 0.0, 4.0]]),
    (["Multinomial", {"total_count": 4, "logits": [1.0, 3.0, 4.0]}], [[1.0, 3.0, 0.0], [0.0, 0.0, 4.0]]),
    (["Dirichlet", {"concentration": [[0.7, 3.0, 1.2], [0.5, 0.2, 0.9]]}], [[0.2, 0.3, 0.5], [0.7, 0.1, 0.2]]),
    (
        ["MultivariateNormal", {"loc": [0.5, -1.0], "covariance_matrix": [[2.0, 0.3], [0.3, 0.5]]}],
        [[0.1, 0.2], [-3.0, 2.0]],
    ),
    (
        ["MultivariateNormal", {"loc": [[0.5, -1.0], [0.0, 0.0]], "precision_matrix": [[2.0, 0.3], [0.3, 0.5]]}],
        [[0.1, 0.2], [-3.0, 2.0]],
    ),
    (["MultivariateNormal", {"loc": [0.5, -1.0], "scale_tril": [[2.0, 0.0], [0.3, 0.5]]}], [[0.1, 0.2], [-3.0, 2.0]]),
    (
        [
            "LowRankMultivariateNormal",
            {"loc": [0.5, -1.0, 2.0], "cov_factor": [[1.0], [0.3], [-2.0]], "cov_diag": [0.5, 1.0, 0.2]},
        ],
        [[0.1, 0.2, 0.3], [-3.0, 2.0, 1.0]],
    ),
    (["InverseGamma", {"concentration": [0.7, 3.0], "rate": [2.0, 0.5]}], POSITIVE),
    (["FisherSnedecor", {"df1": [1.5, 7.0], "df2": [3.0, 9.0]}], POSITIVE),
    (["LogisticNormal", {"loc": [0.5, -1.0], "scale": [0.7, 3.0]}], [[0.2, 0.3, 0.5], [0.7, 0.1, 0.2]]),
    (["GeneralizedPareto", {"loc": 0.001, "scale": [0.7, 3.0, 9.5], "concentration": [0.4, 0.0, -1.0]}], POSITIVE),
    (["LKJCholesky", {"dim": 3, "concentration": [0.7, 2.0]}], [[[1.0, 0, 0], [0.6, 0.8, 0], [0.0, 0.6, 0.8]]]),
    (
        ["Wishart", {"df": [3.5, 4.0], "covariance_matrix": [[2.0, 0.3], [0.3, 0.5]]}],
        [[[2.0, 1.0], [1.0, 3.0]], [[0.2, 0.0], [0.0, 0.5]]],
    ),
    (["Wishart", {"df": 7.0, "scale_tril": [[2.0, 0.0], [0.3, 0.5]]}], [[[2.0, 1.0], [1.0, 3.0]]]),
    (["RelaxedBernoulli", {"temperature": [0.7], "probs": [0.2, 0.9]}], UNIT),
    (
        ["RelaxedOneHotCategorical", {"temperature": [0.7], "probs": [0.2, 0.5, 0.3]}],
        [[0.2, 0.3, 0.5], [0.7, 0.1, 0.2]],
    ),
    (
        [
            "Independent",
            {
                "base_distribution": ["Normal", {"loc": [0.5, -1.0], "scale": [0.7, 3.0]}],
                "reinterpreted_batch_ndims": 1,
            },
        ],
        [[0.1, 0.2], [-3.0, 2.0]],
    ),
    (
        [
            "MixtureSameFamily",
            {
                "mixture_distribution": ["Categorical", {"probs": [0.3, 0.7]}],
                "component_distribution": ["Normal", {"loc": [0.5, -1.0], "scale": [0.7, 3.0]}],
            },
        ],
        LINE,
    ),
    (
        [
            "MixtureSameFamily",
            {
                "mixture_distribution": ["Categorical", {"logits": [0.3, 0.7]}],
                "component_distribution": [
                    "MultivariateNormal",
                    {"loc": [[0.5, -1.0], [1.0, 1.0]], "scale_tril": [[2.0, 0.0], [0.3, 0.5]]},
                ],
            },
        ],
        [[0.1, 0.2], [-3.0, 2.0]],
    ),
    (
        [
            "TransformedDistribution",
            {
                "base_distribution": ["Normal", {"loc": [0.5, -1.0], "scale": [0.7, 3.0]}],
                "transforms": [["AffineTransform", {"loc": 1.0, "scale": -2.0}], ["SigmoidTransform", {}]],
            },
        ],
        UNIT,
    ),
    (
        [
            "TransformedDistribution",
            {
                "base_distribution": ["Exponential", {"rate": [0.5, 3.0]}],
                "transforms": [["PowerTransform", {"exponent": 2.0}]],
            },
        ],
        POSITIVE,
    ),
]

PARTNERS = {  # of which all pairs are asked
    name: [name, arguments]
    for name, arguments in {
        "Bernoulli": {"probs": [0.2, 0.0, 1.0]},
        "Beta": {"concentration1": [0.7, 3.0, 1.0], "concentration0": [2.0, 1.5, 1.0]},
        "Binomial": {"total_count": 6, "probs": [0.2, 0.9, 0.5]},
        "Categorical": {"probs": [[0.2, 0.8, 0.0], [0.1, 0.2, 0.7], [0.3, 0.3, 0.4]]},
        "Cauchy": {"loc": [0.5, -1.0, 0.0], "scale": [0.7, 3.0, 1.0]},
        "ContinuousBernoulli": {"probs": [0.2, 0.9, 0.3]},
        "Dirichlet": {"concentration": [[0.7, 3.0], [0.5, 0.2], [1.0, 2.0]]},
        "Exponential": {"rate": [0.5, 3.0, 1.0]},
        "Gamma": {"concentration": [0.7, 3.0, 1.0], "rate": [2.0, 0.5, 1.0]},
        "Geometric": {"probs": [0.2, 0.9, 0.5]},
        "Gumbel": {"loc": [0.5, -1.0, 0.0], "scale": [0.7, 3.0, 1.0]},
        "HalfNormal": {"scale": [0.7, 3.0, 1.0]},
        "Laplace": {"loc": [0.5, -1.0, 0.0], "scale": [0.7, 3.0, 1.0]},
        "LogNormal": {"loc": [0.5, -1.0, 0.0], "scale": [0.7, 3.0, 1.0]},
        "Normal": {"loc": [0.5, -1.0, 0.0], "scale": [0.7, 3.0, 1.0]},
        "OneHotCategorical": {"probs": [[0.2, 0.8], [0.1, 0.9], [0.5, 0.5]]},
        "Pareto": {"scale": [0.5, 1.0, 2.0], "alpha": [2.5, 0.6, 3.0]},
        "Poisson": {"rate": [0.7, 12.0, 1.0]},
        "Uniform": {"low": [0.1, -2.0, 2.5], "high": [0.9, 3.0, 4.0]},
    }.items()
}
VECTORS = [
    ["MultivariateNormal", {"loc": [0.5, -1.0], "covariance_matrix": [[2.0, 0.3], [0.3, 0.5]]}],
    [
        "LowRankMultivariateNormal",
        {"loc": [1.0, 0.0], "cov_factor": [[1.0], [0.3]], "cov_diag": [0.5, 1.0]},
    ],
]

# Transforms and inputs.
TRANSFORMS = [
    (["ExpTransform", {}], LINE),
    (["PowerTransform", {"exponent": 2.5}], POSITIVE),
    (["SigmoidTransform", {}], LINE),
    (["SoftplusTransform", {}], LINE),
    (["TanhTransform", {}], LINE),
    (["AffineTransform", {"loc": 1.0, "scale": -2.0}], LINE),
    (["AffineTransform", {"loc": [1.0, 2.0], "scale": [0.5, 3.0], "event_dim": 1}], [[0.1, 0.2], [-3.0, 2.0]]),
    (["StickBreakingTransform", {}], [[0.1, 0.2], [-3.0, 2.0]]),
    (["CorrCholeskyTransform", {}], [[0.1, 0.2, -0.7], [-3.0, 2.0, 0.0]]),
    (["SoftmaxTransform", {}], [[0.1, 0.2], [-3.0, 2.0]]),
    (["LowerCholeskyTransform", {}], [[0.1, 0.2], [-3.0, 2.0]]),
    (["PositiveDefiniteTransform", {}], [[0.1, 0.2], [-3.0, 2.0]]),
    (["ComposeTransform", {"parts": [["ExpTransform", {}], ["AffineTransform", {"loc": 1.0, "scale": 2.0}]]}], LINE),
    (
        ["IndependentTransform", {"base_transform": ["ExpTransform", {}], "reinterpreted_batch_ndims": 1}],
        [[0.1, 0.2], [-3.0, 2.0]],
    ),
    (["ReshapeTransform", {"in_shape": (2, 2), "out_shape": (4,)}], [[0.1, 0.2], [-3.0, 2.0]]),
    (
        ["StackTransform", {"tseq": [["ExpTransform", {}], ["TanhTransform", {}]], "dim": -1}],
        [[0.1, 0.2], [-3.0, 2.0]],
    ),
    (
        ["CatTransform", {"tseq": [["ExpTransform", {}], ["TanhTransform", {}]], "dim": 0, "lengths": (1, 1)}],
        [[0.1, 0.2], [-3.0, 2.0]],
    ),
]
SETS = {
    "real": LINE, "positive": LINE, "nonnegative": LINE, "unit_interval": LINE, "boolean": LINE, "positive_integer": LINE,
    "nonnegative_integer": LINE, "real_vector": [LINE, LINE], "simplex": [[0.5, 0.5], [0.4, 0.5], [1.5, -0.5]],
    "one_hot": [[0.0, 1.0], [1.0, 1.0], [0.5, 0.5]], "lower_triangular": [[1.0, 0.0], [2.0, -1.0]],
    "lower_cholesky": [[1.0, 0.0], [2.0, -1.0]], "corr_cholesky": [[1.0, 0.0], [0.6, 0.8]], "square": [[1.0, 2.0]],
    "symmetric": [[1.0, 2.0], [2.0, 1.0]], "positive_definite": [[1.0, 2.0], [2.0, 1.0]],
    "positive_semidefinite": [[1.0, 1.0], [1.0, 1.0]],
}  # fmt: skip


def build(described):
    name, arguments = described
    return getattr(distributions, name)(**{key: argument(value) for key, value in arguments.items()})


def argument(value):
    if isinstance(value, list):
        if isinstance(value[0], str):
            return build(value)
        if isinstance(value[0], list) and isinstance(value[0][0], str):
            return [build(item) for item in value]
        return torch.tensor(value, dtype=torch.float64)
    return value


def numbers(act):
    """What an act gives, as nested lists; the class of its error, as a string."""
    try:
        result = act()
    except Exception as error:
        return type(error).__name__
    return result.tolist()


def value_for(distribution, value):
    value = torch.tensor(value, dtype=torch.float64)
    for _ in distribution.batch_shape:
        value = value.unsqueeze(1)
    return value


def facts(described, value):
    d = build(described)
    x = value_for(d, value)
    p = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64).reshape(-1, *[1] * len(d.batch_shape))
    found = {
        "batch_shape": list(d.batch_shape),
        "event_shape": list(d.event_shape),
        "has_rsample": d.has_rsample,
        "log_prob": numbers(lambda: d.log_prob(x)),
        "cdf": numbers(lambda: d.cdf(x)),
        "icdf": numbers(lambda: d.icdf(p)),
        "entropy": numbers(lambda: d.entropy()),
    }
    for name in ("mean", "variance", "stddev", "mode"):
        found[name] = numbers(lambda name=name: getattr(d, name))
    if d.has_enumerate_support:
        found["enumerate_support"] = numbers(lambda: d.enumerate_support())
    return {"distribution": described, "value": value, "facts": found}


def divergence(p, q):
    return {"p": p, "q": q, "kl": numbers(lambda: distributions.kl_divergence(build(p), build(q)))}


def transformed(described, value):
    t = build(described)
    x = torch.tensor(value, dtype=torch.float64)
    y = t(x)
    return {
        "transform": described,
        "x": value,
        "y": y.tolist(),
        "inverse": numbers(lambda: t.inv(y)),
        "log_abs_det_jacobian": numbers(lambda: t.log_abs_det_jacobian(x, y)),
        "bijective": t.bijective,
    }


def main():
    torch.set_default_dtype(torch.float64)
    pairs = [(p, q) for p in PARTNERS.values() for q in PARTNERS.values()] + [(p, q) for p in VECTORS for q in VECTORS]
    rows = {
        "version": torch.__version__.partition("+")[0],
        "distributions": [facts(*case) for case in CASES],
        "divergences": [divergence(p, q) for p, q in pairs],
        "transforms": [transformed(*case) for case in TRANSFORMS],
        "constraints": {
            name: [value, getattr(constraints, name).check(torch.tensor(value)).tolist()]
            for name, value in SETS.items()
        },
    }
    text = ",\n".join(
        f"{json.dumps(key)}: "
        + ("[\n" + ",\n".join(map(json.dumps, value)) + "\n]" if isinstance(value, list) else json.dumps(value))
        for key, value in rows.items()
    )
    pathlib.Path(sys.argv[1]).write_text("{\n" + text + "\n}\n")


main()
