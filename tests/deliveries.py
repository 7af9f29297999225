"""Requests as verifiers see them, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import strategies as st

from vapitools.auth import Delivery, Verifier
from vapitools.errors import AuthenticationError

Headers = Sequence[tuple[bytes, bytes]]

BODY = '{"message": {"type": "tool-calls", "who": "Zoë"}}'.encode()


async def unread() -> bytes:
    """A body that nobody may ask for."""
    pytest.fail("the body was read")


def delivery(
    headers: Headers, body: Any = BODY, *, path: str = "/webhook", **others: Any
) -> Delivery:
    """A request with these headers."""
    return Delivery("POST", path, headers, body, **others)


def let_in(verifier: Verifier, headers: Headers, body: Any = BODY, **others: Any) -> None:
    """See that a request is let in."""
    asyncio.run(verifier.verify(delivery(headers, body, **others)))


def refused(verifier: Verifier, headers: Headers, body: Any = BODY, **others: Any) -> str:
    """See that a request is refused without a word of what it holds, and return the reason."""
    with pytest.raises(AuthenticationError) as caught:
        let_in(verifier, headers, body, **others)
    said = str(caught.value)
    shown = [value for _, value in headers if len(value) > 3 and value.decode("latin-1") in said]
    assert shown == []
    return said


def header_values() -> st.SearchStrategy[bytes]:
    """What a stranger can put into a header: anything, and what looks nearly right."""
    words = (b"Bearer", b"eyJhbGciOiJub25lIn0", b"e30", b"sha256=", b"v1,", b"2026-01-01T00:00:00Z")
    signs = (b" ", b".", b"=", b",", b"\xff", b"\x00", b"1700000000", b"0" * 64, b"A" * 43 + b"=")
    pieces = st.sampled_from([*words, *signs])
    return st.binary(max_size=200) | st.lists(pieces, max_size=8).map(b"".join)
