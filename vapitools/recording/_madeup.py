"""Made-up values: the n-th of each kind, and how it is known again as one that is made up.

What is made up stays as it is when it comes again, so that a recording can be redacted twice.
"""

from __future__ import annotations

import contextlib
import re
from datetime import date
from typing import Final

# --- names --------------------------------------------------------------------------------

_CONSONANTS = "bdfgklmnprst"
_VOWELS = "aeiou"
_NAME = re.compile(r"(?:Test|Sample)(?:[bdfgklmnprst][aeiou]){2}", re.IGNORECASE)
_SYLLABLES = [first + second for first in _CONSONANTS for second in _VOWELS]


def name(number: int, *, is_first: bool) -> str:
    """A word that stands for a word of a name."""
    ending, number = _SYLLABLES[number % 60], number // 60
    return ("Test" if is_first else "Sample") + _SYLLABLES[number % 60] + ending


def is_name(word: str) -> bool:
    """Whether a word is made up."""
    return _NAME.fullmatch(word) is not None


# --- numbers and codes --------------------------------------------------------------------

_PHONE = re.compile(r"(?:00)?1?555010\d{4}")


def digits(text: str) -> str:
    """The digits of a text."""
    return re.sub(r"\D", "", text)


def phone(number: int, like: str) -> str:
    """A phone number of those that belong to nobody, with the signs of another one."""
    national = f"555010{number % 10_000:04d}"
    count = len(digits(like))
    if not count or any(map(str.isalpha, like)):
        return f"+1{national}"
    return filled(like, national if count == 10 and "+" not in like else f"1{national}")


def is_phone(text: str) -> bool:
    """Whether a number is made up."""
    return _PHONE.fullmatch(digits(text)) is not None


def code(number: int, like: str) -> str:
    """A text of the same form: as many digits and letters, with the same signs between them."""
    places = [i for i, sign in enumerate(like) if sign.isalnum()]
    made = [_blank(sign) if sign.isalnum() else sign for sign in like]
    for place in [i for i in places if like[i].isdigit()][1:]:
        made[place] = "0"
    if all(like[i].isdigit() for i in places) and len(places) < _SHORT:
        return "".join("9" if sign.isalnum() else sign for sign in like)
    for place in reversed(places[len(places) - _counting(len(places)) :]):
        base = 10 if like[place].isdigit() else 26
        made[place] = _counted(like[place], number % base)
        number //= base
    return "".join(made)


# Of fewer digits, all are nines: 90001 is a place, and 99999 is none.
_SHORT: Final = 7


def _counting(length: int) -> int:
    """How many of the last signs tell one made-up code from another."""
    return max(0, min(4 if length >= 10 else 2, length - 3))


def _blank(sign: str) -> str:
    if sign.isdigit():
        return "9"
    return "X" if sign.isupper() else "x"


def _counted(sign: str, value: int) -> str:
    if sign.isdigit():
        return str(value)
    return chr((ord("A") if sign.isupper() else ord("a")) + value)


def is_code(text: str) -> bool:
    """Whether a code is made up."""
    number = 0
    places = [sign for sign in text if sign.isalnum()]
    if not places or not "".join(places).isascii():
        return False
    for sign in places[len(places) - _counting(len(places)) :]:
        if sign.isdigit():
            number = number * 10 + int(sign)
        else:
            number = number * 26 + ord(sign.lower()) - ord("a")
    return code(number, text) == text


def account_id(number: int, like: str) -> str:
    """An id of the same form."""
    if _UUID.fullmatch(like):
        return f"{number:08d}-0000-4000-8000-{number:012d}"
    if _SID.fullmatch(like):
        return f"{like[:2]}{number:032d}"
    return code(number, like)


def is_account_id(text: str) -> bool:
    """Whether an id is made up."""
    return bool(_MADE_UP_ID.fullmatch(text)) or is_code(text)


_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SID = re.compile(r"[A-Z]{2}[0-9a-f]{32}")
_MADE_UP_ID = re.compile(r"\d{8}-0000-4000-8000-\d{12}|[A-Z]{2}0{26}\d{6}")


def iban(number: int, like: str) -> str:
    """One of the same form, of the same country, with a check that no account has."""
    signs = [i for i, sign in enumerate(like) if sign.isalnum()]
    made = list(like)
    for place in signs[2:]:
        made[place] = "0" if like[place].isdigit() else "X"
    for place in reversed(signs[-4:]):
        made[place], number = str(number % 10), number // 10
    return "".join(made)


def is_iban(text: str) -> bool:
    """Whether it is made up."""
    return re.fullmatch(r"[A-Z]{2}00[X0]*\d{4}", re.sub(r"[ -]", "", text)) is not None


def filled(like: str, made: str) -> str:
    """These digits in the places of the others.

    The last place takes those that are left, and places that get none fall away.
    """
    last = len(digits(like)) - 1
    following = iter([*made[:last], made[last:]])
    whole = re.sub(r"\d", lambda _: next(following, ""), like)
    return whole if last < len(made) else whole.rstrip(" (.-/\u00a0")


# --- dates --------------------------------------------------------------------------------

_MONTHS = """
    January February March April May June July August September October November December
""".split()
_MONTH = "|".join(f"{month[:3]}(?:{month[3:]})?" if month[3:] else month for month in _MONTHS)
# The year, and the month and the day in either order.
_DATES = [
    re.compile(text, re.IGNORECASE | re.DOTALL)
    for text in (
        r"(?P<y>\d{4})([-/.])(?P<a>\d{1,2})\2(?P<b>\d{1,2})(?:[T ]\d.*)?",
        r"(?P<a>\d{1,2})([-/. ])(?P<b>\d{1,2})\2(?P<y>\d{4}|\d{2})",
        r"(?P<y>19\d{2}|20\d{2})(?P<a>\d{2})(?P<b>\d{2})",
        rf"(?P<a>{_MONTH})\.? (?P<b>\d{{1,2}})(?P<o>st|nd|rd|th)?,? (?P<y>\d{{4}})",
        rf"(?P<a>\d{{1,2}})(?P<o>st|nd|rd|th)?\.?(?: of)? (?P<b>{_MONTH}),? (?P<y>\d{{4}})",
    )
]
# Nobody alive was born then. The day is the month, so that the order does not matter.
_FIRST_YEAR = 1901
_YEARS = range(_FIRST_YEAR, _FIRST_YEAR + 9)


def birth(number: int, like: str) -> str | None:
    """A date that is written as another one is; None where that is no date."""
    year, month = _YEARS[number // 12 % len(_YEARS)], 1 + number % 12
    if like.isdigit() and len(like) in (1, 2, 4):
        return str(_FIRST_YEAR) if len(like) == 4 else "1".rjust(len(like), "0")
    match = _read(like)
    if match is None:
        return None
    made = {"y": str(year)[-len(match["y"]) :], "o": _ordinal(month)}
    for part in ("a", "b"):
        is_short = len(match[part]) == len("Jan")
        written = _MONTHS[month - 1][: 3 if is_short else None]
        made[part] = str(month).rjust(len(match[part]), "0") if match[part].isdigit() else written
    return _with(match, made)


def is_birth(text: str) -> bool:
    """Whether a date is made up."""
    if text.isdigit() and len(text) in (1, 2, 4):
        return birth(0, text) == text
    return any(day.year in _YEARS and day.month == day.day for day in _days(text))


def births(text: str) -> set[str]:
    """The usual ways to write a date, for each way in which it can be read."""
    return {written for day in _days(text) for written in _spelled(day)}


def _read(text: str) -> re.Match[str] | None:
    return next((match for form in _DATES if (match := form.fullmatch(text)) is not None), None)


def _with(match: re.Match[str], made: dict[str, str]) -> str:
    """The text with its parts replaced."""
    text = match.string
    for part in sorted(filter(match.groupdict().get, made), key=match.start, reverse=True):
        text = text[: match.start(part)] + made[part] + text[match.end(part) :]
    return text


def _days(text: str) -> set[date]:
    """The days that a text can mean."""
    match = _read(text)
    if match is None:
        return set()
    first, second = (_number(match[part]) for part in ("a", "b"))
    years = (
        [int(match["y"])] if len(match["y"]) == 4 else [int(f"{c}{match['y']}") for c in (19, 20)]
    )
    orders = [(first, second), (second, first)]
    if not match["a"].isdigit():
        orders = orders[:1]
    elif not match["b"].isdigit():
        orders = orders[1:]
    found: set[date] = set()
    for year in years:
        for month, day in orders:
            with contextlib.suppress(ValueError):
                found.add(date(year, month, day))
    return found


def _number(text: str) -> int:
    if text.isdigit():
        return int(text)
    return next(i for i, month in enumerate(_MONTHS, 1) if month[:3].lower() == text[:3].lower())


def _spelled(day: date) -> set[str]:
    full, year = _MONTHS[day.month - 1], day.year
    days = (str(day.day), f"{day.day:02d}", _th(day.day))
    numbers = [(str(day.month), str(day.day)), (f"{day.month:02d}", f"{day.day:02d}")]
    return {
        *(f"{year:04d}{sign}{m}{sign}{d}" for sign in "-/." for m, d in numbers),
        *(
            f"{a}{sign}{b}{sign}{y}"
            for sign in "-/."
            for m, d in numbers
            for a, b in ((m, d), (d, m))
            for y in (f"{year:04d}", f"{year % 100:02d}")
        ),
        *(
            f"{month} {d}{comma} {year}"
            for month in (full, full[:3])
            for d in days
            for comma in ("", ",")
        ),
        *(
            f"{d}{of} {month}{comma} {year}"
            for month in (full, full[:3])
            for d in days
            for of in ("", ".", " of")
            for comma in ("", ",")
        ),
    }


def _th(day: int) -> str:
    return f"{day}{_ordinal(day)}"


def _ordinal(day: int) -> str:
    return {1: "st", 2: "nd", 3: "rd"}.get(0 if day in (11, 12, 13) else day % 10, "th")
