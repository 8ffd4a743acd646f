"""Softmax over many classes, of which few are frequent (Grave et al., "Efficient softmax approximation for GPUs", 2017)."""

from collections import namedtuple

from ... import _ops
from ..._functions import cat
from .. import functional as F
from .._arguments import listed, number, size, tensor
from .container import ModuleList, Sequential
from .linear import Linear
from .module import Module

_ASMoutput = namedtuple("_ASMoutput", ["output", "loss"])


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-probabilities of targets: the head has the classes below ``cutoffs[0]`` and an entry a cluster, whose classes lie between two
    cutoffs and have features that are ``div_value`` times fewer from one to the next. Clusters of which no target is are not computed;
    which these are is read, so that in a compiled function the layer runs as Python.
    """

    def __init__(self, in_features, n_classes, cutoffs, div_value=4.0, head_bias=False, device=None, dtype=None):
        super().__init__()
        op = "AdaptiveLogSoftmaxWithLoss"
        cutoffs = listed(op, "cutoffs", cutoffs, int)
        in_features, n_classes = size(op, "in_features", in_features), size(op, "n_classes", n_classes)
        div_value = number(op, "div_value", div_value)
        if not div_value > 0:
            raise ValueError(f"[{op}] div_value must be positive; got {div_value}")
        if (
            not cutoffs
            or cutoffs != sorted({int(c) for c in cutoffs})
            or cutoffs[0] <= 0
            or cutoffs[-1] > n_classes - 1
        ):
            raise ValueError(
                f"[AdaptiveLogSoftmaxWithLoss] cutoffs must be growing ints of [1, {n_classes - 1}], at least one; got {cutoffs}"
            )
        options = {"device": device, "dtype": dtype}
        self.in_features, self.n_classes, self.cutoffs = in_features, n_classes, [*cutoffs, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size, self.n_clusters = cutoffs[0], len(cutoffs)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, bias=head_bias, **options)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            hidden = int(in_features // div_value ** (i + 1))
            classes = self.cutoffs[i + 1] - self.cutoffs[i]
            self.tail.append(
                Sequential(
                    Linear(in_features, hidden, bias=False, **options), Linear(hidden, classes, bias=False, **options)
                )
            )

    def reset_parameters(self):
        for layer in [self.head, *(layer for pair in self.tail for layer in pair)]:
            layer.reset_parameters()

    def forward(self, input_, target_):
        """(output, loss): the targets' log-probabilities (N) and minus their mean, of input (N, in_features) and target (N); or of one
        example, without N."""
        tensor("AdaptiveLogSoftmaxWithLoss", input_), tensor("AdaptiveLogSoftmaxWithLoss", target_, "target")
        if target_.ndim > 1 or input_.ndim != target_.ndim + 1:
            raise RuntimeError(
                "[AdaptiveLogSoftmaxWithLoss] expected input (N, in_features) and target (N), or (in_features) and (); got shapes "
                f"{list(input_.shape)} and {list(target_.shape)}"
            )
        if target_.ndim and input_.shape[0] != target_.shape[0]:
            raise RuntimeError(
                f"[AdaptiveLogSoftmaxWithLoss] input and target must have one N; got {input_.shape[0]} and {target_.shape[0]}"
            )
        input, target = (input_, target_) if target_.ndim else (input_.unsqueeze(0), target_.unsqueeze(0))
        if not ((target >= 0).all() and (target < self.n_classes).all()):
            raise RuntimeError(
                f"[AdaptiveLogSoftmaxWithLoss] targets must be in [0, {self.n_classes - 1}]; got {target.min().item()} to "
                f"{target.max().item()}"
            )
        place, output = target, input.new_zeros(target.shape[0])
        for i, tail in enumerate(self.tail):
            low, high = self.cutoffs[i], self.cutoffs[i + 1]
            inside = _ops.logical_and(target >= low, target < high)
            rows = inside.nonzero().squeeze(1)
            if not rows.numel():
                continue
            place = _ops.where(inside, self.shortlist_size + i, place)
            of_class = F.log_softmax(tail(input.index_select(0, rows)), 1)
            found = of_class.gather(1, (target.index_select(0, rows) - low).unsqueeze(1)).squeeze(1)
            output = output.index_put((rows,), found)
        output = output + F.log_softmax(self.head(input), 1).gather(1, place.unsqueeze(1)).squeeze(1)
        loss = (-output).mean()
        return _ASMoutput(output if target_.ndim else output.squeeze(0), loss)

    def _all(self, input, head):
        head = F.log_softmax(head, 1)
        first = self.shortlist_size
        parts = [head[:, :first]]
        for i, tail in enumerate(self.tail):
            parts.append(F.log_softmax(tail(input), 1) + head[:, first + i : first + i + 1])
        return cat(parts, 1)

    def log_prob(self, input):
        """The log-probabilities (N, n_classes) of all classes."""
        return self._all(input, self.head(input))

    def predict(self, input):
        """The most probable class of each example (N). Clusters are computed for examples whose head names one."""
        head = self.head(input)
        best = head.argmax(1)
        rows = (best >= self.shortlist_size).nonzero().squeeze(1)
        if not rows.numel():
            return best
        of_clusters = self._all(input.index_select(0, rows), head.index_select(0, rows)).argmax(1)
        return best.index_put((rows,), of_clusters)
