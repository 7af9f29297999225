"""Which core runs what: a server and its load must not take each other's time."""

from __future__ import annotations

import os
import sys


def on_first_core() -> None:
    """For a server, called in its process before it starts."""
    _pin(0)


def on_last_core() -> None:
    """For the load."""
    _pin(-1)


def _pin(which: int) -> None:
    # Elsewhere the system decides.
    if sys.platform == "linux":
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[which]})
