"""Any value a tool returns → the one-line text that Vapi takes."""

from __future__ import annotations

import datetime as dt
import enum
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from .errors import ResultError
from .spoken import RequestComplete

# Vapi takes an empty result for none at all.
_NOTHING = "Done."

# Vapi drops a result that contains a line break.
_BREAKS = re.compile(r"\s*[\x00-\x1f\x7f-\x9f\u2028\u2029]+\s*")


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

    def spoken(self) -> RequestComplete | None:
        """The message, a bare text made into one."""
        return RequestComplete(self.message) if isinstance(self.message, str) else self.message


def render(value: Any, limit: int) -> str:
    """The text for a value: never empty, one line, at most about `limit` characters.

    Raises:
        ResultError: The value cannot be written as text: a generator, an object of a class
            that nobody has told how to write, bytes that are no text, a list within itself.
    """
    if isinstance(value, str) and not isinstance(value, enum.Enum):
        return _fit_text(one_line(value), limit) or _NOTHING
    plain = _in_words(value)
    if plain is not None:
        return _fit_text(one_line(plain), limit) or _NOTHING
    text = to_json(value)
    return text if len(text) <= limit else _fit_json(json.loads(text), len(text), limit)


def one_line(text: str) -> str:
    """Text without line breaks, control characters and halves of an emoji."""
    if text.isprintable():
        return text.strip()
    return _BREAKS.sub(" ", text.encode("utf-8", "replace").decode()).strip()


def to_json(value: Any) -> str:
    """Compact JSON of plain values, dates, enums, dataclasses and pydantic models.

    Raises:
        ResultError: A part of the value cannot be written as JSON, or contains itself.
    """
    try:
        return _encode(value)
    except RecursionError:
        raise ResultError("a tool returned a value that contains itself") from None
    except TypeError:
        raise ResultError(
            f"a tool returned {type(value).__name__} with a part that JSON cannot carry"
        ) from None


def _encode(value: Any) -> str:
    try:
        return msgspec.json.encode(value, enc_hook=_to_plain).decode()
    except (UnicodeEncodeError, OverflowError):  # half an emoji; a number of more than 64 bits
        plain = msgspec.to_builtins(value, enc_hook=_to_plain, str_keys=True)
        text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace").decode()


def _in_words(value: Any) -> str | None:
    """A single value as people write it; None for one with parts."""
    if value is None:
        return _NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, enum.Enum):
        return value.value if isinstance(value.value, str) else value.name
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, (int, Decimal)):
        return str(value)
    if isinstance(value, (dt.date, dt.time)):
        return _moment(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _decoded(bytes(value))
    return None


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


def _to_plain(value: Any) -> Any:
    dump: Callable[..., Any] | None = getattr(value, "model_dump", None)
    if callable(dump):
        return dump(mode="json")
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Collection) and not isinstance(value, str):
        return list(value)
    raise ResultError(
        f"a tool returned {type(value).__name__}; return text, numbers, lists, dicts or models"
    )


def _fit_text(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    if text[0] in "{[":
        try:
            return _fit_json(json.loads(text), len(text), limit)
        except (ValueError, RecursionError):
            pass
    return f"{text[:limit]} … (cut: {limit} of {len(text)} characters)"


def _fit_json(value: Any, length: int, limit: int) -> str:
    """Cut a JSON value so that it still is one."""
    if isinstance(value, list):
        kept = _leading(value, limit)
        if kept:
            return to_json([*kept, f"… {len(value) - len(kept)} more left out"])
    return to_json({"cut": f"{limit} of {length} characters", "start": to_json(value)[:limit]})


def _leading(items: list[Any], limit: int) -> list[Any]:
    size, kept = 2, list[Any]()
    for item in items:
        size += len(to_json(item)) + 1
        if size > limit:
            break
        kept.append(item)
    return kept
