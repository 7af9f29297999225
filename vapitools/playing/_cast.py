"""Who is at the other end of the line: what Vapi knows of a server, its assistants and tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._shapes import as_list, as_object, is_list
from ..errors import PlayError
from ._delivery import Server

Definition = Mapping[str, Any]
"""A tool or an assistant, as the API has it."""

# What Vapi sends when nothing else is set.
SERVER_MESSAGES = """
assistant.started conversation-update end-of-call-report function-call hang speech-update
status-update tool-calls transfer-destination-request handoff-destination-request user-interrupted
""".split()


@dataclass(frozen=True)
class Cast:
    """Who is at the other end of the line.

    An assistant can be one that a server has answered with: whatever in it is not as the API
    takes it counts as missing.

    Attributes:
        server: Where a message goes when neither tool nor assistant says it.
        assistants: Those that are known, by name.
        tools: The function tools that are known, by name.
        is_known: Whether `tools` are all the tools there are.
        server_messages: What Vapi sends when the assistant does not say it.
        encrypt: Encrypts a value as Vapi does; None: nobody can.
    """

    # What is known of them holds secrets, and is long: no text of an error is to have it.
    server: Server
    assistants: Mapping[str, Definition] = field(default_factory=dict[str, Definition], repr=False)
    tools: Mapping[str, Definition] = field(default_factory=dict[str, Definition], repr=False)
    is_known: bool = False
    server_messages: Sequence[str] = tuple(SERVER_MESSAGES)
    encrypt: Callable[[str], str] | None = None

    def assistant(self, which: str | Definition | None) -> Definition:
        """An assistant by its name, or as it is; None: one that has every tool.

        Raises:
            PlayError: There is none of that name.
        """
        if which is None:
            return {"name": "assistant", "model": {"tools": list(self.tools.values())}}
        if not isinstance(which, str):
            return which
        if which not in self.assistants:
            known = ", ".join(self.assistants) or "none"
            raise PlayError(f"there is no assistant {which!r}; the assistants are: {known}")
        return self.assistants[which]

    def tool(self, name: str, assistant: Definition) -> Definition:
        """What is known of a tool: of the assistant's own first; nothing is an empty one."""
        for tool in map(as_object, as_list(as_object(assistant.get("model")).get("tools"))):
            if as_object(tool.get("function")).get("name") == name:
                return tool
        return self.tools.get(name, {})

    def server_of(self, assistant: Definition) -> Server:
        """Where the messages of an assistant's call go."""
        return Server.of(assistant.get("server"), self.server)

    def tool_server(self, tool: Definition, assistant: Definition) -> Server:
        """Where the calls of a tool go."""
        return Server.of(tool.get("server"), self.server_of(assistant))

    def wanted(self, assistant: Definition) -> Sequence[str]:
        """The types of messages that are sent in an assistant's call."""
        own = assistant.get("serverMessages")
        return as_list(own) if is_list(own) else self.server_messages
