"""An app on a free port of this machine, in a thread."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any

from starlette.types import ASGIApp

from ..errors import PlayError

_START = 60.0
_STOP = 5.0


@contextmanager
def serving(app: ASGIApp, port: int = 0, *, start: float = _START) -> Generator[str]:
    """Serve the app for as long as the block lasts. Gives the base URL.

    Args:
        app: The app.
        port: Where; 0 takes a free port.
        start: How many seconds it may take to start.

    Raises:
        PlayError: The port is in use, or the app did not start.
    """
    server = _server(app)
    with _listening(port) as listening:
        thread = threading.Thread(target=_run, args=(server, listening), daemon=True)
        thread.start()
        try:
            _wait(lambda: server.started or not thread.is_alive(), start)
            if not server.started:
                why = f" within {start:g} s" if thread.is_alive() else ""
                raise PlayError(f"the app did not start{why}")
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.stop()
            # What hangs in the app's own end is not waited for.
            thread.join(_STOP)


def _server(app: ASGIApp) -> Any:
    # Whoever gives the app to a client of its own does not need it.
    import uvicorn

    class Server(uvicorn.Server):
        """One that ends when it is told to, and not at the next of its ticks."""

        def __init__(self, config: uvicorn.Config) -> None:
            super().__init__(config)
            self._stopped = threading.Event()
            self._wake: Callable[[], object] = lambda: None

        async def main_loop(self) -> None:
            stopped, loop = asyncio.Event(), asyncio.get_running_loop()
            self._wake = lambda: loop.call_soon_threadsafe(stopped.set)
            if not self._stopped.is_set():
                await stopped.wait()

        def stop(self) -> None:
            self.should_exit = True
            self._stopped.set()
            with suppress(RuntimeError):  # its loop has ended by itself
                self._wake()

    return Server(uvicorn.Config(app, log_config=None, ws="none", timeout_graceful_shutdown=1))


def _run(server: Any, sock: socket.socket) -> None:
    # A failed start ends in it. It is said by whoever waits for the server.
    with suppress(SystemExit):
        server.run(sockets=[sock])


def _wait(is_over: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not is_over() and time.monotonic() < end:
        time.sleep(0.005)


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError:
        raise PlayError(f"port {port} of this machine is in use; take another") from None
