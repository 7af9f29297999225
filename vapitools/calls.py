"""Phone calls: make them, list them, look at one, end it, and control it while it lives.

https://docs.vapi.ai/calls/outbound-calling
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit

from typing_extensions import Unpack

from . import messages
from ._call_request import (
    Callee,
    CallOptions,
    Found,
    Stored,
    assistant_of,
    call_body,
    checked,
    list_problems,
    refuse,
    written,
)
from ._connection import Connection
from ._named import Kind, line, named
from ._resources import Resource
from .answers import SavedSquad
from .assistants import SavedAssistant
from .builtin_tools import is_id
from .context import CallContext
from .control import _PATTERN, VAPI, CallControl, HttpControl
from .errors import ApiError, CallControlError, DefinitionError
from .server_messages import _as_moment

__all__ = ["Call", "CallBatch", "CallOptions", "Callee", "Calls", "PreparedCall"]

# The last digits of a number that a repr shows, of a number that has many more.
_SHOWN_DIGITS, _MIN_DIGITS = 4, 8

_LOOK = "it may have been placed all the same; look with `vapitools calls` before you try again"
# Each says itself from where to call.
_OTHER_LINES = ("phoneNumberId", "phoneNumber", "transport")


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
        return await self._placed(call_body({"customer": customer}, options, found))

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
                "POST", "call", json=call_body({"customers": customers}, options, found)
            )
            return _batch(answer)

    async def prepare(self, *, to: Callee, **options: Unpack[CallOptions]) -> PreparedCall:
        """Check a call and look up what it refers to, so that it can be shown before `place`.

        Takes and raises what `create` does. It calls nobody.
        """
        customer = checked([to], options)[0]
        found = await self._found(options, seen=True)
        body = call_body({"customer": customer}, options, found)
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
        refuse(list_problems(limit, since))
        if assistant is not None:
            filters["assistantId"] = await self._id("assistant", assistant)
        if since is not None:
            filters["createdAtGe"] = written(since)
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

    async def _found(self, options: CallOptions, *, seen: bool) -> Found:
        speaker, number = await asyncio.gather(
            self._speaker(options, seen), self._phone_number(options, seen), return_exceptions=True
        )
        _raise([each for each in (speaker, number) if isinstance(each, BaseException)])
        return Found(cast("Stored | None", speaker), cast("Stored | None", number))

    async def _speaker(self, options: CallOptions, seen: bool) -> Stored | None:
        assistant, squad = assistant_of(options), options.get("squad")
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
        return line(from_, await Resource(self._connection, "phone-number").list())

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


def _raise(errors: Sequence[BaseException]) -> None:
    """Raise what went wrong; what is only wrongly asked for, all together."""
    for error in errors:
        if not isinstance(error, DefinitionError):
            raise error
    refuse(problem for error in errors for problem in cast("DefinitionError", error).problems)


def _batch(answer: Any) -> CallBatch:
    batch = _object(answer)
    made, errors = _objects(batch.get("results")), _objects(batch.get("errors") or [])
    if made is None or errors is None or not all(isinstance(raw.get("id"), str) for raw in made):
        raise ApiError("POST /call", "the answer is no batch of calls", was_done=True)
    return CallBatch(tuple(map(Call, made)), tuple(errors))


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
