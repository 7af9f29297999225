"""`vapitools plan`: what `apply` would change at Vapi."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from .. import sync
from ..client import VapiClient
from . import _plan_report
from ._declaring import Address, CredentialId, Env, Secret, Url, declare, read_address
from ._flags import Debug, Json, Target
from ._project import load_project
from ._report import FAILED, USAGE, complain, print_json, reported
from ._running import run

Adopt = Annotated[
    bool, typer.Option("--adopt", help="Take over what has the same name and was made elsewhere.")
]
Prune = Annotated[
    bool, typer.Option("--prune", help="Delete this bot's tools that are no longer declared.")
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite what others have changed.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show what is new, long or unchanged, too.")
]


class PlanningCommand(TyperCommand):
    """Ends with 1 when it is written wrongly, because 2 says that there is something to do."""

    def make_context(
        self, info_name: str | None, args: list[str], *others: Any, **more: Any
    ) -> Any:
        try:
            return super().make_context(info_name, args, *others, **more)
        except Exception as error:
            # The class of the error has another home in each version of Typer.
            usage: Any = error
            if getattr(usage, "exit_code", None) == USAGE:
                usage.exit_code = FAILED
            raise


COMMAND_CLASS = PlanningCommand


def command(
    target: Target,
    url: Url = None,
    secret: Secret = None,
    credential_id: CredentialId = None,
    env: Env = None,
    adopt: Adopt = False,
    prune: Prune = False,
    force: Force = False,
    verbose: Verbose = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Show what `apply` would change at Vapi, and change nothing.

    The exit code is 0 when there is nothing to do, 2 when there is, and 1 for an error.
    """
    with reported(debug, usage=FAILED):
        address = read_address(url, secret, credential_id)
        plan = make_plan(target, address, env, adopt=adopt, prune=prune, force=force)
        if as_json:
            print_json(_plan_report.to_json(plan))
            complain_of(plan.problems)
        else:
            _plan_report.show(plan, verbose=verbose)
    raise typer.Exit(_plan_report.exit_code(plan))


def make_plan(target: str, address: Address, env: str | None, **options: bool) -> sync.Plan:
    """Compare what TARGET declares with what is at Vapi.

    Raises:
        VapiToolsError: Something is in the way; nothing has been changed.
    """
    declaration = declare(load_project(target), address, env)
    plan = sync.plan(declaration, run(_read()), **options)
    return dataclasses.replace(plan, warnings=(*address.warnings, *plan.warnings))


def complain_of(problems: Sequence[str]) -> None:
    """Say on stderr what is in the way, where stdout holds JSON."""
    for problem in problems:
        complain(f"Problem: {problem}")


async def _read() -> sync.Remote:
    async with VapiClient() as client:
        return await sync.read(client)
