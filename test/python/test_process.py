"""What only a process of its own shows: import time, caches, exit codes, the demo."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

TRAIN = """
import sys, time, weft
from weft import nn
weft.manual_seed(0)
m = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
o = weft.optim.AdamW(m.parameters())
x, y = weft.randn(4, 8), weft.tensor([0, 1, 2, 0])
def step(x, y):
    loss = nn.functional.cross_entropy(m(x), y)
    loss.backward(); o.step(); o.zero_grad()
    return loss.detach()
step = weft.compile(step)
losses = [step(x, y).item() for _ in range(3)]
print(losses, weft._C.compiler_loaded())
"""


def run(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_is_light():
    heavy = run("import sys, weft; print([m for m in ('numpy', 'safetensors', 'json', 'torch') if m in sys.modules])")
    assert heavy.strip() == "[]"
    assert run("import weft; print(weft._C.compiler_loaded())").strip() == "False"


def test_a_second_process_needs_no_compiler(tmp_path):
    first = run(TRAIN, WEFT_CACHE_DIR=str(tmp_path))
    second = run(TRAIN, WEFT_CACHE_DIR=str(tmp_path))
    assert first.split("]")[0] == second.split("]")[0]
    assert second.strip().endswith("False")


def test_same_bits_at_any_thread_count(tmp_path):
    results = {run(TRAIN, WEFT_NUM_THREADS=n, WEFT_CACHE_DIR=str(tmp_path)).split("]")[0] for n in ("1", "2", "5")}
    assert len(results) == 1


def test_a_damaged_cache_is_rebuilt(tmp_path):
    first = run(TRAIN, WEFT_CACHE_DIR=str(tmp_path))
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert files
    for i, path in enumerate(files):
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2] if i % 2 else bytes(reversed(data)))
    assert run(TRAIN, WEFT_CACHE_DIR=str(tmp_path)).split("]")[0] == first.split("]")[0]


def test_an_unusable_cache_folder_is_no_obstacle(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    run(TRAIN, WEFT_CACHE_DIR=str(blocked / "below"))


def test_a_cache_folder_that_others_may_write_is_not_used(tmp_path):
    first = run(TRAIN, WEFT_CACHE_DIR=str(tmp_path))
    tmp_path.chmod(0o777)
    done = subprocess.run(
        [sys.executable, "-c", TRAIN], env={**os.environ, "WEFT_CACHE_DIR": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0 and done.stdout == first  # the compiler was needed again
    assert done.stderr.count("\n") == 1 and f"others may write '{tmp_path}' (mode 0777)" in done.stderr


def test_a_cache_from_which_no_code_may_run(tmp_path):
    program = 'mount -t tmpfs -o noexec none $WEFT_CACHE_DIR && chmod 700 $WEFT_CACHE_DIR && for i in 1 2; do $0 -c "$1" || exit; done'
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", program, sys.executable, TRAIN],
        env={**os.environ, "WEFT_CACHE_DIR": str(tmp_path)}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    if "mount:" in done.stderr or "unshare:" in done.stderr:
        pytest.skip("needs the right to mount")
    assert done.returncode == 0 and not done.stderr, done.stderr
    first, second = done.stdout.splitlines()
    assert first.replace("True", "False") == second  # which needs no compiler


@pytest.mark.parametrize("megabytes", [8, 16])
def test_llvm_without_memory_is_an_error(megabytes):
    program = f"""if True:
        import resource, weft
        def chain(x):
            for i in range(200):
                x = weft.tanh(x * float(i) + 1) @ x
            return x
        weft.compile(lambda x: x + 1)(weft.ones(3))  # the compiler is loaded
        pages = int(open("/proc/self/statm").read().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + {megabytes << 20}, -1))
        try:
            weft.compile(chain)(weft.ones(3, 3))
        except (MemoryError, RuntimeError):
            pass
    """
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "WEFT_CACHE": "0"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    # Some other library may still give up.
    assert "LLVM ERROR" not in done.stderr


def test_processes_share_a_cache(tmp_path):
    environment = {**os.environ, "WEFT_CACHE_DIR": str(tmp_path)}
    both = [
        subprocess.Popen([sys.executable, "-c", TRAIN], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [p.communicate(timeout=300)[0] for p in both]
    assert all(p.returncode == 0 for p in both) and outputs[0].split("]")[0] == outputs[1].split("]")[0]


def test_debug_output_names_the_steps(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "import weft; weft.compile(lambda x: x * 2 + 1)(weft.ones(3))"],
        env={**os.environ, "WEFT_DEBUG": "ir", "WEFT_CACHE_DIR": str(tmp_path)}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0 and "weft.mul" in done.stderr, done.stderr


def test_demo(tmp_path):
    pytest.importorskip("sklearn", reason="the demo's data comes with scikit-learn")
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "demo.py"), "--json", "--epochs", "12"],
        env={**os.environ, "WEFT_CACHE_DIR": str(tmp_path)}, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert set(result) >= {
        "accuracy_eager", "accuracy_compiled", "losses_bit_equal", "weights_bit_equal", "eager_step_us", "compiled_step_us",
        "compile_ms", "epochs",
    }  # fmt: skip
    assert (
        result["losses_bit_equal"]
        and result["weights_bit_equal"]
        and result["accuracy_eager"] == result["accuracy_compiled"]
    )
    assert result["accuracy_compiled"] > 0.9 and result["epochs"] == 12


def test_the_build_configures_as_pip_does(tmp_path):
    done = subprocess.run(
        ["cmake", "-S", str(ROOT), "-B", str(tmp_path), "-G", "Ninja", "-DSKBUILD=ON", "-DCMAKE_C_COMPILER=clang-22",
         "-DCMAKE_CXX_COMPILER=clang++-22", f"-DPython_EXECUTABLE={sys.executable}"],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
