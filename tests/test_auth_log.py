"""What a stranger sees of a refusal, and what our own log says: through a real router."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp

from vapitools import (
    AllOf,
    AnyOf,
    BearerToken,
    HmacSignature,
    OAuth2,
    OnlyFrom,
    SharedSecret,
    router,
    tool,
)
from vapitools.auth import Verifier

from . import wire
from .deliveries import header_values
from .wire import JSON_TYPE, entry, tool_calls

SECRET = "c2VjcmV0LW9mLW91cnM="
PRIVATE = "what-the-caller-said"


@tool
def greet(name: str) -> str:
    """Say hello."""
    return f"Hello, {name}!"


VERIFIERS: dict[str, Verifier] = {
    "shared secret": SharedSecret(SECRET),
    "bearer": BearerToken(SECRET),
    "hmac": HmacSignature(SECRET),
    "hmac base64": HmacSignature(SECRET, secret_is_base64=True, payload_format="{body}"),
    "oauth2": OAuth2("http://127.0.0.1:1/jwks.json", issuer="i", audience="a"),
    "network": OnlyFrom(trusted_proxies=["127.0.0.1"]),
    "any of": AnyOf(SharedSecret(SECRET), HmacSignature(SECRET)),
    "all of": AllOf(OnlyFrom("127.0.0.1"), HmacSignature(SECRET)),
}
CALL = json.dumps(tool_calls(entry("greet", {"name": PRIVATE}))).encode()

NOW = str(int(time.time())).encode()
TOKEN = b"eyJhbGciOiJSUzI1NiIsImtpZCI6ImstMSJ9.eyJzdWIiOiJ2YXBpIn0.c2lnbmF0dXJl"
CREDENTIALS: dict[str, list[tuple[bytes, bytes]]] = {
    "none": [],
    "empty": [(b"x-vapi-secret", b""), (b"authorization", b""), (b"x-signature", b"")],
    "wrong secrets": [(b"x-vapi-secret", b"WRONG-1"), (b"authorization", b"Bearer WRONG-2")],
    "doubled": [(b"x-vapi-secret", b"WRONG-1"), (b"x-vapi-secret", SECRET.encode())],
    "not ascii": [(b"x-vapi-secret", "schlüssel".encode()), (b"authorization", b"Bearer \xff\xfe")],
    "overlong": [(b"x-vapi-secret", b"WRONG" * 9999), (b"x-signature", b"0f" * 9999)],
    "a wrong signature": [(b"x-signature", b"0f" * 32), (b"x-timestamp", NOW)],
    "an old time stamp": [(b"x-signature", b"0f" * 32), (b"x-timestamp", b"1700000000")],
    "a token": [(b"authorization", b"Bearer " + TOKEN)],
    "a line break": [(b"x-forwarded-for", b"FORGED\nline"), (b"x-signature", b"FORGED\nline")],
}


def posted(verifier: Verifier, headers: list[tuple[bytes, bytes]]) -> wire.Reply:
    app: ASGIApp = router([greet], auth=verifier)
    return wire.post(app, CALL, headers=[*JSON_TYPE, *headers])


@pytest.mark.parametrize("headers", CREDENTIALS.values(), ids=CREDENTIALS)
@pytest.mark.parametrize("verifier", VERIFIERS.values(), ids=VERIFIERS)
def test_every_refusal_looks_the_same_and_the_log_holds_nothing_of_it(
    verifier: Verifier, headers: list[tuple[bytes, bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")

    usual = posted(SharedSecret("another"), [])
    caplog.clear()

    reply = posted(verifier, headers)

    assert (reply.status, reply.body) == (401, b"")
    assert reply == usual
    refusals = [line for line in caplog.messages if line.startswith("refused a request: ")]
    assert len(refusals) == 1
    assert "\n" not in refusals[0]
    assert "the verifier failed" not in caplog.text
    private = [SECRET, PRIVATE, *(value.decode("latin-1") for _, value in headers if value)]
    assert [text for text in private if text in caplog.text] == []


@pytest.mark.parametrize("verifier", VERIFIERS.values(), ids=VERIFIERS)
def test_whatever_a_stranger_sends_it_is_a_plain_refusal(
    verifier: Verifier, caplog: pytest.LogCaptureFixture
) -> None:
    names = (b"authorization", b"x-vapi-secret", b"x-signature", b"x-timestamp", b"x-forwarded-for")

    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.tuples(*[header_values()] * len(names)))
    def attack(values: tuple[bytes, ...]) -> None:
        reply = posted(verifier, list(zip(names, values, strict=True)))

        assert (reply.status, reply.body) == (401, b"")

    attack()

    assert "the verifier failed" not in caplog.text


def test_the_log_says_what_is_likely_wrong(caplog: pytest.LogCaptureFixture) -> None:
    posted(HmacSignature(SECRET), [(b"x-vapi-signature", b"0f" * 32)])

    assert caplog.messages == [
        "refused a request: there is no header x-signature, "
        "but x-vapi-signature came: is signature_header right?"
    ]


def test_who_is_let_in_leaves_nothing_of_it_either(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    both: Any = AllOf(OnlyFrom("127.0.0.1"), SharedSecret(SECRET))

    reply = posted(both, [(b"x-vapi-secret", SECRET.encode())])

    assert reply.result["result"] == f"Hello, {PRIVATE}!"
    assert SECRET not in caplog.text
