"""What type checkers must see of assistants. Checked by mypy and pyright, never run."""

from __future__ import annotations

from typing import Any

from typing_extensions import assert_type

from vapitools import (
    ApiRequest,
    Assistant,
    AssistantDestination,
    AssistantRequest,
    EndCall,
    Events,
    Handoff,
    Mcp,
    Member,
    NumberDestination,
    Query,
    RequestStart,
    SavedAssistant,
    Squad,
    Toolset,
    TransferCall,
    Voicemail,
    tool,
)


@tool
def book(day: str) -> str:
    return day


luigi = Assistant(
    name="Luigi",
    system_prompt="You take bookings.",
    model="gpt-4o",
    tools=[book, EndCall(), {"type": "slack.message.send"}, Toolset([book])],
    max_duration_seconds=600,
    first_message_mode="assistant-waits-for-user",
    end_call_phrases=["Goodbye"],
    server={"timeoutSeconds": 30},
    renamed_from="Mario",
)
Assistant(tools=[book])
Assistant(tools=[EndCall()])
Assistant(tools=[{"type": "endCall"}])
Assistant(tools=Toolset([book]))
Assistant(max_duration_second=600)  # type: ignore[call-arg]
Assistant(max_duration_seconds="600")  # type: ignore[arg-type]
Assistant(first_message_mode="waits")  # type: ignore[arg-type]
Assistant(tools=["book"])  # type: ignore[list-item]

assert_type(luigi.tools, Toolset | None)
assert_type(luigi.inline_tools, list[dict[str, Any]])
assert_type(luigi.declared(tool_ids=["…"]), dict[str, Any])
assert_type(luigi.definition(), dict[str, Any])

assert_type(EndCall(messages=[RequestStart("Bye.")]).to_json(), dict[str, Any])
TransferCall("+15550100020", NumberDestination("+15550100020"), {"type": "number"})
TransferCall(5)  # type: ignore[arg-type]
Handoff("Billing", AssistantDestination(id="…"), default_result="Done.")
Voicemail(beep_detection=True)
Query("menu", "What there is to eat.", ["…"])
Mcp("https://example.com", protocol="sse")
Mcp("https://example.com", protocol="http")  # type: ignore[arg-type]
ApiRequest("https://example.com", "GET")
ApiRequest("https://example.com", "get")  # type: ignore[arg-type]

squad = Squad("Restaurant", [luigi, Member(luigi, destinations=["Billing"]), SavedAssistant("…")])
Squad("Restaurant", ["Luigi"])  # type: ignore[list-item]
assert_type(squad.assistants, list[Assistant])
assert_type(squad.definition(), dict[str, Any])

events = Events()


@events.on("assistant-request")
def pick(request: AssistantRequest) -> Squad:
    return squad
