"""What a tool may know of the live call, and what the model never sees."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from . import messages
from .control import CallControl
from .destinations import Destination, destination_json
from .errors import CallControlError, DefinitionError

Speaker = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Static:
    """A parameter that Vapi fills in and the model neither sees nor sets.

    `caller: Annotated[str, Static("{{customer.number}}")]`

    Args:
        value: Any JSON value. Text may hold Liquid: `{{customer.number}}`, `{{call.id}}`,
            `{{phoneNumber.number}}` and the call's own variables.
    """

    value: Any


ENCRYPTED = "x-vapitools-encrypted"
"""The key of a JSON Schema that says: this arrives encrypted. It is never sent."""


class Encrypted:
    """Marks what Vapi encrypts on its way here. The tool gets the plain text.

    `ssn: Annotated[str, Encrypted]`, on a parameter or on a field of a model.
    """

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: Any, handler: Callable[[Any], dict[str, Any]]
    ) -> dict[str, Any]:
        return {**handler(schema), ENCRYPTED: True}


@dataclass(frozen=True)
class Customer:
    """Who is on the line. What Vapi does not know is None.

    Attributes:
        number: The phone number in E.164, such as `+15550100010`.
        name: The name, when the call was made with one.
        sip_uri: The SIP address of a caller over SIP.
        extension: The extension to dial behind the number.
    """

    number: str | None = None
    name: str | None = None
    sip_uri: str | None = None
    extension: str | None = None


@dataclass(frozen=True)
class PhoneNumber:
    """The number of ours that the call runs over. What Vapi does not know is None."""

    id: str | None = None
    number: str | None = None
    name: str | None = None


class CallContext:
    """The live call, for a tool that has a parameter of this type. The model does not see it.

    Everything is decoded when it is first asked for. A context made with no message is an empty
    one, good for calling a tool's function in a test.

    What is awaited tells the live call what to do, so it is for `async def` tools. Each command
    raises `CallControlError` when the call was not told: it has ended, cannot be controlled, or
    is out of reach.
    """

    def __init__(
        self,
        message: messages.Message | None = None,
        *,
        tool_call_id: str | None = None,
        deadline: float | None = None,
        state: Mapping[str, Any] | None = None,
        control: CallControl | None = None,
    ) -> None:
        self._message = message or _NO_MESSAGE
        self._deadline = deadline
        self._control = control
        self.tool_call_id = tool_call_id
        """Vapi's id of this tool call; the same when Vapi delivers it again."""
        self.state: Mapping[str, Any] = state if state is not None else {}
        """What the server's lifespan yielded: database pools and the like."""

    @property
    def id(self) -> str | None:
        """Vapi's id of the phone call, web call or chat."""
        return self._message.call_id

    @property
    def assistant_id(self) -> str | None:
        """The assistant that speaks; None for one that is not stored at Vapi."""
        return self._message.assistant_id

    @property
    def customer(self) -> Customer:
        """Who is on the line."""
        found = self._message.customer
        return Customer(
            number=_text(found.get("number")),
            name=_text(found.get("name")),
            sip_uri=_text(found.get("sipUri")),
            extension=_text(found.get("extension")),
        )

    @property
    def phone_number(self) -> PhoneNumber:
        """The number of ours that the call runs over."""
        found = self._message.phone_number
        return PhoneNumber(
            id=_text(found.get("id")) or self._message.phone_number_id,
            number=_text(found.get("number")),
            name=_text(found.get("name")),
        )

    @property
    def variables(self) -> Mapping[str, Any]:
        """The call's variables (`variableValues`)."""
        return self._message.variables

    @property
    def message(self) -> Mapping[str, Any]:
        """The whole message as it came, for what has no name here. Decodes all of it."""
        return self._message.raw

    def remaining(self) -> float:
        """Seconds until the tool is cut off and an error is answered; infinite outside a call."""
        if self._deadline is None:
            return float("inf")
        return max(0.0, self._deadline - time.monotonic())

    async def say(self, content: str, *, end_call: bool = False) -> None:
        """Let the assistant say something. For `async def` tools.

        Args:
            content: The text.
            end_call: Hang up after it was spoken.

        Raises:
            CallControlError: The call was not told, or there is nothing to say.
        """
        text = _content("say", content)
        await self._tell({"type": "say", "content": text, "endCallAfterSpoken": end_call})

    async def add_message(
        self, content: str, *, role: Speaker = "system", trigger_response: bool = True
    ) -> None:
        """Add a message to what the model knows of the conversation. For `async def` tools.

        Args:
            content: The text.
            role: Whose message it is.
            trigger_response: Let the assistant answer it at once. A tool is answered by its
                result, so mostly `False` is better there.

        Raises:
            CallControlError: The call was not told, or there is no text.
        """
        message = {"role": role, "content": _content("add-message", content)}
        await self._tell(
            {"type": "add-message", "message": message, "triggerResponseEnabled": trigger_response}
        )

    async def end(self) -> None:
        """Hang up at once; `say(…, end_call=True)` takes leave first. For `async def` tools.

        Raises:
            CallControlError: The call was not told.
        """
        await self._tell({"type": "end-call"})

    async def transfer(
        self, destination: Destination | Mapping[str, Any] | str, *, content: str | None = None
    ) -> None:
        """Transfer the caller to a phone number or a SIP address. For `async def` tools.

        Args:
            destination: A `NumberDestination`, a `SipDestination`, or text such as
                `+15550100020` and `sip:desk@example.com`.
            content: What is said before.

        Raises:
            CallControlError: The call was not told, or `content` is empty.
            DefinitionError: It is no destination, or one for `handoff`.
        """
        where = _destination("transfer", destination, ("number", "sip"), "call.handoff(…)")
        await self._tell({"type": "transfer", "destination": where, **_spoken("transfer", content)})

    async def handoff(
        self, destination: Destination | Mapping[str, Any], *, content: str | None = None
    ) -> None:
        """Let another assistant take over. For `async def` tools.

        Args:
            destination: An `AssistantDestination`, or the API's own object.
            content: What is said before.

        Raises:
            CallControlError: The call was not told, or `content` is empty.
            DefinitionError: It is no destination, or one for `transfer`.
        """
        where = _destination("handoff", destination, ("assistant", "squad"), "call.transfer(…)")
        await self._tell({"type": "handoff", "destination": where, **_spoken("handoff", content)})

    async def mute(self) -> None:
        """Let the assistant be silent until `unmute()`. For `async def` tools.

        Raises:
            CallControlError: The call was not told.
        """
        await self._tell({"type": "control", "control": "mute-assistant"})

    async def unmute(self) -> None:
        """Let the assistant speak again. For `async def` tools.

        Raises:
            CallControlError: The call was not told.
        """
        await self._tell({"type": "control", "control": "unmute-assistant"})

    async def _tell(self, command: Mapping[str, Any]) -> None:
        if self._control is None:
            raise CallControlError(
                f"{command['type']}: this context belongs to no server, so there is no call to "
                "tell; in a test, make it with CallContext(control=…)"
            )
        await self._control.send(self._message.control_url, command)

    def __repr__(self) -> str:
        return f"CallContext(id={self.id!r}, tool_call_id={self.tool_call_id!r})"


_NO_MESSAGE = messages.parse(b'{"message": {"type": ""}}')


def _content(command: str, content: str) -> str:
    if not isinstance(content, str):
        raise CallControlError(f"{command}: content must be text, not {type(content).__name__}")
    if not content.strip():
        raise CallControlError(f"{command}: content is empty; give the text")
    return content


def _spoken(command: str, content: str | None) -> dict[str, str]:
    return {} if content is None else {"content": _content(command, content)}


def _destination(
    command: str,
    destination: Destination | Mapping[str, Any] | str,
    types: tuple[str, ...],
    other: str,
) -> dict[str, Any]:
    found = destination_json(destination)
    if found["type"] not in types:
        raise DefinitionError(
            f"{command}: takes a destination of the type {' or '.join(types)}; "
            f"for {found['type']!r} use {other}"
        )
    return found


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
