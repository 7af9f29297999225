"""Random functions, for hypothesis: type hints, and for each the values a model may send for it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import functools
import itertools
import json
import operator
import uuid
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal, NamedTuple, NewType

import pydantic
import typing_extensions
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from pydantic import Field
from pydantic_core import to_jsonable_python

from vapitools import CallContext, _parameters
from vapitools._docstrings import Docstring


class Case(NamedTuple):
    """A value, the JSON of it, and JSON as a careless model writes it."""

    value: Any
    sent: Any
    sloppy: Any


class Kind(NamedTuple):
    """A type hint and the values that fit it."""

    hint: Any
    cases: st.SearchStrategy[Case]


def examples(number: int) -> settings:
    """How many examples to try, on however slow a machine."""
    return settings(
        max_examples=number, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )


def read(function: Callable[..., Any]) -> _parameters.Parameters:
    """What a function takes."""
    return _parameters.read(
        function, label="f", docstring=Docstring(), local_names={}, skip_receiver=False
    )


def bind(parameters: _parameters.Parameters, arguments: Any) -> dict[str, Any]:
    """The arguments by name, from a JSON value or from JSON text."""
    text = arguments if isinstance(arguments, bytes) else json.dumps(arguments).encode()
    positional, by_name = parameters.bind(text, CallContext())
    assert positional == []
    return by_name


def taking(hint: Any, *default: Any) -> Callable[..., Any]:
    """A function with one parameter, `x`."""
    return function_of({"x": hint}, {"x": default[0]} if default else {})


def function_of(hints: Mapping[str, Any], defaults: Mapping[str, Any] = {}) -> Callable[..., Any]:
    """A function with these parameters, which returns them."""
    names = {f"hint_{name}": hint for name, hint in hints.items()}
    names |= {f"default_{name}": default for name, default in defaults.items()}
    written = [
        f"{name}: hint_{name}" + (f" = default_{name}" if name in defaults else "")
        for name in hints
    ]
    star = "*, " if written else ""
    exec(f"def f({star}{', '.join(written)}): return dict(locals())", names)
    function: Callable[..., Any] = names["f"]
    return function


# --- kinds of values ----------------------------------------------------------------------

_number = itertools.count()

# Text that means what it says: not blank, and no number's second spelling.
texts = st.text("abcxyzÄß -_'\\", min_size=1, max_size=8).filter(lambda t: t.strip() == t)
whole = st.integers(-(10**12), 10**12)


def _plain(
    hint: Any, values: st.SearchStrategy[Any], sloppy: Callable[[Any], Any] | None = None
) -> Kind:
    def case(value: Any) -> Case:
        sent = str(value) if isinstance(value, IPv4Address) else to_jsonable_python(value)
        return Case(value, sent, sloppy(sent) if sloppy else sent)

    return Kind(hint, values.map(case))


def _chosen(hint: Any, members: Sequence[Any]) -> Kind:
    """What the model sees as an enum of texts."""

    def case(member: Any) -> Case:
        value = to_jsonable_python(member)
        text = value if isinstance(value, str) else str(value).lower()
        return Case(member, text, f" {text.upper()} ")

    return Kind(hint, st.sampled_from(members).map(case))


class Colour(enum.Enum):
    RED = "red"
    DARK_BLUE = "dark blue"


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 20


Miles = NewType("Miles", int)

SCALARS = [
    _plain(str, texts),
    _plain(str, whole.map(str), int),
    _plain(int, whole, str),
    _plain(Miles, whole, lambda n: f" {n} "),
    _plain(bool, st.booleans(), lambda b: str(b).lower()),
    _plain(float, st.floats(-1e6, 1e6), str),
    _plain(Decimal, st.decimals(-1000, 1000, places=2)),
    _plain(dt.date, st.dates()),
    _plain(dt.time, st.times().map(lambda t: t.replace(microsecond=0))),
    _plain(dt.datetime, st.datetimes(dt.datetime(1900, 1, 1)).map(lambda d: d.replace(fold=0))),
    _plain(dt.timedelta, st.integers(0, 10**6).map(lambda s: dt.timedelta(seconds=s))),
    _plain(uuid.UUID, st.uuids()),
    _plain(IPv4Address, st.ip_addresses(v=4)),
    _plain(Annotated[int, Field(ge=1, le=20, description="Some.")], st.integers(1, 20), str),
    _plain(Annotated[str, "A word.", Field(max_length=8, pattern="^[a-z]+$")], st.just("word")),
    _chosen(Literal["north", "south west"], ["north", "south west"]),
    _chosen(Literal[1, 2, "many", True], [2, "many", True]),
    _chosen(Colour, list(Colour)),
    _chosen(Size, list(Size)),
]
UNIONS = [
    Kind(int | float, st.one_of(*(_plain(None, v).cases for v in (whole, st.floats(-9, 9))))),
    Kind(int | str, st.one_of(*(_plain(None, v).cases for v in (whole, texts)))),
    Kind(bool | dt.date, st.one_of(SCALARS[4].cases, SCALARS[7].cases)),
    Kind(int | list[int], st.one_of(SCALARS[2].cases, _plain(None, st.lists(whole)).cases)),
]
_HASHABLE = [SCALARS[i] for i in (0, 2, 7, 11, 17)]


def kinds() -> st.SearchStrategy[Kind]:
    """Any type hint, nested up to a depth."""
    return st.recursive(st.sampled_from([*SCALARS, *UNIONS]), _wrapped, max_leaves=6)


def _wrapped(inner: st.SearchStrategy[Kind]) -> st.SearchStrategy[Kind]:
    fields = st.lists(inner, min_size=1, max_size=3)
    made = [st.builds(make, fields) for make in (_dataclass, _model, _typed_dict, _named_tuple)]
    return st.one_of(
        inner.map(_optional),
        inner.map(_list),
        st.builds(_array_of, st.sampled_from([set, frozenset]), st.sampled_from(_HASHABLE)),
        st.tuples(inner, inner).map(_pair),
        inner.map(_dict),
        fields.map(_tagged_union),
        *made,
    )


def _optional(kind: Kind) -> Kind:
    nothing = st.sampled_from([None, "", "null", "{{ unfilled }}"])
    return Kind(
        kind.hint | None,
        st.one_of(nothing.map(lambda blank: Case(None, None, blank)), kind.cases),
    )


def _list(kind: Kind) -> Kind:
    return _array_of(list, kind)


def _array_of(make: Any, kind: Kind) -> Kind:
    def case(items: list[Case]) -> Case:
        sent = [item.sent for item in items]
        sloppy: Any = json.dumps([item.sloppy for item in items])
        if len(items) == 1 and type(items[0].sent) is int:
            sloppy = items[0].sloppy
        return Case(make(item.value for item in items), sent, sloppy)

    return Kind(make[kind.hint], st.lists(kind.cases, max_size=3).map(case))


def _pair(kinds: tuple[Kind, Kind]) -> Kind:
    def case(items: tuple[Case, Case]) -> Case:
        value, sent, sloppy = (tuple(part) for part in zip(*items, strict=True))
        return Case(value, sent, json.dumps(sloppy))

    first, second = kinds
    hint: Any = tuple.__class_getitem__((first.hint, second.hint))
    return Kind(hint, st.tuples(first.cases, second.cases).map(case))


def _dict(kind: Kind) -> Kind:
    def case(items: dict[str, Case]) -> Case:
        parts = [{key: item[i] for key, item in items.items()} for i in range(3)]
        return Case(parts[0], parts[1], json.dumps(parts[2]))

    hint: Any = dict.__class_getitem__((str, kind.hint))
    return Kind(hint, st.dictionaries(texts, kind.cases, max_size=2).map(case))


# --- classes ------------------------------------------------------------------------------

_FIELDS = ["title", "type", "items"]


def _name() -> str:
    return f"Made{next(_number)}"


def _object(hint: Any, fields: dict[str, Kind], make: Callable[..., Any], **fixed: str) -> Kind:
    def case(items: dict[str, Case]) -> Case:
        value = make(**fixed, **{name: item.value for name, item in items.items()})
        sent = {**fixed, **{name: item.sent for name, item in items.items()}}
        sloppy = {**fixed, **{n: c.sloppy for n, c in items.items()}, "unknown": [1]}
        return Case(value, sent, json.dumps(sloppy))

    cases = {name: kind.cases for name, kind in fields.items()}
    return Kind(hint, st.fixed_dictionaries(cases).map(case))


def _hints(kinds: list[Kind]) -> tuple[dict[str, Kind], dict[str, Any]]:
    fields = dict(zip(_FIELDS, kinds, strict=False))
    return fields, {name: kind.hint for name, kind in fields.items()}


def _dataclass(kinds: list[Kind]) -> Kind:
    fields, hints = _hints(kinds)
    made = dataclasses.make_dataclass(_name(), list(hints.items()))
    return _object(made, fields, made)


def _model(kinds: list[Kind]) -> Kind:
    fields, hints = _hints(kinds)
    made = _made_model({name: (hint, ...) for name, hint in hints.items()})
    return _object(made, fields, made)


def _made_model(fields: dict[str, Any]) -> type[pydantic.BaseModel]:
    create: Any = pydantic.create_model
    made: type[pydantic.BaseModel] = create(_name(), **fields)
    return made


def _typed_dict(kinds: list[Kind]) -> Kind:
    fields, hints = _hints(kinds)
    make: Any = typing_extensions.TypedDict
    return _object(make(_name(), hints), fields, dict)


def _named_tuple(kinds: list[Kind]) -> Kind:
    fields, hints = _hints(kinds)
    make: Any = NamedTuple
    made = make(_name(), list(hints.items()))
    return _object(made, fields, made)


def _tagged_union(kinds: list[Kind]) -> Kind:
    """A model for each, told apart by their `kind`."""
    models: list[Kind] = []
    for i, kind in enumerate(kinds):
        tag = f"kind {i}"
        made = _made_model({"kind": (Literal[tag], ...), "title": (kind.hint, ...)})
        models.append(_object(made, {"title": kind}, made, kind=tag))
    union = functools.reduce(operator.or_, [model.hint for model in models])
    hint = Annotated[union, Field(discriminator="kind")] if len(models) > 1 else union
    return Kind(hint, st.one_of(*(model.cases for model in models)))


# --- functions ----------------------------------------------------------------------------

# Names that a validator built as a model would break on, too.
_NAMES = ["day", "schema", "copy", "model_config", "_x", "args", "title", "json", "self"]


class Signature(NamedTuple):
    """A function that returns its arguments, and one call of it."""

    function: Callable[..., Any]
    cases: dict[str, Case]


@st.composite
def signatures(draw: st.DrawFn) -> Signature:
    """A random function, and random arguments for it."""
    names = draw(st.lists(st.sampled_from(_NAMES), max_size=4, unique=True))
    drawn = {name: draw(kinds()) for name in names}
    optional = draw(st.sets(st.sampled_from(names))) if names else set()
    defaults = {name: draw(drawn[name].cases).value for name in optional}
    function = function_of({name: kind.hint for name, kind in drawn.items()}, defaults)
    cases = {name: draw(kind.cases) for name, kind in drawn.items()}
    # `null` stands for the default, where there is one.
    left_out = {name for name in optional if cases[name].value is None or draw(st.booleans())}
    return Signature(function, {n: case for n, case in cases.items() if n not in left_out})
