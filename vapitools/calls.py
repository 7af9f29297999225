"""Phone calls: make them, list them, look at one, end it, and control it while it lives.

https://docs.vapi.ai/calls/outbound-calling
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import json
import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Literal, NamedTuple, TypedDict, TypeGuard, cast
from urllib.parse import urlsplit

from typing_extensions import Unpack

from . import messages
from ._connection import Connection
from ._resources import Resource
from .answers import SavedSquad
from .assistants import Assistant, SavedAssistant
from .builtin_tools import is_id
from .context import CallContext
from .control import _PATTERN, VAPI, CallControl, HttpControl
from .destinations import _E164, _SIP_URI, _fits
from .errors import ApiError, CallControlError, DefinitionError
from .server_messages import _as_moment
from .squads import Squad

Callee = str | Mapping[str, Any]
"""A number in E.164, a SIP address, or the API's own object: `{"number": …, "name": …}`."""

Kind = Literal["assistant", "squad", "phone-number"]
Stored = Mapping[str, Any]

_MAX_NAME = 40
_MAX_SHOWN = 10
# The last digits of a number that a repr shows, of a number that has many more.
_SHOWN_DIGITS, _MIN_DIGITS = 4, 8

_URL = re.compile(r"https?://[^\s/]+\S*")
_LOOK = "it may have been placed all the same; look with `vapitools calls` before you try again"
_NUMBER = "must be '+' and 7 to 15 digits, such as '+15550100020'"
_WHEN = "datetime(2026, 12, 24, 18, 0, tzinfo=ZoneInfo('Europe/Rome'))"
# Each says itself from where to call.
_OTHER_LINES = ("phoneNumberId", "phoneNumber", "transport")


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


@dataclass(frozen=True, repr=False)
class Call:
    """A call, as it was when Vapi was asked. What Vapi does not know of it is None.

    Attributes:
        raw: All that Vapi says of it. It can hold what was said, and secrets.
    """

    raw: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Vapi's id of it."""
        return str(self.raw["id"])

    @property
    def status(self) -> str | None:
        """Such as `scheduled`, `queued`, `ringing`, `in-progress` and `ended`."""
        return self._text("status")

    @property
    def created_at(self) -> datetime | None:
        """When it was asked for."""
        return _as_moment(self.raw.get("createdAt"))

    @property
    def started_at(self) -> datetime | None:
        """When it was answered."""
        return _as_moment(self.raw.get("startedAt"))

    @property
    def ended_at(self) -> datetime | None:
        """When it ended."""
        return _as_moment(self.raw.get("endedAt"))

    @property
    def ended_reason(self) -> str | None:
        """Why it ended, such as `customer-ended-call`."""
        return self._text("endedReason")

    @property
    def to(self) -> str | None:
        """The customer's number or SIP address; of a call that came in, who calls."""
        customer = _object(self.raw.get("customer"))
        found = customer.get("number") or customer.get("sipUri")
        return found if isinstance(found, str) else None

    @property
    def assistant_id(self) -> str | None:
        """The assistant that speaks, when it is stored at Vapi."""
        return self._text("assistantId")

    @property
    def cost(self) -> float | None:
        """What it has cost, in USD."""
        found = self.raw.get("cost")
        return float(found) if isinstance(found, (int, float)) else None

    @property
    def duration(self) -> timedelta | None:
        """How long it was, once it has ended."""
        if self.started_at is None or self.ended_at is None:
            return None
        return self.ended_at - self.started_at

    def _text(self, key: str) -> str | None:
        found = self.raw.get(key)
        return found if isinstance(found, str) and found else None

    def __repr__(self) -> str:
        to = f" to {_shortened(self.to)}" if self.to else ""
        return f"<Call {self.id}{to}: {self.status}>"


@dataclass(frozen=True, repr=False)
class CallBatch:
    """Calls that were asked for together.

    Attributes:
        calls: Those that were made.
        errors: Of the others, what Vapi says: `{"customer": {…}, "error": "…"}`.
    """

    calls: tuple[Call, ...]
    errors: tuple[Mapping[str, Any], ...]

    def __repr__(self) -> str:
        return f"<CallBatch: {len(self.calls)} made, {len(self.errors)} refused>"


@dataclass(frozen=True, repr=False)
class PreparedCall:
    """A call that is checked and looked up, and not placed yet.

    Attributes:
        body: What `POST https://api.vapi.ai/call` gets. It can hold secrets.
        speaker: The assistant or the squad as it is stored at Vapi; None when it is sent whole.
        phone_number: The number of yours to call from, as it is stored at Vapi; None when `extra`
            says from where.
    """

    body: Mapping[str, Any]
    speaker: Stored | None
    phone_number: Stored | None

    def __repr__(self) -> str:
        return "<PreparedCall>"


_Calls = list[Call]


class Calls:
    """The calls at Vapi. Each method raises `ApiError` when Vapi refuses or is out of reach.

    Args:
        connection: To Vapi's API.
        control_urls: Where a live call may be controlled, besides at the API itself.
    """

    def __init__(self, connection: Connection, control_urls: Iterable[str] = VAPI) -> None:
        self._connection = connection
        self._stored = Resource(connection, "call")
        self._control_urls = tuple(control_urls)
        self._http_control: HttpControl | None = None

    async def aclose(self) -> None:
        """Close what the control of live calls has open."""
        if self._http_control is not None:
            await self._http_control.aclose()

    async def create(self, *, to: Callee, **options: Unpack[CallOptions]) -> Call:
        """Call somebody. Doing it twice calls twice, so it is never repeated for you.

        Args:
            to: Who is called.
            options: See `CallOptions`; `assistant`, `assistant_id` or `squad` is needed.

        Raises:
            DefinitionError: All that is wrong; or a name fits none, or several.
            ApiError: It was not placed; with `was_done`, nobody knows.
        """
        customer = checked([to], options)[0]
        found = await self._found(options, seen=False)
        return await self._placed(_body({"customer": customer}, options, found))

    async def create_batch(
        self, *, to: Iterable[Callee], **options: Unpack[CallOptions]
    ) -> CallBatch:
        """Call several people with one request, each on their own.

        Args:
            to: Who is called; nobody twice.
            options: As for `create`.

        Raises:
            DefinitionError: As `create`; then nobody is called.
            ApiError: As `create`.
        """
        if isinstance(to, (str, Mapping)):
            raise DefinitionError("create_batch calls several people: to must be a list of them")
        customers = checked(list(to), options)
        found = await self._found(options, seen=False)
        with _said_to_look():
            answer = await self._connection.request(
                "POST", "call", json=_body({"customers": customers}, options, found)
            )
            return _batch(answer)

    async def prepare(self, *, to: Callee, **options: Unpack[CallOptions]) -> PreparedCall:
        """Check a call and look up what it refers to, so that it can be shown before `place`.

        Takes and raises what `create` does. It calls nobody.
        """
        customer = checked([to], options)[0]
        found = await self._found(options, seen=True)
        body = _body({"customer": customer}, options, found)
        return PreparedCall(body, found.speaker, found.phone_number)

    async def place(self, prepared: PreparedCall) -> Call:
        """Place a call that was prepared. Doing it twice calls twice.

        Raises:
            ApiError: As `create`.
        """
        return await self._placed(prepared.body)

    async def list(
        self,
        *,
        limit: int | None = None,
        assistant: str | None = None,
        since: datetime | None = None,
        **filters: Any,
    ) -> _Calls:
        """The calls, the newest first.

        Args:
            limit: Only so many.
            assistant: Only those of this assistant: its name or its id.
            since: Only those that were asked for at that time or later.
            filters: The API's own, such as `phoneNumberId`.

        Raises:
            DefinitionError: The name fits no assistant, or several; or another argument is wrong.
        """
        _refuse(_list_problems(limit, since))
        if assistant is not None:
            filters["assistantId"] = await self._id("assistant", assistant)
        if since is not None:
            filters["createdAtGe"] = _written(since)
        found = [Call(raw) for raw in await self._stored.list(limit=limit, **filters)]
        return sorted(found, key=lambda call: str(call.raw.get("createdAt")), reverse=True)

    async def get(self, id: str) -> Call:
        """The one with this id."""
        return Call(await self._stored.get(id))

    async def end(self, id: str) -> None:
        """Hang up; a call that is scheduled is deleted, so that it will not be placed.

        Raises:
            CallControlError: It has ended already, or could not be told.
        """
        call = await self.get(id)
        if call.status == "ended":
            raise CallControlError(f"end-call: the call has ended already ({call.ended_reason})")
        # Nothing but deleting it keeps a call from being placed: `scheduled-call-deleted`.
        if call.status == "scheduled":
            await self._stored.delete(id)
        else:
            await self._context(call).end()

    async def control(self, id: str) -> CallContext:
        """The live call, to tell it what to do, as a tool can: `say`, `transfer`, `end`, …"""
        return self._context(await self.get(id))

    # --- what is looked up ---

    async def _found(self, options: CallOptions, *, seen: bool) -> _Found:
        speaker, number = await asyncio.gather(
            self._speaker(options, seen), self._phone_number(options, seen), return_exceptions=True
        )
        _raise([each for each in (speaker, number) if isinstance(each, BaseException)])
        return _Found(cast("Stored | None", speaker), cast("Stored | None", number))

    async def _speaker(self, options: CallOptions, seen: bool) -> Stored | None:
        assistant, squad = _assistant(options), options.get("squad")
        kind: Kind = "assistant" if squad is None else "squad"
        who = assistant if squad is None else squad
        if isinstance(who, (SavedAssistant, SavedSquad)):
            who = who.id
        return await self._one(kind, who, seen) if isinstance(who, str) else None

    async def _phone_number(self, options: CallOptions, seen: bool) -> Stored | None:
        from_ = options.get("from_")
        if from_ is not None and is_id(from_):
            return await self._one("phone-number", from_, seen)
        if from_ is None and any(field in (options.get("extra") or {}) for field in _OTHER_LINES):
            return None
        return _line(from_, await Resource(self._connection, "phone-number").list())

    async def _id(self, kind: Kind, text: str) -> str:
        return str((await self._one(kind, text, seen=False))["id"])

    async def _one(self, kind: Kind, text: str, seen: bool) -> Stored:
        """What has this id or this name. With `seen`, an id is looked up too."""
        resource = Resource(self._connection, kind)
        if is_id(text):
            return await resource.get(text) if seen else {"id": text}
        return named(kind, text, await resource.list())

    # --- what is sent ---

    async def _placed(self, body: Mapping[str, Any]) -> Call:
        with _said_to_look():
            return Call(await self._stored.create(body))

    def _context(self, call: Call) -> CallContext:
        message = messages.parse(messages.dump({"message": {"type": "", "call": call.raw}}))
        return CallContext(message, control=self._control())

    def _control(self) -> CallControl:
        if self._http_control is None:
            api = urlsplit(self._connection.base_url)
            own = [url for url in (f"{api.scheme}://{api.netloc}",) if _PATTERN.fullmatch(url)]
            self._http_control = HttpControl([*self._control_urls, *own])
        return self._http_control


class _Found(NamedTuple):
    speaker: Stored | None
    phone_number: Stored | None


@contextlib.contextmanager
def _said_to_look() -> Generator[None, None, None]:
    """Where nobody knows whether the call was placed, the error says where to see it."""
    try:
        yield
    except ApiError as error:
        if not error.was_done:
            raise
        raise ApiError(
            error.request, error.reason, status=error.status, hint=_LOOK, was_done=True
        ) from None


# --- the request --------------------------------------------------------------------------


def _body(customer: Mapping[str, Any], options: CallOptions, found: _Found) -> dict[str, Any]:
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
    assistant, squad = _assistant(options), options.get("squad")
    who, word = (assistant, "assistant") if squad is None else (squad, "squad")
    if isinstance(who, (SavedAssistant, SavedSquad)):
        return who.to_json()
    if isinstance(who, (Assistant, Squad)):
        return {word: who.definition(base_url=options.get("url"), server=options.get("server"))}
    return {word: who} if stored is None else {f"{word}Id": stored["id"]}


def _assistant(
    options: CallOptions,
) -> Assistant | SavedAssistant | Mapping[str, Any] | str | None:
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
    return dict(zip(("earliestAt", "latestAt"), map(_written, moments), strict=False))


def _written(moment: datetime) -> str:
    text = moment.astimezone(timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _customer(to: Callee) -> dict[str, Any]:
    if isinstance(to, Mapping):
        return dict(to)
    return {"sipUri": to} if _fits(_SIP_URI, to) else {"number": to}


def _batch(answer: Any) -> CallBatch:
    batch = _object(answer)
    made, errors = _objects(batch.get("results")), _objects(batch.get("errors") or [])
    if made is None or errors is None or not all(isinstance(raw.get("id"), str) for raw in made):
        raise ApiError("POST /call", "the answer is no batch of calls", was_done=True)
    return CallBatch(tuple(map(Call, made)), tuple(errors))


# --- what can be wrong --------------------------------------------------------------------


def checked(to: Sequence[Callee], options: CallOptions) -> list[dict[str, Any]]:
    """Everybody to call, as the API takes them.

    Raises:
        DefinitionError: All that can be seen to be wrong without asking Vapi.
    """
    customers = [_customer(each) for each in to]
    _refuse([*_callee_problems(customers), *_repeats(customers), *_problems(options)])
    return customers


def _refuse(problems: Iterable[str]) -> None:
    if found := [f"call: {problem}" for problem in problems]:
        raise DefinitionError(found)


def _raise(errors: Sequence[BaseException]) -> None:
    """Raise what went wrong; what is only wrongly asked for, all together."""
    for error in errors:
        if not isinstance(error, DefinitionError):
            raise error
    _refuse(problem for error in errors for problem in cast("DefinitionError", error).problems)


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
            yield f"there is no option {word!r}{_did_you_mean(word, CallOptions.__annotations__)}"
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


def _list_problems(limit: int | None, since: datetime | None) -> Iterator[str]:
    if limit is not None and limit < 1:
        yield "limit must be 1 or more"
    if since is not None and since.tzinfo is None:
        yield f"since must say its time zone, such as {_WHEN}"


# --- names --------------------------------------------------------------------------------


def named(kind: Kind, name: str, stored: Sequence[Stored]) -> Stored:
    """The one of that name; where none is spelled so, the one that differs in its case.

    Raises:
        DefinitionError: None is named so, or several are.
    """
    same = [each for each in stored if each.get("name") == name]
    similar = [each for each in stored if _folded(each) == name.casefold()]
    found = same or similar
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(str(each["id"]) for each in found)
        raise DefinitionError(f"{len(found)} of kind {kind} are named {name!r}; give an id: {ids}")
    names = [text for each in stored if isinstance(text := each.get("name"), str)]
    raise DefinitionError(
        f"there is no {kind} {name!r} at Vapi{_did_you_mean(name, names) or _listed(names)}"
    )


def _folded(stored: Stored) -> str:
    return str(stored.get("name", "")).casefold()


def _line(from_: str | None, numbers: Sequence[Stored]) -> Stored:
    found = [each for each in numbers if from_ in (None, each.get("number"))]
    if len(found) == 1:
        return found[0]
    if not numbers:
        raise DefinitionError("there is no phone number at Vapi to call from; make one there first")
    wanted = "give from_='…'" if from_ is None else f"from_: none of your numbers is {from_}"
    wanted = "from_: give the id of one" if found and from_ is not None else wanted
    raise DefinitionError(f"{wanted}{_listed([_shown_line(each) for each in numbers])}")


def _shown_line(number: Stored) -> str:
    parts = [number.get("number") or number.get("sipUri"), number.get("name"), number["id"]]
    return " ".join(str(part) for part in parts if part)


def _listed(names: Sequence[str]) -> str:
    if not names:
        return "; there is none"
    more = ", …" if len(names) > _MAX_SHOWN else ""
    return f"; there are: {', '.join(sorted(names)[:_MAX_SHOWN])}{more}"


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _object(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _objects(value: Any) -> Sequence[Mapping[str, Any]] | None:
    """The objects of a list; None when it is no list of objects."""
    if not isinstance(value, list):
        return None
    items = cast("Sequence[Any]", value)
    return items if all(isinstance(item, dict) for item in items) else None


def _shortened(number: str | None) -> str:
    """Enough of a number to know it again, and not to dial it."""
    is_long = number is not None and len(number) >= _MIN_DIGITS and number[1:].isdigit()
    return f"…{number[-_SHOWN_DIGITS:]}" if number and is_long else "…"
