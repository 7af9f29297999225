"""Keeps what Vapi sends, without secrets and personal data, so that a call becomes a test."""

from ._folder import Folder, made
from ._recorder import Recorder
from ._redaction import Redactor, redacted
from ._sharing import Line, Sender, shared

__all__ = ["Folder", "Line", "Recorder", "Redactor", "Sender", "made", "redacted", "shared"]
