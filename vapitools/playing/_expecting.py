"""Whether what a call expects has come true."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from .._shapes import is_list, is_object
from ._hearing import Heard
from ._judging import ToolAnswer
from ._script import UNSET, Expected

_MAX_SHOWN = 300


def of_tool(
    expected: Expected, answer: ToolAnswer, heard: Sequence[Heard], seconds: float, name: str
) -> Iterator[str]:
    """What is not as expected of a tool call, in sentences."""
    if answer.text is not None:
        yield from _of_outcome(expected, answer, name)
        pattern = expected.matches
        if pattern is not None and not re.search(pattern, answer.text):
            yield f"{name}: expected a match of {pattern!r}, got {shown(answer.text)}"
    elif _wants_answer(expected):
        yield f"{name}: expected an answer, got none"
    yield from of_hearing(expected.heard, heard)
    yield from _of_time(expected, seconds, name)


def of_answer(expected: Expected, content: Any, seconds: float, name: str) -> Iterator[str]:
    """What is not as expected of an answer that is no tool's."""
    error = content.get("error") if is_object(content) else None
    if expected.error is not None:
        if not isinstance(error, str) or expected.error not in error:
            wanted = f"an error with {expected.error!r}" if expected.error else "an error"
            yield f"{name}: expected {wanted}, got {shown(content)}"
    elif error:
        yield f"{name}: expected an answer, got the error {shown(error)}"
    if expected.answer is not UNSET and not fits(expected.answer, content):
        yield f"{name}: expected {shown(expected.answer)}, got {shown(content)}"
    text = json.dumps(content, ensure_ascii=False)
    if expected.matches is not None and not re.search(expected.matches, text):
        yield f"{name}: expected a match of {expected.matches!r}, got {shown(content)}"
    yield from _of_time(expected, seconds, name)


def of_hearing(wanted: Sequence[str], heard: Sequence[Heard]) -> Iterator[str]:
    """What the caller should have heard, and did not."""
    texts = [each.text for each in heard]
    for text in wanted:
        if not any(text in each for each in texts):
            yield f"expected the caller to hear {text!r}, heard {shown(texts)}"


def fits(wanted: Any, got: Any) -> bool:
    """Whether a JSON value is the wanted one; of an object, the fields that are wanted count."""
    if is_object(wanted):
        return is_object(got) and all(
            name in got and fits(value, got[name]) for name, value in wanted.items()
        )
    if is_list(wanted):
        return is_list(got) and len(got) == len(wanted) and all(map(fits, wanted, got))
    # 1 and true are not the same in JSON.
    return (type(wanted) is type(got) and wanted == got) or _is_same_number(wanted, got)


def shown(value: Any) -> str:
    """A value as a failure shows it."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = repr(text) if isinstance(value, str) else text
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def _of_outcome(expected: Expected, answer: ToolAnswer, name: str) -> Iterator[str]:
    if expected.error is not None:
        if answer.error is None or expected.error not in answer.error:
            wanted = f"an error with {expected.error!r}" if expected.error else "an error"
            yield f"{name}: expected {wanted}, got {_outcome(answer)}"
    elif answer.error is not None:
        wanted = "a result" if expected.result is UNSET else _wanted(expected.result)
        yield f"{name}: expected {wanted}, got {_outcome(answer)}"
    elif expected.result is not UNSET and not _is_result(expected.result, answer.result or ""):
        yield f"{name}: expected {_wanted(expected.result)}, got {_outcome(answer)}"


def _is_result(wanted: Any, text: str) -> bool:
    if isinstance(wanted, str):
        return wanted in text
    if wanted is None:
        return True
    try:
        return fits(wanted, json.loads(text))
    except ValueError:
        return False


def _wanted(result: Any) -> str:
    if isinstance(result, str):
        return f"a result with {result!r} in it"
    return "a result" if result is None else f"the result {shown(result)}"


def _outcome(answer: ToolAnswer) -> str:
    kind = "result" if answer.error is None else "error"
    return f"the {kind} {shown(answer.text)}"


def _wants_answer(expected: Expected) -> bool:
    return (
        expected.result is not UNSET or expected.error is not None or expected.matches is not None
    )


def _of_time(expected: Expected, seconds: float, name: str) -> Iterator[str]:
    if expected.within is not None and seconds > expected.within:
        yield f"{name}: expected an answer within {expected.within:g} s, took {seconds:.2f} s"


def _is_same_number(wanted: Any, got: Any) -> bool:
    numbers = all(
        isinstance(each, (int, float)) and not isinstance(each, bool) for each in (wanted, got)
    )
    return numbers and wanted == got
