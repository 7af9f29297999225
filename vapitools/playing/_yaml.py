"""YAML whose every value knows its line, and in which a text stays the text that was written.

Plain YAML makes a number of sixty out of `1:00`, a moment out of `2026-12-24` and `true` out of
`on`. A call file holds what a model sends, which is JSON: here only `null`, `true`, `false` and
numbers are more than text. `!day +1` is tomorrow, as `2026-12-24` is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import yaml

from ..errors import PlayError

_STANDARD = "tag:yaml.org,2002:"
_PLAIN: Mapping[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}
# As JSON has them: `+15550100010` and `007` are text.
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,18})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?")
_MAX_VALUES = 20_000

DAY = "!day"
"""Before a number of days from today."""
_DAYS = re.compile(r"[-+]?[0-9]{1,5}")


@dataclass(frozen=True)
class Node:
    """A value, with the line that it stands in.

    Attributes:
        value: The plain value.
        place: Such as `booking.call.yaml:12`.
        fields: Of an object.
        items: Of a list.
    """

    value: Any
    place: str
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
        raise PlayError(f"{where}: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise PlayError(f"{file}: it cannot be read as YAML ({type(error).__name__})") from None
    if node is None:
        raise PlayError(f"{file}: it is empty; `vapitools play --new` writes one to begin with")
    try:
        return _Reader(file).read(node)
    except RecursionError:
        raise PlayError(f"{file}: it is nested too deeply") from None


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
            fields = self._fields(node)
            values = {name: inner.value for name, inner in fields.items()}
            return Node(values, place, fields=fields)
        if isinstance(node, yaml.SequenceNode):
            items = [self.read(item) for item in node.value]
            return Node([item.value for item in items], place, items=items)
        return Node(_scalar(node, place), place)

    def _fields(self, node: Any) -> dict[str, Node]:
        fields: dict[str, Node] = {}
        for key, value in node.value:
            place = f"{self._file}:{key.start_mark.line + 1}"
            if not isinstance(key, yaml.ScalarNode):
                raise PlayError(f"{place}: a name must be text")
            name = str(key.value)
            if name in fields:
                raise PlayError(f"{place}: {name!r} is there twice")
            fields[name] = self.read(value)
        return fields


def _scalar(node: Any, place: str) -> Any:
    text = str(node.value)
    if node.tag == DAY:
        if not _DAYS.fullmatch(text):
            raise PlayError(f"{place}: write {DAY} with a number of days, such as {DAY} +1")
        return (date.today() + timedelta(days=int(text))).isoformat()
    if not node.tag.startswith(_STANDARD):
        raise PlayError(f"{place}: there is no {node.tag}; there is {DAY}")
    if node.style is not None:  # in quotes, or a block
        return text
    if text.lower() in _PLAIN:
        return _PLAIN[text.lower()]
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
