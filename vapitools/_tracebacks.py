"""A failure as the log may show it: where it happened, without what it says.

The texts of exceptions hold arguments, and with them what people said on the phone.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator

from .errors import CallControlError, ResultError

_MAX_EXCEPTIONS = 8
_MAX_FRAMES = 12


def shown(error: BaseException, *, with_text: bool = False) -> str:
    """The traceback, whatever the exception is like."""
    try:
        return _with_text(error) if with_text else _without_text(error)
    except Exception:  # an exception can be of any class, with any methods
        return f"{type(error).__name__}, whose traceback cannot be shown"


def _with_text(error: BaseException) -> str:
    """The traceback as Python shows it."""
    return "".join(traceback.format_exception(type(error), error, error.__traceback__)).rstrip()


def _without_text(error: BaseException) -> str:
    """The traceback with the types of the exceptions, and not their texts."""
    return "\nwhich led to:\n".join(
        f"{_frames(each)}{type(each).__name__}{_own_text(each)}"
        for each in reversed(list(_related(error)))
    )


def _related(error: BaseException) -> Iterator[BaseException]:
    """The exception, those that led to it and those inside it, each once: there may be rings."""
    waiting = [error]
    seen = set[int]()
    while waiting and len(seen) < _MAX_EXCEPTIONS:
        each = waiting.pop()
        if id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += _causes(each)


def _causes(error: BaseException) -> Iterator[BaseException]:
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None:
        yield earlier
    # Those of an exception group, for which Python 3.10 has no class.
    inner = getattr(error, "exceptions", ())
    yield from (each for each in inner if isinstance(each, BaseException))


def _frames(error: BaseException) -> str:
    return "".join(traceback.format_tb(error.__traceback__, limit=-_MAX_FRAMES))


def _own_text(error: BaseException) -> str:
    # What we say ourselves of a result or of a live call holds no value.
    if type(error) in (ResultError, CallControlError):
        return f": {error}"
    return " (its text is logged with VAPITOOLS_LOG_EXCEPTIONS=1)"
