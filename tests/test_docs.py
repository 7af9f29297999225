"""What the README and the docs show, works as shown."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import io
import json
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest
import typer.main
from starlette.testclient import TestClient

import vapitools
from vapitools import ArgumentError, Events, ServerMessage, Settings, Tool, router
from vapitools._results import render
from vapitools.cli import app
from vapitools.events import ANSWERED
from vapitools.instrumentation import Outcome
from vapitools.playing import RULES, read_script
from vapitools.server_messages import CLASSES
from vapitools.testing import FakeVapi

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))
INDEX = ROOT / "docs" / "index.md"
PAGES = [*sorted(ROOT.glob("*.md")), *DOCS]

# The beginnings of lines that are not run here, each with the reason.
NOT_RUN = {
    "python3 -m venv": "the tests run in an environment of their own",
    ". .venv/bin/activate": "the same",
    "pip install": "the same",
    "git clone": "needs the network",
    "cd vapitools": "is what was cloned",
    "make ": "would run these tests within these tests",
}


@dataclass(frozen=True)
class Block:
    """A fenced block of a page. `shows` is the block behind it, where that is its output."""

    place: str
    line: int
    language: str
    text: str
    shows: Block | None = None


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    found: list[Block] = []
    fence = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    text = page.read_text("utf-8")
    for match in reversed(list(fence.finditer(text))):
        line = text[: match.start()].count("\n") + 1
        shows = found[-1] if found and found[-1].language in ("json", "text") else None
        place = f"{page.relative_to(ROOT)}:{line}"
        found.append(Block(place, line, match[1], match[2], shows))
    return found[::-1]


def pages_with(language: str) -> pytest.MarkDecorator:
    """A parameter for each page that has a block of that language."""
    found = [page for page in PAGES if any(b.language == language for b in blocks(page))]
    assert found
    return pytest.mark.parametrize("page", found, ids=[page.name for page in found])


def check_output(block: Block, output: str) -> None:
    """Compare with what the page shows, where `…` stands for anything."""
    assert block.shows is not None, f"{block.place} prints what the page does not show: {output}"
    if block.shows.language == "json":
        assert json.loads(output) == json.loads(block.shows.text), block.place
        return
    expected = re.escape(block.shows.text.rstrip()).replace("…", ".*")
    seen = "\n".join(line.rstrip() for line in output.rstrip().splitlines())
    assert re.fullmatch(expected, seen, re.DOTALL), f"{block.place} printed:\n{output}"


# --- Python -------------------------------------------------------------------------------


def run_python(page: Path) -> ModuleType:
    """Run the Python of a page, block after block, in one module."""
    module = ModuleType(f"page_{page.stem}")
    sys.modules[module.__name__] = module  # where pydantic looks for the names in a hint
    for block in blocks(page):
        if block.language == "python":
            code = "\n" * block.line + block.text
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(compile(code, str(page), "exec"), vars(module))
            if printed.getvalue():
                check_output(block, printed.getvalue())
            elif block.shows is not None:
                assert block.shows.language == "json", f"{block.place} prints nothing"
    return module


# As somebody has made them in the dashboard.
NOTE = {
    "type": "function",
    "function": {
        "name": "take_note",
        "description": "Note down what the caller wants.",
        "parameters": {
            "type": "object",
            "properties": {
                "text": {"type": "string", "description": "What is to be told."},
                "day": {"type": "string", "format": "date"},
                "urgency": {"type": "string", "enum": ["low", "high"]},
            },
            "required": ["text"],
        },
    },
    "messages": [{"type": "request-start", "content": "I write that down."}],
    "parameters": [{"key": "caller", "value": "{{customer.number}}"}],
    "server": {"url": "https://old.example.com/notes", "secret": "s3cret-of-theirs"},
}
MODEL = {
    "provider": "openai",
    "model": "gpt-4o",
    "messages": [{"role": "system", "content": "You answer the phone of a small office."}],
    "tools": [{"type": "endCall"}],
}
GIULIA = {"name": "Giulia", "firstMessage": "Office, hello!"}


@pytest.fixture
def account(page: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Vapi's API in memory, for the pages that need a key: an assistant and a number."""
    if "VAPI_API_KEY" not in page.read_text("utf-8"):
        yield
        return
    vapi = FakeVapi()
    vapi.add("assistant", {**GIULIA, "model": {**MODEL, "toolIds": [vapi.add("tool", NOTE)["id"]]}})
    vapi.add("phone-number", {"number": "+15550100001", "name": "Front desk"})
    with vapi.serve() as base_url:
        monkeypatch.setenv("VAPI_API_KEY", "test-key")
        monkeypatch.setenv("VAPI_BASE_URL", base_url)
        yield


@pytest.fixture
def current_loop() -> Iterator[None]:
    """An event loop that is there already, as Mangum wants one, and is closed again."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.close()
    asyncio.set_event_loop(None)


@pytest.fixture
def own_log_level() -> Iterator[None]:
    """A page may set the level of the log."""
    yield
    logging.getLogger("vapitools").setLevel(logging.NOTSET)


@pytest.mark.usefixtures("account", "current_loop", "own_log_level")
@pages_with("python")
def test_the_python_of_a_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(page, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("VAPI_SERVER_SECRET", "s3cret")
    monkeypatch.setitem(sys.modules, "bot", None)  # forgotten again when the test is over
    del sys.modules["bot"]

    run_python(page)


def write_files(page: Path, folder: Path) -> None:
    """Save the blocks that begin with the name of a file, as a reader does."""
    for source in (ROOT / "README.md", page):
        for block in blocks(source):
            if named := re.match(r"# (\w+\.(?:py|call\.yaml))\n", block.text):
                (folder / named[1]).write_text(block.text, "utf-8")


# --- the terminal -------------------------------------------------------------------------


class Terminal:
    """A folder in which the commands of a page run, and the server that it has started."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._exports: list[str] = []
        self._server: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        fixed = {"PATH": path, "COLUMNS": "100", "PYTHONUTF8": "1", "VAPI_SERVER_SECRET": ""}
        self._environ = {**os.environ, **fixed}

    def run(self, command: str) -> str:
        """Run a command as pasted and return what it prints.

        Raises:
            subprocess.CalledProcessError: It failed.
        """
        if command.startswith("export "):
            self._exports.append(command)
            return ""
        if command.startswith("vapitools serve ") and "--help" not in command:
            self._serve(command)
            return ""
        command = command.replace("127.0.0.1:8000", f"127.0.0.1:{self._port}")
        if command.startswith("vapitools apply ") and "--help" not in command:
            command += " --yes"  # what a reader answers
        done = subprocess.run(
            self._script(command), cwd=self._folder, env=self._environ, timeout=30,
            stdout=subprocess.PIPE, encoding="utf-8",
        )  # fmt: skip
        if not (done.returncode == 2 and command.startswith("vapitools plan ")):
            done.check_returncode()
        return done.stdout

    def _script(self, command: str) -> list[str]:
        return ["bash", "-ec", "\n".join([*self._exports, command])]

    def _serve(self, command: str) -> None:
        self.close()
        self._server = subprocess.Popen(
            self._script(f"exec {command} --port {self._port}"),
            cwd=self._folder, env=self._environ, start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + 20
        while not self._is_up():
            assert self._server.poll() is None, f"the server ended: {command}"
            assert time.monotonic() < deadline, f"the server does not answer: {command}"
            time.sleep(0.05)

    def _is_up(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/health", timeout=1):
                return True
        except OSError:
            return False

    def close(self) -> None:
        """Stop the server, with what it has started itself."""
        if self._server is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait()
            self._server = None


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal in an empty folder."""
    with contextlib.closing(Terminal(tmp_path)) as terminal:
        yield terminal


def commands(block: Block) -> list[str]:
    """The commands of a block; a curl's body may go on for some lines."""
    lines = re.split(r"\n(?=\S)", block.text.strip("\n"))
    return [line for line in lines if not line.startswith(tuple(NOT_RUN))]


@pytest.mark.usefixtures("account")
@pages_with("bash")
def test_the_commands_of_a_page_run(page: Path, tmp_path: Path, terminal: Terminal) -> None:
    if "curl http://" in page.read_text("utf-8") and not shutil.which("curl"):
        pytest.skip("curl is not installed")
    write_files(page, tmp_path)

    for block in blocks(page):
        if block.language == "bash":
            output = "".join(map(terminal.run, commands(block)))
            if output.strip() and block.shows is not None:
                check_output(block, output)
            assert "curl http://" not in block.text or block.shows, f"{block.place} shows no answer"


def test_each_line_that_is_not_run_is_still_there() -> None:
    lines = [line for page in PAGES for b in blocks(page) for line in b.text.splitlines()]

    for beginning in NOT_RUN:
        assert any(line.startswith(beginning) for line in lines), beginning


# --- tables -------------------------------------------------------------------------------


def rows(page: str, header: str) -> list[list[str]]:
    """The rows of the table whose header begins so, without backticks."""
    lines = (ROOT / "docs" / page).read_text("utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {header} |"))
    found: list[list[str]] = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        cells = re.split(r"(?<!\\)\|", line)[1:-1]
        found.append([cell.strip().replace("\\|", "|").strip("`") for cell in cells])
    assert found
    return found


@pytest.fixture(scope="module")
def schema_page() -> dict[str, Any]:
    """The names that the page on the schema defines."""
    return vars(run_python(ROOT / "docs" / "schema.md"))


@pytest.mark.parametrize(
    ("parameter", "seen", "required"),
    rows("schema.md", "Parameter | What the model sees"),
    ids=lambda cell: cell if ":" in cell and "{" not in cell else "",
)
def test_the_model_sees_what_the_table_says(
    schema_page: dict[str, Any], parameter: str, seen: str, required: str
) -> None:
    exec(f"@tool\ndef example({parameter}): ...", schema_page)

    example: Tool[..., Any] = schema_page["example"]
    properties = example.parameters["properties"]
    assert list(properties.values()) == ([] if seen == "nothing" else [json.loads(seen)])
    assert (
        required
        == {(): "–", (True,): "yes", (False,): "no"}[
            tuple(name in example.parameters["required"] for name in properties)
        ]
    )


@pytest.mark.parametrize(
    ("sent", "given"), rows("schema.md", "The model sends | The function gets")
)
def test_sloppy_arguments_are_put_right_as_the_table_says(
    schema_page: dict[str, Any], sent: str, given: str
) -> None:
    book: Tool[..., Any] = schema_page["book"]
    expected = eval(f"dict({given})", schema_page)

    got = asyncio.run(book.run(sent))

    assert {name: got[name] for name in expected} == expected


@pytest.mark.parametrize(("sent", "text"), rows("schema.md", "The model sends | The error"))
def test_arguments_that_do_not_fit_are_refused_as_the_table_says(
    schema_page: dict[str, Any], sent: str, text: str
) -> None:
    book: Tool[..., Any] = schema_page["book"]

    with pytest.raises(ArgumentError) as raised:
        asyncio.run(book.run(sent))

    assert str(raised.value) == text


@pytest.mark.parametrize(("returned", "text"), rows("tools.md", "Returned | The model reads"))
def test_a_result_is_written_as_the_table_says(returned: str, text: str) -> None:
    names: dict[str, Any] = {}
    exec("from datetime import date, datetime\nfrom decimal import Decimal", names)

    assert render(eval(returned, names), 10_000) == text


def names(cell: str) -> list[str]:
    """The names of a cell that holds several."""
    return re.findall(r"[^`, ]+", cell)


def test_the_table_of_messages_is_whole() -> None:
    listed = {
        type_: (class_, sorted(names(fields)))
        for types, class_, fields in rows("events.md", "Message | Class")
        for type_ in names(types)
    }

    assert listed == {
        type_: (
            class_.__name__,
            sorted(n for n in {*dir(class_)} - {*dir(ServerMessage)} if not n.startswith("_")),
        )
        for type_, class_ in CLASSES.items()
    }


ANSWERS = rows("events.md", "Message | What the handler returns")


@pytest.mark.parametrize(("type_", "_", "deadline", "fallback"), ANSWERS)
def test_a_message_without_an_answer_gets_the_fallback_of_the_table(
    type_: str, _: str, deadline: str, fallback: str
) -> None:
    events: Any = Events()
    events.on(type_)(lambda message: 1 / 0)
    client = TestClient(router(events=events, auth=None))

    answer = client.post("/webhook", json={"message": {"type": type_}}).text

    assert (json.loads(answer) if answer else None) == (
        None if fallback == "silence" else json.loads(fallback)
    )
    assert f"{events.answerer(type_).timeout:g} s" == deadline


def test_the_table_of_answers_is_whole() -> None:
    assert [type_ for type_, *_ in ANSWERS] == sorted(ANSWERED)


def test_the_table_of_settings_is_whole() -> None:
    listed = {
        name: (variable, default) for name, variable, default, _ in rows("webhook.md", "Setting")
    }

    assert list(listed) == [setting.name for setting in dataclasses.fields(Settings)]
    for setting in dataclasses.fields(Settings):
        variable, default = listed[setting.name]
        assert default == shown_default(setting.default)
        special = {
            "VAPITOOLS_DECRYPTION_KEYS": "-----BEGIN KEY-----\n-----END KEY-----",
            "VAPITOOLS_URL": "https://luigi.example.com",
        }
        text = special.get(names(variable)[0], "1")
        assert Settings.from_environ({names(variable)[0]: text}) != Settings()


def shown_default(value: Any) -> str:
    """A default as the table of settings has it."""
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return {None: "none", False: "off"}.get(value, str(value))


def test_the_table_of_errors_knows_every_outcome() -> None:
    text = (ROOT / "docs" / "webhook.md").read_text("utf-8")

    assert [outcome for outcome in get_args(Outcome) if f"`{outcome}`" not in text] == []


# --- nothing is missing -------------------------------------------------------------------


def test_every_public_name_is_in_the_table_of_names() -> None:
    listed = [name for cells in rows("index.md", "Name") for name in re.findall(r"\w+", cells[0])]

    assert sorted(listed) == sorted(vapitools.__all__)


def sections(page: str) -> dict[str, str]:
    """Heading → text of a page in docs."""
    text = re.sub(r"```.*?```", "", (ROOT / "docs" / page).read_text("utf-8"), flags=re.DOTALL)
    parts = re.split(r"^#+ (.+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def cli_options() -> dict[str, list[str]]:
    """The options of each command."""
    group: Any = typer.main.get_command(app)
    return {
        name: sorted(p.opts[0] for p in command.params if p.param_type_name == "option")
        for name, command in group.commands.items()
    }


@pytest.mark.parametrize("command", sorted(cli_options()))
def test_the_options_of_a_command_are_the_documented_ones(command: str) -> None:
    section = sections("cli.md")[f"vapitools {command}"]

    told = re.findall(r"^\| `(--[\w-]+)` \|", section, re.MULTILINE)
    assert sorted(told) == cli_options()[command]


@pages_with("json")
def test_the_json_of_a_page_is_json(page: Path) -> None:
    for block in blocks(page):
        if block.language == "json":
            json.loads(block.text)


@pages_with("yaml")
def test_the_call_files_of_a_page_can_be_read(page: Path) -> None:
    for block in blocks(page):
        if re.match(r"# \w+\.call\.yaml\n", block.text) or "\ncall: " in block.text:
            assert read_script(block.text, block.place).steps


def test_the_table_of_rules_is_whole() -> None:
    listed = dict(rows("playing.md", "Rule | What Vapi wants"))

    assert sorted(listed) == sorted(RULES)
    for name, rule in RULES.items():
        told = listed[name].replace("`", "").removesuffix(".").lower()
        assert name == "expected" or told == rule.text.lower()


# --- links --------------------------------------------------------------------------------


def links(page: Path) -> Sequence[str]:
    """Where a page points to, but for the web."""
    found: list[str] = re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))
    return [link for link in found if not link.startswith("http")]


def anchors(page: Path) -> set[str]:
    """The headings of a page as they stand in a link, the way GitHub writes them."""
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_can_be_reached_from_the_readme_and_the_index() -> None:
    from_readme = {(ROOT / link.partition("#")[0]).resolve() for link in links(ROOT / "README.md")}
    from_index = {(DOCS[0].parent / link.partition("#")[0]).resolve() for link in links(INDEX)}

    assert {page for page in DOCS if page != INDEX} <= from_readme & from_index
