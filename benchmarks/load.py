"""Sends one request after the other over many connections, and counts the answers.

`wrk` does it where it is installed; else a loop of our own, in a process of its own:
`python -m benchmarks.load PORT CONNECTIONS SECONDS NUMBER` reads what to send from its input.
"""

from __future__ import annotations

import itertools
import json
import re
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

# The last core; the server runs on the others.
from .cores import on_last_core
from .proof import WrongAnswerError

_MARK = b"@@@@@@@@"

# Every request is another call, also in the next round, or the ledger would answer it.
_NUMBERS = itertools.count(step=1_000_000)
_SCRIPT = """
local function read(path)
  local file = io.open(path, "rb")
  local text = file:read("*a")
  file:close()
  return text
end
local head, tail, number, headers = read("{head}"), read("{tail}"), {number}, {{}}
{headers}
function request()
  number = number + 1
  local body = head .. string.format("%08x", number) .. tail
  return wrk.format("POST", "{path}", headers, body)
end
"""


@dataclass(frozen=True)
class Request:
    """What is sent: `@@@@@@@@` in the body becomes another number each time."""

    path: str
    headers: Mapping[str, str]
    body: str

    def parts(self) -> tuple[bytes, bytes]:
        """The body before the number and after it."""
        head, _, tail = self.body.encode().partition(_MARK)
        return head, tail


def is_wrk_there() -> bool:
    """Whether `wrk` is installed."""
    return shutil.which("wrk") is not None


def requests_per_second(port: int, request: Request, connections: int, seconds: float) -> float:
    """How many were answered with 200.

    Raises:
        WrongAnswerError: One was answered with something else.
    """
    measure = _by_wrk if is_wrk_there() else _by_ourselves
    return measure(port, request, connections, seconds)


def _by_wrk(port: int, request: Request, connections: int, seconds: float) -> float:
    head, tail = request.parts()
    with tempfile.TemporaryDirectory() as folder:
        files = {"head": Path(folder, "head"), "tail": Path(folder, "tail")}
        files["head"].write_bytes(head)
        files["tail"].write_bytes(tail)
        headers = "\n".join(f'headers["{name}"] = "{v}"' for name, v in request.headers.items())
        script = Path(folder, "load.lua")
        script.write_text(
            _SCRIPT.format(head=files["head"], tail=files["tail"], number=next(_NUMBERS),
                           path=request.path, headers=headers)
        )  # fmt: skip
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
        command += ["-s", str(script), f"http://127.0.0.1:{port}"]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, preexec_fn=on_last_core
        )
    found = re.search(r"Requests/sec:\s*([\d.]+)", done.stdout)
    if found is None or "Non-2xx" in done.stdout:
        raise WrongAnswerError(f"wrk saw other answers than 200:\n{done.stdout}")
    return float(found[1])


def _by_ourselves(port: int, request: Request, connections: int, seconds: float) -> float:
    numbers = map(str, (port, connections, seconds, next(_NUMBERS)))
    command = [sys.executable, "-m", __name__, *numbers]
    done = subprocess.run(
        command,
        input=json.dumps(asdict(request)),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=on_last_core,
    )
    if done.returncode:
        raise WrongAnswerError(done.stderr)
    return float(done.stdout)


class Turns:
    """Many requests at once, and then their answers, as often as it is asked for.

    What they cost is the processor's time of the server, which says the same as requests per
    second on one core. But a turn takes milliseconds, so contestants can take turns so often
    that a slow moment of the machine hits all of them.

    Args:
        port: Where the server is.
        request: What is sent.
        connections: How many at once.
        cpu_seconds: What the server has taken of the processor's time until now.
    """

    def __init__(
        self, port: int, request: Request, connections: int, cpu_seconds: Callable[[], float]
    ) -> None:
        self._connections = [_Connection(port) for _ in range(connections)]
        self._head, self._tail = _pieces(request)
        self._cpu_seconds = cpu_seconds
        self._numbers = itertools.count(next(_NUMBERS))

    def __call__(self) -> float:
        """One turn: seconds of the server's processor for each request."""
        before = self._cpu_seconds()
        for connection in self._connections:
            connection.send([self._head, b"%08x" % next(self._numbers), self._tail])
        for connection in self._connections:
            while not connection.is_answered():
                pass
        # What is left to the event loop until after the answer is a part of it.
        time.sleep(0.002)
        return (self._cpu_seconds() - before) / len(self._connections)


class _Connection:
    """One connection, with one request under way."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""

    def send(self, pieces: Sequence[bytes]) -> None:
        """Send one request; the socket is taken for large enough to wait for nobody."""
        self.sock.sendall(b"".join(pieces))
        self.received = b""

    def is_answered(self) -> bool:
        """Take what has come; whether that is the whole answer."""
        self.received += self.sock.recv(65536)
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return False
        if not head.startswith(b"HTTP/1.1 200"):
            raise WrongAnswerError(head.decode(errors="replace"))
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        return length is not None and len(body) >= int(length[1])


def _run(port: int, request: Request, connections: int, seconds: float, number: int) -> float:
    head, end = _pieces(request)
    sent, answered = number, 0
    selector = selectors.DefaultSelector()
    for connection in [_Connection(port) for _ in range(connections)]:
        selector.register(connection.sock, selectors.EVENT_READ, connection)
        connection.send([head, b"%08x" % (sent := sent + 1), end])
    began = time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        for key, _ in selector.select():
            if key.data.is_answered():
                answered += 1
                key.data.send([head, b"%08x" % (sent := sent + 1), end])
    return answered / passed


def _pieces(request: Request) -> tuple[bytes, bytes]:
    """What is sent before the number and after it."""
    start, end = request.parts()
    length = len(start) + len(_MARK) + len(end)
    lines = [f"POST {request.path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {length}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + start, end


if __name__ == "__main__":
    given = Request(**json.loads(sys.stdin.read()))
    port, connections, seconds, number = sys.argv[1:]
    print(_run(int(port), given, int(connections), float(seconds), int(number)))
