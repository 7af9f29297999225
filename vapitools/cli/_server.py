"""Uvicorn, run so that nothing a bot does leaves a caller, or the terminal, waiting."""

from __future__ import annotations

import contextlib
import errno
import functools
import ipaddress
import json
import multiprocessing
import os
import shlex
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Generator
from dataclasses import dataclass
from multiprocessing import resource_tracker
from pathlib import Path
from types import FrameType

import typer
import uvicorn
from starlette.types import ASGIApp
from uvicorn.supervisors import ChangeReload

from ..auth import SharedSecret
from ..settings import Settings
from ..toolset import Toolset
from ..web import router
from . import _logs, _madeup
from . import target as targets
from ._ending import end_within
from ._report import FAILED, USAGE, CommandError, complain, describe, place
from ._standin import Guarded, StandIn

# For how many seconds open connections are waited for. A stream never ends by itself.
_GRACE = 3
_GRACE_RELOADING = 1
# What the bot's own lifespan has after that.
_LAST_SECONDS = 2


# --- listening ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Listener:
    """An open socket, and what may be said of it.

    Attributes:
        sock: The socket, listening.
        url: How it is reached from this machine.
        is_loopback: Whether only this machine reaches it.
    """

    sock: socket.socket
    url: str
    is_loopback: bool


def listen(host: str, port: int) -> Listener:
    """Open the port before anything is served, so that a failure is one line.

    Raises:
        CommandError: It cannot be opened.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise CommandError(f"there is no host {host!r}", exit_code=USAGE) from None
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere it would let two programs share a port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(2048)
    except OSError as error:
        sock.close()
        raise CommandError(_why_not(error, host, port)) from error
    sock.set_inheritable(True)
    bound, bound_port = sock.getsockname()[:2]
    ip = ipaddress.ip_address(str(bound).partition("%")[0])
    return Listener(sock, _url(ip, bound_port), ip.is_loopback)


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use; stop what uses it, or take another: --port {port + 1}"
    if error.errno == errno.EACCES:
        return f"port {port} is for the system's own programs; take one from 1024 on: --port 8000"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine; take 127.0.0.1, or 0.0.0.0 for all of them"
    return f"cannot listen on {host}, port {port}: {error.strerror}"


def _url(ip: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> str:
    if ip.is_unspecified:
        ip = ipaddress.ip_address("127.0.0.1" if ip.version == 4 else "::1")
    return f"http://[{ip}]:{port}" if ip.version == 6 else f"http://{ip}:{port}"


# --- serving ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """What is to be served, and how. It can be sent to another process.

    Attributes:
        target: TARGET, as it was written.
        settings: Limits and secrets.
        url: Where the server is reached from this machine.
        is_loopback: Whether only this machine reaches it.
        debug: Whether tracebacks are shown.
    """

    target: str
    settings: Settings
    url: str
    is_loopback: bool
    debug: bool

    @property
    def auth(self) -> SharedSecret | None:
        """Who is let in."""
        secrets = self.settings.server_secrets
        return SharedSecret(*secrets) if secrets else None


def serve(plan: Plan, listener: Listener, bot: targets.Bot) -> int:
    """Serve the bot until Ctrl-C, and return the exit code."""
    _logs.show()
    app = Guarded(_app(plan, bot), functools.partial(_report, plan, bot.folder))
    config = _config(app, _GRACE, web_sockets=bot.app is not None)
    return _run(_Server(config, functools.partial(_announce, plan, bot)), [listener.sock])


def serve_reloading(plan: Plan, listener: Listener, folder: Path) -> int:
    """Serve the bot until Ctrl-C, and anew after each change in the folder.

    Raises:
        CommandError: The folder cannot be watched.
    """
    _logs.show()
    typer.echo(f"Watching the Python files in {folder}")
    # This one loads no app: it tells the supervisor what to watch. It begins to after the delay,
    # and by then the first worker must not be ready, or an edit could be missed.
    watched = uvicorn.Config(
        "", reload=True, reload_dirs=[str(folder)], reload_delay=0.05, log_config=None
    )
    supervisor = _Supervisor(watched, functools.partial(work, plan), [listener.sock])
    try:
        supervisor.run()
    # Such as a folder larger than the system's limit of watched files.
    except (OSError, RuntimeError) as error:
        supervisor.shutdown()
        raise CommandError(f"cannot watch {folder}: {describe(error)}") from error
    return 0


class _Supervisor(ChangeReload):  # type: ignore[misc, valid-type]
    """Starts a new worker after each change.

    Ctrl-C reaches every process of a terminal. A worker that is still loading would answer it
    with a traceback; the supervisor ends it anyway.
    """

    def startup(self) -> None:
        with _deaf_to_ctrl_c():
            super().startup()

    def restart(self) -> None:
        with _deaf_to_ctrl_c():
            super().restart()


def work(plan: Plan, sockets: list[socket.socket] | None) -> None:
    """Serve the bot, or its stand-in, in a worker process of the supervisor."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Python's cache of compiled files misses an edit within the second that keeps the length.
    sys.dont_write_bytecode = True
    stand_in = StandIn(plan.auth, plan.settings)
    try:
        bot = targets.load(plan.target, apps=True)
    except targets.TargetError as error:
        _logs.show()
        _say(str(error), error.__cause__ if plan.debug else None)
        config = _config(stand_in, _GRACE_RELOADING, web_sockets=False)
        _run(_Server(config, functools.partial(_announce_stand_in, plan)), sockets)
    else:
        _logs.show()
        app = Guarded(_app(plan, bot), functools.partial(_report, plan, bot.folder), stand_in)
        config = _config(app, _GRACE_RELOADING, web_sockets=bot.app is not None)
        _run(_Server(config, lambda: _announce_either(plan, bot, app)), sockets)


def _app(plan: Plan, bot: targets.Bot) -> ASGIApp:
    if bot.toolset is None:
        app: ASGIApp = bot.app
        return app
    return router(
        bot.toolset,
        auth=plan.auth,
        settings=plan.settings,
        show_tools=plan.is_loopback,
        lifespan=bot.lifespan,
    )


def _config(app: ASGIApp, grace: int, *, web_sockets: bool) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        interface="asgi3",
        # The tools need none, and the library for them takes its time to load.
        ws="auto" if web_sockets else "none",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=grace,
    )


class _Server(uvicorn.Server):
    """Says when it is ready, and ends in time."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell_ready = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._tell_ready()
            _hear_ctrl_c()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self.should_exit:
            end_within((self.config.timeout_graceful_shutdown or 0) + _LAST_SECONDS, 0)
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        _logs.hide()


def _run(server: _Server, sockets: list[socket.socket] | None) -> int:
    with contextlib.suppress(KeyboardInterrupt, SystemExit):
        server.run(sockets=sockets)
    return 0 if server.started else FAILED


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Generator[None, None, None]:
    """Start processes that do not hear Ctrl-C: they inherit this."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # It is started with the first process, and undoes the blocking.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _hear_ctrl_c() -> None:
    """Undo it once the server can handle it, for what the bot starts."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])


def _end_with_parent() -> None:
    """A worker whose supervisor was killed would hold the port with nobody to stop it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(FAILED)


# --- saying -------------------------------------------------------------------------------


def _announce(plan: Plan, bot: targets.Bot) -> None:
    if bot.toolset is None:
        typer.echo(f"Serving {bot.label} at {plan.url}")
        return
    secret = "the secret in VAPI_SERVER_SECRET" if plan.auth else "no secret"
    typer.echo(f"Webhook: {plan.url}/webhook (asks for {secret})")
    typer.echo(f"Tools:   {', '.join(bot.toolset.names)}")
    typer.echo(f"Try it:  {_curl(plan, bot.toolset)}")


def _curl(plan: Plan, toolset: Toolset) -> str:
    tool = next(iter(toolset))
    arguments = json.dumps(_madeup.sample_arguments(tool), ensure_ascii=False)
    # The shell fills it in, so that the secret is not on the screen; of several, the first.
    secret = ' -H "X-Vapi-Secret: ${VAPI_SERVER_SECRET%%,*}"' if plan.auth else ""
    return (
        f"curl {plan.url}/tools/{tool.name}{secret} "
        f"-H 'Content-Type: application/json' -d {shlex.quote(arguments)}"
    )


def _announce_either(plan: Plan, bot: targets.Bot, app: Guarded) -> None:
    if app.stands_in:
        _announce_stand_in(plan)
    else:
        _announce(plan, bot)


def _announce_stand_in(plan: Plan) -> None:
    complain(f"Until it is repaired, {plan.url} answers each tool call with an error.")


def _report(plan: Plan, folder: Path, error: BaseException) -> None:
    """Say what a lifespan raised."""
    _say(f"{place(error, folder) or 'lifespan'}: {describe(error)}", error if plan.debug else None)


def _say(text: str, error: BaseException | None) -> None:
    if error is not None:
        complain("".join(traceback.format_exception(error)).rstrip())
    complain(f"Error: {text}")
