"""weft.profiler: what it records, when, and what it makes of it; weft.summary."""

import functools
import gzip
import json
import threading

import pytest
import weft
from test_explain import Page
from weft import nn
from weft.nn import functional as F
from weft.profiler import (
    ProfilerAction,
    ProfilerActivity,
    profile,
    record_function,
    schedule,
    tensorboard_trace_handler,
)

x = weft.ones(4, 8)
model = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 2))


def test_kernels_and_ranges():
    compiled = weft.compile(lambda x: (model(x) * 0.37).softmax(1))  # no other test has this program
    compiled(x)
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as prof:
        with record_function("outer"):
            compiled(x)
            with record_function("inner"):
                x.exp()
        x.exp()
    events = prof.events()
    assert [e.start for e in events] == sorted(e.start for e in events)
    outer, inner = (next(e for e in events if e.name == name) for name in ("outer", "inner"))
    kernels = [e for e in events if not e.is_user_annotation]
    first, last = kernels[0], kernels[-1]
    line = f"test_profiler.py:{test_kernels_and_ranges.__code__.co_firstlineno + 1}"
    assert line in {e.line for e in kernels} and first.name.startswith("dot_general") and first.bytes > 0
    assert (
        outer.start <= first.start
        and inner.start + inner.cpu_time_total <= outer.start + outer.cpu_time_total <= last.start
    )
    inside = sum(e.cpu_time_total for e in kernels[:-2])
    assert outer.self_cpu_time_total == pytest.approx(outer.cpu_time_total - inner.cpu_time_total - inside, abs=1e-3)
    averages = {a.key: a for a in prof.key_averages()}
    assert averages["exp"].count == 2 and averages["exp"].cpu_time * 2 == pytest.approx(averages["exp"].cpu_time_total)
    assert averages["outer"].count == 1 and averages["outer"].is_user_annotation
    total = prof.key_averages().total_average()
    assert total.count == len(events) and total.self_cpu_time_total == pytest.approx(events.self_cpu_time_total)
    assert {a.line for a in prof.key_averages(group_by_stack_n=1)} >= {"", line}


def flops(call):
    """Of all kernels that a call runs; where they are counted, by a word of the kernel's name."""
    call()
    with profile(with_flops=True) as prof:
        call()
    return sum(e.flops for e in prof.events()), {e.kernel.split("_")[0]: e.flops for e in prof.events() if e.flops}


@pytest.mark.parametrize("how", [lambda f: f, weft.compile], ids=["eager", "compiled"])
def test_flops(how):
    a, b = weft.randn(30, 50), weft.randn(50, 70)
    image, weight = weft.randn(2, 4, 9, 8), weft.randn(6, 2, 3, 3)
    of = lambda function: flops(how(function))[0]
    assert of(lambda: a @ b) == 2 * 30 * 50 * 70
    assert of(lambda: a + 1.5) == of(lambda: a.exp()) == 30 * 50
    assert of(lambda: a.sum()) == of(lambda: a.sum(0)) == of(lambda: a.cumsum(1)) == 30 * 50
    assert of(lambda: F.conv2d(image, weight, groups=2)) == 2 * (2 * 6 * 7 * 6) * (2 * 3 * 3)
    assert of(lambda: a.t().contiguous()) == of(lambda: weft.arange(100) + 1) == 0  # no arithmetic, and none of floats
    query = weft.randn(1, 2, 64, 16)
    assert of(lambda: F.scaled_dot_product_attention(query, query, query)) >= 2 * 2 * (2 * 64 * 64 * 16)


def test_flops_of_gradients():
    x, weight = weft.randn(2, 4, 9, 8), weft.randn(6, 4, 3, 3, requires_grad=True)

    def step():
        return weft.autograd.grad(F.conv2d(x, weight), weight, weft.ones(2, 6, 7, 6))

    assert flops(step)[0] == 2 * 2 * (2 * 6 * 7 * 6) * (4 * 3 * 3)  # forward, and once more for the weight


def test_flops_of_sizes_that_vary():
    f = weft.compile(lambda a, b: (a @ b).relu(), dynamic=True)
    for n in (20, 33):
        a, b = weft.randn(n, 40), weft.randn(40, 24)
        assert flops(functools.partial(f, a, b))[0] == 2 * n * 40 * 24 + n * 24


def test_copies_of_operands_have_no_flops():
    a, b = weft.randn(512, 512), weft.randn(512, 512)
    f = weft.compile(lambda a, b: a @ (b + b.t()) + a.sum(1, keepdim=True))
    total, kernels = flops(lambda: f(a, b))
    assert total >= 2 * 512**3 and max(kernels.values()) >= 2 * 512**3
    with profile() as prof:
        f(a, b)
    line = prof.key_averages().table(sort_by="flops").splitlines()
    assert "MFLOPs" in line[1] and "GFLOP/s" in line[1]
    assert weft.explain(f, a, b).kernels[-1].flop_rate > 0


def test_the_results_are_the_same():
    step = weft.compile(lambda x: model(x).sum())
    step(x)
    with profile():
        profiled = step(x), model(x).sum()
    assert profiled[0] == profiled[1] == step(x)


def test_table():
    with profile() as prof:
        for _ in range(3):
            x.exp()
        x.sin()
    lines = prof.key_averages().table(sort_by="count", header="what ran").splitlines()
    assert lines[0] == "what ran" and lines[2].split()[0] == "Name" and lines[4].split()[0] == "exp"
    assert " 3 " in lines[4] and lines[5].split()[0] == "sin"
    assert len(prof.key_averages().table(row_limit=1).splitlines()) == 6
    assert str(prof.key_averages()) == prof.key_averages().table()


def test_threads_have_their_own_nesting():
    with profile() as prof:
        with record_function("main"):
            thread = threading.Thread(target=lambda: x.exp())
            thread.start()
            thread.join()
    main, kernel = prof.events()
    assert main.self_cpu_time_total == main.cpu_time_total and main.thread != kernel.thread


def test_schedules_are_those_of_pytorch():
    """The values that PyTorch 2.13 gives."""
    names = lambda action, n: [action(i).name for i in range(n)]
    cycles = ["NONE", "WARMUP", "RECORD", "RECORD_AND_SAVE"] * 2 + ["NONE"] * 2
    assert names(schedule(wait=1, warmup=1, active=2, repeat=2, skip_first=1), 11) == ["NONE", *cycles]
    assert names(schedule(wait=0, warmup=0, active=2), 4) == ["RECORD", "RECORD_AND_SAVE"] * 2
    first = schedule(wait=2, warmup=0, active=1, repeat=1, skip_first_wait=1)
    assert names(first, 6) == ["RECORD_AND_SAVE", "NONE", "NONE", "NONE", "NONE", "NONE"]


def test_steps(tmp_path):
    ready = []
    when = schedule(wait=1, warmup=1, active=2, repeat=1)
    with profile(schedule=when, on_trace_ready=lambda p: ready.append((p.step_num, len(p.events())))) as prof:
        for _ in range(6):
            x.exp()
            prof.step()
    assert ready == [(4, 4)] and prof.step_num == 6
    assert [(e.key, e.count) for e in prof.key_averages()] == [("ProfilerStep*", 2), ("exp", 2)]
    assert [e.name for e in prof.events() if e.is_user_annotation] == ["ProfilerStep#2", "ProfilerStep#3"]


@pytest.mark.parametrize("keeps, count", [(False, 1), (True, 3)])
def test_cycles(keeps, count):
    with profile(schedule=schedule(wait=0, warmup=1, active=1), acc_events=keeps) as prof:
        for _ in range(6):
            x.exp()
            prof.step()
    assert {e.key: e.count for e in prof.key_averages()}["exp"] == count


def test_a_record_that_is_not_finished_is_ready_at_the_end():
    ready = []
    only = lambda step: ProfilerAction.RECORD
    with profile(schedule=only, on_trace_ready=lambda p: ready.append(p.step_num)) as prof:
        prof.step()
    assert ready == [1]


def test_two_at_once():
    with profile() as outer:
        x.exp()
        with profile() as inner, record_function("both"):
            x.sin()
    assert [e.name for e in outer.events()] == ["exp", "both", "sin"]
    assert [e.name for e in inner.events()] == ["both", "sin"]


@pytest.mark.parametrize("packed", [False, True])
def test_chrome_trace(tmp_path, packed):
    handler = tensorboard_trace_handler(str(tmp_path), "worker", use_gzip=packed)
    with profile(on_trace_ready=handler) as prof:
        prof.add_metadata("model", "small")
        prof.add_metadata_json("sizes", "[4, 8]")
        with record_function("part"):
            x.exp()
    (path,) = tmp_path.iterdir()
    assert path.name.startswith("worker.") and path.name.endswith(".pt.trace.json" + (".gz" if packed else ""))
    with (gzip.open if packed else open)(path, "rt") as file:
        trace = json.load(file)
    assert trace["model"] == "small" and trace["sizes"] == [4, 8]
    part, kernel = (e for e in trace["traceEvents"] if e["ph"] == "X")
    assert (part["name"], part["cat"], kernel["name"], kernel["cat"]) == ("part", "user_annotation", "exp", "cpu_op")
    assert part["ts"] <= kernel["ts"] and kernel["ts"] + kernel["dur"] <= part["ts"] + part["dur"]
    assert kernel["args"]["bytes"] == 2 * 4 * 8 * 4 and kernel["tid"] == threading.main_thread().native_id


def test_page(tmp_path):
    compiled = weft.compile(model)
    compiled(x)
    with profile() as prof, record_function("<part>"):
        compiled(x)
    prof.save(tmp_path / "page.html")
    page = Page((tmp_path / "page.html").read_text())
    kernels = [e for e in prof.events() if not e.is_user_annotation]
    assert {e.kernel for e in kernels} <= set(page.texts["code"])
    assert page.tags.count("rect") == len(prof.events()) + len({e.identity for e in kernels})
    assert "<part>" in page.texts["td"]


def test_an_empty_page(tmp_path):
    with profile() as prof:
        pass
    prof.save(tmp_path / "page.html")
    assert "0 runs of 0 kernels" in Page((tmp_path / "page.html").read_text()).texts["h1"][0]
    assert "Self CPU time total: 0.000us" in prof.key_averages().table()


def test_event_file(tmp_path):
    pytest.importorskip("tensorboard", reason="event files are written by it")
    from test_tensorboard import read

    with profile() as prof:
        x.exp()
    prof.export_tensorboard(tmp_path)
    found = read(tmp_path)
    assert found.Scalars("profile/kernels")[0].value == 1
    assert b"exp" in found.Tensors("profile")[0].tensor_proto.string_val[0]


def test_record_function_decorates():
    @record_function("named")
    def double(x):
        """Twice."""
        return x * 2

    assert double.__name__ == "double" and double.__doc__ == "Twice."
    with profile() as prof:
        double(x)
    assert [e.name for e in prof.events()] == ["named", "mul"]


def test_ranges_in_compiled_functions():
    """Their results are right, and they are seen where Python runs."""

    @weft.compile
    def f(x):
        with record_function("part"):
            return x * 2 + 1

    assert (f(x) == 3).all() and (f(x) == 3).all()
    with profile() as prof:
        assert (f(x) == 3).all()
    assert not [e for e in prof.events() if e.name == "part"] or weft.explain(f, x).mode != "replay"
    with profile() as prof, record_function("around"):
        f(x + 1)
    assert "around" in {e.name for e in prof.events()}


def test_profiles_that_raise_end():
    with pytest.raises(KeyError):
        with profile(), record_function("part"):
            raise KeyError
    with profile() as prof:
        x.exp()
    assert [e.name for e in prof.events()] == ["exp"]


@pytest.mark.parametrize(
    "wrong, error, message",
    [
        (lambda: schedule(wait=-1, warmup=0, active=1), ValueError, "wait=-1"),
        (lambda: schedule(wait=0, warmup=0, active=0), ValueError, "active=0"),
        (lambda: profile().key_averages(), RuntimeError, "nothing has been recorded"),
        (lambda: weft.profiler.EventList().table(sort_by="name"), ValueError, "self_cpu_time_total"),
        (lambda: weft.summary(lambda x: x, x), TypeError, "needs a Module"),
    ],
)
def test_errors(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()


def test_a_profile_begins_once():
    with profile() as prof, pytest.raises(RuntimeError, match="records already"):
        prof.start()


def test_summary():
    shared = nn.Linear(8, 8)
    net = nn.Sequential(shared, nn.ReLU(), shared, nn.Sequential(nn.BatchNorm1d(8), nn.Linear(8, 2)))
    net[3][1].bias.requires_grad_(False)
    before = dict(net[3][0].state_dict())
    found = weft.summary(net.eval(), x)
    assert [(layer.name, layer.kind, layer.depth) for layer in found.layers] == [
        ("", "Sequential", 0), ("0", "Linear", 1), ("1", "ReLU", 1), ("0", "Linear", 1), ("3", "Sequential", 1),
        ("3.0", "BatchNorm1d", 2), ("3.1", "Linear", 2),
    ]  # fmt: skip
    assert [layer.parameters for layer in found.layers] == [0, 72, 0, 0, 0, 16, 18]
    assert found.parameters == sum(p.numel() for p in net.parameters()) == 106 and found.trained == 104
    assert found.layers[0].shapes == [[4, 2]] and found.activations == 4 * (4 * 8 * 4 + 4 * 2)
    assert "106" in str(found) and "3.1" not in str(found)
    net(x)
    assert len(found.layers) == 7  # no hook is left
    assert all(weft.equal(a, b) for a, b in zip(before.values(), net[3][0].state_dict().values()))
