"""SummaryWriter: event files of TensorBoard, by the package `tensorboard`, which has to be installed."""

from __future__ import annotations

import os
import socket
import time
from typing import Any

from .. import _C

try:
    from tensorboard.compat.proto import event_pb2, summary_pb2
    from tensorboard.plugins.histogram.metadata import create_summary_metadata as _of_histograms
    from tensorboard.plugins.image.metadata import create_summary_metadata as _of_images
    from tensorboard.plugins.text.metadata import create_summary_metadata as _of_texts
    from tensorboard.summary.writer.event_file_writer import EventFileWriter
    from tensorboard.util import tensor_util
except ImportError as error:
    raise ImportError(
        "[tensorboard] SummaryWriter needs the package `tensorboard`; install it with pip", name=error.name
    ) from error


def _array(op: str, value: Any) -> Any:
    import numpy

    if isinstance(value, _C.Tensor):
        value = value.detach().cpu()
        value = (value.float() if value.dtype is _C.bfloat16 else value).numpy()
    array = numpy.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"[{op}] needs tensors, arrays or numbers; got {type(value).__name__}")
    return array


class SummaryWriter:
    """Writes what a program shows of its training to event files in ``log_dir``, by default a new folder of ``runs/``.

    Scalars, histograms, images and texts; ``global_step`` says when. Graphs, videos, sounds, figures and embeddings are a
    NotImplementedError. ``close`` it, or use it in a with statement.
    """

    def __init__(
        self,
        log_dir: Any = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ) -> None:
        if not log_dir:
            log_dir = os.path.join("runs", time.strftime("%b%d_%H-%M-%S_") + socket.gethostname() + comment)
        self.log_dir = os.fspath(log_dir)
        self._options = max_queue, flush_secs, filename_suffix
        self._writers: dict[str, Any] = {}
        if purge_step is not None:
            start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
            self._writer().add_event(event_pb2.Event(step=purge_step, session_log=start))

    def _writer(self, folder: str = "") -> Any:
        if folder not in self._writers:
            self._writers[folder] = EventFileWriter(os.path.join(self.log_dir, folder), *self._options)
        return self._writers[folder]

    def _write(self, values: list[Any], step: Any, walltime: Any, folder: str = "") -> None:
        _C.not_replayable("it writes to TensorBoard")
        event = event_pb2.Event(wall_time=time.time() if walltime is None else walltime)
        event.summary.CopyFrom(summary_pb2.Summary(value=values))
        if step is not None:
            event.step = int(step)
        self._writer(folder).add_event(event)

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: Any = None,
        walltime: Any = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """One number, or a tensor of one element."""
        number = float(_array("add_scalar", scalar_value).reshape(()))
        self._write([summary_pb2.Summary.Value(tag=tag, simple_value=number)], global_step, walltime)

    def add_scalars(self, main_tag: str, tag_scalar_dict: Any, global_step: Any = None, walltime: Any = None) -> None:
        """Several numbers in one diagram, by name; each name has a folder of its own."""
        for name, value in tag_scalar_dict.items():
            number = float(_array("add_scalars", value).reshape(()))
            folder = f"{main_tag.replace('/', '_')}_{name}"
            self._write([summary_pb2.Summary.Value(tag=main_tag, simple_value=number)], global_step, walltime, folder)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: Any = None,
        bins: Any = "tensorflow",
        walltime: Any = None,
        max_bins: Any = None,
    ) -> None:
        """How often numbers lie between the edges of ``bins`` (as numpy.histogram's, "tensorflow" is 30). ValueError for none."""
        import numpy

        array = _array("add_histogram", values).astype("float64").ravel()
        if not array.size:
            raise ValueError("[add_histogram] needs numbers; got an empty tensor")
        counts, edges = numpy.histogram(array, bins=30 if bins == "tensorflow" else bins)
        rows = numpy.stack([edges[:-1], edges[1:], counts], 1)
        value = summary_pb2.Summary.Value(
            tag=tag,
            metadata=_of_histograms(display_name="", description=""),
            tensor=tensor_util.make_tensor_proto(rows, dtype="float64"),
        )
        self._write([value], global_step, walltime)

    def add_image(
        self, tag: str, img_tensor: Any, global_step: Any = None, walltime: Any = None, dataformats: str = "CHW"
    ) -> None:
        """A picture of 1, 3 or 4 channels (``dataformats``: "CHW", "HWC", "HW"): uint8, or floats from 0 to 1."""
        self._add_images(tag, _array("add_image", img_tensor), global_step, walltime, dataformats)

    def add_images(
        self, tag: str, img_tensor: Any, global_step: Any = None, walltime: Any = None, dataformats: str = "NCHW"
    ) -> None:
        """Several pictures ("NCHW", "NHWC")."""
        self._add_images(tag, _array("add_images", img_tensor), global_step, walltime, dataformats)

    def _add_images(self, tag: str, array: Any, step: Any, walltime: Any, form: str) -> None:
        import io

        import numpy
        from PIL import Image

        if sorted(form) not in (sorted("HW"), sorted("CHW"), sorted("NCHW")) or array.ndim != len(form):
            raise ValueError(
                f"[add_image] dataformats must name the dimensions of shape {list(array.shape)}, as CHW; got {form!r}"
            )
        for missing in "CN":
            if missing not in form:
                array, form = array[None], missing + form
        pictures = numpy.transpose(array, [form.index(d) for d in "NHWC"])
        if pictures.dtype.kind == "f":
            pictures = (pictures.clip(0, 1) * 255).astype("uint8")
        if pictures.shape[3] not in (1, 3, 4):
            raise ValueError(f"[add_image] pictures have 1, 3 or 4 channels; got {pictures.shape[3]}")
        encoded = [str(pictures.shape[2]).encode(), str(pictures.shape[1]).encode()]
        for picture in pictures.astype("uint8"):
            file = io.BytesIO()
            Image.fromarray(picture.squeeze(-1) if picture.shape[2] == 1 else picture).save(file, "png")
            encoded.append(file.getvalue())
        value = summary_pb2.Summary.Value(
            tag=tag,
            metadata=_of_images(display_name="", description=""),
            tensor=tensor_util.make_tensor_proto(numpy.array(encoded, dtype=object), dtype="string"),
        )
        self._write([value], step, walltime)

    def add_text(self, tag: str, text_string: str, global_step: Any = None, walltime: Any = None) -> None:
        """A text, as Markdown."""
        value = summary_pb2.Summary.Value(
            tag=tag,
            metadata=_of_texts(display_name="", description=""),
            tensor=tensor_util.make_tensor_proto([text_string.encode()], dtype="string"),
        )
        self._write([value], global_step, walltime)

    def get_logdir(self) -> str:
        return self.log_dir

    def flush(self) -> None:
        """Writes what waits."""
        for writer in self._writers.values():
            writer.flush()

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _refuse(self, *args: Any, **kwargs: Any) -> None:
        """Not supported: NotImplementedError."""
        raise NotImplementedError("[SummaryWriter] writes scalars, histograms, images and texts alone")

    add_graph = add_video = add_audio = add_figure = add_embedding = add_mesh = add_hparams = _refuse

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()
