"""A docstring → its text for the model and a description for each parameter."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection
from dataclasses import dataclass, field

import docstring_parser
from docstring_parser.google import DEFAULT_SECTIONS, GoogleParser, Section, SectionType

_GOOGLE = re.compile(
    r"^[ \t]*(?:Args|Arguments|Params|(?:Other )?Parameters|Keyword Arg(?:ument)?s):[ \t]*$",
    re.MULTILINE,
)
_OTHER_STYLES = re.compile(r"^\s*(?:[:@]\w|-{3,}\s*$)", re.MULTILINE)

_SECTION = re.compile(r"^[A-Z][\w ]*:[ \t]*$", re.MULTILINE)

# Sections that many write and the parser does not know by itself.
_MORE_SECTIONS = ["Keyword Args", "Keyword Arguments", "Other Parameters"]
_GOOGLE_PARSER = GoogleParser(
    [*DEFAULT_SECTIONS, *(Section(s, "param", SectionType.MULTIPLE) for s in _MORE_SECTIONS)]
)

# What the parsers raise on a docstring of nobody's style.
_UNREADABLE = (docstring_parser.ParseError, LookupError, ValueError, TypeError, AttributeError)


@dataclass(frozen=True)
class Docstring:
    """What a docstring says.

    Attributes:
        text: The description of the whole, without its sections. May be empty.
        parameters: Parameter name → description.
    """

    text: str = ""
    parameters: dict[str, str] = field(default_factory=dict[str, str])


def parse(raw: str | None) -> Docstring:
    """Read a docstring in Google, NumPy, reST or Epydoc style.

    Args:
        raw: The raw `__doc__`. What `inspect.getdoc` returns does not do: the parser dedents
            once more, and so loses what stands indented below a first line.
    """
    if not raw or not raw.strip():
        return Docstring()
    try:
        parsed = _parse(_opened(raw))
    except _UNREADABLE:
        return Docstring(_tidy(_GOOGLE.split(raw)[0]))
    parameters: dict[str, str] = {}
    for entry in parsed.params:
        if description := _tidy(entry.description or ""):
            parameters.update(dict.fromkeys(_names(entry.arg_name), description))
    return Docstring(_tidy(parsed.description or ""), parameters)


def _opened(raw: str) -> str:
    """A docstring that opens with `Args:`, put so that the parser sees what stands below it."""
    first, _, rest = raw.partition("\n")
    if not _GOOGLE.fullmatch(first):
        return raw
    rest = textwrap.dedent(rest)
    if not _SECTION.search(rest):
        rest = textwrap.indent(rest, "    ")
    return f"\n{first}\n{rest}"


def _parse(raw: str) -> docstring_parser.Docstring:
    # One parser instead of all of them: this halves the time.
    if _GOOGLE.search(raw) or not _OTHER_STYLES.search(raw):
        return _GOOGLE_PARSER.parse(raw)
    return docstring_parser.parse(raw)


def _names(arg_name: str) -> Collection[str]:
    """`left, right` describes both; `*args` is the parameter `args`."""
    return [name.strip().lstrip("*") for name in arg_name.split(",")]


def _tidy(text: str) -> str:
    """One paragraph a line: the model needs no indentation."""
    paragraphs = re.split(r"\n\s*\n", text)
    return "\n".join(" ".join(paragraph.split()) for paragraph in paragraphs).strip()
