"""Opens the port."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from dataclasses import dataclass

from ._report import USAGE, CommandError


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
