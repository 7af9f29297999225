"""What goes on at Vapi beside a bot: renames, other bots, squads, providers, other people."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from types import SimpleNamespace
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
from tests.test_sync import actions, change
from vapitools import Assistant, DefinitionError, EndCall, Squad, Toolset, TransferCall
from vapitools.errors import ApplyError
from vapitools.squads import Member

UNKNOWN = "0d7c0b53-6f6e-4c38-9e43-1f1f2f7f0c11"
ELSEWHERE = "https://other.example.com"


@pytest.fixture(params=["plain", "adds", "hides"])
def org(request: pytest.FixtureRequest) -> Generator[Organization]:
    added = {"squad": {"membersOverrides": {"endCallMessage": "Bye", "metadata": {"theirs": 1}}}}
    options: dict[str, Any] = {
        "plain": {},
        "adds": {"extra_defaults": {**added, "tool": {"function": {"new": 1}}}},
        "hides": {"returns_secrets": False},
    }
    with organization(**options[request.param]) as served:
        yield served


# --- squads ---------------------------------------------------------------------------------


def squad(name: str = "Trattoria", luigis_name: str = "Luigi", **options: Any) -> Squad:
    first = luigi(name=luigis_name, renamed_from=None if luigis_name == "Luigi" else "Luigi")
    mario = luigi([EndCall()], name="Mario")
    members = [Member(first, destinations=["Mario"]), Member(mario, destinations=[luigis_name])]
    return Squad(name, members, **options)


@pytest.mark.parametrize(
    "later",
    [
        squad("Osteria", renamed_from="Trattoria"),
        squad(overrides={"maxDurationSeconds": 300}),
        squad(overrides={"metadata": {"ours": "2"}}),
        squad(luigis_name="Gigi"),
        Squad("Trattoria", [*reversed(squad().members)]),
    ],
    ids=["renamed", "overridden", "metadata", "a member renamed", "another order"],
)
def test_a_squad_is_changed_as_the_code_says_and_then_left(org: Organization, later: Squad) -> None:
    org.apply(declared(squads=[squad()]))
    [before] = org.vapi.squads

    org.apply(declared(squads=[later]))

    [(id, stored)] = org.vapi.squads.items()
    assert id == before
    assert stored["name"] == later.name
    ids = [org.assistant(each.name or "")["id"] for each in later.assistants]
    assert [member["assistantId"] for member in stored["members"]] == ids
    with org.nothing_written():
        org.apply(declared(squads=[later]))


def test_an_edit_of_a_squad_is_found(org: Organization) -> None:
    org.apply(declared(squads=[squad()]))
    [(id, stored)] = org.vapi.squads.items()
    org.vapi.edit("squad", id, members=stored["members"][:1])

    plan = org.plan(declared(squads=[squad()]))

    assert actions(plan)["squad Trattoria"] == "drifted"


def test_a_tool_that_a_squad_names_is_not_pruned(org: Organization) -> None:
    org.apply(declared())
    id = org.tool("find_tables")["id"]
    inline = {"assistant": {"model": {"provider": "openai", "model": "gpt-4o", "toolIds": [id]}}}
    org.vapi.add("squad", {"name": "Others", "members": [inline]})

    org.apply(declared(luigi([book_table])), prune=True)

    assert id in org.vapi.tools


# --- names ----------------------------------------------------------------------------------


def test_a_former_name_that_stays_in_the_code_takes_nothing_of_whoever_has_it_now(
    org: Organization,
) -> None:
    org.apply(declared())
    ours = declared(luigi(name="Trattoria", renamed_from="Luigi"))
    org.apply(ours)
    org.apply(declared(luigi([cancel_booking]), url=ELSEWHERE), adopt=True)
    theirs = (org.assistant("Luigi"), org.tool("cancel_booking"))

    org.apply(ours, prune=True)

    assert (org.assistant("Luigi"), org.tool("cancel_booking")) == theirs


def test_a_bot_of_the_same_name_at_another_address_is_said_and_loses_no_tool(
    org: Organization,
) -> None:
    org.apply(declared())

    plan = org.plan(declared(luigi([cancel_booking]), url=ELSEWHERE), prune=True)
    org.carry_out(plan)

    assert "served at luigi.example.com until now" in str([step.notes for step in plan.steps])
    assert org.tool("find_tables")
    assert "served elsewhere" in str([step.notes for step in plan.steps])


def test_two_bots_below_one_host_keep_out_of_each_others_way(org: Organization) -> None:
    org.apply(declared(toolset=Toolset([book_table, find_tables]), url=f"{URL}/other"))
    before = org.vapi.tools

    plan = org.plan(declared(toolset=Toolset([cancel_booking])), prune=True)

    assert actions(plan) == {"tool cancel_booking": "create"}
    assert org.vapi.tools == before


@pytest.mark.parametrize(
    "make",
    [
        lambda: declared(squads=[squad(), Squad("B", [luigi()], renamed_from="Trattoria")]),
        lambda: declared(
            luigi(name="A", renamed_from="Luigi"), luigi(name="B", renamed_from="Luigi")
        ),
    ],
)
def test_a_former_name_that_two_could_mean_is_refused(make: Any) -> None:
    with pytest.raises(DefinitionError, match=r"renamed_from|several"):
        make()


# --- what others put into an assistant ------------------------------------------------------


def test_a_built_in_tool_of_others_is_not_overwritten_by_one_of_ours(org: Organization) -> None:
    org.apply(declared())
    model = org.assistant("Luigi")["model"]
    where = [{"type": "number", "number": "+15550100001"}]
    theirs = {"type": "transferCall", "destinations": where}
    org.vapi.edit("assistant", org.assistant("Luigi")["id"], model={**model, "tools": [theirs]})

    plan = org.plan(declared(luigi([find_tables, book_table, TransferCall("+15550100020")])))

    assert "(model.tools.transferCall)" in plan.problems[0]


def test_a_name_that_vapi_gives_to_a_built_in_tool_does_not_matter(org: Organization) -> None:
    org.apply(declared(luigi([book_table, EndCall()])))
    model = org.assistant("Luigi")["model"]
    named = [{"type": "endCall", "function": {"name": "endCall"}}]
    org.vapi.edit("assistant", org.assistant("Luigi")["id"], model={**model, "tools": named})

    org.apply(declared(luigi([book_table, EndCall()])), force=True)

    assert [tool["type"] for tool in org.assistant("Luigi")["model"]["tools"]] == ["endCall"]


def test_what_was_for_the_old_provider_goes_with_it(org: Organization) -> None:
    own = {"provider": "custom-llm", "model": "mine", "url": "https://llm.example.com"}
    org.apply(declared(luigi(model={**own, "headers": {"X-Key": "s3cret-header"}})))

    org.apply(declared())

    model = org.assistant("Luigi")["model"]
    assert {"url", "headers"}.isdisjoint(model)
    assert model["provider"] == "openai"


def test_a_tool_of_this_bot_that_the_code_names_by_its_id_is_kept(org: Organization) -> None:
    org.apply(declared())
    id = org.tool("find_tables")["id"]
    named = {"provider": "openai", "model": "gpt-4o", "toolIds": [id]}

    org.apply(declared(luigi([book_table], model=named)), prune=True)

    assert org.attached() == ["find_tables", "book_table"]


def test_a_pin_in_the_code_of_what_does_not_exist_stops_apply(org: Organization) -> None:
    gone = "0d7c0b53-6f6e-4c38-9e43-1f1f2f7f0c11"
    refs = [{"toolId": gone, "version": "v1"}]
    pins = {"provider": "openai", "model": "gpt-4o", "toolRefs": refs}

    assert gone in org.plan(declared(luigi(model=pins))).problems[0]


# --- secrets, and what is said --------------------------------------------------------------


def test_a_secret_that_is_taken_away_is_gone_everywhere(org: Organization) -> None:
    org.apply(declared())

    org.apply(declared(server={}), force=True)

    kept = [org.assistant("Luigi"), *org.vapi.tools.values()]
    assert all("secret" not in each["server"] for each in kept)
    with org.nothing_written():
        org.apply(declared(server={}))


def test_a_secret_that_was_forgotten_here_is_not_taken_away() -> None:
    with organization() as org:
        org.apply(declared())

        plan = org.plan(declared(server={}))

        assert "would be taken away" in plan.problems[0]
        assert org.plan(declared(server={"credentialId": UNKNOWN})).problems == ()


def test_a_new_name_without_the_old_one_is_told_how_to_say_it() -> None:
    with organization() as org:
        org.apply(declared())

        plan = org.plan(declared(luigi(name="Mario")))

        assert "write renamed_from='Luigi'" in plan.problems[0]


def test_an_old_name_that_nothing_has_is_said() -> None:
    with organization() as org:
        [*_, step] = org.plan(declared(luigi(name="Mario", renamed_from="Luihi"))).steps

        assert step.notes == ("nothing that is this bot's has the name 'Luihi'",)


def test_nothing_that_a_plan_shows_holds_a_secret(org: Organization) -> None:
    own = {"provider": "custom-llm", "model": "mine", "url": "https://u:pw-1234@llm.example.com"}
    bot = luigi(model={**own, "headers": {"X-Key": "s3cret-header"}}, metadata={"apiKey": "k-9876"})

    plan = org.plan(declared(bot))

    shown = repr(plan) + repr([step.work for step in plan.steps]) + str(plan.to_json())
    assert not any(each in shown for each in (SECRET, "s3cret-header", "k-9876", "pw-1234"))


def test_the_secret_parts_of_an_address_are_masked_and_the_rest_is_told(org: Organization) -> None:
    own = {"provider": "custom-llm", "model": "mine"}
    org.apply(declared(luigi(model={**own, "url": "https://a.example.com/v1?key=old-1234"})))

    plan = org.plan(declared(luigi(model={**own, "url": "https://b.example.com/v1?key=new-1234"})))

    assert change(plan, "Luigi") == {
        "model.url": ("https://a.example.com/v1?key=•••", "https://b.example.com/v1?key=•••")
    }


def test_a_new_assistant_that_cannot_be_made_is_a_problem_of_the_plan(org: Organization) -> None:
    with org.nothing_written():
        plan = org.plan(declared(Assistant(name="Luigi"), toolset=Toolset([book_table])))

    assert any("model" in problem for problem in plan.problems)


def test_a_step_that_fails_in_its_middle_is_among_those_that_were_done() -> None:
    with organization(returns_secrets=False) as org:
        org.vapi.fail("PATCH", "/tool")

        with pytest.raises(ApplyError) as caught:
            org.apply(declared())

    assert "created tool 'find_tables'" in str(caught.value.done)


@pytest.mark.parametrize("failing", range(4))
def test_after_a_failure_the_code_may_change_before_it_is_applied_again(failing: int) -> None:
    with organization(returns_secrets=False) as org:
        org.vapi.fail("POST|PATCH", after=failing)
        with pytest.raises(ApplyError):
            org.apply(declared())

        plan = org.plan(declared(luigi(first_message="Ciao!"), url=ELSEWHERE))

        assert plan.problems == ()


def test_progress_is_told_step_by_step(org: Organization) -> None:
    told: list[str] = []

    org.carry_out(org.plan(declared()), on_step=lambda step: told.append(step.name))

    assert told == ["find_tables", "book_table", "Luigi"]


def test_what_changes_is_still_told_by_value(org: Organization) -> None:
    org.apply(declared())

    assert change(org.plan(declared(luigi(voice="vapi/Paige"))), "Luigi") == {
        "voice.voiceId": ("Elliot", "Paige")
    }


def test_a_clock_that_is_ahead_of_vapis_hides_no_edit(
    org: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr("vapitools.sync._applying.time", SimpleNamespace(time=lambda: now + 600))

    org.apply(declared())

    marks = [org.assistant("Luigi")["metadata"]["vapitools"]]
    marks += [tool["server"]["headers"]["X-Vapitools"] for tool in org.vapi.tools.values()]
    assert all(json.loads(mark)["at"] < now + 60 for mark in marks)


def test_an_override_that_is_no_longer_declared_is_said(org: Organization) -> None:
    org.apply(declared(squads=[squad(overrides={"maxDurationSeconds": 300})]))

    [step] = org.plan(declared(squads=[squad()])).of("squad")

    assert "membersOverrides.maxDurationSeconds is no longer declared" in str(step.notes)
