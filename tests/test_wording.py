"""JSON Schema → plain words."""

from __future__ import annotations

from typing import Any

import pytest

from vapitools import _wording

DEFINITIONS: dict[str, Any] = {
    "Point": {"type": "object", "properties": {"x": {"type": "integer"}, "y": {"type": "number"}}},
    "Both": {"anyOf": [{"$ref": "#/$defs/Point"}, {"type": "null"}]},
    "Many": {"type": "array", "items": {"$ref": "#/$defs/Many"}},
}
POINT, NULL = {"$ref": "#/$defs/Point"}, {"type": "null"}

WANTED: dict[str, tuple[dict[str, Any], str]] = {
    "text": ({"type": "string"}, "text"),
    "anything": ({}, "a value"),
    "boolean": ({"type": "boolean"}, "true or false"),
    "date": ({"type": "string", "format": "date"}, "a date such as 2026-12-24"),
    "uuid": ({"type": "string", "format": "uuid4"}, "a UUID"),
    "one choice": ({"const": "a"}, "'a'"),
    "choices": ({"enum": ["a", 1, True, None]}, "one of 'a', '1', 'true'"),
    "a line break": ({"const": "a\nb"}, r"'a\nb'"),
    "reference": (POINT, "an object with x, y"),
    "nullable": ({"anyOf": [POINT, NULL]}, "an object with x, y"),
    "union": ({"anyOf": [{"type": "string"}, POINT, NULL]}, "text or an object with x, y"),
    "doubles": ({"anyOf": [{"type": "integer"}, {"type": "integer"}]}, "a whole number"),
    "list": ({"type": "array", "items": {"type": "number"}}, "a list, each a number"),
    "list of itself": ({"$ref": "#/$defs/Many"}, "a list, each a list"),
    "dict": (
        {"type": "object", "additionalProperties": {"type": "string"}},
        "an object, each text",
    ),
    "open dict": ({"type": "object", "additionalProperties": True}, "an object"),
    "range": ({"type": "integer", "minimum": 1, "maximum": 20}, "a whole number, 1 to 20"),
    "low": ({"type": "integer", "minimum": 0}, "a whole number, at least 0"),
    "high": ({"type": "number", "maximum": 0.5}, "a number, at most 0.5"),
    "open": (
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "a number, more than 0, less than 1",
    ),
    "step": ({"type": "integer", "multipleOf": 5}, "a whole number, a multiple of 5"),
    "length": ({"type": "string", "minLength": 1, "maxLength": 3}, "text, 1 to 3 characters"),
    "short": ({"type": "string", "minLength": 0, "maxLength": 1}, "text, at most 1 character"),
    "exact": ({"type": "string", "minLength": 5, "maxLength": 5}, "text, exactly 5 characters"),
    "items": ({"type": "array", "minItems": 2}, "a list, at least 2 items"),
    "set": ({"type": "array", "uniqueItems": True}, "a list, no repeats"),
}


@pytest.mark.parametrize(("schema", "words"), WANTED.values(), ids=WANTED)
def test_a_schema_is_said_in_words(schema: dict[str, Any], words: str) -> None:
    assert _wording.wanted(schema, DEFINITIONS) == words


def test_many_choices_are_cut() -> None:
    words = _wording.wanted({"enum": [f"c{i}" for i in range(30)]}, {})

    assert words.endswith("'c19', …")


KINDS: list[tuple[Any, str]] = [
    (None, "nothing"),
    ("", "empty text"),
    ("a", "text"),
    (False, "true or false"),
    (1, "a whole number"),
    (1.0, "a number"),
    ([], "a list"),
    ({}, "an object"),
]


@pytest.mark.parametrize(("value", "words"), KINDS, ids=[words for _, words in KINDS])
def test_the_kind_of_a_value_is_said_and_not_the_value(value: Any, words: str) -> None:
    assert _wording.kind_of(value) == words


@pytest.mark.parametrize(
    ("schema", "accepts"),
    [
        ({"$ref": "#/$defs/Both"}, True),
        ({"anyOf": [{"type": "string"}, {"$ref": "#/$defs/Both"}]}, True),
        ({"enum": ["a", None]}, True),
        ({"enum": [0, False]}, False),
        (POINT, False),
    ],
    ids=["reference", "nested", "choice", "zero", "object"],
)
def test_null_is_found_wherever_it_is_allowed(schema: dict[str, Any], accepts: bool) -> None:
    assert _wording.accepts_null(schema, DEFINITIONS) is accepts


def test_what_stands_beside_a_reference_wins() -> None:
    resolved = _wording.resolve({"$ref": "#/$defs/Both", "description": "Here."}, DEFINITIONS)

    assert resolved == {**DEFINITIONS["Point"], "description": "Here."}


def test_a_default_is_said_with_the_names_of_its_parts() -> None:
    assert _wording.said("a", {"type": "string"}, {}) == "a"
    assert _wording.said({"p": [1, 2]}, {"properties": {"p": POINT}}, DEFINITIONS) == (
        '{"p": {"x": 1, "y": 2}}'
    )
