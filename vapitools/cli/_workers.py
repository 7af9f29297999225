"""Several processes that serve one bot on one port."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import socket
from collections.abc import Generator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from . import _logs
from ._plan import Plan
from ._report import FAILED, complain
from ._server import INTERRUPTED, deaf_to_ctrl_c, serve_as_worker

logger = logging.getLogger("vapitools")


def serve(plan: Plan, sock: socket.socket, count: int) -> int:
    """Keep so many processes serving until a signal ends them, and return the exit code."""
    _logs.show()
    with _signals() as signals:
        return _Workers(plan, sock, count, signals).run()


@contextlib.contextmanager
def _signals() -> Generator[socket.socket, None, None]:
    """SIGINT and SIGTERM as bytes that can be waited for, along with the ends of processes."""
    heard, told = socket.socketpair()
    told.setblocking(False)
    fd = signal.set_wakeup_fd(told.fileno())
    before = {sig: signal.signal(sig, _ignore) for sig in (signal.SIGINT, signal.SIGTERM)}
    try:
        with heard, told:
            yield heard
    finally:
        signal.set_wakeup_fd(fd)
        for sig, handler in before.items():
            signal.signal(sig, handler)


def _ignore(*_: object) -> None: ...


@dataclass(eq=False)
class _Worker:
    """One process.

    Attributes:
        process: The process, which is running.
        ready: Where it sends word; None when there is nothing to wait for.
        serves: Whether it has sent word.
    """

    process: BaseProcess
    ready: Connection | None
    serves: bool = False

    @property
    def handles(self) -> list[Connection | int]:
        """What there is to wait for."""
        return [self.process.sentinel, *([self.ready] if self.ready else [])]

    def look(self) -> None:
        """See whether it has sent word."""
        if self.ready is not None and self.ready.poll():
            with self.ready, contextlib.suppress(EOFError):
                self.ready.recv()
                self.serves = True
            self.ready = None

    def stop(self, sig: int) -> None:
        """Pass on a signal. One that is loading is deaf to Ctrl-C, and has nothing to finish."""
        with contextlib.suppress(ProcessLookupError):
            if self.process.exitcode is None and self.process.pid is not None:
                os.kill(self.process.pid, sig if self.serves else signal.SIGTERM)


class _Workers:
    """The processes. One that dies is replaced.

    The first goes ahead: where it does not come to serve, no other would.
    """

    def __init__(self, plan: Plan, sock: socket.socket, count: int, signals: socket.socket) -> None:
        self._plan = plan
        self._sock = sock
        self._count = count
        self._signals = signals
        self._workers: list[_Worker] = []
        self._have_served = False
        self._is_stopping = False
        self._code = 0

    def run(self) -> int:
        self._start()
        while self._workers:
            handles = [handle for worker in self._workers for handle in worker.handles]
            if self._signals in wait([self._signals, *handles]):
                for sig in self._signals.recv(64):
                    self._hear(sig)
            self._look()
            self._fill()
        return self._code

    def _start(self) -> None:
        ready, told = multiprocessing.Pipe(duplex=False)
        arguments = (self._plan, self._sock, told, not self._have_served)
        # What a fork takes along of the supervisor's threads and signals, nobody can tell.
        process = multiprocessing.get_context("spawn").Process(
            target=serve_as_worker, args=arguments
        )
        with told, deaf_to_ctrl_c():
            process.start()
        self._workers.append(_Worker(process, ready))

    def _look(self) -> None:
        for worker in list(self._workers):
            worker.look()
            self._have_served |= worker.serves
            if not worker.process.is_alive():
                self._workers.remove(worker)
                self._ended(worker)

    def _ended(self, worker: _Worker) -> None:
        code = worker.process.exitcode or 0
        if self._is_stopping:
            return
        if worker.serves:
            logger.warning("a worker ended (exit code %s); another takes its place", code)
            return
        if code < 0:
            complain(f"Error: a worker ended before it served ({signal.strsignal(-code)})")
        self._code = code if code > 0 else FAILED
        self._stop(signal.SIGTERM)

    def _fill(self) -> None:
        while self._have_served and not self._is_stopping and len(self._workers) < self._count:
            self._start()

    def _hear(self, sig: int) -> None:
        if self._is_stopping and sig == signal.SIGINT:
            self._code = INTERRUPTED
            for worker in self._workers:
                worker.process.kill()
        else:
            self._stop(sig)

    def _stop(self, sig: int) -> None:
        self._is_stopping = True
        # While this one is open, the system takes new connections that nobody will serve.
        self._sock.close()
        for worker in self._workers:
            worker.stop(sig)
