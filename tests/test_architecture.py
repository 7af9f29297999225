"""The map: which module may depend on which, and where each outside library has its home."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import vapitools

PACKAGE = Path(vapitools.__file__).parent

# A module imports only from rows above its own.
ROWS = [
    {"errors", "_secrecy", "_shapes", "_spelling"},
    {"_liquid"},
    {"spoken", "destinations", "messages", "auth", "control", "_encryption", "instrumentation"},
    {"settings"},
    {"_failures"},
    {"_connection", "_deadline", "_docstrings", "_wording", "_threads", "_tracebacks"},
    {"_resources", "context", "_results", "_coercion", "_explanation"},
    {"server_messages"},
    {"_signature", "_encrypted_paths"},
    {"_parameters"},
    {"_schema"},
    {"tools"},
    {"toolset"},
    {"_samples"},
    {"builtin_tools"},
    {"assistants"},
    {"squads"},
    {"answers"},
    {"events"},
    {"ledger"},
    {"dispatch"},
    {"_handlers", "_gate", "_site"},
    {"web"},
    {"_call_request", "_named"},
    {"calls"},
    {"client"},
    {"sync", "pulling"},
    {"checks"},
    {"recording"},
    {"playing"},
    {"testing"},
    {"__init__"},
    {"cli"},
    {"pytest_plugin"},
]
HOMES = {
    "starlette": {"web", "_gate", "_site", "recording", "playing", "testing", "cli"},
    "msgspec": {"messages", "_results"},
    "pydantic": {"_signature", "_parameters"},
    "pydantic_core": {"_signature", "_parameters"},
    "docstring_parser": {"_docstrings"},
    "typer": {"cli"},
    "click": {"cli"},
    "rich": {"cli"},
    "uvicorn": {"cli", "playing"},
    "vapi": {"_connection"},
    "httpx": {"control", "_failures", "_connection", "checks", "playing"},
    "yaml": {"playing"},
    "hypothesis": {"testing"},
    "pytest": {"pytest_plugin"},
    "jwt": {"auth"},
    "cryptography": {"_encryption"},
}


def room(path: Path) -> str:
    """The module of a file; a sub-package is one room."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


FILES = sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """What a file imports: a room of ours, or an outside library."""
    depth = len(path.relative_to(PACKAGE).parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], False) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").partition(".")[0], False
        elif isinstance(node, ast.ImportFrom) and node.level == depth:
            names = [node.module] if node.module else [alias.name for alias in node.names]
            yield from ((name.partition(".")[0], True) for name in names)


def row(name: str) -> int:
    return next(i for i, rooms in enumerate(ROWS) if name in rooms)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_rows_above_its_own(path: Path) -> None:
    own = room(path)

    too_low = {name for name, ours in imports(path) if ours and row(name) >= row(own)}

    assert too_low == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_an_outside_library_is_imported_only_at_its_home(path: Path) -> None:
    strays = {
        name
        for name, ours in imports(path)
        if not ours and name in HOMES and room(path) not in HOMES[name]
    }

    assert strays == set()


def test_only_what_runs_code_of_others_catches_every_exception() -> None:
    broad = {"Exception", "BaseException"}
    catching = {
        room(path)
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or getattr(node.type, "id", None) in broad)
    }

    # A verifier, a handler and a validator of arguments can raise anything too; a thread has nobody
    # above it, the command line ends a user's mistake in one line, and a tool that is exercised may
    # raise what it likes. What is thrown into a coroutine that is driven by hand is handed on.
    known = {"_deadline", "dispatch", "_handlers", "_gate", "_threads", "_tracebacks"}
    known |= {"_samples", "playing", "testing", "cli"}
    assert catching <= known


def test_what_is_exported_is_what_is_listed() -> None:
    exported = {
        name
        for name in dir(vapitools)
        if not name.startswith("_")
        and getattr(getattr(vapitools, name), "__module__", "").startswith("vapitools")
    }

    assert exported == set(vapitools.__all__)
    assert vapitools.__all__ == sorted(vapitools.__all__)


@pytest.mark.parametrize(
    "name",
    ["answers.Document", "assistants.Assistant", "builtin_tools.EndCall", "squads.Squad"],
)
def test_a_module_that_loads_late_is_there_all_the_same(name: str) -> None:
    script = f"import vapitools; print(vapitools.{name} is vapitools.{name.partition('.')[2]})"

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout == "True\n"


def test_no_exported_name_is_a_module_name() -> None:
    modules = {path.stem for path in FILES}

    assert modules.isdisjoint(vapitools.__all__)


def test_importing_loads_nothing_that_serving_a_tool_does_not_need() -> None:
    script = "import sys, vapitools; print(*sys.modules)"

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    heavy = {"vapi", "httpx", "httpx2", "typer", "click", "rich", "uvicorn"}
    assert heavy.isdisjoint(ran.stdout.split())
