"""A plan → writes at Vapi, one after the other, each looked at again."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .._resources import Resource
from ..client import VapiClient
from ..errors import ApiError, ApplyError
from . import _assistants, _marks, _squads, _tools
from ._canonical import canonical, digest
from ._comparison import Fields, sums
from ._declaration import name_of
from ._marks import Mark
from ._plan import Plan, Step, Work
from ._planning import CLOCKS, ids_of, updated_at
from ._remote import Stored

OnStep = Callable[[Step], None]

_NOT_FOUND = 404
_DONE = {
    "create": "created",
    "update": "updated",
    "adopt": "took over",
    "detach": "detached from",
    "delete": "deleted",
}


@dataclass(frozen=True)
class Applied:
    """What was done.

    Attributes:
        steps: The steps that have changed something, each with its id.
        ids: The ids of all that is this bot's, by kind and name: `ids["assistant"]["Luigi"]`.
    """

    steps: tuple[Step, ...]
    ids: Mapping[str, Mapping[str, str]]


async def apply(plan: Plan, client: VapiClient, *, on_step: OnStep | None = None) -> Applied:
    """Do what the plan says. What is already so is not written.

    Args:
        plan: From `plan`.
        client: Where to.
        on_step: Is called after each step, with its id in it.

    Raises:
        ApplyError: The plan has problems, and nothing was done; or a step failed, and `done`
            tells which were done before it. Plan and apply again: it goes on from there.
    """
    if plan.problems:
        raise ApplyError("nothing was done:\n" + "\n".join(plan.problems))
    return await _Applying(plan, client, on_step or (lambda step: None)).run()


class _Applying:
    def __init__(self, plan: Plan, client: VapiClient, on_step: OnStep) -> None:
        self._plan = plan
        self._client = client
        self._on_step = on_step
        self._done: list[Step] = []
        self._tools = ids_of(plan.of("tool"))
        own = (step for step in plan.of("assistant") if step.action != "detach")
        self._assistants = ids_of(own)
        self._squads = ids_of(plan.of("squad"))

    async def run(self) -> Applied:
        for step in self._plan.writes:
            try:
                await self._do(step)
            except ApiError as error:
                status = f"{error.status}: " if error.status else ""
                why = f"{error.request}: {status}{error.reason}"
                raise self._stopped(step, why) from error
        found = {"tool": self._tools, "assistant": self._assistants, "squad": self._squads}
        return Applied(tuple(self._done), {kind: _by_name(ids) for kind, ids in found.items()})

    async def _do(self, step: Step) -> None:
        if step.action == "delete":
            await self._delete(step)
        elif step.action == "detach":
            await self._detach(step)
        elif step.kind == "tool":
            await self._write_tool(step)
        elif step.kind == "assistant":
            await self._write_assistant(step)
        else:
            await self._write_squad(step)

    def _note(self, step: Step, id: str) -> None:
        """What a step was for is done, though it may be looked at and noted still."""
        done = dataclasses.replace(step, id=id)
        self._done.append(done)
        self._on_step(done)

    # --- tools ----------------------------------------------------------------------------

    async def _write_tool(self, step: Step) -> None:
        tools, work = self._client.tools, _work(step)
        if step.id is None:
            stored = await tools.create(_tools.new(work.fields, work.mark))
            self._tools[stored["id"]] = step.name
        else:
            await self._fresh(tools, step)
            body = _tools.changed(work.fields, work.written, work.mark)
            stored = await tools.update(step.id, body)
        self._note(step, stored["id"])
        self._check_mark(step, _marks.of_tool(stored))
        if mark := _corrected(work, _tools.stored(stored), stored):
            server = _tools.marked(work.fields["server"], mark)
            await tools.update(stored["id"], {"server": server})

    async def _delete(self, step: Step) -> None:
        id = step.id or ""
        try:
            await self._fresh(self._client.tools, step)
            await self._client.tools.delete(id)
        except ApiError as error:
            if error.status != _NOT_FOUND:
                raise
        self._tools.pop(id, None)
        self._note(step, id)

    # --- assistants -----------------------------------------------------------------------

    async def _write_assistant(self, step: Step) -> None:
        assistants, work = self._client.assistants, _work(step)
        if step.id is None:
            body = self._new_assistant(step, work)
            id = str((await assistants.create(body))["id"])
            self._assistants[id] = step.name
        else:
            id, stored = step.id, await self._fresh(assistants, step)
            ids = {**self._also(step), **self._tools}
            body = _assistants.changed(stored, work.fields, work.written, ids)
            body["metadata"] = _assistants.marked(stored, work.fields, work.mark)
            await assistants.update(id, body)
        self._note(step, id)
        stored = await assistants.get(id)
        self._check_mark(step, _marks.of_assistant(stored))
        if lost := _assistants.lost(body, stored):
            raise self._stopped(step, f"Vapi has not kept {', '.join(lost)}")
        known = {**self._also(step), **self._tools}
        after = _assistants.stored(stored, work.fields, None, known)
        if mark := _corrected(work, after, stored):
            metadata = _assistants.marked(stored, work.fields, mark)
            await assistants.update(id, {"metadata": metadata})

    def _new_assistant(self, step: Step, work: Work) -> dict[str, Any]:
        assistant = self._declared(step)
        ids = _by_name(self._tools)
        names = self._plan.declaration.tools_of(assistant).names
        body = _assistants.new(assistant, self._plan.declaration, [ids[name] for name in names])
        body["metadata"] = _assistants.marked({}, work.fields, work.mark)
        return body

    def _also(self, step: Step) -> dict[str, str]:
        """The tools of others that the declaration names, as if their ids were names."""
        return {id: id for id in _assistants.ids_declared(self._declared(step))}

    def _declared(self, step: Step) -> Any:
        declared = self._plan.declaration.assistants
        return next(each for each in declared if name_of(each) == step.name)

    async def _detach(self, step: Step) -> None:
        stored = await self._fresh(self._client.assistants, step)
        ids = _work(step).fields[_assistants.TOOLS]
        body = _assistants.detached(stored, ids)
        kept = await self._client.assistants.update(str(step.id), body)
        if lost := _assistants.lost(body, kept):
            raise self._stopped(step, f"Vapi has not kept {', '.join(lost)}")
        self._note(step, kept["id"])

    # --- squads ---------------------------------------------------------------------------

    async def _write_squad(self, step: Step) -> None:
        squads = self._client.squads
        squad = next(each for each in self._plan.declaration.squads if each.name == step.name)
        ids = _by_name(self._assistants)
        # Now the assistants that the plan could only name have ids.
        fields = _squads.declared(squad, ids)
        mark = dataclasses.replace(_work(step).mark, sent=sums(fields))
        work = dataclasses.replace(_work(step), fields=fields, mark=mark)
        if step.id is None:
            body = _squads.new(squad, ids)
            body["membersOverrides"] = _squads.marked({}, work.fields, work.mark)
            stored = await squads.create(body)
            self._squads[stored["id"]] = step.name
        else:
            before = await self._fresh(squads, step)
            body = _squads.changed(squad, work.written, ids)
            body["membersOverrides"] = _squads.marked(before, work.fields, work.mark)
            stored = await squads.update(step.id, body)
        self._note(step, stored["id"])
        self._check_mark(step, _marks.of_squad(stored))
        if corrected := _corrected(work, _squads.stored(stored, work.fields), stored):
            body = _squads.changed(squad, (), ids)
            body["membersOverrides"] = _squads.marked(stored, work.fields, corrected)
            await squads.update(stored["id"], body)

    # --- looking again --------------------------------------------------------------------

    async def _fresh(self, resource: Resource, step: Step) -> Stored:
        """What a step would change, read just before: somebody may work in the dashboard."""
        stored = await resource.get(str(step.id))
        if _version(stored) != _version(step.stored or {}):
            raise self._stopped(step, "it was changed since the plan was made, and is left so")
        return stored

    def _check_mark(self, step: Step, mark: Mark | None) -> None:
        if mark is None or mark.owners != _work(step).mark.owners:
            raise ApplyError(
                f"{_line(step)}: Vapi has not kept the mark by which it is found again, so another "
                "apply would take it for somebody else's",
                done=map(_line, self._done),
            )

    def _stopped(self, step: Step, why: str) -> ApplyError:
        done = [_line(each) for each in self._done]
        before = f"before that: {'; '.join(done)}" if done else "nothing was done before"
        return ApplyError(
            f"{step.action} {step.kind} {step.name!r}: {why}\n"
            f"{before}. It is safe to plan and apply again: that goes on from here.",
            done=done,
        )


def _work(step: Step) -> Work:
    if step.work is None:
        raise AssertionError("a step that writes holds what it writes")
    mark = dataclasses.replace(step.work.mark, at=int(time.time()))
    return dataclasses.replace(step.work, mark=mark)


def _by_name(ids: Mapping[str, str]) -> dict[str, str]:
    return {name: id for id, name in ids.items()}


def _line(step: Step) -> str:
    return f"{_DONE[step.action]} {step.kind} {step.name!r} ({step.id})"


def _version(stored: Stored) -> Any:
    """What tells whether somebody has written to it."""
    return stored.get("updatedAt") or canonical(stored)


def _corrected(work: Work, stored: Fields, answer: Stored) -> Mark | None:
    """The mark with what Vapi has stored otherwise than it was sent; None when it says so."""
    sums = {path: digest(stored.get(path), path) for path in work.fields}
    kept = {path: each for path, each in sums.items() if each != work.mark.sent[path]}
    written, at = updated_at(answer), work.mark.at
    # With a clock ahead of Vapi's, what others change would pass for ours for so long.
    if written is not None and at > written + CLOCKS:
        at = int(written)
    mark = dataclasses.replace(work.mark, kept=kept, at=at)
    return mark if mark != work.mark else None
