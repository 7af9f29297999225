"""What is found in a bot by reading it, and by asking its server."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from vapitools import (
    AllOf,
    AnyOf,
    Assistant,
    BearerToken,
    Events,
    HmacSignature,
    OAuth2,
    OnlyFrom,
    Settings,
    SharedSecret,
    Tool,
    Toolset,
    router,
    tool,
)
from vapitools.auth import Verifier
from vapitools.checks import LEVELS, Finding, _declared, _live, check, probe
from vapitools.server_messages import CHOOSABLE

from .live import serving
from .openapi import schemas
from .signatures import Signature, examples, signatures

SET = Settings(server_secrets=("s3cret",))

START = """
import asyncio, functools, sqlite3, subprocess, time, urllib.request
import sqlite3 as sql
from contextlib import suppress
from datetime import date
from time import sleep as nap
from typing import Annotated, Literal

import httpx
from pydantic import BaseModel, Field

from vapitools import *

"""
BOOK = '''
@tool
def book_table(day: date, area: Literal["inside", "garden"] = "inside") -> str:
    """Book a table. Ask for the day first.

    Args:
        day: The day the caller wants to come.
    """
'''
LUIGI = (
    "luigi = Assistant(name='Luigi', model='openai/gpt-4o', system_prompt='Use book_table.', "
    "tools=[book_table]{})\n"
)


def load(folder: Path, code: str) -> ModuleType:
    """The module of a bot, whose file is in the folder."""
    path = folder / "bot.py"
    path.write_text(START + code)
    module = ModuleType("bot")
    exec(compile(path.read_text(), str(path), "exec"), vars(module))
    return module


def found(folder: Path, code: str, settings: Settings = SET) -> list[Finding]:
    """What is found in a bot."""
    module = load(folder, code)
    values = list(vars(module).values())
    tools = {id(value): value for value in values if isinstance(value, Tool)}
    assistants = [value for value in values if isinstance(value, Assistant)]
    events = vars(module).get("events")
    return check(
        vars(module).get("tools") or Toolset(tools.values()),
        assistants,
        events,
        module=module,
        settings=settings,
    )


def described(text: str, parameters: str = "", keywords: str = "") -> str:
    """A tool with this description."""
    return f'@tool({keywords})\ndef find_tables({parameters}) -> str:\n    """{text}"""\n'


def line(finding: Finding) -> int:
    """Where a finding points to, below the start of the bot."""
    assert finding.place is not None
    return int(finding.place.rpartition(":")[2]) - START.count("\n")


# --- tools --------------------------------------------------------------------------------

FINE = "Find free tables for a day."
WIDE = ", ".join(f"parameter_{n}: Annotated[str, 'What it is.']" for n in range(12))
DEEP = """
class Guest(BaseModel):
    first_name: str
    last_name: str
    phone: str
    street: str
    city: str
"""
PARAMETERS = [f"p{n}: Annotated[str, '{'Word. ' * 40}'] = ''" for n in range(20)]
LONG_TEXT = ", ".join(PARAMETERS)
MIDDLING = "".join(
    f"@tool\ndef look_{n}({', '.join(PARAMETERS[:12])}) -> str:\n    'Look for the number {n}.'\n"
    for n in range(6)
)

TOOLS = {
    "sound": (BOOK, []),
    "no description": ("@tool\ndef find_tables() -> str: ...\n", ["no-description"]),
    "bare": (described("Find."), ["bare-description"]),
    "19 characters": (described("x" * 19), ["bare-description"]),
    "20 characters": (described("x" * 20), []),
    "800 characters": (described("x" * 800), []),
    "801 characters": (described("x" * 801), ["long-description"]),
    "the same description": (
        BOOK + BOOK.replace("book_table", "reserve"),
        ["same-description"],
    ),
    "the same description three times": (
        BOOK + BOOK.replace("book_table", "reserve") + BOOK.replace("book_table", "take"),
        ["same-description"] * 2,
    ),
    "two without a description": (
        "@tool\ndef find() -> str: ...\n@tool\ndef book() -> str: ...\n",
        ["no-description"] * 2,
    ),
    "a parameter without a description": (
        described(FINE, "day: date"),
        ["no-parameter-description"],
    ),
    "a default is no description": (
        described(FINE, "size: int = 2"),
        ["no-parameter-description"],
    ),
    "choices need no description": (described(FINE, "area: Literal['in', 'out']"), []),
    "a model describes itself": (
        "class Guest(BaseModel):\n    'A guest.'\n    name: str\n"
        + described(FINE, "guest: Guest"),
        [],
    ),
    "a parameter without a type": (
        described(f"{FINE}\n\n    Args:\n        day: When.\n    ", "day"),
        ["no-annotation"],
    ),
    "what the model does not see": (
        described(FINE, "call: CallContext, who: Annotated[str, Static('{{customer.number}}')]"),
        [],
    ),
    "what a partial has set": (
        "def find(day, size):\n    'Find free tables for a day.'\n"
        "tools = Toolset([tool(functools.partial(find, day=1, size=2))])\n",
        [],
    ),
    "a method": (
        "class Book:\n    @tool\n    def find(self) -> str:\n"
        "        'Find free tables for a day.'\n"
        "tools = Toolset([Book().find])\n",
        [],
    ),
    "one letter": (f"{described(FINE, keywords='name=chr(102)')}", ["unclear-name"]),
    "names alike": (
        f"{BOOK}{BOOK.replace('book_table', 'bookTable').replace('Ask', 'Then ask')}",
        ["similar-name"],
    ),
    "a large schema": (described(FINE, LONG_TEXT), ["large-schema"]),
    "large together": (MIDDLING, ["large-schema"]),
    "long arguments": (described(FINE, WIDE), ["long-arguments"]),
    "deep arguments": (
        f"{DEEP}{described(FINE, 'guests: Annotated[list[Guest], Field(description=chr(65))]')}",
        ["long-arguments"],
    ),
    "long choices": (
        described(FINE, f"menu: Annotated[Literal['{'dish ' * 99}', 'none'], 'What.']"),
        ["long-arguments"],
    ),
    "a flat model": (
        f"{DEEP}{described(FINE, 'guest: Annotated[Guest, Field(description=chr(65))]')}",
        [],
    ),
    "what may be left out": (described(FINE, WIDE.replace("]", "] = ''")), []),
    "said, and skipped": (
        described(FINE, keywords="wait=False, messages=[RequestStart('a'), RequestFailed('b')]"),
        ["skipped-message"],
    ),
    "skipped, and too late": (
        described(FINE, keywords="wait=False, timeout=5, messages=[RequestDelayed('a', after=9)]"),
        ["skipped-message"],
    ),
    "said, and not skipped": (
        described(FINE, keywords="wait=False, messages=[RequestComplete('a')]"),
        [],
    ),
    "said too late": (
        described(FINE, keywords="timeout=5, messages=[RequestDelayed('a', after=5)]"),
        ["late-message"],
    ),
    "said in time": (
        described(FINE, keywords="timeout=5, messages=[RequestDelayed('a', after=4)]"),
        [],
    ),
}


@pytest.mark.parametrize(("code", "codes"), TOOLS.values(), ids=TOOLS)
def test_what_is_found_in_tools(tmp_path: Path, code: str, codes: list[str]) -> None:
    assert [finding.code for finding in found(tmp_path, code)] == codes


def test_a_finding_says_where_what_and_how_bad_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    (finding,) = found(tmp_path, "\n\n@tool\ndef find() -> str: ...\n")

    assert line(finding) == 3
    assert str(finding).startswith(f"bot.py:{START.count(chr(10)) + 3}: warning: tool find: the ")
    assert str(finding).endswith(" [no-description]")
    assert finding.to_json() == {
        "code": "no-description",
        "level": "warning",
        "subject": "tool find",
        "text": finding.text,
        "place": finding.place,
    }


def test_what_is_found_of_one_subject_stands_together(tmp_path: Path) -> None:
    code = BOOK + "@tool\ndef find(): 'Find.'\n" + "tools = Toolset([find])\n@tool\ndef x(): 'X.'\n"

    subjects = [finding.subject for finding in found(tmp_path, code)]

    assert subjects == ["tool find", "tool book_table", "tool x"]


def test_a_model_that_may_write_more_takes_longer_arguments(tmp_path: Path) -> None:
    model = "{'provider': 'openai', 'model': 'gpt-4o', 'maxTokens': %d}"
    code = described(FINE, WIDE) + (
        "luigi = Assistant(name='L', model=%s, system_prompt='find_tables', tools=[find_tables])\n"
    )

    assert "long-arguments" in {f.code for f in found(tmp_path, code % (model % 100))}
    assert found(tmp_path, code % (model % 250)) == []


def test_a_tool_without_a_file_has_no_place() -> None:
    names: dict[str, Any] = {"tool": tool}
    exec("@tool\nasync def find(): 'Find.'", names)

    (finding,) = check(Toolset([names["find"]]))

    assert finding.place is None
    assert str(finding).startswith("note: tool find: ")


@given(signature=signatures())
@examples(50)
def test_every_tool_can_be_checked(signature: Signature) -> None:
    check(Toolset([tool(signature.function)]))


# --- blocking calls -----------------------------------------------------------------------

BLOCKING = """
import http.client, socket
db = sqlite3.Connection.__new__(sqlite3.Connection)  # never opened
session = httpx.Client()
api = httpx.AsyncClient()
LATER = functools.partial

class Quick:
    def get(self, key): ...
    execute = sleep = get

cache = Quick()

{before}
@tool
async def look(day: CallContext) -> str:
    'Look whether there is a free table.'
    {line}
"""
CALLS = {
    "time.sleep(1)": "time.sleep",
    "nap(1)": "time.sleep",
    "return 'a' if nap(1) else [time.sleep(n) for n in range(3)]": "time.sleep time.sleep",
    "from time import sleep; sleep(1)": "time.sleep",
    "from time import sleep as rest; rest(1)": "time.sleep",
    "import time as clock; clock.sleep(1)": "time.sleep",
    "import requests; requests.get('http://a')": "requests.get",
    "from requests import post; post('http://a')": "requests.post",
    "import requests as r; r.Session().get('http://a')": "requests.Session",
    "httpx.get('http://a')": "httpx.get",
    "with httpx.Client() as client: client.get('http://a')": "httpx.Client",
    "session.post('http://a')": "httpx.Client.post",
    "urllib.request.urlopen('http://a').read()": "urllib.request.urlopen",
    "import urllib.request; urllib.request.urlopen('http://a')": "urllib.request.urlopen",
    "sqlite3.connect('a').execute('b')": "sqlite3.connect",
    "sql.connect('a')": "sqlite3.connect",
    "db.execute('a')": "sqlite3.Connection.execute",
    "subprocess.run(['a'])": "subprocess.run",
    "subprocess.check_output(['a'])": "subprocess.check_output",
    "socket.create_connection(('a', 1))": "socket.create_connection",
    "return input()": "input",
    # What does not block.
    "await asyncio.sleep(1)": "",
    "await asyncio.to_thread(time.sleep, 1)": "",
    "await asyncio.to_thread(lambda: time.sleep(1))": "",
    "await asyncio.to_thread(LATER(time.sleep, 1))": "",
    "await api.get('http://a')": "",
    "async with httpx.AsyncClient() as client: await client.get('http://a')": "",
    "cache.get('a'); cache.execute('b'); cache.sleep(1)": "",
    "{}.get('a')": "",
    "open('a').read()": "",
    "day.sleep(1); day.time.sleep(1)": "",
    "time = day; time.sleep(1)": "",
    "for nap in []: nap(1)": "",
    "try: pass\n    except ValueError as nap: nap(1)": "",
    "def nap(n): ...\n    nap(1)": "",
    "def rest(): time.sleep(1)\n    await asyncio.to_thread(rest)": "",
    "class A:\n        def sleep(self): time.sleep(1)": "",
    "unknown.sleep(1); unknown(1)": "",
    "from . import time; time.sleep(1)": "",
    "import no_such_module; no_such_module.sleep(1)": "",
}


@pytest.mark.parametrize(("code", "names"), CALLS.items(), ids=CALLS)
def test_a_call_that_blocks_is_found_by_what_it_is(tmp_path: Path, code: str, names: str) -> None:
    findings = found(tmp_path, BLOCKING.format(before="", line=code))

    assert [f.text.partition("(")[0] for f in findings] == names.split()
    assert {f.code for f in findings} <= {"blocking-call"}
    last = START.count("\n") + BLOCKING.count("\n")
    assert {f.place for f in findings} <= {f"{tmp_path / 'bot.py'}:{last}"}


def test_calls_block_in_no_tool_that_runs_in_a_thread(tmp_path: Path) -> None:
    code = BLOCKING.format(before="", line="time.sleep(1)").replace("async def", "def")

    assert found(tmp_path, code) == []


def test_calls_block_in_no_function_that_a_wrapper_runs_in_a_thread(tmp_path: Path) -> None:
    in_thread = """
def in_thread(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return asyncio.run(function(*args, **kwargs))
    return wrapper
"""
    code = BLOCKING.format(before=in_thread, line="time.sleep(1)")

    assert found(tmp_path, code.replace("@tool\n", "@tool\n@in_thread\n")) == []


METHODS = """
class Book:
    def __init__(self):
        self.db = sqlite3.Connection.__new__(sqlite3.Connection)

    @property
    def trap(self):
        raise AssertionError("it ran")

    @tool
    async def find(self) -> str:
        'Find free tables for a day.'
        self.trap.execute()
        return self.db.execute("a")

tools = Toolset([Book().find])
"""
NESTED = """
def make(sleep):
    @tool
    async def find() -> str:
        'Find free tables for a day.'
        sleep(1)
        late(1)
    if 0:
        late = None
    return find

tools = Toolset([make(time.sleep)])
"""
OBJECTS = """
class Finder:
    async def __call__(self) -> str:
        'Find free tables for a day.'
        time.sleep(1)

tools = Toolset([tool(Finder(), name="finder")])
"""


@pytest.mark.parametrize(
    ("code", "names"),
    [
        (METHODS, ["sqlite3.Connection.execute"]),
        (NESTED, ["time.sleep"]),
        (OBJECTS, ["time.sleep"]),
    ],
    ids=["methods", "nested", "objects"],
)
def test_calls_are_found_wherever_the_function_stands(
    tmp_path: Path, code: str, names: list[str]
) -> None:
    blocking = [f for f in found(tmp_path, code) if f.code == "blocking-call"]

    assert [f.text.partition("(")[0] for f in blocking] == names


@pytest.mark.parametrize(
    "text", ["this is (no Python", "\n\n\nasync def look(): ...\nasync def other(): ...\n", "\0"]
)
def test_nothing_is_said_of_what_cannot_be_read(tmp_path: Path, text: str) -> None:
    module = load(tmp_path, BLOCKING.format(before="", line="time.sleep(1)"))
    (tmp_path / "bot.py").write_text(text)

    assert check(Toolset([module.look])) == []


def test_nothing_blocks_in_what_is_written_in_c() -> None:
    found = check(Toolset([tool(len, description="Say how long something is.")]))

    assert {finding.code for finding in found} == {"no-annotation", "no-parameter-description"}
    assert {finding.place for finding in found} == {None}


# --- assistants and handlers of events ----------------------------------------------------

TRANSCRIPT = "events = Events()\n@events.on('transcript')\ndef hear(message): ...\n"
TRANSFER = (
    "events = Events()\n"
    "@events.on('transfer-destination-request', timeout={})\n"
    "def where(request): return 'no'\n"
)
ANY = "@events.on_any\ndef see(message): ...\n"

BOTS = {
    "sound": (BOOK + LUIGI.format(""), []),
    "two of one name": (
        BOOK + LUIGI.format("") + LUIGI.replace("luigi =", "other =").format(""),
        ["same-name"],
    ),
    "two without a name": (
        BOOK + "a = Assistant(tools=[book_table])\nb = Assistant(tools=[book_table])\n",
        [],
    ),
    "a tool left over": (
        BOOK + described(FINE) + LUIGI.format(""),
        ["unused-tool"],
    ),
    "a tool in a Toolset": (
        BOOK + described(FINE) + LUIGI.format("") + "rest = Toolset([find_tables])\n",
        [],
    ),
    "a tool in a list": (
        BOOK + described(FINE) + "tools = Toolset([book_table])\nlisted = [find_tables, 1]\n",
        [],
    ),
    "a tool in no Toolset": (
        BOOK + described(FINE) + "tools = Toolset([book_table])\nnumbers = [1, 2]\n",
        ["unused-tool"],
    ),
    "a tool under another name": (
        BOOK + described(FINE) + "tools = Toolset([book_table, find_tables]).prefixed('a_')\n",
        [],
    ),
    "no lists at all": (BOOK + described(FINE), []),
    "all tools for one": (
        BOOK + described(FINE) + LUIGI.format("") + "other = Assistant(name='Other')\n",
        [],
    ),
    "no tool calls": (
        BOOK + LUIGI.format(", server_messages=['status-update']"),
        ["no-tool-calls"],
    ),
    "no tools to call": ("luigi = Assistant(name='L', server_messages=['hang'])\n", []),
    "not sent": (
        BOOK + TRANSCRIPT + LUIGI.format(", server_messages=['tool-calls']"),
        ["unsent-message"],
    ),
    "sent in extra": (
        BOOK + TRANSCRIPT + LUIGI.format(", extra={'serverMessages': ['tool-calls','transcript']}"),
        [],
    ),
    "sent of one kind": (
        BOOK
        + TRANSCRIPT
        + LUIGI.format(
            """, server_messages=['tool-calls', 'transcript[transcriptType="final"]']"""
        ),
        [],
    ),
    "sent by itself": (BOOK + TRANSCRIPT + LUIGI.format(""), []),
    "sent of the other": (
        BOOK
        + TRANSCRIPT
        + LUIGI.format(", server_messages=['tool-calls']")
        + "other = Assistant(name='Other', tools=[])\n",
        [],
    ),
    "not among Vapi's own": (BOOK + TRANSCRIPT + ANY + LUIGI.format(""), ["unsent-message"]),
    "among Vapi's own": (
        BOOK + TRANSCRIPT.replace("transcript", "hang") + ANY + LUIGI.format(""),
        [],
    ),
    "never chosen": (
        BOOK
        + "events = Events()\n@events.on('assistant-request')\ndef who(request): return 'no'\n"
        + LUIGI.format(", server_messages=['tool-calls']"),
        [],
    ),
    "nobody's messages": (BOOK + TRANSCRIPT + ANY, []),
    "several Events": (BOOK + "events = Events()\nmore = Events()\n", ["several-events"]),
    "one Events, twice": (BOOK + "events = more = Events()\n", []),
    "too short for a tool": (
        BOOK + LUIGI.format(", server={'timeoutSeconds': 18}"),
        ["short-timeout"],
    ),
    "long enough for a tool": (BOOK + LUIGI.format(", server={'timeoutSeconds': 19}"), []),
    "too short for a handler": (
        BOOK + TRANSFER.format(20) + LUIGI.format(""),
        ["short-timeout"],
    ),
    "long enough for a handler": (
        BOOK + TRANSFER.format(20) + LUIGI.format(", server={'timeoutSeconds': 30}"),
        [],
    ),
    "short enough": (BOOK + TRANSFER.format(19) + LUIGI.format(""), []),
}


@pytest.mark.parametrize(("code", "codes"), BOTS.values(), ids=BOTS)
def test_what_is_found_in_assistants_and_events(
    tmp_path: Path, code: str, codes: list[str]
) -> None:
    assert [finding.code for finding in found(tmp_path, code)] == codes


def test_the_messages_that_vapi_chooses_itself_are_those_of_its_api() -> None:
    description = schemas()["CreateAssistantDTO"]["properties"]["serverMessages"]["description"]
    listed = description.partition("Default is ")[2].partition(". ")[0]

    assert set(listed.split(",")) == _declared.VAPIS_CHOICE
    assert _declared.VAPIS_CHOICE <= CHOOSABLE


def test_a_secret_that_is_missing_is_noted(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, BOOK, Settings())

    assert (finding.code, finding.level) == ("no-secret", "note")


# --- prompts ------------------------------------------------------------------------------

PROMPTS = {
    "Use book_table, then find_tables.": [],
    "Book a table with the tool; find free tables before that.": [],
    "Use `book_table()` and **find_tables**.": [],
    "Use book_table.": ["find_tables"],
    "You are kind.": ["book_table", "find_tables"],
    "Use book_table and find_tables, never book_tables.": ["book_tables: book_table"],
    "Use book_table and find_tables. The `get_menu` tool helps.": ["get_menu"],
    "Use book_table and find_tables. Call get_menu for the menu.": ["get_menu"],
    "Use book_table and find_tables, or the function get_menu.": ["get_menu"],
    "Use book_table and find_tables, and get_menu().": ["get_menu"],
    "Use book_table and find_tables. Then endCall.": ["endCall: EndCall()"],
    "Use bookTable and find_tables.": ["bookTable: book_table"],
    # No tools are meant.
    "Use book_table and find_tables for {{customer_name}} {% if find_table %}.": [],
    "Use book_table and find_tables. Ask for party_size, date_of_birth, the customer_name.": [],
    "Use book_table and find_tables. See the https://a.example/book_tables tool.": [],
    "Use book_table and find_tables. Write to book_tables@example.com, on an iPhone.": [],
    "Use book_table and find_tables. The booking tool is fast; call me.": [],
    "Use book_table and find_tables. Use the hand_over tool, handoff_to_Ann.": [],
    "Use book_table and find_tables. Set the tool inside_area, or the tool day_of_visit.": [],
    "Use book_table and find_tables, and the tool how_many.": [],
}
TOOLS_OF_PROMPTS = '''
@tool
def book_table(
    day_of_visit: date, area: Literal["inside_area", "garden"], how_many: int = 2
) -> str:
    """Book a table. Ask for the day first.

    Args:
        day_of_visit: When.
        how_many: The party.
    """

@tool
def find_tables() -> str:
    """Find free tables for today."""
'''


@pytest.mark.parametrize(("prompt", "named"), PROMPTS.items(), ids=PROMPTS)
def test_the_tools_that_a_prompt_names_and_those_it_does_not(
    tmp_path: Path, prompt: str, named: list[str]
) -> None:
    more = (
        "{'type': 'handoff'}, ApiRequest('https://a.example', 'GET', name='hand_over', timeout=5)"
    )
    tools = f"[book_table, find_tables, {more}]"
    luigi = f"Assistant(name='L', model='openai/gpt-4o', system_prompt={prompt!r}, tools={tools})"

    findings = found(tmp_path, f"{TOOLS_OF_PROMPTS}\nluigi = {luigi}\n")

    assert len(findings) == bool(named)
    for finding in findings:
        words = [word for each in named for word in each.split(": ")]
        assert finding.code in ("unmentioned-tool", "unknown-tool")
        assert all(word in finding.text for word in words)


@pytest.mark.parametrize(
    "more", ["'toolIds': ['6f1d0cf4-7b0f-4c1b-9a4e-5a1f8f5f8b11']", "'tools': [{'type': 'mcp'}]"]
)
def test_a_prompt_may_name_tools_whose_names_only_vapi_knows(tmp_path: Path, more: str) -> None:
    model = f"{{'provider': 'openai', 'model': 'gpt-4o', {more}}}"
    prompt = "system_prompt='Use book_table. The get_menu tool. book_tables.'"
    luigi = f"luigi = Assistant(name='L', model={model}, {prompt}, tools=[book_table])\n"

    assert found(tmp_path, BOOK + luigi) == []


@pytest.mark.parametrize("built_in", ["EndCall()", "{'type': 'endCall'}"])
@pytest.mark.parametrize("word", ["endCall", "end_call"])
def test_a_prompt_may_name_a_tool_of_vapis_that_is_there(
    tmp_path: Path, built_in: str, word: str
) -> None:
    luigi = (
        "luigi = Assistant(name='L', model='openai/gpt-4o', "
        f"system_prompt='Use the {word} tool.', tools=[{built_in}])\n"
    )

    assert found(tmp_path, luigi) == []


@given(prompt=st.text() | st.text("book_tablE{}%`'() the tool.\n", max_size=60))
@examples(200)
def test_every_prompt_can_be_checked(prompt: str) -> None:
    @tool
    def book_table() -> str:
        """Book a table for today."""
        return "x"

    luigi = Assistant(
        name="L", model="openai/gpt-4o", system_prompt=f"x {prompt}", tools=[book_table]
    )

    codes = {finding.code for finding in check(Toolset([]), [luigi])}

    assert codes <= {"unmentioned-tool", "unknown-tool"}


# --- the page -----------------------------------------------------------------------------


def test_the_tables_of_codes_are_whole() -> None:
    text = (Path(__file__).parents[1] / "docs" / "check.md").read_text("utf-8")
    tables = text.split("| Code | Level |")[1:]
    listed = [
        tuple(cell.strip(" `") for cell in row.split("|")[1:3])
        for table in tables
        for row in table.splitlines()
        if row.startswith("| `")
    ]

    assert sorted(listed) == sorted(LEVELS.items())


# --- the server ---------------------------------------------------------------------------


def probed(url: str, verifier: Verifier | None = None) -> list[Finding]:
    """What is found at a URL, but that it is on this machine."""
    findings = asyncio.run(probe(url, verifier))
    assert findings.pop(0).code == "local-url"
    return findings


@contextmanager
def at(app: ASGIApp) -> Iterator[str]:
    """The URL of an app."""
    with serving(app) as port:
        yield f"http://127.0.0.1:{port}"


def bot(auth: Verifier | None, seen: list[Any] | None = None) -> ASGIApp:
    """A router whose handlers and tools note that they ran."""
    seen = [] if seen is None else seen
    events = Events()
    events.on_any(seen.append)

    @tool
    def book() -> str:
        seen.append("ran")
        return "x"

    return router([book], auth=auth, events=events)


def hmac(**options: Any) -> HmacSignature:
    return HmacSignature("s3cret", **options)


VERIFIERS: dict[str, Callable[[str], Verifier]] = {
    "secret": lambda url: SharedSecret("s3cret"),
    "secrets": lambda url: SharedSecret("s3cret", "old"),
    "bearer": lambda url: BearerToken("s3cret"),
    "token": lambda url: BearerToken("s3cret", header="X-Key", prefix=False),
    "hmac": lambda url: hmac(),
    "hmac of the body": lambda url: hmac(include_timestamp=False, signature_prefix="sha256="),
    "hmac as of Svix": lambda url: hmac(
        payload_format="{svix-id}.{timestamp}.{body}",
        signature_prefix="v1,",
        signature_encoding="base64",
        algorithm="sha512",
        signature_header="svix-signature",
        timestamp_header="svix-timestamp",
    ),
    "hmac of the URL": lambda url: hmac(
        payload_format="{method} {url} {timestamp} {body}", base_url=url
    ),
    "any": lambda url: AnyOf(OnlyFrom(), hmac(), SharedSecret("other")),
    "all": lambda url: AllOf(hmac(), SharedSecret("s3cret")),
}


@pytest.mark.parametrize("make", VERIFIERS.values(), ids=VERIFIERS)
def test_a_server_that_lets_vapi_in_and_nobody_else_is_sound(
    make: Callable[[str], Verifier],
) -> None:
    seen: list[Any] = []
    inner: list[ASGIApp] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await inner[0](scope, receive, send)

    with at(app) as url:
        inner.append(bot(make(url), seen))
        findings = probed(url + "/", make(url))

    assert findings == []
    assert seen == []


@pytest.mark.parametrize(
    ("auth", "verifier", "code"),
    [
        (None, None, "open-server"),
        (None, SharedSecret("s3cret"), "open-server"),
        (SharedSecret("s3cret"), SharedSecret("other"), "wrong-secret"),
        (hmac(), SharedSecret("s3cret"), "wrong-secret"),
        (SharedSecret("s3cret"), None, "not-checked"),
        (SharedSecret("s3cret"), OAuth2("https://a/", issuer="b", audience="c"), "not-checked"),
        (SharedSecret("s3cret"), AllOf(OnlyFrom(), SharedSecret("s3cret")), "not-checked"),
        (SharedSecret("s3cret"), AnyOf(OnlyFrom()), "not-checked"),
    ],
)
def test_whom_a_server_lets_in(auth: Verifier | None, verifier: Verifier | None, code: str) -> None:
    with at(bot(auth)) as url:
        (finding,) = probed(url, verifier)

    assert finding.code == code
    assert "s3cret" not in str(finding)


def answering(response: Response, webhook: int = 401) -> ASGIApp:
    """An app whose health is this."""

    def health(request: Request) -> Response:
        return response

    def post(request: Request) -> Response:
        return Response(status_code=webhook)

    return Starlette(routes=[Route("/health", health), Route("/webhook", post, methods=["POST"])])


OK = JSONResponse({"status": "ok"})
APPS = {
    "html": (answering(HTMLResponse("<html>")), "other-app", "a web page"),
    "html, refused": (answering(HTMLResponse("<html>", 403)), "other-app", "a web page"),
    "redirect": (answering(RedirectResponse("https://other.example.com/")), "redirect", "other."),
    "nothing": (answering(Response(status_code=404)), "other-app", "GET /health"),
    "no JSON": (answering(Response("ok")), "other-app", "GET /health"),
    "other JSON": (answering(JSONResponse({"status": "down"})), "other-app", "GET /health"),
    "healthy, and refused": (
        answering(JSONResponse({"status": "ok"}, 500)),
        "other-app",
        "GET /health is answered with 500",
    ),
    "a tunnel": (answering(HTMLResponse("<html>", 502)), "unreachable", "502"),
    "no webhook": (answering(OK, 404), "other-app", "POST /webhook is answered with 404"),
    "webhook that fails": (answering(OK, 500), "other-app", "POST /webhook is answered with 500"),
}


@pytest.mark.parametrize(("app", "code", "text"), APPS.values(), ids=APPS)
def test_what_else_can_be_at_a_url(app: ASGIApp, code: str, text: str) -> None:
    with at(app) as url:
        (finding,) = probed(url, SharedSecret("s3cret"))

    assert (finding.code, finding.level, finding.subject) == (code, "error", url)
    assert text in finding.text


def test_a_redirect_tells_where_it_leads() -> None:
    with at(answering(RedirectResponse("https://other.example.com/health"))) as url:
        (finding,) = probed(url)

    assert "'https://other.example.com/health'" in finding.text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_port_where_nothing_listens_is_named_as_that(host: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        (finding,) = probed(f"http://{host}:{taken.getsockname()[1]}")

    assert finding.code == "unreachable"
    assert "nothing listens" in finding.text


def test_of_a_host_with_several_addresses_each_is_looked_at() -> None:
    class SeveralError(OSError):
        exceptions = (TimeoutError(), ConnectionRefusedError())

    assert "nothing listens" in _live._why(SeveralError(), "a")


def test_a_host_that_does_not_exist_is_named() -> None:
    (finding,) = asyncio.run(probe("https://nowhere.invalid"))

    assert finding.code == "unreachable"
    assert "there is no host 'nowhere.invalid'" in finding.text


def test_an_address_that_everybody_on_the_way_can_read_is_said() -> None:
    found = asyncio.run(probe("http://nowhere.invalid"))

    assert [finding.code for finding in found] == ["not-encrypted", "unreachable"]


def test_a_certificate_or_tls_that_fails_is_named_as_that() -> None:
    with at(bot(None)) as url:
        (finding,) = probed(url.replace("http:", "https:"))

    assert finding.code == "unreachable"
    assert "TLS" in finding.text


@pytest.mark.parametrize("url", ["http://127.0.0.1:x", "http://", "http://[::1", "ftp://127.0.0.1"])
def test_a_url_that_is_none_is_out_of_reach(url: str) -> None:
    assert asyncio.run(probe(url))[-1].code == "unreachable"


def test_a_proxy_that_cannot_be_used_is_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "nonsense://a")

    (finding,) = probed("http://127.0.0.1:1")

    assert finding.code == "unreachable"
    assert "proxy variables" in finding.text


def test_a_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_live, "_SECONDS", 0.1)

    with socket.create_server(("127.0.0.1", 0)) as silent:
        (finding,) = probed(f"http://127.0.0.1:{silent.getsockname()[1]}")

    assert finding.code == "unreachable"
    assert "no answer within" in finding.text


def test_a_slow_answer_is_noted_and_the_rest_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_live, "_SLOW_SECONDS", 0.0)

    with at(bot(None)) as url:
        assert [finding.code for finding in probed(url)] == ["slow", "open-server"]


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("localhost", True),
        ("a.local", True),
        ("192.168.0.7", True),
        ("[::1]", True),
        ("luigi.example.com", False),
        ("8.8.8.8", False),
    ],
)
def test_an_address_that_vapi_cannot_reach_is_told(host: str, is_local: bool) -> None:
    assert [f.code for f in _live._local(f"https://{host}:8000/a")] == ["local-url"] * is_local
