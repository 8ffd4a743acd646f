"""SummaryWriter: what TensorBoard's own reader finds in its files."""

import pytest
import weft

pytest.importorskip("tensorboard", reason="SummaryWriter writes by the package tensorboard")
from weft.utils.tensorboard import SummaryWriter  # noqa: E402


def read(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder), size_guidance={"tensors": 0, "scalars": 0})
    found.Reload()
    return found


def test_what_is_written_is_read(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        for step in range(3):
            writer.add_scalar("loss", weft.tensor(1.5 - step), step)
        writer.add_histogram("weights", weft.tensor([0.0, 1.0, 1.0]).bfloat16(), 1, bins=2)
        writer.add_text("note", "hello", 2)
        writer.add_scalars("both", {"a": 1, "b": 2.5}, 1)
        assert writer.get_logdir() == str(tmp_path)
    found = read(tmp_path)
    assert [(e.step, e.value) for e in found.Scalars("loss")] == [(0, 1.5), (1, 0.5), (2, -0.5)]
    assert found.Tensors("note")[0].tensor_proto.string_val[0] == b"hello"
    assert [e.value for e in read(tmp_path / "both_b").Scalars("both")] == [2.5]
    from tensorboard.util import tensor_util

    rows = tensor_util.make_ndarray(found.Tensors("weights")[0].tensor_proto)
    assert rows.tolist() == [[0, 0.5, 1], [0.5, 1, 2]]


def test_pictures(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="pictures are encoded by Pillow")
    import io

    with SummaryWriter(tmp_path) as writer:
        writer.add_image("one", weft.full((3, 4, 5), 0.5), 1)
        writer.add_image("grey", weft.zeros(4, 5, dtype=weft.uint8), 1, dataformats="HW")
        writer.add_images("several", weft.rand(2, 4, 5, 1), 1, dataformats="NHWC")
        with pytest.raises(ValueError, match="dataformats"):
            writer.add_image("one", weft.zeros(4, 5))
        with pytest.raises(ValueError, match="channels"):
            writer.add_image("one", weft.zeros(2, 4, 5))
    found = read(tmp_path)
    width, height, data = found.Tensors("one")[0].tensor_proto.string_val
    picture = image.open(io.BytesIO(data))
    assert (width, height) == (b"5", b"4") and picture.size == (5, 4) and picture.getpixel((0, 0)) == (127,) * 3
    assert len(found.Tensors("several")[0].tensor_proto.string_val) == 4


def test_errors(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        with pytest.raises(NotImplementedError, match=r"\[SummaryWriter\]"):
            writer.add_graph(None)
        with pytest.raises(TypeError, match=r"\[add_scalar\].*str"):
            writer.add_scalar("a", "b")
        with pytest.raises(ValueError, match="empty"):
            writer.add_histogram("a", weft.ones(0))
