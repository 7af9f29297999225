"""`vapitools serve`: the tools behind a webhook, on this machine."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from pathlib import Path
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
    workers: Annotated[
        int,
        typer.Option(
            min=1, help="How many processes serve. Each remembers only the calls it has answered."
        ),
    ] = 1,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep each message in this folder, with secrets and personal data replaced.",
        ),
    ] = None,
    debug: Debug = False,
) -> None:
    """Serve the tools. Vapi's messages go to /webhook.

    VAPI_SERVER_SECRET holds the secret that Vapi must send; VAPI_HMAC_SECRET and others stand
    for its other credentials. Without any, only this machine is served.

    Ctrl-C ends it within seconds; SIGTERM lets the tools that run come to their end.
    """
    with reported(debug):
        # Uvicorn takes a tenth of a second to load, which the other commands must not pay; and it
        # is loaded before the bot, whose folder may hold a file with the name of a module.
        from . import _listening, _plan, _server, _workers

        settings = Settings.from_environ(os.environ)
        if debug:
            settings = dataclasses.replace(settings, log_exceptions=True)
        # Where a variable cannot be used, this says so once, and not in each process.
        if settings.has_credentials:
            settings.verifier()
        location = targets.locate(target)
        if reload and workers > 1:
            raise CommandError("--reload serves with one process; leave --workers", exit_code=USAGE)
        # What a reload will bring, nobody knows yet; each worker loads the bot for itself.
        bot = None if reload or workers > 1 else targets.load(target, to_serve=True)
        listener = _listening.listen(host, port)
        plan = _plan.Plan(target, settings, host, listener.url, listener.is_loopback, debug)
        with contextlib.ExitStack() as stack:
            sock = stack.enter_context(listener.sock)
            if record is not None:
                from ._recording import begin

                line = stack.enter_context(begin(record, shared=bot is None))
                plan = dataclasses.replace(plan, record=line)
            if bot is not None:
                plan.check(bot)
                code = _server.serve(plan, sock, bot)
            elif workers > 1:
                code = _workers.serve(plan, sock, workers)
            else:
                plan.check(None)
                code = _server.serve_reloading(plan, sock, location.folder)
    raise typer.Exit(code)
