"""Recording: what becomes a file, what does not, and that no call notices it."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import logging
import subprocess
import sys
import threading
import tracemalloc
import zlib
from dataclasses import replace
from multiprocessing.connection import Client
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from typer.testing import CliRunner

from vapitools import SharedSecret, messages, router, tool
from vapitools.cli import app as cli
from vapitools.recording import Folder, Recorder, Sender, _folder, shared
from vapitools.recording._folder import MAX_BYTES, Arrival

from .servers import Server, post, serving, until

JSON = {"content-type": "application/json"}


@tool
async def book(name: str = "") -> str:
    return f"Booked for {name}."


def tool_calls(call: str | None = "c-1", **arguments: Any) -> dict[str, Any]:
    """A message with one tool call."""
    entry = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "book", "arguments": arguments},
    }
    owner = {} if call is None else {"call": {"id": call}}
    return {"message": {"type": "tool-calls", "toolCallList": [entry], **owner}}


def said(text: str, call: str = "c-1") -> dict[str, Any]:
    """A message of another type."""
    return {"message": {"type": "transcript", "transcript": text, "call": {"id": call}}}


def recorded(folder: Path, *bodies: Any, app: Any = None) -> list[int]:
    """Post what is JSON, bytes, or keywords of a request; the status of each answer."""
    statuses: list[int] = []
    with TestClient(Recorder(app or router([book], auth=None), folder)) as client:
        for body in bodies:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            statuses.append(client.post("/webhook", content=content, headers=JSON).status_code)
    return statuses


def names(folder: Path) -> list[str]:
    """The files in it, by their path."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def kept(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))["message"]


# --- files --------------------------------------------------------------------------------


def test_each_call_has_a_folder_and_each_message_a_file(tmp_path: Path) -> None:
    recorded(tmp_path, said("Hello"), tool_calls(day="x"), tool_calls("c-2"), tool_calls(None))

    assert names(tmp_path) == [
        "call-0001/0001-transcript.json",
        "call-0001/0002-tool-calls.json",
        "call-0002/0001-tool-calls.json",
        "call-0003/0001-tool-calls.json",
    ]


def test_a_file_holds_the_body_as_it_came_without_what_is_private(tmp_path: Path) -> None:
    body = tool_calls(name="Maria Rossi", day="2026-12-24", party=4)

    recorded(tmp_path, {**body, "beside": [1, None]})

    text = (tmp_path / "call-0001" / "0001-tool-calls.json").read_text("utf-8")
    body["message"]["toolCallList"][0]["function"]["arguments"]["name"] = "Testbabe Samplebabi"
    body["message"]["call"]["id"] = "x-9"
    assert json.loads(text) == {**body, "beside": [1, None]}
    (call,) = messages.parse(text.encode()).tool_calls
    assert (call.id, call.name) == ("call_1", "book")


def test_nobody_else_can_read_them(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "recordings"

    recorded(folder, tool_calls())

    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "call-0001").stat().st_mode & 0o777 == 0o700
    assert (folder / "call-0001" / "0001-tool-calls.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("id_", ["../../evil", "/etc/x", "a\0b", "x" * 5000, "C:\\x", ".."])
def test_an_id_is_no_part_of_a_path(tmp_path: Path, id_: str) -> None:
    recorded(tmp_path / "in", tool_calls(id_), said("x", id_))

    assert names(tmp_path) == [
        "in/call-0001/0001-tool-calls.json",
        "in/call-0001/0002-transcript.json",
    ]


@pytest.mark.parametrize(
    ("type_", "name"),
    [
        ('transcript[transcriptType="final"]', "transcript-transcripttype-final"),
        ("../../evil", "evil"),
        ("", "message"),
        (7, "message"),
        ("a" * 500, "a" * 60),
        ("+14155552671", "15550100001"),
    ],
)
def test_a_type_is_no_path_either(tmp_path: Path, type_: Any, name: str) -> None:
    recorded(tmp_path, {"message": {"type": type_}})

    assert names(tmp_path) == [f"call-0001/0001-{name}.json"]


def test_what_is_there_already_is_left_alone(tmp_path: Path) -> None:
    recorded(tmp_path, tool_calls())
    before = (tmp_path / "call-0001" / "0001-tool-calls.json").read_bytes()
    (tmp_path / "call-notes").touch()
    (tmp_path / "call-0007").mkdir()

    recorded(tmp_path, tool_calls(day="later"))

    assert names(tmp_path)[:2] == [
        "call-0001/0001-tool-calls.json",
        "call-0008/0001-tool-calls.json",
    ]
    assert (tmp_path / "call-0001" / "0001-tool-calls.json").read_bytes() == before


def test_two_that_record_into_one_folder_share_no_call(tmp_path: Path) -> None:
    threads = [
        threading.Thread(
            target=recorded, args=[tmp_path, *[tool_calls(f"c-{i}") for i in range(5)]]
        )
        for _ in range(4)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(names(tmp_path)) == 20
    assert all(name.endswith("/0001-tool-calls.json") for name in names(tmp_path))


def test_a_message_that_takes_longer_to_answer_keeps_its_place(tmp_path: Path) -> None:
    async def deliver() -> None:
        came, may_end = asyncio.Event(), asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            event = await receive()
            if b"tool-calls" in event["body"]:
                came.set()
                await may_end.wait()
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body"})

        recorder = Recorder(app, tmp_path)
        slow = asyncio.create_task(delivered(recorder, tool_calls()))
        await came.wait()
        for text in ("first", "second"):
            await delivered(recorder, said(text))
        may_end.set()
        await slow

    asyncio.run(deliver())
    until(lambda: len(names(tmp_path)) == 3 or None)

    assert names(tmp_path) == [
        "call-0001/0001-tool-calls.json",
        "call-0001/0002-transcript.json",
        "call-0001/0003-transcript.json",
    ]
    assert kept(tmp_path / names(tmp_path)[2])["transcript"] == "second"


async def delivered(app: Any, body: Any, *chunks: bytes) -> list[Any]:
    """The events of the answer to a body, sent in chunks."""
    parts = list(chunks) or [json.dumps(body).encode()]
    answer: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(event: Any) -> None:
        answer.append(event)

    scope = {
        "type": "http", "method": "POST", "path": "/webhook", "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }  # fmt: skip
    await app(scope, receive, send)
    return answer


# --- within a call ------------------------------------------------------------------------


def test_what_a_message_tells_is_taken_out_of_those_before_and_after_it(tmp_path: Path) -> None:
    recorded(
        tmp_path,
        said("I am Maria Rossi, of\nVia Roma 12."),
        said("Maria Rossi", "c-2"),
        tool_calls(name="Maria Rossi", address="Via Roma 12"),
        said("Bye, Maria."),
    )

    folder = tmp_path / "call-0001"
    assert kept(folder / "0001-transcript.json")["transcript"] == (
        "I am Testbabe Samplebabi, of\n1 Sample Street."
    )
    assert kept(folder / "0003-transcript.json")["transcript"] == "Bye, Testbabe."
    # Another call is another conversation.
    assert kept(tmp_path / "call-0002" / "0001-transcript.json")["transcript"] == "Maria Rossi"
    assert names(tmp_path) == [
        "call-0001/0001-transcript.json",
        "call-0001/0002-tool-calls.json",
        "call-0001/0003-transcript.json",
        "call-0002/0001-transcript.json",
    ]
    assert (folder / "0001-transcript.json").stat().st_mode & 0o777 == 0o600


def test_a_file_that_somebody_has_deleted_is_no_trouble(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    keep(folder, said("I am Maria."))
    (tmp_path / "call-0001" / "0001-transcript.json").unlink()

    keep(folder, tool_calls(name="Maria"), moment=-1)

    assert names(tmp_path) == ["call-0001/0001-tool-calls.json"]


def keep(folder: Folder, body: Any, *, moment: int = 0) -> None:
    folder.keep(Arrival(moment, b"", json.dumps(body).encode()))


def test_only_the_last_calls_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_folder, "_MAX_CALLS", 2)
    folder = Folder(tmp_path)

    for call in ("a", "b", "a", "c", "a", "b"):
        keep(folder, tool_calls(call))

    assert names(tmp_path) == [
        "call-0001/0001-tool-calls.json",
        "call-0001/0002-tool-calls.json",
        "call-0001/0003-tool-calls.json",
        "call-0002/0001-tool-calls.json",
        "call-0003/0001-tool-calls.json",
        "call-0004/0001-tool-calls.json",
    ]


# --- what is left out ---------------------------------------------------------------------


def test_only_what_was_let_in_and_is_a_message_is_kept(tmp_path: Path) -> None:
    app = router([book], auth=SharedSecret("s3cret"))

    with TestClient(Recorder(app, tmp_path)) as client:
        secret = {"x-vapi-secret": "s3cret"}
        assert client.post("/webhook", json=tool_calls()).status_code == 401
        assert client.post("/webhook", json=tool_calls(), headers={"x-vapi-secret": "no"})
        assert client.post("/nowhere", json=tool_calls(), headers=secret).status_code == 404
        assert client.get("/health").status_code == 200
        assert client.post("/tools/book", json={"name": "x"}, headers=secret).status_code == 200
        assert client.post("/tools/book", json=tool_calls(), headers=secret).status_code == 200

    assert names(tmp_path) == ["call-0001/0001-tool-calls.json"]


def test_of_an_app_of_ones_own_only_messages_are_kept(tmp_path: Path) -> None:
    async def anything(request: Request) -> Response:
        await request.body()
        return JSONResponse({}, status_code=int(request.query_params.get("status", 200)))

    app = Starlette(routes=[Route("/x", anything, methods=["POST", "PUT"])])
    with TestClient(Recorder(app, tmp_path)) as client:
        client.post("/x", json={"type": "hang"})
        client.post("/x", json={"message": "hello"})
        client.post("/x", json=[tool_calls()])
        client.post("/x", data={"message": "form"})
        client.post("/x", json=tool_calls(), headers={"content-type": "text/plain"})
        client.post("/x?status=201", json=tool_calls())
        client.put("/x", json=tool_calls())
        client.post("/x", json=said("kept"))

    assert names(tmp_path) == ["call-0001/0001-transcript.json"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"[1]", "a body that is no JSON object (1 so far)"),
        (json.dumps(said("hush" * MAX_BYTES)).encode(), "a body of more than 1048576 bytes"),
        (b'{"message": {"x": ' + b"[" * 900 + b"]" * 900 + b"}}", "nested too deeply"),
    ],
    ids=["no object", "too large", "too deep"],
)
def test_what_cannot_be_kept_is_counted_without_a_word_of_it(
    tmp_path: Path, content: bytes, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert recorded(tmp_path, content, tool_calls()) == [200, 200]

    assert names(tmp_path) == ["call-0001/0001-tool-calls.json"]
    lines = [r.getMessage() for r in caplog.records if r.getMessage().startswith("not recorded")]
    assert len(lines) == 1
    assert why in lines[0]
    assert "hush" not in caplog.text


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_compressed_body_is_kept_as_text(tmp_path: Path, encoding: str) -> None:
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    headers = {**JSON, "content-encoding": encoding}

    with TestClient(Recorder(router([book], auth=None), tmp_path)) as client:
        for text in ("hello", "x" * 2 * MAX_BYTES):
            packed = pack(json.dumps(said(text)).encode())
            assert client.post("/webhook", content=packed, headers=headers).status_code == 200

    assert names(tmp_path) == ["call-0001/0001-transcript.json"]
    assert kept(tmp_path / "call-0001" / "0001-transcript.json")["transcript"] == "hello"


# --- no call notices ----------------------------------------------------------------------


def test_the_answer_and_the_request_are_not_changed(tmp_path: Path) -> None:
    plain = router([book], auth=None)
    text = json.dumps(tool_calls(name="Maria")).encode()
    chunks = [text[:10], b"", text[10:]]

    answers = [
        asyncio.run(delivered(app, None, *chunks)) for app in (plain, Recorder(plain, tmp_path))
    ]

    assert answers[0] == answers[1]
    until(lambda: names(tmp_path) or None)


def test_of_a_body_that_is_too_large_nothing_is_held(tmp_path: Path) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body"})

    left = iter(range(19, -1, -1))

    async def receive() -> Any:
        return {"type": "http.request", "body": bytes(MAX_BYTES), "more_body": next(left) > 0}

    async def send(event: Any) -> None: ...

    tracemalloc.start()
    recorder = Recorder(app, tmp_path)
    asyncio.run(recorder({"type": "http", "method": "POST", "headers": []}, receive, send))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 5 * MAX_BYTES


class Slow:
    """What keeps, once it may."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.kept: list[Any] = []

    def keep(self, arrival: Any) -> None:
        self.may.wait(15)
        self.kept.append(arrival)


def test_an_answer_does_not_wait_for_what_is_written(caplog: pytest.LogCaptureFixture) -> None:
    slow = Slow()
    with TestClient(Recorder(router([book], auth=None), slow)) as client:
        statuses = [client.post("/webhook", json=tool_calls()).status_code for _ in range(80)]

        assert statuses == [200] * 80
        assert slow.kept == []
        slow.may.set()

    assert len(slow.kept) == 64
    assert caplog.text.count("recording is too slow") == 1


def test_a_keeper_that_fails_is_logged_without_what_it_says(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Failing:
        def keep(self, arrival: Any) -> None:
            raise ValueError("Maria")

    with TestClient(Recorder(router([book], auth=None), Failing())) as client:
        assert client.post("/webhook", json=tool_calls()).status_code == 200

    assert "a message is not recorded: ValueError" in caplog.text
    assert "Maria" not in caplog.text


def test_a_folder_that_cannot_be_written_is_said_once_and_hurts_no_call(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "rec").write_text("a file")

    assert recorded(tmp_path / "rec", tool_calls(), tool_calls(), tool_calls("c-2")) == [200] * 3

    lines = [record for record in caplog.records if "cannot record" in record.getMessage()]
    assert len(lines) == 1
    assert lines[0].levelno == logging.WARNING
    assert "\n" not in lines[0].getMessage()


# Files of this process cannot grow beyond that, as on a disk that is full.
FULL = """
import json, pathlib, resource, sys
from vapitools.recording import Folder
from vapitools.recording._folder import Arrival

folder = Folder(sys.argv[1])

def keep(text, moment=0, **more):
    message = {"type": "transcript", "transcript": text, "call": {"id": "c"}, **more}
    folder.keep(Arrival(moment, b"", json.dumps({"message": message}).encode()))

keep("I am Maria. " + "x" * 3000)
keep("So, Maria. " + "x" * 3000)
keep("nothing private")
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
keep("y" * 3000, moment=-1)  # the others have made room by then
keep("z" * 3000)
keep("short", customer={"name": "Maria"})
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
keep("again")
keep("at last")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_a_full_disk_leaves_no_half_file_and_nothing_that_is_known_to_be_private(
    tmp_path: Path,
) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True
    )

    assert ran.stderr.count("cannot record in") == 1
    assert ran.stderr.count("\n") == 1
    texts = {name: kept(tmp_path / name)["transcript"] for name in names(tmp_path)}
    assert list(texts.values()) == ["nothing private", "again", "at last"]


def test_a_worker_that_cannot_hand_on_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with shared(tmp_path) as line:
        pass
    sender = Sender(line)

    for _ in range(3):
        sender.keep(Arrival(0, b"", b"{}"))

    assert caplog.text.count("cannot hand on what is to be recorded") == 1
    assert line.key.hex() not in repr(line)
    assert "key" not in repr(line)


def test_what_workers_have_handed_on_is_kept_before_the_end(tmp_path: Path) -> None:
    with shared(tmp_path) as line:
        sender = Sender(line)
        for number in range(50):
            sender.keep(Arrival(number, b"", json.dumps(said("x" * 20_000)).encode()))
        del sender

    assert len(names(tmp_path)) == 50


def test_a_stranger_cannot_hand_on_anything(tmp_path: Path) -> None:
    body = json.dumps(tool_calls()).encode()

    with shared(tmp_path) as line:
        Sender(replace(line, key=b"guessed")).keep(Arrival(0, b"", body))
        sender = Sender(line)
        sender.keep(Arrival(0, b"", body))
        until(lambda: names(tmp_path) or None)

    assert len(names(tmp_path)) == 1


class Marking:
    """What is unpickled makes a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self._path,)


def test_nothing_that_is_handed_on_is_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "unpickled"

    with shared(tmp_path / "rec") as line:
        with Client(line.address, authkey=line.key) as connection:
            connection.send(Marking(path))
            connection.send((0, b"", Marking(path)))
            connection.send_bytes(b"[]\n")
        Sender(line).keep(Arrival(0, b"", None))
        Sender(line).keep(Arrival(1, b"", json.dumps(tool_calls()).encode()))
        until(lambda: (tmp_path / "rec").is_dir() and names(tmp_path / "rec"))

    assert not path.exists()
    assert len(names(tmp_path / "rec")) == 1


def test_a_message_that_cannot_be_kept_costs_that_one_and_is_logged_without_what_it_says(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    keep_really = Folder.keep

    def keep_or_fail(self: Folder, arrival: Arrival) -> None:
        if b"Maria" in (arrival.body or b""):
            raise ValueError(arrival.body)
        keep_really(self, arrival)

    monkeypatch.setattr(Folder, "keep", keep_or_fail)
    with shared(tmp_path) as line:
        sender = Sender(line)
        for text in ("Hello?", "Maria here.", "Bye."):
            sender.keep(Arrival(0, b"gzip", gzip.compress(json.dumps(said(text)).encode())))
            sender.keep(Arrival(0, b"", json.dumps(said(text)).encode()))
        until(lambda: len(names(tmp_path)) == 5)
        del sender

    assert len(names(tmp_path)) == 5
    assert "a message is not recorded: ValueError" in caplog.text
    assert "Maria" not in caplog.text + capfd.readouterr().err


def test_a_worker_that_ends_while_it_says_who_it_is_shuts_nobody_out(tmp_path: Path) -> None:
    with shared(tmp_path) as line:
        Client(line.address).close()
        arrival = Arrival(0, b"", json.dumps(tool_calls()).encode())
        threading.Thread(target=Sender(line).keep, args=[arrival], daemon=True).start()
        until(lambda: names(tmp_path))

    assert len(names(tmp_path)) == 1


def test_workers_that_have_ended_are_forgotten(tmp_path: Path) -> None:
    def readers() -> list[threading.Thread]:
        gc.collect()
        threads = [each for each in gc.get_objects() if type(each) is threading.Thread]
        return [each for each in threads if "(_read)" in each.name]

    before = len(readers())
    with shared(tmp_path) as line:
        for number in range(5):
            sender = Sender(line)
            sender.keep(Arrival(number, b"", json.dumps(tool_calls(str(number))).encode()))
            until((tmp_path / f"call-{number + 1:04d}").is_dir)
            del sender
            until(lambda: not any(each.is_alive() for each in readers()))

        assert len(readers()) == before + 1


# --- vapitools serve --record -------------------------------------------------------------

BOT = """
import os
from vapitools import tool

@tool
def book(name: str = "") -> int:
    return os.getpid()
"""
APP = """
from starlette.applications import Starlette
from starlette.routing import Mount
from vapitools import router
from bot import book

app = Starlette(routes=[Mount("/vapi", router([book], auth=None))])
"""
WEBHOOK = "/webhook"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bot.py").write_text(BOT)
    (tmp_path / "mine.py").write_text(APP)
    return tmp_path


def deliver(server: Server, *bodies: Any, path: str = WEBHOOK) -> list[Any]:
    return [json.loads(post(f"{server.url}{path}", body)) for body in bodies]


def test_serve_records_and_says_so(folder: Path) -> None:
    with serving(folder, "bot.py", "--record", "rec") as server:
        assert f"Records: every message, in {folder / 'rec'}\n" in server.output
        assert "Do not leave this on in production" in server.output
        deliver(server, said("I am Maria."), tool_calls(name="Maria"))

        until(lambda: len(names(folder / "rec")) == 2 or None)

    assert kept(folder / "rec" / "call-0001" / "0001-transcript.json")["transcript"] == (
        "I am Testbabe."
    )
    assert "Maria" not in server.output


def test_without_the_flag_nothing_is_recorded(folder: Path) -> None:
    with serving(folder, "bot.py") as server:
        deliver(server, tool_calls())

        assert "Records" not in server.output
    assert [path.suffix for path in folder.rglob("*") if path.suffix == ".json"] == []


def test_several_workers_record_a_call_as_one(folder: Path) -> None:
    with serving(folder, "bot.py", "--workers", "2", "--record", "rec") as server:
        workers: set[str] = set()

        def both_have_answered() -> bool:
            (answer,) = deliver(server, tool_calls(name="Maria Rossi", phone="+14155552671"))
            workers.add(answer["results"][0]["result"])
            return len(workers) == 2

        until(lambda: both_have_answered() or None)
        deliver(server, said("Maria, (415) 555-2671?"))
        assert server.output.count("Records:") == 1
        server.interrupt()
        assert server.process.wait(15) == 0, server.output

    *calls, last = names(folder / "rec")
    assert {name.partition("/")[0] for name in calls} == {"call-0001"}
    assert len({(folder / "rec" / name).read_text() for name in calls}) == 1
    assert kept(folder / "rec" / last)["transcript"] == "Testbabe, (555) 010-0001?"


def test_a_reload_does_not_divide_a_call(folder: Path) -> None:
    with serving(folder, "bot.py", "--reload", "--record", "rec") as server:
        server.wait_for("Tools:")
        deliver(server, tool_calls(name="Maria Rossi"))
        (folder / "bot.py").write_text(BOT.replace('name: str = ""', 'name: str = "x"'))
        until(lambda: server.output.count("Tools:") == 2 or None, lambda: server.output)
        deliver(server, said("Maria?"))
        until(lambda: len(names(folder / "rec")) == 2 or None, lambda: server.output)

    assert kept(folder / "rec" / "call-0001" / "0002-transcript.json")["transcript"] == "Testbabe?"


def test_what_the_stand_in_answers_is_recorded_too(folder: Path) -> None:
    (folder / "bot.py").write_text("import nosuch")
    with serving(folder, "bot.py", "--reload", "--record", "rec") as server:
        server.wait_for("Until it is repaired")
        deliver(server, tool_calls())
        until(lambda: names(folder / "rec") or None, lambda: server.output)


def test_an_app_of_ones_own_is_recorded(folder: Path) -> None:
    with serving(folder, "mine.py:app", "--record", "rec") as server:
        deliver(server, tool_calls(), path="/vapi/webhook")
        until(lambda: names(folder / "rec") or None)


def test_what_was_answered_before_the_end_is_written(folder: Path) -> None:
    with serving(folder, "bot.py", "--record", "rec") as server:
        deliver(server, *[said("x" * 50_000) for _ in range(30)])
        server.interrupt()
        assert server.process.wait(15) == 0, server.output

    assert len(names(folder / "rec")) == 30


def test_a_folder_that_cannot_be_is_one_line(folder: Path) -> None:
    (folder / "rec").write_text("a file")

    result = CliRunner().invoke(
        cli, ["serve", str(folder / "bot.py"), "--port", "0", "--record", str(folder / "rec")]
    )

    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: --record {folder / 'rec'}: ")
    assert len(result.stderr.splitlines()) == 1
