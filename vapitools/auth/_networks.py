"""Where a request comes from."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import AuthenticationError, SettingsError
from ._delivery import Delivery

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

VAPI = "167.150.224.0/23"

# Some proxies put a port behind the address.
_WITH_PORT = re.compile(r"(?:(\d+\.\d+\.\d+\.\d+)|\[(.*)\])(?::\d{1,5})?")


class OnlyFrom:
    """Lets in only who comes from known addresses.

    An address alone proves little: everybody else at Vapi calls from the same range. Use it
    beside a secret, `AllOf(OnlyFrom(), SharedSecret(…))`.

    Args:
        networks: Such as `"10.0.0.0/8"` or one address. By default Vapi's static range, which it
            uses for servers with `staticIpAddressesEnabled`.
        trusted_proxies: The addresses of your own proxies. What they say in `X-Forwarded-For`
            is believed; what anybody else says there is not.

    Raises:
        SettingsError: Something is no network.
    """

    def __init__(self, *networks: str, trusted_proxies: Iterable[str] = ()) -> None:
        self._networks = [_network(text) for text in networks or (VAPI,)]
        if isinstance(trusted_proxies, str):
            trusted_proxies = (trusted_proxies,)
        self._proxies = [_network(text) for text in trusted_proxies]
        if any(network.prefixlen == 0 for network in self._proxies):
            raise SettingsError(
                "OnlyFrom: trusted_proxies holds every address there is, so that anybody could "
                "write what X-Forwarded-For says; name your own proxies"
            )

    async def verify(self, delivery: Delivery) -> None:
        """See `Verifier.verify`."""
        if not delivery.client:
            raise AuthenticationError("the address of the sender is unknown to the server")
        address = _address(delivery.client)
        hops = _forwarded(delivery)
        while _is_in(address, self._proxies) and hops:
            address = _address(hops.pop())
        if not _is_in(address, self._networks):
            raise AuthenticationError(self._why(address, bool(hops)))

    def server_fields(self) -> Mapping[str, Any]:
        """What Vapi's `server` object needs so that this verifier lets it in."""
        static = ipaddress.ip_network(VAPI) in self._networks
        return {"staticIpAddressesEnabled": True} if static else {}

    def _why(self, address: _Address | None, is_forwarded: bool) -> str:
        if address is None:
            return "the address of the sender cannot be read"
        if _is_in(address, self._proxies):
            return "it comes from a trusted proxy that names no sender in x-forwarded-for"
        hint = ": is it a proxy that trusted_proxies lacks?" if is_forwarded else ""
        return f"the address {address} is in none of our networks{hint}"

    def __repr__(self) -> str:
        return f"OnlyFrom({', '.join(repr(str(network)) for network in self._networks)})"


def _network(text: str) -> _Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise SettingsError(f"OnlyFrom: {error}; write it like 10.0.0.0/8") from None


def _forwarded(delivery: Delivery) -> list[str]:
    """The addresses that proxies have seen, the nearest last."""
    values = [value for name, value in delivery.headers if name == b"x-forwarded-for"]
    text = b",".join(values).decode("latin-1")
    return text.split(",") if text else []


def _address(text: str) -> _Address | None:
    text = text.strip()
    if with_port := _WITH_PORT.fullmatch(text):
        text = with_port[1] or with_port[2]
    try:
        # A zone, as in fe80::1%eth0, can be any text.
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # A server that listens on both shows an address of version 4 inside one of version 6.
    return getattr(address, "ipv4_mapped", None) or address


def _is_in(address: _Address | None, networks: Sequence[_Network]) -> bool:
    return address is not None and any(address in network for network in networks)
