"""An app on a free port of this machine, in a thread."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

from starlette.types import ASGIApp

from ..errors import PlayError


@contextmanager
def serving(app: ASGIApp) -> Generator[str]:
    """Serve the app for as long as the block lasts. Gives the base URL.

    Raises:
        PlayError: The app did not start.
    """
    # Whoever gives the app to a client of its own does not need it.
    import uvicorn

    config = uvicorn.Config(app, log_config=None, ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        try:
            while thread.is_alive() and not server.started:
                time.sleep(0.005)
            if not server.started:
                raise PlayError("the app did not start")
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
