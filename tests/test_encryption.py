"""Encrypted arguments: what Vapi is told, what arrives, and what is refused."""

from __future__ import annotations

import asyncio
import base64
import enum
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from starlette.types import ASGIApp
from typing_extensions import NotRequired, TypedDict

from vapitools import ArgumentError, DefinitionError, Encrypted, Settings, Static, router, tool
from vapitools._encrypted_paths import replaced
from vapitools._encryption import PrivateKeys, UnreadableError, make_private_key
from vapitools.dispatch import Dispatcher
from vapitools.errors import SettingsError
from vapitools.tools import Tool
from vapitools.toolset import Toolset

from . import wire
from .dialect import check
from .signatures import examples, function_of, taking
from .wire import entry, tool_calls

# Made for this test, and used nowhere else.
VECTOR_KEY = """\
-----BEGIN PRIVATE KEY-----
MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQCsxBFNoT2FgE2w
O9ThUpFCZOIrLQLEO6Rm8UKZPFf5FgxKzvQ4e77LoRUOGN3GRTKxT122N/Loa7sV
1618ttCJltrXxyE2zbwzYuV0jq3DgLag8+kiehGvNYEruMpIJuU102KL3d/3aKYM
Qq6Ta5utAIkTzqBkPX32nkPqoKXCCZPmeL3KIGNHeExqU2EYZsEpzz5grosCM1R/
1qjpWnB7bwVpzZm0SuBodaPT3uP3NpQhTZD+ukKVm9Le3KvI6IgbUPCsXDzg/4Py
a+XzFCwGHepts0jVPvYrznCskxO1k+TmXhmkpaXNXH19tmxd6UTMPLNpPn0AoCVf
q3V/V9irAgMBAAECggEAHcuQqmE48XmvrEmdTKDHQXqRkN2p4PriPwizsia4i1I0
m4A2mTkqLgchUPWT5dpQREkKQd9DSrctpDY2itAiheAY7ObAQSnZH8maBfCHYjSk
Cn0WQ2Zm/18MYGR1qlze4doLYFDLC+ml3W5wmicQSZVSjrJvceoy+6HO17uN6rkg
dbQK8ynOcqqevfnC3B6cPjp8OucekuPDXDIX6l+jPNaz/Ft9xnKiIWMdjBp1y5m7
VPAW5Ne4lfbiEmj/Q1fglNm4z9P1TdfswbEd2w4Obn3RKFosJLTm91u7c14sKFS0
PmE+qE2fgI/mT+lo/tfL22sP7fB2+Y0Fx5qj8fCQoQKBgQDftUf0tBnYtFhjV13V
xE/p9VYpbkVZGiYqrDn1YvRMW2ftSROgODcqdztE8OZjKZ9wNywY9pf3AAejSdTl
SiwEFuap7XUPeDdleFi+RheY8MTthwaFX2Vzv/1O02Z35vg9SQPxkwbaZZdMRDo0
s3wjcr3nE5uuLXpjUHB+pwRNywKBgQDFtE9+x0zYDJU9ICFGBcoScwbWPkqVjeW5
bXlAcRtfFU3pum3M0g7T8QqO7AfOL1i4BKTo6KuzxPlw9E4wmhgf7wbcyd7rI+vE
hTLi6ClO7cuap0sHjG42knyvwj0NRX0qleaP5/AuDXev9Gu4GJPHGKxZuejGd3X/
vlaSw8tEoQKBgHgV6+Zjt2wogznwcCKMGwnP9MyQsRE/hDVr9kDPOayzdHpfu/VJ
t/NHxb0gQ8v/T+MA+t77oF+q2G7C91GOG0qmsHOPUENZmQMTMzAQmCI1PMD0tn9p
0h/sc6GYwWyjw6XCSCepcQhTeIAsL8KShpTQxzf/wpYhO42MZJbYOOs5AoGAOcjY
z1JLKH6NBB+m+gNpK3lJT0dHn2yo70iK/wXQHTtp2V2vCAWBZfr2vg1Ivr/h628Y
ECcpQFLbIWOWkugHExZW6CNsr0eBep//3ohCwpoIP3yUFnG6KOMp5GkeVQmxasgD
ap48+gjfqaMD9Pvh/Xg9r8ABxDhYWdZ1EVJ+z+ECgYB9XXdDm55PjPXPCA0gami/
eylZpbwXqoFvYP5ajb0OyAkcVMq4AWn4heqJecs0NhN9DLDjqilffZVN3wDYsGmM
9QzJayPJ7GInCOpTYvdfYQJQmikzFmGr/aBW3EALFZZ4f+l3IUiQCpC8cUmq3tB6
Gz+wxZRjX7y3Z3cW1enKVw==
-----END PRIVATE KEY-----
"""
# What Node makes of the text, with `RSA_PKCS1_OAEP_PADDING` and `oaepHash: "sha256"`.
VECTOR = """
p0cRyhYmZOOSM2fEepoCfNZbsMkxpb9FxfFmnqKnQeLgbuAQappqyFn69plzbnlH
5ppcwoEDvOfXBuNshTD22cXtgHF9k+qlxrW1LrXJNhyBJajHNJbwl4sXxMp1R+Ok
TuT1HlPKxRFh+niwLRfcCxLnlij3A9lAlYz4YHQpLSGbB4xu0v5UIN28AiJ8e1HP
7gKNp64FJs/FzrCnUEl3RAbOv3nx64Gw8413qQuX3H3zSUO95iNcTZK3IZ7ErTrU
V7Mis8Oc5lcs2OLsdT5R7pjKjAREJnqzh6xyp0uV2iBwXSUjgslcJQwSPNOE8dQw
swmRUz7Yvz4B0S4AwrUBwg==
"""
VECTOR_TEXT = "Grüße 078-05-1120"

SHA256 = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), label=None)
SECRET = "078-05-1120"


def new_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def pem_of(key: Any, password: bytes | None = None) -> str:
    lock = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    return str(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock
        ).decode()
    )


KEY = new_key()
OTHER_KEY = new_key()
PEM, OTHER_PEM = pem_of(KEY), pem_of(OTHER_KEY)
KEYS = PrivateKeys([PEM])


def sealed(text: str | bytes, key: rsa.RSAPrivateKey = KEY, scheme: Any = SHA256) -> str:
    """What Vapi sends for a text: made here without any code of ours."""
    plain = text.encode() if isinstance(text, str) else text
    return base64.b64encode(key.public_key().encrypt(plain, scheme)).decode()


@dataclass
class Payment:
    card_number: Annotated[str, Encrypted]
    amount: int = 0


class Card(BaseModel):
    number: Annotated[str, Encrypted] = Field(alias="cardNumber")
    expires: date | None = None


class Person(TypedDict):
    name: str
    ssn: Annotated[str, Encrypted]
    card: NotRequired[Card | None]


class Menu(BaseModel):
    after: Menu | None = None
    below: list[Menu] = []


class Order(BaseModel):
    menus: list[Menu] = []
    menu: Menu | None = None
    pin: Annotated[str, Encrypted]


class Colour(enum.Enum):
    RED = "red"


@tool
def book(ssn: Annotated[str, Encrypted], day: date | None = None) -> str:
    """Book a table."""
    return f"ends in {ssn[-4:]}"


def app_of(*tools: Tool[..., Any], keys: tuple[str, ...] = (PEM,)) -> ASGIApp:
    return router(tools, auth=None, settings=Settings(decryption_keys=keys))


def answer(app: ASGIApp, name: str, arguments: Any) -> dict[str, Any]:
    """The answer to one call, through the webhook."""
    # Without the id of a call, none is taken for a repeat of another.
    return wire.post(app, tool_calls(entry(name, arguments), call_id=None)).result


def bound(hint: Any, value: Any, *default: Any) -> Any:
    """What a tool gets for its parameter `x`."""
    arguments = {} if value is ... else {"x": value}
    taken = tool(taking(hint, *default)).run(arguments, keys=KEYS)
    return asyncio.run(taken)["x"]


# --- what Vapi is told --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hint", "paths"),
    [
        (Annotated[str, Encrypted], ["x"]),
        (Annotated[str, Encrypted()], ["x"]),
        (Annotated[str | None, Encrypted], ["x"]),
        (Annotated[str, Encrypted] | None, ["x"]),
        (Annotated[int, Encrypted, Field(ge=1)], ["x"]),
        (Annotated[date, Encrypted], ["x"]),
        (Annotated[Decimal, Encrypted], ["x"]),
        (Annotated[Colour, Encrypted], ["x"]),
        (Annotated[Literal["a", "b"], Encrypted], ["x"]),
        (Annotated[int | str, Encrypted], ["x"]),
        (Annotated[str, Encrypted] | Annotated[int, Encrypted], ["x"]),
        (Annotated[str, Encrypted, Field(alias="cardNumber")], ["cardNumber"]),
        (Payment, ["x.card_number"]),
        (Payment | None, ["x.card_number"]),
        (Card, ["x.cardNumber"]),
        (Person, ["x.ssn", "x.card.cardNumber"]),
        (Payment | Card | str, ["x.card_number", "x.cardNumber"]),
        (list[int], []),
    ],
    ids=str,
)
def test_vapi_is_told_what_to_encrypt(hint: Any, paths: list[str]) -> None:
    assert tool(taking(hint)).encrypted_paths == tuple(paths)


def test_a_type_that_contains_itself_may_stand_beside_what_is_encrypted() -> None:
    function = function_of({"menu": Menu, "order": Order})

    assert tool(function).encrypted_paths == ("order.pin",)


def test_a_definition_names_the_encrypted_paths() -> None:
    assert book.definition()["server"] == {"timeoutSeconds": 20, "encryptedPaths": ["ssn"]}
    assert book.definition(base_url="https://a.example.com")["server"] == {
        "timeoutSeconds": 20,
        "url": "https://a.example.com/tools/book",
        "encryptedPaths": ["ssn"],
    }


def test_paths_of_the_authors_own_are_kept_beside_them() -> None:
    server = {"credentialId": "cred_1", "encryptedPaths": ["note", "ssn"]}

    definition = book.definition(server=server)

    assert definition["server"]["credentialId"] == "cred_1"
    assert definition["server"]["encryptedPaths"] == ["ssn", "note"]
    assert server["encryptedPaths"] == ["note", "ssn"]


def test_a_tool_with_nothing_encrypted_has_no_server_of_its_own() -> None:
    assert "server" not in tool(taking(str)).definition()


@pytest.mark.parametrize(
    "hint", [str, str | None, int, date, Decimal, Colour, Literal[1, 2], bool | int], ids=str
)
def test_the_model_sees_no_difference(hint: Any) -> None:
    marked = tool(taking(Annotated[hint, Encrypted])).parameters

    assert marked == tool(taking(hint)).parameters
    assert check(marked) == []


def test_what_the_model_sees_of_nested_fields_is_in_the_dialect() -> None:
    function = function_of({"payer": Person, "card": Card, "either": Payment | Card})

    definition = tool(function).definition()

    assert check(definition["function"]["parameters"]) == []
    assert "x-vapitools" not in json.dumps(definition)


# --- what cannot arrive encrypted ---------------------------------------------------------


class Pair(NamedTuple):
    first: Annotated[str, Encrypted]
    second: str = ""


class Node(BaseModel):
    value: Annotated[str, Encrypted]
    next: Node | None = None


class Open(BaseModel):
    number: str


class Deep(BaseModel):
    cards: list[Card] = []
    pair: Pair | None = None


SEALED = Annotated[str, Encrypted]


@pytest.mark.parametrize(
    ("hint", "place", "text"),
    [
        (list[SEALED], "x", "in a list, a dict or a tuple"),
        (list[Card], "x", "in a list, a dict or a tuple"),
        (list[Card] | None, "x", "in a list, a dict or a tuple"),
        (list[Node], "x", "in a list, a dict or a tuple"),
        (dict[str, SEALED], "x", "in a list, a dict or a tuple"),
        (dict[str, list[Payment]], "x", "in a list, a dict or a tuple"),
        (tuple[SEALED, int], "x", "in a list, a dict or a tuple"),
        (Pair, "x", "in a list, a dict or a tuple"),
        (Deep, "x.cards", "in a list, a dict or a tuple"),
        (Deep, "x.pair", "in a list, a dict or a tuple"),
        (Annotated[Card, Encrypted], "x", "write Encrypted on the fields inside it"),
        (Annotated[Payment | None, Encrypted], "x", "write Encrypted on the fields inside it"),
        (Annotated[list[str], Encrypted], "x", "write Encrypted on the fields inside it"),
        (Annotated[dict[str, str], Encrypted], "x", "write Encrypted on the fields inside it"),
        (Node, "x.next", "contains itself"),
        (SEALED | int, "x", "write Encrypted in all of them, or around the whole"),
        (Annotated[SEALED, Field(alias="card.number")], "card.number", "another alias"),
    ],
    ids=str,
)
def test_what_cannot_arrive_encrypted_is_an_error(hint: Any, place: str, text: str) -> None:
    with pytest.raises(DefinitionError, match=text) as raised:
        tool(taking(hint))

    assert any(p.startswith(f"f: parameter {place!r}: ") for p in raised.value.problems)


def test_a_field_that_one_variant_encrypts_must_be_encrypted_in_all() -> None:
    class Sealed(BaseModel):
        number: Annotated[int, Encrypted]

    with pytest.raises(DefinitionError, match=r"'x\.number': it is encrypted in one variant"):
        tool(taking(Sealed | Open))


def test_what_is_wrong_in_two_variants_is_said_once() -> None:
    with pytest.raises(DefinitionError) as raised:
        tool(taking(list[Card] | list[Payment]))

    assert len(raised.value.problems) == 1


def test_static_and_encrypted_do_not_go_together() -> None:
    for mark in (Encrypted, Encrypted()):
        hint = Annotated[str, Static("{{customer.number}}"), mark]

        with pytest.raises(DefinitionError, match="parameter 'x': Vapi fills in what is Static"):
            tool(taking(hint))


def test_all_that_is_wrong_is_said_at_once() -> None:
    hints = {"a": list[SEALED], "b": Annotated[Card, Encrypted], "c": Deep}

    with pytest.raises(DefinitionError) as raised:
        tool(name="no name")(function_of(hints))

    places = [problem.split(":")[1].strip() for problem in raised.value.problems]
    assert places == [
        "the name 'no name' must be 1 to 64 of the letters a-z, A-Z, digits, '_' and '-'",
        "parameter 'a'",
        "parameter 'b'",
        "parameter 'c.cards'",
        "parameter 'c.pair'",
    ]


# --- what arrives -------------------------------------------------------------------------


def test_the_algorithm_is_the_one_that_vapi_uses() -> None:
    keys = PrivateKeys([VECTOR_KEY])

    assert keys.decrypt("".join(VECTOR.split())) == VECTOR_TEXT


@given(st.text(max_size=60).filter(lambda text: len(text.encode("utf-8", "ignore")) <= 190))
@examples(50)
def test_a_tool_gets_the_text_that_was_encrypted(text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()

    assert KEYS.decrypt(sealed(text)) == text
    assert KEYS.decrypt(KEYS.encrypt(text)) == text


def test_the_tool_runs_with_plain_text() -> None:
    given_ = {"ssn": sealed(SECRET), "day": "2026-12-24"}

    assert answer(app_of(book), "book", given_)["result"] == "ends in 1120"


@pytest.mark.parametrize(
    ("hint", "text", "value"),
    [
        (str, "4111 1111", "4111 1111"),
        (str, "{{ not a template", "{{ not a template"),
        (int, "42", 42),
        (int, " 42 ", 42),
        (float, "4.5", 4.5),
        (bool, "true", True),
        (Decimal, "12.50", Decimal("12.50")),
        (date, "2026-12-24", date(2026, 12, 24)),
        (Colour, " RED ", Colour.RED),
        (Literal[1, 2], "2", 2),
        (bool | date, "2026-12-24", date(2026, 12, 24)),
    ],
    ids=str,
)
def test_what_was_encrypted_is_bound_like_any_sloppy_argument(
    hint: Any, text: str, value: Any
) -> None:
    assert bound(Annotated[hint, Encrypted], sealed(text)) == value


@pytest.mark.parametrize("sent", [..., None, "", sealed(""), sealed("null")], ids=range(5))
def test_nothing_is_the_default(sent: Any) -> None:
    assert bound(Annotated[str, Encrypted], sent, "none") == "none"
    assert bound(Annotated[int | None, Encrypted], sent) is None


def test_nothing_is_missed_where_there_is_no_default() -> None:
    with pytest.raises(ArgumentError, match=r"^x: wanted text, got nothing$"):
        bound(Annotated[str, Encrypted], ...)


def test_nested_fields_are_decrypted_where_the_model_puts_them() -> None:
    sent: Any = {"name": "Ann", "ssn": sealed("1"), "card": {"cardNumber": sealed("4111")}}

    person: Person = bound(Person, sent)
    assert (person["name"], person["ssn"]) == ("Ann", "1")
    assert person["card"] == Card(cardNumber="4111")

    del sent["card"]
    assert bound(Person, sent) == {"name": "Ann", "ssn": "1"}


@pytest.mark.parametrize(
    "sent",
    [{"card_number": sealed("4111"), "unknown": [1]}, json.dumps({"card_number": sealed("4111")})],
    ids=["an object", "an object as text"],
)
def test_nested_fields_are_decrypted_in_sloppy_arguments(sent: Any) -> None:
    assert bound(Payment, sent) == Payment("4111")


def test_each_variant_of_a_union_is_decrypted() -> None:
    assert bound(Payment | Card, {"cardNumber": sealed("1")}) == Card(cardNumber="1")
    assert bound(Payment | Card, {"card_number": sealed("1")}) == Payment("1")


def test_an_earlier_key_still_opens_what_it_was_used_for() -> None:
    app = app_of(book, keys=(OTHER_PEM, PEM))

    assert "result" in answer(app, "book", {"ssn": sealed(SECRET)})
    assert "result" in answer(app, "book", {"ssn": sealed(SECRET, OTHER_KEY)})


def test_a_key_of_another_size_does_not_hide_the_one_that_fits() -> None:
    keys = PrivateKeys([pem_of(new_key(3072)), PEM])

    assert keys.decrypt(sealed(SECRET)) == SECRET


def test_bare_arguments_at_the_tools_own_address_are_decrypted_too() -> None:
    reply = wire.post(app_of(book), {"ssn": sealed(SECRET)}, "/tools/book")

    assert reply.json() == {"result": "ends in 1120"}


def test_arguments_as_text_are_decrypted_too() -> None:
    sent = json.dumps({"ssn": sealed(SECRET)})

    assert answer(app_of(book), "book", sent)["result"] == "ends in 1120"


def test_without_keys_a_direct_run_takes_plain_text() -> None:
    assert asyncio.run(book.run({"ssn": SECRET})) == "ends in 1120"


# --- what is refused ----------------------------------------------------------------------

SHA1 = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), label=None)
SHA1_INSIDE = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA256(), label=None)
LABELLED = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), label=b"vapi")
GOOD = sealed(SECRET)

MALFORMED: dict[str, Any] = {
    "plain text": SECRET,
    "plain text that is base64": base64.b64encode(SECRET.encode()).decode(),
    "another key": sealed(SECRET, OTHER_KEY),
    "OAEP with SHA-1": sealed(SECRET, scheme=SHA1),
    "OAEP with SHA-1 in MGF1": sealed(SECRET, scheme=SHA1_INSIDE),
    "OAEP with a label": sealed(SECRET, scheme=LABELLED),
    "PKCS #1 1.5": sealed(SECRET, scheme=padding.PKCS1v15()),
    "no UTF-8": sealed(b"\xff\xfe\x00secret"),
    "cut off": GOOD[:-4],
    "without its padding": GOOD.rstrip("="),
    "base64 with other letters": GOOD.replace("+", "-").replace("/", "_").replace("=", "-"),
    "blanks around it": f" {GOOD}\n",
    "twice": GOOD + GOOD,
    "encoded twice": base64.b64encode(GOOD.encode()).decode(),
    "zeros": base64.b64encode(bytes(256)).decode(),
    "ones": base64.b64encode(b"\xff" * 256).decode(),
    "very long": "A" * 100_000,
    "a blank": " ",
    "the word null": "null",
    "a template": "{{ssn}}",
    "no ASCII": "１２３４",
    "half an emoji": "\ud83d",
    "a number": 78051120,
    "a fraction": 7.8,
    "a boolean": True,
    "a list": [GOOD],
    "an empty list": [],
    "an object": {"ssn": GOOD},
    "zero": 0,
}


@pytest.mark.parametrize("value", MALFORMED.values(), ids=MALFORMED)
def test_what_does_not_decrypt_gets_one_answer_that_tells_nothing(
    value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    result = answer(app_of(book), "book", {"ssn": value})

    assert result == {"name": "book", "toolCallId": "call_1", "error": "ssn: cannot be read"}
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert warnings[0].startswith("book: ssn cannot be read: ")
    assert_silent(caplog.text, value)


def assert_silent(text: str, value: Any) -> None:
    """Neither the value, nor what it hides, nor the key is in the text."""
    hidden = [SECRET, base64.b64encode(SECRET.encode()).decode(), "PRIVATE", *PEM.split("\n")[1:-1]]
    if isinstance(value, str) and len(value) > 4:
        hidden.append(value)
    assert [part for part in hidden if part and part in text] == []
    assert GOOD[:40] not in text


@given(
    st.one_of(
        st.text(),
        st.binary().map(lambda b: base64.b64encode(b).decode()),
        st.binary(min_size=256, max_size=256).map(lambda b: base64.b64encode(b).decode()),
        st.recursive(
            st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ),
    ).filter(lambda value: value is not None and value != "")
)
@examples(150)
def test_whatever_comes_is_refused_in_the_same_words(value: Any) -> None:
    result = answer(_APP, "book", {"ssn": value})

    assert result["error"] == "ssn: cannot be read"


_APP = app_of(book)


def test_the_log_tells_the_likely_reason(caplog: pytest.LogCaptureFixture) -> None:
    app = app_of(book)

    for value in (SECRET, 78051120, sealed(SECRET, OTHER_KEY), sealed(b"\xff")):
        answer(app, "book", {"ssn": value})

    plain, number, foreign, binary = (r.getMessage() for r in caplog.records)
    assert "does the tool at Vapi have server.encryptedPaths" in plain
    assert number == plain
    assert "is the public half of one of them in Vapi's credential?" in foreign
    assert "is no text" in binary


def test_every_field_that_does_not_decrypt_is_named() -> None:
    @tool
    def pay(card: Card, ssn: Annotated[str, Encrypted], day: date) -> str:
        return "paid"

    sent = {"card": {"cardNumber": "4111"}, "ssn": "1", "day": "never"}
    result = answer(app_of(pay), "pay", sent)

    assert result["error"] == "card.cardNumber: cannot be read; ssn: cannot be read"


@pytest.mark.parametrize(
    "sent",
    [
        '{"x": {"card_number": "4111"}}',
        '{"x": "{\\"card_number\\": \\"4111\\"}"}',
        '{"x": " {\\"card_number\\": \\"4111\\", \\"amount\\": NaN}"}',
        '{"x": {"card_number": "4111"}, "y": NaN}',
        '{"x": {}, "x": {"card_number": "4111"}}',
        f'{{"x": {{"card_number": "{sealed("1")}", "card_number": "4111"}}}}',
        '\ufeff{"x": {"card_number": "4111"}}',
        '{"x": {"card_number": "4111\n"}}',
        '{"x": {"card_number": "\\ud800"}}',
        '{"x": "{\\"card_number\\": \\"\\ud800\\"}"}',
    ],
    ids=range(10),
)
def test_no_spelling_takes_plain_text_past_the_keys(sent: str) -> None:
    taking_payment = tool(taking(Payment))

    with pytest.raises(ArgumentError, match=r"^x\.card_number: cannot be read$"):
        asyncio.run(taking_payment.run(sent, keys=KEYS))


@pytest.mark.parametrize("sent", ["[]", "1", "null", "{", '"text"', "[" * 100_000], ids=str)
def test_arguments_that_are_no_object_are_refused_as_ever(sent: str) -> None:
    with pytest.raises(ArgumentError, match=r"^arguments: wanted a JSON object"):
        asyncio.run(book.run(sent, keys=KEYS))


def test_arguments_that_are_nested_too_deeply_are_refused() -> None:
    # Somewhere in between, Python can still read what it can no longer write.
    for depth in range(700, 1010):
        nested = '{"ssn": null, "day": ' + "[" * depth + "]" * depth + "}"

        with pytest.raises(ArgumentError):
            asyncio.run(book.run(nested, keys=KEYS))


@pytest.mark.parametrize(
    ("hint", "text"), [(int, "many"), (date, "tomorrow"), (Literal["gold"], "silver")], ids=str
)
def test_an_error_after_decryption_shows_no_value(
    hint: Any, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    checked = tool(taking(Annotated[hint, Encrypted]), name="checked")

    result = answer(app_of(checked), "checked", {"x": sealed(text)})

    assert result["error"].startswith("x: wanted ")
    assert text not in result["error"]
    assert text not in caplog.text


def test_one_call_that_is_refused_costs_its_neighbours_nothing() -> None:
    calls = [
        entry("book", {"ssn": SECRET}, "call_1"),
        entry("book", {"ssn": sealed(SECRET)}, "call_2"),
    ]

    first, second = wire.post(app_of(book), tool_calls(*calls)).results

    assert first["error"] == "ssn: cannot be read"
    assert second["result"] == "ends in 1120"


# --- keys ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pem", "text"),
    [
        ("", "decryption key 2 cannot be read"),
        ("SeCrEt", "decryption key 2 cannot be read"),
        ("\ud800", "decryption key 2 cannot be read"),
        (PEM[: len(PEM) // 2], "decryption key 2 cannot be read"),
        (pem_of(KEY, b"SeCrEt"), "decryption key 2 cannot be read; it must be"),
        (
            KEY.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode(),
            "decryption key 2 cannot be read",
        ),
        (pem_of(ec.generate_private_key(ec.SECP256R1())), "decryption key 2 is no RSA key"),
        (pem_of(new_key(1024)), "decryption key 2 has 1024 bits; it must have 2048 or more"),
    ],
    ids=["empty", "no PEM", "no text", "cut off", "locked", "public", "elliptic", "short"],
)
def test_a_key_that_cannot_be_used_is_said_without_its_content(pem: str, text: str) -> None:
    with pytest.raises(SettingsError) as raised:
        PrivateKeys([PEM, pem])

    assert str(raised.value).startswith(text)
    assert "SeCrEt" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


@pytest.mark.parametrize(
    "form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL]
)
def test_a_key_is_read_in_either_form_of_pem(form: serialization.PrivateFormat) -> None:
    lock = serialization.NoEncryption()
    pem = KEY.private_bytes(serialization.Encoding.PEM, form, lock).decode()

    assert PrivateKeys([f"\n{pem}\n"]).decrypt(sealed(SECRET)) == SECRET


def test_keys_show_how_many_they_are() -> None:
    assert repr(PrivateKeys([PEM, OTHER_PEM])) == "PrivateKeys(2 keys)"
    assert "PRIVATE" not in repr(Settings(decryption_keys=(PEM,)))


def test_without_a_key_nothing_decrypts() -> None:
    with pytest.raises(UnreadableError):
        PrivateKeys([]).decrypt(sealed(SECRET))


def test_a_new_key_is_one_that_can_be_used() -> None:
    pem = make_private_key()

    assert PrivateKeys([pem]).decrypt(PrivateKeys([pem]).encrypt(SECRET)) == SECRET
    assert make_private_key() != pem


@pytest.mark.parametrize(
    "serve",
    [partial(router, auth=None), Dispatcher],
    ids=["router", "dispatcher"],
)
def test_a_tool_with_encrypted_arguments_needs_a_key(serve: Callable[..., Any]) -> None:
    with pytest.raises(SettingsError) as raised:
        serve(Toolset([book]))

    assert str(raised.value).startswith(
        "book: its argument 'ssn' arrives encrypted; set VAPITOOLS_DECRYPTION_KEYS"
    )


def test_a_key_that_cannot_be_read_is_found_before_the_first_call() -> None:
    with pytest.raises(SettingsError, match="decryption key 1"):
        app_of(book, keys=("no key",))


# --- what it costs those who do not use it ------------------------------------------------

SERVE = """
import asyncio, sys
from vapitools import Settings, router, tool

@tool
def greet(name: str) -> str:
    return name

router([greet], auth=None, settings=Settings(decryption_keys=("no key",)))
print(asyncio.run(greet.run({"name": "Ann"})))
print([name for name in sys.modules if name.partition(".")[0] == "cryptography"])
"""


def test_who_uses_no_encryption_does_not_load_cryptography() -> None:
    ran = subprocess.run([sys.executable, "-c", SERVE], capture_output=True, text=True, check=True)

    assert ran.stdout.splitlines() == ["Ann", "[]"]


def test_who_uses_no_encryption_does_not_read_the_arguments_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr("vapitools._encrypted_paths.decrypted")

    assert asyncio.run(tool(taking(int)).run({"x": 1}, keys=KEYS)) == {"x": 1}


@pytest.mark.parametrize("use", [make_private_key, partial(app_of, book)], ids=["make", "read"])
def test_what_has_to_be_installed_is_said(
    use: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "cryptography"]:
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(SettingsError, match=r"pip install 'vapitools\[crypto\]'"):
        use()


def test_arguments_are_replaced_in_a_copy() -> None:
    given_: dict[str, Any] = {"a": {"b": "1", "c": None}, "d": "2"}

    changed = replaced(given_, ["a.b", "a.c", "a.x.y", "d.e", "z"], _shouted)

    assert changed == {"a": {"b": "a.b=1", "c": None}, "d": "2"}
    assert given_ == {"a": {"b": "1", "c": None}, "d": "2"}


def _shouted(path: str, value: Any) -> str:
    return f"{path}={value}"
