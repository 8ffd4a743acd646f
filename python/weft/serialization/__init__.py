"""save and load: PyTorch's files, by readers of our own that run nothing, and those of safetensors."""

from __future__ import annotations

import io
import os

from .. import _C
from .allowed import add_safe_globals, clear_safe_globals, get_safe_globals, safe_globals

__all__ = ["add_safe_globals", "clear_safe_globals", "get_safe_globals", "load", "safe_globals", "save"]


def _check_path(op, path, method):
    if not isinstance(path, (str, bytes, os.PathLike)) and not hasattr(path, method):
        raise TypeError(
            f"[{op}] path must name a file, or be an object with {method}(); got {type(path).__name__}; pass a str or a Path"
        )


def save(obj, f, pickle_module=None, pickle_protocol=2, _use_new_zipfile_serialization=True, *, metadata=None):
    """Writes tensors in containers, with numbers and strings beside them, to a file, which is complete or not there, or to an object
    with ``write``.

    The file is one of PyTorch's (a zip archive, which ``torch.load(..., weights_only=True)`` reads); tensors that share memory still
    do when it is read, and a view is saved with all of its memory. A path that ends in ``.safetensors``, or ``metadata`` (a dict of
    texts), makes it one of safetensors', for a dict of name → tensor alone. TypeError for what a file cannot hold.

    The pickle in it is of protocol 2, whatever ``pickle_protocol`` says. NotImplementedError for the format before PyTorch 1.6.
    """
    _C.not_replayable("it calls save()")
    if pickle_module is not None or not _use_new_zipfile_serialization:
        raise NotImplementedError("[save] writes zip archives by a writer of its own; leave the options of pickles out")
    _check_path("save", f, "write")
    is_path = not hasattr(f, "write")
    if metadata is not None or (is_path and os.fsdecode(f).endswith(".safetensors")):
        from .safetensors import check_tensors, write_tensors

        check_tensors(obj)
        write_tensors(obj, f, "save", metadata)
        return
    from .writer import write_zip

    if not is_path:
        whole = io.BytesIO()
        write_zip(obj, whole)
        f.write(whole.getbuffer())
        return
    from .._files import written_whole

    with written_whole(f, "save") as temporary, open(temporary, "wb") as file:
        write_zip(obj, file)


def load(f, map_location=None, pickle_module=None, *, weights_only=True, mmap=None):
    """What a file of PyTorch's (zip, or older) or of safetensors' holds, or what an object with ``read`` has.

    Nothing in a file is run, whatever ``weights_only`` is: load builds tensors, containers, numbers and strings. ``map_location``: a
    device, a dict from device to device, or a function of a memory (uint8) and the name of its device. ``mmap``: the tensors of a zip
    archive lie in the file, whose pages are read when they are used.

    FileNotFoundError where there is no file, pickle.UnpicklingError where it holds other classes or functions (it names them;
    ``weft.serialization.add_safe_globals``), RuntimeError where it is damaged or of another kind, ValueError for mmap of no path.
    """
    from .reader import Damaged, is_pickle, is_zip, read_pickles, read_zip

    _C.not_replayable("it calls load()")
    _check_path("load", f, "read")
    if pickle_module is not None:
        raise NotImplementedError("[load] has a reader of its own; leave pickle_module out")
    is_path = not hasattr(f, "read")
    if mmap and not is_path:
        raise ValueError("[load] mmap needs the path of a file; got an object; leave mmap out")
    name = os.fspath(f) if is_path else f"what the {type(f).__name__} holds"
    try:
        with open(f, "rb") if is_path else io.BytesIO(f.read()) as file:
            start = file.read(4)
            file.seek(0)
            if is_zip(start):
                return read_zip(file, map_location, _mapped(file) if mmap else None)
            data = file.read()
        if is_pickle(start):
            return read_pickles(memoryview(data), map_location)
    except Damaged as error:
        raise RuntimeError(f"[load] {name} cannot be read: {error}") from None
    from safetensors import SafetensorError

    from .reader import Placed
    from .safetensors import read_tensors

    placed = Placed(map_location)
    try:
        return read_tensors(data, lambda tensor: placed.place(tensor, "cpu"))
    except SafetensorError as error:
        raise RuntimeError(
            f"[load] {name} is damaged or no file of PyTorch's or safetensors' ({error}); save it again with weft.save"
        ) from None


def _mapped(file):
    """The file's bytes; what is written to them stays in this process."""
    import mmap

    return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
