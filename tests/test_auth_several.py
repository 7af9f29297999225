"""Verifiers that are put together."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from vapitools import AllOf, AnyOf, BearerToken, HmacSignature, OnlyFrom, SharedSecret
from vapitools.auth import Delivery, Verifier
from vapitools.errors import MessageError, SettingsError

from .deliveries import let_in, refused, unread

A, B = (b"x-vapi-secret", b"secret-a"), (b"x-key", b"secret-b")
FIRST = SharedSecret("secret-a")
SECOND = BearerToken("secret-b", header="x-key", prefix=False)


def test_any_of_lets_in_whom_one_knows() -> None:
    verifier = AnyOf(FIRST, SECOND)

    let_in(verifier, [A], unread)
    let_in(verifier, [B], unread)
    let_in(verifier, [A, B], unread)


def test_any_of_refuses_whom_none_knows_and_tells_each_reason() -> None:
    assert refused(AnyOf(FIRST, SECOND), [(b"x-key", b"other")]) == (
        "SharedSecret: there is neither a header x-vapi-secret nor authorization; "
        "BearerToken: the token in the header x-key is not ours"
    )


def test_all_of_lets_in_only_whom_all_know() -> None:
    verifier = AllOf(FIRST, SECOND)

    let_in(verifier, [A, B], unread)
    assert refused(verifier, [A]) == "BearerToken: there is no header x-key, " + (
        "but x-vapi-secret came: is header right?"
    )
    assert refused(verifier, [B]).startswith("SharedSecret: there is neither")
    assert refused(verifier, []).startswith("SharedSecret: ")


def test_they_nest() -> None:
    verifier = AnyOf(AllOf(OnlyFrom("10.0.0.1"), FIRST), SECOND)

    let_in(verifier, [A], client="10.0.0.1")
    let_in(verifier, [B], client="8.8.8.8")
    assert refused(verifier, [A], client="8.8.8.8").startswith("AllOf: OnlyFrom: the address 8.8")


@pytest.mark.parametrize("verifier", [AnyOf, AllOf])
def test_a_body_that_is_too_large_is_no_reason_to_ask_the_next(verifier: Any) -> None:
    async def too_large() -> bytes:
        raise MessageError("the body is too large", status=413)

    signed = HmacSignature("key", payload_format="{body}")
    delivery = Delivery("POST", "/", [(b"x-signature", b"00" * 32), A], too_large)

    with pytest.raises(MessageError, match="too large"):
        asyncio.run(verifier(signed, FIRST).verify(delivery))


class SaysNo:
    """Its author has not read what a verifier does."""

    async def verify(self, delivery: Delivery) -> bool:
        return False


class SaysYes:
    async def verify(self, delivery: Delivery) -> bool:
        return True


@pytest.mark.parametrize("kind", [AnyOf, AllOf])
def test_a_verifier_that_returns_false_lets_nobody_in(kind: Any) -> None:
    no, yes = cast(Verifier, SaysNo()), cast(Verifier, SaysYes())
    said = "SaysNo: it returned False; a verifier raises AuthenticationError"

    assert refused(kind(no), [A], unread) == said
    let_in(kind(yes), [A], unread)
    let_in(AnyOf(SECOND, no, FIRST), [A], unread)


WRONG: list[Any] = [(), ([FIRST, SECOND],), (SharedSecret,), (None,), ("secret",)]


@pytest.mark.parametrize("verifiers", WRONG, ids=str)
@pytest.mark.parametrize("kind", [AnyOf, AllOf])
def test_what_is_no_verifier_is_refused_at_once(kind: Any, verifiers: Any) -> None:
    with pytest.raises(SettingsError, match="verifier"):
        kind(*verifiers)


class OfOnesOwn:
    async def verify(self, delivery: Delivery) -> None: ...


def test_what_vapi_needs_comes_from_the_parts() -> None:
    nothing, credential = BearerToken("t"), BearerToken("t", credential_id="c-1")

    assert AnyOf(OfOnesOwn(), nothing, credential, FIRST).server_fields() == {"credentialId": "c-1"}
    assert AnyOf(OfOnesOwn(), nothing).server_fields() == {}
    assert AllOf(OnlyFrom(), OfOnesOwn(), FIRST).server_fields() == {
        "secret": "secret-a",
        "staticIpAddressesEnabled": True,
    }


def test_no_repr_shows_a_secret() -> None:
    shown = repr(AnyOf(AllOf(FIRST), SECOND))

    assert shown == "AnyOf(AllOf(SharedSecret(1 secrets)), BearerToken(1 tokens, header='x-key'))"
