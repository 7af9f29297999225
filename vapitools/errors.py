"""Every exception of vapitools.

```
VapiToolsError
├── DefinitionError         a tool is declared wrongly: all problems at once
├── SettingsError           a setting or an environment variable cannot be used
├── ResultError             a tool returned what cannot be sent
├── ToolError               raised by tool authors; its text goes to the assistant
│   └── ArgumentError       the model's arguments do not fit the tool's parameters
├── CallControlError        the live call could not be told what to do
├── ApiError                Vapi's API refused a request, or is out of reach
├── ApplyError              what is declared could not be brought to Vapi, or only half of it
├── PlayError               a call cannot be played: its file is wrong, or no server is there
└── WebhookError            a request that is refused, with its HTTP status
    ├── AuthenticationError   the sender is not known (401)
    └── MessageError          the body cannot be read (400, 408, 413, 415)
```
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol


class VapiToolsError(Exception):
    """The base of every exception of this package."""


class DefinitionError(VapiToolsError):
    """A tool is declared wrongly. Raised while decorating, with every problem found.

    Attributes:
        problems: One sentence each: which function, which parameter, what to write instead.
    """

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class SettingsError(VapiToolsError):
    """A setting or an environment variable cannot be used."""


class Spoken(Protocol):
    """A message that the assistant says, such as `RequestFailed`."""

    def to_json(self) -> dict[str, Any]:
        """The message as the API takes it."""
        ...


class ToolError(VapiToolsError):
    """Raise it in a tool to tell the assistant what went wrong and what to offer instead.

    Args:
        text: Goes to the assistant as the tool call's `error`. Write it for the model.
        message: What the assistant says instead of making up its own sentence: text, or a
            `RequestFailed`.
    """

    def __init__(self, text: str = "", *, message: Spoken | str | None = None) -> None:
        super().__init__(text)
        self.message = message


class ArgumentError(ToolError):
    """The model's arguments do not fit. Names each field and what is wanted, never its value."""


class ResultError(VapiToolsError):
    """A tool returned what cannot be sent. It is logged; the assistant hears of a failure."""


class CallControlError(VapiToolsError):
    """The live call could not be told what to do: it has ended, or Vapi is out of reach.

    Attributes:
        status: The HTTP status of Vapi's answer; None when there was none.
    """

    def __init__(self, text: str, *, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


class ApiError(VapiToolsError):
    """Vapi's API refused a request, or is out of reach. Holds neither key, secret nor body.

    Attributes:
        request: What was asked, such as `POST /call`.
        status: The HTTP status of the answer; None when there was none.
        reason: What Vapi says of it, or what was in the way.
        hint: What to do about it; "" when that is plain.
        was_done: Whether it may have been done all the same: no answer came, or half of one.
    """

    def __init__(
        self,
        request: str,
        reason: str,
        *,
        status: int | None = None,
        hint: str = "",
        was_done: bool = False,
    ) -> None:
        self.request = request
        self.status = status
        self.reason = reason
        self.hint = hint
        self.was_done = was_done
        text = f"{request}: {reason}" if status is None else f"{request}: {status}: {reason}"
        super().__init__(f"{text}; {hint}" if hint else text)


class ApplyError(VapiToolsError):
    """What is declared could not be brought to Vapi. It is safe to plan and apply again.

    Attributes:
        done: What was done before, one line each.
    """

    def __init__(self, text: str, *, done: Iterable[str] = ()) -> None:
        self.done = tuple(done)
        super().__init__(text)


class PlayError(VapiToolsError):
    """A call cannot be played: its file is wrong, or the server is not there.

    Attributes:
        problems: One sentence each, with the file and the line where there are any.
    """

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class WebhookError(VapiToolsError):
    """A request that is refused. The text is for the log, or for whoever may see it."""

    status = 400

    def __init__(self, text: str, *, status: int | None = None) -> None:
        super().__init__(text)
        if status is not None:
            self.status = status


class AuthenticationError(WebhookError):
    """The sender could not be verified. The text is for our own log, never for the answer."""

    status = 401


class MessageError(WebhookError):
    """The body cannot be read as a message from Vapi."""
