"""What `vapitools serve` does for `--record`."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path

import typer

from .. import recording
from ._report import USAGE, CommandError, describe


@contextlib.contextmanager
def begin(folder: Path, *, shared: bool) -> Generator[Path | recording.Line, None, None]:
    """Say what is kept and where, and give what a recorder takes.

    Args:
        folder: Where the files go.
        shared: Whether other processes than this one serve.

    Raises:
        CommandError: There cannot be a folder.
    """
    folder = folder.absolute()
    try:
        recording.made(folder)
    except OSError as error:
        raise CommandError(f"--record {folder}: {describe(error)}", exit_code=USAGE) from error
    typer.echo(
        f"Records: every message, in {folder}\n"
        "         Secrets and personal data are replaced where they can be found; what was only\n"
        "         spoken can stay. Do not leave this on in production without thought."
    )
    if not shared:
        yield folder
        return
    with recording.shared(folder) as line:
        yield line
