"""The texts that a JSON Schema takes, the most readable first."""

from __future__ import annotations

import datetime as dt
import re
import warnings
from collections.abc import Iterable, Iterator
from itertools import chain, count, takewhile

from .._wording import Schema
from . import _patterns

# The first word of these that is in a name says what stands there.
_BY_WORD = {
    "email": "ann@example.com",
    "mail": "ann@example.com",
    "phone": "+15550100010",
    "telephone": "+15550100010",
    "mobile": "+15550100010",
    "url": "https://example.com",
    "website": "https://example.com",
    "timezone": "Europe/Rome",
    "zone": "Europe/Rome",
    "time": "19:00",
    "zip": "12345",
    "postcode": "12345",
    "postal": "12345",
    "city": "Springfield",
    "country": "Italy",
    "street": "1 Main Street",
    "address": "1 Main Street",
    "currency": "EUR",
    "language": "English",
    "first": "Ann",
    "last": "Example",
    "surname": "Example",
    "company": "Example Ltd",
    "id": "1001",
    "number": "1001",
    "name": "Ann Example",
    "customer": "Ann Example",
    "guest": "Ann Example",
    "patient": "Ann Example",
    "message": "Please call back.",
    "note": "Please call back.",
}
_DAYS = ("date", "day")
_BIRTH = ("birth", "birthday", "born")

_BY_FORMAT = {
    "duration": ("PT45M", "PT1H", "P1D"),
    "email": ("ann@example.com", "bob@example.com"),
    "name-email": ("Ann Example <ann@example.com>",),
    "ipv4": ("192.0.2.1", "192.0.2.2"),
    "ipv6": ("2001:db8::1", "2001:db8::2"),
    "ipvanyaddress": ("192.0.2.1", "192.0.2.2"),
    "ipv4interface": ("192.0.2.1/24",),
    "ipv6interface": ("2001:db8::1/32",),
    "ipvanyinterface": ("192.0.2.1/24",),
    "ipv4network": ("192.0.2.0/24",),
    "ipv6network": ("2001:db8::/32",),
    "ipvanynetwork": ("192.0.2.0/24",),
    "uri": ("https://example.com/", "wss://example.com/", "file:///example.txt"),
    "json-string": ('"example"', "1", "{}", "[]"),
    "base64": ("ZXhhbXBsZQ==",),
    "base64url": ("ZXhhbXBsZQ==",),
    "path": ("example.txt",),
    "regex": ("[a-z]+",),
    "hostname": ("example.com",),
    "phone": ("+15550100010",),
}
_BORN = dt.date(1980, 5, 17)

# What matches this without an end, `(a+)+$`, takes twice as long for each further character.
_MAX_SEARCHED = 20
_MORE = (1, 2, 3, 5, 8, 13, 21)
_TURNS = 5


def values(schema: Schema, name: str, today: dt.date) -> Iterator[str]:
    """Texts that the schema takes.

    Args:
        schema: Of the type `string`, or of none.
        name: Of the parameter or field.
        today: For a date, which is tomorrow.
    """
    form = str(schema.get("format"))
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if "pattern" in schema:
        named = _named(name, today)
        found = _matching(schema["pattern"], named, least)
        fitting = (t for t in found if len(t) >= least and (most is None or len(t) <= most))
        first = next(fitting, named or "example")  # where there is none, to be replaced by hand
        return chain([first], fitting)
    if form in _MOMENTS:
        return _MOMENTS[form](name, today)
    if form.startswith("uuid"):
        return _uuids(form.removeprefix("uuid") or "4")
    if form in _BY_FORMAT:
        return iter(_BY_FORMAT[form])
    return _plain_texts(_named(name, today), least, most)


def words(name: str) -> list[str]:
    """The words of a name, however they are joined, in lower case."""
    return re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())


def _named(name: str, today: dt.date) -> str | None:
    """What a person would write under a name, where that is plain."""
    found = set(words(name))
    if found.intersection(_BIRTH):
        return _BORN.isoformat()
    if found.intersection(_DAYS):
        return next(_dates(name, today))
    for word, text in _BY_WORD.items():
        if word in found:
            return text
    return None


# --- plain text ---------------------------------------------------------------------------


def _plain_texts(named: str | None, least: int, most: int | None) -> Iterator[str]:
    texts = chain(
        [named] if named else [],
        ["example"],
        (f"example {number}" for number in range(2, 10)),
    )
    numbered = (str(number).rjust(least, "0") for number in count(1))
    short = takewhile(lambda text: most is None or len(text) <= most, numbered)
    return chain((_fitted(text, least, most) for text in texts), short)


def _fitted(text: str, least: int, most: int | None) -> str:
    """The text made longer or shorter, at the end of a word where that will do."""
    while len(text) < least:
        text += " example"
    if most is None or len(text) <= most:
        return text
    whole_words = text[: most + 1].rpartition(" ")[0]
    return whole_words if len(whole_words) > least else text[:most].rstrip().ljust(least, "x")


def _matching(pattern: str, named: str | None, least: int) -> Iterator[str]:
    """Texts that match; where that cannot be told, the tool itself will say."""
    yield from _found(pattern, [*([named] if named else []), *_COMMON])
    shortest = _patterns.text_for(pattern)
    if shortest is not None:
        missing = max(0, least - len(shortest))
        made = (
            _patterns.text_for(pattern, more, turn)
            for turn in range(_TURNS)
            for more in (0, missing, *_MORE)
        )
        yield from (text for text in made if text is not None)


_COMMON = ("example", "12345", "+15550100010", "ann@example.com", "19:00", "Example")


def _found(pattern: str, texts: Iterable[str]) -> Iterator[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydantic's own kind of patterns is another
            expression = re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return
    yield from (text for text in texts if len(text) <= _MAX_SEARCHED and expression.search(text))


# --- what has a format --------------------------------------------------------------------


def _dates(name: str, today: dt.date) -> Iterator[str]:
    days = (1, 2, -1, *range(3, 400))
    born = [_BORN] if set(words(name)).intersection(_BIRTH) else []
    dates = chain(born, (today + dt.timedelta(days) for days in days), [_BORN])
    return (date.isoformat() for date in dates)


def _times(name: str, today: dt.date) -> Iterator[str]:
    hours = (19, *(hour for hour in range(8, 24) if hour != 19))
    return (f"{hour:02}:{minutes}" for minutes in ("00", "30") for hour in hours)


def _date_times(name: str, today: dt.date) -> Iterator[str]:
    return (f"{date}T19:00{zone}" for date in _dates(name, today) for zone in ("", "Z"))


_MOMENTS = {"date": _dates, "time": _times, "date-time": _date_times}


def _uuids(version: str) -> Iterator[str]:
    return (f"00000000-0000-{version}000-8000-{number:012}" for number in range(1, 1000))
