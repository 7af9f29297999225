"""A squad as a plain declaration: assistants that hand one call to each other."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

from ._spelling import closest
from .assistants import Assistant, SavedAssistant
from .builtin_tools import Where, assistant_json
from .errors import DefinitionError
from .toolset import Toolset

Define = Callable[[Assistant], Mapping[str, Any]]
"""What a squad's body holds of one of its assistants: `assistant` or `assistantId`."""


@dataclass(frozen=True)
class Member:
    """An assistant of a squad, and to whom it can hand the call.

    Args:
        assistant: The assistant: a declared one, or a `SavedAssistant`.
        destinations: The names of others of the squad, `AssistantDestination`, or the API's own
            objects.
        overrides: What is different of it in this squad, as the API takes it.
    """

    assistant: Assistant | SavedAssistant
    _: KW_ONLY
    destinations: Sequence[Where] = ()
    overrides: Mapping[str, Any] | None = None


class Squad:
    """Assistants that hand one call to each other. The call begins with the first.

    Args:
        name: The squad's name.
        members: Assistants, or a `Member` where there is more to say of one.
        overrides: What is different of all of them in this squad, as the API takes it.
        renamed_from: The name that it had before, so that it is found again at Vapi.

    Attributes:
        name: Its name.
        members: Its members, in order.
        renamed_from: The name that it had before.

    Raises:
        DefinitionError: All that is wrong, each with what to write instead.
    """

    def __init__(
        self,
        name: str,
        members: Iterable[Member | Assistant | SavedAssistant],
        *,
        overrides: Mapping[str, Any] | None = None,
        renamed_from: str | None = None,
    ) -> None:
        self.name = name
        self.renamed_from = renamed_from
        problems = list(_text_problems(name, renamed_from))
        self.members = _members(members, problems)
        problems += _override_problems([overrides, *(each.overrides for each in self.members)])
        self._destinations = [_destinations(each, problems) for each in self.members]
        self._overrides = copy.deepcopy(overrides)
        problems += _name_problems(self.assistants)
        # What the saved ones are called is known to Vapi alone.
        if len(self.assistants) == len(self.members):
            problems += self._stranger_problems()
        if problems:
            raise DefinitionError(f"Squad {name!r}: {problem}" for problem in problems)

    @property
    def assistants(self) -> list[Assistant]:
        """Those of its members that are declared, in order."""
        return [each.assistant for each in self.members if isinstance(each.assistant, Assistant)]

    def definition(
        self,
        *,
        base_url: str | None = None,
        server: Mapping[str, Any] | None = None,
        server_messages: Sequence[str] | None = None,
        tools: Toolset | None = None,
        assistant_ids: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The whole squad, as `POST https://api.vapi.ai/squad` takes it.

        Takes what `Assistant.definition` takes, for each assistant, and:

        Args:
            base_url: Where the router is reachable from outside.
            server: More of Vapi's `server` fields, such as `secret` or `credentialId`.
            server_messages: What Vapi is to send, for those that do not declare it.
            tools: The tools of those that were declared without.
            assistant_ids: Vapi's id of each declared assistant, by its name. With them, none
                stands inline.

        Raises:
            DefinitionError: An assistant cannot be defined, or has no id.
        """
        if assistant_ids is not None:
            return self.defined_by(lambda assistant: _by_id(assistant, assistant_ids))
        return self.defined_by(
            lambda assistant: {
                "assistant": assistant.definition(
                    base_url=base_url, server=server, server_messages=server_messages, tools=tools
                )
            }
        )

    def defined_by(self, define: Define) -> dict[str, Any]:
        """The whole squad, with each declared assistant as `define` has it."""
        members = [
            self._member(member, destinations, define)
            for member, destinations in zip(self.members, self._destinations, strict=True)
        ]
        overrides = {"membersOverrides": self._overrides} if self._overrides else {}
        return copy.deepcopy({"name": self.name, "members": members, **overrides})

    def _member(
        self, member: Member, destinations: Sequence[Mapping[str, Any]], define: Define
    ) -> dict[str, Any]:
        who = member.assistant
        made = who.to_json() if isinstance(who, SavedAssistant) else define(who)
        overrides = {**made.get("assistantOverrides", {}), **(member.overrides or {})}
        extras = {"assistantOverrides": overrides, "assistantDestinations": destinations}
        return {**made, **{name: value for name, value in extras.items() if value}}

    def _stranger_problems(self) -> Iterable[str]:
        names = [assistant.name or "" for assistant in self.assistants]
        for giver, destinations in zip(names, self._destinations, strict=True):
            for destination in destinations:
                name = destination.get("assistantName")
                if name is not None and name not in names:
                    yield _stranger(giver, str(name), names)

    def __repr__(self) -> str:
        return f"<Squad {self.name!r}>"


def _by_id(assistant: Assistant, ids: Mapping[str, str]) -> dict[str, Any]:
    found = ids.get(assistant.name or "")
    if found is None:
        raise DefinitionError(f"the assistant {assistant.name!r} has no id among assistant_ids")
    return {"assistantId": found}


def _members(
    members: Iterable[Member | Assistant | SavedAssistant], problems: list[str]
) -> tuple[Member, ...]:
    if isinstance(members, str) or not isinstance(members, Iterable):
        problems.append("members must be a list, such as [luigi, Member(billing)]")
        return ()
    found: list[Member] = []
    for each in members:
        member = each if isinstance(each, Member) else Member(each)
        if isinstance(member.assistant, (Assistant, SavedAssistant)):
            found.append(member)
        else:
            kind = type(member.assistant).__name__
            problems.append(f"a member must be an Assistant or a SavedAssistant, not {kind}")
    if not found and not problems:
        problems.append("it needs a member at least")
    return tuple(found)


def _destinations(member: Member, problems: list[str]) -> list[dict[str, Any]]:
    if isinstance(member.destinations, str):
        problems.append("destinations must be a list, such as ['Billing']")
        return []
    found: list[dict[str, Any]] = []
    for each in member.destinations:
        try:
            found.append(_destination_json(each))
        except DefinitionError as error:
            problems += error.problems
    return found


def _destination_json(value: Where) -> dict[str, Any]:
    found = assistant_json(value)
    if found["type"] != "assistant":
        raise DefinitionError(
            "members hand a call to assistants; for a number give the assistant "
            "tools=[TransferCall('+15550100020')]"
        )
    return found


def _text_problems(name: object, renamed_from: object) -> Iterable[str]:
    if not isinstance(name, str) or not name.strip():
        yield "name must be text"
    if renamed_from is not None and not isinstance(renamed_from, str):
        yield "renamed_from must be text"


def _override_problems(overrides: Iterable[object]) -> Iterable[str]:
    if not all(each is None or isinstance(each, Mapping) for each in overrides):
        yield "overrides must be the API's own object, such as {'variableValues': {…}}"


def _name_problems(assistants: Sequence[Assistant]) -> Iterable[str]:
    counted = Counter(assistant.name for assistant in assistants)
    for name, count in counted.items():
        if name is None:
            yield "each assistant needs a name, so that the others can hand over to it"
        elif count > 1:
            yield f"there are {count} assistants named {name!r}; give one of them another name"


def _stranger(giver: str, name: str, names: Sequence[str]) -> str:
    close = closest(name, names)
    meant = f"did you mean {close!r}?" if close else f"there are: {', '.join(names)}"
    return f"{giver!r} hands over to {name!r}, who is not in the squad; {meant}"
