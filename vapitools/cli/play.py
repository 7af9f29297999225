"""`vapitools play`: whole calls, played against a bot without a phone."""

from __future__ import annotations

import contextlib
import os
import random
import re
import tempfile
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from ..errors import PlayError, VapiToolsError
from ..playing import Fault, Played, Script, load_script, play, starting_file
from ..playing._played import Noted
from ..settings import Settings
from . import _from_recording, _logs, _play_report, _running
from ._declaring import Secret
from ._flags import Debug, Json
from ._report import FAILED, USAGE, CommandError, complain, print_json, reported, shown
from ._staging import Where, load_bot, staged
from .target import apart, locate

_SUFFIXES = (".yaml", ".yml")
_MAX_SEED = 10_000
# The second colon of C:\bots\bot.py:name is the one that counts.
_IN_A_FILE = re.compile(r"(?P<path>.+\.py)(?P<name>:\w+)?", re.DOTALL)


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
        report = _Report(as_json, junit, strict, seed)
        calls = [report.of(_attempted(script, options, len(scripts))) for script in scripts]
        report.end(calls)
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
    if ".call." in bot:
        return f"{bot}: a call file ends in {' or '.join(_SUFFIXES)}"
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
    if where.url is not None and script.environment:
        complain("Note: the environment of a call file means nothing to a server that runs already")
    with (
        _environment(script.environment),
        _logs.kept_apart(show=options.debug),
        _apart(where.target),
        staged(where) as stage,
    ):
        return _running.run(play(script, stage, seed=options.seed, limit=options.timeout))


def _apart(target: str | None) -> contextlib.AbstractContextManager[None]:
    """The next call's bot is a new one, with all that it imports from its own folder."""
    return contextlib.nullcontext() if target is None else apart(locate(target).folder)


def _attempted(script: Script, options: _Options, count: int) -> Played:
    """Play one of several calls: one that cannot be played does not take the others with it."""
    try:
        return _played(script, options)
    except VapiToolsError as error:
        if count == 1:
            raise
        note = Noted("the call was not played")
        note.faults.append(Fault("expected", str(error)))
        return Played(script.name, events=[note], path=script.path)


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
    in_a_file = _IN_A_FILE.fullmatch(bot)
    if file is None or in_a_file is None:
        return bot
    return f"{file.parent / in_a_file['path']}{in_a_file['name'] or ''}"


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Generator[None]:
    """Set variables for a while. `{folder}` in them is a folder that is deleted after it."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="vapitools-", ignore_cleanup_errors=True) as folder:
        try:
            for name, value in variables.items():
                os.environ[name] = value.replace("{folder}", folder)
            yield
        finally:
            # Whatever the bot has set, as `load_dotenv` does, is gone for the next one.
            for name in os.environ.keys() - before.keys():
                del os.environ[name]
            os.environ.update(before)


# --- showing ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Report:
    """Shows each call as soon as it is over."""

    as_json: bool
    junit: Path | None
    strict: bool
    seed: int | None

    def of(self, played: Played) -> Played:
        """Show a call, and return it."""
        if not self.as_json:
            typer.echo(_play_report.text(played, strict=self.strict) + "\n")
        return played

    def end(self, calls: Sequence[Played]) -> None:
        """Show what is said of all of them.

        Raises:
            CommandError: The file cannot be written.
        """
        if self.as_json:
            print_json([played.to_json() for played in calls])
        elif self.seed is not None:
            typer.echo(f"The same chaos again: --chaos --seed {self.seed}")
        if self.junit is not None:
            try:
                _play_report.write_junit(self.junit, calls, strict=self.strict)
            except OSError as error:
                raise CommandError(f"cannot write {self.junit}: {error.strerror}") from None


# --- writing ------------------------------------------------------------------------------


def _write_new(target: str | None, files: Sequence[str]) -> None:
    if target is None:
        raise CommandError("--new needs a bot: vapitools play bot.py --new", exit_code=USAGE)
    if len(files) > 1:
        raise CommandError("--new writes one file", exit_code=USAGE)
    bot = load_bot(target, Settings.from_environ(os.environ))
    in_a_file = _IN_A_FILE.fullmatch(target)
    module = Path(in_a_file["path"]).stem if in_a_file else target.partition(":")[0].split(".")[-1]
    file = Path(files[0] if files else f"{module}.call.yaml")
    speakers = [each.name for each in bot.assistants]
    assistant = speakers[0] if len(speakers) > 1 and not bot.squads else None
    named = _from_file(target, file) if in_a_file else target
    _write(file, starting_file(bot.tools, bot=named, assistant=assistant))
    typer.echo(f"Wrote {shown(file)}")
    typer.echo(f"Play it: vapitools play {shown(file)}")


def _from_file(target: str, file: Path) -> str:
    """The bot as a call file names it, on every system alike."""
    try:
        return Path(os.path.relpath(target, file.parent)).as_posix()
    except ValueError:  # on another drive of Windows
        return str(Path(target).absolute())


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise CommandError(f"{file} is there already; name another file") from None
    except OSError as error:
        raise CommandError(f"cannot write {file}: {error.strerror}") from None
