"""The webhook bodies of one call → its steps: who said what, and what the server was sent."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

from .. import builtin_tools, messages
from .._shapes import as_list, as_object
from .._spelling import closest
from ..server_messages import CLASSES
from . import _bodies
from ._bodies import Answered, Body, Call, Called, Entry, Said
from ._cast import Cast, Definition
from ._player import static_parameters
from ._script import Asks, CallsTools, HandsOver, PlannedCall, Says, Step, Tells

_MAX_SHOWN = 120

_TRANSFER, _HANDOFF = "transfer-destination-request", "handoff-destination-request"
_KNOWLEDGE = "knowledge-base-request"
_CALLS = (messages.TOOL_CALLS, messages.FUNCTION_CALL)
# Who is called or asked in them is who has the call now.
_OF_THE_SPEAKER = (*_CALLS, _TRANSFER, _HANDOFF, _KNOWLEDGE)
# They follow from what else happens in a call, or there are many in each turn.
_NO_STEPS = frozenset(
    """assistant-request assistant.speechStarted assistant.started call.endpointing.request
    campaign.predial conversation-update end-of-call-report model-output speech-update
    status-update transcript transfer-update user-interrupted voice-input voice-request""".split()
)
_VAPIS_TOOLS = frozenset(builtin_tools.TYPES) - {"function"}
_BEFORE_ALL = datetime.min.replace(tzinfo=timezone.utc)


class Recording:
    """What was recorded of one call.

    Attributes:
        bodies: Each with the number of entries of the conversation that was in it.
        folders: Where they are.
        longest: The longest conversation.
        tools: What is known of tools, by name.
        assistants: What is known of assistants, by name.
    """

    def __init__(self) -> None:
        self.bodies: list[tuple[Body, int]] = []
        self.folders: set[Path] = set()
        self.longest: Sequence[Entry] = ()
        self.tools: dict[str, Definition] = {}
        self.assistants: dict[str, Definition] = {}
        self._seen: set[bytes] = set()
        self._moment = _BEFORE_ALL

    def add(self, body: Body, folder: Path) -> None:
        """Take in a body, in the order of the files. One that was sent again says nothing new."""
        self.folders.add(folder)
        if body.digest in self._seen:
            return
        self._seen.add(body.digest)
        # One that does not say when it was sent stays behind the one before it.
        self._moment = body.moment or self._moment
        is_step = body.type not in _NO_STEPS and body.type not in _CALLS
        nothing: Mapping[str, Any] = {}
        # All that was said so far is in each of them: kept once, it is enough.
        slim = replace(
            body,
            moment=self._moment,
            conversation=(),
            fields=body.fields if is_step else nothing,
            tools={},
            assistants={},
        )
        self.bodies.append((slim, len(body.conversation)))
        self._learn(body.conversation, body.tools, body.assistants)

    def join(self, other: Recording) -> None:
        """Take in what belongs to the same call."""
        self.bodies += other.bodies
        self._learn(other.longest, other.tools, other.assistants)

    def _learn(
        self,
        conversation: Sequence[Entry],
        tools: Mapping[str, Definition],
        assistants: Mapping[str, Definition],
    ) -> None:
        # Of two that are as long, the later one has the better words.
        if len(conversation) >= len(self.longest):
            self.longest = conversation
        self.tools.update(tools)
        self.assistants.update(assistants)

    def order(self) -> None:
        """Bring the bodies into the order in which they were sent."""
        self.bodies.sort(key=lambda each: each[0].moment or _BEFORE_ALL)


class Story:
    """Tells the steps of a call: what was said, and between it what the server was sent.

    What Vapi says by itself around a tool call, or after a transfer, is left out: it is said
    again when the steps are played.
    """

    def __init__(self, recording: Recording, cast: Cast | None) -> None:
        self.steps: list[Step] = []
        self.notes: dict[str, str] = {}
        self.pending: list[str] = []
        self._cast = cast
        self._tools = recording.tools
        self._assistants = {**(cast.assistants if cast is not None else {}), **recording.assistants}
        self._bodies = recording.bodies
        self._story = recording.longest
        self._wire = _Wire([body for body, _ in self._bodies], self._story)
        self._answers: dict[object, str] = {
            entry.id: entry.text
            for entry in reversed(self._story)
            if isinstance(entry, Answered) and entry.id is not None
        }
        self._is_told_by_transcripts = not any(isinstance(each, Said) for each in self._story)
        self._done: set[object] = set()
        self._speaker: str | None = None
        self._open: set[object] = set()
        self._echoes: set[str] = set()
        self._is_led = False
        self._is_greeted = False

    def tell(self) -> None:
        """Take the steps."""
        happenings = self._placed()
        for place in range(len(self._story) + 1):
            for happening in happenings[place]:
                happening()
            if place < len(self._story):
                self._entry(self._story[place])

    # --- where things have happened --------------------------------------------------------

    def _placed(self) -> dict[int, list[Callable[[], None]]]:
        """What the bodies tell, by the number of entries of the conversation before it."""
        placed: dict[int, list[Callable[[], None]]] = defaultdict(list)
        place, speaker = 0, None
        for body, length in self._bodies:
            before, place = place, self._place(body, length, place)
            now = body.taker or (body.speaker if body.type in _OF_THE_SPEAKER else None)
            if now is not None and now != speaker:
                if speaker is None:
                    self._speaker = now
                else:
                    turn = place if body.taker else self._turn(before, place, now)
                    placed[turn].append(partial(self._take_over, now))
                speaker = now
            placed[place].append(partial(self._happen, body))
        return placed

    def _place(self, body: Body, length: int, before: int) -> int:
        if length:
            return min(length, len(self._story))
        times = [entry.time for entry in self._story]
        if body.moment is None or body.moment.year == 1 or None in times or not times:
            return before
        now = body.moment.timestamp() * 1000
        return sum(1 for time in times if time is not None and time <= now)

    def _turn(self, before: int, place: int, name: str) -> int:
        """Where an assistant has taken the call, as far as what was said tells it."""
        greeting = _same(str(self._definition(name).get("firstMessage") or ""))
        for number in range(before, place):
            entry = self._story[number]
            if isinstance(entry, Said) and greeting and _same(entry.text) == greeting:
                return number
            if isinstance(entry, Called) and name in map(self._leads_to, entry.calls):
                return number + 1
        return before

    # --- what was said ---------------------------------------------------------------------

    def _entry(self, entry: Entry) -> None:
        if isinstance(entry, Said):
            self._say(entry)
        elif isinstance(entry, Called):
            self._call(self._wire.together(entry.calls))
        else:
            self._open.discard(entry.id)

    def _say(self, said: Said) -> None:
        if said.role == "caller":
            self._forget()
        elif self._open or self._is_led or _same(said.text) in self._echoes:
            return
        elif self._is_greeted:
            self._is_greeted = False
            return
        self._add(Says(said.role, said.text))

    def _forget(self) -> None:
        """From here on, the assistant speaks for itself."""
        self._open = set()
        self._echoes = set()
        self._is_led = self._is_greeted = False

    def _add(self, step: Step) -> None:
        place = f"step {len(self.steps) + 1}"
        self.steps.append(replace(step, place=place))
        if self.pending:
            self.notes[place] = "\n".join(self.pending)
            self.pending = []

    # --- tools -----------------------------------------------------------------------------

    def _call(self, calls: Sequence[Call]) -> None:
        """The model has called tools: those that were not told before."""
        new = [call for call in calls if call.id is None or call.id not in self._done]
        if not new:
            return
        self._done |= {call.id for call in new}
        self._forget()
        step = f"step {len(self.steps) + 1}"
        planned = [
            self._planned(call, f"{step}, call {number}")
            for number, call in enumerate(new, start=1)
            if self._can_be_played(call)
        ]
        if planned:
            self._add(CallsTools(planned))
        for call in new:
            if (taker := self._leads_to(call)) is not None:
                self._take_over(taker)

    def _can_be_played(self, call: Call) -> bool:
        """Whether it can; where it cannot, a comment says what it was."""
        why = self._not_to_be_played(call)
        if why is not None:
            self.pending.append(f"{why}: {cut(f'{call.name} {_json(call.arguments)}')}")
        return why is None

    def _planned(self, call: Call, place: str) -> PlannedCall:
        tool = self._tool(call.name)
        given = (call.arguments or {}).items()
        arguments = {name: value for name, value in given if name not in _static(tool)}
        unknown = self._unknown(call.name, arguments)
        if notes := [*self._remarks(call, tool, unknown)]:
            self.notes[place] = "\n".join(notes)
        if call.id in self._answers and not tool.get("async"):
            self._open.add(call.id)
        self._echoes |= _echoes(tool)
        kept = {name: value for name, value in arguments.items() if name not in unknown}
        return PlannedCall(call.name, kept, place=place)

    def _remarks(self, call: Call, tool: Definition, unknown: Mapping[str, Any]) -> Iterator[str]:
        """What a reader has to know of a call."""
        if call.arguments is None:
            yield "Its arguments were no JSON object."
        if unknown:
            yield f"The tool takes no such: {cut(_json(unknown))}"
        if paths := as_list(as_object(tool.get("server")).get("encryptedPaths")):
            yield f"Was encrypted, and has to be written anew: {cut(_json(paths))}"
        if call.id in self._answers:
            yield f"answered: {cut(self._answers[call.id])}"

    def _not_to_be_played(self, call: Call) -> str | None:
        if not self._wire.has(call):
            type_ = self._tools.get(call.name, {}).get("type")
            if call.name in _VAPIS_TOOLS or type_ not in (None, "function"):
                return "Vapi's own tool"
            if self._leads_to(call) is not None:
                return "Vapi's own tool"
        if self._cast is not None and self._cast.is_known and call.name not in self._cast.tools:
            return "The bot has no such tool"
        return None

    def _tool(self, name: str) -> Definition:
        ours: Definition = self._cast.tools.get(name, {}) if self._cast is not None else {}
        return {**ours, **self._tools.get(name, {})}

    def _unknown(self, name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the bot's own tool does not take."""
        if self._cast is None or not self._cast.is_known:
            return {}
        tool = self._cast.tools[name]
        known = [*tool["function"]["parameters"]["properties"], *static_parameters(tool)]
        return {name: value for name, value in arguments.items() if name not in known}

    # --- who speaks ------------------------------------------------------------------------

    def _leads_to(self, call: Call) -> str | None:
        """The assistant that a tool of Vapi's hands the call to."""
        if self._wire.has(call):
            return None
        arguments = call.arguments or {}
        for name in ("destination", "assistantName", "assistant"):
            if isinstance(named := arguments.get(name), str) and named in self._assistants:
                return named
        written = call.name.removeprefix("handoff_to_")
        names = (name for name in self._assistants if _as_tool(name) == _as_tool(written))
        return next(names, None) if written != call.name else None

    def _take_over(self, name: str) -> None:
        if name == self._speaker:
            return
        self._speaker = name
        # The answer to a question, or a command of a tool, has led there, and will again.
        if self._is_led or self._open:
            return
        if self._cast is not None and name not in self._cast.assistants:
            self.pending.append(f"Another assistant took the call: {cut(name)!r}")
            return
        self._add(HandsOver(name))
        definition = self._definition(name)
        mode = definition.get("firstMessageMode") or "assistant-speaks-first"
        self._is_greeted = bool(definition.get("firstMessage")) and mode == "assistant-speaks-first"

    def _definition(self, name: str) -> Definition:
        return self._assistants.get(name, {})

    # --- what the server was sent ----------------------------------------------------------

    def _happen(self, body: Body) -> None:
        if body.type in _CALLS:
            self._call([call for call in body.calls if not self._wire.is_in_story(call)])
        elif body.type == _KNOWLEDGE:
            self._ask_for_knowledge(body)
        elif body.type == _TRANSFER:
            self._ask_for_destination(body, body.fields)
        elif body.type == _HANDOFF:
            parameters = dict(as_object(body.fields.get("parameters")))
            self._ask_for_destination(body, {"parameters": parameters})
        elif body.said is not None:
            if self._is_told_by_transcripts and not self._was_said_last(body.said):
                self._say(body.said)
        elif body.type not in _NO_STEPS and _can_be_told(body.type):
            self._add(Tells(body.type, body.fields))

    def _ask_for_destination(self, body: Body, fields: Mapping[str, Any]) -> None:
        self._forget()
        self._add(Asks(body.type, fields))
        self._is_led = True

    def _ask_for_knowledge(self, body: Body) -> None:
        question = _question(body)
        if question is None:
            return
        self._forget()
        if self._was_said_last(Said("caller", question)):
            # The step lets the caller say it, too.
            note = self.notes.pop(self.steps.pop().place, None)
            self.pending[:0] = [note] if note is not None else []
        self._add(Asks(_KNOWLEDGE, {"question": question}))

    def _was_said_last(self, said: Said) -> bool:
        last = self.steps[-1] if self.steps else None
        if not isinstance(last, Says) or last.role != said.role:
            return False
        return _same(last.text) == _same(said.text)


class _Wire:
    """The tool calls that the server was sent. What stands in them counts more than the story."""

    def __init__(self, bodies: Sequence[Body], story: Sequence[Entry]) -> None:
        self._calls: dict[object, Call] = {}
        self._groups: dict[object, list[object]] = {}
        for body in bodies:
            named = {call.id: call for call in body.calls if call.id is not None}
            for id_, call in named.items():
                self._calls.setdefault(id_, call)
                self._groups.setdefault(id_, []).extend(named)
        told = [call for entry in story if isinstance(entry, Called) for call in entry.calls]
        self._of_story = {call.id for call in told if call.id is not None}
        self._nameless = [call for body in bodies for call in body.calls if call.id is None]
        self._twins = self._claimed(told)

    def _claimed(self, told: Sequence[Call]) -> list[tuple[Call, Call]]:
        """Those that came without an id, each with the one of the story that it is."""
        free = [call for call in told if call.id not in self._calls]
        twins: list[tuple[Call, Call]] = []
        for sent in self._nameless:
            twin = next((each for each in free if _is_twin(each, sent)), None)
            if twin is not None:
                free.remove(twin)
                twins.append((sent, twin))
        return twins

    def has(self, call: Call) -> bool:
        """Whether the server was sent it."""
        nameless = [*self._nameless, *(twin for _, twin in self._twins)]
        return call.id in self._calls or any(call is each for each in nameless)

    def is_in_story(self, call: Call) -> bool:
        """Whether the conversation tells of it."""
        if call.id is None:
            return any(call is sent for sent, _ in self._twins)
        return call.id in self._of_story

    def together(self, calls: Sequence[Call]) -> list[Call]:
        """The calls as they were sent, with those that came in the same messages."""
        found: dict[object, Call] = {}
        for call in calls:
            key = call.id if call.id is not None else object()
            found.setdefault(key, self._calls.get(call.id, call))
            for id_ in self._groups.get(call.id, ()):
                found.setdefault(id_, self._calls[id_])
        return list(found.values())


def _is_twin(told: Call, sent: Call) -> bool:
    """Whether a call of the story is one that was sent, where Vapi has added static arguments."""
    given = sent.arguments or {}
    arguments = (told.arguments or {}).items()
    return told.name == sent.name and all(given.get(key) == value for key, value in arguments)


def _static(tool: Definition) -> set[str]:
    """What Vapi adds to the model's arguments."""
    listed = (as_object(each).get("key") for each in as_list(tool.get("parameters")))
    return {key for key in listed if isinstance(key, str)}


def _echoes(tool: Definition) -> set[str]:
    """What Vapi says by itself around a tool call."""
    texts: list[Any] = []
    for message in map(as_object, as_list(tool.get("messages"))):
        texts.append(message.get("content"))
        texts += [as_object(each).get("text") for each in as_list(message.get("contents"))]
    return {_same(text) for text in texts if isinstance(text, str) and text.strip()}


def _question(body: Body) -> str | None:
    """The last words of the caller."""
    for name in ("messagesOpenAIFormatted", "messages"):
        for entry in reversed(_bodies.entries(as_list(body.fields.get(name)))):
            if isinstance(entry, Said) and entry.role == "caller":
                return entry.text
    return None


def _can_be_told(type_: str) -> bool:
    """Whether a call file takes it: what looks like a slip of the pen is refused there."""
    if type_ in CLASSES or not type_:
        return bool(type_)
    return closest(type_, CLASSES) is None


def _same(text: str) -> str:
    return " ".join(text.split())


def _as_tool(name: str) -> str:
    return re.sub(r"\W", "_", name).lower()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def cut(text: str) -> str:
    """On one line, and not longer than a line."""
    text = _same(text)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
