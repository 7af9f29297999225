"""What can go wrong between Vapi and a server, on purpose."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .. import messages
from .._shapes import as_list, as_object
from . import _judging
from ._delivery import Delivery, Postman, Server
from ._judging import Judgement, ToolAnswer
from ._live_call import Entry
from ._rules import Fault

Body = Callable[[Sequence[Entry]], Mapping[str, Any]]
"""Makes the body of a message with some calls."""

# Before anything whole has come, whatever runs has run on half a body.
_FIRST = "cut"
_OTHERS = ("dropped", "twice at once", "one by one", "reversed")
_MAX_DELAY = 0.05
# For a tool to begin that should not.
_GRACE = 0.03


@dataclass(frozen=True)
class Shaken:
    """Tool calls that came through.

    Attributes:
        judgement: What Vapi makes of the answers.
        delivery: The last one.
        troubles: What went wrong on the way, on purpose.
    """

    judgement: Judgement
    delivery: Delivery
    troubles: Sequence[str] = ()


@dataclass
class _Seen:
    """All that came of one message with tool calls."""

    faults: list[Fault] = field(default_factory=list[Fault])
    answers: dict[str, list[ToolAnswer]] = field(default_factory=dict[str, list[ToolAnswer]])

    def take(self, entries: Sequence[Entry], judgement: Judgement) -> None:
        self.faults += [each for each in judgement.faults if each not in self.faults]
        for entry, answer in zip(entries, judgement.answers, strict=True):
            self.answers.setdefault(entry["id"], []).append(answer)


class Chaos:
    """Repeats, delays, reorders, drops and cuts what is sent. The same seed does the same.

    Args:
        seed: Says what goes wrong.
        count: Tells how often a tool call has run, where that can be seen.
    """

    def __init__(self, seed: int, count: Callable[[str], int] | None = None) -> None:
        self._random = random.Random(seed)
        self._count = count or _uncounted
        self._on_their_way: set[asyncio.Task[None]] = set()

    def later(self, deliver: Callable[[], Awaitable[None]]) -> None:
        """Deliver a message that wants no answer, somewhen: perhaps after the next one."""
        pause = self._random.uniform(0, _MAX_DELAY)

        async def delivered() -> None:
            await asyncio.sleep(pause)
            await deliver()

        self._on_their_way.add(asyncio.create_task(delivered()))

    async def settle(self) -> None:
        """Wait for what is on its way.

        Raises:
            PlayError: Nothing listens at the server.
        """
        await asyncio.gather(*self._on_their_way)
        self._on_their_way.clear()

    async def close(self) -> None:
        """Let go of what is still on its way."""
        for task in self._on_their_way:
            task.cancel()
        await asyncio.gather(*self._on_their_way, return_exceptions=True)
        self._on_their_way.clear()

    async def deliver(
        self, postman: Postman, server: Server, call_id: str, entries: Sequence[Entry], body: Body
    ) -> Shaken:
        """Deliver tool calls in spite of some trouble, and hold the answers together."""
        line = _Line(postman, server, call_id)
        seen = _Seen()
        kinds = [_FIRST, *self._random.sample(_OTHERS, len(_OTHERS))]
        for kind in kinds:
            await asyncio.sleep(self._random.uniform(0, _MAX_DELAY))
            await self._trouble(kind, line, entries, body, seen)
        # As Vapi does after a failure: the same calls again, with the same ids.
        delivery = await line.ask(entries, body, seen)
        seen.faults += [*_different(entries, seen), *self._ran_twice(entries)]
        answers = [seen.answers[entry["id"]][-1] for entry in entries]
        return Shaken(Judgement(answers, seen.faults), delivery, kinds)

    async def _trouble(
        self, kind: str, line: _Line, entries: Sequence[Entry], body: Body, seen: _Seen
    ) -> None:
        if kind == _FIRST:
            seen.faults += await self._cut(line, entries, body)
        elif kind == "dropped":
            await line.drop(messages.dump(body(entries)))
        elif kind == "twice at once":
            await asyncio.gather(*(line.ask(entries, body, seen) for _ in range(2)))
        elif kind == "one by one":
            await asyncio.gather(*(line.ask([entry], body, seen) for entry in entries))
        elif kind == "reversed":
            await line.ask(entries[::-1], body, seen)

    async def _cut(self, line: _Line, entries: Sequence[Entry], body: Body) -> list[Fault]:
        """Send half of a message, as one whole body and as a body that never ends."""
        content = messages.dump(body(entries))
        half = content[: self._random.randrange(1, len(content) // 2)]
        answered = _answered(await line.send(half))
        await line.drop(half, length=len(content))
        await asyncio.sleep(_GRACE)
        ran = [e for e in entries if e["id"] in answered or self._count(e["id"])]
        return [
            Fault("whole-body", f"{_name(entry)} ran on half a body", call=entry["id"])
            for entry in ran
        ]

    def _ran_twice(self, entries: Sequence[Entry]) -> list[Fault]:
        return [
            Fault("ran-once", f"{_name(entry)} ran {self._count(entry['id'])} times")
            for entry in entries
            if self._count(entry["id"]) > 1
        ]


@dataclass(frozen=True)
class _Line:
    """The way to one server."""

    postman: Postman
    server: Server
    call_id: str

    async def ask(self, entries: Sequence[Entry], body: Body, seen: _Seen) -> Delivery:
        delivery = await self.postman.deliver(self.server, body(entries), call_id=self.call_id)
        patience = self.postman.patience(self.server)
        seen.take(entries, _judging.tool_calls(delivery, entries, patience))
        return delivery

    async def send(self, content: bytes) -> Delivery:
        return await self.postman.send(self.server, content, call_id=self.call_id)

    async def drop(self, content: bytes, *, length: int | None = None) -> None:
        """Send a body and hang up before the answer.

        Args:
            content: What is sent.
            length: The length that is announced, when it is another.
        """
        parts = urlsplit(self.server.url)
        is_encrypted = parts.scheme == "https"
        port = parts.port or (443 if is_encrypted else 80)
        headers = self.postman.headers(self.server, content, self.call_id)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        fields = {
            "host": parts.netloc.rpartition("@")[2],
            **headers,
            "content-length": str(len(content) if length is None else length),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        with suppress(OSError, asyncio.TimeoutError):
            context = ssl.create_default_context() if is_encrypted else None
            opened = asyncio.open_connection(parts.hostname, port, ssl=context)
            _, writer = await asyncio.wait_for(opened, 5)
            writer.write(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + content)
            await writer.drain()
            # Long enough to arrive, too short for an answer that takes any time.
            await asyncio.sleep(0.01)
            writer.transport.abort()


def _uncounted(tool_call_id: str) -> int:
    return 0


def _answered(delivery: Delivery) -> Sequence[Any]:
    """The ids of the calls that an answer is about."""
    content, _ = _judging.content_of(delivery, 0)
    results = as_list(as_object(content).get("results"))
    return [as_object(each).get("toolCallId") for each in results]


def _different(entries: Sequence[Entry], seen: _Seen) -> list[Fault]:
    return [
        Fault("same-answer", f"{_name(entry)} was answered in different ways")
        for entry in entries
        if len({(each.result, each.error) for each in seen.answers[entry["id"]]}) > 1
    ]


def _name(entry: Entry) -> str:
    return str(entry["function"]["name"])
