"""Whether what is declared is at Vapi."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .. import sync
from ..client import VapiClient
from ..errors import ApiError
from ._finding import Finding

_VAPI = "Vapi"
_ATTACHED = "model.toolIds"


async def compare(declaration: sync.Declaration, client: VapiClient) -> list[Finding]:
    """Find out whether what is declared is at Vapi. Nothing is changed there.

    Args:
        declaration: What is to be there.
        client: Vapi's API.
    """
    try:
        remote = await sync.read(client)
    except ApiError as error:
        return [Finding("api-error", _VAPI, str(error))]
    plan = sync.plan(declaration, remote)
    return [
        *_step_findings(plan.steps),
        *(Finding("conflict", _VAPI, problem) for problem in plan.problems),
        *(Finding("broken-at-vapi", _VAPI, warning) for warning in plan.warnings),
    ]


def _step_findings(steps: Iterable[sync.Step]) -> Iterator[Finding]:
    """What the steps say of how it is now. Those that a problem is about say nothing."""
    for step in steps:
        subject = f"{step.kind} {step.name}"
        if step.action == "create":
            yield Finding(
                "not-registered", subject, "it is not at Vapi; `vapitools apply` brings it there"
            )
        elif step.action == "update":
            yield from _differences(step, subject)
        elif step.action == "leave":
            yield Finding("left-over", subject, f"it is at Vapi; {'; '.join(step.notes)}")


def _differences(step: sync.Step, subject: str) -> Iterator[Finding]:
    for change in step.changes:
        missing = set(change.new or ()) - set(change.old or ()) if change.path == _ATTACHED else ()
        if missing:
            yield Finding(
                "not-attached",
                subject,
                f"at Vapi it lacks {', '.join(sorted(missing))}; `vapitools apply` attaches them",
            )
    paths = [change.path for change in step.changes if change.path != _ATTACHED]
    if paths:
        yield Finding(
            "not-applied",
            subject,
            f"at Vapi it is not as declared ({', '.join(paths)}); `vapitools apply` changes that",
        )
