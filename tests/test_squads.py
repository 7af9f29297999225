from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies

from tests import openapi
from vapitools import (
    Assistant,
    AssistantDestination,
    DefinitionError,
    Member,
    NumberDestination,
    SavedAssistant,
    Squad,
    Toolset,
    tool,
)

URL = "https://bot.example.com"
ID, OTHER_ID = "7a4c0e9e-2c1f-4f5b-9d57-0b1c8a7d1e11", "00000037-0000-4000-8000-000000000037"


@tool
def book(day: str) -> None:
    """Book a table."""


LUIGI = Assistant(name="Luigi", model="gpt-4o", system_prompt="Take bookings.")
BILLING = Assistant(name="Billing", model="gpt-4o", system_prompt="Explain bills.", tools=[])
TO_BILLING = {"type": "assistant", "assistantName": "Billing"}

SQUAD = Squad(
    "Restaurant",
    [
        Member(LUIGI, destinations=["Billing"]),
        Member(
            BILLING,
            destinations=[AssistantDestination("Luigi", message="Back to Luigi.")],
            overrides={"firstMessage": "Bills, hello!"},
        ),
    ],
    overrides={"variableValues": {"city": "Rome"}},
)


def test_a_squad_is_written_as_vapi_takes_it() -> None:
    definition = SQUAD.definition()

    assert definition == {
        "name": "Restaurant",
        "members": [
            {"assistant": LUIGI.definition(), "assistantDestinations": [TO_BILLING]},
            {
                "assistant": BILLING.definition(),
                "assistantOverrides": {"firstMessage": "Bills, hello!"},
                "assistantDestinations": [
                    {
                        "type": "assistant",
                        "assistantName": "Luigi",
                        "message": "Back to Luigi.",
                    }
                ],
            },
        ],
        "membersOverrides": {"variableValues": {"city": "Rome"}},
    }
    openapi.check("CreateSquadDTO", definition)


def test_every_field_of_the_api_can_be_given() -> None:
    definition = SQUAD.definition()
    described = openapi.schemas()

    assert definition.keys() == described["CreateSquadDTO"]["properties"].keys()
    members = definition["members"] + SQUAD.definition(assistant_ids=IDS)["members"]
    written = {key for member in members for key in member}
    # A version is pinned in the dashboard.
    assert written | {"assistantVersion"} == described["SquadMemberDTO"]["properties"].keys()


IDS = {"Luigi": ID, "Billing": OTHER_ID}


def test_members_can_be_named_by_id() -> None:
    definition = SQUAD.definition(assistant_ids=IDS)

    assert definition["members"][0] == {"assistantId": ID, "assistantDestinations": [TO_BILLING]}
    assert definition["members"][1]["assistantId"] == OTHER_ID
    assert not any("assistant" in member for member in definition["members"])
    openapi.check("CreateSquadDTO", definition)


def test_a_member_without_an_id_is_not_put_inline_in_silence() -> None:
    with pytest.raises(DefinitionError, match="'Billing' has no id among assistant_ids"):
        SQUAD.definition(assistant_ids={"Luigi": ID})


def test_each_assistant_gets_the_address_the_secret_and_the_tools_of_the_server() -> None:
    luigi, billing = (
        member["assistant"]
        for member in SQUAD.definition(
            base_url=URL,
            server={"credentialId": ID},
            server_messages=["hang"],
            tools=Toolset([book]),
        )["members"]
    )

    assert luigi == LUIGI.definition(
        base_url=URL,
        server={"credentialId": ID},
        server_messages=["hang"],
        tools=Toolset([book]),
    )
    assert "tools" not in billing["model"]
    assert billing["server"] == {"url": f"{URL}/webhook", "credentialId": ID}


def test_a_stored_assistant_is_a_member_by_its_id() -> None:
    saved = SavedAssistant(ID, variables={"city": "Rome"}, overrides={"firstMessage": "Hi."})

    squad = Squad("S", [LUIGI, Member(saved, overrides={"firstMessage": "Hello."})])

    definition = squad.definition()
    assert definition["members"][1] == {
        "assistantId": ID,
        "assistantOverrides": {
            "firstMessage": "Hello.",
            "variableValues": {"city": "Rome"},
        },
    }
    openapi.check("CreateSquadDTO", definition)
    assert squad.assistants == [LUIGI]
    assert [type(member) for member in squad.members] == [Member, Member]


def test_what_a_stored_assistant_is_called_is_known_to_vapi_alone() -> None:
    squad = Squad("S", [Member(LUIGI, destinations=["Somebody"]), SavedAssistant(ID)])

    (member, _) = squad.definition()["members"]

    assert member["assistantDestinations"] == [{"type": "assistant", "assistantName": "Somebody"}]


def test_a_destination_can_be_an_id_or_the_apis_own_object() -> None:
    plan = {"type": "assistant", "assistantName": "Billing", "transferMode": "delete-history"}

    squad = Squad("S", [Member(LUIGI, destinations=[OTHER_ID, plan]), BILLING])

    definition = squad.definition()
    by_id = {"type": "assistant", "assistantId": OTHER_ID}
    assert definition["members"][0]["assistantDestinations"] == [by_id, plan]
    openapi.check("CreateSquadDTO", definition)


def test_a_squad_knows_its_names_and_its_assistants() -> None:
    squad = Squad("Restaurant", [LUIGI, BILLING], renamed_from="Trattoria")

    assert squad.name == "Restaurant"
    assert squad.renamed_from == "Trattoria"
    assert squad.assistants == [LUIGI, BILLING]
    assert "Trattoria" not in str(squad.definition())
    assert repr(squad) == "<Squad 'Restaurant'>"
    assert SQUAD.renamed_from is None


def test_a_definition_is_a_fresh_copy() -> None:
    overrides: dict[str, Any] = {"variableValues": {"city": "Rome"}}
    own: dict[str, Any] = {"metadata": {"a": 1}}
    squad = Squad(
        "S",
        [Member(LUIGI, destinations=[{**TO_BILLING}], overrides=own), BILLING],
        overrides=overrides,
    )
    first = copy.deepcopy(squad.definition())

    overrides["variableValues"].clear()
    changed = squad.definition()
    changed["members"][0]["assistantDestinations"].clear()
    changed["members"][0]["assistantOverrides"]["metadata"].clear()
    changed["membersOverrides"].clear()

    assert squad.definition() == first


# --- what can be wrong --------------------------------------------------------------------


def problems(make: Callable[[], object]) -> list[str]:
    with pytest.raises(DefinitionError) as raised:
        make()
    return list(raised.value.problems)


def squad(*members: Any, **arguments: Any) -> Callable[[], Squad]:
    """Makes one of whatever is given."""
    return lambda: Squad("S", members, **arguments)


def from_luigi(destination: Any) -> Callable[[], Squad]:
    """Makes one in which Luigi hands over so."""
    return squad(Member(LUIGI, destinations=[destination]), BILLING)


ANYTHING: Any = 5
WRONG: list[tuple[Callable[[], object], str]] = [
    (squad(), "it needs a member at least"),
    (lambda: Squad("S", ANYTHING), "members must be a list, such as [luigi, Member(billing)]"),
    (lambda: Squad("S", anything("ab")), "members must be a list, such as"),
    (squad("Luigi"), "a member must be an Assistant or a SavedAssistant, not str"),
    (squad(Member(ANYTHING)), "a member must be an Assistant or a SavedAssistant, not int"),
    (squad(LUIGI, Assistant()), "each assistant needs a name, so that the others can hand over"),
    (squad(LUIGI, LUIGI), "there are 2 assistants named 'Luigi'; give one of them another"),
    (
        from_luigi("Biling"),
        "'Luigi' hands over to 'Biling', who is not in the squad; did you mean 'Billing'?",
    ),
    (from_luigi("Zzz"), "who is not in the squad; there are: Luigi, Billing"),
    (from_luigi(AssistantDestination("Zzz")), "'Luigi' hands over to 'Zzz'"),
    (from_luigi({"type": "assistant", "assistantName": "Zzz"}), "'Luigi' hands over to 'Zzz'"),
    (from_luigi("+15550100020"), "give the assistant tools=[TransferCall('+15550100020')]"),
    (from_luigi(NumberDestination("+15550100020")), "members hand a call to assistants"),
    (from_luigi({"type": "squad", "squadId": ID}), "members hand a call to assistants"),
    (from_luigi({"type": "x"}), "destination: its type must be one of"),
    (from_luigi(5), "destination: this int is none"),
    (squad(Member(LUIGI, destinations="Billing"), BILLING), "must be a list, such as ['Billing']"),
    (squad(LUIGI, overrides=ANYTHING), "overrides must be the API's own object"),
    (squad(Member(LUIGI, overrides=ANYTHING)), "overrides must be the API's own object"),
    (squad(LUIGI, renamed_from=5), "renamed_from must be text"),
]


def anything(value: Any) -> Any:
    """A value that the type checkers let pass."""
    return value


@pytest.mark.parametrize(("make", "told"), WRONG, ids=[told for _, told in WRONG])
def test_what_cannot_be_used_is_refused_with_what_to_write(
    make: Callable[[], object], told: str
) -> None:
    (problem,) = problems(make)

    assert problem.startswith("Squad 'S': ")
    assert told in problem


@pytest.mark.parametrize("name", ["", " ", None, 5])
def test_a_squad_needs_a_name(name: Any) -> None:
    assert problems(lambda: Squad(name, [LUIGI])) == [f"Squad {name!r}: name must be text"]


def test_all_problems_are_told_at_once() -> None:
    found = problems(
        lambda: Squad(
            "",
            [Member(LUIGI, destinations=["Biling", anything(5)]), anything("x"), Assistant()],
        )
    )

    assert len(found) == 5


def test_a_member_that_needs_a_model_is_named() -> None:
    nobody = Assistant(name="Nobody", system_prompt="Be kind.")

    with pytest.raises(DefinitionError, match="'Nobody': to create it, a model is needed"):
        Squad("S", [nobody]).definition()

    assert Squad("S", [nobody]).definition(assistant_ids={"Nobody": ID})["members"] == [
        {"assistantId": ID}
    ]


_NAMES = strategies.sampled_from(["Luigi", "Billing", "Anna", ID, "+15550100020", ""])
_WHERE = _NAMES | strategies.dictionaries(
    strategies.sampled_from(["type", "assistantName", "assistantId"]),
    strategies.sampled_from(["assistant", "Luigi", 5, None]),
)


@given(strategies.lists(strategies.tuples(_NAMES, strategies.lists(_WHERE, max_size=2))))
def test_whoever_is_handed_to_is_in_the_squad(members: Any) -> None:
    try:
        made = Squad("S", [Member(Assistant(name=n or None), destinations=d) for n, d in members])
    except DefinitionError:
        return

    names = {member["assistant"]["name"] for member in made.definition()["members"]}
    destinations = [
        destination
        for member in made.definition()["members"]
        for destination in member.get("assistantDestinations", ())
    ]
    assert {each.get("assistantName", made.assistants[0].name) for each in destinations} <= names
