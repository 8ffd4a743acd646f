"""Streams of a GPU, and events in them."""

from .. import _C
from ._device import require

__all__ = [
    "Event",
    "ExternalStream",
    "Stream",
    "StreamContext",
    "current_stream",
    "default_stream",
    "set_stream",
    "stream",
]


class Event:
    """A point in a stream. ``enable_timing`` for ``elapsed_time()``; with ``blocking`` a thread that waits sleeps."""

    def __init__(self, enable_timing=False, blocking=False, interprocess=False, external=False):
        if interprocess or external:
            raise NotImplementedError("[cuda.Event] events are of one process, and of no graph")
        self._event = _C.cuda_event(enable_timing, blocking)

    def record(self, stream=None):
        """Puts it into a stream, the current one by default."""
        stream = stream or current_stream()
        _C.cuda_event_record(self._event, stream.device_index, stream.cuda_stream)

    def wait(self, stream=None):
        """What comes later in a stream, the current one by default, begins when the event is reached."""
        stream = stream or current_stream()
        _C.cuda_event_wait(self._event, stream.device_index, stream.cuda_stream)

    def query(self):
        """Whether it was reached, with all work before it done."""
        return _C.cuda_event_query(self._event)

    def synchronize(self):
        """Waits until it is reached."""
        _C.cuda_event_synchronize(self._event)

    def elapsed_time(self, end_event):
        """Milliseconds from this event to another, both of which were reached."""
        return _C.cuda_event_elapsed(self._event, end_event._event)

    @property
    def cuda_event(self):
        """The driver's handle; 0 before it was recorded."""
        return _C.cuda_event_handle(self._event)

    @property
    def device(self):
        """Where it was recorded; None before."""
        index = _C.cuda_event_device(self._event)
        return None if index < 0 else _C.device("cuda", index)


class Stream:
    """Work of a GPU that is done in order. A priority below 0 goes first. Streams are not destroyed; the 33rd is one that was given
    before."""

    def __init__(self, device=None, priority=0):
        index = require("Stream", device)
        self._set(index, _C.cuda_new_stream(index, priority))

    def _set(self, device_index, handle):
        self.device_index, self.cuda_stream = device_index, handle
        self.device, self.stream_id = _C.device("cuda", device_index), handle

    def query(self):
        """Whether all its work is done."""
        return _C.cuda_stream_query(self.device_index, self.cuda_stream)

    def synchronize(self):
        """Waits for its work."""
        _C.cuda_stream_synchronize(self.device_index, self.cuda_stream)

    def wait_stream(self, stream):
        """What comes later here begins when what is in the other stream now is done."""
        _C.cuda_stream_wait(self.device_index, self.cuda_stream, stream.device_index, stream.cuda_stream)

    def wait_event(self, event):
        """What comes later here begins when the event is reached."""
        event.wait(self)

    def record_event(self, event=None):
        """Puts an event, a new one by default, into the stream; gives it."""
        event = event or Event()
        event.record(self)
        return event

    def __enter__(self):
        self._context = [*getattr(self, "_context", ()), StreamContext(self)]
        self._context[-1].__enter__()
        return self

    def __exit__(self, *exception):
        self._context.pop().__exit__(*exception)

    def __eq__(self, other):
        return isinstance(other, Stream) and (self.device, self.cuda_stream) == (other.device, other.cuda_stream)

    def __hash__(self):
        return hash((self.device_index, self.cuda_stream))

    def __repr__(self):
        return f"<weft.cuda.Stream device={self.device} cuda_stream={self.cuda_stream:#x}>"


class ExternalStream(Stream):
    """A stream of somebody else's, by the driver's handle, who keeps it alive."""

    def __init__(self, stream_ptr, device=None):
        self._set(require("ExternalStream", device), stream_ptr)


def _stream(device_index, handle):
    made = Stream.__new__(Stream)
    made._set(device_index, handle)
    return made


def current_stream(device=None):
    """The stream in which this thread's work on a GPU goes."""
    index = require("current_stream", device)
    return _stream(index, _C.cuda_current_stream(index))


def default_stream(device=None):
    """The stream in which work goes where no other was chosen."""
    index = require("default_stream", device)
    return _stream(index, _C.cuda_default_stream(index))


def set_stream(stream):
    """This thread's work goes into the stream, and "cuda" names its GPU; None leaves things as they are."""
    if stream is not None:
        _C.cuda_set_device(stream.device_index)
        _C.cuda_set_stream(stream.device_index, stream.cuda_stream)


class StreamContext:
    """A scope in which this thread's work goes into a stream, and "cuda" names its GPU. None leaves things as they are."""

    def __init__(self, stream):
        self.stream = stream

    def __enter__(self):
        if self.stream is not None:
            index = self.stream.device_index
            self._before = _C.cuda_current_device(), _C.cuda_current_stream(index)
            set_stream(self.stream)
        return self.stream

    def __exit__(self, *exception):
        if self.stream is not None:
            device, handle = self._before
            _C.cuda_set_stream(self.stream.device_index, handle)
            _C.cuda_set_device(device)


stream = StreamContext
