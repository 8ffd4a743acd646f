"""What a program is given and gives."""


def check(name, x, shape, dtype):
    """An argument or a result must be what the text says."""
    if tuple(x.shape) != shape or x.dtype != dtype:
        raise TypeError(
            f"[import_stablehlo] {name} must be {str(dtype).removeprefix('weft.')}{list(shape)}; got "
            f"{str(x.dtype).removeprefix('weft.')}{list(x.shape)}"
        )
