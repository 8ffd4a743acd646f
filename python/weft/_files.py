"""Files that are written whole: whoever reads one finds the old contents or the new."""

import contextlib
import errno
import os
import stat


def _status(path):
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _new_file(folder):
    """The path of an empty file whose name nobody can foresee, and whose mode follows the umask."""
    path = os.path.join(folder, f".weft-{os.urandom(8).hex()}")
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
    return path


def _why(path, error):
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        return f"there is no folder {folder}; create it first"
    if error.errno == errno.EISDIR:
        return "it is a folder; name a file in it"
    return f"{error.strerror}; choose a place that can be written"


@contextlib.contextmanager
def written_whole(path, op):
    """Yields the path of a file to write; when the block ends well, ``path`` holds what was written there.

    Links are followed, and a file that was there keeps its mode. Devices and pipes are not replaced but written to. Where the
    block fails, or ``path`` cannot be written (a RuntimeError that names ``op``), everything is as it was.
    """
    import shutil
    import tempfile

    path = os.fsdecode(path)
    try:
        before, target = _status(path), os.path.realpath(path)
        if not os.path.basename(path) or (before and stat.S_ISDIR(before.st_mode)):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        # What /dev/stdout stands for may have no name, or none any more.
        there = _status(target)
        in_place = before and not (stat.S_ISREG(before.st_mode) and there and os.path.samestat(before, there))
        temporary = _new_file(tempfile.gettempdir() if in_place else os.path.dirname(target))
        try:
            mode = stat.S_IMODE((before or os.stat(temporary)).st_mode)
            yield temporary
            if in_place:
                with open(temporary, "rb") as source, open(path, "wb") as destination:
                    shutil.copyfileobj(source, destination)
            else:
                os.chmod(temporary, mode)
                os.replace(temporary, target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
    except OSError as error:
        raise RuntimeError(f"[{op}] cannot write {path}: {_why(path, error)}") from error
