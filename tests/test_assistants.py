from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest
from hypothesis import example, given, strategies

from tests import openapi
from tests.test_docs import rows
from vapitools import (
    Assistant,
    DefinitionError,
    EndCall,
    Handoff,
    Toolset,
    TransferCall,
    assistants,
    tool,
)

URL = "https://bot.example.com"
GPT = {"provider": "openai", "model": "gpt-4o"}
PROMPT = {"role": "system", "content": "Be kind."}
ID, OTHER_ID = "7a4c0e9e-2c1f-4f5b-9d57-0b1c8a7d1e11", "00000037-0000-4000-8000-000000000037"


@tool
def book(day: str) -> None:
    """Book a table."""


@tool(messages=[{"type": "start", "content": "One moment."}])
def cancel() -> None:
    """Cancel it."""


def names(definition: dict[str, Any]) -> list[str]:
    return [each["function"]["name"] for each in definition["model"].get("tools", ())]


def kind(**arguments: Any) -> Assistant:
    """An assistant with a model and a prompt."""
    return Assistant(**{"model": "gpt-4o", "system_prompt": "Be kind.", **arguments})


def made(**arguments: Any) -> Assistant:
    return Assistant(**arguments)


def problems(**arguments: Any) -> list[str]:
    with pytest.raises(DefinitionError) as raised:
        Assistant(**arguments)
    return list(raised.value.problems)


LUIGI = Assistant(
    name="Luigi",
    first_message="Luigi's, hello!",
    system_prompt="You take bookings.",
    model="openai/gpt-4o",
    voice="vapi/Elliot",
    transcriber="deepgram/nova-3",
    tools=[book, cancel],
    max_duration_seconds=600,
    background_sound="office",
)


def test_an_assistant_is_written_as_vapi_takes_it() -> None:
    definition = LUIGI.definition()

    assert definition == {
        "name": "Luigi",
        "firstMessage": "Luigi's, hello!",
        "model": {
            **GPT,
            "messages": [{"role": "system", "content": "You take bookings."}],
            "tools": [book.definition(), cancel.definition()],
        },
        "voice": {"provider": "vapi", "voiceId": "Elliot"},
        "transcriber": {"provider": "deepgram", "model": "nova-3"},
        "maxDurationSeconds": 600,
        "backgroundSound": "office",
    }


def test_an_assistant_is_one_that_the_api_describes() -> None:
    server = {"timeoutSeconds": 20, "credentialId": "00000037-0000-4000-8000-000000000037"}
    types = ["tool-calls", "end-of-call-report", 'transcript[transcriptType="final"]']

    definition = LUIGI.definition(base_url=URL, server=server, server_messages=types)

    openapi.check("CreateAssistantDTO", definition)
    described = openapi.schemas()["CreateAssistantDTO"]["properties"]
    assert definition.keys() <= described.keys()


def test_an_assistant_of_nothing_leaves_everything_to_vapi() -> None:
    assert Assistant().definition() == {}
    assert Assistant(end_call_message=None, metadata=None).definition() == {}


# --- model, voice, transcriber ------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("openai/gpt-4o", GPT),
        ("gpt-4o", GPT),
        ("chatgpt-4o-latest", {"provider": "openai", "model": "chatgpt-4o-latest"}),
        ("o1-mini", {"provider": "openai", "model": "o1-mini"}),
        ("o3-mini", {"provider": "openai", "model": "o3-mini"}),
        ("o4-mini", {"provider": "openai", "model": "o4-mini"}),
        ("claude-opus-4-6", {"provider": "anthropic", "model": "claude-opus-4-6"}),
        ("gemini-2.5-flash", {"provider": "google", "model": "gemini-2.5-flash"}),
        ("chat-latest", {"provider": "openai", "model": "chat-latest"}),
        ("deepseek-reasoner", {"provider": "deep-seek", "model": "deepseek-reasoner"}),
        ("deepseek-chat", {"provider": "deep-seek", "model": "deepseek-chat"}),
        ("MiniMax-M2.7", {"provider": "minimax", "model": "MiniMax-M2.7"}),
        ("inflection_3_pi", {"provider": "inflection-ai", "model": "inflection_3_pi"}),
        ("compound-beta-mini", {"provider": "groq", "model": "compound-beta-mini"}),
        ("grok-3", {"provider": "xai", "model": "grok-3"}),
        (
            "anthropic-bedrock/claude-opus-4-6",
            {"provider": "anthropic-bedrock", "model": "claude-opus-4-6"},
        ),
        (
            "groq/openai/gpt-oss-20b",
            {"provider": "groq", "model": "openai/gpt-oss-20b"},
        ),
    ],
)
def test_a_model_is_a_provider_and_a_name_or_a_plain_name(text: str, model: dict[str, Any]) -> None:
    definition = kind(model=text).definition()

    assert definition == {"model": {**model, "messages": [PROMPT]}}
    openapi.check("CreateAssistantDTO", definition)


@pytest.mark.parametrize(("written", "sent"), rows("assistants.md", "You write | Vapi gets"))
def test_vapi_gets_what_the_table_says(written: str, sent: str) -> None:
    arguments = eval(f"dict({written})")
    prompt = "Be kind." if "model" in arguments else None

    definition = Assistant(**arguments, system_prompt=prompt).definition()

    if prompt:
        assert definition["model"].pop("messages") == [PROMPT]
    assert definition == json.loads(sent)


def test_a_transcriber_without_models_is_written_alone() -> None:
    assert Assistant(transcriber="azure").definition() == {"transcriber": {"provider": "azure"}}


@pytest.mark.parametrize("word", ["model", "voice", "transcriber"])
def test_the_apis_own_object_is_taken_as_it_is(word: str) -> None:
    own: dict[str, Any] = {"provider": "brand-new", "temperature": 0}
    own |= {"messages": [PROMPT]} if word == "model" else {}

    assert made(**{word: own}).definition() == {word: own}


def described(word: str) -> dict[str, dict[str, Any]]:
    """The schema of each provider's model, voice or transcriber."""
    part = openapi.schemas()["CreateAssistantDTO"]["properties"][word]
    found = map(openapi.named, part["anyOf"])
    return {schema["properties"]["provider"]["enum"][0]: schema for schema in found}


def choices(schema: dict[str, Any]) -> list[str]:
    alternatives = [schema, *schema.get("anyOf", ())]
    return [choice for each in alternatives for choice in each.get("enum", ())]


@pytest.mark.parametrize("word", assistants._SPELLINGS)
def test_what_can_be_written_as_text_is_what_the_api_takes_with_nothing_else(word: str) -> None:
    spelling = assistants._SPELLINGS[word]
    named, alone = set(), set()
    for provider, schema in described(word).items():
        needed = set(schema["required"]) - {"provider"}
        if spelling.key in schema["properties"] and needed <= {spelling.key}:
            named.add(provider)
        elif not needed:
            alone.add(provider)

    assert set(spelling.providers) == named
    assert set(spelling.nameless) == alone


@pytest.mark.parametrize("word", assistants._SPELLINGS)
def test_every_provider_that_can_be_written_as_text_makes_a_part_of_the_api(word: str) -> None:
    spelling = assistants._SPELLINGS[word]
    for provider in spelling.providers:
        known = choices(described(word)[provider]["properties"][spelling.key])
        text = f"{provider}/{known[0] if known else 'any-one'}"
        openapi.check("CreateAssistantDTO", kind(**{word: text}).definition())
    for provider in spelling.nameless:
        openapi.check("CreateAssistantDTO", made(**{word: provider}).definition())


def test_a_plain_name_means_the_provider_that_makes_the_model() -> None:
    wrong = {
        f"{provider}: {name}"
        for provider, schema in described("model").items()
        for name in choices(schema["properties"]["model"])
        # Bedrock serves Anthropic's own models.
        if provider != "anthropic-bedrock"
        and (read := assistants._SPELLINGS["model"].read(name)) is not None
        and read["provider"] != provider
        and "/" not in name
    }

    assert wrong == set()


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ({"model": "opnai/gpt-4o"}, "Did you mean 'openai'?"),
        ({"model": "deepseek/deepseek-chat"}, "Did you mean 'deep-seek'?"),
        ({"model": "llama-3.3-70b"}, "must be like 'openai/gpt-4o'"),
        ({"model": "openai/"}, "must be like 'openai/gpt-4o'"),
        ({"model": "openai/ "}, "must be like 'openai/gpt-4o'"),
        ({"model": ""}, "must be like 'openai/gpt-4o'"),
        ({"model": 5}, "or the API's own object"),
        ({"model": "custom-llm/mine"}, "or the API's own object"),
        ({"voice": "Elliot"}, "must be like 'vapi/Elliot'"),
        ({"voice": "vappi/Elliot"}, "Did you mean 'vapi'?"),
        ({"transcriber": "deepgram"}, "must be like 'deepgram/nova-3'"),
        ({"transcriber": "azure/x"}, "or alone: assembly-ai, azure, vapi"),
        ({"transcriber": "azzure"}, "Did you mean 'azure'?"),
    ],
)
def test_a_part_that_cannot_be_read_is_refused_with_a_way_to_write_it(
    arguments: dict[str, Any], hint: str
) -> None:
    ((word, value),) = arguments.items()

    (problem,) = problems(**arguments)

    assert problem.startswith(f"Assistant: {word}={value!r} must be like ")
    assert hint in problem


def test_a_system_prompt_goes_before_the_messages_of_the_model() -> None:
    said = {"role": "assistant", "content": "Hi."}

    definition = Assistant(model={**GPT, "messages": [said]}, system_prompt="Be kind.").definition()

    prompt = {"role": "system", "content": "Be kind."}
    assert definition["model"]["messages"] == [prompt, said]


def test_two_system_prompts_are_refused() -> None:
    model = {**GPT, "messages": [{"role": "system", "content": "Be kind."}]}

    (problem,) = problems(model=model, system_prompt="Be brief.")

    assert "keep one" in problem


@pytest.mark.parametrize(
    "model",
    ["gpt-4o", GPT, {**GPT, "messages": [{"role": "user", "content": "Hi."}]}]
    + [{**GPT, "messages": [{"role": "system", "content": each}]} for each in (" ", None)],
)
def test_a_model_without_a_prompt_is_refused(model: Any) -> None:
    assert problems(name="Luigi", model=model) == [
        "Assistant 'Luigi': the model needs a prompt: write system_prompt='You are …'"
    ]


def test_a_model_server_of_ones_own_may_bring_the_prompt() -> None:
    model = {"provider": "custom-llm", "url": "https://example.com", "model": "mine"}

    assert Assistant(model=model).definition() == {"model": model}


def test_a_prompt_in_the_model_is_enough() -> None:
    model = {**GPT, "messages": [PROMPT]}

    assert Assistant(model=model).definition() == {"model": model}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"system_prompt": "Be kind."}, "system_prompt"),
        ({"tools": [book]}, "tools"),
        ({"tools": [EndCall()]}, "tools"),
        ({"system_prompt": "Be kind.", "tools": [book]}, "system_prompt and tools"),
    ],
)
def test_what_lives_in_the_model_is_not_created_without_one(
    arguments: dict[str, Any], words: str
) -> None:
    assistant = Assistant(name="Luigi", **arguments)

    with pytest.raises(DefinitionError) as raised:
        assistant.definition()

    assert list(raised.value.problems) == [
        f"Assistant 'Luigi': to create it, a model is needed for its {words}, such as "
        "model='openai/gpt-4o'"
    ]


def test_ids_of_tools_need_a_model_too() -> None:
    with pytest.raises(DefinitionError, match="a model is needed for its tools"):
        Assistant(name="Luigi").definition(tool_ids=[ID])


def test_the_tools_of_the_server_make_no_model() -> None:
    assert Assistant(name="Luigi").definition(tools=Toolset([book])) == {"name": "Luigi"}


# --- what is declared ---------------------------------------------------------------------


def test_what_is_declared_without_a_model_holds_a_part_of_one() -> None:
    luigi = Assistant(name="Luigi", system_prompt="Be kind.", tools=[book, EndCall()])

    assert luigi.declared() == {
        "name": "Luigi",
        "model": {"messages": [PROMPT], "tools": [{"type": "endCall"}, book.definition()]},
    }
    assert luigi.declared(tool_ids=[ID])["model"] == {
        "messages": [PROMPT],
        "tools": [{"type": "endCall"}],
        "toolIds": [ID],
    }
    assert Assistant(name="Luigi").declared(tools=Toolset([book]))["model"] == {
        "tools": [book.definition()]
    }


def test_without_model_prompt_and_tools_no_model_is_declared() -> None:
    assert Assistant(name="Luigi").declared() == {"name": "Luigi"}
    assert Assistant(name="Luigi", tools=[book]).declared(tool_ids=[]) == {"name": "Luigi"}


def test_ids_of_our_tools_stand_behind_those_of_the_model() -> None:
    model = {**GPT, "messages": [PROMPT], "toolIds": [ID]}

    for luigi in (Assistant(model=model, tools=[book, EndCall()]), Assistant(model=model)):
        written = luigi.definition(tool_ids=[ID, OTHER_ID])["model"]

        assert written["toolIds"] == [ID, OTHER_ID]
        assert written.get("tools", []) == luigi.inline_tools


def test_what_is_declared_is_the_definition_where_there_is_a_model() -> None:
    assert LUIGI.declared(base_url=URL) == LUIGI.definition(base_url=URL)


# --- tools --------------------------------------------------------------------------------


def test_tools_of_every_kind_stand_in_one_list() -> None:
    slack = {"type": "slack.message.send"}

    luigi = kind(tools=[EndCall(), book, slack, Toolset([cancel]), TransferCall("+15550100020")])

    transfer = {
        "type": "transferCall",
        "destinations": [{"type": "number", "number": "+15550100020"}],
    }
    definition = luigi.definition()
    openapi.check("CreateAssistantDTO", definition)
    inline = [{"type": "endCall"}, slack, transfer]
    assert luigi.inline_tools == inline
    assert luigi.tools is not None
    assert luigi.tools.names == ["book", "cancel"]
    assert definition["model"]["tools"] == [*inline, book.definition(), cancel.definition()]


def test_our_tools_are_none_only_where_no_tools_were_given() -> None:
    assert kind().tools is None
    only_others = kind(tools=[EndCall()])
    assert only_others.tools is not None
    assert only_others.tools.names == []
    toolset = Toolset([book])
    assert kind(tools=toolset).tools is toolset


def test_the_models_own_tools_are_among_the_inline_ones() -> None:
    model = {**GPT, "messages": [PROMPT], "tools": [{"type": "dtmf"}]}

    luigi = Assistant(model=model, tools=[EndCall()])
    luigi.inline_tools.clear()

    assert luigi.inline_tools == [{"type": "dtmf"}, {"type": "endCall"}]


def test_a_function_of_somebody_elses_can_be_written_the_friendly_way() -> None:
    properties = {"day": {"type": "string"}}

    luigi = kind(
        tools=[
            {
                "type": "function",
                "function": {"name": "find", "parameters": properties},
                "messages": [{"type": "start", "content": "One moment."}],
            }
        ]
    )

    openapi.check("CreateAssistantDTO", luigi.definition())
    assert luigi.inline_tools == [
        {
            "type": "function",
            "function": {
                "name": "find",
                "parameters": {"type": "object", "properties": properties},
            },
            "messages": [{"type": "request-start", "content": "One moment."}],
        }
    ]


FUNCTION = {"type": "function", "function": {"name": "book"}}


@pytest.mark.parametrize(
    ("own", "tools"),
    [
        (None, [book, FUNCTION]),
        (None, [FUNCTION, FUNCTION]),
        (None, [{"type": "apiRequest", "name": "book", "url": "u", "method": "GET"}, book]),
        (None, [Handoff("Billing", function={"name": "book"}), book]),
        ([FUNCTION], [book]),
        ([FUNCTION, FUNCTION], None),
    ],
)
def test_two_tools_of_one_name_are_refused(own: Any, tools: Any) -> None:
    model = {**GPT, "messages": [PROMPT], "tools": own}

    assert problems(model=model, tools=tools) == [
        "Assistant: there are 2 tools named 'book'; give one of them another name"
    ]


def test_several_built_in_tools_of_a_type_can_stand_side_by_side() -> None:
    assert len(kind(tools=[Handoff("Billing"), Handoff("Sales")]).inline_tools) == 2


@pytest.mark.parametrize(
    "tools",
    [book, EndCall(), {"type": "endCall"}, "book", 5],
    ids=["ours", "built in", "a dict", "text", "a number"],
)
def test_tools_must_be_a_list(tools: Any) -> None:
    assert problems(tools=tools) == [
        "Assistant: tools must be a list, such as [find_tables, EndCall()], or a Toolset"
    ]


@pytest.mark.parametrize(
    ("tool", "hint"),
    [
        ({"type": "endcall"}, "no tool of type 'endcall'; did you mean 'endCall'?"),
        ({"type": "zzz"}, "no tool of type 'zzz'; there are: apiRequest, bash"),
        ({"name": "x"}, "it needs a type"),
        ({"type": 5}, "it needs a type"),
        ({}, "it needs a type"),
    ],
)
def test_a_dict_that_is_no_tool_of_the_api_is_refused(tool: Any, hint: str) -> None:
    (problem,) = problems(tools=[tool])

    assert hint in problem


# --- fields -------------------------------------------------------------------------------


def snake(name: str) -> str:
    return re.sub("[A-Z]", lambda match: f"_{match[0].lower()}", name)


def test_every_field_of_the_api_can_be_given() -> None:
    described = openapi.schemas()["CreateAssistantDTO"]["properties"]
    arguments = set(assistants._ARGUMENTS) - {"system_prompt", "tools", "renamed_from"}

    assert set(map(snake, described)) == arguments | set(assistants._FIELDS)
    assert {assistants._camel(field) for field in map(snake, described)} == set(described)


CHECKED: dict[str, Any] = {
    "credential_ids": [ID],
    "end_call_message": "Bye.",
    "first_message_mode": "assistant-waits-for-user",
    "max_duration_seconds": 10,
    "voicemail_message": "Call us.",
}


@pytest.mark.parametrize("field", assistants._FIELDS)
def test_a_field_is_sent_in_camel_case(field: str) -> None:
    value = CHECKED.get(field, {"snake_case": ["is kept in here"]})

    (sent,) = made(**{field: value}).definition().items()

    assert sent == (assistants._camel(field), value)


LIMITS = {"name": 40, "voicemail_message": 1000, "end_call_message": 1000}


@pytest.mark.parametrize(("field", "most"), LIMITS.items())
def test_a_text_has_a_length(field: str, most: int) -> None:
    text = "L" * (most + 1)
    described = openapi.schemas()["CreateAssistantDTO"]["properties"]

    assert made(**{field: text[1:]}).definition() == {assistants._camel(field): text[1:]}
    (problem,) = problems(**{field: text})
    assert problem.endswith(f": the {field} has {most + 1} characters; {most} are the most")
    assert described[assistants._camel(field)]["maxLength"] == most


@pytest.mark.parametrize("word", ["name", "system_prompt"])
def test_a_blank_text_is_refused(word: str) -> None:
    told = f"Assistant: the {word} is blank; write one, or leave it out"

    assert told in problems(**{word: "", "first_message": ""})
    assert any(each.endswith(told.partition(" ")[2]) for each in problems(**{word: " \n"}))


@pytest.mark.parametrize("seconds", [10, 43200, 60.5])
def test_a_call_lasts_ten_seconds_to_twelve_hours(seconds: float) -> None:
    definition = Assistant(max_duration_seconds=seconds).definition()

    assert definition == {"maxDurationSeconds": seconds}
    openapi.check("CreateAssistantDTO", definition)


@pytest.mark.parametrize("seconds", [9, 43201, "600", True, [600], float("nan")])
def test_another_length_of_a_call_is_refused(seconds: Any) -> None:
    assert problems(max_duration_seconds=seconds) == [
        f"Assistant: max_duration_seconds={seconds!r} must be 10 to 43200"
    ]


def test_the_modes_of_the_first_message_are_those_of_the_api() -> None:
    described = openapi.schemas()["CreateAssistantDTO"]["properties"]["firstMessageMode"]

    assert list(assistants._MODES) == described["enum"]
    (problem,) = problems(first_message_mode="assistant-waits-for-users")
    assert problem.endswith("Did you mean 'assistant-waits-for-user'?")
    assert len(problems(first_message_mode=["assistant-waits-for-user"])) == 1


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ({"credential_ids": [ID, "s3cret"]}, "credential_ids[1]"),
        ({"credential_ids": [5]}, "credential_ids[0]"),
        ({"server": {"credentialId": "s3cret"}}, "server: credentialId"),
        ({"server": {"credentialId": 5}}, "server: credentialId"),
        ({"model": {"toolIds": ["s3cret"]}}, "the model's toolIds[0]"),
        ({"model": {"toolIds": [f"{ID} "]}}, "the model's toolIds[0]"),
        (
            {"model": {"toolRefs": [{"toolId": "s3cret", "version": "v3"}]}},
            "the model's toolRefs[0]",
        ),
        ({"model": {"toolRefs": [{}]}}, "the model's toolRefs[0]"),
        ({"model": {"toolRefs": [ID]}}, "the model's toolRefs[0]"),
    ],
)
def test_an_id_must_be_one_of_vapis(arguments: dict[str, Any], place: str) -> None:
    if "model" in arguments:
        arguments = {"model": {**GPT, **arguments["model"]}, "system_prompt": "Be kind."}

    assert problems(**arguments) == [f"Assistant: {place} must be a UUID, as Vapi gives it"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"credential_ids": ID}, "credential_ids must be a list of ids"),
        ({"model": {"toolIds": ID}}, "the model's toolIds must be a list of ids"),
        ({"model": {"toolRefs": {"toolId": ID}}}, "the model's toolRefs must be a list of ids"),
        ({"model": {"tools": [5]}}, "the model's tools must be a list of the API's own objects"),
        ({"model": {"tools": 5}}, "the model's tools must be a list of the API's own objects"),
    ],
)
def test_what_must_be_a_list_is_one(arguments: dict[str, Any], told: str) -> None:
    if "model" in arguments:
        arguments = {"model": {**GPT, **arguments["model"]}, "system_prompt": "Be kind."}

    assert problems(**arguments) == [f"Assistant: {told}"]


def test_ids_that_are_well_formed_are_sent() -> None:
    pins = [{"toolId": OTHER_ID, "version": "v3"}]

    definition = kind(
        model={**GPT, "toolIds": [ID], "toolRefs": pins},
        credential_ids=[ID.upper()],
        server={"credentialId": ID},
    ).definition()

    openapi.check("CreateAssistantDTO", definition)
    assert definition["model"]["toolRefs"] == pins


def test_the_name_it_had_before_is_not_sent() -> None:
    luigi = Assistant(name="Luigi", renamed_from="Mario")

    assert luigi.renamed_from == "Mario"
    assert luigi.definition() == {"name": "Luigi"}
    assert Assistant().renamed_from is None
    assert problems(renamed_from=5) == ["Assistant: renamed_from must be text, not int"]


@pytest.mark.parametrize(
    ("field", "meant"),
    [
        ("max_duration_second", "max_duration_seconds"),
        ("maxDurationSeconds", "max_duration_seconds"),
        ("firstMessage", "first_message"),
        ("serverMessages", "server_messages"),
        ("system_promt", "system_prompt"),
        ("end_call_message_", "end_call_message"),
        ("tool", "tools"),
    ],
)
def test_a_misspelt_field_is_refused_with_the_one_that_is_meant(field: str, meant: str) -> None:
    (problem,) = problems(**{field: 1})

    said = f"Assistant: an assistant has no {field!r}. Did you mean {meant!r}? "
    assert problem.startswith(said)


def test_a_field_of_the_model_is_sent_to_the_model() -> None:
    (problem,) = problems(temperature=0)

    assert "go into that object, such as model={'provider': 'openai'" in problem
    assert "Did you mean" not in problem


def test_a_field_that_is_newer_than_this_package_can_be_sent() -> None:
    extra = {"brandNewPlan": {"a": [1]}, "serverMessages": ["brand-new"]}

    definition = Assistant(name="Luigi", server_messages=["hang"], extra=extra).definition()

    assert definition == {"name": "Luigi", **extra}


def test_all_problems_are_told_at_once() -> None:
    found = problems(
        name="L" * 41,
        first_message=5,
        model="x",
        voice="x",
        transcriber="x",
        tools=[book, book, "cancel"],
        server_messages=["hangg", 5],
        server="https://bot.example.com",
        max_duration=5,
    )

    label = f"Assistant {'L' * 41!r}: "
    assert [each.removeprefix(label).split()[0].split("=")[0] for each in found] == [
        "the",
        "first_message",
        "server",
        "an",
        "'cancel'",
        "there",
        "model",
        "voice",
        "transcriber",
        "server_messages:",
        "server_messages:",
    ]
    assert all(each.startswith(label) for each in found)


@pytest.mark.parametrize("word", ["name", "first_message", "system_prompt"])
def test_a_text_must_be_text(word: str) -> None:
    found = problems(model="gpt-4o", **{word: ["x"]})

    assert any(each.endswith(f"{word} must be text, not list") for each in found)


# --- server and messages ------------------------------------------------------------------


def test_each_tool_gets_an_address_and_the_secret() -> None:
    server = {"secret": "s3cret", "credentialId": ID}

    definition = LUIGI.definition(base_url=f"{URL}/", server=server)

    assert definition["server"] == {"url": f"{URL}/webhook", **server}
    for each in definition["model"]["tools"]:
        name = each["function"]["name"]
        assert each["server"] == {"url": f"{URL}/tools/{name}", "timeoutSeconds": 20, **server}


def test_without_an_address_there_is_no_server() -> None:
    assert "server" not in LUIGI.definition(server={"secret": "s3cret"})


def test_what_is_declared_of_the_server_is_kept() -> None:
    assistant = Assistant(server={"timeoutSeconds": 30, "credentialId": ID})
    ours = {"credentialId": OTHER_ID, "headers": {"a": "b"}}

    sent = assistant.definition(base_url=URL, server=ours)

    assert sent["server"] == {
        "url": f"{URL}/webhook",
        "credentialId": ID,
        "headers": {"a": "b"},
        "timeoutSeconds": 30,
    }


def test_another_server_does_not_learn_our_secret() -> None:
    own = {"url": "https://other.example.com"}

    sent = Assistant(server=own).definition(base_url=URL, server={"secret": "s3cret"})

    assert sent["server"] == own


def test_tools_that_are_declared_beat_those_of_the_server() -> None:
    without, with_none, with_own = kind(), kind(tools=[]), kind(tools=Toolset([cancel]))

    assert names(without.definition(tools=Toolset([book]))) == ["book"]
    assert names(with_none.definition(tools=Toolset([book]))) == []
    assert names(with_own.definition(tools=Toolset([book]))) == ["cancel"]


@pytest.mark.parametrize("own", [None, []])
def test_the_models_own_tools_come_first(own: Any) -> None:
    end = {"type": "endCall"}
    model = {**GPT, "tools": [end], "toolIds": [ID]}

    sent = kind(model=model, tools=[book]).definition()["model"]

    assert sent["tools"] == [end, book.definition()]
    assert sent["toolIds"] == [ID]
    assert names(kind(model={**GPT, "tools": own}, tools=[book]).definition()) == ["book"]


def test_what_vapi_is_to_send_is_what_was_declared_before_what_is_handled() -> None:
    handled = ["tool-calls", "hang"]

    assert Assistant().definition(server_messages=handled)["serverMessages"] == handled
    assert Assistant(server_messages=["hang"]).definition(server_messages=handled) == {
        "serverMessages": ["hang"]
    }
    assert Assistant(server_messages=[]).definition(server_messages=handled) == {
        "serverMessages": []
    }
    assert "serverMessages" not in Assistant().definition()


@pytest.mark.parametrize(
    ("types", "hint"),
    [
        (["end-of-call-raport"], "Did you mean 'end-of-call-report'?"),
        (["assistant-request"], "cannot be chosen"),
        (["brand-new"], "goes into extra={'serverMessages': […]}"),
        ("hang", "must be a list, such as ['tool-calls']"),
    ],
)
def test_a_message_that_cannot_be_chosen_is_refused(types: Any, hint: str) -> None:
    (problem,) = problems(server_messages=types)

    assert hint in problem


# --- copies -------------------------------------------------------------------------------


def test_a_definition_is_a_fresh_copy() -> None:
    model = {**GPT, "messages": [{"role": "user", "content": "Hi."}], "tools": [{"type": "dtmf"}]}
    given: dict[str, Any] = {
        "model": model,
        "voice": {"provider": "vapi", "voiceId": "Elliot"},
        "transcriber": {"provider": "azure"},
        "metadata": {"a": [1]},
        "server": {"headers": {"a": "b"}},
        "server_messages": ["hang"],
        "extra": {"brandNewPlan": {"a": [1]}},
    }
    given_tool = {"type": "slack.message.send", "messages": [{"type": "start", "content": "Hm."}]}
    assistant = Assistant(**given, system_prompt="Be kind.", tools=[cancel, given_tool])
    first = copy.deepcopy(assistant.definition(base_url=URL))

    scramble(assistant.definition(base_url=URL))
    scramble(given)
    scramble(given_tool)

    assert assistant.definition(base_url=URL) == first


def scramble(value: Any) -> None:
    """Change every dictionary and list in it."""
    for each in list(value.values()) if isinstance(value, dict) else list(value):
        if isinstance(each, (dict, list)):
            scramble(each)
    value.clear()


_WORDS = strategies.text(max_size=9) | strategies.sampled_from(
    ["openai/", "vapi/", "deepgram/", "gpt-", "azure", "hang", "tool-calls", "/"]
)
_TEXTS = strategies.lists(_WORDS, max_size=3).map("".join)
_ANYTHING = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | _TEXTS,
    lambda inner: strategies.lists(inner, max_size=3) | strategies.dictionaries(_TEXTS, inner),
    max_leaves=5,
)
_ARGUMENTS = [
    *(word for word in assistants._ARGUMENTS if word != "tools"),
    *("server", "metadata", "temperature", "serverMessages", "credential_ids"),
    *("max_duration_seconds", "first_message_mode", "voicemail_message"),
]


@given(strategies.dictionaries(strategies.sampled_from(_ARGUMENTS), _TEXTS | _ANYTHING))
@example({"model": {"messages": ["Hi."]}, "system_prompt": "Be kind."})
@example({"model": {"messages": 5}, "system_prompt": "Be kind."})
@example({"server_messages": 5})
@example({"server_messages": [[]]})
@example({"model": {"tools": [5], "toolIds": {"a": 1}, "toolRefs": [[]]}})
@example({"server": {"credentialId": []}})
def test_whatever_is_written_is_defined_or_refused_in_words(arguments: dict[str, Any]) -> None:
    try:
        assistant = Assistant(**arguments)
    except DefinitionError as error:
        told = error.problems
        assert all(each.startswith("Assistant") for each in told)
    else:
        told = (json.dumps(assistant.declared(base_url=URL, tools=Toolset([book]))),)
    assert all(told)
    assert told


def test_the_representation_is_the_name_and_nothing_else() -> None:
    assert repr(LUIGI) == "<Assistant 'Luigi'>"
    assert repr(Assistant(system_prompt="Be kind.", model="gpt-4o")) == "<Assistant>"


def test_a_model_in_extra_that_would_lose_the_tools_is_refused() -> None:
    with pytest.raises(DefinitionError, match="extra: 'model' has an argument of its own"):
        Assistant(name="Luigi", extra={"model": {}})
