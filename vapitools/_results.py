"""Any value a tool returns → the one-line text that Vapi takes."""

from __future__ import annotations

import datetime as dt
import enum
import itertools
import json
import numbers
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from .errors import DefinitionError, ResultError
from .spoken import RequestComplete, RequestFailed

# Vapi takes an empty result for none at all.
_NOTHING = "Done."

# Vapi drops a result that contains a line break.
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

_MAX_ITEMS = 1_000_000
_MAX_PARSED = 10_000_000

Closing = RequestComplete | RequestFailed


@dataclass(frozen=True)
class ToolResult:
    """A tool's answer, with more than its value.

    Args:
        value: What the model is told; anything a tool may return.
        message: What the assistant says instead of making up its own sentence.
        metadata: Sent along to the client of a web call; JSON values. The model does not see it.
    """

    value: Any
    message: RequestComplete | str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])


def render(value: Any, limit: int) -> str:
    """The text for a value: never empty, one line, at most about `limit` characters.

    Raises:
        ResultError: The value cannot be written as text: a generator, an object of a class
            that nobody has told how to write, bytes that are no text, a list within itself.
    """
    text = value if type(value) is str else _in_words(value)
    if text is None:
        text = to_json(value)
        if text.startswith('"'):  # one value, and not a part of anything
            text = json.loads(text)
    return fit(text, limit) or _NOTHING


def fit(text: str, limit: int) -> str:
    """The text on one line, and cut with a marker when it is longer than the limit."""
    text = str.__str__(text).strip()  # a class of the author's may have methods of its own
    if len(text) <= limit:
        return text if text.isprintable() else one_line(text)
    if text[0] in "{[" and (cut := _cut_json(text, limit)) is not None:
        return one_line(cut)
    return f"{one_line(text[:limit])} … (cut: {limit} of {len(text)} characters)"


def one_line(text: str) -> str:
    """Text without line breaks, control characters and halves of an emoji."""
    if text.isprintable():
        return text.strip()
    whole = text.encode("utf-8", "replace").decode()
    return " ".join(line for part in _BREAKS.split(whole) if (line := part.strip()))


def to_json(value: Any) -> str:
    """Compact JSON of plain values, dates, enums, dataclasses and pydantic models.

    Raises:
        ResultError: A part of the value cannot be written as JSON, or contains itself.
    """
    try:
        return _encode(value)
    except RecursionError:
        raise ResultError("a tool returned a value that contains itself") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise ResultError(
            f"a tool returned {type(value).__name__} with a part that JSON cannot carry"
        ) from error


def closing(message: object, kind: type[Closing]) -> msgspec.Raw:
    """The JSON of what the assistant says with an answer.

    Args:
        message: What the tool's author gave: a bare text is made into one of that kind.
        kind: Vapi says a `RequestComplete` with a result, and a `RequestFailed` with an error.

    Raises:
        DefinitionError: It is neither a text nor of that kind, or too long.
        ResultError: A part of it cannot be written as JSON.
    """
    made = kind(message) if isinstance(message, str) else message
    if not isinstance(made, kind):
        raise DefinitionError(
            f"the message must be a {kind.__name__} or text, not {type(message).__name__}"
        )
    return msgspec.Raw(to_json(made.to_json()).encode())


def metadata(values: Mapping[str, Any]) -> msgspec.Raw | None:
    """The JSON of what goes along with a result, if there is any.

    Raises:
        ResultError: It is no mapping, or a part of it cannot be written as JSON.
    """
    # The type hint does not stop a list or a text, which Vapi would not take.
    if not isinstance(values, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ResultError(f"the metadata must be a dict, not {type(values).__name__}")
    return msgspec.Raw(to_json(dict(values)).encode()) if values else None


# --- one value in words -------------------------------------------------------------------


def _in_words(value: Any) -> str | None:
    """A single value as people write it; None for one with parts."""
    if value is None:
        return _NOTHING
    if isinstance(value, enum.Enum):
        return value.value if isinstance(value.value, str) else str(value.name or value.value)
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (dt.date, dt.time)):
        return _moment(value)
    if _is(value, bytes, bytearray, memoryview):
        return _decoded(bytes(value))
    return str(value) if isinstance(value, dt.timedelta) else _number(value)


def _number(value: Any) -> str | None:
    if isinstance(value, Decimal):
        readable = value.is_finite() and abs(value.adjusted()) < 30
        return f"{value:f}" if readable else str(value)
    if isinstance(value, numbers.Integral):
        return _digits(int(value))
    return f"{float(value):.15g}" if isinstance(value, numbers.Real) else None


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:
        raise ResultError("a tool returned a number of thousands of digits") from None


def _moment(value: dt.date | dt.time) -> str:
    """Seconds only where there are any: they would be read aloud."""
    if isinstance(value, dt.datetime):
        return f"{value.date().isoformat()} {_moment(value.timetz())}"
    if isinstance(value, dt.time) and not value.second and not value.microsecond:
        return value.isoformat("minutes")
    return value.isoformat()


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise ResultError("a tool returned bytes that are no text") from None


# --- a value with parts -------------------------------------------------------------------


def _encode(value: Any) -> str:
    try:
        return msgspec.json.encode(value, enc_hook=_to_plain).decode()
    except UnicodeEncodeError:  # half an emoji
        plain = json.dumps(msgspec.to_builtins(value, enc_hook=_to_plain, str_keys=True))
        finite = json.loads(plain, parse_constant=lambda _: None)
        text = json.dumps(finite, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace").decode()


def _to_plain(value: Any) -> Any:
    """What the encoder knows, in place of what it does not."""
    if _is(value, bool, type(None)):
        return json.dumps(value)  # these come here only as a key
    if _is(value, tuple, frozenset):
        raise ResultError("a tool returned a dict with keys that are neither text nor numbers")
    # Asked of the class: an object may say yes to any name.
    if hasattr(type(value), "model_dump"):  # pyright: ignore[reportUnknownArgumentType]
        return value.model_dump(mode="json")
    for known, plain in _PLAIN.items():
        if _is(value, known):
            return plain(value)
    raise ResultError(
        f"a tool returned {type(value).__name__}; return text, numbers, lists, dicts or models"
    )


def _listed(values: Collection[Any]) -> list[Any]:
    items = list(itertools.islice(values, _MAX_ITEMS + 1))
    if len(items) > _MAX_ITEMS:
        raise ResultError(f"a tool returned {type(values).__name__} of more than a million items")
    return items


_PLAIN: dict[type, Callable[[Any], Any]] = {
    str: str.__str__,
    numbers.Integral: int,
    numbers.Real: float,
    Mapping: dict,
    Collection: _listed,
}


def _is(value: Any, *classes: type) -> bool:
    """`isinstance`, which would narrow the type to one that a type checker knows too little of."""
    return isinstance(value, classes)


# --- too long -----------------------------------------------------------------------------


def _cut_json(text: str, limit: int) -> str | None:
    """JSON cut so that it still is some; None when the text is none."""
    if len(text) > _MAX_PARSED:  # not worth the time to find out
        return _beginning(text, limit)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    kept = _leading(value, limit) if _is(value, list) else []
    if not kept:
        return _beginning(text, limit)
    return to_json([*kept, f"… {len(value) - len(kept)} more left out"])


def _beginning(text: str, limit: int) -> str:
    # Half of it, because each quotation mark in it becomes two characters.
    return to_json({"cut": f"{limit // 2} of {len(text)} characters", "start": text[: limit // 2]})


def _leading(items: list[Any], limit: int) -> list[Any]:
    size, kept = 2, list[Any]()
    for item in items:
        size += len(to_json(item)) + 1
        if size > limit:
            break
        kept.append(item)
    return kept
