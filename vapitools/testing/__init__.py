"""What tests need: Vapi's API in memory."""

from ._fake_vapi import FakeVapi
from ._recording import RecordedRequest

__all__ = ["FakeVapi", "RecordedRequest"]
