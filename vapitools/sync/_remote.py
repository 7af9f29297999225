"""What is at Vapi now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._connection import together
from ..client import VapiClient

Stored = Mapping[str, Any]
"""An object as the API returns it."""


@dataclass(frozen=True)
class Remote:
    """What is at Vapi now, as the API returns it. Made by `read`."""

    tools: tuple[Stored, ...] = field(default=(), repr=False)
    assistants: tuple[Stored, ...] = field(default=(), repr=False)
    squads: tuple[Stored, ...] = field(default=(), repr=False)


async def read(client: VapiClient) -> Remote:
    """Read every tool, assistant and squad of the organization.

    Raises:
        ApiError: Vapi refuses, or is out of reach.
    """
    tools, assistants, squads = await together(
        client.tools.list(), client.assistants.list(), client.squads.list()
    )
    return Remote(tuple(tools), tuple(assistants), tuple(squads))
