"""Signatures: what Vapi's options mean, and what is refused."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import inspect
import itertools
import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given

from vapitools import HmacSignature
from vapitools.errors import AuthenticationError, SettingsError

from .conftest import shared
from .deliveries import BODY, Headers, delivery, header_values, let_in, refused, unread

SECRET = "bXktc2VjcmV0LWtleQ=="  # base64 too, so that both readings of it can be tried
ALWAYS = 1e10


def reference(algorithm: str, key: bytes, payload: bytes) -> bytes:
    """HMAC as RFC 2104 defines it."""
    new: Callable[[bytes], Any] = getattr(hashlib, algorithm)
    size = new(b"").block_size
    key = (new(key).digest() if len(key) > size else key).ljust(size, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in key) for pad in (0x36, 0x5C))
    digest: bytes = new(outer + new(inner + payload).digest()).digest()
    return digest


def now() -> bytes:
    return str(int(time.time())).encode()


def signed(
    timestamp: bytes | None = None, body: bytes = BODY, key: str = SECRET, prefix: bytes = b""
) -> Headers:
    """The headers of a delivery with Vapi's default options."""
    stamp = now() if timestamp is None else timestamp
    signature = reference("sha256", key.encode(), stamp + b"." + body).hex().encode()
    return [(b"x-timestamp", stamp), (b"x-signature", prefix + signature)]


# --- what fits ----------------------------------------------------------------------------

ENCODE: dict[str, Callable[[bytes], bytes]] = {
    "hex": lambda digest: digest.hex().encode(),
    "base64": base64.b64encode,
}
MATRIX = list(
    itertools.product(("sha256", "sha512", "sha1"), ENCODE, ("", "sha256=", "v1,"), (False, True))
)
FORMATS = [
    "{timestamp}.{body}",
    "{body}",
    "{svix-id}.{timestamp}.{body}",
    "{method}\n{url}\n{timestamp}\n{body}",
    "v0:{timestamp}:{body}:{body}",
    '{"time":{timestamp},"body":{body}}',
]


@pytest.mark.parametrize("payload_format", FORMATS)
@pytest.mark.parametrize(
    ("algorithm", "encoding", "prefix", "is_base64"),
    MATRIX,
)
def test_every_option_means_what_it_means_at_vapi(
    algorithm: Any, encoding: Any, prefix: str, is_base64: bool, payload_format: str
) -> None:
    verifier = HmacSignature(
        SECRET,
        algorithm=algorithm,
        payload_format=payload_format,
        signature_prefix=prefix,
        signature_encoding=encoding,
        secret_is_base64=is_base64,
        base_url="https://luigi.example.com/",
    )
    stamp = now()
    payload = payload_format.encode().replace(b"{timestamp}", stamp).replace(b"{method}", b"POST")
    payload = payload.replace(b"{url}", b"https://luigi.example.com/vapi/webhook?a=%20b")
    payload = payload.replace(b"{svix-id}", b"msg_1").replace(b"{body}", BODY)
    key = b"my-secret-key" if is_base64 else SECRET.encode()
    signature = prefix.encode() + ENCODE[encoding](reference(algorithm, key, payload))
    headers = [(b"x-timestamp", stamp), (b"svix-id", b"msg_1"), (b"x-signature", signature)]

    let_in(verifier, headers, path="/vapi/webhook?a=%20b")
    refused(verifier, headers, BODY + b" ", path="/vapi/webhook?a=%20b")


def test_all_of_vapi_s_options_are_there() -> None:
    plan = json.loads(shared("openapi.json").read_text("utf-8"))["components"]["schemas"][
        "HMACAuthenticationPlan"
    ]["properties"]
    snake = {"".join("_" + c.lower() if c.isupper() else c for c in name) for name in plan}

    assert snake - {"type", "secret_key"} <= set(inspect.signature(HmacSignature).parameters)
    for algorithm in plan["algorithm"]["enum"]:
        HmacSignature(SECRET, algorithm=algorithm)
    for encoding in plan["signatureEncoding"]["enum"]:
        HmacSignature(SECRET, signature_encoding=encoding)


RFC = b"what do ya want for nothing?"
# RFC 4231, test case 2; RFC 2202, test case 2; GitHub's documentation; Svix's documentation.
VECTORS: dict[str, tuple[HmacSignature, Headers, bytes]] = {
    "rfc 4231 sha256": (
        HmacSignature("Jefe", payload_format="{body}"),
        [
            (
                b"x-signature",
                b"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            )
        ],
        RFC,
    ),
    "rfc 4231 sha512": (
        HmacSignature("Jefe", algorithm="sha512", include_timestamp=False),
        [
            (
                b"x-signature",
                b"164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                b"9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
            )
        ],
        RFC,
    ),
    "rfc 2202 sha1": (
        HmacSignature("Jefe", algorithm="sha1", payload_format="{body}"),
        [(b"x-signature", b"EFFCDF6AE5EB2FA2D27416D5F184DF9C259A7C79")],
        RFC,
    ),
    "github": (
        HmacSignature(
            "It's a Secret to Everybody",
            signature_header="X-Hub-Signature-256",
            signature_prefix="sha256=",
            include_timestamp=False,
        ),
        [
            (
                b"x-hub-signature-256",
                b"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
            )
        ],
        b"Hello, World!",
    ),
    "svix": (
        HmacSignature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            signature_header="svix-signature",
            timestamp_header="svix-timestamp",
            payload_format="{svix-id}.{timestamp}.{body}",
            message_id_header="svix-id",
            signature_prefix="v1,",
            signature_encoding="base64",
            secret_is_base64=True,
            tolerance=ALWAYS,
        ),
        [
            (b"svix-id", b"msg_p5jXN8AQM9LWM0D4loKWxJek"),
            (b"svix-timestamp", b"1614265330"),
            (
                b"svix-signature",
                b"v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,x "
                b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
        ],
        b'{"test": 2432232314}',
    ),
}


@pytest.mark.parametrize(("verifier", "headers", "body"), VECTORS.values(), ids=VECTORS)
def test_well_known_signatures_fit(verifier: HmacSignature, headers: Headers, body: bytes) -> None:
    let_in(verifier, headers, body)
    refused(verifier, headers, body[:-1])


def test_a_prefix_may_hold_a_blank() -> None:
    headers = signed(prefix=b"HMAC ")

    let_in(HmacSignature(SECRET, signature_prefix="HMAC "), headers)


def test_while_a_secret_is_rotated_the_old_and_the_new_let_in() -> None:
    both = HmacSignature("new", " old\n")

    let_in(both, signed(key="new"))
    let_in(both, signed(key="old"))
    refused(both, signed(key="older"))


LENIENT = ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_-_8", "-_8", "+/8=", "AA", "AA="]


@pytest.mark.parametrize("secret", LENIENT)
def test_a_base64_secret_is_read_as_leniently_as_vapi_reads_it(secret: str) -> None:
    plain = secret.removeprefix("whsec_").replace("-", "+").replace("_", "/").rstrip("=")
    key = base64.b64decode(plain + "==")
    headers = [(b"x-signature", reference("sha256", key, BODY).hex().encode())]

    let_in(HmacSignature(secret, secret_is_base64=True, include_timestamp=False), headers)


# --- the time stamp -----------------------------------------------------------------------


def stamps(seconds: float) -> dict[str, bytes]:
    """A time stamp that is so old, in every form."""
    moment = time.time() - seconds
    utc = datetime.fromtimestamp(moment, timezone.utc)
    east = utc.astimezone(timezone(timedelta(hours=5)))
    return {
        "seconds": str(int(moment)).encode(),
        "milliseconds": str(int(moment * 1000)).encode(),
        "iso with z": utc.isoformat(timespec="milliseconds").replace("+00:00", "Z").encode(),
        "iso with an offset": east.isoformat(timespec="seconds").encode(),
    }


@pytest.mark.parametrize("form", stamps(0))
@pytest.mark.parametrize("age", [-290, 0, 290])
def test_a_recent_time_stamp_is_taken_in_every_form(form: str, age: int) -> None:
    let_in(HmacSignature(SECRET), signed(stamps(age)[form]))


@pytest.mark.parametrize("form", stamps(0))
@pytest.mark.parametrize(("age", "why"), [(310, "is too old"), (-310, "far in the future")])
def test_a_replayed_or_future_one_is_refused_before_the_body_is_read(
    form: str, age: int, why: str
) -> None:
    assert why in refused(HmacSignature(SECRET), signed(stamps(age)[form]), unread)


def test_the_tolerance_can_be_set() -> None:
    let_in(HmacSignature(SECRET, tolerance=20), signed(stamps(15)["seconds"]))
    refused(HmacSignature(SECRET, tolerance=10), signed(stamps(15)["seconds"]), unread)
    refused(HmacSignature(SECRET, tolerance=0.5), signed(stamps(2)["milliseconds"]), unread)


NO_STAMPS = [b"soon", b"-1700000000", b"1e9", b"1.7e9", b"9" * 20, b"9" * 5000, b"\xb2", b"nan"]
NO_STAMPS += [b"2026-01-01T00:00:00", b"2026-13-01T00:00:00Z", b"0x65920080", "١٧".encode()]


@pytest.mark.parametrize("stamp", NO_STAMPS, ids=lambda stamp: repr(stamp[:20]))
def test_what_is_no_time_stamp_is_refused_before_the_body_is_read(stamp: bytes) -> None:
    said = refused(HmacSignature(SECRET, tolerance=ALWAYS), signed(stamp), unread)

    assert said == "the header x-timestamp holds no time stamp"


def test_a_time_stamp_that_is_not_signed_is_not_looked_at() -> None:
    body_only = HmacSignature(SECRET, payload_format="{body}")
    signature = reference("sha256", SECRET.encode(), BODY).hex().encode()

    let_in(body_only, [(b"x-signature", signature)])
    let_in(body_only, [(b"x-signature", signature), (b"x-timestamp", b"1")])


# --- strangers ----------------------------------------------------------------------------

FITTING = signed()[1][1]
# The headers below are made once, when this file is loaded.
HEX = HmacSignature(SECRET, tolerance=ALWAYS)
BASE64 = HmacSignature(SECRET, signature_encoding="base64", tolerance=ALWAYS)
PREFIXED = HmacSignature(SECRET, signature_prefix="sha256=", tolerance=ALWAYS)
STAMP = (b"x-timestamp", now())


def signature(value: bytes) -> Headers:
    return [STAMP, (b"x-signature", value)]


UNREAD: dict[str, tuple[HmacSignature, Headers, str]] = {
    "none": (HEX, [STAMP], "there is no header x-signature"),
    "empty": (HEX, signature(b" "), "the header x-signature is empty"),
    "doubled": (HEX, [*signature(FITTING), (b"x-signature", FITTING)], "came 2 times"),
    "junk": (HEX, signature(b"junk"), "x-signature cannot be read"),
    "not ascii": (HEX, signature(b"\xff" * 64), "x-signature cannot be read"),
    "too short": (HEX, signature(FITTING[:-2]), "x-signature cannot be read"),
    "too long": (HEX, signature(FITTING * 1000), "x-signature cannot be read"),
    "a time stamp doubled": (HEX, [*signature(FITTING), STAMP], "x-timestamp came 2 times"),
    "no time stamp": (HEX, [(b"x-signature", FITTING)], "there is no header x-timestamp"),
    "an unknown prefix": (HEX, signature(b"sha256=" + FITTING), "is signature_prefix right?"),
    "a prefix of Svix": (HEX, signature(b"v1," + FITTING), "is signature_prefix right?"),
    "junk within base64": (BASE64, signature(b"!" + base64.b64encode(b"0" * 32)), "cannot be read"),
    "no prefix": (PREFIXED, signature(FITTING), "does not begin with signature_prefix"),
    "sha1": (HEX, signature(b"0" * 40), "looks like sha1 in hex: are algorithm and"),
    "base64": (HEX, signature(base64.b64encode(b"0" * 32)), "looks like sha256 in base64"),
    "hex": (BASE64, signature(FITTING), "looks like sha256 in hex"),
    "another header": (
        HEX,
        [STAMP, (b"x-vapi-signature", FITTING)],
        "there is no header x-signature, but x-vapi-signature came: is signature_header right?",
    ),
    "a bearer token": (
        HEX,
        [STAMP, (b"authorization", b"Bearer xyz")],
        "but authorization came: is the credential at Vapi a bearer token?",
    ),
    "another time stamp": (
        HEX,
        [(b"x-signature", FITTING), (b"x-vapi-timestamp", b"1700000000")],
        "but x-vapi-timestamp came: is timestamp_header right?",
    ),
    "no message id": (
        HmacSignature(SECRET, payload_format="{svix-id}.{body}"),
        [*signature(FITTING), (b"webhook-id", b"m-42")],
        "there is no header svix-id, but webhook-id came: is message_id_header right?",
    ),
    "a message id with a time stamp": (
        HmacSignature(SECRET, payload_format="{svix-id}.{timestamp}.{body}"),
        [*signature(FITTING), (b"svix-id", b"msg_1." + STAMP[1])],
        "the header svix-id holds no id of a message",
    ),
    "a message id that is too long": (
        HmacSignature(SECRET, payload_format="{svix-id}.{body}"),
        [*signature(FITTING), (b"svix-id", b"m" * 257)],
        "the header svix-id holds no id of a message",
    ),
    "a message id that is not ascii": (
        HmacSignature(SECRET, payload_format="{svix-id}.{body}", message_id_header="webhook-id"),
        [*signature(FITTING), (b"webhook-id", "Zoë".encode("latin-1"))],
        "the header webhook-id holds no id of a message",
    ),
    "no host": (
        HmacSignature(SECRET, payload_format="{url}{body}"),
        signature(FITTING),
        "there is no header host",
    ),
}


@pytest.mark.parametrize(("verifier", "headers", "why"), UNREAD.values(), ids=UNREAD)
def test_a_stranger_is_refused_before_the_body_is_read(
    verifier: HmacSignature, headers: Headers, why: str
) -> None:
    assert why in refused(verifier, headers, unread)


FORGED: dict[str, tuple[Headers, bytes]] = {
    "another secret": (signed(key="another"), BODY),
    "another body": (signed(), BODY.replace(b"Zo", b"Bo")),
    "the body in other words": (signed(), BODY + b"\n"),
    "another time stamp": ([(b"x-timestamp", stamps(7)["seconds"]), signed()[1]], BODY),
    "a time stamp moved into the body": (
        [(b"x-timestamp", now()[:-1]), signed()[1]],
        now()[-1:] + b"." + BODY,
    ),
    "zeros": (signature(b"0" * 64), BODY),
}


@pytest.mark.parametrize(("headers", "body"), FORGED.values(), ids=FORGED)
def test_a_signature_that_does_not_fit_is_refused(headers: Headers, body: bytes) -> None:
    said = refused(HmacSignature(SECRET, tolerance=ALWAYS), headers, body)

    assert said == "the signature does not fit: is it the right secret?"


@given(header_values(), header_values())
def test_whatever_the_headers_are_nobody_is_let_in(value: bytes, stamp: bytes) -> None:
    headers = [(b"x-timestamp", stamp), (b"x-signature", value)]
    for verifier in (HEX, BASE64, PREFIXED):
        with pytest.raises(AuthenticationError):
            asyncio.run(verifier.verify(delivery(headers)))
    with pytest.raises(AuthenticationError):
        asyncio.run(HEX.verify(delivery([STAMP, headers[1]])))


def test_a_message_id_may_have_these_signs_and_counts_only_when_it_is_signed() -> None:
    ids = [b"msg_2b-X:1", b"m" * 256]
    for id_ in ids:
        payload = id_ + b"." + STAMP[1] + b"." + BODY
        headers = [*over(payload), (b"svix-id", id_)]
        let_in(HmacSignature(SECRET, payload_format="{svix-id}.{timestamp}.{body}"), headers)

    let_in(HEX, [*signed(), (b"svix-id", b"msg.1")])


# --- the URL ------------------------------------------------------------------------------


def signed_url(url: str) -> Headers:
    payload = url.encode() + BODY
    signature = reference("sha256", SECRET.encode(), payload).hex().encode()
    return [(b"host", b"luigi.example.com"), (b"x-signature", signature)]


HERE, ELSEWHERE = "https://luigi.example.com/vapi/webhook", "https://mario.example.com/vapi/webhook"


def over_url(**options: Any) -> HmacSignature:
    return HmacSignature(SECRET, payload_format="{url}{body}", **options)


def test_without_a_base_url_the_host_counts_whichever_scheme_the_server_sees() -> None:
    let_in(over_url(), signed_url(HERE), path="/vapi/webhook", scheme="http")
    let_in(over_url(), signed_url(HERE.replace("https", "http")), path="/vapi/webhook")
    refused(over_url(), signed_url(ELSEWHERE), path="/vapi/webhook")
    refused(over_url(), signed_url(HERE), path="/vapi/other")


@pytest.mark.parametrize(
    "host", [b"localhost:8000", b"[::1]:8000", b"my_host", b"xn--a-1.Example."]
)
def test_a_host_may_have_a_port_and_be_an_address(host: bytes) -> None:
    headers = signed_url(f"https://{host.decode()}/webhook")

    let_in(over_url(), [(b"host", host), headers[1]])


@pytest.mark.parametrize("host", [b"a.example/tenant-1", b"a.example?x=", b"a@b", b"a\xe9", b"a b"])
def test_a_host_that_holds_a_part_of_the_path_is_refused(host: bytes) -> None:
    url = "https://" + host.decode("latin-1") + "/tools/refund"
    signature = reference("sha256", SECRET.encode(), url.encode("latin-1") + BODY).hex().encode()
    headers = [(b"host", host), (b"x-signature", signature)]

    said = refused(over_url(), headers, unread, path="/tools/refund")

    assert said == "the header host holds no name of a host"


@pytest.mark.parametrize("path", ["/vapi/webhook", "/webhook"])
def test_a_base_url_counts_more_than_the_host(path: str) -> None:
    verifier = over_url(base_url="https://mario.example.com/vapi/")

    let_in(verifier, signed_url(ELSEWHERE), path=path)
    refused(verifier, signed_url(HERE), path=path)


def test_a_url_that_does_not_fit_asks_for_base_url() -> None:
    for verifier in (over_url(), over_url(base_url="https://mario.example.com/vapi")):
        said = refused(verifier, signed_url("https://somewhere.example.com"))
        assert said.endswith("is it the right secret, and base_url right?")


# --- the likely reason --------------------------------------------------------------------


def over(payload: bytes, key: bytes = SECRET.encode()) -> Headers:
    return [STAMP, (b"x-signature", reference("sha256", key, payload).hex().encode())]


DECODED = b"my-secret-key"
REASONS: dict[str, tuple[dict[str, Any], Headers, str]] = {
    "base64": ({}, over(STAMP[1] + b"." + BODY, DECODED), "secret_is_base64=True"),
    "no base64": (
        {"secret_is_base64": True},
        over(STAMP[1] + b"." + BODY),
        "secret_is_base64=False",
    ),
    "no time stamp": ({}, over(BODY), "payload_format='{body}'"),
    "both": ({}, over(BODY, DECODED), "payload_format='{body}' and secret_is_base64=True"),
    "a time stamp": (
        {"payload_format": "{timestamp}:{body}"},
        over(STAMP[1] + b"." + BODY),
        "payload_format='{timestamp}.{body}'",
    ),
}


@pytest.mark.parametrize(("options", "headers", "what"), REASONS.values(), ids=REASONS)
def test_the_reason_names_the_options_that_would_have_fitted(
    options: dict[str, Any], headers: Headers, what: str
) -> None:
    said = refused(HmacSignature(SECRET, tolerance=ALWAYS, **options), headers)

    assert said == f"the signature does not fit, but would with {what}"


def test_the_reason_is_looked_for_once_a_minute() -> None:
    verifier = HmacSignature(SECRET, tolerance=ALWAYS)

    assert "payload_format" in refused(verifier, over(BODY))
    assert "payload_format" not in refused(verifier, over(BODY))


def test_a_secret_that_cannot_be_base64_is_not_tried_as_such() -> None:
    assert "the right secret?" in refused(HmacSignature("no base64!"), signed(key="x"))


# --- the memory ---------------------------------------------------------------------------


def test_a_replay_is_refused_when_it_is_to_be_remembered() -> None:
    verifier, headers = HmacSignature(SECRET, remember=True), signed()

    let_in(verifier, headers)
    assert "it is a replay" in refused(verifier, headers)
    assert "it is a replay" in refused(
        verifier, [headers[0], (b"x-signature", headers[1][1].upper())]
    )
    let_in(verifier, signed(stamps(3)["milliseconds"]))


def test_a_replay_with_another_signature_that_fits_is_refused_too() -> None:
    both, (stamp, (name, new)) = HmacSignature("new", "old", remember=True), signed(key="new")
    old = signed(stamp[1], key="old")[1][1]

    let_in(both, [stamp, (name, new + b" " + old)])
    for value in (new, old, old + b" " + new):
        assert "it is a replay" in refused(both, [stamp, (name, value)])


def test_a_replay_that_is_divided_in_another_way_is_refused_too() -> None:
    verifier = HmacSignature(SECRET, payload_format="{timestamp}{body}", remember=True)
    stamp, body = now(), b"000"
    (_, signature) = over(stamp + body)

    let_in(verifier, [(b"x-timestamp", stamp), signature], body)
    said = refused(verifier, [(b"x-timestamp", stamp + body), signature], b"")

    assert "it is a replay" in said


def test_by_default_a_retry_is_let_in() -> None:
    verifier, headers = HmacSignature(SECRET), signed()

    let_in(verifier, headers)
    let_in(verifier, headers)


def test_a_stranger_cannot_make_a_signature_known() -> None:
    verifier, headers = HmacSignature(SECRET, remember=True), signed()

    refused(verifier, headers, b"another body")
    let_in(verifier, headers)


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vapitools.auth._signatures._REMEMBERED", 2)
    verifier = HmacSignature(SECRET, remember=True)
    deliveries = [signed(stamps(age)["seconds"]) for age in (1, 2, 3)]

    for headers in deliveries:
        let_in(verifier, headers)

    let_in(verifier, deliveries[0])
    refused(verifier, deliveries[2])


def test_a_signature_is_forgotten_when_its_time_stamp_is_too_old_anyway(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    verifier, headers = HmacSignature(SECRET, remember=True, tolerance=100), signed()
    let_in(verifier, headers)
    start = time.monotonic()

    monkeypatch.setattr("vapitools.auth._signatures.time.monotonic", lambda: start + 199)
    refused(verifier, headers)
    monkeypatch.setattr("vapitools.auth._signatures.time.monotonic", lambda: start + 201)
    let_in(verifier, headers)


# --- options ------------------------------------------------------------------------------

UNUSABLE: dict[str, tuple[tuple[Any, ...], dict[str, Any], str]] = {
    "no secret": ((), {}, "HmacSignature got an empty secret"),
    "an empty secret": (("good", " "), {}, "HmacSignature got an empty secret"),
    "an unset variable": ((None,), {}, "HmacSignature got an empty secret"),
    "a secret that is no base64": (("schl!",), {"secret_is_base64": True}, "is no base64"),
    "a secret of five letters": (("schlu",), {"secret_is_base64": True}, "is no base64"),
    "an empty base64 secret": (("whsec_",), {"secret_is_base64": True}, "is no base64"),
    "a secret that is no text": (("schl\udcff",), {}, "is no text"),
    "an algorithm": (("k",), {"algorithm": "sha-256"}, "'sha-256' is none of sha256, sha512, sha1"),
    "md5": (("k",), {"algorithm": "md5"}, "algorithm 'md5' is none of"),
    "an encoding": (("k",), {"signature_encoding": "utf8"}, "'utf8' is none of hex, base64"),
    "a header": (("k",), {"signature_header": "x y"}, "signature_header 'x y' is no name"),
    "another header": (("k",), {"timestamp_header": ""}, "timestamp_header '' is no name"),
    "a third header": (("k",), {"message_id_header": "a:b"}, "message_id_header 'a:b' is no name"),
    "a prefix after a blank": (("k",), {"signature_prefix": " v1,"}, "' v1,' cannot stand before"),
    "a prefix of two lines": (("k",), {"signature_prefix": "v1,\n"}, "cannot stand before"),
    "a prefix beyond ASCII": (("k",), {"signature_prefix": "é="}, "'é=' cannot stand before"),
    "a placeholder": (("k",), {"payload_format": "{ts}.{body}"}, "has {ts}, which is none of"),
    "its letters": (("k",), {"payload_format": "{Body}"}, "has {Body}, which is none of {body}"),
    "no body": (("k",), {"payload_format": "{timestamp}"}, "lacks {body}"),
    "nothing": (("k",), {"payload_format": ""}, "lacks {body}"),
    "a time stamp that is off": (
        ("k",),
        {"payload_format": "{timestamp}{body}", "include_timestamp": False},
        "signs {timestamp}, but include_timestamp is off",
    ),
    "no tolerance": (("k",), {"tolerance": 0}, "tolerance must be a number of seconds above zero"),
    "not a number": (("k",), {"tolerance": float("nan")}, "tolerance must be"),
    "endless": (("k",), {"tolerance": float("inf")}, "tolerance must be"),
    "a memory without time": (
        ("k",),
        {"payload_format": "{body}", "remember": True},
        "remember needs a payload_format that signs {timestamp}",
    ),
    "a base without a scheme": (("k",), {"base_url": "x.example.com"}, "must begin with https://"),
    "a base of another kind": (("k",), {"base_url": "ftp://x.example.com"}, "must begin with http"),
    "a base without a host": (("k",), {"base_url": "https:///vapi"}, "must begin with https://"),
}


@pytest.mark.parametrize(("secrets", "options", "why"), UNUSABLE.values(), ids=UNUSABLE)
def test_what_cannot_be_used_is_refused_at_once(
    secrets: tuple[Any, ...], options: dict[str, Any], why: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        HmacSignature(*secrets, **options)

    assert why in str(caught.value)
    assert "schl" not in str(caught.value)


def test_an_inline_assistant_gets_the_id_of_the_credential() -> None:
    assert HmacSignature(SECRET, credential_id="c-1").server_fields() == {"credentialId": "c-1"}
    assert HmacSignature(SECRET).server_fields() == {}


def test_no_repr_shows_a_secret() -> None:
    assert repr(HEX) == "HmacSignature(1 secrets, sha256, 'x-signature')"
