"""pydantic's JSON Schema → Vapi's dialect."""

from __future__ import annotations

import datetime as dt
import enum
import json
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, Optional, TypeVar, Union

import jsonschema
import pytest
from hypothesis import given
from pydantic import AnyUrl, BaseModel, Field, StringConstraints
from typing_extensions import Doc, NotRequired, TypedDict

from tests.conftest import shared
from tests.dialect import check
from tests.signatures import Signature, examples, function_of, signatures, taking
from vapitools import CallContext, DefinitionError, Static, _schema, tool


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@dataclass
class Point:
    x: int
    title: Annotated[str, "What it is called."] = "home"
    tags: list[str] = field(default_factory=list)


class Pair(NamedTuple):
    first: int
    second: str = "b"


class Draft(TypedDict):
    title: str
    day: NotRequired[dt.date]


class Guest(BaseModel):
    """Somebody who comes."""

    name: Annotated[str, "Not this."] = Field(min_length=1, description="First and last.")
    born: dt.date | None


class Card(BaseModel):
    kind: Literal["card"]
    number: str
    note: str | None = None


class Cash(BaseModel):
    kind: Literal["cash"]
    amount: Annotated[int, Field(gt=0)]
    note: str | None = None


class Tree(BaseModel):
    value: int
    below: list[Tree] = []


class Chain(BaseModel):
    next: Chain | None = None


class Sum(BaseModel):
    left: Sum | Pair
    right: Sum | int | list[Sum]


class Endless(BaseModel):
    inner: Endless


T = TypeVar("T")


class Box(BaseModel, Generic[T]):
    item: T


Miles = NewType("Miles", int)

STRING, INTEGER, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}


def said(description: str, **schema: Any) -> dict[str, Any]:
    return {**schema, "description": description}


def thing(required: Sequence[str] = (), **properties: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    return {**schema, "required": list(required)} if required else schema


POINT = thing(
    ["x"],
    x=INTEGER,
    title=said("What it is called. Default: home.", type="string"),
    tags={"type": "array", "items": STRING},
)
PAYMENT = thing(
    ["kind"],
    kind={"type": "string", "enum": ["card", "cash"]},
    number=said("Only for kind 'card'.", type="string"),
    note=STRING,
    amount=said("More than 0. Only for kind 'cash'.", type="integer"),
)

TYPES: dict[str, tuple[Any, dict[str, Any]]] = {
    "str": (str, STRING),
    "int": (int, INTEGER),
    "float": (float, NUMBER),
    "bool": (bool, {"type": "boolean"}),
    "anything": (Any, STRING),
    "list": (list[int], {"type": "array", "items": INTEGER}),
    "bare list": (list, {"type": "array", "items": STRING}),
    "sequence": (Sequence[str], {"type": "array", "items": STRING}),
    "set": (set[int], said("No repeats.", type="array", items=INTEGER)),
    "frozenset": (frozenset[int], said("No repeats.", type="array", items=INTEGER)),
    "tuple of any length": (tuple[int, ...], {"type": "array", "items": INTEGER}),
    "tuple": (
        tuple[int, int],
        said("2 items: a whole number; a whole number.", type="array", items=INTEGER),
    ),
    "mixed tuple": (
        tuple[int, str],
        said(
            "2 items: a whole number; text.",
            type="array",
            items=said("A whole number or text.", type="string"),
        ),
    ),
    "literal": (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
    "literal with None": (Literal["a", None], {"type": "string", "enum": ["a"]}),
    "literal of all": (Literal[1, "a", True], {"type": "string", "enum": ["1", "a", "true"]}),
    "enum by value": (Colour, {"type": "string", "enum": ["red", "blue"]}),
    "enum of ints": (Level, {"type": "string", "enum": ["1", "2"]}),
    "date": (dt.date, {"type": "string", "format": "date"}),
    "time": (dt.time, {"type": "string", "format": "time"}),
    "datetime": (dt.datetime, {"type": "string", "format": "date-time"}),
    "timedelta": (dt.timedelta, {"type": "string", "format": "duration"}),
    "UUID": (uuid.UUID, {"type": "string", "format": "uuid"}),
    "IPv4": (IPv4Address, {"type": "string", "format": "ipv4"}),
    "IPv6": (IPv6Address, {"type": "string", "format": "ipv6"}),
    "Decimal": (Annotated[Decimal, Field(ge=1)], said("At least 1.", type="number")),
    "limits": (Annotated[int, Field(ge=1, le=20)], said("1 to 20.", type="integer")),
    "multiple": (Annotated[float, Field(multiple_of=0.5)], said("A multiple of 0.5.", **NUMBER)),
    "lengths": (
        Annotated[list[Annotated[str, Field(max_length=3)]], Field(min_length=2)],
        said("At least 2 items.", type="array", items=said("At most 3 characters.", **STRING)),
    ),
    "pattern": (Annotated[str, Field(pattern="^a+$")], {"type": "string", "pattern": "^a+$"}),
    "constraints": (
        Annotated[str, StringConstraints(max_length=3)],
        said("At most 3 characters.", type="string"),
    ),
    "dataclass": (Point, POINT),
    "model": (
        Guest,
        said(
            "Somebody who comes.",
            **thing(
                ["name"],
                name=said("First and last. At least 1 character.", type="string"),
                born={"type": "string", "format": "date"},
            ),
        ),
    ),
    "TypedDict": (
        Draft,
        thing(["title"], title=STRING, day={"type": "string", "format": "date"}),
    ),
    "NamedTuple": (
        Pair,
        thing(["first"], first=INTEGER, second=said("Default: b.", type="string")),
    ),
    "generic model": (Box[Miles], thing(["item"], item=INTEGER)),
    "dict": (dict[str, int], said("Any names, each with a whole number.", **thing())),
    "mapping of models": (
        Mapping[str, Point],
        said("Any names, each with an object with x, title, tags.", **thing()),
    ),
    "int or float": (int | float, NUMBER),
    "int or float or None": (int | float | None, NUMBER),
    "optional": (Annotated[int, Field(ge=1)] | None, said("At least 1.", type="integer")),
    "typing's own words": (Optional[Union[int, float]], NUMBER),  # noqa: UP007, UP045
    "one JSON type": (
        dt.date | dt.time,
        said("A date such as 2026-12-24 or a time such as 18:30.", type="string"),
    ),
    "primitives": (
        int | bool | Literal["all"],
        said("A whole number or true or false or 'all'.", type="string"),
    ),
    "two literals": (Literal["a"] | Colour, {"type": "string", "enum": ["a", "red", "blue"]}),
    "lists": (
        list[int] | tuple[bool, bool],
        {"type": "array", "items": said("A whole number or true or false.", type="string")},
    ),
    "one or many": (
        int | list[int],
        said("A whole number or a list, each a whole number.", type="array", items=INTEGER),
    ),
    "tagged union": (Annotated[Card | Cash, Field(discriminator="kind")], PAYMENT),
    "union of models": (
        Pair | Box[str],
        thing(
            first=said("Only for the variant Pair.", type="integer"),
            second=said("Default: b. Only for the variant Pair.", type="string"),
            item=said("Only for the variant Box[str].", type="string"),
        ),
    ),
    "model or dict": (
        Box[int] | dict[str, int],
        thing(item=said("Only for the variant Box[int].", type="integer")),
    ),
    "union in a union": (
        Annotated[Card | Cash, Field(discriminator="kind")] | Box[int],
        thing(
            kind=said("Only for the variant Card or Cash.", type="string", enum=["card", "cash"]),
            number=said("Only for the variant Card.", type="string"),
            note=said("Only for the variant Card or Cash.", type="string"),
            amount=said("More than 0. Only for the variant Cash.", type="integer"),
            item=said("Only for the variant Box[int].", type="integer"),
        ),
    ),
    "two of the same": (str | bytes, STRING),
    "a variant without end": (
        Endless | Box[int],
        thing(item=said("Only for the variant Box[int].", type="integer")),
    ),
    "a format of its own": (AnyUrl, said("A URL. At least 1 character.", type="string")),
    "NewType": (Miles, INTEGER),
    "text": (Annotated[int, "How many."], said("How many.", type="integer")),
    "Doc": (Annotated[int, Doc("How many.")], said("How many.", type="integer")),
    "Field": (
        Annotated[int, Field(description="How many?", le=9)],
        said("How many? At most 9.", type="integer"),
    ),
    "cut recursion": (
        Chain,
        thing(next=thing(next=thing())),
    ),
}


@pytest.mark.parametrize(("hint", "expected"), TYPES.values(), ids=TYPES)
def test_a_type_has_its_word_in_the_dialect(hint: Any, expected: dict[str, Any]) -> None:
    parameters = tool(taking(hint)).parameters

    assert parameters["properties"]["x"] == expected
    assert check(parameters) == []


DEFAULTS: dict[str, tuple[Any, Any, str]] = {
    "number": (int, 2, "Default: 2."),
    "zero": (int, 0, "Default: 0."),
    "boolean": (bool, False, "Default: false."),
    "text": (str, "home", "Default: home."),
    "enum": (Level, Level.HIGH, "Default: 2."),
    "date": (dt.date, dt.date(2026, 12, 24), "Default: 2026-12-24."),
    "duration": (dt.timedelta, dt.timedelta(minutes=45), "Default: PT45M."),
    "decimal": (Decimal, Decimal("2.50"), "Default: 2.50."),
    "list": (list[int], [1], "Default: [1]."),
    "dataclass": (Point, Point(1), 'Default: {"x": 1, "title": "home", "tags": []}.'),
    "named tuple": (Pair, Pair(1), 'Default: {"first": 1, "second": "b"}.'),
    "named tuples": (list[Pair], [Pair(1)], 'Default: [{"first": 1, "second": "b"}].'),
}


@pytest.mark.parametrize(("hint", "default", "words"), DEFAULTS.values(), ids=DEFAULTS)
def test_a_default_is_said_in_words(hint: Any, default: Any, words: str) -> None:
    parameters = tool(taking(hint, default)).parameters

    assert parameters["properties"]["x"].get("description") == words
    assert parameters["required"] == []


@pytest.mark.parametrize("default", [None, "", [], object()], ids=["None", "text", "list", "other"])
def test_a_default_that_tells_nothing_is_not_said(default: Any) -> None:
    parameters = tool(taking(str, default)).parameters

    assert parameters == {"type": "object", "properties": {"x": STRING}, "required": []}


def test_what_may_be_left_out_is_not_required() -> None:
    hints = {"a": int, "b": int | None, "c": int, "d": Literal["x", None], "e": Miles | None}
    parameters = tool(function_of(hints, {"c": 1})).parameters

    assert parameters["required"] == ["a"]


def test_what_the_model_must_not_set_is_hidden() -> None:
    hints = {"x": int, "call": CallContext | None, "caller": Annotated[str, Static("{{n}}")]}
    parameters = tool(function_of(hints)).parameters

    assert parameters == {"type": "object", "properties": {"x": INTEGER}, "required": ["x"]}


def test_a_type_may_contain_itself_in_a_list() -> None:
    schema = tool(taking(Tree)).parameters["properties"]["x"]

    for _ in range(3):
        assert schema["required"] == ["value"]
        schema = schema["properties"]["below"]["items"]
    assert schema == thing()


@pytest.mark.parametrize("hint", [Sum, list[Sum], Sum | int | None], ids=str)
def test_a_union_may_contain_itself(hint: Any) -> None:
    parameters = tool(taking(hint)).parameters

    assert check(parameters) == []
    assert len(json.dumps(parameters)) < 10_000


def test_a_type_that_contains_itself_without_end_is_refused_with_what_to_write() -> None:
    with pytest.raises(DefinitionError) as caught:
        tool(function_of({"a": Endless, "b": int, "c": Endless}))

    assert caught.value.problems == tuple(
        f"f: parameter {name!r}: its type contains itself without end; "
        "make the inner one optional, or a list"
        for name in "ac"
    )


def test_types_that_contain_each_other_many_times_are_refused_at_once() -> None:
    names = [f"Part{i}" for i in range(8)]
    fields = "\n".join(f"    to_{name}: list[{name}]" for name in names)
    space: dict[str, Any] = {"BaseModel": BaseModel, "__name__": "parts"}
    exec("from __future__ import annotations\n", space)
    for name in names:
        quoted = fields.replace("list[", "'list[").replace("]", "]'")
        exec(f"class {name}(BaseModel):\n{quoted}", space)
    for name in names:
        space[name].model_rebuild(_types_namespace=space)

    with pytest.raises(DefinitionError, match="'x': its type has more than 500 parts"):
        tool(taking(space["Part0"]))


def test_strict_mode_requires_every_property_and_allows_no_other() -> None:
    lowered = tool(taking(list[Point], [])).parameters

    strict = _schema.strict(lowered)

    assert (strict["required"], strict["additionalProperties"]) == (["x"], False)
    inner = strict["properties"]["x"]["items"]
    assert (inner["required"], inner["additionalProperties"]) == (["x", "title", "tags"], False)
    assert "additionalProperties" not in lowered


@pytest.mark.skipif(sys.version_info < (3, 12), reason="PEP 695 is syntax of Python 3.12")
def test_named_aliases_and_type_parameters_are_resolved() -> None:
    space: dict[str, Any] = {"Point": Point}
    exec(
        "type Many[T] = list[T]\n"
        "type Tree = int | list[Tree]\n"
        "type Maybe = int | None\n"
        "def f[T: int](points: Many[Point], tree: Tree, one: T, maybe: Maybe): pass\n",
        space,
    )

    parameters = tool(space["f"]).parameters

    assert check(parameters) == []
    assert parameters["properties"]["points"]["items"] == POINT
    assert parameters["properties"]["one"] == INTEGER
    assert parameters["required"] == ["points", "tree", "one"]


# --- any signature ------------------------------------------------------------------------


@given(signatures())
@examples(40)
def test_whatever_a_function_takes_its_schema_is_in_the_dialect(signature: Signature) -> None:
    parameters = tool(signature.function).parameters

    assert check(parameters) == []
    assert json.loads(json.dumps(parameters)) == parameters


def platform_validators() -> dict[str, jsonschema.Draft202012Validator]:
    """The platform's own description of each part of a function tool."""
    schemas = json.loads(shared("openapi.json").read_text())["components"]["schemas"]
    name = schemas["OpenAIFunction"]["properties"]["name"]
    # Written as in JavaScript, between slashes.
    name["pattern"] = name["pattern"].strip("/")
    needed: dict[str, Any] = {}
    waiting = ["CreateFunctionToolDTO", "OpenAIFunction", "OpenAIFunctionParameters", "JsonSchema"]
    tops = list(waiting)
    while waiting:
        top = waiting.pop()
        if top not in needed:
            needed[top] = schemas[top]
            parts = json.dumps(schemas[top]).split('"#/components/schemas/')[1:]
            waiting += [part.partition('"')[0] for part in parts]
    return {
        top: jsonschema.Draft202012Validator(
            {"$ref": f"#/components/schemas/{top}", "components": {"schemas": needed}}
        )
        for top in tops
    }


def test_whatever_a_function_takes_the_platform_takes_its_definition() -> None:
    validators = platform_validators()

    @given(signatures())
    @examples(25)
    def holds(signature: Signature) -> None:
        definition = tool(signature.function).definition(base_url="https://bot.example.com")
        function = definition["function"]
        validators["CreateFunctionToolDTO"].validate(definition)
        validators["OpenAIFunction"].validate(function)
        validators["OpenAIFunctionParameters"].validate(function["parameters"])
        for schema in function["parameters"]["properties"].values():
            validators["JsonSchema"].validate(schema)

    holds()


def test_the_platform_refuses_what_is_not_in_its_dialect() -> None:
    validators = platform_validators()

    assert not validators["JsonSchema"].is_valid({"type": ["string", "null"]})
    assert not validators["OpenAIFunction"].is_valid({"name": "no spaces"})


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "reference": ({"$ref": "#/$defs/A"}, "unknown keyword '$ref'"),
    "default": ({"type": "string", "default": ""}, "unknown keyword 'default'"),
    "two types": ({"type": ["string", "null"]}, "type ['string', 'null']"),
    "format": ({"type": "string", "format": "binary"}, "format 'binary'"),
    "enum of numbers": ({"type": "integer", "enum": [1]}, "enum [1]"),
    "no items": ({"type": "array"}, "arrays, and only they, have items"),
    "no properties": ({"type": "object"}, "objects, and only they, have properties"),
    "required": ({**thing(a=STRING), "required": ["b"]}, "required ['b']"),
    "inside": ({"type": "array", "items": thing(a={})}, "x[].a: type None"),
}


@pytest.mark.parametrize(("schema", "found"), BROKEN.values(), ids=BROKEN)
def test_the_checker_sees_what_is_not_in_the_dialect(schema: dict[str, Any], found: str) -> None:
    violations = check(thing(x=schema))

    assert found in " ".join(violations)
