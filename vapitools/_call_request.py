"""A phone call as it is asked for → what `POST /call` takes, and all that can be wrong with it.

https://docs.vapi.ai/calls/outbound-calling
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, NamedTuple, TypedDict, TypeGuard, cast

from ._spelling import closest
from .answers import SavedSquad
from .assistants import Assistant, SavedAssistant
from .builtin_tools import is_id
from .destinations import _E164, _SIP_URI, _fits
from .errors import DefinitionError
from .squads import Squad

Callee = str | Mapping[str, Any]
"""A number in E.164, a SIP address, or the API's own object: `{"number": …, "name": …}`."""

Stored = Mapping[str, Any]
"""What is kept at Vapi, as the API has it."""

_MAX_NAME = 40

_URL = re.compile(r"https?://[^\s/]+\S*")
_NUMBER = "must be '+' and 7 to 15 digits, such as '+15550100020'"
_WHEN = "datetime(2026, 12, 24, 18, 0, tzinfo=ZoneInfo('Europe/Rome'))"


class CallOptions(TypedDict, total=False):
    """What `Calls.create` takes besides `to`.

    Attributes:
        assistant: Who speaks: the name or the id of an assistant that is stored at Vapi, a
            `SavedAssistant`, or an `Assistant` that is sent whole, for this call alone.
        assistant_id: Another spelling of `assistant`, for an id.
        squad: A squad that speaks: its name, its id, a `SavedSquad` or a `Squad`.
        from_: The number of yours to call from: its id, or the number in E.164. It can be left
            out where there is only one.
        webhook_url: Where Vapi sends this call's messages, instead of the assistant's own.
        url: Where the router is reached from outside, for an `Assistant` or a `Squad` that is
            sent whole: each of its tools gets its address there.
        server: More of Vapi's `server` fields for these two, such as `secret` or `credentialId`.
        variables: Values for the `{{…}}` of the assistant.
        schedule: When to call: a moment, or the earliest and the latest.
        name: What the call is called in the dashboard; at most 40 characters.
        overrides: Other fields of the assistant, or of the squad's members, that are different
            in this call, as the API takes them.
        extra: Fields of the call that are newer than this package, in the API's own spelling.
    """

    assistant: Assistant | SavedAssistant | Mapping[str, Any] | str | None
    assistant_id: str | None
    squad: Squad | SavedSquad | Mapping[str, Any] | str | None
    from_: str | None
    webhook_url: str | None
    url: str | None
    server: Mapping[str, Any] | None
    variables: Mapping[str, Any] | None
    schedule: datetime | tuple[datetime, datetime] | None
    name: str | None
    overrides: Mapping[str, Any] | None
    extra: Mapping[str, Any] | None


class Found(NamedTuple):
    """What a call refers to, as it is stored at Vapi; None where that need not be known."""

    speaker: Stored | None
    phone_number: Stored | None


def call_body(customer: Mapping[str, Any], options: CallOptions, found: Found) -> dict[str, Any]:
    """What is sent; `customer` holds who is called, under `customer` or `customers`."""
    speaker = _speaker_json(options, found.speaker)
    field = "assistantOverrides" if options.get("squad") is None else "squadOverrides"
    body = {
        **speaker,
        field: _overrides(options, speaker.get(field, {})),
        "phoneNumberId": found.phone_number and found.phone_number["id"],
        **customer,
        "schedulePlan": _schedule_plan(options.get("schedule")),
        "name": options.get("name"),
    }
    return {**{k: v for k, v in body.items() if v}, **(options.get("extra") or {})}


def _speaker_json(options: CallOptions, stored: Stored | None) -> dict[str, Any]:
    assistant, squad = assistant_of(options), options.get("squad")
    who, word = (assistant, "assistant") if squad is None else (squad, "squad")
    if isinstance(who, (SavedAssistant, SavedSquad)):
        return who.to_json()
    if isinstance(who, (Assistant, Squad)):
        return {word: who.definition(base_url=options.get("url"), server=options.get("server"))}
    return {word: who} if stored is None else {f"{word}Id": stored["id"]}


def assistant_of(
    options: CallOptions,
) -> Assistant | SavedAssistant | Mapping[str, Any] | str | None:
    """The assistant, under either of its two words."""
    assistant = options.get("assistant")
    return options.get("assistant_id") if assistant is None else assistant


def _overrides(options: CallOptions, saved: Mapping[str, Any]) -> dict[str, Any]:
    overrides: dict[str, Any] = {**saved, **(options.get("overrides") or {})}
    if variables := options.get("variables"):
        overrides["variableValues"] = {**(overrides.get("variableValues") or {}), **variables}
    if url := options.get("webhook_url"):
        given: Mapping[str, Any] = overrides.get("server") or {}
        overrides["server"] = {**given, **(options.get("server") or {}), "url": url}
    return overrides


def _schedule_plan(schedule: datetime | tuple[datetime, datetime] | None) -> dict[str, str]:
    if schedule is None:
        return {}
    moments = (schedule,) if isinstance(schedule, datetime) else schedule
    return dict(zip(("earliestAt", "latestAt"), map(written, moments), strict=False))


def written(moment: datetime) -> str:
    """A moment as the API writes it."""
    text = moment.astimezone(timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _customer(to: Callee) -> dict[str, Any]:
    if isinstance(to, Mapping):
        return dict(to)
    return {"sipUri": to} if _fits(_SIP_URI, to) else {"number": to}


# --- what can be wrong --------------------------------------------------------------------


def checked(to: Sequence[Callee], options: CallOptions) -> list[dict[str, Any]]:
    """Everybody to call, as the API takes them.

    Raises:
        DefinitionError: All that can be seen to be wrong without asking Vapi.
    """
    customers = [_customer(each) for each in to]
    refuse([*_callee_problems(customers), *_repeats(customers), *_problems(options)])
    return customers


def refuse(problems: Iterable[str]) -> None:
    """Raise all that is wrong, if anything is.

    Raises:
        DefinitionError: Each problem.
    """
    if found := [f"call: {problem}" for problem in problems]:
        raise DefinitionError(found)


def _callee_problems(customers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not customers:
        yield "to: there is nobody to call"
    for i, customer in enumerate(customers):
        label = "to" if len(customers) == 1 else f"to[{i}]"
        yield from (f"{label} {problem}" for problem in _customer_problems(customer))


def _customer_problems(customer: Mapping[str, Any]) -> Iterator[str]:
    number, uri, name = customer.get("number"), customer.get("sipUri"), customer.get("name")
    is_checked = customer.get("numberE164CheckEnabled") is not False
    if number is None and uri is None:
        yield "needs a number, such as {'number': '+15550100020'}"
    elif isinstance(number, (list, tuple)):
        yield "must be one; for several people write calls.create_batch(…)"
    elif number is not None and is_checked and not _fits(_E164, number):
        yield _NUMBER
    if isinstance(name, str) and len(name) > _MAX_NAME:
        yield f"has a name of {len(name)} characters; {_MAX_NAME} are the most"


def _repeats(customers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    seen: dict[tuple[Any, ...], int] = {}
    for i, customer in enumerate(customers):
        line = tuple(str(customer.get(key)) for key in ("number", "sipUri", "extension"))
        if seen.setdefault(line, i) != i:
            yield f"to[{i}] is the same as to[{seen[line]}], who would be called twice"


def _problems(options: CallOptions) -> Iterator[str]:
    for word in options:
        if word not in CallOptions.__annotations__:
            close = closest(word, CallOptions.__annotations__)
            meant = f"; did you mean {close!r}?" if close else ""
            yield f"there is no option {word!r}{meant}"
    yield from _speaker_problems(options)
    yield from _address_problems(options)
    yield from _schedule_problems(options.get("schedule"))
    from_, name = options.get("from_"), options.get("name")
    if from_ is not None and not is_id(from_) and not _fits(_E164, from_):
        yield f"from_ must be the id of a phone number at Vapi, or its number, which {_NUMBER}"
    if name is not None and len(name) > _MAX_NAME:
        yield f"the name has {len(name)} characters; {_MAX_NAME} are the most"
    for word in ("variables", "overrides", "server", "extra"):
        yield from _object_problems(word, options.get(word))


def _speaker_problems(options: CallOptions) -> Iterator[str]:
    given = [options.get(word) for word in ("assistant", "assistant_id", "squad")]
    if len([each for each in given if each is not None]) != 1:
        yield "give one of assistant='…', assistant_id='…' and squad='…'"
    assistant, id, squad = given
    if assistant is not None and not _is_who(assistant, (Assistant, SavedAssistant)):
        yield "assistant must be the name or the id of one, an Assistant or a SavedAssistant"
    if id is not None and not is_id(id):
        yield "assistant_id must be a UUID, as Vapi gives it; for a name write assistant='…'"
    if squad is not None and not _is_who(squad, (Squad, SavedSquad)):
        yield "squad must be the name or the id of one, a Squad or a SavedSquad"


def _is_who(value: object, classes: tuple[type, ...]) -> bool:
    if isinstance(value, str):
        return bool(value.strip())
    return isinstance(value, (Mapping, *classes))


def _address_problems(options: CallOptions) -> Iterator[str]:
    for word in ("webhook_url", "url"):
        url = options.get(word)
        if url is not None and not (isinstance(url, str) and _fits(_URL, url)):
            yield f"{word} must begin with https://, such as 'https://luigi.example.com/webhook'"
    is_whole = isinstance(options.get("assistant"), Assistant)
    if options.get("url") and not (is_whole or isinstance(options.get("squad"), Squad)):
        yield "url is for an Assistant or a Squad that is sent whole; write webhook_url='…'"
    if options.get("server") and not (options.get("url") or options.get("webhook_url")):
        yield "server needs webhook_url='https://…'"


def _schedule_problems(schedule: Any) -> Iterator[str]:
    if schedule is None:
        return
    moments = [schedule] if isinstance(schedule, datetime) else schedule
    if not _are_moments(moments):
        yield f"schedule must be a datetime, or the earliest and the latest, such as {_WHEN}"
    elif any(each.tzinfo is None for each in moments):
        yield f"schedule must say its time zone, such as {_WHEN}"
    elif moments[0] > moments[-1]:
        yield "schedule must have the earliest before the latest"
    elif moments[-1] <= datetime.now(timezone.utc):
        yield "schedule lies in the past"


def _are_moments(value: Any) -> TypeGuard[Sequence[datetime]]:
    moments = list(cast("Iterable[Any]", value)) if isinstance(value, (list, tuple)) else []
    return len(moments) in (1, 2) and all(isinstance(each, datetime) for each in moments)


def _object_problems(word: str, value: Any) -> Iterator[str]:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        yield f"{word} holds a value that JSON has no word for"
    if value is not None and not isinstance(value, Mapping):
        yield f"{word} must be a dict"


def list_problems(limit: int | None, since: datetime | None) -> Iterator[str]:
    """What can be wrong with what is asked of the list of calls."""
    if limit is not None and limit < 1:
        yield "limit must be 1 or more"
    if since is not None and since.tzinfo is None:
        yield f"since must say its time zone, such as {_WHEN}"
