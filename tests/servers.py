"""`vapitools serve` in processes of their own, and a way to call them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass
class Server:
    """A running `vapitools serve`, in a folder and a process group of its own."""

    process: subprocess.Popen[bytes]
    log: Path
    url: str = ""

    @property
    def output(self) -> str:
        return self.log.read_text()

    def wait_for(self, pattern: str) -> re.Match[str]:
        return until(lambda: re.search(pattern, self.output), lambda: self.output)

    def call(self, *calls: tuple[str, Any]) -> list[dict[str, Any]]:
        """The entries that one message with these tool calls is answered with."""
        results: list[dict[str, Any]] = json.loads(post(f"{self.url}/webhook", message(*calls)))[
            "results"
        ]
        return results

    def interrupt(self) -> None:
        """What Ctrl-C in a terminal does: every process of the group hears it."""
        os.killpg(self.process.pid, signal.SIGINT)


@contextmanager
def starting(folder: Path, *words: str, **environ: str) -> Iterator[Server]:
    """A server that has been started, and may not be ready."""
    log = folder / "log"
    inherited = {key: value for key, value in os.environ.items() if "VAPI" not in key}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "vapitools.cli", "serve", *words, "--port", "0"],
            cwd=folder,
            env={**inherited, **environ},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield Server(process, log)
    finally:
        # The supervisor may be gone, and its worker not.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def serving(folder: Path, *words: str, **environ: str) -> Iterator[Server]:
    """A server that has said that it is ready."""
    with starting(folder, *words, **environ) as server:
        server.url = server.wait_for(r"http://[\d.]+:\d+")[0]
        yield server


def until(look: Callable[[], T | None], show: Callable[[], str] = str) -> T:
    """Look again and again, for 15 seconds at most."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError(f"it never came:\n{show()}")


def message(*calls: tuple[str, Any]) -> dict[str, Any]:
    """A webhook body with these tool calls, whose ids are 0, 1, …"""
    entries = [
        {"id": str(id_), "type": "function", "function": {"name": name, "arguments": arguments}}
        for id_, (name, arguments) in enumerate(calls)
    ]
    return {"message": {"type": "tool-calls", "toolCallList": entries}}


def post(url: str, body: Any, **headers: str) -> bytes:
    headers["Content-Type"] = "application/json"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=15) as response:
        content: bytes = response.read()
        return content
