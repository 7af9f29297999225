"""What counts as secret, and that no spelling of it gets through."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.openapi import schemas
from vapitools._secrecy import MASK, is_secret, mapped, masked, secrets_in, without
from vapitools.playing import read_script
from vapitools.playing._delivery import Server

SECRET = """
SecretAccessKey SessionToken accessToken apiKey apiSecret authPassword authToken awsSecretAccessKey
callToken clientSecret connectionString hmacAccessKey hmacSecret jwtSecret ocpApimSubscriptionKey
openAIKey password privateKey refreshToken secretAccessKey secretKey sessionToken token twilioApiKey
twilioApiSecret twilioAuthToken vonageApplicationPrivateKey
""".split()
OPEN = """
AccessKeyId accessKeyId authorizationId awsAccessKeyId budgetTokens cachedPromptTokens
completionAudioTokens completionTextTokens completionTokens credentialId credentialIds credentials
gcpKey key keypadInputPlan keyterm keytermsPrompt keywords llmCachedPromptTokens llmCompletionTokens
llmPromptTokens maxTokens privateKeyId promptAudioTokens promptCacheKey promptTextTokens
promptTokens providerConfigKey publicKey reasoningTokens secretIsBase64
structuredDataCachedPromptTokens structuredDataCompletionTokens structuredDataPromptTokens
structuredOutputCachedPromptTokens structuredOutputCompletionTokens structuredOutputPromptTokens
successEvaluationCachedPromptTokens successEvaluationCompletionTokens
successEvaluationPromptTokens summaryCachedPromptTokens summaryCompletionTokens
summaryPromptTokens systemKey tokenCount tokenUri
""".split()
SOUNDS_SECRET = re.compile(
    "key|token|secret|password|passphrase|credential|authoriz|connectionstr", re.I
)


@pytest.mark.parametrize(
    "name",
    [
        *SECRET,
        "secrets",
        "SECRET",
        "api_key",
        "api-key",
        "client_secret",
        "Authorization",
    ],
)
def test_a_field_of_this_name_is_secret(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", [*OPEN, "", "tokenizer", "name", "secretary", "authorizationUrl"])
def test_a_field_of_this_name_is_not(name: str) -> None:
    assert not is_secret(name)


def test_each_field_of_the_api_that_sounds_secret_is_decided_upon() -> None:
    assert {n for n in field_names(schemas()) if SOUNDS_SECRET.search(n)} == {
        *SECRET,
        *OPEN,
    }


def field_names(schema: Any) -> set[str]:
    """The names of every property, at any depth."""
    if isinstance(schema, list):
        return {name for each in schema for name in field_names(each)}
    if not isinstance(schema, dict):
        return set()
    properties = schema.get("properties")
    own = {
        name
        for name, each in (properties.items() if isinstance(properties, dict) else ())
        if isinstance(each, dict)
    }
    return own | {name for each in schema.values() for name in field_names(each)}


ASSISTANT = {
    "name": "luigi",
    "maxTokens": "many",
    "credentialId": "an-id",
    "server": {
        "url": "https://a",
        "secret": "s1",
        "headers": {"X-Door": "s2", "n": {"deep": "s3"}},
    },
    "credentials": [{"provider": "openai", "apiKey": "s4"}, {"authToken": ["s5", ("s6", 7)]}],
    "parameters": [{"key": "apiKey", "value": "s7"}, {"key": "city", "value": "Rome"}],
    "destinations": [{"sipHeaders": {"X-Pin": "s8"}}],
    "secret": None,
    "token": "",
}


def test_every_secret_of_an_object_is_found() -> None:
    assert secrets_in(ASSISTANT) == [f"s{i}" for i in range(1, 9)]


def test_an_object_is_masked_where_it_is_secret_and_nowhere_else() -> None:
    shown = masked(ASSISTANT)

    assert secrets_in(shown) == [MASK] * 8
    assert shown["credentials"] == [
        {"provider": "openai", "apiKey": MASK},
        {"authToken": [MASK, [MASK, 7]]},
    ]
    for name in ("name", "maxTokens", "credentialId", "secret", "token"):
        assert shown[name] == ASSISTANT[name]
    assert shown["parameters"][1] == {"key": "city", "value": "Rome"}


def test_headers_that_are_a_schema_keep_what_they_look_like() -> None:
    headers = {
        "type": "object",
        "properties": {"X-Door": {"type": "string", "description": "Says.", "value": "sesame"}},
        "required": ["X-Door"],
    }

    shown = masked({"headers": headers})["headers"]

    assert shown["type"] == "object"
    assert shown["required"] == ["X-Door"]
    assert shown["properties"]["X-Door"] == {
        "type": "string", "description": "Says.", "value": MASK
    }  # fmt: skip


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(SECRET), inner),
    max_leaves=20,
)


@given(JSON)
def test_nothing_but_secrets_is_changed(value: Any) -> None:
    assert mapped(value, lambda text: text) == value


@given(JSON)
def test_no_secret_is_left_in_what_is_masked(value: Any) -> None:
    assert set(secrets_in(masked(value))) <= {MASK}


# --- texts --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "secrets", "shown"),
    [
        ("no secret", [], "no secret"),
        ("no, secret!", ["", "  "], "no, secret!"),
        ("it is sesame, sesame!", ["sesame"], "it is •••, •••!"),
        ("abcdef and abcd", ["abcd", "abcdef"], "••• and •••"),
        ("a.c abc", ["a.c"], "••• abc"),
        ("the pin 123 of 1234 at a123", ["123"], "the pin ••• of 1234 at a123"),
        ("one\\ntwo one two", ["one\ntwo"], "••• •••"),
        ("q%22%2F+ q%22/%20", ['q"/ '], "••• •••"),
        ("gr\\u00fcn grün", ["grün"], "••• •••"),
    ],
)
def test_each_spelling_of_a_secret_is_masked(text: str, secrets: list[str], shown: str) -> None:
    assert without(text, secrets) == shown


@given(
    st.text(min_size=4).filter(lambda s: len(s.strip()) >= 4),
    st.text(st.characters(codec="ascii", categories=["Zs", "Po"])),
)
def test_no_spelling_of_a_secret_gets_through(secret: str, around: str) -> None:
    for spelling in (
        secret,
        " ".join(secret.split()),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret, "", errors="replace"),
        quote_plus(secret, errors="replace"),
        str([secret])[2:-2],
    ):
        shown = without(f"{around}{spelling}{around}", [secret])

        assert spelling not in shown.replace(MASK, "") or spelling in around + around


@given(st.text(), st.lists(st.text()))
def test_any_text_and_any_secrets_are_taken(text: str, secrets: list[str]) -> None:
    shown = without(text, secrets)

    assert all(len(s) < 4 or not s.strip() or s in MASK or s not in shown for s in secrets)


def test_a_call_that_is_written_down_shows_in_its_repr_nothing_that_is_private() -> None:
    text = """
        url: https://luigi:hush-1@luigi.example.com/webhook?token=hush-2
        caller: {number: hush-3, name: hush-4}
        variables: {code: hush-5}
        environment: {KEY: hush-6}
        assistant: {name: hush-7}
        steps:
          - caller: hush-8
          - tool: find
            arguments: {ssn: hush-9}
            expect: {result: hush-10, heard: hush-11, matches: hush-12}
          - transfer: {to: hush-13}
            expect: {answer: hush-14, error: hush-15}
          - message: {type: hang, words: hush-16}
        end: {summary: hush-17, expect: {heard: hush-18}}
    """
    script = read_script(text)
    server = Server("https://luigi:hush-1@luigi.example.com/?token=hush-2", headers={"x": "hush"})

    shown = [repr(each) for each in (script, script.end, server, *script.steps)]

    assert "hush" not in " ".join(shown)
