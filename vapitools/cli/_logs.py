"""What the terminal shows of the logs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Generator

_OURS = logging.getLogger("vapitools")
_SERVERS = logging.getLogger("uvicorn.error")


class _Line(logging.Formatter):
    """The time and the text; the level only where something is wrong."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(message)s", datefmt="%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        line = super().formatMessage(record)
        if record.levelno < logging.WARNING:
            return line
        return line.replace(" ", f" {record.levelname} ", 1)


def show() -> None:
    """One line per call, and what goes wrong, on stderr.

    A bot that has set up logging of its own gets the lines there.
    """
    _OURS.setLevel(logging.INFO)
    _SERVERS.setLevel(logging.INFO)
    _SERVERS.addFilter(_is_news)
    if not logging.getLogger().handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(_Line())
        _OURS.addHandler(handler)
        _SERVERS.addHandler(handler)


def hide() -> None:
    """Be quiet from now on: what the end of the process cuts off has not failed."""
    _OURS.disabled = True


class Noticing(logging.Handler):
    """Keeps the exception that is being handled while an error is logged.

    The log itself holds no text of it, and the answer neither: what a tool raises is private in
    production. At one's own terminal it is what one looks for.
    """

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.error: BaseException | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Called by `logging`."""
        self.error = sys.exc_info()[1]


@contextlib.contextmanager
def noticed(*, show: bool) -> Generator[Noticing, None, None]:
    """Notice what fails. Show the log of it, or nothing: the command says it in its own words."""
    noticing = Noticing()
    handlers = [noticing, logging.StreamHandler()] if show else [noticing]
    propagates, _OURS.propagate = _OURS.propagate, False
    for handler in handlers:
        _OURS.addHandler(handler)
    try:
        yield noticing
    finally:
        for handler in handlers:
            _OURS.removeHandler(handler)
        _OURS.propagate = propagates


def _is_news(record: logging.LogRecord) -> bool:
    """Not what we have said in plain words, nor the end of a request that we cut off."""
    text = str(record.msg)
    if record.levelno < logging.WARNING:
        return text.startswith(("Waiting for connections", "Waiting for background"))
    error = record.exc_info[1] if record.exc_info else None
    said = text.startswith(("Application startup failed", "Cancel %s running"))
    return not said and not isinstance(error, asyncio.CancelledError)
