"""What is made for a verifier is let in by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vapitools import AllOf, AnyOf, BearerToken, HmacSignature, OAuth2, OnlyFrom, SharedSecret
from vapitools.auth import Delivery, Verifier, delivery_headers

from .deliveries import BODY, Headers, let_in, refused

URL = "https://luigi.example.com/vapi/webhook?a=%20b"


def made(verifier: Verifier, url: str = URL, body: bytes = BODY) -> Headers:
    """The headers as a server receives them."""
    headers = delivery_headers(verifier, url, body)
    assert headers is not None
    assert all(name == name.lower() for name in headers)
    return [(b"host", host(url)), *((k.encode(), v.encode()) for k, v in headers.items())]


def host(url: str) -> bytes:
    """What a client sends: without a name before it, and without the port that is usual."""
    parts = urlsplit(url)
    usual = {"http": 80, "https": 443}[parts.scheme]
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{name}{port}".encode()


class Own:
    """A verifier of the user's own, which takes part."""

    async def verify(self, delivery: Delivery) -> None: ...

    def delivery_headers(self, url: str, body: bytes) -> Mapping[str, str] | None:
        return {"x-own": f"{url} {len(body)}"}


class Mute:
    """One that does not."""

    async def verify(self, delivery: Delivery) -> None: ...


VERIFIERS: dict[str, Verifier] = {
    "secret": SharedSecret("new", "old"),
    "bearer": BearerToken("new", "old"),
    "token": BearerToken("s3cret", header="X-Key", prefix=False),
    "any, the first that can": AnyOf(OnlyFrom(), Mute(), SharedSecret("s3cret")),
    "all": AllOf(HmacSignature("key"), SharedSecret("s3cret")),
    "all, with the same header": AllOf(SharedSecret("s3cret"), SharedSecret("s3cret", "old")),
    "nested": AllOf(AnyOf(Mute(), BearerToken("t")), SharedSecret("s3cret"), Own()),
}


@pytest.mark.parametrize("verifier", VERIFIERS.values(), ids=VERIFIERS)
def test_what_is_made_is_let_in(verifier: Verifier) -> None:
    let_in(verifier, made(verifier), path="/vapi/webhook?a=%20b")


def test_a_verifier_of_the_users_own_may_have_the_method_too() -> None:
    assert delivery_headers(Own(), URL, b"{}") == {"x-own": f"{URL} 2"}
    assert delivery_headers(AnyOf(Mute(), Own()), URL, b"{}") == {"x-own": f"{URL} 2"}


ONLY_VAPI: dict[str, Verifier] = {
    "a token of the issuer's": OAuth2("https://a.example.com/", issuer="b", audience="c"),
    "an address": OnlyFrom(),
    "an own one": Mute(),
    "any of these": AnyOf(OnlyFrom(), Mute()),
    "one of these": AllOf(SharedSecret("s3cret"), OnlyFrom()),
    "two in one header": AllOf(BearerToken("one"), BearerToken("two")),
}


@pytest.mark.parametrize("verifier", ONLY_VAPI.values(), ids=ONLY_VAPI)
def test_what_only_vapi_can_make_is_not_made(verifier: Verifier) -> None:
    assert delivery_headers(verifier, URL, BODY) is None


# --- signatures ---------------------------------------------------------------------------

PARTS = ["{timestamp}", "{method}", "{url}", "{svix-id}", "v0:", ".", "\n", '{"body":']


@st.composite
def options(draw: st.DrawFn) -> dict[str, Any]:
    """Every option of a signature."""
    parts = [*draw(st.permutations([*draw(st.lists(st.sampled_from(PARTS))), "{body}"]))]
    is_stamped = "{timestamp}" in parts
    payload_format = draw(st.sampled_from([None, "".join(parts)]))
    remember = draw(st.booleans()) if payload_format is None or is_stamped else False
    include = remember or is_stamped or draw(st.booleans())
    return {
        "algorithm": draw(st.sampled_from(["sha256", "sha512", "sha1"])),
        "signature_header": draw(st.sampled_from(["x-signature", "Svix-Signature"])),
        "timestamp_header": draw(st.sampled_from(["x-timestamp", "Svix-Timestamp"])),
        "message_id_header": draw(st.sampled_from([None, "Webhook-Id"])),
        "include_timestamp": include,
        "payload_format": payload_format,
        "signature_prefix": draw(st.sampled_from(["", "sha256=", "v1,", "HMAC "])),
        "signature_encoding": draw(st.sampled_from(["hex", "base64"])),
        "secret_is_base64": draw(st.booleans()),
        "tolerance": draw(st.sampled_from([0.9, 300])),
        "remember": remember,
        "base_url": draw(st.sampled_from([None, *BASES])),
    }


BASES = ["https://luigi.example.com", "https://Luigi.example.com/vapi/"]
URLS = [
    URL,
    "http://127.0.0.1:8000/webhook",
    "http://me:pw@LOCALHOST:80/webhook",
    "https://[::1]:443/tools/a?b=c&d",
    "https://luigi.example.com:8443",
]


def path(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


@given(options(), st.sampled_from(URLS), st.binary())
def test_for_every_option_of_a_signature_what_is_made_is_let_in(
    chosen: dict[str, Any], url: str, body: bytes
) -> None:
    # Base64 of a key, too.
    verifier = HmacSignature("bXktc2VjcmV0LWtleQ==", "b2xk", **chosen)
    first, second = made(verifier, url, body), made(verifier, url, body)

    let_in(verifier, first, body, path=path(url))
    let_in(verifier, second, body, path=path(url))
    refused(verifier, made(verifier, url, body), body + b" ", path=path(url))


@pytest.mark.parametrize("seen", ["/vapi/webhook", "/webhook"], ids=["as it was", "cut"])
def test_a_proxy_may_take_the_prefix_from_the_path(seen: str) -> None:
    verifier = HmacSignature(
        "key", payload_format="{url}{body}", base_url="https://luigi.example.com/vapi"
    )

    let_in(verifier, made(verifier, "https://luigi.example.com/vapi/webhook"), path=seen)
