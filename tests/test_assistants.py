from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest
from hypothesis import example, given, strategies

from tests import openapi
from vapitools import Assistant, DefinitionError, Toolset, assistants, tool

URL = "https://bot.example.com"
GPT = {"provider": "openai", "model": "gpt-4o"}


@tool
def book(day: str) -> None:
    """Book a table."""


@tool(messages=[{"type": "start", "content": "One moment."}])
def cancel() -> None:
    """Cancel it."""


def names(definition: dict[str, Any]) -> list[str]:
    return [each["function"]["name"] for each in definition["model"].get("tools", ())]


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
    definition = Assistant(model=text).definition()

    assert definition == {"model": model}
    openapi.check("CreateAssistantDTO", definition)


def test_a_transcriber_without_models_is_written_alone() -> None:
    assert Assistant(transcriber="azure").definition() == {"transcriber": {"provider": "azure"}}


@pytest.mark.parametrize("word", ["model", "voice", "transcriber"])
def test_the_apis_own_object_is_taken_as_it_is(word: str) -> None:
    own = {"provider": "brand-new", "url": "https://example.com", "temperature": 0}

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
        openapi.check("CreateAssistantDTO", made(**{word: text}).definition())
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
    ("arguments", "word"),
    [({"system_prompt": "Be kind."}, "system_prompt"), ({"tools": [book]}, "tools")],
)
def test_what_lives_in_the_model_is_not_dropped_without_one(
    arguments: dict[str, Any], word: str
) -> None:
    assert problems(**arguments) == [
        f"Assistant: {word} needs a model, such as model='openai/gpt-4o'"
    ]


# --- fields -------------------------------------------------------------------------------


def snake(name: str) -> str:
    return re.sub("[A-Z]", lambda match: f"_{match[0].lower()}", name)


def test_every_field_of_the_api_can_be_given() -> None:
    described = openapi.schemas()["CreateAssistantDTO"]["properties"]
    arguments = set(assistants._ARGUMENTS) - {"system_prompt", "tools"}

    assert set(map(snake, described)) == arguments | set(assistants._FIELDS)
    assert {assistants._camel(field) for field in map(snake, described)} == set(described)


@pytest.mark.parametrize("field", assistants._FIELDS)
def test_a_field_is_sent_in_camel_case(field: str) -> None:
    value = {"snake_case": ["is kept in here"]}

    (sent,) = made(**{field: value}).definition().items()

    assert sent == (assistants._camel(field), value)


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

    assert problem.startswith(f"Assistant: an assistant has no {field!r}; ")
    assert problem.endswith(f" Did you mean {meant!r}?")


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
        "first_message",
        "the",
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


def test_a_name_of_forty_characters_fits() -> None:
    assert Assistant(name="L" * 40).definition() == {"name": "L" * 40}
    assert problems(name="L" * 41) == [
        f"Assistant {'L' * 41!r}: the name has 41 characters; 40 are the most"
    ]


@pytest.mark.parametrize("word", ["name", "first_message", "system_prompt"])
def test_a_text_must_be_text(word: str) -> None:
    found = problems(model="gpt-4o", **{word: ["x"]})

    assert any(each.endswith(f"{word} must be text, not list") for each in found)


def test_tools_must_be_a_list() -> None:
    assert problems(model="gpt-4o", tools=book) == [
        "Assistant: tools are given as a list, such as Toolset([find_tables])"
    ]


# --- server and messages ------------------------------------------------------------------


def test_each_tool_gets_an_address_and_the_secret() -> None:
    server = {"secret": "s3cret", "credentialId": "c-1"}

    definition = LUIGI.definition(base_url=f"{URL}/", server=server)

    assert definition["server"] == {"url": f"{URL}/webhook", **server}
    for each in definition["model"]["tools"]:
        name = each["function"]["name"]
        assert each["server"] == {"url": f"{URL}/tools/{name}", "timeoutSeconds": 20, **server}


def test_without_an_address_there_is_no_server() -> None:
    assert "server" not in LUIGI.definition(server={"secret": "s3cret"})


def test_what_is_declared_of_the_server_is_kept() -> None:
    assistant = Assistant(server={"timeoutSeconds": 30, "credentialId": "own"})

    sent = assistant.definition(base_url=URL, server={"credentialId": "c-1", "headers": {"a": "b"}})

    assert sent["server"] == {
        "url": f"{URL}/webhook",
        "credentialId": "own",
        "headers": {"a": "b"},
        "timeoutSeconds": 30,
    }


def test_another_server_does_not_learn_our_secret() -> None:
    own = {"url": "https://other.example.com"}

    sent = Assistant(server=own).definition(base_url=URL, server={"secret": "s3cret"})

    assert sent["server"] == own


def test_tools_that_are_declared_beat_those_of_the_server() -> None:
    without = Assistant(model="gpt-4o")
    with_none = Assistant(model="gpt-4o", tools=[])
    with_own = Assistant(model="gpt-4o", tools=Toolset([cancel]))

    assert names(without.definition(tools=Toolset([book]))) == ["book"]
    assert names(with_none.definition(tools=Toolset([book]))) == []
    assert names(with_own.definition(tools=Toolset([book]))) == ["cancel"]


@pytest.mark.parametrize("own", [None, []])
def test_the_models_own_tools_come_first(own: Any) -> None:
    end = {"type": "endCall"}
    model = {**GPT, "tools": [end], "toolIds": ["t-1"]}

    sent = Assistant(model=model, tools=[book]).definition()["model"]

    assert sent["tools"] == [end, book.definition()]
    assert sent["toolIds"] == ["t-1"]
    assert names(Assistant(model={**GPT, "tools": own}, tools=[book]).definition()) == ["book"]


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
    assistant = Assistant(**given, system_prompt="Be kind.", tools=[cancel])
    first = copy.deepcopy(assistant.definition(base_url=URL))

    scramble(assistant.definition(base_url=URL))
    scramble(given)

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
    *("server", "metadata", "temperature", "serverMessages"),
]


@given(strategies.dictionaries(strategies.sampled_from(_ARGUMENTS), _TEXTS | _ANYTHING))
@example({"model": {"messages": ["Hi."]}, "system_prompt": "Be kind."})
@example({"model": {"messages": 5}, "system_prompt": "Be kind."})
@example({"server_messages": 5})
@example({"server_messages": [[]]})
def test_whatever_is_written_is_defined_or_refused_in_words(arguments: dict[str, Any]) -> None:
    try:
        assistant = Assistant(**arguments)
    except DefinitionError as error:
        told = error.problems
    else:
        told = (json.dumps(assistant.definition(base_url=URL, tools=Toolset([book]))),)
    assert all(told)
    assert told


def test_the_representation_is_the_name_and_nothing_else() -> None:
    assert repr(LUIGI) == "<Assistant 'Luigi'>"
    assert repr(Assistant(system_prompt="Be kind.", model="gpt-4o")) == "<Assistant>"
