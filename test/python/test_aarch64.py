"""Models compiled for AArch64 by weft-aot, run by an emulator: they give the bits of this machine."""

import os
import pathlib
import platform
import shutil
import struct
import subprocess

import pytest
import weft
from weft.nn import functional as F

HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(weft._ops.__file__).resolve().parents[2] / "bin"
LIBRARIES = pathlib.Path("/usr/aarch64-linux-gnu")  # of Debian's cross compilers
NEEDED = [BIN / "weft-aot", BIN / "libweft_runtime_aarch64.a", LIBRARIES / "lib/libc_nonshared.a"]
TOOLS = [shutil.which("clang-22"), shutil.which("qemu-aarch64")]
pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64" or not all(TOOLS) or not all(path.exists() for path in NEEDED),
    reason="needs clang-22, qemu-user, libstdc++-12-dev-arm64-cross and the target weft_runtime_aarch64",
)
SEED = 5  # as in RunModel.c
inf, nan = float("inf"), float("nan")
SPECIAL = [0.0, -0.0, inf, -inf, nan, 1e-45, -1e-45, 1e-39, 1e38, 3e9, -3e9, 2.5, -2.5, 3.5, 1e20, -1e20, 200.0, 300.0,
           65504.0, 65520.0, 6e-8, 3e-8, -1.0, 0.75]  # fmt: skip


@pytest.fixture(scope="session")
def runner(tmp_path_factory):
    program = tmp_path_factory.mktemp("runner") / "RunModel"
    command = ["clang-22", "--target=aarch64-linux-gnu", "-fuse-ld=lld", HERE / "RunModel.c", "-o", program]
    subprocess.run(command, check=True, timeout=60)
    return program


@pytest.fixture
def model(runner, tmp_path, monkeypatch):
    """model(function, inputs, cpu): what the function's model gives."""

    def run(function, inputs, sizes, cpu, emulated):
        weft.export(function, tuple(inputs), tmp_path / "m.mlir")
        command = [BIN / "weft-aot", "m.mlir", "-o", "m.so", "--header", "m.h", f"--cpu={cpu}"]
        subprocess.run(command, cwd=tmp_path, check=True, timeout=300)
        buffers = [*(weft._C.raw_bytes(t.detach().contiguous()) for t in inputs), *map(bytes, sizes)]
        assert len(buffers) <= 63, "more than RunModel.c passes on"
        (tmp_path / "data").write_bytes(b"".join(struct.pack("<q", len(b)) + b for b in buffers))
        command = ["qemu-aarch64", "-cpu", emulated, "-L", LIBRARIES, runner, "./m.so", "data"]
        subprocess.run(command, cwd=tmp_path, check=True, timeout=300, env={**os.environ, "WEFT_NUM_THREADS": "2"})
        data, at, results = (tmp_path / "data").read_bytes(), 0, []
        for buffer in buffers:
            results.append(data[at + 8 : at + 8 + len(buffer)])
            at += 8 + len(buffer)
        return results[len(inputs) :]

    return run


@pytest.fixture
def check(model, monkeypatch):
    monkeypatch.syspath_prepend(str(HERE.parents[1] / "tools"))
    from weft_fuzz.bits import bits, difference

    def check(function, inputs, cpu="neoverse-n1", emulated="neoverse-n1"):
        weft.manual_seed(SEED)
        want = bits(function(*(t.detach().clone().requires_grad_(t.requires_grad) for t in inputs)))
        got = model(function, inputs, [len(data) for _, _, data in want], cpu, emulated)
        for i, (expected, data) in enumerate(zip(want, got, strict=True)):
            result = (*expected[:2], data)
            assert result == expected, f"result {i}: {difference(result, expected)}"

    return check


def pairs():
    x = weft.tensor(SPECIAL)
    shape = len(SPECIAL), len(SPECIAL)
    return x.reshape(-1, 1).expand(*shape).contiguous(), x.reshape(1, -1).expand(*shape).contiguous()


def test_arithmetic_on_special_values(check):
    def program(x, y):
        wide = x.to(weft.float64), y.to(weft.float64)
        return [x + y, x * y, x / y, weft.maximum(x, y), weft.minimum(x, y), x > y, weft.where(x <= y, x, y),
                weft.maximum(*wide), wide[0] / wide[1], weft.relu(x), weft.floor(x), weft.round(x), weft.sign(x),
                weft.sqrt(x), weft.fmod(x, y), x.max(1)[0], x.argmin(1), -x, abs(x)]  # fmt: skip

    check(program, pairs())


def test_conversions(check):
    """Those out of range are as on x86: saturated, or the low bits of what is."""

    def program(x):
        integers = [x.to(d) for d in (weft.int64, weft.int32, weft.int16, weft.int8, weft.uint8, weft.bool)]
        narrow = [x.to(weft.float16), x.to(weft.bfloat16)]
        return [*integers, *narrow, x.to(weft.float64).to(weft.float16), x.to(weft.float64).to(weft.int64),
                *(t.to(weft.float32) for t in integers), *(t.to(weft.float32) for t in narrow),
                *(t.to(weft.float16) for t in integers)]  # fmt: skip

    check(program, [pairs()[0]])


@pytest.mark.parametrize("dtype", [weft.float32, weft.float64, weft.float16, weft.bfloat16])
def test_elementary_functions(check, dtype):
    def program(x, y):
        unary = (weft.exp, weft.log, weft.log1p, weft.expm1, weft.tanh, weft.erf, weft.sin, weft.cos, weft.atan,
                 weft.sigmoid, F.gelu, F.silu)  # fmt: skip
        return [*(f(x) for f in unary), weft.pow(y, x), weft.atan2(x, y)]

    x = weft.cat([weft.tensor(SPECIAL), weft.randn(500) * 20, weft.randn(500)])
    check(program, [x.to(dtype), abs(weft.randn(x.numel())).to(dtype)])


@pytest.mark.parametrize("dtype", [weft.float32, weft.float64, weft.bfloat16, weft.float16, weft.int32])
def test_products(check, dtype):
    """All forms: chains and lanes, transposed operands, batches, a fused epilogue, a weight that is packed."""

    def program(a, b, c, w):
        one = a[:1] @ b, a[:1] @ c.t(), c @ a[0]
        return [a @ b, a @ c.t(), b.t() @ a.t(), *one, weft.maximum(a @ b + 1, a[:, :1]), w @ w.transpose(1, 2)]

    def numbers(*shape):
        return (weft.randn(*shape) * (9 if dtype == weft.int32 else 1)).to(dtype)

    check(program, [numbers(37, 300), numbers(300, 65), numbers(65, 300), numbers(3, 20, 33)])


def test_reductions_and_rows(check):
    def program(x, h):
        return [x.sum(), x.sum(0), x.sum(1), x.mean(1), x.prod(1), x.max(0)[0], x.argmax(1),
                weft.softmax(x, dim=-1), F.log_softmax(x, dim=0), F.layer_norm(x, (1100,)), h.sum(1),
                weft.softmax(h, dim=-1), x.t().contiguous() + 1, weft.cat([x, x * 2], 1), x.flip(1)]  # fmt: skip

    check(program, [weft.randn(5, 1100), weft.randn(5, 1100).to(weft.float16)])


@pytest.mark.parametrize(
    "cpu, emulated", [("generic", "cortex-a53"), ("cortex-a76", "cortex-a76"), ("apple-m1", "max")]
)
def test_a_training_step_and_attention(check, cpu, emulated):
    model = weft.nn.Sequential(weft.nn.Linear(70, 40), weft.nn.ReLU(), weft.nn.Linear(40, 10))

    def program(x, y, q, k, v):
        loss = F.cross_entropy(model(x), y)
        gradients = weft.autograd.grad(loss, list(model.parameters()))
        return [loss, *gradients, F.scaled_dot_product_attention(q, k, v, is_causal=True)]

    check(
        program,
        [weft.randn(33, 70), weft.randint(0, 10, (33,)), *(weft.randn(2, 3, 50, 24) for _ in range(3))],
        cpu,
        emulated,
    )


def test_random_numbers_and_writes(check):
    def program(x):
        noise = weft.randn(3, 5)
        x.mul_(2).add_(noise)
        return [noise, weft.rand(7), F.dropout(x, 0.5)]

    check(program, [weft.zeros(3, 5)])


def check_programs(check, seed):
    """Programs of tools/weft_fuzz, but for those of ops that are a library's work: their bits are the architecture's."""
    from weft_fuzz import batch, reference, worker

    foreign = {name for name, record in reference.records().items() if record["library"]}
    made = worker.make(range(seed, seed + 4), 4)[0]
    programs = [p for p in made if batch.exports(p) and not p.fails and not foreign & set(worker.operations([p]))]
    tried = batch.Batch(programs)

    def results(*inputs):
        copies = [t.detach().clone().requires_grad_(t.requires_grad) for t in inputs]
        return [t for t in tried.function(*copies) if t is not None]

    if programs:
        check(results, tried.inputs())


@pytest.mark.parametrize("part", [1, 2, 3, 4])
def test_random_programs(check, part, new_seed):
    """New ones for each commit."""
    check_programs(check, new_seed + part)


def test_random_programs_and_one_of_eigenvalues(check):
    check_programs(check, 752773028)


def test_a_processor_that_lacks_what_the_model_needs_is_an_error(model, capfd):
    with pytest.raises(subprocess.CalledProcessError):
        model(lambda x: [x + 1], [weft.zeros(4)], [16], "neoverse-v2", "neoverse-n1")
    message = capfd.readouterr().err
    assert "cannot run code for aarch64 neoverse-v2: it lacks " in message and "sve2" in message
    assert "weft-aot --cpu=generic" in message


def test_a_resnet_18(check):
    from vision_models import ResNet18

    weft.manual_seed(0)
    net = ResNet18(4).eval()
    with weft.no_grad():
        check(net, [weft.randn(1, 3, 33, 40)])
