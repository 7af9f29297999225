"""`vapitools serve`: the tools behind a webhook, on this machine."""

from __future__ import annotations

import dataclasses
import os
from typing import Annotated

import typer

from ..settings import Settings
from . import target as targets
from ._flags import Debug, Target
from ._report import USAGE, CommandError, reported


def command(
    target: Target,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="PORT", min=0, max=65535, help="The port; 0 takes a free one.")
    ] = 8000,
    reload: Annotated[
        bool, typer.Option("--reload", help="Load the bot again when one of its files changes.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Serve the tools. Vapi's messages go to /webhook.

    VAPI_SERVER_SECRET holds the secret that Vapi must send. Without it, only this machine
    is served.
    """
    with reported(debug):
        # Uvicorn takes a tenth of a second to load, which the other commands must not pay; and it
        # is loaded before the bot, whose folder may hold a file with the name of a module.
        from . import _server

        settings = Settings.from_environ(os.environ)
        if debug:
            settings = dataclasses.replace(settings, log_exceptions=True)
        location = targets.locate(target)
        bot = None if reload else targets.load(target, apps=True)
        listener = _server.listen(host, port)
        with listener.sock:
            _check_secret(host, listener.is_loopback, settings, bot)
            plan = _server.Plan(target, settings, listener.url, listener.is_loopback, debug)
            if bot is None:
                code = _server.serve_reloading(plan, listener, location.folder)
            else:
                code = _server.serve(plan, listener, bot)
    raise typer.Exit(code)


def _check_secret(
    host: str, is_loopback: bool, settings: Settings, bot: targets.Bot | None
) -> None:
    # An app of the user's own has its own `auth`. What a reload will bring, nobody knows yet.
    own_app = bot is not None and bot.toolset is None
    if not (is_loopback or settings.server_secrets or own_app):
        raise CommandError(
            f"on {host} others can reach the tools; set VAPI_SERVER_SECRET to a secret",
            exit_code=USAGE,
        )
