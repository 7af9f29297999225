"""A docstring → its text for the model and a description for each parameter."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

import docstring_parser
from docstring_parser.google import DEFAULT_SECTIONS, GoogleParser, Section, SectionType

_GOOGLE = re.compile(r"^\s*(?:Args|Arguments|Parameters|Params|Keyword Args):\s*$", re.MULTILINE)
_OTHER_STYLES = re.compile(r"^\s*(?:[:@]\w|-{3,}\s*$)", re.MULTILINE)

# The parser does not know this section by itself, though many write it.
_GOOGLE_PARSER = GoogleParser(
    [*DEFAULT_SECTIONS, Section("Keyword Args", "param", SectionType.MULTIPLE)]
)


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
            by itself and loses the parameters of a docstring that opens with `Args:`.
    """
    if not raw or not raw.strip():
        return Docstring()
    try:
        parsed = _parse(raw)
    except docstring_parser.ParseError:
        return Docstring(_tidy(raw))
    parameters: dict[str, str] = {}
    for entry in parsed.params:
        if description := _tidy(entry.description or ""):
            parameters.update(dict.fromkeys(_names(entry.arg_name), description))
    return Docstring(_tidy(parsed.description or ""), parameters)


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
