"""Vapi's side of a call, played against a server: what it sends, and how it takes the answers.

A `Script` is a call that is written down. It is played on a `Stage`: `hosting` serves a bot for
it, `visiting` goes to a server elsewhere. `play` returns a `Played`, with all that happened and
all that was wrong.
"""

from ._cast import Cast
from ._control import ControlDesk
from ._live_call import CALLER, LiveCall
from ._messages import message, static_arguments, tool_calls
from ._played import Played
from ._playing import play
from ._reading import load_script, read_script
from ._recorded import Recorded, Recordings, scripts_from
from ._rules import RULES, Fault
from ._script import Script
from ._sending import Sent, send
from ._stage import Bot, Stage, hosting, visiting
from ._writing import starting_file, write_script

__all__ = [
    "CALLER",
    "RULES",
    "Bot",
    "Cast",
    "ControlDesk",
    "Fault",
    "LiveCall",
    "Played",
    "Recorded",
    "Recordings",
    "Script",
    "Sent",
    "Stage",
    "hosting",
    "load_script",
    "message",
    "play",
    "read_script",
    "scripts_from",
    "send",
    "starting_file",
    "static_arguments",
    "tool_calls",
    "visiting",
    "write_script",
]
