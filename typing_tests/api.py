"""What type checkers must see. Checked by mypy and pyright, never run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, TypeVar

from typing_extensions import assert_type

from vapitools import (
    Assistant,
    AssistantDestination,
    AssistantRequest,
    AssistantSpeechStarted,
    AssistantStarted,
    CallArtifactUpload,
    CallContext,
    CallEndpointingRequest,
    CallEvent,
    CampaignPredial,
    ChatEvent,
    ConversationUpdate,
    Document,
    EndOfCallReport,
    Events,
    HandoffDestinationRequest,
    Hang,
    KnowledgeBaseRequest,
    LanguageChangeDetected,
    ModelOutput,
    NumberDestination,
    PhoneCallControl,
    RequestDelayed,
    RequestStart,
    SavedAssistant,
    SavedSquad,
    ServerMessage,
    SessionEvent,
    SharedSecret,
    SipDestination,
    SpeechUpdate,
    Static,
    StatusUpdate,
    Tool,
    Toolset,
    Transcript,
    TransferDestinationRequest,
    TransferUpdate,
    UserInterrupted,
    VoiceInput,
    VoiceRequest,
    router,
    tool,
)


@tool
def plain(day: date, party_size: int = 2) -> list[str]:
    return [str(day)] * party_size


@tool(name="find", messages=[RequestStart("…"), {"type": "success", "content": "…"}], timeout=5)
async def with_options(day: date, *, call: CallContext) -> str:
    return f"{day} {call.id}"


@tool(wait=False, strict=True, messages=[RequestDelayed("…", after=3)])
def static(caller: Annotated[str, Static("{{customer.number}}")]) -> None: ...


assert_type(plain(date.today()), list[str])
assert_type(plain(date.today(), party_size=3), list[str])
assert_type(plain.name, str)
assert_type(plain.description, str)
assert_type(plain.parameters, dict[str, Any])
assert_type(plain.definition(base_url="https://bot.example.com"), dict[str, Any])

plain("2026-12-24")  # type: ignore[arg-type]
plain(date.today(), size=3)  # type: ignore[call-arg]


class Clinic:
    @tool
    def book(self, day: date) -> str:
        return str(day)

    @tool(name="cancel")
    async def cancel(self, day: date, /) -> bool:
        return bool(day)

    @tool
    @staticmethod
    def hours(day: date) -> str:
        return str(day)

    @tool
    @classmethod
    def doctors(cls, speciality: str = "any") -> list[str]:
        return [speciality]


clinic = Clinic()
assert_type(clinic.book(date.today()), str)
# Taken from the class: no checker can tell from a decorated object that it is static.
assert_type(Clinic.hours(date.today()), str)


def lookup(number: str, region: str) -> str:
    return number + region


assert_type(tool(lookup, name="look_up")("1", "EU"), str)

tools = Toolset([plain, with_options, clinic.book, clinic.cancel, Clinic.hours, Clinic.doctors])
router(tools, auth=SharedSecret("…"))
router([plain, clinic.book], auth=None)


async def run() -> None:
    assert_type(await with_options(date.today(), call=CallContext()), str)
    assert_type(await clinic.cancel(date.today()), bool)
    await plain.run({"day": "2026-12-24"}, CallContext())
    await plain.run('{"day": "2026-12-24"}')


def takes_any_tool(given: Tool[..., Any]) -> str:
    return given.name


takes_any_tool(plain)
takes_any_tool(clinic.book)


# --- events -------------------------------------------------------------------------------

# What is ignored below must be an error for both checkers.
# pyright: reportUnnecessaryTypeIgnoreComment=true

M = TypeVar("M", bound=ServerMessage)
R = TypeVar("R")
events = Events()


def takes(message: type[M]) -> Callable[[M], M]:
    return lambda given: given


def gives(message: type[M], answer: R) -> Callable[[M], R]:
    return lambda _: answer


takes_hang = takes(Hang)
takes_transcript = takes(Transcript)

assert_type(events.on("status-update")(takes(StatusUpdate)), Callable[[StatusUpdate], StatusUpdate])
assert_type(
    events.on("end-of-call-report")(takes(EndOfCallReport)),
    Callable[[EndOfCallReport], EndOfCallReport],
)
assert_type(
    events.on("conversation-update")(takes(ConversationUpdate)),
    Callable[[ConversationUpdate], ConversationUpdate],
)
assert_type(events.on("transcript")(takes(Transcript)), Callable[[Transcript], Transcript])
assert_type(
    events.on('transcript[transcriptType="final"]')(takes(Transcript)),
    Callable[[Transcript], Transcript],
)
assert_type(events.on("speech-update")(takes(SpeechUpdate)), Callable[[SpeechUpdate], SpeechUpdate])
assert_type(events.on("hang")(takes(Hang)), Callable[[Hang], Hang])
assert_type(events.on("model-output")(takes(ModelOutput)), Callable[[ModelOutput], ModelOutput])
assert_type(
    events.on("user-interrupted")(takes(UserInterrupted)),
    Callable[[UserInterrupted], UserInterrupted],
)
assert_type(
    events.on("transfer-update")(takes(TransferUpdate)), Callable[[TransferUpdate], TransferUpdate]
)
assert_type(
    events.on("language-change-detected")(takes(LanguageChangeDetected)),
    Callable[[LanguageChangeDetected], LanguageChangeDetected],
)
assert_type(
    events.on("phone-call-control")(takes(PhoneCallControl)),
    Callable[[PhoneCallControl], PhoneCallControl],
)
assert_type(events.on("voice-input")(takes(VoiceInput)), Callable[[VoiceInput], VoiceInput])
assert_type(
    events.on("assistant.started")(takes(AssistantStarted)),
    Callable[[AssistantStarted], AssistantStarted],
)
assert_type(
    events.on("assistant.speechStarted")(takes(AssistantSpeechStarted)),
    Callable[[AssistantSpeechStarted], AssistantSpeechStarted],
)
assert_type(events.on("chat.created")(takes(ChatEvent)), Callable[[ChatEvent], ChatEvent])
assert_type(events.on("chat.deleted")(takes(ChatEvent)), Callable[[ChatEvent], ChatEvent])
assert_type(
    events.on("session.created")(takes(SessionEvent)), Callable[[SessionEvent], SessionEvent]
)
assert_type(
    events.on("session.updated")(takes(SessionEvent)), Callable[[SessionEvent], SessionEvent]
)
assert_type(
    events.on("session.deleted")(takes(SessionEvent)), Callable[[SessionEvent], SessionEvent]
)
assert_type(events.on("call.deleted")(takes(CallEvent)), Callable[[CallEvent], CallEvent])
assert_type(events.on("call.delete.failed")(takes(CallEvent)), Callable[[CallEvent], CallEvent])
assert_type(
    events.on("call.artifact.upload")(takes(CallArtifactUpload)),
    Callable[[CallArtifactUpload], CallArtifactUpload],
)

events.on("status-update")(takes_hang)  # type: ignore[type-var]
events.on("end-of-call-report")(takes_hang)  # type: ignore[type-var]
events.on("conversation-update")(takes_hang)  # type: ignore[type-var]
events.on("transcript")(takes_hang)  # type: ignore[type-var]
events.on('transcript[transcriptType="final"]')(takes_hang)  # type: ignore[type-var]
events.on("speech-update")(takes_hang)  # type: ignore[type-var]
events.on("hang")(takes_transcript)  # type: ignore[type-var]
events.on("model-output")(takes_hang)  # type: ignore[type-var]
events.on("user-interrupted")(takes_hang)  # type: ignore[type-var]
events.on("transfer-update")(takes_hang)  # type: ignore[type-var]
events.on("language-change-detected")(takes_hang)  # type: ignore[type-var]
events.on("phone-call-control")(takes_hang)  # type: ignore[type-var]
events.on("voice-input")(takes_hang)  # type: ignore[type-var]
events.on("assistant.started")(takes_hang)  # type: ignore[type-var]
events.on("assistant.speechStarted")(takes_hang)  # type: ignore[type-var]
events.on("chat.created")(takes_hang)  # type: ignore[type-var]
events.on("chat.deleted")(takes_hang)  # type: ignore[type-var]
events.on("session.created")(takes_hang)  # type: ignore[type-var]
events.on("session.updated")(takes_hang)  # type: ignore[type-var]
events.on("session.deleted")(takes_hang)  # type: ignore[type-var]
events.on("call.deleted")(takes_hang)  # type: ignore[type-var]
events.on("call.delete.failed")(takes_hang)  # type: ignore[type-var]
events.on("call.artifact.upload")(takes_hang)  # type: ignore[type-var]
events.on("hangs")(takes_hang)  # type: ignore[call-overload]
events.on("hang", timeout=5)(takes_hang)  # type: ignore[call-overload]

events.on("assistant-request")(gives(AssistantRequest, Assistant()))
events.on("assistant-request")(gives(AssistantRequest, SavedAssistant("…")))
events.on("assistant-request")(gives(AssistantRequest, SavedSquad("…")))
events.on("assistant-request")(gives(AssistantRequest, NumberDestination("+15550100020")))
events.on("assistant-request")(gives(AssistantRequest, SipDestination("sip:a@example.com")))
events.on("assistant-request")(gives(AssistantRequest, "We are closed."))
events.on("assistant-request")(gives(AssistantRequest, {"error": "…"}))
events.on("transfer-destination-request")(
    gives(TransferDestinationRequest, NumberDestination("+15550100020"))
)
events.on("transfer-destination-request")(
    gives(TransferDestinationRequest, AssistantDestination("Billing"))
)
events.on("transfer-destination-request")(gives(TransferDestinationRequest, "Nobody is in."))
events.on("handoff-destination-request")(
    gives(HandoffDestinationRequest, AssistantDestination("Billing"))
)
events.on("handoff-destination-request")(gives(HandoffDestinationRequest, {"error": "…"}))
events.on("knowledge-base-request")(gives(KnowledgeBaseRequest, [Document("…", 1)]))
events.on("knowledge-base-request")(gives(KnowledgeBaseRequest, "We take it back."))
events.on("call.endpointing.request")(gives(CallEndpointingRequest, 0.5))
events.on("call.endpointing.request")(gives(CallEndpointingRequest, 1))
events.on("campaign.predial")(gives(CampaignPredial, True))
events.on("voice-request")(gives(VoiceRequest, b""))
events.on("voice-request")(gives(VoiceRequest, [b""]))

wrong_1 = gives(AssistantRequest, 5)
events.on("assistant-request")(wrong_1)  # type: ignore[type-var]
wrong_2 = gives(AssistantRequest, AssistantDestination("Billing"))
events.on("assistant-request")(wrong_2)  # type: ignore[type-var]
wrong_3 = gives(TransferDestinationRequest, Assistant())
events.on("transfer-destination-request")(wrong_3)  # type: ignore[type-var]
wrong_4 = gives(HandoffDestinationRequest, NumberDestination("+15550100020"))
events.on("handoff-destination-request")(wrong_4)  # type: ignore[type-var]
wrong_5 = gives(KnowledgeBaseRequest, 5)
events.on("knowledge-base-request")(wrong_5)  # type: ignore[type-var]
wrong_6 = gives(CallEndpointingRequest, "1")
events.on("call.endpointing.request")(wrong_6)  # type: ignore[type-var]
wrong_7 = gives(CampaignPredial, "yes")
events.on("campaign.predial")(wrong_7)  # type: ignore[type-var]
wrong_8 = gives(VoiceRequest, "…")
events.on("voice-request")(wrong_8)  # type: ignore[type-var]
wrong_9 = gives(VoiceRequest, None)
events.on("voice-request")(wrong_9)  # type: ignore[type-var]

events.on("assistant-request")(takes_hang)  # type: ignore[type-var]
events.on("transfer-destination-request")(takes_hang)  # type: ignore[type-var]
events.on("handoff-destination-request")(takes_hang)  # type: ignore[type-var]
events.on("knowledge-base-request")(takes_hang)  # type: ignore[type-var]
events.on("call.endpointing.request")(takes_hang)  # type: ignore[type-var]
events.on("campaign.predial")(takes_hang)  # type: ignore[type-var]
events.on("voice-request")(takes_hang)  # type: ignore[type-var]

events.on("assistant-request", timeout=5, fallback="We are closed.")
events.on("campaign.predial", fallback=False)
events.on("campaign.predial", fallback="no")  # type: ignore[call-overload]
events.on("voice-request", fallback="…")  # type: ignore[call-overload]


@events.on("end-of-call-report")
async def keep(report: EndOfCallReport, *, loud: bool = False) -> str:
    assert_type(report.call, CallContext)
    assert_type(report.started_at, datetime | None)
    assert_type(report.cost, float | None)
    assert_type(report.messages, Sequence[Mapping[str, Any]])
    return report.summary or ""


@events.on("assistant-request", timeout=5)
async def choose(request: AssistantRequest) -> Assistant | str:
    return Assistant(name="Luigi") if request.call.customer.number else "We are closed."


@events.on("voice-request")
async def speak(request: VoiceRequest) -> AsyncIterator[bytes]:
    assert_type(request.sample_rate, int)
    yield b""


@events.on("hang")
@events.on_any
def note(message: ServerMessage) -> str | None:
    return message.type


class Desk:
    def pick(self, request: TransferDestinationRequest, urgent: bool = False) -> str:
        return "+15550100020"


assert_type(
    events.on("transfer-destination-request")(Desk().pick)(TransferDestinationRequest({}), True),
    str,
)
assert_type(note(Hang({})), str | None)


async def call_handlers() -> None:
    assert_type(await keep(EndOfCallReport({}), loud=True), str)
    assert_type(await choose(request=AssistantRequest({})), Assistant | str)
    async for chunk in speak(VoiceRequest({})):
        assert_type(chunk, bytes)
    assert_type(note(message=Hang({})), str | None)
