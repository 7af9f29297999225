"""What `vapitools play --from` does: recorded calls become call files."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import typer

from ..errors import PlayError
from ..playing import Recorded, Recordings, read_script, scripts_from, write_script
from ..settings import Settings
from ._report import USAGE, CommandError, complain, printable, shown
from ._staging import load_bot

_SUFFIX = ".call.yaml"
_MAX_NAMED = 3


@dataclass(frozen=True)
class Wanted:
    """What is to be written.

    Attributes:
        folder: Where the webhook bodies are.
        target: The bot that the files are for; None: they name none.
        url: The server that they are for, where there is no bot.
        files: The file to write; none: `call-1.call.yaml` and so on.
    """

    folder: Path
    target: str | None
    url: str | None
    files: Sequence[str]


def write(wanted: Wanted) -> None:
    """Write a call file for each call, and say what was done.

    Raises:
        CommandError: Nothing could be written, or not all of it.
        TargetError: The bot cannot be used.
    """
    if len(wanted.files) > 1:
        raise CommandError("--from takes the name of one file to write", exit_code=USAGE)
    recordings = _recordings(wanted)
    written: list[Path] = []
    failed = 0
    paths = _paths(wanted, several=len(recordings.calls) > 1)
    for call in recordings.calls:
        try:
            path = _written(call, wanted, paths)
        except PlayError as error:
            failed += 1
            complain(f"Error: a call of {_counted(call.bodies)} is left out: {error}")
            continue
        written.append(path)
        typer.echo(printable(f"Wrote {shown(path)}: {_content(call)}"))
    if recordings.left_out:
        typer.echo(printable(f"Left out: {recordings.left_out}"))
    if written:
        typer.echo(printable(_how_to_play(written, wanted)))
    if failed:
        raise CommandError(f"{failed} of {len(recordings.calls)} calls could not be written")


def _recordings(wanted: Wanted) -> Recordings:
    bot = None
    if wanted.target is not None:
        with contextlib.redirect_stdout(sys.stderr):
            bot = load_bot(wanted.target, Settings.from_environ(os.environ))
    try:
        return scripts_from(wanted.folder, bot)
    except PlayError as error:
        raise CommandError(f"--from: {error}", exit_code=USAGE) from None


# --- the files ----------------------------------------------------------------------------


def _paths(wanted: Wanted, *, several: bool) -> Iterator[Path]:
    """Where to write, one after the other: what is there already is passed over."""
    named = Path(wanted.files[0]) if wanted.files else None
    if named is not None and not several:
        yield named
        return
    named = named or Path(f"call{_SUFFIX}")
    suffix = _SUFFIX if named.name.endswith(_SUFFIX) else named.suffix
    stem = named.name.removesuffix(suffix)
    yield from (named.with_name(f"{stem}-{number}{suffix}") for number in count(1))


def _written(call: Recorded, wanted: Wanted, paths: Iterator[Path]) -> Path:
    text = _text(call, wanted)
    for path in paths:
        if _create(path, text):
            return path
    raise CommandError(f"{wanted.files[0]} is there already; name another file")


def _create(path: Path, text: str) -> bool:
    """Write a new file. False: there is one of that name."""
    try:
        with path.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        return False
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}") from None
    return True


def _text(call: Recorded, wanted: Wanted) -> str:
    """The text of the file, which can be read again.

    Raises:
        PlayError: The call is more than a file can hold.
    """
    folder = Path(wanted.files[0]).parent if wanted.files else Path()
    bot = None if wanted.target is None else _seen_from(wanted.target, folder)
    script = replace(call.script, bot=bot, url=wanted.url if bot is None else None)
    try:
        text = write_script(script, call.notes)
    except RecursionError:
        raise PlayError("it is nested too deeply") from None
    read_script(text, "the file")
    return text


def _seen_from(target: str, folder: Path) -> str:
    """The bot as a file in that folder names it."""
    return os.path.relpath(target, folder) if ".py" in target else target


# --- what is said -------------------------------------------------------------------------


def _content(call: Recorded) -> str:
    calls = len(call.script.tool_calls)
    return f"{calls} tool {'call' if calls == 1 else 'calls'}, from {_counted(call.bodies)}"


def _counted(bodies: int) -> str:
    return f"{bodies} webhook {'body' if bodies == 1 else 'bodies'}"


def _how_to_play(written: Sequence[Path], wanted: Wanted) -> str:
    is_for_any = wanted.target is None and wanted.url is None
    names = [shlex.quote(shown(path)) for path in written[:_MAX_NAMED]]
    words = ["vapitools play", *(["bot.py"] if is_for_any else []), *names]
    more = [] if len(written) <= _MAX_NAMED else ["…"]
    return f"Play {'it' if len(written) == 1 else 'them'}: {' '.join([*words, *more])}"
