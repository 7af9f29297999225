"""What can be set from outside: read from the environment once, then passed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from .errors import SettingsError

_PREFIX = "VAPITOOLS_"


@dataclass(frozen=True)
class Settings:
    """The limits and secrets a server runs with. The defaults suit production.

    Every number can be set as `VAPITOOLS_<NAME>` in the environment.

    Attributes:
        server_secrets: What Vapi sends to prove itself, from `VAPI_SERVER_SECRET`;
            several, separated by commas, while a secret is being rotated.
        url: Where the router is reached from outside, from `VAPITOOLS_URL`. Without it, an
            assistant that is returned inline gets the address that Vapi has called.
        decryption_keys: Private keys in PEM for encrypted arguments, from
            `VAPITOOLS_DECRYPTION_KEYS`: the text itself, or the files, separated by commas.
        control_urls: Which addresses a live call may be controlled at, from
            `VAPITOOLS_CONTROL_URLS`, separated by commas. The address comes with the webhook.
        max_body_bytes: A larger webhook body is refused with 413.
        body_seconds: How long a sender may take for a body.
        max_result_characters: A longer tool result is cut, with a marker.
        threads: How many blocking `def` tools may run at once.
        ledger_calls: How many answers are kept for deliveries that Vapi repeats.
        ledger_seconds: How long an answer is kept.
        grace_seconds: How long handlers of events may go on when the server stops.
        log_exceptions: Log the text of unexpected exceptions. It may hold what a caller said.
    """

    server_secrets: tuple[str, ...] = field(default=(), repr=False)
    url: str | None = None
    decryption_keys: tuple[str, ...] = field(default=(), repr=False)
    control_urls: tuple[str, ...] = ("https://*.vapi.ai",)
    max_body_bytes: int = 10 * 1024 * 1024
    body_seconds: int = 10
    max_result_characters: int = 10_000
    threads: int = 64
    ledger_calls: int = 10_000
    ledger_seconds: int = 900
    grace_seconds: int = 20
    log_exceptions: bool = False

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings from environment variables.

        Raises:
            SettingsError: A number is not a whole number above zero.
        """
        numbers: dict[str, Any] = {
            setting.name: _positive(variable, environ[variable])
            for setting in fields(cls)
            if setting.type == "int"
            and environ.get(variable := _PREFIX + setting.name.upper(), "").strip()
        }
        log_exceptions = environ.get(_PREFIX + "LOG_EXCEPTIONS", "").strip().lower()
        return cls(
            server_secrets=_listed(environ, "VAPI_SERVER_SECRET"),
            url=environ.get(_PREFIX + "URL", "").strip() or None,
            control_urls=_listed(environ, _PREFIX + "CONTROL_URLS") or cls.control_urls,
            log_exceptions=log_exceptions in {"1", "true", "yes", "on"},
            **numbers,
        )


def _listed(environ: Mapping[str, str], variable: str) -> tuple[str, ...]:
    return tuple(s for part in environ.get(variable, "").split(",") if (s := part.strip()))


def _positive(variable: str, text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise SettingsError(f"{variable} must be a whole number above zero")
    return number
