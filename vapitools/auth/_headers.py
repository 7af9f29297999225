"""Headers that carry a credential, and what to say when they do not come."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..errors import AuthenticationError, SettingsError
from ._delivery import Delivery

# Where Vapi puts a credential, by default and in the settings that people share.
TOKENS: tuple[bytes, ...] = (b"authorization", b"x-vapi-secret")
SIGNATURES: tuple[bytes, ...] = (
    b"x-signature",
    b"x-vapi-signature",
    b"svix-signature",
    b"webhook-signature",
    b"x-hub-signature-256",
)
TIMESTAMPS: tuple[bytes, ...] = (
    b"x-timestamp",
    b"x-vapi-timestamp",
    b"svix-timestamp",
    b"webhook-timestamp",
)
MESSAGE_IDS: tuple[bytes, ...] = (b"svix-id", b"webhook-id")

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def header_name(owner: str, option: str, name: str) -> bytes:
    """The name of a header, as it stands in a delivery.

    Raises:
        SettingsError: No header can be called so.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise SettingsError(f"{owner}: {option} {name!r} is no name of a header")
    return name.lower().encode()


def required(delivery: Delivery, name: bytes, others: Mapping[bytes, str]) -> bytes:
    """The value of a header that has to be there.

    Args:
        delivery: The request.
        name: The header.
        others: Headers that may have come in its place, each with the likely reason.

    Raises:
        AuthenticationError: It is missing, empty or doubled.
    """
    value = delivery.header(name)
    if value and (value := value.strip()):
        return value
    shown = name.decode()
    missing = f"there is no header {shown}" if value is None else f"the header {shown} is empty"
    raise AuthenticationError(missing + came_instead(delivery, name, others))


def came_instead(delivery: Delivery, name: bytes, others: Mapping[bytes, str]) -> str:
    """The end of a sentence about a missing header: which other one came, and the reason."""
    came = {key for key, value in delivery.headers if value.strip()} - {name}
    return next(
        (f", but {other.decode()} came: {why}" for other, why in others.items() if other in came),
        "",
    )
