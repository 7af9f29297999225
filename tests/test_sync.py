"""The twelve guarantees of `plan` and `apply`, each by its number, against Vapi's API on a port."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Generator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.organization import (
    SECRET,
    URL,
    Organization,
    book_table,
    cancel_booking,
    declared,
    find_tables,
    luigi,
    organization,
)
from vapitools import Assistant, DefinitionError, EndCall, Squad, Toolset, TransferCall, sync
from vapitools.errors import ApplyError, SettingsError
from vapitools.squads import Member

PLATFORMS: dict[str, dict[str, Any]] = {
    "as documented": {},
    "adds fields nobody knows": {
        "extra_defaults": {
            "tool": {"new": 1, "function": {"newer": 2}, "server": {"retries": {"of": "theirs"}}},
            "assistant": {"new": True, "voice": {"speed": 1.0}, "model": {"temperature": 0.5}},
            "squad": {"new": 1},
        }
    },
    "hides secrets": {"returns_secrets": False},
}


@pytest.fixture(params=[*PLATFORMS])
def vapi(request: pytest.FixtureRequest) -> Generator[Organization]:
    with organization(**PLATFORMS[request.param]) as served:
        yield served


@pytest.fixture
def org() -> Generator[Organization]:
    with organization() as served:
        yield served


def actions(plan: sync.Plan) -> dict[str, str]:
    return {f"{step.kind} {step.name}": step.action for step in plan.steps}


def change(plan: sync.Plan, name: str) -> dict[str, tuple[Any, Any]]:
    [step] = [step for step in plan.steps if step.name == name]
    return {each.path: (each.old, each.new) for each in step.changes}


# --- 1: run twice = no change, no write -----------------------------------------------------


def test_1_the_first_apply_makes_tools_and_the_assistant_that_has_them(vapi: Organization) -> None:
    vapi.apply(declared())

    assert vapi.attached() == ["find_tables", "book_table"]
    assert vapi.assistant("Luigi")["model"]["messages"][0]["content"] == "You take bookings."
    assert vapi.tool("find_tables")["server"]["url"] == f"{URL}/tools/find_tables"


def test_1_what_is_applied_twice_is_written_once(vapi: Organization) -> None:
    vapi.apply(declared())

    with vapi.nothing_written():
        plan = vapi.plan(declared())
        vapi.carry_out(plan)

    assert set(actions(plan).values()) == {"unchanged"}


def test_1_a_squad_too(vapi: Organization) -> None:
    mario = luigi([EndCall()], name="Mario")
    squad = Squad("Trattoria", [Member(luigi(), destinations=["Mario"]), mario])
    vapi.apply(declared(squads=[squad]))

    with vapi.nothing_written():
        plan = vapi.plan(declared(squads=[squad]))
        vapi.carry_out(plan)

    assert set(actions(plan).values()) == {"unchanged"}
    [stored] = vapi.vapi.squads.values()
    ids = [vapi.assistant(name)["id"] for name in ("Luigi", "Mario")]
    assert [member["assistantId"] for member in stored["members"]] == ids


def test_1_tools_of_a_bot_without_an_assistant_too(org: Organization) -> None:
    org.apply(declared(toolset=Toolset([book_table])))

    with org.nothing_written():
        org.apply(declared(toolset=Toolset([book_table])))

    assert org.tool("book_table")["server"]["secret"] == SECRET


def test_1_a_change_in_the_code_is_written_and_nothing_else(vapi: Organization) -> None:
    vapi.apply(declared())
    before = len(vapi.vapi.writes)

    vapi.apply(declared(luigi(first_message="Ciao!")))

    assert {each.path.split("/")[1] for each in vapi.vapi.writes[before:]} == {"assistant"}
    assert vapi.assistant("Luigi")["firstMessage"] == "Ciao!"


def test_1_what_is_no_longer_said_of_a_tool_is_taken_away(vapi: Organization) -> None:
    vapi.apply(declared())
    assert vapi.tool("find_tables")["messages"]
    silent = find_tables.renamed("find_tables")
    object.__setattr__(silent._spec, "messages", [])

    vapi.apply(declared(luigi([silent, book_table])))

    assert vapi.tool("find_tables")["messages"] == []


# --- 2: plan writes nothing -----------------------------------------------------------------


def test_2_a_plan_writes_nothing(vapi: Organization) -> None:
    with vapi.nothing_written():
        plan = vapi.plan(declared())

    assert actions(plan) == {
        "tool find_tables": "create",
        "tool book_table": "create",
        "assistant Luigi": "create",
    }
    assert len(plan.writes) == 3


def test_2_a_plan_tells_each_value_that_would_change(org: Organization) -> None:
    org.apply(declared())

    plan = org.plan(declared(luigi(first_message="Ciao!", voice="vapi/Paige")))

    assert change(plan, "Luigi") == {
        "firstMessage": ("Luigi's, hello!", "Ciao!"),
        "voice.voiceId": ("Elliot", "Paige"),
    }


# --- 3: a tool is ours by a mark on the tool itself -----------------------------------------


def hand_made(org: Organization, name: str = "book_table", **fields: Any) -> dict[str, Any]:
    function = {"name": name, "parameters": {"type": "object", "properties": {}}}
    return org.vapi.add("tool", {"type": "function", "function": function, **fields})


def test_3_a_tool_of_the_same_name_that_was_made_elsewhere_stops_apply(org: Organization) -> None:
    theirs = hand_made(org)

    plan = org.plan(declared())

    assert "--adopt" in plan.problems[0]
    assert theirs["id"] in plan.problems[0]
    with org.nothing_written(), pytest.raises(ApplyError, match="nothing was done"):
        org.carry_out(plan)
    assert org.tool("book_table") == theirs


def test_3_it_is_taken_over_when_the_user_says_so_and_keeps_its_id(vapi: Organization) -> None:
    theirs = hand_made(vapi, rejectionPlan={"conditions": []})

    plan = vapi.plan(declared(), adopt=True)
    vapi.carry_out(plan)

    assert actions(plan)["tool book_table"] == "adopt"
    assert vapi.tool("book_table")["id"] == theirs["id"]
    assert vapi.tool("book_table")["rejectionPlan"] == {"conditions": []}
    with vapi.nothing_written():
        vapi.apply(declared())


def test_3_a_tool_in_the_assistant_itself_makes_room_for_ours(vapi: Organization) -> None:
    theirs = dashboard_assistant(vapi)
    inline = [{"type": "function", "function": {"name": "book_table"}}, {"type": "dtmf"}]
    vapi.vapi.edit("assistant", theirs["id"], model={**theirs["model"], "tools": inline})

    refused = vapi.plan(declared())
    vapi.apply(declared(), adopt=True)

    assert any("book_table; --adopt lets yours" in problem for problem in refused.problems)
    assert vapi.assistant("Luigi")["model"]["tools"] == [{"type": "dtmf"}]
    assert vapi.attached() == ["weather", "find_tables", "book_table"]
    with vapi.nothing_written():
        vapi.apply(declared())


def test_3_two_candidates_are_an_error_not_a_guess(org: Organization) -> None:
    ids = [hand_made(org)["id"], hand_made(org)["id"]]

    plan = org.plan(declared(), adopt=True)

    assert all(id in plan.problems[0] for id in ids)
    assert "there are 2 tools 'book_table'" in plan.problems[0]


def test_3_the_one_that_the_assistant_has_is_no_guess(org: Organization) -> None:
    hand_made(org)
    attached = hand_made(org)
    org.vapi.add("assistant", {"name": "Luigi", "model": {"toolIds": [attached["id"]]}})

    plan = org.plan(declared(), adopt=True)

    assert plan.problems == ()
    [step] = [step for step in plan.steps if step.name == "book_table"]
    assert (step.action, step.id) == ("adopt", attached["id"])


def copied(org: Organization, kind: Any, resource: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A copy, as the dashboard makes one an hour later."""
    later = datetime.now(timezone.utc) + timedelta(hours=1)
    times = dict.fromkeys(["createdAt", "updatedAt"], later.isoformat())
    return org.vapi.add(kind, {**resource, "id": str(uuid.uuid4()), **times, **fields})


def test_3_a_copy_that_was_made_in_the_dashboard_is_left_alone(vapi: Organization) -> None:
    vapi.apply(declared())
    original = vapi.assistant("Luigi")
    tool = copied(vapi, "tool", vapi.tool("book_table"))
    copied(vapi, "assistant", original, name="Luigi, another voice")

    plan = vapi.plan(declared(luigi(first_message="Ciao!")))
    vapi.carry_out(plan)

    assert vapi.assistant("Luigi")["id"] == original["id"]
    assert vapi.assistant("Luigi, another voice")["firstMessage"] == "Luigi's, hello!"
    assert vapi.vapi.tools[tool["id"]] == tool
    notes = {step.name: str(step.notes) for step in plan.steps if step.notes}
    assert "a copy of it is left alone" in notes["book_table"]
    assert "a copy of it is left alone" in notes["Luigi"]


def test_3_a_copy_of_a_tool_that_has_become_another_one_is_not_pruned(vapi: Organization) -> None:
    vapi.apply(declared())
    function = {**vapi.tool("book_table")["function"], "name": "book_room"}
    copied(vapi, "tool", vapi.tool("book_table"), function=function)

    plan = vapi.plan(declared(), prune=True)
    vapi.carry_out(plan)

    assert actions(plan)["tool book_room"] == "leave"
    assert vapi.tool("book_room")


def test_3_two_with_our_mark_are_an_error_too(org: Organization) -> None:
    org.apply(declared(toolset=Toolset([book_table])))
    copied(org, "tool", org.tool("book_table"))

    plan = org.plan(declared(toolset=Toolset([book_table])))

    assert "there are 2 tools 'book_table' of this bot" in plan.problems[0]


def test_3_a_tool_of_another_bot_that_happens_to_have_the_name_is_left_alone(
    org: Organization,
) -> None:
    org.apply(declared(luigi(name="Mario"), url="https://mario.example.com"))
    theirs = org.tool("book_table")

    org.apply(declared())

    assert org.vapi.tools[theirs["id"]] == theirs
    assert len(org.vapi.tools) == 4
    assert theirs["id"] not in org.assistant("Luigi")["model"]["toolIds"]


def test_3_so_is_one_that_only_assistants_of_others_use(org: Organization) -> None:
    theirs = hand_made(org)
    org.vapi.add("assistant", {"name": "Other", "model": {"toolIds": [theirs["id"]]}})

    org.apply(declared())

    assert org.vapi.tools[theirs["id"]] == theirs
    assert theirs["id"] not in org.assistant("Luigi")["model"]["toolIds"]


def test_3_an_assistant_of_the_same_name_stops_apply_too(org: Organization) -> None:
    org.vapi.add("assistant", {"name": "Luigi", "firstMessage": "By hand"})

    with org.nothing_written():
        plan = org.plan(declared())

    assert "there is already an assistant 'Luigi' that was not made here" in plan.problems[0]


def test_3_stages_of_one_bot_are_kept_apart(vapi: Organization) -> None:
    vapi.apply(declared())
    live = vapi.assistant("Luigi")

    vapi.apply(declared(env="staging", url="https://staging.example.com"))

    assert vapi.vapi.assistants[live["id"]] == live
    assert (len(vapi.vapi.assistants), len(vapi.vapi.tools)) == (2, 4)
    with vapi.nothing_written():
        vapi.apply(declared())
        vapi.apply(declared(env="staging", url="https://staging.example.com"))


def test_3_a_new_name_is_found_by_the_old_one(vapi: Organization) -> None:
    vapi.apply(declared())
    before = vapi.assistant("Luigi")

    renamed = declared(luigi(name="Trattoria", renamed_from="Luigi"))
    vapi.apply(renamed)

    assert vapi.assistant("Trattoria")["id"] == before["id"]
    assert len(vapi.vapi.tools) == 2
    with vapi.nothing_written():
        vapi.apply(renamed)
        vapi.apply(declared(luigi(name="Trattoria")))


# --- 4: an assistant's model is read, merged, written whole and read back -------------------


def dashboard_assistant(org: Organization) -> dict[str, Any]:
    foreign = hand_made(org, "weather")
    model = {
        "provider": "openai",
        "model": "gpt-4o-mini",
        "temperature": 0.2,
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "assistant", "content": "Si?"},
        ],
        "tools": [{"type": "dtmf"}],
        "toolIds": [foreign["id"]],
    }
    return org.vapi.add("assistant", {"name": "Luigi", "model": model, "endCallMessage": "Ciao"})


def test_4_tools_and_prompts_of_others_survive_in_an_assistant(vapi: Organization) -> None:
    theirs = dashboard_assistant(vapi)

    vapi.apply(declared(Assistant(name="Luigi", tools=[book_table, EndCall()])), adopt=True)

    after = vapi.assistant("Luigi")
    assert after["model"]["messages"] == theirs["model"]["messages"]
    assert after["model"]["tools"] == [{"type": "dtmf"}, {"type": "endCall"}]
    assert vapi.attached() == ["weather", "book_table"]
    assert (after["model"]["temperature"], after["endCallMessage"]) == (0.2, "Ciao")


def test_4_a_declared_prompt_replaces_the_prompt_and_no_other_message(vapi: Organization) -> None:
    dashboard_assistant(vapi)

    vapi.apply(declared(), adopt=True)

    assert vapi.assistant("Luigi")["model"]["messages"] == [
        {"role": "system", "content": "You take bookings."},
        {"role": "assistant", "content": "Si?"},
    ]


def test_4_a_built_in_tool_that_is_no_longer_declared_is_taken_away(vapi: Organization) -> None:
    dashboard_assistant(vapi)
    both = luigi([book_table, EndCall(), TransferCall("+15550100020")])
    vapi.apply(declared(both), adopt=True)

    vapi.apply(declared(luigi([book_table, EndCall()])))

    types = [tool["type"] for tool in vapi.assistant("Luigi")["model"]["tools"]]
    assert types == ["dtmf", "endCall"]


def test_4_metadata_of_others_survives(vapi: Organization) -> None:
    vapi.vapi.add("assistant", {"name": "Luigi", "metadata": {"crm": "7"}, "model": {}})

    vapi.apply(declared(luigi(metadata={"team": "north"})), adopt=True)

    metadata = vapi.assistant("Luigi")["metadata"]
    assert (metadata["crm"], metadata["team"]) == ("7", "north")


def test_4_an_assistant_that_changes_between_read_and_write_is_not_overwritten(
    org: Organization,
) -> None:
    org.apply(declared())
    id = org.assistant("Luigi")["id"]
    plan = org.plan(declared(luigi(first_message="Ciao!")))
    org.vapi.edit("assistant", id, firstMessage="From the dashboard")

    with org.nothing_written(), pytest.raises(ApplyError, match="changed since the plan was made"):
        org.carry_out(plan)

    assert org.assistant("Luigi")["firstMessage"] == "From the dashboard"


def test_4_what_the_platform_does_not_keep_is_said(org: Organization) -> None:
    def forget(request: Any) -> None:
        if request.method == "GET" and org.vapi.assistants and request.path != "/assistant":
            [id] = org.vapi.assistants
            org.vapi.edit("assistant", id, model={"provider": "openai", "model": "gpt-4o"})

    org.vapi.on_request(forget)

    with pytest.raises(ApplyError, match="Vapi has not kept tool"):
        org.apply(declared())


# --- 5: nothing is deleted without --prune --------------------------------------------------


def test_5_a_tool_that_is_no_longer_declared_is_detached_and_left(vapi: Organization) -> None:
    vapi.apply(declared())

    plan = vapi.plan(declared(luigi([book_table])))
    vapi.carry_out(plan)

    assert actions(plan)["tool find_tables"] == "leave"
    assert vapi.attached() == ["book_table"]
    assert vapi.tool("find_tables")
    with vapi.nothing_written():
        vapi.apply(declared(luigi([book_table])))


def test_5_prune_detaches_it_from_every_assistant_and_deletes_it(vapi: Organization) -> None:
    vapi.apply(declared())
    ids = [vapi.tool(name)["id"] for name in ("find_tables", "book_table")]
    model = {
        "provider": "openai",
        "model": "gpt-4o",
        "messages": [{"role": "system", "content": "Mine."}],
        "toolIds": ids,
        "toolRefs": [{"toolId": ids[0], "version": "v1"}],
    }
    other = vapi.vapi.add("assistant", {"name": "Other", "model": model})

    plan = vapi.plan(declared(luigi([book_table])), prune=True)
    vapi.carry_out(plan)

    assert actions(plan)["assistant Other"] == "detach"
    assert list(vapi.vapi.tools) == [ids[1]]
    after = vapi.vapi.assistants[other["id"]]["model"]
    assert (after["toolIds"], after["toolRefs"]) == ([ids[1]], [])
    assert after["messages"] == model["messages"]


def test_5_prune_deletes_nothing_of_another_bot_or_stage(org: Organization) -> None:
    org.apply(declared(luigi(name="Mario"), url="https://mario.example.com"))
    org.apply(declared(env="staging", url="https://staging.example.com"))
    hand_made(org, "by_hand")
    org.apply(declared())
    before = set(org.vapi.tools)

    org.apply(declared(luigi([book_table])), prune=True)

    gone = before - set(org.vapi.tools)
    assert len(gone) == 1
    assert len(org.vapi.assistants) == 3


def test_5_several_tools_are_taken_from_one_assistant_of_others(org: Organization) -> None:
    org.apply(declared())
    model = {"provider": "openai", "model": "gpt-4o", "toolIds": list(org.vapi.tools)}
    org.vapi.add("assistant", {"name": "Other", "model": model})

    org.apply(declared(luigi([cancel_booking])), prune=True)

    assert [tool["function"]["name"] for tool in org.vapi.tools.values()] == ["cancel_booking"]


# --- 6: an edit in the dashboard is found ---------------------------------------------------


def test_6_an_edit_in_the_dashboard_stops_apply(vapi: Organization) -> None:
    vapi.apply(declared())
    id = vapi.tool("book_table")["id"]
    function = {**vapi.tool("book_table")["function"], "description": "Edited"}
    vapi.vapi.edit("tool", id, function=function)

    plan = vapi.plan(declared())

    assert actions(plan)["tool book_table"] == "drifted"
    said = "Book a table. Ask for the name first."
    assert change(plan, "book_table")["function.description"] == ("Edited", said)
    assert "changed elsewhere since the last apply (function)" in plan.problems[0]


def test_6_force_overwrites_it(vapi: Organization) -> None:
    vapi.apply(declared())
    vapi.vapi.edit("assistant", vapi.assistant("Luigi")["id"], firstMessage="Edited")

    vapi.apply(declared(), force=True)

    assert vapi.assistant("Luigi")["firstMessage"] == "Luigi's, hello!"
    with vapi.nothing_written():
        vapi.apply(declared())


def test_6_what_is_not_declared_may_be_edited(vapi: Organization) -> None:
    vapi.apply(declared())
    id = vapi.assistant("Luigi")["id"]
    model = {**vapi.assistant("Luigi")["model"], "maxTokens": 99}
    vapi.vapi.edit("assistant", id, model=model, endCallMessage="Ciao")

    with vapi.nothing_written():
        vapi.apply(declared())
    vapi.apply(declared(luigi(first_message="New")))

    after = vapi.assistant("Luigi")
    assert (after["model"]["maxTokens"], after["endCallMessage"]) == (99, "Ciao")


def test_6_an_edit_that_is_written_into_the_code_is_no_longer_one(org: Organization) -> None:
    org.apply(declared())
    org.vapi.edit("assistant", org.assistant("Luigi")["id"], firstMessage="Ciao!")

    org.apply(declared(luigi(first_message="Ciao!")))

    with org.nothing_written():
        org.apply(declared(luigi(first_message="Ciao!")))
    org.apply(declared(luigi(first_message="Salve!")))
    assert org.assistant("Luigi")["firstMessage"] == "Salve!"


def test_6_a_tool_taken_from_the_assistant_in_the_dashboard_is_an_edit(org: Organization) -> None:
    org.apply(declared())
    model = {**org.assistant("Luigi")["model"], "toolIds": []}
    org.vapi.edit("assistant", org.assistant("Luigi")["id"], model=model)

    plan = org.plan(declared())

    assert change(plan, "Luigi") == {"model.toolIds": ([], ["book_table", "find_tables"])}
    assert "(model.toolIds)" in plan.problems[0]


def delete_in_dashboard(org: Organization, name: str) -> None:
    """Vapi deletes no tool that an assistant has, so it is taken from that first."""
    id = org.tool(name)["id"]
    model = org.assistant("Luigi")["model"]
    rest = {**model, "toolIds": [each for each in model["toolIds"] if each != id]}
    org.vapi.edit("assistant", org.assistant("Luigi")["id"], model=rest)
    org.vapi.remove("tool", id)


def test_6_a_tool_that_somebody_has_deleted_is_made_again(org: Organization) -> None:
    org.apply(declared())
    delete_in_dashboard(org, "book_table")

    org.apply(declared(), force=True)

    assert org.attached() == ["find_tables", "book_table"]


# --- 7: one base URL for all ----------------------------------------------------------------


def test_7_a_new_address_is_given_to_all(vapi: Organization) -> None:
    vapi.apply(declared())

    vapi.apply(declared(url="https://new.example.com/vapi/"))

    urls = {tool["server"]["url"] for tool in vapi.vapi.tools.values()}
    urls.add(vapi.assistant("Luigi")["server"]["url"])
    new = "https://new.example.com/vapi"
    assert urls == {f"{new}/tools/find_tables", f"{new}/tools/book_table", f"{new}/webhook"}


def test_7_an_address_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(SettingsError, match="must begin with https://"):
        declared(url="luigi.example.com")


def test_7_the_server_answers_before_vapi_gives_up_and_may_be_asked_again(
    org: Organization,
) -> None:
    org.apply(declared(luigi([cancel_booking])))

    server = org.tool("cancel_booking")["server"]

    assert server["timeoutSeconds"] == 32
    assert server["backoffPlan"] == {"type": "exponential", "maxRetries": 2, "baseDelaySeconds": 1}


# --- 8: secrets are set and rotated, never printed ------------------------------------------


def test_8_a_new_secret_is_set_everywhere(vapi: Organization) -> None:
    vapi.apply(declared())

    plan = vapi.plan(declared(server={"secret": "n3w-s3cret"}))
    vapi.carry_out(plan)

    for shown in (str(plan.to_json()), repr(plan), str(plan.problems)):
        assert "n3w-s3cret" not in shown
        assert SECRET not in shown
    assert {write.body["server"]["secret"] for write in vapi.vapi.writes[-2:-1]} == {"n3w-s3cret"}
    with vapi.nothing_written():
        vapi.apply(declared(server={"secret": "n3w-s3cret"}))


def test_8_a_credential_takes_the_place_of_a_secret(org: Organization) -> None:
    org.apply(declared())
    id = "6f1d8f0e-7b7e-4f62-9d5e-0d5f6a3f0c11"

    org.apply(declared(server={"credentialId": id}))

    server = org.tool("book_table")["server"]
    assert (server["credentialId"], "secret" in server) == (id, False)


def test_8_the_mark_does_not_help_to_guess_the_secret(org: Organization) -> None:
    org.apply(declared(server={"secret": "1234"}))
    mark = org.tool("book_table")["server"]["headers"]["X-Vapitools"]

    assert "1234" not in mark
    assert mark.isascii()


# --- 9: a failure half way says what was done, and is safe to run again ---------------------


def changed() -> sync.Declaration:
    """A bot that makes, changes, and deletes."""
    assistant = luigi([book_table, cancel_booking, EndCall()], first_message="Ciao!")
    squad = Squad("Trattoria", [assistant])
    return declared(squads=[squad], server={"secret": "n3w-s3cret"})


def writes_of(options: dict[str, Any]) -> int:
    with organization(**options) as org:
        org.apply(declared())
        before = len(org.vapi.writes)
        org.apply(changed(), prune=True)
        return len(org.vapi.writes) - before


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("is_done", [False, True], ids=["refused", "answer lost"])
def test_9_after_a_failure_at_any_write_it_goes_on_from_there(platform: str, is_done: bool) -> None:
    options = PLATFORMS[platform]
    total = writes_of(options)
    assert total >= 5

    for failing in range(total):
        with organization(**options) as org:
            org.apply(declared())
            org.vapi.fail("POST|PATCH|DELETE", after=failing, done=is_done)

            with pytest.raises(ApplyError, match="safe to plan and apply again") as caught:
                org.apply(changed(), prune=True)
            assert len(caught.value.done) <= failing
            org.apply(changed(), prune=True)

            with org.nothing_written():
                org.apply(changed(), prune=True)
            assert org.attached() == ["book_table", "cancel_booking"]
            assert (len(org.vapi.tools), len(org.vapi.assistants), len(org.vapi.squads)) == (
                2,
                1,
                1,
            )


def test_9_it_says_what_was_done(org: Organization) -> None:
    org.vapi.fail("POST", "/assistant")

    with pytest.raises(ApplyError) as caught:
        org.apply(declared())

    text = str(caught.value)
    assert "create assistant 'Luigi': POST /assistant: 500" in text
    assert "created tool 'find_tables'" in text
    assert len(caught.value.done) == 2


def test_9_a_tool_that_was_deleted_after_the_plan_is_said(org: Organization) -> None:
    org.apply(declared())
    plan = org.plan(declared(url="https://new.example.com"))
    delete_in_dashboard(org, "find_tables")

    with pytest.raises(ApplyError, match=r"update tool 'find_tables': GET /tool/.*: 404"):
        org.carry_out(plan)


# --- 10: more than 100 tools page right -----------------------------------------------------


@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("page_size", [None, 100])
def test_10_our_tools_are_found_among_hundreds(oldest_first: bool, page_size: int | None) -> None:
    with organization(oldest_first=oldest_first, page_size=page_size) as org:
        for number in range(150):
            hand_made(org, f"other_{number}")
        org.apply(declared())
        for number in range(150):
            hand_made(org, f"another_{number}")

        with org.nothing_written():
            plan = org.plan(declared())
            org.carry_out(plan)

    assert set(actions(plan).values()) == {"unchanged"}


# --- 11: pinned versions, unknown ids, duplicate names --------------------------------------


def warnings_with(org: Organization, **model: Any) -> str:
    org.apply(declared())
    assistant = org.assistant("Luigi")
    merged = {**assistant["model"], **model}
    org.vapi.edit("assistant", assistant["id"], model=merged)
    return "\n".join(org.plan(declared()).warnings)


def test_11_a_pinned_version_is_said(org: Organization) -> None:
    org.apply(declared())
    refs = [{"toolId": org.tool("book_table")["id"], "version": "v3"}]

    assert "pins the tool 'book_table' to version v3" in warnings_with(org, toolRefs=refs)


def test_11_an_id_that_does_not_exist_is_said(org: Organization) -> None:
    gone = "0d7c0b53-6f6e-4c38-9e43-1f1f2f7f0c11"
    org.apply(declared())
    ids = [*org.assistant("Luigi")["model"]["toolIds"], gone]

    assert f"has the tool {gone}, which does not exist" in warnings_with(org, toolIds=ids)


def test_11_an_id_in_the_code_that_does_not_exist_stops_apply(org: Organization) -> None:
    gone = "0d7c0b53-6f6e-4c38-9e43-1f1f2f7f0c11"
    model = {"provider": "openai", "model": "gpt-4o", "toolIds": [gone]}

    plan = org.plan(declared(luigi(model=model)))

    assert f"declares the tool {gone}, which does not exist" in plan.problems[0]


def test_11_a_tool_of_others_that_the_code_names_is_attached(org: Organization) -> None:
    weather = hand_made(org, "weather")["id"]
    bot = luigi(model={"provider": "openai", "model": "gpt-4o", "toolIds": [weather]})

    org.apply(declared(bot))

    assert sorted(org.attached()) == ["book_table", "find_tables", "weather"]
    with org.nothing_written():
        org.apply(declared(bot))


def test_11_two_tools_of_one_name_are_said(org: Organization) -> None:
    org.apply(declared())
    other = hand_made(org)["id"]
    ids = [*org.assistant("Luigi")["model"]["toolIds"], other]

    assert "has 2 tools named 'book_table'" in warnings_with(org, toolIds=ids)


@pytest.mark.parametrize(
    ("assistants", "why"),
    [
        ([luigi(), luigi()], "there are 2 assistants named 'Luigi'"),
        ([luigi(name=None)], "an assistant needs a name"),
        ([luigi(), luigi(name="B", renamed_from="Luigi")], "which is declared too"),
        (
            [luigi(), luigi([cancel_booking.renamed("book_table")], name="B")],
            "have different tools named 'book_table'",
        ),
    ],
)
def test_11_a_declaration_that_is_ambiguous_is_refused(
    assistants: list[Assistant], why: str
) -> None:
    with pytest.raises(DefinitionError, match=why):
        declared(*assistants)


# --- 12: it takes seconds, SDK included -----------------------------------------------------


def test_12_it_loads_no_more_of_the_sdk_than_its_connection(org: Organization) -> None:
    script = f"""
import asyncio, sys
from tests.organization import declared
from vapitools import sync
from vapitools.client import VapiClient

async def main():
    async with VapiClient("test-key", base_url="{org.api}") as client:
        await sync.apply(sync.plan(declared(), await sync.read(client)), client)

asyncio.run(main())
print(*(name for name in sys.modules if name.partition(".")[0] == "vapi"))
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    loaded = ran.stdout.split()
    assert "vapi.core.client_wrapper" in loaded
    assert [name for name in loaded if not name.startswith("vapi.core") and name != "vapi"] == []
    assert org.attached() == ["find_tables", "book_table"]


def test_12_an_apply_of_nothing_asks_for_three_lists(org: Organization) -> None:
    org.apply(declared())
    before = len(org.vapi.requests)

    org.apply(declared())

    asked = [request.path for request in org.vapi.requests[before:]]
    assert sorted(asked) == ["/assistant", "/squad", "/tool"]
