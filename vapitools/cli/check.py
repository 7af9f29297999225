"""`vapitools check`: what is wrong with a bot, or may be."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import typer

from .. import checks
from ..auth import SharedSecret, Verifier
from ..client import VapiClient
from ..errors import DefinitionError
from ..settings import Settings
from ..sync import Declaration
from . import _running
from ._declaring import Address, CredentialId, Env, Secret, Url, declare, read_address
from ._flags import Debug, Json, Target
from ._project import Project, load_project
from ._report import FAILED, print_json, printable, reported


def command(
    target: Target,
    live: Annotated[
        bool, typer.Option("--live", help="Ask the server, and Vapi, too; change nothing.")
    ] = False,
    url: Url = None,
    secret: Secret = None,
    credential_id: CredentialId = None,
    env: Env = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail on warnings, too.")] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Say what is wrong with a bot, or may be, and run nothing of it.

    The exit code is 1 when something is an error.
    """
    with reported(debug):
        settings = Settings.from_environ(os.environ)
        address = read_address(url, secret, credential_id) if live else None
        project = load_project(target)
        found = checks.check(
            project.toolset,
            project.assistants,
            project.events,
            module=project.module,
            settings=settings,
        )
        if address is not None:
            verifier = _verifier(settings, address, is_named=secret is not None)
            found += _running.run(checks.probe(address.url, verifier))
            found += _compare(project, address, env, settings)
    if as_json:
        print_json([finding.to_json() for finding in found])
    else:
        _print(found)
    failing = ("error", "warning") if strict else ("error",)
    if any(finding.level in failing for finding in found):
        raise typer.Exit(FAILED)


def _verifier(settings: Settings, address: Address, *, is_named: bool) -> Verifier | None:
    if is_named:
        return SharedSecret(address.server["secret"])
    return settings.verifier() if settings.has_credentials else None


def _compare(
    project: Project, address: Address, env: str | None, settings: Settings
) -> list[checks.Finding]:
    if settings.api_key is None:
        return [_not_compared("set VAPI_API_KEY to the private key of your organization")]
    try:
        declaration = declare(project, address, env)
    except DefinitionError as error:
        return [_not_compared("; ".join(error.problems))]
    return _running.run(_ask_vapi(declaration))


async def _ask_vapi(declaration: Declaration) -> list[checks.Finding]:
    async with VapiClient() as client:
        return await checks.compare(declaration, client)


def _not_compared(why: str) -> checks.Finding:
    return checks.Finding("not-checked", "Vapi", f"what is at Vapi was not compared: {why}")


def _print(found: Sequence[checks.Finding]) -> None:
    for finding in found:
        typer.echo(printable(str(finding)))
    counted = Counter(finding.level for finding in found)
    parts = [
        f"{counted[level]} {level}{'s' if counted[level] > 1 else ''}"
        for level in ("error", "warning", "note")
        if counted[level]
    ]
    typer.echo(", ".join(parts) or "nothing to say")
