"""Writes PyTorch's results of convolutions, pooling, norms and resizing, which weft's are compared with (test/python/test_vision.py).

    python tools/torch_vision.py test/data/torch_vision.json     # where PyTorch is installed

A JSON list of cases: the expression over F and the inputs x, w, b ..., their shapes, the result, and for float results the gradient
of the sum of result · cos(0, 1, 2, ...) for each input but m and v: running
statistics, random numbers. Inputs are numpy.random.RandomState(case number).uniform(-1, 1), in float64.
"""

import argparse
import json
import pathlib

import numpy
import torch

CASES = [
    ("F.conv1d(x, w, b, 2, 1)", dict(x=(2, 3, 7), w=(4, 3, 3), b=(4,))),
    ("F.conv1d(x, w, padding='same')", dict(x=(1, 2, 6), w=(3, 2, 4))),
    ("F.conv2d(x, w, b)", dict(x=(2, 3, 5, 4), w=(4, 3, 3, 2), b=(4,))),
    ("F.conv2d(x, w, None, (2, 1), (1, 2), (1, 2), 2)", dict(x=(1, 4, 6, 5), w=(4, 2, 3, 2))),
    ("F.conv2d(x, w, b, padding='same', dilation=(2, 1))", dict(x=(3, 5, 5), w=(2, 3, 2, 3), b=(2,))),
    ("F.conv2d(x, w, b, stride=2, padding=1, groups=4)", dict(x=(1, 4, 5, 5), w=(8, 1, 3, 3), b=(8,))),
    ("F.conv3d(x, w, b, 1, 1)", dict(x=(1, 2, 3, 3, 4), w=(2, 2, 2, 3, 1), b=(2,))),
    ("F.conv_transpose1d(x, w, b, 3, 1, 2)", dict(x=(2, 3, 4), w=(3, 2, 4), b=(2,))),
    ("F.conv_transpose2d(x, w, b, 2, 1, 1)", dict(x=(1, 3, 3, 4), w=(3, 2, 3, 3), b=(2,))),
    ("F.conv_transpose2d(x, w, None, (2, 1), (0, 1), (1, 0), 2, (1, 2))", dict(x=(1, 4, 3, 4), w=(4, 2, 2, 3))),
    ("F.conv_transpose2d(x, w, None, 2, 1, 2, 1, 3)", dict(x=(1, 2, 3, 2), w=(2, 2, 2, 3))),
    ("F.conv_transpose3d(x, w, b, 2, 0, 1)", dict(x=(1, 2, 2, 2, 3), w=(2, 1, 2, 1, 2), b=(1,))),
    ("F.max_pool1d(x, 3, 2, 1)", dict(x=(2, 2, 9))),
    ("F.max_pool2d(x, 2)", dict(x=(1, 2, 5, 6))),
    ("F.max_pool2d(x, 3, 2, 1, 1, True)", dict(x=(1, 2, 6, 5))),
    ("F.max_pool2d(x, (2, 3), (1, 2), (1, 0), (2, 1), True)", dict(x=(2, 6, 6))),
    ("F.max_pool2d(x, 2, 3, 1, ceil_mode=True)", dict(x=(1, 1, 6, 7))),
    ("F.max_pool3d(x, 2, 2, ceil_mode=True)", dict(x=(1, 1, 3, 4, 5))),
    ("F.max_pool2d(x, 3, 2, 1, 1, True, True)[1]", dict(x=(1, 2, 6, 5))),
    ("F.max_pool1d(x, 2, return_indices=True)[1]", dict(x=(2, 7))),
    ("F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2)", dict(x=(1, 2, 4, 6))),
    ("F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2, output_size=(5, 5))", dict(x=(1, 1, 5, 5))),
    ("F.avg_pool1d(x, 3, 2, 1)", dict(x=(2, 2, 9))),
    ("F.avg_pool2d(x, 3, 2, 1, True)", dict(x=(1, 2, 6, 5))),
    ("F.avg_pool2d(x, 3, 2, 1, True, False)", dict(x=(1, 2, 6, 5))),
    ("F.avg_pool2d(x, (2, 3), divisor_override=5)", dict(x=(2, 5, 6))),
    ("F.avg_pool2d(x, 2, 3, 1, ceil_mode=True)", dict(x=(1, 1, 6, 7))),
    ("F.avg_pool3d(x, 2, 1, 1, count_include_pad=False)", dict(x=(1, 1, 3, 2, 3))),
    ("F.lp_pool2d(x * x, 2, 2)", dict(x=(1, 2, 4, 5))),
    ("F.lp_pool1d(x * x, 3, 2, 1)", dict(x=(1, 2, 5))),
    ("F.adaptive_avg_pool1d(x, 3)", dict(x=(2, 2, 7))),
    ("F.adaptive_avg_pool2d(x, (3, None))", dict(x=(1, 2, 7, 5))),
    ("F.adaptive_avg_pool2d(x, 1)", dict(x=(2, 3, 4, 5))),
    ("F.adaptive_avg_pool3d(x, (2, 1, 2))", dict(x=(1, 1, 3, 2, 4))),
    ("F.adaptive_max_pool2d(x, (3, 2))", dict(x=(1, 2, 7, 5))),
    ("F.adaptive_max_pool2d(x, (3, 2), True)[1]", dict(x=(1, 2, 7, 5))),
    ("F.batch_norm(x, m, v * v, w, b)", dict(x=(3, 4, 2, 2), m=(4,), v=(4,), w=(4,), b=(4,))),
    ("F.batch_norm(x, None, None, w, b, True, 0.1, 1e-3)", dict(x=(3, 4, 2, 2), w=(4,), b=(4,))),
    ("F.batch_norm(x, None, None, None, b, True)", dict(x=(5, 3), b=(3,))),
    ("F.instance_norm(x, weight=w, bias=b)", dict(x=(2, 3, 4, 2), w=(3,), b=(3,))),
    ("F.group_norm(x, 2, w, b)", dict(x=(2, 4, 3, 2), w=(4,), b=(4,))),
    ("F.local_response_norm(x, 3, 0.5, 0.75, 2.0)", dict(x=(1, 5, 2, 3))),
    ("F.pixel_shuffle(x, 2)", dict(x=(1, 8, 2, 3))),
    ("F.pixel_unshuffle(x, 2)", dict(x=(1, 2, 4, 6))),
    ("F.unfold(x, (2, 3), 1, (1, 0), (2, 1))", dict(x=(1, 2, 4, 5))),
    ("F.fold(x, (4, 5), (2, 3), 1, (1, 0), (2, 1))", dict(x=(1, 12, 9))),
    ("F.interpolate(x, scale_factor=2)", dict(x=(1, 2, 2, 3))),
    ("F.interpolate(x, (5, 3))", dict(x=(1, 1, 3, 5))),
    ("F.interpolate(x, scale_factor=(1.7, 0.6))", dict(x=(1, 1, 4, 5))),
    ("F.interpolate(x, 7, mode='nearest-exact')", dict(x=(1, 2, 5))),
    ("F.interpolate(x, 5, mode='linear')", dict(x=(1, 2, 3))),
    ("F.interpolate(x, scale_factor=2, mode='bilinear')", dict(x=(1, 2, 3, 2))),
    ("F.interpolate(x, scale_factor=2, mode='bilinear', align_corners=True)", dict(x=(1, 2, 3, 2))),
    ("F.interpolate(x, scale_factor=(1.7, 0.6), mode='bilinear')", dict(x=(1, 1, 4, 5))),
    ("F.interpolate(x, scale_factor=1.7, mode='bilinear', recompute_scale_factor=True)", dict(x=(1, 1, 4, 5))),
    ("F.interpolate(x, (2, 3), mode='bilinear', antialias=True)", dict(x=(1, 1, 6, 5))),
    ("F.interpolate(x, (7, 5), mode='bicubic')", dict(x=(1, 1, 4, 3))),
    ("F.interpolate(x, (3, 7), mode='bicubic', align_corners=True)", dict(x=(1, 1, 4, 4))),
    ("F.interpolate(x, (3, 4), mode='bicubic', antialias=True)", dict(x=(1, 1, 8, 7))),
    ("F.interpolate(x, (3, 4, 2), mode='trilinear')", dict(x=(1, 1, 2, 3, 3))),
    ("F.interpolate(x, (3, 2), mode='area')", dict(x=(1, 1, 5, 4))),
    ("F.pad(x, (1, 2, 0, 1), 'reflect')", dict(x=(1, 2, 3, 4))),
    ("F.pad(x, (2, 1, 1, 1), 'replicate')", dict(x=(1, 2, 3, 4))),
    ("F.pad(x, (2, 1, 1, 2), 'circular')", dict(x=(1, 2, 3, 4))),
    ("F.grid_sample(x, 1.7 * g, 'bilinear', 'zeros', False)", dict(x=(2, 2, 4, 3), g=(2, 3, 5, 2))),
    ("F.grid_sample(x, 1.7 * g, 'bilinear', 'zeros', True)", dict(x=(2, 2, 4, 3), g=(2, 3, 5, 2))),
    ("F.grid_sample(x, 1.7 * g, 'bilinear', 'border', False)", dict(x=(2, 2, 4, 3), g=(2, 3, 5, 2))),
    ("F.grid_sample(x, 1.7 * g, 'bilinear', 'border', True)", dict(x=(2, 2, 4, 3), g=(2, 3, 5, 2))),
    ("F.grid_sample(x, 1.7 * g, 'bilinear', 'reflection', False)", dict(x=(2, 2, 4, 3), g=(2, 3, 5, 2))),
    ("F.grid_sample(x, 1.7 * g, 'bilinear', 'reflection', True)", dict(x=(2, 2, 4, 3), g=(2, 3, 5, 2))),
    ("F.grid_sample(x, 1.7 * g, 'nearest', 'zeros', False)", dict(x=(2, 2, 4, 3), g=(2, 3, 5, 2))),
    ("F.grid_sample(x, 1.7 * g, 'nearest', 'zeros', True)", dict(x=(2, 2, 4, 3), g=(2, 3, 5, 2))),
    ("F.grid_sample(x, 1.7 * g, 'nearest', 'border', False)", dict(x=(2, 2, 4, 3), g=(2, 3, 5, 2))),
    ("F.grid_sample(x, 1.7 * g, 'nearest', 'border', True)", dict(x=(2, 2, 4, 3), g=(2, 3, 5, 2))),
    ("F.grid_sample(x, 1.7 * g, 'nearest', 'reflection', False)", dict(x=(2, 2, 4, 3), g=(2, 3, 5, 2))),
    ("F.grid_sample(x, 1.7 * g, 'nearest', 'reflection', True)", dict(x=(2, 2, 4, 3), g=(2, 3, 5, 2))),
    ("F.grid_sample(x, 1.7 * g, 'bicubic', 'zeros', False)", dict(x=(2, 2, 4, 3), g=(2, 3, 5, 2))),
    ("F.grid_sample(x, 1.7 * g, 'bicubic', 'zeros', True)", dict(x=(2, 2, 4, 3), g=(2, 3, 5, 2))),
    ("F.grid_sample(x, 1.7 * g, 'bicubic', 'border', False)", dict(x=(2, 2, 4, 3), g=(2, 3, 5, 2))),
    ("F.grid_sample(x, 1.7 * g, 'bicubic', 'border', True)", dict(x=(2, 2, 4, 3), g=(2, 3, 5, 2))),
    ("F.grid_sample(x, 1.7 * g, 'bicubic', 'reflection', False)", dict(x=(2, 2, 4, 3), g=(2, 3, 5, 2))),
    ("F.grid_sample(x, 1.7 * g, 'bicubic', 'reflection', True)", dict(x=(2, 2, 4, 3), g=(2, 3, 5, 2))),
    ("F.grid_sample(x, 1.7 * g, 'bilinear', 'zeros', False)", dict(x=(1, 2, 3, 4, 2), g=(1, 2, 3, 2, 3))),
    ("F.grid_sample(x, 1.7 * g, 'bilinear', 'border', True)", dict(x=(1, 2, 3, 4, 2), g=(1, 2, 3, 2, 3))),
    ("F.grid_sample(x, 1.7 * g, 'bilinear', 'reflection', False)", dict(x=(1, 2, 3, 4, 2), g=(1, 2, 3, 2, 3))),
    ("F.grid_sample(x, 1.7 * g, 'bilinear', 'reflection', True)", dict(x=(1, 2, 3, 4, 2), g=(1, 2, 3, 2, 3))),
    ("F.grid_sample(x, 1.7 * g, 'nearest', 'zeros', False)", dict(x=(1, 2, 3, 4, 2), g=(1, 2, 3, 2, 3))),
    ("F.grid_sample(x, 1.7 * g, 'nearest', 'border', True)", dict(x=(1, 2, 3, 4, 2), g=(1, 2, 3, 2, 3))),
    ("F.grid_sample(x, 1.7 * g, 'nearest', 'reflection', False)", dict(x=(1, 2, 3, 4, 2), g=(1, 2, 3, 2, 3))),
    ("F.grid_sample(x, 1.7 * g, 'nearest', 'reflection', True)", dict(x=(1, 2, 3, 4, 2), g=(1, 2, 3, 2, 3))),
    ("F.grid_sample(x, g, 'bilinear', 'reflection', True)", dict(x=(1, 1, 1, 4), g=(1, 2, 2, 2))),
    ("F.affine_grid(t, (2, 1, 3, 4), False)", dict(t=(2, 2, 3))),
    ("F.affine_grid(t, (1, 2, 2, 1, 3), False)", dict(t=(1, 3, 4))),
    ("F.affine_grid(t, (2, 1, 3, 4), True)", dict(t=(2, 2, 3))),
    ("F.affine_grid(t, (1, 2, 2, 1, 3), True)", dict(t=(1, 3, 4))),
    ("F.fractional_max_pool2d(x, 2, (4, 5), _random_samples=m * m)", dict(x=(2, 2, 7, 9), m=(2, 2, 2))),
    (
        "F.fractional_max_pool2d(x, (3, 2), output_ratio=(0.5, 0.7), _random_samples=m * m)",
        dict(x=(1, 3, 9, 8), m=(1, 3, 2)),
    ),
    ("F.fractional_max_pool2d(x, 2, 1, _random_samples=m * m)", dict(x=(3, 4, 5), m=(1, 3, 2))),
    ("F.fractional_max_pool2d(x, 3, 4, None, True, m * m)[1]", dict(x=(1, 3, 9, 10), m=(1, 3, 2))),
    ("F.fractional_max_pool3d(x, 2, (3, 2, 4), _random_samples=m * m)", dict(x=(1, 2, 5, 4, 7), m=(1, 2, 3))),
    ("F.fractional_max_pool3d(x, (1, 2, 3), (3, 2, 4), None, True, m * m)[1]", dict(x=(1, 2, 5, 4, 7), m=(1, 2, 3))),
    ("F.rms_norm(x, (4,))", dict(x=(2, 3, 4))),
    ("F.rms_norm(x, (3, 4), w, 1e-3)", dict(x=(2, 3, 4), w=(3, 4))),
    ("F.rms_norm(x, (4,), w)", dict(x=(5, 4), w=(4,))),
]


def rounded(tensor):
    values = tensor.detach().reshape(-1).tolist()
    return [v if isinstance(v, int) else float(f"{v:.9g}") for v in values]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=pathlib.Path)
    output, table = parser.parse_args().output, []
    for number, (text, shapes) in enumerate(CASES):
        random = numpy.random.RandomState(number)
        inputs = {n: torch.tensor(random.uniform(-1, 1, s), requires_grad=n not in "mv") for n, s in shapes.items()}
        result = eval(text, {"F": torch.nn.functional, **inputs})
        case = {"call": text, "shapes": shapes, "shape": list(result.shape), "result": rounded(result)}
        if result.is_floating_point():
            factors = torch.cos(torch.arange(result.numel(), dtype=torch.float64)).reshape(result.shape)
            gradients = torch.autograd.grad((result * factors).sum(), [t for t in inputs.values() if t.requires_grad])
            case["gradients"] = {n: rounded(g) for n, g in zip((n for n in inputs if n not in "mv"), gradients)}
        table.append(case)
    output.write_text("[\n" + ",\n".join(json.dumps(case) for case in table) + "\n]\n")


main()
