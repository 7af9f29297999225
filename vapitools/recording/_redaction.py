"""A webhook body without secrets and personal data: the same shape, with made-up values in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeGuard
from urllib.parse import quote, unquote

from .. import _secrecy, _shapes
from . import _names, _patterns
from ._known import Known
from ._names import Kind

# In whose words the names of fields are: Vapi's, those of the bot and its tools, or of a caller.
Zone = Literal["vapi", "tools", "customer"]

_OF_TOOLS = frozenset(
    """arguments variableValues variables structuredData metadata result
    parameters""".split()
)
_OF_A_CUSTOMER = frozenset({"customer", "customers"})
_CALL_LISTS = frozenset({"toolCallList", "toolCalls", "tool_calls"})
_HOLDERS_OF_A_TOOLS_NAME = frozenset(
    {"function", "functionCall", "toolCall", "tool_call", "function_call"}
)
_BESIDE_A_TOOLS_NAME = frozenset({"arguments", "toolCallId", "tool_call_id", "toolCall"})
_SECRET_HOLDERS = frozenset(
    """phoneCallProviderDetails credential credentials cookies cookie
    authentication""".split()
)
_WORDS_OF_VAPI = frozenset(
    """type role status provider endedReason transcriptType model phoneCallProvider
    phoneCallTransport request""".split()
)
_ONE_WORD = re.compile(r"[A-Za-z][\w.-]{0,63}(?:\[[\w=\"]{0,64}\])?", re.ASCII)
_TOOL_NAME = re.compile(r"[\w-]{1,64}", re.ASCII)
_TOOL_CALL_ID = frozenset({"toolCallId", "tool_call_id"})
_URL = re.compile(r"(?P<scheme>\w+://)(?P<user>[^/?#]*@)?(?P<host>[^/?#@]*)(?P<rest>.*)", re.DOTALL)
_IN_URL = re.compile(r"(?P<sign>[/?#&=;])(?P<part>[^/?#&=;]+)")
# Long, or with a digit and a capital letter in it.
_TOKEN = re.compile(r"(?=.*\d)(?:(?=.*[A-Z])[\w~.-]{8,}|[\w~.-]{16,})|[\w~-]{32,}", re.ASCII)
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$.-]*", re.ASCII)

# Seconds, milli-, micro- and nanoseconds from 2020 to 2040.
_MOMENTS = (1_577_836_800, 2_208_988_800)
_LONG = 9
_MAX_DEPTH = 200
_MAX_JSON_IN_JSON = 4


@dataclass(frozen=True)
class _Place:
    """Where a value stands.

    Attributes:
        zone: Whose words the names around it are.
        key: The name that it has, or that the list has which it is in.
        kind: What it is; None where only its looks can tell.
        stays: Whether it is a word of the protocol, and stays as it is.
        inherits: Whether what is within it is personal, too, whatever its name.
    """

    zone: Zone = "vapi"
    key: str = ""
    kind: Kind | None = None
    stays: bool = False
    inherits: bool = False


class _Json:
    """JSON inside a string. It is written anew only where something in it has changed."""

    def __init__(self, text: str, value: Any) -> None:
        self.text = text
        self.value = value


class Redactor:
    """Replaces secrets and personal data in the bodies of one call.

    The same value becomes the same made-up one in all of them, and what one body says of a
    person is found in the texts of those that follow.
    """

    def __init__(self) -> None:
        self._known = Known()

    def redacted(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The same body with made-up values in the place of private ones.

        Args:
            body: A webhook body, as JSON gives it. It is not changed.

        Raises:
            RecursionError: It is nested too deeply.
        """
        # How deep Python itself gets differs from one version to the next.
        if _shapes.is_deep(body, _MAX_DEPTH):
            raise RecursionError
        root = _Place(zone="vapi" if _shapes.flattened(body) else "tools")
        opened = _opened(dict(body), 0)
        self._known.avoid(json.dumps(body, ensure_ascii=False, default=str))
        self._walk(opened, root, self._learn)
        changed: dict[str, Any] = self._walk(opened, root, self._change)
        return changed

    def news(self) -> re.Pattern[str] | None:
        """What finds the values that became known since this was asked; None for none.

        A text in which it finds something is to be redacted again.
        """
        return self._known.news()

    # --- the tree --------------------------------------------------------------------------

    def _walk(self, value: Any, place: _Place, visit: Callable[[Any, _Place], Any]) -> Any:
        if _shapes.is_object(value):
            return self._object(value, place, visit)
        if _is_list(value):
            return [self._walk(each, place, visit) for each in value]
        if isinstance(value, _Json):
            return self._text_of(value, place, visit)
        return visit(value, place)

    def _object(
        self, value: dict[str, Any], place: _Place, visit: Callable[[Any, _Place], Any]
    ) -> dict[str, Any]:
        learns = visit == self._learn
        return {
            key if learns else self._key(key): self._walk(item, _below(place, value, key), visit)
            for key, item in value.items()
        }

    def _key(self, key: str) -> str:
        if not _IDENTIFIER.fullmatch(key):
            return self.text(key)
        # A small word can be Vapi's own.
        return key if key.islower() else self._known.whole(key) or key

    def _text_of(self, value: _Json, place: _Place, visit: Callable[[Any, _Place], Any]) -> Any:
        if place.kind in _SECRETS:
            return visit(value.text, place)
        zone: Zone = "tools" if place.zone == "vapi" else place.zone
        inner = self._walk(value.value, replace(place, zone=zone, stays=False), visit)
        if inner is None or _closed(value.value) == inner:
            return value.text
        return json.dumps(inner, ensure_ascii=False)

    # --- values ----------------------------------------------------------------------------

    def _learn(self, value: Any, place: _Place) -> None:
        """Note what is told by where it stands."""
        if place.stays:
            return
        if place.kind is not None:
            self._replaced(value, place)
        elif isinstance(value, str) and place.zone == "tools" and '":' in value:
            for match in _patterns.FIELD.finditer(value):
                self._field(match["key"], match["value"])

    def _change(self, value: Any, place: _Place) -> Any:
        if place.stays:
            return value
        made = self._replaced(value, place) if place.kind is not None else None
        if made is not None:
            return made
        if isinstance(value, str):
            if _names.is_time(place.key) and value.isdigit():
                return value
            return self.text(value)
        return self._number(value)

    def _replaced(self, value: Any, place: _Place) -> Any:
        """What stands in the place of a value of a known kind; None where nothing has to."""
        if isinstance(value, bool) or place.kind is None:
            return None
        if isinstance(value, (int, float)):
            return self._personal_number(value, place.kind)
        if isinstance(value, str) and _says_something(value):
            return self._known.made_up(place.kind, value) or self.text(value)
        return None

    def _personal_number(self, value: float, kind: Kind) -> float | None:
        text = _whole(value)
        if kind not in ("phone", "code", "birth", *_SECRETS) or text is None:
            return None
        return type(value)(self._known.number(kind, text))

    def _number(self, value: Any) -> Any:
        """A number that nobody has named: long ones are replaced, but moments are not."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return value
        text = _whole(value)
        if text is None or len(text) < _LONG:
            return value
        if _is_moment(int(text)) and not self._known.is_number(text):
            return value
        return type(value)(self._known.number("code", text))

    # --- texts -----------------------------------------------------------------------------

    def text(self, text: str) -> str:
        """A text with everything in it replaced that is known, or shows what it is."""
        return self._known.pattern.sub(self._found, text)

    def _found(self, match: re.Match[str]) -> str:
        group = match.lastgroup or ""
        # The last group that has closed is the outermost one.
        text = match[0]
        if group == "field":
            return match["head"] + self._field(match["key"], match["value"])
        if group == "known":
            return self._known.lookup(text)
        if group == "url":
            return self._url(text)
        return self._known.by_looks(group, text)

    def _field(self, key: str, value: str) -> str:
        by_value = _by_value(key, value)
        is_secret = _names.is_secret(key) and by_value != "name"
        kind = "secret" if is_secret else _names.personal(key) or by_value
        made = None
        if kind is not None and _says_something(value):
            made = self._known.made_up(kind, value)
        return made or self.text(value)

    def _url(self, url: str) -> str:
        if (made := self._known.whole(url)) is not None:
            return made
        match = _URL.fullmatch(url)
        if match is None:
            return self._known.made_up("secret", url) or url
        user = "user@" if match["user"] else ""
        parts = _IN_URL.sub(
            lambda part: part["sign"] + self._url_part(*part.groups()), match["rest"]
        )
        return f"{match['scheme']}{user}{self.text(match['host'])}{parts}"

    def _url_part(self, sign: str, part: str) -> str:
        plain = unquote(part)
        made = self.text(plain)
        if made != plain:
            return quote(made, safe="+:@")
        if sign == "=" or (sign in "/#" and _TOKEN.fullmatch(part)):
            return self._known.made_up("secret", part) or part
        return part


def redacted(body: Mapping[str, Any]) -> dict[str, Any]:
    """One body without secrets and personal data.

    For several bodies of one call, use a `Redactor`, which knows the values again.
    """
    return Redactor().redacted(body)


# --- JSON inside strings ------------------------------------------------------------------


def _opened(value: Any, depth: int) -> Any:
    """The same with each string that holds JSON taken apart."""
    if _shapes.is_object(value):
        return {key: _opened(item, depth) for key, item in value.items()}
    if _is_list(value):
        return [_opened(item, depth) for item in value]
    if isinstance(value, str) and depth < _MAX_JSON_IN_JSON and value.strip()[:1] in _BEGINNINGS:
        return _opened_text(value, depth)
    return value


_BEGINNINGS = ("{", "[", '"')


def _opened_text(text: str, depth: int) -> Any:
    try:
        inner = json.loads(text, strict=False, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError):
        return text
    if isinstance(inner, str):
        opened = _opened(inner, depth + 1)
        return _Json(text, opened) if isinstance(opened, _Json) else text
    return _Json(text, _opened(inner, depth + 1)) if isinstance(inner, (dict, list)) else text


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        # The first would be lost, and left in the text.
        raise ValueError("a name comes twice")
    return found


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _closed(value: Any) -> Any:
    if _shapes.is_object(value):
        return {key: _closed(item) for key, item in value.items()}
    if _is_list(value):
        return [_closed(item) for item in value]
    return value.text if isinstance(value, _Json) else value


# --- what a place says --------------------------------------------------------------------


def _below(place: _Place, holder: Mapping[str, Any], key: str) -> _Place:
    """The place of a field of an object."""
    if _is_secret(place, holder, key):
        return _Place(place.zone, key, _of_secrets(place, key), inherits=True)
    if place.zone == "vapi":
        return _of_vapi(place, holder, key)
    return _of_others(place, holder, key)


def _is_secret(place: _Place, holder: Mapping[str, Any], key: str) -> bool:
    if place.kind in _SECRETS:
        # The headers of some tools are a schema: these say what their values look like.
        return not (key in _OF_A_SCHEMA and "type" in holder)
    # As a tool's static parameters: {"key": "apiKey", "value": "…"}.
    named = [str(holder.get(name)) for name in ("key", "name")] if key == "value" else []
    if _secrecy.is_secret_holder(key) or key in _SECRET_HOLDERS:
        return True
    # A `signature` can be a name.
    return any(map(_names.is_secret, [key, *named])) and _by_value(key, holder[key]) != "name"


_SECRETS = ("secret", "foreign")


def _of_secrets(place: _Place, key: str) -> Kind:
    """A secret, or what may be one, as all that belongs to another server may."""
    if _names.is_secret(key) or key == "value":
        return "secret"
    return place.kind if place.kind in _SECRETS else "foreign"


_OF_A_SCHEMA = frozenset({"type", "format", "required", "description"})


def _of_vapi(place: _Place, holder: Mapping[str, Any], key: str) -> _Place:
    value = holder[key]
    if _is_word_of_vapi(place, holder, key):
        return _Place("vapi", key, stays=True)
    if key in _OF_A_CUSTOMER:
        return _Place("customer", key, "name" if isinstance(value, str) else None)
    if key in _OF_TOOLS and not _is_schema(value):
        return _Place("tools", key)
    if _names.is_private_url(key):
        return _Place("vapi", key, "url")
    if _names.is_account_id(key):
        return _Place("vapi", key, "id")
    kind = _names.personal(key)
    return _Place("vapi", key, None if kind == "name" else kind)


def _is_word_of_vapi(place: _Place, holder: Mapping[str, Any], key: str) -> bool:
    value = holder[key]
    in_a_call = place.key in _CALL_LISTS or place.key in _HOLDERS_OF_A_TOOLS_NAME
    if key in _TOOL_CALL_ID or (key == "id" and in_a_call):
        return not isinstance(value, (dict, list))
    if not isinstance(value, str):
        return False
    if key == "name":
        names_a_tool = in_a_call or not _BESIDE_A_TOOLS_NAME.isdisjoint(holder)
        return names_a_tool and _TOOL_NAME.fullmatch(value) is not None
    return key in _WORDS_OF_VAPI and _ONE_WORD.fullmatch(value) is not None


def _is_schema(value: Any) -> bool:
    return isinstance(value, dict) and "properties" in value and "type" in value


def _of_others(place: _Place, holder: Mapping[str, Any], key: str) -> _Place:
    value = holder[key]
    if place.zone == "customer" and key == "assistantOverrides":
        return _Place("vapi", key)
    name = str(holder.get("key")) if key == "value" and "key" in holder else key
    kind = _kind(place, name, value) or _of_somebody(place, name, holder)
    if kind is None and place.inherits and not _names.stays(name):
        kind = place.kind
    return _Place(place.zone, name, kind, inherits=kind is not None)


def _kind(place: _Place, name: str, value: Any) -> Kind | None:
    if (kind := _names.personal(name)) is not None:
        return kind
    if place.zone == "customer":
        if name == "number":
            return "phone"
        if name == "extension":
            return "code"
        if _names.is_account_id(name):
            return "id"
    if _names.is_vapis_id(name):
        return "id"
    return _by_value(name, value)


def _of_somebody(place: _Place, name: str, holder: Mapping[str, Any]) -> Kind | None:
    """As in {"first": "Maria", "last": "Rossi"}."""
    value = holder.get(name)
    if not isinstance(value, str) or not _names.is_part_of_a_name(name, value):
        return None
    is_one = place.zone == "customer" or _names.has_the_other_part(name, holder)
    return "name" if is_one else None


def _by_value(name: str, value: Any) -> Kind | None:
    """What it is where its name alone does not tell; a list is what the first in it is."""
    if _is_list(value):
        return next((kind for each in value if (kind := _by_value(name, each))), None)
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    return _names.of_text(name, str(value))


# --- what a value says --------------------------------------------------------------------


def _says_something(value: str) -> bool:
    """Whether it is no template, and no word for nothing."""
    bare = value.strip().casefold()
    return bool(bare) and bare not in _NOTHING and not _TEMPLATE.search(value)


_TEMPLATE = re.compile(r"\{\{[^{}]{0,300}\}\}")


_NOTHING = frozenset(
    """unknown none null n/a na nil undefined unspecified anonymous true false yes no not-provided
    user customer caller - ? .""".split()
)


def _is_moment(number: int) -> bool:
    first, last = _MOMENTS
    return any(first * unit <= number < last * unit for unit in (1, 10**3, 10**6, 10**9))


def _whole(number: float) -> str | None:
    """The digits of a number; None for a fraction, and for one below zero."""
    if number < 0 or number > _LARGEST or number != int(number):
        return None
    return str(int(number))


_LARGEST = 10**40
