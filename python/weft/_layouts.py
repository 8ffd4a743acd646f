"""How elements lie in memory: PyTorch's names of layouts and memory formats."""


class layout:
    """How a tensor keeps its elements: ``weft.strided``, or sparsely (``weft.sparse``)."""

    def __init__(self, name):
        self._name = name

    def __repr__(self):
        return f"weft.{self._name}"

    def __reduce__(self):
        return self._name


class memory_format(layout):
    """The order of dimensions in memory that ``contiguous``, ``to``, ``clone`` and ``empty`` give and ``is_contiguous`` asks for."""

    def __init__(self, name, number):
        super().__init__(name)
        self._number = number  # MemoryFormat of frontend/dispatch/Ops.h


strided = layout("strided")
sparse_coo = layout("sparse_coo")
sparse_csr = layout("sparse_csr")
sparse_csc = layout("sparse_csc")
preserve_format = memory_format("preserve_format", 0)
contiguous_format = legacy_contiguous_format = memory_format("contiguous_format", 1)
channels_last = memory_format("channels_last", 2)
channels_last_3d = memory_format("channels_last_3d", 3)


def check_dense(op, *tensors):
    for x in tensors:
        if x.layout is not strided:
            raise NotImplementedError(
                f"[{op}] takes dense tensors; got one of layout {x.layout} and shape {list(x.shape)}; pass its values(), or to_dense()"
            )
