"""What Vapi tells and asks a server, one small class per message, made for reading.

A field is looked up wherever this body holds it; what is missing, null or of another type than
expected reads as None, or as empty. `raw` has the rest.

The messages: https://docs.vapi.ai/server-url/events
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from types import MappingProxyType
from typing import Any, Generic, TypeGuard, TypeVar, overload

from . import messages
from .context import CallContext

T = TypeVar("T")

_NOTHING: Mapping[str, Any] = MappingProxyType({})

# A time stamp above this is in milliseconds.
_MOST_SECONDS = 1e11

_USUAL_RATE = 24_000


class _Field(Generic[T]):
    """Reads the first of some places that holds what is wanted."""

    def __init__(self, read: Callable[[Any], T | None], missing: T, *places: str) -> None:
        self._read = read
        self._missing = missing
        self._places = [place.split(".") for place in places]

    @overload
    def __get__(self, message: None, owner: type) -> _Field[T]: ...
    @overload
    def __get__(self, message: ServerMessage, owner: type) -> T: ...
    def __get__(self, message: ServerMessage | None, owner: type) -> _Field[T] | T:
        if message is None:
            return self
        for place in self._places:
            value = self._read(_at(message.raw, place))
            if value is not None:
                return value
        return self._missing


def _at(value: Any, place: Sequence[str]) -> Any:
    for key in place:
        if not _is_object(value):
            return None
        value = value.get(key)
    return value


def _is_object(value: Any) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def _is_list(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, (list, tuple))


def _text(*places: str) -> _Field[str | None]:
    return _Field(_as_text, None, *places)


def _as_text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value or None
    number = _as_number(value)
    return None if number is None else str(number)


def _number(*places: str) -> _Field[float | None]:
    return _Field(_as_number, None, *places)


def _as_number(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    # A whole number of hundreds of digits is more than a float can be.
    return value if is_number and abs(value) <= sys.float_info.max else None


def _count(*places: str) -> _Field[int | None]:
    return _Field(_as_count, None, *places)


def _as_count(value: Any) -> int | None:
    number = _as_number(value)
    return None if number is None or number < 0 else int(number)


def _flag(*places: str) -> _Field[bool]:
    return _Field(lambda value: value if isinstance(value, bool) else None, False, *places)


def _object(*places: str) -> _Field[Mapping[str, Any]]:
    return _Field(lambda value: value if _is_object(value) and value else None, _NOTHING, *places)


def _objects(*places: str) -> _Field[Sequence[Mapping[str, Any]]]:
    return _Field(_as_objects, (), *places)


def _as_objects(value: Any) -> Sequence[Mapping[str, Any]] | None:
    return ([each for each in value if _is_object(each)] or None) if _is_list(value) else None


def _texts(*places: str) -> _Field[Sequence[str]]:
    return _Field(_as_texts, (), *places)


def _as_texts(value: Any) -> Sequence[str] | None:
    return [each for each in value if isinstance(each, str)] if _is_list(value) else None


def _moment(*places: str) -> _Field[datetime | None]:
    return _Field(_as_moment, None, *places)


def _as_moment(value: Any) -> datetime | None:
    """A moment is a number of seconds or milliseconds since 1970, or ISO 8601."""
    try:
        if isinstance(value, str):
            read = datetime.fromisoformat(value.replace("Z", "+00:00"))
            return read if read.tzinfo else read.replace(tzinfo=timezone.utc)
        number = _as_number(value)
        if number is None:
            return None
        seconds = number / 1000 if abs(number) > _MOST_SECONDS else number
        return datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None


class ServerMessage:
    """Any message from Vapi. Each type of message has a class of its own below this one.

    In a test it is made from a dictionary: `EndOfCallReport({"summary": "…"})`.

    Attributes:
        raw: The whole message as it came.
        call: The call: who is on the line, the variables, `state`, and the means to speak.
    """

    def __init__(self, raw: Mapping[str, Any], call: CallContext | None = None) -> None:
        self.raw = raw
        self.call = call if call is not None else _context_of(raw)

    type = _text("type")
    """Such as `status-update`."""
    timestamp = _moment("timestamp")
    """When it was sent."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(call {self.call.id!r})"


def _context_of(raw: Mapping[str, Any]) -> CallContext:
    return CallContext(messages.parse(messages.dump({"message": dict(raw)})))


# --- what is only told --------------------------------------------------------------------


class _WithConversation(ServerMessage):
    messages = _objects("messages", "artifact.messages")
    """The conversation so far, message by message."""
    openai_messages = _objects(
        "messagesOpenAIFormatted", "conversation", "artifact.messagesOpenAIFormatted"
    )
    """The same in OpenAI's format: `{"role": …, "content": …}`."""


class StatusUpdate(_WithConversation):
    """The call has another status."""

    status = _text("status")
    """`scheduled`, `queued`, `ringing`, `in-progress`, `forwarding` or `ended`."""
    ended_reason = _text("endedReason")
    """Why it ended, such as `customer-ended-call`."""
    destination = _object("destination")
    """Where the call is forwarded to."""
    transcript = _text("transcript")
    """All that was said so far, when the call is forwarded."""
    summary = _text("summary")
    """The summary so far, when the call is forwarded."""


def _also_in_call(*places: str) -> list[str]:
    return [*places, *(f"call.{place}" for place in places)]


class EndOfCallReport(ServerMessage):
    """What is left of a call that has ended."""

    ended_reason = _text(*_also_in_call("endedReason"))
    """Such as `customer-ended-call`."""
    transcript = _text(*_also_in_call("artifact.transcript", "transcript"))
    """All that was said."""
    messages = _objects(*_also_in_call("artifact.messages", "messages"))
    """All that was said and done, message by message."""
    summary = _text(*_also_in_call("analysis.summary", "summary"))
    """The summary that Vapi has made."""
    structured_data = _object(*_also_in_call("analysis.structuredData"))
    """What Vapi has extracted with the assistant's `analysisPlan`."""
    structured_outputs = _object(*_also_in_call("artifact.structuredOutputs"))
    """The structured outputs, keyed by their ids."""
    success_evaluation = _text(*_also_in_call("analysis.successEvaluation"))
    """Whether the call was a success, as the assistant's rubric says: `true`, `7`, …"""
    recording_url = _text(
        *_also_in_call(
            "artifact.recordingUrl",
            "artifact.recording.mono.combinedUrl",
            "recordingUrl",
            "artifact.presignedMonoUrl",
        )
    )
    """Where the recording is."""
    stereo_recording_url = _text(
        *_also_in_call(
            "artifact.stereoRecordingUrl",
            "artifact.recording.stereoUrl",
            "stereoRecordingUrl",
            "artifact.presignedStereoUrl",
        )
    )
    """Where the recording with each speaker in a channel is."""
    costs = _objects(*_also_in_call("costs"))
    """The parts of the cost, in US dollars."""
    started_at = _moment(*_also_in_call("startedAt"))
    """When the call began."""
    ended_at = _moment(*_also_in_call("endedAt"))
    """When the call ended."""
    destination = _object(*_also_in_call("destination"))
    """Where the call was forwarded to."""

    _cost = _number("cost", "costBreakdown.total")
    # `call` is as it was when the call began: a cost of 0 there says nothing.
    _cost_of_call = _number("call.cost", "call.costBreakdown.total")
    _seconds = _number("durationSeconds")

    @property
    def cost(self) -> float | None:
        """What the call has cost, in US dollars."""
        return self._cost if self._cost is not None else (self._cost_of_call or None)

    @property
    def duration_seconds(self) -> float | None:
        """How long the call was."""
        if self._seconds is not None:
            return self._seconds
        if self.started_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()

    @property
    def is_stub(self) -> bool:
        """Whether nothing of a conversation is in it, as when nobody picked up."""
        # The assistant's prompt is there before anybody has spoken.
        said = [message for message in self.messages if message.get("role") != "system"]
        return not (self.transcript or said or self.summary or self.recording_url)


class ConversationUpdate(_WithConversation):
    """The conversation so far."""


class Transcript(ServerMessage):
    """A piece of what is being said. Comes as `transcript[transcriptType="final"]`, too."""

    role = _text("role")
    """Who speaks: `user` or `assistant`."""
    transcript = _text("transcript")
    """The words."""
    original_transcript = _text("originalTranscript")
    """The words before they were filtered for security."""
    is_filtered = _flag("isFiltered")
    """Whether they were filtered."""
    detected_threats = _texts("detectedThreats")
    """Why they were filtered."""
    assistant_id = _text("assistantId")
    """The assistant that speaks: in a squad, one of several."""
    assistant_name = _text("assistantName")
    """Its name."""
    _kind = _text("transcriptType")

    @property
    def is_final(self) -> bool:
        """Whether these are the last words on it; a partial one is corrected by the next."""
        return "final" in (self._kind or self.type or "")


class SpeechUpdate(ServerMessage):
    """Somebody has begun or stopped to speak."""

    status = _text("status")
    """`started` or `stopped`."""
    role = _text("role")
    """Who: `user` or `assistant`."""
    turn = _count("turn")
    """The number of the turn, from 0."""


class Hang(ServerMessage):
    """The assistant has not answered for some seconds."""


class ModelOutput(ServerMessage):
    """What the model says, as it says it: words, or tool calls."""

    turn_id = _text("turnId")
    """The same for all that belongs to one turn."""

    @property
    def output(self) -> Any:
        """The piece, as it came."""
        return self.raw.get("output")


class UserInterrupted(ServerMessage):
    """The user has spoken while the assistant did."""

    turn_id = _text("turnId")
    """The turn that was interrupted, as in `ModelOutput`."""


class TransferUpdate(ServerMessage):
    """The call goes to somebody else."""

    destination = _object("destination")
    """Where it goes to."""
    to_assistant = _object("toAssistant")
    """The assistant that takes over."""
    from_assistant = _object("fromAssistant")
    """The assistant that it goes away from."""


class LanguageChangeDetected(ServerMessage):
    """The caller speaks another language."""

    language = _text("language")
    """The language that the transcriber has changed to."""


class PhoneCallControl(ServerMessage):
    """The phone call is to be forwarded or ended, where your own server does that."""

    request = _text("request")
    """`forward` or `hang-up`."""
    destination = _object("destination")
    """Where to forward it to."""


class VoiceInput(ServerMessage):
    """What is given to the voice to be spoken."""

    input = _text("input")
    """The text."""


class AssistantStarted(ServerMessage):
    """An assistant has taken the call."""

    assistant = _object("newAssistant", "assistant")
    """The assistant."""


class AssistantSpeechStarted(ServerMessage):
    """The assistant has begun to speak (`assistant.speechStarted`)."""

    text = _text("text")
    """All of the turn's text, not only what is new."""
    turn = _count("turn")
    """The number of the turn, from 0."""
    source = _text("source")
    """Where the text comes from: `model`, `force-say` or `custom-voice`."""
    timing = _object("timing")
    """How far the voice has come in it, word by word, when the voice tells that."""


class ChatEvent(ServerMessage):
    """A chat was made or deleted: `type` tells."""

    chat = _object("chat")
    """The chat."""


class SessionEvent(ServerMessage):
    """A session was made, changed or deleted: `type` tells."""

    session = _object("session")
    """The session."""


class CallEvent(ServerMessage):
    """A call was deleted, or could not be: `type` tells."""


class CallArtifactUpload(ServerMessage):
    """Something of the call was stored in a place of your own, or could not be."""

    artifacts = _objects("artifacts")
    """One entry for each of them: its `type`, and `success`."""


# --- what wants an answer -----------------------------------------------------------------


class AssistantRequest(ServerMessage):
    """A call comes in: who is to answer it?"""


class TransferDestinationRequest(ServerMessage):
    """The call is to be transferred: where to?"""


class HandoffDestinationRequest(ServerMessage):
    """The call is to be handed to another assistant: to which?"""

    parameters = _object("parameters")
    """What the model has said about it."""


class KnowledgeBaseRequest(_WithConversation):
    """The model is about to speak: what should it know?"""

    openai_messages = _objects("messagesOpenAIFormatted", "messages")
    """The conversation so far in OpenAI's format: `{"role": …, "content": …}`."""

    @property
    def question(self) -> str | None:
        """The user's last words."""
        for message in reversed(self.openai_messages):
            if message.get("role") == "user":
                return _as_text(message.get("content")) or _as_text(message.get("message"))
        return None


class CallEndpointingRequest(_WithConversation):
    """The user pauses: how long to wait before the assistant speaks?"""


class VoiceRequest(ServerMessage):
    """Words to be spoken by a voice of your own."""

    text = _text("text")
    """The words."""
    _rate = _count("sampleRate")

    @property
    def sample_rate(self) -> int:
        """In which the audio must be, in samples per second."""
        return self._rate or _USUAL_RATE


class CampaignPredial(ServerMessage):
    """A campaign is about to call somebody: should it?"""

    campaign_id = _text("campaignId")
    """Vapi's id of the campaign."""
    contact = _object("contact")
    """Who would be called."""
    number = _text("contact.number")
    """The number that would be called."""


# --- by type ------------------------------------------------------------------------------

CLASSES: Mapping[str, type[ServerMessage]] = MappingProxyType(
    {
        "assistant-request": AssistantRequest,
        "assistant.speechStarted": AssistantSpeechStarted,
        "assistant.started": AssistantStarted,
        "call.artifact.upload": CallArtifactUpload,
        "call.delete.failed": CallEvent,
        "call.deleted": CallEvent,
        "call.endpointing.request": CallEndpointingRequest,
        "campaign.predial": CampaignPredial,
        "chat.created": ChatEvent,
        "chat.deleted": ChatEvent,
        "conversation-update": ConversationUpdate,
        "end-of-call-report": EndOfCallReport,
        "handoff-destination-request": HandoffDestinationRequest,
        "hang": Hang,
        "knowledge-base-request": KnowledgeBaseRequest,
        "language-change-detected": LanguageChangeDetected,
        "model-output": ModelOutput,
        "phone-call-control": PhoneCallControl,
        "session.created": SessionEvent,
        "session.deleted": SessionEvent,
        "session.updated": SessionEvent,
        "speech-update": SpeechUpdate,
        "status-update": StatusUpdate,
        "transcript": Transcript,
        'transcript[transcriptType="final"]': Transcript,
        "transfer-destination-request": TransferDestinationRequest,
        "transfer-update": TransferUpdate,
        "user-interrupted": UserInterrupted,
        "voice-input": VoiceInput,
        "voice-request": VoiceRequest,
    }
)
"""The class of each type that Vapi documents."""

# They come because something else is set: `serverMessages` does not know them.
_NEVER_CHOSEN = frozenset(
    {
        "assistant-request",
        "call.endpointing.request",
        "campaign.predial",
        "knowledge-base-request",
        "voice-request",
    }
)

CHOOSABLE = frozenset({"tool-calls", "function-call", *CLASSES} - _NEVER_CHOSEN)
"""The types that an assistant's `serverMessages` can name."""


def plain(type_: str) -> str:
    """A type without what stands in brackets: `transcript[transcriptType="final"]`."""
    return type_.partition("[")[0]


def read(message: messages.Message, call: CallContext) -> ServerMessage:
    """The message in its class; in `ServerMessage` when its type is not known."""
    return CLASSES.get(plain(message.type), ServerMessage)(message.raw, call)
