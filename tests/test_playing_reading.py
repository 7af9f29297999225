"""Call files: what can be written in them, what is said of a mistake, and what YAML would twist."""

from __future__ import annotations

import dataclasses
import itertools
import string
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vapitools import Toolset, tool
from vapitools.errors import PlayError
from vapitools.playing import Script, load_script, read_script, starting_file, write_script
from vapitools.playing._script import (
    UNSET,
    Asks,
    CallsTools,
    Ending,
    Expected,
    HandsOver,
    PlannedCall,
    Says,
    Tells,
    Waits,
)

WHOLE = """
# Everything that a call file can hold.
call: Mrs Green books
bot: bot.py:luigi
caller: {number: "+15550100010", name: Mrs Green, sip_uri: "sip:a@b", extension: 12}
number: "+15550100011"
kind: outbound
assistant: Luigi
variables: {guest: true, visits: 3}
server_messages: [tool-calls, status-update]
environment: {DB: "{folder}/a.sqlite", PORT: 8080}
steps:
  - caller: I need a table.
  - assistant: For how many?
  - tool: find_tables
    arguments: {day: 2026-12-24, at: 18:00, people: 4, note: null, phone: 007}
    expect: 18:00
  - tools:
      - tool: book_table
        expect:
          result: {booked: true}
          matches: "[0-9]+"
          heard: [One moment, Booked]
          within: 2.5
      - tool: book_table
        expect: {error: full}
  - transfer:
    expect: {answer: {destination: {type: number}}, within: 1}
  - handoff: Mia
  - handoff: {topic: wine}
    expect: {error: nobody}
  - knowledge: When do you open?
    expect: {answer: {documents: []}, matches: six}
  - message: {type: voice-input, input: Hi}
  - wait: 0.5
end:
  reason: customer-ended-call
  summary: A table was booked.
  success: true
  data: {people: 4}
  expect: {ended: customer-ended-call, heard: Goodbye}
"""


def test_a_whole_call_file_is_read() -> None:
    script = read_script(WHOLE, "booking.call.yaml")

    expected = Script(
        name="Mrs Green books",
        bot="bot.py:luigi",
        customer={
            "number": "+15550100010",
            "name": "Mrs Green",
            "sipUri": "sip:a@b",
            "extension": "12",
        },
        number="+15550100011",
        kind="outbound",
        assistant="Luigi",
        variables={"guest": True, "visits": 3},
        server_messages=["tool-calls", "status-update"],
        environment={"DB": "{folder}/a.sqlite", "PORT": "8080"},
        steps=[
            Says("caller", "I need a table."),
            Says("assistant", "For how many?"),
            CallsTools(
                [
                    PlannedCall(
                        "find_tables",
                        {
                            "day": "2026-12-24",
                            "at": "18:00",
                            "people": 4,
                            "note": None,
                            "phone": "007",
                        },
                        Expected(result="18:00"),
                    )
                ]
            ),
            CallsTools(
                [
                    PlannedCall(
                        "book_table",
                        {},
                        Expected(
                            result={"booked": True},
                            matches="[0-9]+",
                            heard=["One moment", "Booked"],
                            within=2.5,
                        ),
                    ),
                    PlannedCall("book_table", {}, Expected(error="full")),
                ]
            ),
            Asks(
                "transfer-destination-request",
                {},
                Expected(answer={"destination": {"type": "number"}}, within=1.0),
            ),
            HandsOver("Mia"),
            Asks(
                "handoff-destination-request",
                {"parameters": {"topic": "wine"}},
                Expected(error="nobody"),
            ),
            Asks(
                "knowledge-base-request",
                {"question": "When do you open?"},
                Expected(answer={"documents": []}, matches="six"),
            ),
            Tells("voice-input", {"input": "Hi"}),
            Waits(0.5),
        ],
        end=Ending(
            "customer-ended-call",
            {
                "analysis": {
                    "summary": "A table was booked.",
                    "successEvaluation": "true",
                    "structuredData": {"people": 4},
                },
                "summary": "A table was booked.",
            },
            expected="customer-ended-call",
            heard=["Goodbye"],
        ),
    )
    assert without_places(script) == without_places(expected)


def without_places(value: Any) -> Any:
    """The same, as if it had been written in code."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            field.name: without_places(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if field.name not in ("place", "path")
        }
        return dataclasses.replace(value, **fields, **_placeless(value))
    if isinstance(value, (list, tuple)):
        return [without_places(each) for each in value]
    return value


def _placeless(value: Any) -> dict[str, Any]:
    return {"place": ""} if hasattr(value, "place") else {}


def steps_of(text: str) -> list[Any]:
    """The steps of a file that has nothing else."""
    return list(read_script(f"steps:\n{text}").steps)


def arguments_of(text: str) -> Any:
    (step,) = steps_of(f"  - tool: a\n    arguments: {text}")
    return step.calls[0].arguments


def test_a_file_without_a_name_is_called_as_it_is_named() -> None:
    script = read_script("steps: [{caller: Hi}]", "calls/booking.call.yaml")

    assert script.name == "booking"


def test_steps_know_their_lines() -> None:
    text = "call: A\nsteps:\n  - caller: Hi\n  - tools:\n      - tool: a\n      - tool: b\nend: x"

    script = read_script(text, "a.yaml")

    assert [step.place for step in script.steps] == ["a.yaml:3", "a.yaml:4"]
    assert [call.place for call in script.tool_calls] == ["a.yaml:5", "a.yaml:6"]
    assert script.end.place == "a.yaml:7"


def test_no_expectation_is_a_result() -> None:
    (step,) = steps_of("  - tool: a\n    expect:")

    assert (step.calls[0].expected.result, step.calls[0].expected.error) == (None, None)


def test_an_error_without_a_text_is_any_error() -> None:
    (step,) = steps_of("  - tool: a\n    expect: {error: }")

    assert step.calls[0].expected.error == ""


def test_nobody_is_told_anything_where_no_message_is_wanted() -> None:
    script = read_script("server_messages: []\nsteps: [{caller: Hi}]")

    assert script.server_messages == []


# --- what YAML would twist ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-12-24", "2026-12-24"),
        ("2026-12-24T18:00:00Z", "2026-12-24T18:00:00Z"),
        ("18:00", "18:00"),
        ("+15550100010", "+15550100010"),
        ("007", "007"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("on", "on"),
        ("No", "No"),
        ("yes", "yes"),
        (".nan", ".nan"),
        ("12345678901234567890", "12345678901234567890"),
        ("9" * 400 + ".0", "9" * 400 + ".0"),
        ("1e999", "1e999"),
        ("nUll", "nUll"),
        ("'5'", "5"),
        ('"true"', "true"),
        ("!!str 5", "5"),
        ("!!str true", "true"),
        ("|-\n        two\n        lines", "two\nlines"),
        ("5", 5),
        ("-3", -3),
        ("0", 0),
        ("2.50", 2.5),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("[1, a]", [1, "a"]),
        ("{a: {b: 1}}", {"a": {"b": 1}}),
    ],
)
def test_a_value_is_what_a_model_would_send(written: str, read: Any) -> None:
    (step,) = steps_of(f"  - tool: a\n    arguments:\n      x: {written}")
    value = step.calls[0].arguments["x"]

    assert (type(value), value) == (type(read), read)


@pytest.mark.parametrize("text", ["1.50", "007", "on", "True", "1e5", "18:00", "0"])
def test_what_is_said_is_said_as_it_is_written(text: str) -> None:
    (step,) = steps_of(f"  - caller: {text}")

    assert step.text == text


def test_names_are_text() -> None:
    assert arguments_of("{1: a, on: b, null: c, '<<': d}") == {
        "1": "a",
        "on": "b",
        "null": "c",
        "<<": "d",
    }


def test_an_alias_is_what_it_refers_to() -> None:
    assert arguments_of("{a: &a {x: 1}, b: *a}") == {"a": {"x": 1}, "b": {"x": 1}}


@pytest.mark.parametrize("days", ["0", "1", "+1", "-30", "365"])
def test_a_day_is_counted_from_today(days: str) -> None:
    expected = date.today() + timedelta(days=int(days))

    assert arguments_of(f"{{day: !day {days}}}") == {"day": expected.isoformat()}


# --- mistakes -----------------------------------------------------------------------------

HI = "steps:\n  - caller: Hi\n"

MISTAKES = [
    ("", "a.yaml: it is empty; `vapitools play --new` writes one to begin with"),
    ("# nothing", "a.yaml: it is empty"),
    ("- a\n", "a.yaml:1: a call file must be an object, not a list"),
    ("text", "a.yaml:1: a call file must be an object, not text"),
    ("call: A\n", "a.yaml:1: steps is missing: a list of what happens; [] is nothing"),
    ("call: A\nsteps:\n", "a.yaml:2: steps is missing: a list of what happens"),
    ("call: A\nsteps: 5\n", "a.yaml:2: steps is missing: a list of what happens"),
    (f"{HI}stpes: 1\n", "a.yaml:3: a call file has no 'stpes'. Did you mean 'steps'?"),
    (f"{HI}zzz: 1\n", "a.yaml:3: a call file has no 'zzz'. It can be: assistant, bot, call, "),
    (f"{HI}argh:\n  deep: 1\n", "a.yaml:3: a call file has no 'argh'."),
    (f"{HI}kind: phone\n", "a.yaml:3: this must be one of inbound, outbound, web"),
    (f"{HI}kind: [web]\n", "a.yaml:3: this must be one of inbound, outbound, web"),
    (f"{HI}caller: {{nmae: A}}\n", "a.yaml:3: caller has no 'nmae'. Did you mean 'name'?"),
    (f"{HI}caller: [a]\n", "a.yaml:3: this must be text, not a list"),
    (f"{HI}assistant: [a]\n", "a.yaml:3: this must be text, not a list"),
    (f"{HI}variables: 5\n", "a.yaml:3: this must be an object, not a number"),
    (f"{HI}bot: {{a: 1}}\n", "a.yaml:3: this must be text, not an object"),
    (f"{HI}server_messages: hang\n", "a.yaml:3: server_messages must be a list of types"),
    (f"{HI}server_messages:\n  - hnag\n", "a.yaml:4: server_messages has no 'hnag'. Did you mean"),
    (f"{HI}server_messages: [[a]]\n", "a.yaml:3: this must be text, not a list"),
    (f"{HI}environment: {{A: [1]}}\n", "a.yaml:3: this must be text, not a list"),
    (f"{HI}environment: {{A-B: 1}}\n", "a.yaml:3: environment: 'A-B' must be NAME: text"),
    (f'{HI}environment: {{A: "\\0"}}\n', "a.yaml:3: environment: 'A' must be NAME: text"),
    (f"{HI}environment: 5\n", "a.yaml:3: this must be an object, not a number"),
    (f"{HI}end: {{reson: a}}\n", "a.yaml:3: end has no 'reson'. Did you mean 'reason'?"),
    (f"{HI}end: {{expect: {{end: a}}}}\n", "a.yaml:3: expect has no 'end'. Did you mean 'ended'?"),
    (f"{HI}end: {{expect: a}}\n", "a.yaml:3: expect must be an object, not text"),
    (f"{HI}end: [a]\n", "a.yaml:3: this must be text, not a list"),
    ("steps:\n  - tol: a\n", "a.yaml:2: there is no step 'tol'. Did you mean 'tool'?"),
    ("steps:\n  - tol:\n      a: 1\n", "a.yaml:2: there is no step 'tol'. Did you mean 'tool'?"),
    ("steps:\n  - say hello\n", "a.yaml:2: a step is written like `- caller: …`; this is text"),
    ("steps:\n  - {}\n", "a.yaml:2: a step is written like `- caller: …`; this is an object"),
    ("steps:\n  -\n", "a.yaml:2: a step is written like `- caller: …`; this is nothing"),
    ("steps:\n  - caller: Hi\n    tool: a\n", "a.yaml:2: a step is one thing; this is caller and"),
    ("steps:\n  - caller: Hi\n    expect: a\n", "a.yaml:3: this step has no 'expect'."),
    ("steps:\n  - caller:\n", "a.yaml:2: there is nothing to say"),
    ("steps:\n  - caller: '  '\n", "a.yaml:2: there is nothing to say"),
    ("steps:\n  - caller: {a: 1}\n", "a.yaml:2: this must be text, not an object"),
    ("steps:\n  - tool: a\n    args: {}\n", "a.yaml:3: a tool call has no 'args'. Did you mean"),
    ("steps:\n  - tool: a\n    arguments: 5\n", "a.yaml:3: this must be an object, not a number"),
    ("steps:\n  - tool: a\n    arguments: [5]\n", "a.yaml:3: this must be an object, not a list"),
    ("steps:\n  - tool: a\n    expect: {resutl: 1}\n", "a.yaml:3: expect has no 'resutl'."),
    ("steps:\n  - tool: a\n    expect: {matches: (}\n", "a.yaml:3: matches is no regular"),
    ("steps:\n  - tool: a\n    expect: {within: fast}\n", "a.yaml:3: this must be a number of"),
    ("steps:\n  - tool: a\n    expect: {within: true}\n", "a.yaml:3: this must be a number of"),
    ("steps:\n  - tool: a\n    expect: {heard: {a: 1}}\n", "a.yaml:3: this must be text, not an"),
    ("steps:\n  - tools: a\n", "a.yaml:2: tools must be a list of `- tool: …`"),
    ("steps:\n  - tools: []\n", "a.yaml:2: tools must be a list of `- tool: …`"),
    ("steps:\n  - tools:\n      - a\n", "a.yaml:3: a tool call must be an object, not text"),
    ("steps:\n  - tools:\n      - arguments: {}\n", "a.yaml:3: tool is missing: the name of a"),
    ("steps:\n  - wait: long\n", "a.yaml:2: this must be a number of seconds, such as 1.5"),
    ("steps:\n  - wait: -1\n", "a.yaml:2: this must be a number of seconds"),
    ("steps:\n  - wait: 1e300\n", "a.yaml:2: this must be a number of seconds"),
    ("steps:\n  - message: hang\n", "a.yaml:2: this must be an object, not text"),
    ("steps:\n  - message: {a: 1}\n", "a.yaml:2: message must be an object with a type"),
    ("steps:\n  - message: {type: hnag}\n", "a.yaml:2: there is no message 'hnag'. Did you mean"),
    ("steps:\n  - message: {type: tool-calls}\n", "a.yaml:2: tool-calls is written as `- tool:"),
    ("steps:\n  - knowledge:\n", "a.yaml:2: there is nothing to say"),
    ("steps:\n  - handoff: Mia\n    expect: {error: a}\n", "a.yaml:3: a handoff to an assistant"),
    ("steps:\n  - transfer: now\n", "a.yaml:2: this must be an object, not text"),
    # --- YAML itself ---
    ("steps:\n  - a: b: c\n", "a.yaml:2: mapping values are not allowed here"),
    ("steps: [\n", "a.yaml:2: "),
    ("a: 1\n---\nb: 2\n", "a.yaml:2: but found another document"),
    ("a: *b\n", "a.yaml:1: found undefined alias"),
    ("a: &a [*a]\n", "a.yaml:1: an alias stands inside of what it refers to"),
    ("a: 1\nb: 2\na: 3\n", "a.yaml:3: 'a' is there twice"),
    ("a: 1\n[b]: 2\n", "a.yaml:2: a name must be text"),
    ("a: !secret b\n", "a.yaml:1: there is no !secret; there is !day"),
    ("a: !thing {b: 1}\n", "a.yaml:1: there is no !thing for an object or a list"),
    ("a: !day [1]\n", "a.yaml:1: there is no !day for an object or a list"),
    ("a: !day soon\n", "a.yaml:1: write !day with a number of days, such as !day +1"),
    ("a: !!python/object:os.system b\n", "a.yaml:1: "),
    ("a: 1\nb: \x07\n", "a.yaml:2: there is a character that YAML does not allow"),
    ('a: "\\ud83d"\n', "a.yaml:1: there is half of a character"),
    ("a: " + "[" * 5000, "a.yaml"),
    ("a: [" + "1," * 20_001 + "]", "the file has more than 20000 values"),
    ("\tsteps: 1", "a.yaml:1: "),
]


@pytest.mark.parametrize(("text", "said"), MISTAKES)
def test_a_mistake_is_named_with_its_line_and_what_was_meant(text: str, said: str) -> None:
    with pytest.raises(PlayError) as caught:
        read_script(text, "a.yaml")

    assert said in str(caught.value)


def test_all_mistakes_are_named_at_once() -> None:
    text = "kind: phone\nsteps:\n  - tol: a\n  - caller:\n  - tool: a\n    args: {}\nedn: x\n"

    with pytest.raises(PlayError) as caught:
        read_script(text, "a.yaml")

    lines = sorted(problem.split(": ")[0] for problem in caught.value.problems)
    assert lines == ["a.yaml:1", "a.yaml:3", "a.yaml:4", "a.yaml:6", "a.yaml:7"]


def test_a_laugh_of_a_billion_aliases_is_no_laugh() -> None:
    names = string.ascii_lowercase[:10]
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in itertools.pairwise(names)]

    with pytest.raises(PlayError, match="more than 20000 values"):
        read_script("\n".join(lines), "a.yaml")


# --- files --------------------------------------------------------------------------------


def test_a_file_is_read_with_its_path(tmp_path: Path) -> None:
    file = tmp_path / "a.call.yaml"
    file.write_text(f"\ufeff{HI}", "utf-8")

    script = load_script(file)

    assert (script.path, script.name) == (file, "a")
    assert script.steps[0].place == f"{file}:2"


def test_a_file_that_is_not_there_is_said_with_one_that_is(tmp_path: Path) -> None:
    (tmp_path / "booking.call.yaml").touch()

    with pytest.raises(PlayError, match=r"there is no file .*\. Did you mean 'booking\.call"):
        load_script(tmp_path / "bookin.call.yaml")
    with pytest.raises(PlayError, match=r"there is no file .*c\.yaml$"):
        load_script(tmp_path / "none" / "c.yaml")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"steps: \xff", "it is no text in UTF-8", id="latin"),
        pytest.param(b"#" * 1_048_577, "at most 1048576 bytes", id="huge"),
        pytest.param(b"#" * 1_048_576 + "é".encode(), "at most 1048576 bytes", id="cut letter"),
        pytest.param(b"\x00\x01", "a character that YAML does not allow", id="binary"),
    ],
)
def test_a_file_that_is_no_call_file_is_said(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(content)

    with pytest.raises(PlayError, match=said):
        load_script(file)


def test_a_folder_is_no_call_file(tmp_path: Path) -> None:
    with pytest.raises(PlayError, match=rf"^{tmp_path}: "):
        load_script(tmp_path)


# --- whatever is written ------------------------------------------------------------------

WORDS = """
    call: steps: tool: tools: caller: assistant: arguments: expect: result: error: matches: heard:
    within: transfer: handoff: knowledge: message: wait: end: environment: server_messages: kind:
    variables: type: - [ ] { } , & * ! | > ' " # --- !day !!str &a *a true null 1 -1 1e5 a x: ? :
""".split()
SPACES = ["\n", "\n  ", "\n    ", "  - ", " ", "\n  - tool: a\n    ", "steps:\n  - "]
PIECES = st.sampled_from([*WORDS, *SPACES])


@given(st.text(alphabet=st.characters()) | st.lists(PIECES, max_size=25).map("".join))
@example("steps: [{caller: Hi}]\nserver_messages: [{a: b}]")
@example("? a\n: b")
@example("steps:\n  - tool: !!null a")
@example("steps:\n  - tool: !!timestamp a")
def test_any_text_is_a_call_or_an_error_of_ours(text: str) -> None:
    problems: Sequence[str] = ()
    try:
        read_script(text, "a.yaml")
    except PlayError as error:
        problems = error.problems

    assert all(problem.startswith("a.yaml") for problem in problems)


# --- written ------------------------------------------------------------------------------

TRAPS = [
    *(
        "1e5",
        "nUll",
        "2026-12-24",
        "18:00",
        "on",
        "007",
        "a: b",
        "- a",
        "# no",
        "a\nb",
        " a ",
        "!x",
    ),
    *("'", '"', "\\", "{a}", "*a", "&a", "\x85", "\u2028", "\ufeff", "😀", "a" * 200, "null", "~"),
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(TRAPS)
SPOKEN = TEXTS.filter(str.strip)
NUMBERS = st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=3)
SECONDS = st.floats(0, 3600)
# One of them: a tool has a result or an error.
OUTCOMES = st.fixed_dictionaries({"result": st.just(UNSET) | VALUES}) | st.fixed_dictionaries(
    {"error": TEXTS}
)
REST = st.builds(
    Expected,
    matches=st.none() | st.sampled_from(["[0-9]+", "a|b", "^x: 'y'$"]),
    heard=st.lists(TEXTS, max_size=2),
    within=st.none() | SECONDS,
)
EXPECTED = st.builds(lambda rest, outcome: dataclasses.replace(rest, **outcome), REST, OUTCOMES)
OF_AN_ANSWER = st.builds(
    Expected, error=st.none() | TEXTS, within=st.none() | SECONDS, answer=st.just(UNSET) | VALUES
)
CALLS = st.builds(PlannedCall, TEXTS, OBJECTS, EXPECTED)
STEPS = st.one_of(
    st.builds(Says, st.sampled_from(["caller", "assistant"]), SPOKEN),
    st.builds(CallsTools, st.lists(CALLS, min_size=1, max_size=2)),
    st.builds(Asks, st.just("transfer-destination-request"), OBJECTS, OF_AN_ANSWER),
    st.builds(
        Asks,
        st.just("handoff-destination-request"),
        st.fixed_dictionaries({"parameters": OBJECTS}),
        OF_AN_ANSWER,
    ),
    st.builds(
        Asks,
        st.just("knowledge-base-request"),
        st.fixed_dictionaries({"question": SPOKEN}),
        OF_AN_ANSWER,
    ),
    st.builds(
        Tells,
        st.sampled_from(["hang", "voice-input", "something.new"]),
        st.dictionaries(TEXTS.filter(lambda name: name != "type"), VALUES, max_size=2),
    ),
    st.builds(HandsOver, SPOKEN),
    st.builds(Waits, SECONDS),
)
ANALYSES = st.dictionaries(
    st.sampled_from(["summary", "successEvaluation"]), SPOKEN, max_size=2
) | st.fixed_dictionaries({"structuredData": OBJECTS})


def report(analysis: dict[str, Any]) -> dict[str, Any]:
    summary = {"summary": analysis["summary"]} if "summary" in analysis else {}
    return {"analysis": analysis, **summary} if analysis else {}


SCRIPTS = st.builds(
    Script,
    name=TEXTS,
    steps=st.lists(STEPS, max_size=4),
    kind=st.sampled_from(["inbound", "outbound", "web"]),
    customer=st.dictionaries(
        st.sampled_from(["number", "name", "sipUri", "extension"]), TEXTS, max_size=4
    ),
    number=TEXTS,
    assistant=st.none() | TEXTS | OBJECTS,
    variables=OBJECTS,
    server_messages=st.none() | st.lists(st.sampled_from(["hang", "tool-calls"]), max_size=2),
    end=st.builds(
        Ending,
        SPOKEN,
        ANALYSES.map(report),
        st.none() | TEXTS,
        st.lists(TEXTS, max_size=2),
    ),
    bot=st.none() | TEXTS,
    url=st.none() | TEXTS,
    environment=st.dictionaries(
        st.from_regex(r"[A-Z_]{1,9}", fullmatch=True),
        TEXTS.filter(lambda text: "\0" not in text),
        max_size=2,
    ),
)


@given(SCRIPTS)
def test_what_is_written_is_read_as_the_same_call(script: Script) -> None:
    read = read_script(write_script(script), "a.yaml")

    assert without_places(read) == without_places(script)


def test_what_is_written_is_made_for_reading() -> None:
    script = Script(
        "Mrs Green books",
        [
            Says("caller", "A table, please."),
            CallsTools([PlannedCall("find", {"day": "2026-12-24"}, Expected("18:00"))]),
            Waits(1.5),
        ],
        bot="bot.py",
    )

    assert write_script(script).splitlines() == [
        "call: Mrs Green books",
        "bot: bot.py",
        "caller: '+15550100000'",
        "steps:",
        "  - caller: A table, please.",
        "  - tool: find",
        "    arguments:",
        "      day: '2026-12-24'",
        "    expect:",
        "      result: '18:00'",
        "  - wait: 1.5",
        "end: customer-ended-call",
    ]


# --- a file to begin with -----------------------------------------------------------------


@tool
def book_table(day: date, people: int) -> str:
    """Book a table."""
    return "Booked."


def test_a_file_to_begin_with_calls_each_tool_tomorrow() -> None:
    text = starting_file(Toolset([book_table]), bot="bot.py", assistant="Luigi")
    script = read_script(text, "a.yaml")

    tomorrow = (date.today() + timedelta(days=1)).isoformat()
    assert "day: !day +1" in text
    assert [(call.tool, call.arguments["day"]) for call in script.tool_calls] == [
        ("book_table", tomorrow)
    ]
    assert (script.bot, script.assistant) == ("bot.py", "Luigi")


def test_a_file_to_begin_with_for_a_bot_without_tools_has_a_caller_all_the_same() -> None:
    script = read_script(starting_file(Toolset([]), bot="bot.py"))

    assert [type(step) for step in script.steps] == [Says, Says]
