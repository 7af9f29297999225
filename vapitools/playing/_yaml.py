"""YAML whose every value knows its line, and in which a text stays the text that was written.

Plain YAML makes a number of sixty out of `1:00`, a moment out of `2026-12-24` and `true` out of
`on`. A call file holds what a model sends, which is JSON: here only `null`, `true`, `false` and
numbers are more than text. `!day +1` is tomorrow, as `2026-12-24` is written.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import yaml

from ..errors import PlayError

_STANDARD = "tag:yaml.org,2002:"
_TEXT = f"{_STANDARD}str"
_PLAIN: Mapping[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# As JSON has them: `+15550100010` and `007` are text. So is a longer number: of an order's
# number, JavaScript would lose the end.
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,15})")
_BROKEN = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+([eE][-+]?[0-9]{1,3})?|[eE][-+]?[0-9]{1,3})")
_MAX_VALUES = 20_000

DAY = "!day"
"""Before a number of days from today."""
_DAYS = re.compile(r"[-+]?[0-9]{1,5}")


@dataclass(frozen=True)
class Node:
    """A value, with the line that it stands in.

    Attributes:
        value: The plain value.
        place: Such as `booking.call.yaml:12`; of a field, where its name stands.
        text: What is written there, of a value that is neither an object nor a list.
        fields: Of an object.
        items: Of a list.
    """

    value: Any
    place: str
    text: str = ""
    fields: Mapping[str, Node] = field(default_factory=dict[str, "Node"])
    items: Sequence[Node] = ()


def read(text: str, file: str) -> Node:
    """Read the one document of a file.

    Raises:
        PlayError: It is not YAML, or holds what a call file does not need.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{file}:{mark.line + 1}" if mark else file
        raise PlayError(f"{where}: {error.problem or error.context}{_hint(error)}") from None
    except yaml.reader.ReaderError as error:
        where = f"{file}:{text.count(chr(10), 0, error.position) + 1}"
        raise PlayError(f"{where}: there is a character that YAML does not allow") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise PlayError(f"{file}: it cannot be read as YAML ({type(error).__name__})") from None
    if node is None:
        raise PlayError(f"{file}: it is empty; `vapitools play --new` writes one to begin with")
    try:
        return _Reader(file).read(node)
    except RecursionError:
        raise PlayError(f"{file}: it is nested too deeply") from None


# What most often stands behind what YAML says of a mistake.
_HINTS = {
    "mapping values are not allowed": "put a text with a colon in it in quotes",
    "expected <block end>": "this line is indented differently from those before it",
    "cannot start any token": "use blanks, and no tabs; put a text with such a character in quotes",
}


def _hint(error: yaml.MarkedYAMLError) -> str:
    hints = (hint for words, hint in _HINTS.items() if words in str(error.problem))
    return "".join(f"; {hint}" for hint in hints)


class _Reader:
    def __init__(self, file: str) -> None:
        self._file = file
        self._count = 0
        self._open: set[int] = set()

    def read(self, node: Any) -> Node:
        place = f"{self._file}:{node.start_mark.line + 1}"
        self._count += 1
        if self._count > _MAX_VALUES:
            raise PlayError(f"{place}: the file has more than {_MAX_VALUES} values")
        if id(node) in self._open:
            raise PlayError(f"{place}: an alias stands inside of what it refers to")
        self._open.add(id(node))
        read = self._read(node, place)
        self._open.discard(id(node))
        return read

    def _read(self, node: Any, place: str) -> Node:
        if isinstance(node, yaml.MappingNode):
            _check_tag(node, place)
            fields = self._fields(node)
            values = {name: inner.value for name, inner in fields.items()}
            return Node(values, place, fields=fields)
        if isinstance(node, yaml.SequenceNode):
            _check_tag(node, place)
            items = [self.read(item) for item in node.value]
            return Node([item.value for item in items], place, items=items)
        text = _whole_letters(str(node.value), place)
        return Node(_scalar(node, text, place), place, text)

    def _fields(self, node: Any) -> dict[str, Node]:
        fields: dict[str, Node] = {}
        for key, value in node.value:
            place = f"{self._file}:{key.start_mark.line + 1}"
            if not isinstance(key, yaml.ScalarNode):
                raise PlayError(f"{place}: a name must be text")
            name = _whole_letters(str(key.value), place)
            if name in fields:
                raise PlayError(f"{place}: {name!r} is there twice")
            # A value can begin some lines below its name.
            fields[name] = replace(self.read(value), place=place)
        return fields


def reads_as_text(text: str) -> bool:
    """Whether a text without quotes is read as that text, as far as its letters go."""
    return _plain(text) is text


def _whole_letters(text: str, place: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PlayError(f'{place}: there is half of a character, as in "\\ud83d"') from None
    return text


def _check_tag(node: Any, place: str) -> None:
    if not node.tag.startswith(_STANDARD):
        raise PlayError(f"{place}: there is no {node.tag} for an object or a list")


def _scalar(node: Any, text: str, place: str) -> Any:
    if node.tag == DAY:
        if not _DAYS.fullmatch(text):
            raise PlayError(f"{place}: write {DAY} with a number of days, such as {DAY} +1")
        return (date.today() + timedelta(days=int(text))).isoformat()
    if not node.tag.startswith(_STANDARD):
        raise PlayError(f"{place}: there is no {node.tag}; there is {DAY}")
    if node.style is not None:  # in quotes, or a block
        return text
    # `!!str 12`: without that, YAML itself would take it for another type.
    if node.tag == _TEXT and (text in _PLAIN or _WHOLE.fullmatch(text)):
        return text
    return _plain(text)


def _plain(text: str) -> Any:
    if text in _PLAIN:
        return _PLAIN[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _BROKEN.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text
