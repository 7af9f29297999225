"""`vapitools plan`: what it shows, what it exits with, what it never says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vapitools import Assistant
from vapitools._secrecy import MASK
from vapitools.cli import _plan_report
from vapitools.cli._declaring import read_address
from vapitools.cli._report import CommandError
from vapitools.errors import SettingsError
from vapitools.sync import Change, Declaration, Plan, Step

from .deploying import KEY, SECRET, URL, Desk, at_desk

CREDENTIAL = "1c65ff02-1b45-4e5c-9a0b-3a0c1a7d2d11"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with at_desk(tmp_path, monkeypatch) as desk:
        yield desk


# --- the exit code, and that nothing is changed -------------------------------------------


def test_what_is_not_there_would_be_created_and_is_not(desk: Desk) -> None:
    result = desk.plan()

    assert result.exit_code == 2
    assert result.stdout == (
        "https://luigi.example.com\n"
        "+ create tool find_tables\n"
        "+ create tool book_table\n"
        "+ create assistant 'Luigi'\n"
        "3 to create.\n"
    )
    assert desk.writes() == []


def test_when_all_is_there_the_exit_code_is_0(desk: Desk) -> None:
    desk.apply()

    result = desk.plan()

    assert result.exit_code == 0
    assert result.stdout == "https://luigi.example.com\nNothing to do: 3 unchanged.\n"


def test_verbose_shows_what_is_unchanged_too(desk: Desk) -> None:
    desk.apply()

    assert "  unchanged tool find_tables\n" in desk.plan("-v").stdout


def test_what_apply_would_refuse_is_an_error(desk: Desk) -> None:
    desk.vapi.add("assistant", {"name": "Luigi"})

    result = desk.plan()

    assert result.exit_code == 1
    assert "\nProblem: there is already an assistant 'Luigi' that was not made" in result.stdout
    assert result.stdout.endswith(
        "Nothing can be applied until the problems are solved: 2 to create, 1 to adopt.\n"
    )


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--secrt", "X"], "--secret"),
        (["more"], "unexpected extra argument"),
        (["--url", "luigi.example.com"], "--url must begin with https://"),
        (["--url", ""], "--url must begin with https://"),
        (["--env", "a b"], "env='a b' must be a short word"),
        (["--secret", "X", "--credential-id", CREDENTIAL], "leave one"),
        (["--credential-id", "hunter2"], "--credential-id must be a UUID"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@pytest.mark.parametrize("command", ["plan", "apply"])
def test_a_command_written_wrongly_does_not_look_like_something_to_do(
    desk: Desk, command: str, words: list[str], text: str
) -> None:
    result = desk.run(command, *words)

    assert (result.exit_code, result.stdout) == (1, "")
    assert text in result.stderr
    assert "hunter2" not in result.stderr


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({"VAPI_API_KEY": ""}, "VAPI_API_KEY is not set"),
        ({"VAPI_API_KEY": "wrong"}, "GET /tool: 401: "),
        ({"VAPI_BASE_URL": "http://127.0.0.1:1"}, "127.0.0.1 is out of reach"),
        ({"VAPITOOLS_URL": ""}, "--url https://luigi.example.com, or VAPITOOLS_URL"),
        ({"VAPITOOLS_URL": "luigi"}, "VAPITOOLS_URL must begin with https://"),
        ({"VAPI_SERVER_SECRET": "ü"}, "VAPI_SERVER_SECRET: SharedSecret got a secret that no "),
        ({"VAPI_SERVR_SECRET": "x"}, "did you mean VAPI_SERVER_SECRET?"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("command", ["plan", "apply"])
def test_what_is_in_the_way_is_one_line(
    desk: Desk, command: str, environ: dict[str, str], text: str
) -> None:
    result = desk.run(command, **environ)

    (line,) = [line for line in result.stderr.splitlines() if line != "loading"]
    assert (result.exit_code, result.stdout) == (1, "")
    assert line.startswith("Error: ")
    assert text in line


def test_an_assistant_without_a_name_cannot_be_found_again(desk: Desk) -> None:
    desk.write(('name="Luigi"', "name=None"))

    result = desk.plan()

    assert result.exit_code == 1
    assert "Error: an assistant needs a name to be found again" in result.stderr


def test_a_bot_without_an_assistant_has_its_tools_planned(desk: Desk) -> None:
    text = (desk.folder / "bot.py").read_text()
    (desk.folder / "bot.py").write_text(text.partition("luigi = ")[0])

    assert "2 to create." in desk.plan().stdout


def test_squads_and_what_is_handled_are_planned_too(desk: Desk) -> None:
    more = """
from vapitools import Events, Squad

events = Events()
team = Squad("Team", [luigi])


@events.on("hang")
def note(hang): ...
"""
    path = desk.folder / "bot.py"
    path.write_text(path.read_text() + more)

    result = desk.plan("-v")

    assert "\n+ create squad 'Team'\n" in result.stdout
    assert '\n    serverMessages: ["tool-calls", "hang"]\n' in result.stdout


def test_each_stage_is_planned_by_itself(desk: Desk) -> None:
    desk.apply("--env", "staging")

    assert desk.plan("--env", "staging").exit_code == 0
    result = desk.plan("--env", "production")
    assert result.exit_code == 2
    assert result.stdout.startswith("https://luigi.example.com, stage production\n+ create")


def test_a_flag_goes_before_the_environment(desk: Desk) -> None:
    result = desk.plan("--url", "https://other.example.com/")

    assert result.stdout.startswith("https://other.example.com\n")


# --- JSON ---------------------------------------------------------------------------------


def test_json_is_alone_on_stdout(desk: Desk) -> None:
    result = desk.plan("--json")

    plan = json.loads(result.stdout)
    assert result.exit_code == 2
    assert result.stderr == "loading\n"
    assert [(step["action"], step["name"]) for step in plan["steps"]] == [
        ("create", "find_tables"),
        ("create", "book_table"),
        ("create", "Luigi"),
    ]
    assert plan["summary"]["create"] == 3
    assert plan["summary"]["unchanged"] == 0


def test_json_holds_the_problems_and_stderr_says_them(desk: Desk) -> None:
    desk.vapi.add("assistant", {"name": "Luigi"})

    result = desk.plan("--json")

    (problem,) = json.loads(result.stdout)["problems"]
    assert result.exit_code == 1
    assert f"Problem: {problem}\n" in result.stderr


# --- what is different --------------------------------------------------------------------


def test_an_edit_in_the_dashboard_is_a_problem_until_it_is_overwritten(desk: Desk) -> None:
    desk.apply()
    id = desk.the("assistant", "Luigi")["id"]
    desk.vapi.edit("assistant", id, firstMessage="Ciao!")

    result = desk.plan()

    assert result.exit_code == 1
    assert f"! drifted assistant 'Luigi' ({id})\n" in result.stdout
    assert '    firstMessage: "Ciao!" → "Hello!" (edited since the last apply)\n' in result.stdout
    assert desk.plan("--force").exit_code == 2


def test_a_changed_prompt_is_shown_line_by_line(desk: Desk) -> None:
    desk.apply()
    desk.write(("Be short.", "Be very short.\\nBe kind."))

    assert desk.plan().stdout == (
        "https://luigi.example.com\n"
        "~ update assistant 'Luigi'\n"
        "    model.messages[0].content:\n"
        "      @@ -1,2 +1,3 @@\n"
        "       You take bookings.\n"
        "      -Be short.\n"
        "      +Be very short.\n"
        "      +Be kind.\n"
        "1 to change, 2 unchanged.\n"
    )


def test_what_was_made_elsewhere_can_be_adopted(desk: Desk) -> None:
    id = desk.vapi.add("assistant", {"name": "Luigi", "firstMessage": "Ciao!"})["id"]

    result = desk.plan("--adopt")

    assert result.exit_code == 2
    assert f"= adopt assistant 'Luigi' ({id})\n" in result.stdout
    assert '    firstMessage: "Ciao!" → "Hello!"\n' in result.stdout


def test_what_is_no_longer_declared_is_deleted_only_with_prune(desk: Desk) -> None:
    desk.apply()
    desk.write(("[find_tables, book_table, ", "[find_tables, "))
    id = desk.the("tool", "book_table")["id"]
    desk.vapi.add("assistant", {"name": "Mario", "model": {"toolIds": [id]}})

    kept, pruned = desk.plan(), desk.plan("--prune")

    assert f"· leave tool book_table ({id})\n" in kept.stdout
    assert f"- delete tool book_table ({id})\n" in pruned.stdout
    assert "> detach from assistant 'Mario' (" in pruned.stdout
    assert '    model.toolIds: ["book_table"] → []\n' in pruned.stdout


# --- secrets ------------------------------------------------------------------------------


def test_of_several_secrets_the_first_goes_to_vapi(desk: Desk) -> None:
    desk.apply(VAPI_SERVER_SECRET="new-secret, old-secret")

    assert desk.the("tool", "book_table")["server"]["secret"] == "new-secret"
    assert desk.plan(VAPI_SERVER_SECRET="new-secret").exit_code == 0


def test_a_secret_is_taken_from_the_variable_that_is_named(desk: Desk) -> None:
    desk.apply("--secret", "OF_LUIGI", OF_LUIGI="another-secret")

    assert desk.the("assistant", "Luigi")["server"]["secret"] == "another-secret"


def test_a_credential_at_vapi_goes_instead_of_a_secret(desk: Desk) -> None:
    desk.apply("--credential-id", CREDENTIAL)

    server = desk.the("assistant", "Luigi")["server"]
    assert server == {"url": f"{URL}/webhook", "credentialId": CREDENTIAL}


def test_a_secret_is_set_changed_and_taken_away_unseen(desk: Desk) -> None:
    desk.apply(VAPI_SERVER_SECRET="")

    is_set = desk.plan()
    desk.apply()
    is_changed = desk.plan(VAPI_SERVER_SECRET="another-secret")
    is_taken_away = desk.plan(VAPI_SERVER_SECRET="")

    assert "    server.secret: (secret), set\n" in is_set.stdout
    assert "    server.secret: (secret), changed\n" in is_changed.stdout
    assert "    server.secret: (secret), taken away\n" in is_taken_away.stdout
    assert is_set.exit_code == is_changed.exit_code == 2
    # Forgotten, most likely.
    assert is_taken_away.exit_code == 1
    assert "would be taken away" in is_taken_away.stdout


@pytest.mark.parametrize("secret", ["a-s3cret", "[bold]\"'\\n{}", "https://luigi.example.com/s"])
def test_no_secret_is_ever_shown(desk: Desk, secret: str) -> None:
    shown = [
        desk.plan("-v", VAPI_SERVER_SECRET=secret),
        desk.plan("--json", "--debug", VAPI_SERVER_SECRET=secret),
        desk.apply("-v", VAPI_SERVER_SECRET=secret),
        desk.plan("-v", VAPI_SERVER_SECRET="the-next-secret"),
        desk.plan("--json", VAPI_SERVER_SECRET="the-next-secret"),
    ]

    for result in shown:
        for text in (secret, json.dumps(secret)[1:-1], KEY):
            assert text not in result.stdout + result.stderr


@given(st.text(min_size=8))
def test_a_secret_in_the_place_of_its_variable_is_not_repeated(secret: str) -> None:
    with pytest.raises(CommandError) as raised:
        read_address(URL, secret, environ={"VAPI_SERVER_SECRET": "x"})

    assert str(raised.value).removesuffix(" Did you mean 'VAPI_SERVER_SECRET'?") == (
        "--secret takes the name of an environment variable that holds the secret, such as "
        "VAPI_SERVER_SECRET; there is none of the name given."
    )


def test_a_variable_that_is_misspelt_is_guessed(desk: Desk) -> None:
    result = desk.plan("--secret", "VAPI_SERVER_SECRT")

    assert "Did you mean 'VAPI_SERVER_SECRET'?" in result.stderr


def test_a_comma_too_many_is_no_secret() -> None:
    address = read_address(URL, "MINE", environ={"MINE": ", new-secret ,,"})

    assert address.server == {"secret": "new-secret"}


@pytest.mark.parametrize("value", ["", " , ", "ü"])
def test_a_variable_without_a_usable_secret_is_named(value: str) -> None:
    with pytest.raises(CommandError, match="MINE: SharedSecret got"):
        read_address(URL, "MINE", environ={"MINE": value})


# --- addresses ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://user:hunter2@luigi.example.com",
        "https://luigi.example.com/?token=hunter2",
        "https://luigi.example.com/#hunter2",
        "https://",
        "https:///hunter2",
        "https://[hunter2",
        "https://:80",
        "https://luigi.example.com:hunter2",
        "https://luigi.example.com:99999",
        "https://luigi example.com/hunter2",
        "https://luigi.example.com\\hunter2",
    ],
)
def test_an_address_that_holds_more_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises((CommandError, SettingsError)) as raised:
        read_address(url, environ={})

    assert "hunter2" not in str(raised.value)
    assert "--url must be an address alone" in str(raised.value)


@pytest.mark.parametrize(
    ("url", "environ", "text"),
    [
        (URL, {"VAPI_SERVER_SECRET": SECRET}, ""),
        ("http://127.0.0.1:8000", {"VAPI_SERVER_SECRET": SECRET}, "Vapi cannot reach http://127"),
        ("https://[::1]", {"VAPI_SERVER_SECRET": SECRET}, "open a tunnel"),
        ("https://localhost", {"VAPI_SERVER_SECRET": SECRET}, "open a tunnel"),
        ("https://192.168.0.7", {"VAPI_SERVER_SECRET": SECRET}, "open a tunnel"),
        ("https://8.8.8.8", {"VAPI_SERVER_SECRET": SECRET}, ""),
        ("http://luigi.example.com", {"VAPI_SERVER_SECRET": SECRET}, "is not encrypted"),
        (
            "http://127.0.0.1:8000",
            {"VAPI_SERVER_SECRET": SECRET, "VAPI_BASE_URL": "http://127.0.0.1:9000"},
            "",
        ),
        (
            "http://127.0.0.1:8000",
            {"VAPI_SERVER_SECRET": SECRET, "VAPI_BASE_URL": "https://api.eu.vapi.ai"},
            "open a tunnel",
        ),
        (URL, {}, "everybody who knows the URL can call the tools"),
        (URL, {"VAPI_HMAC_SECRET": SECRET}, "pass its id with --credential-id"),
    ],
)
def test_what_will_not_work_is_warned_of(url: str, environ: dict[str, str], text: str) -> None:
    warnings = read_address(url, environ=environ).warnings

    assert len(warnings) == bool(text)
    assert text in "".join(warnings)


def test_a_credential_at_vapi_needs_no_secret_here() -> None:
    assert read_address(URL, credential_id=CREDENTIAL, environ={}).warnings == ()


def test_a_warning_is_shown_and_in_the_json(desk: Desk) -> None:
    result = desk.plan(VAPI_SERVER_SECRET="")

    (warning,) = json.loads(desk.plan("--json", VAPI_SERVER_SECRET="").stdout)["warnings"]
    assert f"\nWarning: {warning}\n" in result.stdout
    assert result.exit_code == 2


# --- how it is written --------------------------------------------------------------------

DECLARATION = Declaration([Assistant(name="Luigi")], url=URL)


def shown(capsys: pytest.CaptureFixture[str], *steps: Step, verbose: bool = False) -> list[str]:
    """The lines for these steps."""
    _plan_report.show(Plan(DECLARATION, steps), verbose=verbose)
    return capsys.readouterr().out.splitlines()[1:-1]


def updated(*changes: Change, notes: tuple[str, ...] = ()) -> Step:
    return Step("assistant", "Luigi", "update", "id-1", changes, notes)


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        (Change("a", None, "x"), ['    a: (nothing) → "x"']),
        (Change("a.b", 1, None), ["    a.b: 1 → (nothing)"]),
        (Change("a", True, [1, "ü"]), ['    a: true → [1, "ü"]']),
        (Change("a", "[red]x", "[/]"), ['    a: "[red]x" → "[/]"']),
        (Change("a", "\x1b[2J", "\u202e"), ['    a: "\\u001b[2J" → "\\u202e"']),
        (Change("a", {"secret": MASK}, {}), ['    a: {"secret": (secret)} → {}']),
        (Change("a", "x\n", "x"), ["    a:", "      @@ -1,2 +1 @@", "       x", "      -"]),
        (Change("a", None, "x\ny"), ["    a:", "      +x", "      +y"]),
        (Change("a", "x\n\x07", None), ["    a:", "      -x", "      -\\x07"]),
        (
            Change("a", "x" * 70, "y"),
            ["    a:", "      @@ -1 +1 @@", f"      -{'x' * 70}", "      +y"],
        ),
        (
            Change("a", {"k": "x" * 70}, {"k": "y" * 70}, edited=True),
            [
                "    a: (edited since the last apply)",
                "      @@ -1,3 +1,3 @@",
                "       {",
                f'      -  "k": "{"x" * 70}"',
                f'      +  "k": "{"y" * 70}"',
                "       }",
            ],
        ),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, Change) else "",
)
def test_a_change_is_written_from_old_to_new(
    capsys: pytest.CaptureFixture[str], change: Change, lines: list[str]
) -> None:
    assert shown(capsys, updated(change)) == ["~ update assistant 'Luigi'", *lines]


def test_a_long_difference_is_cut_unless_all_is_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    step = updated(Change("a", None, "\n".join(map(str, range(47)))))

    cut, whole = shown(capsys, step), shown(capsys, step, verbose=True)

    assert cut[-2:] == ["      +39", "      … 7 more lines"]
    assert whole[-1] == "      +46"


def test_what_is_new_is_shown_only_when_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    new = [Change("a", None, 0), Change("b", None, []), Change("c", None, "x\ny")]
    step = Step("tool", "find_tables", "create", changes=tuple(new))

    assert shown(capsys, step) == ["+ create tool find_tables"]
    assert shown(capsys, step, verbose=True) == [
        "+ create tool find_tables",
        "    a: 0",
        "    b: []",
        "    c:",
        "      x",
        "      y",
    ]


def test_a_note_stands_below_its_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, updated(notes=("[so] it is\n",)))[1:] == ["    [so] it is\\n"]


@pytest.mark.parametrize(
    ("environ", "is_coloured"),
    [({"FORCE_COLOR": "1"}, True), ({}, False), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
    ids=["a terminal", "a pipe", "NO_COLOR"],
)
def test_colour_is_for_terminals(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    environ: dict[str, str],
    is_coloured: bool,
) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    lines = shown(capsys, Step("tool", "x", "delete", "id-1"))

    assert lines == (
        ["\x1b[31m- delete tool x (id-1)\x1b[0m"] if is_coloured else ["- delete tool x (id-1)"]
    )


@given(st.text(), st.recursive(st.none() | st.text(), st.lists))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_at_vapi_cannot_move_the_cursor(
    capsys: pytest.CaptureFixture[str], name: str, value: object
) -> None:
    step = Step("tool", name, "update", "id-1", (Change(name, value, "x"),), (name,))

    _plan_report.show(Plan(DECLARATION, (step,), (name,), (name,)))

    printed = capsys.readouterr().out
    assert all(c.isprintable() or c == "\n" for c in printed)
