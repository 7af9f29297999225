"""What is to be served."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from ..auth import Verifier
from ..settings import Settings
from . import target as targets
from ._report import USAGE, CommandError

if TYPE_CHECKING:
    from ..recording import Line


@dataclass(frozen=True)
class Plan:
    """What is to be served, and how. It can be sent to another process.

    Attributes:
        target: TARGET, as it was written.
        settings: Limits and secrets.
        host: The address to listen on, as it was written.
        url: Where the server is reached from this machine.
        is_loopback: Whether only this machine reaches it.
        debug: Whether tracebacks are shown.
        record: Where what came is kept: a folder, or what keeps it for several processes.
    """

    target: str
    settings: Settings
    host: str
    url: str
    is_loopback: bool
    debug: bool
    record: Path | Line | None = None

    @property
    def auth(self) -> Verifier | None:
        """Who is let in; None lets everybody in.

        Raises:
            SettingsError: A variable cannot be used.
        """
        return self.settings.verifier() if self.settings.has_credentials else None

    def recorded(self, app: ASGIApp) -> ASGIApp:
        """The app, with a recorder around it where that is wanted."""
        if self.record is None:
            return app
        # Most servers record nothing, and start the sooner.
        from ..recording import Recorder, Sender

        return Recorder(app, self.record if isinstance(self.record, Path) else Sender(self.record))

    def check(self, bot: targets.Bot | None) -> None:
        """See that nobody reaches tools that everybody can call.

        Args:
            bot: None while nobody knows what it will be.

        Raises:
            CommandError: Others would.
        """
        # An app of the user's own has its own `auth`.
        own_app = bot is not None and bot.toolset is None
        if not (self.is_loopback or self.auth or own_app):
            raise CommandError(
                f"on {self.host} others can reach the tools; set VAPI_SERVER_SECRET to a secret",
                exit_code=USAGE,
            )
