"""Anomaly detection: a derivative that gives nan is an error that names the line of the forward pass."""

import warnings

from .. import _C

__all__ = [
    "detect_anomaly",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "set_anomaly_enabled",
    "set_detect_anomaly",
]


def _set(mode, check_nan):
    for value in (mode, check_nan):
        if not isinstance(value, bool):
            raise TypeError(f"[set_detect_anomaly] mode and check_nan must be bools; got {type(value).__name__}")
    _C.set_anomaly_mode(mode, check_nan)


class set_detect_anomaly:
    """Switches anomaly detection on or off, at once and for all threads; as a context, until its end.

    While it is on, the tape keeps the user's line of each operation, and backward() looks at each derivative: nan is a RuntimeError with
    the name and the line, unless ``check_nan`` is False. Operations take longer.
    """

    def __init__(self, mode: bool, check_nan: bool = True):
        self._before = _C.anomaly_mode()
        _set(mode, check_nan)

    def __enter__(self):
        pass

    def __exit__(self, *exception):
        _C.set_anomaly_mode(*self._before)


class detect_anomaly:
    """Anomaly detection for a scope (``set_detect_anomaly``)."""

    def __init__(self, check_nan: bool = True):
        self._check_nan = check_nan
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for debugging.",
            stacklevel=2,
        )

    def __enter__(self):
        self._before = _C.anomaly_mode()
        _set(True, self._check_nan)

    def __exit__(self, *exception):
        _C.set_anomaly_mode(*self._before)


def is_anomaly_enabled() -> bool:
    """Whether anomaly detection is on."""
    _C.not_replayable("it asks for a setting")
    return bool(_C.anomaly_mode()[0])


def is_anomaly_check_nan_enabled() -> bool:
    """Whether it looks for nan."""
    _C.not_replayable("it asks for a setting")
    return bool(_C.anomaly_mode()[1])


def set_anomaly_enabled(mode: bool, check_nan: bool = True) -> None:
    """Switches anomaly detection on or off, at once and for all threads."""
    _set(mode, check_nan)
