"""How a command says what went wrong: in one clear line, with an exit code."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import sysconfig
import traceback
from collections.abc import Generator
from pathlib import Path
from typing import Any, TextIO

import typer

from ..errors import DefinitionError, SettingsError, VapiToolsError

FAILED = 1
USAGE = 2

_NOT_THE_USERS = (Path(__file__).parents[1], Path(sysconfig.get_paths()["stdlib"]))
_INSTALLED = {"site-packages", "dist-packages"}


class CommandError(VapiToolsError):
    """What stops a command, in words for the terminal.

    Attributes:
        exit_code: 1 when the bot or the tool failed, 2 when the command was written wrongly.
    """

    def __init__(self, text: str, *, exit_code: int = FAILED) -> None:
        super().__init__(text)
        self.exit_code = exit_code


@contextlib.contextmanager
def reported(debug: bool, *, usage: int = USAGE) -> Generator[None, None, None]:
    """Turn what stops a command into its line and its exit code.

    Args:
        debug: Whether the traceback of what is behind it is shown, too.
        usage: The exit code when the command was written wrongly.
    """
    try:
        yield
    except VapiToolsError as error:
        if debug and error.__cause__ is not None:
            complain("".join(traceback.format_exception(error.__cause__)).rstrip())
        complain(f"Error: {error}")
        code = _exit_code(error)
        raise typer.Exit(usage if code == USAGE else code) from None


def _exit_code(error: VapiToolsError) -> int:
    if isinstance(error, CommandError):
        return error.exit_code
    return USAGE if isinstance(error, (SettingsError, DefinitionError)) else FAILED


def print_json(value: Any, file: TextIO | None = None) -> None:
    """Print JSON that people can read, where the terminal knows their letters."""
    out: TextIO = sys.stdout if file is None else file
    text = json.dumps(value, indent=2, ensure_ascii=False)
    text = "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)
    try:
        text.encode(out.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=2)
    typer.echo(text, file=out)


def printable(text: str) -> str:
    """The text with what a terminal would obey or hide spelled out, as in names from Vapi."""
    return "".join(
        c if c.isprintable() or c == "\t" else c.encode("unicode_escape").decode() for c in text
    )


def program() -> str:
    """How this command can be called again from the same terminal."""
    called = Path(sys.argv[0])
    if called.name != "vapitools" or shutil.which("vapitools") == str(called.absolute()):
        return "vapitools"
    return shown(called.absolute())


def complain(text: str) -> None:
    """Print to stderr."""
    typer.echo("\n".join(map(printable, text.split("\n"))), err=True)


def describe(error: BaseException) -> str:
    """The type and the text of an exception, in one line."""
    try:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
    except Exception:
        text = ""
    name = type(error).__name__
    return f"{name}: {' '.join(text.split())}" if text.strip() else name


def place(error: BaseException, folder: Path) -> str | None:
    """The user's own line that the exception came from or through: `bot.py:12`.

    Args:
        error: Any exception.
        folder: Where the user's code lies.
    """
    if isinstance(error, SyntaxError) and error.lineno and os.path.isfile(error.filename or ""):
        return f"{shown(error.filename or '')}:{error.lineno}"
    lines = [
        (frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    own = [(file, line) for file, line in lines if is_users(Path(file), folder)]
    return f"{shown(own[-1][0])}:{own[-1][1]}" if own else None


def shown(path: str | Path) -> str:
    """A path as short as it can be from here."""
    path = Path(path)
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def is_users(file: Path, folder: Path) -> bool:
    """Whether a file is the user's own, and neither ours, Python's nor an installed package's."""
    return (
        file.is_relative_to(folder)
        and not any(file.is_relative_to(other) for other in _NOT_THE_USERS)
        and not _INSTALLED.intersection(file.parts)
    )
