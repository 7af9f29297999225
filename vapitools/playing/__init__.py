"""Vapi's side of a call, played against a server: what it sends, and how it takes the answers.

A `Script` is a call that is written down. `play_bot` plays it against a bot that is served for it,
`play` against any server; both return a `Played`, with all that happened and all that was wrong.
"""

from ._cast import Cast
from ._chaos import Chaos
from ._control import ControlDesk
from ._delivery import Server
from ._hosting import Bot, cast_of
from ._live_call import LiveCall
from ._messages import message, tool_calls
from ._played import Played
from ._playing import cast_script, play, play_bot
from ._reading import load_script, read_script
from ._rules import RULES, Fault
from ._script import Script

__all__ = [
    "RULES",
    "Bot",
    "Cast",
    "Chaos",
    "ControlDesk",
    "Fault",
    "LiveCall",
    "Played",
    "Script",
    "Server",
    "cast_of",
    "cast_script",
    "load_script",
    "message",
    "play",
    "play_bot",
    "read_script",
    "tool_calls",
]
