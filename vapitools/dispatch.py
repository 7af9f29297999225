"""A message → its answer: find the tool, run it once and in time, put a failure into words."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any


from . import _results, messages
from ._results import ToolResult
from ._threads import Threads
from .context import CallContext
from .errors import ArgumentError, ToolError, VapiToolsError
from .instrumentation import LogRuns, Outcome, RunHook, ToolRun, printable
from .ledger import Ledger, MemoryLedger
from .messages import Message, ToolCall, ToolCallResult
from .settings import Settings
from .toolset import AnyTool, Toolset

logger = logging.getLogger("vapitools")

State = Mapping[str, Any]

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
    """

    def __init__(
        self,
        toolset: Toolset,
        *,
        settings: Settings | None = None,
        hooks: Sequence[RunHook] | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        settings = settings or Settings()
        self._settings = settings
        self._toolset = toolset
        self._hooks = (LogRuns(),) if hooks is None else tuple(hooks)
        self._ledger = ledger or MemoryLedger(settings.ledger_calls, settings.ledger_seconds)
        self._threads = Threads(settings.threads)
        # The event loop itself keeps only weak references to tasks.
        self._tasks: set[asyncio.Task[None]] = set()

    async def answer(self, message: Message, state: State | None = None) -> bytes:
        """The body of the response to a message.

        Args:
            message: What came in.
            state: What the server's lifespan yielded, for `CallContext.state`.
        """
        calls = message.tool_calls
        if message.type == messages.TOOL_CALLS:
            answers = [self._once(call, message, state) for call in calls]
            one = len(answers) == 1  # a group would cost more than the call
            results = [await answers[0]] if one else await asyncio.gather(*answers)
            return messages.encode_results(results)
        if message.type == messages.FUNCTION_CALL and calls:
            return messages.encode_function_result(await self._once(calls[0], message, state))
        if message.type == messages.BARE_ARGUMENTS:
            return messages.encode_bare_result(await self._once(calls[0], message, state))
        return b"{}"

    async def _once(self, call: ToolCall, message: Message, state: State | None) -> ToolCallResult:
        start = partial(self._start, call, message, state)
        # Without both ids nobody can tell a repeat from another call.
        if message.call_id and isinstance(call.id, str) and call.id:
            return await self._ledger.once((message.call_id, call.id), start)
        if message.type == messages.TOOL_CALLS and not call.id:
            logger.warning("a call of %s came without an id", printable(call.name))
        return await asyncio.shield(start())

    def _start(
        self, call: ToolCall, message: Message, state: State | None
    ) -> asyncio.Future[ToolCallResult]:
        """Begin a run. Its answer comes in time, even if the tool never ends."""
        attempt = _Attempt(call, message, self._hooks)
        tool = self._toolset.get(call.name)
        if tool is None:
            attempt.finish("unknown_tool", error=self._unknown())
            return attempt.answer
        context = CallContext(
            message,
            tool_call_id=call.id if isinstance(call.id, str) else None,
            deadline=attempt.began + tool.timeout,
            state=state,
        )
        loop = asyncio.get_running_loop()
        # A task of its own: one that will not be cancelled can be left behind.
        task = loop.create_task(self._run(tool, attempt, context))
        timer = loop.call_later(tool.timeout, attempt.expire, task)
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, attempt, timer))
        return attempt.answer

    def _ended(
        self, attempt: _Attempt, timer: asyncio.TimerHandle, task: asyncio.Task[None]
    ) -> None:
        timer.cancel()
        self._tasks.discard(task)
        # Only a task that was cancelled before its first step has not answered.
        attempt.finish("failed", error=_STOPPED)

    async def _run(self, tool: AnyTool, attempt: _Attempt, context: CallContext) -> None:
        attempt.begin()
        try:
            value = await tool.run(attempt.call.arguments, context, threads=self._threads)
            fields = self._fields(value)
        except ToolError as error:
            outcome: Outcome = (
                "argument_error" if isinstance(error, ArgumentError) else "tool_error"
            )
            attempt.finish(outcome, **_told(error))
        # Whatever a tool raises, `SystemExit` too, the caller gets an answer and the server lives.
        except BaseException as error:
            if not attempt.answer.done():
                attempt.finish("failed", error=self._unexpected(tool, error))
        else:
            attempt.finish("ok", **fields)

    def _fields(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, ToolResult):
            return {"result": _results.render(value, self._settings.max_result_characters)}
        fields = self._fields(value.value)
        if (message := value.spoken()) is not None:
            fields["message"] = _plain(message.to_json())
        if value.metadata:
            fields["metadata"] = _plain(value.metadata)
        return fields

    def _unknown(self) -> str:
        return f"There is no such tool. The tools are: {', '.join(self._toolset.names) or 'none'}."

    def _unexpected(self, tool: AnyTool, error: BaseException) -> str:
        reference = secrets.token_hex(4)
        shown = _with_text(error) if self._settings.log_exceptions else _without_text(error)
        logger.error("%s failed, reference %s\n%s", tool.name, reference, shown)
        return _UNEXPECTED.format(reference=reference)


class _Attempt:
    """One run of one call, answered exactly once."""

    def __init__(self, call: ToolCall, message: Message, hooks: Sequence[RunHook]) -> None:
        self.call = call
        self.began = time.monotonic()
        self.answer: asyncio.Future[ToolCallResult] = asyncio.get_running_loop().create_future()
        self._hooks = hooks
        id_ = call.id if isinstance(call.id, str) else None
        self._run = ToolRun(call.name or "", message.call_id, id_)

    def begin(self) -> None:
        for hook in self._hooks:
            self._tell(hook.started)

    def expire(self, task: asyncio.Task[None]) -> None:
        """The deadline has come: answer now, whatever the tool still does."""
        self.finish("timeout", error=_TOO_LATE)
        task.cancel()

    def finish(self, outcome: Outcome, **fields: Any) -> None:
        """Answer, unless that is done already: a late result is never sent."""
        if self.answer.done():
            return
        self._run.outcome = outcome
        self._run.seconds = time.monotonic() - self.began
        for hook in self._hooks:
            self._tell(hook.finished)
        self.answer.set_result(ToolCallResult(self.call.name or "", self.call.id, **fields))

    def _tell(self, hook: Any) -> None:
        try:
            hook(self._run)
        except Exception as error:
            logger.error("a run hook failed\n%s", _without_text(error))


def _told(error: ToolError) -> dict[str, Any]:
    """What a tool's author wants the assistant to know."""
    try:
        text = _results.one_line(str(error))
    except Exception:
        text = ""
    fields: dict[str, Any] = {"error": text or _NO_REASON}
    if error.message is not None:
        fields["message"] = _plain(error.message.to_json())
    return fields


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """Values that the answer can carry, whatever the author put in."""
    plain: dict[str, Any] = json.loads(_results.to_json(value))
    return plain


def _with_text(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)).rstrip()


def _without_text(error: BaseException) -> str:
    """A traceback without the exceptions' texts: they hold arguments, and with them people."""
    return "\n".join(_traceback_lines(error))


def _traceback_lines(error: BaseException) -> Iterator[str]:
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None and earlier is not error:
        yield from _traceback_lines(earlier)
        yield "which led to:"
    yield from (line.rstrip() for line in traceback.format_tb(error.__traceback__, limit=-12))
    # Our own texts hold no values.
    text = (
        f": {error}"
        if isinstance(error, VapiToolsError) and not isinstance(error, ToolError)
        else ""
    )
    yield f"{type(error).__name__}{text} (its text is logged with VAPITOOLS_LOG_EXCEPTIONS=1)"
