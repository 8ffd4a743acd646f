"""Numbers between the file, NumPy and tensors. A value that is known when Python runs (a shape, a constant) is a NumPy array."""

import weft

from ._package import onnx

# TensorProto.DataType → dtype
DTYPES = {
    1: weft.float32, 2: weft.uint8, 3: weft.int8, 4: weft.uint16, 5: weft.int16, 6: weft.int32, 7: weft.int64, 9: weft.bool,
    10: weft.float16, 11: weft.float64, 12: weft.uint32, 13: weft.uint64, 14: weft.complex64, 15: weft.complex128, 16: weft.bfloat16,
}  # fmt: skip
ELEMENTS = {dtype: element for element, dtype in DTYPES.items()}
STRING = 8
# What numpy.dtype.char is; a dtype's name is computed by Python code, which a compiled program could not skip.
CHARACTERS = {
    "f": weft.float32, "B": weft.uint8, "b": weft.int8, "h": weft.int16, "i": weft.int32, "l": weft.int64, "q": weft.int64, "?": weft.bool,
    "e": weft.float16, "d": weft.float64, "E": weft.bfloat16, "H": weft.uint16, "I": weft.uint32, "L": weft.uint64, "Q": weft.uint64,
    "F": weft.complex64, "D": weft.complex128,
}  # fmt: skip
MOST_KNOWN = 1024  # elements of a value that is computed when Python runs


def name_of(element):
    """The name of a TensorProto.DataType."""
    try:
        return onnx().TensorProto.DataType.Name(element).lower()
    except ValueError:
        return f"type {element}"


def dtype_of(element, where):
    if element not in DTYPES:
        raise NotImplementedError(
            f"[onnx] {where} is {name_of(element)}, which weft has no dtype for; supported are "
            + ", ".join(d.name for d in DTYPES.values())
        )
    return DTYPES[element]


def to_tensor(array):
    """A tensor of an array's dtype, shape and elements."""
    import numpy

    dtype = CHARACTERS.get(array.dtype.char)
    if dtype is None or (dtype is weft.bfloat16 and array.dtype.kind != "V"):
        raise NotImplementedError(
            f"[onnx] a value of {'strings' if array.dtype.kind in 'OUS' else array.dtype.name} cannot be a tensor; supported are "
            + ", ".join(d.name for d in ELEMENTS)
        )
    if dtype is weft.bfloat16:
        bits = weft.from_numpy(numpy.ascontiguousarray(array).view(numpy.int16).copy()).reshape(array.shape)
        return bits.view(weft.bfloat16).clone()
    if array.size == 1:
        return weft.full(array.shape, array.item(), dtype=dtype)
    if array.size <= MOST_KNOWN:
        return weft.tensor(array.reshape(-1).tolist(), dtype=dtype).reshape(array.shape)
    # A copy that NumPy cannot write to: what a program makes of weights, it keeps.
    return weft.from_numpy(numpy.array(array, order="C")).clone()


def to_array(value):
    """The numbers of a tensor as an array, which ends a compiled segment; an array stays."""
    import numpy

    if not isinstance(value, weft.Tensor):
        return value
    if value.dtype is weft.bfloat16:
        import ml_dtypes

        return numpy.array(value.detach().float().numpy()).astype(ml_dtypes.bfloat16)
    numbers = numpy.array(value.detach().tolist(), dtype=numpy.dtype(value.dtype.name))
    return numbers.reshape(tuple(value.shape))


def numbers(array):
    """The elements of a known value as a list of Python numbers."""
    return array.reshape(-1).tolist()
