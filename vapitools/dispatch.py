"""A message → its answer: find the tool, run it once and in time, put a failure into words."""

from __future__ import annotations

import asyncio
import functools
import logging
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

from . import _results, _tracebacks, messages
from ._deadline import timed
from ._encryption import PrivateKeys
from ._results import ToolResult
from ._threads import Threads
from .context import CallContext
from .control import CallControl, HttpControl
from .errors import ArgumentError, SettingsError, ToolError
from .instrumentation import LogRuns, Outcome, RunHook, ToolRun, log, printable
from .ledger import Answer, Key, Ledger, MemoryLedger
from .messages import Message, ToolCall, ToolCallResult
from .settings import Settings
from .spoken import RequestComplete, RequestFailed
from .toolset import AnyTool, Toolset

State = Mapping[str, Any]
Fields = dict[str, Any]
"""Those of a `ToolCallResult` that say how the call went."""

_TOO_LATE = "The tool took too long. Say so, and offer to try again later."
_UNEXPECTED = "The tool failed. Say so, and offer to try again. Reference: {reference}."
_NO_REASON = "The tool could not do this."
_STOPPED = "The server was stopped. Offer to try again."


class Dispatcher:
    """Answers messages with the tools of one set. Whatever a tool does, there is an answer.

    Args:
        toolset: The tools to answer with.
        settings: Limits; the defaults suit production.
        hooks: See every run begin and end; by default it is logged.
        ledger: Where answers are kept for repeated deliveries; by default in memory.
        control: Tells live calls what to do; by default over HTTP.

    Attributes:
        control: The same.

    Raises:
        SettingsError: An argument arrives encrypted, and there is no key that can be read.
    """

    def __init__(
        self,
        toolset: Toolset,
        *,
        settings: Settings | None = None,
        hooks: Sequence[RunHook] | None = None,
        ledger: Ledger | None = None,
        control: CallControl | None = None,
    ) -> None:
        settings = settings or Settings()
        self._settings = settings
        self._toolset = toolset
        self._hooks = (LogRuns(),) if hooks is None else tuple(hooks)
        self._ledger = _guarded(
            MemoryLedger(settings.ledger_calls, settings.ledger_seconds)
            if ledger is None
            else ledger
        )
        # One that was handed in is its owner's to close.
        self._own_control = HttpControl(settings.control_urls) if control is None else None
        self.control = self._own_control if control is None else control
        self._threads = Threads(settings.threads)
        self._keys = PrivateKeys(_decryption_keys(toolset, settings))
        # The event loop itself keeps only weak references to tasks.
        self._tasks: dict[asyncio.Task[None], _Attempt] = {}

    async def answer(self, message: Message, state: State | None = None) -> bytes:
        """The body of the response to a message.

        Args:
            message: What came in.
            state: What the server's lifespan yielded, for `CallContext.state`.
        """
        # All are begun before the first is waited for.
        answers = [*map(partial(self._once, message, state), message.tool_calls)]
        results: list[ToolCallResult] = []
        try:
            for answer in answers:
                results.append(await answer)
        # A server that stops cancels its requests, and would answer with a status of 500.
        except asyncio.CancelledError:
            rest = list(zip(message.tool_calls, answers, strict=True))[len(results) :]
            results += [await _given(call, answer) for call, answer in rest]
        return messages.encode_results(message.type, results)

    async def aclose(self) -> None:
        """Close the connections to live calls. A later message opens them again."""
        if self._own_control is not None:
            await self._own_control.aclose()

    def _once(
        self, message: Message, state: State | None, call: ToolCall
    ) -> Awaitable[ToolCallResult]:
        """Begin a call, or join the run of an earlier delivery."""
        start = partial(self._start, message, state, call)
        # Without both ids nobody can tell a repeat from another call.
        where = message.call_id or message.chat_id
        if where and type(call.id) in (str, int) and call.id != "":
            key = call.id if isinstance(call.id, str) else f"number {call.id}"
            return self._ledger.once((where, key), start)
        if message.type == messages.TOOL_CALLS and not call.id:
            log(logging.WARNING, "a call of %s came without an id", printable(call.name))
        return start()

    def _start(self, message: Message, state: State | None, call: ToolCall) -> Answer:
        """Begin a run. Its answer comes in time, even if the tool never ends."""
        tool = self._toolset.get(call.name)
        seconds = tool.timeout if tool is not None else 0
        attempt = _Attempt(call, message.call_id, self._hooks, seconds)
        if tool is None:
            attempt.finish("unknown_tool", {"error": self._unknown()})
            return attempt.answer
        # A task of its own: one that will not be cancelled can be left behind.
        task = begun(self._run(tool, attempt, message, state), tool.name)
        if not attempt.answer.is_given:
            self._tasks[task] = attempt
            task.add_done_callback(self._ended)
        return attempt.answer

    def _ended(self, task: asyncio.Task[None]) -> None:
        attempt = self._tasks.pop(task)
        # Only a task that was cancelled before its first step has not answered.
        if not attempt.answer.is_given:
            attempt.finish("failed", {"error": _STOPPED})

    async def _run(
        self, tool: AnyTool, attempt: _Attempt, message: Message, state: State | None
    ) -> None:
        attempt.begin()
        try:
            outcome, fields = await self._outcome(tool, attempt, message, state)
        # Whatever a tool raises, `SystemExit` too, the caller gets an answer and the server lives.
        except BaseException as error:
            if attempt.answer.is_given and isinstance(
                error, (asyncio.CancelledError, GeneratorExit)
            ):
                return
            attempt.finish("failed", {"error": self._unexpected(tool, error)}, error)
        else:
            attempt.finish(outcome, fields)

    async def _outcome(
        self, tool: AnyTool, attempt: _Attempt, message: Message, state: State | None
    ) -> tuple[Outcome, Fields]:
        context = CallContext(
            message,
            tool_call_id=attempt.tool_call_id,
            deadline=attempt.deadline,
            state=state,
            control=self.control,
        )
        run = tool.run(attempt.call.arguments, context, threads=self._threads, keys=self._keys)
        try:
            value = await timed(run, attempt)
        except ArgumentError as error:
            return "argument_error", self._error_fields(tool, error)
        except ToolError as error:
            return "tool_error", self._error_fields(tool, error)
        return "ok", self._result_fields(tool, value)

    def _result_fields(self, tool: AnyTool, value: Any) -> Fields:
        if not isinstance(value, ToolResult):
            return {"result": _results.render(value, self._settings.max_result_characters)}
        fields = self._result_fields(tool, value.value)
        if value.message is not None:
            say = partial(_results.closing, value.message, RequestComplete)
            fields |= self._extra(tool, "message", say)
        return fields | self._extra(tool, "metadata", partial(_results.metadata, value.metadata))

    def _error_fields(self, tool: AnyTool, error: ToolError) -> Fields:
        text = _results.fit(str(error), self._settings.max_result_characters)
        fields: Fields = {"error": text or _NO_REASON}
        if error.message is not None:
            say = partial(_results.closing, error.message, RequestFailed)
            fields |= self._extra(tool, "message", say)
        return fields

    def _extra(self, tool: AnyTool, name: str, make: Callable[[], Any]) -> Fields:
        """What goes along with an answer; the answer itself is not lost over it."""
        try:
            made = make()
        except Exception as error:
            shown = _tracebacks.shown(error, with_text=self._settings.log_exceptions)
            log(logging.ERROR, "%s: the %s of its answer was left out\n%s", tool.name, name, shown)
            made = None
        return {} if made is None else {name: made}

    def _unknown(self) -> str:
        return f"There is no such tool. The tools are: {', '.join(self._toolset.names) or 'none'}."

    def _unexpected(self, tool: AnyTool, error: BaseException) -> str:
        reference = secrets.token_hex(4)
        shown = _tracebacks.shown(error, with_text=self._settings.log_exceptions)
        log(logging.ERROR, "%s failed, reference %s\n%s", tool.name, reference, shown)
        return _UNEXPECTED.format(reference=reference)


def _decryption_keys(toolset: Toolset, settings: Settings) -> tuple[str, ...]:
    """The keys as PEM texts; none where nothing arrives encrypted."""
    encrypted = [(tool.name, path) for tool in toolset for path in tool.encrypted_paths]
    if encrypted and not settings.decryption_keys:
        name, path = encrypted[0]
        raise SettingsError(
            f"{name}: its argument {path!r} arrives encrypted; set VAPITOOLS_DECRYPTION_KEYS to "
            "the private key, or Settings.decryption_keys"
        )
    return settings.decryption_keys if encrypted else ()


async def _given(call: ToolCall, answer: Awaitable[ToolCallResult]) -> ToolCallResult:
    """The answer, as far as it is there already."""
    if isinstance(answer, Answer) and answer.is_given:
        return await answer
    return ToolCallResult(call.name or "", call.id, error=_STOPPED)


def begun(run: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """A task of its own, with a name for where tasks are listed."""
    loop = asyncio.get_running_loop()
    # Where Python can, a tool that waits for nothing is done without a turn of the event loop.
    # By hand it can be done before 3.12 too, but that costs a busy server a tenth of its requests.
    if sys.version_info >= (3, 12):
        return asyncio.Task(run, loop=loop, name=name, eager_start=True)
    return loop.create_task(run, name=name)


class _Attempt:
    """One run of one call, answered exactly once. Within it, the deadline answers too."""

    def __init__(
        self, call: ToolCall, call_id: str | None, hooks: Sequence[RunHook], seconds: float
    ) -> None:
        self.call = call
        self.tool_call_id = call.id if isinstance(call.id, str) else None
        self._began = time.monotonic()
        self.deadline = self._began + seconds
        self.answer = Answer()
        self._call_id = call_id
        self._hooks = hooks
        self._run: ToolRun | None = None

    def begin(self) -> ToolRun:
        run = self._run = ToolRun(self.call.name or "", self._call_id, self.tool_call_id)
        for hook in self._hooks:
            _tell(hook.started, run)
        return run

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        # Below zero where the tool has blocked the event loop until now: then at once.
        left = self.deadline - time.monotonic()
        self._timer = loop.call_later(left, self._expire, asyncio.current_task(loop))

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _expire(self, task: Any) -> None:
        """The deadline has come: answer now, whatever the tool still does."""
        self.finish("timeout", {"error": _TOO_LATE})
        task.cancel()

    def finish(self, outcome: Outcome, fields: Fields, error: BaseException | None = None) -> None:
        """Answer, unless that is done already: a late result is never sent."""
        if self.answer.is_given:
            log(
                logging.WARNING,
                "%s ended %.1f s after it began, too late: its answer was not sent (%s)",
                printable(self.call.name),
                time.monotonic() - self._began,
                outcome,
            )
            return
        run = self._run or self.begin()
        self._run = None  # the traceback of its error leads here
        run.outcome = outcome
        run.error = error
        run.seconds = time.monotonic() - self._began
        for hook in self._hooks:
            _tell(hook.finished, run)
        self.answer.give(ToolCallResult(self.call.name or "", self.call.id, **fields))


def _tell(hook: Callable[[ToolRun], None], run: ToolRun) -> None:
    try:
        hook(run)
    # A hook that ends the process would leave the call without an answer.
    except BaseException as error:
        log(logging.ERROR, "a run hook failed\n%s", _tracebacks.shown(error))


def _guarded(ledger: Ledger) -> Ledger:
    # Ours does not fail, and needs no task to ask it in.
    return ledger if type(ledger) is MemoryLedger else _Guarded(ledger)


class _Guarded:
    """A ledger of somebody else's: when it fails, the call is answered without it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def once(self, key: Key, start: Callable[[], Answer]) -> Awaitable[ToolCallResult]:
        return asyncio.ensure_future(self._once(key, start))

    async def _once(self, key: Key, start: Callable[[], Answer]) -> ToolCallResult:
        # It may fail after it has begun the run, which must not run twice.
        start_once = functools.cache(start)
        try:
            answer: Any = await self._ledger.once(key, start_once)
            if not isinstance(answer, ToolCallResult):
                raise TypeError("the ledger gave no ToolCallResult")
            return answer
        except Exception as error:
            log(
                logging.ERROR,
                "the ledger failed; the call is answered without it\n%s",
                _tracebacks.shown(error),
            )
            return await start_once()
