"""An assistant at Vapi as Python code: it runs, and says the same."""

from __future__ import annotations

import ast
import copy
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.dialect import check
from vapitools import Assistant, Tool, pulling

ID = "00000000-0000-4000-8000-00000000000{}".format
SECRET = "s3cret-of-theirs"
STORED = {
    "orgId": ID(9),
    "createdAt": "2026-01-01T00:00:00.000Z",
    "updatedAt": "2026-01-01T00:00:00.000Z",
}


def function_tool(
    properties: dict[str, Any] | None = None, required: Any = (), **fields: Any
) -> dict[str, Any]:
    """A function tool as Vapi has stored it."""
    parameters = {"type": "object", "properties": properties or {}, "required": [*required]}
    function = {
        "name": "book_table",
        "description": "Book a table.",
        "strict": False,
        "parameters": parameters,
        **fields.pop("function", {}),
    }
    return {
        **STORED,
        "id": ID(1),
        "type": "function",
        "async": False,
        "function": function,
        **fields,
    }


def assistant_with(*tools: Any, **fields: Any) -> dict[str, Any]:
    """An assistant as Vapi has stored it, with these inline tools."""
    model = {
        "provider": "openai",
        "model": "gpt-4o",
        "messages": [{"role": "system", "content": "You take bookings."}],
        "tools": list(tools),
    }
    return {**STORED, "id": ID(7), "name": "Luigi", "model": model, **fields}


@contextmanager
def ran(code: str) -> Iterator[dict[str, Any]]:
    """The names in a module of that code."""
    module = ModuleType("pulled")
    sys.modules["pulled"] = module  # where dataclasses look for their names
    try:
        exec(compile(code, "pulled.py", "exec"), vars(module))
        yield vars(module)
    finally:
        del sys.modules["pulled"]


def the_assistant(code: str) -> dict[str, Any]:
    """What the code defines."""
    with ran(code) as names:
        [found] = [value for value in names.values() if isinstance(value, Assistant)]
        return found.definition()


def the_tool(code: str) -> dict[str, Any]:
    """What the only function in the code defines, with a server, for what stands there."""
    with ran(code) as names:
        [found] = [value for value in names.values() if isinstance(value, Tool)]
        return found.definition(server={})


def pulled(tool: dict[str, Any]) -> str:
    """The code for an assistant that has this tool beside it."""
    assistant = assistant_with()
    assistant["model"]["toolIds"] = [tool["id"]]
    return pulling.source(assistant, [tool])


ADDED = {"contents": [], "conditions": [], "blocking": False, "role": "assistant", "default": ""}
ADDED |= {"endCallAfterSpokenEnabled": False, "async": False, "strict": False, "required": []}
ADDED |= {"messages": [], "timeoutSeconds": 20, "url": None, "description": ""}


def plain(value: Any) -> Any:
    """Without what Vapi adds, and without an order where there is none."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: plain(item) for key, item in value.items() if item is not None}
    # Python takes two types with the same choices for one, and so can change their order.
    for key in ("required", "encryptedPaths", "enum"):
        if key in kept:
            kept[key] = sorted(kept[key])
    if isinstance(kept.get("description"), str):
        kept["description"] = kept["description"].strip()
    return {
        key: item
        for key, item in kept.items()
        if key not in STORED and key != "id" and not (key in ADDED and item == ADDED[key])
    }


def said(tool: dict[str, Any]) -> dict[str, Any]:
    """The tool with a server that may be empty, to be compared."""
    made: dict[str, Any] = plain({**tool, "server": tool.get("server") or {}})
    function = made["function"]
    function["parameters"] = {"properties": {}, **function.get("parameters", {"type": "object"})}
    return made


def comments(code: str) -> str:
    """The comments of the code as one text."""
    return " ".join(line[2:] for line in code.splitlines() if line.startswith("# "))


# --- a whole one --------------------------------------------------------------------------

BOOK_TABLE = function_tool(
    {
        "day": {"type": "string", "format": "date", "description": "The day of the visit."},
        "party_size": {"type": "integer", "default": ""},
        "area": {"type": "string", "enum": ["inside", "garden"]},
    },
    ["day"],
    messages=[
        {
            "type": "request-start",
            "content": "One moment.",
            "contents": [],
            "conditions": [],
            "blocking": False,
        }
    ],
    parameters=[{"key": "caller", "value": "{{customer.number}}"}],
    server={"url": "https://old.example.com/book", "timeoutSeconds": 30},
)
LUIGI = {
    **assistant_with(
        {"type": "endCall"},
        {"type": "transferCall", "destinations": [{"type": "number", "number": "+15550100020"}]},
    ),
    "firstMessage": "Luigi's, hello!",
    "voice": {"provider": "vapi", "voiceId": "Elliot"},
    "transcriber": {"provider": "deepgram", "model": "nova-3"},
    "maxDurationSeconds": 600,
    "serverMessages": ["tool-calls", "end-of-call-report"],
    "isServerUrlSecretSet": True,
}
LUIGI["model"]["toolIds"] = [ID(1)]
CODE = '''"""The assistant 'Luigi', as it was at Vapi.

Its id there is 00000000-0000-4000-8000-000000000007.
"""

from datetime import date
from typing import Annotated, Literal

from vapitools import Assistant, EndCall, RequestStart, Static, TransferCall, tool


# Behind https://old.example.com/book until now.
@tool(messages=[RequestStart("One moment.")], timeout=28)
def book_table(
    day: date,
    party_size: int | None = None,
    area: Literal["inside", "garden"] | None = None,
    *,
    caller: Annotated[str, Static("{{customer.number}}")],
) -> str:
    """Book a table.

    Args:
        day: The day of the visit.
    """
    raise NotImplementedError("book_table is not written yet")


luigi = Assistant(
    name="Luigi",
    first_message="Luigi's, hello!",
    system_prompt="You take bookings.",
    model="openai/gpt-4o",
    voice="vapi/Elliot",
    transcriber="deepgram/nova-3",
    tools=[EndCall(), TransferCall("+15550100020"), book_table],
    max_duration_seconds=600,
    server_messages=["tool-calls", "end-of-call-report"],
)
'''


def test_an_assistant_is_written_as_a_person_would() -> None:
    assert pulling.source(LUIGI, [BOOK_TABLE]) == CODE


def test_the_code_says_what_was_pulled() -> None:
    definition = the_assistant(CODE)

    [*inline, tool] = definition["model"].pop("tools")
    [model, wanted] = [definition.pop("model"), copy.deepcopy(LUIGI["model"])]
    assert inline == wanted.pop("tools")
    assert wanted.pop("toolIds") == [BOOK_TABLE["id"]]
    assert plain(tool)["function"] == said(BOOK_TABLE)["function"]
    assert model == wanted
    left = {"model", "isServerUrlSecretSet"}
    assert definition == {key: item for key, item in plain(LUIGI).items() if key not in left}


def test_what_was_pulled_is_not_changed() -> None:
    assistant, tool = copy.deepcopy(LUIGI), copy.deepcopy(BOOK_TABLE)

    pulling.source(assistant, [tool])

    assert (assistant, tool) == (LUIGI, BOOK_TABLE)


def test_an_empty_assistant_is_one() -> None:
    assert the_assistant(pulling.source({"id": ID(7)}, [])) == {}


# --- the hints ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "hint"),
    [
        ({"type": "string"}, "str"),
        ({"type": "number"}, "float"),
        ({"type": "integer"}, "int"),
        ({"type": "boolean"}, "bool"),
        ({"type": "string", "format": "date"}, "date"),
        ({"type": "string", "format": "time"}, "time"),
        ({"type": "string", "format": "date-time"}, "datetime"),
        ({"type": "string", "format": "duration"}, "timedelta"),
        ({"type": "string", "format": "uuid"}, "UUID"),
        ({"type": "string", "format": "ipv4"}, "IPv4Address"),
        ({"type": "string", "format": "ipv6"}, "IPv6Address"),
        ({"type": "string", "format": "email"}, "Email"),
        ({"type": "string", "format": "hostname"}, "Hostname"),
        ({"type": "string", "enum": ["a", "b"]}, 'Literal["a", "b"]'),
        ({"type": "string", "enum": ["a" * 30, "b" * 30]}, "It"),
        (
            {"type": "string", "pattern": r"^[A-Z]{2}\d+$"},
            r'Annotated[str, Field(pattern=r"^[A-Z]{2}\d+$")]',
        ),
        (
            {"type": "string", "pattern": "(?=a)b"},
            'Annotated[str, WithJsonSchema({"type": "string", "pattern": "(?=a)b"})]',
        ),
        ({"type": "array", "items": {"type": "integer"}}, "list[int]"),
        ({"type": "array", "items": {"type": "integer", "description": "A"}}, "list[EachItItem]"),
        ({"type": "object", "properties": {}}, "dict[str, Any]"),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, "It"),
        (
            {"type": "array", "items": {"type": "array", "items": {"type": "string"}}},
            "list[list[str]]",
        ),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_schema_becomes_the_hint_that_makes_it(schema: dict[str, Any], hint: str) -> None:
    tool = function_tool({"it": schema}, ["it"])

    code = pulled(tool)

    [function] = [node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
    assert ast.unparse(function.args.args[0]) == f"it: {ast.unparse(ast.parse(hint))}"
    assert said(the_tool(code)) == said(tool)


def test_objects_within_become_dataclasses_with_good_names() -> None:
    guest = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "First and last."},
            "date": {"type": "string", "format": "date"},
            "Born": {"type": "string", "format": "date"},
            "first-visit": {"type": "boolean"},
        },
        "required": ["name", "Born"],
    }
    tool = function_tool({"guests": {"type": "array", "items": guest}, "host": guest}, ["host"])

    code = pulled(tool)

    assert said(the_tool(code)) == said(tool)
    assert (
        """@dataclass(kw_only=True)
class Guest:
    name: Annotated[str, "First and last."]
    date_: Annotated[date | None, Field(alias="date")] = None
    born: Annotated[date, Field(alias="Born")]
    first_visit: Annotated[bool | None, Field(alias="first-visit")] = None
"""
        in code
    )
    assert "guests: list[Guest] | None = None" in code
    assert "host: Guest" in code


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("guests", "Guest"),
        ("allergies", "Allergy"),
        ("address", "AddressItem"),
        ("line_items", "LineItem"),
        ("orderLines", "OrderLine"),
        ("1st", "Part1StItem"),
        ("é", "Item"),
        ("list", "ListItem"),
        ("Fields", "Field_"),
    ],
)
def test_a_class_is_called_as_one_of_them(key: str, name: str) -> None:
    item = {"type": "object", "properties": {"a": {"type": "string"}}}
    tool = function_tool({key: {"type": "array", "items": item}}, [key])

    code = pulled(tool)

    assert f"class {name}:" in code
    assert said(the_tool(code)) == said(tool)


def test_names_that_python_does_not_have_are_aliases() -> None:
    keys = ["class", "party-size", "2nd", "a b", "a_b", "é", "ﬁ", "__x", "", "self", "date"]
    properties = {key: {"type": "string", "description": f"As {key!r}."} for key in keys}
    tool = function_tool(properties, function={"name": "import"})

    code = pulled(tool)

    assert said(the_tool(code)) == said(tool)
    assert '@tool(name="import")\ndef import_(' in code
    assert 'class_: Annotated[str | None, Field(alias="class")] = None' in code
    assert "    é: str | None = None," in code
    assert 'parameter_2nd: Annotated[str | None, Field(alias="2nd")] = None' in code


def test_a_tool_that_is_called_like_something_in_use_does_not_hide_it() -> None:
    day = {"day": {"type": "string", "format": "date"}}
    one = function_tool(day, function={"name": "date"})
    two = {**function_tool(day, function={"name": "tool"}), "id": ID(2)}
    assistant = assistant_with(name="str")
    assistant["model"]["toolIds"] = [ID(1), ID(2)]

    definition = the_assistant(pulling.source(assistant, [one, two]))

    assert [said(tool) for tool in definition["model"]["tools"]] == [said(one), said(two)]


# --- the docstring ------------------------------------------------------------------------


def test_paragraphs_stand_apart_in_the_docstring() -> None:
    long = "It is said in many words, too many for one line of the code that is pulled from Vapi."
    tool = function_tool(
        {"day": {"type": "string", "description": long}},
        function={"description": f"{long}\nAsk first."},
    )

    code = pulled(tool)

    assert (
        '''    """It is said in many words, too many for one line of the code that is pulled from
    Vapi.

    Ask first.

    Args:
        day: It is said in many words, too many for one line of the code that is pulled
            from Vapi.
    """
'''
        in code
    )
    assert said(the_tool(code)) == said(tool)


@pytest.mark.parametrize(
    ("description", "of_day", "written"),
    [
        ("Book.\n\n- one\n- two", "", 'description="Book.\\n\\n- one\\n- two"'),
        ("", "The day:\n- today", 'day: Annotated[str, "The day:\\n- today"]'),
    ],
)
def test_what_a_docstring_would_change_is_said_elsewhere(
    description: str, of_day: str, written: str
) -> None:
    day = {"day": {"type": "string", "description": of_day}}
    tool = function_tool(day, ["day"], function={"description": description})

    code = pulled(tool)

    assert written in code
    assert code.count('"""') == 2
    assert said(the_tool(code)) == said(tool)


# --- the decorator ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "written"),
    [
        ({"async": True}, "@tool(wait=False)"),
        ({"server": {"timeoutSeconds": 3}}, "@tool(timeout=1)"),
        ({"server": {"timeoutSeconds": 300}}, "@tool(timeout=298)"),
        ({"server": {"timeoutSeconds": 30.0}}, "@tool(timeout=28)"),
        ({"server": {"timeoutSeconds": 20}}, "@tool"),
        ({"server": None, "messages": None, "async": None, "parameters": None}, "@tool"),
    ],
)
def test_what_is_not_the_default_stands_at_the_decorator(
    fields: dict[str, Any], written: str
) -> None:
    tool = function_tool(**fields)

    code = pulled(tool)

    assert f"{written}\ndef book_table" in code
    assert said(the_tool(code)) == said(tool)


MESSAGES = [
    ({"type": "request-start", "content": "Hm."}, 'RequestStart("Hm.")'),
    ({"type": "request-start", "content": "", "blocking": True}, 'RequestStart("", blocking=True)'),
    (
        {"type": "request-response-delayed", "content": "Hm.", "timingMilliseconds": 1500},
        'RequestDelayed("Hm.", after=1.5)',
    ),
    (
        {"type": "request-complete", "content": "Hm.", "role": "system"},
        'RequestComplete("Hm.", role="system")',
    ),
    (
        {
            "type": "request-failed",
            "content": "Hm.",
            "endCallAfterSpokenEnabled": True,
            "conditions": [{"param": "a", "operator": "gt", "value": "8"}],
        },
        'RequestFailed("Hm.", end_call=True, conditions=[Condition("a", "gt", "8")])',
    ),
    (
        {
            "type": "request-start",
            "contents": [
                {"type": "text", "text": "Hm.", "language": "en"},
                {"type": "text", "text": "Äh.", "language": "de"},
            ],
        },
        'RequestStart({"en": "Hm.", "de": "Äh."})',
    ),
    ({"type": "request-start"}, '{"type": "request-start"}'),
    ({"type": "request-start", "content": "Hm.", "new": 1}, '"new": 1}'),
    (
        {"type": "request-response-delayed", "content": "Hm.", "timingMilliseconds": 1},
        '"timingMilliseconds": 1',
    ),
]


@pytest.mark.parametrize(("message", "written"), MESSAGES)
def test_a_spoken_message_is_the_call_that_makes_it(message: dict[str, Any], written: str) -> None:
    tool = function_tool(messages=[message])

    code = pulled(tool)

    assert written in "".join(line.strip() for line in code.splitlines())
    assert said(the_tool(code)) == said(tool)


def test_static_parameters_are_filled_in_by_vapi() -> None:
    values = ["{{customer.number}}", 5, 1.5, True, None, [1], {"a": 1}]
    static = [{"key": f"key-{i}", "value": value} for i, value in enumerate(values)]
    tool = function_tool(parameters=static)

    definition = the_tool(pulled(tool))

    assert definition["parameters"] == static


def test_encrypted_arguments_stay_so() -> None:
    inner = {"type": "object", "properties": {"number": {"type": "string"}}}
    tool = function_tool(
        {"ssn": {"type": "string"}, "card": inner, "born": {"type": "string", "format": "date"}},
        server={"encryptedPaths": ["ssn", "card.number", "born"]},
    )

    code = pulled(tool)

    assert "number: Annotated[str | None, Encrypted] = None" in code
    assert said(the_tool(code)) == said(tool)


def test_a_strict_tool_stays_strict() -> None:
    properties = {"day": {"type": "string"}}
    tool = function_tool(properties, ["day"], function={"strict": True})
    tool["function"]["parameters"]["additionalProperties"] = False

    code = pulled(tool)

    assert "@tool(strict=True)" in code
    assert "# " not in code
    assert said(the_tool(code)) == said(tool)


# --- what cannot be said ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tool", "told"),
    [
        (function_tool({"a": {"type": "string", "minLength": 3}}), "- a.minLength = 3"),
        (function_tool({"a": {"type": "string", "title": "An A"}}), '- a.title = "An A"'),
        (function_tool({"a": {"type": "integer", "default": 0}}), "- a.default = 0"),
        (function_tool({"a": {"type": "integer", "enum": [1, 2]}}), "- a.enum = [1, 2]"),
        (function_tool({"a": {"anyOf": [{"type": "null"}]}}), '- a.anyOf = [{"type": "null"}]'),
        (function_tool({"a": {"type": ["string", "null"]}}), '- a.type = ["string", "null"]'),
        (function_tool({"a": {"type": "file"}}), '- a.type = "file"'),
        (function_tool({"a": True}), "- a = true"),
        (
            function_tool({"a": {"type": "string", "format": "date", "pattern": "^2"}}),
            '- a.pattern = "^2"',
        ),
        (function_tool({"a": {"type": "string", "format": "uri"}}), '- a.format = "uri"'),
        (function_tool({}, ["b"]), '- parameters.required = ["b"]'),
        (
            function_tool(rejectionPlan={"conditions": []}),
            '- rejectionPlan = {"conditions": []}',
        ),
        (
            function_tool(variableExtractionPlan={"aliases": [{"key": "a", "value": "b"}]}),
            '- variableExtractionPlan = {"aliases": [{"key": "a", "value": "b"}]}',
        ),
        (
            function_tool(server={"backoffPlan": {"type": "fixed"}, "credentialId": ID(5)}),
            f'- server.backoffPlan = {{"type": "fixed"}} - server.credentialId = "{ID(5)}"',
        ),
        (function_tool(server={"timeoutSeconds": 2}), "- server.timeoutSeconds = 2"),
        (function_tool(server={"timeoutSeconds": 9.5}), "- server.timeoutSeconds = 9.5"),
        (function_tool(server={"timeoutSeconds": 301}), "- server.timeoutSeconds = 301"),
        (function_tool(server={"timeoutSeconds": "9"}), '- server.timeoutSeconds = "9"'),
        (
            function_tool({"a": {"type": "array"}}, server={"encryptedPaths": ["a", "b.c"]}),
            '- server.encryptedPaths = ["a"] - server.encryptedPaths = ["b.c"]',
        ),
        (
            function_tool(messages=[{"type": "request-strat"}]),
            '- messages: {"type": "request-strat"}',
        ),
        (
            function_tool({"a": {"type": "string"}}, parameters=[{"key": "a", "value": 1}]),
            "- parameters: Vapi fills in a with 1, whatever the model says",
        ),
        (
            function_tool({"a": {"type": "object"}}, function={"strict": True}),
            "- strict: it does not go with an object of any names",
        ),
        (
            function_tool({"a": {"type": "string"}}, function={"strict": True}),
            "- strict: the model now has to fill in every parameter",
        ),
        (function_tool(function={"newer": 1}), "- function.newer = 1"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_a_function_cannot_say_stands_in_a_comment(tool: dict[str, Any], told: str) -> None:
    code = pulled(tool)

    assert told in comments(code)
    the_tool(code)


def test_comments_tell_where_the_rest_is() -> None:
    tool = function_tool(rejectionPlan={"a": 1})

    code = pulling.source(assistant_with(tool, serverUrl="https://a.b"), [])

    assert comments(code) == (
        "It stands inside the assistant at Vapi: with --adopt, this one takes its place. "
        "Vapi also has the following of it, which is not said here: "
        '- rejectionPlan = {"a": 1} '
        "Vapi also has the following of it, which is not said here: "
        '- serverUrl = "https://a.b"'
    )
    assert "inside" not in pulled(tool)


def test_a_description_that_is_too_long_is_cut_off_in_sight() -> None:
    words = [f"word{number}" for number in range(200)]
    tool = function_tool(function={"description": " ".join(words)})

    code = pulled(tool)

    kept = the_tool(code)["function"]["description"]
    assert " ".join(words).startswith(kept)
    assert len(kept) > 900
    assert comments(code).endswith(" ".join(words).removeprefix(kept).strip())


def test_a_tool_that_does_not_exist_is_named() -> None:
    assistant = assistant_with()
    assistant["model"] |= {"toolIds": [ID(3)], "toolRefs": [{"toolId": ID(3), "version": 1}]}

    code = pulling.source(assistant, [])

    assert f"- the tool {ID(3)}, which does not exist: its calls fail" in comments(code)
    assert the_assistant(code)["model"].keys() == {"provider", "model", "messages"}


def test_two_tools_of_one_name_are_not_both_written() -> None:
    assistant = assistant_with(function_tool())
    assistant["model"]["toolIds"] = [ID(2)]

    code = pulling.source(assistant, [{**function_tool(), "id": ID(2)}])

    assert f"- another tool named 'book_table': {ID(2)}" in comments(code)
    assert len(the_assistant(code)["model"]["tools"]) == 1


def test_a_tool_that_has_the_name_of_a_function_is_not_written() -> None:
    request = {"type": "apiRequest", "name": "book_table", "method": "GET", "url": "https://a.b"}

    code = pulling.source(assistant_with(function_tool(), request), [])

    assert f"- another tool named 'book_table': {json.dumps(request)}" in comments(code)
    assert len(the_assistant(code)["model"]["tools"]) == 1


def test_a_tool_that_is_no_function_stays_where_it_is() -> None:
    assistant = assistant_with()
    assistant["model"]["toolIds"] = [ID(2)]
    assistant["model"]["toolRefs"] = [{"toolId": ID(2), "version": 3}]

    code = pulling.source(assistant, [{**STORED, "id": ID(2), "type": "sms"}])

    model = the_assistant(code)["model"]
    assert (model["toolIds"], model["toolRefs"]) == ([ID(2)], [{"toolId": ID(2), "version": 3}])
    assert f"{ID(2)} is a tool of the type sms" in comments(code)


def test_a_version_that_is_pinned_is_named() -> None:
    assistant = assistant_with()
    assistant["model"]["toolRefs"] = [{"toolId": ID(1), "version": 3}]

    code = pulling.source(assistant, [function_tool()])

    assert '- model.toolRefs = {"toolId": ' in comments(code)
    assert len(the_assistant(code)["model"]["tools"]) == 1


def test_the_ids_of_its_tools_are_each_there_once() -> None:
    model = {"toolIds": [ID(1), ID(2)], "toolRefs": [{"toolId": ID(2)}, {"toolId": ID(3)}, {}]}

    assert pulling.tool_ids({"model": model}) == [ID(1), ID(2), ID(3)]
    assert pulling.tool_ids({"model": {"toolIds": None}}) == []
    assert pulling.tool_ids({}) == []


# --- Vapi's own tools ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tool", "written"),
    [
        ({"type": "endCall"}, "EndCall()"),
        ({"type": "dtmf", "sipInfoDtmfEnabled": True}, "Dtmf(sip_info=True)"),
        ({"type": "voicemail", "beepDetectionEnabled": True}, "Voicemail(beep_detection=True)"),
        ({"type": "sms"}, "Sms()"),
        (
            {"type": "endCall", "messages": [{"type": "request-start", "content": "Bye."}]},
            'EndCall(messages=[RequestStart("Bye.")])',
        ),
        (
            {"type": "transferCall", "destinations": [{"type": "sip", "sipUri": "sip:a@b.c"}]},
            'TransferCall("sip:a@b.c")',
        ),
        (
            {
                "type": "transferCall",
                "destinations": [
                    {"type": "number", "number": "+15550100020", "message": "", "extension": "7"}
                ],
            },
            'TransferCall(NumberDestination("+15550100020", message="", extension="7"))',
        ),
        (
            {
                "type": "transferCall",
                "destinations": [
                    {"type": "number", "number": "100", "numberE164CheckEnabled": False}
                ],
            },
            'TransferCall(NumberDestination("100", check=False))',
        ),
        (
            {
                "type": "transferCall",
                "destinations": [
                    {
                        "type": "number",
                        "number": "+15550100020",
                        "message": {
                            "type": "custom-message",
                            "contents": [{"type": "text", "text": "Hm.", "language": "en"}],
                        },
                    }
                ],
            },
            'TransferCall(NumberDestination("+15550100020", message={"en": "Hm."}))',
        ),
        (
            {
                "type": "transferCall",
                "destinations": [{"type": "number", "number": "+15550100020", "newer": 1}],
            },
            'TransferCall({"type": "number", "number": "+15550100020", "newer": 1})',
        ),
        (
            {"type": "transferCall", "destinations": [{"type": "brand-new"}]},
            '{"type": "transferCall", "destinations": [{"type": "brand-new"}]}',
        ),
        (
            {
                "type": "handoff",
                "destinations": [{"type": "assistant", "assistantName": "Billing"}],
            },
            'Handoff("Billing")',
        ),
        (
            {"type": "handoff", "destinations": [{"type": "assistant", "assistantId": ID(4)}]},
            f'Handoff("{ID(4)}")',
        ),
        (
            {
                "type": "query",
                "knowledgeBases": [
                    {
                        "provider": "google",
                        "name": "menu",
                        "description": "The menu.",
                        "fileIds": ["f-1"],
                    }
                ],
            },
            'Query("menu", description="The menu.", file_ids=["f-1"])',
        ),
        (
            {
                "type": "mcp",
                "server": {"url": "https://mcp.example.com/mcp"},
                "metadata": {"protocol": "sse"},
            },
            'Mcp("https://mcp.example.com/mcp", protocol="sse")',
        ),
        (
            {
                "type": "apiRequest",
                "name": "look",
                "method": "GET",
                "url": "https://example.com/a",
                "timeoutSeconds": 9,
                "parameters": [{"key": "a", "value": "{{b}}"}],
            },
            'ApiRequest("https://example.com/a", method="GET", name="look", '
            'parameters={"a": "{{b}}"}, timeout=9)',
        ),
        ({"type": "slack.message.send"}, '{"type": "slack.message.send"}'),
        ({"type": "endCall", "newer": 1}, '{"type": "endCall", "newer": 1}'),
        ({"type": "make", "metadata": {"scenarioId": 3}}, '{"type": "make"'),
        ({"type": "dtmf", "messages": [{"type": "request-strat"}]}, '{"type": "dtmf"'),
        ({"type": "dtmf", "messages": 5}, '{"type": "dtmf", "messages": 5}'),
        ({"type": "function", "function": {"name": "not a name"}}, '{"type": "function"'),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_tool_of_vapis_own_is_the_call_that_makes_it(tool: dict[str, Any], written: str) -> None:
    code = pulling.source(assistant_with(tool), [])

    joined = "".join(line.strip() for line in code.splitlines())
    assert written.replace(" ", "") in joined.replace(" ", "").replace(",)", ")").replace(",]", "]")
    assert plain(the_assistant(code)["model"]["tools"]) == [plain(tool)]


def test_two_of_vapis_own_tools_of_one_name_are_not_both_written() -> None:
    request = {"type": "apiRequest", "name": "look", "method": "GET", "url": "https://a.b"}

    code = pulling.source(assistant_with(request, {"type": "sms"}, request), [])

    assert "- another tool named 'look'" in comments(code)
    assert the_assistant(code)["model"]["tools"] == [request, {"type": "sms"}]


def test_a_tool_without_a_class_of_its_own_stands_among_the_others() -> None:
    code = pulling.source(assistant_with({"type": "slack.message.send"}), [])

    assert '    tools=[{"type": "slack.message.send"}],' in code


def test_that_a_number_is_checked_is_not_written() -> None:
    where = {"type": "number", "number": "+15550100020", "numberE164CheckEnabled": True}
    tool = {"type": "transferCall", "destinations": [{**where, "message": None}]}

    assert 'TransferCall("+15550100020")' in pulling.source(assistant_with(tool), [])


def test_what_vapi_adds_to_its_own_tools_is_not_written() -> None:
    tool: dict[str, Any] = {
        **STORED,
        "id": ID(1),
        "type": "endCall",
        "messages": [],
        "rejectionPlan": None,
    }

    assert "tools=[EndCall()]," in pulling.source(assistant_with(tool), [])


# --- the assistant ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "written"),
    [
        (
            {"model": {"provider": "openai", "model": "gpt-4o", "temperature": 0}},
            '"temperature": 0',
        ),
        ({"voice": {"provider": "11labs", "voiceId": "x", "speed": 1.1}}, '"speed": 1.1'),
        ({"voice": {"provider": "brand-new", "voiceId": "x"}}, '"provider": "brand-new"'),
        ({"transcriber": {"provider": "azure"}}, 'transcriber="azure"'),
        ({"newerPlan": {"a": [1]}}, 'extra={"newerPlan": {"a": [1]}}'),
        ({"name": "L" * 41}, 'extra={"name": "LLL'),
        ({"serverMessages": ["brand-new"]}, 'extra={"serverMessages": ["brand-new"]}'),
        ({"metadata": {"mine": 1}}, 'metadata={"mine": 1}'),
        ({"tools": 5}, 'extra={"tools": 5}'),
        ({"server": {"timeoutSeconds": 30}}, 'server={"timeoutSeconds": 30}'),
        ({"model": {"provider": "custom-llm", "url": "https://a.b/c"}}, '"url": "https://a.b/c"'),
        ({"name": 'Luigi\'s "Bistro"\n\\'}, "luigi_s_bistro = Assistant("),
        ({"name": "def"}, "def_ = Assistant("),
        ({"name": "🍕"}, "assistant = Assistant("),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_every_field_is_said_in_one_way_or_the_other(fields: dict[str, Any], written: str) -> None:
    assistant = {**assistant_with(), **fields}
    assistant["model"].setdefault("messages", [{"role": "system", "content": "Be kind."}])
    assistant["model"].pop("tools", None)

    code = pulling.source(assistant, [])

    assert written in code
    assert the_assistant(code) == plain(assistant)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"server": {"url": "https://a.b"}}, '- server.url = "https://a.b", until now'),
        ({"server": {"credentialId": ID(5)}}, f'- server.credentialId = "{ID(5)}", until now'),
        ({"serverUrl": "https://a.b"}, '- serverUrl = "https://a.b"'),
    ],
)
def test_the_server_that_was_is_named_and_not_declared(fields: dict[str, Any], told: str) -> None:
    code = pulling.source({**assistant_with(), **fields, "serverMessages": ["hang"]}, [])

    assert told in comments(code)
    assert the_assistant(code).keys() == {"name", "model", "serverMessages"}


@pytest.mark.parametrize("server", [{"timeoutSeconds": 20}, {"timeoutSeconds": None}, {}, None])
def test_what_vapi_does_by_itself_is_not_written(server: Any) -> None:
    code = pulling.source(assistant_with(server=server, metadata={}, hooks=None), [])

    assert the_assistant(code).keys() == {"name", "model"}
    assert "# " not in code


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "system", "content": "A"}, {"role": "assistant", "content": "B"}],
        [{"role": "assistant", "content": "B"}, {"role": "system", "content": "A"}],
        [{"role": "system", "content": "A"}, {"role": "system", "content": "B"}],
        [{"role": "system", "content": "A", "name": "x"}],
    ],
)
def test_the_messages_of_the_model_keep_their_order(messages: list[Any]) -> None:
    assistant = assistant_with()
    assistant["model"]["messages"] = messages

    assert the_assistant(pulling.source(assistant, []))["model"]["messages"] == messages


def test_a_model_without_a_prompt_is_left_to_vapi() -> None:
    assistant = {"name": "Luigi", "model": {"provider": "openai", "model": "gpt-4o"}}

    code = pulling.source(assistant, [])

    assert '- model = {"provider": "openai", "model": "gpt-4o"}' in comments(code)
    assert the_assistant(code) == {"name": "Luigi"}


def test_the_mark_of_an_apply_is_not_pulled() -> None:
    tool = function_tool(server={"headers": {"X-Vapitools": "mark"}})
    assistant = assistant_with(metadata={"vapitools": "mark"})
    assistant["model"]["toolIds"] = [ID(1)]

    code = pulling.source(assistant, [tool])

    assert "mark" not in code
    assert "# " not in code


# --- secrets ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"server": {"url": "https://a.example.com", "secret": SECRET}}, "server.secret"),
        ({"server": {"headers": {"X-A": SECRET}}}, "server.headers"),
        ({"server": {"url": f"https://me:{SECRET}@a.example.com"}}, "server.url"),
        ({"server": {"url": f"https://a.example.com/?token={SECRET}"}}, "server.url"),
        ({"credentials": [{"provider": "openai", "apiKey": SECRET}]}, "credentials"),
        ({"serverUrlSecret": SECRET}, "serverUrlSecret"),
        ({"voice": {"provider": "vapi", "voiceId": "x", "apiKey": SECRET}}, "voice.apiKey"),
        ({"hooks": [{"do": [{"authToken": SECRET}]}]}, "hooks[0].do[0].authToken"),
        ({"newerPlan": {"deep": {"password": SECRET}}}, "newerPlan.deep.password"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_secret_of_an_assistant_is_left_out(fields: dict[str, Any], path: str) -> None:
    code = pulling.source({**assistant_with(), **fields}, [])

    assert SECRET not in code
    assert f"Left out, because a secret does not belong into code: {path}." in comments(code)
    the_assistant(code)


@pytest.mark.parametrize(
    ("tool", "path"),
    [
        (function_tool(server={"secret": SECRET}), "server.secret"),
        (function_tool(server={"headers": {"authorization": SECRET}}), "server.headers"),
        (
            function_tool(parameters=[{"key": "apiKey", "value": SECRET}]),
            "parameters[apiKey].value",
        ),
        (
            {
                "type": "apiRequest",
                "name": "look",
                "method": "GET",
                "url": "https://example.com",
                "headers": {"type": "object", "properties": {"A": {"value": SECRET}}},
            },
            "apiRequest.headers",
        ),
        (
            {
                "type": "apiRequest",
                "name": "look",
                "method": "POST",
                "url": "https://example.com",
                "body": {
                    "type": "object",
                    "properties": {"token": {"type": "string", "value": SECRET}},
                },
            },
            "apiRequest.body.token.value",
        ),
        (
            {
                "type": "code",
                "code": "return 1",
                "environmentVariables": [{"name": "A", "value": SECRET}],
            },
            "code.environmentVariables",
        ),
        (
            {"type": "mcp", "server": {"url": f"https://mcp.example.com/s/{SECRET}-{ID(1)}/mcp"}},
            "mcp.server.url",
        ),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_secret_of_a_tool_is_left_out(tool: dict[str, Any], path: str) -> None:
    code = pulling.source(assistant_with(tool), [])

    assert SECRET not in code
    assert f"Left out, because a secret does not belong into code: {path}." in comments(code)
    the_assistant(code)


def test_what_is_not_secret_beside_a_secret_is_kept() -> None:
    properties = {"token": {"type": "string", "value": SECRET}, "day": {"type": "string"}}
    body = {"type": "object", "properties": properties, "required": ["day"]}
    request = {"type": "apiRequest", "method": "POST", "url": "https://a.b", "body": body}

    [tool] = the_assistant(pulling.source(assistant_with(request), []))["model"]["tools"]

    assert tool["body"] == {
        "type": "object",
        "properties": {"token": {"type": "string"}, "day": {"type": "string"}},
        "required": ["day"],
    }


def test_a_tool_that_does_not_go_without_its_secret_is_named() -> None:
    url = f"https://a.example.com/{SECRET}-0123456789"
    request = {"type": "apiRequest", "name": "look", "method": "GET", "url": url}

    code = pulling.source(assistant_with(request), [])

    assert SECRET not in code
    assert "Left out, because a secret does not belong into code: apiRequest.url." in comments(code)
    assert '- a tool that needs what is secret: {"type": "apiRequest", "name": "look"' in comments(
        code
    )
    assert "tools" not in the_assistant(code)["model"]


@pytest.mark.parametrize(
    ("url", "is_kept"),
    [
        ("https://a.example.com/a-long-path-of-words-and-more-words?page=2", True),
        ("https://a.example.com/orders/{{number}}", True),
        ("wss://a.example.com", True),
        ("https://user@a.example.com", False),
        ("https://a.example.com?key=1", False),
        ("https://a.example.com?x=abcdefghij0123456789", False),
        ("wss://a.example.com/abcdefghij0123456789/x", False),
        ("https://[a", False),
    ],
)
def test_an_address_is_left_out_when_it_can_hold_a_secret(url: str, is_kept: bool) -> None:
    code = pulling.source(assistant_with(newerPlan={"urls": [url, url], "url": url}), [])

    kept = {"urls": [url, url], "url": url} if is_kept else {"urls": []}
    assert the_assistant(code)["newerPlan"] == kept
    assert (url in code) == is_kept


@pytest.mark.parametrize(
    ("paths", "told"),
    [
        ({"server": {"secret": SECRET}}, "goes into VAPI_SERVER_SECRET."),
        (
            {"newerPlan": {"apiKey": SECRET}},
            'put the rest in from the environment: os.environ["…"].',
        ),
    ],
)
def test_where_a_secret_goes_is_told(paths: dict[str, Any], told: str) -> None:
    [line] = comments(pulling.source({**assistant_with(), **paths}, [])).split(" Vapi also has")[:1]

    assert line.endswith(told)
    assert line.count("environment") == line.count("os.environ")


@pytest.mark.parametrize("nothing", [None, "", [], {}, True])
def test_a_secret_that_is_not_there_is_not_left_out(nothing: Any) -> None:
    code = pulling.source(assistant_with(newerPlan={"apiKey": nothing, "a": 1}), [])

    assert "Left out" not in code


def test_a_parameter_that_is_called_like_a_secret_is_none() -> None:
    tool = function_tool({"password": {"type": "string"}, "token": {"type": "string"}})

    code = pulled(tool)

    assert "# " not in code
    assert said(the_tool(code)) == said(tool)


# --- any text -----------------------------------------------------------------------------

NASTY = [
    '"""', '"', "'''", "'", "\\", "\n", "\n\n", "\r", "\t", "{", "}", "{{x}}", "%s", "#", "🍕",
    "\u2028", "\x00", "\x0c", "\u202e", "Args:", "Returns:", ":param x: y", "----", " ", "  ",
    "os.system('rm')", "\\N{BULLET}", "é", "ﬁ", "x: y", "- a", "None", "import os", "\ufeff",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(NASTY) | st.text(max_size=5) | st.just("word "), max_size=25).map(
    "".join
)
ENCODABLE = TEXTS.filter(lambda text: not any(0xD800 <= ord(c) < 0xE000 for c in text))


@settings(deadline=None)
@given(st.text(alphabet=st.characters()) | TEXTS)
@example("")
@example('"""')
@example("a\\")
@example('a"')
@example('""""""')
@example("a b " * 60 + '"')
@example(" " * 100 + "\n" + " " * 100)
@example("\ud800")
def test_a_text_stays_in_its_literal(text: str) -> None:
    newer = {f"{text}!": [text], "x" * 99: text}  # a key alone may be that of a secret
    assistant = assistant_with(firstMessage=text, newer=newer)
    assistant["model"]["messages"][0]["content"] = f"A{text}"

    code = pulling.source(assistant, [])

    definition = the_assistant(code)
    assert definition["firstMessage"] == text
    assert definition["newer"] == newer
    assert definition["model"]["messages"] == [{"role": "system", "content": f"A{text}"}]
    code.encode()


@settings(deadline=None)
@given(ENCODABLE, ENCODABLE, ENCODABLE)
@example("", "", "x")
@example("Args:", "x", "y")
@example('He says "hi"', 'He says "hi"', 'He says "hi"')
@example("a\nb", "a\nb", "a\nb")
@example("a\n\nb", "a", "a")
def test_a_description_stays_a_description(text: str, of_parameter: str, of_field: str) -> None:
    field = {"type": "string", "description": of_field}
    tool = function_tool(
        {
            "day": {"type": "string", "description": of_parameter},
            "the guest": {"type": "object", "properties": {"a b": field, "c": field}},
            "days": {"type": "array", "description": of_parameter, "items": field},
        },
        function={"description": text},
    )

    code = pulled(tool)

    assert said(the_tool(code)) == said(tool)
    [function] = [node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
    assert isinstance(function.body[-1], ast.Raise)
    assert len(function.body) <= 2


@settings(deadline=None)
@given(TEXTS)
def test_a_comment_stays_a_comment(text: str) -> None:
    tool = function_tool(
        {"a": {"type": "string", "title": f"x{text}"}},
        server={"url": f"x{text}"},
        rejectionPlan={text: text},
    )
    assistant = assistant_with(tool, name=f"x{text}", server={"url": f"x{text}"})
    without = pulling.source(assistant_with(function_tool({"a": {"type": "string"}})), [])

    code = pulling.source(assistant, [])

    def kinds(code: str) -> list[str]:
        return [type(node).__name__ for node in ast.parse(code).body]

    assert kinds(code) == kinds(without)
    the_assistant(code)


KEYS = (
    st.sampled_from("day party-size class 2nd self date str list a_b Guest Email".split()) | TEXTS
)
PATTERNS = st.lists(
    st.sampled_from(
        r"^ $ [A-Z] \d {2} {2,3} + * ? ( ) | [ ] a . \w (?: (?= \1 - & && ~ [^a] \b".split()
    ),
    max_size=6,
).map("".join)


def schemas() -> st.SearchStrategy[dict[str, Any]]:
    """Anything in Vapi's dialect."""
    described = st.fixed_dictionaries({}, optional={"description": st.just("It is.") | TEXTS})
    formats = "date-time time date duration email hostname ipv4 ipv6 uuid".split()
    choices = st.lists(
        st.sampled_from("a b c é".split()) | st.just("x" * 40), min_size=1, unique=True
    )
    scalars = st.one_of(
        st.sampled_from("string number integer boolean".split()).map(lambda type_: {"type": type_}),
        st.sampled_from(formats).map(lambda format_: {"type": "string", "format": format_}),
        choices.map(lambda texts: {"type": "string", "enum": texts}),
        PATTERNS.filter(bool).map(lambda pattern: {"type": "string", "pattern": pattern}),
    )

    def within(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        arrays = inner.map(lambda items: {"type": "array", "items": items})
        return arrays | objects(inner)

    bare = st.recursive(scalars, within, max_leaves=6)
    return st.tuples(bare, described).map(lambda pair: {**pair[0], **pair[1]})


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object with such properties, of which any must come."""
    properties = st.dictionaries(KEYS, inner, max_size=4)
    pairs = st.tuples(properties, st.sets(st.integers(0, 3)))
    return pairs.map(
        lambda pair: {
            "type": "object",
            "properties": pair[0],
            "required": [key for i, key in enumerate(pair[0]) if i in pair[1]],
        }
    )


@settings(deadline=None)
@given(objects(schemas()), st.booleans())
def test_whatever_the_dialect_says_the_function_says(
    parameters: dict[str, Any], is_async: bool
) -> None:
    tool = {**function_tool(function={"parameters": parameters}), "async": is_async}
    assert check(parameters) == []

    code = pulled(tool)

    assert said(the_tool(code)) == said(tool)
    assert "# " not in "".join(line for line in code.splitlines() if line.startswith("#"))


# --- style --------------------------------------------------------------------------------


def test_the_code_is_formatted(tmp_path: Path) -> None:
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    if ruff is None:
        pytest.skip("ruff is not installed")
    long = "A sentence of some length that does not fit. " * 4
    guest = {"type": "object", "properties": {"name": {"type": "string", "description": long}}}
    tool = function_tool(
        {"area": {"type": "string", "enum": ["a" * 30, "b" * 30, "c" * 30], "description": long}},
        messages=[message for message, _ in MESSAGES]
        + [{"type": "request-start", "content": long}],
        parameters=[{"key": "class", "value": [{"a": long}]}],
        rejectionPlan={"a": long},
        function={"description": long * 3},
    )
    tool["function"]["parameters"]["properties"]["guests"] = {"type": "array", "items": guest}
    assistant = assistant_with(
        {"type": "endCall"},
        firstMessage=long,
        voicemailMessage="x" * 66,
        newerPlan={"a": [long, {"b": long}, "x" * 99]},
    )
    assistant["model"] |= {"toolIds": [ID(1)], "temperature": 0}
    assistant["model"]["messages"][0]["content"] = f"{long}\n\n- {long}"
    file = tmp_path / "bot.py"
    file.write_text(pulling.source(assistant, [tool]), "utf-8")

    for arguments in (["format", "--check", "--diff"], ["check", "--select=E,F,W,I,UP,B"]):
        command = [ruff, arguments[0], "--isolated", *arguments[1:], file.name]
        # Where it is run, it takes what lies there for the project's own.
        subprocess.run(command, check=True, cwd=tmp_path)


# --- recorded -----------------------------------------------------------------------------

MESSAGE_FILES = sorted((Path(__file__).parent / "messages").glob("*.json"))


@pytest.mark.parametrize("path", MESSAGE_FILES, ids=[path.stem for path in MESSAGE_FILES])
def test_tools_as_they_were_recorded_can_be_pulled(path: Path) -> None:
    tools = list(found(json.loads(path.read_text("utf-8"))))

    for tool in tools:
        code = pulling.source(
            assistant_with({**tool, "server": {"url": "https://a.example.com"}}), []
        )
        assert said({**the_tool(code), "server": {}}) == said({**tool, "server": {}})


def found(value: Any) -> Iterator[dict[str, Any]]:
    """Every function tool in a JSON value."""
    if isinstance(value, dict):
        function = value.get("function")
        if (
            value.get("type") == "function"
            and isinstance(function, dict)
            and "parameters" in function
        ):
            kept = ("type", "async", "function", "messages")
            yield {key: value[key] for key in kept if key in value}
    for inner in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from found(inner)
