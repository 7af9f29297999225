"""What Vapi answers instead of doing what it was asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ._fields import TITLES, Kind

_ERRORS = {400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}
_WRONG_KEY = (
    "Invalid Key. Hot tip, you may be using the private key instead of the public key, "
    "or vice versa."
)


class RefusedError(Exception):
    """The answer to a request that is not carried out."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"{status}: {body['message']}")
        self.status = status
        self.body = body


def refused(status: int, message: str | Sequence[str]) -> RefusedError:
    """A refusal in the words of the framework that Vapi uses."""
    error = _ERRORS.get(status, "Error")
    return RefusedError(status, {"message": message, "error": error, "statusCode": status})


def wrong_key() -> RefusedError:
    return refused(401, _WRONG_KEY)


def not_found(kind: Kind) -> RefusedError:
    return refused(404, f"Couldn't Get {TITLES[kind]}. Does Not Exist.")


def in_use(kind: Kind, users: Sequence[str]) -> RefusedError:
    """It cannot be deleted while others refer to it."""
    message = f"Couldn't Delete {TITLES[kind]}. It is used by {', '.join(users)}."
    return RefusedError(409, {"message": message, "error": f"{kind}_pinned", "statusCode": 409})
