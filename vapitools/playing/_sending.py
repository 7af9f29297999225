"""One body, sent as it was recorded, and what is wrong with the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .. import messages
from ..errors import MessageError
from ..messages import Message
from . import _judging
from ._delivery import Delivery, postman
from ._live_call import Entry, entry
from ._rules import Fault
from ._stage import Stage


@dataclass(frozen=True)
class Sent:
    """What came back for a body.

    Attributes:
        status: The HTTP status; None when there was no answer.
        body: Of the answer.
        seconds: How long it took.
        faults: What was wrong.
        is_message: Whether the body was a message of Vapi's.
        raised: What the tools have raised, where that can be seen.
    """

    status: int | None
    body: bytes = field(repr=False)
    seconds: float
    faults: Sequence[Fault]
    is_message: bool = True
    raised: Sequence[BaseException] = field(default=(), repr=False)


async def send(stage: Stage, content: bytes, *, limit: float | None = None) -> Sent:
    """Post a body to the webhook once, signed, and judge the answer.

    Args:
        stage: What it is sent to.
        content: The body, which is sent as it is.
        limit: The most seconds that an answer is waited for.

    Raises:
        PlayError: Nothing listens at the server.
    """
    message = _parsed(content)
    call_id = (message.call_id if message is not None else None) or "unknown"
    # A header has no place for more.
    call_id = call_id if call_id.isascii() and call_id.isprintable() else "unknown"
    server = stage.cast.server
    async with postman(stage.verifier, limit) as by:
        delivery = await by.send(server, content, call_id=call_id)
        faults = _faults(message, delivery, by.patience(server))
    return Sent(
        delivery.status,
        delivery.body,
        delivery.seconds,
        faults,
        is_message=message is not None and bool(message.type),
        raised=list(stage.runs.errors.values()) if stage.runs is not None else [],
    )


def _parsed(content: bytes) -> Message | None:
    try:
        return messages.parse(content)
    except MessageError:
        return None


def _faults(message: Message | None, delivery: Delivery, patience: float) -> Sequence[Fault]:
    if message is not None and message.type == messages.TOOL_CALLS:
        return _judging.tool_calls(delivery, _entries(message), patience).faults
    type_ = message.type if message is not None else ""
    if not _judging.wants_answer(type_):
        return _judging.told(delivery, type_ or "the body", patience)
    answer, faults = _judging.content_of(delivery, patience)
    return faults or _judging.answer(type_, answer)


def _entries(message: Message) -> list[Entry]:
    """The calls of a message, as far as its answer is about them."""
    return [
        {**entry(call.name or "", {}), "id": call.id if isinstance(call.id, (str, int)) else None}
        for call in message.tool_calls
    ]
