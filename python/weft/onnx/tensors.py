"""TensorProtos as arrays: sizes are checked before memory is taken, files beside the model are read from its folder alone."""

import math
import os

from ._package import onnx
from .values import DTYPES, STRING, dtype_of, name_of

MOST_SPARSE = 1 << 26  # elements of a dense tensor that a sparse one stands for


def array_of(tensor, folder):
    """The array of a TensorProto or SparseTensorProto. ``folder``: where files with its data may lie, None for nowhere."""
    if tensor.DESCRIPTOR.name == "SparseTensorProto":
        return _dense(tensor, folder)
    what = f"the tensor {tensor.name!r}"
    if tensor.data_type != STRING:
        dtype_of(tensor.data_type, what)
    count = check_size(what, tensor.dims)
    if tensor.HasField("segment"):
        raise NotImplementedError(f"[onnx] {what} comes in segments, which is not supported")
    if tensor.data_location == onnx().TensorProto.EXTERNAL:
        return _external(tensor, what, count, folder)
    try:
        array = onnx().numpy_helper.to_array(tensor)
    except Exception as error:
        raise RuntimeError(f"[onnx] {what} of shape {list(tensor.dims)} does not have its data: {error}") from None
    if array.size != count:
        raise RuntimeError(f"[onnx] {what} of shape {list(tensor.dims)} has {array.size} elements; the file is damaged")
    return array


def check_size(what, dims):
    if any(d < 0 for d in dims):
        raise RuntimeError(f"[onnx] {what} has a negative size; got {list(dims)}")
    return math.prod(dims)


def _dense(sparse, folder):
    import numpy

    what = f"the sparse tensor {sparse.values.name!r}"
    count = check_size(what, sparse.dims)
    if count > MOST_SPARSE:
        raise NotImplementedError(f"[onnx] {what} of shape {list(sparse.dims)} is too large to be made dense")
    values, indices = array_of(sparse.values, folder), array_of(sparse.indices, folder)
    if indices.dtype != numpy.int64 or values.ndim != 1:
        raise RuntimeError(f"[onnx] {what} needs a vector of values and int64 indices")
    dense = numpy.zeros(tuple(sparse.dims), values.dtype)
    try:
        if indices.ndim == 1:
            dense.reshape(-1)[indices] = values
        else:
            dense[tuple(indices.T)] = values
    except (IndexError, ValueError) as error:
        raise RuntimeError(f"[onnx] {what} of shape {list(sparse.dims)} has indices that do not fit: {error}") from None
    return dense


def _external(tensor, what, count, folder):
    import numpy

    entries = {e.key: e.value for e in tensor.external_data}
    location = entries.get("location", "")
    path = _inside(location, what, folder)
    try:
        offset, length = int(entries.get("offset") or 0), int(entries["length"]) if entries.get("length") else None
    except ValueError:
        raise RuntimeError(f"[onnx] {what} has no valid offset and length in {location!r}") from None
    dtype = numpy.dtype(DTYPES[tensor.data_type].name) if tensor.data_type in DTYPES else None
    if dtype is None:
        raise NotImplementedError(f"[onnx] {what} of {name_of(tensor.data_type)} cannot lie in a file of its own")
    size = count * dtype.itemsize
    length = size if length is None else length
    if offset < 0 or length != size or offset + length > os.path.getsize(path):
        raise RuntimeError(
            f"[onnx] {what} of {dtype.name}{list(tensor.dims)} needs {size} bytes at {offset} of {location!r}, which has "
            f"{os.path.getsize(path)} and gives it {length}"
        )
    return numpy.fromfile(path, dtype, count, offset=offset).reshape(tuple(tensor.dims))


def _inside(location, what, folder):
    """The path of a file in the model's folder; links lead nowhere else."""
    if folder is None:
        raise RuntimeError(f"[onnx] {what} lies in the file {location!r}; load the model by its path, not by its bytes")
    root = os.path.realpath(folder)
    path = os.path.realpath(os.path.join(root, location))
    if not location or os.path.isabs(location) or "\0" in location or os.path.commonpath([root, path]) != root:
        raise RuntimeError(
            f"[onnx] {what} lies in {location!r}, outside of the model's folder; files are read from there alone"
        )
    if not os.path.isfile(path):
        raise RuntimeError(f"[onnx] {what} lies in {location!r}, which is no file in {folder}; put it beside the model")
    return path
