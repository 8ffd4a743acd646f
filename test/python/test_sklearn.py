"""scikit-learn's estimators around modules: scikit-learn's own checks, and what they do not look at."""

import functools
import pickle
import subprocess
import sys
import warnings

import numpy
import pytest
import weft
from weft import nn

sklearn = pytest.importorskip("sklearn")
from sklearn.base import clone  # noqa: E402
from sklearn.datasets import load_digits, make_regression  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import check_estimator  # noqa: E402
from weft.sklearn import Classifier, Regressor, perceptron  # noqa: E402

X, Y = (part[:400] for part in load_digits(return_X_y=True))
X = X / 16


@pytest.mark.parametrize("make", [Classifier, Regressor])
def test_scikit_learns_checks(make):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of skipped checks: pandas
        results = check_estimator(make(), on_fail=None)
    assert len(results) > 50
    bad = [(r["check_name"], r["exception"]) for r in results if r["status"] not in ("passed", "skipped")]
    assert not bad


def convolutional(n_features, n_outputs):
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 8, 3),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.Flatten(),
        nn.Linear(288, n_outputs),
    )


@pytest.mark.parametrize("module", [perceptron, convolutional, convolutional(64, 10)])
def test_learns_digits(module):
    model = Classifier(module, epochs=8, random_state=0).fit(X[:300], Y[:300])
    assert model.score(X[300:], Y[300:]) > 0.85
    assert model.loss_curve_[-1] < model.loss_curve_[0] / 3 and len(model.loss_curve_) == 8
    chances = model.predict_proba(X[300:])
    numpy.testing.assert_allclose(chances.sum(1), 1, rtol=1e-5)
    assert (model.classes_[chances.argmax(1)] == model.predict(X[300:])).all()
    assert (model.predict_proba(X[300:301]) == chances[:1]).all()  # any batch


def test_random_state_decides_all():
    weft.manual_seed(5)
    before = weft.get_rng_state()
    one, other, third = (
        Classifier(convolutional, epochs=2, random_state=s).fit(X, Y).predict_proba(X) for s in (1, 1, 2)
    )
    assert (one == other).all() and (one != third).any()
    assert (weft.get_rng_state() == before).all()


def test_a_given_module_stays_as_it_is():
    module = perceptron(64, 10)
    weights = module[0].weight.detach().clone()
    model = clone(Classifier(module, epochs=1)).fit(X, Y)
    assert (module[0].weight == weights).all() and (model.module_[0].weight != weights).any()


def test_partial_fit_goes_on_through_pickles():
    classes = numpy.unique(Y)
    straight = Classifier(random_state=3).partial_fit(X[:200], Y[:200], classes).partial_fit(X[200:], Y[200:])
    broken = pickle.loads(pickle.dumps(Classifier(random_state=3).partial_fit(X[:200], Y[:200], classes)))
    broken.partial_fit(X[200:], Y[200:])
    assert (straight.predict_proba(X) == broken.predict_proba(X)).all()
    assert straight.loss_curve_ == broken.loss_curve_ and len(broken.loss_curve_) == 2
    names = Classifier(epochs=2, random_state=0).fit(X, numpy.array(list("abcdefghij"))[Y])
    assert set(pickle.loads(pickle.dumps(names)).predict(X)) <= set("abcdefghij")


def test_regression_of_several_targets():
    x, y = make_regression(200, 6, n_targets=2, random_state=0)
    model = make_pipeline(StandardScaler(), Regressor(epochs=60, random_state=0, loss=nn.functional.smooth_l1_loss))
    y = (y - y.mean(0)) / y.std(0)
    assert model.fit(x, y).score(x, y) > 0.95 and model.predict(x).shape == (200, 2)
    assert Regressor(epochs=1).fit(x, y[:, 0]).predict(x).shape == (200,)


def test_searches_and_pipelines():
    pipeline = make_pipeline(StandardScaler(), Classifier(epochs=8, random_state=0))
    grid = {"classifier__lr": [0.0001, 0.01], "classifier__module": [functools.partial(perceptron, hidden=32)]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2).fit(X, Y)
    assert search.best_params_["classifier__lr"] == 0.01 and search.best_score_ > 0.8
    assert len(cross_val_score(pipeline, X, Y, cv=2)) == 2
    optimizer = functools.partial(weft.optim.SGD, momentum=0.9)
    assert Classifier(optimizer=optimizer, lr=0.05, random_state=0).fit(X, Y).score(X, Y) > 0.9


def test_progress(capsys):
    Classifier(epochs=2, verbose=1).fit(X, Y)
    assert "Classifier: 100%" in (shown := capsys.readouterr().err) and "loss=" in shown


def test_is_loaded_when_asked_for():
    code = "import sys, weft; assert 'sklearn' not in sys.modules; weft.sklearn.Classifier; assert 'sklearn' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: Classifier(nn.Linear(64, 3)).fit(X, Y), ValueError, r"\[Classifier\] the module must give 10 numbers for each row.*got shape \[1, 3\]"),
        (lambda: Classifier(lambda n, k: 5).fit(X, Y), TypeError, r"module must be a Module or a function .*got int"),
        (lambda: Classifier(epochs=0).fit(X, Y), ValueError, r"epochs must be an int of 1 or more; got 0"),
        (lambda: Classifier(batch_size=2.5).fit(X, Y), ValueError, r"batch_size must be an int .*got 2.5"),
        (lambda: Classifier().partial_fit(X, Y, [0, 1]), ValueError, r"y has classes that the first call did not name; got \[2, 3, 4"),
        (lambda: Regressor(epochs=1).fit(X, X[:, :2]).partial_fit(X, Y), ValueError, r"y must have 2 columns"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
