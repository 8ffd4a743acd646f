"""Kernels read nothing outside of their operands: these lie against pages that nobody may read, at either end."""

import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, numpy, weft
F = weft.nn.functional
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
PAGE, READ_WRITE, PRIVATE = 4096, 3, 0x22
buffers = []

def between_guards(array, at_end):
    pages = -(-array.nbytes // PAGE) * PAGE
    start = libc.mmap(None, pages + 2 * PAGE, READ_WRITE, PRIVATE, -1, 0)
    for guard in (start, start + PAGE + pages):
        assert libc.mprotect(guard, PAGE, 0) == 0
    place = start + PAGE + (pages - array.nbytes if at_end else 0)
    buffers.append((ctypes.c_char * array.nbytes).from_address(place))
    copy = numpy.frombuffer(buffers[-1], array.dtype).reshape(array.shape)
    copy[...] = array
    return weft.from_numpy(copy)

functions = {functions}
random = numpy.random.RandomState(0)
for width in (7, 28, 33, 56):
    x, w = random.randn(2, 4, 9, width).astype("{dtype}"), random.randn(8, 4 // {groups}, 3, 3).astype("{dtype}")
    for f in functions:
        results = [
            h(between_guards(x, at_end), between_guards(w, at_end)).numpy().tobytes()
            for at_end in (False, True)
            for h in (f, weft.compile(f))
        ]
        assert len(set(results)) == 1
"""

FUNCTIONS = {
    "conv": "[lambda x, w, s=s: F.conv2d(x, w, stride=s, padding=1, groups={groups}) for s in (1, 2, 3)]",
    "pool": "[lambda x, w, s=s: F.max_pool2d(x, 3, s, 1) for s in (1, 2)]",
    "slice": "[lambda x, w: x[..., ::2] * 2]",
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name, groups", [("conv", 1), ("conv", 4), ("pool", 1), ("slice", 1)])
def test_nothing_outside_is_read(name, groups, dtype):
    program = PROGRAM.replace("{functions}", FUNCTIONS[name]).replace("{groups}", str(groups)).replace("{dtype}", dtype)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
