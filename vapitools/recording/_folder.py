"""A folder with one folder for each call, and in it one file for each message of the call."""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import logging
import os
import re
import zlib
from bisect import bisect
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from .. import _shapes, messages
from ..instrumentation import log
from ._redaction import Redactor

MAX_BYTES = 1024 * 1024
"""A larger body is left out."""

_TOO_LARGE = f"a body of more than {MAX_BYTES} bytes"

# What is known of a call, and so of whoever was on the phone, is kept no longer than need be.
_MAX_CALLS = 2000
# Of a call without an end, the numbers would get longer.
_MAX_FILES = 9999
# For what a message tells, so many of those before it are read again.
_LOOKED_AT_AGAIN = 500

# Takes the headers of gzip and of zlib.
_ANY_HEADER = 32 + zlib.MAX_WBITS


class Arrival(NamedTuple):
    """A body that was let in.

    Attributes:
        moment: When it was whole, in nanoseconds.
        encoding: Its `content-encoding`.
        body: The bytes as they came; None when there were too many.
    """

    moment: int
    encoding: bytes
    body: bytes | None


@dataclass
class _Call:
    """One call: its folder, and what was told in it so far."""

    folder: Path | None = None
    redactor: Redactor = field(default_factory=Redactor)
    moments: list[int] = field(default_factory=list[int])
    names: list[str] = field(default_factory=list[str])


class Folder:
    """Keeps bodies as files. It is for one thread, and never raises.

    Args:
        path: Where. It is made when it is not there.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._calls: OrderedDict[str | None, _Call] = OrderedDict()
        self._left_out = 0
        self._has_failed = False

    def keep(self, arrival: Arrival) -> None:
        """Write the file of a message."""
        body = self._body(arrival)
        if body is None:
            return
        try:
            call = self._call(_call_id(body))
            redacted = call.redactor.redacted(body)
            if call.folder is None:
                call.folder = self._new_folder()
            _write(call, call.folder, arrival.moment, redacted)
        except RecursionError:
            self._leave_out("a body that is nested too deeply")
        except OSError as error:
            self._failed(error)

    # --- what came -------------------------------------------------------------------------

    def _body(self, arrival: Arrival) -> dict[str, Any] | None:
        """The JSON of a message of Vapi's; None for anything else."""
        if arrival.body is None:
            self._leave_out(_TOO_LARGE)
            return None
        text = _decoded(arrival.body, arrival.encoding)
        if text is None:
            self._leave_out(_TOO_LARGE)
            return None
        body = messages.decode_object(text)
        if body is None:
            self._leave_out("a body that is no JSON object")
            return None
        return body if _shapes.is_object(body.get("message")) else None

    def _leave_out(self, what: str) -> None:
        self._left_out += 1
        log(logging.WARNING, "not recorded: %s (%d so far)", what, self._left_out)

    def _failed(self, error: OSError) -> None:
        # A full disk fails for each message, and there are many in a second.
        if not self._has_failed:
            self._has_failed = True
            why = error.strerror or type(error).__name__
            log(logging.WARNING, "cannot record in %s: %s; this is said once", self._path, why)

    # --- the files -------------------------------------------------------------------------

    def _call(self, id_: str | None) -> _Call:
        call = self._calls.get(id_)
        if call is None or len(call.names) >= _MAX_FILES:
            call = self._calls[id_] = _Call()
        self._calls.move_to_end(id_)
        while len(self._calls) > _MAX_CALLS:
            self._calls.popitem(last=False)
        return call

    def _new_folder(self) -> Path:
        """One that nobody else has: another process may record here, too."""
        made(self._path)
        taken = [int(name[5:]) for name in os.listdir(self._path) if _CALL.fullmatch(name)]
        for number in itertools.count(max(taken, default=0) + 1):
            folder = self._path / f"call-{number:04d}"
            with contextlib.suppress(FileExistsError):
                folder.mkdir(0o700)
                return folder
        raise AssertionError  # there is always a next number


_ESCAPED_BLANK = re.compile(r"\\+[nrt]")
_CALL = re.compile(r"call-\d{1,9}", re.ASCII)


def made(folder: Path) -> None:
    """Make the folder, for nobody else to read, where there is none.

    Raises:
        OSError: There cannot be one.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(0o700)
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "it is no folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "nobody may write there")


def _write(call: _Call, folder: Path, moment: int, redacted: Mapping[str, Any]) -> None:
    if (news := call.redactor.news()) is not None:
        _redact_again(call, folder, news)
    place = bisect(call.moments, moment)
    _make_room(call, folder, place)
    name = f"{place + 1:04d}-{_type(redacted)}.json"
    # First, for a number that is not written is not to be used again, either.
    call.moments.insert(place, moment)
    call.names.insert(place, name)
    _create(folder / name, _text(redacted))


def _make_room(call: _Call, folder: Path, place: int) -> None:
    """A message that took longer to answer comes before those that came after it."""
    for later in range(len(call.names) - 1, place - 1, -1):
        old = call.names[later]
        new = f"{later + 2:04d}{old[4:]}"
        with contextlib.suppress(FileNotFoundError):
            os.rename(folder / old, folder / new)
        call.names[later] = new


def _redact_again(call: _Call, folder: Path, news: re.Pattern[str]) -> None:
    """What a message tells of a person is taken out of those that were kept before."""
    failed: OSError | None = None
    for name in call.names[-_LOOKED_AT_AGAIN:]:
        try:
            _redact_file(call.redactor, folder / name, news)
        # Whoever reads recordings may also delete one.
        except FileNotFoundError:
            continue
        except OSError as error:
            failed = error
    if failed is not None:
        raise failed


def _redact_file(redactor: Redactor, path: Path, news: re.Pattern[str]) -> None:
    text = path.read_text("utf-8")
    if not news.search(_ESCAPED_BLANK.sub(" ", text)):
        return
    body = messages.decode_object(text.encode())
    anew = None if body is None else _text(redactor.redacted(body))
    if anew is not None and anew != text:
        _replace(path, anew)


def _replace(path: Path, text: str) -> None:
    beside = path.with_suffix(".new")
    try:
        beside.unlink(missing_ok=True)
        _create(beside, text)
        os.replace(beside, path)
    except OSError:
        # What is known to be private must not stay.
        path.unlink(missing_ok=True)
        raise


def _create(path: Path, text: str) -> None:
    """Write a new file, whole or not at all."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(file, "wb") as opened:
            opened.write(text.encode("utf-8", "replace"))
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _text(body: Mapping[str, Any]) -> str:
    # Half an emoji has no UTF-8.
    text = json.dumps(body, indent=2, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "replace").decode()


def _decoded(body: bytes, encoding: bytes) -> bytes | None:
    """The body without its compression; None when it is too large."""
    if encoding not in (b"gzip", b"x-gzip", b"deflate"):
        return body
    try:
        text = zlib.decompressobj(_ANY_HEADER).decompress(body, MAX_BYTES + 1)
    except zlib.error:
        return b""
    return text if len(text) <= MAX_BYTES else None


def _call_id(body: Mapping[str, Any]) -> str | None:
    message = _shapes.flattened(body)
    for owner in ("call", "chat", "session"):
        whose = message.get(owner)
        id_ = whose.get("id") if _shapes.is_object(whose) else None
        if isinstance(id_, str) and id_:
            return f"{owner} {id_}"
    return None


def _type(body: Mapping[str, Any]) -> str:
    """The type of a message as a part of a file's name: it is input, too."""
    type_ = _shapes.flattened(body).get("type")
    name = re.sub(r"[^a-z0-9]+", "-", str(type_).lower() if isinstance(type_, str) else "")
    return name.strip("-")[:60] or "message"
