"""weft.hub: weights by their address. Models whose code is somewhere else are packages' work."""

from __future__ import annotations

import hashlib
import os
import pathlib
import re
import tempfile
import urllib.parse
import urllib.request
from typing import Any

__all__ = ["download_url_to_file", "get_dir", "load_state_dict_from_url", "set_dir"]

_HASH = re.compile(r"-([a-f0-9]*)\.")  # resnet18-f37072fd.pth
_chosen: str | None = None


def get_dir() -> str:
    """The folder of what was fetched: that of ``set_dir``, else $TORCH_HOME/hub, $XDG_CACHE_HOME/torch/hub or ~/.cache/torch/hub,
    as PyTorch has it, so that both share files."""
    if _chosen is not None:
        return _chosen
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.environ.get("TORCH_HOME", os.path.join(cache, "torch"))
    return os.path.join(os.path.expanduser(home), "hub")


def set_dir(d: str | os.PathLike[str]) -> None:
    """Sets ``get_dir()``."""
    global _chosen
    _chosen = os.path.expanduser(os.fspath(d))


def download_url_to_file(url: str, dst: str, hash_prefix: str | None = None, progress: bool = True) -> None:
    """Writes what is at ``url`` to the file ``dst``, which is there whole or not at all. RuntimeError if the SHA-256 of it does not begin
    with ``hash_prefix``. progress: a bar, by tqdm if it is installed."""
    dst = os.path.expanduser(dst)
    digest = hashlib.sha256()
    request = urllib.request.Request(url, headers={"User-Agent": "weft.hub"})
    with urllib.request.urlopen(request) as source:
        handle, part = tempfile.mkstemp(prefix=os.path.basename(dst) + ".", dir=os.path.dirname(dst) or ".")
        try:
            bar = _bar(source.headers.get("Content-Length")) if progress else None
            with os.fdopen(handle, "wb") as file:
                while data := source.read(1 << 17):
                    file.write(data)
                    digest.update(data)
                    if bar is not None:
                        bar.update(len(data))
            if bar is not None:
                bar.close()
            found = digest.hexdigest()
            if hash_prefix and not found.startswith(hash_prefix):
                raise RuntimeError(
                    f'[download_url_to_file] the SHA-256 of {url} must begin with "{hash_prefix}"; got "{found}"'
                )
            os.replace(part, dst)
        finally:
            if os.path.exists(part):
                os.remove(part)


def _bar(length: str | None) -> Any:
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm(total=int(length) if length else None, unit="B", unit_scale=True, unit_divisor=1024)


def load_state_dict_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = True,
) -> Any:
    """``weft.load`` of what is at ``url``, which is fetched once, to the folder ``model_dir`` (that of ``get_dir()``, in checkpoints).

    file_name: of the file there, by default the last part of the address. check_hash: the file name holds the first digits of the
    SHA-256, as in "resnet18-f37072fd.pth"; another is a RuntimeError. Nothing but tensors and containers is read, as ``load`` does.
    """
    from . import load

    folder = pathlib.Path(model_dir if model_dir is not None else os.path.join(get_dir(), "checkpoints"))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / (file_name or os.path.basename(urllib.parse.urlparse(url).path))
    if not file.exists():
        expected = _HASH.search(file.name) if check_hash else None
        download_url_to_file(url, str(file), expected.group(1) if expected else None, progress)
    return load(file, map_location=map_location, weights_only=weights_only)
