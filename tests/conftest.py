"""What several test modules share."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared" / "vapi"


def shared(path: str) -> Path:
    """A file of the platform's own description; the test is skipped where it is not present."""
    found = SHARED / path
    if not found.exists():
        pytest.skip(f"the platform's files are not beside this checkout ({path})")
    return found
