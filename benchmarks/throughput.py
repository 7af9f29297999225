"""Requests per second through a real server on one core, with the load on another."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from . import bodies, contestants
from .contestants import FASTAPI, FASTMCP, FLASK, MSGSPEC, OURS, MissingError
from .cores import on_first_core
from .load import Request, Turns, is_wrk_there, requests_per_second
from .measure import interleaved
from .ports import free_port
from .proof import WrongAnswerError
from .report import Goal, Row, at_least_goal, missing_row
from .restaurant import SECRET
from .served import NAME

_SIZE = 20
_CONNECTIONS = 64
_SECONDS_TO_START = 30
# In each round; a turn takes some milliseconds.
_TURNS = 20

_HEADERS = {
    "content-type": "application/json",
    "x-vapi-secret": SECRET,
    "authorization": f"Bearer {SECRET}",
}


def rows(rounds: int, seconds: float) -> list[Row]:
    """Each behind uvicorn on one core, but Flask, which is behind gunicorn."""
    by = "wrk" if is_wrk_there() else "a loop in Python, as there is no wrk"
    section = f"Through uvicorn on one core, {_SIZE} KB, {_CONNECTIONS} connections, by {by}"
    missing: dict[str, MissingError] = {}
    with contextlib.ExitStack() as stack:
        loads: dict[str, Callable[[], float]] = {}
        turns: dict[str, Callable[[], float]] = {}
        for name in contestants.MODULES:
            try:
                request = _request(name)
            except MissingError as error:
                missing[name] = error
                continue
            port, pid = stack.enter_context(_server(name, request))
            loads[name] = _load(port, request, seconds)
            # Of gunicorn, another process answers; FastMCP would take most of the time.
            if name not in (FLASK, FASTMCP) and _times(pid).exists():
                turns[name] = Turns(port, request, _CONNECTIONS, partial(_cpu_seconds, pid))
        found = interleaved(loads, rounds)
        costs = interleaved(turns, rounds * _TURNS) if turns else {}
    measured = [_row(section, name, found) for name in found]
    measured += [missing_row(section, name, "req/s", why) for name, why in missing.items()]
    return measured + [_cost_row(name, costs) for name in costs]


def _cost_row(name: str, costs: Mapping[str, float]) -> Row:
    section = f"The same, in turns of {_CONNECTIONS} requests: the server's processor for each"
    ratios = {other: costs[name] / costs[other] for other in (MSGSPEC, FASTAPI) if other in costs}
    return Row(section, name, costs[name], "µs", ratios)


def _times(pid: int) -> Path:
    """Where Linux says in nanoseconds how long a process has run."""
    return Path(f"/proc/{pid}/schedstat")


def _cpu_seconds(pid: int) -> float:
    return int(_times(pid).read_text().split()[0]) / 1e9


def _row(section: str, name: str, found: Mapping[str, float]) -> Row:
    baselines = [other for other in (MSGSPEC, FASTAPI, FASTMCP) if other in found]
    ratios = {other: found[name] / found[other] for other in baselines}
    return Row(section, name, found[name], "req/s", ratios, _goals(ratios) if name == OURS else [])


def _goals(ratios: Mapping[str, float]) -> list[Goal]:
    limits = {MSGSPEC: 0.95, FASTAPI: 3.3, FASTMCP: 13.0}
    return [goal for other, limit in limits.items() for goal in at_least_goal(ratios, other, limit)]


def _load(port: int, request: Request, seconds: float) -> Callable[[], float]:
    return lambda: requests_per_second(port, request, _CONNECTIONS, seconds)


def _request(name: str) -> Request:
    """What the contestant is sent.

    Raises:
        MissingError: It cannot be had.
    """
    module = contestants.load(name)
    # The first eight letters of the call's id.
    body = bodies.build(_SIZE).replace(b'"call":{"id":"00000000', b'"call":{"id":"@@@@@@@@', 1)
    if name == FASTMCP:
        return Request(module.PATH, module.HEADERS, module.translated(body).decode())
    return Request("/webhook", _HEADERS, body.decode())


@contextlib.contextmanager
def _server(name: str, request: Request) -> Iterator[tuple[int, int]]:
    """The port and the process of a server that runs, and that has answered."""
    port = free_port()
    environ = {**os.environ, NAME: name}
    process = subprocess.Popen(
        _command(name, port), env=environ, preexec_fn=on_first_core, stderr=subprocess.DEVNULL
    )
    try:
        _wait(name, port, request)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def _command(name: str, port: int) -> Sequence[str]:
    if name == FLASK:
        options = ["-w", "1", "-k", "gthread", "--threads", "8", "--log-level", "error"]
        bind = ["-b", f"127.0.0.1:{port}", "benchmarks.served:wsgi()"]
        return [sys.executable, "-m", "gunicorn", *options, *bind]
    options = ["--no-access-log", "--log-level", "error", "--port", str(port)]
    return [sys.executable, "-m", "uvicorn", "--factory", "benchmarks.served:app", *options]


def _wait(name: str, port: int, request: Request) -> None:
    """Until the server has answered once, and right."""
    body = request.body.replace("@@@@@@@@", "ffffffff").encode()
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}{request.path}", body, dict(request.headers)
    )
    deadline = time.monotonic() + _SECONDS_TO_START
    while True:
        try:
            with urllib.request.urlopen(asked, timeout=5) as answer:
                text = answer.read()
            break
        except OSError as error:
            if time.monotonic() > deadline:
                raise WrongAnswerError(f"{name} does not come up: {error}") from None
            time.sleep(0.05)
    if name != contestants.BARE and b"Booked for Rossi: 4 people" not in text:
        raise WrongAnswerError(f"{name} answered {text!r}")
