"""What is wrong with a bot, or may be: found without running it, at its URL, and at Vapi."""

from ._declared import check
from ._finding import LEVELS, Finding, Level
from ._live import probe
from ._remote import compare

__all__ = ["LEVELS", "Finding", "Level", "check", "compare", "probe"]
