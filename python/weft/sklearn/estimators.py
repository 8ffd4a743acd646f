"""An estimator is its parameters; ``fit`` leaves what it learnt in attributes that end in an underscore."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

import weft
from weft import Tensor, nn
from weft.nn import functional as F

from ..random import fork_rng

_ROWS = 4096  # of one call of the module in predict(); any number gives the same bits
# The default stream of random numbers is the process's: one fit at a time draws from it.
_STREAM = threading.RLock()


def perceptron(n_features: int, n_outputs: int, hidden: int = 64) -> nn.Module:
    """Two layers with a ReLU between them: the module of an estimator that was given none."""
    return nn.Sequential(nn.Linear(n_features, hidden), nn.ReLU(), nn.Linear(hidden, n_outputs))


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    with _STREAM, fork_rng():
        weft.manual_seed(seed)
        yield


def _progress(epochs: int, name: str, verbose: Any) -> Any:
    if not verbose:
        return range(epochs)
    try:
        from tqdm.auto import trange
    except ImportError:
        raise ImportError(
            f"[{name}] verbose= shows progress by tqdm; install it with: pip install tqdm, or verbose=0"
        ) from None
    return trange(epochs, desc=name, unit="epoch")


class _Estimator(BaseEstimator):
    """What Classifier and Regressor share. A subclass has ``_checked``, ``_targets`` and ``_default_loss``."""

    _default_loss: Callable[..., Tensor]

    def __init__(
        self,
        module: Any = perceptron,
        *,
        epochs: int = 20,
        batch_size: int = 32,
        optimizer: Callable[..., Any] = weft.optim.Adam,
        lr: float = 0.01,
        loss: Callable[..., Tensor] | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.module = module
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.lr = lr
        self.loss = loss
        self.random_state = random_state
        self.verbose = verbose

    def _targets(self, y: Any, reset: bool, classes: Any = None) -> tuple[numpy.ndarray, int]:
        """What the loss compares with, and how many outputs the module has."""
        raise NotImplementedError

    def _checked(self, X: Any, y: Any, reset: bool) -> Any:
        raise NotImplementedError

    # ---- learning

    def _begin(self, outputs: int) -> None:
        self._random = check_random_state(self.random_state)
        with _seeded(self._random.randint(2**31)):
            if isinstance(self.module, nn.Module):
                self.module_ = copy.deepcopy(self.module)
            else:
                self.module_ = self.module(self.n_features_in_, outputs)
        if not isinstance(self.module_, nn.Module):
            raise TypeError(
                f"[{type(self).__name__}] module must be a Module or a function (n_features, n_outputs) that makes one; "
                f"got {type(self.module_).__name__}; return the Module"
            )
        self.optimizer_ = self.optimizer(self.module_.parameters(), lr=self.lr)
        self.loss_curve_: list[float] = []
        self._compile()

    def _compile(self) -> None:
        module, optimizer, loss = self.module_, self.optimizer_, self.loss or type(self)._default_loss

        @weft.compile
        def step(x: Tensor, y: Tensor) -> Tensor:
            value = loss(module(x), y)
            value.backward()
            optimizer.step()
            optimizer.zero_grad()
            return value.detach()

        @weft.compile
        def forward(x: Tensor) -> Tensor:
            with weft.no_grad():
                return module(x)

        self._step, self._forward = step, forward

    def _learn(self, X: numpy.ndarray, y: numpy.ndarray, outputs: int, epochs: int, verbose: Any) -> None:
        name = type(self).__name__
        for parameter, value in (("batch_size", self.batch_size), ("epochs", epochs)):
            if not isinstance(value, (int, numpy.integer)) or value < 1:
                raise ValueError(f"[{name}] {parameter} must be an int of 1 or more; got {value!r}")
        x, target = weft.from_numpy(X), weft.from_numpy(y)
        with _seeded(self._random.randint(2**31)):
            self.module_.eval()
            self._check_outputs(self._forward(x[:1]), outputs)
            self.module_.train()
            progress = _progress(epochs, name, verbose)
            for _ in progress:
                order = weft.randperm(len(x))
                losses = [
                    self._step(x[rows], target[rows]) * len(rows)
                    for rows in (order[i : i + self.batch_size] for i in range(0, len(x), self.batch_size))
                ]
                self.loss_curve_.append(weft.stack(losses).sum().item() / len(x))
                if verbose:
                    progress.set_postfix(loss=f"{self.loss_curve_[-1]:.4g}")
            self.module_.eval()

    def _check_outputs(self, result: Tensor, outputs: int) -> None:
        if result.shape != (1, outputs):
            raise ValueError(
                f"[{type(self).__name__}] the module must give {outputs} numbers for each row, [n, {outputs}]; got shape {list(result.shape)} for one row; "
                f"give its last layer that many outputs"
            )

    def fit(self, X: Any, y: Any) -> Any:
        """Trains a copy of the module, or a new one, on X [n, features] and y. Returns self."""
        X, y = self._checked(X, y, True)
        target, outputs = self._targets(y, True)
        self._begin(outputs)
        self._learn(X, target, outputs, self.epochs, self.verbose)
        return self

    def _partial_fit(self, X: Any, y: Any, classes: Any = None) -> Any:
        first = not hasattr(self, "module_")
        X, y = self._checked(X, y, first)
        target, outputs = self._targets(y, first, classes)
        if first:
            self._begin(outputs)
        self._learn(X, target, outputs, 1, 0)
        return self

    # ---- answers

    def _outputs(self, X: Any) -> Tensor:
        check_is_fitted(self)
        x = weft.from_numpy(validate_data(self, X, dtype=numpy.float32, reset=False))
        return weft.cat([self._forward(x[i : i + _ROWS]) for i in range(0, len(x), _ROWS)])

    # ---- pickles: compiled code is made again

    def __getstate__(self) -> Any:
        return {name: value for name, value in super().__getstate__().items() if name not in ("_step", "_forward")}

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        if "module_" in state:
            self._compile()


class Classifier(ClassifierMixin, _Estimator):
    """A classifier around a module that gives a logit for each class.

    module: a Module, of which fit() trains a copy, or a function (n_features, n_outputs) that makes one. optimizer: a function (parameters, lr=...).
    loss: of the module's outputs [n, classes] and the numbers of the classes [n], cross_entropy if None. random_state draws the function's weights, the order
    of the rows and dropout. verbose: progress by tqdm. X is read as float32.

    After fit(): ``classes_``, ``module_``, ``optimizer_``, ``loss_curve_`` (the mean of each epoch), ``n_features_in_``.
    """

    _default_loss = staticmethod(F.cross_entropy)

    def _targets(self, y: Any, reset: bool, classes: Any = None) -> tuple[numpy.ndarray, int]:
        check_classification_targets(y)
        if y.ndim != 1:
            raise ValueError(
                f"[Classifier] y must have one class for each row; got shape {y.shape}; fit one classifier for each column"
            )
        if reset:
            self.classes_ = numpy.unique(y if classes is None else classes)
        unknown = numpy.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(
                f"[Classifier] y has classes that the first call did not name; got {unknown[:5].tolist()}; pass all as classes= at the first partial_fit()"
            )
        return numpy.searchsorted(self.classes_, y).astype(numpy.int64), len(self.classes_)

    def _checked(self, X: Any, y: Any, reset: bool) -> Any:
        return validate_data(self, X, y, dtype=numpy.float32, reset=reset)

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Any:
        """One epoch more on these rows; classes: all that there will be, at the first call. Returns self."""
        return self._partial_fit(X, y, classes)

    def predict_proba(self, X: Any) -> numpy.ndarray:
        """The probabilities of ``classes_``, float32 [n, classes]: softmax of the module's outputs."""
        return weft.softmax(self._outputs(X), 1).numpy()

    def predict(self, X: Any) -> numpy.ndarray:
        """The likeliest class of each row."""
        number = self._outputs(X).argmax(1).numpy()
        return self.classes_[number]


class Regressor(RegressorMixin, _Estimator):
    """A regressor around a module that gives a number for each target.

    As Classifier; loss: of the module's outputs and the targets, both [n, targets], mse_loss if None. y [n] or [n, targets] is read as float32.
    """

    _default_loss = staticmethod(F.mse_loss)

    def _targets(self, y: Any, reset: bool, classes: Any = None) -> tuple[numpy.ndarray, int]:
        columns = numpy.asarray(y, numpy.float32).reshape(len(y), -1)
        if reset:
            self._is_flat, self.n_outputs_ = y.ndim == 1, columns.shape[1]
        elif columns.shape[1] != self.n_outputs_:
            raise ValueError(
                f"[Regressor] y must have {self.n_outputs_} columns, as at the first call; got shape {y.shape}"
            )
        return numpy.ascontiguousarray(columns), self.n_outputs_

    def _checked(self, X: Any, y: Any, reset: bool) -> Any:
        return validate_data(self, X, y, dtype=numpy.float32, multi_output=True, y_numeric=True, reset=reset)

    def partial_fit(self, X: Any, y: Any) -> Any:
        """One epoch more on these rows. Returns self."""
        return self._partial_fit(X, y)

    def predict(self, X: Any) -> numpy.ndarray:
        """The targets of each row, float64 [n], or [n, targets] where y had columns."""
        result = self._outputs(X).numpy().astype(numpy.float64)
        return result[:, 0] if self._is_flat else result

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
