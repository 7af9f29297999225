"""The line of one call: what is sent on it, with what was wrong noted where it happened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .. import messages
from . import _judging
from ._cast import Cast, Definition
from ._chaos import Chaos, Shaken
from ._delivery import Delivery, Postman, Server
from ._following import summary
from ._hearing import Heard
from ._live_call import Entry, LiveCall, tool_call_fields
from ._played import Asked, Noted, Played, Spoken
from ._rules import Fault


class Line:
    """Sends the messages of one call, and notes what happens.

    Args:
        call: The call.
        cast: Who is at the other end.
        postman: Sends the messages.
        played: Where it is noted what happens.
        chaos: What goes wrong on the way; None: nothing.
    """

    def __init__(
        self, call: LiveCall, cast: Cast, postman: Postman, played: Played, chaos: Chaos | None
    ) -> None:
        self.call = call
        self.cast = cast
        self.played = played
        self._postman = postman
        self._chaos = chaos
        self._noted: set[tuple[str, str]] = set()
        self._is_deaf = False

    @property
    def assistant(self) -> Definition:
        """Who speaks."""
        return self.call.assistant or {}

    def speak(self, heard: Iterable[Heard]) -> list[Heard]:
        """Let the caller hear something, unless the call has ended. Returns what they hear."""
        said: list[Heard] = []
        for each in heard:
            if self.played.ended is not None:
                break
            self.played.events.append(Spoken("assistant", each))
            self.call.say("assistant", each.text)
            said.append(each)
            if each.ends_call:
                self.hang_up("assistant-ended-call-after-message-spoken")
        return said

    def hang_up(self, reason: str) -> None:
        """End the call, unless it has ended."""
        if self.played.ended is None:
            self.played.ended = reason
            self.call.status = "ended"

    async def tell(
        self,
        type: str,
        fields: Mapping[str, Any] | None = None,
        *,
        place: str = "",
        always: bool = False,
    ) -> None:
        """Send a message that wants no answer.

        Args:
            type: The type of the message.
            fields: Of the message.
            place: The line of the call file.
            always: Whether it is sent even when the assistant does not want such messages.
        """
        if not always and (type not in self.cast.wanted(self.assistant) or self._is_deaf):
            return
        await self.tell_body(self.call.message(type, **(fields or {})), place=place)

    async def tell_body(self, body: Mapping[str, Any], *, place: str = "") -> None:
        """Send a message that wants no answer."""
        server = self.cast.server_of(self.assistant)

        async def deliver() -> None:
            delivery = await self._postman.deliver(server, body, call_id=self.call.id)
            self._note(delivery, body["message"]["type"], self._postman.patience(server), place)

        if self._chaos is not None:
            self._chaos.later(deliver)
        else:
            await deliver()

    def _note(self, delivery: Delivery, type: str, patience: float, place: str) -> None:
        # A server that lets everything wait, or lets nobody in, would make a call of minutes.
        is_deaf = delivery.failure == "late" or delivery.status in (401, 403)
        self._is_deaf = self._is_deaf or is_deaf
        for fault in _judging.told(delivery, type, patience):
            if (fault.rule, type) not in self._noted:
                self._noted.add((fault.rule, type))
                self._blame(replace(fault, place=place))

    def _blame(self, fault: Fault) -> None:
        if not self.played.events:
            self.played.events.append(Noted("the call began"))
        self.played.events[-1].faults.append(fault)

    async def ask(self, body: Mapping[str, Any], server: Server | None = None) -> tuple[Asked, Any]:
        """Send a message that wants an answer. Returns what happened, and the answer's JSON."""
        server = server or self.cast.server_of(self.assistant)
        type_ = body["message"]["type"]
        delivery = await self._postman.deliver(server, body, call_id=self.call.id)
        content, faults = _judging.content_of(delivery, self._postman.patience(server))
        event = Asked(type_, summary(content), delivery.seconds)
        event.faults += [replace(fault, text=f"{type_}: {fault.text}") for fault in faults]
        if not faults:
            event.faults += _judging.answer(type_, content)
        self.played.events.append(event)
        return event, content

    async def call_tools(self, entries: Sequence[Entry], server: Server) -> Shaken:
        """Send tool calls in one message."""
        names = [each["function"]["name"] for each in entries]
        tools = {name: self.cast.tool(name, self.assistant) for name in names}

        def body(some: Sequence[Entry]) -> dict[str, Any]:
            return self.call.message(messages.TOOL_CALLS, **tool_call_fields(some, tools))

        if self._chaos is not None:
            return await self._chaos.deliver(self._postman, server, self.call.id, entries, body)
        delivery = await self._postman.deliver(server, body(entries), call_id=self.call.id)
        patience = self._postman.patience(server)
        return Shaken(_judging.tool_calls(delivery, entries, patience), delivery)

    async def settle(self) -> None:
        """Let what is still on its way arrive."""
        if self._chaos is not None:
            await self._chaos.settle()

    async def close(self) -> None:
        """Send no more: what is still on its way is lost."""
        if self._chaos is not None:
            await self._chaos.close()
