"""`vapitools call`: call somebody, after a question."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from .._call_request import CallOptions, checked
from ..calls import Call, PreparedCall
from ..client import VapiClient
from ..errors import DefinitionError
from . import _running
from ._flags import Debug, Json
from ._report import FAILED, USAGE, CommandError, print_json, printable, reported
from .calls import call_json

_EXAMPLE = "2026-12-24T18:00+01:00"
# How what the library names is written here.
_FLAGS = {"from_": "--from", "webhook_url": "--webhook-url", "schedule": "--at"}
_WHO = ("assistant='…', assistant_id='…' and squad='…'", "--assistant and --squad")
_NAMED = re.compile(rf"\b({'|'.join(_FLAGS)})\b(='…')?")


def command(
    number: Annotated[
        str, typer.Argument(metavar="NUMBER", help="Who is called, such as +15550100020.")
    ],
    assistant: Annotated[
        str | None,
        typer.Option(help="Who speaks: the name or the id of an assistant.", show_default=False),
    ] = None,
    squad: Annotated[
        str | None,
        typer.Option(help="A squad that speaks: its name or its id.", show_default=False),
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="NUMBER|ID",
            help="Your number to call from; not needed when there is one.",
            show_default=False,
        ),
    ] = None,
    variables: Annotated[
        list[str] | None,
        typer.Option(
            "--var",
            metavar="KEY=VALUE",
            help="A value for {{key}} in the assistant; can be repeated.",
            show_default=False,
        ),
    ] = None,
    webhook_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Where Vapi sends this call's messages.", show_default=False
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help=f"When, such as {_EXAMPLE}.", show_default=False),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Call a phone number with an assistant."""
    with reported(debug):
        try:
            options: CallOptions = {
                "assistant": assistant,
                "squad": squad,
                "from_": from_,
                "variables": _pairs(variables or ()),
                "webhook_url": webhook_url,
                "schedule": None if at is None else _moment(at),
            }
            call = _called(number, options, when=at or "now", yes=yes, as_json=as_json)
        except DefinitionError as error:
            problems = "\n".join(map(_in_flags, error.problems))
            raise CommandError(problems, exit_code=USAGE) from None
        if as_json:
            print_json(call_json(call))
        else:
            typer.echo(f"Call {call.id} is {call.status}.")
            typer.echo(f"Watch it: vapitools calls {call.id} --watch")


def _pairs(words: Sequence[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    if any(not key or not equals for key, equals, _ in pairs):
        raise CommandError("--var must be like --var name=Ann", exit_code=USAGE)
    return {key: value for key, _, value in pairs}


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text))
    except ValueError:
        raise CommandError(f"--at must be a time such as {_EXAMPLE}", exit_code=USAGE) from None
    if moment.tzinfo is None:
        raise CommandError(f"--at must say its offset, such as {_EXAMPLE}", exit_code=USAGE)
    return moment


def _in_flags(problem: str) -> str:
    text = re.sub("^to ", "NUMBER ", problem.removeprefix("call: "))
    return _NAMED.sub(lambda found: _FLAGS[found[1]], text.replace(*_WHO))


def _called(number: str, options: CallOptions, *, when: str, yes: bool, as_json: bool) -> Call:
    checked([number], options)
    if not yes and not sys.stdin.isatty():
        raise CommandError("there is no terminal to ask at; add --yes", exit_code=USAGE)
    prepared = _running.run(_prepared(number, options))
    typer.echo(_shown(prepared, when), err=as_json)
    # Asked outside the event loop, which would keep Ctrl-C from ending the question.
    try:
        is_wanted = yes or typer.confirm("Dial?", err=as_json)
    except typer.Abort:
        raise CommandError("interrupted; nobody was called", exit_code=130) from None
    if not is_wanted:
        raise CommandError("nobody was called")
    try:
        return _running.run(_placed(prepared))
    except KeyboardInterrupt:
        raise CommandError(
            "interrupted; the call may have been placed: look with `vapitools calls`",
            exit_code=FAILED,
        ) from None


async def _prepared(number: str, options: CallOptions) -> PreparedCall:
    async with VapiClient() as client:
        return await client.calls.prepare(to=number, **options)


async def _placed(prepared: PreparedCall) -> Call:
    async with VapiClient() as client:
        return await client.calls.place(prepared)


def _shown(prepared: PreparedCall, when: str) -> str:
    customer, line = prepared.body["customer"], prepared.phone_number or {}
    who = "Squad" if "squadId" in prepared.body else "Assistant"
    rows = {
        "To": customer.get("number") or customer.get("sipUri"),
        who: _label(prepared.speaker or {}, "name"),
        "From": _label(line, "number", "name"),
        "When": when,
    }
    return "\n".join(f"{title + ':':<11}{printable(str(text))}" for title, text in rows.items())


def _label(stored: Mapping[str, Any], *keys: str) -> str:
    texts = [str(stored[key]) for key in keys if stored.get(key)]
    return " ".join([*texts, f"({stored.get('id')})"])
