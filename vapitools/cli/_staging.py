"""What a command plays against, from its flags."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from ..auth import Verifier
from ..playing import Bot, Stage, hosting, visiting
from ..settings import Settings
from . import _declaring
from ._project import load_project
from ._report import USAGE, CommandError


@dataclass(frozen=True)
class Where:
    """What is played against.

    Attributes:
        target: The bot, as on the command line; None: nobody knows it.
        url: The server that runs elsewhere; None: the bot is served for the play.
        secret: `--secret`: the name of a variable.
        control_port: Where live calls take commands, for a server elsewhere.
    """

    target: str | None
    url: str | None
    secret: str | None = None
    control_port: int = 0


def load_bot(target: str, settings: Settings) -> Bot:
    """The bot of a TARGET; what it prints while it is loaded goes to stderr.

    Raises:
        TargetError: It cannot be used.
    """
    project = load_project(target, to_serve=True)
    if project.is_app:
        raise CommandError(
            f"{project.label} is an app; serve it (vapitools serve {target}), and play with "
            "--url and the address of its webhook",
            exit_code=USAGE,
        )
    return Bot(
        project.toolset,
        project.events,
        project.assistants,
        project.squads,
        project.lifespan,
        settings,
    )


@contextmanager
def staged(where: Where) -> Generator[Stage]:
    """The stage, for as long as the block lasts. What the bot prints goes to stderr.

    Raises:
        CommandError: A flag cannot be used, or the bot.
        PlayError: The bot cannot be served.
        SettingsError: A variable cannot be used.
    """
    settings = Settings.from_environ(os.environ)
    if where.url is not None and not where.url.startswith(("https://", "http://")):
        raise CommandError("--url must begin with https:// or http://", exit_code=USAGE)
    with contextlib.redirect_stdout(sys.stderr):
        bot = load_bot(where.target, settings) if where.target is not None else None
        if where.url is not None:
            with visiting(
                where.url,
                bot=bot,
                verifier=_verifier(settings, where.secret),
                control_port=where.control_port,
                settings=settings,
            ) as stage:
                yield stage
        elif bot is not None:
            with hosting(bot) as stage:
                yield stage
        else:
            raise CommandError("say what is played against: a bot, or --url", exit_code=USAGE)


def _verifier(settings: Settings, secret: str | None) -> Verifier | None:
    if secret is not None:
        return _declaring.secret_in(secret, os.environ)
    return settings.verifier() if settings.has_credentials else None
