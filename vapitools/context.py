"""What a tool may know of the live call, and what the model never sees."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import messages


@dataclass(frozen=True)
class Static:
    """A parameter that Vapi fills in and the model neither sees nor sets.

    `caller: Annotated[str, Static("{{customer.number}}")]`

    Args:
        value: Any JSON value. Text may hold Liquid: `{{customer.number}}`, `{{call.id}}`,
            `{{phoneNumber.number}}` and the call's own variables.
    """

    value: Any


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
    """

    def __init__(
        self,
        message: messages.Message | None = None,
        *,
        tool_call_id: str | None = None,
        deadline: float | None = None,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        self._message = message or _NO_MESSAGE
        self._deadline = deadline
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

    def __repr__(self) -> str:
        return f"CallContext(id={self.id!r}, tool_call_id={self.tool_call_id!r})"


_NO_MESSAGE = messages.parse(b'{"message": {"type": ""}}')


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
