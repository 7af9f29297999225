"""Names of Vapi's → names that Python code can have."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable

# Where what generated code uses comes from.
HOMES = {
    **dict.fromkeys(("dataclass",), "dataclasses"),
    **dict.fromkeys(("date", "datetime", "time", "timedelta"), "datetime"),
    **dict.fromkeys(("IPv4Address", "IPv6Address"), "ipaddress"),
    **dict.fromkeys(("Annotated", "Any", "Literal"), "typing"),
    **dict.fromkeys(("UUID",), "uuid"),
    **dict.fromkeys(("Field", "WithJsonSchema"), "pydantic"),
    **dict.fromkeys(
        """
        ApiRequest Assistant AssistantDestination Condition Dtmf Encrypted EndCall Handoff Mcp
        NumberDestination Query RequestComplete RequestDelayed RequestFailed RequestStart
        SipDestination Sms Static TransferCall Voicemail tool
        """.split(),
        "vapitools",
    ),
}
_BUILTINS = frozenset("NotImplementedError bool dict float int list str".split())


class Names:
    """The names that are taken in one scope."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)

    def take(self, wanted: str) -> str:
        """The name, or the next one like it that is free."""
        name, number = wanted, 1
        while name in self._taken:
            name, number = f"{wanted}_{number if number > 1 else ''}", number + 1
        self._taken.add(name)
        return name


def of_module() -> Names:
    """A scope in which what generated code uses is taken."""
    return Names({*HOMES, *_BUILTINS})


def variable(text: str, fallback: str) -> str:
    """The text as the name of a variable, a function or a parameter; as it is if it can be."""
    if _is_name(text):
        return text
    words = re.sub(r"[^0-9a-zA-Z]+", "_", text).strip("_")
    if words[:1].isdigit():
        words = f"{fallback}_{words}"
    if keyword.iskeyword(words):
        words += "_"
    return words or fallback


def class_name(text: str) -> str:
    """The text as the name of a class: `line_item` → `LineItem`."""
    words = re.findall(r"[0-9]+|[A-Z]?[a-z]+|[A-Z]+(?![a-z])", text)
    name = "".join(word[:1].upper() + word[1:] for word in words)
    return name if _is_name(name) else f"Part{name}"


def singular(text: str) -> str:
    """What one of them is called: `guests` → `guest`."""
    if text.endswith("ies"):
        return f"{text[:-3]}y"
    return text[:-1] if re.search("[^s]s$", text) else f"{text}_item"


def _is_name(text: str) -> bool:
    # Python reads other forms of a letter as the letter, and `__x` in a class as another name.
    is_same = unicodedata.normalize("NFKC", text) == text
    return (
        is_same
        and text.isidentifier()
        and not keyword.iskeyword(text)
        and not text.startswith("__")
    )
