"""What the name of a field says of its value: whether it is personal, and what kind of thing it is.

The names are those of our own tools and of strangers', so they are taken apart into words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Literal

from .. import _secrecy

Kind = Literal[
    "name", "address", "email", "phone", "code", "birth", "secret", "foreign", "id", "url"
]
"""What a value is: it decides what stands in its place."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_A_NAME = _words("name names nom noms nome nomi nombre nombres")
_NAMES = _words(
    """firstname lastname surname forename fullname nickname middlename maidenname givenname
    familyname username fname lname vorname nachname familienname prenom apellido apellidos
    cognome customername clientname callername patientname guestname contactname cardholder
    accountholder cardholdername"""
)
# Alone, with a text in it, these hold a name.
_PEOPLE = _words(
    """customer client caller patient guest guests attendee attendees passenger passengers tenant
    participant participants person people member members owner spouse parent child children
    mother father mom mum dad wife husband son sons daughter daughters brother brothers sister
    sisters grandmother grandfather aunt uncle fiance fiancee girlfriend boyfriend guardian
    kin"""
)
# These hold the name of a person or of something else: what they hold has to look like a name.
_PERHAPS_PEOPLE = _words(
    """host hosts contact contacts friend friends partner relative relatives companion companions
    organizer organiser signature"""
)
_BOOKED = _words("booked booking reserved reservation appointment requested signed")
# Two of these beside each other are of one person.
_NAME_PARTS = _words("first last given family middle")
_NO_NAMES = _words(
    """monday tuesday wednesday thursday friday saturday sunday january february march july
    september october november december today tonight tomorrow now next this
    morning afternoon evening noon midnight breakfast lunch dinner email e-mail mail phone call
    text sms whatsapp the a my our for with"""
)
# What has a name and is nobody.
_THINGS = _words(
    """file tool function assistant agent voice model squad bot product service event host domain
    company business organization organisation org restaurant hotel city town country state region
    plan column table field class item dish menu room department calendar template campaign list
    tag category type kind brand medication drug pharmacy clinic hospital bank airline airport
    course project variable queue package key shop store branch location place venue area zone
    team group role folder directory path image document form program procedure treatment test
    provider carrier network server database schema app application workflow node step action
    intent parameter property attribute option setting config font color colour day month week
    weekday timezone language currency unit size shape style song movie film book game drink wine
    pizza vehicle car make phone street station line route train flight number office building
    job position title skill school university college subject topic reason status error code
    resource region program credential channel session conversation message device browser"""
)

_EMAILS = _words("email emails mail mails correo emailaddress courriel")
_PHONES = _words(
    """phone phones telephone mobile cell cellphone tel telefon telefono handy fax whatsapp msisdn
    ani phonenumber mobilenumber cellnumber telephonenumber callerid"""
)
_NUMBER_OF = _words("contact callback back caller customer client forwarding from to dial dialed")
_ADDRESSES = _words(
    """address addresses addr street streets adresse strasse strase direccion indirizzo rue house
    apartment apt streetaddress homeaddress streetname housenumber hausnummer"""
)
_NO_ADDRESSES = _words("ip mac web memory server url sip wallet")
_BIRTHS = _words(
    """birth birthday birthdate born dob dateofbirth birthyear geburtsdatum geburtstag geboren
    nacimiento naissance nascita"""
)
_CODES = _words(
    """zip zipcode postcode postal postalcode plz pin pincode ssn passport passportnumber iban
    bic card cards creditcard debitcard cardnumber pan cvv cvc nin nhs mrn otp passcode
    accountnumber sortcode routingnumber socialsecurity socialsecuritynumber licenseplate plate
    taxid nationalid insurancenumber insuranceid policynumber memberid patientid"""
)
# What has a number or an id that belongs to one person.
_NUMBERED = _words(
    """account insurance policy member membership patient medicare medicaid health subscriber
    license licence national tax personal government social security identity id driver drivers
    driving routing medical record beneficiary"""
)
# The number itself may stand under these.
_NUMBERED_ALONE = _words(
    """account acct konto cuenta conto compte policy insurance member membership patient customer
    client subscriber medicare medicaid license licence"""
)
_A_NUMBER = re.compile(
    r"(?!\d{4}-\d\d-\d\d)[A-Z]{0,5}[ -]?\d(?:[ -]?\d){3,29}[ -]?[A-Z]?", re.I | re.ASCII
)
_DRIVERS = _words("driver drivers driving")
_SERVED = _words("account record id")
_NUMBERS = _words("number numbers no nr num id ids code plate nummer")

# The last word, where it makes of a personal thing something that is not.
_TAILS = _words(
    """type types kind status state provider brand count model template subject body content
    message verified enabled disabled sent consent format valid version app transport details
    method preference required requested confirmed opt in out url uri link call calls label index
    size length fee amount price cost limit balance reason check plan time country city town
    region province county zone language lang timezone action intent result error description
    field schema prompt tool agent assistant queue service system mode option options channel
    duration seconds minutes level score rate plan bypass path sid"""
)
_TIMES = _words("at time timestamp date start started end ended created updated expires expiry")

_SECRETS = _words("bearer jwt pwd passwd signature")
_AUTHS = _words("auth authorization")
_OF_A_PASS = _words("user admin account login db database smtp wifi api http basic my")
# With a letter and a digit in it: a session can be a lesson as well.
_A_TOKEN = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w~.+/=-]{8,}", re.ASCII)
_VAPIS_IDS = frozenset(
    (*owner.split(), "id") for owner in ("org", "call", "assistant", "phone number", "squad")
)
_PUBLIC_URLS = _words("server base image webhook jwks logo site website")
_NO_ACCOUNT = _words("voice model event message")


def words(name: str) -> list[str]:
    """The words of a name in any of the usual spellings, in small letters, without digits."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return [word.lower() for word in _WORD.findall(plain)]


def personal(name: str) -> Kind | None:
    """What a value of this name is, where it is about a person; None where it is not.

    Args:
        name: Of an argument, a variable or a field.
    """
    found = words(name)
    if not found:
        return None
    if (kind := _of_a_person(found)) is not None:
        return kind
    return _of_a_name(found) if found[-1] not in _TAILS else None


def _of_a_name(found: list[str]) -> Kind | None:
    if found[-1] in _A_NAME:
        return None if _THINGS.intersection(found[:-1]) else "name"
    return "name" if _NAMES.intersection(found) or found[-1] == "holder" else None


def _of_a_person(found: list[str]) -> Kind | None:
    """What it is, but for names."""
    every, last = frozenset(found), found[-1]
    if found[0] in _A_NAME and "on" in found:
        return "name"
    if last in _TAILS or last in _A_NAME or last == "holder":
        return None
    if _BIRTHS & every:
        return "birth"
    if _CODES & every and not (last == "id" and every & {"card", "cards"}):
        return "code"
    if _EMAILS & every:
        return "email"
    if _is_numbered(found):
        return "code"
    if last in ("id", "ids"):
        return None
    if _PHONES & every or (last == "number" and _NUMBER_OF & every):
        return "phone"
    if _ADDRESSES & every and not _NO_ADDRESSES & every:
        return "address"
    return None


def _is_numbered(found: list[str]) -> bool:
    owners, last = _NUMBERED.intersection(found[:-1]), found[-1]
    if last in ("license", "licence"):
        return not _DRIVERS.isdisjoint(found)
    # The id of an account or a record says who somebody is to some service.
    return last in _NUMBERS and bool(owners - _SERVED if last in ("id", "ids") else owners)


def of_text(name: str, text: str) -> Kind | None:
    """What a text is by its own looks and its name, where the name alone does not tell.

    Args:
        name: Of an argument, a variable or a field.
        text: What stands there.
    """
    found = words(name)
    if not found:
        return None
    if found[-1] in _NUMBERED_ALONE and _A_NUMBER.fullmatch(text):
        return "code"
    if _is_a_session(found) and _A_TOKEN.fullmatch(text):
        return "id"
    if found[-1] in _PEOPLE:
        return "name" if any(map(str.isalpha, text)) else None
    return "name" if _is_perhaps_somebody(found) and _looks_like_a_name(text) else None


def _is_a_session(found: list[str]) -> bool:
    return found[-1] == "session" or found[-2:] == ["session", "id"]


def _is_perhaps_somebody(found: list[str]) -> bool:
    if found[-1] in ("for", "by"):
        return not _BOOKED.isdisjoint(found[:-1])
    return found[-1] in _PERHAPS_PEOPLE or found[-2:] == ["host", "name"]


def _looks_like_a_name(text: str) -> bool:
    """Whether it is a few words with a capital letter, and no name of a machine or a day."""
    return any(not word[0].islower() for word in text.split()) and _can_be_a_name(text)


def _can_be_a_name(text: str) -> bool:
    parts = text.split()
    is_of_letters = all(sign.isalpha() or sign in " '’.-" for sign in text)
    is_a_machine = re.search(r"\w{2}\.\w{2}", text) is not None
    return (
        is_of_letters
        and not is_a_machine
        and len(parts) <= _MAX_WORDS
        and _NO_NAMES.isdisjoint(map(str.casefold, parts))
    )


_MAX_WORDS = 5


def is_part_of_a_name(name: str, text: str) -> bool:
    """Whether it can be the `first` or the `last` name of somebody, and is no first or last day."""
    return name.lower() in _NAME_PARTS and _can_be_a_name(text)


def has_the_other_part(name: str, beside: Iterable[str]) -> bool:
    """Whether one of the names of the same object is of the other part of somebody's name."""
    others = (words(other) for other in beside if other != name)
    return any(not (_NAME_PARTS | _NAMES).isdisjoint(found) for found in others)


def is_secret(name: str) -> bool:
    """Whether a field of this name holds a secret."""
    return _secrecy.is_secret(name) or _sounds_secret(words(name))


def _sounds_secret(found: list[str]) -> bool:
    if found[-1:] == ["pass"]:
        return _OF_A_PASS.issuperset(found[:-1])
    if not _AUTHS.isdisjoint(found):
        return found[-1] not in _TAILS
    return not _SECRETS.isdisjoint(found[-1:])


def stays(name: str) -> bool:
    """Whether a value of this name stays within what is personal, as a city in an address."""
    found = words(name)
    return bool(found) and found[-1] in _TAILS


def is_time(name: str) -> bool:
    """Whether a number of this name is a moment, and not a number of an account."""
    return bool(_TIMES.intersection(words(name)))


def is_account_id(name: str) -> bool:
    """Whether a field of Vapi's own objects holds an id of somebody's account there."""
    found = words(name)
    if not found or found[-1] not in ("id", "ids", "sid", "uuid"):
        return False
    # The id of a tool call means nothing anywhere else, and its answer needs it.
    return not (found[:-1] == ["tool", "call"] or _NO_ACCOUNT.intersection(found[:-1]))


def is_vapis_id(name: str) -> bool:
    """Whether it is such an id wherever it stands, as Vapi itself puts it into variables."""
    found = words(name)
    return bool(found) and (found[-1] == "sid" or tuple(found) in _VAPIS_IDS)


def is_private_url(name: str) -> bool:
    """Whether a field of Vapi's own objects leads to the live call or to what was kept of it."""
    found = words(name)
    if not found or found[-1] not in ("url", "urls"):
        return False
    return len(found) > 1 and not _PUBLIC_URLS.intersection(found[:-1])
