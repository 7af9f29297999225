"""Bearer tokens, in the header and the form that was chosen at Vapi."""

from __future__ import annotations

from typing import Any

import pytest

from vapitools import BearerToken
from vapitools.errors import SettingsError

from .deliveries import Headers, let_in, refused, unread

TOKEN = "t0ken-of-ours"
T = TOKEN.encode()
AUTHORIZATION = b"authorization"

LET_IN: dict[str, tuple[BearerToken, Headers]] = {
    "by default": (BearerToken(TOKEN), [(AUTHORIZATION, b"Bearer " + T)]),
    "in other letters": (BearerToken(TOKEN), [(AUTHORIZATION, b"bEARER  " + T + b" ")]),
    "without a prefix": (BearerToken(TOKEN, prefix=False), [(AUTHORIZATION, T)]),
    "in a header of one's own": (BearerToken(TOKEN, header="X-Key"), [(b"x-key", b"Bearer " + T)]),
    "as vapi's secret": (
        BearerToken(TOKEN, header="X-Vapi-Secret", prefix=False),
        [(b"x-vapi-secret", b" " + T)],
    ),
    "the old one": (BearerToken("new", TOKEN), [(AUTHORIZATION, b"Bearer " + T)]),
    "the new one": (BearerToken(TOKEN, "old"), [(AUTHORIZATION, b"Bearer " + T)]),
    "read from a file": (BearerToken(f" {TOKEN}\n"), [(AUTHORIZATION, b"Bearer " + T)]),
}


@pytest.mark.parametrize(("verifier", "headers"), LET_IN.values(), ids=LET_IN)
def test_who_has_the_token_is_let_in_before_the_body_is_read(
    verifier: BearerToken, headers: Headers
) -> None:
    let_in(verifier, headers, unread)


PREFIXED, BARE = BearerToken(TOKEN), BearerToken(TOKEN, prefix=False)
STRANGERS: dict[str, tuple[BearerToken, Headers, str]] = {
    "none": (PREFIXED, [], "there is no header authorization"),
    "empty": (PREFIXED, [(AUTHORIZATION, b" ")], "the header authorization is empty"),
    "an empty token": (PREFIXED, [(AUTHORIZATION, b"Bearer ")], "is prefix right?"),
    "wrong": (PREFIXED, [(AUTHORIZATION, b"Bearer wrong")], "is not ours"),
    "a part": (PREFIXED, [(AUTHORIZATION, b"Bearer " + T[:-1])], "is not ours"),
    "more": (PREFIXED, [(AUTHORIZATION, b"Bearer " + T + b"x")], "is not ours"),
    "not ascii": (PREFIXED, [(AUTHORIZATION, b"Bearer \xff\xfe\xfd")], "is not ours"),
    "very long": (PREFIXED, [(AUTHORIZATION, b"Bearer " + T * 9999)], "is not ours"),
    "doubled": (PREFIXED, [(AUTHORIZATION, b"Bearer " + T)] * 2, "came 2 times"),
    "no prefix": (PREFIXED, [(AUTHORIZATION, T)], "is prefix right?"),
    "another scheme": (PREFIXED, [(AUTHORIZATION, b"Basic " + T)], "is prefix right?"),
    "a prefix": (BARE, [(AUTHORIZATION, b"Bearer " + T)], "it begins with Bearer, set prefix"),
    "a wrong bare one": (BARE, [(AUTHORIZATION, b"wrong")], "is not ours"),
    "another header": (
        PREFIXED,
        [(b"x-vapi-secret", T)],
        "but x-vapi-secret came: is header right?",
    ),
    "an empty other header": (
        PREFIXED,
        [(b"x-vapi-secret", b" ")],
        "there is no header authorization",
    ),
    "a signature": (
        PREFIXED,
        [(b"x-signature", b"00ff")],
        "is the credential at Vapi an HMAC one?",
    ),
}


@pytest.mark.parametrize(("verifier", "headers", "why"), STRANGERS.values(), ids=STRANGERS)
def test_a_stranger_is_refused_before_the_body_is_read(
    verifier: BearerToken, headers: Headers, why: str
) -> None:
    said = refused(verifier, headers, unread)

    assert TOKEN not in said
    assert said.endswith(why)


UNUSABLE: dict[str, tuple[tuple[Any, ...], dict[str, Any], str]] = {
    "none": ((), {}, "BearerToken got an empty secret"),
    "empty": (("good", ""), {}, "BearerToken got an empty secret"),
    "an unset variable": ((None,), {}, "BearerToken got an empty secret"),
    "not ascii": (("schlüssel",), {}, "BearerToken got a secret that no header can carry"),
    "an unset header": (("good",), {"header": None}, "header None is no name of a header"),
    "no name of a header": (("good",), {"header": "X Key"}, "header 'X Key' is no name"),
    "an empty name": (("good",), {"header": ""}, "header '' is no name of a header"),
}


@pytest.mark.parametrize(("tokens", "options", "why"), UNUSABLE.values(), ids=UNUSABLE)
def test_what_cannot_be_used_is_refused_at_once(
    tokens: tuple[Any, ...], options: dict[str, Any], why: str
) -> None:
    with pytest.raises(SettingsError, match=why) as caught:
        BearerToken(*tokens, **options)

    assert "schlüssel" not in str(caught.value)


def test_an_inline_assistant_gets_the_id_of_the_credential() -> None:
    assert BearerToken(TOKEN, credential_id="c-1").server_fields() == {"credentialId": "c-1"}
    assert BearerToken(TOKEN).server_fields() == {}


def test_no_repr_shows_a_token() -> None:
    assert repr(BearerToken(TOKEN, "b")) == "BearerToken(2 tokens, header='authorization')"
