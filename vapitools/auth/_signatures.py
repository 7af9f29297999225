"""Signatures over what was sent, made with a secret that both sides know."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from ..errors import AuthenticationError, SettingsError
from ._delivery import Delivery
from ._headers import MESSAGE_IDS, SIGNATURES, TIMESTAMPS, TOKENS, header_name, required
from ._secrets import cleaned, credential_fields

Algorithm = Literal["sha256", "sha512", "sha1"]
Encoding = Literal["hex", "base64"]

_SIZES = {"sha256": 32, "sha512": 64, "sha1": 20}
_PLACEHOLDERS = ("{body}", "{timestamp}", "{method}", "{url}", "{svix-id}")

_OTHER_SIGNATURE = {
    **dict.fromkeys(SIGNATURES, "is signature_header right?"),
    **dict.fromkeys(TOKENS, "is the credential at Vapi a bearer token?"),
}
_OTHER_TIMESTAMP = dict.fromkeys(TIMESTAMPS, "is timestamp_header right?")
_OTHER_ID = dict.fromkeys(MESSAGE_IDS, "is message_id_header right?")

# A time stamp in seconds reaches this number in the year 5138, one in milliseconds had it in 1973.
_FIRST_MILLISECONDS = 100_000_000_000
_REMEMBERED = 10_000
_SECONDS_BETWEEN_GUESSES = 60

# With a slash in the host, or a dot in the id, what was signed could be divided in another way.
_HOST = re.compile(rb"[A-Za-z0-9.:\[\]_-]+")
_MESSAGE_ID = re.compile(rb"[\w:-]{1,256}")


class HmacSignature:
    """A signature over the body: Vapi's HMAC credential, with the options that it has there.

    Whoever records a delivery can send it again until its time stamp is older than `tolerance`.
    A tool call that comes with its id and the id of its call or chat is not run twice then,
    because its answer is kept. Events and bare arguments run again: `remember` refuses them.

    Args:
        secrets: One, or several while a secret is being rotated. Not empty.
        algorithm: `"sha256"`, `"sha512"` or `"sha1"`.
        signature_header: The header of the signature. Several, separated by blanks, may stand in
            it, as Svix sends them; one has to fit.
        timestamp_header: The header of the time stamp: seconds, milliseconds or ISO 8601.
        include_timestamp: Whether the time stamp is signed when `payload_format` is not given.
        payload_format: What is signed, by default `"{timestamp}.{body}"`, or `"{body}"` without a
            time stamp. The placeholders are `{body}`, `{timestamp}`, `{method}`, `{url}` and
            `{svix-id}`, the id of the message.
        message_id_header: The header of that id, by default `svix-id`.
        signature_prefix: What stands before each signature, such as `"sha256="` or `"v1,"`.
        signature_encoding: `"hex"` or `"base64"`.
        secret_is_base64: Whether the secrets are base64 of the key. `whsec_` before one is dropped.
        tolerance: How many seconds a signed time stamp may be off, to either side.
        remember: Refuse a payload that came before. It needs a signed time stamp. A retry that
            Vapi signs anew is let in; one that it sends as it was is not.
        base_url: What stands before the path in the URL that Vapi calls, for `{url}`. Without it,
            the request's own `Host` is believed: nobody but Vapi can sign for any host, but a
            delivery that was meant for another server with this secret could be sent here.
        credential_id: The id of the credential at Vapi, for assistants returned inline.

    Raises:
        SettingsError: An option cannot be used, or a secret is empty.
    """

    def __init__(
        self,
        *secrets: str,
        algorithm: Algorithm = "sha256",
        signature_header: str = "x-signature",
        timestamp_header: str = "x-timestamp",
        include_timestamp: bool = True,
        payload_format: str | None = None,
        message_id_header: str | None = None,
        signature_prefix: str = "",
        signature_encoding: Encoding = "hex",
        secret_is_base64: bool = False,
        tolerance: float = 300,
        remember: bool = False,
        base_url: str | None = None,
        credential_id: str | None = None,
    ) -> None:
        self._keys = _keys(secrets, secret_is_base64)
        self._secrets, self._is_base64 = secrets, secret_is_base64
        self._algorithm = _choice("algorithm", algorithm, _SIZES)
        self._encoding = _choice("signature_encoding", signature_encoding, _DECODERS)
        self._signature_header = _name("signature_header", signature_header)
        self._timestamp_header = _name("timestamp_header", timestamp_header)
        self._id_header = _name("message_id_header", message_id_header or "svix-id")
        self._prefix = _prefix(signature_prefix)
        self._format = _parsed(payload_format, include_timestamp)
        self._tolerance = _positive("tolerance", tolerance)
        self._memory = _Memory(2 * tolerance) if remember else None
        if remember and "{timestamp}" not in self._format:
            raise _unusable("remember needs a payload_format that signs {timestamp}")
        self._base_urls = _base_urls(base_url)
        self._credential_id = credential_id
        self._last_guess = float("-inf")
        self._last_stamp = 0

    async def verify(self, delivery: Delivery) -> None:
        """See `Verifier.verify`."""
        signatures = self._signatures(delivery)
        signed = self._signed(delivery)
        signed["{body}"] = [await delivery.body()]
        fitting = self._fitting(signatures, self._format, self._keys, signed)
        if fitting is None:
            raise AuthenticationError(self._why(signatures, signed))
        if self._memory is not None:
            self._memory.see(_digest(fitting))

    def server_fields(self) -> Mapping[str, Any]:
        """What Vapi's `server` object needs so that this verifier lets it in."""
        return credential_fields(self._credential_id)

    def delivery_headers(self, url: str, body: bytes) -> Mapping[str, str]:
        """The headers of a POST of this body to this URL that this verifier lets in."""
        sent = {"{timestamp}": self._new_stamp(), "{svix-id}": f"msg_{uuid.uuid4().hex}"}
        signed = {name: value.encode() for name, value in sent.items()}
        signed |= {"{method}": b"POST", "{url}": self._called(url), "{body}": body}
        signature = self._sign(self._keys[0], [signed.get(p, p.encode()) for p in self._format])
        names = {"{timestamp}": self._timestamp_header, "{svix-id}": self._id_header}
        return {
            **{names[part].decode(): sent[part] for part in names if part in self._format},
            self._signature_header.decode(): self._prefix.decode() + self._encoded(signature),
        }

    def __repr__(self) -> str:
        name = self._signature_header.decode()
        return f"HmacSignature({len(self._keys)} secrets, {self._algorithm}, {name!r})"

    # --- what is made ----------------------------------------------------------------------

    def _new_stamp(self) -> str:
        # Never the same again: a verifier that remembers would refuse the second.
        self._last_stamp = max(self._last_stamp + 1, int(time.time() * 1000))
        return str(self._last_stamp)

    def _called(self, url: str) -> bytes:
        """The URL as the verifier will see it."""
        origin, path = _divided(url)
        # The last has no path, and so goes with the whole path of any server.
        return (self._base_urls[-1] if self._base_urls else origin) + path

    def _encoded(self, signature: bytes) -> str:
        return signature.hex() if self._encoding == "hex" else base64.b64encode(signature).decode()

    # --- the headers -----------------------------------------------------------------------

    def _signatures(self, delivery: Delivery) -> list[bytes]:
        """The signatures that came, decoded."""
        value = required(delivery, self._signature_header, _OTHER_SIGNATURE)
        parts = [value] if b" " in self._prefix else value.split()
        texts = [part[len(self._prefix) :] for part in parts if part.startswith(self._prefix)]
        size = _SIZES[self._algorithm]
        decoded = [_decoded(text, self._encoding) for text in texts]
        if found := [signature for signature in decoded if len(signature) == size]:
            return found
        name = self._signature_header.decode()
        hint = _malformed(texts[0]) if texts else "does not begin with signature_prefix"
        raise AuthenticationError(f"the signature in the header {name} {hint}")

    def _signed(self, delivery: Delivery) -> dict[str, list[bytes]]:
        """What may have been signed, for each placeholder: one value, or several candidates."""
        signed = {"{method}": [delivery.method.encode()]}
        if "{timestamp}" in self._format:
            signed["{timestamp}"] = [self._timestamp(delivery)]
        if "{svix-id}" in self._format:
            signed["{svix-id}"] = [self._message_id(delivery)]
        if "{url}" in self._format:
            signed["{url}"] = self._urls(delivery)
        return signed

    def _timestamp(self, delivery: Delivery) -> bytes:
        value = required(delivery, self._timestamp_header, _OTHER_TIMESTAMP)
        age = time.time() - _seconds(value, self._timestamp_header)
        if abs(age) > self._tolerance:
            side = "old" if age > 0 else "far in the future"
            raise AuthenticationError(
                f"the time stamp in the header {self._timestamp_header.decode()} is too {side}, "
                f"by more than {self._tolerance:g} seconds: it is a replay, or a clock is wrong"
            )
        return value

    def _message_id(self, delivery: Delivery) -> bytes:
        value = required(delivery, self._id_header, _OTHER_ID)
        if not _MESSAGE_ID.fullmatch(value):
            raise AuthenticationError(
                f"the header {self._id_header.decode()} holds no id of a message"
            )
        return value

    def _urls(self, delivery: Delivery) -> list[bytes]:
        # Behind a proxy that ends TLS, the server sees http where Vapi has called https.
        bases = self._base_urls or [
            scheme + _host(delivery) for scheme in (b"https://", b"http://")
        ]
        return [base + delivery.path.encode("latin-1", "replace") for base in bases]

    # --- the signature ---------------------------------------------------------------------

    def _fitting(
        self,
        signatures: Sequence[bytes],
        payload_format: Sequence[str],
        keys: Sequence[bytes],
        signed: Mapping[str, Sequence[bytes]],
    ) -> Sequence[bytes] | None:
        """The payload that one of the signatures fits, in parts; None when there is none."""
        for payload in _payloads(payload_format, signed):
            for key in keys:
                expected = self._sign(key, payload)
                if any(hmac.compare_digest(signature, expected) for signature in signatures):
                    return payload
        return None

    def _sign(self, key: bytes, payload: Iterable[bytes]) -> bytes:
        made = hmac.new(key, digestmod=self._algorithm)
        for part in payload:
            made.update(part)
        return made.digest()

    def _why(self, signatures: Sequence[bytes], signed: Mapping[str, Sequence[bytes]]) -> str:
        """The likely reason: which other options would have fitted.

        Guessing costs more than the check, so strangers can cause it once a minute only.
        """
        now = time.monotonic()
        if now - self._last_guess < _SECONDS_BETWEEN_GUESSES:
            return "the signature does not fit; other options were tried less than a minute ago"
        self._last_guess = now
        for options, payload_format, keys in self._guesses(signed):
            if self._fitting(signatures, payload_format, keys, signed):
                return f"the signature does not fit, but would with {options}"
        where = ", and base_url right" if "{url}" in self._format else ""
        return f"the signature does not fit: is it the right secret{where}?"

    def _guesses(
        self, signed: Mapping[str, Sequence[bytes]]
    ) -> Iterator[tuple[str, Sequence[str], Sequence[bytes]]]:
        other = f"secret_is_base64={not self._is_base64}"
        try:
            others = _keys(self._secrets, not self._is_base64)
        except SettingsError:
            others = ()
        yield other, self._format, others
        for guess in ("{body}", "{timestamp}.{body}"):
            parts = _split(guess)
            if set(_PLACEHOLDERS).intersection(parts) <= signed.keys():
                yield f"payload_format={guess!r}", parts, self._keys
                yield f"payload_format={guess!r} and {other}", parts, others


class _Memory:
    """The last signed deliveries. Only what fits gets in, so no stranger can fill it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._seen: OrderedDict[bytes, float] = OrderedDict()

    def see(self, digest: bytes) -> None:
        """Note what was signed.

        Raises:
            AuthenticationError: It was seen before.
        """
        now = time.monotonic()
        if now - self._seen.get(digest, float("-inf")) <= self._seconds:
            raise AuthenticationError("the same signed delivery came before: it is a replay")
        self._seen[digest] = now
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)


# --- options ------------------------------------------------------------------------------


def _unusable(why: str) -> SettingsError:
    return SettingsError(f"HmacSignature: {why}")


def _name(option: str, name: str) -> bytes:
    return header_name("HmacSignature", option, name)


def _choice(option: str, value: str, choices: Iterable[str]) -> str:
    if value not in choices:
        raise _unusable(f"{option} {value!r} is none of {', '.join(choices)}")
    return value


def _prefix(prefix: str) -> bytes:
    # No header brings a blank at its beginning, and nothing beyond ASCII is sure to arrive.
    if not (prefix.isascii() and prefix.isprintable()) or prefix[:1] == " ":
        raise _unusable(f"signature_prefix {prefix!r} cannot stand before the value of a header")
    return prefix.encode()


def _positive(option: str, value: float) -> float:
    if not 0 < value < float("inf"):
        raise _unusable(f"{option} must be a number of seconds above zero")
    return value


def _keys(secrets: Sequence[str], is_base64: bool) -> tuple[bytes, ...]:
    texts = cleaned("HmacSignature", secrets)
    try:
        if not is_base64:
            return tuple(text.encode() for text in texts)
        keys = tuple(_from_base64(text.removeprefix("whsec_")) for text in texts)
    except ValueError:
        keys = ()
    if not keys or not all(keys):
        what = "no base64, although secret_is_base64 is set" if is_base64 else "no text"
        raise _unusable(f"a secret is {what}")
    return keys


def _from_base64(text: str) -> bytes:
    # As lenient as Vapi's side is: the URL's alphabet and missing padding are taken too.
    text = text.rstrip("=").translate({ord("-"): "+", ord("_"): "/"})
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _parsed(payload_format: str | None, include_timestamp: bool) -> tuple[str, ...]:
    if payload_format is None:
        payload_format = "{timestamp}.{body}" if include_timestamp else "{body}"
    parts = _split(payload_format)
    placeholders = [part for part in parts if part[:1] == "{" and part[-1:] == "}"]
    for placeholder in placeholders:
        if placeholder not in _PLACEHOLDERS:
            known = " ".join(_PLACEHOLDERS)
            raise _unusable(f"payload_format has {placeholder}, which is none of {known}")
    if "{body}" not in placeholders:
        raise _unusable("payload_format lacks {body}, so that anything could be sent")
    if "{timestamp}" in placeholders and not include_timestamp:
        raise _unusable("payload_format signs {timestamp}, but include_timestamp is off")
    return parts


def _split(payload_format: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"(\{[^{}]*\})", payload_format) if part)


def _base_urls(base_url: str | None) -> list[bytes]:
    """What may stand before the path: a part of it may be in the path already, under a mount."""
    if base_url is None:
        return []
    url = urlsplit(base_url)
    if url.scheme not in ("http", "https") or not url.netloc:
        raise _unusable(f"base_url {base_url!r} must begin with https://")
    bases = [base_url.rstrip("/"), f"{url.scheme}://{url.netloc}"]
    return [base.encode() for base in dict.fromkeys(bases)]


def _divided(url: str) -> tuple[bytes, bytes]:
    """A URL as a client sends it: the origin, and the path with its query."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].lower()
    usual = {"https": ":443", "http": ":80"}.get(parts.scheme, "")
    query = f"?{parts.query}" if parts.query else ""
    path = (parts.path or "/") + query
    return f"{parts.scheme}://{host.removesuffix(usual)}".encode(), path.encode()


# --- what came ----------------------------------------------------------------------------


def _host(delivery: Delivery) -> bytes:
    host = required(delivery, b"host", {})
    if not _HOST.fullmatch(host):
        raise AuthenticationError("the header host holds no name of a host")
    return host


def _payloads(
    payload_format: Sequence[str], signed: Mapping[str, Sequence[bytes]]
) -> Iterator[list[bytes]]:
    """What may have been signed, in parts, so that a large body is not copied."""
    for url in signed.get("{url}", [b""]):
        values = {name: values[0] for name, values in signed.items()} | {"{url}": url}
        yield [values.get(part, part.encode()) for part in payload_format]


def _digest(payload: Iterable[bytes]) -> bytes:
    """The same for each key and each signature, and however the payload is divided."""
    made = hashlib.sha256()
    for part in payload:
        made.update(part)
    return made.digest()


def _seconds(value: bytes, header: bytes) -> float:
    """When it was, since 1970."""
    if value.isdigit() and len(value) < 20:
        number = int(value)
        return number / 1000 if number >= _FIRST_MILLISECONDS else number
    try:
        # Before Python 3.11 there is no reading of the Z.
        moment = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", value.decode("ascii")))
    except (ValueError, OverflowError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise AuthenticationError(f"the header {header.decode()} holds no time stamp")
    return moment.timestamp()


def _from_hex(text: bytes) -> bytes:
    return binascii.unhexlify(text)


def _from_strict_base64(text: bytes) -> bytes:
    return base64.b64decode(text, validate=True)


_DECODERS = {"hex": _from_hex, "base64": _from_strict_base64}


def _decoded(text: bytes, encoding: str) -> bytes:
    """The bytes of a signature; none when it is not in that encoding."""
    try:
        return _DECODERS[encoding](text)
    except ValueError:
        return b""


def _malformed(text: bytes) -> str:
    """What a signature that cannot be read looks like."""
    for encoding in _DECODERS:
        for algorithm, size in _SIZES.items():
            if len(_decoded(text, encoding)) == size:
                return (
                    f"looks like {algorithm} in {encoding}: "
                    "are algorithm and signature_encoding right?"
                )
    if b"=" in text[:10] or b"," in text[:10]:
        return "cannot be read: is signature_prefix right?"
    return "cannot be read"
