from __future__ import annotations

from typing import Any

import pytest

from vapitools import (
    Condition,
    DefinitionError,
    RequestComplete,
    RequestDelayed,
    RequestFailed,
    RequestStart,
    spoken,
)
from vapitools.spoken import Spoken

MESSAGES: dict[str, tuple[Spoken | dict[str, Any], dict[str, Any]]] = {
    "start": (RequestStart("One moment."), {"type": "request-start", "content": "One moment."}),
    "blocking start": (
        RequestStart("One moment.", blocking=True),
        {"type": "request-start", "content": "One moment.", "blocking": True},
    ),
    "delayed": (
        RequestDelayed("Still looking.", after=4.5),
        {
            "type": "request-response-delayed",
            "content": "Still looking.",
            "timingMilliseconds": 4500,
        },
    ),
    "complete": (
        RequestComplete("Bye.", end_call=True),
        {"type": "request-complete", "content": "Bye.", "endCallAfterSpokenEnabled": True},
    ),
    "failed, as a hint": (
        RequestFailed("Offer help.", role="system"),
        {"type": "request-failed", "content": "Offer help.", "role": "system"},
    ),
    "in two languages": (
        RequestStart({"en": "One moment.", "de": "Moment."}),
        {
            "type": "request-start",
            "contents": [
                {"type": "text", "text": "One moment.", "language": "en"},
                {"type": "text", "text": "Moment.", "language": "de"},
            ],
        },
    ),
    "with conditions": (
        RequestStart("!", conditions=[Condition("size", "gt", 8), Condition("vip", "eq", True)]),
        {
            "type": "request-start",
            "content": "!",
            "conditions": [
                {"param": "size", "operator": "gt", "value": "8"},
                {"param": "vip", "operator": "eq", "value": "true"},
            ],
        },
    ),
    "short start": ({"type": "start", "content": "!"}, {"type": "request-start", "content": "!"}),
    "short success": (
        {"type": "success", "content": "!"},
        {"type": "request-complete", "content": "!"},
    ),
    "short error": ({"type": "error", "content": "!"}, {"type": "request-failed", "content": "!"}),
    "Vapi's own": (
        {"type": "request-start", "content": "!", "blocking": True},
        {"type": "request-start", "content": "!", "blocking": True},
    ),
}


@pytest.mark.parametrize(("message", "sent"), MESSAGES.values(), ids=MESSAGES)
def test_a_spoken_message_is_sent_as_the_api_takes_it(
    message: Spoken | dict[str, Any], sent: dict[str, Any]
) -> None:
    assert spoken.to_json(message) == sent


def test_a_misspelt_type_is_named_with_what_was_meant() -> None:
    with pytest.raises(DefinitionError, match="no message type 'request-strat'; did you mean"):
        spoken.to_json({"type": "request-strat", "content": "!"})


def test_content_over_vapis_limit_is_refused() -> None:
    with pytest.raises(DefinitionError, match="has 1001 characters; Vapi takes at most 1000"):
        RequestStart("x" * 1001)
    with pytest.raises(DefinitionError, match="1001"):
        RequestComplete({"en": "fine", "es": "x" * 1001})
    with pytest.raises(DefinitionError, match="1001"):
        spoken.to_json({"type": "start", "content": "x" * 1001})


@pytest.mark.parametrize("after", [0.05, 121, -1])
def test_a_delay_that_vapi_would_refuse_is_refused(after: float) -> None:
    with pytest.raises(DefinitionError, match="write seconds from"):
        RequestDelayed("Still looking.", after=after)


@pytest.mark.parametrize("message", ["One moment.", None, {"content": "no type"}], ids=repr)
def test_what_is_no_message_is_refused(message: Any) -> None:
    with pytest.raises(DefinitionError, match="messages: "):
        spoken.to_json(message)


def test_content_that_is_no_text_is_refused() -> None:
    with pytest.raises(DefinitionError, match="must be text, not int"):
        RequestStart({"en": 5})  # type: ignore[dict-item]
