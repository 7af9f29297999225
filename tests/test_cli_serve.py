"""`vapitools serve`: real processes, real HTTP, and what must not leave a caller waiting."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient
from typer.testing import CliRunner, Result

from vapitools import Settings, SharedSecret, router, tool
from vapitools.cli import app
from vapitools.cli._standin import Guarded, StandIn

from .servers import Server, message, post, serving, starting, until

BOT = """
import asyncio
import os
import time
from vapitools import tool

@tool
def add(a: int, day: str = "24") -> int:
    return a + 1

@tool
def hang() -> str:
    while True:
        time.sleep(1)

@tool
async def block() -> str:
    time.sleep(60)

@tool
async def block_politely() -> str:
    print("begun in", os.getpid(), flush=True)
    await asyncio.sleep(60)
"""
COUNTS_FROZEN = """
import gc
from vapitools import tool

@tool
def frozen() -> int:
    return gc.get_freeze_count()
"""
STREAM = """
import asyncio
from contextlib import asynccontextmanager
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

async def ticks():
    while True:
        yield b"tick"
        await asyncio.sleep(0.02)

async def stream(request):
    return StreamingResponse(ticks())

@asynccontextmanager
async def lifespan(app):
    yield
    print("closed", flush=True)

app = Starlette(routes=[Route("/stream", stream)], lifespan=lifespan)
"""
FAILING_LIFESPAN = """
from contextlib import asynccontextmanager

@asynccontextmanager
async def lifespan(app):
    raise OSError("no database")
    yield
"""
NOT_NOW = "The tools cannot be loaded right now. Offer to try again."


def hold_open(
    url: str, path: str, body: bytes | None = None, sent: bytes | None = None
) -> socket.socket:
    """Send a request to something that never ends, and wait until it has begun to be answered.

    Args:
        url: The server.
        path: What never ends.
        body: Of a POST, to which no answer is waited for.
        sent: As much of the body as is sent.
    """
    host, port = url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=15)
    method = "GET" if body is None else "POST"
    head = f"{method} {path} HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
    connection.sendall(f"{head}Content-Length: {len(body or b'')}\r\n\r\n".encode())
    connection.sendall((body or b"") if sent is None else sent)
    if body is None:
        connection.recv(100)
    return connection


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that others can reach, with a secret that is being rotated."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "bot.py").write_text(BOT)
    with serving(folder, "bot.py", "--host", "0.0.0.0", VAPI_SERVER_SECRET="new one, old") as made:
        yield made


def test_it_says_where_it_is_and_what_it_asks_for(server: Server) -> None:
    server.wait_for(r"Webhook: http://127.0.0.1:\d+/webhook \(asks for the secret in VAPI_SERVER_S")
    server.wait_for("Tools:   add, hang, block, block_politely\n")

    assert "new one" not in server.output


def test_the_line_to_try_works_as_pasted(server: Server) -> None:
    if shutil.which("curl") is None or os.name != "posix":
        pytest.skip("there is no curl here")
    line = server.wait_for("Try it:  (curl .*)")[1]

    ran = subprocess.run(
        ["sh", "-c", f"{line} --silent"],
        capture_output=True,
        env={**os.environ, "VAPI_SERVER_SECRET": "new one, old"},
    )

    assert ran.stdout == b'{"result":"2"}'


def test_each_call_is_one_line_in_the_log(server: Server) -> None:
    body = message(("add", {"a": 1}), ("fly", {}))
    body["message"]["call"] = {"id": "call-1"}

    post(f"{server.url}/webhook", body, **{"X-Vapi-Secret": "old"})

    line = r"\n\d\d:\d\d:\d\d {} [\d.]+ ms {} \(call call-1, tool call {}\)\n"
    server.wait_for(line.format("add", "ok", 0))
    server.wait_for(line.format("fly", "unknown_tool", 1))


def test_a_stranger_is_refused_and_logged(server: Server) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401"):
        post(f"{server.url}/webhook", message(), **{"X-Vapi-Secret": "guess"})

    server.wait_for(r"WARNING refused a request: .*")
    assert "guess" not in server.output


def test_others_are_not_shown_the_tools(server: Server) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{server.url}/tools", timeout=15)


def test_on_this_machine_no_secret_is_asked_for_and_the_tools_are_shown(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(BOT)

    with serving(tmp_path, "bot.py") as server:
        server.wait_for(r"\(asks for no secret: keep it on this machine, without a tunnel\)")
        with urllib.request.urlopen(f"{server.url}/tools", timeout=15) as response:
            definitions = json.load(response)

    assert [tool["function"]["name"] for tool in definitions] == [
        "add",
        "hang",
        "block",
        "block_politely",
    ]


EVENTS = """
from vapitools import Events, tool

events = Events()

@events.on("status-update")
def note(update): ...

@events.on_any
def note_all(message):
    print("told of", message.type, flush=True)
"""
ADD = """
@tool
def add(a: int) -> int:
    return a + 1
"""


def shown(server: Server) -> str:
    """The line to try."""
    if shutil.which("curl") is None or os.name != "posix":
        pytest.skip("there is no curl here")
    return server.wait_for("Try it:  (.*)")[1]


def test_handlers_of_events_are_served_without_tools(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(EVENTS)
    with serving(tmp_path, "bot.py") as server:
        ran = subprocess.run(["sh", "-c", f"{shown(server)} --silent"], capture_output=True)

        assert ran.stdout == b"{}"
        server.wait_for("told of status-update")
        assert "Events:  status-update, every message\n" in server.output
        assert "Tools:" not in server.output


@pytest.mark.parametrize("flags", [[], ["--reload"], ["--workers", "2"]], ids=" ".join)
def test_what_was_loaded_is_not_looked_through_for_garbage_while_callers_wait(
    tmp_path: Path, flags: list[str]
) -> None:
    (tmp_path / "bot.py").write_text(COUNTS_FROZEN)
    with serving(tmp_path, "bot.py", *flags) as server:
        answer = json.loads(post(f"{server.url}/tools/frozen", {}))

        assert int(answer["result"]) > 10_000


def test_where_nothing_can_be_typed_a_tool_is_tried_by_running_it(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(EVENTS + ADD)
    with serving(tmp_path, "bot.py", "--host", "0.0.0.0", VAPI_HMAC_SECRET="no shared") as server:
        line = shown(server)
        command = f"{sys.executable} -m vapitools.cli {line.removeprefix('vapitools ')}"
        ran = subprocess.run(["sh", "-c", command], capture_output=True, cwd=tmp_path)

        assert ran.stdout == b"2\n"
        assert "(asks for a signature made with VAPI_HMAC_SECRET)" in server.output
        assert "no shared" not in server.output
        with pytest.raises(urllib.error.HTTPError, match="401"):
            post(f"{server.url}/webhook", message())


def test_where_one_of_two_can_be_typed_it_is(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(EVENTS + ADD)
    secrets = {"VAPI_HMAC_SECRET": "no shared", "VAPI_SERVER_SECRET": "shared"}
    with serving(tmp_path, "bot.py", **secrets) as server:
        ran = subprocess.run(
            ["sh", "-c", f"{shown(server)} --silent"],
            capture_output=True,
            env={**os.environ, **secrets},
        )

        assert ran.stdout == b'{"result":"2"}'
        server.wait_for(r"asks for the secret in VAPI_SERVER_SECRET or a signature made with VAPI_")


# --- what must not hold the terminal ------------------------------------------------------


def test_nothing_that_never_ends_holds_up_ctrl_c(tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("stream", "hang", "block")}
    for name, folder in folders.items():
        folder.mkdir()
        (folder / "bot.py").write_text(STREAM if name == "stream" else BOT)
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(serving(folder, "bot.py")) for name, folder in folders.items()
        }
        stack.enter_context(hold_open(servers["stream"].url, "/stream"))
        stack.enter_context(hold_open(servers["hang"].url, "/tools/hang", b"{}"))
        stack.enter_context(hold_open(servers["block"].url, "/tools/block", b"{}"))
        time.sleep(0.2)  # until the tools have begun

        for server in servers.values():
            server.interrupt()

        for server in servers.values():
            assert server.process.wait(15) == 0, server.output
            assert not re.search("Traceback|failed", server.output)
        assert "closed" in servers["stream"].output


@pytest.mark.parametrize("sign", ["Watching", "loading"])
def test_ctrl_c_before_a_worker_serves_is_silent(tmp_path: Path, sign: str) -> None:
    (tmp_path / "bot.py").write_text("import time\nprint('loading', flush=True)\ntime.sleep(60)")
    with starting(tmp_path, "bot.py", "--reload") as server:
        server.wait_for(sign)
        time.sleep(0.1)  # in which Python loads this package, for the first sign

        server.interrupt()

        assert server.process.wait(15) in (0, 130)
        assert "Traceback" not in server.output


# --- ending while tools run ---------------------------------------------------------------

WAITING = """
import asyncio
import time
from pathlib import Path
from vapitools import router, tool

def said(word):
    Path(word).touch()

@tool
async def wait(a: int) -> int:
    said("waits")
    while not Path("go").exists():
        await asyncio.sleep(0.02)
    return a

@tool
def wait_in_thread(a: int) -> int:
    said("waits in a thread")
    while not Path("go").exists():
        time.sleep(0.02)
    return a

app = router([wait, wait_in_thread], auth=None)
"""
BRIEF = """
from pathlib import Path
from vapitools import tool

@tool(timeout=1)
def wait() -> str: ...
"""
MANY = ["--workers", "2"]


def test_sigterm_lets_running_tools_finish(tmp_path: Path) -> None:
    words = {"one": ["bot.py"], "many": ["bot.py", *MANY], "app": ["bot.py:app"]}
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        folders = {name: tmp_path / name for name in words}
        servers: list[Server] = []
        answers: list[Future[list[dict[str, Any]]]] = []
        for name, folder in folders.items():
            folder.mkdir()
            (folder / "bot.py").write_text(WAITING)
            server = stack.enter_context(serving(folder, *words[name]))
            servers.append(server)
            calls = [("wait", {"a": 1}), ("wait_in_thread", {"a": 2})]
            answers.append(pool.submit(server.call, *calls))
            until((folder / "waits").exists)
            until((folder / "waits in a thread").exists)

        for server in servers:
            server.process.terminate()
        time.sleep(3.5)  # longer than Ctrl-C would have waited for them

        assert all(is_refused(server.url) for server in servers)
        for folder in folders.values():
            (folder / "go").touch()
        for server, answer in zip(servers, answers, strict=True):
            assert [entry["result"] for entry in answer.result()] == ["1", "2"]
            assert server.process.wait(15) == 0, server.output
            assert "Traceback" not in server.output


@pytest.mark.parametrize("flags", [[], MANY], ids=["one", "many"])
def test_sigterm_waits_no_longer_than_the_longest_tool(tmp_path: Path, flags: list[str]) -> None:
    (tmp_path / "bot.py").write_text(BRIEF)
    with serving(tmp_path, "bot.py", *flags) as server, ExitStack() as stack:
        stack.enter_context(hold_open(server.url, "/tools/wait", b"{}", sent=b"{"))

        server.process.terminate()

        assert server.process.wait(6) == 0, server.output


REPORTS = """
import asyncio
from pathlib import Path
from vapitools import Events

events = Events()

@events.on("end-of-call-report")
async def keep(report):
    Path("waits").touch()
    while not Path("go").exists():
        await asyncio.sleep(0.02)
    Path("kept").touch()
"""


def test_sigterm_lets_handlers_of_events_finish(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(REPORTS)
    with serving(tmp_path, "bot.py") as server:
        report = {"message": {"type": "end-of-call-report"}}
        assert post(f"{server.url}/webhook", report) == b"{}"
        until((tmp_path / "waits").exists)

        server.process.terminate()
        time.sleep(3.5)  # longer than its connection, and then its lifespan, are waited for
        (tmp_path / "go").touch()

        assert server.process.wait(15) == 0, server.output
        assert (tmp_path / "kept").exists()


@pytest.mark.parametrize("flags", [[], MANY], ids=["one", "many"])
@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_ctrl_c_ends_a_server_that_is_ending_at_once(
    tmp_path: Path, flags: list[str], first: int
) -> None:
    (tmp_path / "bot.py").write_text(WAITING)
    with serving(tmp_path, "bot.py", *flags) as server, ExitStack() as stack:
        stack.enter_context(hold_open(server.url, "/tools/wait", b'{"a": 1}'))
        until((tmp_path / "waits").exists)

        os.killpg(server.process.pid, first)
        server.wait_for("Waiting for connections")
        server.interrupt()

        assert server.process.wait(15) == 130, server.output
        assert "Traceback" not in server.output


@pytest.mark.parametrize("heard", ["by the supervisor", "by every process"])
def test_ctrl_c_gives_a_tool_that_never_ends_a_few_seconds(tmp_path: Path, heard: str) -> None:
    (tmp_path / "bot.py").write_text(BOT)
    with serving(tmp_path, "bot.py", *MANY) as server, ThreadPoolExecutor() as pool:
        answer = pool.submit(server.call, ("block_politely", {}))
        worker = int(server.wait_for(r"begun in (\d+)")[1])

        if heard == "by every process":
            os.kill(worker, signal.SIGINT)
            server.wait_for("Waiting for connections")
        os.kill(server.process.pid, signal.SIGINT)

        assert answer.result()[0]["error"] == "The server was stopped. Offer to try again."
        assert server.process.wait(15) == 0, server.output


# --- several processes --------------------------------------------------------------------

PIDS = """
import os
import time
from vapitools import tool

@tool
async def pid() -> int:
    time.sleep(0.1)  # so that the other worker takes the next call
    return os.getpid()
"""


def pids(server: Server) -> set[int] | None:
    """Those of the two workers, once both have answered."""
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda _: server.call(("pid", {})), range(4)))
    found = {int(entry["result"]) for entries in answers for entry in entries}
    return found if len(found) == 2 else None


def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(PIDS)
    with serving(tmp_path, "bot.py", *MANY) as server:
        before = until(lambda: pids(server))
        victim = before.pop()

        os.kill(victim, signal.SIGKILL)
        server.wait_for(r"WARNING a worker ended \(exit code -9\); another takes its place")
        after = until(lambda: pids(server))

        assert victim not in after
        assert before < after
        assert server.output.count("Webhook:") == 1
        server.interrupt()
        assert server.process.wait(15) == 0, server.output
        assert "Traceback" not in server.output


def test_a_worker_that_cannot_be_replaced_ends_the_command(tmp_path: Path) -> None:
    bot = tmp_path / "bot.py"
    bot.write_text(PIDS)
    with serving(tmp_path, "bot.py", *MANY) as server:
        victim = until(lambda: pids(server)).pop()
        bot.write_text("import nosuch")

        os.kill(victim, signal.SIGKILL)

        assert server.process.wait(15) == 1, server.output
        assert server.output.count("Error: bot.py:1: ModuleNotFoundError") == 1


@pytest.mark.parametrize("flags", [[], ["--reload"], MANY], ids=["one", "reloading", "many"])
def test_a_credential_that_is_set_by_half_ends_the_command(
    tmp_path: Path, flags: list[str]
) -> None:
    (tmp_path / "bot.py").write_text(BOT)
    half = {"VAPI_OAUTH2_ISSUER": "https://issuer.example.com"}
    with starting(tmp_path, "bot.py", *flags, **half) as server:
        assert server.process.wait(15) == 2
        assert re.fullmatch(r"Error: VAPI_OAUTH2_\w+ .*\n", server.output)


def test_an_app_that_others_reach_has_checks_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(WAITING)
    with serving(tmp_path, "bot.py:app", *MANY, "--host", "0.0.0.0") as server:
        server.wait_for("Serving bot.py:app at http")


def test_a_worker_that_breaks_down_while_it_loads_ends_the_command(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)")
    with starting(tmp_path, "bot.py", *MANY) as server:
        assert server.process.wait(15) == 1
        assert server.output == (
            f"Error: a worker ended before it served ({signal.strsignal(signal.SIGSEGV)})\n"
        )


# --- reloading ----------------------------------------------------------------------------


def test_while_a_bot_does_not_load_each_call_is_answered_with_an_error(tmp_path: Path) -> None:
    bot = tmp_path / "bot.py"
    bot.write_text("import nosuch")
    calls = [("add", {"a": 1}), ("fly", "no JSON"), ("add", {"a": 2})]
    not_now = [
        {"name": name, "toolCallId": str(id_), "error": NOT_NOW}
        for id_, (name, _) in enumerate(calls)
    ]

    with serving(tmp_path, "bot.py", "--reload") as server:
        server.wait_for("Error: bot.py:1: ModuleNotFoundError: No module named 'nosuch'")
        assert server.call(*calls) == not_now

        bot.write_text(BOT)
        server.wait_for("Tools:   add, hang, block")
        assert server.call(("add", {"a": 1}))[0]["result"] == "2"

        bot.write_text(BOT + FAILING_LIFESPAN)
        server.wait_for(r"Error: bot.py:\d+: OSError: no database\nUntil it is repaired")
        assert server.call(*calls) == not_now

        bot.write_text(BOT)
        until(lambda: server.output.count("Tools:") == 2 or None, lambda: server.output)
        assert server.call(("add", {"a": 1}))[0]["result"] == "2"


def test_an_edit_within_the_second_is_not_missed(tmp_path: Path) -> None:
    bot = tmp_path / "bot.py"
    bot.write_text(BOT)

    with serving(tmp_path, "bot.py", "--reload", PYTHONDONTWRITEBYTECODE="") as server:
        time_of_edit = bot.stat().st_mtime_ns
        bot.write_text(BOT.replace("a + 1", "a + 3"))
        # Of the same length and time: Python's cache of compiled files takes it for the old one.
        os.utime(bot, ns=(time_of_edit, time_of_edit))
        until(lambda: server.output.count("Tools:") == 2 or None, lambda: server.output)

        assert server.call(("add", {"a": 1}))[0]["result"] == "4"


def test_an_open_stream_holds_up_no_reload(tmp_path: Path) -> None:
    bot = tmp_path / "bot.py"
    bot.write_text(STREAM)

    with serving(tmp_path, "bot.py:app", "--reload") as server, ExitStack() as stack:
        stack.enter_context(hold_open(server.url, "/stream"))
        bot.write_text(STREAM.replace("/stream", "/again"))
        stack.enter_context(until(lambda: again(server.url)))

        server.interrupt()
        assert server.process.wait(15) == 0, server.output
        assert "Traceback" not in server.output


def again(url: str) -> socket.socket | None:
    """The stream under its new path; None while the old app answers."""
    try:
        urllib.request.urlopen(f"{url}/again", timeout=15).close()
    except OSError:
        return None
    return hold_open(url, "/again")


@pytest.mark.parametrize("flags", [["--reload"], MANY], ids=["reloading", "many"])
def test_a_worker_ends_with_its_supervisor(tmp_path: Path, flags: list[str]) -> None:
    (tmp_path / "bot.py").write_text(BOT)
    with serving(tmp_path, "bot.py", *flags) as server:
        server.process.kill()

        until(lambda: is_refused(server.url) or None)


def is_refused(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/health", timeout=15).close()
    except OSError as error:
        return isinstance(getattr(error, "reason", error), ConnectionRefusedError)
    return False


# --- a server that does not start ---------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that the command is started from."""
    (tmp_path / "bot.py").write_text(BOT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("VAPI_SERVER_SECRET", "PORT"):
        monkeypatch.delenv(name, raising=False)
    yield tmp_path
    sys.modules.pop("bot", None)


def serve(*words: str) -> Result:
    return CliRunner().invoke(app, ["serve", *words])


@pytest.mark.parametrize(
    ("words", "text", "code"),
    [
        (["--host", "0.0.0.0"], "on 0.0.0.0 others can reach the tools; set VAPI_SERVER_SECRET", 2),
        (["--host", "0.0.0.0", "--reload"], "set VAPI_SERVER_SECRET to a secret", 2),
        (["--host", ""], "set VAPI_SERVER_SECRET to a secret", 2),
        (["--host", "nosuch.invalid"], "there is no host 'nosuch.invalid'", 2),
        (["--host", "192.0.2.1"], "192.0.2.1 is no address of this machine", 1),
        (["--port", "70000"], "'--port'", 2),
        (["--port", "http"], "'--port'", 2),
        (["--workers", "0"], "'--workers'", 2),
        (["--workers", "2", "--reload"], "--reload serves with one process; leave --workers", 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_address_that_cannot_be_used_is_one_line(
    folder: Path, words: list[str], text: str, code: int
) -> None:
    result = serve("bot.py", *(["--port", "0"] if "--port" not in words else []), *words)

    assert result.exit_code == code
    assert text in result.stderr
    assert not result.stdout


@pytest.mark.parametrize("reload", [[], ["--reload"]], ids=["once", "reloading"])
def test_a_port_in_use_is_one_line(folder: Path, reload: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        result = serve("bot.py", "--port", str(port), *reload)

    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: port {port} is in use; ")
    assert len(result.stderr.splitlines()) == 1


def test_the_port_can_come_from_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("PORT", str(taken.getsockname()[1]))

        assert serve("bot.py").stderr.startswith(f"Error: port {os.environ['PORT']} is in use")


@pytest.mark.parametrize(
    ("text", "flags", "said", "code"),
    [
        ("x =", [], "Error: bot.py:1: SyntaxError: invalid syntax\n", 1),
        ("", [], "Error: there are no tools in bot.py; put @tool on a function\n", 1),
        (BOT + FAILING_LIFESPAN, [], "Error: bot.py:29: OSError: no database\n", 1),
        (None, [], "Error: there is no file bot.py.\n", 2),
        (None, ["--reload"], "Error: there is no file bot.py.\n", 2),
        (None, MANY, "Error: there is no file bot.py.\n", 2),
        ("x =", MANY, "Error: bot.py:1: SyntaxError: invalid syntax\n", 1),
        (BOT + FAILING_LIFESPAN, MANY, "Error: bot.py:29: OSError: no database\n", 1),
        (
            BOT,
            [*MANY, "--host", "0.0.0.0"],
            "Error: on 0.0.0.0 others can reach the tools; set VAPI_SERVER_SECRET to a secret\n",
            2,
        ),
    ],
    ids=[
        "broken",
        "empty",
        "its lifespan fails",
        "missing",
        "missing, reloading",
        "missing, many",
        "broken, many",
        "its lifespan fails, many",
        "without a secret, many",
    ],
)
def test_a_bot_that_does_not_start_ends_the_command(
    tmp_path: Path, text: str | None, flags: list[str], said: str, code: int
) -> None:
    if text is not None:
        (tmp_path / "bot.py").write_text(text)

    ran = subprocess.run(
        [sys.executable, "-m", "vapitools.cli", "serve", "bot.py", "--port", "0", *flags],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=15,
    )

    assert (ran.returncode, ran.stderr) == (code, said)


# --- the apps around the bot's ------------------------------------------------------------


def test_the_stand_in_asks_for_the_same_secret() -> None:
    client = TestClient(StandIn(SharedSecret("s"), Settings()))

    assert client.post("/webhook", json=message(("add", {}))).status_code == 401


@pytest.mark.parametrize("path", ["/webhook", "/vapi/webhook", "/", "/tools/add", "/x/tools/add"])
def test_the_stand_in_answers_wherever_the_router_was(path: str) -> None:
    client = TestClient(StandIn(None, Settings()))

    response = client.post(path, json=message(("add", {})))

    assert response.json() == {"results": [{"name": "add", "toolCallId": "0", "error": NOT_NOW}]}


def test_the_stand_in_answers_bare_arguments_and_events() -> None:
    client = TestClient(StandIn(None, Settings()))

    assert client.post("/tools/add", json={"a": 1}).json() == {"error": NOT_NOW}
    assert client.post("/webhook", json={"message": {"type": "hang"}}).json() == {}


@tool
def ready() -> str:
    return "Yes."


@pytest.mark.parametrize("mounted", [False, True], ids=["a router", "an app of one's own"])
def test_an_app_that_fails_to_start_is_stood_in_for(mounted: bool) -> None:
    @asynccontextmanager
    async def lifespan(_: Any) -> Any:
        raise OSError("no database")
        yield

    tools = router([ready], auth=None, lifespan=None if mounted else lifespan)
    own = Starlette(routes=[Mount("/vapi", tools)], lifespan=lifespan) if mounted else tools
    reported: list[BaseException] = []

    with TestClient(Guarded(own, reported.append, StandIn(None, Settings()))) as client:
        answer = client.post("/vapi/webhook", json=message(("ready", {}))).json()

    assert answer["results"][0]["error"] == NOT_NOW
    assert [str(error) for error in reported] == ["no database"]


def test_an_app_that_is_cut_off_has_not_failed() -> None:
    @asynccontextmanager
    async def lifespan(_: Any) -> Any:
        await asyncio.sleep(60)
        yield

    reported: list[BaseException] = []
    guarded = Guarded(router([ready], auth=None, lifespan=lifespan), reported.append)

    async def start_and_give_up() -> None:
        events = asyncio.Queue[Any]()
        await events.put({"type": "lifespan.startup"})
        scope = {"type": "lifespan", "state": {}}
        await asyncio.wait_for(guarded(scope, events.get, events.put), 0.05)

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(start_and_give_up())
    assert reported == []


def test_an_app_that_fails_to_close_has_still_served() -> None:
    @asynccontextmanager
    async def lifespan(_: Any) -> Any:
        yield {}
        raise OSError("lost")

    reported: list[BaseException] = []
    guarded = Guarded(router([ready], auth=None, lifespan=lifespan), reported.append)

    with TestClient(guarded) as client:
        answer = client.post("/tools/ready", json={}).json()

    assert answer == {"result": "Yes."}
    assert [str(error) for error in reported] == ["lost"]
