"""Handlers of what Vapi tells and asks, by the type of the message."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from ._spelling import closest
from .errors import DefinitionError, ResultError
from .server_messages import (
    CHOOSABLE,
    CLASSES,
    AssistantRequest,
    AssistantSpeechStarted,
    AssistantStarted,
    CallArtifactUpload,
    CallEndpointingRequest,
    CallEvent,
    CampaignPredial,
    ChatEvent,
    ConversationUpdate,
    EndOfCallReport,
    HandoffDestinationRequest,
    Hang,
    KnowledgeBaseRequest,
    LanguageChangeDetected,
    ModelOutput,
    PhoneCallControl,
    ServerMessage,
    SessionEvent,
    SpeechUpdate,
    StatusUpdate,
    Transcript,
    TransferDestinationRequest,
    TransferUpdate,
    UserInterrupted,
    VoiceInput,
    VoiceRequest,
    plain,
)

if TYPE_CHECKING:
    from .answers import (
        AssistantAnswer,
        EndpointingAnswer,
        HandoffAnswer,
        KnowledgeAnswer,
        PredialAnswer,
        TransferAnswer,
        VoiceAnswer,
    )

Handler = Callable[[Any], Any]


# A handler keeps its own type, so each kind of handler has a type variable: a bound cannot be
# generic. `On…` is told, `For…` answers.
_OnAny = TypeVar("_OnAny", bound=Callable[[ServerMessage], object])
_OnStatusUpdate = TypeVar("_OnStatusUpdate", bound=Callable[[StatusUpdate], object])
_OnEndOfCallReport = TypeVar("_OnEndOfCallReport", bound=Callable[[EndOfCallReport], object])
_OnConversationUpdate = TypeVar(
    "_OnConversationUpdate", bound=Callable[[ConversationUpdate], object]
)
_OnTranscript = TypeVar("_OnTranscript", bound=Callable[[Transcript], object])
_OnSpeechUpdate = TypeVar("_OnSpeechUpdate", bound=Callable[[SpeechUpdate], object])
_OnHang = TypeVar("_OnHang", bound=Callable[[Hang], object])
_OnModelOutput = TypeVar("_OnModelOutput", bound=Callable[[ModelOutput], object])
_OnUserInterrupted = TypeVar("_OnUserInterrupted", bound=Callable[[UserInterrupted], object])
_OnTransferUpdate = TypeVar("_OnTransferUpdate", bound=Callable[[TransferUpdate], object])
_OnLanguageChangeDetected = TypeVar(
    "_OnLanguageChangeDetected", bound=Callable[[LanguageChangeDetected], object]
)
_OnPhoneCallControl = TypeVar("_OnPhoneCallControl", bound=Callable[[PhoneCallControl], object])
_OnVoiceInput = TypeVar("_OnVoiceInput", bound=Callable[[VoiceInput], object])
_OnAssistantStarted = TypeVar("_OnAssistantStarted", bound=Callable[[AssistantStarted], object])
_OnAssistantSpeechStarted = TypeVar(
    "_OnAssistantSpeechStarted", bound=Callable[[AssistantSpeechStarted], object]
)
_OnChatEvent = TypeVar("_OnChatEvent", bound=Callable[[ChatEvent], object])
_OnSessionEvent = TypeVar("_OnSessionEvent", bound=Callable[[SessionEvent], object])
_OnCallEvent = TypeVar("_OnCallEvent", bound=Callable[[CallEvent], object])
_OnCallArtifactUpload = TypeVar(
    "_OnCallArtifactUpload", bound=Callable[[CallArtifactUpload], object]
)
_ForAssistantRequest = TypeVar(
    "_ForAssistantRequest",
    bound="Callable[[AssistantRequest], AssistantAnswer | Awaitable[AssistantAnswer]]",
)
_ForTransferDestinationRequest = TypeVar(
    "_ForTransferDestinationRequest",
    bound="Callable[[TransferDestinationRequest], TransferAnswer | Awaitable[TransferAnswer]]",
)
_ForHandoffDestinationRequest = TypeVar(
    "_ForHandoffDestinationRequest",
    bound="Callable[[HandoffDestinationRequest], HandoffAnswer | Awaitable[HandoffAnswer]]",
)
_ForKnowledgeBaseRequest = TypeVar(
    "_ForKnowledgeBaseRequest",
    bound="Callable[[KnowledgeBaseRequest], KnowledgeAnswer | Awaitable[KnowledgeAnswer]]",
)
_ForCallEndpointingRequest = TypeVar(
    "_ForCallEndpointingRequest",
    bound="Callable[[CallEndpointingRequest], EndpointingAnswer | Awaitable[EndpointingAnswer]]",
)
_ForCampaignPredial = TypeVar(
    "_ForCampaignPredial",
    bound="Callable[[CampaignPredial], PredialAnswer | Awaitable[PredialAnswer]]",
)
_ForVoiceRequest = TypeVar(
    "_ForVoiceRequest", bound="Callable[[VoiceRequest], VoiceAnswer | Awaitable[VoiceAnswer]]"
)

# Seconds. Vapi waits 7.5 for an `assistant-request`, and 20 for the others by default; an
# endpointing request is in the way of the assistant's next word.
_TIMEOUTS = {
    "assistant-request": 7.0,
    "call.endpointing.request": 2.0,
    "campaign.predial": 18.0,
    "handoff-destination-request": 18.0,
    "knowledge-base-request": 18.0,
    "transfer-destination-request": 18.0,
    "voice-request": 18.0,
}
# Vapi waits no longer, whatever is set.
_LIMITS = {"assistant-request": 7.5}
_MAX_SECONDS = 300.0

# What is answered when a handler fails, is too late, or returns what is no answer.
_SORRY = "Sorry, this is not possible right now. Please try again later."
_FALLBACKS: dict[str, Any] = {
    "assistant-request": _SORRY,
    "call.endpointing.request": 1.0,
    # Vapi then notes a failure for the contact, and does not call.
    "campaign.predial": None,
    "handoff-destination-request": _SORRY,
    "knowledge-base-request": (),
    "transfer-destination-request": _SORRY,
    "voice-request": b"",
}

ANSWERED = frozenset(_TIMEOUTS)
"""The types that want an answer."""
IN_SOUND = "voice-request"
"""The type whose answer is sound. That to the others is JSON."""


@dataclass(frozen=True)
class Answerer:
    """The handler of messages that want an answer.

    Attributes:
        handler: The function.
        timeout: Seconds after which the fallback is answered.
        fallback: What is answered when the handler gives no answer.
    """

    handler: Handler
    timeout: float
    fallback: Any


class Events:
    """Handlers by the type of the message. Give it to `router(…, events=events)`."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[Handler]] = {}
        self._all: list[Handler] = []
        self._answerers: dict[str, Answerer] = {}

    @overload
    def on(
        self,
        type_: Literal["assistant-request"],
        /,
        *,
        timeout: float | None = None,
        fallback: AssistantAnswer | None = None,
    ) -> Callable[[_ForAssistantRequest], _ForAssistantRequest]: ...
    @overload
    def on(
        self,
        type_: Literal["transfer-destination-request"],
        /,
        *,
        timeout: float | None = None,
        fallback: TransferAnswer | None = None,
    ) -> Callable[[_ForTransferDestinationRequest], _ForTransferDestinationRequest]: ...
    @overload
    def on(
        self,
        type_: Literal["handoff-destination-request"],
        /,
        *,
        timeout: float | None = None,
        fallback: HandoffAnswer | None = None,
    ) -> Callable[[_ForHandoffDestinationRequest], _ForHandoffDestinationRequest]: ...
    @overload
    def on(
        self,
        type_: Literal["knowledge-base-request"],
        /,
        *,
        timeout: float | None = None,
        fallback: KnowledgeAnswer | None = None,
    ) -> Callable[[_ForKnowledgeBaseRequest], _ForKnowledgeBaseRequest]: ...
    @overload
    def on(
        self,
        type_: Literal["call.endpointing.request"],
        /,
        *,
        timeout: float | None = None,
        fallback: EndpointingAnswer | None = None,
    ) -> Callable[[_ForCallEndpointingRequest], _ForCallEndpointingRequest]: ...
    @overload
    def on(
        self,
        type_: Literal["campaign.predial"],
        /,
        *,
        timeout: float | None = None,
        fallback: PredialAnswer | None = None,
    ) -> Callable[[_ForCampaignPredial], _ForCampaignPredial]: ...
    @overload
    def on(
        self,
        type_: Literal["voice-request"],
        /,
        *,
        timeout: float | None = None,
        fallback: bytes | None = None,
    ) -> Callable[[_ForVoiceRequest], _ForVoiceRequest]: ...
    @overload
    def on(
        self, type_: Literal["status-update"], /
    ) -> Callable[[_OnStatusUpdate], _OnStatusUpdate]: ...
    @overload
    def on(
        self, type_: Literal["end-of-call-report"], /
    ) -> Callable[[_OnEndOfCallReport], _OnEndOfCallReport]: ...
    @overload
    def on(
        self, type_: Literal["conversation-update"], /
    ) -> Callable[[_OnConversationUpdate], _OnConversationUpdate]: ...
    @overload
    def on(
        self, type_: Literal["transcript", 'transcript[transcriptType="final"]'], /
    ) -> Callable[[_OnTranscript], _OnTranscript]: ...
    @overload
    def on(
        self, type_: Literal["speech-update"], /
    ) -> Callable[[_OnSpeechUpdate], _OnSpeechUpdate]: ...
    @overload
    def on(self, type_: Literal["hang"], /) -> Callable[[_OnHang], _OnHang]: ...
    @overload
    def on(
        self, type_: Literal["model-output"], /
    ) -> Callable[[_OnModelOutput], _OnModelOutput]: ...
    @overload
    def on(
        self, type_: Literal["user-interrupted"], /
    ) -> Callable[[_OnUserInterrupted], _OnUserInterrupted]: ...
    @overload
    def on(
        self, type_: Literal["transfer-update"], /
    ) -> Callable[[_OnTransferUpdate], _OnTransferUpdate]: ...
    @overload
    def on(
        self, type_: Literal["language-change-detected"], /
    ) -> Callable[[_OnLanguageChangeDetected], _OnLanguageChangeDetected]: ...
    @overload
    def on(
        self, type_: Literal["phone-call-control"], /
    ) -> Callable[[_OnPhoneCallControl], _OnPhoneCallControl]: ...
    @overload
    def on(self, type_: Literal["voice-input"], /) -> Callable[[_OnVoiceInput], _OnVoiceInput]: ...
    @overload
    def on(
        self, type_: Literal["assistant.started"], /
    ) -> Callable[[_OnAssistantStarted], _OnAssistantStarted]: ...
    @overload
    def on(
        self, type_: Literal["assistant.speechStarted"], /
    ) -> Callable[[_OnAssistantSpeechStarted], _OnAssistantSpeechStarted]: ...
    @overload
    def on(
        self, type_: Literal["chat.created", "chat.deleted"], /
    ) -> Callable[[_OnChatEvent], _OnChatEvent]: ...
    @overload
    def on(
        self, type_: Literal["session.created", "session.updated", "session.deleted"], /
    ) -> Callable[[_OnSessionEvent], _OnSessionEvent]: ...
    @overload
    def on(
        self, type_: Literal["call.deleted", "call.delete.failed"], /
    ) -> Callable[[_OnCallEvent], _OnCallEvent]: ...
    @overload
    def on(
        self, type_: Literal["call.artifact.upload"], /
    ) -> Callable[[_OnCallArtifactUpload], _OnCallArtifactUpload]: ...
    def on(self, type_: str, /, *, timeout: float | None = None, fallback: Any = None) -> Any:
        """Register a handler: `@events.on("end-of-call-report")`.

        It takes the message, in the class of its type, and is `async def` or `def`; a `def` runs
        in a thread. A type that wants an answer has one handler, and what that returns is the
        answer. The others can have any number; they run after the response, at the same time, and
        one that fails is logged.

        Args:
            type_: Such as `status-update`. One with a kind in brackets comes under its plain
                name too. Types that have no name here come to `on_any`.
            timeout: Seconds until the fallback is answered, for a type that wants an answer.
            fallback: What is answered when the handler fails, is late or returns no answer.

        Raises:
            DefinitionError: The type is misspelt, has its handler already, or the handler does
                not take one argument; or `timeout` or `fallback` cannot be used.
        """
        _check_type(type_)
        if type_ not in ANSWERED and not (timeout is None and fallback is None):
            raise DefinitionError(f"{type_} wants no answer, so no timeout and no fallback either")

        def register(handler: Handler) -> Handler:
            _check_handler(handler, type_)
            if type_ in ANSWERED:
                self._answer_with(handler, type_, timeout, fallback)
            else:
                self._listeners.setdefault(type_, []).append(handler)
            return handler

        return register

    def on_any(self, handler: _OnAny, /) -> _OnAny:
        """Register a handler of every message, tool calls and unknown types included.

        It runs after the response, and answers nothing.
        """
        _check_handler(handler, "any message")
        self._all.append(handler)
        return handler

    @property
    def types(self) -> list[str]:
        """The types that have a handler of their own."""
        return [*self._answerers, *self._listeners]

    @property
    def server_messages(self) -> list[str] | None:
        """What an assistant's `serverMessages` has to name, tool calls included.

        None when some handler takes every message: then Vapi's own choice is left as it is.
        """
        if self._all:
            return None
        return ["tool-calls", *(type_ for type_ in self.types if type_ in CHOOSABLE)]

    def answerer(self, type_: str) -> Answerer | None:
        """The handler that answers messages of that type."""
        return self._answerers.get(type_)

    def listeners(self, type_: str) -> Sequence[Handler]:
        """The handlers that are told of messages of that type."""
        own = self._listeners.get(type_, [])
        if "[" in type_:
            own = [*own, *self._listeners.get(plain(type_), [])]
        return [*own, *self._all] if self._all else own

    def _answer_with(
        self, handler: Handler, type_: str, timeout: float | None, fallback: Any
    ) -> None:
        if type_ in self._answerers:
            raise DefinitionError(
                f"{_name(handler)}: {type_} is answered by "
                f"{_name(self._answerers[type_].handler)} already; there can be one answer"
            )
        seconds = _TIMEOUTS[type_] if timeout is None else timeout
        value = _FALLBACKS[type_] if fallback is None else fallback
        if problems := [*_timeout_problems(seconds, type_), *_fallback_problems(value, type_)]:
            raise DefinitionError(f"{_name(handler)}: {problem}" for problem in problems)
        self._answerers[type_] = Answerer(handler, seconds, value)

    def __repr__(self) -> str:
        return f"Events({self.types})"


def _check_type(type_: str) -> None:
    if callable(type_):
        raise DefinitionError("write @events.on('…'), with the type of the messages")
    if type_ in CLASSES:
        return
    if type_ in ("tool-calls", "function-call"):
        raise DefinitionError(f"{type_} is answered by tools; put @tool on a function")
    close = closest(str(type_), CLASSES)
    hint = f"; did you mean {close!r}? One" if close else "; one"
    raise DefinitionError(
        f"there is no message {type_!r} here{hint} that is new at Vapi comes to on_any"
    )


def _check_handler(handler: Handler, type_: str) -> None:
    if not callable(handler):
        raise DefinitionError(f"the handler of {type_} cannot be called; put @events.on on it")
    try:
        signature = inspect.signature(handler)
    # Some that are written in C do not tell.
    except ValueError:
        return
    try:
        signature.bind(None)
    except TypeError:
        raise DefinitionError(
            f"{_name(handler)}: a handler takes one argument, the message"
        ) from None


def _timeout_problems(seconds: object, type_: str) -> Iterable[str]:
    limit = _LIMITS.get(type_, _MAX_SECONDS)
    if not (isinstance(seconds, (int, float)) and 0 < seconds < limit):
        yield f"timeout={seconds!r} must be a number of seconds above 0 and below {limit:g}"


def _fallback_problems(fallback: Any, type_: str) -> Iterable[str]:
    # Most bots answer no message, and need not load them. With a handler here, no caller waits.
    from . import answers
    from .assistants import Assistant

    if type_ == IN_SOUND:
        # It is given again and again: an iterator would have ended after the first time.
        if not isinstance(fallback, bytes):
            yield f"fallback: got {type(fallback).__name__}; give bytes"
    elif fallback is not None:
        try:
            answers.to_json(type_, fallback, Assistant.definition)
        except ResultError as error:
            yield f"fallback: {error}"


def _name(handler: Handler) -> str:
    return getattr(handler, "__qualname__", None) or type(handler).__qualname__
