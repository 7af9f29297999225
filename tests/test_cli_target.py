"""TARGET: what is used of a file or a module, and what is said when it cannot be used."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from vapitools import Events, Toolset
from vapitools.cli import app
from vapitools.cli import target as targets
from vapitools.cli.target import TargetError, load

TOOLS = """
from vapitools import Tool, Toolset, tool

@tool
def find() -> str: ...

@tool
def book() -> str: ...

again = find
"""
METHODS = """
from vapitools import Toolset, tool

class Clinic:
    @tool
    def book(self) -> str: ...
"""
APP = """
async def app(scope, receive, send): ...
"""
EVENTS = """
from vapitools import Events

events = also = Events()
"""
SEVERAL = """
from vapitools import Events

ours = Events()
events = Events()
"""
LIFESPAN = "\nasync def lifespan(app):\n    yield {}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that the command is started from. What is imported from it is forgotten."""
    before = dict(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in [name for name in sys.modules if name.partition(".")[0] == "vapi"]:
        del sys.modules[name]
    yield tmp_path
    for name in sys.modules.keys() - before.keys():
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
    sys.modules.update(before)


def write(files: dict[str, str]) -> None:
    for name, text in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def list_tools(target: str, *flags: str) -> Result:
    return CliRunner().invoke(app, ["list", target, "--json", *flags])


@pytest.mark.parametrize(
    ("files", "target", "names"),
    [
        ({"bot.py": TOOLS}, "bot.py", ["find", "book"]),
        ({"bot.py": TOOLS}, "./bot.py:book", ["book"]),
        ({"bot.py": TOOLS}, "bot", ["find", "book"]),
        ({"bot.py": TOOLS}, "bot:book", ["book"]),
        ({"my-bot.py": TOOLS}, "my-bot.py", ["find", "book"]),
        ({"bot.py": f"{TOOLS}some = Toolset([book])"}, "bot.py", ["book"]),
        ({"bot.py": f"{TOOLS}some = other = Toolset([book])"}, "bot.py", ["book"]),
        ({"bot.py": f"{TOOLS}a = Toolset([find]); b = Toolset([book])"}, "bot.py:b", ["book"]),
        ({"bot.py": f"{TOOLS}pair = (book, find)"}, "bot.py:pair", ["book", "find"]),
        ({"bot.py": f"{TOOLS}{APP}"}, "bot.py", ["find", "book"]),
        ({"bot.py": f"{TOOLS}{METHODS}"}, "bot.py", ["find", "book"]),
        ({"bot.py": f"{METHODS}\nbook = Clinic().book"}, "bot.py", ["book"]),
        ({"bot.py": "from tools import book, find", "tools.py": TOOLS}, "bot.py", ["book", "find"]),
        ({"in/bot.py": "from tools import *", "in/tools.py": TOOLS}, "in/bot.py", ["find", "book"]),
        (
            {"pkg/__init__.py": "", "pkg/bot.py": "from .tools import *", "pkg/tools.py": TOOLS},
            "pkg.bot",
            ["find", "book"],
        ),
        ({"pkg/__init__.py": TOOLS}, "pkg:find", ["find"]),
        ({"loose/bot.py": TOOLS}, "loose.bot", ["find", "book"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_objects_that_are_used(files: dict[str, str], target: str, names: list[str]) -> None:
    write(files)

    result = list_tools(target)

    assert [entry["name"] for entry in json.loads(result.stdout)] == names


@pytest.mark.parametrize(
    ("files", "target", "names"),
    [
        ({"bot.py": f"{TOOLS}{EVENTS}"}, "bot.py", ["find", "book"]),
        ({"bot.py": f"{TOOLS}{EVENTS}"}, "bot.py:book", ["book"]),
        ({"bot.py": f"{TOOLS}{EVENTS}"}, "bot.py:events", []),
        ({"bot.py": f"{TOOLS}{SEVERAL}"}, "bot.py", ["find", "book"]),
        ({"bot.py": EVENTS}, "bot.py", []),
        ({"bot.py": EVENTS}, "bot", []),
        ({"bot.py": "from heard import *", "heard.py": EVENTS}, "bot.py", []),
        ({"bot.py": f"{TOOLS}{APP}{EVENTS}"}, "bot.py", ["find", "book"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_events_of_a_bot_are_served_with_its_tools(
    files: dict[str, str], target: str, names: list[str]
) -> None:
    write(files)

    bot = load(target, to_serve=True)

    assert isinstance(bot.toolset, Toolset)
    assert bot.toolset.names == names
    module = sys.modules["bot"]
    assert isinstance(bot.events, Events)
    assert bot.events is module.events


def test_a_bot_need_not_have_events() -> None:
    write({"bot.py": TOOLS})

    assert load("bot.py", to_serve=True).events is None


def test_an_app_wires_the_events_beside_it_itself() -> None:
    write({"bot.py": f"{APP}{EVENTS}"})

    bot = load("bot.py", to_serve=True)

    assert bot.app is sys.modules["bot"].app
    assert (bot.toolset, bot.events) == (None, None)


@pytest.mark.parametrize("tools", [TOOLS, ""], ids=["with tools", "without"])
def test_of_several_events_the_one_to_serve_has_that_name(tools: str) -> None:
    write({"bot.py": f"{tools}{SEVERAL}".replace("events =", "theirs =")})

    with pytest.raises(TargetError, match=r"several Events in bot\.py: ours, theirs; call the one"):
        load("bot.py", to_serve=True)
    if tools:
        assert list_tools("bot.py").exit_code == 0


@pytest.mark.parametrize(
    ("files", "target", "text"),
    [
        ({}, "", "'' names no file"),
        ({"bot.py": TOOLS}, "bot.py:", "no name behind the colon of 'bot.py:'"),
        ({"bot.py": TOOLS}, "bto.py", "there is no file bto.py. Did you mean 'bot.py'?"),
        ({"bot.py": TOOLS}, "bta", "no file and no module named 'bta'. Did you mean 'bot.py'?"),
        ({"pkg/__init__.py": ""}, "pkg.bot", "there is no module 'pkg.bot'"),
        (
            {"bots/one.py": TOOLS},
            "bots",
            "a folder; name a file in it, such as bots/one.py",
        ),
        ({"bots/one.py": TOOLS}, "bots/", "is a folder"),
        ({"bot.txt": TOOLS}, "bot.txt", "bot.txt is no Python file"),
        ({"bot.py": TOOLS}, "bot.py:boko", "there is no 'boko' in bot.py. Did you mean 'book'?"),
        (
            {"bot.py": f"{TOOLS}a = Toolset([find]); b = Toolset([book])"},
            "bot.py",
            "there are several Toolsets in bot.py: a, b; say which one, such as bot.py:a",
        ),
        ({"bot.py": APP}, "bot.py:app", "bot.py:app is an app; this command needs tools"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_target_written_wrongly_is_one_line(
    files: dict[str, str], target: str, text: str
) -> None:
    write(files)

    result = list_tools(target)

    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert text in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"bot.py": "x = 1\ndef f(:"}, "bot.py:2: SyntaxError: invalid syntax"),
        ({"bot.py": "import sub", "sub.py": "\nx ="}, "sub.py:2: SyntaxError: invalid syntax"),
        ({"bot.py": "x\0"}, "Error: source code string cannot contain null bytes"),
        ({"bot.py": "import os\nimport nosuch"}, "bot.py:2: ModuleNotFoundError: No module named"),
        ({"bot.py": "import nosuch"}, "-m pip install nosuch"),
        ({"bot.py": "from .db import x"}, "load it as a module, from the folder above: "),
        ({"bot.py": "import sub", "sub.py": "\n{}['k']"}, "sub.py:2: KeyError: 'k'"),
        ({"bot.py": "import json\njson.loads('{')"}, "bot.py:2: JSONDecodeError: "),
        ({"bot.py": "raise ValueError('a\\nb')"}, "bot.py:1: ValueError: a b"),
        (
            {"bot.py": "class E(Exception):\n    def __str__(self): 1/0\nraise E"},
            "bot.py:3: E\n",
        ),
        (
            {"bot.py": "import sys\nsys.exit('KEY is not set')"},
            "bot.py:2: it ends the program while it is loaded (SystemExit: KEY is not set)",
        ),
        ({"bot.py": ""}, "there are no tools in bot.py; put @tool on a function"),
        ({"bot.py": EVENTS}, "there are no tools in bot.py; put @tool on a function"),
        ({"bot.py": f"{TOOLS}s = Toolset([])"}, "bot.py has no tools in it"),
        (
            {"bot.py": METHODS},
            "the tools in bot.py are methods of Clinic; "
            "take them from an object: tools = Toolset([Clinic().book])",
        ),
        ({"bot.py": f"{METHODS}\nmine = [Clinic().book]"}, "or name the list: bot.py:mine"),
        ({"bot.py": f"{TOOLS}{LIFESPAN}"}, "put @contextlib.asynccontextmanager on it"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bot_that_cannot_be_used_is_one_line(files: dict[str, str], text: str) -> None:
    write(files)

    result = list_tools("bot.py")

    assert result.exit_code == 1
    assert text in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plain", "bot.py:plain is a function without @tool; put @tool on it"),
        ("number", "bot.py:number is no tool, Toolset or list of tools, but int"),
        ("mixed", "bot.py:mixed: plain is no tool; put @tool on it"),
        ("empty", "bot.py:empty has no tools in it"),
        ("twice", "bot.py:twice: there are 2 tools named 'find'"),
    ],
)
def test_an_object_that_cannot_be_used_is_one_line(name: str, text: str) -> None:
    others = "def plain(): ...\nnumber = 1; mixed = [find, plain]; empty = []; twice = [find, find]"
    write({"bot.py": f"{TOOLS}{others}"})

    result = list_tools(f"bot.py:{name}")

    assert result.exit_code == 1
    assert text in result.stderr


def test_a_tool_declared_wrongly_is_told_with_all_its_problems() -> None:
    write({"bot.py": "from vapitools import tool\n@tool\ndef find(*a, **k): ..."})

    result = list_tools("bot.py")

    assert result.exit_code == 1
    problems = result.stderr.removeprefix("Error: ").splitlines()
    assert len(problems) == 2
    # Python 3.10 takes the line of the `def`, later ones that of the decorator.
    assert all(re.match("bot.py:[23]: find: ", problem) for problem in problems)


@pytest.mark.parametrize(
    ("files", "target"),
    [
        ({"bot.py": "from vapi import Vapi", "vapi.py": "x = 1"}, "bot.py"),
        ({"bot.py": f"import vapi\n{TOOLS}", "vapi.py": "x = 1"}, "bot.py"),
        ({"bot.py": f"import vapi\n{TOOLS}", "vapi/__init__.py": ""}, "bot.py"),
        ({"bot.py": "import vapi", "vapi.py": "x ="}, "bot.py"),
        ({"bot.py": "from vapi import Vapi", "vapi.py": ""}, "bot"),
        ({"vapi.py": TOOLS}, "vapi.py"),
        ({"vapi.py": TOOLS}, "vapi"),
    ],
    ids=["in vain", "silently", "a package", "broken", "a module", "a bot", "a module of a bot"],
)
def test_ones_own_vapi_is_named_as_the_cause(files: dict[str, str], target: str) -> None:
    write(files)

    result = list_tools(target)

    assert result.exit_code == 1
    assert "hides Vapi's SDK; rename it" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["vapitools.py", "asyncio.py", "typer.py"])
def test_a_bot_cannot_take_the_place_of_a_module_in_use(name: str) -> None:
    write({name: TOOLS})

    result = list_tools(name)

    assert result.exit_code == 1
    assert f"a bot cannot be called {name}" in result.stderr


def test_debug_shows_where_a_bot_fails() -> None:
    write({"bot.py": "def f():\n    1 / 0\nf()"})

    result = list_tools("bot.py", "--debug")

    assert "Traceback (most recent call last)" in result.stderr
    assert result.stderr.endswith("Error: bot.py:2: ZeroDivisionError: division by zero\n")


def test_the_tools_of_assistants_in_a_list_are_served(tmp_path: Path) -> None:
    bot = tmp_path / "desk.py"
    bot.write_text(
        "from vapitools import Assistant, tool\n"
        "class Desk:\n"
        "    @tool\n"
        "    def hours(self) -> str:\n"
        '        "Say when."\n'
        '        return "now"\n'
        'bots = [Assistant("Desk", tools=[Desk().hours])]\n',
        "utf-8",
    )

    toolset = load(str(bot), to_serve=True).toolset

    assert toolset is not None
    assert toolset.names == ["hours"]


# --- one bot after the other ---------------------------------------------------------------


def test_apart_a_bot_is_loaded_anew_with_all_that_it_imports_from_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "place.py").write_text("import os\nWHERE = os.environ['WHERE']\n")
    (tmp_path / "desk.py").write_text("import place\nWHERE = place.WHERE\n")
    found: list[str] = []
    before = (set(sys.modules), list(sys.path))

    for where in ("first", "second"):
        monkeypatch.setenv("WHERE", where)
        with targets.apart(tmp_path):
            found.append(targets.run(targets.locate(str(tmp_path / "desk.py"))).WHERE)

    assert found == ["first", "second"]
    assert (set(sys.modules), list(sys.path)) == before


def test_apart_what_was_imported_from_there_stays_what_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "desk.py").write_text("TOOLS = []\n")
    monkeypatch.syspath_prepend(tmp_path)
    mine = importlib.import_module("desk")
    monkeypatch.setattr(targets, "_TAKEN", frozenset(sys.modules))

    with targets.apart(tmp_path):
        other = targets.run(targets.locate(str(tmp_path / "desk.py")))

    assert other is not mine
    assert sys.modules.pop("desk") is mine
