"""Writes results of PyTorch's losses and distances, which those of weft are compared with (test/python/test_losses.py).

    python tools/torch_losses.py test/data/torch_losses.json     # where PyTorch is installed

A JSON object: "tensors": name → nested list of float64 or int64; "results": expression over these and F → value, nested list of float64.
"""

import argparse
import json
import pathlib

import numpy
import torch
from torch.nn import functional as F

rng = numpy.random.default_rng(0)
TENSORS = {name: rng.standard_normal((4, 5)).round(3) for name in ("x", "y", "z")}
TENSORS |= {name: rng.uniform(0.01, 0.99, (4, 5)).round(3) for name in ("p", "q", "w")}
TENSORS |= {
    "signs": numpy.where(TENSORS["z"] > 0, 1.0, -1.0),
    "row_signs": numpy.array([1.0, -1.0, -1.0, 1.0]),
    "classes": numpy.array([0, 4, 2, 2]),
    "labels": numpy.array([[3, 0, -1, 1, 2], [-1, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, -1, -1, -1, -1]]),
    "counts": rng.integers(0, 6, (4, 5)) + 0.25,
    "class_weights": numpy.array([0.5, 1.0, 2.0, 0.1, 1.5]),
    "exact": numpy.array([[0.0, 1.0, 0.5, 0.0, 1.0]] * 4),
}
CASES = {
    "smooth_l1_loss": ["x, y", "x, y, beta=0.3", "x, y, beta=0"],
    "huber_loss": ["x, y", "x, y, delta=0.4", "x, y, delta=0.4, weight=w"],
    "l1_loss": ["x, y"],
    "nll_loss": ["x, classes", "x, classes, class_weights", "x, classes, class_weights, ignore_index=2"],
    "binary_cross_entropy": ["p, q", "p, q, w", "p, q, class_weights", "exact, q"],
    "binary_cross_entropy_with_logits": ["x, q", "x * 100, q", "x, q, w", "x, q, pos_weight=class_weights", "x, q, w, pos_weight=w"],
    "kl_div": ["x, p", "x, y, log_target=True", "x, exact"],
    "hinge_embedding_loss": ["x, signs", "x, signs, 0.3"],
    "margin_ranking_loss": ["x, y, signs", "x, y, signs, 0.3"],
    "cosine_embedding_loss": ["x, y, row_signs", "x, y, row_signs, 0.3", "x[0], y[0], row_signs[1]"],
    "triplet_margin_loss": ["x, y, z", "x, y, z, 2.0, p=1", "x, y, z, swap=True", "x, y, z, p=3, eps=1e-3"],
    "poisson_nll_loss": ["x, counts", "x, counts, full=True", "p, counts, log_input=False"],
    "gaussian_nll_loss": ["x, y, p", "x, y, p, full=True", "x, y, p[:, :1]", "x, y, p[:, 0]", "x, y, p, eps=0.5", "x, y, 0.5"],
    "soft_margin_loss": ["x, signs"],
    "multilabel_soft_margin_loss": ["x, q", "x, q, class_weights"],
    "multilabel_margin_loss": ["x, labels", "x[0], labels[0]"],
    "triplet_margin_with_distance_loss": [
        "x, y, z", "x, y, z, margin=2.0, swap=True", "x, y, z, distance_function=lambda a, b: (a - b).abs().amax(-1)",
    ],
    "multi_margin_loss": ["x, classes", "x, classes, 2, 0.5", "x, classes, weight=class_weights", "x[0], classes[0]"],
}  # fmt: skip
DISTANCES = [
    "F.pairwise_distance(x, y)",
    "F.pairwise_distance(x, y[0], p=1, keepdim=True)",
    "F.pairwise_distance(x, y, p=float('inf'))",
    "F.cosine_similarity(x, y)",
    "F.cosine_similarity(x, y, dim=0)",
    "F.cosine_similarity(x, y[1], dim=-1)",
    "F.cosine_similarity(x.reshape(2, 2, 5), y[:2], dim=1)",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=pathlib.Path)
    output = parser.parse_args().output
    names = {"F": F} | {name: torch.tensor(value) for name, value in TENSORS.items()}
    expressions = list(DISTANCES)
    for function, cases in CASES.items():
        reductions = ["none", "mean", "sum"] + ["batchmean"] * (function == "kl_div")
        expressions += [f"F.{function}({case}, reduction={mode!r})" for case in cases for mode in reductions]
    results = {text: eval(text, names).tolist() for text in expressions}
    rows = ",\n".join(f"{json.dumps(text)}: {json.dumps(value)}" for text, value in results.items())
    tensors = json.dumps({name: value.tolist() for name, value in TENSORS.items()})
    output.write_text(f'{{"tensors": {tensors},\n"results": {{\n{rows}\n}}}}\n')


main()
