#!/usr/bin/env python3
"""Gradients of each example, an ensemble trained as one model, and Newton's method: weft.func on scikit-learn's handwritten digits.

tools/dev python examples/functions_of_functions.py
"""

import weft
from sklearn.datasets import load_digits
from weft import nn
from weft.func import functional_call, grad, hessian, stack_module_state, vmap

MODELS, STEPS, RATE = 8, 200, 0.5


def make_model():
    return nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))


def main():
    weft.manual_seed(0)
    digits = load_digits()
    images = weft.tensor(digits.data / 16, dtype=weft.float32)
    labels = weft.tensor(digits.target)
    order = weft.randperm(len(labels))
    train, test = order[:1400], order[1400:]
    model = make_model()

    def loss(params, image, label):
        return nn.functional.cross_entropy(functional_call(model, params, image), label)

    # The gradient of each example, which no sum over the batch has mixed: the hardest digits are those with the largest.
    params = {name: p.detach() for name, p in model.named_parameters()}
    each = weft.compile(vmap(grad(loss), in_dims=(None, 0, 0)))
    gradients = each(params, images[train], labels[train])
    norms = sum([g.flatten(1).square().sum(1) for g in gradients.values()]).sqrt()
    alone = grad(loss)(params, images[train[7]], labels[train[7]])
    assert all((gradients[name][7] == alone[name]).all() for name in alone)  # the bits that it has alone
    print(f"gradient norms of {len(train)} examples: {norms.min().item():.2f} to {norms.max().item():.2f}")

    # An ensemble: the parameters of all models along one axis, and one program that trains them.
    stacked, _ = stack_module_state([make_model() for _ in range(MODELS)])
    stacked = {name: p.detach() for name, p in stacked.items()}

    def mean_loss(params, images, labels):
        return nn.functional.cross_entropy(functional_call(model, params, images), labels)

    @weft.compile
    def step(stacked, images, labels):
        gradients = vmap(grad(mean_loss), in_dims=(0, None, None))(stacked, images, labels)
        return {name: p - RATE * gradients[name] for name, p in stacked.items()}

    for _ in range(STEPS):
        stacked = step(stacked, images[train], labels[train])
    logits = vmap(lambda p: functional_call(model, p, images[test]))(stacked)
    right = (logits.argmax(2) == labels[test]).float().mean(1)
    together = (logits.softmax(2).mean(0).argmax(1) == labels[test]).float().mean()
    print(
        f"{MODELS} models: {right.min().item():.3f} to {right.max().item():.3f} of the test digits, together {together.item():.3f}"
    )
    assert together.item() > 0.94

    # Newton's method needs second derivatives: the minimum of a convex function of two numbers, in six steps.
    def bowl(x):
        return (x[0] + 3 * x[1]).exp() + (x[0] - 3 * x[1]).exp() + (-x[0]).exp()

    x = weft.tensor([0.0, 0.3], dtype=weft.float64)
    for _ in range(6):
        (a, b), (c, d) = hessian(bowl)(x)
        inverse = weft.stack([weft.stack([d, -b]), weft.stack([-c, a])]) / (a * d - b * c)
        x = x - inverse @ grad(bowl)(x)
    print(f"Newton's method: {x.tolist()}")
    assert grad(bowl)(x).abs().max() < 1e-6


if __name__ == "__main__":
    main()
