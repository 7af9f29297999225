"""Flags → what is to be at Vapi, and where Vapi finds it."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

import typer

from .._site import server_fields
from .._spelling import did_you_mean
from ..auth import SharedSecret
from ..builtin_tools import is_id
from ..errors import SettingsError
from ..settings import Settings, check_url
from ..sync import Declaration
from ._project import Project
from ._report import USAGE, CommandError

Url = Annotated[
    str | None,
    typer.Option(
        help="Where your server is reached from outside; VAPITOOLS_URL by default.",
        show_default=False,
    ),
]
Secret = Annotated[
    str | None,
    typer.Option(
        metavar="VARIABLE",
        help="The environment variable that holds the secret; VAPI_SERVER_SECRET by default.",
        show_default=False,
    ),
]
CredentialId = Annotated[
    str | None,
    typer.Option(metavar="ID", help="A credential at Vapi, instead of a secret."),
]
Env = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="A stage with tools and assistants of its own: staging."),
]

_EXAMPLE = "https://luigi.example.com"
_PLAIN = re.compile(r"https?://[^\s/?#@\\]+(/[^\s?#@\\]*)?")


@dataclass(frozen=True)
class Address:
    """Where Vapi finds the bot, and what it has to show there.

    Attributes:
        url: Where the router is reached from outside.
        server: More of Vapi's `server` fields: the secret, or the id of a credential.
        warnings: What will not work as it stands.
    """

    url: str
    server: Mapping[str, Any] = field(repr=False)
    warnings: tuple[str, ...] = ()


def read_address(
    url: str | None = None,
    secret: str | None = None,
    credential_id: str | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
) -> Address:
    """Where the bot is, from flags, and where there are none from the environment.

    Args:
        url: `--url`.
        secret: `--secret`: the name of a variable.
        credential_id: `--credential-id`.
        environ: The environment.

    Raises:
        CommandError: A flag cannot be used, or is missing.
        SettingsError: A variable cannot be used.
    """
    settings = Settings.from_environ(environ)
    name, url = ("--url", url) if url is not None else ("VAPITOOLS_URL", settings.url)
    if url is None:
        raise _usage(
            f"say where your server is reached from outside: --url {_EXAMPLE}, or VAPITOOLS_URL"
        )
    parts = _parts(name, url)
    if secret is not None and credential_id is not None:
        raise _usage("--secret and --credential-id say the same in two ways; leave one")
    if credential_id is not None:
        return Address(url, _credential(credential_id), _url_warnings(url, parts, settings))
    server = (
        secret_in(secret, environ).server_fields()
        if secret is not None
        else _from_settings(settings)
    )
    warnings = (*_url_warnings(url, parts, settings), *_open_warnings(server, settings))
    return Address(url, server, warnings)


def declare(project: Project, address: Address, env: str | None = None) -> Declaration:
    """What is to be at Vapi.

    Raises:
        CommandError: The stage has an empty name.
        DefinitionError: It cannot be brought there.
    """
    # Such as --env "$STAGE" where that is not set: it must not mean production.
    if env is not None and not env.strip():
        raise _usage("--env is empty; name a stage, or leave it out")
    return Declaration(
        project.assistants,
        squads=project.squads,
        toolset=project.toolset,
        events=project.events,
        url=address.url,
        server=address.server,
        env=env or "",
    )


# --- the URL ------------------------------------------------------------------------------


def _parts(name: str, url: str) -> SplitResult:
    check_url(name, url)
    try:
        parts = urlsplit(url)
        # A wrong port is found when it is asked for. What a URL holds beside may be secret.
        if _PLAIN.fullmatch(url) and parts.hostname and parts.port != 0:
            return parts
    except ValueError:
        pass
    raise _usage(f"{name} must be an address alone, such as {_EXAMPLE}: no user, query or blanks")


def _url_warnings(url: str, parts: SplitResult, settings: Settings) -> tuple[str, ...]:
    is_public = _is_public(parts.hostname or "")
    if _is_vapis(settings.api_url) and not is_public:
        return (f"Vapi cannot reach {url}, which is on your side only; open a tunnel to it",)
    if parts.scheme == "http" and is_public:
        return (f"{url} is not encrypted: the secret can be read on the way; use https://",)
    return ()


def _is_vapis(api_url: str) -> bool:
    return f".{urlsplit(api_url).hostname}".endswith(".vapi.ai")


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return not f".{host}".endswith((".localhost", ".local", ".internal"))


# --- what Vapi has to show ----------------------------------------------------------------


def _credential(id: str) -> Mapping[str, Any]:
    # It may be a secret that was meant for another flag, so it is not repeated.
    if not is_id(id):
        raise _usage("--credential-id must be a UUID, as Vapi gives it")
    return {"credentialId": id}


def secret_in(name: str, environ: Mapping[str, str]) -> SharedSecret:
    """The secret that an environment variable holds: what `--secret` names.

    Raises:
        CommandError: There is no such variable, or no secret in it.
    """
    if name not in environ:
        # It may be the secret itself, so it is not repeated.
        raise _usage(
            "--secret takes the name of an environment variable that holds the secret, such as "
            f"VAPI_SERVER_SECRET; there is none of the name given.{did_you_mean(name, environ)}"
        )
    secrets = [part for part in environ[name].split(",") if part.strip()]
    try:
        return SharedSecret(*secrets)
    except SettingsError as error:
        raise _usage(f"{name}: {error}") from None


def _from_settings(settings: Settings) -> Mapping[str, Any]:
    return server_fields(settings.verifier()) if settings.has_credentials else {}


def _open_warnings(server: Mapping[str, Any], settings: Settings) -> tuple[str, ...]:
    if server:
        return ()
    if settings.has_credentials:
        return (
            "your server lets nobody in without the credential that the environment names, and "
            "Vapi is not told which one it is; pass its id with --credential-id",
        )
    return (
        "without a secret, everybody who knows the URL can call the tools; "
        "set VAPI_SERVER_SECRET to one, here and on the server",
    )


def _usage(text: str) -> CommandError:
    return CommandError(text, exit_code=USAGE)
