"""Uvicorn, run so that nothing a bot does leaves a caller, or the terminal, waiting."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import math
import multiprocessing
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Generator
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Literal

import typer
import uvicorn
from starlette.types import ASGIApp
from uvicorn.supervisors import ChangeReload

from ..errors import SettingsError
from ..web import router
from . import _logs
from . import target as targets
from ._announcing import announce, announce_stand_in
from ._ending import end_within
from ._plan import Plan
from ._report import FAILED, CommandError, complain, describe, place, reported
from ._standin import Guarded, StandIn

# The exit code of what a second Ctrl-C ends, as shells have it.
INTERRUPTED = 130

# --- ending -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Grace:
    """For how many seconds the end is waited for.

    Attributes:
        connections: Of the open connections. A stream never ends by itself.
        closing: Of the handlers of events and the bot's own lifespan, after that.
    """

    connections: int
    closing: int = 2


# Somebody sits at the terminal and waits.
_AFTER_CTRL_C = _Grace(3)
_RELOADING = _Grace(1)

# What an answer has to reach its caller after the deadline of its tool.
_TO_ANSWER = 1
# An app of the user's own says nothing about itself. Vapi waits 20 seconds for a tool.
_OF_AN_APP = 20


def _after_sigterm(plan: Plan, bot: targets.Bot) -> _Grace:
    """A process manager ends the server, perhaps with callers on the line."""
    longest = _OF_AN_APP
    if bot.toolset is not None:
        limits = [tool.timeout for tool in bot.toolset]
        if bot.events is not None:
            answerers = map(bot.events.answerer, bot.events.types)
            limits += [answerer.timeout for answerer in answerers if answerer is not None]
        longest = math.ceil(max(limits, default=0)) + _TO_ANSWER
    return _Grace(longest, plan.settings.grace_seconds + _AFTER_CTRL_C.closing)


# --- serving ------------------------------------------------------------------------------


def serve(plan: Plan, sock: socket.socket, bot: targets.Bot) -> int:
    """Serve the bot until a signal ends it, and return the exit code."""
    return _serve(plan, sock, bot, functools.partial(announce, plan, bot))


def serve_as_worker(plan: Plan, sock: socket.socket, ready: Connection, announces: bool) -> None:
    """The same in a process of `_workers`: it loads the bot, and ends with the exit code.

    Args:
        plan: What is to be served.
        sock: Where.
        ready: Where to send word as soon as it serves.
        announces: Whether it tells the terminal, too.
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        with reported(plan.debug):
            bot = targets.load(plan.target, to_serve=True)
            plan.check(bot)
            tell = functools.partial(_tell_supervisor, plan, bot, ready, announces)
            code = _serve(plan, sock, bot, tell, supervised=True)
    except typer.Exit as ended:
        code = ended.exit_code
    # A thread that a bot leaves behind must not hold the others.
    end_within(_AFTER_CTRL_C.closing, code)
    sys.exit(code)


def _tell_supervisor(plan: Plan, bot: targets.Bot, ready: Connection, announces: bool) -> None:
    if announces:
        announce(plan, bot)
    ready.send(None)


def _serve(
    plan: Plan,
    sock: socket.socket,
    bot: targets.Bot,
    tell_ready: Callable[[], None],
    *,
    supervised: bool = False,
) -> int:
    _logs.show()
    app = Guarded(_app(plan, bot), functools.partial(_report, plan, bot.folder))
    config = _config(plan.recorded(app), web_sockets=bot.app is not None)
    grace = _after_sigterm(plan, bot)
    return _run(_Server(config, tell_ready, grace, supervised=supervised), [sock])


def serve_reloading(plan: Plan, sock: socket.socket, folder: Path) -> int:
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
    supervisor = _Supervisor(watched, functools.partial(work, plan), [sock])
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
        with deaf_to_ctrl_c():
            super().startup()

    def restart(self) -> None:
        with deaf_to_ctrl_c():
            super().restart()


def work(plan: Plan, sockets: list[socket.socket] | None) -> None:
    """Serve the bot, or its stand-in, in a worker process of the supervisor."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Python's cache of compiled files misses an edit within the second that keeps the length.
    sys.dont_write_bytecode = True
    stand_in = StandIn(plan.auth, plan.settings)
    try:
        bot = targets.load(plan.target, to_serve=True)
        app = Guarded(_app(plan, bot), functools.partial(_report, plan, bot.folder), stand_in)
    except (targets.TargetError, SettingsError) as error:
        _logs.show()
        _say(str(error), error.__cause__ if plan.debug else None)
        config = _config(plan.recorded(stand_in), web_sockets=False)
        tell_ready = functools.partial(announce_stand_in, plan)
    else:
        _logs.show()
        config = _config(plan.recorded(app), web_sockets=bot.app is not None)
        tell_ready = functools.partial(_announce_either, plan, bot, app)
    _run(_Server(config, tell_ready, _RELOADING, _RELOADING), sockets)


def _app(plan: Plan, bot: targets.Bot) -> ASGIApp:
    if bot.toolset is None:
        app: ASGIApp = bot.app
        return app
    return router(
        bot.toolset,
        auth=plan.auth,
        events=bot.events,
        settings=plan.settings,
        show_tools=plan.is_loopback,
        lifespan=bot.lifespan,
    )


def _config(app: ASGIApp, *, web_sockets: bool) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        interface="asgi3",
        http=_protocol(),
        # The tools need none, and the library for them takes its time to load.
        ws="auto" if web_sockets else "none",
        log_config=None,
        access_log=False,
    )


def _protocol() -> type[asyncio.Protocol] | Literal["auto"]:
    try:
        from ._protocol import BoundedProtocol
    except ImportError:
        # Without httptools uvicorn has h11, which bounds a head itself.
        return "auto"
    return BoundedProtocol


class _Server(uvicorn.Server):
    """Says when it is ready, and ends in time."""

    def __init__(
        self,
        config: uvicorn.Config,
        tell_ready: Callable[[], None],
        after_sigterm: _Grace,
        after_ctrl_c: _Grace = _AFTER_CTRL_C,
        *,
        supervised: bool = False,
    ) -> None:
        super().__init__(config)
        self._tell_ready = tell_ready
        self._after_sigterm = after_sigterm
        self._after_ctrl_c = after_ctrl_c
        self._is_supervised = supervised
        self._is_ending = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._tell_ready()
            _hear_ctrl_c()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Another signal can come while this one is being handled.
        is_ending, self._is_ending = self._is_ending, True
        if not is_ending:
            grace = self._after_ctrl_c if sig == signal.SIGINT else self._after_sigterm
            self.config.timeout_graceful_shutdown = grace.connections
            end_within(grace.connections + grace.closing, 0)
            super().handle_exit(sig, frame)
        # A supervisor passes on the Ctrl-C that the terminal has sent here already.
        elif sig == signal.SIGINT and not self._is_supervised:
            os._exit(INTERRUPTED)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        _logs.hide()


def _run(server: _Server, sockets: list[socket.socket] | None) -> int:
    # What is loaded by now stays. To look through it again takes the garbage collector a while,
    # and callers would wait.
    gc.freeze()
    with contextlib.suppress(KeyboardInterrupt, SystemExit), _ending_well_on_sigterm():
        server.run(sockets=sockets)
    return 0 if server.started else FAILED


@contextlib.contextmanager
def _ending_well_on_sigterm() -> Generator[None, None, None]:
    """When Uvicorn has ended, it raises the signal again, which would end this process there."""
    before = signal.getsignal(signal.SIGTERM)
    if before == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def deaf_to_ctrl_c() -> Generator[None, None, None]:
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


# --- saying ----------------------------------------------------------------------------


def _announce_either(plan: Plan, bot: targets.Bot, app: Guarded) -> None:
    if app.stands_in:
        announce_stand_in(plan)
    else:
        announce(plan, bot)


def _report(plan: Plan, folder: Path, error: BaseException) -> None:
    """Say what a lifespan raised."""
    _say(f"{place(error, folder) or 'lifespan'}: {describe(error)}", error if plan.debug else None)


def _say(text: str, error: BaseException | None) -> None:
    if error is not None:
        complain("".join(traceback.format_exception(error)).rstrip())
    complain(f"Error: {text}")
