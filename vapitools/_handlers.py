"""Runs the handlers of events: those that answer in time, the others after the response."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import aclosing, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeGuard

from . import _tracebacks, messages, server_messages
from ._deadline import TooLateError, within
from ._threads import Threads
from .context import CallContext
from .errors import ResultError
from .events import ANSWERED, IN_SOUND, Answerer, Events, Handler
from .instrumentation import log, printable
from .messages import Message
from .settings import Settings

if TYPE_CHECKING:
    from .answers import Inline

_TOO_MANY = "%d handlers are running, as many as may; none was told of a message of type %s"
_ENDLESS = "a handler was ended after %d seconds; it was told of a message of type %s"
_LATE = "%s did not answer a message of type %s within %g seconds; the fallback was answered"

# How long the handlers that are ended with the server may take to clean up after themselves.
_LAST_SECONDS = 1.0

_END: Any = object()


class Handlers:
    """Runs the handlers of one `Events`. Whatever one of them does hurts nobody else.

    Args:
        events: The handlers.
        settings: Limits.
    """

    def __init__(self, events: Events, settings: Settings) -> None:
        self._events = events
        self._settings = settings
        # Of their own: a slow handler must not keep a tool waiting.
        self._threads = Threads(settings.threads)
        # Those that are to run to their end. The event loop itself keeps only weak references.
        self._tasks: set[asyncio.Task[list[Any]]] = set()

    # --- messages that want an answer ------------------------------------------------------

    async def answer(self, message: Message, call: CallContext, inline: Inline) -> bytes | None:
        """The answer to a message that wants one in JSON; None when nobody here gives it."""
        answerer = self._events.answerer(message.type)
        if answerer is None or message.type == IN_SOUND:
            return None
        # Who has registered such a handler has loaded it; the others need not.
        from . import answers

        fallback = [] if answerer.fallback is None else [answerer.fallback]
        for value in [*await self._in_time(answerer, message, call), *fallback]:
            try:
                return messages.encode(answers.to_json(message.type, value, inline))
            except Exception as error:
                self._failed(answerer.handler, message, error)
        return b"{}"

    def sound(self, message: Message, call: CallContext) -> AsyncGenerator[bytes] | None:
        """What answers a `voice-request`; None when nobody here does."""
        answerer = self._events.answerer(message.type)
        if answerer is None or message.type != IN_SOUND:
            return None
        return self._sound(answerer, message, call)

    async def _sound(
        self, answerer: Answerer, message: Message, call: CallContext
    ) -> AsyncGenerator[bytes]:
        has_begun = False
        for value in [*await self._in_time(answerer, message, call), answerer.fallback]:
            try:
                async with aclosing(_pieces(value, self._threads)) as pieces:
                    while (piece := await _next(pieces, answerer.timeout)) is not _END:
                        chunk = _checked(piece)
                        has_begun = True
                        yield chunk
                return
            except (asyncio.CancelledError, GeneratorExit):
                raise
            except BaseException as error:
                self._failed(answerer.handler, message, error)
            # What has been sent cannot be taken back: the sound ends here.
            if has_begun:
                return

    async def _in_time(self, answerer: Answerer, message: Message, call: CallContext) -> list[Any]:
        """What the handler returns; nothing when it fails or is late."""
        task = self._begin(answerer.handler, message, call)
        # A server that stops cancels its requests, and would answer with a status of 500.
        with suppress(asyncio.CancelledError):
            await asyncio.wait({task}, timeout=answerer.timeout)
            if not task.done():
                name = _name(answerer.handler)
                log(logging.ERROR, _LATE, name, message.type, answerer.timeout)
        self._end(task)
        # One that will not be cancelled is left behind.
        return task.result() if task.done() and not task.cancelled() else []

    # --- messages that want none -----------------------------------------------------------

    def listeners(self, type_: str) -> Sequence[Handler]:
        """Who is to be told of a message of that type."""
        return self._events.listeners(type_)

    async def tell(self, listeners: Sequence[Handler], message: Message, call: CallContext) -> None:
        """Run the handlers, and return when they have ended."""
        if len(self._tasks) >= self._settings.handlers:
            log(logging.ERROR, _TOO_MANY, len(self._tasks), printable(message.type))
            return
        running = {self._begin(handler, message, call) for handler in listeners}
        # When the request is cancelled, they run on.
        _, late = await asyncio.wait(running, timeout=self._settings.handler_seconds)
        for task in late:
            log(logging.ERROR, _ENDLESS, self._settings.handler_seconds, printable(message.type))
            self._end(task)

    async def drain(self) -> None:
        """Wait for the handlers that still run, and then end them: the server stops."""
        here = asyncio.get_running_loop()
        running = [task for task in tuple(self._tasks) if task.get_loop() is here]
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=self._settings.grace_seconds)
        if late:
            log(logging.WARNING, "%d handlers of events were ended with the server", len(late))
            for task in late:
                self._end(task)
            await asyncio.wait(late, timeout=_LAST_SECONDS)

    # --- running one -----------------------------------------------------------------------

    def _begin(
        self, handler: Handler, message: Message, call: CallContext
    ) -> asyncio.Task[list[Any]]:
        task = asyncio.create_task(self._outcome(handler, message, call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _end(self, task: asyncio.Task[list[Any]]) -> None:
        self._tasks.discard(task)
        task.cancel()

    async def _outcome(self, handler: Handler, message: Message, call: CallContext) -> list[Any]:
        """What the handler returns; nothing when it fails."""
        task = asyncio.current_task()
        began = time.monotonic()
        try:
            value = await self._run(handler, message, call)
            _note(handler, message, time.monotonic() - began)
            return [value]
        # Its event loop is gone, and nobody waits.
        except GeneratorExit:
            raise
        # A `SystemExit`, too, would end the server for everybody.
        except BaseException as error:
            is_ours = isinstance(error, asyncio.CancelledError) and task not in self._tasks
            if not is_ours:
                self._failed(handler, message, error)
            return []

    async def _run(self, handler: Handler, message: Message, call: CallContext) -> Any:
        given = server_messages.read(message, call)
        if _is_async(handler):
            value = handler(given)
        else:
            value = await self._threads.run(partial(handler, given))
        return await value if inspect.isawaitable(value) else value

    def _failed(self, handler: Handler, message: Message, error: BaseException) -> None:
        # What we say ourselves of an answer holds no value.
        if type(error) is ResultError:
            shown = f": {error}"
        else:
            shown = "\n" + _tracebacks.shown(error, with_text=self._settings.log_exceptions)
        # The type comes from outside.
        type_ = printable(server_messages.plain(message.type))
        call = printable(message.call_id)
        log(
            logging.ERROR,
            "call %s: the handler %s of %s failed%s",
            *(call, _name(handler), type_, shown),
        )


def _note(handler: Handler, message: Message, seconds: float) -> None:
    # Of what wants no answer, Vapi sends several a second.
    level = logging.INFO if message.type in ANSWERED else logging.DEBUG
    type_ = printable(server_messages.plain(message.type))
    values = (type_, seconds * 1000, _name(handler), printable(message.call_id))
    log(level, "%s %.1f ms %s (call %s)", *values)


async def _next(pieces: AsyncGenerator[Any], seconds: float) -> Any:
    try:
        return await within(seconds, anext(pieces, _END))
    except TooLateError:
        raise ResultError(f"no sound came for {seconds:g} seconds") from None


async def _pieces(value: Any, threads: Threads) -> AsyncGenerator[Any]:
    """A sound in one piece, or in those that it yields; a plain iterator runs in a thread."""
    if isinstance(value, bytes):
        yield value
    elif _is_async_iterable(value):
        pieces = aiter(value)
        try:
            async for piece in pieces:
                yield piece
        finally:
            if close := getattr(pieces, "aclose", None):
                await close()
    elif _is_iterable(value):
        steps = _Steps(iter(value))
        try:
            while (piece := await threads.run(steps.next)) is not _END:
                yield piece
        finally:
            if not steps.closes_itself():
                # When the peer goes away, nothing is waited for any more.
                await asyncio.shield(threads.run(steps.close))
    else:
        raise _no_sound(value)


class _Steps:
    """A plain iterator, advanced and closed in threads."""

    def __init__(self, pieces: Iterator[Any]) -> None:
        self._pieces = pieces
        self._is_over = False
        self._in_use = threading.Lock()

    def next(self) -> Any:
        """The next piece, or `_END`."""
        with self._in_use:
            piece = next(self._pieces, _END)
        if self._is_over:
            self.close()
        return piece

    def closes_itself(self) -> bool:
        """End it; whether a step goes on that was given up, and that will close it."""
        self._is_over = True
        return self._in_use.locked()

    def close(self) -> None:
        """Close it, once."""
        close = getattr(self._pieces, "close", None)
        # It is never given back: there is no step after this.
        if close is not None and self._in_use.acquire(blocking=False):
            close()


def _is_async_iterable(value: Any) -> TypeGuard[AsyncIterable[Any]]:
    return isinstance(value, AsyncIterable)


def _is_iterable(value: Any) -> TypeGuard[Iterable[Any]]:
    return isinstance(value, Iterable)


def _checked(piece: Any) -> bytes:
    if not isinstance(piece, bytes):
        raise _no_sound(piece)
    return piece


def _no_sound(value: Any) -> ResultError:
    return ResultError(
        f"got {type(value).__name__}; return or yield bytes of 16-bit PCM with one channel"
    )


def _is_async(handler: Any) -> bool:
    """Whether calling it blocks nothing: the work is done when the result is awaited."""
    functions = (handler, getattr(handler, "__call__", None))  # noqa: B004 - of an object
    return any(
        inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each) for each in functions
    )


def _name(handler: Any) -> str:
    return getattr(handler, "__qualname__", None) or type(handler).__qualname__
