"""Who is let in, who is not, and that nothing of a secret is seen."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vapitools import SharedSecret
from vapitools.auth import Delivery
from vapitools.errors import AuthenticationError, SettingsError

SECRET = "s3cret-of-ours"
VAPI, BEARER = b"x-vapi-secret", b"authorization"

Headers = list[tuple[bytes, bytes]]


def verify(headers: Headers, *secrets: str) -> None:
    delivery = Delivery("POST", "/webhook", headers)
    asyncio.run(SharedSecret(*(secrets or (SECRET,))).verify(delivery))


LET_IN: dict[str, Headers] = {
    "vapi's header": [(VAPI, SECRET.encode())],
    "a bearer token": [(BEARER, b"Bearer " + SECRET.encode())],
    "a bearer in other letters": [(BEARER, b"bEARER  " + SECRET.encode() + b" ")],
    "an empty header and a bearer": [(VAPI, b""), (BEARER, b"Bearer " + SECRET.encode())],
    "another bearer and the secret": [(BEARER, b"Bearer x"), (VAPI, SECRET.encode())],
    "among other headers": [(b"host", b"x"), (VAPI, SECRET.encode()), (b"x-call-id", b"c")],
}


@pytest.mark.parametrize("headers", LET_IN.values(), ids=LET_IN)
def test_who_knows_the_secret_is_let_in(headers: Headers) -> None:
    verify(headers)


STRANGERS: dict[str, Headers] = {
    "none": [],
    "empty": [(VAPI, b"")],
    "blank": [(VAPI, b"  ")],
    "wrong": [(VAPI, b"another-one")],
    "a prefix": [(VAPI, SECRET[:-1].encode())],
    "one letter more": [(VAPI, SECRET.encode() + b"x")],
    "other letters": [(VAPI, SECRET.upper().encode())],
    "not ascii": [(VAPI, "schlüssel".encode())],
    "no text": [(VAPI, b"\xff\x00\xfe")],
    "very long": [(VAPI, SECRET.encode() * 10_000)],
    "doubled": [(VAPI, SECRET.encode())] * 2,
    "doubled, one wrong": [(VAPI, b"wrong"), (VAPI, SECRET.encode())],
    "both in one": [(VAPI, SECRET.encode() + b", " + SECRET.encode())],
    "another scheme": [(BEARER, b"Basic " + SECRET.encode())],
    "no scheme": [(BEARER, SECRET.encode())],
    "an empty bearer": [(BEARER, b"Bearer ")],
    "a bearer doubled": [(BEARER, b"Bearer " + SECRET.encode())] * 2,
    "a scheme in vapi's header": [(VAPI, b"Bearer " + SECRET.encode())],
    "another header": [(b"x-secret", SECRET.encode())],
}


@pytest.mark.parametrize("headers", STRANGERS.values(), ids=STRANGERS)
def test_a_stranger_is_refused_without_a_word_of_the_secret(headers: Headers) -> None:
    with pytest.raises(AuthenticationError) as caught:
        verify(headers)

    said = str(caught.value)
    assert not any(value.decode("latin-1") in said for _, value in headers if value.strip())
    assert SECRET not in said


WHY: list[tuple[Headers, str]] = [
    ([], "neither a header x-vapi-secret nor authorization"),
    ([(VAPI, b"")], "no secret is set on this server at Vapi"),
    ([(VAPI, b"x")], "the secret in the header x-vapi-secret is not ours"),
    ([(BEARER, b"Bearer x")], "the secret in the header authorization is not ours"),
    ([(BEARER, b"Basic x")], "authorization is no bearer token"),
    ([(VAPI, b"x")] * 3, "x-vapi-secret came 3 times"),
    ([(b"x-signature", b"00")], "but x-signature came: is the credential at Vapi an HMAC one"),
]


@pytest.mark.parametrize(("headers", "why"), WHY, ids=[why for _, why in WHY])
def test_our_own_log_hears_why(headers: Headers, why: str) -> None:
    with pytest.raises(AuthenticationError, match=why):
        verify(headers)


def test_while_a_secret_is_rotated_the_old_and_the_new_let_in() -> None:
    verify([(VAPI, b"old")], "old", "new")
    verify([(VAPI, b"new")], "old", "new")

    with pytest.raises(AuthenticationError):
        verify([(VAPI, b"older")], "old", "new")


def test_a_secret_is_known_without_the_blanks_that_a_header_loses() -> None:
    verify([(VAPI, SECRET.encode())], f" {SECRET}\n")


def test_an_inline_assistant_gets_the_first_secret() -> None:
    assert SharedSecret("new", "old").server_fields() == {"secret": "new"}


UNUSABLE: dict[str, tuple[Any, ...]] = {
    "none": (),
    "empty": ("",),
    "blank": (" \n",),
    "an unset variable": (None,),
    "one of two empty": ("good", ""),
    "a number": (7,),
}


@pytest.mark.parametrize("secrets", UNUSABLE.values(), ids=UNUSABLE)
def test_an_empty_secret_is_refused_when_it_is_set(secrets: tuple[Any, ...]) -> None:
    with pytest.raises(SettingsError, match="empty secret"):
        SharedSecret(*secrets)


@pytest.mark.parametrize("secret", ["schlüssel", "two\nlines", "\udcff", "bell\x07"], ids=ascii)
def test_a_secret_that_no_header_can_carry_is_refused_without_showing_it(secret: str) -> None:
    with pytest.raises(SettingsError, match="no header can carry") as caught:
        SharedSecret(secret)

    assert secret not in str(caught.value)


def test_no_repr_shows_a_secret() -> None:
    delivery = Delivery("POST", "/webhook", [(VAPI, SECRET.encode())], b"BODY")

    shown = repr([SharedSecret(SECRET, "other"), delivery])

    assert shown == "[SharedSecret(2 secrets), Delivery(POST '/webhook')]"
