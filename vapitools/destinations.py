"""Where a call can go next: a phone number, a SIP address, another assistant.

The names are Vapi's: https://docs.vapi.ai/tools/transfer-call and
https://docs.vapi.ai/squads/handoff
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

from .errors import DefinitionError

Content = str | Mapping[str, str]
"""A text, or a text per language: `{"en": "One moment.", "es": "Un momento."}`."""

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_ANY_NUMBER = re.compile(r"(?=.{3,40}\Z)\+?[A-Za-z0-9]+")
_SIP_URI = re.compile(r"sips?:[!#-;=?-~]+", re.IGNORECASE | re.ASCII)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[^\x00-\x1f\x7f]*")

_MAX_EXTENSION, _MAX_CALLER_ID = 10, 40

# Of each type, the fields of which one must be there.
_NEEDED = {
    "number": ("number",),
    "sip": ("sipUri",),
    "assistant": ("assistantName", "assistantId", "assistant"),
    "squad": ("squadId", "squad"),
}


@dataclass(frozen=True)
class NumberDestination:
    """A phone number to transfer the call to.

    Args:
        number: In E.164: `+` and 7 to 15 digits, such as `+15550100020`.
        message: What the caller hears before; `""` transfers without a word.
        extension: What to dial once the number has answered.
        caller_id: The number that is shown to whoever answers.
        description: When to transfer there, for the model.
        transfer_plan: How to transfer, in the API's own words (`TransferPlan`).
        check: `False` takes a number that is not in E.164, for a SIP trunk of your own.

    Raises:
        DefinitionError: Something of it cannot be used.
    """

    number: str
    _: KW_ONLY
    message: Content | None = None
    extension: str | None = None
    caller_id: str | None = None
    description: str | None = None
    transfer_plan: Mapping[str, Any] | None = None
    check: bool = True

    def __post_init__(self) -> None:
        _refuse("NumberDestination", self._problems())

    def _problems(self) -> Iterable[str]:
        if self.check and not _fits(_E164, self.number):
            yield (
                "number must be '+' and 7 to 15 digits, such as '+15550100020'; "
                "for what your own SIP trunk dials, add check=False"
            )
        if not self.check and not _fits(_ANY_NUMBER, self.number):
            yield "number must be 3 to 40 letters and digits, with or without a '+' before them"
        if self.extension is not None and not 1 <= len(self.extension) <= _MAX_EXTENSION:
            yield f"extension must have 1 to {_MAX_EXTENSION} characters"
        yield from _caller_id_problems(self.caller_id)

    def to_json(self) -> dict[str, Any]:
        """The destination as the API takes it."""
        return _filled(
            type="number",
            number=self.number,
            numberE164CheckEnabled=None if self.check else False,
            message=_message(self.message),
            extension=self.extension,
            callerId=self.caller_id,
            description=self.description,
            transferPlan=_copied(self.transfer_plan),
        )


@dataclass(frozen=True)
class SipDestination:
    """A SIP address to transfer the call to. Takes what `NumberDestination` takes, and:

    Args:
        sip_uri: Such as `sip:desk@example.com`.
        sip_headers: Headers to add to the transfer.

    Raises:
        DefinitionError: Something of it cannot be used.
    """

    sip_uri: str
    _: KW_ONLY
    message: Content | None = None
    caller_id: str | None = None
    description: str | None = None
    transfer_plan: Mapping[str, Any] | None = None
    sip_headers: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        _refuse("SipDestination", self._problems())

    def _problems(self) -> Iterable[str]:
        if not _fits(_SIP_URI, self.sip_uri):
            yield "sip_uri must begin with 'sip:' or 'sips:', such as 'sip:desk@example.com'"
        # A line break would begin a header of its own.
        for name, value in (self.sip_headers or {}).items():
            if not _fits(_HEADER_NAME, name):
                yield "sip_headers: a name must be letters, digits and '-', such as 'X-Case'"
            if not _fits(_HEADER_VALUE, value):
                yield "sip_headers: a value must be text on one line"
        yield from _caller_id_problems(self.caller_id)

    def to_json(self) -> dict[str, Any]:
        """The destination as the API takes it."""
        return _filled(
            type="sip",
            sipUri=self.sip_uri,
            message=_message(self.message),
            callerId=self.caller_id,
            description=self.description,
            transferPlan=_copied(self.transfer_plan),
            sipHeaders=_copied(self.sip_headers),
        )


@dataclass(frozen=True)
class AssistantDestination:
    """Another assistant that takes over: one of the squad by its name, or any by its id.

    Args:
        name: The assistant's name, within the squad that speaks.
        id: Vapi's id of an assistant that is stored there.
        assistant: A whole assistant for this call alone, in the API's own words.
        overrides: What this call changes of the assistant (`assistantOverrides`).
        message: What the caller hears before; `""` says nothing.
        description: When to hand over, for the model.

    Raises:
        DefinitionError: Not exactly one of `name`, `id` and `assistant` is given.
    """

    name: str | None = None
    _: KW_ONLY
    id: str | None = None
    assistant: Mapping[str, Any] | None = None
    overrides: Mapping[str, Any] | None = None
    message: Content | None = None
    description: str | None = None

    def __post_init__(self) -> None:
        _refuse("AssistantDestination", self._problems())

    def _problems(self) -> Iterable[str]:
        given = [each for each in (self.name, self.id, self.assistant) if each is not None]
        if len(given) != 1 or not given[0]:
            yield "give one of name='…', id='…' and assistant={…}"

    def to_json(self) -> dict[str, Any]:
        """The destination as the API takes it."""
        return _filled(
            type="assistant",
            assistantName=self.name,
            assistantId=self.id,
            assistant=_copied(self.assistant),
            assistantOverrides=_copied(self.overrides),
            message=_message(self.message),
            description=self.description,
        )


Destination = NumberDestination | SipDestination | AssistantDestination


def destination_json(value: Destination | Mapping[str, Any] | str) -> dict[str, Any]:
    """Any spelling of a destination as the API takes it.

    Text is a phone number in E.164 or a SIP address; a mapping is the API's own object.

    Raises:
        DefinitionError: It is no destination. What it holds is not told.
    """
    if isinstance(value, Destination):
        return value.to_json()
    if isinstance(value, Mapping):
        return _from_mapping(value)
    if _fits(_E164, value):
        return NumberDestination(value).to_json()
    if _fits(_SIP_URI, value):
        return SipDestination(value).to_json()
    kind = "text" if isinstance(value, str) else type(value).__name__
    raise DefinitionError(
        f"destination: this {kind} is none; write a number such as "
        "'+15550100020', 'sip:desk@example.com', or AssistantDestination('Billing')"
    )


def _from_mapping(value: Mapping[str, Any]) -> dict[str, Any]:
    type_ = value.get("type")
    needed = _NEEDED.get(type_) if isinstance(type_, str) else None
    if needed is None:
        raise DefinitionError(f"destination: its type must be one of {', '.join(_NEEDED)}")
    if not any(value.get(name) for name in needed):
        raise DefinitionError(f"destination: a {type_!r} one needs {' or '.join(needed)}")
    # As if it were not there.
    return {name: each for name, each in value.items() if each is not None}


def _fits(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _caller_id_problems(caller_id: str | None) -> Iterable[str]:
    if caller_id is not None and not 1 <= len(caller_id) <= _MAX_CALLER_ID:
        yield f"caller_id must have 1 to {_MAX_CALLER_ID} characters"


def _refuse(name: str, problems: Iterable[str]) -> None:
    if found := [f"{name}: {problem}" for problem in problems]:
        raise DefinitionError(found)


def _message(content: Content | None) -> str | dict[str, Any] | None:
    if content is None or isinstance(content, str):
        return content
    texts = [{"type": "text", "text": text, "language": name} for name, text in content.items()]
    return {"type": "custom-message", "contents": texts}


def _copied(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if values is None else dict(values)


def _filled(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
