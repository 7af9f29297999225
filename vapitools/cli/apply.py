"""`vapitools apply`: brings what is declared to Vapi."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from .. import sync
from ..client import VapiClient
from ..errors import ApiError
from . import _plan_report
from ._declaring import CredentialId, Env, Secret, Url, read_address
from ._flags import Debug, Json, Target
from ._plan_report import TO_DO, label
from ._report import FAILED, CommandError, complain, print_json, printable, reported
from ._running import run
from .plan import Adopt, Force, PlanningCommand, Prune, Verbose, complain_of, make_plan

_INTERRUPTED = 130

COMMAND_CLASS = PlanningCommand
_DONE = {
    "create": "created",
    "update": "changed",
    "adopt": "adopted",
    "detach": "detached from",
    "delete": "deleted",
}


def command(
    target: Target,
    url: Url = None,
    secret: Secret = None,
    credential_id: CredentialId = None,
    env: Env = None,
    adopt: Adopt = False,
    prune: Prune = False,
    force: Force = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    verbose: Verbose = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Bring what is declared to Vapi: the tools, the assistants, the squads.

    It shows the plan and asks. The exit code is 0 when all is there as declared, 2 when it was
    not confirmed, and 1 for an error.
    """
    progress = _Progress(quiet=as_json)
    with reported(debug, usage=FAILED), _interruptible(progress):
        address = read_address(url, secret, credential_id)
        plan = make_plan(target, address, env, adopt=adopt, prune=prune, force=force)
        if as_json:
            complain_of(plan.problems)
        else:
            _plan_report.show(plan, verbose=verbose)
        try:
            code = _carry_out(plan, progress, yes)
        finally:
            if as_json:
                done = [_entry(step) for step in progress.done]
                print_json({**_plan_report.to_json(plan), "done": done})
    raise typer.Exit(code)


@dataclass
class _Progress:
    """What has been done so far, said step by step.

    Attributes:
        quiet: Whether nothing is said of it.
        is_writing: Whether something may have been done.
        done: The steps that are done.
    """

    quiet: bool
    is_writing: bool = False
    done: list[sync.Step] = field(default_factory=list[sync.Step])

    def add(self, step: sync.Step) -> None:
        self.done.append(step)
        if not self.quiet:
            typer.echo(_said(step))


def _carry_out(plan: sync.Plan, progress: _Progress, yes: bool) -> int:
    code = _plan_report.exit_code(plan)
    if code != TO_DO or not _is_confirmed(yes, progress.quiet):
        return code
    progress.is_writing = True
    run(_apply(plan, progress))
    return 0


def _is_confirmed(yes: bool, quiet: bool) -> bool:
    if yes:
        return True
    if quiet or not sys.stdin.isatty():
        complain("Nothing was done: nobody can be asked here; --yes applies without asking")
        return False
    return typer.confirm("Apply?", err=True)


async def _apply(plan: sync.Plan, progress: _Progress) -> None:
    async with VapiClient() as client:
        applied = await sync.apply(plan, client, on_step=progress.add)
        if not progress.quiet:
            await _tell(applied, plan, client)


def _entry(step: sync.Step) -> dict[str, Any]:
    return {"kind": step.kind, "name": step.name, "action": step.action, "id": step.id}


def _said(step: sync.Step) -> str:
    return printable(f"{_DONE[step.action]} {label(step)} ({step.id})")


# --- afterwards ---------------------------------------------------------------------------


async def _tell(applied: sync.Applied, plan: sync.Plan, client: VapiClient) -> None:
    """Say what is there now, and what is missing for a call."""
    typer.echo("Done.")
    for kind in ("assistant", "squad"):
        for name, id in applied.ids[kind].items():
            typer.echo(printable(f"{kind} {name!r} is {id}"))
    is_new = any(step.action == "create" and step.kind != "tool" for step in applied.steps)
    if is_new and not await _has_number(applied, plan.declaration.url, client):
        typer.echo("Next: in the dashboard, under Phone Numbers, let a number lead there.")


async def _has_number(applied: sync.Applied, url: str, client: VapiClient) -> bool:
    ours = {id for kind in ("assistant", "squad") for id in applied.ids[kind].values()}
    # All is done by now; this hint is not worth an error.
    with contextlib.suppress(ApiError):
        return any(_leads_to(ours, url, each) for each in await client.phone_numbers.list())
    return True


def _leads_to(ours: set[str], url: str, number: Mapping[str, Any]) -> bool:
    server: Mapping[str, Any] = number.get("server") or {}
    is_ours = bool(ours & {number.get("assistantId"), number.get("squadId")})
    return is_ours or str(server.get("url") or "").startswith(url)


# --- Ctrl-C -------------------------------------------------------------------------------


@contextlib.contextmanager
def _interruptible(progress: _Progress) -> Generator[None, None, None]:
    try:
        yield
    except (KeyboardInterrupt, typer.Abort):
        raise CommandError(_halted(progress), exit_code=_INTERRUPTED) from None


def _halted(progress: _Progress) -> str:
    if not progress.is_writing:
        return "interrupted; nothing was done"
    done = "; ".join(map(_said, progress.done)) or "nothing for certain"
    return (
        f"interrupted. Done so far: {done}. The next step may be done, too. "
        "It is safe to plan and apply again: that goes on from here."
    )
