"""`vapitools send`: one recorded body, posted as Vapi does."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ..playing import Sent, send
from . import _logs, _running
from ._declaring import Secret
from ._flags import Debug, Json
from ._report import (
    FAILED,
    USAGE,
    CommandError,
    complain,
    describe,
    place,
    print_json,
    printable,
    reported,
)
from ._staging import Where, staged

_MAX_BYTES = 10 * 1024 * 1024
_MAX_SHOWN = 2000


def command(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[TARGET] BODY.json",
            help="The bot, unless there is --url, and the body; - reads it from stdin.",
            show_default=False,
        ),
    ],
    url: Annotated[
        str | None,
        typer.Option(
            help="Send it to a server that runs there, instead of one that is started.",
            show_default=False,
        ),
    ] = None,
    secret: Secret = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            min=0.1, metavar="SECONDS", help="Wait no longer for an answer.", show_default=False
        ),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Post one webhook body, signed, and say whether the answer is right.

    The exit code is 1 when it is not.
    """
    with reported(debug):
        target, file = _sorted(words)
        body = _read(file)
        with _logs.kept_apart(show=debug), staged(Where(target, url, secret)) as stage:
            sent = _running.run(send(stage, body, limit=timeout))
    _show(sent, as_json=as_json)
    if any(fault.level == "error" for fault in sent.faults):
        raise typer.Exit(FAILED)


def _sorted(words: Sequence[str]) -> tuple[str | None, str]:
    files = [word for word in words if word == "-" or word.endswith(".json")]
    others = [word for word in words if word not in files]
    if len(files) != 1 or len(others) > 1:
        raise CommandError(
            "name a bot and one body: vapitools send bot.py body.json", exit_code=USAGE
        )
    return (others[0] if others else None), files[0]


def _read(file: str) -> bytes:
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}", exit_code=USAGE) from None
    if len(content) > _MAX_BYTES:
        raise CommandError(f"{file}: a body has at most {_MAX_BYTES} bytes", exit_code=USAGE)
    return content


def _show(sent: Sent, *, as_json: bool) -> None:
    content = _json(sent.body)
    if as_json:
        faults = [fault.to_json() for fault in sent.faults]
        seconds = round(sent.seconds, 4)
        print_json({"status": sent.status, "answer": content, "seconds": seconds, "faults": faults})
        return
    status = "no answer" if sent.status is None else f"status {sent.status}"
    typer.echo(f"{status}, {sent.seconds * 1000:.0f} ms")
    if isinstance(content, str):
        typer.echo(_cut(content))
    elif content is not None:
        print_json(content)
    if not sent.is_message:
        complain("Note: the body is no message of Vapi's")
    for error in sent.raised:
        where = place(error, Path.cwd())
        complain(f"{where}: {describe(error)}" if where else describe(error))
    for fault in sent.faults:
        typer.echo(printable(f"{'!' if fault.level == 'warning' else '✗'} {fault}"))


def _json(body: bytes) -> Any:
    """The answer, as JSON where it is any."""
    text = body.decode("utf-8", "replace")
    try:
        return json.loads(text) if text.strip() else None
    except (ValueError, RecursionError):
        return text


def _cut(text: str) -> str:
    """What is no JSON, such as a web page, as far as it helps."""
    shown = text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
    return "\n".join(map(printable, shown.splitlines()))
