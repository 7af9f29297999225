"""What is declared against what is at Vapi → a plan. Nothing here asks Vapi."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from ..assistants import Assistant
from ..errors import DefinitionError
from ..squads import Squad
from . import _assistants, _squads, _tools
from ._canonical import digest
from ._comparison import Change, Fields, changes, compare, sums
from ._declaration import Declaration, name_of
from ._finding import Finder, Match
from ._json import as_object
from ._marks import Mark
from ._plan import Kind, Plan, Step, Work
from ._remote import Remote, Stored

# Seconds by which our clock and Vapi's may differ.
CLOCKS = 5


def plan(
    declaration: Declaration,
    remote: Remote,
    *,
    adopt: bool = False,
    prune: bool = False,
    force: bool = False,
) -> Plan:
    """Compare what is declared with what is at Vapi. It asks nothing and changes nothing.

    Args:
        declaration: What is to be there.
        remote: What is there, from `read`.
        adopt: Take over what has the same name and was made elsewhere.
        prune: Delete this bot's tools that are no longer declared.
        force: Overwrite what somebody else has changed since the last apply.
    """
    finder = Finder(declaration, remote, adopt=adopt)
    comparing = _Comparing(declaration, adopt=adopt, force=force)
    own = [(each, finder.assistant(each)) for each in declaration.assistants]
    stored = [match.stored for _, match in own if match.stored is not None]
    tools = [comparing.tool(name, finder.tool(name, stored)) for name in declaration.tools]
    orphans = [
        _orphan(*found, declaration, remote, prune=prune, force=force)
        for found in finder.orphans()
        if found[0]["id"] not in _ids_declared(declaration)
    ]
    names = ids_of([*tools, *orphans])
    assistants = [comparing.assistant(*found, names) for found in own]
    squads = [
        comparing.squad(squad, finder.squad(squad), assistants) for squad in declaration.squads
    ]
    detached = _detachments(orphans, remote, {str(each["id"]) for each in stored})
    return Plan(
        declaration,
        (*tools, *assistants, *squads, *detached, *orphans),
        (*finder.problems, *comparing.problems, *_unknown(declaration, remote)),
        tuple(_warnings(stored, names, declaration, remote)),
    )


def ids_of(steps: Iterable[Step]) -> dict[str, str]:
    """The names of what is at Vapi already, by id."""
    return {step.id: step.name for step in steps if step.id is not None}


class _Comparing:
    """Makes the steps for what is declared. It notes in `problems` why one cannot be done."""

    def __init__(self, declaration: Declaration, *, adopt: bool, force: bool) -> None:
        self._declaration = declaration
        self._adopt = adopt
        self._force = force
        self.problems: list[str] = []

    def tool(self, name: str, match: Match) -> Step:
        fields = _tools.declared(self._declaration.tools[name], self._declaration)
        stored: Fields = _tools.stored(match.stored) if match.stored else {}
        owners = tuple(sorted({*self._declaration.owners_of(name), *match.others}))
        return self._step("tool", name, match, fields, stored, owners)

    def assistant(self, assistant: Assistant, match: Match, tools: Mapping[str, str]) -> Step:
        name = name_of(assistant)
        also = {id: id for id in _assistants.ids_declared(assistant)}
        fields = _assistants.declared(assistant, self._declaration, also)
        stored: Fields = {}
        if match.stored is None:
            self._check_new(assistant)
        else:
            replaced = self._replaced(assistant, match.stored)
            known = {**also, **tools}
            stored = _assistants.stored(match.stored, fields, match.mark, known, replaced)
        step = self._step("assistant", name, match, fields, stored, (name,))
        notes = (*_forgotten(fields, stored, match), *_moved(match, self._declaration))
        return dataclasses.replace(step, notes=(*step.notes, *notes))

    def _replaced(self, assistant: Assistant, stored: Stored) -> list[str]:
        """The function tools in the assistant itself that have the names of ours."""
        ours = self._declaration.tools_of(assistant)
        same = [name for name in _assistants.inline_names(stored) if name in ours]
        if same and not self._adopt:
            self.problems.append(
                f"assistant {assistant.name!r} holds tools of its own with the names of yours: "
                f"{', '.join(same)}; --adopt lets yours take their place"
            )
        return same if self._adopt else []

    def squad(self, squad: Squad, match: Match, assistants: Sequence[Step]) -> Step:
        ids = {step.name: step.id or f"the id of {step.name!r}" for step in assistants}
        fields = _squads.declared(squad, ids)
        stored: Fields = _squads.stored(match.stored, fields) if match.stored else {}
        step = self._step("squad", squad.name, match, fields, stored, (squad.name,))
        return dataclasses.replace(step, notes=(*step.notes, *_forgotten(fields, stored, match)))

    def _check_new(self, assistant: Assistant) -> None:
        try:
            names = self._declaration.tools_of(assistant).names
            _assistants.new(assistant, self._declaration, names)
        except DefinitionError as error:
            self.problems += error.problems

    def _step(
        self,
        kind: Kind,
        name: str,
        match: Match,
        fields: Fields,
        stored: Fields,
        owners: tuple[str, ...],
    ) -> Step:
        mark = match.mark if match.is_ours else None
        wanted = Mark(self._declaration.env, owners, sums(fields))
        if mark is not None:
            wanted = wanted.kept_as(mark)
        found = compare(
            fields,
            stored,
            mark,
            wanted,
            is_just_written=_is_just_written(match.stored, mark),
            guarded=_assistants.INLINE if kind == "assistant" else None,
        )
        shown = changes(fields, stored, found)
        work = Work(fields, found.written, wanted)
        notes = (match.note,) if match.note else ()
        if match.stored is None:
            return Step(kind, name, "create", changes=shown, notes=notes, work=work)
        step = Step(kind, name, "update", str(match.stored["id"]), shown, notes, match.stored, work)
        if found.edited and not self._force:
            self.problems.append(
                f"{kind} {name!r} was changed elsewhere since the last apply "
                f"({', '.join(found.edited)}); write that into the code, or --force overwrites it"
            )
            return dataclasses.replace(step, action="drifted")
        if any(change.path == "server.secret" and change.new is None for change in shown):
            self._refuse_loss(kind, name, fields)
        if not match.is_ours:
            return dataclasses.replace(step, action="adopt")
        if not found.written and not found.is_stale:
            return dataclasses.replace(step, action="unchanged")
        note = "only the record of what was applied changes"
        return step if shown else dataclasses.replace(step, notes=(*notes, note))

    def _refuse_loss(self, kind: Kind, name: str, fields: Fields) -> None:
        """A secret that was forgotten here would lock Vapi out of a server that asks for it."""
        if not self._force and "credentialId" not in as_object(fields.get("server")):
            self.problems.append(
                f"the secret of {kind} {name!r} would be taken away, and a server that asks for it "
                "would let Vapi in no more; give it here too (VAPI_SERVER_SECRET), or --force"
            )


def _is_just_written(stored: Stored | None, mark: Mark | None) -> bool:
    """Whether the last write was the one that has set the mark, as far as clocks can tell."""
    written = updated_at(stored) if stored is not None else None
    return written is not None and mark is not None and written <= mark.at + CLOCKS


def updated_at(stored: Stored) -> float | None:
    """When something was written last, by Vapi's clock, in seconds since 1970."""
    try:
        moment = datetime.fromisoformat(str(stored.get("updatedAt")).replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment.timestamp()


def _forgotten(fields: Fields, stored: Fields, match: Match) -> Iterator[str]:
    """What was declared before and is not any more: it stays as it is."""
    for path in match.mark.sent if match.mark and match.is_ours else ():
        if path not in fields and path not in stored:
            yield f"{path} is no longer declared; it is left as it is"


def _moved(match: Match, declaration: Declaration) -> Iterator[str]:
    url = str(as_object((match.stored or {}).get("server")).get("url") or "")
    if match.is_ours and url and _host(url) != _host(declaration.url):
        yield (
            f"served at {_host(url)} until now; if that is another bot, give yours another name, "
            "or an --env of its own"
        )


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].rpartition("@")[2]


# --- what is no longer declared -----------------------------------------------------------


def _orphan(
    tool: Stored,
    match: Match,
    declaration: Declaration,
    remote: Remote,
    *,
    prune: bool,
    force: bool,
) -> Step:
    step = Step("tool", _tools.name_of(tool) or "", "leave", str(tool["id"]), stored=tool)
    doubt = "" if force else _doubt(tool, match, declaration)
    if match.others:
        note = f"no longer declared here; {' and '.join(map(repr, match.others))} has it still"
    elif name := _squad_with(str(tool["id"]), remote):
        note = f"no longer declared; it stays, because the squad {name!r} names it"
    elif doubt:
        note = f"no longer declared, and {doubt}; --prune with --force deletes it"
    elif prune:
        return dataclasses.replace(step, action="delete")
    else:
        note = "no longer declared; --prune deletes it"
    return dataclasses.replace(step, notes=(note,))


def _doubt(tool: Stored, match: Match, declaration: Declaration) -> str:
    """Why a tool with our mark may be somebody else's: a copy, or a bot of the same name."""
    fields, mark = _tools.stored(tool), match.mark
    if not _tools.url_of(tool).startswith(f"{declaration.url}/tools/"):
        return "it is served elsewhere"
    is_edited = mark is not None and any(
        digest(fields.get(path), path) != mark.stored(path) for path in mark.sent
    )
    return "changed elsewhere" if is_edited else ""


def _squad_with(id: str, remote: Remote) -> str | None:
    """The squad whose members, or what is different of them in it, name a tool."""
    names = (str(squad.get("name")) for squad in remote.squads if id in json.dumps(squad))
    return next(names, None)


def _detachments(orphans: Iterable[Step], remote: Remote, own: set[str]) -> Iterator[Step]:
    """What has to be taken from the assistants of others before it can be deleted."""
    deleted = {orphan.id: orphan.name for orphan in orphans if orphan.action == "delete"}
    for assistant in remote.assistants:
        held = [id for id in deleted if id and _assistants.has_tool(assistant, id)]
        if held and assistant["id"] not in own:
            yield Step(
                "assistant",
                str(assistant.get("name") or ""),
                "detach",
                str(assistant["id"]),
                (Change(_assistants.TOOLS, [deleted[id] for id in held], []),),
                stored=assistant,
                work=Work({_assistants.TOOLS: held}, (), Mark("", ())),
            )


# --- what will not work as it stands ------------------------------------------------------


def _ids_declared(declaration: Declaration) -> set[str]:
    return {
        id
        for assistant in declaration.assistants
        for id in (*_assistants.ids_declared(assistant), *_assistants.pins_declared(assistant))
    }


def _unknown(declaration: Declaration, remote: Remote) -> Iterator[str]:
    known = {str(tool["id"]) for tool in remote.tools}
    for assistant in declaration.assistants:
        pins = _assistants.pins_declared(assistant)
        for id in dict.fromkeys([*_assistants.ids_declared(assistant), *pins]):
            if id not in known:
                yield (
                    f"assistant {assistant.name!r} declares the tool {id}, which does not exist: "
                    "every call would fail"
                )


def _warnings(
    own: Sequence[Stored], tools: Mapping[str, str], declaration: Declaration, remote: Remote
) -> Iterator[str]:
    known = {str(tool["id"]): _tools.name_of(tool) for tool in remote.tools}
    for assistant in own:
        label = f"assistant {assistant.get('name')!r}"
        pinned = (str(ref.get("toolId")) for ref in _assistants.refs(assistant))
        for id in dict.fromkeys([*_assistants.tool_ids(assistant), *pinned]):
            if id not in known:
                yield f"{label} has the tool {id}, which does not exist: its calls fail"
        for ref in _assistants.refs(assistant):
            if tools.get(str(ref.get("toolId"))) in declaration.tools:
                yield (
                    f"{label} pins the tool {tools[ref['toolId']]!r} to version "
                    f"{ref.get('version')}: what is applied does not reach it"
                )
        foreign = [known.get(id) for id in _assistants.tool_ids(assistant) if id not in tools]
        declared = [tools[id] for id in _assistants.tool_ids(assistant) if id in tools]
        names = Counter([*foreign, *dict.fromkeys(declared), *_assistants.inline_names(assistant)])
        for name, count in names.items():
            if name is not None and count > 1:
                yield f"{label} has {count} tools named {name!r}: the model cannot tell them apart"
