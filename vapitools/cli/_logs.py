"""What the terminal shows of the logs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
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


@contextlib.contextmanager
def kept_apart(*, show: bool) -> Generator[None, None, None]:
    """Show our log and the server's on stderr or nowhere, whatever the bot has set up for them."""
    handler = logging.StreamHandler() if show else logging.NullHandler()
    before = [(logger, logger.propagate) for logger in (_OURS, _SERVERS)]
    for logger, _ in before:
        logger.propagate = False
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger, propagates in before:
            logger.removeHandler(handler)
            logger.propagate = propagates


def _is_news(record: logging.LogRecord) -> bool:
    """Not what we have said in plain words, nor the end of a request that we cut off."""
    text = str(record.msg)
    if record.levelno < logging.WARNING:
        return text.startswith(("Waiting for connections", "Waiting for background"))
    error = record.exc_info[1] if record.exc_info else None
    said = text.startswith(("Application startup failed", "Cancel %s running"))
    return not said and not isinstance(error, asyncio.CancelledError)
