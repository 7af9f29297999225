"""Several processes that record into one folder, as one: what is known of a call is in one place.

The workers of a server share each call among them, and a reload starts a worker anew. So they
hand on what came to the process that has started them, and that one keeps it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import secrets
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

from ..instrumentation import log
from ._folder import Arrival, Folder

# For so many seconds the end waits for what the workers have sent.
_TO_FINISH = 2.0
_REFUSED = (OSError, EOFError, AuthenticationError)


@dataclass(frozen=True)
class Line:
    """Where to hand on what came. It can be sent to another process."""

    address: Any
    key: bytes = field(repr=False)


@contextlib.contextmanager
def shared(path: Path | str) -> Generator[Line, None, None]:
    """Keep in a folder what other processes hand on, until the end of the block."""
    key = secrets.token_bytes(32)
    with Listener(authkey=key) as listener:
        hub = _Hub(Folder(path), listener)
        threading.Thread(target=hub.listen, daemon=True).start()
        try:
            yield Line(listener.address, key)
        finally:
            hub.finish()


class _Hub:
    """The side that keeps."""

    def __init__(self, folder: Folder, listener: Listener) -> None:
        self._folder = folder
        self._listener = listener
        self._desk = ThreadPoolExecutor(1, thread_name_prefix="vapitools-recorder")
        self._readers: list[threading.Thread] = []

    def listen(self) -> None:
        while True:
            try:
                connection: Any = self._listener.accept()
            # A stranger, or a worker that has ended while it said who it is.
            except (AuthenticationError, EOFError, ConnectionError):
                continue
            except OSError:
                # It is closed.
                return
            reader = threading.Thread(target=self._read, args=[connection], daemon=True)
            reader.start()
            # With each reload, there are new workers.
            self._readers = [each for each in self._readers if each.is_alive()] + [reader]

    def _read(self, connection: Connection) -> None:
        # Python that is ending takes no more work: that is the RuntimeError.
        with connection, contextlib.suppress(OSError, EOFError, RuntimeError):
            while True:
                work = self._desk.submit(self._keep, connection.recv_bytes())
                if (error := work.exception()) is not None:
                    # What it says can hold a body.
                    log(logging.WARNING, "a message is not recorded: %s", type(error).__name__)

    def _keep(self, packed: bytes) -> None:
        self._folder.keep(_unpacked(packed))

    def finish(self) -> None:
        """The workers have ended: what they have sent is still to be read."""
        for reader in self._readers:
            reader.join(_TO_FINISH)


class Sender:
    """The side of a worker, as a keeper of its recorder."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._connection: Any = None
        self._has_failed = False

    def keep(self, arrival: Arrival) -> None:
        """Hand it on."""
        try:
            self._open().send_bytes(_packed(arrival))
        except _REFUSED:
            self._connection = None
            if not self._has_failed:
                self._has_failed = True
                log(logging.WARNING, "cannot hand on what is to be recorded; this is said once")

    def _open(self) -> Any:
        if self._connection is None:
            self._connection = Client(self._line.address, authkey=self._line.key)
        return self._connection


# No pickle: whatever comes, nothing but text and bytes is made of it.
def _packed(arrival: Arrival) -> bytes:
    """A line of JSON, and the body as it is."""
    head = [arrival.moment, arrival.encoding.decode("latin-1"), arrival.body is not None]
    return json.dumps(head).encode() + b"\n" + (arrival.body or b"")


def _unpacked(packed: bytes) -> Arrival:
    head, _, body = packed.partition(b"\n")
    moment, encoding, has_body = json.loads(head)
    return Arrival(moment, encoding.encode("latin-1"), body if has_body else None)
