"""scikit-learn's estimators around weft's modules: ``Classifier`` and ``Regressor``."""

try:
    from .estimators import Classifier, Regressor, perceptron
except ImportError as error:
    raise ImportError(
        f"[weft.sklearn] needs scikit-learn 1.6 or newer ({error}); install it with: pip install -U scikit-learn"
    ) from error

__all__ = ["Classifier", "Regressor", "perceptron"]
