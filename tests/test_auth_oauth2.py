"""Tokens of an issuer, whose keys are on a real server."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from vapitools import OAuth2
from vapitools.auth import _tokens
from vapitools.errors import AuthenticationError, SettingsError

from .deliveries import Headers, delivery, header_values, let_in, refused, unread

ISSUER, AUDIENCE = "https://issuer.example.com/", "https://luigi.example.com"

OURS = rsa.generate_private_key(65537, 2048)
NEXT = rsa.generate_private_key(65537, 2048)
ELLIPTIC = ec.generate_private_key(ec.SECP256R1())
EDWARDS = ed25519.Ed25519PrivateKey.generate()


def jwk(key: Any, kid: Any = "k-1", **fields: Any) -> dict[str, Any]:
    """The public half, as an issuer shows it."""
    kinds: Any = {rsa.RSAPrivateKey: RSAAlgorithm, ec.EllipticCurvePrivateKey: ECAlgorithm}
    kind = next((kinds[k] for k in kinds if isinstance(key, k)), OKPAlgorithm)
    return {**kind.to_jwk(key.public_key(), as_dict=True), "kid": kid, **fields}


class Jwks:
    """An issuer's server."""

    def __init__(self) -> None:
        self.keys: list[Any] = [jwk(OURS)]
        self.answer: bytes | None = None
        self.status = 200
        self.gate = threading.Event()
        self.gate.set()
        self.fetches = 0
        self.drips = False
        jwks = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                jwks.fetches += 1
                jwks.gate.wait(10)
                body = jwks.answer
                if body is None:
                    body = json.dumps({"keys": jwks.keys}).encode()
                self.send_response(jwks.status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()
                with contextlib.suppress(OSError):
                    for _ in range(1000 if jwks.drips else 0):
                        self.wfile.write(b" ")
                        time.sleep(0.01)
                    self.wfile.write(body)

            def log_message(self, *args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks.json"

    def verifier(self, **options: Any) -> OAuth2:
        return OAuth2(self.url, **{"issuer": ISSUER, "audience": AUDIENCE, **options})


@pytest.fixture
def jwks() -> Iterator[Jwks]:
    """An issuer's server that runs."""
    jwks = Jwks()
    thread = threading.Thread(target=jwks.server.serve_forever, args=(0.01,))
    thread.start()
    yield jwks
    jwks.gate.set()
    jwks.server.shutdown()
    thread.join()
    jwks.server.server_close()


def claims(**others: Any) -> dict[str, Any]:
    fresh = {"iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 600, "sub": "vapi"}
    return {name: value for name, value in {**fresh, **others}.items() if value is not None}


def token(key: Any = OURS, algorithm: str = "RS256", headers: Any = None, **others: Any) -> str:
    named = {"kid": "k-1"} if headers is None else headers
    return jwt.encode(claims(**others), key, algorithm, headers=named)


def bearer(text: str | bytes) -> Headers:
    text = text if isinstance(text, bytes) else text.encode()
    return [(b"authorization", b"Bearer " + text)]


def encoded(part: Any) -> str:
    text = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


# --- who is let in ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(OURS, "RS256"), (OURS, "RS512"), (OURS, "PS256"), (ELLIPTIC, "ES256"), (EDWARDS, "EdDSA")],
    ids=["RS256", "RS512", "PS256", "ES256", "EdDSA"],
)
def test_a_token_of_the_issuer_is_let_in_before_the_body_is_read(
    jwks: Jwks, key: Any, algorithm: str
) -> None:
    jwks.keys = [jwk(key)]

    let_in(jwks.verifier(algorithms=[algorithm]), bearer(token(key, algorithm)), unread)


@pytest.mark.parametrize(
    "others",
    [
        {"aud": ["https://other.example.com", AUDIENCE]},
        {"exp": time.time() - 10},
        {"nbf": time.time() + 10},
        {"iat": time.time() - 60, "scope": "read write"},
    ],
    ids=["several audiences", "just expired", "soon valid", "more"],
)
def test_what_else_a_good_token_may_say(jwks: Jwks, others: dict[str, Any]) -> None:
    let_in(jwks.verifier(leeway=600), bearer(token(**others)))


def test_one_of_several_audiences_has_to_be_there(jwks: Jwks) -> None:
    verifier = jwks.verifier(audience=["a", "b"])

    let_in(verifier, bearer(token(aud="b")))
    refused(verifier, bearer(token(aud="c")))


FITTING: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"azp": "vapi"}, {"azp": "vapi"}),
    ({"roles": ["caller", "admin"]}, {"roles": "caller"}),
    ({"scope": "read call write"}, {"scope": "call"}),
    ({"scope": "call"}, {"scope": "call"}),
]
UNFITTING: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"azp": "vapi"}),
    ({}, {"scope": "call"}),
    ({"azp": "vapi-2"}, {"azp": "vapi"}),
    ({"azp": "read vapi"}, {"azp": "vapi"}),
    ({"scope": "recall"}, {"scope": "call"}),
    ({"roles": ["admin"]}, {"roles": "caller"}),
]


@pytest.mark.parametrize(("others", "wanted"), FITTING, ids=str)
def test_a_wanted_claim_that_is_there_lets_in(jwks: Jwks, others: Any, wanted: Any) -> None:
    let_in(jwks.verifier(claims=wanted), bearer(token(**others)))


@pytest.mark.parametrize(("others", "wanted"), UNFITTING, ids=str)
def test_a_wanted_claim_that_is_not_there_does_not(jwks: Jwks, others: Any, wanted: Any) -> None:
    said = refused(jwks.verifier(claims=wanted), bearer(token(**others)))

    assert said == f"the claim {next(iter(wanted))!r} of the token is not the wanted one"


# --- strangers ----------------------------------------------------------------------------


def with_public_key_as_secret() -> str:
    """A token that a server accepts which lets the token choose the algorithm."""
    public = OURS.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    text = f"{encoded({'alg': 'HS256', 'kid': 'k-1'})}.{encoded(claims())}"
    return f"{text}.{encoded(hmac.digest(public, text.encode(), hashlib.sha256))}"


def swapped_body() -> str:
    header, _, signature = token().split(".")
    return f"{header}.{encoded(claims(sub='another'))}.{signature}"


SIGNED = "the token is signed with an algorithm that is not in algorithms"
UNREADABLE = "the header authorization holds no readable token"
STRANGERS: dict[str, tuple[str | bytes, str]] = {
    "alg none": (f"{encoded({'alg': 'none', 'kid': 'k-1'})}.{encoded(claims())}.", SIGNED),
    "alg none in other letters": (
        f"{encoded({'alg': 'nOnE', 'kid': 'k-1'})}.{encoded(claims())}.",
        SIGNED,
    ),
    "no alg": (f"{encoded({'kid': 'k-1'})}.{encoded(claims())}.", SIGNED),
    "a list as alg": (f"{encoded({'alg': ['RS256'], 'kid': 'k-1'})}.{encoded(claims())}.", SIGNED),
    "the public key as a secret": (with_public_key_as_secret(), SIGNED),
    "an algorithm that is not pinned": (token(algorithm="RS512"), SIGNED),
    "another key": (token(NEXT), "does not fit the key that it names"),
    "a body of another token": (swapped_body(), "does not fit the key that it names"),
    "no signature": (token().rpartition(".")[0] + ".", "does not fit the key"),
    "expired": (token(exp=time.time() - 60), "the token has expired"),
    "no exp": (token(exp=None), "lacks one of exp, iss and aud"),
    "exp as text": (token(exp="soon"), UNREADABLE),
    "not valid yet": (token(nbf=time.time() + 6000), "is not valid yet: is a clock wrong?"),
    "made in the future": (token(iat=time.time() + 6000), "is not valid yet"),
    "for another": (token(aud="https://mario.example.com"), "another audience: is audience right?"),
    "for nobody": (token(aud=None), "lacks one of exp, iss and aud"),
    "for a list of others": (token(aud=[AUDIENCE + "/", "x"]), "is for another audience"),
    "of another issuer": (token(iss="https://issuer.example.com"), "is from another issuer"),
    "of no issuer": (token(iss=None), "lacks one of exp, iss and aud"),
    "no kid": (token(headers={}), "does not name its key (kid)"),
    "an unknown kid": (token(headers={"kid": "k-2"}), "a key that the issuer does not show"),
    "an empty kid": (token(headers={"kid": ""}), "a key that the issuer does not show"),
    "a number as kid": (f"{encoded({'alg': 'RS256', 'kid': 1})}.{encoded({})}.", UNREADABLE),
    "a key of its own": (
        token(NEXT, headers={"kid": "k-2", "jwk": jwk(NEXT), "jku": "https://evil.example.com"}),
        "a key that the issuer does not show",
    ),
    "empty": (b"", "is no bearer token"),
    "junk": (b"junk", UNREADABLE),
    "three junks": (b"a.b.c", UNREADABLE),
    "not ascii": (b"\xff\xfe.\xff\xfe.\xff\xfe", UNREADABLE),
    "deep": (f"{encoded(b'[' * 9000)}.{encoded({})}.", UNREADABLE),
    "no object": (f"{encoded([1])}.{encoded({})}.", UNREADABLE),
    "too large": (b"a" * 20_000, "is larger than 16384 bytes"),
}


@pytest.mark.parametrize(("text", "why"), STRANGERS.values(), ids=STRANGERS)
def test_a_stranger_is_refused_before_the_body_is_read(
    jwks: Jwks, text: str | bytes, why: str
) -> None:
    said = refused(jwks.verifier(), bearer(text), unread)

    assert why in said


HEADERS: dict[str, tuple[Headers, str]] = {
    "none": ([], "there is no header authorization"),
    "empty": ([(b"authorization", b"")], "the header authorization is empty"),
    "doubled": (list(bearer(token())) * 2, "came 2 times"),
    "another scheme": ([(b"authorization", b"Basic YTpi")], "is no bearer token"),
    "no scheme": ([(b"authorization", token().encode())], "is no bearer token"),
    "the old secret": ([(b"x-vapi-secret", b"abcd")], "have its OAuth 2.0 credential at Vapi?"),
    "a signature": ([(b"x-signature", b"abcd")], "is the credential at Vapi an HMAC one?"),
}


@pytest.mark.parametrize(("headers", "why"), HEADERS.values(), ids=HEADERS)
def test_who_brings_no_token_is_refused_without_a_fetch(
    jwks: Jwks, headers: Headers, why: str
) -> None:
    assert why in refused(jwks.verifier(), headers, unread)
    assert jwks.fetches == 0


def test_a_short_key_is_not_trusted(jwks: Jwks) -> None:
    short = rsa.generate_private_key(65537, 1024)
    jwks.keys = [jwk(short)]
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        signed = token(short)

    refused(jwks.verifier(), bearer(signed))


@given(header_values() | st.tuples(*[header_values()] * 3).map(b".".join))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_token_is_nobody_is_let_in(jwks: Jwks, value: bytes) -> None:
    verifier = jwks.verifier()
    for sent in (value, b"Bearer " + value):
        with pytest.raises(AuthenticationError):
            asyncio.run(verifier.verify(delivery([(b"authorization", sent)])))


# --- the keys -----------------------------------------------------------------------------


def test_the_keys_are_fetched_once_for_many_tokens(jwks: Jwks) -> None:
    verifier = jwks.verifier()
    assert jwks.fetches == 0

    for number in range(5):
        let_in(verifier, bearer(token(sub=str(number))))

    assert jwks.fetches == 1


def test_all_who_come_at_once_wait_for_one_fetch(jwks: Jwks) -> None:
    jwks.gate.clear()
    verifier = jwks.verifier()

    async def crowd() -> None:
        waiting = [
            asyncio.create_task(verifier.verify(delivery(bearer(token())))) for _ in range(50)
        ]
        await asyncio.sleep(0.05)
        # The event loop is free, and whoever goes away does not stop the others.
        waiting.pop().cancel()
        jwks.gate.set()
        await asyncio.gather(*waiting)

    asyncio.run(crowd())

    assert jwks.fetches == 1


def test_a_new_key_is_fetched_when_it_is_first_named(
    jwks: Jwks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_tokens, "COOL_DOWN", 0.0)
    verifier = jwks.verifier()
    let_in(verifier, bearer(token()))

    jwks.keys.append(jwk(NEXT, "k-2"))
    let_in(verifier, bearer(token(NEXT, headers={"kid": "k-2"})))
    let_in(verifier, bearer(token()))
    assert jwks.fetches == 2

    # The old one is withdrawn, and goes with the next fetch.
    del jwks.keys[0]
    refused(verifier, bearer(token(NEXT, headers={"kid": "k-3"})))
    assert "a key that the issuer does not show" in refused(verifier, bearer(token()))


def test_strangers_cannot_cause_a_storm_of_fetches(jwks: Jwks) -> None:
    verifier = jwks.verifier()
    let_in(verifier, bearer(token()))

    for number in range(30):
        refused(verifier, bearer(token(NEXT, headers={"kid": f"k-{number + 2}"})))

    assert jwks.fetches == 1


def test_keys_are_fetched_again_after_their_lifetime(
    jwks: Jwks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_tokens, "COOL_DOWN", 0.0)
    monkeypatch.setattr(_tokens, "LIFETIME", -1.0)
    verifier = jwks.verifier()
    let_in(verifier, bearer(token()))

    jwks.keys = [jwk(NEXT)]
    refused(verifier, bearer(token()))
    let_in(verifier, bearer(token(NEXT)))

    assert jwks.fetches == 3


BAD_ANSWERS: dict[str, dict[str, Any]] = {
    "an error": {"status": 503},
    "a redirect": {"status": 302},
    "no json": {"answer": b"<html>"},
    "deep json": {"answer": b"[" * 100_000},
    "no text": {"answer": b"\xff\xfe\xfd"},
    "nothing": {"answer": b""},
    "too large": {"answer": b" " * _tokens.MAX_BYTES + json.dumps({"keys": [jwk(OURS)]}).encode()},
    "no keys": {"keys": []},
    "a list": {"answer": b"[1]"},
    "null": {"answer": b'{"keys": null}'},
    "a text": {"answer": b'{"keys": "k-1"}'},
    "keys that are none": {"keys": [None, {}, {"kid": "k-1"}, {"kid": "k-1", "kty": "RSA"}]},
    "no kid": {"keys": [{**jwk(OURS), "kid": None}]},
    "a key for encryption": {"keys": [jwk(OURS, use="enc")]},
    "a key for another algorithm": {"keys": [jwk(OURS, alg="RS512")]},
    "a key of another kind": {"keys": [jwk(ELLIPTIC)]},
    "a secret": {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "k-1"}]},
}


@pytest.mark.parametrize("bad", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_an_answer_without_keys_lets_nobody_in_and_is_logged(
    jwks: Jwks, bad: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    vars(jwks).update(bad)

    said = refused(jwks.verifier(), bearer(token()))

    assert said == "the keys of the issuer could not be fetched from jwks_url"
    (line,) = caplog.messages
    assert line.startswith("cannot fetch the keys from 127.0.0.1 (")
    assert line.endswith("); nobody can be let in")
    assert jwks.fetches == 1


@pytest.mark.parametrize("bad", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_the_old_keys_are_kept_when_a_fetch_fails(
    jwks: Jwks,
    bad: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(_tokens, "COOL_DOWN", 0.0)
    monkeypatch.setattr(_tokens, "LIFETIME", -1.0)
    verifier = jwks.verifier()
    let_in(verifier, bearer(token()))

    vars(jwks).update(bad)
    let_in(verifier, bearer(token()))

    assert jwks.fetches == 2
    assert caplog.messages[0].endswith("); the old keys are kept")


def test_old_keys_are_dropped_a_day_after_the_last_fetch_that_worked(
    jwks: Jwks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    verifier = jwks.verifier()
    let_in(verifier, bearer(token()))
    start = time.monotonic()

    jwks.status = 503
    for hours in (2, 23.9):
        clock = SimpleNamespace(monotonic=lambda hours=hours: start + hours * 3600)
        monkeypatch.setattr(_tokens, "time", clock)
        let_in(verifier, bearer(token()))
    clock.monotonic = lambda: start + 24.1 * 3600
    said = refused(verifier, bearer(token()))

    assert said == "the keys of the issuer could not be fetched from jwks_url"
    assert caplog.messages[-2].endswith("); the old keys are kept")
    assert caplog.messages[-1].endswith("); nobody can be let in")
    jwks.status = 200
    clock.monotonic = lambda: start + 24.1 * 3600 + 2
    let_in(verifier, bearer(token()))


def test_good_keys_beside_bad_ones_are_used(jwks: Jwks) -> None:
    jwks.keys = [None, jwk(ELLIPTIC, "k-0"), jwk(NEXT, use="enc"), jwk(OURS), jwk(NEXT, None)]

    let_in(jwks.verifier(), bearer(token()))


def test_keys_on_this_machine_are_not_behind_a_proxy(
    jwks: Jwks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    let_in(jwks.verifier(), bearer(token()))


def test_nobody_waits_long_for_a_server_that_hangs(
    jwks: Jwks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_tokens, "TIMEOUT", 0.05)
    monkeypatch.setattr(_tokens, "COOL_DOWN_WITHOUT_KEYS", 0.0)
    jwks.gate.clear()
    verifier = jwks.verifier()

    assert "could not be fetched" in refused(verifier, bearer(token()))

    # It is only late: the next one gets in.
    jwks.gate.set()
    monkeypatch.setattr(_tokens, "TIMEOUT", 4.0)
    until = time.monotonic() + 5
    while True:
        try:
            let_in(verifier, bearer(token()))
            break
        except AuthenticationError:
            assert time.monotonic() < until


def test_a_body_that_drips_is_cut_off(
    jwks: Jwks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_tokens, "TIMEOUT", 0.1)
    jwks.drips = True

    with pytest.raises(TimeoutError, match="not whole"):
        _tokens._downloaded(jwks.url)


def test_a_server_that_is_not_there_lets_nobody_in(caplog: pytest.LogCaptureFixture) -> None:
    verifier = OAuth2("http://127.0.0.1:1/jwks.json", issuer=ISSUER, audience=AUDIENCE)

    assert "could not be fetched" in refused(verifier, bearer(token()))
    assert "cannot fetch the keys from 127.0.0.1" in caplog.text


def test_event_loops_in_several_threads_share_the_keys(jwks: Jwks) -> None:
    verifier = jwks.verifier()
    jwks.gate.clear()
    failed: list[BaseException] = []

    def loop() -> None:
        try:
            let_in(verifier, bearer(token()))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=loop) for _ in range(5)]
    for thread in threads:
        thread.start()
    jwks.gate.set()
    for thread in threads:
        thread.join()

    assert (failed, jwks.fetches) == ([], 1)


# --- options ------------------------------------------------------------------------------

URL = "https://issuer.example.com/jwks.json"
UNUSABLE: dict[str, tuple[Any, dict[str, Any], str]] = {
    "no tls": ("http://issuer.example.com/jwks.json", {}, "jwks_url must begin with https://"),
    "a file": ("file:///etc/passwd", {}, "jwks_url must begin with https://"),
    "a file of this machine": ("ftp://127.0.0.1/jwks.json", {}, "must begin with https://"),
    "no host": ("https:///jwks.json", {}, "jwks_url must begin with https://"),
    "a host that looks local": ("http://127.0.0.1.example.com/", {}, "must begin with https://"),
    "unset": (None, {}, "jwks_url must begin with https://"),
    "no issuer": (URL, {"issuer": ""}, "issuer is empty"),
    "an unset issuer": (URL, {"issuer": None}, "issuer is empty"),
    "no audience": (URL, {"audience": []}, "audience is empty"),
    "a number as audience": (URL, {"audience": [7]}, "audience is empty"),
    "an empty audience": (URL, {"audience": ["a", " "]}, "audience is empty"),
    "no algorithm": (URL, {"algorithms": ()}, "algorithms is empty"),
    "none": (URL, {"algorithms": ["none"]}, "algorithms has 'none', which is none of RS256"),
    "a shared secret": (URL, {"algorithms": ["RS256", "HS256"]}, "algorithms has 'HS256'"),
}


@pytest.mark.parametrize(("url", "options", "why"), UNUSABLE.values(), ids=UNUSABLE)
def test_what_cannot_be_used_is_refused_at_once(
    url: Any, options: dict[str, Any], why: str
) -> None:
    with pytest.raises(SettingsError, match=why):
        OAuth2(url, **{"issuer": ISSUER, "audience": AUDIENCE, **options})


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:8000"])
def test_keys_on_this_machine_need_no_tls(host: str) -> None:
    OAuth2(f"http://{host}/jwks.json", issuer=ISSUER, audience=AUDIENCE, algorithms="ES256")


@pytest.mark.parametrize("missing", ["jwt", "cryptography"])
def test_a_missing_library_is_named_with_its_extra(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "vapitools.auth._tokens")
    if missing == "jwt":
        monkeypatch.setitem(sys.modules, "jwt", None)
    else:
        monkeypatch.setattr("jwt.algorithms.has_crypto", False)

    with pytest.raises(SettingsError, match=re.escape("pip install 'vapitools[crypto]'")):
        OAuth2(URL, issuer=ISSUER, audience=AUDIENCE)


def test_importing_loads_nothing_that_only_tokens_need() -> None:
    script = "import sys, vapitools.auth; print(*sys.modules)"

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert {"jwt", "cryptography", "urllib.request"}.isdisjoint(ran.stdout.split())


def test_an_inline_assistant_gets_the_id_of_the_credential(jwks: Jwks) -> None:
    assert jwks.verifier(credential_id="c-1").server_fields() == {"credentialId": "c-1"}
    assert jwks.verifier().server_fields() == {}


def test_the_repr_shows_the_issuer(jwks: Jwks) -> None:
    assert repr(jwks.verifier()) == "OAuth2(issuer='https://issuer.example.com/')"
