from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, strategies

from tests import openapi, wire
from tests.conftest import SHARED, shared
from vapitools import (
    AssistantStarted,
    CallContext,
    CallEndpointingRequest,
    ConversationUpdate,
    EndOfCallReport,
    KnowledgeBaseRequest,
    ServerMessage,
    StatusUpdate,
    Transcript,
    VoiceRequest,
    _shapes,
    messages,
    server_messages,
)
from vapitools.server_messages import CHOOSABLE, CLASSES

Body = dict[str, Any]

TOOLS = {_shapes.TOOL_CALLS, _shapes.FUNCTION_CALL}
FINAL = 'transcript[transcriptType="final"]'

# One of each, filled as far as its view reads it.
_WORDS = [{"role": "user", "message": "Where is my parcel?"}]
_OPENAI_WORDS = [{"role": "user", "content": "Where is my parcel?"}]
_CONVERSATION = {"messages": _WORDS, "messagesOpenAIFormatted": _OPENAI_WORDS}
_DESTINATION = {"type": "number", "number": "+15550100020"}
_TIMES = {"startedAt": "2026-01-05T10:00:00.000Z", "endedAt": "2026-01-05T10:02:30.000Z"}
BODIES: dict[str, Body] = {
    "assistant-request": {},
    "assistant.speechStarted": {
        "text": "Hello!",
        "turn": 0,
        "source": "model",
        "timing": {"type": "word-progress"},
    },
    "assistant.started": {"newAssistant": {"name": "Luigi"}},
    "call.artifact.upload": {"artifacts": [{"type": "log", "success": True}]},
    "call.delete.failed": {},
    "call.deleted": {},
    "call.endpointing.request": _CONVERSATION,
    "campaign.predial": {"campaignId": "camp-1", "contact": {"number": "+15550100010"}},
    "chat.created": {"chat": {"id": "chat-1"}},
    "chat.deleted": {"chat": {"id": "chat-1"}},
    "conversation-update": _CONVERSATION,
    "end-of-call-report": {
        **_TIMES,
        "endedReason": "customer-ended-call",
        "cost": 0.15,
        "costs": [{"type": "model", "cost": 0.1}],
        "destination": _DESTINATION,
        "analysis": {
            "summary": "A parcel is lost.",
            "structuredData": {"parcel": "P-7"},
            "successEvaluation": "true",
        },
        "artifact": {
            "transcript": "User: Where is my parcel?",
            "messages": _WORDS,
            "recordingUrl": "https://example.com/mono.wav",
            "stereoRecordingUrl": "https://example.com/stereo.wav",
            "structuredOutputs": {"o-1": {"name": "parcel", "result": "P-7"}},
        },
    },
    "handoff-destination-request": {"parameters": {"team": "parcels"}},
    "hang": {},
    "knowledge-base-request": _CONVERSATION,
    "language-change-detected": {"language": "es"},
    "model-output": {"output": "Hel", "turnId": "t-1"},
    "phone-call-control": {"request": "forward", "destination": _DESTINATION},
    "session.created": {"session": {"id": "s-1"}},
    "session.deleted": {"session": {"id": "s-1"}},
    "session.updated": {"session": {"id": "s-1"}},
    "speech-update": {"status": "started", "role": "user", "turn": 1},
    "status-update": {
        **_CONVERSATION,
        "status": "forwarding",
        "endedReason": "assistant-forwarded-call",
        "destination": _DESTINATION,
        "transcript": "User: Where is my parcel?",
        "summary": "A parcel is lost.",
    },
    "transcript": {
        "role": "user",
        "transcriptType": "partial",
        "transcript": "Where is",
        "originalTranscript": "Where is",
        "isFiltered": True,
        "detectedThreats": ["injection"],
        "assistantId": "a-1",
        "assistantName": "Luigi",
    },
    FINAL: {"role": "user", "transcript": "Where is my parcel?"},
    "transfer-destination-request": {},
    "transfer-update": {
        "destination": _DESTINATION,
        "toAssistant": {"name": "Luigi"},
        "fromAssistant": {"name": "Mario"},
    },
    "user-interrupted": {"turnId": "t-1"},
    "voice-input": {"input": "Hello!"},
    "voice-request": {"text": "Hello!", "sampleRate": 16000},
}
SMALL = [{"message": {"type": type_, **body}} for type_, body in BODIES.items()]
# What they do not hold.
UNREAD = {FINAL: ["assistant_id", "assistant_name", "detected_threats", "original_transcript"]}
RECORDED = [json.loads(path.read_text("utf-8")) for path in sorted(SHARED.glob("payloads/*.json"))]
ALL_BODIES = [*SMALL, *wire.RECORDED.values(), *RECORDED]

# What each attribute of a view is, whatever came.
READS: dict[str, Any] = {
    **dict.fromkeys(
        """
        assistant_id assistant_name campaign_id ended_reason input language number
        original_transcript question recording_url request role source status stereo_recording_url
        success_evaluation summary text transcript turn_id type
        """.split(),
        str | None,
    ),
    **dict.fromkeys(["timestamp", "started_at", "ended_at"], datetime | None),
    **dict.fromkeys(["cost", "duration_seconds"], float | int | None),
    **dict.fromkeys(["is_filtered", "is_final", "is_stub"], bool),
    **dict.fromkeys(
        """
        assistant chat contact destination from_assistant parameters raw session structured_data
        structured_outputs timing to_assistant
        """.split(),
        Mapping,
    ),
    **dict.fromkeys(
        ["artifacts", "costs", "detected_threats", "messages", "openai_messages"], Sequence
    ),
    "turn": int | None,
    "sample_rate": int,
    "call": CallContext,
    "output": object,
}
CALL = {
    "id": str | None,
    "assistant_id": str | None,
    "variables": Mapping,
    "customer": object,
    "phone_number": object,
}


def read(body: Any) -> Any:
    message = messages.parse(json.dumps(body).encode())
    return server_messages.read(message, CallContext(message))


def recorded(name: str) -> Any:
    return read(json.loads(shared(f"payloads/{name}").read_text("utf-8")))


def public(value: object) -> list[str]:
    return [name for name in dir(value) if not name.startswith("_")]


def read_everything(view: ServerMessage) -> None:
    """Read every attribute, and see that it is what it is declared to be."""
    for name in public(view):
        value = getattr(view, name)
        assert isinstance(value, READS[name]), name
        if READS[name] in (int, int | None):
            assert not isinstance(value, bool), name
        if READS[name] is Sequence:
            item = str if name == "detected_threats" else Mapping
            assert all(isinstance(each, item) for each in value), name
    for name, kind in CALL.items():
        assert isinstance(getattr(view.call, name), kind), name


# --- every type has a view ----------------------------------------------------------------


def test_there_is_a_view_of_every_type_that_is_known() -> None:
    assert set(map(server_messages.plain, CLASSES)) | TOOLS == _shapes._KNOWN_TYPES
    assert set(BODIES) == set(CLASSES)


def described() -> Iterator[tuple[str, set[str]]]:
    """The type and the fields of each message, as Vapi describes it."""
    for reference in openapi.schemas()["ServerMessage"]["properties"]["message"]["anyOf"]:
        fields = openapi.named(reference)["properties"]
        for type_ in fields.get("type", {}).get("enum", ()):
            if type_ not in TOOLS:
                yield type_, set(fields)


def test_there_is_a_view_of_every_type_that_vapi_describes() -> None:
    assert {type_ for type_, _ in described()} <= set(CLASSES)


def test_what_can_be_chosen_is_what_the_api_lets_one_choose() -> None:
    field = openapi.schemas()["CreateAssistantDTO"]["properties"]["serverMessages"]

    # The old name of `language-change-detected`, which has no body of its own.
    assert set(field["items"]["enum"]) - {"language-changed"} == CHOOSABLE


# What a view leaves to `raw`; the first line of it is what `call` is made of, the last is
# read by a property.
LEFT = {
    *"artifact assistant assistantVersion call chat customer phoneNumber".split(),
    *"compliance fromStepRecord inboundPhoneCallDebuggingArtifacts toStepRecord".split(),
    *["output"],
}


def test_a_view_reads_every_field_that_vapi_describes_but_for_the_rare_ones() -> None:
    unread = {
        f"{type_}: {field}"
        for type_, fields in described()
        for field in fields - LEFT - {place.partition(".")[0] for place in places(CLASSES[type_])}
    }

    assert unread == set()


def places(class_: type[ServerMessage]) -> set[str]:
    """Where a view looks."""
    fields = (getattr(class_, name) for name in dir(class_))
    return {
        ".".join(place)
        for field in fields
        if isinstance(field, server_messages._Field)
        for place in field._places
    }


@pytest.mark.parametrize("type_", BODIES)
def test_a_message_is_read_into_the_class_of_its_type(type_: str) -> None:
    view = read({"message": {"type": type_, "timestamp": 1767607200000, **BODIES[type_]}})

    assert type(view) is CLASSES[type_]
    assert view.type == type_
    assert view.timestamp == datetime(2026, 1, 5, 10, tzinfo=timezone.utc)
    unread = [name for name in public(view) if getattr(view, name) in (None, (), {})]
    assert unread == UNREAD.get(type_, [])


@pytest.mark.parametrize(
    "type_", ["tool-calls", "function-call", "unknown-type", "assistant.yawned", "hangs"]
)
def test_a_type_without_a_view_is_a_server_message(type_: str) -> None:
    view = read({"message": {"type": type_, "call": {"id": "c-1"}}})

    assert type(view) is ServerMessage
    assert view.type == type_
    assert view.call.id == "c-1"


@pytest.mark.parametrize("type_", ["hang[loud]", "transcript[]", "transcript[a][b]"])
def test_a_type_with_something_in_brackets_is_read_as_the_plain_one(type_: str) -> None:
    assert type(read({"message": {"type": type_}})) is CLASSES[type_.partition("[")[0]]


# --- whatever comes, it reads -------------------------------------------------------------


@pytest.mark.parametrize("path", sorted((SHARED / "payloads").glob("*.json")), ids=lambda p: p.stem)
def test_every_attribute_of_a_recorded_message_reads(path: Path) -> None:
    read_everything(read(json.loads(path.read_text("utf-8"))))


_REMOVED = object()
_SCALARS = (
    strategies.none()
    | strategies.booleans()
    | strategies.floats()
    | strategies.integers()
    | strategies.sampled_from(
        [
            10**400,
            -(10**999),
            1767607200000,
            0.5,
            "",
            "user",
            "2026-01-05",
            "0001-01-01T00:00+23:59",
        ]
    )
    | strategies.text(max_size=9)
)
_VALUES = strategies.just(_REMOVED) | strategies.recursive(
    _SCALARS,
    lambda inner: (
        strategies.lists(inner, max_size=3)
        | strategies.dictionaries(
            strategies.sampled_from(["role", "content", "message", "total", "mono"]), inner
        )
    ),
    max_leaves=5,
)
# Where any view looks, and above.
PLACES = sorted(
    {
        place.rsplit(".", depth)[0]
        for class_ in CLASSES.values()
        for place in places(class_)
        for depth in range(4)
    }
)


def changed(message: Body, place: Sequence[str], value: Any) -> None:
    """Put another value in a place, or remove what is there."""
    for key in place[:-1]:
        inner = message.get(key)
        if not isinstance(inner, dict):
            inner = message[key] = {}
        message = inner
    message[place[-1]] = value
    if value is _REMOVED:
        del message[place[-1]]


@given(
    body=strategies.sampled_from(ALL_BODIES),
    changes=strategies.lists(strategies.tuples(strategies.sampled_from(PLACES), _VALUES)),
)
@example(SMALL[0], [("timestamp", 10**400), ("cost", 10**400), ("sampleRate", -1)])
@example(SMALL[0], [("sampleRate", True), ("turn", 0.5), ("contact.number", False)])
@example(SMALL[0], [("messages", [None, 1, {"role": "user"}]), ("detectedThreats", [None])])
def test_every_attribute_of_every_view_reads_whatever_a_message_holds(
    body: Any, changes: list[tuple[str, Any]]
) -> None:
    message = copy.deepcopy(body.get("message", body))
    for place, value in changes:
        changed(message, place.split("."), value)

    parsed = messages.parse(json.dumps({"message": message}).encode())

    views: list[type[ServerMessage]] = [ServerMessage, *CLASSES.values()]
    for class_ in views:
        read_everything(class_(parsed.raw, CallContext(parsed)))


@given(data=strategies.data(), body=strategies.sampled_from(ALL_BODIES), value=_VALUES)
def test_every_attribute_reads_when_any_field_is_another_one(
    data: strategies.DataObject, body: Any, value: Any
) -> None:
    body = copy.deepcopy(body)
    holder, key = data.draw(somewhere(body))
    holder[key] = value
    if value is _REMOVED:
        del holder[key]

    parsed = messages.parse(json.dumps(body).encode())

    read_everything(server_messages.read(parsed, CallContext(parsed)))


@strategies.composite
def somewhere(draw: strategies.DrawFn, body: Any) -> tuple[Any, Any]:
    """A dictionary or a list in the body, and what leads to one of its items."""
    while True:
        holder, key = body, draw(strategies.sampled_from(keys(body)))
        body = body[key]
        if not keys(body) or draw(strategies.integers(0, 3)) == 0:
            return holder, key


def keys(value: Any) -> list[Any]:
    if isinstance(value, list):
        return list(range(len(value)))
    return list(value) if isinstance(value, dict) else []


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (1767607200000, datetime(2026, 1, 5, 10, tzinfo=timezone.utc)),
        (1767607200, datetime(2026, 1, 5, 10, tzinfo=timezone.utc)),
        (1767607200500.0, datetime(2026, 1, 5, 10, 0, 0, 500_000, tzinfo=timezone.utc)),
        ("2026-01-05T10:00:00.000Z", datetime(2026, 1, 5, 10, tzinfo=timezone.utc)),
        ("2026-01-05T12:00:00+02:00", datetime(2026, 1, 5, 10, tzinfo=timezone.utc)),
        ("2026-01-05T10:00:00", datetime(2026, 1, 5, 10, tzinfo=timezone.utc)),
        ("yesterday", None),
        ("", None),
        (True, None),
        (math.inf, None),
        (10**400, None),
        (1e300, None),
        ({}, None),
    ],
)
def test_a_moment_is_a_number_or_a_text_and_always_has_a_time_zone(
    value: Any, moment: datetime | None
) -> None:
    found = ServerMessage({"type": "hang", "timestamp": value}).timestamp

    assert found == moment
    assert found is None or found.tzinfo is not None


# --- the report of a call -----------------------------------------------------------------

# Read by hand from the files: how the transcript, the summary, the recording and the stereo
# recording begin or end; the messages; the ended reason; the evaluation; the cost; the seconds.
REPORTS = {
    "06_end-of-call-report_captured_2024_vapi4k.json": (
        "AI: Hi there. I'm assistant 1.",
        "The user inquired about the weather in two",
        "00000023-0000-4000-8000-000000000023-mono.wav",
        "00000025-0000-4000-8000-000000000025-stereo.wav",
        (17, "customer-ended-call", "true", None, None),
    ),
    "10_end-of-call-report_captured_2025-06_full.json": (
        "AI: Hello?\nUser: Okay.\n",
        "The AI called to follow up on a user's internet issue.",
        "00000031-0000-4000-8000-000000000031-mono.wav",
        "00000032-0000-4000-8000-000000000032-stereo.wav",
        (6, "customer-ended-call", "true", 0.0394, 25.276),
    ),
    "12_end-of-call-report_captured_2024-06_empty-artifact.json": (
        "AI: Hello. I'm Ava.",
        "The user greeted the AI, Ava,",
        "00000039-0000-4000-8000-000000000039-mono.wav",
        "00000040-0000-4000-8000-000000000040-stereo.wav",
        (4, "customer-ended-call", "false", None, None),
    ),
    "15_end-of-call-report_captured_2024-03_nulls.json": (
        "AI: Bienvenue aux assurances",
        "In the conversation, the User explains",
        "1710844344292-00000047-0000-4000-8000-000000000047.wav",
        "1710844344297-00000048-0000-4000-8000-000000000048.wav",
        (4, "customer-ended-call", None, None, None),
    ),
    "69_end-of-call-report_docs.json": (
        "Full conversation transcript...",
        "AI-generated summary of the call",
        None,
        None,
        (2, "customer-ended-call", None, 0.15, 180),
    ),
}


@pytest.mark.parametrize("name", REPORTS)
def test_a_recorded_report_gives_what_it_holds_wherever_it_holds_it(name: str) -> None:
    transcript, summary, recording, stereo, rest = REPORTS[name]

    report = recorded(name)

    assert report.transcript.startswith(transcript)
    assert report.summary.startswith(summary)
    assert (report.recording_url or "").endswith(recording or "")
    assert (report.recording_url is None) == (recording is None)
    assert (report.stereo_recording_url or "").endswith(stereo or "")
    assert (report.stereo_recording_url is None) == (stereo is None)
    read = (
        len(report.messages),
        report.ended_reason,
        report.success_evaluation,
        report.cost,
        report.duration_seconds,
    )
    assert read == rest
    assert not report.is_stub
    assert report.structured_data == {}


def test_a_recorded_report_tells_when_the_call_began_and_ended() -> None:
    report = recorded("10_end-of-call-report_captured_2025-06_full.json")

    assert report.started_at == datetime(2025, 6, 10, 9, 7, 0, 649_000, tzinfo=timezone.utc)
    assert report.ended_at == datetime(2025, 6, 10, 9, 7, 25, 925_000, tzinfo=timezone.utc)
    assert len(report.costs) == 7


PARTS: dict[str, tuple[Any, list[str]]] = {
    "ended_reason": ("silence-timed-out", ["endedReason"]),
    "transcript": ("User: Hello?", ["artifact.transcript", "transcript"]),
    "messages": ([{"role": "user"}], ["artifact.messages", "messages"]),
    "summary": ("A parcel is lost.", ["analysis.summary", "summary"]),
    "structured_data": ({"parcel": "P-7"}, ["analysis.structuredData"]),
    "structured_outputs": ({"o-1": {"result": 1}}, ["artifact.structuredOutputs"]),
    "success_evaluation": ("7", ["analysis.successEvaluation"]),
    "recording_url": (
        "https://example.com/r.wav",
        [
            "artifact.recordingUrl",
            "artifact.recording.mono.combinedUrl",
            "recordingUrl",
            "artifact.presignedMonoUrl",
        ],
    ),
    "stereo_recording_url": (
        "https://example.com/s.wav",
        [
            "artifact.stereoRecordingUrl",
            "artifact.recording.stereoUrl",
            "stereoRecordingUrl",
            "artifact.presignedStereoUrl",
        ],
    ),
    "costs": ([{"cost": 0.1}], ["costs"]),
    "cost": (0.15, ["cost", "costBreakdown.total"]),
    "destination": (_DESTINATION, ["destination"]),
}


@pytest.mark.parametrize("prefix", ["", "call."])
@pytest.mark.parametrize(
    ("part", "place"), [(part, place) for part, (_, places) in PARTS.items() for place in places]
)
def test_a_part_of_a_report_is_found_in_each_of_its_places(
    part: str, place: str, prefix: str
) -> None:
    value = PARTS[part][0]
    raw: Body = {}
    changed(raw, f"{prefix}{place}".split("."), value)

    assert getattr(EndOfCallReport(raw), part) == value


@pytest.mark.parametrize(
    "empty", [None, "", [], {}, [None]], ids=["null", "text", "list", "object", "list of null"]
)
@pytest.mark.parametrize("part", ["transcript", "messages", "summary", "recording_url", "costs"])
def test_what_is_empty_in_one_place_is_looked_up_in_the_next(part: str, empty: Any) -> None:
    value, (*_, place) = PARTS[part]
    raw: Body = {}
    for other in PARTS[part][1]:
        changed(raw, other.split("."), empty)
    changed(raw, f"call.{place}".split("."), value)

    assert getattr(EndOfCallReport(raw), part) == value


@pytest.mark.parametrize(
    ("raw", "cost"),
    [
        ({"cost": 0}, 0),
        ({"cost": 0, "call": {"cost": 0.2}}, 0),
        ({"call": {"cost": 0}}, None),
        ({"call": {"cost": 0.2}}, 0.2),
        ({"cost": None, "costBreakdown": {"total": 0.3}}, 0.3),
        ({"cost": "0.3"}, None),
        ({"cost": True}, None),
    ],
)
def test_a_cost_of_nothing_counts_only_where_the_report_says_so(
    raw: Body, cost: float | None
) -> None:
    assert EndOfCallReport(raw).cost == cost


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        ({**_TIMES, "durationSeconds": 25.276}, 25.276),
        (_TIMES, 150),
        ({"startedAt": _TIMES["startedAt"], "endedAt": None}, None),
        ({"endedAt": _TIMES["endedAt"]}, None),
        ({"call": _TIMES}, 150),
    ],
)
def test_the_duration_is_worked_out_where_it_is_not_given(raw: Body, seconds: float | None) -> None:
    assert EndOfCallReport(raw).duration_seconds == seconds


@pytest.mark.parametrize(
    ("raw", "is_stub"),
    [
        ({}, True),
        ({"endedReason": "customer-did-not-answer", "cost": 0.01, **_TIMES}, True),
        ({"artifact": {"messages": [], "transcript": "", "recording": {}}}, True),
        ({"artifact": {"messages": [{"role": "system", "message": "Be kind."}]}}, True),
        ({"artifact": {"messages": [{"role": "bot", "message": "Hello?"}]}}, False),
        ({"transcript": "AI: Hello?"}, False),
        ({"summary": "Nobody spoke."}, False),
        ({"recordingUrl": "https://example.com/r.wav"}, False),
    ],
)
def test_a_report_with_nothing_of_a_conversation_in_it_is_a_stub(raw: Body, is_stub: bool) -> None:
    assert EndOfCallReport(raw).is_stub is is_stub


# --- the others ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "is_final"),
    [
        ({"type": "transcript", "transcriptType": "final"}, True),
        ({"type": "transcript", "transcriptType": "partial"}, False),
        ({"type": FINAL}, True),
        ({"type": FINAL, "transcriptType": "partial"}, False),
        ({"type": "transcript"}, False),
        ({}, False),
    ],
)
def test_a_transcript_is_final_when_its_type_or_its_kind_says_so(raw: Body, is_final: bool) -> None:
    assert Transcript(raw).is_final is is_final


@pytest.mark.parametrize(("sent", "text"), [(True, "true"), (False, "false"), (7, "7"), (0, "0")])
def test_an_evaluation_is_text_whatever_the_rubric_makes_it(sent: Any, text: str) -> None:
    report = EndOfCallReport({"analysis": {"successEvaluation": sent}})

    assert report.success_evaluation == text


@pytest.mark.parametrize(("sent", "is_filtered"), [(True, True), (False, False), ("true", False)])
def test_only_what_is_said_to_be_filtered_is(sent: Any, is_filtered: bool) -> None:
    assert Transcript({"isFiltered": sent}).is_filtered is is_filtered


@pytest.mark.parametrize("field", ["newAssistant", "assistant"])
def test_the_assistant_that_has_started_is_found_in_either_place(field: str) -> None:
    assert AssistantStarted({field: {"name": "Luigi"}}).assistant == {"name": "Luigi"}


def test_the_old_name_of_a_conversation_is_read() -> None:
    update = recorded("14_conversation-update_captured_2024-03.json")

    assert len(update.openai_messages) == 4
    assert update.openai_messages[0]["role"] == "assistant"


def test_a_status_update_has_the_conversation_of_its_artifact() -> None:
    update = recorded("11_status-update_captured_2024-06_ended.json")

    assert update.ended_reason == "silence-timed-out"
    assert update.messages[0]["message"].startswith("Hello. I'm Eva.")
    assert update.openai_messages[0]["role"] == "assistant"


@pytest.mark.parametrize(
    ("heard", "question"),
    [
        ([{"role": "user", "content": "One?"}, {"role": "user", "content": "Two?"}], "Two?"),
        ([{"role": "user", "content": "One?"}, {"role": "assistant", "content": "Yes."}], "One?"),
        ([{"role": "user", "message": "One?"}], "One?"),
        ([{"role": "system", "content": "Be kind."}], None),
        ([{"role": "user", "content": [{"type": "text"}]}], None),
        ([], None),
    ],
)
@pytest.mark.parametrize("field", ["messages", "messagesOpenAIFormatted"])
def test_the_question_is_what_the_user_has_said_last(
    field: str, heard: list[Body], question: str | None
) -> None:
    assert KnowledgeBaseRequest({field: heard}).question == question


@pytest.mark.parametrize(
    ("sent", "rate"), [(16000, 16000), (8000.0, 8000), (0, 24000), (-1, 24000), ("8000", 24000)]
)
def test_a_sample_rate_that_cannot_be_is_the_usual_one(sent: Any, rate: int) -> None:
    assert VoiceRequest({"sampleRate": sent}).sample_rate == rate


@pytest.mark.parametrize(
    "class_", [StatusUpdate, ConversationUpdate, CallEndpointingRequest, KnowledgeBaseRequest]
)
def test_messages_that_are_no_messages_are_left_out(class_: Any) -> None:
    raw = {"messages": [None, "Hello", {"role": "user"}, 5]}

    assert class_(raw).messages == [{"role": "user"}]


def test_a_view_can_be_made_from_a_dictionary() -> None:
    report = EndOfCallReport({"summary": "A parcel is lost.", "call": {"id": "c-1"}})

    assert report.summary == "A parcel is lost."
    assert report.call.id == "c-1"
    assert report.raw["summary"] == "A parcel is lost."


@pytest.mark.parametrize("type_", BODIES)
def test_the_representation_of_a_view_shows_no_words(type_: str) -> None:
    body = {"type": type_, **BODIES[type_], "call": {"id": "c-1", "name": "parcel"}}

    assert repr(read({"message": body})) == f"{CLASSES[type_].__name__}(call 'c-1')"
