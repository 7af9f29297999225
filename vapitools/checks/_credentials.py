"""What Vapi would send to pass a verifier."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping

from ..auth import AllOf, AnyOf, BearerToken, HmacSignature, SharedSecret, Verifier

Headers = Mapping[str, str]


def headers(verifier: Verifier, url: str, body: bytes) -> Headers | None:
    """The headers of a POST that a verifier lets in; None when they cannot be made here."""
    if isinstance(verifier, SharedSecret):
        return {"x-vapi-secret": verifier._secrets[0].decode()}
    if isinstance(verifier, BearerToken):
        prefix = "Bearer " if verifier._prefix else ""
        return {verifier._header.decode(): prefix + verifier._tokens[0].decode()}
    if isinstance(verifier, HmacSignature):
        return _signed(verifier, url, body)
    if isinstance(verifier, AnyOf):
        made = (headers(each, url, body) for each in verifier._verifiers)
        return next(filter(None, made), None)
    if isinstance(verifier, AllOf):
        return _all(verifier, url, body)
    # A token of the issuer's, an address of Vapi's, or what the user made up.
    return None


def _all(verifier: AllOf, url: str, body: bytes) -> Headers | None:
    merged: dict[str, str] = {}
    for each in verifier._verifiers:
        made = headers(each, url, body)
        if made is None:
            return None
        merged.update(made)
    return merged


def _signed(verifier: HmacSignature, url: str, body: bytes) -> Headers:
    stamp, id_ = str(int(time.time())), f"check_{time.time_ns()}"
    values = {
        "{body}": body,
        "{timestamp}": stamp.encode(),
        "{svix-id}": id_.encode(),
        "{method}": b"POST",
        "{url}": url.encode(),
    }
    signature = verifier._sign(
        verifier._keys[0], [values.get(part, part.encode()) for part in verifier._format]
    )
    is_hex = verifier._encoding == "hex"
    text = signature.hex() if is_hex else base64.b64encode(signature).decode()
    return {
        verifier._timestamp_header.decode(): stamp,
        verifier._id_header.decode(): id_,
        verifier._signature_header.decode(): verifier._prefix.decode() + text,
    }
