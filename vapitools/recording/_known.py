"""What is known of one call: each private value, and the made-up one for it."""

from __future__ import annotations

import ipaddress
import json
import re
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus

from . import _madeup, _patterns
from ._names import Kind

# The oldest go first.
_MAX_SPELLINGS = 3000
_MAX_VALUES = 3000

# Shorter ones stand within other words.
_LONG = 6
_MIN_DIGITS = 5
# Shorter ones are words, as headers have them.
_LONG_SECRET = 8
_SHORT_SECRET = 3
# The last digits of a phone number, with or without the code of its country.
_OWN_DIGITS = 9

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_PARTICLES = frozenset(
    """da de del della den der di dos du el la le les van von y e bin ibn al zu zur dr mr mrs ms
    miss sir madam prof herr frau signor signora jr sr""".split()
)
# Names that are words as well are looked for with a capital letter only.
_COMMON = frozenset(
    """a about after all also an and angel any april are art as ask at august autumn back be bill
    book both but by call can carol chase christian cliff come could crystal dash dawn day dean did
    do does drew earl eve faith first for frank from gene get give go good grace grant had hall has
    have he heath her here him his home hope how i if in is it ivy jack jay joy june just king know
    last lane let like long look love make man mark mason max may me more much my name need new
    next nick no not now number of on one only or other our out over own page park pat penny people
    place ray read really rich right rob robin rose ruby say see she should so some south stone
    street such sue summer sunday sure take than that the their them then there these they think
    this time to today two up us use very violet want was way we week well west what when which
    white who will win wood work would yes you young your""".split()
)
_SECRET = re.compile(r"secret-\d+")
_ADDRESS = re.compile(r"\d+ Sample Street")
_EMAIL = re.compile(r"person\d+@example\.com")
_PRIVATE_URL = re.compile(r"\w+://made-up\.invalid/\d+(?:\.\w{1,5})?")
_SIP = re.compile(r"(?i)(sips?|tel):(?:(.*)@)?(.*)", re.DOTALL)
_IP4_MADE_UP = ipaddress.ip_network("192.0.2.0/24")
_IP6_MADE_UP = ipaddress.ip_network("2001:db8::/32")


class Known:
    """The values of one call and the made-up ones for them."""

    def __init__(self) -> None:
        self._numbers: dict[str, OrderedDict[str, int]] = {}
        self._made: OrderedDict[str, str] = OrderedDict()
        self._patterns: OrderedDict[str, str] = OrderedDict()
        self._compiled: re.Pattern[str] | None = None
        self._text = ""
        self._news: list[str] = []

    @property
    def pattern(self) -> re.Pattern[str]:
        """What finds each known value in a text, and what shows by its looks what it is."""
        if self._compiled is None:
            longest_first = sorted(self._patterns, key=len, reverse=True)
            self._compiled = _patterns.compiled(self._patterns[each] for each in longest_first)
        return self._compiled

    def news(self) -> re.Pattern[str] | None:
        """What finds the values that became known since this was asked; None for none."""
        news, self._news = self._news, []
        return re.compile("|".join(news)) if news else None

    def avoid(self, text: str) -> None:
        """Make up nothing that stands in this text: two values must not become one."""
        self._text = text

    # --- one value -------------------------------------------------------------------------

    def made_up(self, kind: Kind, value: str) -> str | None:
        """What stands for a value of that kind from now on; None for what is no such thing."""
        bare = value.strip()
        made = bare if _is_made_up(kind, bare) else self._made_up(kind, bare)
        return None if made is None else value.replace(bare, made)

    def _made_up(self, kind: Kind, bare: str) -> str | None:
        if (by_looks := self._whole_by_looks(kind, bare)) is not None:
            return by_looks
        make = getattr(self, f"_{kind}")
        made: str | None = make(bare)
        return made

    def _whole_by_looks(self, kind: Kind, bare: str) -> str | None:
        """An e-mail address is one under whatever name."""
        if kind in ("secret", "id", "url", "code", "birth"):
            return None
        match = _patterns.ALONE.fullmatch(bare)
        looks = "" if match is None else match.lastgroup or ""
        if kind != "foreign" and looks not in ("email", "sip", "ip4"):
            return None
        return self.by_looks(looks, bare) if looks and looks != "uuid" else self.whole(bare)

    def _name(self, bare: str) -> str | None:
        if not _WORD.search(bare):
            return self._code(bare) if bare.strip() else None
        words = _WORD.findall(bare)
        counted = [word for word in words if word.casefold() not in _PARTICLES] or words
        made = {word: self._name_word(word, is_first=word == counted[0]) for word in counted}
        whole = _WORD.sub(lambda match: made.get(match[0], match[0]), bare)
        self._learn(bare, whole)
        for word in counted:
            if len(word) > 2 and len(words) > 1:
                self._learn(word, made[word])
        return whole

    def _name_word(self, word: str, *, is_first: bool) -> str:
        if _madeup.is_name(word):
            return word
        if (known := self._made.get(_normal(word))) is not None and _madeup.is_name(known):
            return known
        return self._numbered("name", _normal(word), lambda n: _madeup.name(n, is_first=is_first))

    def _address(self, bare: str) -> str:
        made = self._numbered("address", _normal(bare), lambda n: f"{n} Sample Street")
        self._learn(bare, made)
        for part in map(str.strip, re.split(r"[,;\n]", bare)):
            if len(part) >= _LONG and _WORD.search(part):
                self._learn(part, made)
        return made

    def _email(self, bare: str) -> str:
        plain = re.sub(r"\s+(?:dot|underscore|dash)\s+|\s+at\s+", _said, bare, flags=re.IGNORECASE)
        made = self._numbered("email", _normal(plain), lambda n: f"person{n}@example.com")
        self._learn(bare, made)
        return made

    def _phone(self, bare: str) -> str:
        digits = _madeup.digits(bare)
        if len(digits) < 7:
            return self._code(bare) if digits else self._said_number(bare)
        made = self._phone_like(bare)
        self._learn(bare, made)
        return made

    def _said_number(self, bare: str) -> str:
        made = self._numbered("phone", _normal(bare), lambda n: _madeup.phone(n, "+"))
        self._learn(bare, made)
        return made

    def _phone_like(self, text: str) -> str:
        key = _madeup.digits(text)[-_OWN_DIGITS:]
        number = self._number_of("phone", key, lambda n: _madeup.phone(n, "+")[2:])
        return _madeup.phone(number, text)

    def _code(self, bare: str) -> str:
        key = _madeup.digits(bare) if not _WORD.search(bare) else _normal(bare)
        if re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9 -]{11,40}", bare):
            return self._iban(bare)
        made = _madeup.code(self._number_of("code", key, lambda n: _madeup.code(n, bare)), bare)
        self._learn(bare, made)
        return made

    def _iban(self, bare: str) -> str:
        key = re.sub(r"[ -]", "", bare)
        made = _madeup.iban(self._number_of("iban", key, lambda n: _madeup.iban(n, bare)), bare)
        self._learn(bare, made)
        self._learn(key, re.sub(r"[ -]", "", made))
        return made

    def _birth(self, bare: str) -> str:
        days = _madeup.births(bare)
        key = min(days, default=_normal(bare))
        if _madeup.birth(0, bare) is None:
            return self._code(bare)

        def make(number: int) -> str:
            return _madeup.birth(number, bare) or bare

        number = self._number_of("birth", key, make)
        for spelling in days:
            self._learn(spelling, _madeup.birth(number, spelling) or spelling)
        made = make(number)
        self._learn(bare, made)
        return made

    def _secret(self, bare: str) -> str:
        made = self._numbered("secret", bare, lambda n: f"secret-{n}")
        self._learn(bare, made, least=_SHORT_SECRET)
        return made

    def _foreign(self, bare: str) -> str:
        if len(bare) >= _LONG_SECRET and bare not in _PLAIN_HEADERS:
            return self._secret(bare)
        return self._numbered("secret", bare, lambda n: f"secret-{n}")

    def _id(self, bare: str) -> str:
        number = self._number_of("id", bare, lambda n: _madeup.account_id(n, bare))
        made = _madeup.account_id(number, bare)
        self._learn(bare, made)
        return made

    def _url(self, bare: str) -> str | None:
        if "://" not in bare:
            return None
        scheme, _, rest = bare.partition("://")
        ending = re.search(r"\.\w{1,5}$", rest.partition("?")[0].rpartition("/")[2])
        tail = ending[0] if ending and "/" in rest else ""
        made = self._numbered("url", bare, lambda n: f"{scheme}://made-up.invalid/{n}{tail}")
        self._learn(bare, made)
        return made

    # --- numbers ---------------------------------------------------------------------------

    def number(self, kind: Kind, text: str) -> int:
        """What stands for a number: it has as many digits."""
        if _madeup.is_phone(text) or _madeup.is_code(text):
            return int(text)
        if kind == "birth" and (made := self._birth(text)).isdigit() and made[0] != "0":
            return int(made)
        is_phone = len(text) == 10 or (len(text) == 11 and text[0] == "1")
        if is_phone and (kind == "phone" or self._is_phone(text)):
            return int(self._phone(text))
        return int(self._code(text))

    def is_number(self, text: str) -> bool:
        """Whether these digits are known."""
        return text in self._numbers.get("code", ()) or self._is_phone(text)

    def _is_phone(self, digits: str) -> bool:
        return len(digits) >= _OWN_DIGITS and digits[-_OWN_DIGITS:] in self._numbers.get(
            "phone", ()
        )

    # --- found in a text -------------------------------------------------------------------

    def lookup(self, text: str) -> str:
        """What stands for a known value, in capital or small letters as it came."""
        made = self._made.get(_normal(text))
        if made is None:
            return _madeup.code(0, text)
        if all(_madeup.is_name(word) or word.casefold() in _PARTICLES for word in made.split()):
            return made.lower() if text.islower() else made.upper() if text.isupper() else made
        return made

    def whole(self, text: str) -> str | None:
        """The same where the whole text may be known."""
        if _PRIVATE_URL.fullmatch(text):
            return text
        return self._made.get(_normal(text))

    def by_looks(self, looks: str, text: str) -> str:
        """What stands for what shows by its looks what it is.

        Args:
            looks: The name of the part of the pattern.
            text: What was found.
        """
        if _is_made_up("code", text):
            return text
        found: Callable[[str], str] | None = getattr(self, f"_seen_{looks}", None)
        return text if found is None else found(text)

    def _seen_token(self, text: str) -> str:
        scheme, blank, token = text.rpartition(" ")
        return f"{scheme}{blank}{token if _SECRET.fullmatch(token) else self._secret(token)}"

    def _seen_email(self, text: str) -> str:
        return self._email(text)

    def _seen_uuid(self, text: str) -> str:
        return self._made.get(_normal(text), text)

    def _seen_sid(self, text: str) -> str:
        return self._id(text)

    def _seen_iban(self, text: str) -> str:
        return self._iban(text) if len(_madeup.digits(text)) >= 10 else text

    def _seen_ip4(self, text: str) -> str:
        return self._address_of_a_machine(text, _IP4_MADE_UP, lambda n: f"192.0.2.{n % 255 or 255}")

    def _seen_ip6(self, text: str) -> str:
        return self._address_of_a_machine(text, _IP6_MADE_UP, lambda n: f"2001:db8::{n % 9999:x}")

    def _address_of_a_machine(
        self,
        text: str,
        made_up: ipaddress.IPv4Network | ipaddress.IPv6Network,
        make: Callable[[int], str],
    ) -> str:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return text
        if address in made_up or address.is_unspecified:
            return text
        return self._numbered("ip", str(address), make)

    def _seen_sip(self, text: str) -> str:
        match = _SIP.fullmatch(text)
        if match is None:
            return text
        scheme, user, rest = match.groups()
        if scheme.lower() == "tel" or (user is None and _madeup.digits(rest)[3:]):
            return f"{scheme}:{self._someone(rest)}"
        host = self._host(re.split(r"[:;?]", rest)[0])
        return f"{scheme}:{host}" if user is None else f"{scheme}:{self._someone(user)}@{host}"

    def _someone(self, user: str) -> str:
        digits = _madeup.digits(user)
        if _madeup.is_phone(user) or re.fullmatch(r"person\d+", user):
            return user
        if len(digits) >= 7 and not _WORD.search(user):
            return self._phone(user)
        return self._numbered("user", _normal(user), lambda n: f"person{n}")

    def _host(self, host: str) -> str:
        if host == "sip.example.com":
            return host
        if (made := self._seen_ip4(host)) != host or host.startswith("192.0.2."):
            return made
        return "sip.example.com"

    def _seen_digits(self, text: str) -> str:
        digits = _madeup.digits(text)
        if _madeup.is_phone(text):
            return text
        if self._is_phone(digits):
            return self._phone_like(text)
        is_dialed = text[0] == "+" or digits.startswith("00")
        if is_dialed and 8 <= len(digits) <= 15:
            return self._phone(text)
        if len(digits) < _OWN_DIGITS:
            return self._end_of_a_phone(text, digits)
        has_signs = len(digits) < len(text)
        is_code = len(digits) >= 12 or re.fullmatch(r"\d{3}-\d{2}-\d{4}|\d{9}", text)
        return (
            self._code(text) if is_code or not (has_signs or len(digits) > 9) else self._phone(text)
        )

    def _end_of_a_phone(self, text: str, digits: str) -> str:
        """A number as its neighbours dial it."""
        for known, number in self._numbers.get("phone", OrderedDict()).items():
            if known.endswith(digits):
                return _madeup.filled(text, _madeup.phone(number, "+")[-len(digits) :])
        return text

    # --- the memory ------------------------------------------------------------------------

    def _numbered(self, kind: str, key: str, make: Callable[[int], str]) -> str:
        return make(self._number_of(kind, key, make))

    def _number_of(self, kind: str, key: str, make: Callable[[int], str]) -> int:
        """Which one it is of its kind: the same value has the same number again."""
        numbers = self._numbers.setdefault(kind, OrderedDict())
        if key in numbers:
            return numbers[key]
        number = 1 + next(reversed(numbers.values()), 0)
        for free in range(number, number + 100):
            if make(free) not in self._text:
                number = free
                break
        numbers[key] = number
        if len(numbers) > _MAX_VALUES:
            numbers.popitem(last=False)
        return number

    def _learn(self, value: str, made: str, least: int = 2) -> None:
        """Find the value in texts from now on, if it has that many letters and digits."""
        for spelling in _spellings(value):
            normal = _normal(spelling)
            if normal in self._made or not _can_be_found(spelling, least):
                continue
            self._made[normal] = made
            self._patterns[normal] = _pattern(spelling)
            self._compiled = None
            self._news.append(self._patterns[normal])
        while len(self._made) > _MAX_SPELLINGS:
            oldest, _ = self._made.popitem(last=False)
            self._patterns.pop(oldest)


# What stands in a header and tells nothing.
_PLAIN_HEADERS = frozenset(
    """application/json text/plain keep-alive close gzip deflate true false no-cache utf-8 */*
    INVITE POST GET UDP TCP TLS""".split()
)


def _said(match: re.Match[str]) -> str:
    return {"dot": ".", "at": "@", "underscore": "_", "dash": "-"}[match[0].strip().lower()]


def _is_made_up(kind: Kind, text: str) -> bool:
    """Whether a text is one of those that are made up for values of that kind."""
    if kind == "secret":
        return _SECRET.fullmatch(text) is not None
    if any(form.fullmatch(text) for form in (_SECRET, _ADDRESS, _EMAIL, _PRIVATE_URL)):
        return True
    if _madeup.digits(text) and _madeup.is_phone(text):
        return True
    if kind == "foreign":
        return False
    checks = (_madeup.is_code, _madeup.is_account_id, _madeup.is_iban)
    if any(check(text) for check in checks) or (kind == "birth" and _madeup.is_birth(text)):
        return True
    words = [word for word in _WORD.findall(text) if word.casefold() not in _PARTICLES]
    return bool(words) and all(map(_madeup.is_name, words))


def _normal(text: str) -> str:
    return " ".join(text.split()).casefold()


def _spellings(value: str) -> Iterator[str]:
    """As it is, without accents, within JSON, and within a URL."""
    yield value
    decomposed = unicodedata.normalize("NFKD", value)
    yield from (unicodedata.normalize("NFC", value), unicodedata.normalize("NFD", value))
    yield "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    yield from (quote(value, "", errors="replace"), quote_plus(value, errors="replace"))


def _can_be_found(spelling: str, least: int) -> bool:
    """Whether it is not found in every other text, as small numbers are."""
    signs = sum(sign.isalnum() for sign in spelling)
    if least < _SHORT_SECRET and not any(sign.isalpha() for sign in spelling):
        return signs >= _MIN_DIGITS
    return signs >= least


def _pattern(spelling: str) -> str:
    words = spelling.split()
    pattern = r"\s+".join(map(re.escape, words))
    if not any(sign.isalpha() for sign in spelling):
        return rf"(?<!\d)(?<!\d[.,:]){pattern}(?!\d)(?![.,:]\d)"
    is_common = len(words) == 1 and spelling.casefold() in _COMMON
    if is_common or len(spelling) == 2:
        pattern = "|".join({re.escape(spelling.capitalize()), re.escape(spelling.upper())})
        return rf"(?<!\w)(?:{pattern})(?!\w)"
    # Some scripts write no blanks between words.
    left = r"(?<!\w)" if _is_cased(spelling[0]) and len(spelling) < _LONG else ""
    right = r"(?!\w)" if _is_cased(spelling[-1]) and len(spelling) < _LONG - 1 else ""
    return f"{left}(?i:{pattern}){right}"


def _is_cased(sign: str) -> bool:
    return sign.lower() != sign.upper() or sign.isdigit()
