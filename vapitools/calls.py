"""Phone calls: make them, list them, look at one, end it, and control it while it lives."""

from __future__ import annotations

from ._connection import Connection


class Calls:
    """The calls at Vapi."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
