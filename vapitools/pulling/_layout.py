"""Values → Python text: literals, calls, comments, broken into lines as formatters do.

What is text in a value stays text: nothing in it can end its literal or its comment.
"""

from __future__ import annotations

import inspect
import math
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

# What formatters take by default; what is broken at it stays so at a greater width.
WIDTH = 88
INDENT = "    "

_WORDS = re.compile(r"[^ \n]*(?:\n| +|$)")
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True)
class Text:
    """A string literal."""

    value: str


@dataclass(frozen=True)
class Bracket:
    """What stands between brackets, with commas."""

    open: str
    parts: tuple[Part, ...]
    close: str


Node = str | Text | Bracket
"""An expression; a plain `str` is code as it is."""


@dataclass(frozen=True)
class Part:
    """An expression with what stands before and behind it on its line."""

    before: str
    node: Node
    after: str = ""


# --- making expressions -------------------------------------------------------------------


def call(name: str, positional: Iterable[Node], keywords: Mapping[str, Node]) -> Bracket:
    """A call, or an index where the name ends with `[`."""
    parts = [Part("", node) for node in positional]
    parts += [Part(f"{key}=", node) for key, node in keywords.items()]
    return Bracket(f"{name}(", tuple(parts), ")")


def index(name: str, nodes: Iterable[Node]) -> Bracket:
    """`name[…]`."""
    return Bracket(f"{name}[", tuple(Part("", node) for node in nodes), "]")


def expression(value: Any) -> Node:
    """A value of JSON as Python, and a record of ours as the call that makes it."""
    if value is None or isinstance(value, (bool, int)):
        return repr(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else f'float("{value}")'
    if isinstance(value, str):
        return Text(value)
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return Bracket("{", tuple(Part(f"{literal(k)}: ", expression(v)) for k, v in items), "}")
    if isinstance(value, (list, tuple)):
        each = cast("Iterable[Any]", value)
        return Bracket("[", tuple(Part("", expression(item)) for item in each), "]")
    return _record(value)


def _record(value: object) -> Node:
    positional: list[Node] = []
    keywords: dict[str, Node] = {}
    parameters = inspect.signature(type(value)).parameters.values()
    # After the first, names tell what is what, unless nothing but values is there.
    is_plain = all(each.default is each.empty for each in parameters)
    for parameter in parameters:
        given: Any = getattr(value, parameter.name)
        if parameter.kind is parameter.VAR_POSITIONAL:
            positional += [expression(item) for item in given]
        elif parameter.default is parameter.empty and (is_plain or not positional):
            positional.append(expression(given))
        elif given != parameter.default and given not in ({}, [], ()):
            keywords[parameter.name] = expression(given)
    return call(type(value).__name__, positional, keywords)


# --- in one line --------------------------------------------------------------------------


def flat(node: Node) -> str:
    """The expression in one line."""
    if isinstance(node, Text):
        return literal(node.value)
    if isinstance(node, str):
        return node
    parts = ", ".join(f"{part.before}{flat(part.node)}{part.after}" for part in node.parts)
    return f"{node.open}{parts}{node.close}"


def literal(text: str) -> str:
    """A string literal in one line."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + _escaped(text).replace(quote, f"\\{quote}") + quote


def _escaped(text: str) -> str:
    """The text with all that is not seen as an escape: line ends, controls, half characters."""
    return "".join(_ESCAPES.get(c) or (c if c.isprintable() else _escape(c)) for c in text)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


# --- in several lines ---------------------------------------------------------------------


def laid(part: Part, indent: str = "", end: str = "") -> str:
    """The part in as many lines as it needs.

    Args:
        part: What to write.
        indent: What stands before each line.
        end: What stands behind the last one.
    """
    node = part.node
    line = f"{indent}{part.before}{flat(node)}{part.after}{end}"
    if len(line) <= WIDTH or isinstance(node, str):
        return line
    if isinstance(node, Text):
        pieces = _pieces(node.value, WIDTH - len(indent) - len(INDENT))
        inner = "\n".join(f"{indent}{INDENT}{piece}" for piece in pieces)
        return f"{indent}{part.before}(\n{inner}\n{indent}){part.after}{end}"
    inner = "\n".join(laid(each, indent + INDENT, ",") for each in node.parts)
    return f"{indent}{part.before}{node.open}\n{inner}\n{indent}{node.close}{part.after}{end}"


def _pieces(text: str, width: int) -> Iterator[str]:
    """Literals that are the text when they stand behind one another."""
    piece = ""
    for word in _WORDS.findall(text):
        if piece and (piece.endswith("\n") or len(literal(piece + word)) > width):
            yield literal(piece)
            piece = ""
        piece += word
    if piece or not text:
        yield literal(piece)


def block(text: str) -> str:
    '''A text of several lines as a literal in `"""`, whose long lines are broken by `\\`.'''
    lines = [_broken(line) for line in text.split("\n")]
    return '"""\\\n' + _in_triple_quotes("\n".join(lines)) + '"""'


def _broken(line: str) -> str:
    escaped = re.sub(" $", r"\\x20", _escaped(line))
    lines = [""]
    for word in _WORDS.findall(escaped):
        # Room for the backslash, and for quotes that are escaped later.
        if lines[-1] and len(lines[-1]) + len(word.rstrip()) > WIDTH - 4:
            lines.append("")
        lines[-1] += word
    return "\\\n".join(lines)


def docstring(lines: Iterable[str], indent: str) -> tuple[str, str]:
    """A docstring as it is written, and as `__doc__` will have it.

    Args:
        lines: Its lines; a blank one is "".
        indent: What stands before each line.
    """
    shown = [f"{indent}{line}" if line else "" for line in lines]
    text = "\n".join(shown).removeprefix(indent)
    if len(shown) > 1:
        text += f"\n{indent}"
    quoted = "\n".join(_escaped(line) for line in text.split("\n"))
    return f'{indent}"""{_in_triple_quotes(quoted)}"""', text


def _in_triple_quotes(escaped: str) -> str:
    return re.sub(r'"(?=""|\Z)', r'\\"', escaped)


def comment(text: str, indent: str = "") -> str:
    """A comment, each line of which is one whatever the text is."""
    shown = "".join(c if c.isprintable() else _ESCAPES.get(c) or _escape(c) for c in text)
    return "\n".join(f"{indent}# {line}" for line in wrapped(shown, indent + "# "))


def wrapped(text: str, indent: str, hanging: str = "") -> list[str]:
    """The lines of a text that stands behind an indent; those after the first have one more."""
    return textwrap.wrap(
        text,
        WIDTH - len(indent),
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
