"""Processes that make and run programs, which may crash or hang."""

from __future__ import annotations

import json
import os
import pathlib
import queue
import subprocess
import sys
import threading

WORKER = pathlib.Path(__file__).with_name("worker.py")
LIFE = 25  # requests; what was compiled is never unloaded


class Worker:
    """`cpu` is the processor that its eager kernels are compiled for."""

    def __init__(self, cache, cpu=""):
        self.environment = {**os.environ, "WEFT_CACHE_DIR": str(cache), "WEFT_CACHE_SIZE": "8G", "WEFT_CPU": cpu}
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def ask(self, request, seconds=300):
        """The answer; {"error": …} where the process dies or hangs."""
        if self.process is None:
            self.start()
        why = None
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.answers.get(timeout=seconds)
        except queue.Empty:
            line, why = "", f"no answer in {seconds} s"
        except BrokenPipeError:
            line = ""
        self.requests += 1
        if line:
            if self.requests == LIFE:
                self.stop()
            return json.loads(line)
        if self.process.poll() is None:
            self.process.kill()
        status = self.process.wait()
        self.process = None
        return {"error": why or f"the process died, status {status}"}

    def start(self):
        self.requests = 0
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
