"""The ``onnx`` package, which parses files; imported when a model is read or written."""

import functools


@functools.cache
def onnx():
    try:
        import onnx
    except ImportError as error:
        raise ImportError("[onnx] needs the onnx package, which parses the files; pip install onnx") from error
    return onnx
