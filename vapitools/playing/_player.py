"""Vapi's side of one call, step by step."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .. import _encrypted_paths, _liquid, messages
from .._shapes import as_list, as_object, is_object
from ..errors import PlayError
from . import _expecting, _following, _hearing
from ._cast import Definition
from ._chaos import Shaken
from ._control import Command, ControlDesk
from ._delivery import Server
from ._following import Following
from ._hearing import Heard
from ._judging import ToolAnswer
from ._line import Line
from ._live_call import Entry, Role, entry
from ._played import Commanded, Noted, Played, Spoken, ToolUsed
from ._rules import Fault
from ._script import (
    ASK,
    Asks,
    CallsTools,
    Ending,
    HandsOver,
    PlannedCall,
    Says,
    Step,
    Tells,
    Waits,
)

# Fixed, from end to end: https://docs.vapi.ai/server-url/events
ASSISTANT_REQUEST_SECONDS = 7.5


@dataclass(frozen=True)
class Answered:
    """A tool call that was answered.

    Attributes:
        answer: What Vapi has taken of the answer.
        heard: What the caller heard around it.
        seconds: How long it took.
        faults: What was wrong.
    """

    answer: ToolAnswer
    heard: Sequence[Heard]
    seconds: float
    faults: Sequence[Fault]


@dataclass(frozen=True)
class _Use:
    """A tool call that is made: what is known of the tool, where it goes, and what is sent."""

    call: PlannedCall
    tool: Definition
    server: Server
    entry: Entry


class Player:
    """Plays one call.

    Args:
        line: The line of the call.
        desk: Where the call takes commands; None: nowhere.
    """

    def __init__(self, line: Line, desk: ControlDesk | None = None) -> None:
        self._line = line
        self._call = line.call
        self._cast = line.cast
        self._desk = desk
        self._turn = 0
        if desk is not None:
            self._call.control_url = desk.open(self._call.id)

    @property
    def played(self) -> Played:
        """What has happened so far."""
        return self._line.played

    # --- the beginning and the end ---------------------------------------------------------

    async def begin(self, assistant: str | Mapping[str, Any] | None, *, greet: bool = True) -> None:
        """Let the call be answered.

        Args:
            assistant: By which: its name, the API's own object, `ASK`; None: one with every tool.
            greet: Whether it says its first message.

        Raises:
            PlayError: There is no such assistant, or nothing listens at the server.
        """
        if assistant == ASK:
            await self._ask_who_answers()
            if self.played.ended is not None:
                return
        else:
            self._call.assistant = self._cast.assistant(assistant)
        if self._call.kind == "outbound":
            await self._status("queued")
            await self._status("ringing")
        await self._status("in-progress")
        await self._take_over(greet=greet)

    async def end(self, ending: Ending) -> None:
        """Hang up, unless that is done, and send the report."""
        await self._line.settle()
        await self._take_commands()
        if self.played.ended is None:
            self._line.hang_up(ending.reason)
        reason = self.played.ended or ending.reason
        if self._desk is not None:
            self._desk.close(self._call.id)
        await self._status("ended", endedReason=reason)
        if "end-of-call-report" in self._cast.wanted(self._line.assistant):
            await self._line.tell_body(self._call.report(reason, **ending.report))
        await self._line.settle()
        last = Noted(f"the call ended: {reason}")
        last.faults += self._ending_faults(ending, reason)
        self.played.events.append(last)

    def _ending_faults(self, ending: Ending, reason: str) -> Iterable[Fault]:
        if ending.expected is not None and ending.expected != reason:
            text = f"expected the call to end with {ending.expected!r}, ended with {reason!r}"
            yield Fault("expected", text, ending.place)
        for text in _expecting.of_hearing(ending.heard, self.played.heard):
            yield Fault("expected", text, ending.place)

    async def close(self) -> None:
        """Let go of all that the call holds, whether it has ended or was broken off."""
        await self._line.close()
        if self._desk is not None:
            self._desk.close(self._call.id)

    # --- steps -----------------------------------------------------------------------------

    async def perform(self, step: Step) -> None:
        """Take one step of a script.

        Raises:
            PlayError: The bot has nothing of what it names.
        """
        if isinstance(step, Says):
            await self.say(step.role, step.text)
        elif isinstance(step, CallsTools):
            await self.call_tools(step.calls)
        elif isinstance(step, Asks):
            await self.ask(step)
        elif isinstance(step, HandsOver):
            await self._hand_over(step)
        elif isinstance(step, Tells):
            await self.tell(step)
        elif isinstance(step, Waits):
            await asyncio.sleep(step.seconds)
        await self._take_commands()

    async def say(self, role: Role, text: str) -> None:
        """Let the caller or the assistant say something."""
        if role == "assistant":
            text = str(_liquid.filled(text, self._call.facts()))
        self.played.events.append(Spoken(role, Heard(text)))
        speaker = "user" if role == "caller" else "assistant"
        turn, self._turn = self._turn, self._turn + 1
        speech = {"role": speaker, "turn": turn}
        await self._line.tell("speech-update", {"status": "started", **speech})
        said = {"role": speaker, "transcriptType": "final", "transcript": text}
        for type_ in ("transcript", 'transcript[transcriptType="final"]'):
            await self._line.tell(type_, said)
        self._call.say(role, text)
        await self._line.tell("speech-update", {"status": "stopped", **speech})
        await self._tell_conversation()

    async def call_tools(self, calls: Sequence[PlannedCall]) -> list[Answered]:
        """Let the model call tools, all at once. Those of one address go in one message."""
        await self._take_commands()
        uses = [self._use(call) for call in calls]
        self._call.call_tools([use.entry for use in uses])
        before = [self._line.speak(_hearing.before(use.tool, use.call.arguments)) for use in uses]
        groups = _by_server(uses)
        sent = await asyncio.gather(*(self._send(uses[n] for n in group) for group in groups))
        said = await self._take_commands()
        answered: dict[int, Answered] = {}
        for group, shaken in zip(groups, sent, strict=True):
            for place, number in enumerate(group):
                heard = [*before[number], *said]
                answered[number] = self._note(uses[number], shaken, place, heard)
        for number, use in enumerate(uses):
            text = answered[number].answer.text
            self._call.answer_tool(use.entry, text if text is not None else _hearing.NO_RESULT)
        await self._tell_conversation()
        return [answered[number] for number in range(len(calls))]

    async def ask(self, step: Asks) -> Any:
        """Let Vapi ask the server something. Returns the JSON of the answer."""
        fields = dict(step.fields)
        if step.type == "knowledge-base-request":
            await self.say("caller", str(fields.pop("question", "")))
            said = self._call.conversation()
            fields = {"messages": said, "messagesOpenAIFormatted": said, **fields}
        event, content = await self._line.ask(self._call.message(step.type, **fields))
        if step.expected is not None and not event.faults:
            texts = _expecting.of_answer(step.expected, content, event.seconds, step.type)
            event.faults += [Fault("expected", text) for text in texts]
        event.faults[:] = [replace(fault, place=step.place) for fault in event.faults]
        if is_object(content) and step.type != "knowledge-base-request":
            await self._follow(_following.of_destination_request(content))
        return content

    async def tell(self, step: Tells) -> None:
        """Let Vapi send any other message, whether the assistant wants such or not."""
        self.played.events.append(Noted(step.type))
        await self._line.tell(step.type, step.fields, place=step.place, always=True)

    async def hand_over(self, assistant: str, overrides: Mapping[str, Any] | None = None) -> None:
        """Let another assistant of the squad take the call.

        Args:
            assistant: Its name.
            overrides: What is different of it in this call.

        Raises:
            PlayError: There is no such assistant.
        """
        before = self._line.assistant
        after = {**self._cast.assistant(assistant), **(overrides or {})}
        self.played.events.append(Noted(f"{assistant} takes the call"))
        assistants = {"fromAssistant": dict(before), "toAssistant": dict(after)}
        await self._line.tell("transfer-update", assistants)
        self._call.assistant = after
        await self._take_over()

    async def _hand_over(self, step: HandsOver) -> None:
        try:
            await self.hand_over(step.assistant)
        except PlayError as error:
            raise PlayError(f"{step.place}: {error}" if step.place else str(error)) from None

    # --- tools -----------------------------------------------------------------------------

    def _use(self, call: PlannedCall) -> _Use:
        tool = self._cast.tool(call.tool, self._line.assistant)
        server = self._cast.tool_server(tool, self._line.assistant)
        return _Use(call, tool, server, entry(call.tool, self._sent(call, tool)))

    def _sent(self, call: PlannedCall, tool: Definition) -> dict[str, Any]:
        """The arguments as Vapi sends them: static ones merged in, marked ones encrypted."""
        static = _liquid.filled(static_parameters(tool), self._call.facts())
        arguments = {**call.arguments, **static}
        paths = as_list(as_object(tool.get("server")).get("encryptedPaths"))
        return _encrypted_paths.replaced(arguments, map(str, paths), self._encrypted)

    def _encrypted(self, path: str, value: object) -> str:
        if self._cast.encrypt is None:
            raise PlayError(
                f"{path} is to be encrypted; set VAPITOOLS_DECRYPTION_KEYS to the private key "
                "that the server has"
            )
        text = value if isinstance(value, str) else messages.dump(value).decode()
        return self._cast.encrypt(text)

    async def _send(self, group: Iterable[_Use]) -> Shaken:
        uses = list(group)
        return await self._line.call_tools([use.entry for use in uses], uses[0].server)

    def _note(self, use: _Use, shaken: Shaken, number: int, heard: Iterable[Heard]) -> Answered:
        """Note what came of a call. What is wrong with a whole message is noted at its first."""
        id_ = use.entry["id"]
        call, tool, seconds = use.call, use.tool, shaken.delivery.seconds
        answer = shaken.judgement.answers[number]
        is_first = number == 0
        during = self._line.speak(_hearing.during(tool, call.arguments, seconds))
        event = ToolUsed(
            name=call.tool,
            arguments=call.arguments,
            result=answer.result,
            error=answer.error,
            seconds=seconds,
            id=id_,
            attempts=shaken.delivery.attempts,
            troubles=list(shaken.troubles) if is_first else [],
        )
        self.played.events.append(event)
        after = self._line.speak(_hearing.after(tool, call.arguments, answer, seconds))
        all_heard = [*heard, *during, *after]
        faults = shaken.judgement.faults
        found = [each for each in faults if each.call == id_ or (is_first and each.call is None)]
        if call.expected is not None:
            texts = _expecting.of_tool(call.expected, answer, all_heard, seconds, call.tool)
            found += [Fault("expected", text) for text in texts]
        event.faults += [replace(fault, place=call.place) for fault in found]
        return Answered(answer, all_heard, seconds, event.faults)

    # --- who answers, and where the call goes ----------------------------------------------

    async def _ask_who_answers(self) -> None:
        server = replace(self._cast.server, seconds=ASSISTANT_REQUEST_SECONDS, backoff={})
        event, content = await self._line.ask(self._call.message("assistant-request"), server)
        if event.faults:
            self._line.hang_up("assistant-request-failed")
        else:
            await self._follow(_following.of_assistant_request(content))

    async def _follow(self, following: Following) -> None:
        """Do what an answer says."""
        if following.assistant is not None:
            self._call.assistant = following.assistant
            known = {**self._cast.assistants, **following.members}
            self._cast = replace(self._cast, assistants=known)
            self._call.variables = {**self._call.variables, **following.variables}
        if following.heard is not None:
            self._line.speak([following.heard])
        if following.goes_to is not None and following.goes_to in self._cast.assistants:
            await self.hand_over(following.goes_to, following.overrides)
        elif following.goes_to is not None:
            self.played.events.append(Noted(f"the call goes to {following.goes_to}"))
        if following.ended is not None:
            self._line.hang_up(following.ended)

    async def _take_over(self, *, greet: bool = True) -> None:
        """Let the assistant that has the call now begin."""
        assistant = self._line.assistant
        name, words = assistant.get("name"), assistant.get("firstMessage")
        self.played.assistant = name if isinstance(name, str) else None
        await self._line.tell("assistant.started", {"newAssistant": dict(assistant)})
        mode = assistant.get("firstMessageMode", "assistant-speaks-first")
        if greet and mode == "assistant-speaks-first" and isinstance(words, str) and words:
            await self.say("assistant", words)

    # --- what is told, and commands --------------------------------------------------------

    async def _status(self, status: str, **fields: Any) -> None:
        self._call.status = status
        await self._line.tell("status-update", {"status": status, **fields})

    async def _tell_conversation(self) -> None:
        await self._line.tell("conversation-update", self._call.conversation_fields())

    async def _take_commands(self) -> list[Heard]:
        """Note what the live call was told, and do it. Returns what the caller hears of it."""
        heard: list[Heard] = []
        for command in self._desk.taken(self._call.id) if self._desk is not None else ():
            self.played.events.append(Commanded(command))
            heard += self._line.speak(_said(command))
            await self._obey(command)
        return heard

    async def _obey(self, command: Command) -> None:
        type_ = command["type"]
        if type_ == "end-call":
            self._line.hang_up("assistant-ended-call")
        elif type_ == "add-message":
            self._call.add(command["message"])
        elif type_ in ("transfer", "handoff"):
            answer = {"destination": command["destination"]}
            await self._follow(_following.of_destination_request(answer))


def static_parameters(tool: Mapping[str, Any]) -> dict[str, Any]:
    """What Vapi adds to the model's arguments, not yet filled in."""
    given = [as_object(each) for each in as_list(tool.get("parameters"))]
    return {str(each["key"]): each["value"] for each in given if {"key", "value"} <= {*each}}


def _by_server(uses: Sequence[_Use]) -> list[list[int]]:
    """The numbers of the calls that go in one message."""
    groups: dict[str, list[int]] = {}
    for number, use in enumerate(uses):
        groups.setdefault(use.server.url, []).append(number)
    return list(groups.values())


def _said(command: Command) -> Iterable[Heard]:
    text = command.get("content")
    if isinstance(text, str) and text:
        ends = bool(command.get("endCallAfterSpoken"))
        yield Heard(text, str(command["type"]), ends_call=ends)
