"""`vapitools play`: whole calls, played against a bot without a phone."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import tempfile
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from ..errors import PlayError
from ..playing import Played, Script, load_script, play, starting_file
from ..settings import Settings
from . import _from_recording, _logs, _play_report, _running
from ._declaring import Secret
from ._flags import Debug, Json
from ._report import FAILED, USAGE, CommandError, print_json, reported, shown
from ._staging import Where, load_bot, staged

_SUFFIXES = (".yaml", ".yml")
_MAX_SEED = 10_000


def command(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TARGET] CALL.yaml…",
            help="The bot, unless the call files name it, and the calls.",
            show_default=False,
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            help="Play against a server that runs there, instead of one that is started.",
            show_default=False,
        ),
    ] = None,
    secret: Secret = None,
    control_port: Annotated[
        int,
        typer.Option(
            min=0, max=65535, help="With --url: where live calls take commands; 0: a free port."
        ),
    ] = 0,
    chaos: Annotated[
        bool, typer.Option("--chaos", help="Repeat, drop, cut, delay and reorder what is sent.")
    ] = False,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Which chaos: the same seed does the same.", show_default=False),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            min=0.1, metavar="SECONDS", help="Wait no longer for an answer.", show_default=False
        ),
    ] = None,
    new: Annotated[
        bool, typer.Option("--new", help="Write a call file for the bot to begin with.")
    ] = False,
    from_: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="DIR",
            help="Write a call file from webhook bodies that were recorded.",
            show_default=False,
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail on what nobody hears, too.")
    ] = False,
    junit: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the outcome for CI servers.", show_default=False),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Play calls against a bot, without a phone, and say what the caller would have heard.

    The exit code is 1 when something was wrong.
    """
    with reported(debug):
        target, files = _sorted(words or [])
        if new and from_ is not None:
            raise CommandError("either --new or --from", exit_code=USAGE)
        if new:
            _write_new(target, files)
            return
        if from_ is not None:
            _from_recording.write(_from_recording.Wanted(from_, target, url, files))
            return
        if not files:
            raise CommandError(_no_call_file(target), exit_code=USAGE)
        if chaos and seed is None:
            seed = random.randrange(_MAX_SEED)
        where = Where(target, url, secret, control_port)
        options = _Options(where, seed, timeout, debug)
        with _errors_of_files():
            scripts = [load_script(file) for file in files]
        calls = [_played(script, options) for script in scripts]
    _show(calls, as_json=as_json, junit=junit, strict=strict, seed=seed)
    if any(any(played.failures(strict=strict)) for played in calls):
        raise typer.Exit(FAILED)


@dataclass(frozen=True)
class _Options:
    where: Where
    seed: int | None
    timeout: float | None
    debug: bool


def _sorted(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """TARGET and the call files, in whatever order."""
    files = [word for word in words if word.endswith(_SUFFIXES)]
    others = [word for word in words if not word.endswith(_SUFFIXES)]
    if len(others) > 1:
        raise CommandError(
            f"one bot at a time: {others[0]} or {others[1]}; a call file ends in .yaml",
            exit_code=USAGE,
        )
    return (others[0] if others else None), files


def _no_call_file(target: str | None) -> str:
    bot = target or "bot.py"
    return f"name a call file, such as booking.call.yaml; vapitools play {bot} --new writes one"


@contextlib.contextmanager
def _errors_of_files() -> Generator[None]:
    """A call file that is wrong is a command that is written wrongly."""
    try:
        yield
    except PlayError as error:
        raise CommandError(str(error), exit_code=USAGE) from None


def play_file(path: Path, *, seed: int | None = None) -> Played:
    """Play a call file against the bot or the server that it names.

    Args:
        path: The file.
        seed: With one, things go wrong on the way.

    Raises:
        VapiToolsError: It cannot be played.
    """
    options = _Options(Where(None, None), seed=seed, timeout=None, debug=False)
    return _played(load_script(path), options)


# --- playing ------------------------------------------------------------------------------


def _played(script: Script, options: _Options) -> Played:
    """Play one call. Its bot is loaded for it alone, with the variables that the file sets."""
    where = _where(script, options.where)
    with (
        _environment(script.environment),
        _logs.kept_apart(show=options.debug),
        staged(where) as stage,
    ):
        return _running.run(play(script, stage, seed=options.seed, limit=options.timeout))


def _where(script: Script, where: Where) -> Where:
    """What the file says where the command says nothing."""
    target = where.target
    if target is None and script.bot is not None:
        target = _beside(script.bot, script.path)
    url = where.url or (script.url if where.target is None and script.bot is None else None)
    if target is None and url is None:
        file = shown(script.path) if script.path is not None else "the call file"
        raise CommandError(
            f"say what is played against: vapitools play bot.py {file}, --url, or bot: in the file",
            exit_code=USAGE,
        )
    return replace(where, target=target, url=url)


def _beside(bot: str, file: Path | None) -> str:
    """A bot that a call file names, seen from where the command runs."""
    if file is None or not bot.partition(":")[0].endswith(".py"):
        return bot
    path, colon, name = bot.partition(":")
    return f"{file.parent / path}{colon}{name}"


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Generator[None]:
    """Set variables for a while. `{folder}` in them is a folder that is deleted after it."""
    before = dict(os.environ)
    folder = tempfile.mkdtemp(prefix="vapitools-") if variables else ""
    os.environ.update(
        {name: value.replace("{folder}", folder) for name, value in variables.items()}
    )
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


# --- showing ------------------------------------------------------------------------------


def _show(
    calls: Sequence[Played], *, as_json: bool, junit: Path | None, strict: bool, seed: int | None
) -> None:
    if junit is not None:
        try:
            _play_report.write_junit(junit, calls, strict=strict)
        except OSError as error:
            raise CommandError(f"cannot write {junit}: {error.strerror}") from None
    if as_json:
        print_json([played.to_json() for played in calls])
        return
    typer.echo("\n\n".join(_play_report.text(played, strict=strict) for played in calls))
    if seed is not None:
        typer.echo(f"The same chaos again: --chaos --seed {seed}")


# --- writing ------------------------------------------------------------------------------


def _write_new(target: str | None, files: Sequence[str]) -> None:
    if target is None:
        raise CommandError("--new needs a bot: vapitools play bot.py --new", exit_code=USAGE)
    if len(files) > 1:
        raise CommandError("--new writes one file", exit_code=USAGE)
    bot = load_bot(target, Settings.from_environ(os.environ))
    module = Path(target.partition(":")[0]).stem if ".py" in target else target.rpartition(".")[2]
    file = Path(files[0] if files else f"{module}.call.yaml")
    speakers = [each.name for each in bot.assistants]
    assistant = speakers[0] if len(speakers) > 1 and not bot.squads else None
    named = os.path.relpath(target, file.parent) if ".py" in target else target
    _write(file, starting_file(bot.tools, bot=named, assistant=assistant))
    typer.echo(f"Wrote {shown(file)}")
    typer.echo(f"Play it: vapitools play {shown(file)}")


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise CommandError(f"{file} is there already; name another file") from None
    except OSError as error:
        raise CommandError(f"cannot write {file}: {error.strerror}") from None
