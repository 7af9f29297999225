"""What tests need: a tool by itself, a whole call in code, and Vapi's API in memory."""

from ..playing import message, tool_calls
from ._calling import Called, call
from ._control import RecordingControl
from ._exercise import exercise
from ._fake_vapi import FakeVapi
from ._recording import RecordedRequest
from ._test_call import Answer, TestCall

__all__ = [
    "Answer",
    "Called",
    "FakeVapi",
    "RecordedRequest",
    "RecordingControl",
    "TestCall",
    "call",
    "exercise",
    "message",
    "tool_calls",
]
