"""`vapitools run`: one tool, through the real webhook path."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import sys
import threading
from collections.abc import Awaitable, Mapping
from typing import Annotated, Any

import typer
from starlette.types import ASGIApp, Message

from .. import _encrypted_paths, _encryption, messages
from .._spelling import did_you_mean
from ..instrumentation import ToolRun
from ..playing import CALLER, LiveCall, static_arguments, tool_calls
from ..settings import Settings
from ..toolset import AnyTool, Toolset
from ..web import router
from . import _logs
from . import target as targets
from ._ending import end_within
from ._flags import Debug, Json, Target
from ._report import (
    FAILED,
    USAGE,
    CommandError,
    complain,
    describe,
    place,
    print_json,
    reported,
)
from .schema import find


def command(
    target: Target,
    tool: Annotated[str, typer.Argument(metavar="TOOL", help="The name of one tool in it.")],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE|JSON",
            help="What the model would send: day=2026-12-24, or one JSON object in quotes.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
    customer: Annotated[
        str, typer.Option(metavar="NUMBER", help="Who calls, in this made-up call.")
    ] = CALLER,
    debug: Debug = False,
) -> None:
    """Run one tool as a call would."""
    with reported(debug):
        settings = Settings.from_environ(os.environ)
        bot, toolset = targets.load_toolset(target)
        chosen = find(toolset, tool)
        call = LiveCall(customer={"number": customer})
        static = static_arguments(chosen, call)
        given = _read(arguments or [], chosen, static)
        _note_unfilled(static, given)
        sent, keys = _encrypted({**static, **given}, chosen, toolset)
        body = tool_calls((tool, sent), call=call)
        settings = dataclasses.replace(settings, decryption_keys=keys, log_exceptions=debug)
        trial = _Trial(bot, settings, as_json)
        with _logs.kept_apart(show=debug), contextlib.redirect_stdout(sys.stderr):
            code = trial.run(messages.dump(body))
    raise typer.Exit(code)


# --- reading the arguments ----------------------------------------------------------------


def _read(words: list[str], tool: AnyTool, static: Mapping[str, Any]) -> dict[str, Any]:
    if len(words) == 1 and words[0].lstrip().startswith("{"):
        return _read_json(words[0])
    names = [*tool.parameters["properties"], *static]
    values: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or key.lstrip().startswith("{"):
            raise _usage(_no_argument(word, names))
        if key not in names:
            raise _usage(_unknown(key, tool, names))
        if key in values:
            raise _usage(f'{key} is there twice; write several values as {key}=\'["a", "b"]\'')
        values[key] = value
    return values


def _read_json(text: str) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise _usage(f"the arguments are no JSON: {error}") from None
    except RecursionError:
        raise _usage("the arguments are nested too deeply") from None
    return value


def _no_argument(word: str, names: list[str]) -> str:
    if word.lstrip().startswith("{"):
        return "a JSON object stands alone, with quotes around it: '{…}'"
    example = f", such as {names[0]}={word}" if names else ""
    return f"{word!r} is neither key=value nor a JSON object{example}"


def _unknown(key: str, tool: AnyTool, names: list[str]) -> str:
    hint = did_you_mean(key, names) or (
        f" It has: {', '.join(names)}." if names else " It takes nothing."
    )
    return f"{tool.name} has no parameter {key!r}.{hint}"


def _note_unfilled(static: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    for key, value in static.items():
        if key not in given and "{{" in json.dumps(value):
            complain(f"Note: only a real call fills {key} ({value}); set it with {key}=…")


def _encrypted(
    arguments: dict[str, Any], tool: AnyTool, toolset: Toolset
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The arguments as Vapi sends them, and the keys for this one run."""
    if not any(each.encrypted_paths for each in toolset):
        return arguments, ()
    pem = _encryption.make_private_key()
    keys = _encryption.PrivateKeys([pem])

    def encrypt(path: str, value: object) -> str:
        try:
            return keys.encrypt(value if isinstance(value, str) else json.dumps(value))
        except ValueError:
            raise _usage(f"{path} is too long to be encrypted; it may have 190 bytes") from None

    return _encrypted_paths.replaced(arguments, tool.encrypted_paths, encrypt), (pem,)


def _usage(text: str) -> CommandError:
    return CommandError(text, exit_code=USAGE)


# --- running ------------------------------------------------------------------------------


class _Trial:
    """One run of one tool. It is its own `RunHook`: an answer does not tell why there is none."""

    def __init__(self, bot: targets.Bot, settings: Settings, as_json: bool) -> None:
        self._folder = bot.folder
        self._as_json = as_json
        # While the bot's own prints are kept apart, the answer still goes here.
        self._out = sys.stdout
        self._error: BaseException | None = None
        self._ending: threading.Timer | None = None
        self._router = router(
            bot.toolset or [], auth=None, settings=settings, hooks=[self], lifespan=bot.lifespan
        )

    def started(self, run: ToolRun) -> None:
        """See `RunHook.started`."""

    def finished(self, run: ToolRun) -> None:
        """See `RunHook.finished`."""
        self._error = run.error

    def run(self, body: bytes) -> int:
        """Post the body, print the answer, and return the exit code.

        Raises:
            CommandError: The bot's lifespan failed, or the body was refused.
        """
        try:
            return asyncio.run(self._run(body))
        finally:
            if self._ending is not None:
                self._ending.cancel()

    async def _run(self, body: bytes) -> int:
        lifespan = self._router.lifespan_context(self._router)
        state = await self._of_lifespan(lifespan.__aenter__())
        entry = await self._post(body, state)
        self._print(entry)
        code = FAILED if "error" in entry else 0
        # What the tool left behind is waited for when the loop closes.
        self._ending = end_within(2, code)
        await self._of_lifespan(lifespan.__aexit__(None, None, None))
        return code

    async def _of_lifespan(self, step: Awaitable[Any]) -> Any:
        try:
            return await step
        except (KeyboardInterrupt, asyncio.CancelledError):
            raise
        # A bot may call `sys.exit` when it cannot connect.
        except BaseException as error:
            where = place(error, self._folder) or "lifespan"
            raise CommandError(f"{where}: {describe(error)}") from error

    async def _post(self, body: bytes, state: Mapping[str, Any] | None) -> dict[str, Any]:
        status, answer = await _post(self._router, body, state)
        if status != 200:
            raise CommandError(f"the webhook answered {status}: {answer.decode()}")
        entry: dict[str, Any] = json.loads(answer)["results"][0]
        return entry

    def _print(self, entry: Mapping[str, Any]) -> None:
        if self._as_json:
            print_json(entry, self._out)
        elif "result" in entry:
            typer.echo(entry["result"], file=self._out)
        if self._error is not None:
            where = place(self._error, self._folder) or entry["name"]
            complain(f"{where}: {describe(self._error)}")
        elif "error" in entry and not self._as_json:
            complain(entry["error"])


async def _post(app: ASGIApp, body: bytes, state: Mapping[str, Any] | None) -> tuple[int, bytes]:
    """What the app answers to `POST /webhook`, with no server in between."""
    sent: list[Message] = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/webhook",
        "raw_path": b"/webhook",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", b"application/json")],
        "client": None,
        "server": None,
        "state": dict(state or {}),
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(event: Message) -> None:
        sent.append(event)

    await app(scope, receive, send)
    return sent[0]["status"], b"".join(event.get("body", b"") for event in sent)
