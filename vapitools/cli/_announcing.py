"""What the terminal is told of a server: where it is, whom it lets in, how to try it."""

from __future__ import annotations

import json
import shlex
from itertools import chain
from pathlib import Path
from typing import Any

import typer

from .._samples import sample_arguments, sample_static
from ..events import Events
from ..settings import Settings
from ..toolset import AnyTool, Toolset
from . import target as targets
from ._plan import Plan
from ._report import complain, program, shown


def announce(plan: Plan, bot: targets.Bot) -> None:
    if bot.toolset is None:
        typer.echo(f"Serving {bot.label} at {plan.url} (whom it lets in is up to its own auth)")
        return
    typer.echo(f"Webhook: {plan.url}/webhook (asks for {_asked(plan.settings)})")
    if len(bot.toolset):
        typer.echo(f"Tools:   {', '.join(bot.toolset.names)}")
    if bot.events is not None and _heard(bot.events):
        typer.echo(f"Events:  {', '.join(_heard(bot.events))}")
    typer.echo(f"Try it:  {_trial(plan, bot.toolset)}")
    typer.echo(f"Play it: {_play(plan, bot.folder)}")


_ASKED = {
    "VAPI_HMAC_": "a signature made with VAPI_HMAC_SECRET",
    "VAPI_OAUTH2_": "an OAuth2 token of VAPI_OAUTH2_ISSUER",
}


def _asked(settings: Settings) -> str:
    asked = ["the secret in VAPI_SERVER_SECRET"] if settings.server_secrets else []
    for prefix, what in _ASKED.items():
        if any(name.startswith(prefix) for name, _ in settings.credentials):
            asked.append(what)
    return " or ".join(asked) or "no secret: keep it on this machine, without a tunnel"


def _heard(events: Events) -> list[str]:
    return [*events.types, *(["every message"] if events.server_messages is None else [])]


def _trial(plan: Plan, toolset: Toolset) -> str:
    """A line for the terminal that shows that all is well."""
    tool = _easiest(toolset)
    can_be_typed = plan.auth is None or bool(plan.settings.server_secrets)
    if tool is None:
        path, body = "webhook", json.dumps({"message": {"type": "status-update"}})
        return _curl(plan, path, body) if can_be_typed else f"curl {plan.url}/health"
    arguments = json.dumps(_arguments(tool), ensure_ascii=False)
    # Neither a signature nor what is encrypted can be typed.
    if can_be_typed and not tool.encrypted_paths:
        return _curl(plan, f"tools/{tool.name}", arguments)
    return f"{program()} run {shlex.quote(plan.target)} {tool.name} {shlex.quote(arguments)}"


def _play(plan: Plan, folder: Path) -> str:
    """A line for the terminal that plays a call against the server, or writes one."""
    file, _, _ = plan.target.partition(":")
    calls = sorted(folder.glob(f"{Path(file).stem}*.call.yaml")) if file.endswith(".py") else []
    if calls:
        secret = "  (with the same VAPI_SERVER_SECRET)" if plan.auth else ""
        return f"{program()} play {shlex.quote(shown(calls[0]))} --url {plan.url}{secret}"
    return f"{program()} play {shlex.quote(plan.target)} --new"


def _easiest(toolset: Toolset) -> AnyTool | None:
    """The first tool that arguments can be made up for, or else the first."""
    fitting = (tool for tool in toolset if sample_arguments(tool).problem is None)
    return next(chain(fitting, toolset), None)


def _arguments(tool: AnyTool) -> dict[str, Any]:
    """What Vapi might send: the arguments of the model, and what Vapi fills in."""
    return {**sample_arguments(tool).arguments, **sample_static(tool)}


def _curl(plan: Plan, path: str, body: str) -> str:
    # The shell fills it in, so that the secret is not on the screen; of several, the first.
    secret = ' -H "X-Vapi-Secret: ${VAPI_SERVER_SECRET%%,*}"' if plan.auth else ""
    return (
        f"curl {plan.url}/{path}{secret} -H 'Content-Type: application/json' -d {shlex.quote(body)}"
    )


def announce_stand_in(plan: Plan) -> None:
    complain(f"Until it is repaired, {plan.url} answers each tool call with an error.")
