"""What is found in any text by its looks alone."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Each repetition has a limit: a text can be as long as a body.
_URL = r"(?P<url>\b(?:https?|wss?)://[^\s\"'<>\\`{}|]{1,2000}(?<![.,;:!?)]))"
_SIP = r"(?P<sip>\b(?i:sips?:|tel:)[^\s\"'<>;,\\]{2,200})"
_EMAIL = (
    r"(?P<email>(?<![^\s@<>\"'(),:;\[\]{}|\\/=&?])[^\s@<>\"'(),:;\[\]{}|\\/=&?]{1,250}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,6}[^\W\d_]{2,24}"
    # As people say it, and as it is written down then.
    r"|\b[\w+-]{1,40}(?:\.[\w+-]{1,40}|\s(?i:dot|underscore|dash)\s[\w+-]{1,40}){0,4}\s(?i:at)\s"
    r"[\w-]{1,40}(?:\s(?i:dot)\s[\w-]{2,24}){1,3}\b)"
)
# "name": "…", where the text around it is no JSON any more.
_FIELD = (
    r"(?P<field>(?P<head>\"(?P<key>[^\"\\]{1,60})\"\s{0,9}:\s{0,9}\")"
    r"(?P<value>(?:[^\"\\]|\\.){1,300}))"
)
FIELD = re.compile(_FIELD)
# Twilio's ids.
_SID = r"(?P<sid>\b[A-Z]{2}[0-9a-f]{32}\b)"
_UUID = r"(?P<uuid>\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b)"
_TOKEN = (
    r"(?P<token>\b(?i:bearer)\s+[\w.~+/=-]{8,2000}"
    r"|\b(?:sk|pk|rk|xox[abp]|gh[pousr]|whsec)[-_][\w-]{12,200}"
    r"|\beyJ[\w-]{8,2000}\.[\w-]{8,4000}\.[\w-]{0,1000})"
)
_IBAN = r"(?P<iban>\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,4})?\b)"
_IP6 = r"(?P<ip6>(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f.]{0,15}){3,8}(?![\w:]))"
_IP4 = r"(?P<ip4>(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d]|\.\d))"
# Dates and amounts stay: the bug is in them.
_KEPT = (
    r"(?P<kept>(?<![\d-])\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?"
    r"(?:Z|[+-]\d{2}:?\d{2})?)?(?![\d]|-\d)"
    r"|(?<![\d-])\d{1,2}(?P<sign>[-/.])\d{1,2}(?P=sign)(?:\d{4}|\d{2})(?![\d]|[-/.]\d)"
    r"|(?<![\d.,])\d{1,3}(?:[.,]\d{3}){1,6}(?:[.,]\d{1,2})?(?![\d]|[.,-]\d))"
)
_DIGITS = (
    r"(?P<digits>(?<!\w)(?:\+\s?)?\(?\d(?:[ ().\-/\u00a0\u2010-\u2013]{0,3}\d){6,24}(?!\w)"
    r"|(?<!\d)\d{13,40}(?!\d))"
)


_FIRST = [_FIELD, _TOKEN, _URL, _SIP, _EMAIL, _UUID, _SID]
_LAST = [_IBAN, _IP6, _IP4, _KEPT, _DIGITS]
ALONE = re.compile("|".join([_EMAIL, _SIP, _UUID, _SID, _IBAN, _IP6, _IP4, _DIGITS]))
"""For a text that may be one such thing as a whole."""


def compiled(known: Iterable[str]) -> re.Pattern[str]:
    """One pattern for all of it, and for what is known of a call.

    Args:
        known: Patterns. Where several match at one place, the first does.
    """
    alternatives = "|".join(known)
    between = [f"(?P<known>{alternatives})"] if alternatives else []
    return re.compile("|".join([*_FIRST, *between, *_LAST]))
