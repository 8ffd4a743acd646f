"""The processes that must agree, and what they disagree about."""

from __future__ import annotations

import json
import os
import pathlib
import queue
import subprocess
import sys
import threading

WORKER = pathlib.Path(__file__).with_name("worker.py")
# Name → environment, ways. The first one makes the programs, and its eager result is what the others are compared with.
KINDS = {
    "2 threads": ({"WEFT_NUM_THREADS": "2"}, ["eager", "compiled", "contiguous"]),
    "1 thread": ({"WEFT_NUM_THREADS": "1"}, ["compiled"]),
    "3 threads": ({"WEFT_NUM_THREADS": "3"}, ["eager", "compiled"]),
    "8 threads": ({"WEFT_NUM_THREADS": "8"}, ["eager", "compiled"]),
    "unfused": ({"WEFT_NUM_THREADS": "2", "WEFT_FUSE": "0"}, ["eager", "compiled"]),
}


class Worker:
    def __init__(self, name, cache):
        self.name, (self.environment, self.ways) = name, KINDS[name]
        self.environment = {**os.environ, "WEFT_CACHE_DIR": cache, **self.environment}
        self.process = None

    def ask(self, request, seconds=180):
        """The answer; {"error": …} where the process dies or hangs."""
        if self.process is None:
            self.start()
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.answers.get(timeout=seconds)
        except queue.Empty:
            line, why = "", f"no answer in {seconds} s"
        except BrokenPipeError:
            line = ""
        if line:
            return json.loads(line)
        if self.process.poll() is None:
            self.process.kill()
        status = self.process.wait()
        why = locals().get("why") or f"the process died, status {status}"
        self.process = None
        return {"error": why}

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER)],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.answers = queue.Queue()
        lines, answers = self.process.stdout, self.answers

        def forward():
            for line in lines:
                answers.put(line)
            answers.put("")

        threading.Thread(target=forward, daemon=True).start()

    def stop(self):
        if self.process is not None:
            self.process.stdin.close()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
            self.process = None


class Workers:
    def __init__(self, cache, names=tuple(KINDS)):
        self.all = [Worker(name, cache) for name in names]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for worker in self.all:
            worker.stop()

    def generate(self, seed, options):
        return self.all[0].ask({"seed": seed, "options": options})

    def disagreements(self, program, aot=False, only=None):
        """Texts, one a disagreement; `only` limits to a pair of worker and way. Each begins with 'WORKER, WAY: '."""
        source, found, expected, results = program.source(), [], None, len(program.results) + len(program.wrt)
        for worker in self.all:
            ways = [way for way in worker.ways if only is None or (worker.name, way) in only]
            if worker is self.all[0]:
                ways = ["eager", *(w for w in ways if w != "eager")]
                if (
                    aot
                    and not program.wrt
                    and not program.inPlaceInputs
                    and (only is None or (worker.name, "aot") in only)
                ):
                    ways = [*ways, "aot"]
                if program.inPlaceInputs:
                    ways = [way for way in ways if way != "contiguous"]
            if not ways:
                continue
            answer = worker.ask({"source": source, "ways": ways})
            if "error" in answer:
                found.append(f"{worker.name}, {ways[-1]}: {answer['error']}")
                if expected is None:
                    return found
                continue
            if expected is None:
                expected = answer["eager"]
                if "error" in expected:
                    return [f"{worker.name}, eager: {expected['error']}"]
            for way, value in answer.items():
                runs = value if way == "compiled" and isinstance(value, list) else [value]
                for call, digests in enumerate(runs):
                    if isinstance(digests, dict):
                        found.append(f"{worker.name}, {way}: {digests['error']}")
                        continue
                    want = expected[: len(digests)] if way in ("aot",) else expected
                    wrong = [i for i, (a, b) in enumerate(zip(digests, want)) if a != b]
                    if way == "contiguous":
                        wrong = [i for i in wrong if i < results]
                    if wrong:
                        names = [self.name_of(program, i) for i in wrong]
                        first = f"{digests[wrong[0]]} instead of {want[wrong[0]]}"
                        found.append(f"{worker.name}, {way}: call {call + 1}: {', '.join(names)} differ: {first}")
        return found

    @staticmethod
    def name_of(program, i):
        names = [
            *program.results,
            *(f"gradient of {n}" for n in program.wrt),
            *(s.target + " afterwards" for s in program.inputs),
        ]
        return names[i]
