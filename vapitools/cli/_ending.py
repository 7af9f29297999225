"""The last resort against a process that does not end."""

from __future__ import annotations

import os
import threading


def end_within(seconds: float, exit_code: int) -> threading.Timer:
    """End this process by force if it still lives then.

    Python waits for threads and tasks without a limit when it ends, and a tool can hold one
    for ever.
    """
    timer = threading.Timer(seconds, os._exit, [exit_code])
    timer.daemon = True
    timer.start()
    return timer
